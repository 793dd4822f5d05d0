//! Terraform and CloudFormation, which know only the revision that they registered themselves.

use super::plan::{TargetPlan, first_tag};
use super::run::Chaos;
use crate::images::REGISTRY;

impl Chaos {
    /// Applies a Terraform configuration that owns the service and its task definition.
    ///
    /// Without a change of the task definition, the service is taken back to the
    /// revision in Terraform's state. With one, the new revision replaces the old
    /// one, which is deregistered. Source: `aws_ecs_task_definition` (`skip_destroy`)
    /// and `aws_ecs_service` at
    /// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs>.
    pub(super) fn apply_terraform(&mut self) {
        let target = self.any_target();
        if let Some(stack) = &target.stack {
            // What a stack made is nothing that Terraform has.
            return self.update_stack_of(&target, stack);
        }
        let own = self.own_revision(&target);
        let is_gone = !self.is_active(&own);
        if !is_gone && self.rng.bool() {
            return self.run_own("terraform takes the service back", &target, &own);
        }
        // Unless it is to create before it destroys, the old one goes first.
        let destroys_first = self.rng.bool();
        if destroys_first {
            self.forget(&own);
        }
        let new = self.register_own(&target);
        self.own.insert(target.name.clone(), new.clone());
        let seconds = self.rng.i64(0..20);
        self.pass(seconds);
        self.run_own("terraform replaces the revision", &target, &new);
        if !destroys_first {
            self.forget(&own);
        }
    }

    /// Updates a CloudFormation stack that holds the service and its task definition.
    ///
    /// The new revision is made and the service is updated; then the stack waits
    /// for the service to become steady. If it does not, the stack rolls back: the
    /// service is updated to the revision before, and the new one is removed. If
    /// it does, the old one is removed. Source: "Update behaviors of stack
    /// resources" and "Stack failure options" in the CloudFormation user guide.
    pub(super) fn update_stack(&mut self) {
        let target = self.any_target();
        if let Some(stack) = &target.stack {
            return self.update_stack_of(&target, stack);
        }
        let own = self.own_revision(&target);
        let new = self.register_own(&target);
        self.run_own("cloudformation updates the service", &target, &new);
        let seconds = self.rng.i64(30..600);
        self.pass(seconds);
        let settled = self.world.ecs.is_settled_or_gone(&target.terms.service);
        if settled && self.rng.u8(0..4) > 0 {
            self.own.insert(target.name.clone(), new);
            return self.forget(&own);
        }
        self.run_own("cloudformation rolls back", &target, &own);
        let seconds = self.rng.i64(0..60);
        self.pass(seconds);
        self.forget(&new);
    }

    /// Gives the revision that the tool has in its state; the service's first one at first.
    fn own_revision(&self, target: &TargetPlan) -> String {
        let own = self.own.get(&target.name).cloned();
        own.unwrap_or_else(|| format!("{}:1", target.name))
    }

    fn is_active(&self, revision: &str) -> bool {
        let model = self.world.ecs.read();
        let entry = model.task_definition(revision);
        entry.is_some_and(|entry| entry.status == ecs_model::TaskDefinitionStatus::Active)
    }

    /// Registers what the tool's source says: the image that the service began with.
    fn register_own(&mut self, target: &TargetPlan) -> String {
        let terms = &target.terms;
        let image = format!("{REGISTRY}/{}:{}", terms.repository, first_tag(terms.tags));
        self.world.ecs.register_document(target.document(&image))
    }

    fn run_own(&mut self, what: &'static str, target: &TargetPlan, revision: &str) {
        self.update(what, &target.terms.service, |update| {
            update.task_definition = Some(revision.to_owned());
        });
    }

    fn forget(&mut self, revision: &str) {
        let mut model = self.world.ecs.model();
        let done = model.deregister_task_definition(revision).is_ok();
        drop(model);
        if done {
            self.say(|| format!("somebody: deregister {revision}"));
        }
    }
}
