//! Deployment alarms: what the account's alarms say, and which deployments they fail.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>.

use jiff::{SignedDuration, Timestamp};

use crate::agenda::Due;
use crate::ecs::Ecs;
use crate::service::{ServiceKey, ServiceStatus};
use crate::service_deployment::{AlarmWatch, ServiceDeploymentStatus};

/// Names an alarm within the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AlarmKey(usize);

/// An alarm that was once told of.
#[derive(Clone, Debug)]
pub(crate) struct Alarm {
    name: String,
    is_firing: bool,
}

impl Ecs {
    /// Tells the model that an alarm is in ALARM from `now` on, or no longer is.
    ///
    /// ECS polls alarms, at intervals that no page names: a deployment is failed
    /// by what is in ALARM when its service is looked at, so a flap that is over
    /// within [`scheduling`](crate::Timings::scheduling) goes unnoticed.
    pub fn set_alarm(&mut self, name: &str, in_alarm: bool, now: Timestamp) {
        let known = self.alarms.iter().position(|alarm| alarm.name == name);
        let key = AlarmKey(known.unwrap_or(self.alarms.len()));
        if known.is_none() {
            self.alarms.push(Alarm {
                name: name.to_owned(),
                is_firing: false,
            });
        }
        if now > self.now {
            self.agenda.put(now, Due::Alarm(key, in_alarm));
        } else {
            self.turn_alarm(key, in_alarm);
        }
    }

    /// Turns an alarm, and has every deployment looked at that it watches.
    pub(crate) fn turn_alarm(&mut self, key: AlarmKey, in_alarm: bool) {
        let alarm = &mut self.alarms[key.0];
        if alarm.is_firing == in_alarm {
            return;
        }
        alarm.is_firing = in_alarm;
        let name = alarm.name.clone();
        for index in 0..self.services.len() {
            let is_watched = self.services[index]
                .ongoing()
                .is_some_and(|record| record.configuration.alarms.names.contains(&name));
            if is_watched && self.services[index].status == ServiceStatus::Active {
                self.wake_service(ServiceKey(index));
            }
        }
    }

    /// Decides, when a deployment begins, whether its alarms count: not if one
    /// of them is in ALARM already, for as long as the deployment lasts.
    pub(crate) fn begin_alarm_watch(&mut self, key: ServiceKey) {
        let is_ignored = !self.firing_alarms(key).is_empty();
        if let Some(record) = self.services[key.0].ongoing_mut()
            && record.alarm_watch == AlarmWatch::Watching
            && is_ignored
        {
            record.alarm_watch = AlarmWatch::Ignored;
        }
    }

    /// Names the alarms in ALARM that fail the deployment that is going on.
    ///
    /// They are monitored as soon as one of its tasks runs. Source:
    /// <https://aws.amazon.com/blogs/containers/automate-rollbacks-for-amazon-ecs-rolling-deployments-with-cloudwatch-alarms/>.
    pub(crate) fn triggered_alarms(&self, key: ServiceKey) -> Vec<String> {
        let service = &self.services[key.0];
        let is_watching = service
            .ongoing()
            .is_some_and(|record| record.alarm_watch == AlarmWatch::Watching);
        let Some(primary) = service.primary().filter(|_| is_watching) else {
            return Vec::new();
        };
        if self.task_counts(service, Some(primary)).running == 0 {
            return Vec::new();
        }
        self.firing_alarms(key)
    }

    /// For how long a rolling deployment bakes: where its alarms can roll it
    /// back, as long as it is asked for, or else as long as ECS computes.
    ///
    /// Source: "Bake time" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>.
    pub(crate) fn alarm_bake_time(&self, key: ServiceKey) -> Option<SignedDuration> {
        let record = self.services[key.0].ongoing()?;
        let configuration = &record.configuration;
        let bakes = record.status == ServiceDeploymentStatus::InProgress
            && record.alarm_watch == AlarmWatch::Watching
            && configuration.alarms.rolls_back;
        bakes.then(|| match configuration.bake_time_minutes {
            0 => self.timings.alarm_bake,
            minutes => SignedDuration::from_mins(minutes.into()),
        })
    }

    fn firing_alarms(&self, key: ServiceKey) -> Vec<String> {
        let Some(record) = self.services[key.0].ongoing() else {
            return Vec::new();
        };
        let names = record.configuration.alarms.names.iter();
        names
            .filter(|name| {
                let mut alarms = self.alarms.iter();
                alarms.any(|alarm| alarm.is_firing && alarm.name == **name)
            })
            .cloned()
            .collect()
    }
}
