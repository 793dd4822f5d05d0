//! Services: what they are asked to be, and what there is of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::agenda::Due;
use crate::deployment::{Deployment, RolloutState, ServiceRevision};
use crate::deployment_configuration::DeploymentConfiguration;
use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::service_deployment::{RevisionCounts, ServiceDeployment};
use crate::tag::Tags;
use crate::task::TaskKey;
use crate::task_definition::TaskDefinition;
use crate::workload::Workload;

/// How many event messages a service shows.
///
/// Source: `events` at <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html>.
const MOST_MESSAGES: usize = 100;

/// Names a service within the model, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceKey(pub(crate) usize);

/// The services by cluster and name.
pub(crate) type ServiceNames = BTreeMap<Arc<str>, BTreeMap<Arc<str>, ServiceKey>>;

/// A service.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html>.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its cluster's name.
    pub cluster: Arc<str>,
    /// Its name within the cluster.
    pub name: Arc<str>,
    /// `arn:…:service/cluster/name`.
    pub arn: Arc<str>,
    /// Whether it is kept running.
    pub status: ServiceStatus,
    /// How many tasks it shall have.
    pub desired_count: u32,
    /// How that number comes about.
    pub scheduling_strategy: SchedulingStrategy,
    /// Who deploys it.
    pub deployment_controller: DeploymentController,
    /// What it runs; only a service with the EXTERNAL controller has none.
    pub task_definition: Option<Arc<TaskDefinition>>,
    /// The rest of what it runs.
    pub workload: Arc<Workload>,
    /// How it is deployed.
    pub deployment_configuration: Arc<DeploymentConfiguration>,
    /// The PRIMARY deployment, then those that it replaces, newest first.
    pub deployments: Vec<Deployment>,
    /// Every configuration it was asked to run, oldest first.
    pub revisions: Vec<ServiceRevision>,
    /// The history of its deployments, oldest first.
    pub service_deployments: Vec<ServiceDeployment>,
    /// What its scheduler said, newest first.
    pub messages: VecDeque<ServiceMessage>,
    /// When it was made.
    pub created_at: Timestamp,
    /// For how long after a task's start its failed health checks are ignored.
    pub health_check_grace_period_seconds: Option<u32>,
    /// Whether its tasks get ECS's own tags.
    pub enable_ecs_managed_tags: bool,
    /// Where its tasks get their other tags from: `SERVICE`, `TASK_DEFINITION` or `NONE`.
    pub propagate_tags: String,
    /// Kept as it came.
    pub enable_execute_command: bool,
    /// Kept as they came: placement, zone rebalancing, role.
    pub document: Vec<(&'static str, Value)>,
    /// Its tags.
    pub tags: Tags,
    /// Its tasks that have not stopped, oldest first.
    pub tasks: Vec<TaskKey>,
    /// The revision of the deployment that is COMPLETED, as an index of
    /// `revisions`: what a failed deployment is rolled back to.
    pub(crate) completed: Option<usize>,
    /// The token of the CreateService call that made it.
    pub(crate) client_token: Option<String>,
    /// When its scheduler looks at it next.
    pub(crate) look_at: Option<Timestamp>,
    /// Since when it has all that it shall have.
    pub(crate) steady_since: Option<Timestamp>,
    /// Whether that was said.
    pub(crate) is_steady: bool,
}

/// Whether a service is kept running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceStatus {
    /// It is.
    Active,
    /// It was deleted, and its tasks are stopping.
    Draining,
    /// It was deleted, and has no task any more.
    Inactive,
}

impl ServiceStatus {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ServiceStatus::Active => "ACTIVE",
            ServiceStatus::Draining => "DRAINING",
            ServiceStatus::Inactive => "INACTIVE",
        }
    }
}

/// How a service's number of tasks comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulingStrategy {
    /// It is asked for.
    Replica,
    /// One on each container instance, of which this model has none.
    Daemon,
}

impl SchedulingStrategy {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            SchedulingStrategy::Replica => "REPLICA",
            SchedulingStrategy::Daemon => "DAEMON",
        }
    }
}

/// Who deploys a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentController {
    /// ECS itself.
    Ecs,
    /// CodeDeploy, with task sets.
    CodeDeploy,
    /// Somebody else, with task sets.
    External,
}

impl DeploymentController {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            DeploymentController::Ecs => "ECS",
            DeploymentController::CodeDeploy => "CODE_DEPLOY",
            DeploymentController::External => "EXTERNAL",
        }
    }
}

/// One entry of a service's `events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceMessage {
    /// Tells it from every other.
    pub id: u64,
    /// When it was said.
    pub created_at: Timestamp,
    /// `(service name) …`.
    pub message: String,
}

/// How many tasks there are, by their last status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// In `RUNNING`.
    pub running: u32,
    /// Before `RUNNING`.
    pub pending: u32,
}

