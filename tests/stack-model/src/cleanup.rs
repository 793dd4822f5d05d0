//! What comes after the resources: old ones are deleted, and the operation ends.
//! And how a whole stack is deleted.

use serde_json::Map;

use crate::effect::EffectAction;
use crate::error::ServiceError;
use crate::operation::{Leftover, Phase, Step, StepState, Work};
use crate::request::check_token;
use crate::stack::StackKey;
use crate::stacks::Stacks;
use crate::status::{ExecutionStatus, ResourceStatus, StackStatus};

impl Stacks {
    /// Every step of a phase is done: the next one begins.
    ///
    /// Source: `UPDATE_COMPLETE_CLEANUP_IN_PROGRESS` ("removal of old resources")
    /// and `UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS` ("removal of new
    /// resources") at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>.
    /// That a stack passes through them with nothing to remove is seen.
    pub(crate) fn end_phase(&mut self, key: StackKey) {
        let Some(operation) = &mut self.stacks[key.0].operation else {
            return;
        };
        match operation.phase {
            Phase::Updating => {
                if let Some(change_set) = operation.change_set {
                    self.change_sets[change_set.0].execution_status =
                        ExecutionStatus::ExecuteComplete;
                }
                let leftovers = self.leftovers_of_update(key);
                let status = StackStatus::UpdateCompleteCleanupInProgress;
                self.clean_up(key, Phase::CleaningUp, leftovers, status);
            }
            Phase::RollingBack => {
                let mut leftovers = std::mem::take(&mut operation.leftovers);
                leftovers.reverse();
                let status = StackStatus::UpdateRollbackCompleteCleanupInProgress;
                self.clean_up(key, Phase::CleaningUpRollback, leftovers, status);
            }
            Phase::CleaningUp => self.end(key, StackStatus::UpdateComplete),
            Phase::CleaningUpRollback => self.end(key, StackStatus::UpdateRollbackComplete),
            Phase::Deleting => self.end_deletion(key),
            Phase::RollbackFailed => {}
        }
    }

    fn clean_up(
        &mut self,
        key: StackKey,
        phase: Phase,
        leftovers: Vec<Leftover>,
        status: StackStatus,
    ) {
        if let Some(operation) = &mut self.stacks[key.0].operation {
            operation.phase = phase;
            operation.steps = removals(leftovers);
        }
        self.turn(key, status, None);
        self.go_on_later(key);
    }

    /// An operation is over.
    fn end(&mut self, key: StackKey, status: StackStatus) {
        self.turn(key, status, None);
        let stack = &mut self.stacks[key.0];
        stack.operation = None;
        for resource in stack.resources.values_mut() {
            resource.before = None;
        }
    }

    /// Begins to delete a resource; one that never came about is just dropped.
    pub(crate) fn start_remove(&mut self, key: StackKey, index: usize, leftover: &Leftover) {
        self.tell_removal(key, leftover, ResourceStatus::DeleteInProgress, None);
        if leftover.physical_id.is_empty() {
            self.end_step(key, index, StepState::Done);
            return self.finish_remove(key, leftover);
        }
        let action = EffectAction::Delete {
            physical_id: leftover.physical_id.clone(),
        };
        self.run(key, index, &leftover.type_name, action, Map::new());
    }

    /// A resource is deleted.
    pub(crate) fn finish_remove(&mut self, key: StackKey, leftover: &Leftover) {
        self.tell_removal(key, leftover, ResourceStatus::DeleteComplete, None);
        if leftover.is_whole {
            self.stacks[key.0].resources.remove(&leftover.logical_id);
        }
    }

    /// A resource could not be deleted. An update is complete none the less:
    /// assumed, after "a resource … removed from a stack but not deleted" at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html>.
    pub(crate) fn fail_remove(
        &mut self,
        key: StackKey,
        index: usize,
        leftover: &Leftover,
        reason: &str,
    ) {
        self.tell_removal(key, leftover, ResourceStatus::DeleteFailed, Some(reason));
        let operation = self.stacks[key.0].operation.as_ref();
        if operation.is_some_and(|operation| operation.phase == Phase::Deleting) {
            let reason = format!(
                "The following resource(s) failed to delete: [{}].",
                leftover.logical_id
            );
            self.turn(key, StackStatus::DeleteFailed, Some(&reason));
            self.drop_ongoing(key);
            self.stacks[key.0].operation = None;
            return;
        }
        if leftover.is_whole {
            self.stacks[key.0].resources.remove(&leftover.logical_id);
        }
        self.end_step(key, index, StepState::Done);
        self.go_on_now(key);
    }

