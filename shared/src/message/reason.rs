//! The sentence for each reason.

use super::Surroundings;
use super::failure::{failure, failure_briefly};
use super::stack;
use crate::core::name::{ImageDigest, TargetName};
use crate::core::observation::GoneImage;
use crate::core::policy::StackRef;
use crate::core::reason::{Halted, Ignored, Rejected, SupersededBy, Unsuitable};
use crate::task_definition::TARGET_TAG;

/// How to ask once more for an image that ECR has already.
///
/// Setting a tag to what it is set to changes nothing, and ECR tells of nothing.
/// Source: Amazon ECR API reference, PutImage, `ImageAlreadyExistsException`.
pub(super) const PUSH_AGAIN: &str = "give the command `deploy`, or push the image again under a new tag: ECR reports no push of what it has already.";

/// Says why a rollout was refused, and what to do.
#[must_use]
pub fn rejected(reason: &Rejected, target: &TargetName, surroundings: &Surroundings) -> String {
    match reason {
        Rejected::AlreadyRunning => {
            "The service runs this very image already. Nothing was changed, nothing is to be done.".to_owned()
        }
        Rejected::TargetInvalid { mistakes } => {
            let lines: Vec<String> = mistakes.iter().map(|mistake| format!("- {mistake}")).collect();
            format!(
                "The target cannot be deployed to:\n{}\nNothing was changed. Correct this, then {PUSH_AGAIN}",
                lines.join("\n")
            )
        }
        Rejected::RepositoryMissing { repository } => format!(
            "ECR has no repository {repository} any more. Nothing was changed. Create it and push again, or take it out of the target's parameter."
        ),
        Rejected::ImageMissing => {
            "ECR no longer has this image: it was deleted, or a lifecycle policy removed it. Nothing was changed. Push it again, and check the repository's lifecycle policy.".to_owned()
        }
        Rejected::ImageArchived => format!(
            "The image is in ECR's archive storage class and cannot be pulled. Nothing was changed. Restore it in ECR, then {PUSH_AGAIN}"
        ),
        Rejected::NotAnImage { media_type } => not_an_image(media_type),
        Rejected::ManifestUnreadable { problem } => format!(
            "The image's manifest could not be read: {problem}. Nothing was changed. Build and push the image again."
        ),
        Rejected::WrongPlatform { wanted, offered } => format!(
            "The task runs on {wanted}, but the image was built for {}. Nothing was changed. Build it for {wanted} (docker buildx build --platform {wanted}), or as a multi-architecture image.",
            if offered.is_empty() { "no platform at all".to_owned() } else { offered.join(", ") }
        ),
        Rejected::NoLongerFollowed => {
            "The target's configuration was changed while this push waited, and no longer follows its repository or tag. Nothing was changed, nothing is to be done.".to_owned()
        }
        Rejected::NoContainer { repository, missing } if missing.is_empty() => format!(
            "No container of the running task definition uses an image of {repository}. Nothing was changed. Name the containers in the target's `images[].containers`, then {PUSH_AGAIN}"
        ),
        Rejected::NoContainer { missing, .. } => format!(
            "The running task definition has no container {}. Nothing was changed. Correct the target's `images[].containers`, then {PUSH_AGAIN}",
            missing.join(", ")
        ),
        Rejected::ServiceGone => {
            "The service does not exist, or is being deleted. Nothing was changed. Create it, or delete the target's parameter.".to_owned()
        }
        Rejected::ServiceUnsuitable { what } => {
            format!("{} Nothing was changed. Correct this, then {PUSH_AGAIN}", unsuitable(what))
        }
        Rejected::ServiceBusy => format!(
            "Somebody else's deployment of the service did not finish before the deadline, so the service was left alone. Nothing was changed. See what that deployment waits for, then {PUSH_AGAIN}"
        ),
        Rejected::Quarantined { digest, rollout, at, failure } => {
            let taken_back = format!("at {at:.0} ({}rollout {rollout})", because(failure));
            quarantined(digest, &taken_back, target, surroundings)
        }
        Rejected::NoWayBack { gone, repository, digest } => format!(
            "{} The service runs that version well, so it was left alone: should the new one fail, there would be nothing to go back to. Nothing was changed. {} first, or go without it; either way this deploys the new one:\n  {}",
            gone_image(gone),
            if gone.archived { "Restore that image in ECR" } else { "Push that very image again" },
            surroundings.deploy(target, repository, digest)
        ),
        Rejected::AlarmFiring { alarms } => format!(
            "A watched alarm fires ({}), and the target asks not to deploy then. Nothing was changed. Once it is quiet, {PUSH_AGAIN}",
            alarms.join(", ")
        ),
        Rejected::Stack { stack, problem } => stack::problem(stack, problem, surroundings),
        Rejected::Refused { call, code, message } => format!(
            "AWS refused {call}: {code}: {message}\nThe service runs what it ran before. Correct what AWS complains of, then {PUSH_AGAIN}"
        ),
        Rejected::AwsUnavailable { trouble } => format!(
            "AWS gave no usable answer before the deadline: {trouble}. The service was left as it is. Once AWS answers, {PUSH_AGAIN}"
        ),
    }
}

