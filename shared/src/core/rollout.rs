//! One image's way onto one target, from request to outcome.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::alarm::AlarmWatch;
use super::evidence::Evidence;
use super::failure::Failure;
use super::name::{ImageDigest, RolloutId};
use super::observation::{GoneImage, PausedHook, Platform};
use super::policy::{Policy, StackRef};
use super::push::Push;
use super::reason::{Halted, Rejected, SupersededBy, Waiting};
use super::shared::Shared;
use super::stack::ResourceChange;

/// One rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// Its id.
    pub id: RolloutId,
    /// The push that asked for it.
    pub push: Shared<Push>,
    /// The target's configuration; a copy, brought up to date until the rollout starts.
    pub policy: Shared<Policy>,
    /// When it was taken in, by our clock.
    pub requested_at: Timestamp,
    /// What its tag stood for when it started, where the push named another image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<ImageDigest>,
    /// How far it is.
    pub phase: Phase,
    /// What AWS forgets and this rollout keeps.
    #[serde(default)]
    pub evidence: Shared<Evidence>,
}

/// How far a rollout is; each phase holds only what is true in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "phase")]
pub enum Phase {
    /// It was asked for, and nothing has been changed.
    Requested {
        /// Why it has not started.
        waiting: Waiting,
        /// Since when something hinders it, though its turn has come.
        #[serde(default)]
        hindered_since: Option<Timestamp>,
    },
    /// It is decided and saved that the service is to be changed.
    Starting {
        /// What was found when it started.
        start: Shared<Start>,
        /// The revision, once it is registered.
        revision: Option<String>,
        /// When UpdateService was last meant to be sent; `None` where it surely was not taken.
        update_intended_at: Option<Timestamp>,
    },
    /// ECS took the change and is replacing tasks.
    Progressing {
        /// What was found when it started.
        start: Shared<Start>,
        /// What is being deployed.
        running: Running,
    },
    /// ECS reports the deployment done; it is watched.
    Baking {
        /// What was found when it started.
        start: Shared<Start>,
        /// What was deployed.
        running: Running,
        /// When the bake time is over.
        until: Timestamp,
        /// Since when fewer tasks run than are desired.
        missing_tasks_since: Option<Timestamp>,
    },
    /// It is being taken back: the service goes to the last-known-good.
    RollingBack {
        /// What was found when it started.
        start: Shared<Start>,
        /// What was deployed.
        running: Running,
        /// Why it is taken back.
        failure: Failure,
        /// The way back.
        back: Back,
    },
    /// It was taken back: the service runs the last-known-good.
    RolledBack {
        /// Why.
        failure: Failure,
        /// Who took it back.
        by: RolledBackBy,
        /// The task definition that runs.
        revision: String,
    },
    /// It runs, and finished baking.
    Succeeded {
        /// The revision that runs.
        revision: String,
    },
    /// It was deployed to a service of which no task is wanted.
    ScaledToZero {
        /// The revision the service would run.
        revision: String,
    },
    /// Something newer took over.
    Superseded {
        /// Who took over.
        by: SupersededBy,
    },
    /// It was refused before anything was changed, or AWS refused the change.
    Rejected {
        /// Why.
        reason: Rejected,
    },
    /// Only a person can decide how to go on.
    Halted {
        /// Why.
        reason: Halted,
    },
}

/// What was found when a rollout started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    /// When that was, by our clock.
    pub at: Timestamp,
    /// The digest that is deployed: for an exact tag, what it pointed at then.
    pub digest: ImageDigest,
    /// The task definition that ran, from which ours is made.
    pub base_task_definition: String,
    /// The id of the service deployment that was primary.
    pub base_deployment: String,
    /// When that one was created, by ECS's clock.
    pub base_deployment_created_at: Timestamp,
    /// The containers whose image is changed.
    pub containers: Vec<String>,
    /// What the tasks run on.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// The alarms that are watched.
    pub alarms: Vec<AlarmWatch>,
    /// The image of the last-known-good that was gone, so that there may be no way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_way_back: Option<GoneImage>,
    /// How the stack is changed, where the target goes through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackStart>,
    /// When AWS last turned a look or a change away because its rates were used up, by our clock:
    /// the deadline counts from then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_at: Option<Timestamp>,
}

/// How a rollout changes the stack of its service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackStart {
    /// The name of its change set.
    pub change_set: String,
    /// The name of the one that had been executed last when it was made, if one ever was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follows: Option<String>,
    /// The names of the stack's other parameters, which keep their values.
    pub kept: Vec<String>,
    /// The capabilities that the stack's template needs.
    pub capabilities: Vec<String>,
    /// What a person is asked to approve, if its change set changes more than is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// When the update was meant to be cancelled, as it did not reach the service in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<Timestamp>,
    /// Whether the stack was seen to be done with it: another update of the stack is somebody
    /// else's, even where the stack does not name a change set of its own for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
}

/// What a person is asked to approve, by executing a change set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The change set's name.
    pub change_set: String,
    /// The changes that are not expected.
    pub unexpected: Vec<ResourceChange>,
    /// When it was asked for last, by our clock: it is asked for again each hour.
    pub asked_at: Timestamp,
}

