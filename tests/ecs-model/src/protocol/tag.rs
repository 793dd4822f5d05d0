//! TagResource, UntagResource and ListTagsForResource in JSON.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, read, tag_list};
use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::service::{ServiceKey, ServiceStatus};
use crate::tag::{Tag, Tags};
use crate::task::TaskKey;

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
    tags_mut(ecs, &input.resource_arn)?.add(&tags)?;
    Ok(json!({}))
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UntagResource.html>.
pub(super) fn untag(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: Tagging = read(request)?;
    let tags = tags_mut(ecs, &input.resource_arn)?;
    for key in &input.tag_keys {
        tags.remove(key);
    }
    Ok(json!({}))
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTagsForResource.html>.
pub(super) fn list(ecs: &Ecs, request: &Value) -> Answer {
    let input: Tagging = read(request)?;
    let tags = tags_of(ecs, &input.resource_arn)?;
    Ok(json!({"tags": tag_list(tags)}))
}

/// Something that has tags.
enum Tagged {
    Cluster(String),
    Service(ServiceKey),
    Task(TaskKey),
    Definition,
}

fn tags_of<'a>(ecs: &'a Ecs, arn: &str) -> Result<&'a Tags, ServiceError> {
    let tags = match find(ecs, arn)? {
        Tagged::Cluster(name) => ecs.clusters.get(&*name).map(|cluster| &cluster.tags),
        Tagged::Service(key) => Some(&ecs.services[key.0].tags),
        Tagged::Task(key) => ecs.tasks.get(&key).map(|task| &task.tags),
        Tagged::Definition => ecs.task_definition(arn).map(|entry| &entry.tags),
    };
    tags.ok_or_else(absent)
}

fn tags_mut<'a>(ecs: &'a mut Ecs, arn: &str) -> Result<&'a mut Tags, ServiceError> {
    ecs.remember();
    let tags = match find(ecs, arn)? {
        Tagged::Cluster(name) => {
            let cluster = ecs.clusters.get_mut(&*name);
            cluster.map(|cluster| &mut cluster.tags)
        }
        Tagged::Service(key) => Some(&mut ecs.services[key.0].tags),
        Tagged::Task(key) => ecs.tasks.get_mut(&key).map(|task| &mut task.tags),
        Tagged::Definition => ecs.task_definition_mut(arn).map(|entry| &mut entry.tags),
    };
    tags.ok_or_else(absent)
}

fn absent() -> ServiceError {
    ServiceError::new(
        "ResourceNotFoundException",
        "The specified resource wasn't found.",
    )
}

/// Finds a cluster, service, task or task definition, by its long ARN.
fn find(ecs: &Ecs, arn: &str) -> Result<Tagged, ServiceError> {
    if !arn.starts_with("arn:") {
        return Err(ServiceError::invalid_parameter("Invalid arn syntax."));
    }
    if let Some(name) = ecs.arns.resource(arn, "cluster") {
        return Ok(Tagged::Cluster(name.to_owned()));
    }
    if let Some(name) = ecs.arns.resource(arn, "service") {
        let Some((cluster, name)) = name.split_once('/') else {
            return Err(ServiceError::invalid_parameter(
                "Long arn format must be used for tagging operations",
            ));
        };
        let key = ecs.service_key(Some(cluster), name)?.ok_or_else(absent)?;
        return match ecs.services[key.0].status {
            ServiceStatus::Active | ServiceStatus::Draining => Ok(Tagged::Service(key)),
            ServiceStatus::Inactive => Err(absent()),
        };
    }
    if let Some(name) = ecs.arns.resource(arn, "task") {
        let (cluster, _) = name.split_once('/').ok_or_else(absent)?;
        let key = ecs.task_key(cluster, arn).ok_or_else(absent)?;
        return Ok(Tagged::Task(key));
    }
    if ecs.arns.resource(arn, "task-definition").is_some() {
        return Ok(Tagged::Definition);
    }
    Err(ServiceError::invalid_parameter(
        "The specified ARN is not of a resource of this account and Region that can be tagged.",
    ))
}
