//! The service scheduler: it looks at a service, starts and stops tasks towards
//! what is asked, and looks again when something changes.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_services.html>.

use std::sync::Arc;

use crate::deployment::RolloutState;
use crate::ecs::Ecs;
use crate::rolling_update::{Group, Plan, Situation, Standing, plan, plan_apart};
use crate::service::{SchedulingStrategy, Service, ServiceKey, ServiceStatus};
use crate::task::{Illness, StopCode, Task, TaskKey};

impl Ecs {
    /// Looks at a service, if it is planned for now.
    pub(crate) fn look(&mut self, key: ServiceKey) {
        let service = &mut self.services[key.0];
        if service.look_at != Some(self.now) {
            return;
        }
        service.look_at = None;
        if service.status == ServiceStatus::Inactive {
            return;
        }
        self.start_pending(key);
        self.grant_rollback(key);
        self.watch(key);
        self.progress(key);
        self.drop_replaced(key);
        let plan = self.plan_tasks(key);
        self.apply(key, &plan);
        self.settle(key);
        self.plan_next_look(key);
    }

    /// Plans what starts and stops: towards the PRIMARY deployment, or where
    /// deployments are kept apart towards what each shall have.
    ///
    /// Source: "A deployment in a FAILED state doesn't launch any new tasks" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html>.
    fn plan_tasks(&self, key: ServiceKey) -> Plan {
        let mut situation = self.situation(key);
        let Some(counts) = self.tasks_apart(key) else {
            return plan(situation);
        };
        for (group, count) in situation.groups.iter_mut().zip(counts) {
            group.desired = count;
        }
        situation.maximum = u32::MAX;
        plan_apart(situation)
    }

    /// Plans to look again when a wait is over that no other change ends: of a
    /// throttled deployment, of a stage, or of an ill task in its grace period.
    fn plan_next_look(&mut self, key: ServiceKey) {
        let service = &self.services[key.0];
        let retries = service.deployments.iter().filter_map(|one| one.retry_at);
        let ill = service
            .tasks
            .iter()
            .filter_map(|task| self.tasks.get(task))
            .filter(|task| task.illness.is_some() && !task.state.is_stopping);
        let graces = ill.filter_map(|task| self.grace_ends_at(key, task));
        let waits = retries.chain(graces).chain(self.stage_due_at(key));
        let next = waits.filter(|at| *at > self.now).min();
        if let Some(at) = next {
            self.look_at_service(key, at);
        }
    }

    /// Describes a service to the plan.
    fn situation(&self, key: ServiceKey) -> Situation {
        let service = &self.services[key.0];
        let desired = scheduled_count(service);
        let configuration = &service.deployment_configuration;
        let mut groups: Vec<Group> = service
            .deployments
            .iter()
            .map(|deployment| Group {
                desired: deployment.desired_count,
                is_completed: deployment.is_completed(),
                may_start: 0,
                tasks: Vec::new(),
            })
            .collect();
        for task_key in &service.tasks {
            let Some(task) = self.tasks.get(task_key) else {
                continue;
            };
            let deployment = task
                .specification
                .started_by
                .as_deref()
                .and_then(|id| service.deployment_index(id));
            if let Some(index) = deployment.filter(|_| !task.state.is_stopping) {
                groups[index]
                    .tasks
                    .push((*task_key, self.standing(key, task)));
            }
        }
        for (index, group) in groups.iter_mut().enumerate() {
            group.may_start = self.may_start(service, index, &group.tasks);
        }
        Situation {
            desired,
            minimum: configuration.minimum(desired),
            maximum: configuration.maximum(desired),
            groups,
        }
    }

    fn standing(&self, key: ServiceKey, task: &Task) -> Standing {
        if task.state.last_status.is_starting() {
            return Standing::Starting;
        }
        let in_grace = self
            .grace_ends_at(key, task)
            .is_some_and(|end| end > self.now);
        match task.illness {
            Some(_) if !in_grace => Standing::Unhealthy,
            Some(_) => Standing::Checking,
            None if task.is_healthy => Standing::Healthy,
            None if task.is_checked() => Standing::Checking,
            None => Standing::Waiting,
        }
    }

    /// How many tasks a deployment may start now: none where it has failed, is
    /// throttled or cannot be placed, one at a time until its digests are
    /// established.
    fn may_start(&self, service: &Service, index: usize, tasks: &[(TaskKey, Standing)]) -> u32 {
        let deployment = &service.deployments[index];
        let revision = &service.revisions[deployment.revision];
        if deployment.rollout_state == RolloutState::Failed
            || !revision.workload.is_fargate()
            || self.is_out_of_capacity
            || deployment.retry_at.is_some_and(|at| at > self.now)
        {
            return 0;
        }
        if !revision.needs_resolution() {
            return u32::MAX;
        }
        let is_resolving = tasks
            .iter()
            .any(|(_, standing)| *standing == Standing::Starting);
        u32::from(!is_resolving)
    }

