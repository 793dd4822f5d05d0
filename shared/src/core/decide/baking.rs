//! `Baking`: the deployment is done and is watched before it counts as good.

use jiff::Timestamp;

use super::super::failure::Failure;
use super::super::observation::{DeploymentState, Look, Service, ServiceDeployment};
use super::super::reason::{Halted, Waiting};
use super::super::rollout::{Phase, Running};
use super::going::{Course, Going};
use super::{Decision, MISSING_TASKS_LIMIT, Next, POLL, RETRY, halt, over, wait};

/// How far the bake is.
pub(super) struct Bake {
    pub(super) until: Timestamp,
    pub(super) missing_tasks_since: Option<Timestamp>,
}

pub(super) fn decide(going: &Going<'_>, bake: &Bake) -> Decision {
    let now = going.now;
    let until = if going.acquitted() {
        // What it showed so far was mixed up with another target's failure.
        bake.until.max(now + going.policy.bake_time())
    } else {
        bake.until
    };
    let bake = &Bake { until, ..*bake };
    let (service, primary) = match going.course() {
        Course::Well(service, primary) => (service, primary),
        Course::Decided(decision) => return *decision,
        Course::Unclear(trouble) => return ask_again(going, bake, trouble),
    };
    if primary.id != going.running.deployment || primary.state != DeploymentState::Completed {
        // Somebody forced our own revision out again: that deployment is followed.
        return follow(going, primary);
    }
    let missing_tasks_since =
        (service.running < service.desired).then(|| bake.missing_tasks_since.unwrap_or(now));
    if let Some(since) = missing_tasks_since
        && now.duration_since(since) > MISSING_TASKS_LIMIT
    {
        return going.take_back(Failure::MissingTasks {
            since,
            cause: going.commonest_cause(),
        });
    }
    let bake = &Bake {
        until: bake.until,
        missing_tasks_since,
    };
    if let Some(yields) = going.yields() {
        return stay(going, bake, yields.look_at(now), yields.waiting());
    }
    if now < bake.until {
        let until = (now + POLL).min(bake.until);
        return stay(going, bake, until, Waiting::BakeTime);
    }
    at_the_end(going, bake, service)
}

fn at_the_end(going: &Going<'_>, bake: &Bake, service: &Service) -> Decision {
    let now = going.now;
    if service.desired == 0 {
        return over(Phase::ScaledToZero {
            revision: going.running.revision.clone(),
        });
    }
    if service.deployments.len() > 1 {
        let trouble = "another deployment of the service is not over";
        return too_long(going, bake, trouble)
            .unwrap_or_else(|| stay(going, bake, now + POLL, Waiting::Deployment));
    }
    if bake.missing_tasks_since.is_some() {
        let trouble = "fewer tasks run than are wanted, again and again";
        return too_long(going, bake, trouble)
            .unwrap_or_else(|| stay(going, bake, now + POLL, Waiting::MissingTasks));
    }
    // What is to be called good has to be seen whole: the alarms, and the definition to go back to.
    let observation = going.observation;
    if observation.is_old {
        return ask_again(
            going,
            bake,
            "the look at the service and its alarms took too long",
        );
    }
    let trouble = match (&observation.alarms, &observation.definition) {
        (Look::Taken(_), Look::Taken(_)) => {
            return over(Phase::Succeeded {
                revision: going.running.revision.clone(),
            });
        }
        (Look::Unavailable(trouble), _) | (_, Look::Unavailable(trouble)) => trouble.words.as_str(),
        (Look::NotTaken, _) | (_, Look::NotTaken) => {
            return Decision {
                next: Next::Now,
                ..stay(going, bake, now, Waiting::BakeTime)
            };
        }
    };
    ask_again(going, bake, trouble)
}

fn follow(going: &Going<'_>, primary: &ServiceDeployment) -> Decision {
    Decision {
        phase: Phase::Progressing {
            start: going.start.clone(),
            running: Running {
                revision: going.running.revision.clone(),
                deployment: primary.id.clone(),
                deployment_created_at: primary.created_at,
                asked_at: going.now,
                deadline_from: None,
                paused_at: None,
            },
        },
        actions: Vec::new(),
        next: Next::Now,
    }
}

fn ask_again(going: &Going<'_>, bake: &Bake, trouble: &str) -> Decision {
    let waiting = Waiting::Aws {
        trouble: trouble.to_owned(),
    };
    too_long(going, bake, trouble).unwrap_or_else(|| stay(going, bake, going.now + RETRY, waiting))
}

/// Gives up once the bake time is over for as long as a deployment may take.
///
/// What could not be seen is neither good nor bad: a person has to look.
fn too_long(going: &Going<'_>, bake: &Bake, trouble: &str) -> Option<Decision> {
    let over = going.now >= bake.until + going.policy.deadline();
    over.then(|| {
        halt(Halted::NotVerified {
            trouble: trouble.to_owned(),
        })
    })
}

fn stay(going: &Going<'_>, bake: &Bake, until: Timestamp, waiting: Waiting) -> Decision {
    let phase = Phase::Baking {
        start: going.start.clone(),
        running: going.running.clone(),
        until: bake.until,
        missing_tasks_since: bake.missing_tasks_since,
    };
    wait(phase, until, waiting)
}
