//! Fairness: a target that is stuck never holds up another.

use jiff::{SignedDuration, Timestamp};
use pushboat::core::name::TargetName;

use super::Checker;
use super::ended::End;

const FAIR: &str = "fairness (a stuck target never holds up another)";
/// How long a message may wait in a group that nothing blocks.
const MOST_IN_QUEUE: SignedDuration = SignedDuration::from_mins(1);
/// For how long a message that was not handled blocks its group: the queue's visibility timeout.
const BLOCKED_FOR: SignedDuration = SignedDuration::from_mins(6);
/// How long a stored wake-up may wait once nothing goes wrong: two sweeps, and a moment.
const MOST_ASLEEP: SignedDuration = SignedDuration::from_mins(3);
/// How long one may wait while the sweep itself meets faults.
const MOST_ASLEEP_IN_TROUBLE: SignedDuration = SignedDuration::from_hours(1);
/// How long what went wrong goes on after faults stopped: a blocked group, and one more try.
const RECOVERED_AFTER: SignedDuration = SignedDuration::from_mins(10);

impl Checker {
    /// A message is received at once, unless its own group was blocked; and a
    /// wake-up that was stored is not slept through.
    pub(super) fn check_received(
        &mut self,
        at: Timestamp,
        target: &TargetName,
        sent_at: Timestamp,
    ) {
        self.at = at;
        let Some(known) = self.targets.get_mut(target) else {
            return;
        };
        known.hears = None;
        known.doubtful.clear();
        if known.under_way > 0 {
            // One of them stands still, for longer than its message stays away.
            known.blocked_at = Some(at);
        }
        known.under_way += 1;
        // A function that is kept from its work is given messages too, which then stay away.
        let mut blocked_at = known.blocked_at.into_iter().chain(self.hindered_until);
        let blocked = blocked_at.any(|blocked_at| sent_at <= blocked_at + BLOCKED_FOR);
        if !blocked && at.duration_since(sent_at) > MOST_IN_QUEUE {
            let saw = format!("a message of {sent_at} waited, and nothing of its own blocked it");
            self.report(FAIR, target.as_str(), saw);
        }
        self.check_wake(target, at);
        if let Some(known) = self.targets.get_mut(target) {
            known.received_at = Some(at);
        }
    }

    /// No wake-up is overdue at the end.
    pub(super) fn check_overdue(&mut self, end: &End) {
        let targets: Vec<TargetName> = self.targets.keys().cloned().collect();
        for target in targets {
            self.check_wake(&target, end.at);
        }
    }

    fn check_wake(&mut self, target: &TargetName, at: Timestamp) {
        let known = self.targets.get(target);
        let Some(wake) = known.and_then(|known| known.state.wake.as_ref()) else {
            return;
        };
        let overdue_at = match self.healed_at {
            Some(healed_at) => wake.at.max(healed_at + RECOVERED_AFTER) + MOST_ASLEEP,
            None => {
                let hindered_until = self.hindered_until.unwrap_or(wake.at);
                wake.at.max(hindered_until) + MOST_ASLEEP_IN_TROUBLE
            }
        };
        // It was woken, and has its own trouble.
        let woken = known.and_then(|known| known.received_at);
        if at > overdue_at && woken.is_none_or(|woken_at| woken_at < wake.at) {
            let saw = format!(
                "it was to be woken at {} for {}, and was not",
                wake.at,
                wake.waiting.as_str()
            );
            self.report(FAIR, target.as_str(), saw);
        }
    }
}
