//! A busy repository still gets new last-known-goods.

use jiff::{SignedDuration, Timestamp};
use pushboat::core::name::TargetName;
use pushboat::core::rollout::Phase;

use super::{Checker, Known};
use crate::deeds::Saved;

const PROGRESS: &str = "progress (a busy repository still gets new last-known-goods)";

/// How long a target may go without a success while it is asked for some.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    within: SignedDuration,
    /// Since when something is asked for and nothing succeeded.
    since: Option<Timestamp>,
}

impl Checker {
    /// Expects that of healthy images that keep coming one succeeds every so often.
    pub fn expect_successes(&mut self, target: &TargetName, within: SignedDuration) {
        if let Some(known) = self.targets.get_mut(target) {
            let since = None;
            known.progress = Some(Progress { within, since });
        }
    }
}

impl Known {
    pub(super) fn check_progress(
        &mut self,
        saved: &Saved,
        found: &mut Vec<(&'static str, String)>,
    ) {
        let Some(progress) = &mut self.progress else {
            return;
        };
        if let Some(since) = progress.since
            && saved.at.duration_since(since) > progress.within
        {
            let saw = format!("nothing succeeded since {since}, though images kept coming");
            found.push((PROGRESS, saw));
        }
        let succeeded = |ended: &pushboat::core::rollout::Rollout| {
            matches!(ended.phase, Phase::Succeeded { .. })
        };
        if saved.finished.iter().any(succeeded) {
            progress.since = None;
        }
        let state = &saved.state;
        let asked = state.current.is_some() || !state.waiting.is_empty();
        if asked && progress.since.is_none() {
            progress.since = Some(saved.at);
        }
    }
}
