//! How things stand in ECS, whatever reads show.

use ecs_model::{Registry as _, RolloutState, TaskDefinition};
use pushboat::core::policy::ServiceRef;
use pushboat::task_definition::ROLLOUT_TAG;

use super::Ecs;
use crate::deeds::{DeploymentTruth, RevisionTruth, ServiceTruth};
use crate::images::REGISTRY;
use crate::services::digests;

impl Ecs {
    /// Says how a service stands, whatever reads show; none where there is none.
    #[must_use]
    pub fn truth(&self, service: &ServiceRef) -> Option<ServiceTruth> {
        let model = self.read();
        let found = model.service(Some(&service.cluster), &service.name);
        let found = found.ok().flatten()?;
        let group = format!("service:{}", service.name);
        let primary = found.primary().map(|primary| DeploymentTruth {
            id: primary.id.to_string(),
            revision: revision_truth(&model, &found.revisions[primary.revision].task_definition),
            completed: primary.rollout_state == RolloutState::Completed,
            digests: digests(&found.revisions[primary.revision]),
        });
        let running = model.task_counts(found, None).running;
        let tasks = model.tasks(&service.cluster).filter_map(|(_, task)| {
            let is_its = *task.specification.group == *group;
            task.state.stopping_at.filter(|_| is_its)
        });
        let is_short = running < found.desired_count;
        let stopped_at = if is_short {
            tasks.collect()
        } else {
            Vec::new()
        };
        let before = self.wanted_before.borrow();
        Some(ServiceTruth {
            desired_before: before.get(service).copied(),
            stopped_at,
            primary,
            deployments: found.deployments.len(),
            desired: found.desired_count,
            running,
        })
    }

    /// Says whether a service has fewer tasks than are wanted, whatever reads show.
    #[must_use]
    pub fn is_short(&self, service: &ServiceRef) -> bool {
        let model = self.read();
        let found = model.service(Some(&service.cluster), &service.name);
        let found = found.ok().flatten();
        found.is_some_and(|found| model.task_counts(found, None).running < found.desired_count)
    }

    /// Says whether tasks can surely pull every image of what a service runs now.
    ///
    /// What a tag of our registry stood for when the service was deployed may be gone.
    #[must_use]
    pub fn can_be_pulled(&self, service: &ServiceRef) -> bool {
        let model = self.read();
        let found = model.service(Some(&service.cluster), &service.name);
        let found = found.ok().flatten();
        let revision = found.and_then(|found| Some(&found.revisions[found.primary()?.revision]));
        revision.is_some_and(|revision| {
            let mut containers = revision.task_definition.containers.iter();
            containers.all(|one| {
                let stays = one.image.contains('@') || !one.image.starts_with(REGISTRY);
                stays && self.images.resolve(&one.image, None).is_ok()
            })
        })
    }

    /// Describes a revision, whatever reads show.
    pub(crate) fn revision_truth(&self, arn: &str) -> RevisionTruth {
        let model = self.read();
        let entry = model.task_definition(arn);
        entry.map_or_else(
            || RevisionTruth {
                arn: arn.to_owned(),
                rollout: None,
                images: Vec::new(),
            },
            |entry| revision_truth(&model, &entry.definition),
        )
    }
}

fn revision_truth(model: &ecs_model::Ecs, definition: &TaskDefinition) -> RevisionTruth {
    let entry = model.task_definition(&definition.arn);
    let containers = definition.containers.iter();
    RevisionTruth {
        arn: definition.arn.to_string(),
        rollout: entry.and_then(|entry| entry.tags.get(ROLLOUT_TAG).map(str::to_owned)),
        images: containers
            .map(|one| (one.name.to_string(), one.image.to_string()))
            .collect(),
    }
}
