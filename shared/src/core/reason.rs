//! Why: each wait, refusal, hand-over and halt has a typed reason.
//!
//! The sentence that a person reads for each stands in `message/reason.rs`, or in
//! `message/operator.rs` where something waits or a command is refused.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::diagnosis::service_trouble::ServiceTrouble;
use super::failure::Failure;
use super::name::{ImageDigest, RolloutId, TargetName};
use super::observation::GoneImage;
use super::push::PushSource;
use super::rollout::Rollout;
use super::stack::FailedResource;
use crate::target::Mistake;

/// Why a rollout or a target is waiting, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "on")]
pub enum Waiting {
    /// It has just come in and nothing was looked at yet.
    FirstLook,
    /// The target is not adopted yet.
    Adoption,
    /// Another rollout of the target is under way.
    Turn {
        /// The rollout under way.
        behind: RolloutId,
    },
    /// The service does not exist yet; one stack may be making both.
    Service,
    /// Somebody else's deployment is under way, or the service has not settled.
    ServiceBusy,
    /// A watched alarm fires while the running version is to be taken as good, or while a rollout
    /// is to start that waits for quiet alarms.
    AlarmQuiet,
    /// AWS throttled us or gave no clear answer.
    Aws {
        /// What was asked and what came back.
        trouble: String,
    },
    /// A change was asked for and may not be readable yet.
    ReadLag,
    /// ECS is replacing the tasks.
    Deployment,
    /// ECS is at it, and complained of what hinders it.
    ServiceTrouble {
        /// What it complained of last.
        trouble: ServiceTrouble,
        /// When, by ECS's clock.
        told_at: Timestamp,
    },
    /// ECS is bringing the last good version back.
    WayBack,
    /// A lifecycle hook of the service waits for a person.
    PausedHook {
        /// The hook's id.
        hook_id: String,
    },
    /// The bake time runs.
    BakeTime,
    /// A watched alarm fired, and another target that watches it goes back first.
    SharedAlarm {
        /// The alarm's name.
        alarm: String,
        /// The target that goes first.
        first: TargetName,
    },
    /// Fewer tasks run than are desired, for less than is too long.
    MissingTasks,
    /// The stack is in an operation of somebody else's, or not done with its last one.
    StackBusy {
        /// CloudFormation's own word for its status.
        status: String,
    },
    /// CloudFormation works out what a change set would change.
    ChangeSet,
    /// A change set would change more than is expected: a person has to execute it.
    Approval {
        /// The change set's name.
        change_set: String,
    },
    /// CloudFormation is updating the stack.
    StackUpdate,
    /// The last rollout halted: a person has to say how to go on, and is told again.
    Person,
    /// People hold it: nothing may be changed.
    Held {
        /// Why, in their words.
        reason: String,
    },
}

impl Waiting {
    /// Gives the reason's stable name, for logs and queries.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::FirstLook => "first-look",
            Self::Adoption => "adoption",
            Self::Turn { .. } => "turn",
            Self::Service => "service",
            Self::ServiceBusy => "service-busy",
            Self::AlarmQuiet => "alarm-quiet",
            Self::Aws { .. } => "aws",
            Self::ReadLag => "read-lag",
            Self::Deployment => "deployment",
            Self::ServiceTrouble { .. } => "service-trouble",
            Self::WayBack => "way-back",
            Self::PausedHook { .. } => "paused-hook",
            Self::BakeTime => "bake-time",
            Self::SharedAlarm { .. } => "shared-alarm",
            Self::MissingTasks => "missing-tasks",
            Self::StackBusy { .. } => "stack-busy",
            Self::ChangeSet => "change-set",
            Self::Approval { .. } => "approval",
            Self::StackUpdate => "stack-update",
            Self::Person => "person",
            Self::Held { .. } => "held",
        }
    }
}

