//! What a load balancer finds of the tasks that are its targets.

use crate::ecs::Ecs;
use crate::network::NetworkInterface;
use crate::task::{Illness, Task};

/// A task as a target of a target group.
///
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealthDescription.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The task's private address.
    pub id: String,
    /// The container's port.
    pub port: i64,
    /// `initial`, `healthy`, `unhealthy` or `draining`.
    pub state: &'static str,
    /// The reason's code; empty for a healthy target.
    pub reason: &'static str,
    /// What the console shows; empty for a healthy target.
    pub description: &'static str,
}

impl Ecs {
    /// Gives the targets of a target group: its tasks from `RUNNING` until they are gone.
    pub fn targets(&self, target_group_arn: &str) -> Vec<Target> {
        let tasks = self.tasks.values().filter(|task| {
            task.specification.workload.target_group() == Some(target_group_arn)
                && task.state.started_at.is_some()
                && task.state.stopped_at.is_none()
        });
        tasks.map(|task| target(task)).collect()
    }
}

/// Source: "Health check reason codes" at
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html>.
fn target(task: &Task) -> Target {
    let (state, reason, description) = match (task.state.is_stopping, task.illness) {
        (true, _) => (
            "draining",
            "Target.DeregistrationInProgress",
            "Target deregistration is in progress",
        ),
        (false, Some(Illness::LoadBalancer)) => (
            "unhealthy",
            "Target.ResponseCodeMismatch",
            "Health checks failed with these codes: [503]",
        ),
        (false, Some(Illness::Container) | None) if task.is_healthy => ("healthy", "", ""),
        (false, Some(Illness::Container) | None) => (
            "initial",
            "Elb.InitialHealthChecking",
            "Initial health checks in progress",
        ),
    };
    Target {
        id: NetworkInterface::of(&task.specification).private_ipv4_address(),
        port: task
            .specification
            .workload
            .target_port()
            .unwrap_or_default(),
        state,
        reason,
        description,
    }
}
