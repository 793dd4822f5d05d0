//! `Requested`: once every gate is passed, it begins.

mod gates;

use jiff::Timestamp;

use super::super::observation::{Definition, Look, Observation};
use super::super::policy::Policy;
use super::super::reason::{Rejected, StackProblem, SupersededBy, Waiting};
use super::super::rollout::{Phase, Rollout, Start};
use super::stack as through_stack;
use super::{Action, Decision, Next, POLL, RETRY, reject, supersede, wait};
use crate::task_definition::{self, ROLLOUT_TAG, TARGET_TAG, platform};
use gates::{Hindrance, Ready, check, firing};

pub use gates::{may_take_over, unsuitable};

pub(super) fn decide(
    policy: &Policy,
    rollout: &Rollout,
    hindered_since: Option<Timestamp>,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    if let Some(newer) = &observation.newer {
        return supersede(SupersededBy::Push(newer.clone()));
    }
    match check(policy, rollout, observation) {
        Ok(ready) => begin(rollout, &ready, observation, now),
        Err(Hindrance::Rejected(reason)) => reject(reason),
        Err(Hindrance::Throttled(waiting)) => {
            let phase = Phase::Requested {
                waiting: waiting.clone(),
                hindered_since: None,
            };
            wait(phase, now + RETRY, waiting)
        }
        Err(Hindrance::Waiting(waiting)) => {
            // What it spent waiting for its turn does not count against it.
            let since = hindered_since.unwrap_or(now);
            wait_or_give_up(policy, since, waiting, observation, now)
        }
    }
}

fn wait_or_give_up(
    policy: &Policy,
    hindered_since: Timestamp,
    waiting: Waiting,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    if now.duration_since(hindered_since) >= policy.deadline() {
        return reject(match waiting {
            Waiting::Aws { trouble } => Rejected::AwsUnavailable { trouble },
            Waiting::AlarmQuiet => Rejected::AlarmFiring {
                alarms: match &observation.alarms {
                    Look::Taken(seen) => firing(seen),
                    Look::NotTaken | Look::Unavailable(_) => Vec::new(),
                },
            },
            Waiting::StackBusy { status } => Rejected::Stack {
                stack: policy
                    .stack
                    .as_ref()
                    .map_or_else(String::new, |stack| stack.name.clone()),
                problem: StackProblem::Busy { status },
            },
            _ => Rejected::ServiceBusy,
        });
    }
    let pause = match waiting {
        Waiting::Aws { .. } => RETRY,
        _ => POLL,
    };
    let phase = Phase::Requested {
        waiting: waiting.clone(),
        hindered_since: Some(hindered_since),
    };
    wait(phase, now + pause, waiting)
}

fn begin(
    rollout: &Rollout,
    ready: &Ready<'_>,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    let start = Start {
        at: now,
        digest: ready.digest.clone(),
        base_task_definition: ready.primary.task_definition.clone(),
        base_deployment: ready.primary.id.clone(),
        base_deployment_created_at: ready.primary.created_at,
        platform: Some(platform(ready.definition)),
        containers: ready.containers.clone(),
        alarms: ready.alarms.clone(),
        no_way_back: ready.no_way_back.clone(),
        stack: None,
        throttled_at: None,
    };
    if let (Some(policy), Look::Taken(stack)) = (&rollout.policy.stack, &observation.stack) {
        return through_stack::begin(rollout, start, policy, stack, &ready.registry, now);
    }
    let request = registration(rollout, &start, ready.definition, &ready.registry);
    Decision {
        phase: Phase::Starting {
            start: start.into(),
            revision: None,
            update_intended_at: Some(now),
        },
        actions: vec![Action::Register(request), Action::UpdateService(None)],
        next: Next::Now,
    }
}

/// Makes the request that registers this rollout's revision.
pub(super) fn registration(
    rollout: &Rollout,
    start: &Start,
    definition: &Definition,
    registry: &str,
) -> serde_json::Value {
    let own_tags = [
        (TARGET_TAG, rollout.policy.target.as_str()),
        (ROLLOUT_TAG, rollout.id.as_str()),
    ];
    task_definition::with_image(
        definition,
        &start.containers,
        registry,
        &rollout.push.repository,
        &start.digest,
        &own_tags,
    )
}