fn not_an_image(media_type: &str) -> String {
    format!(
        "What was pushed is no container image but {media_type}. Nothing was changed. Narrow the target's tag pattern so that it does not match such artifacts."
    )
}

/// Says in a few words why a rollout was refused, for one line.
#[must_use]
pub fn rejected_briefly(reason: &Rejected) -> String {
    match reason {
        Rejected::AlreadyRunning => "it runs already".to_owned(),
        Rejected::TargetInvalid { .. } => "the target has mistakes".to_owned(),
        Rejected::RepositoryMissing { .. } => "its repository is gone".to_owned(),
        Rejected::ImageMissing => "the image is gone from ECR".to_owned(),
        Rejected::ImageArchived => "the image is archived in ECR".to_owned(),
        Rejected::NotAnImage { .. } => "it is no container image".to_owned(),
        Rejected::ManifestUnreadable { .. } => "its manifest cannot be read".to_owned(),
        Rejected::WrongPlatform { wanted, .. } => format!("it was not built for {wanted}"),
        Rejected::NoLongerFollowed => "the target no longer follows it".to_owned(),
        Rejected::NoContainer { .. } => "no container takes it".to_owned(),
        Rejected::ServiceGone => "the service does not exist".to_owned(),
        Rejected::ServiceUnsuitable { .. } => "Pushboat may not deploy to the service".to_owned(),
        Rejected::ServiceBusy => "somebody else's deployment did not finish".to_owned(),
        Rejected::Quarantined { .. } => "kept out: it was taken back before".to_owned(),
        Rejected::NoWayBack { .. } => "there would be no way back".to_owned(),
        Rejected::AlarmFiring { .. } => "an alarm fires".to_owned(),
        Rejected::Stack { problem, .. } => stack::problem_briefly(problem),
        Rejected::Refused { code, .. } => format!("AWS refused the change: {code}"),
        Rejected::AwsUnavailable { .. } => "AWS gave no usable answer".to_owned(),
    }
}

fn quarantined(
    digest: &ImageDigest,
    taken_back: &str,
    target: &TargetName,
    surroundings: &Surroundings,
) -> String {
    format!(
        "This image was taken back from this target {taken_back} and is kept out until a person releases it. Nothing was changed. Push a fixed image; or release this one, then push it under a new tag or give the command `deploy`:\n  {}",
        surroundings.release(target, digest)
    )
}

/// Says why in front of something else; older records do not know.
fn because(failure: &str) -> String {
    match failure {
        "" => String::new(),
        failure => format!("{}, ", failure.replace('-', " ")),
    }
}

/// Says that the last-known-good cannot be pulled.
pub(super) fn gone_image(gone: &GoneImage) -> String {
    if gone.archived {
        format!(
            "The image of the last good version is in ECR's archive storage class and cannot be pulled: {}.",
            gone.image
        )
    } else {
        format!(
            "The image of the last good version is no longer in ECR: {}.",
            gone.image
        )
    }
}

fn unsuitable(what: &Unsuitable) -> String {
    match what {
        Unsuitable::Daemon => {
            "The service uses the DAEMON scheduling strategy, which Fargate does not run; only REPLICA services can be deployed to.".to_owned()
        }
        Unsuitable::Controller { controller } => format!(
            "The service is under the {controller} deployment controller; two deployers on one service would fight, so only the ECS controller will do."
        ),
        Unsuitable::NoConsent { found: None } => format!(
            "The service's owner has not consented: let them tag it {TARGET_TAG} with this target's name."
        ),
        Unsuitable::NoConsent { found: Some(found) } => format!(
            "The service is tagged {TARGET_TAG} = {found}, which names another target: let its owner correct the tag."
        ),
    }
}

/// Says who took over from a rollout.
#[must_use]
pub fn superseded(by: &SupersededBy) -> String {
    match by {
        SupersededBy::Push(newer) => {
            let rollout = &newer.rollout;
            let who = match (&newer.tag, newer.by_command) {
                (Some(tag), false) => format!("The newer push of {tag}"),
                (Some(tag), true) => format!("{tag}, which a person asked for,"),
                (None, _) => "A newer push".to_owned(),
            };
            format!("{who} took over (rollout {rollout}). Nothing is to be done.")
        }
        SupersededBy::SomebodyElse { task_definition } => format!(
            "Somebody else changed the service: it now goes to {task_definition}. Pushboat leaves that alone and stands down until the next push."
        ),
        SupersededBy::ServiceGone => {
            "The service was deleted meanwhile. Once there is a service of that name again, pushes are deployed to it.".to_owned()
        }
        SupersededBy::TargetRemoved => {
            "The target's parameter was deleted meanwhile, or names another service. This service is left as it is; a deployment that ECS has begun goes on.".to_owned()
        }
        SupersededBy::Operator { request_id } => format!(
            "A person withdrew it before it had changed anything (request {request_id}). To deploy it after all, give the command `deploy`."
        ),
    }
}

