//! What is to be done about a change set, by how far it is.

use super::super::super::observation::Look;
use super::super::super::policy::StackRef;
use super::super::super::stack::{
    ChangeSet, ChangeSetLook, ChangeSetState, ResourceChange, Stack, TASK_DEFINITION,
};

/// What a look at a rollout's change set comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// AWS gave no usable answer.
    Unclear(&'a str, bool),
    /// It is not there: it never was, or somebody deleted it.
    Missing,
    /// The stack was changed since it was made.
    Obsolete,
    /// CloudFormation works out the changes.
    Wait,
    /// It can be executed unasked.
    Execute,
    /// It changes more than is expected.
    Ask(Vec<ResourceChange>),
    /// It leads to no new task definition.
    LeadsNowhere,
    /// It would change nothing.
    Unchanged,
    /// It could not be made or executed.
    Failed(&'a str),
    /// It is or was executed.
    Executed,
}

/// Reads the look at the change set of that name.
pub(super) fn step<'a>(
    name: &str,
    look: &'a Look<ChangeSetLook>,
    stack: &Stack,
    policy: &StackRef,
) -> Step<'a> {
    let executed = stack.change_set.as_deref() == Some(name);
    match look {
        Look::Unavailable(trouble) => Step::Unclear(&trouble.words, trouble.throttled),
        Look::NotTaken => Step::Unclear("the change set was not looked at", false),
        // What was executed last is told by the stack too, whatever is kept of it.
        Look::Taken(ChangeSetLook::Missing) if executed => Step::Executed,
        Look::Taken(ChangeSetLook::Missing) => Step::Missing,
        // `EXECUTE_FAILED` may be said of an update that was rolled back: the stack tells.
        Look::Taken(ChangeSetLook::Found(ChangeSet {
            state: ChangeSetState::ExecutionFailed { .. },
            ..
        })) if executed => Step::Executed,
        Look::Taken(ChangeSetLook::Found(found)) => of(found, policy),
    }
}

fn of<'a>(found: &'a ChangeSet, policy: &StackRef) -> Step<'a> {
    match &found.state {
        ChangeSetState::Pending => Step::Wait,
        ChangeSetState::Unchanged => Step::Unchanged,
        ChangeSetState::Failed { reason } | ChangeSetState::ExecutionFailed { reason } => {
            Step::Failed(reason)
        }
        ChangeSetState::Obsolete => Step::Obsolete,
        ChangeSetState::Executing | ChangeSetState::Executed => Step::Executed,
        ChangeSetState::Available => judge(&found.changes, policy),
    }
}

/// Says whether the changes are what an image asks for (issue 6).
///
/// `UsePreviousValue` resolves a parameter that names one of Parameter Store to its latest value,
/// so that a change set may bring more than was asked for. Source: CloudFormation user guide,
/// "Specify existing resources at runtime with CloudFormation-supplied parameter types".
fn judge<'a>(changes: &[ResourceChange], policy: &StackRef) -> Step<'a> {
    let is_definition = |one: &ResourceChange| one.resource_type == TASK_DEFINITION;
    if !changes.iter().any(is_definition) {
        return Step::LeadsNowhere;
    }
    let unexpected = changes.iter().filter(|one| !one.is_expected(policy));
    let unexpected: Vec<ResourceChange> = unexpected.cloned().collect();
    match unexpected.is_empty() {
        true => Step::Execute,
        false => Step::Ask(unexpected),
    }
}
