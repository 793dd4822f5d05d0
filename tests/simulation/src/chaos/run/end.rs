//! The end of a run: faults stop, and everything has its time to end.

use std::collections::BTreeSet;
use std::rc::Rc;

use jiff::SignedDuration;
use pushboat::core::name::TargetName;
use pushboat::core::push::Push;
use pushboat::core::reason::Waiting;
use pushboat::ports::Clock as _;

use super::{Chaos, LAST_LOOKS};
use crate::chaos::checker::{End, Short, Tags, Unheard, Unsent};
use crate::chaos::deployment;
use crate::chaos::plan::TargetPlan;
use crate::retries::DeadLetterQueue;

/// How long everything has to end once faults stopped; twice as long where a service pauses.
const QUIET: SignedDuration = SignedDuration::from_hours(2);
/// How often it is looked whether everything ended.
const LOOK_FOR_REST_EVERY: SignedDuration = SignedDuration::from_mins(10);

impl Chaos {
    pub(super) fn count_dead_letters(&mut self) {
        let count = |queue| {
            let dead = self.world.dead_letters.iter();
            dead.filter(|one| one.queue == queue).count() as u64
        };
        let failures = count(DeadLetterQueue::Failures);
        let undelivered = count(DeadLetterQueue::Undelivered);
        let messages = self.world.queue.dead_letters().len() as u64;
        self.tally.met("dead letter: failures", failures);
        self.tally.met("dead letter: undelivered", undelivered);
        self.tally.met("dead letter: a message", messages);
    }

    pub(super) fn release_holds(&mut self) {
        self.held = false;
        self.world.hold_everything(None);
        self.pass(120);
        for target in self.plan.targets.clone() {
            let command = serde_json::json!({ "command": "resume", "target": target.name });
            let _ = self.world.command(command);
        }
    }

    /// Gives everything its time to end.
    ///
    /// Seven of eight runs stop early where nothing is left to happen but what
    /// waits for people: the hours of waiting that follow show nothing new.
    pub(super) fn let_everything_end(&mut self, seed: u64) {
        let to_the_end = seed.is_multiple_of(8);
        self.let_end_within(QUIET, to_the_end);
        let mut targets = self.plan.targets.iter();
        if !self.targets_rest() && targets.any(|target| self.is_paused_often(target)) {
            // What waited behind such a rollout may itself be paused for as long.
            self.let_end_within(QUIET, false);
        }
    }

    fn is_paused_often(&self, target: &TargetPlan) -> bool {
        target.deployment.as_ref().is_some_and(deployment::pauses)
            && self.world.state(&target.name).current.is_some()
    }

    fn let_end_within(&mut self, quiet: SignedDuration, to_the_end: bool) {
        let until = self.world.clock.after(quiet);
        while !self.has_failed() && self.world.clock.now() < until {
            self.pass(LOOK_FOR_REST_EVERY.as_secs());
            if !to_the_end && self.world.is_idle() && self.targets_rest() {
                return;
            }
        }
    }

    /// Says whether no target has anything to do by itself.
    fn targets_rest(&self) -> bool {
        self.plan.targets.iter().all(|target| {
            let state = self.world.state(&target.name);
            if state.to_publish().is_some() {
                return false;
            }
            match state.wake.map(|wake| wake.waiting) {
                Some(Waiting::Held { .. }) => self.held,
                Some(Waiting::Person | Waiting::Approval { .. }) => true,
                Some(_) => false,
                None => state.last_known_good.is_some(),
            }
        })
    }

    /// Lets the last minutes pass; answers which services were short of tasks all the while.
    ///
    /// After a run that ended early nothing is said of them: ECS may still be at it.
    pub(super) fn short_until_the_end(&mut self) -> Vec<Rc<TargetPlan>> {
        let rested_at = self.checker.healed_at.map(|at| at + QUIET);
        if rested_at.is_none_or(|at| self.world.clock.now() < at) {
            return Vec::new();
        }
        let mut short = self.plan.targets.clone();
        let mut passed = SignedDuration::ZERO;
        while passed < LAST_LOOKS && !self.has_failed() {
            self.pass(60);
            passed += SignedDuration::from_secs(60);
            short.retain(|target| self.world.ecs.is_short(&target.terms.service));
        }
        short
    }

    pub(super) fn end(&self, short: &[Rc<TargetPlan>]) -> End {
        let notices = self.world.ledger.notices();
        let unsent = notices.iter().filter(|filed| filed.sent_at.is_none());
        let dead: BTreeSet<(String, String)> = self
            .world
            .queue
            .dead_letters()
            .into_iter()
            .map(|message| (message.target.to_string(), message.event_id))
            .collect();
        let unhandled = self.woken.difference(&self.handled);
        let unhandled = unhandled.filter(|wake| !dead.contains(*wake));
        End {
            at: self.world.clock.now(),
            held: self.held,
            queued: self.world.queue.len(),
            unsent: unsent
                .map(|filed| Unsent {
                    id: filed.notice.id.clone(),
                    stored_at: filed.notice.at,
                })
                .collect(),
            short: short
                .iter()
                .filter_map(|target| {
                    Some(Short {
                        target: target.target(),
                        service: self.world.ecs.truth(&target.terms.service)?,
                        can_be_pulled: self.world.ecs.can_be_pulled(&target.terms.service),
                    })
                })
                .collect(),
            published: self
                .plan
                .targets
                .iter()
                .map(|target| (target.target(), self.world.published(&target.name)))
                .collect(),
            unheard: self.unheard(),
            unhandled: unhandled
                .map(|(target, event)| format!("event {event} for {target}"))
                .collect(),
            newest_heard: self
                .heard
                .iter()
                .filter(|(target, push)| {
                    !dead.contains(&(target.to_string(), push.event_id.clone()))
                        && self.counts(target, push)
                        && !self.misled.contains(target)
                })
                .map(|(target, push)| {
                    (target.clone(), push.tag.clone(), push.tagged_at.as_second())
                })
                .collect(),
        }
    }

    /// Finds for each target the newest image that it follows by a tag or a pattern.
    fn unheard(&self) -> Vec<Unheard> {
        let targets = self.plan.targets.iter();
        let targets = targets.filter(|target| {
            target.terms.tags != Tags::Versions && !self.misled.contains(&target.target())
        });
        targets
            .filter_map(|target| {
                let registration = self.world.ledger.entry(&target.target()).registration;
                let registration = registration.filter(|one| one.policy().is_some())?;
                let terms = &target.terms;
                let images = self
                    .world
                    .images
                    .followed(&terms.repository, |tag| terms.tags.follow(tag));
                let (digest, pushed_at) = images.into_iter().max_by_key(|(_, at)| *at)?;
                (pushed_at.as_second() > registration.parameter_changed_at.as_second()).then(|| {
                    Unheard {
                        target: target.target(),
                        digest,
                        pushed_at,
                    }
                })
            })
            .collect()
    }

    /// Nothing pushed before the registration is deployed unasked, and a target may be
    /// registered anew after a push was heard.
    pub(super) fn counts(&self, target: &TargetName, push: &Push) -> bool {
        let registration = self.world.ledger.entry(target).registration;
        registration.is_some_and(|registration| {
            push.tagged_at.as_second() >= registration.registered_at.as_second()
        })
    }
}
