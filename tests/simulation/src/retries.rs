//! How an event that no function took care of is tried again, and given up in the end.
//!
//! EventBridge hands an event to Lambda, which keeps it in a queue of its own until the function
//! took care of it. Either has its own retries and its own dead-letter queue.

use jiff::{SignedDuration, Timestamp};

use crate::calls::Function;

/// What kept a function from taking care of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// Lambda's API took nothing from EventBridge.
    Undeliverable,
    /// No concurrency was left for the function.
    Throttled,
    /// The function was given it, and died or answered with an error.
    Failed,
}

/// The dead-letter queue in which an event lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterQueue {
    /// The rule's: EventBridge could not hand it over.
    Undelivered,
    /// The function's destination on failure.
    Failures,
}

/// For how long an event is tried; the template's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MostAge {
    /// `RetryPolicy`, `MaximumEventAgeInSeconds`.
    undelivered: SignedDuration,
    /// `EventInvokeConfig`, `MaximumEventAgeInSeconds`.
    queued: SignedDuration,
}

/// `RetryPolicy`, `MaximumRetryAttempts`; the template's value, and AWS's default.
const MOST_DELIVERIES: u16 = 185;
/// How long Lambda waits before it tries an event again on which the function failed, and once
/// more.
///
/// "By default Lambda attempts to run it two more times, with a one-minute wait between the
/// first two attempts, and two minutes between the second and third attempts."
/// Source: Lambda developer guide, "How Lambda handles errors and retries with asynchronous
/// invocation".
const FAILED_AGAIN_AFTER: [SignedDuration; 2] =
    [SignedDuration::from_mins(1), SignedDuration::from_mins(2)];
/// "The retry interval increases exponentially from 1 second after the first attempt to a
/// maximum of 5 minutes."
/// Source: as above.
const LONGEST_THROTTLED_SECONDS: i64 = 300;
/// The longest time between two of EventBridge's attempts.
///
/// "By default, EventBridge retries sending the event for 24 hours and up to 185 times with an
/// exponential back off and jitter, or randomized delay": that is one each eight minutes, and
/// how it gets there is not said.
/// Source: EventBridge user guide, "How EventBridge retries delivering events".
const LONGEST_UNDELIVERED_SECONDS: i64 = 480;

fn most_age(function: Function) -> MostAge {
    let (undelivered, queued) = match function {
        Function::ImagePush => (21_600, 21_600),
        Function::ServiceChange | Function::Alarm | Function::StackChange => (3_600, 3_600),
        Function::Sweep => (3_600, 600),
        // Neither hears of EventBridge's events: these are AWS's defaults.
        Function::Rollout | Function::Notify | Function::Operator => (86_400, 21_600),
    };
    MostAge {
        undelivered: SignedDuration::from_secs(undelivered),
        queued: SignedDuration::from_secs(queued),
    }
}

/// How often an event was tried so far, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    /// When EventBridge tried it first.
    sent_at: Option<Timestamp>,
    /// When Lambda had it first.
    queued_at: Option<Timestamp>,
    undelivered: u16,
    throttled: u16,
    failed: u8,
}

impl Tries {
    /// Takes in what kept a function from it; answers when it is tried again, or where it goes.
    pub(crate) fn again(
        &mut self,
        function: Function,
        hindrance: Hindrance,
        now: Timestamp,
        rng: &mut fastrand::Rng,
    ) -> Result<Timestamp, DeadLetterQueue> {
        let most = most_age(function);
        match hindrance {
            Hindrance::Undeliverable => {
                self.undelivered += 1;
                let longest = backoff_seconds(self.undelivered, LONGEST_UNDELIVERED_SECONDS);
                let pause = rng.i64(longest * 500..=longest * 1_000);
                let at = now + SignedDuration::from_millis(pause);
                let expires_at = *self.sent_at.get_or_insert(now) + most.undelivered;
                let over = self.undelivered > MOST_DELIVERIES || at >= expires_at;
                (!over).then_some(at).ok_or(DeadLetterQueue::Undelivered)
            }
            Hindrance::Throttled => {
                self.throttled += 1;
                let pause = backoff_seconds(self.throttled, LONGEST_THROTTLED_SECONDS);
                self.while_queued(now, now + SignedDuration::from_secs(pause), most)
            }
            Hindrance::Failed => {
                let pause = FAILED_AGAIN_AFTER.get(usize::from(self.failed));
                self.failed += 1;
                let pause = pause.ok_or(DeadLetterQueue::Failures)?;
                self.while_queued(now, now + *pause, most)
            }
        }
    }

    fn while_queued(
        &mut self,
        now: Timestamp,
        at: Timestamp,
        most: MostAge,
    ) -> Result<Timestamp, DeadLetterQueue> {
        let expires_at = *self.queued_at.get_or_insert(now) + most.queued;
        (at < expires_at)
            .then_some(at)
            .ok_or(DeadLetterQueue::Failures)
    }
}

