//! From the change set until CloudFormation has brought the service our image.

use jiff::Timestamp;

use super::super::super::failure::Failure;
use super::super::super::observation::{
    Definition, Look, Observation, ServiceDeployment, ServiceLook, Trouble,
};
use super::super::super::policy::StackRef;
use super::super::super::reason::{Halted, StackProblem, SupersededBy, Waiting};
use super::super::super::rollout::{
    Approval, Back, Phase, RolledBackBy, Rollout, Running, StackStart, Start, Way,
};
use super::super::super::shared::Shared;
use super::super::super::stack::{ResourceChange, Stack, StackLook, StackStatus};
use super::super::starting::{Intent, Seen, look_again, over_at, taken};
use super::super::{Action, Decision, Next, POLL, READ_LAG, halt, reject, supersede, wait};
use super::change_set::{self, Step};
use super::{CHANGE_SET_POLL, image, request};
use crate::core::reason::Rejected;
use crate::task_definition::{registry_of, runs};

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
            Step::Execute => self.before_execution(|| self.execute()),
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

    /// Nothing of the stack was changed: a newer push need not wait, and there is a deadline.
    fn before_execution(&self, otherwise: impl FnOnce() -> Decision) -> Decision {
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
        // Sent twice it is executed once: a change set can be executed only once.
        let name = self.asked.change_set.clone();
        self.intend(self.start.clone(), Action::ExecuteChangeSet(name))
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
        if let Some(newer) = &self.observation.newer {
            return supersede(SupersededBy::Push(newer.clone()));
        }
        let change_set = self.asked.change_set.clone();
        let asked = self.asked.approval.as_ref();
        let approval = Approval::ask(asked, &change_set, unexpected, self.now);
        // What a person takes does not count against the deadline.
        let mut start = Start {
            at: self.now,
            ..(**self.start).clone()
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

    /// CloudFormation is or was at it: has the service our image?
    fn executed(&self) -> Decision {
        let definition = match &self.observation.definition {
            Look::Taken(definition) => definition,
            Look::Unavailable(trouble) => return self.again(&trouble.words, trouble.throttled),
            Look::NotTaken => return self.again("no look at the task definition", false),
        };
        if self.is_ours(definition) {
            return self.arrived();
        }
        match self.stack.status {
            StackStatus::Updating | StackStatus::Busy => self.unless_too_late(),
            StackStatus::RollingBack | StackStatus::CleaningUpRollback => self.watch(),
            StackStatus::RolledBack => self.went_back(),
            StackStatus::Updated | StackStatus::CleaningUp => self.done_elsewhere(),
            StackStatus::UpdateFailed => self.take_back(),
            StackStatus::RollbackFailed | StackStatus::Dead => halt(Halted::StackWedged {
                failure: self.failure(),
                stack: self.policy.name.clone(),
                status: self.stack.status_word.clone(),
                failed: self.stack.failed.clone(),
            }),
        }
    }

    fn is_ours(&self, definition: &Definition) -> bool {
        self.primary.task_definition != self.start.base_task_definition
            && runs(definition, &self.start.containers, &self.start.digest)
    }

    fn arrived(&self) -> Decision {
        let seen = Seen {
            deployment: &self.primary.id,
            created_at: self.primary.created_at,
        };
        let intent = Intent {
            revision: None,
            intended_at: self.intended_at,
        };
        let revision = &self.primary.task_definition;
        taken(self.rollout, self.start, revision, &seen, &intent, self.now)
    }

    fn watch(&self) -> Decision {
        wait(self.same(), self.now + POLL, Waiting::StackUpdate)
    }

    /// CloudFormation has other resources to change first; past the deadline it is cancelled.
    fn unless_too_late(&self) -> Decision {
        let overdue = self.now >= over_at(self.rollout, self.start);
        let lags = |at: Timestamp| self.now < at + READ_LAG;
        if !overdue || self.asked.cancelled_at.is_some_and(lags) {
            return self.watch();
        }
        let mut start = self.start.clone();
        if let Some(stack) = &mut start.stack {
            stack.cancelled_at = Some(self.now);
        }
        Decision {
            phase: Phase::Starting {
                start,
                revision: None,
                update_intended_at: self.intended_at,
            },
            actions: vec![Action::CancelUpdateStack],
            next: Next::Now,
        }
    }

    fn failure(&self) -> Failure {
        Failure::StackFailed {
            reason: self.stack.status_reason.clone(),
            failed: self.stack.failed.clone().map(Box::new),
            cause: None,
        }
    }

    /// The update failed and was rolled back, perhaps between two looks after it had reached the
    /// service: then it has another deployment than before.
    fn went_back(&self) -> Decision {
        if self.primary.id == self.start.base_deployment {
            return self.refuse(StackProblem::WentBack {
                failed: self.stack.failed.clone(),
            });
        }
        self.take_back()
    }

    /// The stack is updated, and the service does not run our image.
    fn done_elsewhere(&self) -> Decision {
        if self.primary.id != self.start.base_deployment
            && self.lag_over_at().is_none()
            && self.primary.created_at > self.start.base_deployment_created_at
        {
            return supersede(SupersededBy::SomebodyElse {
                task_definition: self.primary.task_definition.clone(),
            });
        }
        if self.now >= over_at(self.rollout, self.start) {
            return self.refuse(StackProblem::NotFed {
                parameter: self.policy.parameter.clone(),
            });
        }
        self.watch()
    }

    /// It is on its way back already, or has to be brought there.
    fn take_back(&self) -> Decision {
        let Some(good) = &self.observation.last_known_good else {
            return halt(Halted::NothingToGoBackTo {
                failure: self.failure(),
            });
        };
        let running = Running {
            revision: self.revision_that_failed(),
            deployment: self.primary.id.clone(),
            deployment_created_at: self.primary.created_at,
            asked_at: self.intended_at.unwrap_or(self.now),
            deadline_from: None,
            paused_at: None,
        };
        let by = RolledBackBy::CloudFormation;
        Decision {
            phase: Phase::RollingBack {
                start: self.start.clone(),
                running,
                failure: self.failure(),
                back: Back {
                    to: good.clone(),
                    began_at: self.now,
                    way: Way::Observed { by },
                    corrected: None,
                    stack: None,
                    paused_at: None,
                },
            },
            actions: Vec::new(),
            next: Next::Now,
        }
    }

    /// The revision came and went unseen; what stopped of it may still name it.
    fn revision_that_failed(&self) -> String {
        let stopped = self.rollout.evidence.stopped_tasks.kept().iter();
        let mut revisions = stopped.map(|task| &task.task_definition);
        let before = &self.start.base_task_definition;
        let ours = revisions.find(|one| **one != *before && **one != self.primary.task_definition);
        ours.unwrap_or(&self.primary.task_definition).clone()
    }
}