    fn tell_removal(
        &mut self,
        key: StackKey,
        leftover: &Leftover,
        status: ResourceStatus,
        reason: Option<&str>,
    ) {
        let Leftover {
            logical_id,
            type_name,
            physical_id,
            is_whole,
        } = leftover;
        if *is_whole {
            self.turn_resource(key, logical_id, status, reason);
        } else {
            let physical_id = physical_id.clone();
            self.tell(key, logical_id, type_name, physical_id, status, reason);
        }
    }

    /// Turns the protection from deletion on or off.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateTerminationProtection.html>,
    /// and "any status except DELETE_IN_PROGRESS or DELETE_COMPLETE" at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html>;
    /// the text of the refusal is assumed.
    ///
    /// # Errors
    ///
    /// `ValidationError` for a stack that is not there or being deleted.
    pub fn protect_stack(&mut self, stack: &str, is_on: bool) -> Result<StackKey, ServiceError> {
        let key = self.stack_of(stack)?;
        let stack = &mut self.stacks[key.0];
        if stack.status == StackStatus::DeleteInProgress {
            return Err(ServiceError::validation(format!(
                "Termination protection of stack [{}] cannot be updated while it is in status {}",
                stack.name,
                stack.status.as_str()
            )));
        }
        stack.termination_protection = is_on;
        Ok(key)
    }

    /// Begins to delete a stack and everything in it; its change sets are gone.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html>,
    /// and "Protect a CloudFormation stack from being deleted" at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-protect-stacks.html>.
    /// The text of the refusals is the one that CloudFormation is seen to send;
    /// in which states there is one is assumed. A stack that is not there is
    /// deleted already.
    ///
    /// # Errors
    ///
    /// `ValidationError` for a stack that is protected or busy, and
    /// `TokenAlreadyExistsException`.
    pub fn delete_stack(&mut self, stack: &str, token: Option<&str>) -> Result<(), ServiceError> {
        check_token(token)?;
        let Ok(key) = self.stack_of(stack) else {
            return Ok(());
        };
        let call = "DeleteStack".to_owned();
        if self.is_repeated(key, token, &call)? {
            return Ok(());
        }
        let stack = &self.stacks[key.0];
        if stack.termination_protection {
            return Err(ServiceError::validation(format!(
                "Stack [{}] cannot be deleted while TerminationProtection is enabled",
                stack.name
            )));
        }
        if stack.status == StackStatus::DeleteInProgress {
            return Ok(());
        }
        let is_made = stack.status != StackStatus::ReviewInProgress;
        if stack.status.is_in_progress() && is_made {
            return Err(ServiceError::validation(format!(
                "Stack [{}] cannot be deleted while in status {}",
                stack.arn,
                stack.status.as_str()
            )));
        }
        self.use_token(key, token, call);
        for change_set in &mut self.change_sets {
            change_set.is_deleted |= change_set.stack == key;
        }
        self.begin(key, token, None, Phase::Deleting);
        let order = self.stacks[key.0].desired.template.order().0;
        let stack = &mut self.stacks[key.0];
        let leftover = |logical_id: &String| {
            let resource = stack.resources.get(logical_id)?;
            Some(Leftover {
                logical_id: logical_id.clone(),
                type_name: resource.type_name.clone(),
                physical_id: resource.physical_id.clone().unwrap_or_default(),
                is_whole: true,
            })
        };
        let steps = removals(order.iter().rev().filter_map(leftover).collect());
        if let Some(operation) = &mut stack.operation {
            operation.steps = steps;
        }
        self.turn(key, StackStatus::DeleteInProgress, Some("User Initiated"));
        self.go_on_later(key);
        Ok(())
    }

    fn end_deletion(&mut self, key: StackKey) {
        self.turn(key, StackStatus::DeleteComplete, None);
        let now = self.now;
        let stack = &mut self.stacks[key.0];
        stack.operation = None;
        stack.deleted_at = Some(now);
    }
}

/// Deletes one after the other: assumed.
fn removals(leftovers: Vec<Leftover>) -> Vec<Step> {
    leftovers
        .into_iter()
        .enumerate()
        .map(|(index, leftover)| {
            let after = index.checked_sub(1).into_iter().collect();
            Step::new(leftover.logical_id.clone(), Work::Remove(leftover), after)
        })
        .collect()
}
