//! CreateService, UpdateService and DeleteService.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::deployment_configuration::DeploymentConfiguration;
use crate::deployment_start::needs_deployment;
use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::service::{
    DeploymentController, SchedulingStrategy, Service, ServiceKey, ServiceStatus,
};
use crate::service_check::{
    check_controller, check_deployment, check_placement, check_strategy, deployment_controller,
    desired_count, propagate_tags, scheduling_strategy,
};
use crate::service_request::{CreateService, UpdateService};
use crate::shared::Shared;
use crate::tag::Tags;
use crate::task_definition::TaskDefinition;
use crate::task_definition_document::is_name;
use crate::workload::Workload;

impl Ecs {
    /// Makes a service and its first deployment.
    ///
    /// # Errors
    ///
    /// `ClusterNotFoundException`, `ClientException` for a task definition that
    /// cannot be deployed, `InvalidParameterException` for all else.
    pub fn create_service(&mut self, input: CreateService) -> Result<&Service, ServiceError> {
        self.remember();
        let cluster = self.active_cluster(input.cluster.as_deref())?;
        if let Some(key) = self.known_service(&cluster, &input)? {
            return Ok(&self.services[key.0]);
        }
        let service = self.new_service(&cluster, input)?;
        let key = ServiceKey(self.services.len());
        self.service_names
            .entry(cluster)
            .or_default()
            .insert(Arc::clone(&service.name), key);
        self.services.push(Shared::new(service));
        self.begin_deployment(key);
        Ok(&self.services[key.0])
    }

    /// Changes a service, and starts a new deployment where that takes one.
    ///
    /// A new deployment starts when the task definition or another member of
    /// the service revision is another than before, or when it is forced.
    /// Source: "Service deployment lifecycle" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>.
    ///
    /// # Errors
    ///
    /// `ClusterNotFoundException`, `ServiceNotFoundException`,
    /// `ServiceNotActiveException`, `ClientException` for a task definition that
    /// cannot be deployed, `InvalidParameterException` for all else.
    pub fn update_service(&mut self, input: UpdateService) -> Result<&Service, ServiceError> {
        self.remember();
        let key = self
            .service_key(input.cluster.as_deref(), &input.service)?
            .ok_or_else(ServiceError::service_not_found)?;
        let service = &self.services[key.0];
        if service.status != ServiceStatus::Active {
            return Err(ServiceError::new(
                "ServiceNotActiveException",
                "Service was not ACTIVE.",
            ));
        }
        check_controller(service.deployment_controller, &input)?;
        let next = self.reconfiguration(service, &input)?;
        let starts_deployment = input.force_new_deployment
            || needs_deployment(service, next.task_definition.as_deref(), &next.workload);
        self.services[key.0].reconfigure(next, input);
        if starts_deployment {
            self.begin_deployment(key);
        } else {
            self.unsettle_if_scaled(key);
        }
        Ok(&self.services[key.0])
    }

    /// Works out what an update makes of a service, refusing what it cannot be.
    fn reconfiguration(
        &self,
        service: &Service,
        input: &UpdateService,
    ) -> Result<Reconfiguration, ServiceError> {
        let mut workload = (*service.workload).clone();
        workload.take_over(&input.workload);
        let task_definition = match (&input.task_definition, &service.task_definition) {
            (Some(reference), _) => Some(self.deployable(reference)?),
            (None, Some(current)) if input.force_new_deployment => {
                Some(self.deployable(&current.arn)?)
            }
            (None, current) => current.clone(),
        };
        check_placement(task_definition.as_deref(), &workload)?;
        Ok(Reconfiguration {
            task_definition,
            workload,
            desired_count: desired_count(input.desired_count)?,
            propagate_tags: propagate_tags(input.propagate_tags.clone())?,
            deployment_configuration: match &input.deployment_configuration {
                Some(update) => {
                    let next = service.deployment_configuration.with(update)?;
                    check_deployment(service.deployment_controller, &next)?;
                    Some(next)
                }
                None => None,
            },
        })
    }

