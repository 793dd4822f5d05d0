//! The JSON protocol (awsJson1.1) over the typed operations: requests are read,
//! answers written, nothing is decided here.

mod cluster;
mod deployment;
mod history;
mod service;
mod service_deployment;
mod tag;
mod task;
mod task_definition;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::event::iso;
use crate::tag::Tags;

pub(crate) use task::task_document;

type Answer = Result<Value, ServiceError>;

/// Answers one operation that only reads, if it is one.
///
/// # Errors
///
/// What the operation answers.
pub(crate) fn show(ecs: &Ecs, operation: &str, request: &Value) -> Option<Answer> {
    Some(match operation {
        "DescribeClusters" => cluster::describe(ecs, request),
        "ListClusters" => cluster::list(ecs, request),
        "DescribeTaskDefinition" => task_definition::describe(ecs, request),
        "ListTaskDefinitions" => task_definition::list(ecs, request),
        "ListTaskDefinitionFamilies" => task_definition::list_families(ecs, request),
        "DescribeServices" => service::describe(ecs, request),
        "ListServices" => service::list(ecs, request),
        "ListServiceDeployments" => history::list_deployments(ecs, request),
        "DescribeServiceDeployments" => history::describe_deployments(ecs, request),
        "DescribeServiceRevisions" => history::describe_revisions(ecs, request),
        "DescribeTasks" => task::describe(ecs, request),
        "ListTasks" => task::list(ecs, request),
        "ListTagsForResource" => tag::list(ecs, request),
        _ => return None,
    })
}

/// Answers one operation that changes something.
///
/// # Errors
///
/// What the operation answers, and `UnknownOperationException`.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html>.
pub(crate) fn answer(ecs: &mut Ecs, operation: &str, request: &Value) -> Answer {
    match operation {
        "CreateCluster" => cluster::create(ecs, request),
        "DeleteCluster" => cluster::delete(ecs, request),
        "RegisterTaskDefinition" => task_definition::register(ecs, request),
        "DeregisterTaskDefinition" => task_definition::deregister(ecs, request),
        "CreateService" => service::create(ecs, request),
        "UpdateService" => service::update(ecs, request),
        "DeleteService" => service::delete(ecs, request),
        "StopServiceDeployment" => service_deployment::stop(ecs, request),
        "ContinueServiceDeployment" => service_deployment::go_on(ecs, request),
        "RunTask" => task::run(ecs, request),
        "StopTask" => task::stop(ecs, request),
        "TagResource" => tag::tag(ecs, request),
        "UntagResource" => tag::untag(ecs, request),
        _ => Err(ServiceError::new(
            "UnknownOperationException",
            format!("The local model of ECS does not know the operation {operation}."),
        )),
    }
}

/// Reads a request; members it does not know are ignored, as awsJson1.1 has it.
///
/// Source: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>.
fn read<'a, T: Deserialize<'a> + Default>(request: &'a Value) -> Result<T, ServiceError> {
    if request.is_null() {
        return Ok(T::default());
    }
    T::deserialize(request)
        .map_err(|error| ServiceError::new("SerializationException", error.to_string()))
}

/// How times are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dates {
    /// As ISO 8601 text, in events.
    Iso,
    /// As seconds since 1970, in answers.
    Epoch,
}

impl Dates {
    fn write(self, at: Timestamp) -> Value {
        match self {
            Dates::Iso => json!(iso(at)),
            Dates::Epoch => epoch(at),
        }
    }
}

/// Writes a time as seconds since 1970 with three decimals.
fn epoch(at: Timestamp) -> Value {
    json!(at.as_millisecond() as f64 / 1000.0)
}

/// Adds a member if there is a value for it.
fn put(document: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        document.insert(key.to_owned(), value);
    }
}

/// Makes an object of members.
fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn tag_list(tags: &Tags) -> Value {
    tags.iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect()
}

/// What a Describe call answers for what it did not find, with HTTP 200.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html>.
fn missing(arn: &str) -> Value {
    json!({"arn": arn, "reason": "MISSING"})
}

/// Which part of a list is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    max_results: Option<i64>,
    next_token: Option<String>,
}

impl Page {
    /// Cuts the page out of a list of names, under `key`.
    ///
    /// Source: `maxResults` and `nextToken` of each List call, such as
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html>.
    fn cut(&self, key: &str, items: Vec<Value>, default_size: usize) -> Answer {
        let size = match self.max_results {
            None => default_size,
            Some(size @ 1..=100) => usize::try_from(size).unwrap_or(default_size),
            Some(_) => {
                return Err(ServiceError::invalid_parameter(
                    "maxResults must be between 1 and 100.",
                ));
            }
        };
        let start = match &self.next_token {
            None => 0,
            Some(token) => token
                .parse::<usize>()
                .ok()
                .filter(|start| *start <= items.len())
                .ok_or_else(|| ServiceError::invalid_parameter("Invalid token"))?,
        };
        let rest = items.len() - start;
        let page: Vec<Value> = items.into_iter().skip(start).take(size).collect();
        let mut answer = object([(key, json!(page))]);
        if rest > size {
            answer.insert("nextToken".to_owned(), json!((start + size).to_string()));
        }
        Ok(Value::Object(answer))
    }
}
