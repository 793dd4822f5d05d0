//! Tasks in JSON, for answers and for events.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Dates, Page, missing, object, put, read, tag_list};
use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::identifier::number_of;
use crate::network::NetworkInterface;
use crate::standalone_task::RunTask;
use crate::task::{ContainerState, Task, TaskKey, TaskSpecification, TaskState};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StopTask {
    cluster: Option<String>,
    task: String,
    reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeTasks {
    cluster: Option<String>,
    tasks: Vec<String>,
    include: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListTasks {
    cluster: Option<String>,
    family: Option<String>,
    service_name: Option<String>,
    started_by: Option<String>,
    desired_status: Option<String>,
    launch_type: Option<String>,
    container_instance: Option<String>,
    #[serde(flatten)]
    page: Page,
}

pub(super) fn run(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: RunTask = read(request)?;
    let keys = ecs.run_task(input)?;
    let tasks: Vec<Value> = keys
        .iter()
        .filter_map(|key| show(ecs, *key, true))
        .collect();
    Ok(json!({"tasks": tasks, "failures": []}))
}

pub(super) fn stop(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: StopTask = read(request)?;
    let key = ecs.stop_task(
        input.cluster.as_deref(),
        &input.task,
        input.reason.as_deref(),
    )?;
    Ok(json!({"task": show(ecs, key, true)}))
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html>.
pub(super) fn describe(ecs: &Ecs, request: &Value) -> Answer {
    let input: DescribeTasks = read(request)?;
    let cluster = ecs.active_cluster(input.cluster.as_deref())?;
    if input.tasks.is_empty() {
        return Err(ServiceError::invalid_parameter("Tasks cannot be empty."));
    }
    if input.tasks.len() > 100 {
        return Err(ServiceError::invalid_parameter(
            "Tasks cannot have more than 100 elements.",
        ));
    }
    let with_tags = input.include.iter().any(|field| field == "TAGS");
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for reference in &input.tasks {
        let key = ecs.task_key(&cluster, reference);
        match key.and_then(|key| show(ecs, key, with_tags)) {
            Some(task) => tasks.push(task),
            None if reference.starts_with("arn:") => failures.push(missing(reference)),
            None => failures.push(missing(&ecs.arns.task(&cluster, reference))),
        }
    }
    Ok(json!({"tasks": tasks, "failures": failures}))
}

/// Lists the tasks that shall run, or those that shall not.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html>.
/// It says that `startedBy` goes with no other filter; the desired status, which
/// always has a value, is not counted as one here.
pub(super) fn list(ecs: &Ecs, request: &Value) -> Answer {
    let input: ListTasks = read(request)?;
    let cluster = ecs.active_cluster(input.cluster.as_deref())?;
    let others = [
        &input.family,
        &input.service_name,
        &input.launch_type,
        &input.container_instance,
    ];
    if input.started_by.is_some() && others.iter().any(|filter| filter.is_some()) {
        return Err(ServiceError::invalid_parameter(
            "startedBy must be the only filter that is used.",
        ));
    }
    let service = match &input.service_name {
        None => None,
        Some(name) => Some(
            ecs.service_key(Some(&cluster), name)?
                .ok_or_else(ServiceError::service_not_found)?,
        ),
    };
    let wants_stopping = match input.desired_status.as_deref() {
        None | Some("RUNNING") => Some(false),
        Some("STOPPED") => Some(true),
        Some("PENDING") => None,
        Some(other) => {
            return Err(ServiceError::invalid_parameter(format!(
                "Invalid desiredStatus: {other}."
            )));
        }
    };
    let arns = ecs
        .tasks(&cluster)
        .map(|(_, task)| task)
        .filter(|task| wants_stopping == Some(task.state.is_stopping))
        .filter(|task| service.is_none() || task.specification.service == service)
        .filter(|task| is_listed(task, &input))
        .map(|task| json!(&*task.specification.arn))
        .collect();
    input.page.cut("taskArns", arns, 100)
}

fn is_listed(task: &Task, input: &ListTasks) -> bool {
    let specification = &task.specification;
    let is = |wanted: &Option<String>, value: Option<&str>| {
        wanted.is_none() || wanted.as_deref() == value
    };
    is(&input.family, Some(&specification.task_definition.family))
        && is(&input.started_by, specification.started_by.as_deref())
        && is(&input.launch_type, Some("FARGATE"))
        && input.container_instance.is_none()
}

fn show(ecs: &Ecs, key: TaskKey, with_tags: bool) -> Option<Value> {
    let task = ecs.task(key)?;
    let mut document = task_document(ecs, &task.specification, &task.state, Dates::Epoch);
    document.insert(
        "healthStatus".to_owned(),
        json!(task.health_status().as_str()),
    );
    document.insert("platformFamily".to_owned(), json!("Linux"));
    document.insert(
        "tags".to_owned(),
        match with_tags {
            true => tag_list(&task.tags),
            false => json!([]),
        },
    );
    Some(Value::Object(document))
}

/// Shows a task as answers and events have it in common.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html> and
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html>,
/// which says that an event does not tell the health status.
pub(crate) fn task_document(
    ecs: &Ecs,
    specification: &TaskSpecification,
    state: &TaskState,
    dates: Dates,
) -> Map<String, Value> {
    let network = NetworkInterface::of(specification);
    let definition = &specification.task_definition;
    let architecture = match definition.platform.architecture.as_str() {
        "amd64" => "x86_64",
        other => other,
    };
    let containers: Vec<Value> = (0..state.containers.len())
        .map(|position| container(ecs, specification, state, position, &network, dates))
        .collect();
    let attachments = match definition.is_awsvpc() {
        true => vec![network.attachment(state.last_status, dates)],
        false => Vec::new(),
    };
    let mut document = object([
        ("attachments", Value::Array(attachments)),
        (
            "attributes",
            json!([{"name": "ecs.cpu-architecture", "value": architecture}]),
        ),
        (
            "availabilityZone",
            json!(format!("{}{}", ecs.region, network.zone())),
        ),
        ("clusterArn", json!(&*specification.cluster_arn)),
        ("containers", Value::Array(containers)),
        ("createdAt", dates.write(specification.created_at)),
        (
            "desiredStatus",
            json!(if state.is_stopping {
                "STOPPED"
            } else {
                "RUNNING"
            }),
        ),
        (
            "enableExecuteCommand",
            json!(specification.enable_execute_command),
        ),
        ("ephemeralStorage", json!({"sizeInGiB": 20})),
        ("group", json!(&*specification.group)),
        ("launchType", json!("FARGATE")),
        ("lastStatus", json!(state.last_status.as_str())),
        ("overrides", specification.shown_overrides()),
        ("platformVersion", json!("1.4.0")),
        ("taskArn", json!(&*specification.arn)),
        ("taskDefinitionArn", json!(&*definition.arn)),
        ("version", json!(state.version)),
    ]);
    for member in ["cpu", "memory", "ephemeralStorage"] {
        let value = definition.document.get(member).cloned();
        put(&mut document, member, value);
    }
    put(
        &mut document,
        "startedBy",
        specification.started_by.as_deref().map(|by| json!(by)),
    );
    put(
        &mut document,
        "capacityProviderName",
        specification
            .workload
            .capacity_provider()
            .map(|provider| json!(provider)),
    );
    if dates == Dates::Iso {
        document.insert("updatedAt".to_owned(), dates.write(state.updated_at));
    }
    show_progress(&mut document, state, dates);
    document
}

fn show_progress(document: &mut Map<String, Value>, state: &TaskState, dates: Dates) {
    let connected = state.connectivity_at.map(|_| json!("CONNECTED"));
    put(document, "connectivity", connected);
    let times = [
        ("connectivityAt", state.connectivity_at),
        ("pullStartedAt", state.pull_started_at),
        ("pullStoppedAt", state.pull_stopped_at),
        ("startedAt", state.started_at),
        ("stoppingAt", state.stopping_at),
        ("executionStoppedAt", state.execution_stopped_at),
        ("stoppedAt", state.stopped_at),
    ];
    for (key, at) in times {
        put(document, key, at.map(|at| dates.write(at)));
    }
    put(
        document,
        "stopCode",
        state.stop_code.map(|code| json!(code.as_str())),
    );
    put(
        document,
        "stoppedReason",
        state.stopped_reason.as_deref().map(|reason| json!(reason)),
    );
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Container.html>.
fn container(
    ecs: &Ecs,
    specification: &TaskSpecification,
    state: &TaskState,
    position: usize,
    network: &NetworkInterface,
    dates: Dates,
) -> Value {
    let definition = &specification.task_definition.containers[position];
    let container: &ContainerState = &state.containers[position];
    let arn = ecs
        .arns
        .container(&specification.cluster, &specification.id, position);
    let interfaces = match specification.task_definition.is_awsvpc() {
        true => json!([{
            "attachmentId": network.attachment_id(),
            "privateIpv4Address": network.private_ipv4_address(),
        }]),
        false => json!([]),
    };
    let mut document = object([
        ("containerArn", json!(arn)),
        ("lastStatus", json!(container.last_status.as_str())),
        ("name", json!(definition.name)),
        ("image", json!(definition.image)),
        ("taskArn", json!(&*specification.arn)),
        ("networkInterfaces", interfaces),
        ("cpu", json!(definition.cpu.to_string())),
    ]);
    let runtime = format!(
        "{}-{:010}",
        specification.id,
        (number_of(&specification.id).wrapping_add(position as u64)) % 10_000_000_000
    );
    let digest = container.image_digest.as_deref();
    put(&mut document, "imageDigest", digest.map(|one| json!(one)));
    put(&mut document, "runtimeId", digest.map(|_| json!(runtime)));
    put(
        &mut document,
        "memory",
        definition.memory.map(|memory| json!(memory.to_string())),
    );
    put(
        &mut document,
        "exitCode",
        container.exit_code.map(|code| json!(code)),
    );
    put(
        &mut document,
        "reason",
        container.reason.as_deref().map(|reason| json!(reason)),
    );
    if dates == Dates::Epoch {
        document.insert(
            "healthStatus".to_owned(),
            json!(container.health_status.as_str()),
        );
        document.insert("networkBindings".to_owned(), json!([]));
    }
    Value::Object(document)
}
