//! A person takes a rollout back.
//!
//! What has not started is withdrawn at once. What may have changed the service
//! is marked, and turned back as soon as it is known what the service was asked
//! for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::failure::Failure;
use super::super::name::RolloutId;
use super::super::reason::SupersededBy;
use super::super::rollout::{Back, Phase, Rollout, Way};
use super::super::state::{HaltedTarget, TargetState};
use super::Refusal;

/// A person's wish to take a rollout back that may have changed the service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RollBack {
    /// The rollout.
    pub rollout: RolloutId,
    /// The command that asked for it.
    pub request_id: String,
}

/// Says why there is nothing that a rollback could take back, if so.
pub(super) fn check(state: &TargetState) -> Result<(), Refusal> {
    let good = state.last_known_good.as_ref();
    let unfinished = state.current.as_ref().or(state.waiting.first());
    let (rollout, started) = match (unfinished, &state.halted) {
        (Some(rollout), _) => (rollout, rollout.phase.start().is_some()),
        (None, Some(halted)) if halted.news.running.is_some() => (&halted.news.rollout, true),
        (None, _) => {
            return Err(Refusal::NothingUnderWay {
                good: good.map(|good| good.task_definition.clone()),
            });
        }
    };
    let rollout_id = || rollout.id.clone();
    match (&rollout.phase, good) {
        (Phase::RollingBack { .. }, _) => Err(Refusal::RollingBack {
            rollout: rollout_id(),
        }),
        (_, None) if started => Err(Refusal::NothingToGoBackTo {
            rollout: rollout_id(),
        }),
        (_, None | Some(_)) => Ok(()),
    }
}

/// Withdraws what has not started, and marks what has for its way back.
pub(super) fn begin(state: &mut TargetState, request_id: &str, now: Timestamp) -> Vec<Rollout> {
    let started = |rollout: &Rollout| rollout.phase.start().is_some();
    let withdrawn = state.current.take_if(|current| !started(current));
    let waiting = std::mem::take(&mut state.waiting);
    let withdrawn: Vec<Rollout> = withdrawn
        .into_iter()
        .chain(waiting)
        .map(|rollout| Rollout {
            phase: Phase::Superseded {
                by: SupersededBy::Operator {
                    request_id: request_id.to_owned(),
                },
            },
            ..rollout
        })
        .collect();
    if state.current.is_none() && withdrawn.is_empty() {
        state.current = state
            .halted
            .as_ref()
            .and_then(|halted| once_more(halted, request_id, now));
    }
    state.halted = None;
    state.roll_back = state.current.as_ref().map(|current| RollBack {
        rollout: current.id.clone(),
        request_id: request_id.to_owned(),
    });
    withdrawn
}

/// Makes a rollout of one that halted, to be taken back once more.
///
/// The one that halted stays what it is; of this one it is known what the service was asked for.
fn once_more(halted: &HaltedTarget, request_id: &str, now: Timestamp) -> Option<Rollout> {
    let news = &halted.news;
    let phase = Phase::Progressing {
        start: news.start.clone()?,
        running: news.running.clone()?,
    };
    Some(Rollout {
        id: RolloutId::new(now, &[news.rollout.id.as_str(), request_id]),
        requested_at: now,
        phase,
        ..news.rollout.clone()
    })
}

/// Gives the command that takes the rollout back, if one does.
#[must_use]
pub fn withdrawn_by<'a>(state: &'a TargetState, rollout: &Rollout) -> Option<&'a str> {
    let asked = state.roll_back.as_ref()?;
    (asked.rollout == rollout.id).then_some(asked.request_id.as_str())
}

/// Turns the current rollout back, once it is known what it asked the service for.
#[must_use]
pub fn turn_back(state: &TargetState, current: &Rollout, now: Timestamp) -> Option<Phase> {
    withdrawn_by(state, current)?;
    let good = state.last_known_good.as_ref()?;
    match current.phase.clone() {
        Phase::Progressing { start, running } | Phase::Baking { start, running, .. } => {
            Some(Phase::RollingBack {
                start,
                running,
                failure: Failure::AskedByOperator,
                back: Back {
                    to: good.task_definition.clone(),
                    began_at: now,
                    way: Way::Unasked,
                    corrected: None,
                    stack: None,
                    paused_at: None,
                },
            })
        }
        Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::RollingBack { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => None,
    }
}
