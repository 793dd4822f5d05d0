//! From the change set until CloudFormation has brought the service our image.

mod executed;

use jiff::Timestamp;

use super::super::super::alarm::AlarmWatch;
use super::super::super::observation::{
    Look, Observation, ServiceDeployment, ServiceLook, Trouble,
};
use super::super::super::policy::StackRef;
use super::super::super::reason::{StackProblem, SupersededBy, Waiting};
use super::super::super::rollout::{Approval, Phase, Rollout, StackStart, Start};
use super::super::super::shared::Shared;
use super::super::super::stack::{ResourceChange, Stack, StackLook};
use super::super::starting::{look_again, over_at};
use super::super::{Action, Decision, Next, POLL, READ_LAG, reject, supersede, wait};
use super::change_set::{self, Step};
use super::{CHANGE_SET_POLL, image, request};
use crate::core::reason::Rejected;
use crate::task_definition::registry_of;

/// Begins a rollout that passed every gate: its change set is made.
pub(in super::super) fn begin(
    rollout: &Rollout,
    start: Start,
    policy: &StackRef,
    look: &StackLook,
    registry: &str,
    now: Timestamp,
) -> Decision {
    let StackLook::Found(stack) = look else {
        return reject(refused(policy, StackProblem::Missing));
    };
    let value = image(registry, &rollout.push, &start.digest);
    let request = request(policy, stack, name(rollout, now), value);
    let start = Start {
        stack: Some(StackStart {
            change_set: request.name.clone(),
            follows: stack.change_set.clone(),
            kept: request.kept.clone(),
            capabilities: request.capabilities.clone(),
            approval: None,
            cancelled_at: None,
            done: false,
        }),
        ..start
    };
    Decision {
        phase: Phase::Starting {
            start: start.into(),
            revision: None,
            update_intended_at: Some(now),
        },
        actions: vec![Action::CreateChangeSet(request)],
        next: Next::Now,
    }
}

/// Names the rollout's change set; a later one of the same rollout has another name.
fn name(rollout: &Rollout, now: Timestamp) -> String {
    format!("pushboat-{}-{}", rollout.id, now.as_second())
}

fn refused(policy: &StackRef, problem: StackProblem) -> Rejected {
    Rejected::Stack {
        stack: policy.name.clone(),
        problem,
    }
}

/// Everything that is known of a rollout whose stack is being asked.
struct Asked<'a> {
    rollout: &'a Rollout,
    policy: &'a StackRef,
    start: &'a Shared<Start>,
    asked: &'a StackStart,
    intended_at: Option<Timestamp>,
    stack: &'a Stack,
    service_arn: &'a str,
    primary: &'a ServiceDeployment,
    observation: &'a Observation,
    now: Timestamp,
}

pub(in super::super) fn decide(
    rollout: &Rollout,
    start: &Shared<Start>,
    intended_at: Option<Timestamp>,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    let again = |trouble: &Trouble| look_again(rollout, start, trouble, now);
    let (Some(policy), Some(asked)) = (&rollout.policy.stack, &start.stack) else {
        return again(&"the rollout has no record of its stack".into());
    };
    let service = match &observation.service {
        Look::Taken(ServiceLook::Found(service)) if service.active => service,
        Look::Taken(_) => return supersede(SupersededBy::ServiceGone),
        Look::Unavailable(trouble) => return again(trouble),
        Look::NotTaken => return again(&"no look at the service".into()),
    };
    let Some(primary) = service.primary() else {
        return again(&"ECS shows no primary deployment".into());
    };
    let stack = match &observation.stack {
        Look::Taken(StackLook::Found(stack)) => stack,
        Look::Taken(StackLook::Missing) => return supersede(SupersededBy::ServiceGone),
        Look::Unavailable(trouble) => return again(trouble),
        Look::NotTaken => return again(&"no look at the stack".into()),
    };
    let asked = Asked {
        rollout,
        policy,
        start,
        asked,
        intended_at,
        stack,
        service_arn: &service.arn,
        primary,
        observation,
        now,
    };
    asked.decide()
}

