//! What is said of commands and holds.

use std::collections::BTreeMap;

use super::Surroundings;
use super::by_hand::{Good, Through, bring_back};
use super::reason::rejected;
use crate::core::hold::Hold;
use crate::core::name::{ImageDigest, TargetName};
use crate::core::operate::{OperatorCommand, Order, Refusal, WantedImage};
use crate::core::reason::Rejected;
use crate::core::rollout::{Phase, Rollout};
use crate::redact::redact;

/// Says why a command was refused, and what to do.
#[must_use]
pub fn refusal(refusal: &Refusal, target: &TargetName, surroundings: &Surroundings) -> String {
    match refusal {
        Refusal::NotConfigured => {
            "The target's parameter is gone or has mistakes, which its notice names. Correct it, then give the command again.".to_owned()
        }
        Refusal::NotFollowed {
            repository,
            followed,
        } => format!(
            "The target does not follow repository {repository}; it follows {}. Name one of these, or add it to the target's `images`.",
            followed.join(", ")
        ),
        Refusal::RepositoryNeeded { followed } => format!(
            "The target follows several repositories ({}). Say which one with `repository`.",
            followed.join(", ")
        ),
        Refusal::NotDeployable { reason } => not_deployable(reason, target, surroundings),
        Refusal::SameImageUnderWay { rollout } => {
            format!("Rollout {rollout} brings this very image. Nothing is to be done.")
        }
        Refusal::NothingUnderWay { good: Some(good) } => format!(
            "No rollout is under way, so there is none to take back; the last good version is {good}. To go to an older image, give the command `deploy` with its tag or digest; `history` lists them."
        ),
        Refusal::NothingUnderWay { good: None } => {
            "No rollout is under way, so there is none to take back, and no version of this target was ever proven good. To go to an older image, give the command `deploy` with its tag or digest; `history` lists them.".to_owned()
        }
        Refusal::NothingToGoBackTo { rollout } => format!(
            "No version of this service was ever proven good, so rollout {rollout} cannot be taken back. To go to another image, give the command `deploy` with its tag or digest."
        ),
        Refusal::RollingBack { rollout } => format!(
            "Rollout {rollout} is on its way back to the last good version. `status` shows how far it is."
        ),
        Refusal::NotQuarantined {
            digest,
            quarantined,
        } => format!(
            "Image {digest} is not kept out of this target; {}. Check the target and the digest.",
            kept_out(quarantined)
        ),
        Refusal::Overtaken { tag, at } => format!(
            "The command came late: {tag} was asked for at {at:.0}, after it. Nothing was changed. Give the command again if it is still meant."
        ),
        Refusal::NotHeld => {
            "The target is not held by a command, and no rollout of it halted. A hold for everything stands in the SSM parameter `hold` below Pushboat's prefix: delete it, or set it to `off`.".to_owned()
        }
    }
}

/// Says why the image of a command cannot be deployed, and what to do.
fn not_deployable(reason: &Rejected, target: &TargetName, surroundings: &Surroundings) -> String {
    match reason {
        Rejected::ImageMissing => {
            "ECR has no such image. Nothing was changed. Check the spelling of its tag; if it was deleted, by a lifecycle policy for one, push it again.".to_owned()
        }
        Rejected::ImageArchived => {
            "The image is in ECR's archive storage class and cannot be pulled. Nothing was changed. Restore it in ECR, then give the command again.".to_owned()
        }
        Rejected::AwsUnavailable { trouble } => format!(
            "AWS gave no usable answer: {trouble}. Nothing was changed. Give the command again."
        ),
        other => rejected(other, target, surroundings),
    }
}

fn kept_out(quarantined: &[ImageDigest]) -> String {
    match quarantined {
        [] => "no image is".to_owned(),
        some => {
            let digests: Vec<&str> = some.iter().map(ImageDigest::as_str).collect();
            format!("these are: {}", digests.join(", "))
        }
    }
}