/// Why a rollout was refused; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "because")]
pub enum Rejected {
    /// The image runs already.
    AlreadyRunning,
    /// The target cannot be deployed to before somebody changes something.
    TargetInvalid {
        /// Every mistake.
        mistakes: Vec<Mistake>,
    },
    /// ECR has no such repository.
    RepositoryMissing {
        /// The repository's name.
        repository: String,
    },
    /// ECR has no such image.
    ImageMissing,
    /// The image lies in the archive storage class and cannot be pulled.
    ImageArchived,
    /// What was pushed is a signature, an attestation, an SBOM, a chart, a cache.
    NotAnImage {
        /// What it is, by its media type.
        media_type: String,
    },
    /// The manifest could not be read.
    ManifestUnreadable {
        /// What was wrong with it.
        problem: String,
    },
    /// The image was not built for the platform that the task runs on.
    WrongPlatform {
        /// What the task definition asks for, as `os/architecture`.
        wanted: String,
        /// What the image has.
        offered: Vec<String>,
    },
    /// The target's configuration was changed meanwhile and no longer follows it.
    NoLongerFollowed,
    /// No container of the running task definition uses the repository.
    NoContainer {
        /// The repository's name.
        repository: String,
        /// The containers named in the configuration that the definition lacks.
        missing: Vec<String>,
    },
    /// The service was deleted or is being deleted.
    ServiceGone,
    /// The service is not one that Pushboat can deploy to.
    ServiceUnsuitable {
        /// What it is.
        what: Unsuitable,
    },
    /// The service did not settle before the deadline, so it was left alone.
    ServiceBusy,
    /// The image was taken back from this target before, and nobody released it.
    Quarantined {
        /// The image.
        digest: ImageDigest,
        /// The rollout that took it back.
        rollout: RolloutId,
        /// When, by our clock.
        at: Timestamp,
        /// Why, by the failure's stable name.
        #[serde(default)]
        failure: String,
    },
    /// The service runs the last-known-good well, and there would be no coming back to it.
    NoWayBack {
        /// The image of the last-known-good that is gone.
        gone: GoneImage,
        /// The repository of the image that was refused.
        repository: String,
        /// The image that was refused.
        digest: ImageDigest,
    },
    /// A watched alarm fires, and the target asks not to deploy then.
    AlarmFiring {
        /// The alarms' names.
        alarms: Vec<String>,
    },
    /// The stack cannot be updated, or was not.
    Stack {
        /// The stack's name.
        stack: String,
        /// What is the matter.
        problem: StackProblem,
    },
    /// ECS refused the task definition or the update.
    Refused {
        /// The call that was refused.
        call: String,
        /// AWS's error code.
        code: String,
        /// AWS's own words.
        message: String,
    },
    /// AWS gave no usable answer until the deadline.
    AwsUnavailable {
        /// The last trouble.
        trouble: String,
    },
}

impl Rejected {
    /// Gives the reason's stable name, for logs, notices and queries.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::AlreadyRunning => "already-running",
            Self::TargetInvalid { .. } => "target-invalid",
            Self::RepositoryMissing { .. } => "repository-missing",
            Self::ImageMissing => "image-missing",
            Self::ImageArchived => "image-archived",
            Self::NotAnImage { .. } => "not-an-image",
            Self::ManifestUnreadable { .. } => "manifest-unreadable",
            Self::WrongPlatform { .. } => "wrong-platform",
            Self::NoLongerFollowed => "no-longer-followed",
            Self::NoContainer { .. } => "no-container",
            Self::ServiceGone => "service-gone",
            Self::ServiceUnsuitable { .. } => "service-unsuitable",
            Self::ServiceBusy => "service-busy",
            Self::Quarantined { .. } => "quarantined",
            Self::NoWayBack { .. } => "no-way-back",
            Self::AlarmFiring { .. } => "alarm-firing",
            Self::Stack { problem, .. } => problem.as_str(),
            Self::Refused { .. } => "refused",
            Self::AwsUnavailable { .. } => "aws-unavailable",
        }
    }
}

