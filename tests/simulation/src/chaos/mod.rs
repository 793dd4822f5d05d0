//! Chaos: a seed decides what there is, what happens and what goes wrong, and
//! the invariants are checked after each step.
//!
//! [`run`] plays one seed. [`Checker`] knows the invariants; it is told what was
//! done and what was true then, and never asks `decide`.

mod busy;
mod checker;
mod coverage;
mod deployment;
mod happenings;
mod mistakes;
mod mix;
mod outages;
mod people;
mod plan;
mod platform;
mod registry;
mod run;
mod shrink;
mod stacks;
mod tally;
mod tools;

pub use checker::{Checker, End, Short, Tags, Terms, Unheard, Unsent, Violation};
pub use coverage::gaps;
pub use mix::{Mix, Trouble};
pub use run::{Run, run, run_part};
pub use shrink::{Part, shrink};
pub use tally::Tally;
