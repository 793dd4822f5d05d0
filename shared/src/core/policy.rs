//! What a target's owner wants; a rollout takes a copy when it starts.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::diagnosis::failed_tasks::MaxFailedTasks;
use super::name::TargetName;

/// How one target is to be deployed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The target this is for.
    pub target: TargetName,
    /// The service that is changed.
    pub service: ServiceRef,
    /// The repositories followed, each once.
    pub images: Vec<FollowedImage>,
    /// Names of the CloudWatch alarms watched while a rollout is under way.
    #[serde(default)]
    pub alarms: Vec<String>,
    /// How long a finished deployment is watched before it counts as good, in seconds.
    pub bake_time_seconds: u32,
    /// How long a deployment may take before it is given up, in seconds.
    pub deadline_seconds: u32,
    /// What happens where a watched alarm fires when a rollout is to start.
    #[serde(default)]
    pub alarms_at_start: AlarmsAtStart,
    /// How many tasks may fail before a version is taken back.
    #[serde(default)]
    pub max_failed_tasks: MaxFailedTasks,
    /// What a newer push does to the rollout under way.
    pub supersede: Supersede,
    /// The service is the one named in Pushboat's own template: its owner needs no tag to consent.
    #[serde(default)]
    pub needs_no_consent: bool,
}

/// Names an ECS service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceRef {
    /// The cluster's short name.
    pub cluster: String,
    /// The service's short name.
    pub name: String,
}

impl std::fmt::Display for ServiceRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.cluster, self.name)
    }
}

/// A repository whose pushes are deployed, and to which containers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FollowedImage {
    /// The ECR repository's name.
    pub repository: String,
    /// Which of its tags count.
    pub tags: TagPolicy,
    /// The containers that run it; empty for each one that does already.
    #[serde(default)]
    pub containers: Vec<String>,
}

/// Which tags of a repository are followed, and so how pushes are ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TagPolicy {
    /// Tags that match one of these patterns; the latest one set wins.
    ///
    /// One pattern without a wildcard is an exact tag: it means whatever the
    /// tag points at now.
    Glob(Vec<String>),
    /// Tags that are semantic versions in this range; the highest version wins.
    Semver(String),
}

impl Default for TagPolicy {
    /// Follows every tag.
    fn default() -> Self {
        Self::Glob(vec!["*".to_owned()])
    }
}

/// What a newer push does to the rollout under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Supersede {
    /// It waits until the rollout under way is over, unless that one is failing.
    #[default]
    WhenFinished,
    /// It takes over at once.
    Immediately,
}

/// What happens where a watched alarm fires when a rollout is to start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlarmsAtStart {
    /// The rollout starts, and the alarm counts once it has been OK again.
    #[default]
    Ignore,
    /// The rollout waits until no alarm fires.
    Wait,
    /// The rollout is refused.
    Reject,
}

impl Policy {
    /// Gives the followed image of a repository, if the target follows it.
    #[must_use]
    pub fn image(&self, repository: &str) -> Option<&FollowedImage> {
        self.images
            .iter()
            .find(|image| image.repository == repository)
    }

    /// Gives the bake time as a duration.
    #[must_use]
    pub fn bake_time(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.bake_time_seconds))
    }

    /// Gives the deadline of a deployment as a duration.
    #[must_use]
    pub fn deadline(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.deadline_seconds))
    }
}
