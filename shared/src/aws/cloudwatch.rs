//! CloudWatch: the watched alarms.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::types::{AlarmType, MetricAlarm, MetricStat, StateValue};

use super::client::Clients;
use super::failure::call_error;
use super::timestamp;
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
        let mut found = Vec::new();
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
                found.extend(described(&page));
                next = page.next_token;
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(seen(names, &found))
    }
}

/// Gives each alarm on a page, whatever its kind.
fn described(page: &DescribeAlarmsOutput) -> Vec<AlarmSeen> {
    let metric = page.metric_alarms().iter().map(|alarm| AlarmSeen {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        state: Some(state(alarm.state_value())),
        since: alarm.state_transitioned_timestamp().and_then(timestamp),
        window_seconds: window_seconds(alarm),
    });
    let composite = page.composite_alarms().iter().map(|alarm| AlarmSeen {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        state: Some(state(alarm.state_value())),
        since: alarm.state_transitioned_timestamp().and_then(timestamp),
        window_seconds: None,
    });
    let log = page.log_alarms().iter().map(|alarm| AlarmSeen {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        state: Some(state(alarm.state_value())),
        since: alarm.state_transitioned_timestamp().and_then(timestamp),
        window_seconds: None,
    });
    metric.chain(composite).chain(log).collect()
}

/// Gives for how long an alarm's metric has to be bad before it fires.
///
/// With metric math the longest period counts. Of an alarm that fires after M
/// out of N periods, M do. Source: CloudWatch API reference, PutMetricAlarm,
/// `Period`, `Metrics`, `EvaluationPeriods` and `DatapointsToAlarm`.
fn window_seconds(alarm: &MetricAlarm) -> Option<u32> {
    let of_math = alarm.metrics().iter().filter_map(|query| {
        let of_metric = query.metric_stat().and_then(MetricStat::period);
        query.period().or(of_metric)
    });
    let period = of_math.chain(alarm.period()).max()?;
    let count = alarm.datapoints_to_alarm().or(alarm.evaluation_periods())?;
    u32::try_from(period.checked_mul(count)?).ok()
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
fn seen(names: &[String], described: &[AlarmSeen]) -> Vec<AlarmSeen> {
    let find = |name: &String| described.iter().find(|alarm| alarm.name == *name);
    names
        .iter()
        .map(|name| {
            find(name).cloned().unwrap_or_else(|| AlarmSeen {
                name: name.clone(),
                ..AlarmSeen::default()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudwatch::types::{CompositeAlarm, LogAlarm, MetricDataQuery};

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

    #[test]
    fn the_window_of_an_alarm_is_what_has_to_be_bad_before_it_fires() {
        let alarm = || MetricAlarm::builder().period(60).evaluation_periods(5);
        let query = |own: Option<i32>, of_metric: i32| {
            let metric = MetricStat::builder().period(of_metric).build();
            MetricDataQuery::builder()
                .set_period(own)
                .metric_stat(metric)
                .build()
        };
        let math = MetricAlarm::builder()
            .metrics(query(None, 300))
            .metrics(query(Some(900), 60))
            .metrics(MetricDataQuery::builder().expression("m1 / m2").build())
            .evaluation_periods(2);
        assert_eq!(window_seconds(&alarm().build()), Some(300));
        let two_of_five = alarm().datapoints_to_alarm(2);
        assert_eq!(window_seconds(&two_of_five.build()), Some(120));
        assert_eq!(window_seconds(&math.build()), Some(1800));
        assert_eq!(window_seconds(&MetricAlarm::builder().build()), None);
        let weird = alarm().period(i32::MAX).build();
        assert_eq!(window_seconds(&weird), None);
    }

    #[tokio::test]
    async fn nothing_is_asked_where_no_alarm_is_watched() {
        let endpoint = Endpoint::new(|_| Answer::Broken);
        let alarms = CloudWatch::new(&endpoint.clients());
        assert_eq!(alarms.alarms(&[]).await.unwrap(), []);
        assert!(endpoint.calls().is_empty());
    }
}
