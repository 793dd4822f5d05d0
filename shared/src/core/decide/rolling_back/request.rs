//! What is asked of ECS to bring the last-known-good back.

use super::super::super::observation::{
    Definition, DeploymentRecord, Look, Observation, RecordStatus,
};
use super::super::super::rollout::{Back, Rollout, Way};
use super::super::{Action, Decision, Next};
use super::Return;
use crate::task_definition::{self, ROLLOUT_TAG, TARGET_TAG};

impl Return<'_> {
    /// Says whether ECS, asked to roll our service deployment back, goes to the last-known-good.
    ///
    /// It goes to what ran when the deployment began. Source: ECS developer
    /// guide, "Stopping Amazon ECS service deployments". Whether it takes a
    /// revision that was deregistered meanwhile, no page says.
    pub(super) fn leads_back(&self, record: &DeploymentRecord, observation: &Observation) -> bool {
        self.back.way == Way::Unasked
            && record.status == RecordStatus::Ongoing
            && !record.sources.is_empty()
            && record.sources.iter().all(|source| *source == self.back.to)
            && deployable(observation)
    }

    pub(super) fn stop(&self, record: &DeploymentRecord) -> Decision {
        Decision {
            phase: self.stay(Back {
                way: Way::Stop {
                    intended_at: self.now,
                },
                ..self.back.clone()
            }),
            actions: vec![Action::StopServiceDeployment(record.arn.clone())],
            next: Next::Now,
        }
    }

    /// Asks the service to run the last-known-good, registered anew where ECS no longer takes it.
    pub(super) fn ask(&self, good: &str, observation: &Observation) -> Decision {
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

    /// Says whether the last-known-good is the revision that was registered for this way back.
    ///
    /// Then another one with its tag is somebody's copy.
    pub(super) fn runs_what_it_registered(&self, observation: &Observation) -> bool {
        let Look::Taken(definition) = &observation.definition else {
            return false;
        };
        let tag = way_back_tag(self.rollout);
        deployable(observation) && task_definition::is_tagged(definition, ROLLOUT_TAG, &tag)
    }

    fn registration(&self, definition: &Definition) -> serde_json::Value {
        let rollout = way_back_tag(self.rollout);
        let own_tags = [
            (TARGET_TAG, self.rollout.policy.target.as_str()),
            (ROLLOUT_TAG, rollout.as_str()),
        ];
        task_definition::registered_again(definition, &own_tags)
    }
}

/// Says whether ECS takes the last-known-good's own revision.
pub(super) fn deployable(observation: &Observation) -> bool {
    match &observation.definition {
        Look::Taken(definition) => task_definition::is_active(definition),
        Look::Unavailable(_) | Look::NotTaken => false,
    }
}

/// The tag's value on a last-known-good that had to be registered again for a rollout's way back.
pub(in super::super) fn way_back_tag(rollout: &Rollout) -> String {
    format!("{}.back", rollout.id)
}
