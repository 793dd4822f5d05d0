//! Carries out what was decided, once it is saved, and notes what came of it.

use jiff::{SignedDuration, Timestamp};

use super::step::Step;
use crate::core::decide::{Action, READ_LAG};
use crate::core::observation::{Observation, ServiceDeployment};
use crate::core::reason::{Rejected, Waiting};
use crate::core::rollout::{Phase, Rollout, Running, Start};
use crate::core::state::Wake;
use crate::ports::{CallError, Clock, Services};

/// How soon to ask again after AWS turned a call away.
const THROTTLED_PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// A rollout in `Starting`, for which things are done.
struct Starting {
    current: Rollout,
    start: Start,
    /// The revision that was known when the step was saved.
    revision: Option<String>,
}

/// Acts for the current rollout; answers whether another step may follow at once.
pub(super) async fn act<S: Services, C: Clock>(
    services: &S,
    step: &mut Step,
    actions: &[Action],
    clock: &C,
) -> bool {
    let Some(starting) = starting(step) else {
        return true;
    };
    let mut revision = starting.revision.clone();
    for action in actions {
        match action {
            Action::Register(request) => match services.register(request).await {
                Ok(arn) => revision = Some(arn),
                Err(error) => return troubled(step, starting, None, error, clock.now()),
            },
            Action::UpdateService(named) => {
                let Some(revision) = named.clone().or_else(|| revision.clone()) else {
                    return true;
                };
                let service = &starting.current.policy.service;
                match services.update(service, &revision).await {
                    Ok(deployment) => {
                        taken(step, starting, revision, deployment, clock.now());
                        return false;
                    }
                    Err(error) => {
                        return troubled(step, starting, Some(revision), error, clock.now());
                    }
                }
            }
        }
    }
    true
}

fn starting(step: &Step) -> Option<Starting> {
    let current = step.state.current.clone()?;
    let Phase::Starting {
        start, revision, ..
    } = current.phase.clone()
    else {
        return None;
    };
    Some(Starting {
        current,
        start,
        revision,
    })
}

/// ECS took the change.
fn taken(
    step: &mut Step,
    starting: Starting,
    revision: String,
    deployment: ServiceDeployment,
    now: Timestamp,
) {
    let phase = Phase::Progressing {
        start: starting.start,
        running: Running {
            revision,
            deployment: deployment.id,
            deployment_created_at: deployment.created_at,
            asked_at: now,
        },
    };
    step.apply(&starting.current, phase, &Observation::default(), now);
    step.state.wake = Some(Wake {
        at: now + READ_LAG,
        waiting: Waiting::Deployment,
    });
}

/// A call was refused, turned away, or its answer was lost.
fn troubled(
    step: &mut Step,
    starting: Starting,
    revision: Option<String>,
    error: CallError,
    now: Timestamp,
) -> bool {
    tracing::warn!(rollout = %starting.current.id, %error, "a call did not succeed");
    let trouble = error.to_string();
    let (update_intended_at, wake_at) = match error {
        CallError::Refused {
            call,
            code,
            message,
        } => {
            let reason = Rejected::Refused {
                call,
                code,
                message,
            };
            let phase = Phase::Rejected { reason };
            step.apply(&starting.current, phase, &Observation::default(), now);
            return true;
        }
        // It surely had no effect: there is nothing to look for before asking again.
        CallError::Throttled { .. } => (None, now + THROTTLED_PAUSE),
        // It may have been taken at any moment up to now.
        CallError::Unclear { .. } => (Some(now), now + READ_LAG),
    };
    let phase = Phase::Starting {
        start: starting.start,
        revision,
        update_intended_at,
    };
    step.apply(&starting.current, phase, &Observation::default(), now);
    step.state.wake = Some(Wake {
        at: wake_at,
        waiting: Waiting::Aws { trouble },
    });
    false
}
