//! What is asked of ECS to bring the last-known-good back.

use super::super::super::observation::{
    Definition, DeploymentRecord, Digests, Look, Observation, RecordStatus,
};
use super::super::super::rollout::{Back, Rollout, Way};
use super::super::{Action, Decision, Next, history};
use super::Return;
use crate::task_definition::{self, ROLLOUT_TAG, TARGET_TAG};

impl Return<'_> {
    /// Says whether ECS, asked to roll our service deployment back, goes to the last-known-good.
    ///
    /// It goes to what ran when the deployment began. Source: ECS developer
    /// guide, "Stopping Amazon ECS service deployments". Whether it takes a
    /// revision that was deregistered meanwhile, no page says. No service
    /// revision is made for that: the earlier one comes back, its tags as they
    /// were resolved then. Source: ECS developer guide, "Amazon ECS service revisions".
    pub(super) fn leads_back(&self, record: &DeploymentRecord, observation: &Observation) -> bool {
        self.back.way == Way::Unasked
            && record.status == RecordStatus::Ongoing
            && !record.sources.is_empty()
            && record.sources.iter().all(|source| *source == self.back.to)
            && is_active(observation)
            && sources_are_good(record, observation)
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
        if deployable(observation) {
            let good = good.to_owned();
            return self.update(vec![Action::UpdateService(Some(good))]);
        }
        self.ask_anew(observation)
    }

    /// Asks for the last-known-good under a revision of its own, which makes a new service
    /// deployment whatever runs.
    ///
    /// An update to the revision that the service has makes none. Source: ECS API
    /// reference, UpdateService, `forceNewDeployment`.
    pub(super) fn ask_anew(&self, observation: &Observation) -> Decision {
        match (&observation.own_revision, &observation.good_definition) {
            (Look::Taken(Some(again)), _) => {
                self.update(vec![Action::UpdateService(Some(again.clone()))])
            }
            (_, Look::Taken(Some(definition))) => self.update(vec![
                Action::Register(self.registration(definition)),
                Action::UpdateService(None),
            ]),
            (_, Look::Unavailable(trouble)) => self.unclear(&trouble.words),
            (_, Look::Taken(None) | Look::NotTaken) => {
                self.unclear("the ledger has no text of the last good task definition")
            }
        }
    }

    fn update(&self, actions: Vec<Action>) -> Decision {
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

/// Says whether ECS takes the last-known-good's own revision, and brings its images with it.
///
/// Where that names one by a tag, a new service deployment resolves it anew, to
/// whatever it points at then. Source: ECS developer guide, "Container image resolution".
pub(super) fn deployable(observation: &Observation) -> bool {
    is_active(observation) && !observation.good_by_tag
}

fn is_active(observation: &Observation) -> bool {
    match &observation.definition {
        Look::Taken(definition) => task_definition::is_active(definition),
        Look::Unavailable(_) | Look::NotTaken => false,
    }
}

/// Says whether every source of a service deployment ran the images that were good.
pub(super) fn sources_are_good(record: &DeploymentRecord, observation: &Observation) -> bool {
    let mut digests = record.source_digests.iter();
    !observation.good_by_tag
        || (!record.source_digests.is_empty()
            && digests.all(|digests| resolves_to_good(digests, observation)))
}

/// Says whether what a service deployment left running is the images that were good: what it
/// brought, or what ran before it where ECS took it back.
pub(in super::super) fn ended_in_good(
    record: &DeploymentRecord,
    observation: &Observation,
) -> bool {
    if history::is_way_back(record.status) {
        return sources_are_good(record, observation);
    }
    resolves_to_good(&record.target_digests, observation)
}

/// Says whether the last-known-good's own revision, resolved like this, has the images that were good.
fn resolves_to_good(digests: &Digests, observation: &Observation) -> bool {
    match (&observation.definition, &observation.good_definition) {
        (Look::Taken(definition), Look::Taken(Some(good))) => {
            task_definition::resolves_to(definition, digests, good)
        }
        (Look::Taken(_) | Look::Unavailable(_) | Look::NotTaken, _) => false,
    }
}

/// The tag's value on a last-known-good that had to be registered again for a rollout's way back.
pub(in super::super) fn way_back_tag(rollout: &Rollout) -> String {
    format!("{}.back", rollout.id)
}
