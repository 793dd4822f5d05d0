//! Deployments of a service, and the service revisions they deploy.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::failure::FailureCause;
use crate::task_definition::TaskDefinition;
use crate::workload::Workload;

/// An entry of a service's `deployments`: the tasks of one revision, as the
/// service scheduler keeps them.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// `ecs-svc/` and 19 digits; what its tasks are `startedBy`.
    pub id: Arc<str>,
    /// The service revision it deploys, as an index of
    /// [`Service::revisions`](crate::Service::revisions).
    pub revision: usize,
    /// How many tasks the scheduler wants of it.
    pub desired_count: u32,
    /// How far it is.
    pub rollout_state: RolloutState,
    /// How many tasks failed in a row: they did not reach `RUNNING`, or were
    /// stopped for failing a health check. One whose container ends after
    /// `RUNNING` is none of them. A healthy task sets it back to 0.
    pub failed_tasks: u32,
    /// How many of its tasks in a row did not reach `RUNNING`.
    pub failed_starts: u32,
    /// How many failures the circuit breaker has counted.
    pub counted_failures: u32,
    /// Until when no further task is tried.
    pub retry_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state changed last.
    pub updated_at: Timestamp,
    /// What there is to say of its state besides the state.
    pub(crate) story: Story,
    /// Whether the scheduler has begun with it.
    pub(crate) started: bool,
    /// Whether it was said that its tasks cannot be placed or replaced.
    pub(crate) complained: bool,
}

/// What there is to say of a deployment's state besides the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Story {
    /// Nothing.
    Plain,
    /// Why it failed.
    Failed(FailureCause),
    /// Why the service goes back to it, and what is named as gone back to.
    GoneBackTo(FailureCause, Arc<str>),
}

/// How far a deployment is.
///
/// Source: `rolloutState` at
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolloutState {
    /// The service has not been steady since it started.
    InProgress,
    /// The service was steady.
    Completed,
    /// The circuit breaker or an alarm stopped it.
    Failed,
}

impl RolloutState {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            RolloutState::InProgress => "IN_PROGRESS",
            RolloutState::Completed => "COMPLETED",
            RolloutState::Failed => "FAILED",
        }
    }
}

impl Deployment {
    /// Makes one that nothing was done for yet.
    pub(crate) fn new(id: Arc<str>, revision: usize, desired_count: u32, now: Timestamp) -> Self {
        Deployment {
            id,
            revision,
            desired_count,
            rollout_state: RolloutState::InProgress,
            failed_tasks: 0,
            failed_starts: 0,
            counted_failures: 0,
            retry_at: None,
            created_at: now,
            updated_at: now,
            story: Story::Plain,
            started: false,
            complained: false,
        }
    }

    /// Says why it is in its state, in ECS's words.
    pub fn rollout_state_reason(&self) -> String {
        match &self.story {
            Story::Failed(cause) => return cause.state_reason(&self.id),
            Story::GoneBackTo(cause, to) => return cause.rollback_reason(to),
            Story::Plain => {}
        }
        let end = match self.rollout_state {
            RolloutState::InProgress => "in progress",
            RolloutState::Completed => "completed",
            RolloutState::Failed => "failed",
        };
        format!("ECS deployment {} {end}.", self.id)
    }
}

/// A record of the configuration that ECS was asked to run; it never changes,
/// but for the digests that its first task establishes.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-revision.html>.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceRevision {
    /// `arn:…:service-revision/cluster/service/number`.
    pub arn: Arc<str>,
    /// Its task definition.
    pub task_definition: Arc<TaskDefinition>,
    /// The rest of its configuration.
    pub workload: Arc<Workload>,
    /// The deployment that runs it, or ran it last.
    pub(crate) deployment_id: Arc<str>,
    /// The digest of each container's image, once established.
    pub digests: BTreeMap<String, Arc<str>>,
    /// How many attempts to establish them failed.
    pub(crate) failed_resolutions: u32,
    /// When it was made.
    pub created_at: Timestamp,
}

/// After how many failed attempts tasks are started without established digests.
const MOST_RESOLUTIONS: u32 = 3;

impl ServiceRevision {
    /// Whether one task must first establish the digests of the images.
    ///
    /// ECS resolves tags with the first task and starts the others by digest;
    /// after three failed attempts it goes on without.
    /// Source: "Container image resolution" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>.
    pub(crate) fn needs_resolution(&self) -> bool {
        self.failed_resolutions < MOST_RESOLUTIONS && self.is_unresolved()
    }

    /// Whether the digests could not be established, however often it was tried.
    pub(crate) fn is_unresolvable(&self) -> bool {
        self.failed_resolutions >= MOST_RESOLUTIONS && self.is_unresolved()
    }

    fn is_unresolved(&self) -> bool {
        self.task_definition.containers.iter().any(|container| {
            container.version_consistency
                && !container.is_pinned()
                && !self.digests.contains_key(&container.name)
        })
    }
}
