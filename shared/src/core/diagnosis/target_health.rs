//! What a load balancer's word on a target means.

use serde::{Deserialize, Serialize};

use crate::core::evidence::TargetHealth;
use crate::core::failure::Failure;

/// What the health of a target says about the task behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetVerdict {
    /// It is healthy.
    Healthy,
    /// It is being registered or is leaving; wait.
    Settling,
    /// The task answers wrongly, late or not at all: the application, its port or its security group.
    Application,
    /// The load balancer itself has trouble.
    Platform,
    /// The target group is not in use, the zone is not enabled, or the address cannot be used.
    Infrastructure,
    /// Health is not checked, or nothing is known.
    Unknown,
}

/// Says what a target's state and reason mean.
///
/// Source: ELBv2 API reference, TargetHealth, `State` and `Reason`.
#[must_use]
pub fn judge(health: &TargetHealth) -> TargetVerdict {
    match (health.state.as_str(), health.reason.as_str()) {
        ("healthy", _) => TargetVerdict::Healthy,
        (_, "Elb.InternalError") => TargetVerdict::Platform,
        (_, "Target.ResponseCodeMismatch" | "Target.Timeout" | "Target.FailedHealthChecks") => {
            TargetVerdict::Application
        }
        (
            _,
            "Target.NotRegistered"
            | "Target.NotInUse"
            | "Target.InvalidState"
            | "Target.IpUnusable",
        ) => TargetVerdict::Infrastructure,
        ("initial" | "draining", _)
        | (
            _,
            "Elb.RegistrationInProgress"
            | "Elb.InitialHealthChecking"
            | "Target.DeregistrationInProgress",
        ) => TargetVerdict::Settling,
        _ => TargetVerdict::Unknown,
    }
}

/// Says whether a load balancer can tell more of a failure.
///
/// A task that can never work was never registered, and what a person asked for
/// needs no explanation.
#[must_use]
pub fn tells_of(failure: &Failure) -> bool {
    match failure {
        Failure::TasksFail { .. }
        | Failure::AlarmFired { .. }
        | Failure::DeploymentFailed { .. }
        | Failure::StackFailed { .. }
        | Failure::DeadlineReached { .. }
        | Failure::MissingTasks { .. }
        | Failure::EcsRolledBack { .. } => true,
        Failure::TaskCannotWork { .. } | Failure::PutBackByHand | Failure::AskedByOperator => false,
    }
}

/// Orders targets by how much they tell: those that tell most have the highest weight.
#[must_use]
pub fn weight(health: &TargetHealth) -> u8 {
    match judge(health) {
        TargetVerdict::Healthy => 0,
        TargetVerdict::Settling => 1,
        TargetVerdict::Unknown => 2,
        TargetVerdict::Platform | TargetVerdict::Infrastructure => 3,
        TargetVerdict::Application => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::diagnosis::Cause;

    #[test]
    fn a_load_balancer_is_asked_where_it_can_tell_why_tasks_fail() {
        let missing = Failure::MissingTasks {
            since: jiff::Timestamp::UNIX_EPOCH,
            cause: None,
        };
        let fired = Failure::AlarmFired { alarms: Vec::new() };
        assert!(tells_of(&missing) && tells_of(&fired));
        let never_registered = Failure::TaskCannotWork {
            cause: Cause::ImageManifestMissing,
        };
        assert!(!tells_of(&never_registered));
        assert!(!tells_of(&Failure::AskedByOperator) && !tells_of(&Failure::PutBackByHand));
    }

    #[test]
    fn each_reason_has_its_meaning() {
        let rows = [
            ("healthy", "", TargetVerdict::Healthy),
            (
                "initial",
                "Elb.RegistrationInProgress",
                TargetVerdict::Settling,
            ),
            (
                "initial",
                "Elb.InitialHealthChecking",
                TargetVerdict::Settling,
            ),
            (
                "unhealthy",
                "Target.ResponseCodeMismatch",
                TargetVerdict::Application,
            ),
            ("unhealthy", "Target.Timeout", TargetVerdict::Application),
            (
                "unhealthy",
                "Target.FailedHealthChecks",
                TargetVerdict::Application,
            ),
            (
                "unhealthy.draining",
                "Target.FailedHealthChecks",
                TargetVerdict::Application,
            ),
            ("unhealthy", "Elb.InternalError", TargetVerdict::Platform),
            ("unhealthy", "", TargetVerdict::Unknown),
            (
                "unused",
                "Target.NotRegistered",
                TargetVerdict::Infrastructure,
            ),
            ("unused", "Target.NotInUse", TargetVerdict::Infrastructure),
            (
                "unused",
                "Target.InvalidState",
                TargetVerdict::Infrastructure,
            ),
            ("unused", "Target.IpUnusable", TargetVerdict::Infrastructure),
            (
                "draining",
                "Target.DeregistrationInProgress",
                TargetVerdict::Settling,
            ),
            (
                "unavailable",
                "Target.HealthCheckDisabled",
                TargetVerdict::Unknown,
            ),
            ("unavailable", "Elb.InternalError", TargetVerdict::Platform),
            ("of-a-later-day", "Elb.New", TargetVerdict::Unknown),
        ];
        for (state, reason, expected) in rows {
            let health = TargetHealth {
                target_group_arn: String::new(),
                target: "10.0.1.7".to_owned(),
                port: Some(80),
                state: state.to_owned(),
                reason: reason.to_owned(),
                description: String::new(),
                at: jiff::Timestamp::UNIX_EPOCH,
            };
            assert_eq!(judge(&health), expected, "{state} {reason}");
        }
    }
}
