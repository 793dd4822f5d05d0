//! Why a deployment failed, in ECS's words where they are known.

use std::fmt;

/// Why a deployment failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureCause {
    /// Its tasks failed as often as the circuit breaker allows.
    CircuitBreaker,
    /// An alarm fired that watches it.
    Alarm,
    /// Somebody called StopServiceDeployment.
    Request,
}

/// What ends a service deployment that has nothing to go back to.
///
/// Source: the example of `SERVICE_DEPLOYMENT_ROLLBACK_FAILED` at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/action-logs-troubleshooting.html>.
pub(crate) const NO_CANDIDATE: &str = "No rollback candidate was found to run the rollback.";

impl FailureCause {
    /// Says what the failed deployment shows as its `rolloutStateReason`.
    ///
    /// The circuit breaker's sentence is as users report it
    /// (<https://github.com/aws/containers-roadmap/issues/1488>); the others are
    /// made up, because no page has them.
    pub(crate) fn state_reason(self, deployment_id: &str) -> String {
        match self {
            FailureCause::CircuitBreaker => {
                "ECS deployment circuit breaker: tasks failed to start.".to_owned()
            }
            FailureCause::Alarm => "ECS deployment failed: alarm detected.".to_owned(),
            FailureCause::Request => format!("ECS deployment {deployment_id} failed."),
        }
    }

    /// Says what the event `SERVICE_DEPLOYMENT_FAILED` gives as its `reason`.
    ///
    /// Source: the sample at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>,
    /// which speaks of one task where DescribeServices speaks of several. That
    /// an alarm causes this event too is said at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>.
    pub(crate) fn event_reason(self, deployment_id: &str) -> String {
        match self {
            FailureCause::CircuitBreaker => {
                "ECS deployment circuit breaker: task failed to start.".to_owned()
            }
            FailureCause::Alarm | FailureCause::Request => self.state_reason(deployment_id),
        }
    }

    /// Says what the deployment that is gone back to shows and reports.
    ///
    /// Source: the sample of a rollback deployment at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>;
    /// it is of the circuit breaker, and the other sentences are made up after it.
    pub(crate) fn rollback_reason(self, to: &str) -> String {
        let who = match self {
            FailureCause::CircuitBreaker => "circuit breaker",
            FailureCause::Alarm | FailureCause::Request => "rollback",
        };
        format!("ECS deployment {who}: rolling back to deploymentId {to}.")
    }

    /// Says what becomes the `statusReason` of the service deployment.
    ///
    /// No page has these sentences. Those of the circuit breaker and the alarms
    /// are as users report them
    /// (<https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ecs/service_test.go>
    /// has the first); that of a request is made up.
    pub(crate) fn status_reason(self) -> String {
        format!("Service deployment rolled back because {self}.")
    }

    /// Says what the service's messages say of the deployment, if anything.
    pub(crate) fn complaint(self) -> Option<String> {
        match self {
            FailureCause::CircuitBreaker => Some("tasks failed to start.".to_owned()),
            FailureCause::Alarm => Some("alarm detected.".to_owned()),
            FailureCause::Request => None,
        }
    }
}

impl fmt::Display for FailureCause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            FailureCause::CircuitBreaker => "the circuit breaker threshold was exceeded",
            FailureCause::Alarm => "of one or more active alarms",
            FailureCause::Request => "of a request to stop it",
        })
    }
}
