//! What is asked of ECS: invariants 1, 2, 6, 10, and bounded work.

use jiff::{SignedDuration, Timestamp};
use pushboat::core::name::TargetName;
use pushboat::core::policy::ServiceRef;
use pushboat::core::rollout::{Phase, Rollout};

use super::{Checker, Known, MOST_CHANGES, Request};
use crate::deeds::{ServiceTruth, Stopped, Updated};

type Found = (&'static str, String);

impl Checker {
    pub(super) fn check_updated(&mut self, updated: &Updated) {
        self.at = updated.at;
        let lag = self.read_lag;
        let Some((name, known)) = self.holder(&updated.service) else {
            let saw = format!("{} was updated, which no target holds", updated.service);
            self.report(OWN, "-", saw);
            return;
        };
        let mut found = Vec::new();
        found.extend(known.goes_through_a_stack());
        match known.state.current.clone() {
            Some(current) => known.check_update(&current, updated, lag, &mut found),
            None => found.push((OWN, "no rollout is under way".to_owned())),
        }
        for (invariant, saw) in found {
            let saw = format!("asked for {}: {saw}", updated.revision.arn);
            self.report(invariant, name.as_str(), saw);
        }
    }

    pub(super) fn check_stopped(&mut self, stopped: &Stopped) {
        self.at = stopped.at;
        let Some((name, known)) = self.holder(&stopped.service) else {
            return;
        };
        let good = known.state.last_known_good.as_ref();
        let good = good.map(|good| good.task_definition.clone());
        let elsewhere = stopped
            .sources
            .iter()
            .find(|one| Some(*one) != good.as_ref());
        let mut found: Vec<Found> = Vec::new();
        found.extend(known.goes_through_a_stack());
        if let Some(elsewhere) = elsewhere {
            found.push((
                OWN,
                format!("ECS was sent back to {elsewhere}, and last-known-good is {good:?}"),
            ));
        }
        if let Some(current) = known.state.current.clone() {
            known.by_hand.note_way_back(&current);
            known.count_change(&current, &mut found);
        }
        for (invariant, saw) in found {
            self.report(invariant, name.as_str(), saw);
        }
    }

    pub(super) fn holder(&mut self, service: &ServiceRef) -> Option<(TargetName, &mut Known)> {
        let mut targets = self.targets.iter_mut();
        let found = targets.find(|(_, known)| known.terms.service == *service);
        found.map(|(name, known)| (name.clone(), known))
    }
}

pub(super) const ORDER: &str = "1 (an older request never replaces a newer one)";
pub(super) const OWN: &str = "2 (only its own revision or the last-known-good is asked for)";
pub(super) const SOMEBODY: &str = "6 (somebody else's change is never overwritten)";
pub(super) const QUARANTINE: &str = "10 (what was rolled back stays out)";
const BOUNDED: &str = "bounded work";
/// For how long before an update somebody's change may go unseen: a decision holds for ten
/// seconds, and an update is on its way for five at most.
pub(super) const UNSEEN: SignedDuration = SignedDuration::from_secs(15);

impl Known {
    fn check_update(
        &mut self,
        current: &Rollout,
        updated: &Updated,
        lag: SignedDuration,
        found: &mut Vec<Found>,
    ) {
        self.count_change(current, found);
        match &current.phase {
            Phase::Starting { .. } => self.check_forward(current, updated, found),
            Phase::RollingBack { .. } => self.check_way_back(updated, found),
            other => {
                let saw = format!("rollout {} is {}", current.id, other.as_str());
                found.push((OWN, saw));
            }
        }
        let seen_until = updated.at - lag - UNSEEN;
        self.check_somebody(current, updated.before.as_ref(), seen_until, found);
        self.check_after_stop(current, updated, seen_until);
        self.by_hand.note_way_back(current);
    }

    fn check_forward(&mut self, current: &Rollout, updated: &Updated, found: &mut Vec<Found>) {
        let digest = current.digest();
        if updated.revision.rollout.as_deref() != Some(current.id.as_str()) {
            let whose = &updated.revision.rollout;
            found.push((
                OWN,
                format!("it is of {whose:?}, and {} starts", current.id),
            ));
        }
        let containers = current.phase.start().map(|start| &start.containers);
        let changed =
            |name: &String| containers.is_some_and(|containers| containers.contains(name));
        let images = &updated.revision.images;
        let wrong = images
            .iter()
            .find(|(name, image)| changed(name) && !image.ends_with(digest.as_str()));
        if let Some((name, image)) = wrong {
            found.push((OWN, format!("container {name} runs {image}, not {digest}")));
        }
        self.check_request(current, found);
    }

    /// What the service is asked to run is let in, and nothing newer was asked for.
    pub(super) fn check_request(&mut self, current: &Rollout, found: &mut Vec<Found>) {
        let digest = current.digest();
        if self.kept_out.contains(digest) || self.state.quarantine.contains_key(digest) {
            found.push((
                QUARANTINE,
                format!("{digest} was rolled back and not released"),
            ));
        }
        let request = Request::of(current);
        if let Some(newest) = self.asked.newer_than(&request, self.followed(), self.skew) {
            found.push((ORDER, format!("{request:?} comes after {newest:?}")));
            return;
        }
        self.asked.note(request);
    }

    fn check_way_back(&self, updated: &Updated, found: &mut Vec<Found>) {
        let Some(good) = &self.state.last_known_good else {
            found.push((OWN, "there is no last-known-good".to_owned()));
            return;
        };
        let images = updated.revision.images.iter().cloned().collect();
        if good.images != images {
            found.push((
                OWN,
                format!("it runs {images:?}, and good is {:?}", good.images),
            ));
        }
    }

    /// The deployment that is replaced may be anybody's who was there when the
    /// rollout started, ECS's, or one of our own revisions, forced out again.
    /// What was made after `seen_until` nobody could see yet.
    pub(super) fn check_somebody(
        &self,
        current: &Rollout,
        before: Option<&ServiceTruth>,
        seen_until: Timestamp,
        found: &mut Vec<Found>,
    ) {
        let primary = before.and_then(|one| one.primary.as_ref());
        let (Some((at, deployment)), Some(primary)) = (&self.somebody, primary) else {
            return;
        };
        let Some(start) = current.phase.start() else {
            return;
        };
        let good = self.state.last_known_good.as_ref();
        // A person who has a halted way back tried once more makes a new rollout of it.
        let taken_back = current.phase.running().map(|running| &running.revision);
        let ours = primary.revision.rollout.as_deref() == Some(current.id.as_str())
            || taken_back == Some(&primary.revision.arn)
            || primary.revision.arn == start.base_task_definition
            || good.is_some_and(|good| good.task_definition == primary.revision.arn)
            || self.through_stack.made(&primary.revision.arn)
            || current
                .phase
                .back()
                .is_some_and(|back| back.to == primary.revision.arn);
        if primary.id == *deployment && *at > start.at + self.skew && *at < seen_until && !ours {
            let saw = format!("somebody deployed {} at {at}", primary.revision.arn);
            found.push((SOMEBODY, saw));
        }
    }

    pub(super) fn count_change(&mut self, current: &Rollout, found: &mut Vec<Found>) {
        let count = self.changes.entry(current.id.clone()).or_default();
        *count += 1;
        if *count > MOST_CHANGES {
            found.push((
                BOUNDED,
                format!("change {count} for rollout {}", current.id),
            ));
        }
    }
}
