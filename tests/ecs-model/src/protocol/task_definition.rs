//! Task definitions in JSON.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Page, epoch, object, put, read, tag_list};
use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::tag::{Tag, Tags};
use crate::task_definition::{TaskDefinitionEntry, TaskDefinitionStatus};
use crate::task_definition_document::compatibilities;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Reference {
    task_definition: String,
    include: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListTaskDefinitions {
    family_prefix: Option<String>,
    status: Option<String>,
    sort: Option<String>,
    #[serde(flatten)]
    page: Page,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RegisterTags {
    tags: Vec<Tag>,
}

pub(super) fn register(ecs: &mut Ecs, request: &Value) -> Answer {
    let Some(request) = request.as_object() else {
        return Err(ServiceError::client("Family can not be blank."));
    };
    let tags: RegisterTags = match request.get("tags") {
        None => RegisterTags::default(),
        Some(tags) => read(&json!({ "tags": tags }))?,
    };
    let tags = Tags::from_request(&tags.tags)?;
    let mut document = request.clone();
    document.remove("tags");
    let arn = std::sync::Arc::clone(&ecs.register_task_definition(document, tags)?.definition.arn);
    let entry = ecs
        .task_definition(&arn)
        .ok_or_else(|| ServiceError::client("Unable to describe task definition."))?;
    let mut answer = object([("taskDefinition", show(ecs, entry))]);
    put(
        &mut answer,
        "tags",
        (!entry.tags.is_empty()).then(|| tag_list(&entry.tags)),
    );
    Ok(Value::Object(answer))
}

pub(super) fn deregister(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: Reference = read(request)?;
    ecs.deregister_task_definition(&input.task_definition)?;
    let entry = ecs.task_definition(&input.task_definition);
    Ok(json!({"taskDefinition": entry.map(|entry| show(ecs, entry))}))
}

pub(super) fn describe(ecs: &Ecs, request: &Value) -> Answer {
    let input: Reference = read(request)?;
    let entry = ecs
        .task_definition(&input.task_definition)
        .ok_or_else(|| ServiceError::client("Unable to describe task definition."))?;
    let mut answer = object([("taskDefinition", show(ecs, entry))]);
    let with_tags = input.include.iter().any(|field| field == "TAGS");
    put(
        &mut answer,
        "tags",
        with_tags.then(|| tag_list(&entry.tags)),
    );
    Ok(Value::Object(answer))
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitions.html>.
pub(super) fn list(ecs: &Ecs, request: &Value) -> Answer {
    let input: ListTaskDefinitions = read(request)?;
    let status = match input.status.as_deref() {
        None | Some("ACTIVE") => TaskDefinitionStatus::Active,
        Some("INACTIVE") => TaskDefinitionStatus::Inactive,
        Some(other) => return Err(invalid("status", other)),
    };
    let mut arns: Vec<Value> = ecs
        .task_definitions(input.family_prefix.as_deref(), status)
        .map(|entry| json!(&*entry.definition.arn))
        .collect();
    match input.sort.as_deref() {
        None | Some("ASC") => {}
        Some("DESC") => arns.reverse(),
        Some(other) => return Err(invalid("sort", other)),
    }
    input.page.cut("taskDefinitionArns", arns, 100)
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitionFamilies.html>.
pub(super) fn list_families(ecs: &Ecs, request: &Value) -> Answer {
    let input: ListTaskDefinitions = read(request)?;
    let prefix = input.family_prefix.as_deref().unwrap_or("");
    let wanted = match input.status.as_deref() {
        None | Some("ALL") => None,
        Some("ACTIVE") => Some(true),
        Some("INACTIVE") => Some(false),
        Some(other) => return Err(invalid("status", other)),
    };
    let families = ecs
        .families
        .iter()
        .filter(|(name, _)| name.starts_with(prefix))
        .filter(|(_, entries)| {
            let has_active = entries
                .iter()
                .any(|entry| entry.status == TaskDefinitionStatus::Active);
            wanted.is_none_or(|wanted| wanted == has_active)
        })
        .map(|(name, _)| json!(name))
        .collect();
    input.page.cut("families", families, 100)
}

/// Shows a revision: what was registered, and what ECS adds when it describes it.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html>.
fn show(ecs: &Ecs, entry: &TaskDefinitionEntry) -> Value {
    let definition = &entry.definition;
    let mut document = definition.document.clone();
    document.extend(object([
        ("taskDefinitionArn", json!(&*definition.arn)),
        ("revision", json!(definition.revision)),
        ("status", json!(entry.status.as_str())),
        ("requiresAttributes", json!([])),
        (
            "compatibilities",
            json!(compatibilities(&definition.document)),
        ),
        ("registeredAt", epoch(definition.registered_at)),
        ("registeredBy", json!(ecs.arns.caller())),
    ]));
    put(
        &mut document,
        "deregisteredAt",
        entry.deregistered_at.map(epoch),
    );
    Value::Object(document)
}

fn invalid(parameter: &str, value: &str) -> ServiceError {
    ServiceError::invalid_parameter(format!("Invalid {parameter}: {value}."))
}
