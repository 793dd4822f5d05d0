//! How a stack goes back: after a failure, when somebody cancels its update, and
//! again when that failed too.

use serde_json::{Map, Value};

use crate::effect::EffectAction;
use crate::error::ServiceError;
use crate::operation::{Leftover, Phase, StepState, Work};
use crate::request::check_token;
use crate::stack::{Before, StackKey};
use crate::stacks::Stacks;
use crate::status::{ExecutionStatus, ResourceStatus, StackStatus};
use crate::update::ordered;

impl Stacks {
    /// Cancels an update, and rolls it back.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CancelUpdateStack.html>:
    /// "You can cancel only stacks that are in the UPDATE_IN_PROGRESS state". The
    /// text of the refusal is the one that CloudFormation is seen to send; that of
    /// the events, and that they bear the token of this call where it has one, is
    /// assumed.
    ///
    /// # Errors
    ///
    /// `ValidationError` for a stack in another state, and
    /// `TokenAlreadyExistsException`.
    pub fn cancel_update_stack(
        &mut self,
        stack: &str,
        token: Option<&str>,
    ) -> Result<(), ServiceError> {
        check_token(token)?;
        let key = self.stack_of(stack)?;
        let call = format!("CancelUpdateStack {:?}", self.stacks[key.0].updated_at);
        if self.is_repeated(key, token, &call)? {
            return Ok(());
        }
        let stack = &mut self.stacks[key.0];
        let operation = stack
            .operation
            .as_mut()
            .filter(|operation| operation.phase == Phase::Updating);
        let Some(operation) = operation else {
            return Err(ServiceError::validation(
                "CancelUpdateStack cannot be called from current stack status",
            ));
        };
        operation.token = token.map(str::to_owned).or(operation.token.take());
        self.use_token(key, token, call);
        self.cancel_steps(key);
        self.roll_back(key, "Stack update cancelled");
        Ok(())
    }

    /// Goes on with a rollback that failed, without the resources to be skipped.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html>:
    /// only from `UPDATE_ROLLBACK_FAILED`; only resources "in the UPDATE_FAILED
    /// state because a rollback failed" can be skipped, and their status becomes
    /// `UPDATE_COMPLETE`. The texts of the refusals are assumed.
    ///
    /// # Errors
    ///
    /// `ValidationError` for a stack in another state or a resource that cannot
    /// be skipped, and `TokenAlreadyExistsException`.
    pub fn continue_update_rollback(
        &mut self,
        stack: &str,
        skipped: &[String],
        role_arn: Option<String>,
        token: Option<&str>,
    ) -> Result<(), ServiceError> {
        check_token(token)?;
        let key = self.stack_of(stack)?;
        let updated_at = self.stacks[key.0].updated_at;
        let call = format!("ContinueUpdateRollback {updated_at:?} {skipped:?}");
        if self.is_repeated(key, token, &call)? {
            return Ok(());
        }
        self.check_continuable(key, skipped)?;
        self.use_token(key, token, call);
        let stack = &mut self.stacks[key.0];
        stack.role_arn = role_arn.or(stack.role_arn.take());
        if let Some(operation) = &mut stack.operation {
            operation.phase = Phase::RollingBack;
            operation.token = token.map(str::to_owned);
            for step in &mut operation.steps {
                step.state = match step.state {
                    StepState::Failed if skipped.contains(&step.logical_id) => StepState::Done,
                    StepState::Failed | StepState::Cancelled => StepState::Waiting,
                    StepState::Waiting | StepState::Running { .. } | StepState::Done => continue,
                };
            }
        }
        let status = StackStatus::UpdateRollbackInProgress;
        self.turn(key, status, Some("User Initiated"));
        for logical_id in skipped {
            let status = ResourceStatus::UpdateComplete;
            self.turn_resource(key, logical_id, status, None);
        }
        self.go_on_later(key);
        Ok(())
    }

    fn check_continuable(&self, key: StackKey, skipped: &[String]) -> Result<(), ServiceError> {
        let stack = &self.stacks[key.0];
        let operation = stack
            .operation
            .as_ref()
            .filter(|operation| operation.phase == Phase::RollbackFailed);
        let Some(operation) = operation else {
            return Err(ServiceError::validation(format!(
                "Stack:{} is in {} state and can not continue rollback.",
                stack.arn,
                stack.status.as_str()
            )));
        };
        for logical_id in skipped {
            let failed = operation
                .steps
                .iter()
                .any(|step| step.logical_id == *logical_id && step.state == StepState::Failed);
            if !failed {
                return Err(ServiceError::validation(format!(
                    "Resource {logical_id} cannot be skipped: it is not in the UPDATE_FAILED \
                     state because a rollback failed"
                )));
            }
        }
        Ok(())
    }