    fn apply(&mut self, key: ServiceKey, plan: &Plan) {
        let service = &mut self.services[key.0];
        let mut is_emptied = false;
        for (deployment, desired) in service.deployments.iter_mut().zip(&plan.desired) {
            is_emptied |= deployment.desired_count > 0 && *desired == 0;
            deployment.desired_count = *desired;
        }
        // One without tasks is gone at the next look, which no task will bring about.
        if is_emptied {
            self.wake_service(key);
        }
        for task in &plan.unhealthy {
            self.stop_unhealthy(key, *task);
        }
        let mut stopped = Vec::new();
        for task in &plan.surplus {
            stopped.extend(self.stop_surplus(*task));
        }
        stopped.extend(
            plan.unhealthy
                .iter()
                .filter_map(|task| self.task_name(*task)),
        );
        self.say_tasks(key, "has stopped", "running tasks", &stopped);
        let mut started = Vec::new();
        for (index, count) in plan.starts.iter().enumerate() {
            for _ in 0..*count {
                let task = self.launch_for(key, index);
                started.extend(self.task_name(task));
            }
        }
        self.say_tasks(key, "has started", "tasks", &started);
        self.complain_of_capacity(key);
        self.complain(key, plan.is_blocked);
    }

    /// Says once for a deployment why it cannot go on.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html>.
    fn complain(&mut self, key: ServiceKey, is_blocked: bool) {
        let service = &mut self.services[key.0];
        let is_homeless = !service.workload.is_fargate() && scheduled_count(service) > 0;
        let complaint = match (is_blocked, is_homeless) {
            (_, true) => {
                "was unable to place a task because no container instance met all of its \
                 requirements. Reason: No Container Instances were found in your cluster."
            }
            (true, false) => {
                "was unable to stop or start tasks during a deployment because of the service \
                 deployment configuration. Update the minimumHealthyPercent or maximumPercent \
                 value and try again."
            }
            (false, false) => return,
        };
        if let Some(primary) = service
            .deployments
            .first_mut()
            .filter(|one| !one.complained)
        {
            primary.complained = true;
            self.say(key, complaint);
        }
    }

    fn stop_surplus(&mut self, task: TaskKey) -> Option<String> {
        let specification = Arc::clone(&self.tasks.get(&task)?.specification);
        let id = specification.started_by.as_deref().unwrap_or_default();
        let was_running = self.tasks.get(&task)?.state.last_status.is_running();
        self.stop(
            task,
            StopCode::ServiceSchedulerInitiated,
            &format!("Scaling activity initiated by (deployment {id})"),
        );
        was_running.then(|| specification.id.clone())
    }

    /// Stops a task for a failed health check, in ECS's words.
    fn stop_unhealthy(&mut self, key: ServiceKey, task_key: TaskKey) {
        let Some(task) = self.tasks.get(&task_key) else {
            return;
        };
        let reason = match task.illness {
            Some(Illness::LoadBalancer) => {
                let workload = Arc::clone(&task.specification.workload);
                let group = workload.target_group().unwrap_or_default();
                let port = workload.target_port().unwrap_or_default();
                self.say(
                    key,
                    &format!(
                        "(port {port}) is unhealthy in (target-group {group}) due to (reason \
                         Health checks failed with these codes: [503])."
                    ),
                );
                format!("Task failed ELB health checks in (target-group {group})")
            }
            Some(Illness::Container) | None => "Task failed container health checks".to_owned(),
        };
        self.count_failed(task_key);
        self.stop(task_key, StopCode::ServiceSchedulerInitiated, &reason);
    }

    fn task_name(&self, key: TaskKey) -> Option<String> {
        Some(self.tasks.get(&key)?.specification.id.clone())
    }

    fn say_tasks(&mut self, key: ServiceKey, verb: &str, noun: &str, ids: &[String]) {
        if ids.is_empty() {
            return;
        }
        let names: Vec<String> = ids.iter().map(|id| format!("(task {id})")).collect();
        let message = format!("{verb} {} {noun}: {}.", ids.len(), names.join(" "));
        self.say(key, &message);
    }
}

/// How many tasks a service shall have: what is asked for, or for a daemon one
/// on each container instance, of which there are none.
///
/// Source: `schedulingStrategy` at
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html>.
pub(crate) fn scheduled_count(service: &Service) -> u32 {
    match (service.status, service.scheduling_strategy) {
        (ServiceStatus::Active, SchedulingStrategy::Replica) => service.desired_count,
        (ServiceStatus::Active, SchedulingStrategy::Daemon)
        | (ServiceStatus::Draining | ServiceStatus::Inactive, _) => 0,
    }
}