/// How often people are asked again for an approval.
const APPROVAL_REPEATED_EVERY: SignedDuration = SignedDuration::from_hours(1);

impl Approval {
    /// Asks, or asks again once that is due.
    #[must_use]
    pub fn ask(
        before: Option<&Self>,
        change_set: &str,
        unexpected: Vec<ResourceChange>,
        now: Timestamp,
    ) -> Self {
        let asked = before.filter(|before| before.change_set == change_set);
        let asked = asked.filter(|before| now < before.asked_at + APPROVAL_REPEATED_EVERY);
        Self {
            change_set: change_set.to_owned(),
            unexpected,
            asked_at: asked.map_or(now, |before| before.asked_at),
        }
    }
}

/// The revision that a service was asked to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Running {
    /// The ARN of the task definition revision.
    pub revision: String,
    /// The id of the service deployment that brings it.
    pub deployment: String,
    /// When that one was created, by ECS's clock.
    pub deployment_created_at: Timestamp,
    /// When UpdateService was sent, by our clock.
    pub asked_at: Timestamp,
    /// From when on the deadline counts, where a hook of the service waited for a person since.
    #[serde(default)]
    pub deadline_from: Option<Timestamp>,
    /// The hook at which it waited last for a person, which was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<PausedHook>,
}

impl Running {
    /// Gives from when on the deadline counts, by our clock.
    #[must_use]
    pub fn deadline_from(&self) -> Timestamp {
        self.deadline_from.unwrap_or(self.asked_at)
    }
}

/// The way back to the last-known-good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Back {
    /// The task definition that the service is to run again.
    pub to: String,
    /// When the way back began, by our clock.
    pub began_at: Timestamp,
    /// What is done about it.
    pub way: Way,
    /// The deployment by which ECS went somewhere else by itself, once that was put right.
    pub corrected: Option<String>,
    /// The change set that brings it, where the target goes through a stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<Box<StackBack>>,
    /// The hook at which the way back waits for a person, once that was told.
    #[serde(default)]
    pub paused_at: Option<PausedHook>,
}

/// The change set that brings the last-known-good back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackBack {
    /// Its name.
    pub change_set: String,
    /// What a person is asked to approve, if it changes more than is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

/// What is done to get back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "way")]
pub enum Way {
    /// Nothing was asked for yet.
    Unasked,
    /// ECS or a person is doing it: it is observed and never competed with.
    Observed {
        /// Who does it.
        by: RolledBackBy,
    },
    /// StopServiceDeployment of ours, which leads to the last-known-good, was meant to be sent.
    Stop {
        /// When.
        intended_at: Timestamp,
    },
    /// CancelUpdateStack was meant to be sent.
    Cancel {
        /// When.
        intended_at: Timestamp,
    },
    /// UpdateService to the last-known-good, or a change set that brings it, was meant to be sent.
    Update {
        /// When; `None` where it surely was not taken.
        intended_at: Option<Timestamp>,
    },
}

/// Who took a version back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RolledBackBy {
    /// Pushboat.
    Pushboat,
    /// ECS, by its circuit breaker or its deployment alarms.
    Ecs,
    /// CloudFormation, whose update of the stack failed.
    CloudFormation,
    /// A person.
    Person,
}

/// How a rollout ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It runs.
    Succeeded,
    /// It would run, but no task is wanted.
    ScaledToZero,
    /// Something newer took over.
    Superseded,
    /// It was taken back.
    RolledBack,
    /// It was refused.
    Rejected,
    /// A person must decide.
    Halted,
}

impl Outcome {
    /// Gives the outcome's stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::ScaledToZero => "scaled-to-zero",
            Self::Superseded => "superseded",
            Self::RolledBack => "rolled-back",
            Self::Rejected => "rejected",
            Self::Halted => "halted",
        }
    }
}

