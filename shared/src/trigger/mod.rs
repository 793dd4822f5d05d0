//! What an event from EventBridge means to us, one file for each kind of event.
//!
//! Parsing is tolerant: every field may be missing, unknown fields and values
//! are let through, and what cannot be read is explained, never a failure.

pub mod alarm;
pub mod cloudformation;
pub mod ecr;
pub mod ecs;
pub mod ecs_service_action;
pub mod ecs_task;
mod envelope;
#[cfg(test)]
mod every_sample;
mod home;
pub mod ledger_stream;
pub mod ssm;

pub use envelope::Envelope;
pub use home::happened_here;
