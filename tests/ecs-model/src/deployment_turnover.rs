//! How one deployment of a service follows on another: the new one begins, and
//! what it replaces is forgotten.

use std::sync::Arc;

use crate::ecs::Ecs;
use crate::event::DeploymentChange;
use crate::service::ServiceKey;
use crate::service_deployment::ServiceDeploymentStatus;
use crate::task::TaskStatus;

impl Ecs {
    /// Starts what was made since the last look, after what it supersedes has stopped.
    ///
    /// Source: the states of
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>.
    pub(crate) fn start_pending(&mut self, key: ServiceKey) {
        let now = self.now;
        let service = &mut self.services[key.0];
        let mut stopped = Vec::new();
        for (index, deployment) in service.service_deployments.iter_mut().enumerate() {
            match deployment.status {
                ServiceDeploymentStatus::StopRequested => stopped.push(index),
                ServiceDeploymentStatus::Pending => {
                    deployment.turn(ServiceDeploymentStatus::InProgress, now);
                }
                ServiceDeploymentStatus::InProgress
                | ServiceDeploymentStatus::RollbackRequested
                | ServiceDeploymentStatus::RollbackInProgress
                | ServiceDeploymentStatus::Stopped
                | ServiceDeploymentStatus::Successful
                | ServiceDeploymentStatus::RollbackSuccessful
                | ServiceDeploymentStatus::RollbackFailed => {}
            }
        }
        let begun = service
            .deployments
            .first_mut()
            .filter(|deployment| !deployment.started)
            .map(|deployment| {
                deployment.started = true;
                Arc::clone(&deployment.id)
            });
        for index in stopped {
            self.finish(key, index, ServiceDeploymentStatus::Stopped);
        }
        let is_called_off = self.services[key.0]
            .ongoing()
            .is_some_and(|record| record.status == ServiceDeploymentStatus::RollbackRequested);
        if let Some(id) = begun.filter(|_| !is_called_off) {
            self.begin_alarm_watch(key);
            self.report_deployment(key, id, DeploymentChange::InProgress);
            self.begin_stages(key);
        }
    }

    /// Forgets deployments that nothing is left of.
    ///
    /// One that is being replaced stays ACTIVE while it has tasks that run or
    /// drain, and where there is a bake time until that is over. Source: `status` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>,
    /// and "has deleted the active deployment" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>.
    pub(crate) fn drop_replaced(&mut self, key: ServiceKey) {
        if self.services[key.0].deployments.len() < 2 || self.alarm_bake_time(key).is_some() {
            return;
        }
        let keep = self.kept_deployments(key);
        let mut keep = keep.into_iter();
        self.services[key.0]
            .deployments
            .retain(|_| keep.next().unwrap_or(true));
    }

    /// Says of each deployment whether it is the PRIMARY one or has something left.
    pub(crate) fn kept_deployments(&self, key: ServiceKey) -> Vec<bool> {
        let service = &self.services[key.0];
        let in_use: Vec<&str> = service
            .tasks
            .iter()
            .filter_map(|task| self.tasks.get(task))
            .filter(|task| task.state.last_status < TaskStatus::Stopping)
            .filter_map(|task| task.specification.started_by.as_deref())
            .collect();
        service
            .deployments
            .iter()
            .enumerate()
            .map(|(index, deployment)| {
                index == 0 || deployment.desired_count > 0 || in_use.contains(&&*deployment.id)
            })
            .collect()
    }
}
