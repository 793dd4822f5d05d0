//! `RollingBack`: the service goes to the last-known-good, and nowhere else.

mod request;

use jiff::{SignedDuration, Timestamp};

use super::super::failure::Failure;
use super::super::observation::{
    DeploymentRecord, DeploymentState, Look, Observation, RecordStatus, Service, ServiceDeployment,
    ServiceLook,
};
use super::super::reason::{Halted, SupersededBy, Waiting};
use super::super::rollout::{Back, Phase, RolledBackBy, Rollout, Running, Start, Way};
use super::super::shared::Shared;
use super::history::{self, Turned};
use super::{Decision, Next, POLL, READ_LAG, RETRY, halt, over, supersede, wait};
use request::{deployable, sources_are_good};
pub(super) use request::{ended_in_good, way_back_tag};

/// How long a lost answer to StopServiceDeployment is looked into before the service is updated.
const STOP_DOUBTED: SignedDuration = SignedDuration::from_mins(2);

/// A rollout on its way back.
pub(super) struct Return<'a> {
    pub(super) rollout: &'a Rollout,
    pub(super) start: &'a Shared<Start>,
    pub(super) running: &'a Running,
    pub(super) failure: &'a Failure,
    pub(super) back: &'a Back,
    pub(super) now: Timestamp,
}

pub(super) fn decide(returning: &Return<'_>, observation: &Observation) -> Decision {
    if let (Some(newer), false) = (&observation.newer, returning.back.way == Way::Unasked) {
        // It may be the fix; it starts with the same last-known-good. Should it be refused,
        // the service is on its way back all the same.
        return supersede(SupersededBy::Push(newer.clone()));
    }
    let service = match &observation.service {
        Look::Taken(ServiceLook::Found(service)) if service.active => service,
        Look::Taken(_) => return supersede(SupersededBy::ServiceGone),
        Look::Unavailable(trouble) => return returning.unclear(&trouble.words),
        Look::NotTaken => return returning.unclear("the service was not looked at"),
    };
    let Some(primary) = service.primary() else {
        return returning.unclear("ECS shows no primary deployment");
    };
    let ours = &returning.running.revision;
    if primary.task_definition == *ours {
        if history::brought_again(&observation.history, ours, &returning.back.to) {
            return supersede(SupersededBy::SomebodyElse {
                task_definition: ours.clone(),
            });
        }
        return returning.still_ours(observation);
    }
    let history = &observation.history;
    let turned = history::turned(returning.running, service, primary, history, returning.now);
    if turned == Turned::NotYet {
        // What ran before ours may be the last-known-good itself: an old look is no landing.
        return returning.unclear("a read lags behind");
    }
    if primary.task_definition == returning.back.to {
        return returning.landing(service, primary, turned, observation);
    }
    let tagged = observation.own_revision == Look::Taken(Some(primary.task_definition.clone()));
    if tagged && !returning.runs_what_it_registered(observation) {
        return returning.registered_again(&primary.task_definition);
    }
    match turned {
        Turned::ByEcs => return returning.elsewhere(service, primary, observation),
        Turned::ByRequest if returning.asked_to_stop() => {
            return returning.elsewhere(service, primary, observation);
        }
        Turned::NotYet | Turned::ByRequest | Turned::ByUpdate => {}
    }
    if let (Some(at), false) = (returning.lag_over_at(), deployable(observation)) {
        // It may be ours, registered again: its tag is not readable yet.
        return wait(returning.stay(returning.back.clone()), at, Waiting::ReadLag);
    }
    supersede(SupersededBy::SomebodyElse {
        task_definition: primary.task_definition.clone(),
    })
}