/// What keeps a stack from being updated with an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "problem")]
pub enum StackProblem {
    /// There is no such stack.
    Missing,
    /// It has no parameter of that name.
    NoParameter {
        /// The name.
        parameter: String,
        /// Those that it has.
        found: Vec<String>,
    },
    /// Neither it nor the target has a service role.
    NoRole,
    /// Only a person can bring it back to where it can be updated.
    Wedged {
        /// CloudFormation's own word for its status.
        status: String,
        /// CloudFormation's own words on it.
        reason: String,
    },
    /// It did not come free before the deadline.
    Busy {
        /// CloudFormation's own word for its status.
        status: String,
    },
    /// The change set would change nothing.
    Unchanged {
        /// The parameter that holds the image.
        parameter: String,
    },
    /// The image's parameter does not lead to the service's task definition.
    NotFed {
        /// The parameter.
        parameter: String,
    },
    /// CloudFormation could not make or execute the change set.
    ChangeSetFailed {
        /// CloudFormation's own words.
        reason: String,
    },
    /// A person deleted the change set that waited for approval.
    Declined,
    /// The update failed before it reached the service, and was rolled back.
    WentBack {
        /// What failed.
        failed: Option<FailedResource>,
    },
}

impl StackProblem {
    /// Gives the problem's stable name, for logs, notices and queries.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "stack-missing",
            Self::NoParameter { .. } => "stack-parameter-missing",
            Self::NoRole => "stack-role-missing",
            Self::Wedged { .. } => "stack-wedged",
            Self::Busy { .. } => "stack-busy",
            Self::Unchanged { .. } => "stack-unchanged",
            Self::NotFed { .. } => "stack-not-fed",
            Self::ChangeSetFailed { .. } => "change-set-failed",
            Self::Declined => "change-set-declined",
            Self::WentBack { .. } => "stack-went-back",
        }
    }
}

/// What keeps a service from being deployed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Unsuitable {
    /// It runs one task on each instance; Fargate knows no such thing.
    Daemon,
    /// Another deployment controller than ECS's own changes it.
    Controller {
        /// The controller's name in ECS.
        controller: String,
    },
    /// Its owner has not consented: the tag is missing or names another target.
    NoConsent {
        /// The value that was found, if any.
        found: Option<String>,
    },
}

/// Who took over from a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "by")]
pub enum SupersededBy {
    /// A newer push, or a person's command to deploy.
    Push(NewerPush),
    /// Somebody else changed the service: it runs neither our revision nor what ran before.
    SomebodyElse {
        /// The task definition that the service was changed to.
        task_definition: String,
    },
    /// Somebody deleted the service, or recreated it.
    ServiceGone,
    /// Somebody took the target out of the configuration.
    TargetRemoved,
    /// A person took it back before it had changed anything.
    Operator {
        /// The command.
        request_id: String,
    },
}

/// What takes over from a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewerPush {
    /// The rollout that it asks for.
    pub rollout: RolloutId,
    /// The tag of its image; older records do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Whether a person asked for it by a command.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_command: bool,
}

impl From<&Rollout> for NewerPush {
    fn from(rollout: &Rollout) -> Self {
        Self {
            rollout: rollout.id.clone(),
            tag: Some(rollout.push.tag.clone()),
            by_command: rollout.push.source == PushSource::Operator,
        }
    }
}

impl SupersededBy {
    /// Gives the reason's stable name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Push(_) => "newer-push",
            Self::SomebodyElse { .. } => "somebody-else",
            Self::ServiceGone => "service-gone",
            Self::TargetRemoved => "target-removed",
            Self::Operator { .. } => "operator",
        }
    }
}

/// Why only a person can decide how to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "halted")]
pub enum Halted {
    /// The version is bad and nothing was ever proven good.
    NothingToGoBackTo {
        /// Why it is bad.
        failure: Failure,
    },
    /// The way back did not finish in time.
    WayBackTooLong {
        /// Why it was taken back.
        failure: Failure,
    },
    /// ECS gave up the deployment of the last good version too.
    WayBackFailed {
        /// Why it was taken back.
        failure: Failure,
        /// ECS's own words.
        reason: String,
    },
    /// ECS went back to something else than the last good version, twice.
    WentElsewhere {
        /// Why it was taken back.
        failure: Failure,
        /// What the service runs.
        task_definition: String,
    },
    /// AWS refused the change that would bring the last good version back.
    WayBackRefused {
        /// Why it was taken back.
        failure: Failure,
        /// The call that was refused.
        call: String,
        /// AWS's error code.
        code: String,
        /// AWS's own words.
        message: String,
    },
    /// CloudFormation cannot get the stack out of where it is by itself.
    StackWedged {
        /// Why the version was to be taken back.
        failure: Failure,
        /// The stack's name.
        stack: String,
        /// CloudFormation's own word for its status.
        status: String,
        /// What failed.
        failed: Option<FailedResource>,
    },
    /// The bake time is over, and nothing could be said of the version until the deadline after it.
    NotVerified {
        /// What could not be seen, or was not over.
        trouble: String,
    },
    /// A release that did not go back by itself left the bad version where it was.
    ///
    /// Only records of format 1 tell of it.
    #[serde(untagged)]
    LeftAlone(Failure),
}

