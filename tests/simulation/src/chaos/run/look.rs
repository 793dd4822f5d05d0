//! What is looked at after each step: what was done goes to the checker and the tally.

use pushboat::core::push::Push;
use pushboat::core::rollout::Phase;
use pushboat::ports::Clock as _;
use pushboat::wake::Woken;

use super::Chaos;
use crate::chaos::checker::Tags;
use crate::chaos::mistakes::follows_other_tags;
use crate::deeds::{Deed, Saved};
use crate::functions::{Invocation, Outcome};

impl Chaos {
    /// Looks at what was done since the last look.
    pub(super) fn look(&mut self) {
        self.count_tasks();
        for outcome in std::mem::take(&mut self.world.outcomes) {
            self.take_outcome(&outcome);
        }
        for deed in self.world.take_deeds() {
            self.describe(&deed);
            if let Deed::Saved(saved) = &deed {
                self.count(saved);
                self.note_baking(saved);
            }
            self.checker.take(&deed);
        }
    }

    /// Counts the tasks of services whose rollouts bake.
    fn count_tasks(&mut self) {
        for service in self.baking.values() {
            self.checker.take(&Deed::Counted {
                at: self.world.clock.now(),
                service: service.clone(),
                short: self.world.ecs.is_short(service),
            });
        }
    }

    fn note_baking(&mut self, saved: &Saved) {
        let current = saved.state.current.as_ref();
        let bakes = current.filter(|current| matches!(current.phase, Phase::Baking { .. }));
        match bakes {
            Some(current) => {
                let service = current.policy.service.clone();
                self.baking.insert(saved.target.clone(), service);
            }
            None => _ = self.baking.remove(&saved.target),
        }
    }

    pub(super) fn count(&mut self, saved: &Saved) {
        let under_way = saved.state.waiting.iter().chain(&saved.state.current);
        for rollout in under_way.chain(&saved.finished) {
            let phase = rollout.phase.as_str();
            let before = self.phases.insert(rollout.id.clone(), phase);
            let before = before.unwrap_or("nowhere");
            if before != phase {
                self.tally.went(before, phase);
            }
        }
        for rollout in &saved.finished {
            self.tally.ended(rollout);
        }
        if let Some(current) = &saved.state.current {
            let waiting = saved.state.wake.as_ref().map(|wake| wake.waiting.as_str());
            self.tally
                .reached(&current.phase, waiting.unwrap_or_default());
        }
    }

    fn take_outcome(&mut self, outcome: &Outcome) {
        self.tally.invoked(outcome.function());
        if self.transcript.is_some() && !outcome.is_done() {
            self.say(|| format!("failed: {outcome:?}"));
        }
        match outcome {
            Outcome::Pushed(push, Invocation::Done(woken)) => {
                self.note_woken(woken, &push.event_id);
                self.hear_push(push, woken);
            }
            Outcome::ServiceChanged(change, Invocation::Done(woken)) => {
                self.note_woken(woken, &change.event_id);
            }
            Outcome::AlarmChanged(changed, Invocation::Done(woken)) => {
                self.note_woken(woken, &changed.event_id);
            }
            Outcome::StackChanged(changed, Invocation::Done(woken)) => {
                self.note_woken(woken, &changed.event_id);
            }
            Outcome::Rollout(message, Invocation::Done(_)) => {
                let key = (message.target.to_string(), message.event_id.clone());
                self.handled.insert(key);
            }
            _ => {}
        }
    }

    fn note_woken(&mut self, woken: &Woken, event: &str) {
        if let Woken::Targets(targets) = woken {
            for target in targets {
                self.woken.insert((target.clone(), event.to_owned()));
            }
        }
    }

    /// Every registered target that follows a push has to be woken for it.
    fn hear_push(&mut self, push: &Push, woken: &Woken) {
        let names: &[String] = match woken {
            Woken::Targets(names) => names,
            Woken::Ignored(_) => &[],
        };
        let mut deaf = Vec::new();
        for plan in &self.plan.targets {
            let follows =
                plan.terms.repository == push.repository && plan.terms.tags.follow(&push.tag);
            if !follows {
                continue;
            }
            let target = plan.target();
            let registration = self.world.ledger.entry(&target).registration;
            let registration = registration.filter(|one| {
                let policy = one.policy();
                policy.is_some_and(|policy| !follows_other_tags(policy))
            });
            let Some(registration) = registration else {
                continue;
            };
            if !names.contains(&plan.name) {
                deaf.push(plan.name.clone());
            }
            let counts = push.tagged_at.as_second() >= registration.registered_at.as_second()
                && !self.no_images.contains(&push.digest);
            if !counts {
                continue;
            }
            let order = |one: &Push| {
                let version = one.tag.split('.').map(|part| part.parse::<u32>().ok());
                let version: Vec<_> = version.collect();
                let versions = plan.terms.tags == Tags::Versions;
                (versions.then_some(version), one.tagged_at)
            };
            let newest = self.heard.entry(target).or_insert_with(|| push.clone());
            if order(newest) < order(push) {
                *newest = push.clone();
            }
        }
        for name in deaf {
            let saw = format!("{} was told and did not wake it: {woken:?}", push.event_id);
            self.fail("9 (no event vanishes)", &name, saw);
        }
    }
}
