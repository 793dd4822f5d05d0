//! What is saved: invariants 1, 3, 4, 7, 10.

use jiff::Timestamp;
use pushboat::core::failure::Failure;
use pushboat::core::name::ImageDigest;
use pushboat::core::operate::{OperatorCommand, Order};
use pushboat::core::reason::{NewerPush, SupersededBy};
use pushboat::core::rollout::{Phase, Rollout};
use pushboat::core::stack::SERVICE;
use pushboat::core::state::LastKnownGood;
use pushboat::notice::{News, Notice};

use super::changes::UNSEEN;
use super::{Checker, Known, Request, Tags};
use crate::deeds::{DeploymentTruth, Saved, ServiceTruth};

const ORDER: &str = "1 (an older request never replaces a newer one)";
pub(super) const OUTCOME: &str = "3 (an outcome is said only where it is true)";
const FINAL: &str = "4 (a final phase stays final)";
const NOTICE: &str = "7 (each phase change is told, under a stable id)";
const QUARANTINE: &str = "10 (what was rolled back stays out)";

type Found = (&'static str, String);

impl Checker {
    pub(super) fn check_saved(&mut self, saved: &Saved) {
        self.at = saved.at;
        let mut found = Vec::new();
        let Some(mut known) = self.targets.remove(&saved.target) else {
            return;
        };
        let requested = saved.state.current.iter().chain(&saved.state.waiting);
        for rollout in requested.chain(&saved.finished) {
            found.extend(known.check_unasked(rollout));
            known.note_request(rollout);
        }
        known.note_stood_down(saved);
        known.check_final(saved, &mut found);
        known.check_notices(saved, &mut found);
        self.check_start(&known, saved, &mut found);
        // Somebody may have come between the look and the write.
        let somebody = known.somebody.as_ref();
        // A write that arrives late was decided on when its notices were made.
        let decided_at = saved.notices.iter().map(|notice| notice.at).min();
        let looked_from = known.received_at.into_iter().chain(decided_at).min();
        let seen_until = looked_from.unwrap_or(saved.at) - UNSEEN - self.read_lag;
        let is_late = somebody.is_some_and(|(at, _)| *at >= seen_until);
        for rollout in &saved.finished {
            known.check_superseded(rollout, &mut found);
            known.check_left_behind(rollout, seen_until, &mut found);
            // What the service is like is only sure for the last one.
            if !is_late && saved.finished.last() == Some(rollout) {
                let seen = (saved.service.as_ref(), seen_until);
                self.check_outcome(&known, rollout, seen, &mut found);
                known.doubt_that_ecs_did(rollout);
            }
        }
        known.check_quarantine(saved, &mut found);
        // What ended looked at the alarms when it started itself.
        known.note_start(saved);
        self.check_goes_back(&mut known, saved, &mut found);
        known.check_progress(saved, &mut found);
        known.follow_tasks(saved, self.hears_all);
        known.state = saved.state.clone();
        self.targets.insert(saved.target.clone(), known);
        for (invariant, saw) in found {
            self.report(invariant, saved.target.as_str(), saw);
        }
    }

    /// What an exact tag stands for is what it points at when the rollout starts.
    fn check_start(&self, known: &Known, saved: &Saved, found: &mut Vec<Found>) {
        let Some(current) = &saved.state.current else {
            return;
        };
        let Phase::Starting { start, .. } = &current.phase else {
            return;
        };
        let begins = start.at == saved.at && known.phase_of(current) == Some("requested");
        let follows = known.terms.tags == Tags::Exact && !Request::of(current).by_person;
        // A function that stood still may have looked before the tag was moved.
        let stood_still = known.stood_still(saved.at);
        if !begins || !follows || stood_still {
            return;
        }
        let key = (current.push.repository.clone(), current.push.tag.clone());
        let tagged = self.tags.get(&key);
        let unseen = |(_, at): &(_, Timestamp)| saved.at.duration_since(*at) <= UNSEEN;
        let tagged_now = tagged.map(|(digest, _)| digest);
        if tagged_now != Some(&start.digest) && !tagged.is_some_and(unseen) {
            let saw = format!("{} starts, and the tag stands for {tagged:?}", start.digest);
            found.push((ORDER, saw));
        }
    }

    fn check_outcome(
        &self,
        known: &Known,
        rollout: &Rollout,
        (service, seen_until): (Option<&ServiceTruth>, Timestamp),
        found: &mut Vec<Found>,
    ) {
        let (revision, needs_tasks) = match &rollout.phase {
            Phase::Succeeded { revision } => (revision, true),
            Phase::RolledBack { revision, .. } => (revision, false),
            Phase::Requested { .. }
            | Phase::Starting { .. }
            | Phase::Progressing { .. }
            | Phase::Baking { .. }
            | Phase::RollingBack { .. }
            | Phase::ScaledToZero { .. }
            | Phase::Superseded { .. }
            | Phase::Rejected { .. }
            | Phase::Halted { .. } => return,
        };
        let said = format!("{} {} on {revision}", rollout.id, rollout.phase.as_str());
        let wrong = |what: &str| (OUTCOME, format!("{said}: {what}: {service:?}"));
        let Some(service) = service else {
            found.push(wrong("there is no service"));
            return;
        };
        let primary = service.primary.as_ref();
        if primary.is_none_or(|primary| primary.revision.arn != *revision) {
            found.push(wrong("another revision runs"));
        }
        if primary.is_none_or(|primary| !primary.completed) || service.deployments != 1 {
            found.push(wrong("the deployment is not the only one, and done"));
        }
        if needs_tasks {
            if !has_its_tasks(service, seen_until) {
                found.push(wrong("too few tasks run"));
            }
            let fired = self.fired(known, rollout);
            found.extend(fired.map(|fired| wrong(&fired)));
            let stayed = known.shortage.stayed(&rollout.id);
            found.extend(stayed.map(|since| wrong(&format!("tasks were missing since {since}"))));
            return;
        }
        found.extend(known.who_took_it_back(rollout).map(|what| wrong(&what)));
        let good = known.state.last_known_good.as_ref();
        if !good
            .zip(primary)
            .is_some_and(|(good, runs)| is_good(good, runs))
        {
            found.push(wrong("what runs is not the last-known-good"));
        }
    }
}

/// Says whether as many tasks ran as were wanted, as far as a look could have shown until then.
fn has_its_tasks(service: &ServiceTruth, seen_until: Timestamp) -> bool {
    let stopped = service.stopped_at.iter().filter(|at| **at >= seen_until);
    let running = service.running as usize + stopped.count();
    let before = service.desired_before.filter(|(at, _)| *at >= seen_until);
    // What was there then is being stopped since, and says nothing.
    let scaled_in = before.is_some_and(|(_, wanted)| wanted > service.desired);
    let wanted = [Some(service.desired), before.map(|(_, wanted)| wanted)];
    let mut wanted = wanted.into_iter().flatten();
    scaled_in || wanted.any(|wanted| wanted > 0 && running >= wanted as usize)
}

/// Says whether a deployment runs the very images that are good, by whatever it names them.
fn is_good(good: &LastKnownGood, runs: &DeploymentTruth) -> bool {
    let images = &runs.revision.images;
    images.len() == good.images.len()
        && images.iter().all(|(container, image)| {
            let resolved = runs.digests.get(container).map(ImageDigest::as_str);
            good.images.get(container).is_some_and(|good| {
                let pinned = good.split_once('@').map(|(_, digest)| digest);
                good == image || (pinned.is_some() && resolved == pinned)
            })
        })
}

impl Known {
    /// Says whether time passed in the invocation under way: what it saw may be old.
    pub(super) fn stood_still(&self, now: Timestamp) -> bool {
        self.received_at.is_some_and(|at| at != now)
    }

    fn note_request(&mut self, rollout: &Rollout) {
        let requests = &mut self.requests;
        let request = requests.entry(rollout.id.clone());
        request.or_insert_with(|| Request::of(rollout));
    }

    pub(super) fn phase_of(&self, rollout: &Rollout) -> Option<&'static str> {
        let before = self.state.current.iter().chain(&self.state.waiting);
        let mut before = before.filter(|before| before.id == rollout.id);
        before.next().map(|before| before.phase.as_str())
    }

    fn check_superseded(&self, rollout: &Rollout, found: &mut Vec<Found>) {
        let Phase::Superseded {
            by: SupersededBy::Push(NewerPush { rollout: by, .. }),
        } = &rollout.phase
        else {
            return;
        };
        let Some(newer) = self.requests.get(by) else {
            let saw = format!("{} is superseded by {by}, which nobody knows", rollout.id);
            found.push((ORDER, saw));
            return;
        };
        let newer = newer.clone();
        if newer.is_older_than(&Request::of(rollout), self.followed(), self.skew) {
            let saw = format!("{} is superseded by the older {newer:?}", rollout.id);
            found.push((ORDER, saw));
        }
    }

    fn check_final(&mut self, saved: &Saved, found: &mut Vec<Found>) {
        for rollout in saved.state.current.iter().chain(&saved.state.waiting) {
            if let Some(phase) = self.finished.get(&rollout.id) {
                let (id, was) = (&rollout.id, phase.as_str());
                let saw = format!("{id} was {was} and is {}", rollout.phase.as_str());
                found.push((FINAL, saw));
            }
            if rollout.phase.outcome().is_some() {
                found.push((FINAL, format!("{} ended and is under way", rollout.id)));
            }
        }
        for rollout in &saved.finished {
            if rollout.phase.outcome().is_none() {
                let phase = rollout.phase.as_str();
                found.push((FINAL, format!("{} ended as {phase}", rollout.id)));
            }
            let before = self
                .finished
                .insert(rollout.id.clone(), rollout.phase.clone());
            if let Some(before) = before {
                let (id, was) = (&rollout.id, before.as_str());
                let saw = format!("{id} was {was} and ends as {}", rollout.phase.as_str());
                found.push((FINAL, saw));
            }
        }
        let mut gone: Vec<&Rollout> = self.state.current.iter().collect();
        gone.extend(&self.state.waiting);
        for rollout in gone {
            let mut there = saved.state.current.iter().chain(&saved.state.waiting);
            let kept = there.any(|one| one.id == rollout.id);
            if !kept && !self.finished.contains_key(&rollout.id) {
                found.push((FINAL, format!("{} vanished", rollout.id)));
            }
        }
    }

    fn check_notices(&mut self, saved: &Saved, found: &mut Vec<Found>) {
        for notice in &saved.notices {
            let subject = format!("{} {}", notice.event(), notice.at);
            let before = self.notice_ids.insert(notice.id.clone(), subject.clone());
            if let Some(before) = before.filter(|before| *before != subject) {
                let saw = format!("notice {} was {before} and is {subject}", notice.id);
                found.push((NOTICE, saw));
            }
            if let News::Rollout(news) = &notice.news {
                let key = (news.rollout.id.clone(), notice.event().to_owned());
                self.told.insert(key);
            }
        }
        let current = saved.state.current.iter();
        for rollout in current.chain(&saved.finished) {
            let event = match &rollout.phase {
                Phase::Requested { .. } => continue,
                // People are told of both at once.
                Phase::Starting { .. } | Phase::Progressing { .. } => "started",
                other => other.as_str(),
            };
            if !self.told.contains(&(rollout.id.clone(), event.to_owned())) {
                let saw = format!("nobody is told that {} is {event}", rollout.id);
                found.push((NOTICE, saw));
            }
        }
    }

    fn check_quarantine(&mut self, saved: &Saved, found: &mut Vec<Found>) {
        for rollout in &saved.finished {
            if let Phase::RolledBack { failure, .. } = &rollout.phase
                && blames_the_image(failure)
            {
                let started = self.state.current.as_ref();
                let started = started.filter(|before| before.id == rollout.id);
                // One whose way back is tried once more was not there before; what halted was.
                let halted = self
                    .state
                    .halted
                    .as_ref()
                    .filter(|_| self.state.current.is_none());
                let digest = match (started, halted) {
                    (None, Some(halted)) => halted.digest(),
                    (started, _) => started.unwrap_or(rollout).digest(),
                };
                self.kept_out.insert(digest.clone());
            }
        }
        for digest in saved.notices.iter().filter_map(let_in) {
            if self.may_be_let_in.contains(digest) {
                self.kept_out.remove(digest);
            }
        }
        for digest in &self.kept_out {
            if !saved.state.quarantine.contains_key(digest) {
                let saw = format!("{digest} is let in, and nobody released it");
                found.push((QUARANTINE, saw));
            }
        }
    }
}

/// Gives the image that a notice says was let in again.
fn let_in(notice: &Notice) -> Option<&ImageDigest> {
    match &notice.news {
        News::Command {
            command:
                OperatorCommand {
                    order: Order::Release { digest },
                    ..
                },
            refused: None,
        } => Some(digest),
        _ => None,
    }
}

/// A platform's failure is not held against the image.
fn blames_the_image(failure: &Failure) -> bool {
    match failure {
        Failure::DeadlineReached { cause } | Failure::MissingTasks { cause, .. } => cause.is_some(),
        Failure::DeploymentFailed { platform, .. } => platform.is_none(),
        Failure::StackFailed { failed, .. } => {
            let kind = failed.as_ref().map(|failed| failed.resource_type.as_str());
            kind == Some(SERVICE)
        }
        Failure::TaskCannotWork { .. }
        | Failure::TasksFail { .. }
        | Failure::AlarmFired { .. }
        | Failure::PutBackByHand
        | Failure::AskedByOperator
        | Failure::EcsRolledBack { .. } => true,
    }
}
