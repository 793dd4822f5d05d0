//! What is said of a stack that is, or is not, updated.

use super::Surroundings;
use super::failure::resource;
use super::reason::PUSH_AGAIN;
use crate::core::policy::StackRef;
use crate::core::reason::{Halted, StackProblem};
use crate::core::rollout::Approval;
use crate::core::stack::{FailedResource, ResourceChange};

/// Says why a stack was not updated, and what to do.
pub(super) fn problem(stack: &str, problem: &StackProblem, surroundings: &Surroundings) -> String {
    let (what, next) = match problem {
        StackProblem::Missing => (
            format!("There is no stack {stack}. Nothing was changed."),
            "Create it, or correct the target's `stack.name`",
        ),
        StackProblem::NoParameter { parameter, found } => (
            format!(
                "Stack {stack} has no parameter {parameter}; it has: {}. Nothing was changed.",
                listed(found)
            ),
            "Correct the target's `stack.parameter`",
        ),
        StackProblem::NoRole => (
            format!(
                "Stack {stack} has no service role, and Pushboat does not change its resources with its own rights. Nothing was changed."
            ),
            "Name a role in the target's `stack.roleArn`, or update the stack once with a role of its own",
        ),
        StackProblem::Wedged { status, reason } => {
            let reason = in_words(reason);
            let fix = mended(stack, status, surroundings);
            return format!(
                "Stack {stack} is in {status} and takes no update{reason}. Nothing was changed. {fix}\nThen {PUSH_AGAIN}"
            );
        }
        StackProblem::Busy { status } => (
            format!("Stack {stack} was still in {status} at the deadline. Nothing was changed."),
            "See what that operation waits for",
        ),
        StackProblem::Unchanged { parameter } => (
            format!(
                "CloudFormation found nothing to update: parameter {parameter} of stack {stack} has this very image already, though the service runs another one. Nothing was changed."
            ),
            "Somebody changed the service beside its stack: detect the stack's drift and put it right",
        ),
        StackProblem::NotFed { parameter } => (
            format!(
                "Parameter {parameter} of stack {stack} does not lead to the image of the service's task definition."
            ),
            "Correct the template, or the target's `stack.parameter`",
        ),
        StackProblem::ChangeSetFailed { reason } => (
            format!(
                "CloudFormation could not make or execute the change set of stack {stack}: {reason}\nNothing was changed."
            ),
            "Correct this",
        ),
        StackProblem::Declined => {
            return format!(
                "The change set of stack {stack} waited for a person, who deleted it. Nothing was changed. To deploy this image after all, {PUSH_AGAIN}"
            );
        }
        StackProblem::WentBack { failed } => {
            let why = failed.as_ref().map_or_else(
                || ". ".to_owned(),
                |failed| format!(" at {}: {}\n", resource(failed), failed.reason),
            );
            return format!(
                "CloudFormation gave the update of stack {stack} up{why}The service was not reached; the stack is what it was before. Correct this, then {PUSH_AGAIN}"
            );
        }
    };
    format!("{what} {next}, then {PUSH_AGAIN}")
}

/// Says in a few words why a stack was not updated.
pub(super) fn problem_briefly(problem: &StackProblem) -> String {
    let words = match problem {
        StackProblem::Missing => "the stack does not exist",
        StackProblem::NoParameter { .. } => "the stack has no such parameter",
        StackProblem::NoRole => "the stack has no service role",
        StackProblem::Wedged { status, .. } => return format!("the stack is in {status}"),
        StackProblem::Busy { .. } => "the stack did not come free",
        StackProblem::Unchanged { .. } => "the stack has nothing to update",
        StackProblem::NotFed { .. } => "the parameter does not lead to the service",
        StackProblem::ChangeSetFailed { .. } => "the change set failed",
        StackProblem::Declined => "a person deleted the change set",
        StackProblem::WentBack { .. } => "the stack's update failed before the service",
    };
    words.to_owned()
}

