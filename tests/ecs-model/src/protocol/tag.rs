//! TagResource, UntagResource and ListTagsForResource in JSON.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, read, tag_list};
use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::service::ServiceStatus;
use crate::tag::{Tag, Tags};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Tagging {
    resource_arn: String,
    tags: Vec<Tag>,
    tag_keys: Vec<String>,
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TagResource.html>.
pub(super) fn tag(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: Tagging = read(request)?;
    let tags = Tags::from_request(&input.tags)?;
    tags_of(ecs, &input.resource_arn)?.add(&tags)?;
    Ok(json!({}))
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UntagResource.html>.
pub(super) fn untag(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: Tagging = read(request)?;
    let tags = tags_of(ecs, &input.resource_arn)?;
    for key in &input.tag_keys {
        tags.remove(key);
    }
    Ok(json!({}))
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTagsForResource.html>.
pub(super) fn list(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: Tagging = read(request)?;
    let tags = tags_of(ecs, &input.resource_arn)?;
    Ok(json!({"tags": tag_list(tags)}))
}

/// Finds the tags of a cluster, service, task or task definition, by its long ARN.
fn tags_of<'a>(ecs: &'a mut Ecs, arn: &str) -> Result<&'a mut Tags, ServiceError> {
    if !arn.starts_with("arn:") {
        return Err(ServiceError::invalid_parameter("Invalid arn syntax."));
    }
    let absent = || {
        ServiceError::new(
            "ResourceNotFoundException",
            "The specified resource wasn't found.",
        )
    };
    if let Some(name) = ecs.arns.resource(arn, "cluster").map(str::to_owned) {
        let cluster = ecs.clusters.get_mut(name.as_str());
        return cluster.map(|cluster| &mut cluster.tags).ok_or_else(absent);
    }
    if let Some(name) = ecs.arns.resource(arn, "service") {
        let Some((cluster, name)) = name.split_once('/') else {
            return Err(ServiceError::invalid_parameter(
                "Long arn format must be used for tagging operations",
            ));
        };
        let key = ecs.service_key(Some(cluster), name)?.ok_or_else(absent)?;
        let service = &mut ecs.services[key.0];
        if service.status == ServiceStatus::Inactive {
            return Err(absent());
        }
        return Ok(&mut service.tags);
    }
    if let Some(name) = ecs.arns.resource(arn, "task") {
        let (cluster, _) = name.split_once('/').ok_or_else(absent)?;
        let key = ecs.task_key(cluster, arn).ok_or_else(absent)?;
        let task = ecs.tasks.get_mut(&key);
        return task.map(|task| &mut task.tags).ok_or_else(absent);
    }
    if ecs.arns.resource(arn, "task-definition").is_some() {
        let entry = ecs.task_definition_mut(arn);
        return entry.map(|entry| &mut entry.tags).ok_or_else(absent);
    }
    Err(ServiceError::invalid_parameter(
        "The specified ARN is not of a resource of this account and Region that can be tagged.",
    ))
}
