//! The recorded calls, each given once, when it has been answered.

use std::collections::BTreeSet;

use local_aws::{CallRecord, LocalAws};

/// A reader of the call log.
#[derive(Debug, Default)]
pub struct AnsweredCalls {
    /// All up to here were given.
    after: u64,
    /// These later ones were given, too.
    given: BTreeSet<u64>,
}

impl AnsweredCalls {
    /// Gives the calls that have been answered, or ended without an answer, since the
    /// last time; of these the earliest first.
    pub fn take(&mut self, local: &LocalAws) -> Vec<CallRecord> {
        self.select(local.calls(self.after))
    }

    fn select(&mut self, calls: Vec<CallRecord>) -> Vec<CallRecord> {
        let mut selected = calls;
        selected.retain(|call| {
            call.duration_milliseconds.is_some() && self.given.insert(call.sequence)
        });
        while self.given.remove(&(self.after + 1)) {
            self.after += 1;
        }
        selected
    }
}

#[cfg(test)]
mod tests {
    use local_aws::Caller;

    use super::*;

    #[test]
    fn each_call_is_given_once_and_only_when_it_has_ended() {
        let mut answered = AnsweredCalls::default();
        let first = answered.select(vec![call(1, true), call(2, false), call(3, true)]);
        assert_eq!(sequences(&first), [1, 3]);
        assert_eq!(answered.after, 1);
        let second = answered.select(vec![call(2, false), call(3, true), call(4, true)]);
        assert_eq!(sequences(&second), [4]);
        let third = answered.select(vec![call(2, true), call(3, true), call(4, true)]);
        assert_eq!(sequences(&third), [2]);
        assert_eq!(answered.after, 4);
        assert!(answered.given.is_empty());
    }

    fn sequences(calls: &[CallRecord]) -> Vec<u64> {
        calls.iter().map(|call| call.sequence).collect()
    }

    fn call(sequence: u64, has_ended: bool) -> CallRecord {
        CallRecord {
            sequence,
            at: jiff::Timestamp::UNIX_EPOCH,
            service: "ecs".to_owned(),
            operation: "DescribeServices".to_owned(),
            resource: String::new(),
            request: None,
            status: None,
            error: None,
            duration_milliseconds: has_ended.then_some(1),
            caller: Caller::default(),
            faults: Vec::new(),
        }
    }
}
