//! A hold: people let Pushboat look, decide and tell, but change nothing.
//!
//! There is one for everything, the SSM parameter `/<prefix>/hold`, and one for
//! each target, an operator's command. [`gate`] is the one place that both pass.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::decide::{Action, Decision, Next, READ_LAG};
use super::name::RolloutId;
use super::reason::{SupersededBy, Waiting};
use super::rollout::{Back, Phase, Rollout, Start};

/// How soon to look again at a rollout that is held: each minute's sweep, which reads the
/// parameter, is to find it due.
const HELD_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// Why nothing may be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hold {
    /// Why, in the words of whoever asked for it.
    pub reason: String,
    /// Since when, by our clock.
    pub since: Timestamp,
}

/// What people were told of a hold that keeps a rollout: anything else is told anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldTold {
    /// The rollout.
    pub rollout: RolloutId,
    /// The hold's reason.
    pub reason: String,
    /// Whether it is the target's own.
    pub by_command: bool,
}

/// What may come between a decision and its effects.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gate<'a> {
    /// The hold that stands, if one does.
    pub hold: Option<&'a Hold>,
    /// The command by which a person takes this rollout back, before it is known what it did.
    pub withdrawn_by: Option<&'a str>,
}

/// Lets a decision pass, unless it would change something that may not be changed.
///
/// A decision without actions always passes a hold: what was seen is recorded and told
/// under one too.
pub fn gate(gate: Gate<'_>, rollout: &Rollout, decision: Decision, now: Timestamp) -> Decision {
    let withdrawal = gate.withdrawn_by;
    if let Some(ended) = withdrawal.and_then(|by| withdrawn(by, rollout, &decision, now)) {
        return ended;
    }
    if decision.actions.is_empty() {
        return decision;
    }
    let Some(hold) = gate.hold else {
        return decision;
    };
    let waiting = Waiting::Held {
        reason: hold.reason.clone(),
    };
    Decision {
        phase: held(&rollout.phase, &waiting, now),
        actions: Vec::new(),
        next: Next::Wait(now + HELD_PAUSE, waiting),
    }
}

/// Ends a rollout that is taken back before it changed anything; `None` where it goes on.
fn withdrawn(
    request_id: &str,
    rollout: &Rollout,
    decision: &Decision,
    now: Timestamp,
) -> Option<Decision> {
    let Phase::Starting {
        update_intended_at, ..
    } = &rollout.phase
    else {
        return None;
    };
    match (decision.actions.as_slice(), &decision.next) {
        // Its change set waits for a person, and this is the answer.
        ([], Next::Wait(_, Waiting::Approval { .. })) => {}
        // It takes the update back, as the person wants.
        ([] | [Action::CancelUpdateStack], _) => return None,
        ([Action::ExecuteChangeSet(_)], _) => {
            let shows_at = update_intended_at.map(|at| at + READ_LAG);
            if let Some(at) = shows_at.filter(|at| now < *at) {
                // It may have been executed, and not be readable yet.
                return Some(Decision {
                    phase: rollout.phase.clone(),
                    actions: Vec::new(),
                    next: Next::Wait(at, Waiting::ReadLag),
                });
            }
        }
        // It would be asked for anew only because nothing of it can be seen: nothing was changed.
        (_, _) => {}
    }
    let by = SupersededBy::Operator {
        request_id: request_id.to_owned(),
    };
    Some(Decision {
        phase: Phase::Superseded { by },
        actions: Vec::new(),
        next: Next::Over,
    })
}

/// The phase of a rollout that is held; what it spends so does not count against its deadline.
fn held(phase: &Phase, waiting: &Waiting, now: Timestamp) -> Phase {
    match phase.clone() {
        Phase::Requested { .. } => Phase::Requested {
            waiting: waiting.clone(),
            hindered_since: None,
        },
        Phase::Starting {
            start,
            revision,
            update_intended_at,
        } => Phase::Starting {
            start: Start {
                at: now,
                ..(*start).clone()
            }
            .into(),
            revision,
            update_intended_at,
        },
        Phase::RollingBack {
            start,
            running,
            failure,
            back,
        } => Phase::RollingBack {
            start,
            running,
            failure,
            back: Back {
                began_at: now,
                ..back
            },
        },
        phase @ (Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. }) => phase,
    }
}
