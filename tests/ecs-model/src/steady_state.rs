//! When a service is steady, and what ends with that: its deployment, or itself.

use std::sync::Arc;

use jiff::Timestamp;

use crate::deployment::{RolloutState, Story};
use crate::ecs::{Ecs, later};
use crate::event::{DeploymentChange, ServiceAction};
use crate::scheduler::scheduled_count;
use crate::service::{DeploymentController, ServiceKey, ServiceStatus};
use crate::service_deployment::{RevisionCounts, ServiceDeploymentStatus};
use crate::task::TaskStatus;

impl Ecs {
    /// Looks whether a service has all that it shall have, and for long enough.
    pub(crate) fn settle(&mut self, key: ServiceKey) {
        if self.services[key.0].status == ServiceStatus::Draining {
            self.retire(key);
            return;
        }
        if !self.has_what_it_shall(key) {
            self.unsettle(key);
            return;
        }
        let now = self.now;
        let service = &mut self.services[key.0];
        let since = *service.steady_since.get_or_insert(now);
        if service.is_steady {
            return;
        }
        let steady_at = later(since, self.timings.steady_state);
        let steady_at = steady_at.max(self.baked_at(key).unwrap_or(steady_at));
        if steady_at > now {
            self.look_at_service(key, steady_at);
        } else {
            self.reach_steady_state(key);
        }
    }

    /// When the bake time of the deployment that is going on is over: it begins
    /// as soon as the service has what it shall have.
    fn baked_at(&mut self, key: ServiceKey) -> Option<Timestamp> {
        let until = self.after(self.alarm_bake_time(key)?);
        let record = self.services[key.0].ongoing_mut()?;
        Some(*record.bakes_until.get_or_insert(until))
    }

    /// Whether there is nothing left but one deployment, with as many tasks as
    /// desired, and all of them run and pass their health checks.
    ///
    /// Source: "has reached a steady state" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>.
    fn has_what_it_shall(&self, key: ServiceKey) -> bool {
        let service = &self.services[key.0];
        let has_one_deployment = match service.deployment_controller {
            DeploymentController::Ecs | DeploymentController::CodeDeploy => {
                service.deployments.len() == 1
                    || (self.alarm_bake_time(key).is_some()
                        && !self.kept_deployments(key)[1..].contains(&true))
            }
            DeploymentController::External => return true,
        };
        let mut serving = 0;
        for task in service.tasks.iter().filter_map(|key| self.tasks.get(key)) {
            if task.state.is_stopping {
                continue;
            }
            let is_serving =
                task.state.last_status.is_running() && (task.is_healthy || !task.is_checked());
            if !is_serving {
                return false;
            }
            serving += 1;
        }
        has_one_deployment && serving == scheduled_count(service)
    }

    /// The service is steady: a deployment that was in progress is done.
    ///
    /// Source: `rolloutState` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>.
    fn reach_steady_state(&mut self, key: ServiceKey) {
        let now = self.now;
        let service = &mut self.services[key.0];
        service.is_steady = true;
        let completed = service
            .deployments
            .first_mut()
            .filter(|primary| primary.rollout_state == RolloutState::InProgress)
            .map(|primary| {
                primary.rollout_state = RolloutState::Completed;
                primary.story = Story::Plain;
                primary.updated_at = now;
                (Arc::clone(&primary.id), primary.revision)
            });
        if let Some((id, revision)) = completed {
            service.completed = Some(revision);
            let status = match service.ongoing().map(|record| record.status) {
                Some(ServiceDeploymentStatus::RollbackInProgress) => {
                    ServiceDeploymentStatus::RollbackSuccessful
                }
                Some(_) | None => ServiceDeploymentStatus::Successful,
            };
            let last = service.service_deployments.len().checked_sub(1);
            if let Some(index) = last.filter(|_| service.ongoing().is_some()) {
                self.finish(key, index, status);
                self.drop_replaced(key);
            }
            self.say(key, &format!("(deployment {id}) deployment completed."));
            self.report_deployment(key, id, DeploymentChange::Completed);
        }
        self.say(key, "has reached a steady state.");
        self.report_service_action(key, ServiceAction::SteadyState);
    }

    /// Ends a service deployment, and keeps its counts as they are now.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>,
    /// which says that the numbers are those of when the deployment completed.
    pub(crate) fn finish(
        &mut self,
        key: ServiceKey,
        index: usize,
        status: ServiceDeploymentStatus,
    ) {
        let now = self.now;
        let service = &self.services[key.0];
        let record = &service.service_deployments[index];
        let failed_tasks = match record.failure {
            Some(_) => record.final_failed_tasks,
            None => service
                .deployment_index(&record.deployment_id)
                .map_or(0, |index| service.deployments[index].counted_failures),
        };
        let counts: Vec<(usize, RevisionCounts)> = record
            .sources
            .iter()
            .chain([&record.target])
            .map(|revision| (*revision, self.revision_counts(service, *revision)))
            .collect();
        let record = &mut self.services[key.0].service_deployments[index];
        record.final_counts = counts.into_iter().collect();
        record.final_failed_tasks = failed_tasks;
        record.turn(status, now);
    }

    /// A deleted service without tasks is INACTIVE, and its history is gone.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteService.html>
    /// and "Amazon ECS deletes the service deployment when you delete a service" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>.
    fn retire(&mut self, key: ServiceKey) {
        let service = &self.services[key.0];
        let has_tasks = service
            .tasks
            .iter()
            .filter_map(|key| self.tasks.get(key))
            .any(|task| task.state.last_status < TaskStatus::Stopping);
        if has_tasks {
            return;
        }
        let service = &mut self.services[key.0];
        service.status = ServiceStatus::Inactive;
        service.deployments.clear();
        service.service_deployments.clear();
        service.tags = crate::tag::Tags::default();
    }
}
