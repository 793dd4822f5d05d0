//! Tasks that are missing: what is called good stays on all its wanted tasks.

use jiff::{SignedDuration, Timestamp};
use pushboat::core::name::RolloutId;
use pushboat::core::rollout::{Phase, Rollout};
use pushboat::core::state::TargetState;

use super::ended::{End, Short};
use super::saved::OUTCOME;
use super::{Checker, Known};
use crate::deeds::Saved;

/// How long fewer tasks than wanted may run in a bake time.
const MOST_MISSING: SignedDuration = SignedDuration::from_mins(5);

/// How a service's tasks are counted while its rollout bakes.
#[derive(Clone, Debug, Default)]
pub(super) struct Shortage {
    /// Since when tasks are missing, and have been without a break.
    since: Option<Timestamp>,
    /// The rollout that bakes, and since when.
    baking: Option<(RolloutId, Timestamp)>,
    /// The first look since then at which they were missing.
    seen_since: Option<Timestamp>,
    /// The rollout in whose bake time they were missing for too long, and since when.
    stayed: Option<(RolloutId, Timestamp)>,
    /// The target's last outcome was that its service runs what is good, and nobody changed it since.
    vouched_at: Option<Timestamp>,
    /// What is good was watched for long, or a rollout has not made it so.
    is_proven: Option<bool>,
}

impl Shortage {
    /// Takes in whether tasks are missing from now on.
    pub(super) fn count(&mut self, at: Timestamp, short: bool) {
        if !short {
            self.since = None;
            self.seen_since = None;
        } else if self.since.is_none() {
            self.since = Some(at);
        }
    }

    /// Takes in what is saved: which rollout bakes from now on, and what was said of the last one.
    ///
    /// Unless it `hears_all` in a long bake time, a version whose tasks come and go may be called
    /// good, and gone back to: looks tell only of tasks that stay away, which is checked by itself.
    fn follow(&mut self, before: &TargetState, saved: &Saved, hears_all: bool) {
        let bakes = |current: &&Rollout| matches!(current.phase, Phase::Baking { .. });
        let bakes = saved.state.current.as_ref().filter(bakes);
        let was = before.current.as_ref();
        match bakes {
            None => {
                self.baking = None;
                self.seen_since = None;
            }
            Some(current) => {
                let goes_on = was.is_some_and(|was| {
                    was.id == current.id && matches!(was.phase, Phase::Baking { .. })
                });
                if !goes_on {
                    self.baking = Some((current.id.clone(), saved.at));
                    self.seen_since = None;
                }
            }
        }
        for ended in &saved.finished {
            if let Phase::Succeeded { .. } = &ended.phase {
                self.is_proven = Some(hears_all && ended.policy.bake_time() > MOST_MISSING);
            }
            let is_proven = self.is_proven.unwrap_or(true);
            self.vouched_at = match &ended.phase {
                Phase::Succeeded { .. } | Phase::RolledBack { .. } => is_proven.then_some(saved.at),
                Phase::Rejected { .. } => self.vouched_at,
                Phase::Requested { .. }
                | Phase::Starting { .. }
                | Phase::Progressing { .. }
                | Phase::Baking { .. }
                | Phase::RollingBack { .. }
                | Phase::ScaledToZero { .. }
                | Phase::Superseded { .. }
                | Phase::Halted { .. } => None,
            };
        }
    }

    /// Says since when tasks were missing for too long while a rollout baked, if they were.
    pub(super) fn stayed(&self, rollout: &RolloutId) -> Option<Timestamp> {
        let stayed = self.stayed.as_ref();
        stayed
            .filter(|(one, _)| one == rollout)
            .map(|(_, since)| *since)
    }
}

impl Known {
    /// Takes in what is saved.
    pub(super) fn follow_tasks(&mut self, saved: &Saved, hears_all: bool) {
        self.shortage.follow(&self.state, saved, hears_all);
    }

    /// Takes in that Pushboat looked, as it does in each invocation that meets no fault.
    pub(super) fn looked(&mut self, at: Timestamp, read_lag: SignedDuration) {
        self.looks.push(at);
        let shortage = &mut self.shortage;
        let Some((rollout, baking_since)) = &shortage.baking else {
            return;
        };
        let shown = shortage.since.is_some_and(|since| since + read_lag <= at);
        if !shown || at <= *baking_since {
            return;
        }
        let seen_since = *shortage.seen_since.get_or_insert(at);
        if at.duration_since(seen_since) > MOST_MISSING {
            shortage.stayed = Some((rollout.clone(), seen_since));
        }
    }
}

impl Checker {
    /// What is called good runs on all its wanted tasks once faults stopped, unless
    /// somebody else changed it, its images are gone, or the events of its tasks may be lost.
    pub(super) fn check_short(&mut self, end: &End) {
        for short in &end.short {
            let Short {
                target, service, ..
            } = short;
            let Some(known) = self.targets.get(target) else {
                continue;
            };
            let Some(vouched_at) = known.shortage.vouched_at else {
                continue;
            };
            let others = known.by_hand.acted_since(vouched_at);
            if short.can_be_pulled && !others && known.state.current.is_none() {
                let saw = format!("it was called good at {vouched_at}, and stays at {service:?}");
                self.report(OUTCOME, target.as_str(), saw);
            }
        }
    }
}
