//! ECS's history of a service's deployments.

use std::collections::BTreeMap;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{
    CreatedAt, DeploymentLifecycleHookDetail, DeploymentLifecycleHookStatus,
    DeploymentLifecycleHookTargetType, ServiceDeployment, ServiceDeploymentRollbackMonitorsStatus,
    ServiceDeploymentStatus, ServiceRevision,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::super::failure::call_error;
use super::super::timestamp;
use crate::core::name::ImageDigest;
use crate::core::observation::{DeploymentRecord, Digests, PausedHook, RecordStatus};
use crate::core::policy::ServiceRef;
use crate::ports::CallError;

/// How many service deployments are looked at, the newest ones.
///
/// DescribeServiceDeployments takes 20, and DescribeServiceRevisions takes 20
/// revisions: those that these bring and, one each as a rule, those they
/// replace. Source: ECS API reference.
const RECORDS_LIMIT: usize = 5;
/// The most that a page holds. Source: ECS API reference, ListServiceDeployments, `maxResults`.
const PAGE_SIZE: i32 = 100;
/// Source: ECS API reference, DescribeServiceRevisions.
const REVISIONS_LIMIT: usize = 20;

/// Reads the latest service deployments made after `since`, the newest first.
pub(super) async fn read(
    client: &Client,
    service: &ServiceRef,
    since: Timestamp,
) -> Result<Vec<DeploymentRecord>, CallError> {
    let made = newest(client, service, since).await?;
    if made.is_empty() {
        return Ok(Vec::new());
    }
    let arns = made.iter().map(|(_, arn)| arn.clone()).collect();
    let call = format!("ecs:DescribeServiceDeployments {service}");
    let answer = client
        .describe_service_deployments()
        .set_service_deployment_arns(Some(arns))
        .send()
        .await
        .map_err(|error| call_error(&call, &error))?;
    let described = answer.service_deployments();
    let revisions = revisions_of(client, service, described).await?;
    let records = made.iter().filter_map(|(created_at, arn)| {
        let mut described = described.iter();
        let found = described.find(|one| one.service_deployment_arn() == Some(arn))?;
        record(arn, *created_at, found, &revisions)
    });
    Ok(records.collect())
}

/// Names the latest service deployments made after `since`, the newest first.
///
/// ECS tells them in pages and in no order that it documents, so all are read.
async fn newest(
    client: &Client,
    service: &ServiceRef,
    since: Timestamp,
) -> Result<Vec<(Timestamp, String)>, CallError> {
    let call = format!("ecs:ListServiceDeployments {service}");
    let after = CreatedAt::builder().after(DateTime::from_secs(since.as_second()));
    let ask = client
        .list_service_deployments()
        .cluster(&service.cluster)
        .service(&service.name)
        .created_at(after.build())
        .max_results(PAGE_SIZE);
    let mut made = Vec::new();
    let mut next = None;
    loop {
        let asked = ask.clone().set_next_token(next).send().await;
        let answer = asked.map_err(|error| call_error(&call, &error))?;
        made.extend(answer.service_deployments().iter().filter_map(|brief| {
            let created_at = timestamp(brief.created_at()?)?;
            Some((created_at, brief.service_deployment_arn()?.to_owned()))
        }));
        next = answer.next_token;
        if next.is_none() {
            break;
        }
    }
    made.sort_unstable();
    made.reverse();
    made.truncate(RECORDS_LIMIT);
    Ok(made)
}

/// What a service revision stands for.
struct Revision {
    task_definition: String,
    digests: Digests,
}

/// Reads what each of the service revisions that the deployments name stands for.
async fn revisions_of(
    client: &Client,
    service: &ServiceRef,
    deployments: &[ServiceDeployment],
) -> Result<BTreeMap<String, Revision>, CallError> {
    let mut revisions: Vec<String> = Vec::new();
    for summary in deployments.iter().flat_map(|deployment| {
        let target = deployment.target_service_revision().into_iter();
        target.chain(deployment.source_service_revisions())
    }) {
        if let Some(arn) = summary.arn()
            && revisions.len() < REVISIONS_LIMIT
            && !revisions.iter().any(|known| known == arn)
        {
            revisions.push(arn.to_owned());
        }
    }
    described(client, service, revisions).await
}

async fn described(
    client: &Client,
    service: &ServiceRef,
    revisions: Vec<String>,
) -> Result<BTreeMap<String, Revision>, CallError> {
    let call = format!("ecs:DescribeServiceRevisions {service}");
    let answer = client
        .describe_service_revisions()
        .set_service_revision_arns(Some(revisions))
        .send()
        .await
        .map_err(|error| call_error(&call, &error))?;
    let read = answer.service_revisions().iter().filter_map(|revision| {
        let arn = revision.service_revision_arn()?;
        let read = Revision {
            task_definition: revision.task_definition()?.to_owned(),
            digests: digests(revision),
        };
        Some((arn.to_owned(), read))
    });
    Ok(read.collect())
}

/// Source: ECS API reference, ContainerImage.
fn digests(revision: &ServiceRevision) -> Digests {
    let images = revision.container_images().iter();
    images
        .filter_map(|image| {
            let digest = ImageDigest::parse(image.image_digest()?)?;
            Some((image.container_name()?.to_owned(), digest))
        })
        .collect()
}

/// Reads to which digests ECS resolved the images of what a service runs.
///
/// The service names its revisions itself: ListServiceDeployments forgets after
/// 90 days. Source: ECS API reference, Service, `currentServiceRevisions`, and
/// ECS developer guide, "Service deployments".
pub(super) async fn resolved_images(
    client: &Client,
    service: &ServiceRef,
    task_definition: &str,
) -> Result<Digests, CallError> {
    let call = format!("ecs:DescribeServices {service}");
    let answer = client
        .describe_services()
        .cluster(&service.cluster)
        .services(&service.name)
        .send()
        .await
        .map_err(|error| call_error(&call, &error))?;
    let found = answer.services().iter().take(1);
    let current = found.flat_map(aws_sdk_ecs::types::Service::current_service_revisions);
    let arns: Vec<String> = current
        .filter_map(|revision| revision.arn().map(str::to_owned))
        .take(REVISIONS_LIMIT)
        .collect();
    if arns.is_empty() {
        return Ok(Digests::new());
    }
    let revisions = described(client, service, arns).await?;
    let mut revisions = revisions.into_values();
    Ok(match (revisions.next(), revisions.next()) {
        (Some(only), None) if only.task_definition == task_definition => only.digests,
        _ => Digests::new(),
    })
}

/// Reads a service deployment; nothing is read of one whose revisions ECS does not tell.
///
/// A source that is not told would be a place to go back to that nobody knows.
fn record(
    arn: &str,
    created_at: Timestamp,
    deployment: &ServiceDeployment,
    revisions: &BTreeMap<String, Revision>,
) -> Option<DeploymentRecord> {
    let sources = deployment.source_service_revisions().iter();
    let sources = sources.map(|source| revisions.get(source.arn()?));
    let sources: Vec<&Revision> = sources.collect::<Option<_>>()?;
    let target = revisions.get(deployment.target_service_revision()?.arn()?)?;
    let hooks = deployment.lifecycle_hook_details();
    Some(DeploymentRecord {
        arn: arn.to_owned(),
        created_at,
        status: status(deployment.status()),
        status_reason: deployment.status_reason().unwrap_or_default().to_owned(),
        target: target.task_definition.clone(),
        target_digests: target.digests.clone(),
        sources: sources
            .iter()
            .map(|one| one.task_definition.clone())
            .collect(),
        source_digests: sources.iter().map(|one| one.digests.clone()).collect(),
        failed_by_ecs: monitors_fired(deployment) || hooks.iter().any(has_failed),
        paused_at: hooks.iter().find_map(|hook| paused_at(arn, hook)),
    })
}

/// Source: ECS developer guide, "Service deployment states".
fn status(status: Option<&ServiceDeploymentStatus>) -> RecordStatus {
    use ServiceDeploymentStatus as Status;
    match status {
        Some(Status::Pending | Status::InProgress) => RecordStatus::Ongoing,
        Some(Status::RollbackRequested | Status::RollbackInProgress) => RecordStatus::RollingBack,
        Some(Status::RollbackSuccessful) => RecordStatus::RolledBack,
        Some(Status::RollbackFailed) => RecordStatus::RollbackFailed,
        Some(Status::Successful) => RecordStatus::Successful,
        Some(Status::StopRequested | Status::Stopped) => RecordStatus::Stopped,
        Some(_) | None => RecordStatus::Unknown,
    }
}

/// Source: ECS API reference, ServiceDeploymentCircuitBreaker and ServiceDeploymentAlarms, `status`.
fn monitors_fired(deployment: &ServiceDeployment) -> bool {
    let breaker = deployment.deployment_circuit_breaker();
    let breaker = breaker.and_then(|breaker| breaker.status());
    let alarms = deployment.alarms().and_then(|alarms| alarms.status());
    let triggered = Some(&ServiceDeploymentRollbackMonitorsStatus::Triggered);
    breaker == triggered || alarms == triggered
}

/// One that nobody answered may let the deployment go on all the same.
///
/// Source: ECS API reference, DeploymentLifecycleHookDetail, `timeoutAction`.
fn has_failed(hook: &DeploymentLifecycleHookDetail) -> bool {
    match hook.status() {
        Some(DeploymentLifecycleHookStatus::Failed) => true,
        Some(DeploymentLifecycleHookStatus::TimedOut) => hook
            .timeout_action()
            .is_none_or(|action| action.as_str() == "ROLLBACK"),
        Some(_) | None => false,
    }
}

fn paused_at(arn: &str, hook: &DeploymentLifecycleHookDetail) -> Option<PausedHook> {
    let waits = hook.target_type() == Some(&DeploymentLifecycleHookTargetType::Pause)
        && hook.status() == Some(&DeploymentLifecycleHookStatus::AwaitingAction);
    waits.then(|| PausedHook {
        service_deployment: arn.to_owned(),
        hook_id: hook.hook_id().unwrap_or_default().to_owned(),
        expires_at: hook.expires_at().and_then(timestamp),
        timeout_action: hook
            .timeout_action()
            .map_or("ROLLBACK", |action| action.as_str())
            .to_owned(),
    })
}
