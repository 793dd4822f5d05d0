//! Stacks that changed their status.

use serde_json::Value;

use super::envelope::{Envelope, unreadable};
use crate::core::reason::Ignored;

/// How much of a status is kept, in characters: CloudFormation's longest has 44.
const STATUS_LIMIT: usize = 60;

/// A stack's change, and the event that told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackChanged {
    /// The stack's name.
    pub stack: String,
    /// CloudFormation's word for its status, such as `UPDATE_COMPLETE`.
    pub status: String,
    /// The event's id.
    pub event_id: String,
}

/// Reads which stack changed to which status.
///
/// Source: CloudFormation user guide, "CloudFormation event detail for
/// EventBridge", "CloudFormation Stack Status Change".
///
/// # Errors
///
/// Every other event is explained as ignored, also that of a single resource.
pub fn stack_change(event: &Value) -> Result<StackChanged, Ignored> {
    let envelope = Envelope::read(event)?;
    if envelope.source != "aws.cloudformation"
        || envelope.detail_type != "CloudFormation Stack Status Change"
    {
        return Err(Ignored::NoBusiness {
            kind: envelope.kind(),
        });
    }
    let resources = envelope.resources.iter().map(String::as_str);
    let stack = std::iter::once(envelope.text("stack-id"))
        .chain(resources)
        .find_map(stack_of)
        .ok_or_else(|| unreadable("it names no stack"))?;
    let status = envelope
        .detail
        .pointer("/status-details/status")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Ok(StackChanged {
        stack: stack.to_owned(),
        status: status.chars().take(STATUS_LIMIT).collect(),
        event_id: envelope.id,
    })
}

/// Takes the name out of a stack's ARN: `arn:…:cloudformation:…:stack/<name>/<id>`.
#[must_use]
pub fn stack_of(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let (prefix, service) = (parts.next()?, parts.nth(1)?);
    let stack = parts.nth(2)?.strip_prefix("stack/")?;
    let (name, _) = stack.split_once('/').unwrap_or((stack, ""));
    (prefix == "arn" && service == "cloudformation" && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::every_sample::sample;
    use super::*;

    const ARN: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/backstage/5f1c2d3e";

    fn complete() -> Value {
        sample("cloudformation_stack_status_change__create_complete")
    }

    #[test]
    fn a_change_is_read_with_the_stacks_name() {
        let read = stack_change(&complete()).unwrap();
        assert_eq!(read.stack, "teststack");
        assert_eq!(read.status, "CREATE_COMPLETE");
        assert_eq!(read.event_id, "6a7e8feb-b491-4cf7-a9f1-bf3703467718");
    }

    #[test]
    fn either_place_names_the_stack() {
        let mut event = complete();
        event["resources"] = json!([ARN]);
        event["detail"]["stack-id"] = json!(7);
        assert_eq!(stack_change(&event).unwrap().stack, "backstage");
        event["resources"] = json!([]);
        event["detail"]["stack-id"] = json!(ARN);
        assert_eq!(stack_change(&event).unwrap().stack, "backstage");
    }

    #[test]
    fn oddities_do_not_lose_a_change() {
        let mut event = complete();
        event["detail"]["status-details"] = json!("UPDATE_COMPLETE");
        assert_eq!(stack_change(&event).unwrap().status, "");
        event["detail"]["status-details"] = json!({ "status": "Ä".repeat(5000) });
        assert_eq!(stack_change(&event).unwrap().status.chars().count(), 60);
        event["time"] = json!("29 February 2023");
        assert!(stack_change(&event).is_ok(), "no time is needed");
    }

    #[test]
    fn what_is_no_stacks_change_is_explained() {
        let mut event = complete();
        event["resources"] = json!(["arn:aws:sns:us-east-1:1:x"]);
        event["detail"]["stack-id"] = json!("teststack");
        assert!(matches!(
            stack_change(&event),
            Err(Ignored::Unreadable { .. })
        ));
        for (field, value) in [
            ("detail-type", "CloudFormation Resource Status Change"),
            ("source", "aws.ecs"),
        ] {
            let mut event = complete();
            event[field] = json!(value);
            let ignored = stack_change(&event);
            assert!(
                matches!(ignored, Err(Ignored::NoBusiness { .. })),
                "{field}"
            );
        }
    }

    #[test]
    fn arns_are_taken_apart() {
        assert_eq!(stack_of(ARN), Some("backstage"));
        for wrong in [
            "",
            "backstage",
            "arn:aws:cloudformation:r:1:stack/",
            "arn:aws:cloudformation:r:1:stack//id",
            "arn:aws:cloudformation:r:1:changeSet/a/b",
            "arn:aws:ecs:r:1:stack/backstage/id",
            "a:b:cloudformation:r:1:stack/backstage/id",
        ] {
            assert_eq!(stack_of(wrong), None, "{wrong}");
        }
    }
}
