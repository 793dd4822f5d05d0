//! Carries out what was decided, once it is saved, and notes what came of it.

use jiff::{SignedDuration, Timestamp};

use super::observe::LOOK_HOLDS;
use super::stack;
use super::step::Step;
use crate::core::decide::{Action, READ_LAG};
use crate::core::observation::{Observation, ServiceDeployment};
use crate::core::reason::{Halted, Rejected, Waiting};
use crate::core::rollout::{Back, Phase, Rollout, Running, Way};
use crate::core::state::Wake;
use crate::ports::{CallError, Clock, Services, Stacks};

/// How soon to ask again after AWS turned a call away.
const THROTTLED_PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// Acts for the current rollout; answers whether another step may follow at once.
pub(super) async fn act<S: Services, K: Stacks, C: Clock>(
    services: &S,
    stacks: &K,
    step: &mut Step,
    actions: &[Action],
    looked_at: Timestamp,
    clock: &C,
) -> bool {
    let Some(current) = step.state.current.clone() else {
        return true;
    };
    let mut revision = known_revision(&current.phase);
    for action in actions {
        match action {
            Action::Register(request) => match services.register(request).await {
                Ok(arn) => revision = Some(arn),
                Err(error) => return troubled(step, &current, None, error, clock.now()),
            },
            Action::UpdateService(named) => {
                let Some(revision) = named.clone().or_else(|| revision.clone()) else {
                    return true;
                };
                let now = clock.now();
                if now.duration_since(looked_at) > LOOK_HOLDS {
                    tracing::info!(rollout = %current.id, "too late to update the service unseen");
                    // It surely was not sent: there is nothing to wait for.
                    let phase = intended(&current.phase, Some(revision), None);
                    step.apply(&current, phase, &Observation::default(), now);
                    return true;
                }
                match services.update(&current.policy.service, &revision).await {
                    Ok(deployment) => {
                        taken(step, &current, revision, deployment, clock.now());
                        return false;
                    }
                    Err(error) => {
                        return troubled(step, &current, Some(revision), error, clock.now());
                    }
                }
            }
            Action::CreateChangeSet(_)
            | Action::ExecuteChangeSet(_)
            | Action::CancelUpdateStack => {
                // To make a change set changes nothing. What is left undone stays noted as meant, as
                // after a crash, and the next look tells that nothing came of it.
                let makes_only = matches!(action, Action::CreateChangeSet(_));
                if !makes_only && clock.now().duration_since(looked_at) > LOOK_HOLDS {
                    tracing::info!(rollout = %current.id, "too late to change the stack unseen");
                    return true;
                }
                return stack::act(stacks, step, &current, action, clock).await;
            }
            Action::StopServiceDeployment(arn) => {
                let answer = services.stop(arn).await;
                return stopped(step, &current, answer, clock.now());
            }
        }
    }
    true
}

