//! What AWS says now, in our own words.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::alarm::AlarmSeen;
use super::evidence::ServiceEvent;
use super::name::ImageDigest;
use super::reason::NewerPush;
use super::shared_alarm::Sharer;
use super::stack::{ChangeSetLook, StackLook};
use super::state::Quarantined;

/// One look at one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Look<T> {
    /// The phase did not ask for it.
    #[default]
    NotTaken,
    /// AWS gave no answer that can be used.
    Unavailable(Trouble),
    /// This was seen.
    Taken(T),
}

/// Why AWS gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What was asked, and what came of it.
    pub words: String,
    /// Whether it was turned away only because its rates were used up.
    pub throttled: bool,
}

impl From<&str> for Trouble {
    fn from(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            throttled: false,
        }
    }
}

/// Everything a decision may rest on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// The service.
    pub service: Look<ServiceLook>,
    /// The stack that has the service, where the target goes through one.
    pub stack: Look<StackLook>,
    /// The change set by which the rollout, or its way back, changes the stack.
    pub change_set: Look<ChangeSetLook>,
    /// The image that was pushed.
    pub image: Look<ImageLook>,
    /// The task definition the new one is made from, or the one that is to become last-known-good.
    pub definition: Look<Arc<Definition>>,
    /// The revision that was registered for this rollout before, found by its tags.
    pub own_revision: Look<Option<String>>,
    /// The watched alarms, in the order of the policy.
    pub alarms: Look<Vec<AlarmSeen>>,
    /// The other targets that watch the alarms that fired; looked at only where one did.
    pub alarm_sharers: Look<Vec<Sharer>>,
    /// The whole definition of the last-known-good, as the ledger keeps it.
    pub good_definition: Look<Option<Arc<Definition>>>,
    /// The first image of the last-known-good that cannot be pulled any more, if there is one.
    pub gone_image: Look<Option<GoneImage>>,
    /// The task definition that last finished baking, or was adopted.
    pub last_known_good: Option<String>,
    /// Whether that one names an image by a tag, which may stand for another by now.
    pub good_by_tag: bool,
    /// The images that are kept out of the target.
    pub quarantine: BTreeMap<ImageDigest, Quarantined>,
    /// A newer push to the same repository that waits for its turn.
    pub newer: Option<NewerPush>,
    /// The ids of the service deployments that this target's rollouts asked for, last one last.
    pub asked_before: Vec<String>,
    /// The id of the deployment that did not settle while adoption waited for it.
    pub given_up_deployment: Option<String>,
    /// The service's latest service deployments, the newest first.
    pub history: Look<Vec<DeploymentRecord>>,
    /// Whether it took so long that what was seen first may not be true any more.
    pub is_old: bool,
}

/// What DescribeServices said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceLook {
    /// There is no such cluster.
    ClusterMissing,
    /// There is no such service.
    Missing,
    /// There it is.
    Found(Box<Service>),
}

/// An ECS service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its ARN.
    pub arn: String,
    /// Whether its status is ACTIVE; DRAINING and INACTIVE are not.
    pub active: bool,
    /// When it was created, by ECS's clock: a recreated service has another.
    pub created_at: Timestamp,
    /// Who changes it.
    pub controller: Controller,
    /// Whether it runs one task on each instance.
    pub daemon: bool,
    /// How many tasks are wanted.
    pub desired: u32,
    /// How many tasks run.
    pub running: u32,
    /// Its deployments, the primary one among them.
    pub deployments: Vec<ServiceDeployment>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The ARNs of the target groups that its tasks are registered with.
    pub target_groups: Vec<String>,
    /// What it complained of lately, the latest first; only what tells of a trouble.
    pub complaints: Vec<ServiceEvent>,
    /// Whether its deployments can pause at a hook until a person lets them go on.
    pub has_pause_hooks: bool,
}

impl Service {
    /// Gives the deployment that ECS is driving towards.
    #[must_use]
    pub fn primary(&self) -> Option<&ServiceDeployment> {
        self.deployments
            .iter()
            .find(|deployment| deployment.primary)
    }

    /// Says whether the primary deployment is done and alone.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.deployments.len() == 1
            && self
                .primary()
                .is_some_and(|primary| primary.state == DeploymentState::Completed)
    }
}

/// Who changes a service.
///
/// Source: ECS API reference, DeploymentController.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Controller {
    /// ECS itself.
    Ecs,
    /// CodeDeploy, somebody external, or a kind that came later.
    Other(String),
}

