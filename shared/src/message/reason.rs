//! The sentence for each reason.

use crate::core::reason::{Halted, Ignored, Rejected, SupersededBy, Unsuitable};
use crate::task_definition::TARGET_TAG;

/// Says why a rollout was refused, and what to do.
#[must_use]
pub fn rejected(reason: &Rejected) -> String {
    match reason {
        Rejected::AlreadyRunning => {
            "The service runs this very image already. Nothing was changed, nothing is to be done.".to_owned()
        }
        Rejected::TargetInvalid { mistakes } => {
            let lines: Vec<String> = mistakes.iter().map(|mistake| format!("- {mistake}")).collect();
            format!(
                "The target cannot be deployed to:\n{}\nNothing was changed. Mend it, then push again.",
                lines.join("\n")
            )
        }
        Rejected::RepositoryMissing { repository } => format!(
            "ECR has no repository {repository} any more. Nothing was changed. Create it and push again, or take it out of the target's parameter."
        ),
        Rejected::ImageMissing => {
            "ECR no longer has this image: it was deleted, or a lifecycle policy removed it. Nothing was changed. Push it again, and check the repository's lifecycle policy.".to_owned()
        }
        Rejected::ImageArchived => {
            "The image is in ECR's archive storage class and cannot be pulled. Nothing was changed. Restore it in ECR, then push the tag again.".to_owned()
        }
        Rejected::NotAnImage { media_type } => format!(
            "What was pushed is no container image but {media_type}. Nothing was changed. Narrow the target's tag pattern so that it does not match such artifacts."
        ),
        Rejected::ManifestUnreadable { problem } => format!(
            "The image's manifest could not be read: {problem}. Nothing was changed. Build and push the image again."
        ),
        Rejected::WrongPlatform { wanted, offered } => format!(
            "The task runs on {wanted}, the image was built for {}. Nothing was changed. Build it for {wanted} (docker buildx build --platform {wanted}), or as a multi-architecture image.",
            offered.join(", ")
        ),
        Rejected::NoContainer { repository, missing } if missing.is_empty() => format!(
            "No container of the running task definition uses an image of {repository}. Nothing was changed. Name the containers in the target's `images[].containers`."
        ),
        Rejected::NoContainer { missing, .. } => format!(
            "The running task definition has no container {}. Nothing was changed. Correct the target's `images[].containers`.",
            missing.join(", ")
        ),
        Rejected::ServiceGone => {
            "The service does not exist, or is being deleted. Nothing was changed. Create it, or delete the target's parameter.".to_owned()
        }
        Rejected::ServiceUnsuitable { what } => {
            format!("{} Nothing was changed.", unsuitable(what))
        }
        Rejected::ServiceBusy => {
            "Somebody else's deployment did not finish before the deadline, so the service was left alone. Nothing was changed. Look at the service's deployments, then push again.".to_owned()
        }
        Rejected::Refused { call, code, message } => format!(
            "AWS refused {call}: {code}: {message}\nThe service runs what it ran before. Correct what AWS complains of, then push again."
        ),
        Rejected::AwsUnavailable { trouble } => format!(
            "AWS gave no usable answer before the deadline: {trouble}. The service was left as it is. Push again once AWS answers."
        ),
    }
}

fn unsuitable(what: &Unsuitable) -> String {
    match what {
        Unsuitable::Daemon => {
            "The service uses the DAEMON scheduling strategy, which Fargate does not run.".to_owned()
        }
        Unsuitable::Controller { controller } => format!(
            "The service is under the {controller} deployment controller; two deployers on one service would fight."
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
        SupersededBy::Push { rollout } => {
            format!("A newer push took over (rollout {rollout}). Nothing is to be done.")
        }
        SupersededBy::SomebodyElse { task_definition } => format!(
            "Somebody else changed the service: it now goes to {task_definition}. Pushboat leaves that alone and stands down until the next push."
        ),
        SupersededBy::ServiceGone => {
            "The service was deleted meanwhile. A new service under its name is adopted anew.".to_owned()
        }
        SupersededBy::TargetRemoved => {
            "The target's parameter was deleted meanwhile. The service is left as it is.".to_owned()
        }
    }
}

/// Says why only a person can decide how to go on.
#[must_use]
pub fn halted(reason: &Halted) -> String {
    match reason {
        Halted::DeploymentFailed { reason } if reason.is_empty() => {
            "ECS gave the deployment up. Look at the service's stopped tasks for the cause.".to_owned()
        }
        Halted::DeploymentFailed { reason } => format!(
            "ECS gave the deployment up: {reason} Look at the service's stopped tasks for the cause."
        ),
        Halted::EcsRolledBack { task_definition } => format!(
            "ECS gave the deployment up and went back to {task_definition} by itself. Look at the service's stopped tasks for the cause."
        ),
        Halted::DeadlineReached => {
            "The deployment did not finish before its deadline. ECS may still be trying: look at the service's events and stopped tasks.".to_owned()
        }
        Halted::AlarmFired { alarms } => format!(
            "A watched alarm fired while the new version was being deployed or watched: {}.",
            alarms.join(", ")
        ),
        Halted::MissingTasks { since } => format!(
            "Fewer tasks have been running than are wanted since {since}."
        ),
    }
}

/// Says why an event changed nothing.
#[must_use]
pub fn ignored(reason: &Ignored) -> String {
    match reason {
        Ignored::NotFollowed { subject } => format!("no target follows {subject}"),
        Ignored::TagNotFollowed { tag } => {
            format!("the repository is followed, but tag {tag} matches no target's pattern")
        }
        Ignored::Untagged => {
            "an image without a tag is a part of an index or a leftover, and is never deployed".to_owned()
        }
        Ignored::NoBusiness { kind } => format!("an event of kind {kind} asks for nothing"),
        Ignored::Unreadable { problem } => format!("the event cannot be read: {problem}"),
        Ignored::BeforeRegistration { registered_at } => format!(
            "the push came before the target was registered at {registered_at}; push again to deploy it"
        ),
        Ignored::Repeat => "the same push was told before".to_owned(),
        Ignored::Older { newest_tag, newest } => format!(
            "a newer push was accepted before: {newest_tag} ({})", newest.short()
        ),
        Ignored::SameImageUnderWay { rollout } => {
            format!("rollout {rollout} brings this very image")
        }
        Ignored::TargetInvalid => {
            "the target's parameter has mistakes, which its notice names; push again once they are mended".to_owned()
        }
        Ignored::TargetUnknown => "the ledger knows no such target".to_owned(),
    }
}
