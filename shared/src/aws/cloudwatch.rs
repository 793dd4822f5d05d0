//! CloudWatch: the watched alarms.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};

use super::client::Clients;
use super::failure::call_error;
use crate::core::alarm::{AlarmSeen, AlarmState};
use crate::ports::{Alarms, CallError};

/// How many alarms one call can name, and one page can hold.
///
/// Source: CloudWatch API reference, DescribeAlarms, `AlarmNames` and `MaxRecords`.
const ALARMS_PER_CALL: usize = 100;

/// CloudWatch on the AWS SDK.
#[derive(Clone, Debug)]
pub struct CloudWatch {
    client: Client,
}

impl CloudWatch {
    /// Makes it on the shared clients.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        Self {
            client: Client::new(&clients.config),
        }
    }
}

impl Alarms for CloudWatch {
    async fn alarms(&self, names: &[String]) -> Result<Vec<AlarmSeen>, CallError> {
        let mut states = Vec::new();
        for named in names.chunks(ALARMS_PER_CALL) {
            let call = format!("cloudwatch:DescribeAlarms {}", named.join(", "));
            let mut next = None;
            loop {
                let page = self
                    .client
                    .describe_alarms()
                    .set_alarm_names(Some(named.to_vec()))
                    // Composite alarms are left out unless they are asked for.
                    .alarm_types(AlarmType::MetricAlarm)
                    .alarm_types(AlarmType::CompositeAlarm)
                    .alarm_types(AlarmType::LogAlarm)
                    .max_records(100)
                    .set_next_token(next)
                    .send()
                    .await
                    .map_err(|error| call_error(&call, &error))?;
                states.extend(described(&page));
                next = page.next_token;
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(seen(names, &states))
    }
}

/// Gives the name and state of each alarm on a page, whatever its kind.
fn described(page: &DescribeAlarmsOutput) -> Vec<(String, AlarmState)> {
    let metric = page.metric_alarms().iter();
    let metric = metric.map(|alarm| (alarm.alarm_name(), alarm.state_value()));
    let composite = page.composite_alarms().iter();
    let composite = composite.map(|alarm| (alarm.alarm_name(), alarm.state_value()));
    let log = page.log_alarms().iter();
    let log = log.map(|alarm| (alarm.alarm_name(), alarm.state_value()));
    metric
        .chain(composite)
        .chain(log)
        .filter_map(|(name, value)| Some((name?.to_owned(), state(value))))
        .collect()
}

/// A state that came later is neither good nor bad.
fn state(value: Option<&StateValue>) -> AlarmState {
    match value {
        Some(StateValue::Ok) => AlarmState::Ok,
        Some(StateValue::Alarm) => AlarmState::Alarm,
        Some(_) | None => AlarmState::InsufficientData,
    }
}

/// Gives one entry for each name, in the order of the names.
fn seen(names: &[String], states: &[(String, AlarmState)]) -> Vec<AlarmSeen> {
    names
        .iter()
        .map(|name| AlarmSeen {
            name: name.clone(),
            state: states
                .iter()
                .find(|(found, _)| found == name)
                .map(|(_, state)| *state),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::{CompositeAlarm, LogAlarm, MetricAlarm};

    use super::super::endpoint::{Answer, Endpoint};
    use super::*;

    #[test]
    fn alarms_of_every_kind_are_seen_and_missing_ones_are_said_to_be() {
        let page = DescribeAlarmsOutput::builder()
            .metric_alarms(
                MetricAlarm::builder()
                    .alarm_name("5xx")
                    .state_value(StateValue::Alarm)
                    .build(),
            )
            .composite_alarms(
                CompositeAlarm::builder()
                    .alarm_name("any")
                    .state_value(StateValue::Ok)
                    .build(),
            )
            .log_alarms(
                LogAlarm::builder()
                    .alarm_name("log")
                    .state_value("SOMETHING_NEW".into())
                    .build(),
            )
            .build();
        let names = ["any", "gone", "5xx", "log"].map(str::to_owned);
        let states: Vec<_> = seen(&names, &described(&page))
            .into_iter()
            .map(|alarm| (alarm.name, alarm.state))
            .collect();
        assert_eq!(
            states,
            [
                ("any".to_owned(), Some(AlarmState::Ok)),
                ("gone".to_owned(), None),
                ("5xx".to_owned(), Some(AlarmState::Alarm)),
                ("log".to_owned(), Some(AlarmState::InsufficientData)),
            ]
        );
    }

    #[tokio::test]
    async fn nothing_is_asked_where_no_alarm_is_watched() {
        let endpoint = Endpoint::new(|_| Answer::Broken);
        let alarms = CloudWatch::new(&endpoint.clients());
        assert_eq!(alarms.alarms(&[]).await.unwrap(), []);
        assert!(endpoint.calls().is_empty());
    }
}
