//! Events of ECS.

use serde_json::Value;

use super::envelope::Envelope;
use crate::core::policy::ServiceRef;
use crate::core::reason::Ignored;

/// What ECS said about a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceChange {
    /// The service.
    pub service: ServiceRef,
    /// The event's name, such as `SERVICE_DEPLOYMENT_COMPLETED`.
    pub what: String,
    /// The event's id.
    pub event_id: String,
}

/// Reads what changed about a service.
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
    Ok(ServiceChange {
        service,
        what: envelope.text("eventName").chars().take(60).collect(),
        event_id: envelope.id,
    })
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
