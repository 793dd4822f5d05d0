//! The life of a task, step by step.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html>.
//! Every task takes all steps; what AWS skips where there is nothing to do (such
//! as deregistering targets that do not exist) takes its time here all the same.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::agenda::Due;
use crate::container::{cannot_pull, pin};
use crate::ecs::Ecs;
use crate::registry::{Registry, ResolvedImage};
use crate::shared::Shared;
use crate::tag::Tags;
use crate::task::{
    ContainerState, HealthStatus, StopCode, Task, TaskKey, TaskSpecification, TaskState, TaskStatus,
};

/// What a container ends with that was told to end and did not handle it.
const TERMINATED: i32 = 143;

/// A step that a task takes by itself when its time has come. One that does not
/// fit the task's status any more does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TaskStep {
    Pend,
    Activate,
    Pull,
    Run,
    /// The container at this position ends.
    Exit(usize),
    /// Its health checks pass, or it has run for long enough without one.
    Recover,
    /// It has failed a health check as often as it may.
    Fail,
    /// Fargate Spot's notice is over.
    Reclaim,
    Stop,
    Deprovision,
    End,
    Forget,
}

impl Ecs {
    /// Starts a task.
    pub(crate) fn launch(&mut self, specification: TaskSpecification, tags: Tags) -> TaskKey {
        self.last_task += 1;
        let key = TaskKey(self.last_task);
        let container = ContainerState {
            last_status: TaskStatus::Pending,
            image_digest: None,
            exit_code: None,
            reason: None,
            health_status: HealthStatus::Unknown,
        };
        let containers = vec![container; specification.task_definition.containers.len()];
        let task = Task {
            state: TaskState {
                last_status: TaskStatus::Provisioning,
                is_stopping: false,
                version: 0,
                updated_at: self.now,
                connectivity_at: None,
                pull_started_at: None,
                pull_stopped_at: None,
                started_at: None,
                stopping_at: None,
                execution_stopped_at: None,
                stopped_at: None,
                stop_code: None,
                stopped_reason: None,
                containers,
            },
            specification: Arc::new(specification),
            tags,
            behaviours: Vec::new(),
            lines: Vec::new(),
            is_healthy: false,
            illness: None,
        };
        self.task_ids.insert(task.specification.id.clone(), key);
        self.tasks.insert(key, Shared::new(task));
        self.plan(key, self.timings.provisioning, TaskStep::Pend);
        self.report_task(key);
        key
    }

    /// Takes a step that is due.
    pub(crate) fn step(&mut self, key: TaskKey, step: TaskStep, registry: &dyn Registry) {
        let Some(task) = self.tasks.get(&key) else {
            return;
        };
        let status = task.state.last_status;
        match (step, status) {
            (TaskStep::Pend, TaskStatus::Provisioning) => {
                self.enter(key, TaskStatus::Pending);
                self.plan(key, self.timings.pending, TaskStep::Activate);
            }
            (TaskStep::Activate, TaskStatus::Pending) => {
                self.enter(key, TaskStatus::Activating);
                self.plan(key, self.timings.pulling, TaskStep::Pull);
            }
            (TaskStep::Pull, TaskStatus::Activating) => self.pull(key, registry),
            (TaskStep::Run, TaskStatus::Activating) => self.run(key),
            (TaskStep::Exit(container), _) if status.is_executing() => {
                self.exit_container(key, container);
            }
            (TaskStep::Recover, TaskStatus::Running) => self.recover(key),
            (TaskStep::Fail, TaskStatus::Running) => self.fail_check(key),
            (TaskStep::Reclaim, TaskStatus::Running) => self.deactivate(key),
            (TaskStep::Stop, TaskStatus::Deactivating) => {
                self.enter(key, TaskStatus::Stopping);
                self.plan(key, self.timings.stopping, TaskStep::Deprovision);
                self.note_changed(key);
            }
            (TaskStep::Deprovision, TaskStatus::Stopping) => self.deprovision(key),
            (TaskStep::End, TaskStatus::Deprovisioning) => self.end(key),
            (TaskStep::Forget, TaskStatus::Stopped) => {
                if let Some(task) = self.tasks.remove(&key) {
                    self.task_ids.remove(&task.specification.id);
                }
            }
            _ => {}
        }
    }

    /// Tells a task to stop; a second time changes nothing.
    pub(crate) fn stop(&mut self, key: TaskKey, code: StopCode, reason: &str) {
        let Some(was_running) = self.mark_stopping(key, code, reason) else {
            return;
        };
        if was_running {
            self.deactivate(key);
        } else {
            self.deprovision(key);
        }
        self.note_stopping(key);
    }

