//! Alarms that changed their state.

use jiff::Timestamp;
use serde_json::Value;

use super::envelope::{Envelope, unreadable};
use crate::core::alarm::AlarmState;
use crate::core::evidence::AlarmChange;
use crate::core::reason::Ignored;

/// An alarm's change, and the event that told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmChanged {
    /// The change.
    pub change: AlarmChange,
    /// The event's id.
    pub event_id: String,
}

/// Reads which alarm changed to which state.
///
/// Alarms on a metric, on metric math, on an anomaly, on a log query and on
/// other alarms differ in their configuration only, which is not read; nor is
/// `reasonData`, a text that is not always JSON. A muted alarm changes its state
/// like any other. Source: CloudWatch user guide, "Alarm events and EventBridge".
///
/// # Errors
///
/// Every other event is explained as ignored, a contributor's too: the alarm
/// itself tells when it fires. So are the forms in which SNS and Lambda are told
/// of alarms, because EventBridge tells of every alarm without being set up on
/// each.
pub fn alarm_change(event: &Value) -> Result<AlarmChanged, Ignored> {
    if let Some(kind) = another_way(event) {
        let kind = kind.to_owned();
        return Err(Ignored::NoBusiness { kind });
    }
    let envelope = Envelope::read(event)?;
    if envelope.source != "aws.cloudwatch"
        || envelope.detail_type != "CloudWatch Alarm State Change"
    {
        return Err(Ignored::NoBusiness {
            kind: envelope.kind(),
        });
    }
    let alarm_arn = envelope
        .resources
        .iter()
        .find(|arn| arn.starts_with("arn:") && arn.contains(":alarm:"))
        .ok_or_else(|| unreadable("its resources name no alarm"))?;
    let named = match envelope.text("alarmName") {
        "" => alarm_arn.split_once(":alarm:").map_or("", |(_, name)| name),
        name => name,
    };
    let state = state(&envelope, "state")
        .ok_or_else(|| unreadable("its state is none that alarms have"))?;
    let at = match changed_at(&envelope) {
        Some(at) => at,
        None => envelope.at()?,
    };
    let change = AlarmChange {
        alarm_arn: alarm_arn.clone(),
        name: named.to_owned(),
        state,
        previous: self::state(&envelope, "previousState"),
        reason: of(&envelope, "state", "reason").to_owned(),
        at,
    };
    Ok(AlarmChanged {
        change: change.bounded(),
        event_id: envelope.id,
    })
}

/// Names the way by which the alarm came, if not by EventBridge.
fn another_way(event: &Value) -> Option<&'static str> {
    let record = event.get("Records").and_then(|records| records.get(0));
    if record.is_some_and(|record| record.get("Sns").is_some()) {
        return Some("SNS message (alarms are taken from EventBridge)");
    }
    let lambda = event.get("alarmData").is_some() && event.get("detail-type").is_none();
    lambda.then_some("alarm action on a Lambda function (alarms are taken from EventBridge)")
}

fn of<'a>(envelope: &Envelope<'a>, state: &str, field: &str) -> &'a str {
    let value = envelope
        .detail
        .get(state)
        .and_then(|state| state.get(field));
    value.and_then(Value::as_str).unwrap_or_default()
}

/// Source: CloudWatch API reference, MetricAlarm, `StateValue`.
fn state(envelope: &Envelope<'_>, which: &str) -> Option<AlarmState> {
    match of(envelope, which, "value") {
        "OK" => Some(AlarmState::Ok),
        "ALARM" => Some(AlarmState::Alarm),
        "INSUFFICIENT_DATA" => Some(AlarmState::InsufficientData),
        _ => None,
    }
}

