//! What a rollout remembers of the alarms it watches.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::evidence::AlarmChange;
use super::shared_alarm::{Sharing, Turn};

/// The state of a CloudWatch alarm.
///
/// Source: CloudWatch API reference, MetricAlarm, `StateValue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlarmState {
    /// The metric is within its threshold.
    Ok,
    /// The metric is outside its threshold.
    Alarm,
    /// There is not enough data: neither good nor bad.
    InsufficientData,
}

impl AlarmState {
    /// Gives CloudWatch's own name of the state.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// One alarm as it was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlarmSeen {
    /// The alarm's name.
    pub name: String,
    /// Its state; `None` where CloudWatch knows no such alarm.
    pub state: Option<AlarmState>,
    /// Since when it is in that state, by CloudWatch's clock, where that is known.
    pub since: Option<Timestamp>,
    /// For how long its metric has to be bad before it fires, where that is known.
    pub window_seconds: Option<u32>,
}

/// One alarm as a rollout watches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmWatch {
    /// The alarm's name.
    pub name: String,
    /// It was in ALARM when the rollout started and has not been OK since.
    ///
    /// ECS ignores such an alarm too: production may be burning and this push the fix.
    pub ignored_until_ok: bool,
    /// Since when it was as it was found at the start, by CloudWatch's clock, where that is known;
    /// what is told of that moment, or of the time before, is no news.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_since: Option<Timestamp>,
    /// When it was found OK after it was ignored; what is told of the time before was ignored too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored_before: Option<Timestamp>,
    /// It fired while it was watched; that stands, even if it is OK again.
    #[serde(default)]
    pub fired: bool,
    /// Who else watches it and whose turn it is, once it fired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sharing: Option<Sharing>,
}

impl AlarmWatch {
    /// Begins to watch the alarms as they were at the start.
    #[must_use]
    pub fn begin(seen: &[AlarmSeen]) -> Vec<Self> {
        seen.iter()
            .map(|alarm| Self {
                name: alarm.name.clone(),
                ignored_until_ok: alarm.state == Some(AlarmState::Alarm),
                found_since: alarm.since,
                ignored_before: None,
                fired: false,
                sharing: None,
            })
            .collect()
    }

    /// Begins to watch them anew for an update that is sent again.
    ///
    /// One that was ignored and was not OK since is ignored still, whatever it is now.
    #[must_use]
    pub fn begin_again(before: &[Self], seen: &[AlarmSeen]) -> Vec<Self> {
        let mut watches = Self::begin(seen);
        for (watch, alarm) in watches.iter_mut().zip(seen) {
            let mut before = before.iter().filter(|before| before.name == watch.name);
            let was_ignored = before.any(|before| before.ignored_until_ok);
            watch.ignored_until_ok |= was_ignored && alarm.state != Some(AlarmState::Ok);
        }
        watches
    }

    /// Takes note of a change that was told of an alarm of a deployment; says whether it is news.
    ///
    /// What was there to be seen at the start is none.
    pub fn hear(&mut self, change: &AlarmChange) -> bool {
        if self.began_after(change.at) {
            return false;
        }
        if change.previous == Some(AlarmState::Ok) {
            // The event about the change before may come later than this one, or never.
            self.note_change(AlarmState::Ok, change.at);
        }
        self.note_change(change.state, change.at);
        true
    }

    /// Takes note of a change while no deployment is known; says whether it is news.
    ///
    /// That it was OK counts then. Whether what fires does is known once the deployment is.
    pub fn hear_before_deployment(&mut self, change: &AlarmChange) -> bool {
        if self.began_after(change.at) {
            return false;
        }
        if [change.previous, Some(change.state)].contains(&Some(AlarmState::Ok)) {
            self.note_change(AlarmState::Ok, change.at);
        }
        true
    }

    fn began_after(&self, at: Timestamp) -> bool {
        self.found_since.is_some_and(|since| at <= since)
    }

    /// Takes note of a state the alarm was in while it is watched.
    pub fn note(&mut self, state: AlarmState) {
        match state {
            AlarmState::Ok => self.ignored_until_ok = false,
            AlarmState::Alarm => self.fired = self.fired || !self.ignored_until_ok,
            AlarmState::InsufficientData => {}
        }
    }

    /// Takes note of a change that was told, unless it is older than the watch's last word.
    ///
    /// Both times are CloudWatch's: an event may come late, or twice.
    pub fn note_change(&mut self, state: AlarmState, at: Timestamp) {
        let ignored = self.ignored_before.is_some_and(|before| at < before);
        match state {
            // It may have been OK earlier than was known.
            AlarmState::Ok if ignored || self.ignored_until_ok => self.ignored_before = Some(at),
            AlarmState::Alarm | AlarmState::InsufficientData if ignored => return,
            AlarmState::Ok | AlarmState::Alarm | AlarmState::InsufficientData => {}
        }
        let turn = self.sharing.as_ref().map(|sharing| &sharing.turn);
        match turn {
            Some(Turn::Acquitted {
                until: Some(until), ..
            }) if at <= *until => {}
            Some(Turn::Own | Turn::Yields { .. } | Turn::Acquitted { .. }) | None => {
                self.note(state);
            }
        }
    }
}

