//! How things stand in ECS, whatever reads show.

use ecs_model::{Registry as _, RolloutState, TaskDefinition};
use jiff::SignedDuration;
use pushboat::core::policy::ServiceRef;
use pushboat::task_definition::ROLLOUT_TAG;

use super::Ecs;
use crate::deeds::{DeploymentTruth, RevisionTruth, ServiceTruth};
use crate::images::REGISTRY;
use crate::services::digests;

/// What happened so lately may not have been seen: a look holds for ten seconds, and shows what was
/// as much earlier as reads lag.
const LATELY: SignedDuration = SignedDuration::from_secs(15);

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
        let lately = self.now() - LATELY - self.lag.get().services;
        let tasks = model.tasks(&service.cluster).filter(|(_, task)| {
            let stopping_at = task.state.stopping_at;
            *task.specification.group == *group && stopping_at.is_some_and(|at| at >= lately)
        });
        let stopped_lately = if running < found.desired_count {
            tasks.count()
        } else {
            0
        };
        let before = self.wanted_before.borrow();
        let before = before.get(service).filter(|(at, _)| *at >= lately);
        Some(ServiceTruth {
            desired_lately: before.map(|(_, desired)| *desired),
            stopped_lately: u32::try_from(stopped_lately).unwrap_or_default(),
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
