//! One seed, played from beginning to end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use pushboat::core::alarm::AlarmState;
use pushboat::core::name::{ImageDigest, RolloutId, TargetName};
use pushboat::core::policy::ServiceRef;
use pushboat::core::push::Push;
use pushboat::core::reason::Waiting;
use pushboat::core::rollout::Phase;
use pushboat::ports::Clock as _;
use pushboat::wake::Woken;

use super::checker::{Checker, End, Short, Tags, Unsent, Violation};
use super::mistakes::follows_other_tags;
use super::mix::{Mix, Rates, Trouble};
use super::plan::{Plan, TargetPlan, first_tag};
use super::shrink::Part;
use super::tally::{Tally, reason};
use crate::deeds::{Deed, Saved};
use crate::ecs::ServiceSpecification;
use crate::functions::{Invocation, Outcome};
use crate::images::{Image, REGISTRY};
use crate::world::World;

/// How long everything has to end once faults stopped.
const QUIET: SignedDuration = SignedDuration::from_hours(2);
/// How often it is looked whether everything ended.
const LOOK_FOR_REST_EVERY: SignedDuration = SignedDuration::from_mins(10);
/// For how long at the end services are looked at: more than the five minutes that tasks may be missing.
const LAST_LOOKS: SignedDuration = SignedDuration::from_mins(6);
/// How far a service's clock is off at the most.
const MOST_SKEW: SignedDuration = SignedDuration::from_secs(5);
/// How much time an invocation of `rollout` takes: two of them never act at one instant.
const ROLLOUT_TAKES: SignedDuration = SignedDuration::from_millis(20);
/// More steps than ever happen at one instant.
const MOST_STEPS_AT_ONCE: usize = 2_000;

/// What came of one seed.
#[derive(Clone, Debug)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// What did not hold; the run ends at the first.
    pub violations: Vec<Violation>,
    /// How many things happened, those left out included.
    pub happenings: usize,
    /// What was reached.
    pub tally: Tally,
    /// What happened, line by line, where that was asked for.
    pub transcript: Vec<String>,
}

/// A run under way.
pub(super) struct Chaos {
    pub(super) world: World,
    pub(super) plan: Plan,
    pub(super) mix: Mix,
    pub(super) rng: fastrand::Rng,
    pub(super) tally: Tally,
    pub(super) pushed: usize,
    /// What was pushed, by repository.
    pub(super) images: BTreeMap<String, Vec<Image>>,
    pub(super) no_images: BTreeSet<ImageDigest>,
    pub(super) held: bool,
    pub(super) cut: bool,
    /// The revision that Terraform or CloudFormation has in its state, by target.
    pub(super) own: BTreeMap<String, String>,
    /// The targets whose parameters were wrong for a while: what came then went nowhere.
    pub(super) misled: BTreeSet<TargetName>,
    /// How many things happened.
    happenings: usize,
    /// The phase that was saved last, by rollout.
    phases: BTreeMap<RolloutId, &'static str>,
    pub(super) checker: Checker,
    began: Timestamp,
    transcript: Option<Vec<String>>,
    woken: BTreeSet<(String, String)>,
    handled: BTreeSet<(String, String)>,
    heard: BTreeMap<TargetName, Push>,
    /// The services whose rollouts bake.
    baking: BTreeMap<TargetName, ServiceRef>,
    found: Vec<Violation>,
}

/// Plays a seed.
#[must_use]
pub fn run(seed: u64, mix: Mix, with_transcript: bool) -> Run {
    run_part(seed, mix, &Part::WHOLE, with_transcript)
}