/// Says that a stack cannot get out of where it is, and how a person mends it.
pub(super) fn wedged(
    stack: &str,
    status: &str,
    failed: Option<&FailedResource>,
    surroundings: &Surroundings,
) -> String {
    let why = failed.map_or_else(String::new, |failed| {
        format!(" {} failed: {}", resource(failed), failed.reason)
    });
    format!(
        "Stack {stack} is in {status}.{why} {}",
        mended(stack, status, surroundings)
    )
}

/// Says what became of the way back of a target that goes through a stack; `None` where that
/// is told alike of every target.
pub(super) fn halted(reason: &Halted, stack: &StackRef) -> Option<String> {
    let StackRef {
        name, parameter, ..
    } = stack;
    Some(match reason {
        Halted::WayBackTooLong { .. } => format!(
            "The way back to the last good version did not finish in time. CloudFormation may still be at it: look at the events of stack {name}."
        ),
        Halted::WayBackFailed { reason, .. } => format!(
            "The update of stack {name} that was to bring the last good version back failed too, at {reason}\nSomething besides the image has changed: look at the stack's events, and at what the template needs."
        ),
        Halted::WentElsewhere {
            task_definition, ..
        } => format!(
            "The last good version's image is what stack {name} has in parameter {parameter}, and yet the service goes to {task_definition}, which was never proven good. Somebody changed the service beside its stack, or the parameter does not lead to its image: detect the stack's drift, and put it right."
        ),
        Halted::NothingToGoBackTo { .. }
        | Halted::WayBackRefused { .. }
        | Halted::StackWedged { .. }
        | Halted::NotVerified { .. }
        | Halted::LeftAlone(_) => return None,
    })
}

/// Says what brings a stack to where it can be updated.
///
/// Source: CloudFormation user guide, "Continue rolling back an update", and "Stack status codes".
fn mended(stack: &str, status: &str, surroundings: &Surroundings) -> String {
    match status {
        "UPDATE_ROLLBACK_FAILED" => format!(
            "Mend what its rollback failed at, and continue it:\n  {}",
            surroundings.continue_rollback(stack)
        ),
        "UPDATE_FAILED" => format!(
            "An update failed with rollback switched off. Have CloudFormation take it back:\n  {}",
            surroundings.roll_back(stack)
        ),
        _ => "A stack in that status can only be deleted, and made anew.".to_owned(),
    }
}

/// Asks a person to look at a change set that brings more than the image.
pub(super) fn approval(
    stack: &StackRef,
    approval: &Approval,
    way_back: bool,
    surroundings: &Surroundings,
) -> String {
    let what = match way_back {
        true => {
            "The change set that brings the last good version back would change more than the task definition and the service; until it is executed, the bad version goes on running"
        }
        false => {
            "The change set of this image would change more than the task definition and the service, so it was not executed"
        }
    };
    let name = &approval.change_set;
    let lines: Vec<String> = approval.unexpected.iter().map(change).collect();
    let refuse = match way_back {
        true => "Deleted, it is made once more: the bad version is not left there.".to_owned(),
        false => format!(
            "To refuse it:\n  {}",
            surroundings.change_set("delete-change-set", stack, name)
        ),
    };
    format!(
        "{what}:\n{}\nA parameter that names one of Parameter Store takes its latest value with each update, and so may bring such a change. To let all of it happen:\n  {}\n{refuse}\nWhat is to be let through from now on is named in the target's `stack.allow`.",
        lines.join("\n"),
        surroundings.change_set("execute-change-set", stack, name)
    )
}

/// Writes one change as a line.
fn change(change: &ResourceChange) -> String {
    let replaced = match change.replacement.as_deref() {
        Some("True") => ", which replaces it",
        Some("Conditional") => ", which may replace it",
        _ => "",
    };
    format!(
        "- {} {} ({}){replaced}",
        change.action, change.logical_id, change.resource_type
    )
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    }
}

fn in_words(reason: &str) -> String {
    match reason {
        "" => String::new(),
        reason => format!(" ({reason})"),
    }
}
