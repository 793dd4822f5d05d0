//! CloudFormation stacks, as far as a rollout goes through one.
//!
//! A stack's own word for its status says which operation it is in and how that
//! stands; what matters of it is whether it can be updated, is being updated, or
//! goes back.

use serde::{Deserialize, Serialize};

use super::policy::StackRef;

/// What DescribeStacks said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StackLook {
    /// There is no such stack.
    Missing,
    /// There it is.
    Found(Box<Stack>),
}

/// A stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Its ARN.
    pub arn: String,
    /// How it stands.
    pub status: StackStatus,
    /// CloudFormation's own word for that, such as `UPDATE_COMPLETE`.
    pub status_word: String,
    /// CloudFormation's reason for it; empty where it gives none.
    pub status_reason: String,
    /// Its service role, with which it changes its resources.
    pub role_arn: Option<String>,
    /// The names of its parameters.
    pub parameters: Vec<String>,
    /// The capabilities that were acknowledged for it.
    pub capabilities: Vec<String>,
    /// The name of the change set that was executed last, if one ever was.
    pub change_set: Option<String>,
    /// The first resource that failed in the operation that goes or went back; looked for only
    /// where one does or did.
    pub failed: Option<FailedResource>,
}

/// The resource for which a stack's update failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedResource {
    /// Its name in the template.
    pub logical_id: String,
    /// Its type, such as `AWS::ECS::Service`.
    pub resource_type: String,
    /// CloudFormation's own words.
    pub reason: String,
}

/// How a stack stands.
///
/// Source: CloudFormation user guide, "Stack status codes".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackStatus {
    /// It can be updated, and was last created, updated or imported.
    Updated,
    /// It can be updated, and its last update was rolled back.
    RolledBack,
    /// An update is under way.
    Updating,
    /// The update is done; what it replaced is being removed.
    CleaningUp,
    /// An update is being rolled back.
    RollingBack,
    /// The rollback is done; what the update had made is being removed.
    CleaningUpRollback,
    /// Something else is under way, such as its creation.
    Busy,
    /// An update failed where rollback had been switched off: a person has to have it rolled back.
    UpdateFailed,
    /// A rollback failed: it has to be continued by a person.
    RollbackFailed,
    /// It can only be deleted.
    Dead,
}

impl StackStatus {
    /// Reads CloudFormation's word.
    ///
    /// One that came later is taken for something under way: it is waited for, until the deadline.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "CREATE_COMPLETE"
            | "UPDATE_COMPLETE"
            | "IMPORT_COMPLETE"
            | "IMPORT_ROLLBACK_COMPLETE" => Self::Updated,
            "UPDATE_ROLLBACK_COMPLETE" => Self::RolledBack,
            "UPDATE_IN_PROGRESS" => Self::Updating,
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" => Self::CleaningUp,
            "UPDATE_ROLLBACK_IN_PROGRESS" => Self::RollingBack,
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => Self::CleaningUpRollback,
            "UPDATE_FAILED" => Self::UpdateFailed,
            "UPDATE_ROLLBACK_FAILED" => Self::RollbackFailed,
            "CREATE_FAILED"
            | "ROLLBACK_COMPLETE"
            | "ROLLBACK_FAILED"
            | "DELETE_COMPLETE"
            | "DELETE_FAILED"
            | "DELETE_IN_PROGRESS"
            | "IMPORT_ROLLBACK_FAILED" => Self::Dead,
            _ => Self::Busy,
        }
    }

    /// Says whether an update can begin.
    ///
    /// A stack that cleans up is usable, and still takes no update. Source:
    /// CloudFormation user guide, "Stack status codes".
    #[must_use]
    pub fn is_free(self) -> bool {
        match self {
            Self::Updated | Self::RolledBack => true,
            Self::Updating
            | Self::CleaningUp
            | Self::RollingBack
            | Self::CleaningUpRollback
            | Self::Busy
            | Self::UpdateFailed
            | Self::RollbackFailed
            | Self::Dead => false,
        }
    }

    /// Says whether its last operation failed or was taken back: a look for what failed may find it.
    #[must_use]
    pub fn went_wrong(self) -> bool {
        match self {
            Self::RolledBack
            | Self::RollingBack
            | Self::CleaningUpRollback
            | Self::UpdateFailed
            | Self::RollbackFailed
            | Self::Dead => true,
            Self::Updated | Self::Updating | Self::CleaningUp | Self::Busy => false,
        }
    }

    /// Says whether only a person can bring it back to where it can be updated.
    ///
    /// After an update that failed with rollback switched off only another such one is taken, and
    /// none that replaces a resource, as a new task definition does. Source: CloudFormation user
    /// guide, "Choose how to handle failures when provisioning resources".
    #[must_use]
    pub fn is_wedged(self) -> bool {
        match self {
            Self::UpdateFailed | Self::RollbackFailed | Self::Dead => true,
            Self::Updated
            | Self::RolledBack
            | Self::Updating
            | Self::CleaningUp
            | Self::RollingBack
            | Self::CleaningUpRollback
            | Self::Busy => false,
        }
    }
}

/// What DescribeChangeSet said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeSetLook {
    /// There is no such change set, or it was deleted.
    Missing,
    /// There it is.
    Found(ChangeSet),
}

