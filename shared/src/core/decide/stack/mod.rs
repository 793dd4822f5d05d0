//! The way through a CloudFormation stack: what differs from a service that is updated directly.
//!
//! The same phases, and the same look at the service, its tasks and its alarms.
//! But it is CloudFormation that registers the revision and updates the service,
//! asked by a change set; and it is CloudFormation that goes back, by itself, by a
//! cancelled update, or by another change set.

mod change_set;
mod rolling_back;
mod starting;
mod under_way;

use jiff::SignedDuration;

use super::super::name::ImageDigest;
use super::super::policy::{Policy, StackRef};
use super::super::push::Push;
use super::super::reason::StackProblem;
use super::super::stack::{ChangeSetRequest, Stack, StackLook};

pub(super) use rolling_back::decide as rolling_back;
pub(super) use starting::{begin, decide as starting};
pub(super) use under_way::{UnderWay, under_way};

/// How soon to look again at a change set that is being made.
const CHANGE_SET_POLL: SignedDuration = SignedDuration::from_secs(10);

/// Says why a stack cannot be updated as it is, whatever is to be deployed, if so.
///
/// Without a service role CloudFormation would act with Pushboat's own rights, which may change
/// nothing that the template has. Source: CloudFormation user guide, "AWS CloudFormation service
/// role".
#[must_use]
pub fn problem(wanted: &StackRef, look: &StackLook) -> Option<StackProblem> {
    let stack = match look {
        StackLook::Missing => return Some(StackProblem::Missing),
        StackLook::Found(stack) => stack,
    };
    if !stack.parameters.contains(&wanted.parameter) {
        return Some(StackProblem::NoParameter {
            parameter: wanted.parameter.clone(),
            found: stack.parameters.clone(),
        });
    }
    if stack.role_arn.is_none() && wanted.role_arn.is_none() {
        return Some(StackProblem::NoRole);
    }
    stack.status.is_wedged().then(|| StackProblem::Wedged {
        status: stack.status_word.clone(),
        reason: stack.status_reason.clone(),
    })
}

/// Gives what an image is called in the parameter.
fn image(registry: &str, push: &Push, digest: &ImageDigest) -> String {
    format!("{registry}/{}@{digest}", push.repository)
}

/// Makes the request for a change set: the stack as it is, but for the image.
fn request(policy: &StackRef, stack: &Stack, name: String, value: String) -> ChangeSetRequest {
    let others = stack.parameters.iter();
    ChangeSetRequest {
        stack: policy.name.clone(),
        name,
        parameter: policy.parameter.clone(),
        value,
        kept: others
            .filter(|name| **name != policy.parameter)
            .cloned()
            .collect(),
        capabilities: stack.capabilities.clone(),
        role_arn: policy.role_arn.clone(),
    }
}

/// Says whether a policy's target goes through a stack that is not done with its last operation.
pub(super) fn is_busy(policy: &Policy, look: &StackLook) -> Option<String> {
    policy.stack.as_ref()?;
    match look {
        StackLook::Found(stack) if !stack.status.is_free() => Some(stack.status_word.clone()),
        StackLook::Found(_) | StackLook::Missing => None,
    }
}
