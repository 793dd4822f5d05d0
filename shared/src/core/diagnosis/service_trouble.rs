//! What ECS says about a service as a whole: its events' names and reasons.

use serde::{Deserialize, Serialize};

use super::Verdict;

/// What an `ECS Service Action` or `ECS Deployment State Change` event means.
///
/// Source: ECS developer guide, "Amazon ECS service action events", "Amazon ECS
/// service deployment state change events" and "Amazon ECS service event
/// messages".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "trouble")]
pub enum ServiceTrouble {
    /// ECS has begun to roll back by itself: a competing change must not be made.
    RollingBack {
        /// The deployment it goes back to, `ecs-svc/…`; empty where that is not said.
        to: String,
    },
    /// ECS's circuit breaker gave the deployment up.
    CircuitBreaker,
    /// An alarm that the service's own deployment watches fired, and ECS gave the deployment up.
    DeploymentAlarm,
    /// ECS gave the deployment up and does not say why in words that are known.
    DeploymentFailed,
    /// Tasks keep failing to start; ECS goes on trying at longer and longer intervals.
    TasksKeepFailing,
    /// The service's minimum and maximum percent leave ECS no task to stop and none to start.
    NoRoomToDeploy,
    /// The load balancer finds a task unhealthy.
    TargetUnhealthy {
        /// What the load balancer complains of.
        reason: String,
    },
    /// Cloud Map or VPC Lattice finds a task unhealthy.
    TaskUnhealthy,
    /// Tasks could not be launched, for want of capacity or because of a limit.
    CouldNotLaunch,
    /// AWS throttles what the scheduler asks of it.
    Throttled,
    /// Tasks cannot be started as they are configured.
    Misconfigured,
    /// ECS may not assume the task's role or the execution role.
    RoleNotAssumed,
    /// Tasks could not be placed.
    CannotPlace {
        /// What there is too little of, such as `RESOURCE:FARGATE`.
        lacking: String,
    },
}

/// A placement failure's reasons. Source: ECS developer guide, "Amazon ECS service action events".
const PLACEMENT: [&str; 2] = ["resource:", "agent"];
const KEPT_CHARACTERS: usize = 200;

impl ServiceTrouble {
    /// Reads an event's name and reason; `None` where all goes its usual way, or nothing is known.
    ///
    /// The reason decides before the name: a rollback by ECS comes under the
    /// name of a deployment that has begun.
    #[must_use]
    pub fn read(name: &str, reason: &str) -> Option<Self> {
        let lower = reason.to_ascii_lowercase();
        let says = |pieces: &[&str]| pieces.iter().all(|piece| lower.contains(piece));
        if says(&["rolling back to deployment"]) {
            let to = words(reason).find(|word| word.starts_with("ecs-svc/"));
            let to = to.map(short).unwrap_or_default();
            return Some(Self::RollingBack { to });
        }
        if says(&["circuit breaker", "failed to start"]) {
            return Some(Self::CircuitBreaker);
        }
        if says(&["deployment failed", "alarm detected"]) {
            return Some(Self::DeploymentAlarm);
        }
        if says(&["unable to consistently start tasks successfully"]) {
            return Some(Self::TasksKeepFailing);
        }
        if says(&["unable to stop or start tasks during a deployment"]) {
            return Some(Self::NoRoomToDeploy);
        }
        if says(&["is unhealthy in", "target-group"]) {
            let reason = unhealthy_because(reason);
            return Some(Self::TargetUnhealthy { reason });
        }
        if says(&["could not launch", "for deployment"]) {
            return Some(Self::CouldNotLaunch);
        }
        if says(&["unable to place a task", "capacity is unavailable"]) {
            // As the event about it says, so that both are one trouble.
            let lacking = "RESOURCE:FARGATE".to_owned();
            return Some(Self::CannotPlace { lacking });
        }
        if says(&["unable to assume the role"])
            || says(&["iam trust relationship has been misconfigured"])
        {
            return Some(Self::RoleNotAssumed);
        }
        let placement = PLACEMENT.iter().any(|prefix| lower.starts_with(prefix));
        match name {
            "SERVICE_TASK_START_IMPAIRED" => Some(Self::TasksKeepFailing),
            "SERVICE_TASK_PLACEMENT_FAILURE" => Some(Self::CannotPlace {
                lacking: short(if placement { reason } else { "" }),
            }),
            "SERVICE_TASK_CONFIGURATION_FAILURE" => Some(Self::Misconfigured),
            "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY" | "VPC_LATTICE_TARGET_UNHEALTHY" => {
                Some(Self::TaskUnhealthy)
            }
            "ECS_OPERATION_THROTTLED" | "SERVICE_DISCOVERY_OPERATION_THROTTLED" => {
                Some(Self::Throttled)
            }
            "SERVICE_DEPLOYMENT_FAILED" => Some(Self::DeploymentFailed),
            _ => None,
        }
    }

