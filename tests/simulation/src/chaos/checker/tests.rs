//! Each invariant has to be reported where a forged history breaks it, and the
//! history that keeps it has to pass.

mod alarms;
mod asked;
mod by_hand;
mod definition;
mod end;
mod fairness;
mod order;
mod outcomes;
mod progress;
mod quarantine;
mod stacks;
mod tasks;
mod told;
mod unasked;

use pushboat::core::rollout::Rollout;

use super::forged::*;
use super::*;
