//! What becomes of a deployment that failed: it stops, or the service goes back.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>
//! and "Service deployment states" at
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>.

use std::sync::Arc;

use crate::deployment::{Deployment, RolloutState, Story};
use crate::ecs::Ecs;
use crate::event::DeploymentChange;
use crate::failure::{FailureCause, NO_CANDIDATE};
use crate::service::ServiceKey;
use crate::service_deployment::{Rollback, ServiceDeploymentStatus};
use crate::settings::RollbackIdentity;

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consequence {
    /// The deployment stays as it is, and launches nothing any more.
    Stop,
    /// The service goes back to a revision, if there is one to go back to.
    GoBack(Option<usize>),
}

impl Ecs {
    /// Fails the PRIMARY deployment.
    ///
    /// It launches no task any more, and what runs of it stays, unless the
    /// service goes back. Without the option to go back its service deployment
    /// is stopped; with it and nothing to go back to it is stalled.
    pub(crate) fn fail_deployment(
        &mut self,
        key: ServiceKey,
        cause: FailureCause,
        consequence: Consequence,
    ) {
        self.fail_primary(key, cause);
        let now = self.now;
        let Some(record) = self.services[key.0].ongoing_mut() else {
            return;
        };
        record.failure = Some(cause);
        match consequence {
            Consequence::Stop => {
                record.status_reason = cause.complaint();
                record.turn(ServiceDeploymentStatus::StopRequested, now);
            }
            Consequence::GoBack(Some(revision)) => {
                record.status_reason = Some(cause.status_reason());
                self.go_back(key, cause, revision);
            }
            Consequence::GoBack(None) => {
                record.turn(ServiceDeploymentStatus::RollbackInProgress, now);
                self.finish_ongoing(key, ServiceDeploymentStatus::RollbackFailed, NO_CANDIDATE);
            }
        }
        self.wake_service(key);
    }

    /// Fails the deployment that a service goes back to. There is no second way
    /// back: it is not COMPLETED, and so nothing that could be gone back to.
    ///
    /// The page says that the state can follow, not when; that the circuit
    /// breaker causes it is assumed.
    pub(crate) fn fail_rollback(&mut self, key: ServiceKey, cause: FailureCause) {
        self.fail_primary(key, cause);
        self.finish_ongoing(
            key,
            ServiceDeploymentStatus::RollbackFailed,
            "The rollback failed because the circuit breaker threshold was exceeded.",
        );
    }

    fn fail_primary(&mut self, key: ServiceKey, cause: FailureCause) {
        let now = self.now;
        let service = &mut self.services[key.0];
        let Some(primary) = service.deployments.first_mut() else {
            return;
        };
        primary.rollout_state = RolloutState::Failed;
        primary.story = Story::Failed(cause);
        primary.updated_at = now;
        let (id, failures) = (Arc::clone(&primary.id), primary.counted_failures);
        if let Some(record) = service.ongoing_mut() {
            record.final_failed_tasks = failures;
        }
        if let Some(complaint) = cause.complaint() {
            self.say(
                key,
                &format!("(deployment {id}) deployment failed: {complaint}"),
            );
            self.report_deployment(key, id, DeploymentChange::Failed(cause));
        }
    }

    /// Makes a revision what the service runs, and its deployment the PRIMARY one.
    ///
    /// There is no new service revision: the service deployment that failed
    /// records where it went back to. Source: "Rollback information" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>.
    fn go_back(&mut self, key: ServiceKey, cause: FailureCause, revision: usize) {
        let now = self.now;
        let service = &mut *self.services[key.0];
        if let Some(record) = service.ongoing_mut() {
            record.turn(ServiceDeploymentStatus::RollbackInProgress, now);
            record.rollback = Some(Rollback {
                reason: cause.status_reason(),
                started_at: now,
                revision,
            });
        }
        let target = &service.revisions[revision];
        service.task_definition = Some(Arc::clone(&target.task_definition));
        service.workload = Arc::clone(&target.workload);
        let former = Arc::clone(&target.deployment_id);
        if service.completed == Some(revision) {
            service.completed = None;
        }
        self.say(key, &format!("rolling back to deployment {former}."));
        let id = self.bring_back(key, revision, cause, &former);
        let change = DeploymentChange::RollingBack(cause);
        self.report_rollback(key, id, change, Some(former));
        self.begin_stages_back(key);
    }

    /// Puts the deployment of a revision in front of all others.
    ///
    /// The page on the circuit breaker says that the deployment that is gone back
    /// to "changes from a COMPLETED to IN_PROGRESS", and users see it keep its id
    /// and its tasks: so it does here, unless [`RollbackIdentity::New`] asks for
    /// the contrary in a rolling deployment.
    fn bring_back(
        &mut self,
        key: ServiceKey,
        revision: usize,
        cause: FailureCause,
        former: &Arc<str>,
    ) -> Arc<str> {
        let is_rolling = self.services[key.0]
            .ongoing()
            .is_none_or(|record| !record.is_side_by_side());
        let takes_new_id = self.rollback_identity == RollbackIdentity::New && is_rolling;
        let id = match takes_new_id {
            true => self.new_deployment_id(),
            false => Arc::clone(former),
        };
        let now = self.now;
        let service = &mut self.services[key.0];
        let target = &mut service.revisions[revision];
        target.deployment_id = Arc::clone(&id);
        let made_at = target.created_at;
        let mut deployment = match service.deployment_index(&id) {
            Some(index) => service.deployments.remove(index),
            None => Deployment::new(Arc::clone(&id), revision, service.desired_count, now),
        };
        if !takes_new_id {
            deployment.created_at = made_at;
        }
        deployment.rollout_state = RolloutState::InProgress;
        deployment.story = Story::GoneBackTo(cause, Arc::clone(former));
        deployment.counted_failures = 0;
        deployment.updated_at = now;
        deployment.started = true;
        service.deployments.insert(0, deployment);
        id
    }

    /// Ends the service deployment that is going on.
    pub(crate) fn finish_ongoing(
        &mut self,
        key: ServiceKey,
        status: ServiceDeploymentStatus,
        reason: &str,
    ) {
        let service = &mut self.services[key.0];
        let Some(index) = service.service_deployments.len().checked_sub(1) else {
            return;
        };
        if let Some(record) = service.ongoing_mut() {
            record.status_reason = Some(reason.to_owned());
            self.finish(key, index, status);
        }
    }
}
