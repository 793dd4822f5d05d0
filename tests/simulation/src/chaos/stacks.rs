//! Targets that deploy through a CloudFormation stack, and what people do with the stacks.

use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Value, json};

use super::mix::ThroughStacks;
use super::plan::{Plan, TargetPlan, first_tag, pick};
use super::run::Chaos;
use crate::images::REGISTRY;
use crate::stacks::StackSpecification;

/// One in so many worlds has targets that go through stacks.
const ONE_IN: u8 = 4;
/// The resource of a stack that is neither the service nor its task definition.
const DASHBOARD: &str = "Dashboard";

/// The chance that decides about stacks: apart from the seed's other draws, which so stay what
/// they are in the worlds that have none.
pub(super) fn chance(seed: u64) -> fastrand::Rng {
    fastrand::Rng::with_seed(seed ^ 0x57ac_c5ed)
}

impl Plan {
    /// Has some targets go through stacks, in some worlds.
    pub(super) fn put_into_stacks(&mut self, which: ThroughStacks, rng: &mut fastrand::Rng) {
        let (some, all) = match which {
            ThroughStacks::Never => (false, false),
            ThroughStacks::Drawn => (rng.u8(0..ONE_IN) == 0, false),
            ThroughStacks::Always => (true, true),
        };
        if !some {
            return;
        }
        let first = rng.usize(0..self.targets.len());
        for (number, target) in self.targets.iter_mut().enumerate() {
            let (drawn, allows) = (rng.bool(), rng.u8(0..3) == 0);
            if all || drawn || number == first {
                *target = Rc::new(through_a_stack(target, allows));
            }
        }
    }

    pub(super) fn has_stacks(&self) -> bool {
        self.targets.iter().any(|target| target.stack.is_some())
    }
}

/// Has a target go through a stack that makes its service.
fn through_a_stack(target: &TargetPlan, allows: bool) -> TargetPlan {
    let name = format!("{}-stack", target.name);
    let mut through = target.clone();
    let mut text: Value = serde_json::from_str(&target.text).unwrap_or_default();
    if let Some(members) = text.as_object_mut() {
        members.remove("service");
    }
    text["stack"] = json!({ "name": name, "parameter": "Image" });
    if allows {
        text["stack"]["allow"] = json!([DASHBOARD]);
    }
    through.text = text.to_string();
    // What its template makes.
    through.definition = json!({
        "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
        "cpu": "256", "memory": "512",
        "containerDefinitions": [{ "name": "app", "essential": true }],
    });
    let allowed = allows.then(|| DASHBOARD.to_owned());
    through.terms.stack = Some(BTreeSet::from_iter(allowed));
    through.stack = Some(name);
    through
}

impl Chaos {
    /// Makes the stack of a service that is there already, if its target goes through one.
    pub(super) fn make_stack(&mut self, target: &TargetPlan) {
        let Some(name) = &target.stack else { return };
        let service = self.specification(target);
        let revision = format!("{}:1", target.name);
        let revision = self.world.ecs.revision_truth(&revision).arn;
        let specification = StackSpecification::new(name, service);
        self.world.stacks.create_around(&specification, &revision);
    }

    /// Picks a target that goes through a stack, with the stack's name.
    fn any_stack(&mut self) -> (Rc<TargetPlan>, String) {
        let targets = self.plan.targets.iter();
        let through = targets.filter_map(|one| Some((Rc::clone(one), one.stack.clone()?)));
        let through: Vec<_> = through.collect();
        pick(&mut self.rng, &through).clone()
    }

    /// Somebody updates a stack: to the image that it began with, or to another one, or with
    /// another title.
    pub(super) fn update_stack_by_hand(&mut self) {
        let (target, stack) = self.any_stack();
        self.update_stack_of(&target, &stack);
    }

    pub(super) fn update_stack_of(&mut self, target: &TargetPlan, stack: &str) {
        let terms = &target.terms;
        let named = format!("{REGISTRY}/{}:{}", terms.repository, first_tag(terms.tags));
        let images = self.images.get(&terms.repository).cloned();
        let images = images.unwrap_or_default();
        let some = images[self.rng.usize(0..images.len())].digest();
        let some = format!("{REGISTRY}/{}@{some}", terms.repository);
        let (name, value) = match self.rng.u8(0..4) {
            0 => ("Image", named.as_str()),
            1 => ("Image", some.as_str()),
            _ => {
                self.write_title_as_drawn();
                ("Title", StackSpecification::TITLE)
            }
        };
        if self
            .world
            .stacks
            .try_update(stack, &[(name, value)])
            .is_ok()
        {
            self.did("update a stack", &format!("{stack} {name} {value}"));
        }
    }

    /// Somebody writes the parameter in Parameter Store anew that each stack reads.
    pub(super) fn write_title(&mut self) {
        self.write_title_as_drawn();
        self.did("write what a stack reads", "");
    }

    fn write_title_as_drawn(&mut self) {
        let title = format!("title {}", self.rng.u8(0..4));
        let name = StackSpecification::TITLE;
        self.world.stacks.write_parameter(name, &title);
    }

    /// Somebody decides on the newest change set of a stack.
    pub(super) fn decide_on_change_set(&mut self) {
        let (_, stack) = self.any_stack();
        let Some(name) = self.world.stacks.change_sets(&stack).pop() else {
            return;
        };
        if self.rng.u8(0..3) > 0 {
            if self.world.stacks.try_execute(&stack, &name) {
                self.did("execute a change set", &name);
            }
        } else if self.world.stacks.try_delete_change_set(&stack, &name) {
            self.did("delete a change set", &name);
        }
    }

    /// Somebody cancels the update of a stack that goes on.
    pub(super) fn cancel_stack_update(&mut self) {
        let (_, stack) = self.any_stack();
        if self.world.stacks.try_cancel(&stack) {
            self.did("cancel a stack's update", &stack);
        }
    }

    /// Somebody goes on with a rollback that failed, mostly without the service.
    pub(super) fn continue_rollback(&mut self) {
        let (_, stack) = self.any_stack();
        let skipped = match self.rng.u8(0..3) {
            0 => Vec::new(),
            _ => vec!["Service".to_owned()],
        };
        if self.world.stacks.try_continue_rollback(&stack, &skipped) {
            let detail = format!("{stack} without {skipped:?}");
            self.did("continue a stack's rollback", &detail);
        }
    }

    /// A stack cannot go back by itself, until somebody has mended it.
    pub(super) fn wedge_stack(&mut self) {
        let (_, stack) = self.any_stack();
        let status = self.world.stacks.status(&stack);
        let goes_on = status.ends_with("_IN_PROGRESS");
        // One at rest is wedged only now and then: nothing is at stake there.
        if !goes_on && self.rng.u8(0..4) > 0 {
            return;
        }
        let stacks = self.world.stacks.clone();
        stacks.set_status(&stack, "UPDATE_ROLLBACK_FAILED");
        self.did("wedge a stack", &format!("{stack} in {status}"));
        let seconds = self.rng.i64(30..1800);
        self.pass(seconds);
        if stacks.status(&stack) == "UPDATE_ROLLBACK_FAILED" {
            stacks.set_status(&stack, "UPDATE_ROLLBACK_COMPLETE");
            self.say(|| format!("somebody: mend {stack}"));
        }
    }

    /// The next work on a stack's dashboard fails.
    pub(super) fn break_dashboard(&mut self) {
        let (_, stack) = self.any_stack();
        let reason = "It has no such widget.";
        let stacks = &self.world.stacks;
        stacks.fail_resource(&stack, DASHBOARD, reason);
        self.did("break a stack's dashboard", &stack);
    }
}
