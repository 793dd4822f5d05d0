//! What ECS watches during a deployment, to fail it: its tasks and its alarms.
//!
//! Whichever fails it first decides whether it is rolled back. Source:
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>.

use crate::deployment::RolloutState;
use crate::ecs::Ecs;
use crate::failure::FailureCause;
use crate::rollback::Consequence;
use crate::service::{Service, ServiceKey, ServiceStatus};
use crate::service_deployment::{AlarmWatch, ServiceDeployment, ServiceDeploymentStatus};

impl Ecs {
    /// Fails the deployment that is going on if it must be.
    pub(crate) fn watch(&mut self, key: ServiceKey) {
        let service = &self.services[key.0];
        if service.status != ServiceStatus::Active {
            return;
        }
        let is_underway = service
            .primary()
            .is_some_and(|primary| primary.rollout_state == RolloutState::InProgress);
        let Some(record) = service.ongoing().filter(|_| is_underway) else {
            return;
        };
        let configuration = &record.configuration;
        let consequence = |rolls_back| match rolls_back {
            true => Consequence::GoBack(service.completed),
            false => Consequence::Stop,
        };
        match record.status {
            ServiceDeploymentStatus::InProgress => {
                let triggered = self.triggered_alarms(key);
                if trips(service, record) {
                    let consequence = consequence(configuration.circuit_breaker.rolls_back);
                    self.fail_deployment(key, FailureCause::CircuitBreaker, consequence);
                } else if !triggered.is_empty() {
                    let consequence = consequence(configuration.alarms.rolls_back);
                    if let Some(record) = self.services[key.0].ongoing_mut() {
                        record.alarm_watch = AlarmWatch::Triggered(triggered);
                    }
                    self.fail_deployment(key, FailureCause::Alarm, consequence);
                }
            }
            ServiceDeploymentStatus::RollbackInProgress => {
                if trips(service, record) {
                    self.fail_rollback(key, FailureCause::CircuitBreaker);
                }
            }
            ServiceDeploymentStatus::Pending
            | ServiceDeploymentStatus::StopRequested
            | ServiceDeploymentStatus::RollbackRequested
            | ServiceDeploymentStatus::Stopped
            | ServiceDeploymentStatus::Successful
            | ServiceDeploymentStatus::RollbackSuccessful
            | ServiceDeploymentStatus::RollbackFailed => {}
        }
    }
}

/// Whether the circuit breaker trips: the failures have reached the threshold,
/// or the digests of the images could not be established.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>,
/// and "Container image resolution" at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>.
fn trips(service: &Service, record: &ServiceDeployment) -> bool {
    let breaker = record.configuration.circuit_breaker;
    let Some(primary) = service.primary().filter(|_| breaker.is_enabled) else {
        return false;
    };
    primary.counted_failures >= breaker.threshold.failures(service.desired_count)
        || service.revisions[primary.revision].is_unresolvable()
}
