//! Why a version is taken back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::diagnosis::{Cause, failed_tasks::Failing};
use super::stack::{FailedResource, SERVICE};

/// Why a version is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "because")]
pub enum Failure {
    /// A task of it stopped in a way that says that none will ever work.
    TaskCannotWork {
        /// The way.
        cause: Cause,
    },
    /// More tasks of it failed than the target allows.
    TasksFail {
        /// The cause by which most of them failed.
        cause: Cause,
        /// How many failed, less those the old revision lost in the same time.
        failed: u32,
        /// How many were allowed to.
        limit: u32,
    },
    /// A watched alarm fired that was quiet before.
    AlarmFired {
        /// The alarms' names.
        alarms: Vec<String>,
    },
    /// ECS gave the deployment up.
    DeploymentFailed {
        /// ECS's own words.
        reason: String,
        /// The cause by which most of its tasks stopped, where none stopped by its fault.
        #[serde(default)]
        platform: Option<Cause>,
    },
    /// CloudFormation gave the stack's update up.
    StackFailed {
        /// CloudFormation's own words; empty where it has none.
        reason: String,
        /// The resource that failed first.
        failed: Option<Box<FailedResource>>,
        /// The cause by which most tasks failed; `None` where none failed by the version's fault.
        #[serde(default)]
        cause: Option<Cause>,
    },
    /// The deployment did not finish in time.
    DeadlineReached {
        /// The cause by which most of its tasks failed; `None` where none failed by its fault.
        cause: Option<Cause>,
    },
    /// Fewer tasks ran than are desired for more than five minutes.
    MissingTasks {
        /// Since when.
        since: Timestamp,
        /// The cause by which most of its tasks failed; `None` where none failed by its fault.
        #[serde(default)]
        cause: Option<Cause>,
    },
    /// Somebody put the last good version back by hand.
    PutBackByHand,
    /// A person asked for it.
    AskedByOperator,
    /// ECS went back by itself; only records of format 1 tell it apart.
    EcsRolledBack {
        /// What it went back to.
        task_definition: String,
    },
}

impl Failure {
    /// Reads the verdict on the stopped tasks.
    #[must_use]
    pub fn of_tasks(failing: Failing) -> Option<Self> {
        match failing {
            Failing::NotYet { .. } => None,
            Failing::Certainly { cause } => Some(Self::TaskCannotWork { cause }),
            Failing::LimitReached {
                cause,
                failed,
                limit,
            } => Some(Self::TasksFail {
                cause,
                failed,
                limit,
            }),
        }
    }

    /// Says whether the image is kept out of the target until a person releases it.
    ///
    /// Where the platform alone is to blame, the image keeps its chance.
    #[must_use]
    pub fn quarantines(&self) -> bool {
        match self {
            Self::DeadlineReached { cause } | Self::MissingTasks { cause, .. } => cause.is_some(),
            Self::DeploymentFailed { platform, .. } => platform.is_none(),
            // Of any other resource the image knows nothing.
            Self::StackFailed { failed, cause, .. } => {
                let of_service = |failed: &FailedResource| failed.resource_type == SERVICE;
                cause.is_some() || failed.as_deref().is_some_and(of_service)
            }
            Self::TaskCannotWork { .. }
            | Self::TasksFail { .. }
            | Self::AlarmFired { .. }
            | Self::PutBackByHand
            | Self::AskedByOperator
            | Self::EcsRolledBack { .. } => true,
        }
    }

    /// Gives the failure's stable name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::TaskCannotWork { .. } => "task-cannot-work",
            Self::TasksFail { .. } => "tasks-fail",
            Self::AlarmFired { .. } => "alarm-fired",
            Self::DeploymentFailed { .. } => "deployment-failed",
            Self::StackFailed { .. } => "stack-failed",
            Self::DeadlineReached { .. } => "deadline-reached",
            Self::MissingTasks { .. } => "missing-tasks",
            Self::PutBackByHand => "put-back-by-hand",
            Self::AskedByOperator => "asked-by-operator",
            Self::EcsRolledBack { .. } => "ecs-rolled-back",
        }
    }

    /// Gives the diagnosed cause, if there is one.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::TaskCannotWork { cause } | Self::TasksFail { cause, .. } => Some(*cause),
            Self::DeadlineReached { cause } | Self::MissingTasks { cause, .. } => *cause,
            Self::StackFailed { cause, .. } => *cause,
            Self::DeploymentFailed { platform, .. } => *platform,
            Self::AlarmFired { .. }
            | Self::PutBackByHand
            | Self::AskedByOperator
            | Self::EcsRolledBack { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::stack::TASK_DEFINITION;

    #[test]
    fn the_image_is_kept_out_where_the_service_failed_or_its_tasks_did() {
        let quarantines = |resource_type: Option<&str>, cause| {
            let failed = resource_type.map(|resource_type| {
                Box::new(FailedResource {
                    resource_type: resource_type.to_owned(),
                    ..FailedResource::default()
                })
            });
            let failure = Failure::StackFailed {
                reason: "it failed".to_owned(),
                failed,
                cause,
            };
            failure.quarantines()
        };
        let crashed = Some(Cause::ApplicationError);
        assert!(quarantines(Some(SERVICE), None));
        assert!(quarantines(Some(SERVICE), crashed));
        assert!(quarantines(Some(TASK_DEFINITION), crashed));
        assert!(quarantines(None, crashed));
        assert!(
            !quarantines(Some(TASK_DEFINITION), None),
            "of another resource the image knows nothing"
        );
        assert!(!quarantines(None, None), "nobody knows what failed");
    }
}
