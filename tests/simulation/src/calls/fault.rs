//! What goes wrong with a call, and how often.

use super::{Function, Operation};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// It is turned away before it has any effect.
    Throttled,
    /// It never arrives, and the caller cannot know.
    LostRequest,
    /// It has its effect, and the answer is lost.
    LostAnswer,
    /// AWS says no.
    Refused,
    /// Another write was faster; only a write to the ledger can meet it.
    Conflict,
    /// The function dies before it.
    CrashBefore,
    /// The function dies after its effect.
    CrashAfter,
    /// `rollout` stands still before it, for up to a minute, and goes on.
    PauseBefore,
    /// `rollout` stands still after its effect, likewise.
    PauseAfter,
    /// `rollout` is killed at its timeout while its write is on the way, which arrives minutes
    /// later; only a conditional write to the ledger can meet it.
    LateWrite,
}

/// How many of 10,000 calls meet each fault; none of them at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallRates {
    /// [`Fault::Refused`], of what changes something in ECS, CloudFormation or Parameter Store.
    pub refused: u32,
    /// [`Fault::Throttled`].
    pub throttled: u32,
    /// [`Fault::LostRequest`].
    pub lost_request: u32,
    /// [`Fault::LostAnswer`].
    pub lost_answer: u32,
    /// [`Fault::Conflict`], of the ledger's conditional writes.
    pub conflict: u32,
    /// [`Fault::CrashBefore`].
    pub crash_before: u32,
    /// [`Fault::CrashAfter`].
    pub crash_after: u32,
    /// [`Fault::PauseBefore`] and, as often, [`Fault::PauseAfter`].
    pub pause: u32,
    /// [`Fault::LateWrite`].
    pub late_write: u32,
}

impl CallRates {
    pub(super) fn draw(
        self,
        rng: &mut fastrand::Rng,
        function: Function,
        operation: Operation,
    ) -> Option<Fault> {
        let conflict = match operation {
            Operation::SaveTarget | Operation::ApplyRegistration => self.conflict,
            _ => 0,
        };
        let (late_write, pause_before) = match operation {
            Operation::SaveTarget => (self.late_write, 0),
            _ => (0, self.pause),
        };
        let (pause_before, pause_after) = match function {
            Function::Rollout => (pause_before, self.pause),
            _ => (0, 0),
        };
        let refused = match operation {
            Operation::RegisterTaskDefinition
            | Operation::UpdateService
            | Operation::StopServiceDeployment
            | Operation::CreateChangeSet
            | Operation::ExecuteChangeSet
            | Operation::CancelUpdateStack
            | Operation::PutParameter => self.refused,
            _ => 0,
        };
        let mut drawn = rng.u32(0..10_000);
        let rates = [
            (refused, Fault::Refused),
            (self.throttled, Fault::Throttled),
            (self.lost_request, Fault::LostRequest),
            (self.lost_answer, Fault::LostAnswer),
            (conflict, Fault::Conflict),
            (self.crash_before, Fault::CrashBefore),
            (self.crash_after, Fault::CrashAfter),
            // A write to the ledger arrives at once, or as a `LateWrite`.
            (pause_before, Fault::PauseBefore),
            (pause_after, Fault::PauseAfter),
            (late_write, Fault::LateWrite),
        ];
        for (rate, fault) in rates {
            if drawn < rate {
                return Some(fault);
            }
            drawn -= rate;
        }
        None
    }
}