    /// Says whose fault it is, as far as these words tell.
    ///
    /// Words about a service never make a fault certain: the tasks that stopped
    /// are what a version is judged by.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::NoRoomToDeploy
            | Self::CouldNotLaunch
            | Self::Throttled
            | Self::Misconfigured
            | Self::RoleNotAssumed
            | Self::CannotPlace { .. } => Verdict::Platform,
            Self::CircuitBreaker
            | Self::DeploymentAlarm
            | Self::DeploymentFailed
            | Self::TasksKeepFailing
            | Self::TargetUnhealthy { .. }
            | Self::TaskUnhealthy => Verdict::Likely,
            Self::RollingBack { .. } => Verdict::NotAFailure,
        }
    }

    /// Says whether it explains why a deployment does not get on.
    #[must_use]
    pub fn hinders(&self) -> bool {
        match self {
            Self::TasksKeepFailing
            | Self::NoRoomToDeploy
            | Self::TargetUnhealthy { .. }
            | Self::TaskUnhealthy
            | Self::CouldNotLaunch
            | Self::Throttled
            | Self::Misconfigured
            | Self::RoleNotAssumed
            | Self::CannotPlace { .. } => true,
            // ECS has given the deployment up: nothing waits for it any more.
            Self::RollingBack { .. }
            | Self::CircuitBreaker
            | Self::DeploymentAlarm
            | Self::DeploymentFailed => false,
        }
    }

    /// Gives the trouble's stable name, for logs and notices.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::RollingBack { .. } => "rolling-back",
            Self::CircuitBreaker => "circuit-breaker",
            Self::DeploymentAlarm => "deployment-alarm",
            Self::DeploymentFailed => "deployment-failed",
            Self::TasksKeepFailing => "tasks-keep-failing",
            Self::NoRoomToDeploy => "no-room-to-deploy",
            Self::TargetUnhealthy { .. } => "target-unhealthy",
            Self::TaskUnhealthy => "task-unhealthy",
            Self::CouldNotLaunch => "could-not-launch",
            Self::Throttled => "throttled",
            Self::Misconfigured => "misconfigured",
            Self::RoleNotAssumed => "role-not-assumed",
            Self::CannotPlace { .. } => "cannot-place",
        }
    }
}

/// Takes `R` out of `… due to (reason R)`.
fn unhealthy_because(reason: &str) -> String {
    let (_, behind) = reason.split_once("due to").unwrap_or_default();
    let behind = behind.trim().trim_end_matches('.');
    let inner = behind.strip_prefix('(').unwrap_or(behind);
    let inner = inner.strip_suffix(')').unwrap_or(inner);
    short(inner.strip_prefix("reason").unwrap_or(inner).trim())
}

/// Parts a text at what is no part of a deployment's id.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '/'))
}

