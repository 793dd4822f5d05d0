//! `RollingBack`: the service goes to the last-known-good, and nowhere else.

use jiff::Timestamp;

use super::super::failure::Failure;
use super::super::observation::{
    Definition, DeploymentState, Look, Observation, Service, ServiceDeployment, ServiceLook,
};
use super::super::reason::{Halted, SupersededBy, Waiting};
use super::super::rollout::{Back, Phase, RolledBackBy, Rollout, Running, Start, Way};
use super::{Action, Decision, Next, POLL, READ_LAG, RETRY, halt, over, supersede, wait};
use crate::task_definition::{self, ROLLOUT_TAG, TARGET_TAG};

/// A rollout on its way back.
pub(super) struct Return<'a> {
    pub(super) rollout: &'a Rollout,
    pub(super) start: &'a Start,
    pub(super) running: &'a Running,
    pub(super) failure: &'a Failure,
    pub(super) back: &'a Back,
    pub(super) now: Timestamp,
}

pub(super) fn decide(returning: &Return<'_>, observation: &Observation) -> Decision {
    if let (Some(newer), false) = (&observation.newer, returning.back.way == Way::Unasked) {
        // It may be the fix; it starts with the same last-known-good. Should it be refused,
        // the service is on its way back all the same.
        return supersede(SupersededBy::Push {
            rollout: newer.clone(),
        });
    }
    let service = match &observation.service {
        Look::Taken(ServiceLook::Found(service)) if service.active => service,
        Look::Taken(_) => return supersede(SupersededBy::ServiceGone),
        Look::Unavailable(trouble) => return returning.unclear(trouble),
        Look::NotTaken => return returning.unclear("the service was not looked at"),
    };
    let Some(primary) = service.primary() else {
        return returning.unclear("ECS shows no primary deployment");
    };
    if primary.task_definition == returning.running.revision {
        return returning.still_ours(observation);
    }
    if primary.created_at < returning.running.deployment_created_at {
        // What ran before ours may be the last-known-good itself: an old look is no landing.
        return returning.unclear("a read lags behind");
    }
    if primary.task_definition == returning.back.to {
        return returning.landing(service, primary);
    }
    if observation.own_revision == Look::Taken(Some(primary.task_definition.clone())) {
        return returning.registered_again(&primary.task_definition);
    }
    if by_ecs(service, primary, returning.running) {
        return returning.elsewhere(service, primary, observation);
    }
    if let (Some(at), false) = (returning.lag_over_at(), deployable(observation)) {
        // It may be ours, registered again: its tag is not readable yet.
        return wait(returning.stay(returning.back.clone()), at, Waiting::ReadLag);
    }
    supersede(SupersededBy::SomebodyElse {
        task_definition: primary.task_definition.clone(),
    })
}

/// Says whether ECS takes the last-known-good's own revision.
fn deployable(observation: &Observation) -> bool {
    match &observation.definition {
        Look::Taken(definition) => task_definition::is_active(definition),
        Look::Unavailable(_) | Look::NotTaken => false,
    }
}

/// Says whether ECS itself drives the service there, as its words and the failed deployment show.
fn by_ecs(service: &Service, primary: &ServiceDeployment, running: &Running) -> bool {
    primary.state_reason.contains("rolling back")
        || service.deployments.iter().any(|deployment| {
            deployment.task_definition == running.revision
                && deployment.state == DeploymentState::Failed
        })
}

