//! The way back by a change set of its own, which brings the last-known-good's image.

use jiff::Timestamp;

use super::ThroughStack;
use crate::core::decide::stack::change_set::{self, Step};
use crate::core::decide::stack::{CHANGE_SET_POLL, request};
use crate::core::decide::{Action, Decision, Next, POLL, READ_LAG, halt, wait};
use crate::core::observation::Look;
use crate::core::reason::{Halted, Waiting};
use crate::core::rollout::{Approval, Back, StackBack, Way};
use crate::core::stack::ResourceChange;
use crate::task_definition::images;

impl ThroughStack<'_> {
    /// Brings the last-known-good back by a change set.
    pub(super) fn bring(&self) -> Decision {
        let Some(back) = &self.returning.back.stack else {
            return self.make();
        };
        let name = &back.change_set;
        match change_set::step(name, &self.observation.change_set, self.stack, self.policy) {
            Step::Unclear(trouble, _) => self.returning.unclear(trouble),
            Step::Missing | Step::Obsolete => self.make(),
            Step::Wait => wait(
                self.with(self.returning.back.clone()),
                self.returning.now + CHANGE_SET_POLL,
                Waiting::ChangeSet,
            ),
            Step::Execute => self.execute(name),
            Step::Ask(unexpected) => self.ask(name, unexpected),
            // The parameter says what was good, and the service does not run it.
            Step::LeadsNowhere | Step::Unchanged => halt(Halted::WentElsewhere {
                failure: self.returning.failure.clone(),
                task_definition: self.primary.task_definition.clone(),
            }),
            Step::Failed(reason) => halt(Halted::WayBackRefused {
                failure: self.returning.failure.clone(),
                call: format!("change set {name}"),
                code: "FAILED".to_owned(),
                message: reason.to_owned(),
            }),
            Step::Executed => self.executed(),
        }
    }

    /// The way back was executed, and the stack is free again without the service being there.
    fn executed(&self) -> Decision {
        if let Some(at) = self.lag_over_at() {
            return wait(self.with(self.returning.back.clone()), at, Waiting::ReadLag);
        }
        if !self.is_back() {
            return self.returning.unclear("a read lags behind");
        }
        match &self.stack.failed {
            Some(failed) => halt(Halted::WayBackFailed {
                failure: self.returning.failure.clone(),
                reason: format!("{}: {}", failed.logical_id, failed.reason),
            }),
            None => halt(Halted::WentElsewhere {
                failure: self.returning.failure.clone(),
                task_definition: self.primary.task_definition.clone(),
            }),
        }
    }

    fn lag_over_at(&self) -> Option<Timestamp> {
        let intended_at = match &self.returning.back.way {
            Way::Update { intended_at } => *intended_at,
            Way::Cancel { intended_at } | Way::Stop { intended_at } => Some(*intended_at),
            Way::Unasked | Way::Observed { .. } => None,
        };
        let over_at = intended_at.map(|at| at + READ_LAG);
        over_at.filter(|at| self.returning.now < *at)
    }

    fn make(&self) -> Decision {
        let returning = self.returning;
        if let (Some(at), Some(_)) = (self.lag_over_at(), &returning.back.stack) {
            return wait(self.with(returning.back.clone()), at, Waiting::ReadLag);
        }
        let value = match &self.observation.good_definition {
            Look::Taken(Some(good)) => {
                let images = images(good);
                let mut containers = returning.start.containers.iter();
                containers.find_map(|name| images.get(name).cloned())
            }
            Look::Taken(None) | Look::Unavailable(_) | Look::NotTaken => None,
        };
        let Some(value) = value else {
            return returning.unclear("the last good version's image is not known");
        };
        let name = format!(
            "pushboat-{}-back-{}",
            returning.rollout.id,
            returning.now.as_second()
        );
        let request = request(self.policy, self.stack, name.clone(), value);
        let back = Back {
            stack: Some(Box::new(StackBack {
                change_set: name,
                approval: None,
            })),
            ..returning.back.clone()
        };
        self.intend(back, Action::CreateChangeSet(request))
    }

    fn execute(&self, name: &str) -> Decision {
        let back = self.returning.back.clone();
        self.intend(back, Action::ExecuteChangeSet(name.to_owned()))
    }

    fn intend(&self, back: Back, action: Action) -> Decision {
        let intended_at = Some(self.returning.now);
        Decision {
            phase: self.with(Back {
                way: Way::Update { intended_at },
                ..back
            }),
            actions: vec![action],
            next: Next::Now,
        }
    }

    fn ask(&self, name: &str, unexpected: Vec<ResourceChange>) -> Decision {
        let (back, now) = (self.returning.back, self.returning.now);
        let asked = self.returning.rollout.phase.approval();
        let approval = Approval::ask(asked, name, unexpected, now);
        let phase = self.with(Back {
            stack: Some(Box::new(StackBack {
                change_set: name.to_owned(),
                approval: Some(approval),
            })),
            ..back.clone()
        });
        let change_set = name.to_owned();
        let waiting = Waiting::Approval { change_set };
        wait(phase, self.returning.now + POLL, waiting)
    }
}
