//! Pushes that nobody told of: what is begun unasked, and what is found in the end.

use jiff::SignedDuration;
use pushboat::core::push::PushSource;
use pushboat::core::reason::SupersededBy;
use pushboat::core::rollout::{Phase, Rollout};
use pushboat::core::state::Standing;

use super::ended::{End, Unheard};
use super::{Checker, Known};
use crate::deeds::Saved;

const UNASKED: &str = "6 (nothing is begun unasked where people decide)";
const NEWEST: &str = "11 (a push reaches every target that follows it)";
/// How long it takes at most until a push is found that nobody told of.
const FOUND_WITHIN: SignedDuration = SignedDuration::from_mins(30);

impl Known {
    /// Says what is wrong with a rollout that nobody asked for, if it is one.
    pub(super) fn check_unasked(&self, rollout: &Rollout) -> Option<(&'static str, String)> {
        let is_new = !self.requests.contains_key(&rollout.id);
        // A way back that a person has tried once more is one of the same push.
        let begins = matches!(
            rollout.phase,
            Phase::Requested { .. } | Phase::Starting { .. } | Phase::Rejected { .. }
        );
        if rollout.push.source != PushSource::Found || !is_new || !begins {
            return None;
        }
        let mut requests = self.requests.values();
        let digest = &rollout.push.digest;
        let was_asked =
            requests.any(|request| request.digest == *digest) || self.started.contains(digest);
        let what = if was_asked {
            "its image was asked for before"
        } else if self.state.held.is_some() {
            "the target is held"
        } else if self.state.halted.is_some() {
            "a rollout halted"
        } else if self.stood_down {
            "somebody else changed the service"
        } else {
            return None;
        };
        Some((UNASKED, format!("{} is begun, and {what}", rollout.id)))
    }

    /// Notes whether somebody else had the last word, and what began.
    pub(super) fn note_stood_down(&mut self, saved: &Saved) {
        let by_somebody_else = |ended: &Rollout| {
            let by = match &ended.phase {
                Phase::Superseded { by } => Some(by),
                _ => None,
            };
            matches!(by, Some(SupersededBy::SomebodyElse { .. }))
        };
        if saved.finished.iter().any(by_somebody_else) {
            self.stood_down = true;
            self.gave_way = true;
        }
        let current = saved.state.current.as_ref();
        let starts = current.is_some_and(|one| matches!(one.phase, Phase::Starting { .. }));
        let start = current.and_then(|current| current.phase.start());
        self.started.extend(start.map(|start| start.digest.clone()));
        let adopted = |standing: &Standing| match standing {
            Standing::Adopted {
                service_created_at, ..
            } => Some(*service_created_at),
            Standing::Pending { .. } | Standing::Invalid { .. } => None,
        };
        let (before, after) = (
            adopted(&self.state.standing),
            adopted(&saved.state.standing),
        );
        if before != after {
            self.adopted_at = after.map(|_| saved.at);
        }
        let is_another =
            before != after && !matches!(saved.state.standing, Standing::Invalid { .. });
        if starts || is_another {
            self.stood_down = false;
        }
        if starts {
            self.gave_way = false;
        }
    }
}

impl Checker {
    /// The newest image that a target follows was asked for, or something newer, though nobody
    /// told of it.
    pub(super) fn check_found(&mut self, end: &End) {
        let quiet_since = self.healed_at;
        let had_time = |unheard: &&Unheard| {
            let pushed_long_ago = end.at.duration_since(unheard.pushed_at) > FOUND_WITHIN;
            let quiet = quiet_since.is_some_and(|at| end.at.duration_since(at) > FOUND_WITHIN);
            pushed_long_ago && quiet && !end.held
        };
        for unheard in end.unheard.iter().filter(had_time) {
            let Some(known) = self.targets.get(&unheard.target) else {
                continue;
            };
            let state = &known.state;
            let is_ours = matches!(state.standing, Standing::Adopted { .. })
                && state.held.is_none()
                && state.halted.is_none()
                && !known.gave_way;
            let mut requests = known.requests.values();
            let was_asked = requests.any(|request| request.digest == unheard.digest)
                || known.started.contains(&unheard.digest);
            let good = state.last_known_good.iter();
            let mut good = good.flat_map(|good| good.images.values());
            let runs = good.any(|image| image.ends_with(unheard.digest.as_str()));
            let adopted_at = known.adopted_at;
            let is_settled = adopted_at.is_some_and(|at| end.at.duration_since(at) > FOUND_WITHIN);
            let newest = state.newest.get(&known.terms.repository);
            let second = unheard.pushed_at.as_second() - self.skew.as_secs() - 1;
            let newer = newest.is_some_and(|newest| newest.tagged_at.as_second() >= second);
            if is_ours && is_settled && !was_asked && !runs && !newer {
                let saw = format!("{unheard:?} was never asked for, and newest is {newest:?}");
                self.report(NEWEST, unheard.target.as_str(), saw);
            }
        }
    }
}
