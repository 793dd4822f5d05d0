//! Old and new revisions beside each other: which tasks each of them has while a
//! deployment goes stage by stage.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>.

use crate::deployment::RolloutState;
use crate::ecs::Ecs;
use crate::lifecycle::{ALL_TENTHS, LifecycleStage};
use crate::scheduler::scheduled_count;
use crate::service::{Service, ServiceKey};
use crate::service_deployment::{ServiceDeployment, ServiceDeploymentStatus};

impl Ecs {
    /// How many tasks each deployment shall have, where that does not follow from
    /// a rolling update: side by side, or once the PRIMARY one has failed.
    pub(crate) fn tasks_apart(&self, key: ServiceKey) -> Option<Vec<u32>> {
        let service = &self.services[key.0];
        let desired = scheduled_count(service);
        let primary = service.primary()?;
        let deployments = service.deployments.iter();
        if primary.rollout_state == RolloutState::Failed {
            return Some(
                deployments
                    .map(|one| one.desired_count.min(desired))
                    .collect(),
            );
        }
        let record = service.ongoing()?;
        let lifecycle = record.lifecycle.as_ref()?;
        let stage = lifecycle.stage;
        let is_back = record.status == ServiceDeploymentStatus::RollbackInProgress;
        if !record.is_side_by_side() && stage >= LifecycleStage::ScaleUp {
            return None;
        }
        let counts = deployments.enumerate().map(|(index, one)| {
            let present = one.desired_count.min(desired);
            match (index, is_back) {
                (0, true) => desired,
                (0, false) if stage >= LifecycleStage::ScaleUp => desired,
                (0, false) => 0,
                (_, _) if stage == LifecycleStage::CleanUp => 0,
                (_, true) => present,
                (_, false) if !record.is_side_by_side() => present,
                (_, false) if lifecycle.blue == Some(one.revision) => desired,
                (_, false) => 0,
            }
        });
        Some(counts.collect())
    }

    /// Has deployments that are replaced keep the tasks that they have.
    pub(crate) fn hold_still(&mut self, key: ServiceKey) {
        let service = &mut self.services[key.0];
        let tasks = service.tasks.iter().filter_map(|key| self.tasks.get(key));
        let tasks: Vec<_> = tasks.filter(|task| !task.state.is_stopping).collect();
        for deployment in service.deployments.iter_mut().skip(1) {
            let id = Some(&deployment.id);
            let own = tasks
                .iter()
                .filter(|task| task.specification.started_by.as_ref() == id);
            deployment.desired_count = u32::try_from(own.count()).unwrap_or(u32::MAX);
        }
    }

    /// Whether the PRIMARY deployment has all its tasks, and they are healthy.
    pub(crate) fn is_primary_up(&self, key: ServiceKey) -> bool {
        let service = &self.services[key.0];
        let Some(primary) = service.primary() else {
            return false;
        };
        let tasks = service.tasks.iter().filter_map(|key| self.tasks.get(key));
        let own = tasks.filter(|task| {
            task.specification.started_by.as_ref() == Some(&primary.id) && !task.state.is_stopping
        });
        let mut serving = 0;
        for task in own {
            if !task.is_serving() {
                return false;
            }
            serving += 1;
        }
        serving == scheduled_count(service)
    }
}

impl ServiceDeployment {
    /// The revision that has most of the production traffic.
    fn serving_revision(&self) -> Option<usize> {
        if let Some(rollback) = &self.rollback {
            return Some(rollback.revision);
        }
        let lifecycle = self.lifecycle.as_ref()?;
        match lifecycle.production_tenths > ALL_TENTHS / 2 {
            true => Some(self.target),
            false => lifecycle.blue,
        }
    }
}

/// The revision that serves while a new one is deployed beside it: what the
/// deployment before says, or else what is COMPLETED, or else the newest that is
/// still there.
pub(crate) fn blue_revision(service: &Service) -> Option<usize> {
    let others = service.deployments.iter().skip(1).map(|one| one.revision);
    let before = service.service_deployments.iter().rev().nth(1);
    let serving = before
        .and_then(ServiceDeployment::serving_revision)
        .or(service.completed)
        .filter(|serving| others.clone().any(|other| other == *serving));
    serving.or_else(|| others.clone().next())
}