    /// Deletes a service: it drains, and is INACTIVE when its tasks have stopped.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteService.html>.
    ///
    /// # Errors
    ///
    /// `ClusterNotFoundException`, `ServiceNotFoundException`, and
    /// `InvalidParameterException` while tasks are desired and it is not forced.
    pub fn delete_service(
        &mut self,
        cluster: Option<&str>,
        reference: &str,
        force: bool,
    ) -> Result<&Service, ServiceError> {
        self.remember();
        let key = self
            .service_key(cluster, reference)?
            .filter(|key| self.services[key.0].status != ServiceStatus::Inactive)
            .ok_or_else(ServiceError::service_not_found)?;
        let service = &mut self.services[key.0];
        let is_replica = service.scheduling_strategy == SchedulingStrategy::Replica;
        if is_replica && service.desired_count > 0 && !force {
            return Err(ServiceError::invalid_parameter(
                "The service cannot be stopped while it is scaled above 0.",
            ));
        }
        service.status = ServiceStatus::Draining;
        service.desired_count = 0;
        self.wake_service(key);
        Ok(&self.services[key.0])
    }

    /// Finds what an equal call has made before.
    ///
    /// Source: `clientToken` and `serviceName` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>.
    fn known_service(
        &self,
        cluster: &str,
        input: &CreateService,
    ) -> Result<Option<ServiceKey>, ServiceError> {
        let known = self
            .service_names
            .get(cluster)
            .and_then(|names| names.get(input.service_name.as_str()))
            .copied();
        let Some(key) = known else {
            return Ok(None);
        };
        let service = &self.services[key.0];
        match service.status {
            ServiceStatus::Inactive => Ok(None),
            ServiceStatus::Draining => Err(ServiceError::invalid_parameter(
                "Unable to Start a service that is still Draining.",
            )),
            ServiceStatus::Active
                if input.client_token.is_some() && service.client_token == input.client_token =>
            {
                Ok(Some(key))
            }
            ServiceStatus::Active => Err(ServiceError::invalid_parameter(
                "Creation of service was not idempotent.",
            )),
        }
    }

    fn new_service(
        &self,
        cluster: &Arc<str>,
        input: CreateService,
    ) -> Result<Service, ServiceError> {
        if !is_name(&input.service_name) {
            return Err(ServiceError::invalid_parameter("Invalid service name."));
        }
        let strategy = scheduling_strategy(input.scheduling_strategy.as_deref())?;
        let controller = deployment_controller(input.deployment_controller.as_ref())?;
        let workload = self.placed(cluster, input.workload);
        let task_definition = match (&input.task_definition, controller) {
            (Some(reference), _) => Some(self.deployable(reference)?),
            (None, DeploymentController::External) => None,
            (None, DeploymentController::Ecs | DeploymentController::CodeDeploy) => {
                return Err(ServiceError::client("TaskDefinition can not be blank."));
            }
        };
        check_placement(task_definition.as_deref(), &workload)?;
        check_strategy(strategy, controller, &workload, input.desired_count)?;
        let defaults = DeploymentConfiguration::defaults(strategy);
        let configuration = match &input.deployment_configuration {
            Some(update) => defaults.with(update)?,
            None => defaults,
        };
        check_deployment(controller, &configuration)?;
        let document = [
            ("placementConstraints", input.placement_constraints),
            ("placementStrategy", input.placement_strategy),
            (
                "availabilityZoneRebalancing",
                input.availability_zone_rebalancing,
            ),
        ];
        Ok(Service {
            arn: self.arns.service(cluster, &input.service_name).into(),
            cluster: Arc::clone(cluster),
            name: input.service_name.into(),
            status: ServiceStatus::Active,
            desired_count: desired_count(input.desired_count)?.unwrap_or(0),
            scheduling_strategy: strategy,
            deployment_controller: controller,
            task_definition,
            workload: Arc::new(workload),
            deployment_configuration: Arc::new(configuration),
            deployments: Vec::new(),
            revisions: Vec::new(),
            service_deployments: Vec::new(),
            messages: VecDeque::new(),
            created_at: self.now,
            health_check_grace_period_seconds: input.health_check_grace_period_seconds,
            enable_ecs_managed_tags: input.enable_ecs_managed_tags,
            propagate_tags: propagate_tags(input.propagate_tags)?.unwrap_or("NONE".to_owned()),
            enable_execute_command: input.enable_execute_command,
            document: document
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
                .collect(),
            tags: Tags::from_request(&input.tags)?,
            tasks: Vec::new(),
            completed: None,
            client_token: input.client_token,
            look_at: None,
            steady_since: None,
            is_steady: false,
        })
    }

