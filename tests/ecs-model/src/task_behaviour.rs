//! What a running task does by itself: its containers write, pass or fail their
//! checks, and end, as the labels of their images say.

use jiff::SignedDuration;

use crate::container::Behaviour;
use crate::ecs::{Ecs, LogLine};
use crate::task::{HealthStatus, Illness, StopCode, TaskKey, TaskStatus};
use crate::task_lifecycle::TaskStep;

impl Ecs {
    /// Writes what its containers write when they start.
    pub(crate) fn write_lines(&mut self, key: TaskKey) {
        let Some(task) = self.tasks.get(&key) else {
            return;
        };
        let definitions = &task.specification.task_definition.containers;
        for (container, lines) in definitions.iter().zip(&task.lines) {
            let Some(destination) = &container.logs else {
                continue;
            };
            let log_stream = format!(
                "{}/{}/{}",
                destination.stream_prefix, container.name, task.specification.id
            );
            self.log_lines.extend(lines.iter().map(|line| LogLine {
                log_group: destination.group.clone(),
                log_stream: log_stream.clone(),
                at: self.now,
                message: line.clone(),
            }));
        }
    }

    /// Plans what a task that has just started will do by itself.
    ///
    /// A task with a container or load balancer health check is healthy when it
    /// passes; one without is taken to be after 40 seconds in `RUNNING`.
    /// Source: `minimumHealthyPercent` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>.
    pub(crate) fn plan_behaviour(&mut self, key: TaskKey) {
        let Some(task) = self.tasks.get(&key) else {
            return;
        };
        let is_balanced = task.specification.workload.target_group().is_some();
        let is_checked = task.is_checked();
        let mut is_ill = false;
        let mut exits = Vec::new();
        let definitions = &task.specification.task_definition.containers;
        for (position, (container, behaviour)) in
            definitions.iter().zip(&task.behaviours).enumerate()
        {
            match behaviour {
                Behaviour::Healthy => {}
                Behaviour::Exit { after_seconds, .. } => {
                    exits.push((position, SignedDuration::from_secs((*after_seconds).into())));
                }
                Behaviour::Unhealthy => is_ill |= container.essential && container.has_health_check,
                Behaviour::ElbUnhealthy => is_ill |= is_balanced,
            }
        }
        for (position, after) in exits {
            self.plan(key, after, TaskStep::Exit(position));
        }
        if is_ill {
            self.plan(key, self.timings.health_check_failure, TaskStep::Fail);
        } else if is_checked {
            self.plan(key, self.timings.health_check, TaskStep::Recover);
        } else {
            self.plan(key, self.timings.unchecked_health, TaskStep::Recover);
        }
    }

    pub(crate) fn recover(&mut self, key: TaskKey) {
        let Some(task) = self.tasks.get_mut(&key).map(|task| &mut **task) else {
            return;
        };
        task.is_healthy = true;
        let definitions = &task.specification.task_definition.containers;
        for (container, state) in definitions.iter().zip(&mut task.state.containers) {
            if container.has_health_check && state.last_status.is_running() {
                state.health_status = HealthStatus::Healthy;
            }
        }
        self.note_healthy(key);
    }

    pub(crate) fn fail_check(&mut self, key: TaskKey) {
        let Some(task) = self.tasks.get_mut(&key).map(|task| &mut **task) else {
            return;
        };
        let definitions = &task.specification.task_definition.containers;
        let states = task.state.containers.iter_mut();
        for ((container, behaviour), state) in definitions.iter().zip(&task.behaviours).zip(states)
        {
            if container.has_health_check {
                let is_ill = *behaviour == Behaviour::Unhealthy;
                state.health_status = match is_ill {
                    true => HealthStatus::Unhealthy,
                    false => HealthStatus::Healthy,
                };
                if is_ill && container.essential {
                    task.illness = Some(Illness::Container);
                }
            }
        }
        if task.illness.is_none() {
            task.illness = Some(Illness::LoadBalancer);
        }
        self.note_changed(key);
    }

    /// Ends a container; if it is essential, the task stops with it.
    ///
    /// Source: `essential` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.
    pub(crate) fn exit_container(&mut self, key: TaskKey, position: usize) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(&key) else {
            return;
        };
        let Some(Behaviour::Exit { code, .. }) = task.behaviours.get(position).copied() else {
            return;
        };
        let container = &mut task.state.containers[position];
        container.last_status = TaskStatus::Stopped;
        container.exit_code = Some(code);
        let is_essential = task.specification.task_definition.containers[position].essential;
        let all_ended = task
            .state
            .containers
            .iter()
            .all(|container| container.last_status == TaskStatus::Stopped);
        if all_ended {
            task.state.execution_stopped_at = Some(now);
        }
        if is_essential && !task.state.is_stopping {
            self.stop(
                key,
                StopCode::EssentialContainerExited,
                "Essential container in task exited",
            );
        } else {
            self.report_task(key);
        }
    }
}