    /// Puts every resource back that the update touched.
    ///
    /// Source: `UPDATE_ROLLBACK_IN_PROGRESS` at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>,
    /// and the events of <https://github.com/aws/amazon-ecs-agent/issues/1996>:
    /// the service is put back, and waited for, before the new task definition
    /// goes. That the order is that of the dependencies is assumed.
    pub(crate) fn roll_back(&mut self, key: StackKey, reason: &str) {
        let stack = &mut self.stacks[key.0];
        let Some(operation) = &mut stack.operation else {
            return;
        };
        let template = std::sync::Arc::clone(&operation.before.template);
        let is_touched = |logical_id: &String| {
            let resource = stack.resources.get(logical_id);
            resource.is_some_and(|resource| resource.before.is_some())
        };
        let new = stack.desired.template.order().0;
        let is_new = |logical_id: &String| !template.resources.contains_key(logical_id);
        let order = template.order().0.into_iter();
        let touched = order
            .chain(new.into_iter().filter(is_new))
            .filter(is_touched)
            .collect();
        operation.phase = Phase::RollingBack;
        operation.steps = ordered(touched, &template, &Work::Restore);
        stack.desired = operation.before.clone();
        if let Some(change_set) = operation.change_set {
            self.change_sets[change_set.0].execution_status = ExecutionStatus::ExecuteFailed;
        }
        let status = StackStatus::UpdateRollbackInProgress;
        self.turn(key, status, Some(reason));
        self.go_on_later(key);
    }

    /// Begins to put one resource back: another one that took its place is left
    /// to be deleted, and what was changed is changed back.
    pub(crate) fn start_restore(&mut self, key: StackKey, index: usize, logical_id: &str) {
        let stack = &mut self.stacks[key.0];
        let Some(resource) = stack.resources.get_mut(logical_id) else {
            return self.end_step(key, index, StepState::Done);
        };
        let type_name = resource.type_name.clone();
        let (leftover, is_whole) = match resource.before.clone() {
            Some(Before::Changed { properties }) => {
                let action = EffectAction::Update {
                    physical_id: resource.physical_id.clone().unwrap_or_default(),
                    properties: properties.clone(),
                };
                let status = ResourceStatus::UpdateInProgress;
                self.turn_resource(key, logical_id, status, None);
                return self.run(key, index, &type_name, action, properties);
            }
            Some(Before::Replaced {
                physical_id,
                properties,
            }) => {
                resource.properties = properties;
                let new = std::mem::replace(&mut resource.physical_id, physical_id);
                (
                    new.filter(|new| Some(new) != resource.physical_id.as_ref()),
                    false,
                )
            }
            Some(Before::Absent) => (Some(resource.physical_id.clone().unwrap_or_default()), true),
            None => (None, false),
        };
        if let (Some(physical_id), Some(operation)) = (leftover, &mut stack.operation) {
            operation.leftovers.push(Leftover {
                logical_id: logical_id.to_owned(),
                type_name,
                physical_id,
                is_whole,
            });
        }
        self.end_step(key, index, StepState::Done);
        if !is_whole {
            let status = ResourceStatus::UpdateComplete;
            self.turn_resource(key, logical_id, status, None);
        }
    }

    /// A resource is what it was.
    pub(crate) fn finish_restore(
        &mut self,
        key: StackKey,
        logical_id: &str,
        properties: Map<String, Value>,
    ) {
        if let Some(resource) = self.stacks[key.0].resources.get_mut(logical_id) {
            resource.properties = properties;
        }
        self.turn_resource(key, logical_id, ResourceStatus::UpdateComplete, None);
    }

    /// A stack could not go back.
    ///
    /// Source: "when CloudFormation can't roll back all changes" at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html>.
    pub(crate) fn fail_rollback(&mut self, key: StackKey, reason: &str) {
        if let Some(operation) = &mut self.stacks[key.0].operation {
            operation.phase = Phase::RollbackFailed;
        }
        self.turn(key, StackStatus::UpdateRollbackFailed, Some(reason));
    }
}
