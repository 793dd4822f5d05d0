//! What CreateService and UpdateService refuse.

use serde_json::Value;

use crate::deployment_configuration::DeploymentConfiguration;
use crate::deployment_strategy::DeploymentStrategy;
use crate::error::ServiceError;
use crate::service::{DeploymentController, SchedulingStrategy};
use crate::service_request::UpdateService;
use crate::task_definition::TaskDefinition;
use crate::workload::Workload;

/// How many tasks a service may have.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>.
const MOST_TASKS: i64 = 5_000;

/// Reads a desired count.
pub(crate) fn desired_count(count: Option<i64>) -> Result<Option<u32>, ServiceError> {
    match count {
        None => Ok(None),
        Some(count @ 0..=MOST_TASKS) => Ok(u32::try_from(count).ok()),
        Some(_) => Err(ServiceError::invalid_parameter(format!(
            "Desired count must be between 0 and {MOST_TASKS}."
        ))),
    }
}

/// Reads `propagateTags`.
pub(crate) fn propagate_tags(value: Option<String>) -> Result<Option<String>, ServiceError> {
    match value.as_deref() {
        None | Some("SERVICE" | "TASK_DEFINITION" | "NONE") => Ok(value),
        Some(other) => Err(ServiceError::invalid_parameter(format!(
            "Invalid propagateTags: {other}."
        ))),
    }
}

/// Reads `schedulingStrategy`.
pub(crate) fn scheduling_strategy(value: Option<&str>) -> Result<SchedulingStrategy, ServiceError> {
    match value {
        None | Some("REPLICA") => Ok(SchedulingStrategy::Replica),
        Some("DAEMON") => Ok(SchedulingStrategy::Daemon),
        Some(other) => Err(ServiceError::invalid_parameter(format!(
            "Invalid schedulingStrategy: {other}."
        ))),
    }
}

/// Reads `deploymentController`.
pub(crate) fn deployment_controller(
    value: Option<&Value>,
) -> Result<DeploymentController, ServiceError> {
    match value.map_or(Some("ECS"), |controller| controller["type"].as_str()) {
        Some("ECS") => Ok(DeploymentController::Ecs),
        Some("CODE_DEPLOY") => Ok(DeploymentController::CodeDeploy),
        Some("EXTERNAL") => Ok(DeploymentController::External),
        _ => Err(ServiceError::invalid_parameter(
            "Invalid deploymentController type.",
        )),
    }
}

/// Checks that a task definition can run where it is asked to.
///
/// Source: `launchType` and `networkConfiguration` at
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>.
pub(crate) fn check_placement(
    task_definition: Option<&TaskDefinition>,
    workload: &Workload,
) -> Result<(), ServiceError> {
    let Some(definition) = task_definition else {
        return Ok(());
    };
    if workload.is_fargate() && !definition.supports_fargate() {
        return Err(ServiceError::invalid_parameter(
            "Task definition does not support launch_type FARGATE.",
        ));
    }
    if definition.is_awsvpc() && workload.network_configuration.is_none() {
        return Err(ServiceError::invalid_parameter(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    }
    Ok(())
}

/// Checks what a scheduling strategy goes with.
///
/// Source: `schedulingStrategy` at
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>:
/// no DAEMON on Fargate, nor with the CODE_DEPLOY or EXTERNAL controllers; a
/// REPLICA service names its desired count.
pub(crate) fn check_strategy(
    strategy: SchedulingStrategy,
    controller: DeploymentController,
    workload: &Workload,
    desired_count: Option<i64>,
) -> Result<(), ServiceError> {
    match (strategy, controller) {
        (SchedulingStrategy::Daemon, _) if workload.is_fargate() => {
            Err(ServiceError::invalid_parameter(
                "Tasks using the Fargate launch type don't support the DAEMON scheduling strategy.",
            ))
        }
        (
            SchedulingStrategy::Daemon,
            DeploymentController::CodeDeploy | DeploymentController::External,
        ) => Err(ServiceError::invalid_parameter(format!(
            "The DAEMON scheduling strategy is not supported with the {} deployment controller.",
            controller.as_str()
        ))),
        (
            SchedulingStrategy::Replica,
            DeploymentController::Ecs | DeploymentController::CodeDeploy,
        ) if desired_count.is_none() => Err(ServiceError::invalid_parameter(
            "DesiredCount must be specified for REPLICA services.",
        )),
        (SchedulingStrategy::Daemon | SchedulingStrategy::Replica, _) => Ok(()),
    }
}

/// Checks that a service can be deployed as it is asked to.
///
/// Source: "deploymentController set to ECS" at
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html>
/// for one of the strategies; the others and hooks are taken to be the same.
pub(crate) fn check_deployment(
    controller: DeploymentController,
    configuration: &DeploymentConfiguration,
) -> Result<(), ServiceError> {
    let is_plain = configuration.strategy == DeploymentStrategy::Rolling
        && configuration.lifecycle_hooks.is_empty();
    if is_plain || controller == DeploymentController::Ecs {
        return Ok(());
    }
    Err(ServiceError::invalid_parameter(format!(
        "Deployment strategies and lifecycle hooks are not valid with the {} deployment controller.",
        controller.as_str()
    )))
}

/// Refuses what a service's controller does not let UpdateService change.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>:
/// with CODE_DEPLOY only the desired count, the deployment configuration, the
/// grace period, placement, managed tags and propagated tags; with EXTERNAL the
/// same but for the deployment configuration.
pub(crate) fn check_controller(
    controller: DeploymentController,
    update: &UpdateService,
) -> Result<(), ServiceError> {
    if update.deployment_controller.is_some()
        && deployment_controller(update.deployment_controller.as_ref())? != controller
    {
        return Err(ServiceError::unsupported(
            "The local model of ECS does not change a service's deployment controller.",
        ));
    }
    let instead = match controller {
        DeploymentController::Ecs => return Ok(()),
        DeploymentController::CodeDeploy => "Use AWS CodeDeploy to trigger a new deployment.",
        DeploymentController::External => "Use CreateTaskSet to trigger a new deployment.",
    };
    let with = format!(
        "on services with a {} deployment controller. {instead}",
        controller.as_str()
    );
    let workload = &update.workload;
    let refused = if update.task_definition.is_some() {
        Some("update task definition")
    } else if workload.network_configuration.is_some() || workload.platform_version.is_some() {
        Some("update network parameters")
    } else if workload.load_balancers.is_some() || workload.service_registries.is_some() {
        Some("update load balancers")
    } else if controller == DeploymentController::External
        && update.deployment_configuration.is_some()
    {
        Some("update deployment configuration")
    } else {
        None
    };
    if update.force_new_deployment {
        return Err(ServiceError::invalid_parameter(format!(
            "Cannot force a new deployment {with}"
        )));
    }
    match refused {
        Some(what) => Err(ServiceError::invalid_parameter(format!(
            "Unable to {what} {with}"
        ))),
        None => Ok(()),
    }
}