/// Says in one line what became of a command.
pub(super) fn command_headline(
    target: &TargetName,
    command: &OperatorCommand,
    refused: Option<&Refusal>,
) -> String {
    let order = &command.order;
    if let Some(refusal) = refused {
        return format!(
            "{target}: the command {} was refused ({})",
            order.as_str(),
            refusal.as_str().replace('-', " ")
        );
    }
    match order {
        Order::Deploy { image, .. } => {
            format!("{target}: {} was asked for by a person", wanted(image))
        }
        Order::Rollback => format!("{target}: a person asked to roll back"),
        Order::Release { digest } => {
            format!("{target}: {} may be deployed again", digest.short())
        }
        Order::Hold { .. } => format!("{target}: held, nothing is changed until it is resumed"),
        Order::Resume => format!("{target}: resumed"),
    }
}

/// Says what became of a command.
pub(super) fn command_text(
    target: &TargetName,
    command: &OperatorCommand,
    refused: Option<&Refusal>,
    surroundings: &Surroundings,
) -> String {
    let outcome = match (refused, &command.order) {
        (Some(reason), _) => refusal(reason, target, surroundings),
        (None, Order::Deploy { .. }) => {
            "It is deployed when its turn has come, whichever push is the newest; all checks of a push are made but two: the tag need not match, and it goes ahead where the last good image is gone.".to_owned()
        }
        (None, Order::Rollback) => {
            "The rollout under way, or else the one that halted, is taken back to the last good version, and what waits behind it is withdrawn. An image that had been started is kept out until a person releases it.".to_owned()
        }
        (None, Order::Release { digest }) => {
            format!("Image {digest} is no longer kept out. To deploy it, push it under a new tag or give the command `deploy`.")
        }
        (None, Order::Hold { reason }) => format!(
            "Reason: {reason}\nPushboat goes on looking and telling, but changes nothing of the service, not even to roll back. To resume:\n  {}",
            surroundings.resume(target)
        ),
        (None, Order::Resume) => {
            "The target's own hold is lifted: what it kept goes on now, unless everything is held by the SSM parameter. If a rollout halted, its hourly notice ends.".to_owned()
        }
    };
    format!("{outcome}\nRequest: {}", command.request_id)
}

fn wanted(image: &WantedImage) -> &str {
    match image {
        WantedImage::Tag(tag) => tag,
        WantedImage::Digest(digest) => digest.short(),
    }
}

/// Says in one line that a hold keeps a rollout.
pub(super) fn held_headline(rollout: &Rollout) -> String {
    let (target, tag) = (&rollout.policy.target, &rollout.push.tag);
    match &rollout.phase {
        Phase::RollingBack { .. } => {
            format!("{target}: {tag} is not rolled back because of a hold")
        }
        Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => format!("{target}: {tag} is not deployed because of a hold"),
    }
}

/// Says what keeps a rollout and how it goes on.
pub(super) fn held_text(
    rollout: &Rollout,
    hold: &Hold,
    by_command: bool,
    (exact_images, inactive): (&BTreeMap<String, String>, bool),
    surroundings: &Surroundings,
) -> String {
    let (since, reason) = (hold.since, &hold.reason);
    let end = if by_command {
        let resume = surroundings.resume(&rollout.policy.target);
        format!("The target is held since {since:.0}: {reason}\nTo let it go on:\n  {resume}")
    } else {
        format!(
            "Everything is held since {since:.0}: {reason}\nIt goes on within a minute after the SSM parameter `hold` below Pushboat's prefix was deleted or set to `off`."
        )
    };
    let Phase::RollingBack { failure, back, .. } = &rollout.phase else {
        return format!("Pushboat would change the service now; nothing was changed. {end}");
    };
    let start = rollout.phase.start().map(|start| &**start);
    let through = start.and_then(|start| Through::of(rollout, start, exact_images));
    let line = through.and_then(|through| through.line(surroundings));
    let in_case = "To bring it back by hand";
    let service = &rollout.policy.service;
    let good = Good {
        revision: &back.to,
        exact_images,
        inactive,
    };
    format!(
        "{} Pushboat would bring the last good version back now; nothing was changed, and this version goes on running. {end}\n{}",
        redact(&super::failure(failure)),
        line.map_or_else(
            || bring_back(in_case, service, &good, surroundings),
            |line| format!("{in_case}:\n  {line}")
        )
    )
}