/// One second, and twice as long each time, up to a limit.
fn backoff_seconds(attempt: u16, longest: i64) -> i64 {
    1_i64
        .checked_shl(u32::from(attempt.saturating_sub(1)).min(30))
        .unwrap_or(longest)
        .min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hinders an event until it is given up; answers after how many seconds each attempt came,
    /// and where it lies.
    fn attempts(function: Function, hindrance: Hindrance) -> (Vec<i64>, DeadLetterQueue) {
        let mut rng = fastrand::Rng::with_seed(1);
        let (mut tries, mut now) = (Tries::default(), Timestamp::UNIX_EPOCH);
        let mut attempts = vec![0];
        loop {
            match tries.again(function, hindrance, now, &mut rng) {
                Ok(at) => {
                    now = at;
                    attempts.push(at.as_second());
                }
                Err(queue) => return (attempts, queue),
            }
        }
    }

    #[test]
    fn lambda_tries_a_function_that_fails_after_one_and_two_minutes_more() {
        let (attempts, queue) = attempts(Function::Alarm, Hindrance::Failed);
        assert_eq!(attempts, [0, 60, 180]);
        assert_eq!(queue, DeadLetterQueue::Failures);
    }

    #[test]
    fn lambda_tries_a_throttled_event_ever_later_until_it_is_too_old() {
        for (function, hours) in [(Function::ImagePush, 6), (Function::ServiceChange, 1)] {
            let (attempts, queue) = attempts(function, Hindrance::Throttled);
            assert_eq!(attempts[..6], [0, 1, 3, 7, 15, 31]);
            let last = attempts[attempts.len() - 1];
            assert_eq!(last - attempts[attempts.len() - 2], 300);
            assert!(
                (hours * 3_600 - 300..hours * 3_600).contains(&last),
                "{last}"
            );
            assert_eq!(queue, DeadLetterQueue::Failures);
        }
    }

    #[test]
    fn event_bridge_tries_ever_later_with_jitter_until_an_event_is_too_old() {
        let (pushed, queue) = attempts(Function::ImagePush, Hindrance::Undeliverable);
        assert_eq!(queue, DeadLetterQueue::Undelivered);
        let last = pushed[pushed.len() - 1];
        assert!((6 * 3_600 - 480..6 * 3_600).contains(&last), "{last}");
        let gaps: Vec<i64> = pushed.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(gaps[..8].iter().sum::<i64>() <= 256);
        let late = &gaps[10..];
        assert!(late.iter().all(|gap| (239..=481).contains(gap)), "{late:?}");
        assert!(late.iter().any(|gap| gap != &late[0]), "there is jitter");
    }

    #[test]
    fn event_bridge_gives_up_after_185_retries() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut tries = Tries::default();
        let now = Timestamp::UNIX_EPOCH;
        let mut again =
            || tries.again(Function::ImagePush, Hindrance::Undeliverable, now, &mut rng);
        for retry in 1..=185 {
            assert!(again().is_ok(), "retry {retry}");
        }
        assert_eq!(again(), Err(DeadLetterQueue::Undelivered));
    }

    #[test]
    fn what_was_throttled_has_its_two_retries_still() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut tries = Tries::default();
        let now = Timestamp::UNIX_EPOCH;
        let mut again = |hindrance| tries.again(Function::Alarm, hindrance, now, &mut rng);
        for hindrance in [Hindrance::Throttled, Hindrance::Failed, Hindrance::Failed] {
            assert!(again(hindrance).is_ok(), "{hindrance:?}");
        }
        assert_eq!(again(Hindrance::Failed), Err(DeadLetterQueue::Failures));
    }

    /// What the template says of a function, up to its log group.
    fn template(function: &str) -> &'static str {
        let template = include_str!("../../../template.yaml");
        let from = template.find(&format!("\n  {function}Function:\n"));
        let section = &template[from.unwrap()..];
        &section[..section.find(&format!("\n  {function}Log:\n")).unwrap()]
    }

    #[test]
    fn the_numbers_are_the_templates() {
        for (name, function) in [
            ("ImagePush", Function::ImagePush),
            ("ServiceChange", Function::ServiceChange),
            ("Alarm", Function::Alarm),
            ("StackChange", Function::StackChange),
            ("Sweep", Function::Sweep),
        ] {
            let section = template(name);
            let MostAge {
                undelivered,
                queued,
            } = most_age(function);
            let queued = queued.as_secs();
            let invocation = format!(
                "MaximumRetryAttempts: {}\n        MaximumEventAgeInSeconds: {queued}\n",
                FAILED_AGAIN_AFTER.len()
            );
            assert!(section.contains(&invocation), "{name}: {invocation}");
            let seconds = undelivered.as_secs();
            let delivery = format!(
                "{{ MaximumRetryAttempts: {MOST_DELIVERIES}, MaximumEventAgeInSeconds: {seconds} }}"
            );
            let rules = section.matches("Pattern:").count();
            assert_eq!(
                section.matches(&delivery).count(),
                rules,
                "{name}: {delivery}"
            );
        }
    }
}
