//! What a stack says of a deployment that its service is seen to be in.

use super::super::super::failure::Failure;
use super::super::super::observation::{Look, Observation};
use super::super::super::policy::StackRef;
use super::super::super::rollout::Start;
use super::super::super::stack::{Stack, StackLook, StackStatus};

/// How the stack stands to the rollout.
pub(in super::super) enum UnderWay<'a> {
    /// The target goes through no stack, or the stack was changed by somebody since: the service
    /// itself tells all.
    NoMatter,
    /// AWS gave no usable answer.
    Unclear(&'a str),
    /// It is gone, and its service with it.
    Gone,
    /// CloudFormation is at it.
    Updating,
    /// It is done.
    Done,
    /// CloudFormation goes or went back by itself, or somebody cancelled the update.
    GoesBack(Failure),
    /// It cannot get out of where it is by itself.
    Wedged(Failure, &'a Stack),
}

impl UnderWay<'_> {
    /// Says whether what the service shows counts.
    pub(in super::super) fn lets_the_service_tell(&self) -> bool {
        match self {
            Self::NoMatter | Self::Updating | Self::Done => true,
            Self::Unclear(_) | Self::Gone | Self::GoesBack(_) | Self::Wedged(..) => false,
        }
    }
}

/// Tells how the stack stands to a rollout whose image the service was seen to run.
pub(in super::super) fn under_way<'a>(
    policy: Option<&StackRef>,
    start: &Start,
    observation: &'a Observation,
) -> UnderWay<'a> {
    let (Some(_), Some(asked)) = (policy, &start.stack) else {
        return UnderWay::NoMatter;
    };
    let stack = match &observation.stack {
        Look::Taken(StackLook::Found(stack)) => stack,
        Look::Taken(StackLook::Missing) => return UnderWay::Gone,
        Look::Unavailable(trouble) => return UnderWay::Unclear(&trouble.words),
        Look::NotTaken => return UnderWay::Unclear("the stack was not looked at"),
    };
    if stack.change_set.as_ref() != Some(&asked.change_set) || asked.done {
        return UnderWay::NoMatter;
    }
    match stack.status {
        StackStatus::Updating | StackStatus::Busy => UnderWay::Updating,
        StackStatus::Updated | StackStatus::CleaningUp => UnderWay::Done,
        StackStatus::RollingBack | StackStatus::CleaningUpRollback | StackStatus::RolledBack => {
            UnderWay::GoesBack(failure(stack))
        }
        StackStatus::UpdateFailed | StackStatus::RollbackFailed | StackStatus::Dead => {
            UnderWay::Wedged(failure(stack), stack)
        }
    }
}

/// Reads why CloudFormation gave the update up.
///
/// Where no resource failed, somebody cancelled it, unless it says otherwise. Source:
/// CloudFormation API reference, CancelUpdateStack.
pub(super) fn failure(stack: &Stack) -> Failure {
    let reason = &stack.status_reason;
    let cancelled = ["cancel", "user initiated"];
    let words = reason.to_lowercase();
    let by_hand = reason.is_empty() || cancelled.into_iter().any(|word| words.contains(word));
    if stack.failed.is_none() && by_hand {
        return Failure::PutBackByHand;
    }
    Failure::StackFailed {
        reason: reason.clone(),
        failed: stack.failed.clone().map(Box::new),
        cause: None,
    }
}
