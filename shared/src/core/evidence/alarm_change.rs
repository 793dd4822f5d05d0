//! Alarms that changed their state.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ARN_LIMIT_BYTES, FIRST_KEPT, KEPT, NAME_LIMIT_BYTES, TEXT_LIMIT_BYTES, cut};
use crate::core::alarm::AlarmState;

/// A change of an alarm's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmChange {
    /// The alarm's ARN.
    pub alarm_arn: String,
    /// The alarm's name.
    pub name: String,
    /// The state it went to.
    pub state: AlarmState,
    /// The state it came from, where the event told.
    pub previous: Option<AlarmState>,
    /// CloudWatch's own words.
    pub reason: String,
    /// When it changed, by CloudWatch's clock.
    pub at: Timestamp,
}

impl AlarmChange {
    /// Cuts whatever is too long to be kept.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.alarm_arn = cut(&self.alarm_arn, ARN_LIMIT_BYTES);
        self.name = cut(&self.name, NAME_LIMIT_BYTES);
        self.reason = cut(&self.reason, TEXT_LIMIT_BYTES);
        self
    }
}

/// The changes of the watched alarms: the first few and the last few, and how many between.
///
/// A rollout's alarm watches must be brought up to date with each change as it
/// comes; what is kept here is for telling about it afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AlarmChanges {
    kept: Vec<AlarmChange>,
    dropped: u32,
}

impl AlarmChanges {
    /// Keeps a change; says whether it is new.
    ///
    /// Where there are too many, the alarm that changes most gives up one of its
    /// changes, so that a noisy alarm does not drive out a quiet one.
    pub fn keep(&mut self, change: AlarmChange) -> bool {
        let change = change.bounded();
        let same = |kept: &AlarmChange| {
            (&kept.alarm_arn, kept.at, kept.state) == (&change.alarm_arn, change.at, change.state)
        };
        if self.kept.iter().any(same) {
            return false;
        }
        self.kept.push(change);
        self.kept.sort_by_key(|kept| kept.at);
        if self.kept.len() > KEPT
            && let Some(index) = self.least_telling()
        {
            self.kept.remove(index);
            self.dropped = self.dropped.saturating_add(1);
        }
        true
    }

    fn least_telling(&self) -> Option<usize> {
        let changes = |arn: &str| {
            self.kept
                .iter()
                .filter(|kept| kept.alarm_arn == arn)
                .count()
        };
        let behind_the_first = self.kept.iter().enumerate().skip(FIRST_KEPT);
        behind_the_first
            .min_by_key(|(index, kept)| {
                let noise = std::cmp::Reverse(changes(&kept.alarm_arn));
                (noise, *index)
            })
            .map(|(index, _)| index)
    }

    /// Gives the changes that are kept, in the order in which they happened.
    #[must_use]
    pub fn kept(&self) -> &[AlarmChange] {
        &self.kept
    }

    /// Says how many are not kept.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.dropped
    }
}