    /// Fills in the cluster's default strategy where a request names neither
    /// launch type nor strategy.
    ///
    /// Source: `capacityProviderStrategy` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>.
    pub(crate) fn placed(&self, cluster: &str, mut workload: Workload) -> Workload {
        if workload.launch_type.is_none() && workload.capacity_provider_strategy.is_none() {
            let cluster = self.clusters.get(cluster);
            workload.capacity_provider_strategy =
                cluster.and_then(|cluster| cluster.default_capacity_provider_strategy.clone());
            if workload.capacity_provider().is_none() {
                workload.capacity_provider_strategy = None;
                workload.launch_type = Some("EC2".to_owned());
            }
        }
        workload
    }

    fn unsettle_if_scaled(&mut self, key: ServiceKey) {
        let service = &self.services[key.0];
        let is_scaled = service
            .primary()
            .is_some_and(|primary| primary.desired_count != service.desired_count);
        if is_scaled {
            self.unsettle(key);
        }
        self.wake_service(key);
    }
}

/// What an update makes of a service, checked.
struct Reconfiguration {
    task_definition: Option<Arc<TaskDefinition>>,
    workload: Workload,
    desired_count: Option<u32>,
    propagate_tags: Option<String>,
    deployment_configuration: Option<DeploymentConfiguration>,
}

impl Service {
    fn reconfigure(&mut self, next: Reconfiguration, input: UpdateService) {
        fn put<T>(own: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *own = value;
            }
        }
        self.task_definition = next.task_definition;
        self.workload = Arc::new(next.workload);
        put(&mut self.propagate_tags, next.propagate_tags);
        put(
            &mut self.deployment_configuration,
            next.deployment_configuration.map(Arc::new),
        );
        put(
            &mut self.health_check_grace_period_seconds,
            input.health_check_grace_period_seconds.map(Some),
        );
        put(
            &mut self.enable_ecs_managed_tags,
            input.enable_ecs_managed_tags,
        );
        put(
            &mut self.enable_execute_command,
            input.enable_execute_command,
        );
        let members = [
            ("placementConstraints", input.placement_constraints),
            ("placementStrategy", input.placement_strategy),
            (
                "availabilityZoneRebalancing",
                input.availability_zone_rebalancing,
            ),
        ];
        for (name, value) in members {
            if let Some(value) = value {
                self.document.retain(|(known, _)| *known != name);
                self.document.push((name, value));
            }
        }
        if let Some(desired_count) = next.desired_count {
            self.scale(desired_count);
        }
    }

    /// Changes the desired count. During a deployment what is added is added to
    /// the revision that still serves, too.
    ///
    /// Source: <https://aws.amazon.com/about-aws/whats-new/2025/11/amazon-ecs-service-availability-rolling-deployments>.
    fn scale(&mut self, desired_count: u32) {
        let added = desired_count.saturating_sub(self.desired_count);
        self.desired_count = desired_count;
        let serving = self
            .deployments
            .iter_mut()
            .skip(1)
            .find(|deployment| deployment.desired_count > 0);
        if let Some(serving) = serving {
            serving.desired_count = (serving.desired_count + added).min(desired_count);
        }
    }
}
