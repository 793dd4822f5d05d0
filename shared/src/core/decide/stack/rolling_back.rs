//! `RollingBack` through a stack: by a cancelled update, or by a change set of its own.

mod bringing;
mod landed;

use jiff::SignedDuration;

use super::super::super::observation::{
    Look, Observation, Service, ServiceDeployment, ServiceLook,
};
use super::super::super::policy::StackRef;
use super::super::super::reason::{Halted, SupersededBy, Waiting};
use super::super::super::rollout::{Back, Phase, RolledBackBy, Way};
use super::super::super::stack::{Stack, StackLook, StackStatus};
use super::super::rolling_back::Return;
use super::super::{Action, Decision, Next, POLL, READ_LAG, halt, over, supersede, wait};

/// How long CloudFormation has to notice that ECS gave the deployment up, before the update is
/// cancelled.
const NOTICED_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// What is seen on the way back.
struct ThroughStack<'a> {
    returning: &'a Return<'a>,
    policy: &'a StackRef,
    stack: &'a Stack,
    service: &'a Service,
    primary: &'a ServiceDeployment,
    observation: &'a Observation,
}

pub(in super::super) fn decide(
    returning: &Return<'_>,
    policy: &StackRef,
    observation: &Observation,
) -> Decision {
    let service = match &observation.service {
        Look::Taken(ServiceLook::Found(service)) if service.active => service,
        Look::Taken(_) => return supersede(SupersededBy::ServiceGone),
        Look::Unavailable(trouble) => return returning.unclear(&trouble.words),
        Look::NotTaken => return returning.unclear("the service was not looked at"),
    };
    let Some(primary) = service.primary() else {
        return returning.unclear("ECS shows no primary deployment");
    };
    let stack = match &observation.stack {
        Look::Taken(StackLook::Found(stack)) => stack,
        Look::Taken(StackLook::Missing) => return supersede(SupersededBy::ServiceGone),
        Look::Unavailable(trouble) => return returning.unclear(&trouble.words),
        Look::NotTaken => return returning.unclear("the stack was not looked at"),
    };
    let way = ThroughStack {
        returning,
        policy,
        stack,
        service,
        primary,
        observation,
    };
    way.decide()
}

