//! `Progressing`: ECS replaces the tasks.

use jiff::Timestamp;

use super::super::alarm::{self, AlarmWatch};
use super::super::observation::{DeploymentState, Look, Observation, Service, ServiceDeployment};
use super::super::policy::Policy;
use super::super::reason::{Halted, SupersededBy, Waiting};
use super::super::rollout::{Phase, Running, Start};
use super::{
    Decision, Next, POLL, READ_LAG, RETRY, Standing, halt, newer_takes_over, over, standing,
    supersede, wait,
};

pub(super) fn decide(
    policy: &Policy,
    start: &Start,
    running: &Running,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    let (watches, fired) = look_at_alarms(start, observation);
    let start = Start {
        alarms: watches,
        ..start.clone()
    };
    let stay = |until: Timestamp, waiting| {
        let phase = Phase::Progressing {
            start: start.clone(),
            running: running.clone(),
        };
        wait(
            phase,
            until.min(deadline_at(policy, running)).max(now + RETRY),
            waiting,
        )
    };
    let (service, primary) = match standing(running, &observation.service) {
        Standing::Ours(service, primary) => (service, primary),
        Standing::MayLag => {
            return past_deadline(policy, running, now)
                .unwrap_or_else(|| stay(now + READ_LAG, Waiting::ReadLag));
        }
        Standing::GivenUp(primary) => {
            return halt(Halted::EcsRolledBack {
                task_definition: primary.task_definition.clone(),
            });
        }
        Standing::Foreign(primary) => {
            return supersede(SupersededBy::SomebodyElse {
                task_definition: primary.task_definition.clone(),
            });
        }
        Standing::Gone => return supersede(SupersededBy::ServiceGone),
        Standing::Unknown(trouble) => {
            let waiting = Waiting::Aws {
                trouble: trouble.to_owned(),
            };
            return past_deadline(policy, running, now)
                .unwrap_or_else(|| stay(now + RETRY, waiting));
        }
    };
    let failing =
        !fired.is_empty() || primary.failed_tasks > 0 || primary.state == DeploymentState::Failed;
    if let Some(decision) = newer_takes_over(policy, observation, failing) {
        return decision;
    }
    if !fired.is_empty() {
        return halt(Halted::AlarmFired { alarms: fired });
    }
    match primary.state {
        DeploymentState::Failed => halt(Halted::DeploymentFailed {
            reason: primary.state_reason.clone(),
        }),
        DeploymentState::Completed if service.deployments.len() == 1 => {
            done(policy, &start, running, service, primary, now)
        }
        DeploymentState::Completed | DeploymentState::InProgress => {
            past_deadline(policy, running, now)
                .unwrap_or_else(|| stay(now + POLL, Waiting::Deployment))
        }
    }
}

/// Brings the alarm watches up to date and names those that fired.
pub(super) fn look_at_alarms(
    start: &Start,
    observation: &Observation,
) -> (Vec<AlarmWatch>, Vec<String>) {
    match &observation.alarms {
        Look::Taken(seen) => {
            let verdict = alarm::judge(&start.alarms, seen);
            (verdict.watches, verdict.fired)
        }
        Look::NotTaken | Look::Unavailable(_) => (start.alarms.clone(), Vec::new()),
    }
}

fn deadline_at(policy: &Policy, running: &Running) -> Timestamp {
    running.asked_at + policy.deadline()
}

fn past_deadline(policy: &Policy, running: &Running, now: Timestamp) -> Option<Decision> {
    (now >= deadline_at(policy, running)).then(|| halt(Halted::DeadlineReached))
}

/// ECS reports the deployment done and it is the only one.
fn done(
    policy: &Policy,
    start: &Start,
    running: &Running,
    service: &Service,
    primary: &ServiceDeployment,
    now: Timestamp,
) -> Decision {
    if service.desired == 0 {
        return over(Phase::ScaledToZero {
            revision: running.revision.clone(),
        });
    }
    let until = now + policy.bake_time();
    let phase = Phase::Baking {
        start: start.clone(),
        running: Running {
            deployment: primary.id.clone(),
            deployment_created_at: primary.created_at,
            ..running.clone()
        },
        until,
        missing_tasks_since: None,
    };
    if until <= now {
        return Decision {
            phase,
            actions: Vec::new(),
            next: Next::Now,
        };
    }
    wait(phase, until.min(now + POLL), Waiting::BakeTime)
}