/// Plays a part of a seed.
#[must_use]
pub fn run_part(seed: u64, mix: Mix, part: &Part, with_transcript: bool) -> Run {
    let mut rng = fastrand::Rng::with_seed(seed);
    let met = mix.draw(&mut rng);
    let plan = Plan::draw(met, &mut rng);
    let rates = Rates::draw(mix.and(part.faults), &mut rng);
    let world = World::new();
    let mut chaos = Chaos {
        began: world.clock.now(),
        world,
        plan,
        mix: met,
        rng,
        tally: Tally::default(),
        pushed: 0,
        images: BTreeMap::new(),
        no_images: BTreeSet::new(),
        held: false,
        cut: false,
        own: BTreeMap::new(),
        misled: BTreeSet::new(),
        happenings: 0,
        phases: BTreeMap::new(),
        checker: Checker::default(),
        transcript: with_transcript.then(Vec::new),
        woken: BTreeSet::new(),
        handled: BTreeSet::new(),
        heard: BTreeMap::new(),
        baking: BTreeMap::new(),
        found: Vec::new(),
    };
    chaos.say(|| format!("rates {rates:?}"));
    chaos.checker.read_lag = rates.lag.services;
    if met.has(Trouble::Skew) {
        chaos.checker.skew = MOST_SKEW + MOST_SKEW;
        chaos.world.skew_clocks(MOST_SKEW, seed ^ 0x0c10_c4ed);
    }
    if met.has(Trouble::Limits) {
        chaos.world.ecs.limit_rates();
    }
    chaos.world.rollout_takes = ROLLOUT_TAKES;
    chaos.set_up();
    chaos
        .world
        .calls
        .fail_at_random(rates.calls, seed ^ 0x0ca1_15ed);
    chaos
        .world
        .disorder_events(rates.events, seed ^ 0x0e7e_1175);
    chaos.world.ecs.set_read_lag(rates.lag);
    chaos.world.lost = rates.lost;
    chaos.play(seed, part);
    chaos.finish(seed)
}

impl Chaos {
    fn set_up(&mut self) {
        self.world.keep_deeds();
        for name in self.plan.alarms.clone() {
            self.world.alarms.set(&name, AlarmState::Ok);
            let at = self.world.alarms.clock().now();
            let state = AlarmState::Ok;
            self.world.note_deed(Deed::AlarmTurned { at, name, state });
        }
        for repository in self.plan.repositories.clone() {
            let image = Image::healthy(&format!("{repository}#0"));
            for tags in [Tags::Exact, Tags::Pattern, Tags::Versions] {
                let digest = self.world.images.put(&repository, first_tag(tags), &image);
                self.world.note_deed(Deed::Tagged {
                    at: self.world.clock.now(),
                    repository: repository.clone(),
                    tag: first_tag(tags).to_owned(),
                    digest,
                });
            }
            self.images.insert(repository, vec![image]);
        }
        for target in self.plan.targets.clone() {
            self.make(&target);
        }
        self.pass(180);
    }

    fn make(&mut self, target: &TargetPlan) {
        self.make_service(target);
        self.checker.watch(target.target(), target.terms.clone());
        self.say(|| {
            let (count, deployment) = (target.desired, &target.deployment);
            let text = &target.text;
            format!(
                "target {} desired {count} {deployment:?} {text}",
                target.name
            )
        });
    }

    pub(super) fn make_service(&mut self, target: &TargetPlan) {
        let terms = &target.terms;
        let image = format!("{REGISTRY}/{}:{}", terms.repository, first_tag(terms.tags));
        let mut specification =
            ServiceSpecification::new("prod", &target.name, &image, &target.name);
        specification.desired = target.desired;
        specification.is_on_spot = target.is_on_spot;
        if target.balanced {
            let group = format!("arn:aws:elasticloadbalancing:::targetgroup/{}", target.name);
            specification.balanced = Some((group, 60));
        }
        let revision = self.world.ecs.register_document(target.document(&image));
        let ecs = &self.world.ecs;
        ecs.create_service_of(&specification, &revision);
        let made = self.world.ecs.truth(&terms.service);
        if let Some(primary) = made.and_then(|made| made.primary) {
            self.world.note_deed(Deed::SomebodyDeployed {
                at: self.world.clock.now(),
                service: terms.service.clone(),
                deployment: primary.id,
            });
        }
        if let Some(configuration) = &target.deployment {
            self.world.ecs.configure(&terms.service, configuration);
        }
    }

