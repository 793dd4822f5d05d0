//! How stacks and change sets are found for a call, and refused.

use crate::change_set::{ChangeSet, ChangeSetKey};
use crate::error::ServiceError;
use crate::stack::StackKey;
use crate::stacks::Stacks;
use crate::status::StackStatus;

impl Stacks {
    /// Finds a change set by its ARN, or by its name and its stack.
    ///
    /// # Errors
    ///
    /// `ChangeSetNotFound`, and `ValidationError` for a stack that is not there
    /// or not named.
    pub fn find_change_set(
        &self,
        reference: &str,
        stack: Option<&str>,
    ) -> Result<ChangeSetKey, ServiceError> {
        let found = if reference.starts_with("arn:") {
            let is_it = |one: &ChangeSet| one.arn == reference && !one.is_deleted;
            self.change_sets.iter().position(is_it).map(ChangeSetKey)
        } else {
            let stack = stack.ok_or_else(|| {
                ServiceError::validation(
                    "StackName must be specified if ChangeSetName is not specified as an ARN.",
                )
            })?;
            self.change_set_named(self.stack_of(stack)?, reference)
        };
        found.ok_or_else(|| ServiceError::change_set_not_found(reference))
    }

    pub(crate) fn change_set_named(&self, stack: StackKey, name: &str) -> Option<ChangeSetKey> {
        let is_it = |one: &ChangeSet| one.stack == stack && one.name == name && !one.is_deleted;
        self.change_sets.iter().position(is_it).map(ChangeSetKey)
    }

    /// Finds a change set by its key, while it is not deleted.
    pub fn change_set(&self, key: ChangeSetKey) -> Option<&ChangeSet> {
        let change_set = self.change_sets.get(key.0);
        change_set.filter(|change_set| !change_set.is_deleted)
    }

    /// The change sets of a stack, oldest first.
    pub fn change_sets(&self, stack: StackKey) -> impl Iterator<Item = &ChangeSet> {
        let is_its = move |one: &&ChangeSet| one.stack == stack && !one.is_deleted;
        self.change_sets.iter().filter(is_its)
    }

    /// Finds a stack for a call.
    pub(crate) fn stack_of(&self, reference: &str) -> Result<StackKey, ServiceError> {
        self.find_stack(reference)
            .filter(|key| self.stacks[key.0].status != StackStatus::DeleteComplete)
            .ok_or_else(|| ServiceError::validation(format!("Stack [{reference}] does not exist")))
    }

    /// Refuses a stack that is busy or wedged.
    pub(crate) fn check_updatable(&self, key: StackKey) -> Result<(), ServiceError> {
        let stack = &self.stacks[key.0];
        match stack.status.is_updatable() {
            true => Ok(()),
            false => Err(ServiceError::cannot_be_updated(&stack.arn, stack.status)),
        }
    }

    /// Refuses a stack whose last operation failed with rolling back switched
    /// off: it must be updated in the same way, which is not modelled.
    ///
    /// Source: "Required conditions for pausing stack rollback" at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html>;
    /// the text is the one that users see of ExecuteChangeSet.
    pub(crate) fn check_terminal(&self, key: StackKey) -> Result<(), ServiceError> {
        match self.stacks[key.0].status {
            status @ (StackStatus::CreateFailed | StackStatus::UpdateFailed) => {
                Err(ServiceError::validation(format!(
                    "This stack is currently in a non-terminal [{}] state. To update the stack \
                     from this state, please use the disable-rollback parameter with \
                     update-stack API. To rollback to the last known good state, use the \
                     rollback-stack API",
                    status.as_str()
                )))
            }
            _ => Ok(()),
        }
    }
}