/// Says in a few words who took over, for one line.
pub(super) fn superseded_briefly(by: &SupersededBy) -> String {
    let words = match by {
        SupersededBy::Push(newer) => {
            return match (&newer.tag, newer.by_command) {
                (Some(tag), false) => format!("the newer push of {tag} took over"),
                (Some(tag), true) => format!("a person asked for {tag}"),
                (None, _) => "a newer push took over".to_owned(),
            };
        }
        SupersededBy::SomebodyElse { .. } => "somebody else changed the service",
        SupersededBy::ServiceGone => "the service was deleted",
        SupersededBy::TargetRemoved => "the target was taken away from the service",
        SupersededBy::Operator { .. } => "a person withdrew it",
    };
    words.to_owned()
}

/// Says why only a person can decide how to go on; `stack` is the one that the target goes
/// through.
#[must_use]
pub fn halted(reason: &Halted, stack: Option<&StackRef>, surroundings: &Surroundings) -> String {
    let bad = reason.failure().map(failure).unwrap_or_default();
    if let Some(halted) = stack.and_then(|stack| stack::halted(reason, stack)) {
        return format!("{bad} {halted}");
    }
    match reason {
        Halted::NothingToGoBackTo { .. } => format!(
            "{bad} No version of this service was ever proven good, so there is nothing to go back to; the new version may still be running."
        ),
        Halted::WayBackTooLong { .. } => format!(
            "{bad} The way back to the last good version did not finish in time. ECS may still be trying: look at the service's events."
        ),
        Halted::WayBackFailed { reason, .. } => format!(
            "{bad} ECS then gave up the last good version too: {reason}\nSomething besides the image has changed: look at its stopped tasks, at the network, at secrets and at the database."
        ),
        Halted::WentElsewhere {
            task_definition, ..
        } => format!(
            "{bad} ECS went back to {task_definition}, which was never proven good, and did so again after that was put right."
        ),
        Halted::WayBackRefused {
            call,
            code,
            message,
            ..
        } => format!(
            "{bad} AWS refused {call}, which was to bring the last good version back: {code}: {message}"
        ),
        Halted::StackWedged {
            stack,
            status,
            failed,
            ..
        } => {
            let wedged = stack::wedged(stack, status, failed.as_ref(), surroundings);
            format!("{bad} {wedged}")
        }
        Halted::NotVerified { trouble } => format!(
            "Its bake time is over, but whether this version is good could not be verified before the deadline: {trouble}. It was neither called good nor taken back; the version to go back to is the one before."
        ),
        Halted::LeftAlone(_) => format!("{bad} The service was left as it was."),
    }
}

/// Says in a few words why a person has to decide, for one line.
pub(super) fn halted_briefly(reason: &Halted, stack: Option<&StackRef>) -> String {
    let words = match reason {
        Halted::NothingToGoBackTo { .. } => "it fails and there is nothing to go back to",
        Halted::WayBackTooLong { .. } => "the way back takes too long",
        Halted::WayBackFailed { .. } => "the last good version fails too",
        Halted::WentElsewhere { .. } if stack.is_some() => "the service does not follow its stack",
        Halted::WentElsewhere { .. } => "ECS went back to another version",
        Halted::WayBackRefused { .. } => "AWS refused the way back",
        Halted::StackWedged { .. } => "the stack cannot go back by itself",
        Halted::NotVerified { .. } => "it could not be verified",
        Halted::LeftAlone(failure) => return failure_briefly(failure),
    };
    words.to_owned()
}

/// Says why an event changed nothing.
#[must_use]
pub fn ignored(reason: &Ignored) -> String {
    match reason {
        Ignored::NotFollowed { subject } => format!("no target follows {subject}"),
        Ignored::TagNotFollowed { tag } => {
            format!("the repository is followed, but not tag {tag}: see `images[].tags`")
        }
        Ignored::NotAnImage { media_type } => {
            format!("what was pushed is no container image but {media_type}")
        }
        Ignored::Untagged => {
            "an image without a tag is a part of an index or a leftover, and is never deployed".to_owned()
        }
        Ignored::NoBusiness { kind } => format!("an event of kind {kind} asks for nothing"),
        Ignored::Elsewhere { account, region } => format!(
            "it happened in account {account}, Region {region}, and Pushboat looks after its own account and Region only"
        ),
        Ignored::Unreadable { problem } => format!("the event cannot be read: {problem}"),
        Ignored::BeforeRegistration { registered_at } => format!(
            "the push came before the target was registered at {registered_at:.0}; push it again under a new tag to deploy it"
        ),
        Ignored::LeftToPeople => {
            "no event told of it, it was found in ECR; unasked nothing is begun while the target is held, a rollout halted, or somebody else changed its service".to_owned()
        }
        Ignored::Repeat => "the same push was told before".to_owned(),
        Ignored::Older { newest_tag, newest } => format!(
            "a newer push came before it: {newest_tag} ({})", newest.short()
        ),
        Ignored::SameImageUnderWay { rollout } => {
            format!("rollout {rollout} brings this very image")
        }
        Ignored::TargetInvalid => {
            "the target's parameter has mistakes, which its notice names; push again under a new tag once they are corrected".to_owned()
        }
        Ignored::TargetUnknown => "the ledger knows no such target".to_owned(),
    }
}
