//! What a service's owner does with its deployments, and sees of them.

use ecs_model::{
    HookAction, HookStatus, RolloutState, ServiceDeployment, ServiceDeploymentStatus, TaskKey,
    UpdateService,
};
use pushboat::core::policy::ServiceRef;
use serde_json::Value;

use crate::deeds::Deed;
use crate::ecs::Ecs;

impl Ecs {
    /// Changes how a service is deployed from now on.
    ///
    /// # Panics
    ///
    /// If ECS refuses it.
    pub fn configure(&self, service: &ServiceRef, configuration: &Value) {
        self.update(service, |update| {
            update.deployment_configuration = configuration.as_object().cloned();
        });
    }

    /// Stops a service's deployment by the plain AWS CLI.
    ///
    /// # Panics
    ///
    /// If none is going on.
    pub fn stop(&self, service: &ServiceRef) {
        let arn = self.latest(service, |record| record.arn.to_string());
        let mut model = self.model();
        model
            .stop_service_deployment(&arn, None)
            .expect("a deployment is going on");
    }

    /// Stops a service's latest deployment by the plain AWS CLI, if it goes on; says whether it did.
    #[must_use]
    pub fn stop_by_hand(&self, service: &ServiceRef) -> bool {
        let going_on = {
            let model = self.read();
            let found = model.service(Some(&service.cluster), &service.name);
            let found = found.ok().flatten();
            found.and_then(|found| {
                let record = found.service_deployments.last()?;
                let of = |index: &usize| found.revisions[*index].task_definition.arn.to_string();
                let sources = record.sources.iter().map(of).collect();
                let goes_on = match record.status {
                    ServiceDeploymentStatus::Pending | ServiceDeploymentStatus::InProgress => true,
                    ServiceDeploymentStatus::StopRequested
                    | ServiceDeploymentStatus::Stopped
                    | ServiceDeploymentStatus::Successful
                    | ServiceDeploymentStatus::RollbackRequested
                    | ServiceDeploymentStatus::RollbackInProgress
                    | ServiceDeploymentStatus::RollbackSuccessful
                    | ServiceDeploymentStatus::RollbackFailed => false,
                };
                goes_on.then(|| (record.arn.to_string(), of(&record.target), sources))
            })
        };
        let Some((arn, revision, sources)) = going_on else {
            return false;
        };
        let stopped = self.model().stop_service_deployment(&arn, None).is_ok();
        if stopped {
            self.deeds.note(Deed::SomebodyStopped {
                at: self.now(),
                service: service.clone(),
                revision,
                sources,
            });
        }
        stopped
    }

    /// Says whether ECS gave a service's latest deployment up.
    #[must_use]
    pub fn has_failed(&self, service: &ServiceRef) -> bool {
        self.latest(service, |record| record.failure.is_some())
    }

    /// Says at which hook a service's deployment waits for a person.
    #[must_use]
    pub fn paused_hook(&self, service: &ServiceRef) -> Option<String> {
        self.latest(service, |record| {
            let mut hooks = record.lifecycle.iter().flat_map(|one| &one.hooks);
            let waits = hooks.find(|hook| hook.status == HookStatus::AwaitingAction);
            waits.map(|hook| hook.id.to_string())
        })
    }

    /// Lets a service's deployment go on.
    ///
    /// # Panics
    ///
    /// If it does not wait at a hook.
    pub fn go_on(&self, service: &ServiceRef) {
        let answered = self.answer_hook(service, HookAction::Continue);
        assert!(answered, "it waits at a hook");
    }

