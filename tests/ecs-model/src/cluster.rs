//! Clusters: the names that services and tasks live under.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::tag::{Tag, Tags};
use crate::task_definition_document::is_name;
use crate::workload::Structures;

/// A cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Its name.
    pub name: Arc<str>,
    /// `arn:…:cluster/name`.
    pub arn: Arc<str>,
    /// Whether it was deleted.
    pub status: ClusterStatus,
    /// Its tags.
    pub tags: Tags,
    /// Where tasks go that name neither launch type nor strategy.
    pub default_capacity_provider_strategy: Option<Structures>,
    /// What it was made with and this model does not act on, by the members of
    /// the API, such as `settings` and `capacityProviders`.
    pub document: BTreeMap<&'static str, Value>,
}

/// Whether a cluster takes services and tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterStatus {
    /// It does.
    Active,
    /// It was deleted, and is remembered.
    Inactive,
}

impl ClusterStatus {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ClusterStatus::Active => "ACTIVE",
            ClusterStatus::Inactive => "INACTIVE",
        }
    }
}

/// What CreateCluster is called with.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CreateCluster {
    /// Its name; `default` if absent.
    pub cluster_name: Option<String>,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// Kept as they come.
    pub settings: Option<Value>,
    /// Kept as it comes.
    pub configuration: Option<Value>,
    /// Kept as they come.
    pub capacity_providers: Option<Value>,
    /// Where tasks go that name neither launch type nor strategy.
    pub default_capacity_provider_strategy: Option<Structures>,
    /// Kept as they come.
    pub service_connect_defaults: Option<Value>,
}

impl Ecs {
    /// Makes a cluster, or answers with the one that is there.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html>.
    ///
    /// # Errors
    ///
    /// `InvalidParameterException` for a name or tags that ECS does not allow.
    pub fn create_cluster(&mut self, input: CreateCluster) -> Result<&Cluster, ServiceError> {
        self.remember();
        let name: Arc<str> = input.cluster_name.as_deref().unwrap_or("default").into();
        if !is_name(&name) {
            return Err(ServiceError::invalid_parameter("Invalid cluster name."));
        }
        let tags = Tags::from_request(&input.tags)?;
        let known = self.clusters.get(&name).map(|cluster| cluster.status);
        if known != Some(ClusterStatus::Active) {
            let members = [
                ("settings", input.settings),
                ("configuration", input.configuration),
                ("capacityProviders", input.capacity_providers),
                ("serviceConnectDefaults", input.service_connect_defaults),
            ];
            let cluster = Cluster {
                arn: self.arns.cluster(&name).into(),
                name: Arc::clone(&name),
                status: ClusterStatus::Active,
                tags,
                default_capacity_provider_strategy: input.default_capacity_provider_strategy,
                document: members
                    .into_iter()
                    .filter_map(|(key, value)| Some((key, value?)))
                    .collect(),
            };
            self.clusters.insert(Arc::clone(&name), cluster);
        }
        self.clusters
            .get(&name)
            .ok_or_else(ServiceError::cluster_not_found)
    }

    /// Deletes a cluster that holds nothing any more.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteCluster.html>.
    ///
    /// # Errors
    ///
    /// `ClusterNotFoundException`, `ClusterContainsServicesException`,
    /// `ClusterContainsTasksException`.
    pub fn delete_cluster(&mut self, reference: &str) -> Result<&Cluster, ServiceError> {
        self.remember();
        let name = self.active_cluster(Some(reference))?;
        let counts = self.cluster_counts(&name);
        if counts.active_services > 0 {
            return Err(ServiceError::new(
                "ClusterContainsServicesException",
                "The Cluster cannot be deleted while Services are active.",
            ));
        }
        if counts.running_tasks + counts.pending_tasks > 0 {
            return Err(ServiceError::new(
                "ClusterContainsTasksException",
                "The Cluster cannot be deleted while Tasks are active.",
            ));
        }
        let cluster = self
            .clusters
            .get_mut(&name)
            .ok_or_else(ServiceError::cluster_not_found)?;
        cluster.status = ClusterStatus::Inactive;
        Ok(cluster)
    }

    /// Finds a cluster by name or ARN, deleted or not.
    pub fn cluster(&self, reference: &str) -> Option<&Cluster> {
        self.clusters.get(self.arns.resource(reference, "cluster")?)
    }

    /// Lists the clusters that were not deleted, by name.
    pub fn clusters(&self) -> impl Iterator<Item = &Cluster> {
        self.clusters
            .values()
            .filter(|cluster| cluster.status == ClusterStatus::Active)
    }

    /// Names the cluster of a request: `default` if it is silent.
    ///
    /// # Errors
    ///
    /// `ClusterNotFoundException` if there is none, or it was deleted.
    pub(crate) fn active_cluster(&self, reference: Option<&str>) -> Result<Arc<str>, ServiceError> {
        self.cluster(reference.unwrap_or("default"))
            .filter(|cluster| cluster.status == ClusterStatus::Active)
            .map(|cluster| Arc::clone(&cluster.name))
            .ok_or_else(ServiceError::cluster_not_found)
    }
}
