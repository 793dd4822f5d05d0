//! Stacks in JSON.

use serde_json::{Map, Value, json};

use super::{
    Answer, iso, object, optional, put, put_text, read_update, required, show_parameters,
    show_tags, texts, truth,
};
use crate::error::ServiceError;
use crate::event::StackEvent;
use crate::stack::{Resource, Stack};
use crate::stacks::Stacks;
use crate::status::StackStatus;

pub(super) fn update(stacks: &mut Stacks, request: &Value) -> Answer {
    let update = read_update(request)?;
    let key = stacks.update_stack(&update, optional(request, "ClientRequestToken")?)?;
    Ok(json!({"StackId": stacks.stacks[key.0].arn}))
}

pub(super) fn cancel(stacks: &mut Stacks, request: &Value) -> Answer {
    let name = required(request, "StackName")?;
    stacks.cancel_update_stack(name, optional(request, "ClientRequestToken")?)?;
    Ok(json!({}))
}

pub(super) fn continue_rollback(stacks: &mut Stacks, request: &Value) -> Answer {
    stacks.continue_update_rollback(
        required(request, "StackName")?,
        &texts(request, "ResourcesToSkip")?,
        optional(request, "RoleARN")?.map(str::to_owned),
        optional(request, "ClientRequestToken")?,
    )?;
    Ok(json!({}))
}

pub(super) fn delete(stacks: &mut Stacks, request: &Value) -> Answer {
    let name = required(request, "StackName")?;
    stacks.delete_stack(name, optional(request, "ClientRequestToken")?)?;
    Ok(json!({}))
}

pub(super) fn protect(stacks: &mut Stacks, request: &Value) -> Answer {
    let is_on = truth(request, "EnableTerminationProtection")?;
    let key = stacks.protect_stack(required(request, "StackName")?, is_on)?;
    Ok(json!({"StackId": stacks.stacks[key.0].arn}))
}

/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>:
/// without a name, every stack that is not deleted.
pub(super) fn describe(stacks: &Stacks, request: &Value) -> Answer {
    let shown: Vec<Value> = match optional(request, "StackName")? {
        Some(name) => vec![show(find(stacks, name)?)],
        None => stacks
            .stacks()
            .filter(|stack| stack.status != StackStatus::DeleteComplete)
            .map(show)
            .collect(),
    };
    Ok(json!({ "Stacks": shown }))
}

/// Newest first.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html>.
pub(super) fn events(stacks: &Stacks, request: &Value) -> Answer {
    let stack = find(stacks, required(request, "StackName")?)?;
    let events = stack.events.iter().rev();
    let events: Vec<Value> = events.map(|event| show_event(stack, event)).collect();
    Ok(json!({ "StackEvents": events }))
}

/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html>,
/// which needs one of `StackName` and `PhysicalResourceId`, and not both.
pub(super) fn resources(stacks: &Stacks, request: &Value) -> Answer {
    let name = optional(request, "StackName")?;
    let physical_id = optional(request, "PhysicalResourceId")?;
    let stack = match (name, physical_id) {
        (Some(name), None) => find(stacks, name)?,
        (None, Some(id)) => {
            let has_it = |stack: &&Stack| {
                let mut resources = stack.resources.values();
                resources.any(|resource| resource.physical_id.as_deref() == Some(id))
            };
            stacks
                .stacks()
                .find(has_it)
                .ok_or_else(|| ServiceError::validation(format!("Stack for {id} does not exist")))?
        }
        _ => {
            return Err(ServiceError::validation(
                "Exactly one of StackName and PhysicalResourceId must be specified.",
            ));
        }
    };
    let logical_id = optional(request, "LogicalResourceId")?;
    let resources: Vec<Value> = stack
        .resources
        .values()
        .filter(|resource| logical_id.is_none_or(|one| one == resource.logical_id))
        .map(|resource| show_resource(stack, resource))
        .collect();
    Ok(json!({ "StackResources": resources }))
}

