//! A hold: people let Pushboat look, decide and tell, but change nothing.
//!
//! There is one for everything, the SSM parameter `/<prefix>/hold`, and one for
//! each target, an operator's command. [`gate`] is the one place that both pass.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::decide::{Decision, Next};
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
/// A decision without actions always passes: what was seen is recorded and told
/// under a hold too.
pub fn gate(gate: Gate<'_>, rollout: &Rollout, decision: Decision, now: Timestamp) -> Decision {
    if decision.actions.is_empty() {
        return decision;
    }
    if let (Some(request_id), Phase::Starting { .. }) = (gate.withdrawn_by, &rollout.phase) {
        // It would be asked for anew only because nothing of it can be seen: nothing was changed.
        let by = SupersededBy::Operator {
            request_id: request_id.to_owned(),
        };
        return Decision {
            phase: Phase::Superseded { by },
            actions: Vec::new(),
            next: Next::Over,
        };
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
