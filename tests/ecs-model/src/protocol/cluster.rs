//! Clusters in JSON.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Page, missing, object, put, read, tag_list};
use crate::cluster::Cluster;
use crate::ecs::Ecs;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DeleteCluster {
    cluster: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeClusters {
    clusters: Option<Vec<String>>,
    include: Vec<String>,
}

pub(super) fn create(ecs: &mut Ecs, request: &Value) -> Answer {
    let name = std::sync::Arc::clone(&ecs.create_cluster(read(request)?)?.name);
    let cluster = ecs.cluster(&name).map(|cluster| show(ecs, cluster, &[]));
    Ok(json!({ "cluster": cluster }))
}

pub(super) fn delete(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: DeleteCluster = read(request)?;
    ecs.delete_cluster(&input.cluster)?;
    let cluster = ecs
        .cluster(&input.cluster)
        .map(|cluster| show(ecs, cluster, &[]));
    Ok(json!({ "cluster": cluster }))
}

pub(super) fn describe(ecs: &Ecs, request: &Value) -> Answer {
    let input: DescribeClusters = read(request)?;
    let references = input
        .clusters
        .filter(|clusters| !clusters.is_empty())
        .unwrap_or_else(|| vec!["default".to_owned()]);
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for reference in references {
        match ecs.cluster(&reference) {
            Some(cluster) => clusters.push(show(ecs, cluster, &input.include)),
            None if reference.starts_with("arn:") => failures.push(missing(&reference)),
            None => failures.push(missing(&ecs.arns.cluster(&reference))),
        }
    }
    Ok(json!({"clusters": clusters, "failures": failures}))
}

pub(super) fn list(ecs: &Ecs, request: &Value) -> Answer {
    let page: Page = read(request)?;
    let arns = ecs.clusters().map(|cluster| json!(&*cluster.arn)).collect();
    page.cut("clusterArns", arns, 100)
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Cluster.html>.
fn show(ecs: &Ecs, cluster: &Cluster, include: &[String]) -> Value {
    let counts = ecs.cluster_counts(&cluster.name);
    let member = |key: &str| cluster.document.get(key).cloned();
    let includes = |field: &str| include.iter().any(|included| included == field);
    let mut document = object([
        ("clusterArn", json!(&*cluster.arn)),
        ("clusterName", json!(&*cluster.name)),
        ("status", json!(cluster.status.as_str())),
        ("registeredContainerInstancesCount", json!(0)),
        ("runningTasksCount", json!(counts.running_tasks)),
        ("pendingTasksCount", json!(counts.pending_tasks)),
        ("activeServicesCount", json!(counts.active_services)),
        ("statistics", json!([])),
        ("tags", json!([])),
        ("settings", json!([])),
        (
            "capacityProviders",
            member("capacityProviders").unwrap_or_else(|| json!([])),
        ),
        (
            "defaultCapacityProviderStrategy",
            json!(
                cluster
                    .default_capacity_provider_strategy
                    .as_deref()
                    .unwrap_or_default()
            ),
        ),
    ]);
    put(
        &mut document,
        "tags",
        includes("TAGS").then(|| tag_list(&cluster.tags)),
    );
    put(
        &mut document,
        "settings",
        member("settings").filter(|_| includes("SETTINGS")),
    );
    put(
        &mut document,
        "configuration",
        member("configuration").filter(|_| includes("CONFIGURATIONS")),
    );
    put(
        &mut document,
        "serviceConnectDefaults",
        member("serviceConnectDefaults"),
    );
    Value::Object(document)
}