/// The revision that was known when the step was saved.
fn known_revision(phase: &Phase) -> Option<String> {
    match phase {
        Phase::Starting { revision, .. } => revision.clone(),
        Phase::RollingBack { back, .. } => Some(back.to.clone()),
        Phase::Requested { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => None,
    }
}

/// ECS took the change.
fn taken(
    step: &mut Step,
    current: &Rollout,
    revision: String,
    deployment: ServiceDeployment,
    now: Timestamp,
) {
    step.state.remember_asked(&deployment.id);
    let (phase, waiting) = match current.phase.clone() {
        Phase::Starting { start, .. } => {
            let running = Running {
                revision,
                deployment: deployment.id,
                deployment_created_at: deployment.created_at,
                asked_at: now,
                deadline_from: None,
                paused_at: None,
            };
            (Phase::Progressing { start, running }, Waiting::Deployment)
        }
        phase => (
            on_the_way_back(phase, Some(revision), Some(now)),
            Waiting::WayBack,
        ),
    };
    step.apply(current, phase, &Observation::default(), now);
    step.state.wake = Some(Wake {
        at: now + READ_LAG,
        waiting,
    });
}

/// A call was refused, turned away, or its answer was lost.
pub(super) fn troubled(
    step: &mut Step,
    current: &Rollout,
    revision: Option<String>,
    error: CallError,
    now: Timestamp,
) -> bool {
    tracing::warn!(rollout = %current.id, %error, "a call did not succeed");
    let trouble = error.to_string();
    let throttled = matches!(error, CallError::Throttled { .. });
    let (intended_at, wake_at) = match error {
        CallError::Refused {
            call,
            code,
            message,
        } => {
            let phase = refused(current, call, code, message);
            step.apply(current, phase, &Observation::default(), now);
            return true;
        }
        // It surely had no effect: there is nothing to look for before asking again.
        CallError::Throttled { .. } => (None, now + THROTTLED_PAUSE),
        // It may have been taken at any moment up to now.
        CallError::Unclear { .. } => (Some(now), now + READ_LAG),
    };
    let mut phase = intended(&current.phase, revision, intended_at);
    if let (Phase::Starting { start, .. }, true) = (&mut phase, throttled) {
        start.throttled_at = Some(now);
    }
    step.apply(current, phase, &Observation::default(), now);
    step.state.wake = Some(Wake {
        at: wake_at,
        waiting: Waiting::Aws { trouble },
    });
    false
}

/// A phase with the revision that is known now, and when the service may have been updated.
fn intended(phase: &Phase, revision: Option<String>, intended_at: Option<Timestamp>) -> Phase {
    match phase.clone() {
        Phase::Starting { start, .. } => Phase::Starting {
            start,
            revision,
            update_intended_at: intended_at,
        },
        phase => on_the_way_back(phase, revision, intended_at),
    }
}

/// ECS was asked to roll our service deployment back; answers whether another step may follow at once.
fn stopped(
    step: &mut Step,
    current: &Rollout,
    answer: Result<(), CallError>,
    now: Timestamp,
) -> bool {
    let (way, waiting) = match answer {
        Ok(()) => (Way::Stop { intended_at: now }, Waiting::WayBack),
        Err(error @ CallError::Unclear { .. }) => {
            tracing::warn!(rollout = %current.id, %error, "a call got no answer");
            let trouble = error.to_string();
            (Way::Stop { intended_at: now }, Waiting::Aws { trouble })
        }
        // It had no effect, and an update leads to the same place.
        Err(error @ (CallError::Refused { .. } | CallError::Throttled { .. })) => {
            tracing::warn!(rollout = %current.id, %error, "the service is updated instead");
            let way = Way::Update { intended_at: None };
            step.apply(
                current,
                with_way(current.phase.clone(), way),
                &Observation::default(),
                now,
            );
            return true;
        }
    };
    step.apply(
        current,
        with_way(current.phase.clone(), way),
        &Observation::default(),
        now,
    );
    step.state.wake = Some(Wake {
        at: now + READ_LAG,
        waiting,
    });
    false
}

/// A phase whose way back, if it is on one, is changed.
fn with_back(phase: Phase, change: impl FnOnce(Back) -> Back) -> Phase {
    match phase {
        Phase::RollingBack {
            start,
            running,
            failure,
            back,
        } => Phase::RollingBack {
            start,
            running,
            failure,
            back: change(back),
        },
        other => other,
    }
}

fn with_way(phase: Phase, way: Way) -> Phase {
    with_back(phase, |back| Back { way, ..back })
}

fn refused(current: &Rollout, call: String, code: String, message: String) -> Phase {
    match &current.phase {
        Phase::RollingBack { failure, .. } => Phase::Halted {
            reason: Halted::WayBackRefused {
                failure: failure.clone(),
                call,
                code,
                message,
            },
        },
        _ => Phase::Rejected {
            reason: Rejected::Refused {
                call,
                code,
                message,
            },
        },
    }
}

/// A rollout on its way back, with what is known of it now.
fn on_the_way_back(
    phase: Phase,
    revision: Option<String>,
    intended_at: Option<Timestamp>,
) -> Phase {
    with_back(phase, |back| Back {
        to: revision.unwrap_or(back.to),
        way: Way::Update { intended_at },
        ..back
    })
}
