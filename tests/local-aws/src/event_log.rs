//! The record of every event, and of what was done with it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many events are kept; the oldest go first.
const KEPT_EVENTS: usize = 50_000;

/// One event and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRecord {
    /// Counts events in the order they were sent, from 1.
    pub sequence: u64,
    /// When it was sent, in wall time.
    pub at: Timestamp,
    /// The whole event.
    pub event: Value,
    /// The names of the rules it matched; nothing until that is decided.
    pub rules: Option<Vec<String>>,
    /// What became of it at each target of those rules.
    pub deliveries: Vec<Delivery>,
    /// The faults that were injected into it, by their kind.
    pub faults: Vec<String>,
}

/// What became of an event at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// The rule's name.
    pub rule: String,
    /// The target's ARN.
    pub target: String,
    /// How often it was tried.
    pub attempts: u32,
    /// How it stands.
    pub outcome: Outcome,
    /// What the last try failed with.
    pub error: Option<String>,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The first try, or one after a failure, is still to come.
    UnderWay,
    /// The target has taken it.
    Delivered,
    /// Given up on, and put into the target's dead-letter queue.
    DeadLettered,
    /// Given up on without a trace, as AWS does where there is no dead-letter queue.
    Dropped,
}

/// Holds the records of events.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    last_sequence: u64,
    records: VecDeque<EventRecord>,
    /// The sequences in the order in which the events were handed on.
    handed_on: VecDeque<u64>,
}

impl EventLog {
    /// Records that an event was sent.
    pub(crate) fn begin(&self, event: &Value, at: Timestamp, faults: Vec<String>) -> u64 {
        let mut inner = self.lock();
        inner.last_sequence += 1;
        let sequence = inner.last_sequence;
        inner.records.push_back(EventRecord {
            sequence,
            at,
            event: event.clone(),
            rules: None,
            deliveries: Vec::new(),
            faults,
        });
        if inner.records.len() > KEPT_EVENTS {
            inner.records.pop_front();
        }
        sequence
    }

    /// Records which rules an event matched.
    pub(crate) fn matched(&self, sequence: u64, rules: Vec<String>) {
        self.change(sequence, |record| record.rules = Some(rules));
        let mut inner = self.lock();
        inner.handed_on.push_back(sequence);
        if inner.handed_on.len() > KEPT_EVENTS {
            inner.handed_on.pop_front();
        }
    }

    /// The sequences of the events in the order in which they were handed on; one that
    /// came twice stands there twice.
    pub(crate) fn handed_on(&self) -> Vec<u64> {
        self.lock().handed_on.iter().copied().collect()
    }

    /// Records how a delivery stands, in place of what was said of it before.
    pub(crate) fn delivery(&self, sequence: u64, delivery: Delivery) {
        self.change(sequence, |record| {
            let earlier = record
                .deliveries
                .iter_mut()
                .find(|earlier| earlier.rule == delivery.rule && earlier.target == delivery.target);
            match earlier {
                Some(earlier) => *earlier = delivery,
                None => record.deliveries.push(delivery),
            }
        });
    }

    /// The events after a sequence, the oldest first.
    pub(crate) fn since(&self, sequence: u64) -> Vec<EventRecord> {
        let inner = self.lock();
        let later = inner
            .records
            .iter()
            .filter(|record| record.sequence > sequence);
        later.cloned().collect()
    }

    fn change(&self, sequence: u64, change: impl FnOnce(&mut EventRecord)) {
        let mut inner = self.lock();
        let found = inner
            .records
            .iter_mut()
            .rev()
            .find(|record| record.sequence == sequence);
        if let Some(record) = found {
            change(record);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
