//! One seed, played from beginning to end.

mod end;
mod look;
mod transcript;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use pushboat::core::alarm::AlarmState;
use pushboat::core::name::{ImageDigest, RolloutId, TargetName};
use pushboat::core::policy::ServiceRef;
use pushboat::core::push::Push;
use pushboat::ports::Clock as _;

use super::checker::{Checker, Tags, Violation};
use super::mix::{Mix, Rates, Trouble};
use super::plan::{Plan, TargetPlan, first_tag};
use super::shrink::Part;
use super::stacks;
use super::tally::Tally;
use crate::deeds::Deed;
use crate::ecs::ServiceSpecification;
use crate::images::{Image, REGISTRY};
use crate::world::World;

/// For how long at the end services are looked at: more than the five minutes that tasks may be missing.
const LAST_LOOKS: SignedDuration = SignedDuration::from_mins(6);
/// How far a service's clock is off at the most.
const MOST_SKEW: SignedDuration = SignedDuration::from_secs(5);
/// How much time an invocation of `rollout` takes: two of them never act at one instant.
const ROLLOUT_TAKES: SignedDuration = SignedDuration::from_millis(20);
/// The kinds of trouble with which an event may be lost or heard late.
const HINDERS_EVENTS: [Trouble; 6] = [
    Trouble::Drops,
    Trouble::Disorder,
    Trouble::Calls,
    Trouble::Crashes,
    Trouble::Pauses,
    Trouble::Limits,
];
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
    /// Whether no fault may be met at all; the rates are drawn apart from the kinds of trouble.
    pub(super) is_calm: bool,
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
    let mut plan = Plan::draw(met, &mut rng);
    let mut rates = Rates::draw(mix.and(part.faults), &mut rng);
    let mut of_stacks = stacks::chance(seed);
    plan.put_into_stacks(mix.stacks, &mut of_stacks);
    rates.lost.stack_changes =
        plan.has_stacks() && mix.and(part.faults).has(Trouble::Drops) && of_stacks.u8(0..6) == 0;
    let world = World::new();
    let mut chaos = Chaos {
        began: world.clock.now(),
        world,
        plan,
        mix: met,
        is_calm: mix.and(part.faults).is_calm(),
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
    let is_hindered = HINDERS_EVENTS.iter().any(|trouble| met.has(*trouble));
    chaos.checker.hears_all = !is_hindered && !rates.hinder_events();
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
        self.make_stack(target);
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

    pub(super) fn specification(&self, target: &TargetPlan) -> ServiceSpecification {
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
        specification
    }

    pub(super) fn make_service(&mut self, target: &TargetPlan) {
        let terms = &target.terms;
        let specification = self.specification(target);
        let document = target.document(&specification.image);
        let revision = self.world.ecs.register_document(document);
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
        self.count_dead_letters();
        if !self.has_failed() {
            self.world.heal();
            let now = self.world.clock.now();
            let hindered_until = self.checker.hindered_until;
            self.checker.hindered_until = hindered_until.map(|until| until.min(now));
            self.checker.healed_at = Some(self.world.clock.now());
            self.world.images.set_unreachable(false);
            self.say(|| "faults stop".to_owned());
            if seed.is_multiple_of(2) {
                self.release_holds();
            }
            if seed.is_multiple_of(3) {
                self.redrive();
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
}