impl Return<'_> {
    /// The service is driven towards the last-known-good.
    fn landing(
        &self,
        service: &Service,
        primary: &ServiceDeployment,
        turned: Turned,
        observation: &Observation,
    ) -> Decision {
        let by_ecs = Way::Observed {
            by: RolledBackBy::Ecs,
        };
        if self.back.way == by_ecs && turned == Turned::ByRequest {
            return self.put_back_by_hand(|one| one.landing(service, primary, turned, observation));
        }
        let way = match &self.back.way {
            // Somebody was faster.
            Way::Unasked => Way::Observed { by: turned.by() },
            way @ (Way::Stop { .. }
            | Way::Cancel { .. }
            | Way::Update { .. }
            | Way::Observed { .. }) => way.clone(),
        };
        match primary.state {
            DeploymentState::Completed if service.deployments.len() == 1 => {
                self.landed(&way, primary, turned, observation)
            }
            DeploymentState::Failed => self.failed(primary, observation),
            DeploymentState::Completed | DeploymentState::InProgress => {
                self.under_way(way, observation)
            }
        }
    }

    /// A person had ECS go back. When it was seen first the history could not be read, and ECS
    /// says of either that it rolls back.
    fn put_back_by_hand(&self, decide: impl FnOnce(&Return<'_>) -> Decision) -> Decision {
        let by = RolledBackBy::Person;
        let back = Back {
            way: Way::Observed { by },
            ..self.back.clone()
        };
        let failure = match self.failure {
            Failure::DeploymentFailed { .. } => Failure::PutBackByHand,
            other => other.clone(),
        };
        decide(&Return {
            failure: &failure,
            back: &back,
            ..*self
        })
    }

    /// The revision runs that was good; where it names an image by a tag, what that was resolved
    /// to tells whether the image did.
    fn landed(
        &self,
        way: &Way,
        primary: &ServiceDeployment,
        turned: Turned,
        observation: &Observation,
    ) -> Decision {
        if !observation.good_by_tag {
            return self.rolled_back(way);
        }
        let history = &observation.history;
        let ours = &self.running.revision;
        let somebody_else = || {
            supersede(SupersededBy::SomebodyElse {
                task_definition: primary.task_definition.clone(),
            })
        };
        if let Look::Unavailable(trouble) = &observation.definition {
            return self.unclear(&trouble.words);
        }
        if let Look::Unavailable(trouble) = &observation.good_definition {
            return self.unclear(&trouble.words);
        }
        match (turned, history) {
            (_, Look::Unavailable(trouble)) => self.unclear(&trouble.words),
            // Pushboat asks for such a revision by its digests only: this is somebody's update.
            (Turned::ByUpdate | Turned::NotYet, Look::NotTaken) => somebody_else(),
            (Turned::ByUpdate | Turned::NotYet, Look::Taken(_)) => {
                match history::since(history, ours, &[&self.back.to]) {
                    Some(theirs) if ended_in_good(theirs, observation) => self.rolled_back(way),
                    Some(_) => somebody_else(),
                    None => self.unclear("the history does not show what the service runs"),
                }
            }
            (Turned::ByEcs | Turned::ByRequest, Look::Taken(_) | Look::NotTaken) => {
                match history::of(history, ours) {
                    Some(record) if sources_are_good(record, observation) => self.rolled_back(way),
                    // A person had ECS go back, and it did.
                    Some(_) if turned == Turned::ByRequest && !self.asked_to_stop() => {
                        somebody_else()
                    }
                    Some(_) => self.correct(&primary.id, &primary.task_definition, observation),
                    None => self.unclear("the history does not show what the service runs"),
                }
            }
        }
    }

    fn asked_to_stop(&self) -> bool {
        matches!(self.back.way, Way::Stop { .. })
    }

    fn rolled_back(&self, way: &Way) -> Decision {
        over(Phase::RolledBack {
            failure: self.failure.clone(),
            by: match *way {
                Way::Observed { by } => by,
                Way::Unasked | Way::Stop { .. } | Way::Cancel { .. } | Way::Update { .. } => {
                    RolledBackBy::Pushboat
                }
            },
            revision: self.back.to.clone(),
        })
    }

    /// ECS gave the way back up; one that failed before a person asked is tried once more.
    ///
    /// Whatever began it, somebody or ECS: nothing is asked for on top of it unasked.
    fn failed(&self, primary: &ServiceDeployment, observation: &Observation) -> Decision {
        let before = self.back.corrected.as_ref() == Some(&primary.id);
        let asked_since =
            self.back.way == Way::Unasked && self.failure == &Failure::AskedByOperator;
        if !before && !asked_since {
            return halt(Halted::WayBackFailed {
                failure: self.failure.clone(),
                reason: primary.state_reason.clone(),
            });
        }
        if let Some(at) = self.lag_over_at() {
            return wait(self.stay(self.back.clone()), at, Waiting::ReadLag);
        }
        let again = Return {
            back: &Back {
                corrected: Some(primary.id.clone()),
                ..self.back.clone()
            },
            ..*self
        };
        again.too_long(|| again.ask_anew(observation))
    }

    /// ECS does it; a hook that waits for a person is told of.
    fn under_way(&self, way: Way, observation: &Observation) -> Decision {
        let paused_at = history::paused_at(&observation.history).cloned();
        let waiting = match &paused_at {
            Some(hook) => Waiting::PausedHook {
                hook_id: hook.hook_id.clone(),
            },
            None => Waiting::WayBack,
        };
        let back = Back {
            way,
            paused_at: paused_at.or_else(|| self.back.paused_at.clone()),
            ..self.back.clone()
        };
        self.too_long(|| wait(self.stay(back), self.now + POLL, waiting))
    }

    /// The last-known-good runs under the revision that was registered for this way back.
    fn registered_again(&self, revision: &str) -> Decision {
        Decision {
            phase: self.stay(Back {
                to: revision.to_owned(),
                ..self.back.clone()
            }),
            actions: Vec::new(),
            next: Next::Now,
        }
    }

    /// Says until when UpdateService may have been taken and not be readable yet.
    fn lag_over_at(&self) -> Option<Timestamp> {
        let over_at = match &self.back.way {
            Way::Unasked => None,
            Way::Stop { intended_at } | Way::Cancel { intended_at } => {
                Some(*intended_at + READ_LAG)
            }
            Way::Update { intended_at } => intended_at.map(|at| at + READ_LAG),
            // What ECS or a person began is seen late at the most.
            Way::Observed { .. } => Some(self.back.began_at + READ_LAG),
        };
        over_at.filter(|at| self.now < *at)
    }

    /// The service is still driven towards the version that is taken back.
    fn still_ours(&self, observation: &Observation) -> Decision {
        let record = history::of(&observation.history, &self.running.revision);
        if let Some(record) = record
            && record.status == RecordStatus::RollingBack
        {
            let way = match &self.back.way {
                Way::Unasked => Way::Observed {
                    by: match record.failed_by_ecs {
                        true => RolledBackBy::Ecs,
                        false => RolledBackBy::Person,
                    },
                },
                way @ (Way::Stop { .. }
                | Way::Cancel { .. }
                | Way::Update { .. }
                | Way::Observed { .. }) => way.clone(),
            };
            return self.under_way(way, observation);
        }
        if let Some(at) = self.lag_over_at() {
            return wait(self.stay(self.back.clone()), at, Waiting::ReadLag);
        }
        if let (Way::Stop { intended_at }, Look::Unavailable(trouble)) =
            (&self.back.way, &observation.history)
            && self.now < *intended_at + STOP_DOUBTED
        {
            // It may be on its way back, which an update would only delay.
            return self.unclear(&trouble.words);
        }
        if let Some(taken_back) = self.taken_back(observation) {
            return self.put_right(taken_back, observation);
        }
        self.too_long(|| match record {
            Some(record) if self.leads_back(record, observation) => self.stop(record),
            Some(_) | None => self.ask(&self.back.to, observation),
        })
    }

    /// Gives the service deployment to the last-known-good that was taken back itself: by a
    /// lifecycle hook, the circuit breaker, an alarm, or a person.
    fn taken_back<'a>(&self, observation: &'a Observation) -> Option<&'a DeploymentRecord> {
        let mut good = vec![self.back.to.as_str()];
        if let Look::Taken(Some(again)) = &observation.own_revision {
            good.push(again);
        }
        let newest = history::since(&observation.history, &self.running.revision, &good);
        newest.filter(|record| history::is_way_back(record.status))
    }

    /// The way back was taken back, to the very version that is bad.
    fn put_right(&self, taken_back: &DeploymentRecord, observation: &Observation) -> Decision {
        let ours = &self.running.revision;
        match taken_back.status {
            RecordStatus::RollingBack => {
                return self.under_way(self.back.way.clone(), observation);
            }
            _ if !taken_back.failed_by_ecs => {
                return supersede(SupersededBy::SomebodyElse {
                    task_definition: ours.clone(),
                });
            }
            _ => {}
        }
        self.correct(&taken_back.arn, ours, observation)
    }

    /// ECS went back by itself, to something else than the last-known-good.
    fn elsewhere(
        &self,
        service: &Service,
        primary: &ServiceDeployment,
        observation: &Observation,
    ) -> Decision {
        if service.deployments.len() > 1 || primary.state == DeploymentState::InProgress {
            return self.under_way(self.back.way.clone(), observation);
        }
        if let (Way::Update { .. } | Way::Stop { .. }, Some(at), false) = (
            &self.back.way,
            self.lag_over_at(),
            self.was_corrected(&primary.id),
        ) {
            return wait(self.stay(self.back.clone()), at, Waiting::ReadLag);
        }
        if self.back.corrected.is_some() && self.taken_back(observation).is_some() {
            // ECS landed where it had landed before, which may have the same id.
            return self.went_elsewhere(&primary.task_definition);
        }
        self.correct(&primary.id, &primary.task_definition, observation)
    }

    fn went_elsewhere(&self, landed: &str) -> Decision {
        halt(Halted::WentElsewhere {
            failure: self.failure.clone(),
            task_definition: landed.to_owned(),
        })
    }

    /// Says whether something else than this deployment was put right before.
    fn was_corrected(&self, deployment: &str) -> bool {
        let corrected = self.back.corrected.as_deref();
        corrected.is_some_and(|before| before != deployment)
    }

    /// Asks for the last-known-good after a deployment led elsewhere; a second one is for a person.
    fn correct(&self, deployment: &str, landed: &str, observation: &Observation) -> Decision {
        if self.was_corrected(deployment) {
            return self.went_elsewhere(landed);
        }
        let corrected = Return {
            back: &Back {
                corrected: Some(deployment.to_owned()),
                ..self.back.clone()
            },
            ..*self
        };
        corrected.too_long(|| corrected.ask(&self.back.to, observation))
    }

    pub(super) fn unclear(&self, trouble: &str) -> Decision {
        let waiting = Waiting::Aws {
            trouble: trouble.to_owned(),
        };
        self.too_long(|| wait(self.stay(self.back.clone()), self.now + RETRY, waiting))
    }

    /// Gives up at the way back's own deadline; does `otherwise` before it.
    pub(super) fn too_long(&self, otherwise: impl FnOnce() -> Decision) -> Decision {
        if self.now < self.back.began_at + self.rollout.policy.deadline() {
            return otherwise();
        }
        halt(Halted::WayBackTooLong {
            failure: self.failure.clone(),
        })
    }

    pub(super) fn stay(&self, back: Back) -> Phase {
        Phase::RollingBack {
            start: self.start.clone(),
            running: self.running.clone(),
            failure: self.failure.clone(),
            back,
        }
    }
}
