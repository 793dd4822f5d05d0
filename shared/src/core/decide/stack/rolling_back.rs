//! `RollingBack` through a stack: by a cancelled update, or by a change set of its own.

use jiff::{SignedDuration, Timestamp};

use super::super::super::failure::Failure;
use super::super::super::observation::{
    Look, Observation, Service, ServiceDeployment, ServiceLook,
};
use super::super::super::policy::StackRef;
use super::super::super::reason::{Halted, SupersededBy, Waiting};
use super::super::super::rollout::{Approval, Back, Phase, RolledBackBy, StackBack, Way};
use super::super::super::stack::{
    ChangeSetLook, ChangeSetState, ResourceChange, Stack, StackLook, StackStatus,
};
use super::super::rolling_back::{Return, ended_in_good};
use super::super::{Action, Decision, Next, POLL, READ_LAG, halt, history, over, supersede, wait};
use super::change_set::{self, Step};
use super::{CHANGE_SET_POLL, request, under_way};
use crate::task_definition::images;

/// How long CloudFormation has to notice that ECS gave the deployment up, before the update is
/// cancelled.
const NOTICED_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// Says whether a revision was registered before another one of its family: CloudFormation goes
/// back to one that it had.
fn is_older(revision: &str, than: &str) -> bool {
    let read = |arn: &str| {
        let (family, number) = arn.rsplit_once(':')?;
        Some((family.to_owned(), number.parse::<u64>().ok()?))
    };
    match (read(revision), read(than)) {
        (Some((family, number)), Some((other, than))) => family == other && number < than,
        _ => false,
    }
}

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
            StackStatus::Updated | StackStatus::RolledBack | StackStatus::UpdateFailed => {
                self.free()
            }
            StackStatus::RollbackFailed | StackStatus::Dead => halt(Halted::StackWedged {
                failure: self.returning.failure.clone(),
                stack: self.policy.name.clone(),
                status: self.stack.status_word.clone(),
                failed: self.stack.failed.clone(),
            }),
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
            Look::Taken(ChangeSetLook::Found(found)) => matches!(
                found.state,
                ChangeSetState::Executed | ChangeSetState::ExecutionFailed { .. }
            ),
            Look::Taken(ChangeSetLook::Missing) | Look::Unavailable(_) | Look::NotTaken => false,
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

    /// Says whether the service runs what neither Pushboat nor CloudFormation brought.
    ///
    /// CloudFormation goes back by one deployment, unless ECS was there already: what comes after
    /// that is somebody's.
    fn is_somebody_elses(&self) -> bool {
        if self.runs_ours_or_what_was_before() || self.is_back() {
            return false;
        }
        let went_back = self.stack.status == StackStatus::RolledBack && self.is_forward();
        let ours = &self.returning.running.revision;
        // What a person has tried once more may have been anybody's since.
        let went_back = went_back && *self.returning.failure != Failure::AskedByOperator;
        let went_back = went_back && is_older(&self.primary.task_definition, ours);
        !(went_back && history::is_next_after(&self.observation.history, ours))
    }

    fn runs_ours_or_what_was_before(&self) -> bool {
        let returning = self.returning;
        let runs = &self.primary.task_definition;
        [
            &returning.running.revision,
            &returning.start.base_task_definition,
            &returning.back.to,
        ]
        .contains(&runs)
    }

    /// Says whether the service's primary deployment has the images that were good.
    fn runs_good(&self) -> Result<bool, String> {
        let is_named = self.primary.task_definition == self.returning.back.to;
        if is_named && !self.observation.good_by_tag {
            return Ok(true);
        }
        let definition = match &self.observation.definition {
            Look::Taken(definition) => definition,
            Look::Unavailable(trouble) => return Err(trouble.words.clone()),
            Look::NotTaken => return Err("the task definition was not looked at".to_owned()),
        };
        let good = match &self.observation.good_definition {
            Look::Taken(Some(good)) => good,
            Look::Taken(None) => {
                return Err("the ledger has no text of the last good task definition".to_owned());
            }
            Look::Unavailable(trouble) => return Err(trouble.words.clone()),
            Look::NotTaken => return Err("the last good version was not looked up".to_owned()),
        };
        let (found, good) = (images(definition), images(good));
        let mut containers = self.returning.start.containers.iter();
        let has_them =
            containers.all(|name| found.contains_key(name) && found.get(name) == good.get(name));
        match is_named && !has_them {
            true => self.tag_still_stands_for_good(),
            false => Ok(has_them),
        }
    }

    /// CloudFormation went back to the revision that was good, which names its image by a tag: ECS
    /// has resolved that anew.
    fn tag_still_stands_for_good(&self) -> Result<bool, String> {
        let history = &self.observation.history;
        if let Look::Unavailable(trouble) = history {
            return Err(trouble.words.clone());
        }
        let ours = &self.returning.running.revision;
        let good = self.returning.back.to.as_str();
        let record = history::since(history, ours, &[good]);
        Ok(record.is_some_and(|record| ended_in_good(record, self.observation)))
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

    /// Says who had CloudFormation take the update back.
    fn who_began(&self) -> RolledBackBy {
        match under_way::failure(self.stack) {
            Failure::PutBackByHand => RolledBackBy::Person,
            _ => RolledBackBy::CloudFormation,
        }
    }

    /// Nothing was asked for: somebody was faster, or the very image that is good was deployed.
    fn by_others(&self) -> RolledBackBy {
        let running = self.returning.running;
        if self.primary.task_definition == running.revision {
            return RolledBackBy::Pushboat;
        }
        if self.stack.status == StackStatus::RolledBack && self.is_forward() {
            return self.who_began();
        }
        let history = &self.observation.history;
        let now = self.returning.now;
        history::turned(running, self.service, self.primary, history, now).by()
    }

    /// Brings the last-known-good back by a change set.
    fn bring(&self) -> Decision {
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
