//! Change sets in JSON.

use serde_json::{Value, json};

use super::{
    Answer, object, optional, put_text, read_update, required, show_parameters, show_tags, truth,
};
use crate::change::{ChangeDetail, Replacement, ResourceChange};
use crate::change_set::{ChangeSet, CreateChangeSet};
use crate::error::ServiceError;
use crate::stacks::Stacks;

pub(super) fn create(stacks: &mut Stacks, request: &Value) -> Answer {
    match optional(request, "ChangeSetType")? {
        None | Some("UPDATE") => {}
        Some(other) => {
            return Err(ServiceError::not_modelled(&format!(
                "ChangeSetType {other}"
            )));
        }
    }
    let key = stacks.create_change_set(CreateChangeSet {
        name: required(request, "ChangeSetName")?.to_owned(),
        update: read_update(request)?,
        client_token: optional(request, "ClientToken")?.map(str::to_owned),
        description: optional(request, "Description")?.map(str::to_owned),
    })?;
    let change_set = &stacks.change_sets[key.0];
    let stack = &stacks.stacks[change_set.stack.0];
    Ok(json!({"Id": change_set.arn, "StackId": stack.arn}))
}

/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html>.
pub(super) fn describe(stacks: &Stacks, request: &Value) -> Answer {
    if truth(request, "IncludePropertyValues")? {
        return Err(ServiceError::not_modelled("IncludePropertyValues"));
    }
    let name = required(request, "ChangeSetName")?;
    let key = stacks.find_change_set(name, optional(request, "StackName")?)?;
    let change_set = &stacks.change_sets[key.0];
    let mut document = summary(stacks, change_set);
    let changes: Vec<Value> = change_set.changes.iter().map(show_change).collect();
    let desired = &change_set.desired;
    document.extend(object([
        ("Parameters", show_parameters(desired)),
        ("Capabilities", json!(desired.capabilities)),
        ("Tags", show_tags(&desired.tags)),
        ("NotificationARNs", json!([])),
        ("Changes", json!(changes)),
    ]));
    Ok(Value::Object(document))
}

/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListChangeSets.html>.
pub(super) fn list(stacks: &Stacks, request: &Value) -> Answer {
    let stack = stacks.stack_of(required(request, "StackName")?)?;
    let summaries: Vec<Value> = stacks
        .change_sets(stack)
        .map(|change_set| Value::Object(summary(stacks, change_set)))
        .collect();
    Ok(json!({ "Summaries": summaries }))
}

pub(super) fn execute(stacks: &mut Stacks, request: &Value) -> Answer {
    let name = required(request, "ChangeSetName")?;
    let stack = optional(request, "StackName")?;
    stacks.execute_change_set(name, stack, optional(request, "ClientRequestToken")?)?;
    Ok(json!({}))
}

pub(super) fn delete(stacks: &mut Stacks, request: &Value) -> Answer {
    let name = required(request, "ChangeSetName")?;
    stacks.delete_change_set(name, optional(request, "StackName")?)?;
    Ok(json!({}))
}

fn summary(stacks: &Stacks, change_set: &ChangeSet) -> serde_json::Map<String, Value> {
    let stack = &stacks.stacks[change_set.stack.0];
    let mut document = object([
        ("ChangeSetName", json!(change_set.name)),
        ("ChangeSetId", json!(change_set.arn)),
        ("StackId", json!(stack.arn)),
        ("StackName", json!(stack.name)),
        ("Status", json!(change_set.status.as_str())),
        (
            "ExecutionStatus",
            json!(change_set.execution_status.as_str()),
        ),
        ("CreationTime", super::iso(change_set.created_at)),
        ("IncludeNestedStacks", json!(false)),
    ]);
    let reason = change_set.status_reason.as_deref();
    put_text(&mut document, "StatusReason", reason);
    let description = change_set.description.as_deref();
    put_text(&mut document, "Description", description);
    document
}

/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html>.
fn show_change(change: &ResourceChange) -> Value {
    let details: Vec<Value> = change.details.iter().map(show_detail).collect();
    let scope: &[&str] = match details.is_empty() {
        true => &[],
        false => &["Properties"],
    };
    let mut document = object([
        ("Action", json!(change.action.as_str())),
        ("LogicalResourceId", json!(change.logical_id)),
        ("ResourceType", json!(change.resource_type)),
        ("Scope", json!(scope)),
        ("Details", json!(details)),
    ]);
    let physical_id = change.physical_id.as_deref();
    put_text(&mut document, "PhysicalResourceId", physical_id);
    let replacement = change.replacement.map(Replacement::as_str);
    put_text(&mut document, "Replacement", replacement);
    json!({"Type": "Resource", "ResourceChange": document})
}

/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html>.
fn show_detail(detail: &ChangeDetail) -> Value {
    let evaluation = match detail.is_static {
        true => "Static",
        false => "Dynamic",
    };
    let mut document = object([
        (
            "Target",
            json!({
                "Attribute": "Properties",
                "Name": detail.property,
                "RequiresRecreation": detail.requires_recreation.as_str(),
            }),
        ),
        ("Evaluation", json!(evaluation)),
        ("ChangeSource", json!(detail.source.as_str())),
    ]);
    put_text(&mut document, "CausingEntity", detail.source.entity());
    Value::Object(document)
}
