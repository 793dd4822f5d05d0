//! `Baking`: the deployment is done and is watched before it counts as good.

use jiff::Timestamp;

use super::super::observation::{DeploymentState, Look, Observation, Service, ServiceDeployment};
use super::super::policy::Policy;
use super::super::reason::{Halted, SupersededBy, Waiting};
use super::super::rollout::{Phase, Running, Start};
use super::progressing::look_at_alarms;
use super::{
    Decision, MISSING_TASKS_LIMIT, Next, POLL, RETRY, Standing, halt, newer_takes_over, over,
    standing, supersede, wait,
};

/// How far the bake is.
pub(super) struct Bake {
    pub(super) until: Timestamp,
    pub(super) missing_tasks_since: Option<Timestamp>,
}

pub(super) fn decide(
    policy: &Policy,
    start: &Start,
    running: &Running,
    bake: &Bake,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    let (alarms, fired) = look_at_alarms(start, observation);
    let start = &Start {
        alarms,
        ..start.clone()
    };
    let (service, primary) = match standing(running, &observation.service) {
        Standing::Ours(service, primary) => (service, primary),
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
        Standing::MayLag => return ask_again(start, running, bake, "a read lags behind", now),
        Standing::Unknown(trouble) => return ask_again(start, running, bake, trouble, now),
    };
    if let Some(decision) = newer_takes_over(policy, observation, !fired.is_empty()) {
        return decision;
    }
    if !fired.is_empty() {
        return halt(Halted::AlarmFired { alarms: fired });
    }
    if primary.id != running.deployment || primary.state != DeploymentState::Completed {
        // Somebody forced our own revision out again: that deployment is followed.
        return follow(start, running, primary, now);
    }
    let missing_tasks_since = missing_tasks(service, bake, now);
    if let Some(since) = missing_tasks_since
        && now.duration_since(since) > MISSING_TASKS_LIMIT
    {
        return halt(Halted::MissingTasks { since });
    }
    let bake = &Bake {
        until: bake.until,
        missing_tasks_since,
    };
    if now < bake.until {
        return stay(
            start,
            running,
            bake,
            (now + POLL).min(bake.until),
            Waiting::BakeTime,
        );
    }
    at_the_end(start, running, bake, service, observation, now)
}

fn missing_tasks(service: &Service, bake: &Bake, now: Timestamp) -> Option<Timestamp> {
    (service.running < service.desired).then(|| bake.missing_tasks_since.unwrap_or(now))
}

fn at_the_end(
    start: &Start,
    running: &Running,
    bake: &Bake,
    service: &Service,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    if service.desired == 0 {
        return over(Phase::ScaledToZero {
            revision: running.revision.clone(),
        });
    }
    if service.deployments.len() > 1 {
        return stay(start, running, bake, now + POLL, Waiting::Deployment);
    }
    if bake.missing_tasks_since.is_some() {
        return stay(start, running, bake, now + POLL, Waiting::MissingTasks);
    }
    // What is to be called good has to be seen whole: the alarms, and the definition to go back to.
    let trouble = match (&observation.alarms, &observation.definition) {
        (Look::Taken(_), Look::Taken(_)) => {
            return over(Phase::Succeeded {
                revision: running.revision.clone(),
            });
        }
        (Look::Unavailable(trouble), _) | (_, Look::Unavailable(trouble)) => trouble.as_str(),
        (Look::NotTaken, _) | (_, Look::NotTaken) => {
            return Decision {
                next: Next::Now,
                ..stay(start, running, bake, now, Waiting::BakeTime)
            };
        }
    };
    ask_again(start, running, bake, trouble, now)
}

fn follow(
    start: &Start,
    running: &Running,
    primary: &ServiceDeployment,
    now: Timestamp,
) -> Decision {
    Decision {
        phase: Phase::Progressing {
            start: start.clone(),
            running: Running {
                revision: running.revision.clone(),
                deployment: primary.id.clone(),
                deployment_created_at: primary.created_at,
                asked_at: now,
            },
        },
        actions: Vec::new(),
        next: Next::Now,
    }
}

fn ask_again(
    start: &Start,
    running: &Running,
    bake: &Bake,
    trouble: &str,
    now: Timestamp,
) -> Decision {
    let waiting = Waiting::Aws {
        trouble: trouble.to_owned(),
    };
    stay(start, running, bake, now + RETRY, waiting)
}

fn stay(
    start: &Start,
    running: &Running,
    bake: &Bake,
    until: Timestamp,
    waiting: Waiting,
) -> Decision {
    let phase = Phase::Baking {
        start: start.clone(),
        running: running.clone(),
        until: bake.until,
        missing_tasks_since: bake.missing_tasks_since,
    };
    wait(phase, until, waiting)
}