impl Return<'_> {
    /// The service is driven towards the last-known-good.
    fn landing(&self, service: &Service, primary: &ServiceDeployment) -> Decision {
        let way = match &self.back.way {
            // Somebody was faster.
            Way::Unasked if by_ecs(service, primary, self.running) => Way::Observed {
                by: RolledBackBy::Ecs,
            },
            Way::Unasked => Way::Observed {
                by: RolledBackBy::Person,
            },
            way => way.clone(),
        };
        match primary.state {
            DeploymentState::Completed if service.deployments.len() == 1 => {
                over(Phase::RolledBack {
                    failure: self.failure.clone(),
                    by: match way {
                        Way::Observed { by } => by,
                        Way::Unasked | Way::Update { .. } => RolledBackBy::Pushboat,
                    },
                    revision: self.back.to.clone(),
                })
            }
            DeploymentState::Failed => halt(Halted::WayBackFailed {
                failure: self.failure.clone(),
                reason: primary.state_reason.clone(),
            }),
            DeploymentState::Completed | DeploymentState::InProgress => self.under_way(Back {
                way,
                ..self.back.clone()
            }),
        }
    }

    fn under_way(&self, back: Back) -> Decision {
        self.too_long(|| wait(self.stay(back), self.now + POLL, Waiting::WayBack))
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
            Way::Update { intended_at } => intended_at.map(|at| at + READ_LAG),
            // What ECS or a person began is seen late at the most.
            Way::Observed { .. } => Some(self.back.began_at + READ_LAG),
        };
        over_at.filter(|at| self.now < *at)
    }

    /// The service is still driven towards the version that is taken back.
    fn still_ours(&self, observation: &Observation) -> Decision {
        match self.lag_over_at() {
            Some(at) => wait(self.stay(self.back.clone()), at, Waiting::ReadLag),
            None => self.too_long(|| self.ask(&self.back.to, observation)),
        }
    }

    /// ECS went back by itself, to something else than the last-known-good.
    fn elsewhere(
        &self,
        service: &Service,
        primary: &ServiceDeployment,
        observation: &Observation,
    ) -> Decision {
        if service.deployments.len() > 1 || primary.state == DeploymentState::InProgress {
            return self.under_way(self.back.clone());
        }
        let again = |before: &String| *before != primary.id;
        if self.back.corrected.as_ref().is_some_and(again) {
            return halt(Halted::WentElsewhere {
                failure: self.failure.clone(),
                task_definition: primary.task_definition.clone(),
            });
        }
        if let (Way::Update { .. }, Some(at)) = (&self.back.way, self.lag_over_at()) {
            return wait(self.stay(self.back.clone()), at, Waiting::ReadLag);
        }
        let corrected = Return {
            back: &Back {
                corrected: Some(primary.id.clone()),
                ..self.back.clone()
            },
            ..*self
        };
        corrected.too_long(|| corrected.ask(&self.back.to, observation))
    }

    /// Asks the service to run the last-known-good, registered anew where ECS no longer takes it.
    fn ask(&self, good: &str, observation: &Observation) -> Decision {
        if observation.definition == Look::NotTaken {
            return self.unclear("no look at the last good task definition");
        }
        let actions = if deployable(observation) {
            vec![Action::UpdateService(Some(good.to_owned()))]
        } else {
            match (&observation.own_revision, &observation.good_definition) {
                (Look::Taken(Some(again)), _) => {
                    vec![Action::UpdateService(Some(again.clone()))]
                }
                (_, Look::Taken(Some(definition))) => vec![
                    Action::Register(self.registration(definition)),
                    Action::UpdateService(None),
                ],
                (_, Look::Unavailable(trouble)) => return self.unclear(trouble),
                (_, Look::Taken(None) | Look::NotTaken) => {
                    return self.unclear("the ledger has no text of the last good task definition");
                }
            }
        };
        let intended_at = Some(self.now);
        Decision {
            phase: self.stay(Back {
                way: Way::Update { intended_at },
                ..self.back.clone()
            }),
            actions,
            next: Next::Now,
        }
    }

    fn registration(&self, definition: &Definition) -> serde_json::Value {
        let rollout = way_back_tag(self.rollout);
        let own_tags = [
            (TARGET_TAG, self.rollout.policy.target.as_str()),
            (ROLLOUT_TAG, rollout.as_str()),
        ];
        task_definition::registered_again(definition, &own_tags)
    }

    fn unclear(&self, trouble: &str) -> Decision {
        let waiting = Waiting::Aws {
            trouble: trouble.to_owned(),
        };
        self.too_long(|| wait(self.stay(self.back.clone()), self.now + RETRY, waiting))
    }

    /// Gives up at the way back's own deadline; does `otherwise` before it.
    fn too_long(&self, otherwise: impl FnOnce() -> Decision) -> Decision {
        if self.now < self.back.began_at + self.rollout.policy.deadline() {
            return otherwise();
        }
        halt(Halted::WayBackTooLong {
            failure: self.failure.clone(),
        })
    }

    fn stay(&self, back: Back) -> Phase {
        Phase::RollingBack {
            start: self.start.clone(),
            running: self.running.clone(),
            failure: self.failure.clone(),
            back,
        }
    }
}

/// The tag's value on a last-known-good that had to be registered again for a rollout's way back.
pub(super) fn way_back_tag(rollout: &Rollout) -> String {
    format!("{}.back", rollout.id)
}