/// Reads when the state changed; jiff takes CloudWatch's offsets, which have no colon.
fn changed_at(envelope: &Envelope<'_>) -> Option<Timestamp> {
    of(envelope, "state", "timestamp").parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::every_sample::sample;
    use super::*;

    const ARN: &str = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh";

    fn metric() -> Value {
        sample("cloudwatch_alarm_state_change__servercputoohigh")
    }

    #[test]
    fn a_change_is_read_with_the_alarms_arn() {
        let read = alarm_change(&metric()).unwrap();
        assert_eq!(read.event_id, "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92");
        let change = read.change;
        assert_eq!(
            (change.alarm_arn.as_str(), change.name.as_str()),
            (ARN, "ServerCpuTooHigh")
        );
        assert_eq!(
            (change.state, change.previous),
            (AlarmState::Alarm, Some(AlarmState::Ok))
        );
        assert!(change.reason.starts_with("Threshold Crossed"));
        assert_eq!(change.at.to_string(), "2019-10-02T17:04:40.989Z");
    }

    #[test]
    fn every_kind_of_alarm_is_read_alike() {
        let configurations = [
            json!({ "metrics": [{ "id": "m1", "metricStat": { "metric": { "namespace": "AWS/ECS", "name": "CPUUtilization" }, "period": 86400, "stat": "p99.9" }, "returnData": true }] }),
            json!({ "metrics": [{ "id": "e1", "expression": "m1 / m2 * 100", "label": "5xx", "returnData": true }] }),
            json!({ "metrics": [{ "id": "ad1", "expression": "ANOMALY_DETECTION_BAND(m1, 2)" }], "thresholdMetricId": "ad1" }),
            json!({ "metrics": [{ "id": "q1", "expression": "SELECT AVG(x) FROM \"AWS/ECS\"", "period": 60 }] }),
            json!({ "alarmRule": "ALARM(a) OR ALARM(b)", "actionsSuppressor": "s", "actionsSuppressorWaitPeriod": 120 }),
            json!({ "queryString": "fields @message | filter @message like /ERROR/ | stats count()", "logGroupNames": ["/ecs/web"] }),
            json!(null),
        ];
        for configuration in configurations {
            let mut event = metric();
            event["detail"]["configuration"] = configuration;
            assert_eq!(alarm_change(&event), alarm_change(&metric()));
        }
        for name in [
            "totalnetworktraffictoohigh",
            "composite_no_suppressor_composed",
            "metric_muted_2026",
        ] {
            let read =
                alarm_change(&sample(&format!("cloudwatch_alarm_state_change__{name}"))).unwrap();
            assert_eq!(read.change.state, AlarmState::Alarm, "{name}");
        }
    }

    #[test]
    fn oddities_do_not_lose_a_change() {
        let mut event = metric();
        event["detail"]["state"]["reasonData"] = json!("{not JSON");
        event["detail"]["state"]["reason"] = json!("ä".repeat(5000));
        event["detail"]["state"]["timestamp"] = json!("yesterday");
        event["detail"]
            .as_object_mut()
            .unwrap()
            .remove("previousState");
        event["detail"].as_object_mut().unwrap().remove("alarmName");
        event["resources"] = json!(["arn:aws:sns:us-east-1:1:x", ARN]);
        let change = alarm_change(&event).unwrap().change;
        assert_eq!(
            (change.alarm_arn.as_str(), change.name.as_str()),
            (ARN, "ServerCpuTooHigh")
        );
        assert_eq!((change.previous, change.reason.len()), (None, 1023));
        assert_eq!(
            change.at.to_string(),
            "2019-10-02T17:04:40Z",
            "the event's own time"
        );
        event["detail"]["state"]["timestamp"] = json!("2019-10-02T19:04:40.989+0200");
        assert_eq!(
            alarm_change(&event).unwrap().change.at.to_string(),
            "2019-10-02T17:04:40.989Z"
        );
    }

    #[test]
    fn what_is_no_alarms_change_is_explained() {
        let kind = |name: &str| match alarm_change(&sample(name)) {
            Err(Ignored::NoBusiness { kind }) => kind,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(
            kind("cloudwatch_alarm_contributor_state_change"),
            "CloudWatch Alarm Contributor State Change"
        );
        assert_eq!(
            kind("cloudwatch_alarm_configuration_change__delete"),
            "CloudWatch Alarm Configuration Change"
        );
        assert!(kind("sns_alarm__single_metric").starts_with("SNS message"));
        assert!(
            kind("lambda_alarm_action__metric").starts_with("alarm action on a Lambda function")
        );
        for (place, value) in [
            ("/resources", json!(["arn:aws:sns:us-east-1:1:x"])),
            ("/detail/state/value", json!("PANIC")),
            ("/detail/state", json!("ALARM")),
        ] {
            let mut event = metric();
            *event.pointer_mut(place).unwrap() = value;
            assert!(
                matches!(alarm_change(&event), Err(Ignored::Unreadable { .. })),
                "{place}"
            );
        }
        let mut event = metric();
        event["time"] = json!("29 February 2023");
        assert!(alarm_change(&event).is_ok(), "the state's own time stands");
        event["detail"]["state"]["timestamp"] = json!(7);
        assert!(matches!(
            alarm_change(&event),
            Err(Ignored::Unreadable { .. })
        ));
    }
}
