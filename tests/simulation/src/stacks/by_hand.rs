//! What somebody has CloudFormation do besides Pushboat, by the plain AWS CLI.

use stack_model::{Parameter, UpdateRequest};

use super::{Account, Stacks};
use crate::deeds::StackDoing;

impl Stacks {
    /// Updates a stack as somebody with the plain AWS CLI does; the other parameters stay.
    ///
    /// # Panics
    ///
    /// If CloudFormation refuses it.
    pub fn update(&self, stack: &str, parameters: &[(&str, &str)]) {
        let updated = self.try_update(stack, parameters);
        updated.expect("the update is a valid one");
    }

    /// Likewise; says why, where CloudFormation refuses it.
    ///
    /// # Errors
    ///
    /// If CloudFormation refuses it.
    pub fn try_update(&self, stack: &str, parameters: &[(&str, &str)]) -> Result<(), String> {
        let mut account = self.account();
        let found = account.find(stack);
        let names = found.map(|found| found.desired.parameters.keys());
        let values = names.into_iter().flatten().map(|name| {
            let set = parameters.iter().find(|(key, _)| key == name);
            set.map_or_else(
                || Parameter::previous(name),
                |(_, value)| Parameter::new(name, *value),
            )
        });
        let update = UpdateRequest {
            stack: stack.to_owned(),
            parameters: values.collect(),
            ..UpdateRequest::default()
        };
        let updated = account.model.update_stack(&update, None);
        updated.map_err(|error| error.to_string())?;
        self.note_by_hand(&mut account, stack, None);
        Ok(())
    }

    /// Notes that somebody has CloudFormation do something.
    fn note_by_hand(&self, account: &mut Account, stack: &str, change_set: Option<&str>) {
        let arn = account.find(stack).map(|found| found.arn.clone());
        let is_ours = change_set.is_some_and(|name| name.starts_with("pushboat-"));
        match (arn, is_ours) {
            (Some(arn), true) => _ = account.ours.insert(arn),
            (Some(arn), false) => _ = account.ours.remove(&arn),
            (None, _) => {}
        }
        let change_set = change_set.map(str::to_owned);
        account.note(&self.ecs, stack, StackDoing::BySomebody { change_set });
    }

    /// Cancels the update of a stack by the plain AWS CLI.
    ///
    /// # Panics
    ///
    /// If none goes on.
    pub fn cancel(&self, stack: &str) {
        assert!(self.try_cancel(stack), "an update goes on");
    }

    /// Likewise; says whether one goes on.
    pub fn try_cancel(&self, stack: &str) -> bool {
        let mut account = self.account();
        let cancelled = account.model.cancel_update_stack(stack, None).is_ok();
        if cancelled {
            // What it goes back from is whose it was.
            account.note(&self.ecs, stack, StackDoing::CancelledBySomebody);
        }
        cancelled
    }

    /// Goes on with a rollback that failed by the plain AWS CLI.
    ///
    /// # Panics
    ///
    /// If none failed.
    pub fn continue_rollback(&self, stack: &str) {
        let continued = self.try_continue_rollback(stack, &[]);
        assert!(continued, "a rollback failed");
    }

    /// Likewise, without some resources; says whether CloudFormation does so.
    pub fn try_continue_rollback(&self, stack: &str, skipped: &[String]) -> bool {
        let mut account = self.account();
        let continued = account
            .model
            .continue_update_rollback(stack, skipped, None, None)
            .is_ok();
        if continued {
            self.note_by_hand(&mut account, stack, None);
        }
        continued
    }

    /// Executes a change set by the plain AWS CLI.
    ///
    /// # Panics
    ///
    /// If CloudFormation refuses it.
    pub fn execute(&self, stack: &str, change_set: &str) {
        let executed = self.try_execute(stack, change_set);
        assert!(executed, "the change set can be executed");
    }

    /// Likewise; says whether CloudFormation does so.
    pub fn try_execute(&self, stack: &str, change_set: &str) -> bool {
        let mut account = self.account();
        let executed = account
            .model
            .execute_change_set(change_set, Some(stack), None)
            .is_ok();
        if executed {
            self.note_by_hand(&mut account, stack, Some(change_set));
        }
        executed
    }

    /// Deletes a change set by the plain AWS CLI.
    ///
    /// # Panics
    ///
    /// If it is being executed.
    pub fn delete_change_set(&self, stack: &str, change_set: &str) {
        let deleted = self.try_delete_change_set(stack, change_set);
        assert!(deleted, "the change set is not being executed");
    }

    /// Likewise; says whether CloudFormation does so.
    pub fn try_delete_change_set(&self, stack: &str, change_set: &str) -> bool {
        let mut account = self.account();
        let deleted = account.model.delete_change_set(change_set, Some(stack));
        deleted.is_ok()
    }
}
