//! Takes a person's command in, and keeps decisions from being carried out under a hold.

use jiff::Timestamp;

use super::Ports;
use super::step::Step;
use crate::core::decide::{Decision, Next};
use crate::core::hold::{self, Gate, Hold, HoldTold};
use crate::core::name::ImageDigest;
use crate::core::observation::ImageLook;
use crate::core::operate::{self, OperatorCommand, Order, Performed, WantedImage};
use crate::core::policy::Policy;
use crate::core::reason::{Rejected, Waiting};
use crate::core::rollout::Rollout;
use crate::core::shared::Shared;
use crate::core::state::Wake;
use crate::notice::News;
use crate::ports::{Clock, ImageName, Images};

/// Takes a command in; whatever becomes of it is told.
pub(super) async fn take_in<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    step: &mut Step,
    policy: Option<&Shared<Policy>>,
    command: &OperatorCommand,
) where
    I: Images,
    C: Clock,
{
    if operate::is_known(&step.state, &command.request_id) {
        tracing::info!(request_id = command.request_id, "the command came before");
        return;
    }
    let tagged = tagged(&ports.images, policy, &command.order).await;
    let now = ports.clock.now();
    let refused = match operate::perform(&mut step.state, policy, command, tagged, now) {
        Performed::Repeat => return,
        Performed::Refused(refusal) => Some(refusal),
        Performed::Done(ended) => {
            for rollout in ended {
                step.finish(rollout, now);
            }
            None
        }
    };
    tracing::info!(
        request_id = command.request_id,
        command = command.order.as_str(),
        refused = refused.as_ref().map(operate::Refusal::as_str),
        "took a command in"
    );
    let command = command.clone();
    step.tell_target(News::Command { command, refused }, now);
}

/// Asks ECR what the tag of a command points at.
async fn tagged<I: Images>(
    images: &I,
    policy: Option<&Shared<Policy>>,
    order: &Order,
) -> Option<Result<ImageDigest, Rejected>> {
    let Order::Deploy {
        repository,
        image: WantedImage::Tag(tag),
    } = order
    else {
        return None;
    };
    let (_, followed) = operate::followed(policy, repository.as_deref()).ok()?;
    let repository = &followed.repository;
    Some(match images.image(repository, ImageName::Tag(tag)).await {
        Ok(ImageLook::Found { digest, .. }) => Ok(digest),
        Ok(ImageLook::Missing) => Err(Rejected::ImageMissing),
        Ok(ImageLook::Archived) => Err(Rejected::ImageArchived),
        Ok(ImageLook::RepositoryMissing) => Err(Rejected::RepositoryMissing {
            repository: repository.clone(),
        }),
        Err(error) => Err(Rejected::AwsUnavailable {
            trouble: error.to_string(),
        }),
    })
}

/// Lets a decision pass, unless a person keeps it from being carried out; that is told.
pub(super) fn gated(
    step: &mut Step,
    current: &Rollout,
    decision: Decision,
    now: Timestamp,
) -> Decision {
    let standing = step.hold().cloned();
    let gate = Gate {
        hold: standing.as_ref(),
        withdrawn_by: operate::withdrawn_by(&step.state, current),
    };
    let mut decision = hold::gate(gate, current, decision, now);
    if let (
        Next::Wait(at, Waiting::Held { .. }),
        Some(Wake {
            at: before,
            waiting: Waiting::Held { .. },
        }),
    ) = (&mut decision.next, &step.state.wake)
        && *before > now
    {
        // Events that come meanwhile do not put the look off that finds the hold lifted.
        *at = *before.min(at);
    }
    if let (Next::Wait(_, Waiting::Held { .. }), Some(hold)) = (&decision.next, standing) {
        tell_held(step, current, &decision, hold, now);
    } else if !decision.actions.is_empty() {
        step.state.hold_told = None;
    }
    decision
}

/// Tells that a hold keeps a rollout, unless that was told already.
fn tell_held(step: &mut Step, current: &Rollout, decision: &Decision, hold: Hold, now: Timestamp) {
    let by_command = step.state.held.as_ref() == Some(&hold);
    let told = HoldTold {
        rollout: current.id.clone(),
        reason: hold.reason.clone(),
        by_command,
    };
    if step.state.hold_told.as_ref() == Some(&told) {
        return;
    }
    step.state.hold_told = Some(told);
    let rollout = Rollout {
        phase: decision.phase.clone(),
        ..current.clone()
    };
    let news = News::RolloutHeld {
        rollout: Box::new(rollout),
        hold,
        by_command,
        exact_images: step.exact_images(current),
        good_inactive: step.good_inactive(),
    };
    step.tell_target(news, now);
}