/// One of a service's deployments, `ecs-svc/…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceDeployment {
    /// Its id; the tasks it started carry it as `startedBy`.
    pub id: String,
    /// Whether it is the one ECS drives towards.
    pub primary: bool,
    /// The ARN of the task definition it runs.
    pub task_definition: String,
    /// How far it is.
    pub state: DeploymentState,
    /// ECS's own words on its state.
    pub state_reason: String,
    /// When it was created, by ECS's clock: the primary one is the latest.
    pub created_at: Timestamp,
    /// How many of its tasks failed to start.
    pub failed_tasks: u32,
}

/// How far a deployment is.
///
/// Source: ECS API reference, Deployment, `rolloutState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentState {
    /// Tasks are being replaced, or ECS says nothing of it.
    InProgress,
    /// It reached its steady state.
    Completed,
    /// ECS gave it up.
    Failed,
}

/// The digest of each container's image, by the container's name.
///
/// ECS resolves a tag once for each service revision, and starts all of its
/// tasks with that digest. Source: ECS API reference, ContainerImage.
pub type Digests = BTreeMap<String, ImageDigest>;

/// A service deployment as ECS's history has it.
///
/// Source: ECS API reference, ServiceDeployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentRecord {
    /// Its ARN, by which it can be stopped.
    pub arn: String,
    /// When it was made, by ECS's clock.
    pub created_at: Timestamp,
    /// How far it is.
    pub status: RecordStatus,
    /// ECS's own words on its status.
    pub status_reason: String,
    /// The task definition that it brings.
    pub target: String,
    /// What ECS resolved that task definition's images to.
    pub target_digests: Digests,
    /// The task definitions that ran when it began.
    pub sources: Vec<String>,
    /// What ECS had resolved the images of each of them to, in the same order.
    pub source_digests: Vec<Digests>,
    /// Whether the circuit breaker, a deployment alarm or a lifecycle hook failed it.
    pub failed_by_ecs: bool,
    /// The hook at which it waits for a person.
    pub paused_at: Option<PausedHook>,
}

/// How far a service deployment is.
///
/// Source: ECS developer guide, "Service deployment states".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordStatus {
    /// `PENDING` or `IN_PROGRESS`.
    Ongoing,
    /// `ROLLBACK_REQUESTED` or `ROLLBACK_IN_PROGRESS`.
    RollingBack,
    /// `ROLLBACK_SUCCESSFUL`.
    RolledBack,
    /// `ROLLBACK_FAILED`.
    RollbackFailed,
    /// `SUCCESSFUL`.
    Successful,
    /// `STOP_REQUESTED` or `STOPPED`: a newer one took over, or it failed and nothing follows.
    Stopped,
    /// One that came later.
    Unknown,
}

/// A `PAUSE` lifecycle hook that waits for ContinueServiceDeployment.
///
/// Source: ECS API reference, DeploymentLifecycleHookDetail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PausedHook {
    /// The service deployment that waits.
    pub service_deployment: String,
    /// The hook's id.
    pub hook_id: String,
    /// When ECS goes on without an answer, by ECS's clock.
    pub expires_at: Option<Timestamp>,
    /// What ECS does then, in its own word.
    pub timeout_action: String,
}

/// What ECR said of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageLook {
    /// There is no such repository.
    RepositoryMissing,
    /// There is no such image.
    Missing,
    /// It cannot be pulled until it is restored.
    Archived,
    /// There it is.
    Found {
        /// Its digest: that of the index where it is one.
        digest: ImageDigest,
        /// What the manifest says.
        content: ImageContent,
    },
}

/// Whether ECR can give an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It can be pulled.
    There,
    /// There is no such image, or no such repository.
    Missing,
    /// It cannot be pulled until it is restored.
    Archived,
}

/// An image of the last-known-good that ECR cannot give any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GoneImage {
    /// The image, as the task definition spells it.
    pub image: String,
    /// Whether it lies in the archive storage class, from which it can be restored.
    pub archived: bool,
}

/// What a manifest turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageContent {
    /// A container image, for these platforms.
    Image(Vec<Platform>),
    /// Something else that registries hold.
    NotAnImage {
        /// What it says it is.
        media_type: String,
    },
    /// Nothing that could be read.
    Unreadable {
        /// What is wrong with it.
        problem: String,
    },
}

/// An operating system and a CPU architecture, in OCI's words (`linux`, `arm64`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Platform {
    /// The operating system.
    pub os: String,
    /// The CPU architecture.
    pub architecture: String,
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

/// A revision that was registered for a rollout, by what tells it from any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRevision {
    /// The task definition it was made of: it is a later one of the same family.
    pub base: String,
    /// The value of its rollout tag, which somebody may have copied with the others.
    pub tag: String,
    /// What it surely runs, by container: an image, or an image's digest.
    pub images: BTreeMap<String, String>,
}

/// A task definition as DescribeTaskDefinition gave it, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The `taskDefinition` member, every field kept.
    pub raw: Value,
    /// The `tags` member.
    pub tags: Value,
}
