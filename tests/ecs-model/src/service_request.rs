//! What CreateService and UpdateService are called with.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::tag::Tag;
use crate::workload::Workload;

/// What CreateService is called with.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the members are the API's, by their names")]
pub struct CreateService {
    pub cluster: Option<String>,
    pub service_name: String,
    pub task_definition: Option<String>,
    pub desired_count: Option<i64>,
    pub client_token: Option<String>,
    pub scheduling_strategy: Option<String>,
    pub deployment_controller: Option<Value>,
    pub deployment_configuration: Option<Map<String, Value>>,
    pub health_check_grace_period_seconds: Option<u32>,
    pub tags: Vec<Tag>,
    pub propagate_tags: Option<String>,
    #[serde(rename = "enableECSManagedTags")]
    pub enable_ecs_managed_tags: bool,
    pub enable_execute_command: bool,
    pub placement_constraints: Option<Value>,
    pub placement_strategy: Option<Value>,
    pub availability_zone_rebalancing: Option<Value>,
    #[serde(flatten)]
    pub workload: Workload,
}

/// What UpdateService is called with; what is absent stays as it is.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the members are the API's, by their names")]
pub struct UpdateService {
    pub cluster: Option<String>,
    pub service: String,
    pub task_definition: Option<String>,
    pub desired_count: Option<i64>,
    pub force_new_deployment: bool,
    pub deployment_controller: Option<Value>,
    pub deployment_configuration: Option<Map<String, Value>>,
    pub health_check_grace_period_seconds: Option<u32>,
    pub propagate_tags: Option<String>,
    #[serde(rename = "enableECSManagedTags")]
    pub enable_ecs_managed_tags: Option<bool>,
    pub enable_execute_command: Option<bool>,
    pub placement_constraints: Option<Value>,
    pub placement_strategy: Option<Value>,
    pub availability_zone_rebalancing: Option<Value>,
    #[serde(flatten)]
    pub workload: Workload,
}
