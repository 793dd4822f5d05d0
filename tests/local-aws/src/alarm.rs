//! Changes of CloudWatch alarms' states: each becomes an event.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::call::Call;
use crate::ecs::EcsService;
use crate::event::Source;
use crate::upstream::{Upstream, UpstreamError};

/// Knows the state of every alarm, and tells what changed.
#[derive(Debug)]
pub(crate) struct Alarms {
    upstream: Upstream,
    source: Source,
    /// Watches alarms during deployments.
    ecs: Arc<EcsService>,
    /// Each alarm's state as an event would tell it.
    known: Mutex<BTreeMap<String, Value>>,
}

impl Alarms {
    /// Knows of none.
    pub(crate) fn new(upstream: Upstream, source: Source, ecs: Arc<EcsService>) -> Self {
        Alarms {
            upstream,
            source,
            ecs,
            known: Mutex::default(),
        }
    }

    /// Whether a call may change alarms' states; ministack evaluates at once.
    pub(crate) fn is_change(call: &Call) -> bool {
        call.is(
            "monitoring",
            &[
                "SetAlarmState",
                "PutMetricData",
                "PutMetricAlarm",
                "PutCompositeAlarm",
                "DeleteAlarms",
            ],
        )
    }

    /// Compares the alarms' states with what was known and gives back the events of
    /// the difference.
    pub(crate) async fn look(&self, at: Timestamp) -> Result<Vec<Value>, UpstreamError> {
        let mut known = self.known.lock().await;
        let described = self
            .upstream
            .json(
                "monitoring",
                "GraniteServiceVersion20100801.DescribeAlarms",
                &json!({"AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 100}),
            )
            .await?;
        let mut events = Vec::new();
        let mut found = BTreeMap::new();
        for kind in ["MetricAlarms", "CompositeAlarms"] {
            for alarm in described[kind].as_array().into_iter().flatten() {
                let name = alarm["AlarmName"].as_str().unwrap_or_default().to_owned();
                let state = state(alarm);
                let initial = initial(&state);
                let earlier = known.get(&name).unwrap_or(&initial);
                if earlier["value"] != state["value"] {
                    let arn = alarm["AlarmArn"].as_str().unwrap_or_default();
                    let detail = json!({
                        "alarmName": name,
                        "configuration": configuration(alarm),
                        "previousState": earlier,
                        "state": state,
                    });
                    events.push(self.source.alarm_change(arn, &detail, at));
                }
                found.insert(name, state);
            }
        }
        let gone = known.keys().filter(|name| !found.contains_key(*name));
        let gone = gone.map(|name| (name.as_str(), false));
        let states = found.iter();
        let states = states.map(|(name, state)| (name.as_str(), state["value"] == "ALARM"));
        self.ecs.hear_alarms(gone.chain(states));
        *known = found;
        Ok(events)
    }
}

/// What an alarm's life began with: a composite one is evaluated when it is made,
/// a metric one has insufficient data until it is.
fn initial(state: &Value) -> Value {
    let reason = state["reason"].as_str().unwrap_or_default();
    if reason.contains("was created and its alarm rule evaluates to") {
        return state.clone();
    }
    json!({
        "value": "INSUFFICIENT_DATA",
        "reason": "Unchecked: Initial alarm creation",
        "timestamp": state["timestamp"],
    })
}

fn state(alarm: &Value) -> Value {
    let mut state = Map::new();
    state.insert("value".to_owned(), alarm["StateValue"].clone());
    state.insert("reason".to_owned(), alarm["StateReason"].clone());
    if alarm["StateReasonData"].is_string() {
        state.insert("reasonData".to_owned(), alarm["StateReasonData"].clone());
    }
    let seconds = alarm["StateUpdatedTimestamp"].as_i64().unwrap_or_default();
    let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    state.insert(
        "timestamp".to_owned(),
        at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string().into(),
    );
    state.into()
}

/// The configuration as the event tells it: of a composite alarm its rule, of a
/// metric alarm its one metric.
fn configuration(alarm: &Value) -> Value {
    let mut configuration = Map::new();
    if let Some(description) = alarm["AlarmDescription"]
        .as_str()
        .filter(|text| !text.is_empty())
    {
        configuration.insert("description".to_owned(), description.into());
    }
    if alarm["AlarmRule"].is_string() {
        configuration.insert("alarmRule".to_owned(), alarm["AlarmRule"].clone());
        return configuration.into();
    }
    let dimensions: Map<String, Value> = alarm["Dimensions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|dimension| {
            Some((
                dimension["Name"].as_str()?.to_owned(),
                dimension["Value"].clone(),
            ))
        })
        .collect();
    let mut metric = json!({"namespace": alarm["Namespace"], "name": alarm["MetricName"]});
    if !dimensions.is_empty() {
        metric["dimensions"] = dimensions.into();
    }
    configuration.insert(
        "metrics".to_owned(),
        json!([{
            "id": "m1",
            "metricStat": {"metric": metric, "period": alarm["Period"], "stat": alarm["Statistic"]},
            "returnData": true,
        }]),
    );
    configuration.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_alarms_configuration_is_shaped_as_in_the_sample() {
        let alarm = json!({
            "AlarmName": "ServerCpuTooHigh",
            "AlarmDescription": "Goes into alarm when server CPU utilization is too high!",
            "Namespace": "AWS/EC2", "MetricName": "CPUUtilization",
            "Dimensions": [{"Name": "InstanceId", "Value": "i-12345678901234567"}],
            "Period": 300, "Statistic": "Average",
        });
        let sample =
            include_str!("../../events/cloudwatch_alarm_state_change__servercputoohigh.json");
        let sample: Value = serde_json::from_str(sample).unwrap();
        let mut expected = sample["detail"]["configuration"].clone();
        expected["metrics"][0]["id"] = "m1".into();
        assert_eq!(configuration(&alarm), expected);
    }

    #[test]
    fn a_state_is_told_with_the_timestamps_odd_offset() {
        let alarm = json!({
            "StateValue": "ALARM", "StateReason": "too high", "StateUpdatedTimestamp": 1_570_035_880,
        });
        assert_eq!(
            state(&alarm),
            json!({
                "value": "ALARM",
                "reason": "too high",
                "timestamp": "2019-10-02T17:04:40.000+0000",
            })
        );
    }
}
