//! What ECS said about a service as a whole.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{FIRST_KEPT, KEPT, LABEL_LIMIT_BYTES, TEXT_LIMIT_BYTES, cut};
use crate::core::diagnosis::service_trouble::ServiceTrouble;

/// An `ECS Service Action` or `ECS Deployment State Change` event, or a service event message.
///
/// What it means is read when it is needed, so that a record outlives a better
/// understanding of ECS's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceEvent {
    /// Its name, such as `SERVICE_TASK_PLACEMENT_FAILURE`; a service event message has none.
    pub name: String,
    /// ECS's own words; most of these events have none.
    #[serde(default)]
    pub reason: String,
    /// The deployment that it is about, `ecs-svc/…`; service actions name none.
    #[serde(default)]
    pub deployment: Option<String>,
    /// When it was made, by ECS's clock; events tell it to the second.
    pub at: Timestamp,
}

impl ServiceEvent {
    /// Cuts whatever is too long to be kept.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.name = cut(&self.name, LABEL_LIMIT_BYTES);
        self.reason = cut(&self.reason, TEXT_LIMIT_BYTES);
        self.deployment = self.deployment.map(|id| cut(&id, LABEL_LIMIT_BYTES));
        self
    }

    /// Says what trouble it tells of; `None` where all goes its usual way, or nothing is known.
    #[must_use]
    pub fn trouble(&self) -> Option<ServiceTrouble> {
        ServiceTrouble::read(&self.name, &self.reason)
    }

    /// Says whether it was made after something that ECS made at `other`.
    ///
    /// Events tell the time to the second only, so that one of the same second counts.
    #[must_use]
    pub fn follows(&self, other: Timestamp) -> bool {
        self.at.as_second() >= other.as_second()
    }
}

/// A trouble that ECS told of, and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToldTrouble {
    /// The last event that told of it.
    pub last: ServiceEvent,
    /// When the first one did.
    pub first_at: Timestamp,
    /// How many times, about: what comes late, between the first and the last, is not counted.
    pub times: u32,
}

/// What ECS complained of: each trouble once, with how often; the first few and the last few.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceTroubles {
    kept: Vec<ToldTrouble>,
    dropped: u32,
}

impl ServiceTroubles {
    /// Keeps an event that tells of a trouble; says whether that told anything new.
    pub fn keep(&mut self, event: ServiceEvent) -> bool {
        let event = event.bounded();
        let Some(trouble) = event.trouble() else {
            return false;
        };
        let same = |told: &&mut ToldTrouble| {
            told.last.deployment == event.deployment
                && told.last.trouble().as_ref() == Some(&trouble)
        };
        if let Some(told) = self.kept.iter_mut().find(same) {
            if event.at < told.first_at {
                told.first_at = event.at;
            } else if event.at > told.last.at {
                told.last = event;
            } else {
                return false;
            }
            told.times = told.times.saturating_add(1);
        } else {
            self.kept.push(ToldTrouble {
                first_at: event.at,
                last: event,
                times: 1,
            });
        }
        self.kept.sort_by_key(|told| told.first_at);
        if self.kept.len() > KEPT {
            self.kept.remove(FIRST_KEPT);
            self.dropped = self.dropped.saturating_add(1);
        }
        true
    }

    /// Gives the troubles that are kept, in the order in which they began.
    #[must_use]
    pub fn kept(&self) -> &[ToldTrouble] {
        &self.kept
    }

    /// Says how many are not kept.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, reason: &str, second: i64) -> ServiceEvent {
        ServiceEvent {
            name: name.to_owned(),
            reason: reason.to_owned(),
            deployment: None,
            at: Timestamp::from_second(second).unwrap(),
        }
    }

    fn placement(lacking: &str, second: i64) -> ServiceEvent {
        let reason = format!("RESOURCE:{lacking}");
        event("SERVICE_TASK_PLACEMENT_FAILURE", &reason, second)
    }

    fn seconds(told: &ToldTrouble) -> (i64, i64, u32) {
        let at = |at: Timestamp| at.as_second();
        (at(told.first_at), at(told.last.at), told.times)
    }

    #[test]
    fn what_is_told_again_and_again_is_one_trouble_in_whatever_order_it_comes() {
        let mut troubles = ServiceTroubles::default();
        for second in [20, 30, 10] {
            assert!(troubles.keep(placement("FARGATE", second)));
        }
        for repeat in [10, 20, 30] {
            assert!(!troubles.keep(placement("FARGATE", repeat)), "{repeat}");
        }
        assert!(troubles.keep(placement("CPU", 15)), "another trouble");
        let told: Vec<_> = troubles.kept().iter().map(seconds).collect();
        assert_eq!(told, [(10, 30, 3), (15, 15, 1)]);
    }

    #[test]
    fn what_goes_its_usual_way_is_not_kept() {
        let mut troubles = ServiceTroubles::default();
        assert!(!troubles.keep(event("SERVICE_STEADY_STATE", "", 1)));
        assert_eq!(troubles, ServiceTroubles::default());
    }

    #[test]
    fn however_much_ecs_says_a_bounded_part_of_it_is_kept() {
        let mut troubles = ServiceTroubles::default();
        for second in 0..100 {
            troubles.keep(placement(&format!("{second}{}", "x".repeat(5000)), second));
        }
        assert_eq!((troubles.kept().len(), troubles.dropped()), (KEPT, 80));
        assert_eq!(seconds(&troubles.kept()[0]).0, 0, "the first stays");
        assert_eq!(seconds(&troubles.kept()[KEPT - 1]).0, 99, "and the last");
        let bytes = serde_json::to_string(&troubles).unwrap().len();
        assert!(bytes < 30 * 1024, "{bytes}");
    }
}