impl Service {
    /// The deployment that the service is going to, or has gone to.
    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.first()
    }

    /// The service deployment that has not reached its final status.
    pub fn ongoing(&self) -> Option<&ServiceDeployment> {
        self.service_deployments
            .last()
            .filter(|record| !record.status.is_final())
    }

    /// The same, to be changed.
    pub(crate) fn ongoing_mut(&mut self) -> Option<&mut ServiceDeployment> {
        self.service_deployments
            .last_mut()
            .filter(|record| !record.status.is_final())
    }

    /// The index of the deployment with an id.
    pub(crate) fn deployment_index(&self, id: &str) -> Option<usize> {
        self.deployments.iter().position(|one| &*one.id == id)
    }

    /// Says something as the service's scheduler does, and forgets the oldest
    /// of more than 100.
    pub(crate) fn say(&mut self, id: u64, created_at: Timestamp, message: &str) {
        self.messages.push_front(ServiceMessage {
            id,
            created_at,
            message: format!("(service {}) {message}", self.name),
        });
        self.messages.truncate(MOST_MESSAGES);
    }
}

impl Ecs {
    /// Finds a service that exists, by the cluster's and the service's name or ARN.
    ///
    /// # Errors
    ///
    /// `ClusterNotFoundException`.
    pub fn service(
        &self,
        cluster: Option<&str>,
        reference: &str,
    ) -> Result<Option<&Service>, ServiceError> {
        Ok(self
            .service_key(cluster, reference)?
            .map(|key| &*self.services[key.0]))
    }

    /// Finds the key of a service, likewise.
    ///
    /// # Errors
    ///
    /// `ClusterNotFoundException`.
    pub(crate) fn service_key(
        &self,
        cluster: Option<&str>,
        reference: &str,
    ) -> Result<Option<ServiceKey>, ServiceError> {
        let cluster = self.active_cluster(cluster)?;
        let Some(name) = self.service_name(&cluster, reference) else {
            return Ok(None);
        };
        Ok(self
            .service_names
            .get(&cluster)
            .and_then(|names| names.get(name))
            .copied())
    }

    /// Takes a service's name out of a reference: a name, a long ARN of this
    /// cluster, or a short ARN.
    pub(crate) fn service_name<'a>(&self, cluster: &str, reference: &'a str) -> Option<&'a str> {
        let name = self.arns.resource(reference, "service")?;
        match name.split_once('/') {
            None => Some(name),
            Some((named, name)) if named == cluster => Some(name),
            Some(_) => None,
        }
    }

    /// Lists the services of a cluster that can still be described, by name.
    pub fn services(&self, cluster: &str) -> impl Iterator<Item = &Service> {
        self.service_names
            .get(cluster)
            .into_iter()
            .flat_map(|names| names.values())
            .map(|key| &*self.services[key.0])
    }

    /// Counts a service's tasks, of one deployment or of all.
    pub fn task_counts(&self, service: &Service, deployment: Option<&Deployment>) -> TaskCounts {
        let mut counts = TaskCounts::default();
        for task in service.tasks.iter().filter_map(|key| self.tasks.get(key)) {
            let started_by = task.specification.started_by.as_deref();
            if deployment.is_some_and(|one| started_by != Some(&*one.id)) {
                continue;
            }
            counts.running += u32::from(task.state.last_status.is_running());
            counts.pending += u32::from(task.state.last_status.is_starting());
        }
        counts
    }

    /// Counts the tasks of one of a service's revisions.
    pub fn revision_counts(&self, service: &Service, revision: usize) -> RevisionCounts {
        let mut counts = RevisionCounts::default();
        for deployment in service
            .deployments
            .iter()
            .filter(|one| one.revision == revision)
        {
            let tasks = self.task_counts(service, Some(deployment));
            counts.requested += deployment.desired_count;
            counts.running += tasks.running;
            counts.pending += tasks.pending;
        }
        counts
    }

    /// Has the scheduler look at a service no later than at `at`.
    pub(crate) fn look_at_service(&mut self, key: ServiceKey, at: Timestamp) {
        let at = at.max(self.now);
        let service = &mut self.services[key.0];
        if service.look_at.is_none_or(|planned| planned > at) {
            service.look_at = Some(at);
            self.agenda.put(at, Due::Service(key));
        }
    }

    /// Has the scheduler act on a change, as soon as it notices.
    pub(crate) fn wake_service(&mut self, key: ServiceKey) {
        let at = self.after(self.timings.scheduling);
        self.look_at_service(key, at);
    }

    /// Says something as a service's scheduler does.
    pub(crate) fn say(&mut self, key: ServiceKey, message: &str) {
        let (id, now) = (self.identifiers.number(), self.now);
        self.services[key.0].say(id, now, message);
    }

    /// Notes that a service does not have all that it shall have.
    pub(crate) fn unsettle(&mut self, key: ServiceKey) {
        let service = &mut self.services[key.0];
        service.steady_since = None;
        service.is_steady = false;
    }
}

impl Deployment {
    /// The API's word for its place: `PRIMARY` for the first, `ACTIVE` for one
    /// that is being replaced.
    pub fn status(position: usize) -> &'static str {
        if position == 0 { "PRIMARY" } else { "ACTIVE" }
    }

    /// Whether it was done once.
    pub fn is_completed(&self) -> bool {
        self.rollout_state == RolloutState::Completed
    }
}
