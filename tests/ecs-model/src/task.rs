//! Tasks: what one was started as, and how it stands.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::container::Behaviour;
use crate::registry::ResolvedImage;
use crate::service::ServiceKey;
use crate::tag::Tags;
use crate::task_definition::TaskDefinition;
use crate::workload::Workload;

/// Names a task within the model, in the order in which they were started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey(pub(crate) u64);

/// A task.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What it was started as.
    pub specification: Arc<TaskSpecification>,
    /// How it stands.
    pub state: TaskState,
    /// Its tags.
    pub tags: Tags,
    /// What its containers do, once their images are pulled; by position.
    pub(crate) behaviours: Vec<Behaviour>,
    /// The lines that they write when they start.
    pub(crate) lines: Vec<Vec<String>>,
    /// Whether it counts towards the minimum of healthy tasks.
    pub(crate) is_healthy: bool,
    /// Which health check it failed.
    pub(crate) illness: Option<Illness>,
}

/// What a task was started as; it never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskSpecification {
    /// 32 hexadecimal digits.
    pub id: String,
    /// `arn:…:task/cluster/id`.
    pub arn: Arc<str>,
    /// Its cluster's name.
    pub cluster: Arc<str>,
    /// Its cluster's ARN.
    pub cluster_arn: Arc<str>,
    /// The service it belongs to.
    pub service: Option<ServiceKey>,
    /// The service revision it runs, as an index of the service's revisions.
    pub revision: Option<usize>,
    /// What it runs.
    pub task_definition: Arc<TaskDefinition>,
    /// The rest of what it runs.
    pub workload: Arc<Workload>,
    /// `service:name` or `family:name`, unless RunTask said otherwise.
    pub group: Arc<str>,
    /// A service's deployment id, or what RunTask said.
    pub started_by: Option<Arc<str>>,
    /// What RunTask said.
    pub overrides: Option<Value>,
    /// Kept as it came.
    pub enable_execute_command: bool,
    /// When it was started.
    pub created_at: Timestamp,
}

/// How a task stands; small, because every event takes a copy.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskState {
    /// Where it is in its life.
    pub last_status: TaskStatus,
    /// Whether it shall stop.
    pub is_stopping: bool,
    /// Goes up by one with each event about it.
    /// Source: `version` at <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>.
    pub version: u32,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When its network was there.
    pub connectivity_at: Option<Timestamp>,
    /// When pulling its images began.
    pub pull_started_at: Option<Timestamp>,
    /// When all were pulled.
    pub pull_stopped_at: Option<Timestamp>,
    /// When it reached `RUNNING`.
    pub started_at: Option<Timestamp>,
    /// When it was told to stop, or began to.
    pub stopping_at: Option<Timestamp>,
    /// When its last container ended.
    pub execution_stopped_at: Option<Timestamp>,
    /// When it reached `STOPPED`.
    pub stopped_at: Option<Timestamp>,
    /// Why it stopped.
    pub stop_code: Option<StopCode>,
    /// Why it stopped, in words.
    pub stopped_reason: Option<Arc<str>>,
    /// Its containers, in the order of the task definition.
    pub containers: Vec<ContainerState>,
}

/// How a container stands.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerState {
    /// `PENDING`, `RUNNING` or `STOPPED`.
    pub last_status: TaskStatus,
    /// The digest of its image, once pulled.
    pub image_digest: Option<Arc<str>>,
    /// What it ended with.
    pub exit_code: Option<i32>,
    /// Why it did not run or stopped, where there is more to say.
    pub reason: Option<Arc<str>>,
    /// What the health check of its definition says.
    pub health_status: HealthStatus,
}

/// Where a task is in its life.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskStatus {
    /// Its network interface is being attached.
    Provisioning,
    /// It waits for the agent.
    Pending,
    /// Its images are pulled and its containers made.
    Activating,
    /// It runs.
    Running,
    /// Its targets are deregistered.
    Deactivating,
    /// Its containers are told to end.
    Stopping,
    /// Its network interface is being detached.
    Deprovisioning,
    /// It is over.
    Stopped,
}

