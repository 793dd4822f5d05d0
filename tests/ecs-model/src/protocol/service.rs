//! Services in JSON.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::deployment::show_deployments;
use super::{Answer, Page, epoch, missing, object, put, read, tag_list};
use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::identifier::uuid;
use crate::scheduler::scheduled_count;
use crate::service::{Service, ServiceStatus};
use crate::service_request::{CreateService, UpdateService};
use crate::task_definition::TaskDefinition;
use crate::workload::Workload;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DeleteService {
    cluster: Option<String>,
    service: String,
    force: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeServices {
    cluster: Option<String>,
    services: Vec<String>,
    include: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListServices {
    cluster: Option<String>,
    launch_type: Option<String>,
    scheduling_strategy: Option<String>,
    #[serde(flatten)]
    page: Page,
}

pub(super) fn create(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: CreateService = read(request)?;
    let service = ecs.create_service(input)?.clone();
    Ok(json!({"service": show(ecs, &service, true)}))
}

pub(super) fn update(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: UpdateService = read(request)?;
    require_name(&input.service)?;
    let service = ecs.update_service(input)?.clone();
    Ok(json!({"service": show(ecs, &service, true)}))
}

pub(super) fn delete(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: DeleteService = read(request)?;
    require_name(&input.service)?;
    let service = ecs
        .delete_service(input.cluster.as_deref(), &input.service, input.force)?
        .clone();
    Ok(json!({"service": show(ecs, &service, true)}))
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServices.html>.
pub(super) fn describe(ecs: &Ecs, request: &Value) -> Answer {
    let input: DescribeServices = read(request)?;
    let cluster = ecs.active_cluster(input.cluster.as_deref())?;
    if input.services.is_empty() {
        return Err(ServiceError::invalid_parameter("Services cannot be empty."));
    }
    if input.services.len() > 10 {
        return Err(ServiceError::invalid_parameter(
            "Services cannot have more than 10 elements.",
        ));
    }
    let with_tags = input.include.iter().any(|field| field == "TAGS");
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for reference in &input.services {
        match ecs.service(Some(&cluster), reference)? {
            Some(service) => services.push(show(ecs, service, with_tags)),
            None if reference.starts_with("arn:") => failures.push(missing(reference)),
            None => failures.push(missing(&ecs.arns.service(&cluster, reference))),
        }
    }
    Ok(json!({"services": services, "failures": failures}))
}

/// Lists the services that were not deleted.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServices.html>,
/// which shows ten a page where nothing is said.
pub(super) fn list(ecs: &Ecs, request: &Value) -> Answer {
    let input: ListServices = read(request)?;
    let cluster = ecs.active_cluster(input.cluster.as_deref())?;
    let is =
        |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|one| one == value);
    let arns = ecs
        .services(&cluster)
        .filter(|service| service.status == ServiceStatus::Active)
        .filter(|service| is(&input.launch_type, launch_type(&service.workload)))
        .filter(|service| {
            is(
                &input.scheduling_strategy,
                service.scheduling_strategy.as_str(),
            )
        })
        .map(|service| json!(&*service.arn))
        .collect();
    input.page.cut("serviceArns", arns, 10)
}

fn require_name(service: &str) -> Result<(), ServiceError> {
    if service.is_empty() {
        return Err(ServiceError::invalid_parameter("Service can not be blank."));
    }
    Ok(())
}

fn launch_type(workload: &Workload) -> &str {
    match workload.capacity_provider() {
        Some(_) => "FARGATE",
        None => workload.launch_type.as_deref().unwrap_or("EC2"),
    }
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html>.
fn show(ecs: &Ecs, service: &Service, with_tags: bool) -> Value {
    let counts = ecs.task_counts(service, None);
    let mut document = object([
        ("serviceArn", json!(&*service.arn)),
        ("serviceName", json!(&*service.name)),
        ("clusterArn", json!(ecs.arns.cluster(&service.cluster))),
        ("loadBalancers", json!([])),
        ("serviceRegistries", json!([])),
        ("status", json!(service.status.as_str())),
        ("desiredCount", json!(shown_count(service))),
        ("runningCount", json!(counts.running)),
        ("pendingCount", json!(counts.pending)),
        (
            "deploymentConfiguration",
            json!(service.deployment_configuration.document),
        ),
        ("events", messages(service)),
        ("createdAt", epoch(service.created_at)),
        ("createdBy", json!(ecs.arns.caller())),
        (
            "schedulingStrategy",
            json!(service.scheduling_strategy.as_str()),
        ),
        (
            "deploymentController",
            json!({"type": service.deployment_controller.as_str()}),
        ),
        (
            "enableECSManagedTags",
            json!(service.enable_ecs_managed_tags),
        ),
        ("propagateTags", json!(service.propagate_tags)),
        (
            "enableExecuteCommand",
            json!(service.enable_execute_command),
        ),
        ("placementConstraints", json!([])),
        ("placementStrategy", json!([])),
        ("availabilityZoneRebalancing", json!("ENABLED")),
    ]);
    let definition = service.task_definition.as_deref();
    put(
        &mut document,
        "taskDefinition",
        definition.map(|definition| json!(&*definition.arn)),
    );
    put(
        &mut document,
        "healthCheckGracePeriodSeconds",
        service
            .health_check_grace_period_seconds
            .map(|seconds| json!(seconds)),
    );
    let is_awsvpc = definition.is_some_and(TaskDefinition::is_awsvpc);
    put(
        &mut document,
        "roleArn",
        is_awsvpc.then(|| json!(ecs.arns.service_linked_role())),
    );
    show_workload(&mut document, &service.workload, "LATEST");
    for (name, value) in &service.document {
        document.insert((*name).to_owned(), value.clone());
    }
    show_deployments(ecs, service, &mut document);
    put(
        &mut document,
        "tags",
        (with_tags && !service.tags.is_empty()).then(|| tag_list(&service.tags)),
    );
    Value::Object(document)
}

/// A daemon's desired count is what the scheduler makes it.
fn shown_count(service: &Service) -> u32 {
    match service.status {
        ServiceStatus::Active => scheduled_count(service),
        ServiceStatus::Draining | ServiceStatus::Inactive => 0,
    }
}

fn messages(service: &Service) -> Value {
    service
        .messages
        .iter()
        .map(|message| {
            json!({
                "id": uuid(message.id),
                "createdAt": epoch(message.created_at),
                "message": message.message,
            })
        })
        .collect()
}

/// Shows what a service or revision runs besides its task definition.
pub(super) fn show_workload(
    document: &mut Map<String, Value>,
    workload: &Workload,
    platform_version: &str,
) {
    let lists = [
        (
            "capacityProviderStrategy",
            &workload.capacity_provider_strategy,
        ),
        ("loadBalancers", &workload.load_balancers),
        ("serviceRegistries", &workload.service_registries),
        ("volumeConfigurations", &workload.volume_configurations),
        (
            "vpcLatticeConfigurations",
            &workload.vpc_lattice_configurations,
        ),
    ];
    for (key, list) in lists {
        put(document, key, list.as_ref().map(|list| json!(list)));
    }
    let structures = [
        ("networkConfiguration", &workload.network_configuration),
        (
            "serviceConnectConfiguration",
            &workload.service_connect_configuration,
        ),
    ];
    for (key, structure) in structures {
        put(document, key, structure.as_ref().map(|one| json!(one)));
    }
    put(
        document,
        "launchType",
        workload.launch_type.as_ref().map(|kind| json!(kind)),
    );
    if workload.is_fargate() {
        let version = workload
            .platform_version
            .as_deref()
            .filter(|version| *version != "LATEST")
            .unwrap_or(platform_version);
        document.insert("platformVersion".to_owned(), json!(version));
        document.insert("platformFamily".to_owned(), json!("Linux"));
    }
}