    /// Answers the pause at which a service's deployment waits; says whether it waits at one.
    #[must_use]
    pub fn answer_hook(&self, service: &ServiceRef, action: HookAction) -> bool {
        let waiting = {
            let model = self.read();
            let found = model.service(Some(&service.cluster), &service.name);
            let latest = found.ok().flatten();
            latest
                .and_then(|one| one.service_deployments.last())
                .and_then(|record| {
                    let mut hooks = record.lifecycle.iter().flat_map(|one| &one.hooks);
                    let hook = hooks.find(|hook| hook.status == HookStatus::AwaitingAction)?;
                    Some((record.arn.clone(), hook.id.clone()))
                })
        };
        let Some((arn, hook)) = waiting else {
            return false;
        };
        let mut model = self.model();
        let answered = model.continue_service_deployment(&arn, &hook, action);
        answered.is_ok()
    }

    /// Says whether a service has one deployment only, which is done.
    ///
    /// # Panics
    ///
    /// If there is no such service.
    #[must_use]
    pub fn is_settled(&self, service: &ServiceRef) -> bool {
        let model = self.read();
        let found = model.service(Some(&service.cluster), &service.name);
        let found = found
            .expect("the cluster exists")
            .expect("the service exists");
        let deployments = &found.deployments;
        deployments.len() == 1 && deployments[0].rollout_state == RolloutState::Completed
    }

    /// Gives the ids of a service's running tasks.
    ///
    /// # Panics
    ///
    /// If there is no such service.
    #[must_use]
    pub fn running_tasks(&self, service: &ServiceRef) -> Vec<String> {
        let mut model = self.model();
        let request =
            serde_json::json!({ "cluster": service.cluster, "serviceName": service.name });
        let now = model.now();
        let answer = model.call("ListTasks", &request, now, self.registry());
        let answer = answer.expect("the cluster exists");
        let arns = answer["taskArns"].as_array().into_iter().flatten();
        let mut tasks: Vec<String> = arns.filter_map(Value::as_str).map(str::to_owned).collect();
        tasks.sort();
        tasks
    }

    /// Gives a service's tasks that are not told to stop, the oldest first.
    #[must_use]
    pub fn tasks(&self, service: &ServiceRef) -> Vec<TaskKey> {
        let model = self.read();
        let group = format!("service:{}", service.name);
        let tasks = model.tasks(&service.cluster);
        let ours = tasks
            .filter(|(_, task)| *task.specification.group == *group && !task.state.is_stopping);
        ours.map(|(key, _)| key).collect()
    }

    /// Does what Application Auto Scaling does to bring a service to a number of
    /// tasks; answers whether it does anything.
    ///
    /// It turns scale-in off while a deployment is in progress, and goes on to
    /// scale out. Source: "Service auto scaling and deployments" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html>.
    /// A service that its owner scaled to zero has a minimum of zero, and no
    /// metric by which it would be scaled out.
    #[must_use]
    pub fn autoscale(&self, service: &ServiceRef, capacity: u32) -> bool {
        let is_deploying = !self.is_settled_or_gone(service);
        let desired = self.truth(service).map_or(0, |truth| truth.desired);
        let scales_in = capacity < desired;
        if desired == 0 || capacity == desired || (scales_in && is_deploying) {
            return false;
        }
        self.note_wanted(service);
        let input = UpdateService {
            cluster: Some(service.cluster.clone()),
            service: service.name.clone(),
            desired_count: Some(capacity.into()),
            ..UpdateService::default()
        };
        self.model().update_service(input).is_ok()
    }

    /// Says whether a service has one deployment only, which is done, or there is none.
    #[must_use]
    pub fn is_settled_or_gone(&self, service: &ServiceRef) -> bool {
        let truth = self.truth(service);
        let primary = truth.as_ref().and_then(|truth| truth.primary.as_ref());
        truth.as_ref().is_none_or(|truth| truth.deployments == 1)
            && primary.is_none_or(|primary| primary.completed)
    }

    fn latest<T>(&self, service: &ServiceRef, read: impl FnOnce(&ServiceDeployment) -> T) -> T {
        let model = self.read();
        let found = model.service(Some(&service.cluster), &service.name);
        let found = found
            .expect("the cluster exists")
            .expect("the service exists");
        let latest = found.service_deployments.last();
        read(latest.expect("it was deployed"))
    }
}