/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html>.
pub(super) fn list_resources(stacks: &Stacks, request: &Value) -> Answer {
    let stack = find(stacks, required(request, "StackName")?)?;
    let summaries: Vec<Value> = stack
        .resources
        .values()
        .map(|resource| {
            let mut document = resource_members(resource);
            let updated_at = Some(iso(resource.updated_at));
            put(&mut document, "LastUpdatedTimestamp", updated_at);
            Value::Object(document)
        })
        .collect();
    Ok(json!({ "StackResourceSummaries": summaries }))
}

/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplate.html>.
pub(super) fn template(stacks: &Stacks, request: &Value) -> Answer {
    let stack = find(stacks, required(request, "StackName")?)?;
    let body = stack.desired.template.document.to_string();
    Ok(json!({"TemplateBody": body, "StagesAvailable": ["Original"]}))
}

fn find<'a>(stacks: &'a Stacks, name: &str) -> Result<&'a Stack, ServiceError> {
    stacks
        .find_stack(name)
        .and_then(|key| stacks.stack(key))
        .ok_or_else(|| ServiceError::validation(format!("Stack with id {name} does not exist")))
}

/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html>.
fn show(stack: &Stack) -> Value {
    let mut document = object([
        ("StackId", json!(stack.arn)),
        ("StackName", json!(stack.name)),
        ("StackStatus", json!(stack.status.as_str())),
        ("CreationTime", iso(stack.created_at)),
        ("Parameters", show_parameters(&stack.desired)),
        ("Capabilities", json!(stack.desired.capabilities)),
        ("Tags", show_tags(&stack.desired.tags)),
        ("NotificationARNs", json!([])),
        ("DisableRollback", json!(false)),
        (
            "EnableTerminationProtection",
            json!(stack.termination_protection),
        ),
    ]);
    let reason = stack.status_reason.as_deref();
    put_text(&mut document, "StackStatusReason", reason);
    put_text(&mut document, "RoleARN", stack.role_arn.as_deref());
    let change_set = stack.change_set_arn.as_deref();
    put_text(&mut document, "ChangeSetId", change_set);
    put(&mut document, "LastUpdatedTime", stack.updated_at.map(iso));
    put(&mut document, "DeletionTime", stack.deleted_at.map(iso));
    Value::Object(document)
}

fn show_event(stack: &Stack, event: &StackEvent) -> Value {
    let mut document = object([
        ("StackId", json!(stack.arn)),
        ("StackName", json!(stack.name)),
        ("EventId", json!(event.id)),
        ("Timestamp", iso(event.at)),
        ("LogicalResourceId", json!(event.logical_id)),
        ("PhysicalResourceId", json!(event.physical_id)),
        ("ResourceType", json!(event.resource_type)),
        ("ResourceStatus", json!(event.status)),
    ]);
    let reason = event.reason.as_deref();
    put_text(&mut document, "ResourceStatusReason", reason);
    let token = event.client_request_token.as_deref();
    put_text(&mut document, "ClientRequestToken", token);
    Value::Object(document)
}

fn show_resource(stack: &Stack, resource: &Resource) -> Value {
    let mut document = resource_members(resource);
    document.extend(object([
        ("StackId", json!(stack.arn)),
        ("StackName", json!(stack.name)),
        ("Timestamp", iso(resource.updated_at)),
    ]));
    Value::Object(document)
}

fn resource_members(resource: &Resource) -> Map<String, Value> {
    let mut document = object([
        ("LogicalResourceId", json!(resource.logical_id)),
        ("ResourceType", json!(resource.type_name)),
        ("ResourceStatus", json!(resource.status.as_str())),
    ]);
    let physical_id = resource.physical_id.as_deref();
    put_text(&mut document, "PhysicalResourceId", physical_id);
    let reason = resource.status_reason.as_deref();
    put_text(&mut document, "ResourceStatusReason", reason);
    document
}