impl Phase {
    /// Gives the phase's stable name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "requested",
            Self::Starting { .. } => "starting",
            Self::Progressing { .. } => "progressing",
            Self::Baking { .. } => "baking",
            Self::RollingBack { .. } => "rolling-back",
            Self::RolledBack { .. } => "rolled-back",
            Self::Succeeded { .. } => "succeeded",
            Self::ScaledToZero { .. } => "scaled-to-zero",
            Self::Superseded { .. } => "superseded",
            Self::Rejected { .. } => "rejected",
            Self::Halted { .. } => "halted",
        }
    }

    /// Gives the outcome, if the phase is final.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Requested { .. }
            | Self::Starting { .. }
            | Self::Progressing { .. }
            | Self::Baking { .. }
            | Self::RollingBack { .. } => None,
            Self::RolledBack { .. } => Some(Outcome::RolledBack),
            Self::Succeeded { .. } => Some(Outcome::Succeeded),
            Self::ScaledToZero { .. } => Some(Outcome::ScaledToZero),
            Self::Superseded { .. } => Some(Outcome::Superseded),
            Self::Rejected { .. } => Some(Outcome::Rejected),
            Self::Halted { .. } => Some(Outcome::Halted),
        }
    }

    /// Gives what was found at the start, once the rollout has started.
    #[must_use]
    pub fn start(&self) -> Option<&Shared<Start>> {
        match self {
            Self::Starting { start, .. }
            | Self::Progressing { start, .. }
            | Self::Baking { start, .. }
            | Self::RollingBack { start, .. } => Some(start),
            Self::Requested { .. }
            | Self::RolledBack { .. }
            | Self::Succeeded { .. }
            | Self::ScaledToZero { .. }
            | Self::Superseded { .. }
            | Self::Rejected { .. }
            | Self::Halted { .. } => None,
        }
    }

    /// Gives what was found at the start, to be brought up to date.
    pub fn start_mut(&mut self) -> Option<&mut Start> {
        match self {
            Self::Starting { start, .. }
            | Self::Progressing { start, .. }
            | Self::Baking { start, .. }
            | Self::RollingBack { start, .. } => Some(start),
            Self::Requested { .. }
            | Self::RolledBack { .. }
            | Self::Succeeded { .. }
            | Self::ScaledToZero { .. }
            | Self::Superseded { .. }
            | Self::Rejected { .. }
            | Self::Halted { .. } => None,
        }
    }

    /// Gives why the version is or was taken back, or why it cannot be.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::RollingBack { failure, .. } | Self::RolledBack { failure, .. } => Some(failure),
            Self::Halted { reason } => reason.failure(),
            Self::Requested { .. }
            | Self::Starting { .. }
            | Self::Progressing { .. }
            | Self::Baking { .. }
            | Self::Succeeded { .. }
            | Self::ScaledToZero { .. }
            | Self::Superseded { .. }
            | Self::Rejected { .. } => None,
        }
    }

    /// Gives the way back, while the rollout is on it.
    #[must_use]
    pub fn back(&self) -> Option<&Back> {
        match self {
            Self::RollingBack { back, .. } => Some(back),
            Self::Requested { .. }
            | Self::Starting { .. }
            | Self::Progressing { .. }
            | Self::Baking { .. }
            | Self::RolledBack { .. }
            | Self::Succeeded { .. }
            | Self::ScaledToZero { .. }
            | Self::Superseded { .. }
            | Self::Rejected { .. }
            | Self::Halted { .. } => None,
        }
    }

    /// Gives what a person is asked to approve, on the way out or back.
    #[must_use]
    pub fn approval(&self) -> Option<&Approval> {
        match self {
            Self::Starting { start, .. } => start.stack.as_ref()?.approval.as_ref(),
            Self::RollingBack { back, .. } => back.stack.as_ref()?.approval.as_ref(),
            Self::Requested { .. }
            | Self::Progressing { .. }
            | Self::Baking { .. }
            | Self::RolledBack { .. }
            | Self::Succeeded { .. }
            | Self::ScaledToZero { .. }
            | Self::Superseded { .. }
            | Self::Rejected { .. }
            | Self::Halted { .. } => None,
        }
    }

    /// Gives the hook of the service that is waited for, or was last, on the way out or back.
    #[must_use]
    pub fn paused_at(&self) -> Option<&PausedHook> {
        match self {
            Self::Progressing { running, .. } => running.paused_at.as_ref(),
            Self::RollingBack { back, .. } => back.paused_at.as_ref(),
            Self::Requested { .. }
            | Self::Starting { .. }
            | Self::Baking { .. }
            | Self::RolledBack { .. }
            | Self::Succeeded { .. }
            | Self::ScaledToZero { .. }
            | Self::Superseded { .. }
            | Self::Rejected { .. }
            | Self::Halted { .. } => None,
        }
    }

    /// Gives what the service was asked to run, while it is known to be asked.
    #[must_use]
    pub fn running(&self) -> Option<&Running> {
        match self {
            Self::Progressing { running, .. }
            | Self::Baking { running, .. }
            | Self::RollingBack { running, .. } => Some(running),
            Self::Requested { .. }
            | Self::Starting { .. }
            | Self::RolledBack { .. }
            | Self::Succeeded { .. }
            | Self::ScaledToZero { .. }
            | Self::Superseded { .. }
            | Self::Rejected { .. }
            | Self::Halted { .. } => None,
        }
    }
}

impl Rollout {
    /// Gives the stack that its target goes through, if it does.
    #[must_use]
    pub fn stack(&self) -> Option<&StackRef> {
        self.policy.stack.as_ref()
    }

    /// Gives the digest this rollout brings: the resolved one once it has started.
    #[must_use]
    pub fn digest(&self) -> &ImageDigest {
        let start = self.phase.start().map(|start| &start.digest);
        let resolved = start.or(self.resolved.as_ref());
        resolved.unwrap_or(&self.push.digest)
    }

    /// Says whether it was asked for with this image, or brings it.
    ///
    /// An exact tag may have been moved between the push and the start.
    #[must_use]
    pub fn names(&self, digest: &ImageDigest) -> bool {
        self.push.digest == *digest || self.digest() == digest
    }
}