    /// Notes that a task shall stop, and why; answers whether it runs, and
    /// nothing where it shall stop already.
    pub(crate) fn mark_stopping(
        &mut self,
        key: TaskKey,
        code: StopCode,
        reason: &str,
    ) -> Option<bool> {
        let now = self.now;
        let task = self.tasks.get_mut(&key)?;
        if task.state.is_stopping {
            return None;
        }
        task.state.is_stopping = true;
        task.state.stop_code = Some(code);
        task.state.stopped_reason = Some(reason.into());
        task.state.stopping_at = Some(now);
        Some(task.state.last_status.is_running())
    }

    fn deactivate(&mut self, key: TaskKey) {
        self.enter(key, TaskStatus::Deactivating);
        self.plan(key, self.timings.deactivating, TaskStep::Stop);
    }

    /// Moves a task to a status and reports it.
    fn enter(&mut self, key: TaskKey, status: TaskStatus) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(&key) else {
            return;
        };
        let state = &mut task.state;
        state.last_status = status;
        match status {
            TaskStatus::Pending => state.connectivity_at = Some(now),
            TaskStatus::Activating => state.pull_started_at = Some(now),
            TaskStatus::Running => state.started_at = Some(now),
            TaskStatus::Stopped => state.stopped_at = Some(now),
            TaskStatus::Provisioning
            | TaskStatus::Deactivating
            | TaskStatus::Stopping
            | TaskStatus::Deprovisioning => {}
        }
        self.report_task(key);
    }

    /// Pulls every image of a task, or fails to start it.
    ///
    /// Images are pulled while the task is `ACTIVATING`; the architecture that
    /// the task definition names picks the image of an index. Source: the
    /// life cycle page, and
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-arm64.html>.
    fn pull(&mut self, key: TaskKey, registry: &dyn Registry) {
        let Some(task) = self.tasks.get(&key) else {
            return;
        };
        let specification = Arc::clone(&task.specification);
        match self.resolve_images(&specification, registry) {
            Ok(images) => {
                self.establish_digests(&specification, &images);
                let now = self.now;
                if let Some(task) = self.tasks.get_mut(&key) {
                    task.state.pull_stopped_at = Some(now);
                    task.take_images(images);
                }
                self.plan(key, self.timings.activating, TaskStep::Run);
            }
            Err((position, reason)) => self.fail_to_start(key, position, &reason),
        }
    }

    fn resolve_images(
        &self,
        specification: &TaskSpecification,
        registry: &dyn Registry,
    ) -> Result<Vec<ResolvedImage>, (usize, String)> {
        let platform = &specification.task_definition.platform;
        let containers = specification.task_definition.containers.iter();
        containers
            .enumerate()
            .map(|(position, container)| {
                let digest = self.established_digest(specification, container);
                let resolved = match digest {
                    Some(digest) => {
                        registry.resolve(&pin(&container.image, digest), Some(platform))
                    }
                    None => registry.resolve(&container.image, Some(platform)),
                };
                resolved.map_err(|error| {
                    let reference = match digest {
                        Some(digest) => format!("{}@{digest}", container.image),
                        None => container.image.clone(),
                    };
                    (position, cannot_pull(error, &reference, platform))
                })
            })
            .collect()
    }

    fn fail_to_start(&mut self, key: TaskKey, position: usize, reason: &str) {
        if let Some(task) = self.tasks.get_mut(&key)
            && let Some(container) = task.state.containers.get_mut(position)
        {
            container.reason = Some(reason.into());
        }
        self.stop(key, StopCode::TaskFailedToStart, reason);
        self.note_failed_start(key, reason);
    }

    fn run(&mut self, key: TaskKey) {
        let Some(task) = self.tasks.get_mut(&key) else {
            return;
        };
        for container in &mut task.state.containers {
            container.last_status = TaskStatus::Running;
        }
        self.enter(key, TaskStatus::Running);
        self.write_lines(key);
        self.plan_behaviour(key);
        self.note_running(key);
    }

    fn deprovision(&mut self, key: TaskKey) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(&key) else {
            return;
        };
        let has_run = task.state.started_at.is_some();
        for container in &mut task.state.containers {
            if container.last_status != TaskStatus::Stopped {
                container.last_status = TaskStatus::Stopped;
                container.exit_code = has_run.then_some(TERMINATED);
            }
        }
        if has_run {
            task.state.execution_stopped_at.get_or_insert(now);
        }
        self.enter(key, TaskStatus::Deprovisioning);
        self.plan(key, self.timings.deprovisioning, TaskStep::End);
    }

    fn end(&mut self, key: TaskKey) {
        self.enter(key, TaskStatus::Stopped);
        self.note_stopped(key);
        self.plan(key, self.timings.stopped_task_retention, TaskStep::Forget);
    }

    pub(crate) fn plan(&mut self, key: TaskKey, after: SignedDuration, step: TaskStep) {
        let at = self.after(after);
        self.agenda.put(at, Due::Task(key, step));
    }
}