    fn release_holds(&mut self) {
        self.held = false;
        self.world.hold_everything(None);
        self.pass(120);
        for target in self.plan.targets.clone() {
            let command = serde_json::json!({ "command": "resume", "target": target.name });
            let _ = self.world.command(command);
        }
    }

    fn play(&mut self, seed: u64, part: &Part) {
        for target in self.plan.targets.clone() {
            self.world.put_target(&target.name, &target.text);
        }
        let settled = self.rng.i64(1..200);
        self.pass(settled);
        if let Some(target) = self.draw_busy(seed) {
            return self.play_busy(&target);
        }
        self.draw_stuck(seed);
        for happening in 0..self.plan.events {
            if self.has_failed() {
                return;
            }
            // Each draws for itself, so that one can be left out and the others stay.
            self.rng = fastrand::Rng::with_seed(seed ^ ((happening as u64 + 1) << 40));
            if !part.has(happening) {
                continue;
            }
            self.happenings = happening + 1;
            self.act();
            let seconds = self.rng.u64(1..=self.plan.pause_seconds);
            self.pass(i64::try_from(seconds).unwrap_or_default());
        }
    }

    fn finish(mut self, seed: u64) -> Run {
        for (fault, times) in self.world.calls.faults() {
            self.tally.met(format!("call: {fault:?}"), times as u64);
        }
        let met = self.world.met;
        self.tally.met("event: dropped", met.dropped.into());
        self.tally.met("event: duplicated", met.duplicated.into());
        self.tally.met("event: delayed", met.delayed.into());
        if !self.has_failed() {
            self.world.heal();
            self.checker.healed_at = Some(self.world.clock.now());
            self.world.images.set_unreachable(false);
            self.say(|| "faults stop".to_owned());
            if seed.is_multiple_of(2) {
                self.release_holds();
            }
            self.let_everything_end(seed);
        }
        let short = self.short_until_the_end();
        if !self.has_failed() {
            let end = self.end(&short);
            self.checker.check_end(&end);
        }
        self.tally.runs = 1;
        self.tally.most_calls = self.checker.most_calls;
        self.tally.most_changes = self.checker.most_changes();
        let mut violations = self.found;
        violations.extend_from_slice(self.checker.violations());
        Run {
            seed,
            violations,
            happenings: self.happenings,
            tally: self.tally,
            transcript: self.transcript.unwrap_or_default(),
        }
    }

