//! Carries out what was decided, once it is saved, and notes what came of it.

use jiff::SignedDuration;

use super::step::Step;
use crate::core::decide::{Action, READ_LAG};
use crate::core::observation::Observation;
use crate::core::reason::{Rejected, Waiting};
use crate::core::rollout::{Phase, Rollout, Running, Start};
use crate::core::state::Wake;
use crate::ports::{CallError, Clock, Services};

/// How soon to ask again after AWS turned a call away.
const THROTTLED_PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// Acts for the current rollout; answers whether another step may follow at once.
pub(super) async fn act<S: Services, C: Clock>(
    services: &S,
    step: &mut Step,
    actions: &[Action],
    clock: &C,
) -> bool {
    let mut registered = None;
    for action in actions {
        let Some(current) = step.state.current.clone() else {
            return true;
        };
        let Phase::Starting {
            start, revision, ..
        } = current.phase.clone()
        else {
            return true;
        };
        let answer = match action {
            Action::Register(request) => match services.register(request).await {
                Ok(arn) => {
                    registered = Some(arn);
                    continue;
                }
                Err(error) => Err((None, error)),
            },
            Action::UpdateService(named) => {
                let Some(revision) = named.clone().or(registered.clone()).or(revision) else {
                    return true;
                };
                let service = &current.policy.service;
                match services.update(service, &revision).await {
                    Ok(deployment) => Ok((revision, deployment)),
                    Err(error) => Err((Some(revision), error)),
                }
            }
        };
        let now = clock.now();
        let (phase, wake_at, waiting) = match answer {
            Ok((revision, deployment)) => {
                let running = Running {
                    revision,
                    deployment: deployment.id,
                    deployment_created_at: deployment.created_at,
                    asked_at: now,
                };
                (
                    Phase::Progressing { start, running },
                    now + READ_LAG,
                    Waiting::Deployment,
                )
            }
            Err((
                _,
                CallError::Refused {
                    call,
                    code,
                    message,
                },
            )) => {
                let reason = Rejected::Refused {
                    call,
                    code,
                    message,
                };
                step.apply(
                    &current,
                    Phase::Rejected { reason },
                    &Observation::default(),
                    now,
                );
                return true;
            }
            Err((revision, error)) => {
                let (phase, wake_at) = after_trouble(&current, start, revision, &error, now);
                (
                    phase,
                    wake_at,
                    Waiting::Aws {
                        trouble: error.to_string(),
                    },
                )
            }
        };
        step.apply(&current, phase, &Observation::default(), now);
        step.state.wake = Some(Wake {
            at: wake_at,
            waiting,
        });
    }
    false
}

/// What is true after a call that was turned away, or whose answer was lost.
fn after_trouble(
    current: &Rollout,
    start: Start,
    revision: Option<String>,
    error: &CallError,
    now: jiff::Timestamp,
) -> (Phase, jiff::Timestamp) {
    let intended_at = match &current.phase {
        Phase::Starting {
            update_intended_at, ..
        } => *update_intended_at,
        _ => None,
    };
    match error {
        // It surely had no effect: there is nothing to look for before asking again.
        CallError::Throttled { .. } | CallError::Refused { .. } => {
            let phase = Phase::Starting {
                start,
                revision,
                update_intended_at: None,
            };
            (phase, now + THROTTLED_PAUSE)
        }
        CallError::Unclear { .. } => {
            let phase = Phase::Starting {
                start,
                revision,
                update_intended_at: intended_at,
            };
            (phase, intended_at.unwrap_or(now) + READ_LAG)
        }
    }
}
