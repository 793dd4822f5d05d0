//! What ECS says about a service's doings.

use jiff::Timestamp;
use serde_json::Value;

use super::ecs::{ServiceChange, complaint, service_of};
use super::envelope::{Envelope, unreadable};
use crate::core::evidence::ServiceEvent;
use crate::core::policy::ServiceRef;
use crate::core::reason::Ignored;
use crate::redact::redact;

/// Something that ECS did, or could not do, for a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAction {
    /// The service.
    pub service: ServiceRef,
    /// The event's name, such as `SERVICE_TASK_PLACEMENT_FAILURE`.
    pub name: String,
    /// How much it matters to ECS.
    pub severity: ActionSeverity,
    /// ECS's own words; most of these events have none.
    pub reason: String,
    /// When it was made; `None` where the event's time cannot be read.
    pub at: Option<Timestamp>,
    /// The event's id.
    pub event_id: String,
}

impl From<ServiceAction> for ServiceChange {
    fn from(action: ServiceAction) -> Self {
        let trouble = action.at.map(|at| ServiceEvent {
            name: action.name.clone(),
            reason: action.reason,
            deployment: None,
            at,
        });
        Self {
            service: action.service,
            what: action.name,
            trouble: trouble.and_then(complaint),
            event_id: action.event_id,
        }
    }
}

/// How much an action matters to ECS, its `eventType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionSeverity {
    /// All goes its usual way.
    Info,
    /// Something may become trouble.
    Warn,
    /// Something is trouble.
    Error,
    /// A kind that came later.
    Other,
}

/// Reads what ECS did for which service.
///
/// These events carry no version, so that an older one cannot be told from a
/// newer one but by its time. Source: ECS developer guide, "Amazon ECS service
/// action events".
///
/// # Errors
///
/// Every other event is explained as ignored.
pub fn service_action(event: &Value) -> Result<ServiceAction, Ignored> {
    let envelope = Envelope::read(event)?;
    if envelope.source != "aws.ecs" || envelope.detail_type != "ECS Service Action" {
        return Err(Ignored::NoBusiness {
            kind: envelope.kind(),
        });
    }
    let service = envelope
        .resources
        .iter()
        .find_map(|arn| {
            service_of(arn).or_else(|| service_of_short(arn, envelope.text("clusterArn")))
        })
        .ok_or_else(|| unreadable("its resources name no service"))?;
    Ok(ServiceAction {
        service,
        name: envelope.text("eventName").chars().take(60).collect(),
        severity: match envelope.text("eventType") {
            "INFO" => ActionSeverity::Info,
            "WARN" => ActionSeverity::Warn,
            "ERROR" => ActionSeverity::Error,
            _ => ActionSeverity::Other,
        },
        // Before anything is cut off: half a secret is not known for one.
        reason: redact(envelope.text("reason")).chars().take(1000).collect(),
        at: envelope.at().ok(),
        event_id: envelope.id,
    })
}

/// Reads a service's ARN of the old form, which leaves out the cluster.
///
/// Source: ECS developer guide, "Amazon Resource Names (ARNs) and IDs".
fn service_of_short(arn: &str, cluster_arn: &str) -> Option<ServiceRef> {
    let (_, cluster) = cluster_arn.split_once(":cluster/")?;
    let (before, name) = arn.split_once(":service/")?;
    service_of(&format!("{before}:service/{cluster}/{name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::every_sample::sample;
    use super::*;

    #[test]
    fn an_action_is_read_with_its_service_severity_and_reason() {
        let failed = service_action(&sample(
            "ecs_service_action__service_task_placement_failure",
        ))
        .unwrap();
        assert_eq!(failed.service.to_string(), "default/servicetest");
        assert_eq!(failed.name, "SERVICE_TASK_PLACEMENT_FAILURE");
        assert_eq!(failed.severity, ActionSeverity::Error);
        assert_eq!(failed.reason, "RESOURCE:FARGATE");
        let impaired =
            service_action(&sample("ecs_service_action__service_task_start_impaired")).unwrap();
        assert_eq!(
            (impaired.severity, impaired.reason.as_str()),
            (ActionSeverity::Warn, "")
        );
        let steady = service_action(&sample("ecs_service_action__service_steady_state")).unwrap();
        assert_eq!(steady.severity, ActionSeverity::Info);
    }

    #[test]
    fn an_arn_of_the_old_form_is_completed_by_the_cluster() {
        let mut event = sample("ecs_service_action__service_steady_state");
        event["resources"] = json!(["arn:aws:ecs:us-west-2:111122223333:service/servicetest"]);
        event["detail"]["eventType"] = json!("FATAL");
        let action = service_action(&event).unwrap();
        assert_eq!(action.service.to_string(), "default/servicetest");
        assert_eq!(action.severity, ActionSeverity::Other);
        event["detail"]["clusterArn"] = json!(7);
        assert!(matches!(
            service_action(&event),
            Err(Ignored::Unreadable { .. })
        ));
    }

    #[test]
    fn long_words_are_cut() {
        let mut event = sample("ecs_service_action__service_steady_state");
        event["detail"]["reason"] = json!("ä".repeat(5000));
        event["detail"]["eventName"] = json!("X".repeat(5000));
        let action = service_action(&event).unwrap();
        assert_eq!(
            (action.reason.chars().count(), action.name.len()),
            (1000, 60)
        );
    }
}
