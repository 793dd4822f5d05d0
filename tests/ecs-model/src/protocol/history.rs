//! Service deployments and service revisions in JSON.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::service::show_workload;
use super::{Answer, Page, epoch, missing, object, put, read};
use crate::deployment::ServiceRevision;
use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::failure::FailureCause;
use crate::service::{DeploymentController, Service, ServiceStatus};
use crate::service_deployment::{AlarmWatch, RevisionCounts, ServiceDeployment};

/// For how long a service deployment is shown.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html>.
const SHOWN_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListServiceDeployments {
    cluster: Option<String>,
    service: String,
    status: Vec<String>,
    created_at: Option<CreatedAt>,
    #[serde(flatten)]
    page: Page,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CreatedAt {
    before: Option<f64>,
    after: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct References {
    service_deployment_arns: Vec<String>,
    service_revision_arns: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StopServiceDeployment {
    service_deployment_arn: String,
    stop_type: Option<String>,
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopServiceDeployment.html>.
pub(super) fn stop_deployment(ecs: &mut Ecs, request: &Value) -> Answer {
    let input: StopServiceDeployment = read(request)?;
    let stop_type = input.stop_type.as_deref();
    let arn = ecs.stop_service_deployment(&input.service_deployment_arn, stop_type)?;
    Ok(json!({"serviceDeploymentArn": &*arn}))
}

/// Lists the service deployments of the last 90 days, newest first.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListServiceDeployments.html>.
pub(super) fn list_deployments(ecs: &Ecs, request: &Value) -> Answer {
    let input: ListServiceDeployments = read(request)?;
    let service = ecs
        .service(input.cluster.as_deref(), &input.service)?
        .filter(|service| service.status != ServiceStatus::Inactive)
        .ok_or_else(ServiceError::service_not_found)?;
    if service.deployment_controller != DeploymentController::Ecs {
        return Err(ServiceError::unsupported(format!(
            "Service deployments are not supported for services with a {} deployment controller.",
            service.deployment_controller.as_str()
        )));
    }
    let created = input.created_at.unwrap_or_default();
    let briefs = service
        .service_deployments
        .iter()
        .rev()
        .filter(|record| is_shown(ecs.now, record))
        .filter(|record| {
            let seconds = record.created_at.as_millisecond() as f64 / 1000.0;
            created.before.is_none_or(|before| seconds < before)
                && created.after.is_none_or(|after| seconds > after)
        })
        .filter(|record| {
            input.status.is_empty() || input.status.iter().any(|one| one == record.status.as_str())
        })
        .map(|record| brief(ecs, service, record))
        .collect();
    input.page.cut("serviceDeployments", briefs, 20)
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceDeployments.html>.
pub(super) fn describe_deployments(ecs: &Ecs, request: &Value) -> Answer {
    let input: References = read(request)?;
    let arns = checked("serviceDeploymentArns", &input.service_deployment_arns)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in arns {
        let record = owner(ecs, arn, "service-deployment").and_then(|service| {
            let mut records = service.service_deployments.iter();
            let record = records.find(|record| *record.arn == **arn)?;
            is_shown(ecs.now, record).then_some((service, record))
        });
        match record {
            Some((service, record)) => found.push(show(ecs, service, record)),
            None => failures.push(missing(arn)),
        }
    }
    Ok(json!({"serviceDeployments": found, "failures": failures}))
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeServiceRevisions.html>.
pub(super) fn describe_revisions(ecs: &Ecs, request: &Value) -> Answer {
    let input: References = read(request)?;
    let arns = checked("serviceRevisionArns", &input.service_revision_arns)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in arns {
        let revision = owner(ecs, arn, "service-revision").and_then(|service| {
            let mut revisions = service.revisions.iter();
            Some((service, revisions.find(|revision| *revision.arn == **arn)?))
        });
        match revision {
            Some((service, revision)) => found.push(show_revision(ecs, service, revision)),
            None => failures.push(missing(arn)),
        }
    }
    Ok(json!({"serviceRevisions": found, "failures": failures}))
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

fn checked<'a>(name: &str, arns: &'a [String]) -> Result<&'a [String], ServiceError> {
    match arns.len() {
        1..=20 => Ok(arns),
        0 => Err(ServiceError::invalid_parameter(format!(
            "{name} cannot be empty."
        ))),
        _ => Err(ServiceError::invalid_parameter(format!(
            "{name} cannot have more than 20 elements."
        ))),
    }
}

/// Finds the service that a deployment or revision ARN names.
fn owner<'a>(ecs: &'a Ecs, arn: &str, kind: &str) -> Option<&'a Service> {
    let mut names = ecs.arns.resource(arn, kind)?.split('/');
    let (cluster, service) = (names.next()?, names.next()?);
    ecs.service(Some(cluster), service)
        .ok()
        .flatten()
        .filter(|service| service.status != ServiceStatus::Inactive)
}

fn is_shown(now: Timestamp, record: &ServiceDeployment) -> bool {
    now.duration_since(record.created_at) <= SHOWN_FOR
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeploymentBrief.html>.
fn brief(ecs: &Ecs, service: &Service, record: &ServiceDeployment) -> Value {
    let mut document = object([
        ("serviceDeploymentArn", json!(&*record.arn)),
        ("serviceArn", json!(&*service.arn)),
        ("clusterArn", json!(ecs.arns.cluster(&service.cluster))),
        ("createdAt", epoch(record.created_at)),
        (
            "targetServiceRevisionArn",
            json!(&*service.revisions[record.target].arn),
        ),
        ("status", json!(record.status.as_str())),
    ]);
    put(&mut document, "startedAt", record.started_at.map(epoch));
    put(&mut document, "finishedAt", record.finished_at.map(epoch));
    put(
        &mut document,
        "statusReason",
        record.status_reason.as_ref().map(|reason| json!(reason)),
    );
    Value::Object(document)
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceDeployment.html>.
fn show(ecs: &Ecs, service: &Service, record: &ServiceDeployment) -> Value {
    let counts = |revision: usize| match record.final_counts.get(&revision) {
        Some(counts) => *counts,
        None => ecs.revision_counts(service, revision),
    };
    let sources: Vec<Value> = record
        .sources
        .iter()
        .map(|revision| revision_summary(service, *revision, counts(*revision)))
        .collect();
    let mut document = object([
        ("serviceDeploymentArn", json!(&*record.arn)),
        ("serviceArn", json!(&*service.arn)),
        ("clusterArn", json!(ecs.arns.cluster(&service.cluster))),
        ("createdAt", epoch(record.created_at)),
        ("updatedAt", epoch(record.updated_at)),
        ("sourceServiceRevisions", json!(sources)),
        (
            "targetServiceRevision",
            revision_summary(service, record.target, counts(record.target)),
        ),
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

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ServiceRevision.html>.
fn show_revision(ecs: &Ecs, service: &Service, revision: &ServiceRevision) -> Value {
    let images: Vec<Value> = revision
        .task_definition
        .containers
        .iter()
        .map(|container| {
            let mut image = object([
                ("containerName", json!(container.name)),
                ("image", json!(container.image)),
            ]);
            let digest = revision.digests.get(&container.name);
            put(&mut image, "imageDigest", digest.map(|one| json!(&**one)));
            Value::Object(image)
        })
        .collect();
    let mut document = object([
        ("serviceRevisionArn", json!(&*revision.arn)),
        ("serviceArn", json!(&*service.arn)),
        ("clusterArn", json!(ecs.arns.cluster(&service.cluster))),
        ("taskDefinition", json!(&*revision.task_definition.arn)),
        ("containerImages", json!(images)),
        ("guardDutyEnabled", json!(false)),
        ("createdAt", epoch(revision.created_at)),
    ]);
    show_workload(&mut document, &revision.workload, "1.4.0");
    Value::Object(document)
}