impl TaskStatus {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskStatus::Provisioning => "PROVISIONING",
            TaskStatus::Pending => "PENDING",
            TaskStatus::Activating => "ACTIVATING",
            TaskStatus::Running => "RUNNING",
            TaskStatus::Deactivating => "DEACTIVATING",
            TaskStatus::Stopping => "STOPPING",
            TaskStatus::Deprovisioning => "DEPROVISIONING",
            TaskStatus::Stopped => "STOPPED",
        }
    }

    /// Whether it is `RUNNING`.
    pub fn is_running(self) -> bool {
        self == TaskStatus::Running
    }

    /// Whether it comes before `RUNNING`.
    pub fn is_starting(self) -> bool {
        self < TaskStatus::Running
    }

    /// Whether its containers may still be running.
    pub(crate) fn is_executing(self) -> bool {
        self >= TaskStatus::Running && self < TaskStatus::Deprovisioning
    }
}

/// Why a task stopped.
///
/// Source: `stopCode` at <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCode {
    /// It never ran.
    TaskFailedToStart,
    /// A container that it cannot do without ended.
    EssentialContainerExited,
    /// Somebody called StopTask.
    UserInitiated,
    /// Its service did not need it, or it failed a health check.
    ServiceSchedulerInitiated,
    /// Fargate Spot took its capacity back.
    SpotInterruption,
}

impl StopCode {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            StopCode::TaskFailedToStart => "TaskFailedToStart",
            StopCode::EssentialContainerExited => "EssentialContainerExited",
            StopCode::UserInitiated => "UserInitiated",
            StopCode::ServiceSchedulerInitiated => "ServiceSchedulerInitiated",
            StopCode::SpotInterruption => "SpotInterruption",
        }
    }
}

/// What a health check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthStatus {
    /// It passed.
    Healthy,
    /// It failed as often as it may.
    Unhealthy,
    /// It has not said, or there is none.
    Unknown,
}

impl HealthStatus {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            HealthStatus::Healthy => "HEALTHY",
            HealthStatus::Unhealthy => "UNHEALTHY",
            HealthStatus::Unknown => "UNKNOWN",
        }
    }
}

/// Which health check a task failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Illness {
    /// The one of a container definition.
    Container,
    /// The one of its target group.
    LoadBalancer,
}

impl Task {
    /// The health status of the whole task, from its essential containers.
    ///
    /// Source: `healthStatus` at <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>.
    pub fn health_status(&self) -> HealthStatus {
        let mut overall = HealthStatus::Healthy;
        for (container, state) in self.essential_containers() {
            match state.health_status {
                HealthStatus::Unhealthy => return HealthStatus::Unhealthy,
                HealthStatus::Unknown if container.has_health_check => {
                    overall = HealthStatus::Unknown;
                }
                HealthStatus::Unknown | HealthStatus::Healthy => {}
            }
        }
        if self.has_container_check() {
            overall
        } else {
            HealthStatus::Unknown
        }
    }

    /// Whether an essential container defines a health check.
    pub(crate) fn has_container_check(&self) -> bool {
        self.essential_containers()
            .any(|(container, _)| container.has_health_check)
    }

    /// Whether it runs, and has passed its health checks if there are any.
    pub(crate) fn is_serving(&self) -> bool {
        self.state.last_status.is_running() && (self.is_healthy || !self.is_checked())
    }

    /// Whether any health check decides over it.
    pub(crate) fn is_checked(&self) -> bool {
        self.has_container_check() || self.specification.workload.target_group().is_some()
    }

    /// Takes the outcome of pulling its images: one per container.
    pub(crate) fn take_images(&mut self, images: Vec<ResolvedImage>) {
        self.behaviours.clear();
        self.lines.clear();
        for (container, image) in self.state.containers.iter_mut().zip(images) {
            self.behaviours.push(Behaviour::from_labels(&image.labels));
            self.lines.push(
                image
                    .labels
                    .get("pushboat.test/log")
                    .map(|text| text.lines().map(str::to_owned).collect())
                    .unwrap_or_default(),
            );
            container.image_digest = Some(image.digest.into());
        }
    }

    fn essential_containers(
        &self,
    ) -> impl Iterator<Item = (&crate::container::ContainerDefinition, &ContainerState)> {
        self.specification
            .task_definition
            .containers
            .iter()
            .zip(&self.state.containers)
            .filter(|(container, _)| container.essential)
    }
}
