//! The pure core: what a rollout is, what AWS was seen to say, and what to do next.
//!
//! Nothing in here knows AWS's types, reads a clock or does I/O. Time comes in
//! as an argument, and every function answers with data.

pub mod adoption;
pub mod alarm;
pub mod decide;
pub mod deployed;
pub mod diagnosis;
pub mod evidence;
pub mod failure;
pub mod hold;
pub mod intake;
pub mod name;
pub mod observation;
pub mod operate;
pub mod ordering;
pub mod overlooked;
pub mod policy;
pub mod push;
pub mod reason;
pub mod rollout;
pub mod shared;
pub mod shared_alarm;
pub mod stack;
pub mod state;
