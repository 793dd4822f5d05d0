//! What the ledger holds: registrations, claims, reverse items, states, rollouts, notices.
//!
//! The records here are ours; [`key`] says where each lies, [`stored`] how it is
//! written as text, and `aws::dynamodb` how both become items.

pub mod key;
pub mod stored;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::hold::Hold;
use crate::core::name::TargetName;
use crate::core::observation::Definition;
use crate::core::policy::{Policy, ServiceRef, TagPolicy};
use crate::core::push::Push;
use crate::core::reason::Ignored;
use crate::core::rollout::Rollout;
use crate::core::shared::Shared;
use crate::core::state::TargetState;
use crate::notice::Notice;
use crate::target::Mistake;

/// Counts the writes of a target's state; 0 stands for one that was never stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// Gives the version that the next write makes.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// All that `rollout` needs to know of a target, read at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetEntry {
    /// Its configuration as it was last read; written by the sweep alone.
    pub registration: Option<Shared<Registration>>,
    /// How it stands; written by `rollout` alone.
    pub state: Shared<TargetState>,
    /// The version of `state`.
    pub version: Version,
    /// The hold for everything; written by the sweep alone.
    pub hold: Option<Hold>,
}

/// One step of a target: its state and all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWrite {
    /// The target.
    pub target: TargetName,
    /// The state to store.
    pub state: Shared<TargetState>,
    /// The version that has to be stored now.
    pub expected: Version,
    /// Rollouts that reached their outcome in this step; they become history.
    pub finished: Vec<Rollout>,
    /// What people and machines are to be told of this step.
    pub notices: Vec<Notice>,
    /// The whole text of the last-known-good's task definition, where it changes.
    pub good_definition: Option<Arc<Definition>>,
}

/// A target's parameter as it was last read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// The target.
    pub target: TargetName,
    /// The version of the parameter.
    pub parameter_version: i64,
    /// When that version was written, by SSM's clock: a parameter made anew counts from 1 again.
    pub parameter_changed_at: Timestamp,
    /// When the target was first registered, by SSM's clock; older pushes are not deployed.
    pub registered_at: Timestamp,
    /// What the parameter says.
    pub status: RegistrationStatus,
    /// The service that is claimed for it; kept while the parameter has mistakes.
    #[serde(default)]
    pub claim: Option<ServiceRef>,
    /// The reverse items that stand for it; kept while the parameter has mistakes.
    #[serde(default)]
    pub follows: Vec<ReverseKey>,
    /// Whether `rollout` was woken for this version.
    #[serde(default)]
    pub woken: bool,
}

/// What a target's parameter says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum RegistrationStatus {
    /// It is a valid configuration, and the service is claimed for it.
    Valid {
        /// The configuration.
        policy: Shared<Policy>,
    },
    /// It has mistakes, or another target holds its service.
    Invalid {
        /// Every mistake.
        mistakes: Vec<Mistake>,
    },
    /// The parameter is gone.
    Removed,
}

impl Registration {
    /// Gives the configuration, if it is a valid one.
    #[must_use]
    pub fn policy(&self) -> Option<&Shared<Policy>> {
        match &self.status {
            RegistrationStatus::Valid { policy } => Some(policy),
            RegistrationStatus::Invalid { .. } | RegistrationStatus::Removed => None,
        }
    }
}

/// What an event can be about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ReverseKey {
    /// An ECR repository.
    Repository(String),
    /// An ECS service.
    Service(ServiceRef),
    /// A CloudWatch alarm, by name.
    Alarm(String),
    /// A CloudFormation stack, by name.
    Stack(String),
}

impl ReverseKey {
    /// Gives the key under which the ledger holds the followers.
    #[must_use]
    pub fn partition(&self) -> String {
        match self {
            Self::Repository(name) => format!("repository#{name}"),
            Self::Service(service) => format!("service#{service}"),
            Self::Alarm(name) => format!("alarm#{name}"),
            Self::Stack(name) => format!("stack#{name}"),
        }
    }

    /// Names the thing for a person.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Repository(name) => format!("repository {name}"),
            Self::Service(service) => format!("service {service}"),
            Self::Alarm(name) => format!("alarm {name}"),
            Self::Stack(name) => format!("stack {name}"),
        }
    }
}

/// A target that cares for what an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Follower {
    /// The target.
    pub target: TargetName,
    /// Which tags it follows, where the event is about a repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<TagPolicy>,
}

/// What a read of a target's parameter changes in the ledger, all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationChange {
    /// The registration to store.
    pub registration: Registration,
    /// The registration that has to be stored now; `None` for a new target.
    ///
    /// It is enough to compare `parameter_version` and `parameter_changed_at`.
    pub expected: Option<Registration>,
    /// The service to claim; refused where another target holds it.
    pub claim: Option<ServiceRef>,
    /// The service whose claim is given up.
    pub release: Option<ServiceRef>,
    /// Reverse items to write.
    pub follow: Vec<(ReverseKey, Follower)>,
    /// Reverse items to take away.
    pub unfollow: Vec<ReverseKey>,
    /// What people are to be told.
    pub notice: Option<Notice>,
}

/// What the sweep does less often than it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chore {
    /// It reads the targets' parameters.
    ReadParameters,
    /// It looks for what no event, or no message, told of.
    FindOverlooked,
}

/// A push that changed nothing on a target which follows its repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IgnoredPush {
    /// The push.
    pub push: Push,
    /// Why it changed nothing.
    pub reason: Ignored,
}

/// Names a stored notice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NoticeKey {
    /// The target it is about.
    pub target: TargetName,
    /// Its id, unique within the target.
    pub id: String,
}

/// A notice as it lies in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredNotice {
    /// What it says.
    pub notice: Notice,
    /// It was published; only its copy on the event bus is missing.
    pub published: bool,
}

/// The ledger could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// It gave no usable answer; the invocation fails and is tried again.
    #[error("the ledger could not be reached to {doing}: {problem}")]
    Unreachable {
        /// What was being done, to what.
        doing: String,
        /// What went wrong.
        problem: String,
    },
    /// A record was written by a newer Pushboat, or by somebody else.
    #[error("the ledger's record of {what} cannot be read: {problem}")]
    Unreadable {
        /// Which record.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// A write was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// Somebody else wrote in between: read again and decide again.
    #[error("somebody else wrote in between")]
    Conflict,
    /// Another target holds the service.
    #[error("target `{holder}` holds the service")]
    Claimed {
        /// The target that holds it.
        holder: String,
    },
    /// The ledger gave no usable answer.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
