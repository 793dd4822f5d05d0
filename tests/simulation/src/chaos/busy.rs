//! A busy repository, and a target on which `rollout` dies each time.

use std::rc::Rc;

use jiff::SignedDuration;
use serde_json::Value;

use super::mix::Trouble;
use super::plan::TargetPlan;
use super::run::Chaos;
use crate::images::Image;

/// One in so many seeds plays a busy repository, and one has a target that is stuck.
const ONE_IN: u64 = 16;
/// What a success may take beside the deployment's deadline and the bake time.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);
/// What faults may add: some functions that die, each for the queue's visibility timeout.
const TROUBLE: SignedDuration = SignedDuration::from_mins(60);

impl Chaos {
    /// Makes one of several targets stuck, in some seeds.
    pub(super) fn draw_stuck(&mut self, seed: u64) {
        let several = self.plan.targets.len() > 1;
        if seed % ONE_IN == 7 && several && self.mix.has(Trouble::Crashes) {
            let stuck = self.plan.targets[0].target();
            self.say(|| format!("rollout dies each time for {stuck}"));
            self.tally.met("a target is stuck", 1);
            self.world.stuck = Some(stuck);
        }
    }

    /// Gives the target whose repository is busy all the time, in some seeds.
    ///
    /// It is one that succeeds if it is let: a deployment waits for nobody and
    /// takes less than its deadline, and only what is finished is superseded.
    pub(super) fn draw_busy(&self, seed: u64) -> Option<Rc<TargetPlan>> {
        let succeeds = |target: &&Rc<TargetPlan>| {
            let settings: Value = serde_json::from_str(&target.text).unwrap_or_default();
            let deployment = target.deployment.clone().unwrap_or_default();
            let quick = !matches!(deployment["strategy"].as_str(), Some("LINEAR" | "CANARY"));
            let waits = !deployment["lifecycleHooks"].is_null();
            let deadline_seconds = settings["deadlineSeconds"].as_i64();
            target.desired > 0
                // What leaves ECS no room may block a deployment.
                && deployment["maximumPercent"].is_null()
                && quick
                && !waits
                && settings["supersede"] == "whenFinished"
                && deadline_seconds.is_some_and(|seconds| seconds >= 600)
        };
        let mut targets = self.plan.targets.iter();
        targets
            .find(succeeds)
            .filter(|_| seed % ONE_IN == 9)
            .cloned()
    }

    /// Pushes a healthy image every few minutes, for hours.
    pub(super) fn play_busy(&mut self, target: &TargetPlan) {
        let settings: Value = serde_json::from_str(&target.text).unwrap_or_default();
        let seconds = |name: &str| settings[name].as_i64().unwrap_or_default();
        let takes = seconds("deadlineSeconds") + seconds("bakeTimeSeconds");
        let trouble = match (self.is_calm, settings["stack"].is_object()) {
            (true, _) => SignedDuration::ZERO,
            (false, false) => TROUBLE,
            // A newer push takes over until the change set is executed, which is some steps later,
            // and each of them may take six minutes more.
            (false, true) => TROUBLE * 2,
        };
        let within = SignedDuration::from_secs(takes) + MARGIN + trouble;
        self.checker.expect_successes(&target.target(), within);
        self.tally.did("keep a repository busy");
        for _ in 0..self.rng.usize(20..=40) {
            if self.has_failed() {
                return;
            }
            self.pushed += 1;
            let repository = &target.terms.repository;
            let image = Image::healthy(&format!("{repository}#{}", self.pushed));
            let tag = self.next_tag(target.terms.tags);
            self.set_tag("push", repository, &tag, &image);
            let pause = self.rng.i64(30..=300);
            self.pass(pause);
        }
    }
}
