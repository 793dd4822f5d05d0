//! Why a version is taken back.

use super::diagnosis;
use crate::core::diagnosis::Cause;
use crate::core::failure::Failure;
use crate::core::rollout::RolledBackBy;
use crate::core::stack::FailedResource;

/// Says what went wrong with a version.
#[must_use]
pub fn failure(failure: &Failure) -> String {
    match failure {
        Failure::TaskCannotWork { cause } => {
            format!("{} No task of this version can ever work.", diagnosis::cause(*cause).meaning)
        }
        Failure::TasksFail {
            cause,
            failed,
            limit,
        } => format!(
            "{} {failed} of its tasks had failed when it was decided to take it back (maxFailedTasks: {limit}).",
            diagnosis::cause(*cause).meaning
        ),
        Failure::AlarmFired { alarms } => match alarms.as_slice() {
            [one] => format!("Alarm {one} fired while this version was watched; it had been quiet before."),
            several => format!(
                "Alarms {} fired while this version was watched; they had been quiet before.",
                several.join(", ")
            ),
        },
        Failure::DeploymentFailed { reason, platform } => deployment_failed(reason, *platform),
        Failure::StackFailed {
            reason,
            failed,
            cause,
        } => {
            let given_up = stack_failed(reason, failed.as_deref());
            match cause {
                Some(cause) => format!("{given_up}\n{}", diagnosis::cause(*cause).meaning),
                None => given_up,
            }
        }
        Failure::DeadlineReached { cause: Some(cause) } => format!(
            "The deployment did not finish before its deadline. {}",
            diagnosis::cause(*cause).meaning
        ),
        Failure::DeadlineReached { cause: None } => {
            "The deployment did not finish before its deadline, and no task failed by this version's fault.".to_owned()
        }
        Failure::MissingTasks { since, cause } => {
            let fault = match cause {
                Some(cause) => diagnosis::cause(*cause).meaning,
                None => "No task is known to have failed by this version's fault.",
            };
            format!("Fewer tasks have been running than are wanted since {since:.0}. {fault}")
        }
        Failure::PutBackByHand => "Somebody put the last good version back by hand.".to_owned(),
        Failure::AskedByOperator => "A person asked Pushboat to take it back.".to_owned(),
        Failure::EcsRolledBack { task_definition } => {
            format!("ECS went back to {task_definition} by itself.")
        }
    }
}

fn deployment_failed(reason: &str, platform: Option<Cause>) -> String {
    let given_up = match reason {
        "" => "ECS gave the deployment up.".to_owned(),
        reason => format!("ECS gave the deployment up: {reason}"),
    };
    match platform {
        Some(cause) => format!(
            "{given_up} No task is known to have failed by this version's fault: {}",
            diagnosis::cause(cause).meaning
        ),
        None => given_up,
    }
}

/// Says why CloudFormation gave the update of a stack up.
fn stack_failed(reason: &str, failed: Option<&FailedResource>) -> String {
    match failed {
        Some(failed) => format!(
            "CloudFormation gave the stack's update up at {}: {}",
            resource(failed),
            failed.reason
        ),
        None if reason.is_empty() => "CloudFormation gave the stack's update up.".to_owned(),
        None => format!("CloudFormation gave the stack's update up: {reason}"),
    }
}

/// Names a resource of a stack.
pub(super) fn resource(failed: &FailedResource) -> String {
    format!("{} ({})", failed.logical_id, failed.resource_type)
}

/// Says in a few words what went wrong, for one line.
pub(super) fn failure_briefly(failure: &Failure) -> String {
    match failure {
        Failure::TaskCannotWork { cause } | Failure::TasksFail { cause, .. } => {
            cause.as_str().replace('-', " ")
        }
        Failure::AlarmFired { alarms } => match alarms.as_slice() {
            [one] => format!("alarm {one} fired"),
            several => format!("alarms {} fired", several.join(", ")),
        },
        Failure::DeploymentFailed { .. } => "ECS gave the deployment up".to_owned(),
        Failure::StackFailed {
            cause: Some(cause), ..
        } => cause.as_str().replace('-', " "),
        Failure::StackFailed { cause: None, .. } => "the stack's update failed".to_owned(),
        Failure::DeadlineReached { .. } => "it did not finish in time".to_owned(),
        Failure::MissingTasks { .. } => "too few tasks keep running".to_owned(),
        Failure::PutBackByHand => "by hand".to_owned(),
        Failure::AskedByOperator => "a person asked for it".to_owned(),
        Failure::EcsRolledBack { .. } => "ECS went back by itself".to_owned(),
    }
}

/// Says what to look at, as far as the failure is understood.
pub(super) fn hint(failure: &Failure) -> Option<&'static str> {
    failure.cause().map(|cause| diagnosis::cause(cause).hint)
}

/// Says who took a version back.
pub(super) fn taken_back_by(by: RolledBackBy) -> &'static str {
    match by {
        RolledBackBy::Pushboat => "Pushboat brought the last good version back.",
        RolledBackBy::Ecs => "ECS went back to the last good version by itself.",
        RolledBackBy::CloudFormation => "CloudFormation rolled the stack's update back by itself.",
        RolledBackBy::Person => "The service runs the last good version again.",
    }
}
