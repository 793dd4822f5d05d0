//! StopServiceDeployment: what somebody does with a deployment that goes wrong.

use std::sync::Arc;

use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::failure::FailureCause;
use crate::rollback::Consequence;
use crate::service::{ServiceKey, ServiceStatus};
use crate::service_deployment::ServiceDeploymentStatus;

impl Ecs {
    /// Stops a service deployment: the service goes back to the revision that it
    /// ran before that deployment, whether that was good or not, and whether
    /// rollbacks were configured or not.
    ///
    /// One that is stopping or taken back already goes on with that. Source:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stop-service-deployment.html>.
    /// The previous service revision is taken to be the newest of the
    /// deployment's source revisions.
    ///
    /// # Errors
    ///
    /// `ServiceDeploymentNotFoundException`; `ConflictException` for one that is
    /// over; `UnsupportedFeatureException` for the stop type ABORT, which the API
    /// lists and calls not valid. Which error that is, no page says.
    pub fn stop_service_deployment(
        &mut self,
        arn: &str,
        stop_type: Option<&str>,
    ) -> Result<Arc<str>, ServiceError> {
        self.remember();
        match stop_type {
            None | Some("ROLLBACK") => {}
            Some("ABORT") => {
                return Err(ServiceError::unsupported(
                    "The stop type ABORT is not supported. The valid value is ROLLBACK.",
                ));
            }
            Some(other) => {
                return Err(ServiceError::invalid_parameter(format!(
                    "Invalid stopType: {other}."
                )));
            }
        }
        let (key, index) = self
            .find_service_deployment(arn)
            .ok_or_else(ServiceError::service_deployment_not_found)?;
        let now = self.now;
        let record = &mut self.services[key.0].service_deployments[index];
        match record.status {
            ServiceDeploymentStatus::Pending | ServiceDeploymentStatus::InProgress => {
                record.turn(ServiceDeploymentStatus::RollbackRequested, now);
            }
            ServiceDeploymentStatus::StopRequested
            | ServiceDeploymentStatus::RollbackRequested
            | ServiceDeploymentStatus::RollbackInProgress => {}
            ServiceDeploymentStatus::Stopped
            | ServiceDeploymentStatus::Successful
            | ServiceDeploymentStatus::RollbackSuccessful
            | ServiceDeploymentStatus::RollbackFailed => {
                return Err(ServiceError::new(
                    "ConflictException",
                    format!(
                        "The service deployment cannot be stopped because it is {}.",
                        record.status.as_str()
                    ),
                ));
            }
        }
        let arn = Arc::clone(&record.arn);
        self.wake_service(key);
        Ok(arn)
    }

    /// Begins the rollback that was asked for, if one was.
    pub(crate) fn grant_rollback(&mut self, key: ServiceKey) {
        let requested = self.services[key.0]
            .ongoing()
            .filter(|record| record.status == ServiceDeploymentStatus::RollbackRequested)
            .map(|record| record.sources.first().copied());
        if let Some(previous) = requested {
            let consequence = Consequence::GoBack(previous);
            self.fail_deployment(key, FailureCause::Request, consequence);
        }
    }

    /// Finds a service deployment of a service that was not deleted.
    pub(crate) fn find_service_deployment(&self, arn: &str) -> Option<(ServiceKey, usize)> {
        let mut names = self.arns.resource(arn, "service-deployment")?.split('/');
        let (cluster, name) = (names.next()?, names.next()?);
        let key = self.service_key(Some(cluster), name).ok().flatten()?;
        let service = &self.services[key.0];
        let mut records = service.service_deployments.iter();
        let index = records.position(|record| *record.arn == *arn)?;
        (service.status != ServiceStatus::Inactive).then_some((key, index))
    }
}