impl Halted {
    /// Gives the reason's stable name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NothingToGoBackTo { .. } => "nothing-to-go-back-to",
            Self::WayBackTooLong { .. } => "way-back-too-long",
            Self::WayBackFailed { .. } => "way-back-failed",
            Self::WentElsewhere { .. } => "went-elsewhere",
            Self::WayBackRefused { .. } => "way-back-refused",
            Self::StackWedged { .. } => "stack-wedged",
            Self::NotVerified { .. } => "not-verified",
            Self::LeftAlone(failure) => failure.as_str(),
        }
    }

    /// Gives why the version was to be taken back, if it was.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::NothingToGoBackTo { failure }
            | Self::WayBackTooLong { failure }
            | Self::WayBackFailed { failure, .. }
            | Self::WentElsewhere { failure, .. }
            | Self::WayBackRefused { failure, .. }
            | Self::StackWedged { failure, .. }
            | Self::LeftAlone(failure) => Some(failure),
            Self::NotVerified { .. } => None,
        }
    }
}

/// Why an event changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "because")]
pub enum Ignored {
    /// No target follows what the event is about.
    NotFollowed {
        /// What the event is about.
        subject: String,
    },
    /// The repository is followed, but not this tag.
    TagNotFollowed {
        /// The tag.
        tag: String,
    },
    /// What was pushed is a signature, an attestation, a build cache or the like.
    NotAnImage {
        /// What it is, by its media type or its tag.
        media_type: String,
    },
    /// Images without a tag are never deployed: they are parts of an index, or leftovers.
    Untagged,
    /// The event is of a kind that asks for nothing.
    NoBusiness {
        /// Its kind.
        kind: String,
    },
    /// It happened in another account or Region.
    Elsewhere {
        /// The account.
        account: String,
        /// The Region.
        region: String,
    },
    /// The event could not be read.
    Unreadable {
        /// What was wrong with it.
        problem: String,
    },
    /// The push came before the target was registered.
    BeforeRegistration {
        /// When the target was registered.
        registered_at: Timestamp,
    },
    /// No event told of it, it was found in ECR, and the target waits for people.
    LeftToPeople,
    /// The same push was told before.
    Repeat,
    /// A newer push was accepted before this one came.
    Older {
        /// The tag of the newer push.
        newest_tag: String,
        /// Its digest.
        newest: ImageDigest,
    },
    /// A rollout under way or waiting brings this very image.
    SameImageUnderWay {
        /// That rollout.
        rollout: RolloutId,
    },
    /// The target's configuration has mistakes, or its service cannot be deployed to.
    TargetInvalid,
    /// The ledger does not know the target any more.
    TargetUnknown,
}

impl Ignored {
    /// Gives the reason's stable name, for logs and queries.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotFollowed { .. } => "not-followed",
            Self::TagNotFollowed { .. } => "tag-not-followed",
            Self::NotAnImage { .. } => "not-an-image",
            Self::Untagged => "untagged",
            Self::NoBusiness { .. } => "no-business",
            Self::Elsewhere { .. } => "elsewhere",
            Self::Unreadable { .. } => "unreadable",
            Self::BeforeRegistration { .. } => "before-registration",
            Self::LeftToPeople => "left-to-people",
            Self::Repeat => "repeat",
            Self::Older { .. } => "older",
            Self::SameImageUnderWay { .. } => "same-image-under-way",
            Self::TargetInvalid => "target-invalid",
            Self::TargetUnknown => "target-unknown",
        }
    }
}
