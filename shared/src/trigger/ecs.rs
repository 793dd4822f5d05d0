//! Events of ECS.

use serde_json::Value;

use super::ecs_service_action::service_action;
use super::envelope::Envelope;
use crate::core::evidence::ServiceEvent;
use crate::core::policy::ServiceRef;
use crate::core::reason::Ignored;
use crate::redact::redact;

/// What ECS said about a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceChange {
    /// The service.
    pub service: ServiceRef,
    /// The event's name, such as `SERVICE_DEPLOYMENT_COMPLETED`.
    pub what: String,
    /// The event itself, if it tells of a trouble: what ECS complains of is told once only.
    pub trouble: Option<ServiceEvent>,
    /// The event's id.
    pub event_id: String,
}

/// Reads what changed about a service, of whichever kind the event is.
///
/// # Errors
///
/// Every other event is explained as ignored.
pub fn service_event(event: &Value) -> Result<ServiceChange, Ignored> {
    match event.get("detail-type").and_then(Value::as_str) {
        Some("ECS Service Action") => service_action(event).map(ServiceChange::from),
        _ => service_change(event),
    }
}

/// Reads what became of a service's deployment.
///
/// The service stands in `resources` only: these events' detail names neither
/// cluster nor service. Source: ECS developer guide, "Service deployment state
/// change events".
///
/// # Errors
///
/// Every other event is explained as ignored.
pub fn service_change(event: &Value) -> Result<ServiceChange, Ignored> {
    let envelope = Envelope::read(event)?;
    if envelope.source != "aws.ecs" || envelope.detail_type != "ECS Deployment State Change" {
        return Err(Ignored::NoBusiness {
            kind: envelope.kind(),
        });
    }
    let service = envelope
        .resources
        .iter()
        .find_map(|arn| service_of(arn))
        .ok_or_else(|| super::envelope::unreadable("its resources name no service"))?;
    let what: String = envelope.text("eventName").chars().take(60).collect();
    let trouble = envelope.at().ok().map(|at| ServiceEvent {
        name: what.clone(),
        // Before anything is cut off: half a secret is not known for one.
        reason: redact(envelope.text("reason")),
        deployment: Some(envelope.text("deploymentId").to_owned()).filter(|id| !id.is_empty()),
        at,
    });
    Ok(ServiceChange {
        service,
        what,
        trouble: trouble.and_then(complaint),
        event_id: envelope.id,
    })
}

/// Lets pass what tells of a trouble, cut to what is kept.
pub(super) fn complaint(event: ServiceEvent) -> Option<ServiceEvent> {
    let event = event.bounded();
    event.trouble().is_some().then_some(event)
}

/// Takes a service's ARN apart: `arn:…:ecs:…:service/<cluster>/<name>`.
#[must_use]
pub fn service_of(arn: &str) -> Option<ServiceRef> {
    let mut parts = arn.splitn(6, ':');
    let (prefix, service) = (parts.next()?, parts.nth(1)?);
    let resource = parts.nth(2)?;
    let (cluster, name) = resource.strip_prefix("service/")?.split_once('/')?;
    let whole = prefix == "arn" && service == "ecs" && !cluster.is_empty() && !name.is_empty();
    whole.then(|| ServiceRef {
        cluster: cluster.to_owned(),
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::diagnosis::service_trouble::ServiceTrouble;

    fn sample(name: &str) -> Value {
        let path = format!("{}/../tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn deployment_events_name_their_service() {
        for name in ["in_progress", "completed", "failed"] {
            let name = format!("ecs_deployment_state_change__service_deployment_{name}");
            let change = service_change(&sample(&name)).unwrap();
            assert!(!change.service.cluster.is_empty() && !change.service.name.is_empty());
            assert!(change.what.starts_with("SERVICE_DEPLOYMENT_"));
        }
    }

    #[test]
    fn only_what_ecs_complains_of_is_carried_along() {
        let read = |name: &str| service_event(&sample(name)).unwrap();
        let failed = read("ecs_deployment_state_change__service_deployment_failed");
        let trouble = failed.trouble.unwrap();
        assert_eq!(trouble.deployment.as_deref(), Some("ecs-svc/123"));
        assert_eq!(trouble.at.to_string(), "2020-05-23T12:31:14Z");
        assert_eq!(trouble.trouble(), Some(ServiceTrouble::CircuitBreaker));
        let placement = read("ecs_service_action__service_task_placement_failure");
        assert_eq!(placement.what, "SERVICE_TASK_PLACEMENT_FAILURE");
        let lacking = "RESOURCE:FARGATE".to_owned();
        let trouble = placement.trouble.unwrap();
        assert_eq!(
            trouble.trouble(),
            Some(ServiceTrouble::CannotPlace { lacking })
        );
        for quiet in [
            "ecs_deployment_state_change__service_deployment_completed",
            "ecs_service_action__service_steady_state",
        ] {
            assert_eq!(read(quiet).trouble, None, "{quiet}");
        }
    }

    #[test]
    fn an_event_without_a_time_wakes_and_proves_nothing() {
        let mut event = sample("ecs_deployment_state_change__service_deployment_failed");
        event["time"] = json!("2023-02-29T00:00:00Z");
        let change = service_event(&event).unwrap();
        assert_eq!(change.what, "SERVICE_DEPLOYMENT_FAILED");
        assert_eq!(change.trouble, None);
    }

    #[test]
    fn what_ecs_quotes_is_kept_without_its_secrets_and_short() {
        let mut event = sample("ecs_deployment_state_change__service_deployment_failed");
        event["detail"]["reason"] = json!(format!("PASSWORD=s3cr3t {}", "x".repeat(9000)));
        let reason = service_event(&event).unwrap().trouble.unwrap().reason;
        assert!(!reason.contains("s3cr3t"), "{reason}");
        assert!(reason.len() <= 1024);
    }

    #[test]
    fn other_events_ask_for_nothing_and_nonsense_is_explained() {
        let other = service_change(&sample("ecs_container_instance_state_change"));
        assert!(matches!(other, Err(Ignored::NoBusiness { .. })));
        let mut event = sample("ecs_deployment_state_change__service_deployment_failed");
        event["resources"] = json!(["arn:aws:ecs:eu-west-1:1:service/only"]);
        assert!(matches!(
            service_change(&event),
            Err(Ignored::Unreadable { .. })
        ));
    }

    #[test]
    fn arns_are_taken_apart() {
        let service = service_of("arn:aws:ecs:eu-west-1:123456789012:service/prod/web").unwrap();
        assert_eq!(service.to_string(), "prod/web");
        for wrong in [
            "",
            "arn:aws:ecs:r:1:cluster/prod",
            "arn:aws:ecs:r:1:service//x",
            "a:b:ecs:r:1:service/c/s",
        ] {
            assert_eq!(service_of(wrong), None, "{wrong}");
        }
    }
}
