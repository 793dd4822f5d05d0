//! Deployments of a service, the service deployments that record them, and the
//! service revisions they deploy.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::deployment_configuration::DeploymentConfiguration;
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
    /// Until when no further task is tried.
    pub retry_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state changed last.
    pub updated_at: Timestamp,
    /// Whether the scheduler has begun with it.
    pub(crate) started: bool,
    /// Whether it was said that its tasks cannot be placed or replaced.
    pub(crate) complained: bool,
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
    /// Says why it is in its state, in ECS's words.
    pub fn rollout_state_reason(&self) -> String {
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
        self.failed_resolutions < MOST_RESOLUTIONS
            && self.task_definition.containers.iter().any(|container| {
                container.version_consistency
                    && !container.is_pinned()
                    && !self.digests.contains_key(&container.name)
            })
    }
}

/// The history's record of one deployment.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html>.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceDeployment {
    /// `arn:…:service-deployment/cluster/service/id`.
    pub arn: Arc<str>,
    /// The deployment it records.
    pub deployment_id: Arc<str>,
    /// How far it is.
    pub status: ServiceDeploymentStatus,
    /// Why, where there is more to say.
    pub status_reason: Option<String>,
    /// The revisions that ran when it was made, as indexes of the service's revisions.
    pub sources: Vec<usize>,
    /// The revision it deploys, likewise.
    pub target: usize,
    /// How the service was configured when it was made.
    pub configuration: Arc<DeploymentConfiguration>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it left `PENDING`.
    pub started_at: Option<Timestamp>,
    /// When it reached its final status.
    pub finished_at: Option<Timestamp>,
    /// When it was stopped.
    pub stopped_at: Option<Timestamp>,
    /// When its status changed last.
    pub updated_at: Timestamp,
    /// The counts of each revision when it finished; they stay as they were then.
    pub final_counts: BTreeMap<usize, RevisionCounts>,
    /// The failed tasks of the deployment when it finished.
    pub final_failed_tasks: u32,
}

/// How many tasks of a revision are asked for and there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevisionCounts {
    /// Asked for.
    pub requested: u32,
    /// In `RUNNING`.
    pub running: u32,
    /// On their way there.
    pub pending: u32,
}

/// How far a service deployment is.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceDeploymentStatus {
    /// Made, but not started.
    Pending,
    /// Going on.
    InProgress,
    /// A newer one was started; it is about to stop.
    StopRequested,
    /// Stopped before it was done.
    Stopped,
    /// Done.
    Successful,
}

impl ServiceDeploymentStatus {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ServiceDeploymentStatus::Pending => "PENDING",
            ServiceDeploymentStatus::InProgress => "IN_PROGRESS",
            ServiceDeploymentStatus::StopRequested => "STOP_REQUESTED",
            ServiceDeploymentStatus::Stopped => "STOPPED",
            ServiceDeploymentStatus::Successful => "SUCCESSFUL",
        }
    }

    /// Whether it will not change any more.
    pub fn is_final(self) -> bool {
        match self {
            ServiceDeploymentStatus::Pending
            | ServiceDeploymentStatus::InProgress
            | ServiceDeploymentStatus::StopRequested => false,
            ServiceDeploymentStatus::Stopped | ServiceDeploymentStatus::Successful => true,
        }
    }
}

impl ServiceDeployment {
    /// Moves it to another status; a final one stays.
    pub(crate) fn turn(&mut self, status: ServiceDeploymentStatus, now: Timestamp) {
        if self.status.is_final() || self.status == status {
            return;
        }
        self.status = status;
        self.updated_at = now;
        match status {
            ServiceDeploymentStatus::Pending | ServiceDeploymentStatus::StopRequested => {}
            ServiceDeploymentStatus::InProgress => self.started_at = Some(now),
            ServiceDeploymentStatus::Stopped => {
                self.stopped_at = Some(now);
                self.finished_at = Some(now);
            }
            ServiceDeploymentStatus::Successful => self.finished_at = Some(now),
        }
    }
}
