//! Service deployments: the history's records of a service's deployments.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::deployment_configuration::DeploymentConfiguration;
use crate::failure::FailureCause;

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
    /// The failures that the circuit breaker had counted when it failed or finished.
    pub final_failed_tasks: u32,
    /// What its alarms have to say.
    pub alarm_watch: AlarmWatch,
    /// When its bake time is over, once that has begun.
    pub bakes_until: Option<Timestamp>,
    /// Why it failed, if it did.
    pub failure: Option<FailureCause>,
    /// Where it went back to, if it did.
    pub rollback: Option<Rollback>,
}

/// How a failed service deployment is taken back.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Rollback.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// Why, in ECS's words.
    pub reason: String,
    /// When it began.
    pub started_at: Timestamp,
    /// The revision that is gone back to, as an index of the service's revisions.
    pub revision: usize,
}

/// What the alarms of a service deployment have to say.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmWatch {
    /// Nothing: none are configured, or not to be used.
    Off,
    /// They fail it if one fires.
    Watching,
    /// Nothing: one was in ALARM when it began.
    Ignored,
    /// These fired, and it failed.
    Triggered(Vec<String>),
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
/// Source: "Service deployment states" at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceDeploymentStatus {
    /// Made, but not started.
    Pending,
    /// Going on.
    InProgress,
    /// A newer one was started, or it failed without a rollback; it is about to stop.
    StopRequested,
    /// Stopped before it was done.
    Stopped,
    /// Done.
    Successful,
    /// Somebody asked for a rollback, which is about to start.
    RollbackRequested,
    /// It is taken back.
    RollbackInProgress,
    /// The service runs what it was taken back to.
    RollbackSuccessful,
    /// It could not be taken back.
    RollbackFailed,
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
            ServiceDeploymentStatus::RollbackRequested => "ROLLBACK_REQUESTED",
            ServiceDeploymentStatus::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            ServiceDeploymentStatus::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            ServiceDeploymentStatus::RollbackFailed => "ROLLBACK_FAILED",
        }
    }

    /// Whether it will not change any more.
    pub fn is_final(self) -> bool {
        match self {
            ServiceDeploymentStatus::Pending
            | ServiceDeploymentStatus::InProgress
            | ServiceDeploymentStatus::StopRequested
            | ServiceDeploymentStatus::RollbackRequested
            | ServiceDeploymentStatus::RollbackInProgress => false,
            ServiceDeploymentStatus::Stopped
            | ServiceDeploymentStatus::Successful
            | ServiceDeploymentStatus::RollbackSuccessful
            | ServiceDeploymentStatus::RollbackFailed => true,
        }
    }
}

impl ServiceDeployment {
    /// Moves it to another status; a final one stays.
    ///
    /// Source: `stoppedAt` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html>
    /// for what counts as stopping it.
    pub(crate) fn turn(&mut self, status: ServiceDeploymentStatus, now: Timestamp) {
        if self.status.is_final() || self.status == status {
            return;
        }
        self.status = status;
        self.updated_at = now;
        match status {
            ServiceDeploymentStatus::Pending
            | ServiceDeploymentStatus::StopRequested
            | ServiceDeploymentStatus::RollbackInProgress => {}
            ServiceDeploymentStatus::RollbackRequested => self.stopped_at = Some(now),
            ServiceDeploymentStatus::InProgress => self.started_at = Some(now),
            ServiceDeploymentStatus::Stopped => {
                self.stopped_at = Some(now);
                self.finished_at = Some(now);
            }
            ServiceDeploymentStatus::Successful
            | ServiceDeploymentStatus::RollbackSuccessful
            | ServiceDeploymentStatus::RollbackFailed => self.finished_at = Some(now),
        }
    }
}
