//! Service deployments in JSON: how one stands, and what can be done about it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, epoch, object, put, read};
use crate::ecs::Ecs;
use crate::failure::FailureCause;
use crate::lifecycle_hook::{HookAction, HookExecution, HookTarget};
use crate::service::Service;
use crate::service_deployment::{AlarmWatch, RevisionCounts, ServiceDeployment};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StopServiceDeployment {
    service_deployment_arn: String,
    stop_type: Option<String>,
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html>.
pub(super) fn stop(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: StopServiceDeployment = read(request)?;
    let stop_type = input.stop_type.as_deref();
    let arn = ecs.stop_service_deployment(&input.service_deployment_arn, stop_type)?;
    Ok(json!({"serviceDeploymentArn": &*arn}))
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContinueServiceDeployment {
    service_deployment_arn: String,
    hook_id: String,
    action: Option<String>,
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html>.
pub(super) fn go_on(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: ContinueServiceDeployment = read(request)?;
    let action = HookAction::named(input.action.as_deref(), HookAction::Continue)?;
    let arn =
        ecs.continue_service_deployment(&input.service_deployment_arn, &input.hook_id, action)?;
    Ok(json!({"serviceDeploymentArn": &*arn}))
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html>.
pub(super) fn show(ecs: &Ecs, service: &Service, record: &ServiceDeployment) -> Value {
    let counts = |revision: usize| match record.final_counts.get(&revision) {
        Some(counts) => *counts,
        None => ecs.revision_counts(service, revision),
    };
    let summary = |revision: usize| {
        let mut summary = revision_summary(service, revision, counts(revision));
        let lifecycle = record.lifecycle.as_ref();
        let traffic = lifecycle.and_then(|one| one.traffic(revision, record.target));
        if let Some((production, test)) = traffic {
            summary["requestedProductionTrafficWeight"] = json!(f64::from(production) / 10.0);
            summary["requestedTestTrafficWeight"] = json!(f64::from(test) / 10.0);
        }
        summary
    };
    let sources: Vec<Value> = record.sources.iter().map(|one| summary(*one)).collect();
    let mut document = object([
        ("serviceDeploymentArn", json!(&*record.arn)),
        ("serviceArn", json!(&*service.arn)),
        ("clusterArn", json!(ecs.arns.cluster(&service.cluster))),
        ("createdAt", epoch(record.created_at)),
        ("updatedAt", epoch(record.updated_at)),
        ("sourceServiceRevisions", json!(sources)),
        ("targetServiceRevision", summary(record.target)),
        ("status", json!(record.status.as_str())),
        (
            "deploymentConfiguration",
            json!(record.configuration.document),
        ),
        ("deploymentCircuitBreaker", circuit_breaker(service, record)),
        ("alarms", alarms(record)),
    ]);
    put(&mut document, "startedAt", record.started_at.map(epoch));
    put(&mut document, "finishedAt", record.finished_at.map(epoch));
    put(&mut document, "stoppedAt", record.stopped_at.map(epoch));
    put(
        &mut document,
        "statusReason",
        record.status_reason.as_ref().map(|reason| json!(reason)),
    );
    if let Some(lifecycle) = &record.lifecycle {
        document.insert("lifecycleStage".to_owned(), json!(lifecycle.stage.as_str()));
        let hooks: Vec<Value> = lifecycle.hooks.iter().map(hook).collect();
        document.insert("lifecycleHookDetails".to_owned(), json!(hooks));
    }
    put(
        &mut document,
        "rollback",
        record.rollback.as_ref().map(|rollback| {
            json!({
                "reason": rollback.reason,
                "startedAt": epoch(rollback.started_at),
                "serviceRevisionArn": &*service.revisions[rollback.revision].arn,
            })
        }),
    );
    Value::Object(document)
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeploymentCircuitBreaker.html>.
fn circuit_breaker(service: &Service, record: &ServiceDeployment) -> Value {
    let failures = match service.deployment_index(&record.deployment_id) {
        Some(index) if record.failure.is_none() && !record.status.is_final() => {
            service.deployments[index].counted_failures
        }
        Some(_) | None => record.final_failed_tasks,
    };
    let breaker = record.configuration.circuit_breaker;
    let is_triggered = record.failure == Some(FailureCause::CircuitBreaker);
    json!({
        "status": monitor(breaker.is_enabled, is_triggered, record),
        "failureCount": failures,
        "threshold": breaker.threshold.failures(service.desired_count),
    })
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeploymentAlarms.html>.
/// That alarms which are ignored show as DISABLED is assumed.
fn alarms(record: &ServiceDeployment) -> Value {
    let alarms = record.configuration.document.get("alarms");
    let (is_enabled, triggered) = match &record.alarm_watch {
        AlarmWatch::Off | AlarmWatch::Ignored => (false, None),
        AlarmWatch::Watching => (true, None),
        AlarmWatch::Triggered(names) => (true, Some(names)),
    };
    let status = monitor(is_enabled, triggered.is_some(), record);
    let mut document = object([("status", json!(status))]);
    put(
        &mut document,
        "triggeredAlarmNames",
        triggered.map(|names| json!(names)),
    );
    put(
        &mut document,
        "alarmNames",
        alarms.map(|alarms| alarms["alarmNames"].clone()),
    );
    Value::Object(document)
}

/// Source: `status` at
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeploymentCircuitBreaker.html>.
fn monitor(is_enabled: bool, is_triggered: bool, record: &ServiceDeployment) -> &'static str {
    match (is_enabled, is_triggered, record.status.is_final()) {
        (false, _, _) => "DISABLED",
        (true, true, _) => "TRIGGERED",
        (true, false, false) => "MONITORING",
        (true, false, true) => "MONITORING_COMPLETE",
    }
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHookDetail.html>.
fn hook(hook: &HookExecution) -> Value {
    let mut document = object([
        ("hookId", json!(&*hook.id)),
        ("targetType", json!(hook.target.as_str())),
        ("status", json!(hook.status.as_str())),
        ("expiresAt", epoch(hook.expires_at)),
        ("timeoutAction", json!(hook.timeout_action.as_str())),
    ]);
    let function = match &hook.target {
        HookTarget::Lambda(arn) => Some(json!(&**arn)),
        HookTarget::Pause => None,
    };
    put(&mut document, "targetArn", function);
    Value::Object(document)
}

/// Shows how many tasks of a revision there are.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRevisionSummary.html>.
pub(super) fn revision_summary(
    service: &Service,
    revision: usize,
    counts: RevisionCounts,
) -> Value {
    json!({
        "arn": &*service.revisions[revision].arn,
        "requestedTaskCount": counts.requested,
        "runningTaskCount": counts.running,
        "pendingTaskCount": counts.pending,
    })
}