impl ThroughStack<'_> {
    fn decide(&self) -> Decision {
        if let (Some(newer), true) = (&self.observation.newer, self.is_in_motion()) {
            // It may be the fix; the stack is on its way back all the same.
            return supersede(SupersededBy::Push(newer.clone()));
        }
        match self.stack.status {
            StackStatus::Updating if self.is_forward() && !self.is_over() => {
                match &self.observation.change_set {
                    // It may be over, and what goes on somebody else's.
                    Look::Unavailable(trouble) => self.returning.unclear(&trouble.words),
                    Look::Taken(_) | Look::NotTaken => self.stop_update(),
                }
            }
            StackStatus::Updating if self.is_back() => self.go_on(Waiting::WayBack),
            StackStatus::Updating | StackStatus::Busy => self.go_on(Waiting::StackBusy {
                status: self.stack.status_word.clone(),
            }),
            StackStatus::RollingBack | StackStatus::CleaningUpRollback
                if self.was_done() && !self.is_back() =>
            {
                // It goes back from somebody else's update.
                self.go_on(Waiting::StackBusy {
                    status: self.stack.status_word.clone(),
                })
            }
            StackStatus::RollingBack | StackStatus::CleaningUpRollback => self.goes_back(),
            StackStatus::CleaningUp => self.go_on(Waiting::WayBack),
            StackStatus::Updated | StackStatus::RolledBack => self.free(),
            StackStatus::UpdateFailed | StackStatus::RollbackFailed | StackStatus::Dead => {
                halt(Halted::StackWedged {
                    failure: self.returning.failure.clone(),
                    stack: self.policy.name.clone(),
                    status: self.stack.status_word.clone(),
                    failed: self.stack.failed.clone(),
                })
            }
        }
    }

    /// Says whether the stack's last update is the one that is to be taken back.
    ///
    /// Where that was done already, one that goes on is somebody else's.
    fn is_forward(&self) -> bool {
        let asked = self.returning.start.stack.as_ref();
        let asked = asked.filter(|asked| !asked.done);
        let forward = asked.map(|asked| &asked.change_set);
        forward.is_some() && self.stack.change_set.as_ref() == forward
    }

    /// Says whether the update that is to be taken back is over: what goes on is another one.
    fn is_over(&self) -> bool {
        let executed = match &self.observation.change_set {
            Look::Taken(change_set) => change_set.is_over(),
            Look::Unavailable(_) | Look::NotTaken => false,
        };
        // The stack was free when the change set was made that brings the good version back.
        self.returning.back.stack.is_some() || executed
    }

    fn was_done(&self) -> bool {
        let asked = self.returning.start.stack.as_ref();
        asked.is_some_and(|asked| asked.done)
    }

    /// Says whether the stack's last update is the one that brings the last-known-good.
    fn is_back(&self) -> bool {
        let back = self.returning.back.stack.as_ref();
        let back = back.map(|back| &back.change_set);
        back.is_some() && self.stack.change_set.as_ref() == back
    }

    fn is_in_motion(&self) -> bool {
        match self.stack.status {
            StackStatus::RollingBack | StackStatus::CleaningUpRollback => true,
            StackStatus::Updating => self.is_back(),
            StackStatus::Updated
            | StackStatus::RolledBack
            | StackStatus::CleaningUp
            | StackStatus::Busy
            | StackStatus::UpdateFailed
            | StackStatus::RollbackFailed
            | StackStatus::Dead => false,
        }
    }

    fn with(&self, back: Back) -> Phase {
        self.returning.stay(back)
    }

    fn go_on(&self, waiting: Waiting) -> Decision {
        let returning = self.returning;
        returning.too_long(|| {
            wait(
                self.with(returning.back.clone()),
                returning.now + POLL,
                waiting,
            )
        })
    }

    /// The update is under way: it is cancelled, unless CloudFormation will go back by itself.
    fn stop_update(&self) -> Decision {
        let (back, now) = (&self.returning.back, self.returning.now);
        let wait_until = match &back.way {
            Way::Unasked | Way::Stop { .. } | Way::Update { .. } => None,
            Way::Cancel { intended_at } => Some(*intended_at + READ_LAG),
            Way::Observed { .. } => Some(back.began_at + NOTICED_WITHIN),
        };
        if wait_until.is_some_and(|until| now < until) {
            return self.go_on(Waiting::WayBack);
        }
        if !self.runs_ours_or_what_was_before() {
            return self.stand_down();
        }
        self.returning.too_long(|| Decision {
            phase: self.with(Back {
                way: Way::Cancel { intended_at: now },
                ..(*back).clone()
            }),
            actions: vec![Action::CancelUpdateStack],
            next: Next::Now,
        })
    }

    /// CloudFormation rolls the update back, whoever began it.
    fn goes_back(&self) -> Decision {
        let back = &self.returning.back;
        let way = match &back.way {
            Way::Unasked => Way::Observed {
                by: self.who_began(),
            },
            way @ (Way::Observed { .. }
            | Way::Stop { .. }
            | Way::Cancel { .. }
            | Way::Update { .. }) => way.clone(),
        };
        let phase = self.with(Back {
            way,
            ..(*back).clone()
        });
        let now = self.returning.now;
        self.returning
            .too_long(|| wait(phase, now + POLL, Waiting::WayBack))
    }

    /// The stack can be updated: the service runs the last-known-good, or is brought there.
    fn free(&self) -> Decision {
        let returning = self.returning;
        let runs_good = match self.runs_good() {
            Ok(runs_good) => runs_good,
            Err(trouble) => return returning.unclear(&trouble),
        };
        if runs_good {
            return self.arrived();
        }
        if let Look::Unavailable(trouble) = &self.observation.history {
            return returning.unclear(&trouble.words);
        }
        match self.is_somebody_elses() {
            true => self.stand_down(),
            false => returning.too_long(|| self.bring()),
        }
    }

    fn stand_down(&self) -> Decision {
        supersede(SupersededBy::SomebodyElse {
            task_definition: self.primary.task_definition.clone(),
        })
    }

    fn arrived(&self) -> Decision {
        let returning = self.returning;
        if self.primary.task_definition != returning.back.to {
            // The same images, under a revision that CloudFormation made of them.
            return Decision {
                phase: self.with(Back {
                    to: self.primary.task_definition.clone(),
                    ..returning.back.clone()
                }),
                actions: Vec::new(),
                next: Next::Now,
            };
        }
        if !self.service.settled() {
            return self.go_on(Waiting::WayBack);
        }
        over(Phase::RolledBack {
            failure: returning.failure.clone(),
            by: match returning.back.way {
                Way::Observed { by } => by,
                Way::Unasked => self.by_others(),
                Way::Stop { .. } | Way::Cancel { .. } | Way::Update { .. } => {
                    RolledBackBy::Pushboat
                }
            },
            revision: returning.back.to.clone(),
        })
    }
}
