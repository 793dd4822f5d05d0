//! The deployments and task sets of a service in JSON.

use serde_json::{Map, Value, json};

use super::service::show_workload;
use super::service_deployment::revision_summary;
use super::{epoch, object, put};
use crate::deployment::Deployment;
use crate::ecs::Ecs;
use crate::service::{DeploymentController, Service};

/// Shows deployments under the ECS controller, task sets under the others.
///
/// Source: `deployments` and `taskSets` at
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html>.
pub(super) fn show_deployments(ecs: &Ecs, service: &Service, document: &mut Map<String, Value>) {
    let entries = service.deployments.iter().enumerate();
    if service.deployment_controller != DeploymentController::Ecs {
        let sets: Vec<Value> = entries
            .map(|(position, one)| task_set(ecs, service, position, one))
            .collect();
        document.insert("taskSets".to_owned(), json!(sets));
        document.insert("deployments".to_owned(), json!([]));
        return;
    }
    let deployments: Vec<Value> = entries
        .map(|(position, one)| deployment(ecs, service, position, one))
        .collect();
    document.insert("deployments".to_owned(), json!(deployments));
    let current = service
        .service_deployments
        .last()
        .map(|record| json!(&*record.arn));
    put(document, "currentServiceDeployment", current);
    let revisions: Vec<Value> = service
        .deployments
        .iter()
        .map(|one| {
            revision_summary(
                service,
                one.revision,
                ecs.revision_counts(service, one.revision),
            )
        })
        .collect();
    document.insert("currentServiceRevisions".to_owned(), json!(revisions));
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Deployment.html>.
fn deployment(ecs: &Ecs, service: &Service, position: usize, one: &Deployment) -> Value {
    let counts = ecs.task_counts(service, Some(one));
    let revision = &service.revisions[one.revision];
    let mut document = object([
        ("id", json!(&*one.id)),
        ("status", json!(Deployment::status(position))),
        ("taskDefinition", json!(&*revision.task_definition.arn)),
        ("desiredCount", json!(one.desired_count)),
        ("pendingCount", json!(counts.pending)),
        ("runningCount", json!(counts.running)),
        ("failedTasks", json!(one.failed_tasks)),
        ("createdAt", epoch(one.created_at)),
        ("updatedAt", epoch(one.updated_at)),
        ("rolloutState", json!(one.rollout_state.as_str())),
        ("rolloutStateReason", json!(one.rollout_state_reason())),
    ]);
    show_workload(&mut document, &revision.workload, "1.4.0");
    for key in ["loadBalancers", "serviceRegistries"] {
        document.remove(key);
    }
    Value::Object(document)
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskSet.html>.
fn task_set(ecs: &Ecs, service: &Service, position: usize, one: &Deployment) -> Value {
    let counts = ecs.task_counts(service, Some(one));
    let revision = &service.revisions[one.revision];
    let is_stable = one.is_completed();
    let mut document = object([
        ("id", json!(&*one.id)),
        (
            "taskSetArn",
            json!(ecs.arns.task_set(&service.cluster, &service.name, &one.id)),
        ),
        ("serviceArn", json!(&*service.arn)),
        ("clusterArn", json!(ecs.arns.cluster(&service.cluster))),
        ("startedBy", json!(service.deployment_controller.as_str())),
        ("status", json!(Deployment::status(position))),
        ("taskDefinition", json!(&*revision.task_definition.arn)),
        ("computedDesiredCount", json!(one.desired_count)),
        ("pendingCount", json!(counts.pending)),
        ("runningCount", json!(counts.running)),
        ("createdAt", epoch(one.created_at)),
        ("updatedAt", epoch(one.updated_at)),
        ("scale", json!({"value": 100.0, "unit": "PERCENT"})),
        (
            "stabilityStatus",
            json!(if is_stable {
                "STEADY_STATE"
            } else {
                "STABILIZING"
            }),
        ),
        ("tags", json!([])),
    ]);
    show_workload(&mut document, &revision.workload, "1.4.0");
    Value::Object(document)
}
