//! A service's tasks: how it starts them, and what it learns from them: which
//! failed, which serve, and which digests their images have.

use std::sync::Arc;

use crate::container::ContainerDefinition;
use crate::ecs::Ecs;
use crate::event::ServiceAction;
use crate::registry::ResolvedImage;
use crate::service::{Service, ServiceKey};
use crate::tag::Tags;
use crate::task::{Task, TaskKey, TaskSpecification};

/// After how many failed starts in a row a service says that it is impaired.
///
/// AWS says "after consecutive attempts" and names no number.
const IMPAIRED_AFTER: u32 = 3;

impl Ecs {
    /// Starts a task of one of a service's deployments.
    ///
    /// It carries the deployment's id as `startedBy`. Source: `startedBy` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>.
    pub(crate) fn launch_for(&mut self, key: ServiceKey, index: usize) -> TaskKey {
        let id = self.identifiers.task();
        let service = &self.services[key.0];
        let deployment = &service.deployments[index];
        let revision = &service.revisions[deployment.revision];
        let specification = TaskSpecification {
            arn: self.arns.task(&service.cluster, &id).into(),
            cluster_arn: self.arns.cluster(&service.cluster).into(),
            cluster: Arc::clone(&service.cluster),
            id,
            service: Some(key),
            revision: Some(deployment.revision),
            task_definition: Arc::clone(&revision.task_definition),
            workload: Arc::clone(&revision.workload),
            group: format!("service:{}", service.name).into(),
            started_by: Some(Arc::clone(&deployment.id)),
            overrides: None,
            enable_execute_command: service.enable_execute_command,
            created_at: self.now,
        };
        let tags = self.propagated_tags(service, &specification);
        let task = self.launch(specification, tags);
        self.services[key.0].tasks.push(task);
        self.unsettle(key);
        task
    }

    /// The tags that a service's new task gets.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html>.
    fn propagated_tags(&self, service: &Service, specification: &TaskSpecification) -> Tags {
        let mut tags = match service.propagate_tags.as_str() {
            "SERVICE" => service.tags.clone(),
            "TASK_DEFINITION" => self
                .task_definition(&specification.task_definition.arn)
                .map(|entry| entry.tags.clone())
                .unwrap_or_default(),
            _ => Tags::default(),
        };
        if service.enable_ecs_managed_tags {
            tags.put("aws:ecs:clusterName", &service.cluster);
            tags.put("aws:ecs:serviceName", &service.name);
        }
        tags
    }

    /// The digest that a service revision has established for a container.
    pub(crate) fn established_digest(
        &self,
        specification: &TaskSpecification,
        container: &ContainerDefinition,
    ) -> Option<&Arc<str>> {
        if container.is_pinned() || !container.version_consistency {
            return None;
        }
        let service = &self.services[specification.service?.0];
        service
            .revisions
            .get(specification.revision?)?
            .digests
            .get(&container.name)
    }

    /// Keeps the digests of a revision's first pulled images.
    ///
    /// Source: "Container image resolution" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>.
    pub(crate) fn establish_digests(
        &mut self,
        specification: &TaskSpecification,
        images: &[ResolvedImage],
    ) {
        let (Some(key), Some(revision)) = (specification.service, specification.revision) else {
            return;
        };
        let Some(revision) = self.services[key.0].revisions.get_mut(revision) else {
            return;
        };
        for (container, image) in specification.task_definition.containers.iter().zip(images) {
            if !revision.digests.contains_key(&container.name) {
                revision
                    .digests
                    .insert(container.name.clone(), image.digest.as_str().into());
            }
        }
        self.wake_service(key);
    }

    /// A task is to stop: the service has less than before.
    pub(crate) fn note_stopping(&mut self, key: TaskKey) {
        if let Some((service, _)) = self.owner(key) {
            self.unsettle(service);
            self.wake_service(service);
        }
    }

    /// A task did not reach `RUNNING`: the next try waits longer each time.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html>.
    pub(crate) fn note_failed_start(&mut self, key: TaskKey, reason: &str) {
        let Some((service_key, deployment)) = self.owner(key) else {
            return;
        };
        self.say(
            service_key,
            &format!("was unable to place a task. Reason: {reason}."),
        );
        let now = self.now;
        let has_running_task = self.has_running_task(key);
        let service = &mut self.services[service_key.0];
        let Some(deployment) = deployment.and_then(|index| service.deployments.get_mut(index))
        else {
            return;
        };
        deployment.counted_failures += u32::from(!has_running_task);
        deployment.failed_tasks += 1;
        deployment.failed_starts += 1;
        deployment.updated_at = now;
        let failed_starts = deployment.failed_starts;
        let revision = deployment.revision;
        service.revisions[revision].failed_resolutions += 1;
        let retry_at = self.after(self.timings.retry_after(failed_starts));
        if let Some(deployment) = self.deployment_mut(key) {
            deployment.retry_at = Some(retry_at);
        }
        if failed_starts == IMPAIRED_AFTER {
            self.say(
                service_key,
                "is unable to consistently start tasks successfully. For more information, see \
                 the Troubleshooting section of the Amazon ECS Developer Guide.",
            );
            self.report_service_action(service_key, ServiceAction::TaskStartImpaired);
        }
    }