fn short(text: &str) -> String {
    text.chars().take(KEPT_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[(&str, &str, &str)]) {
        for (name, reason, expected) in rows {
            let read = ServiceTrouble::read(name, reason);
            let got = read.as_ref().map_or("-", ServiceTrouble::as_str);
            assert_eq!(got, *expected, "{name} {reason}");
        }
    }

    #[test]
    fn what_ecs_says_of_a_deployment_is_understood() {
        let (begun, failed) = (
            "SERVICE_DEPLOYMENT_IN_PROGRESS",
            "SERVICE_DEPLOYMENT_FAILED",
        );
        let back = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/123.";
        let breaker = "ECS deployment circuit breaker: task failed to start.";
        let alarm = "(service web) (deployment ecs-svc/1) deployment failed: alarm detected.";
        check(&[
            (begun, back, "rolling-back"),
            (
                "",
                "(service web) rolling back to deployment ecs-svc/123",
                "rolling-back",
            ),
            (failed, breaker, "circuit-breaker"),
            (failed, &breaker.replace("task", "tasks"), "circuit-breaker"),
            (failed, alarm, "deployment-alarm"),
            (failed, "", "deployment-failed"),
            (begun, "ECS deployment ecs-svc/123 in progress.", "-"),
            (
                "SERVICE_DEPLOYMENT_COMPLETED",
                "ECS deployment ecs-svc/123 completed.",
                "-",
            ),
            ("", "the circuit breaker of the house", "-"),
        ]);
    }

    #[test]
    fn what_ecs_says_of_a_service_is_understood() {
        let placement = "SERVICE_TASK_PLACEMENT_FAILURE";
        let configuration = "SERVICE_TASK_CONFIGURATION_FAILURE";
        let impaired =
            "(service web) is unable to consistently start tasks successfully. For more…";
        let no_room = "(service web) was unable to stop or start tasks during a deployment because of the service deployment configuration.";
        let sick = "(service web) (task 7) (port 80) is unhealthy in (target-group arn:x) due to (reason Request timed out)";
        let role = "ECS was unable to assume the role that was provided for this task";
        check(&[
            ("SERVICE_TASK_START_IMPAIRED", "", "tasks-keep-failing"),
            ("", impaired, "tasks-keep-failing"),
            ("", no_room, "no-room-to-deploy"),
            ("", sick, "target-unhealthy"),
            ("", "(service web) (task 7) is unhealthy in Cloud Map", "-"),
            (
                "",
                "(service web) could not launch 3 tasks for deployment ecs-svc/1.",
                "could-not-launch",
            ),
            (configuration, role, "role-not-assumed"),
            (
                "",
                "The IAM trust relationship has been misconfigured",
                "role-not-assumed",
            ),
            (configuration, "something else", "misconfigured"),
            (placement, "RESOURCE:FARGATE", "cannot-place"),
            (
                "",
                "(service web) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.",
                "cannot-place",
            ),
            ("VPC_LATTICE_TARGET_UNHEALTHY", "", "task-unhealthy"),
            ("SERVICE_DISCOVERY_INSTANCE_UNHEALTHY", "", "task-unhealthy"),
            ("ECS_OPERATION_THROTTLED", "", "throttled"),
            ("SERVICE_DISCOVERY_OPERATION_THROTTLED", "", "throttled"),
            ("SERVICE_HEALTH_UNKNOWN", "", "-"),
            ("SERVICE_STEADY_STATE", "", "-"),
            ("SOMETHING_NEW", "RESOURCE:FARGATE", "-"),
        ]);
    }

    #[test]
    fn details_are_taken_out_of_the_words() {
        let back = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/9223370.";
        let to = "ecs-svc/9223370".to_owned();
        let read = ServiceTrouble::read("SERVICE_DEPLOYMENT_IN_PROGRESS", back);
        assert_eq!(read, Some(ServiceTrouble::RollingBack { to }));
        let sick = "(service web) (task 7) (port 80) is unhealthy in (target-group arn:x) due to (reason Health checks failed with these codes: [404]).";
        let reason = "Health checks failed with these codes: [404]".to_owned();
        assert_eq!(
            ServiceTrouble::read("", sick),
            Some(ServiceTrouble::TargetUnhealthy { reason })
        );
        for (said, lacking) in [
            ("RESOURCE:CPU", "RESOURCE:CPU"),
            ("AGENT", "AGENT"),
            ("other", ""),
        ] {
            let lacking = lacking.to_owned();
            let read = ServiceTrouble::read("SERVICE_TASK_PLACEMENT_FAILURE", said);
            assert_eq!(read, Some(ServiceTrouble::CannotPlace { lacking }));
        }
    }
}