/// What a look at the alarms says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlarmVerdict {
    /// The watches, brought up to date.
    pub watches: Vec<AlarmWatch>,
    /// The names of those that fire and count.
    pub fired: Vec<String>,
}

/// Holds the watches against what was seen now.
#[must_use]
pub fn judge(watches: &[AlarmWatch], seen: &[AlarmSeen]) -> AlarmVerdict {
    let mut verdict = AlarmVerdict::default();
    for watch in watches {
        let alarm = seen.iter().find(|alarm| alarm.name == watch.name);
        let mut watch = watch.clone();
        if let Some((alarm, state)) = alarm.and_then(|alarm| Some((alarm, alarm.state?))) {
            if watch.ignored_until_ok && state == AlarmState::Ok {
                watch.ignored_before = alarm.since;
            }
            watch.note(state);
        }
        if watch.fired {
            verdict.fired.push(watch.name.clone());
        }
        verdict.watches.push(watch);
    }
    verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(state: Option<AlarmState>) -> Vec<AlarmSeen> {
        vec![AlarmSeen {
            name: "5xx".to_owned(),
            state,
            ..AlarmSeen::default()
        }]
    }

    #[test]
    fn an_alarm_that_was_fine_and_fires_counts() {
        let watches = AlarmWatch::begin(&seen(Some(AlarmState::Ok)));
        assert_eq!(
            judge(&watches, &seen(Some(AlarmState::Alarm))).fired,
            ["5xx"]
        );
    }

    #[test]
    fn an_alarm_that_fired_at_the_start_counts_once_it_has_been_ok() {
        let watches = AlarmWatch::begin(&seen(Some(AlarmState::Alarm)));
        let still = judge(&watches, &seen(Some(AlarmState::Alarm)));
        assert!(still.fired.is_empty());
        let unknown = judge(&still.watches, &seen(Some(AlarmState::InsufficientData)));
        let back = judge(&unknown.watches, &seen(Some(AlarmState::Alarm)));
        assert!(back.fired.is_empty(), "insufficient data is not OK");
        let fine = judge(&back.watches, &seen(Some(AlarmState::Ok)));
        assert_eq!(
            judge(&fine.watches, &seen(Some(AlarmState::Alarm))).fired,
            ["5xx"]
        );
    }

    /// The events of some minutes may come at once, after a look that knows how they end.
    #[test]
    fn what_is_told_later_of_the_time_before_an_ignored_alarm_was_ok_does_not_count() {
        use AlarmState::{Alarm, InsufficientData, Ok};
        let at = |second| Timestamp::from_second(second).unwrap();
        let watches = AlarmWatch::begin(&seen(Some(Alarm)));
        let mut fine = seen(Some(Ok));
        fine[0].since = Some(at(300));
        for (changes, fired) in [
            (
                &[(InsufficientData, 100), (Alarm, 200), (Ok, 300)][..],
                false,
            ),
            (&[(Alarm, 200)], false),
            (&[(Alarm, 301)], true),
            // As it is noted where the event says that it was OK before.
            (&[(Ok, 200), (Alarm, 200)], true),
        ] {
            let mut watch = judge(&watches, &fine).watches.remove(0);
            for (state, second) in changes {
                watch.note_change(*state, at(*second));
            }
            assert_eq!(watch.fired, fired, "{changes:?}");
        }
        let mut told = watches[0].clone();
        told.note_change(Ok, at(300));
        told.note_change(Alarm, at(200));
        assert!(!told.fired, "what came first is told last");
        told.note_change(Alarm, at(400));
        assert!(told.fired);
    }

    #[test]
    fn an_alarm_that_was_never_ignored_counts_whatever_is_told_first() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut fine = seen(Some(AlarmState::Ok));
        fine[0].since = Some(at(300));
        let mut watch = judge(&AlarmWatch::begin(&fine), &fine).watches.remove(0);
        watch.note_change(AlarmState::Ok, at(300));
        watch.note_change(AlarmState::Alarm, at(200));
        assert!(watch.fired);
    }

    #[test]
    fn missing_data_and_missing_alarms_are_neither_good_nor_bad() {
        let watches = AlarmWatch::begin(&seen(None));
        assert!(
            judge(&watches, &seen(Some(AlarmState::InsufficientData)))
                .fired
                .is_empty()
        );
        assert!(judge(&watches, &seen(None)).fired.is_empty());
        assert!(judge(&watches, &[]).fired.is_empty());
    }
}
