//! How a deployment begins: a new service revision, its record, and what it supersedes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::deployment::{Deployment, ServiceRevision};
use crate::ecs::Ecs;
use crate::service::{DeploymentController, Service, ServiceKey};
use crate::service_deployment::{AlarmWatch, ServiceDeployment, ServiceDeploymentStatus};
use crate::task_definition::TaskDefinition;
use crate::workload::Workload;

impl Ecs {
    /// Makes the service's present configuration its PRIMARY deployment.
    ///
    /// Task sets have neither revisions nor service deployments to show.
    pub(crate) fn begin_deployment(&mut self, key: ServiceKey) {
        let service = &self.services[key.0];
        let Some(task_definition) = service.task_definition.clone() else {
            self.wake_service(key);
            return;
        };
        let now = self.now;
        let id = self.new_deployment_id();
        let revision_number = self.identifiers.decimal();
        let record_id = self.identifiers.service_deployment();
        let service = &self.services[key.0];
        let (cluster, name) = (&service.cluster, &service.name);
        let revision_arn = self.arns.service_revision(cluster, name, revision_number);
        let arn = self.arns.service_deployment(cluster, name, &record_id);
        let sources = self.running_revisions(service);

        self.supersede(key);
        let service = &mut *self.services[key.0];
        let target = service.revisions.len();
        service.revisions.push(ServiceRevision {
            arn: revision_arn.into(),
            task_definition,
            workload: Arc::clone(&service.workload),
            deployment_id: Arc::clone(&id),
            digests: BTreeMap::new(),
            failed_resolutions: 0,
            created_at: now,
        });
        if service.deployment_controller == DeploymentController::Ecs {
            service.service_deployments.push(ServiceDeployment {
                arn: arn.into(),
                deployment_id: Arc::clone(&id),
                status: ServiceDeploymentStatus::Pending,
                status_reason: None,
                sources,
                target,
                configuration: Arc::clone(&service.deployment_configuration),
                created_at: now,
                started_at: None,
                finished_at: None,
                stopped_at: None,
                updated_at: now,
                final_counts: BTreeMap::new(),
                final_failed_tasks: 0,
                lifecycle: None,
                alarm_watch: match service.deployment_configuration.alarms.is_enabled {
                    true => AlarmWatch::Watching,
                    false => AlarmWatch::Off,
                },
                bakes_until: None,
                failure: None,
                rollback: None,
            });
        }
        let deployment = Deployment::new(id, target, service.desired_count, now);
        service.deployments.insert(0, deployment);
        self.unsettle(key);
        self.wake_service(key);
    }

    /// Ends what a newer deployment supersedes.
    ///
    /// A service deployment that was still going on is asked to stop. Source:
    /// "Service deployment states" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>,
    /// where one that is taken back can only end as ROLLBACK_SUCCESSFUL or
    /// ROLLBACK_FAILED: that a newer deployment makes it the latter is assumed.
    fn supersede(&mut self, key: ServiceKey) {
        let now = self.now;
        let Some(record) = self.services[key.0].ongoing_mut() else {
            return;
        };
        match record.status {
            ServiceDeploymentStatus::RollbackInProgress => self.finish_ongoing(
                key,
                ServiceDeploymentStatus::RollbackFailed,
                "A newer service deployment was started.",
            ),
            ServiceDeploymentStatus::Pending
            | ServiceDeploymentStatus::InProgress
            | ServiceDeploymentStatus::StopRequested
            | ServiceDeploymentStatus::RollbackRequested
            | ServiceDeploymentStatus::Stopped
            | ServiceDeploymentStatus::Successful
            | ServiceDeploymentStatus::RollbackSuccessful
            | ServiceDeploymentStatus::RollbackFailed => {
                record.turn(ServiceDeploymentStatus::StopRequested, now);
            }
        }
    }

    /// Makes up a deployment's id.
    pub(crate) fn new_deployment_id(&mut self) -> Arc<str> {
        format!("ecs-svc/{}", self.identifiers.decimal()).into()
    }

    /// The revisions that a service runs: of the deployment that was done, and
    /// of every other that has tasks. Newest first.
    fn running_revisions(&self, service: &Service) -> Vec<usize> {
        service
            .deployments
            .iter()
            .filter(|deployment| {
                let counts = self.task_counts(service, Some(deployment));
                deployment.is_completed() || counts.running + counts.pending > 0
            })
            .map(|deployment| deployment.revision)
            .collect()
    }
}

/// Whether a service shall run something else than the revision of its PRIMARY
/// deployment.
pub(crate) fn needs_deployment(
    service: &Service,
    task_definition: Option<&TaskDefinition>,
    workload: &Workload,
) -> bool {
    let Some(primary) = service.primary() else {
        return false;
    };
    let revision = &service.revisions[primary.revision];
    // The strategy alone starts no deployment, says the API's reference.
    let comparable = |workload: &Workload| Workload {
        capacity_provider_strategy: None,
        launch_type: None,
        ..workload.clone()
    };
    task_definition.is_some_and(|wanted| wanted.arn != revision.task_definition.arn)
        || comparable(workload) != comparable(&revision.workload)
}
