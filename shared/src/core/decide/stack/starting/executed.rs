//! Once the change set is executed: has the service our image, or where does the stack go?

use jiff::Timestamp;

use super::super::under_way;
use super::Asked;
use crate::core::decide::starting::{Intent, Seen, over_at, taken};
use crate::core::decide::{Action, Decision, Next, POLL, READ_LAG, halt, supersede, wait};
use crate::core::failure::Failure;
use crate::core::observation::{Definition, Look};
use crate::core::reason::{Halted, StackProblem, SupersededBy, Waiting};
use crate::core::rollout::{Back, Phase, RolledBackBy, Running, Way};
use crate::core::stack::{ChangeSetLook, ChangeSetState, StackStatus};
use crate::task_definition::runs;

impl Asked<'_> {
    /// CloudFormation is or was at it: has the service our image?
    pub(super) fn executed(&self) -> Decision {
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
            StackStatus::RollingBack | StackStatus::CleaningUpRollback => self.goes_back(),
            StackStatus::RolledBack if self.is_behind() => self.watch(),
            StackStatus::RolledBack => self.went_back(),
            StackStatus::Updated | StackStatus::CleaningUp => self.done_elsewhere(),
            StackStatus::UpdateFailed | StackStatus::RollbackFailed | StackStatus::Dead => {
                halt(Halted::StackWedged {
                    failure: self.failure(),
                    stack: self.policy.name.clone(),
                    status: self.stack.status_word.clone(),
                    failed: self.stack.failed.clone(),
                })
            }
        }
    }

    pub(super) fn is_ours(&self, definition: &Definition) -> bool {
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

    /// CloudFormation takes the update back; that has a deadline of its own.
    fn goes_back(&self) -> Decision {
        let deadline = self.rollout.policy.deadline();
        match self.now < over_at(self.rollout, self.start) + deadline {
            true => self.watch(),
            false => self.went_back(),
        }
    }

    /// CloudFormation has other resources to change first; past the deadline it is cancelled.
    fn unless_too_late(&self) -> Decision {
        let overdue = self.now >= over_at(self.rollout, self.start);
        let lags = |at: Timestamp| self.now < at + READ_LAG;
        if !overdue || self.asked.cancelled_at.is_some_and(lags) {
            return self.watch();
        }
        if let Some(decision) = self.overtaken() {
            return decision;
        }
        if let Look::Taken(ours) = &self.observation.change_set
            && ours.is_over()
        {
            // What goes on is another update.
            return supersede(SupersededBy::SomebodyElse {
                task_definition: self.primary.task_definition.clone(),
            });
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

    /// Says whether the stack is shown as it was before: it rests since an earlier update was
    /// rolled back, and this one has begun by now.
    fn is_behind(&self) -> bool {
        let executing = match &self.observation.change_set {
            Look::Taken(ChangeSetLook::Found(found)) => found.state == ChangeSetState::Executing,
            Look::Taken(ChangeSetLook::Missing) | Look::Unavailable(_) | Look::NotTaken => false,
        };
        self.stack.change_set.as_ref() != Some(&self.asked.change_set)
            && (executing || self.lag_over_at().is_some())
            && self.now < over_at(self.rollout, self.start)
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
        let (failure, way) = self.why_it_went_back();
        let Some(good) = &self.observation.last_known_good else {
            return halt(Halted::NothingToGoBackTo { failure });
        };
        let running = Running {
            revision: self.revision_that_failed(),
            deployment: self.primary.id.clone(),
            deployment_created_at: self.primary.created_at,
            asked_at: self.intended_at.unwrap_or(self.now),
            deadline_from: None,
            paused_at: None,
        };
        Decision {
            phase: Phase::RollingBack {
                start: self.start.clone(),
                running,
                failure,
                back: Back {
                    to: good.clone(),
                    began_at: self.now,
                    way,
                    corrected: None,
                    stack: None,
                    paused_at: None,
                },
            },
            actions: Vec::new(),
            next: Next::Now,
        }
    }

    /// Tells an update that was cancelled from one that CloudFormation gave up.
    fn why_it_went_back(&self) -> (Failure, Way) {
        if let Some(intended_at) = self.asked.cancelled_at {
            let cause = None;
            return (
                Failure::DeadlineReached { cause },
                Way::Cancel { intended_at },
            );
        }
        let failure = under_way::failure(self.stack);
        let by = match failure {
            Failure::PutBackByHand => RolledBackBy::Person,
            _ => RolledBackBy::CloudFormation,
        };
        (failure, Way::Observed { by })
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