    /// Gives everything its time to end.
    ///
    /// Seven of eight runs stop early where nothing is left to happen but what
    /// waits for people: the hours of waiting that follow show nothing new.
    fn let_everything_end(&mut self, seed: u64) {
        let until = self.world.clock.after(QUIET);
        let to_the_end = seed.is_multiple_of(8);
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
            match state.wake.map(|wake| wake.waiting) {
                Some(Waiting::Held { .. }) => self.held,
                Some(Waiting::Person) => true,
                Some(_) => false,
                None => state.last_known_good.is_some(),
            }
        })
    }

    /// Lets the last minutes pass; answers which services were short of tasks all the while.
    ///
    /// After a run that ended early nothing is said of them: ECS may still be at it.
    fn short_until_the_end(&mut self) -> Vec<TargetPlan> {
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

    fn end(&self, short: &[TargetPlan]) -> End {
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

    /// Nothing pushed before the registration is deployed unasked, and a target may be
    /// registered anew after a push was heard.
    fn counts(&self, target: &TargetName, push: &Push) -> bool {
        let registration = self.world.ledger.entry(target).registration;
        registration.is_some_and(|registration| {
            push.tagged_at.as_second() >= registration.registered_at.as_second()
        })
    }

    /// Lets some time pass, and checks after each step.
    pub(super) fn pass(&mut self, seconds: i64) {
        let until = self.world.clock.after(SignedDuration::from_secs(seconds));
        let (mut at, mut steps) = (self.world.clock.now(), 0);
        self.look();
        while !self.has_failed() && self.world.step(until) {
            self.look();
            steps += 1;
            if at != self.world.clock.now() {
                (at, steps) = (self.world.clock.now(), 0);
            }
            if steps > MOST_STEPS_AT_ONCE {
                self.fail("bounded work", "-", "time stands still".to_owned());
            }
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        !(self.found.is_empty() && self.checker.violations().is_empty())
    }

    fn fail(&mut self, invariant: &'static str, target: &str, saw: String) {
        self.found.push(Violation {
            invariant,
            at: self.world.clock.now(),
            target: target.to_owned(),
            saw,
        });
    }

    pub(super) fn say(&mut self, line: impl FnOnce() -> String) {
        let Some(lines) = &mut self.transcript else {
            return;
        };
        let now = self.world.clock.now();
        let seconds = now.duration_since(self.began).as_secs();
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        lines.push(format!(
            "+{hours}:{minutes:02}:{:02} {}",
            seconds % 60,
            line()
        ));
    }

    /// Looks at what was done since the last look.
    fn look(&mut self) {
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

    fn count(&mut self, saved: &Saved) {
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
        for plan in self.plan.targets.clone() {
            let target = plan.target();
            let follows =
                plan.terms.repository == push.repository && plan.terms.tags.follow(&push.tag);
            let registration = self.world.ledger.entry(&target).registration;
            let registration = registration.filter(|one| {
                let policy = one.policy();
                follows && policy.is_some_and(|policy| !follows_other_tags(policy))
            });
            let Some(registration) = registration else {
                continue;
            };
            if !names.contains(&plan.name) {
                let saw = format!("{} was told and did not wake it: {woken:?}", push.event_id);
                self.fail("9 (no event vanishes)", &plan.name, saw);
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
    }

    fn describe(&mut self, deed: &Deed) {
        if self.transcript.is_none() {
            return;
        }
        let line = match deed {
            Deed::Saved(saved) => describe_saved(saved),
            Deed::Updated(updated) => {
                let before = updated.before.as_ref().and_then(|one| one.primary.as_ref());
                let before = before.map(|one| short(&one.revision.arn));
                let service = &updated.service.name;
                let revision = short(&updated.revision.arn);
                format!("Pushboat: UpdateService {service} to {revision}, from {before:?}")
            }
            Deed::Stopped(stopped) => {
                let service = &stopped.service.name;
                format!(
                    "Pushboat: StopServiceDeployment {service}, from {:?}",
                    stopped.sources
                )
            }
            _ => return,
        };
        self.say(|| line);
    }
}

fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

fn describe_saved(saved: &Saved) -> String {
    let state = &saved.state;
    let mut parts = vec![format!("{} saved:", saved.target)];
    for rollout in &saved.finished {
        let (phase, why) = (rollout.phase.as_str(), reason(&rollout.phase));
        parts.push(format!("{} ended {phase} {why};", rollout.push.tag));
    }
    if let Some(current) = &state.current {
        let (phase, why) = (current.phase.as_str(), reason(&current.phase));
        parts.push(format!("{} {phase} {why};", current.push.tag));
    }
    for waiting in &state.waiting {
        parts.push(format!("{} waits;", waiting.push.tag));
    }
    if let Some(good) = &state.last_known_good {
        parts.push(format!("good {};", short(&good.task_definition)));
    }
    if let Some(wake) = &state.wake {
        parts.push(format!(
            "until {} for {}",
            wake.at.strftime("%H:%M:%S"),
            wake.waiting.as_str()
        ));
    }
    parts.join(" ")
}
