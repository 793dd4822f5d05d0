//! `Progressing`: ECS replaces the tasks.

use jiff::Timestamp;

use super::super::observation::{DeploymentState, PausedHook, Service, ServiceDeployment};
use super::super::reason::Waiting;
use super::super::rollout::{Phase, Running};
use super::going::{Course, Going};
use super::{Decision, Next, POLL, READ_LAG, RETRY, history, over, wait};

pub(super) fn decide(going: &Going<'_>) -> Decision {
    let now = going.now;
    let (service, primary) = match going.course() {
        Course::Well(service, primary) => (service, primary),
        Course::Decided(decision) => return *decision,
        Course::Unclear(trouble) => {
            let waiting = Waiting::Aws {
                trouble: trouble.to_owned(),
            };
            let again = || stay(going, now + READ_LAG, waiting);
            return going.past_deadline().unwrap_or_else(again);
        }
    };
    match primary.state {
        DeploymentState::Completed if service.deployments.len() == 1 => {
            match going.stack_is_at_it() {
                true => stack_at_it(going),
                false => done(going, service, primary),
            }
        }
        DeploymentState::Completed | DeploymentState::InProgress | DeploymentState::Failed => {
            under_way(going, primary)
        }
    }
}

fn under_way(going: &Going<'_>, primary: &ServiceDeployment) -> Decision {
    let now = going.now;
    let record = history::of(&going.observation.history, &going.running.revision);
    if let Some(decision) = record.and_then(|record| going.goes_back(record, primary)) {
        return decision;
    }
    if let Some(hook) = record.and_then(history::waits_at) {
        return paused(going, hook);
    }
    going
        .past_deadline()
        .unwrap_or_else(|| match going.yields() {
            Some(yields) => stay(going, yields.look_at(now), yields.waiting()),
            None => stay(going, now + POLL, Waiting::Deployment),
        })
}

/// The service is done, and CloudFormation has other resources of the stack to change.
fn stack_at_it(going: &Going<'_>) -> Decision {
    let again = || stay(going, going.now + POLL, Waiting::StackUpdate);
    going.past_deadline().unwrap_or_else(again)
}

fn stay(going: &Going<'_>, until: Timestamp, waiting: Waiting) -> Decision {
    let until = until.min(going.deadline_at()).max(going.now + RETRY);
    let phase = Phase::Progressing {
        start: going.start.clone(),
        running: going.running.clone(),
    };
    wait(phase, until, waiting)
}

/// The service's owner wants a person to look first: what that takes is not the version's fault.
///
/// It ends with the hook's own timeout, which ECS keeps; then the deadline begins anew.
fn paused(going: &Going<'_>, hook: &PausedHook) -> Decision {
    let phase = Phase::Progressing {
        start: going.start.clone(),
        running: Running {
            deadline_from: Some(going.now),
            paused_at: Some(hook.clone()),
            ..going.running.clone()
        },
    };
    let waiting = match going.yields() {
        Some(yields) => yields.waiting(),
        None => Waiting::PausedHook {
            hook_id: hook.hook_id.clone(),
        },
    };
    wait(phase, going.now + POLL, waiting)
}

/// ECS reports the deployment done and it is the only one.
fn done(going: &Going<'_>, service: &Service, primary: &ServiceDeployment) -> Decision {
    let now = going.now;
    if service.desired == 0 {
        return over(Phase::ScaledToZero {
            revision: going.running.revision.clone(),
        });
    }
    let until = now + going.policy.bake_time();
    let mut start = going.start.clone();
    if let Some(stack) = &mut start.stack {
        stack.done = true;
    }
    let phase = Phase::Baking {
        start,
        running: Running {
            deployment: primary.id.clone(),
            deployment_created_at: primary.created_at,
            ..going.running.clone()
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
