//! What CloudFormation waits for once it asked ECS for a change of a service.

use ecs_model::{
    Ecs, RolloutState, Service, ServiceDeployment, ServiceDeploymentStatus, ServiceStatus,
};
use stack_model::{EffectId, Failure, Outcome};

/// Something that CloudFormation waits for.
#[derive(Debug)]
pub(super) struct Waiting {
    /// What is answered in the end.
    pub(super) effect: EffectId,
    /// The cluster's name; the default one's where there is none.
    pub(super) cluster: Option<String>,
    /// The service's ARN.
    pub(super) service: String,
    /// Until when.
    pub(super) until: Until,
}

/// Until when CloudFormation waits.
#[derive(Debug)]
pub(super) enum Until {
    /// The service is steady, or its deployment failed.
    Steady {
        /// The ARN of the service deployment that the change began; a change of the
        /// desired count begins none.
        deployment: Option<String>,
        /// What is answered then.
        outcome: Outcome,
    },
    /// The service is deleted, and its tasks have stopped.
    Gone,
}

impl Waiting {
    /// What came of it, once that is known.
    pub(super) fn outcome(&self, ecs: &Ecs) -> Option<Outcome> {
        let service = ecs.service(self.cluster.as_deref(), &self.service);
        let service = service.ok().flatten();
        match (&self.until, service) {
            (Until::Gone, None) => Some(Outcome::Done),
            (Until::Gone, Some(service)) => {
                (service.status == ServiceStatus::Inactive).then_some(Outcome::Done)
            }
            (Until::Steady { .. }, None) => Some(Outcome::Failed(no_service())),
            (Until::Steady { .. }, Some(service)) if service.status != ServiceStatus::Active => {
                Some(Outcome::Failed(no_service()))
            }
            (
                Until::Steady {
                    deployment,
                    outcome,
                },
                Some(service),
            ) => {
                if has_failed(service, deployment.as_deref()) {
                    Some(Outcome::Failed(Failure::circuit_breaker()))
                } else {
                    is_steady(ecs, service).then(|| outcome.clone())
                }
            }
        }
    }
}

/// Whether the deployment that the change began has failed, or a later one that took
/// its place. ECS goes back by itself or not, and CloudFormation waits for neither:
/// the first is documented, that it does not wait is assumed, and so is that an alarm
/// or somebody who stops the deployment counts as the circuit breaker does.
/// <https://repost.aws/articles/ARQJJetqfbSGq8hUxlBV9O8Q/ecs-deployment-circuit-breaker-was-triggered>
fn has_failed(service: &Service, deployment: Option<&str>) -> bool {
    let Some(deployment) = deployment else {
        let primary = service.primary();
        return primary.is_some_and(|primary| primary.rollout_state == RolloutState::Failed);
    };
    let records = service.service_deployments.iter();
    let mut since = records.skip_while(|record| &*record.arn != deployment);
    since.any(is_taken_back)
}

fn is_taken_back(record: &ServiceDeployment) -> bool {
    record.failure.is_some()
        || match record.status {
            ServiceDeploymentStatus::RollbackRequested
            | ServiceDeploymentStatus::RollbackInProgress
            | ServiceDeploymentStatus::RollbackSuccessful
            | ServiceDeploymentStatus::RollbackFailed => true,
            ServiceDeploymentStatus::Pending
            | ServiceDeploymentStatus::InProgress
            | ServiceDeploymentStatus::StopRequested
            | ServiceDeploymentStatus::Stopped
            | ServiceDeploymentStatus::Successful => false,
        }
}

/// Whether a service has one deployment, which is completed, and all of its tasks.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>;
/// one whose deployments others manage is not waited for: assumed.
fn is_steady(ecs: &Ecs, service: &Service) -> bool {
    let [only] = &service.deployments[..] else {
        return service.deployments.is_empty();
    };
    let counts = ecs.task_counts(service, None);
    only.rollout_state == RolloutState::Completed
        && counts.pending == 0
        && counts.running == service.desired_count
}

/// The code is that of
/// <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html>;
/// the text is assumed.
fn no_service() -> Failure {
    Failure::new("The service is not there any more.", "NotFound")
}