    /// Whether a task's deployment has another one in `RUNNING`.
    ///
    /// As long as it has, the circuit breaker counts failed health checks only.
    /// Source: "Stage 1" and "Stage 2" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>.
    fn has_running_task(&self, key: TaskKey) -> bool {
        let Some(specification) = self.tasks.get(&key).map(|task| &task.specification) else {
            return false;
        };
        let Some(service) = specification.service else {
            return false;
        };
        let tasks = self.services[service.0].tasks.iter();
        tasks.filter_map(|other| self.tasks.get(other)).any(|task| {
            task.state.last_status.is_running()
                && task.specification.started_by == specification.started_by
        })
    }

    /// A task reached `RUNNING`: whatever held up the next one is over.
    pub(crate) fn note_running(&mut self, key: TaskKey) {
        let Some((service, _)) = self.owner(key) else {
            return;
        };
        if let Some(deployment) = self.deployment_mut(key) {
            deployment.failed_starts = 0;
            deployment.retry_at = None;
        }
        self.wake_service(service);
    }

    /// A task counts as healthy: failures before it are forgotten, by the circuit
    /// breaker only if it is set so.
    ///
    /// Source: `failedTasks` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>
    /// and `resetOnHealthyTask` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentCircuitBreaker.html>.
    pub(crate) fn note_healthy(&mut self, key: TaskKey) {
        let Some((service, _)) = self.owner(key) else {
            return;
        };
        let resets = self.services[service.0]
            .ongoing()
            .is_none_or(|record| record.configuration.circuit_breaker.resets_on_healthy_task);
        if let Some(deployment) = self.deployment_mut(key) {
            deployment.failed_tasks = 0;
            if resets {
                deployment.counted_failures = 0;
            }
        }
        self.wake_service(service);
    }

    /// A task failed a health check or has drained: its service looks at it.
    pub(crate) fn note_changed(&mut self, key: TaskKey) {
        if let Some((service, _)) = self.owner(key) {
            self.wake_service(service);
        }
    }

    /// When a task's failed health checks begin to count: at the end of the
    /// grace period after its start.
    ///
    /// Source: `healthCheckGracePeriodSeconds` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>.
    pub(crate) fn grace_ends_at(
        &self,
        service: ServiceKey,
        task: &Task,
    ) -> Option<jiff::Timestamp> {
        let grace_seconds = self.services[service.0].health_check_grace_period_seconds?;
        let grace = jiff::SignedDuration::from_secs(grace_seconds.into());
        Some(crate::ecs::later(task.state.started_at?, grace))
    }

    /// Counts a failed task of a deployment.
    ///
    /// Tasks that do not reach `RUNNING` and those stopped for failing a health
    /// check count; one that reached `RUNNING` and whose container then ends does
    /// not, however soon. Source: `failedTasks` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>,
    /// and what users see: <https://github.com/aws/containers-roadmap/issues/1206>.
    pub(crate) fn count_failed(&mut self, key: TaskKey) {
        let now = self.now;
        if let Some(deployment) = self.deployment_mut(key) {
            deployment.counted_failures += 1;
            deployment.failed_tasks += 1;
            deployment.updated_at = now;
        }
    }

    /// A task is over: its service does not list it any more.
    pub(crate) fn note_stopped(&mut self, key: TaskKey) {
        let Some((service, _)) = self.owner(key) else {
            return;
        };
        self.services[service.0].tasks.retain(|task| *task != key);
        self.wake_service(service);
    }

    /// The service of a task, and the index of its deployment while there is one.
    fn owner(&self, key: TaskKey) -> Option<(ServiceKey, Option<usize>)> {
        let specification = &self.tasks.get(&key)?.specification;
        let service = specification.service?;
        let deployment = specification
            .started_by
            .as_deref()
            .and_then(|id| self.services[service.0].deployment_index(id));
        Some((service, deployment))
    }

    fn deployment_mut(&mut self, key: TaskKey) -> Option<&mut crate::deployment::Deployment> {
        let (service, deployment) = self.owner(key)?;
        self.services[service.0].deployments.get_mut(deployment?)
    }
}