impl ChangeSetLook {
    /// Says whether it was executed, and the update that came of it is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Found(found) => match found.state {
                ChangeSetState::Executed | ChangeSetState::ExecutionFailed { .. } => true,
                ChangeSetState::Pending
                | ChangeSetState::Unchanged
                | ChangeSetState::Failed { .. }
                | ChangeSetState::Obsolete
                | ChangeSetState::Executing
                | ChangeSetState::Available => false,
            },
            Self::Missing => false,
        }
    }
}

/// A change set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// How far it is.
    pub state: ChangeSetState,
    /// What it would change; known once it can be executed.
    pub changes: Vec<ResourceChange>,
}

/// How far a change set is.
///
/// Source: CloudFormation API reference, DescribeChangeSet, `Status` and `ExecutionStatus`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeSetState {
    /// CloudFormation works out what it would change.
    Pending,
    /// It would change nothing.
    Unchanged,
    /// It could not be made.
    Failed {
        /// CloudFormation's own words.
        reason: String,
    },
    /// It can be executed.
    Available,
    /// The stack changed otherwise since it was made: it cannot be executed any more.
    Obsolete,
    /// It is being executed; how far that is, is the stack's status.
    Executing,
    /// It was executed.
    Executed,
    /// Its execution failed before it changed anything.
    ExecutionFailed {
        /// CloudFormation's own words.
        reason: String,
    },
}

/// One resource that a change set would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceChange {
    /// CloudFormation's own word: `Add`, `Modify`, `Remove`, `Import` or `Dynamic`.
    pub action: String,
    /// The resource's name in the template.
    pub logical_id: String,
    /// Its type, such as `AWS::ECS::TaskDefinition`.
    pub resource_type: String,
    /// Whether it is replaced: `True`, `False` or `Conditional`; none where it is not modified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
}

/// The kind of a task definition in a template.
pub const TASK_DEFINITION: &str = "AWS::ECS::TaskDefinition";
/// The kind of a service in a template.
pub const SERVICE: &str = "AWS::ECS::Service";

impl ResourceChange {
    /// Says whether it may be executed unasked: a new revision, the service, or what is allowed.
    ///
    /// A service that would be replaced or removed is not what an image asks for.
    #[must_use]
    pub fn is_expected(&self, stack: &StackRef) -> bool {
        if stack.allow.contains(&self.logical_id) {
            return true;
        }
        let stays = self.action == "Modify" && self.replacement.as_deref() != Some("True");
        match self.resource_type.as_str() {
            TASK_DEFINITION => self.action == "Modify",
            SERVICE => stays,
            _ => false,
        }
    }
}

/// A change set to be made: the stack as it is, but for one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSetRequest {
    /// The stack's name.
    pub stack: String,
    /// The change set's name.
    pub name: String,
    /// The parameter that is set.
    pub parameter: String,
    /// What it is set to.
    pub value: String,
    /// Every other parameter, which keeps the value it has: never read, never echoed.
    pub kept: Vec<String>,
    /// What has to be acknowledged, as it was before.
    pub capabilities: Vec<String>,
    /// The service role that the target names; without one the stack's own is used.
    pub role_arn: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::StackStatus::{
        self, Busy, CleaningUp, CleaningUpRollback, Dead, RollbackFailed, RolledBack, RollingBack,
        UpdateFailed, Updated, Updating,
    };

    /// Source: CloudFormation user guide, "Stack status codes".
    #[test]
    fn each_status_is_told_apart() {
        for (word, status) in [
            ("CREATE_COMPLETE", Updated),
            ("UPDATE_COMPLETE", Updated),
            ("IMPORT_COMPLETE", Updated),
            ("IMPORT_ROLLBACK_COMPLETE", Updated),
            ("UPDATE_ROLLBACK_COMPLETE", RolledBack),
            ("UPDATE_IN_PROGRESS", Updating),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", CleaningUp),
            ("UPDATE_ROLLBACK_IN_PROGRESS", RollingBack),
            (
                "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
                CleaningUpRollback,
            ),
            ("UPDATE_FAILED", UpdateFailed),
            ("UPDATE_ROLLBACK_FAILED", RollbackFailed),
            ("CREATE_FAILED", Dead),
            ("ROLLBACK_COMPLETE", Dead),
            ("ROLLBACK_FAILED", Dead),
            ("DELETE_COMPLETE", Dead),
            ("DELETE_FAILED", Dead),
            ("DELETE_IN_PROGRESS", Dead),
            ("IMPORT_ROLLBACK_FAILED", Dead),
            ("REVIEW_IN_PROGRESS", Busy),
            ("OF_A_LATER_DAY", Busy),
        ] {
            assert_eq!(StackStatus::parse(word), status, "{word}");
        }
    }

    #[test]
    fn a_status_says_whether_an_update_can_begin_and_whether_something_went_wrong() {
        for (status, is_free, went_wrong, is_wedged) in [
            (Updated, true, false, false),
            (RolledBack, true, true, false),
            (UpdateFailed, false, true, true),
            (Updating, false, false, false),
            (CleaningUp, false, false, false),
            (Busy, false, false, false),
            (RollingBack, false, true, false),
            (CleaningUpRollback, false, true, false),
            (RollbackFailed, false, true, true),
            (Dead, false, true, true),
        ] {
            let says = (status.is_free(), status.went_wrong(), status.is_wedged());
            assert_eq!(says, (is_free, went_wrong, is_wedged), "{status:?}");
        }
    }
}
