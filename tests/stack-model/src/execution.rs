//! How a change set is executed.

use crate::change_set::ChangeSet;
use crate::error::ServiceError;
use crate::request::check_token;
use crate::stacks::Stacks;
use crate::status::{ChangeSetStatus, ExecutionStatus};

impl Stacks {
    /// Begins to update a stack as a change set says.
    ///
    /// Its other change sets are deleted. Asked again with the same token, it
    /// changes nothing more.
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html>:
    /// "CloudFormation deletes all other change sets associated with the stack
    /// because they aren't valid for the updated stack". The texts are those that
    /// CloudFormation is seen to send.
    ///
    /// # Errors
    ///
    /// `ChangeSetNotFound`, `InvalidChangeSetStatus` for one that is not
    /// available or whose stack is busy, `ValidationError` for a stack whose last
    /// operation failed and was not rolled back, and `TokenAlreadyExistsException`.
    pub fn execute_change_set(
        &mut self,
        reference: &str,
        stack: Option<&str>,
        token: Option<&str>,
    ) -> Result<(), ServiceError> {
        check_token(token)?;
        let key = self.find_change_set(reference, stack)?;
        let change_set = &self.change_sets[key.0];
        let stack = change_set.stack;
        let use_of_token = format!("ExecuteChangeSet {}", change_set.arn);
        if self.is_repeated(stack, token, &use_of_token)? {
            return Ok(());
        }
        check_executable(change_set)?;
        if let Err(error) = self.check_updatable(stack) {
            return Err(ServiceError::new("InvalidChangeSetStatus", error.message));
        }
        self.check_terminal(stack)?;
        self.use_token(stack, token, use_of_token);
        let change_set = &mut self.change_sets[key.0];
        change_set.execution_status = ExecutionStatus::ExecuteInProgress;
        let (desired, role_arn) = (change_set.desired.clone(), change_set.role_arn.clone());
        for (index, other) in self.change_sets.iter_mut().enumerate() {
            other.is_deleted |= other.stack == stack && index != key.0;
        }
        self.begin_update(stack, desired, role_arn, token, Some(key));
        Ok(())
    }
}

/// Source: "the change set status might be CREATE_IN_PROGRESS",
/// `InvalidChangeSetStatus` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html>.
fn check_executable(change_set: &ChangeSet) -> Result<(), ServiceError> {
    let (what, status) = match (change_set.status, change_set.execution_status) {
        (_, ExecutionStatus::Available) => return Ok(()),
        (ChangeSetStatus::CreateComplete, execution) => ("execution status", execution.as_str()),
        (_, ExecutionStatus::Obsolete) => ("execution status", ExecutionStatus::Obsolete.as_str()),
        (status, _) => ("status", status.as_str()),
    };
    Err(ServiceError::new(
        "InvalidChangeSetStatus",
        format!(
            "ChangeSet [{}] cannot be executed in its current {what} of [{status}]",
            change_set.arn
        ),
    ))
}