impl Asked<'_> {
    fn decide(&self) -> Decision {
        let name = &self.asked.change_set;
        match change_set::step(name, &self.observation.change_set, self.stack, self.policy) {
            Step::Unclear(words, throttled) => self.again(words, throttled),
            Step::Executed => self.executed(),
            Step::Missing if self.was_declined() => self.refuse(StackProblem::Declined),
            Step::Missing | Step::Obsolete => self.make(),
            Step::Wait => self.before_execution(|| {
                wait(self.same(), self.now + CHANGE_SET_POLL, Waiting::ChangeSet)
            }),
            Step::Execute => self.unless_executed(|| self.execute()),
            Step::Ask(unexpected) => self.ask(unexpected),
            Step::LeadsNowhere => self.refuse(StackProblem::NotFed {
                parameter: self.policy.parameter.clone(),
            }),
            Step::Unchanged => self.refuse(StackProblem::Unchanged {
                parameter: self.policy.parameter.clone(),
            }),
            Step::Failed(reason) => self.refuse(StackProblem::ChangeSetFailed {
                reason: reason.to_owned(),
            }),
        }
    }

    fn refuse(&self, problem: StackProblem) -> Decision {
        reject(refused(self.policy, problem))
    }

    fn again(&self, words: &str, throttled: bool) -> Decision {
        let trouble = Trouble {
            words: words.to_owned(),
            throttled,
        };
        look_again(self.rollout, self.start, &trouble, self.now)
    }

    fn same(&self) -> Phase {
        self.rollout.phase.clone()
    }

    /// What was asked for may not be readable yet.
    fn lag_over_at(&self) -> Option<Timestamp> {
        let over_at = self.intended_at.map(|at| at + READ_LAG);
        over_at.filter(|at| self.now < *at)
    }

    /// Somebody else changed the service since the rollout began: what is to be asked of the stack
    /// would overwrite that.
    fn overtaken(&self) -> Option<Decision> {
        let base = self.start;
        let is_later = self.primary.created_at > base.base_deployment_created_at
            && self.primary.task_definition != base.base_task_definition
            && !self.observation.asked_before.contains(&self.primary.id);
        if !is_later {
            return None;
        }
        match &self.observation.definition {
            // It may be ours, and what CloudFormation tells not readable yet.
            Look::Taken(definition) if self.is_ours(definition) => None,
            Look::Taken(_) => Some(supersede(SupersededBy::SomebodyElse {
                task_definition: self.primary.task_definition.clone(),
            })),
            Look::Unavailable(trouble) => Some(self.again(&trouble.words, trouble.throttled)),
            Look::NotTaken => Some(self.again("no look at the task definition", false)),
        }
    }

    /// Nothing of the stack was changed: a newer push need not wait, and there is a deadline.
    fn before_execution(&self, otherwise: impl FnOnce() -> Decision) -> Decision {
        if let Some(decision) = self.overtaken() {
            return decision;
        }
        if let Some(newer) = &self.observation.newer {
            return supersede(SupersededBy::Push(newer.clone()));
        }
        if self.now < over_at(self.rollout, self.start) {
            return otherwise();
        }
        match self.stack.status.is_free() {
            true => reject(Rejected::AwsUnavailable {
                trouble: "CloudFormation did not take the change before the deadline".to_owned(),
            }),
            false => self.refuse(StackProblem::Busy {
                status: self.stack.status_word.clone(),
            }),
        }
    }

    /// That it was executed may not be readable yet: it is executed once only, and nothing else
    /// takes its place until it would show.
    fn unless_executed(&self, execute: impl FnOnce() -> Decision) -> Decision {
        let ends =
            self.observation.newer.is_some() || self.now >= over_at(self.rollout, self.start);
        match self.lag_over_at() {
            Some(at) if ends => wait(self.same(), at, Waiting::ReadLag),
            Some(_) | None => self.before_execution(execute),
        }
    }

    /// Says whether a person deleted the change set that they were to approve.
    ///
    /// With the execution of another one CloudFormation deletes it by itself. Source:
    /// CloudFormation API reference, ExecuteChangeSet.
    fn was_declined(&self) -> bool {
        self.asked.approval.is_some() && self.stack.change_set == self.asked.follows
    }

    /// The change set is not there, or the stack was changed since it was made.
    fn make(&self) -> Decision {
        if let Some(at) = self.lag_over_at() {
            return wait(self.same(), at, Waiting::ReadLag);
        }
        self.before_execution(|| {
            if !self.stack.status.is_free() {
                return self.busy();
            }
            let registry = registry_of(self.service_arn).unwrap_or_default();
            let value = image(&registry, &self.rollout.push, &self.start.digest);
            let name = name(self.rollout, self.now);
            let request = request(self.policy, self.stack, name, value);
            let mut start = self.start.clone();
            if let Some(stack) = &mut start.stack {
                stack.change_set.clone_from(&request.name);
                stack.follows.clone_from(&self.stack.change_set);
                stack.approval = None;
            }
            self.intend(start, Action::CreateChangeSet(request))
        })
    }

    fn execute(&self) -> Decision {
        if !self.stack.status.is_free() {
            return self.busy();
        }
        let start = match self.begins_now() {
            Ok(start) => start,
            Err(trouble) => return self.again(&trouble.words, trouble.throttled),
        };
        // Sent twice it is executed once: a change set can be executed only once.
        let name = self.asked.change_set.clone();
        self.intend(start, Action::ExecuteChangeSet(name))
    }

    /// What fires already when the change set is executed is none of the version's doing.
    fn begins_now(&self) -> Result<Shared<Start>, Trouble> {
        let seen = match &self.observation.alarms {
            Look::Taken(seen) => seen,
            Look::Unavailable(trouble) => return Err(trouble.clone()),
            Look::NotTaken => return Err("no look at the alarms".into()),
        };
        let watches = AlarmWatch::begin_again(&self.start.alarms, seen);
        let mut start = self.start.clone();
        if start.alarms != watches {
            start.alarms = watches;
        }
        Ok(start)
    }

    fn intend(&self, start: Shared<Start>, action: Action) -> Decision {
        Decision {
            phase: Phase::Starting {
                start,
                revision: None,
                update_intended_at: Some(self.now),
            },
            actions: vec![action],
            next: Next::Now,
        }
    }

    fn busy(&self) -> Decision {
        let status = self.stack.status_word.clone();
        wait(self.same(), self.now + POLL, Waiting::StackBusy { status })
    }

    /// The change set brings more than the image asks for: a person is to execute it, or not.
    fn ask(&self, unexpected: Vec<ResourceChange>) -> Decision {
        if let Some(decision) = self.overtaken() {
            return decision;
        }
        if let Some(newer) = &self.observation.newer {
            return supersede(SupersededBy::Push(newer.clone()));
        }
        let change_set = self.asked.change_set.clone();
        let asked = self.asked.approval.as_ref();
        let approval = Approval::ask(asked, &change_set, unexpected, self.now);
        let begun = match self.begins_now() {
            Ok(begun) => begun,
            Err(trouble) => return self.again(&trouble.words, trouble.throttled),
        };
        // What a person takes does not count against the deadline.
        let mut start = Start {
            at: self.now,
            ..(*begun).clone()
        };
        if let Some(stack) = &mut start.stack {
            stack.approval = Some(approval);
        }
        let phase = Phase::Starting {
            start: start.into(),
            revision: None,
            update_intended_at: Some(self.now),
        };
        wait(phase, self.now + POLL, Waiting::Approval { change_set })
    }
}
