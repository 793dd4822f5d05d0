//! How stacks, resources and change sets stand, in CloudFormation's own words.

/// How a stack stands.
///
/// Source: "Stack status codes" at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>
/// and `StackStatus` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StackStatus {
    /// It is being created.
    CreateInProgress,
    /// Its creation failed, and nothing was rolled back.
    CreateFailed,
    /// It is created.
    CreateComplete,
    /// A creation that failed is being undone.
    RollbackInProgress,
    /// A creation that failed could not be undone.
    RollbackFailed,
    /// A creation that failed is undone: it can only be deleted.
    RollbackComplete,
    /// It is being deleted.
    DeleteInProgress,
    /// It could not be deleted.
    DeleteFailed,
    /// It is deleted.
    DeleteComplete,
    /// It is being updated.
    UpdateInProgress,
    /// It is updated, and old resources are being removed.
    UpdateCompleteCleanupInProgress,
    /// It is updated.
    UpdateComplete,
    /// An update failed, and nothing was rolled back.
    UpdateFailed,
    /// An update that failed is being undone.
    UpdateRollbackInProgress,
    /// An update that failed could not be undone.
    UpdateRollbackFailed,
    /// An update is undone, and its new resources are being removed.
    UpdateRollbackCompleteCleanupInProgress,
    /// An update is undone.
    UpdateRollbackComplete,
    /// It has an id but no template yet.
    ReviewInProgress,
    /// Resources are being imported.
    ImportInProgress,
    /// Resources were imported.
    ImportComplete,
    /// An import that failed is being undone.
    ImportRollbackInProgress,
    /// An import that failed could not be undone.
    ImportRollbackFailed,
    /// An import is undone.
    ImportRollbackComplete,
}

impl StackStatus {
    /// Every status there is.
    pub const ALL: [StackStatus; 23] = [
        StackStatus::CreateInProgress,
        StackStatus::CreateFailed,
        StackStatus::CreateComplete,
        StackStatus::RollbackInProgress,
        StackStatus::RollbackFailed,
        StackStatus::RollbackComplete,
        StackStatus::DeleteInProgress,
        StackStatus::DeleteFailed,
        StackStatus::DeleteComplete,
        StackStatus::UpdateInProgress,
        StackStatus::UpdateCompleteCleanupInProgress,
        StackStatus::UpdateComplete,
        StackStatus::UpdateFailed,
        StackStatus::UpdateRollbackInProgress,
        StackStatus::UpdateRollbackFailed,
        StackStatus::UpdateRollbackCompleteCleanupInProgress,
        StackStatus::UpdateRollbackComplete,
        StackStatus::ReviewInProgress,
        StackStatus::ImportInProgress,
        StackStatus::ImportComplete,
        StackStatus::ImportRollbackInProgress,
        StackStatus::ImportRollbackFailed,
        StackStatus::ImportRollbackComplete,
    ];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            StackStatus::CreateInProgress => "CREATE_IN_PROGRESS",
            StackStatus::CreateFailed => "CREATE_FAILED",
            StackStatus::CreateComplete => "CREATE_COMPLETE",
            StackStatus::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            StackStatus::RollbackFailed => "ROLLBACK_FAILED",
            StackStatus::RollbackComplete => "ROLLBACK_COMPLETE",
            StackStatus::DeleteInProgress => "DELETE_IN_PROGRESS",
            StackStatus::DeleteFailed => "DELETE_FAILED",
            StackStatus::DeleteComplete => "DELETE_COMPLETE",
            StackStatus::UpdateInProgress => "UPDATE_IN_PROGRESS",
            StackStatus::UpdateCompleteCleanupInProgress => "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            StackStatus::UpdateComplete => "UPDATE_COMPLETE",
            StackStatus::UpdateFailed => "UPDATE_FAILED",
            StackStatus::UpdateRollbackInProgress => "UPDATE_ROLLBACK_IN_PROGRESS",
            StackStatus::UpdateRollbackFailed => "UPDATE_ROLLBACK_FAILED",
            StackStatus::UpdateRollbackCompleteCleanupInProgress => {
                "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
            }
            StackStatus::UpdateRollbackComplete => "UPDATE_ROLLBACK_COMPLETE",
            StackStatus::ReviewInProgress => "REVIEW_IN_PROGRESS",
            StackStatus::ImportInProgress => "IMPORT_IN_PROGRESS",
            StackStatus::ImportComplete => "IMPORT_COMPLETE",
            StackStatus::ImportRollbackInProgress => "IMPORT_ROLLBACK_IN_PROGRESS",
            StackStatus::ImportRollbackFailed => "IMPORT_ROLLBACK_FAILED",
            StackStatus::ImportRollbackComplete => "IMPORT_ROLLBACK_COMPLETE",
        }
    }

    /// Whether change sets can be made of a stack that stands so.
    ///
    /// `CREATE_FAILED` and `UPDATE_FAILED` are reached only where rolling back
    /// was switched off; such a stack has them too, and goes on without.
    /// Source: "Stack failure options" at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html>,
    /// and for the others the page of the status codes: in `ROLLBACK_COMPLETE`
    /// "only a delete operation can be performed".
    pub fn is_updatable(self) -> bool {
        match self {
            StackStatus::CreateComplete
            | StackStatus::CreateFailed
            | StackStatus::UpdateComplete
            | StackStatus::UpdateFailed
            | StackStatus::UpdateRollbackComplete
            | StackStatus::ImportComplete
            | StackStatus::ImportRollbackComplete => true,
            StackStatus::CreateInProgress
            | StackStatus::RollbackInProgress
            | StackStatus::RollbackFailed
            | StackStatus::RollbackComplete
            | StackStatus::DeleteInProgress
            | StackStatus::DeleteFailed
            | StackStatus::DeleteComplete
            | StackStatus::UpdateInProgress
            | StackStatus::UpdateCompleteCleanupInProgress
            | StackStatus::UpdateRollbackInProgress
            | StackStatus::UpdateRollbackFailed
            | StackStatus::UpdateRollbackCompleteCleanupInProgress
            | StackStatus::ReviewInProgress
            | StackStatus::ImportInProgress
            | StackStatus::ImportRollbackInProgress
            | StackStatus::ImportRollbackFailed => false,
        }
    }

    /// Whether something is going on.
    pub fn is_in_progress(self) -> bool {
        self.as_str().ends_with("_IN_PROGRESS")
    }
}

/// How a resource of a stack stands; those of imports and exports are left out.
///
/// Source: `ResourceStatus` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackEvent.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceStatus {
    /// It is being created.
    CreateInProgress,
    /// It could not be created.
    CreateFailed,
    /// It is created.
    CreateComplete,
    /// It is being deleted.
    DeleteInProgress,
    /// It could not be deleted.
    DeleteFailed,
    /// It is deleted.
    DeleteComplete,
    /// It is being updated.
    UpdateInProgress,
    /// It could not be updated.
    UpdateFailed,
    /// It is updated.
    UpdateComplete,
}

impl ResourceStatus {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ResourceStatus::CreateInProgress => "CREATE_IN_PROGRESS",
            ResourceStatus::CreateFailed => "CREATE_FAILED",
            ResourceStatus::CreateComplete => "CREATE_COMPLETE",
            ResourceStatus::DeleteInProgress => "DELETE_IN_PROGRESS",
            ResourceStatus::DeleteFailed => "DELETE_FAILED",
            ResourceStatus::DeleteComplete => "DELETE_COMPLETE",
            ResourceStatus::UpdateInProgress => "UPDATE_IN_PROGRESS",
            ResourceStatus::UpdateFailed => "UPDATE_FAILED",
            ResourceStatus::UpdateComplete => "UPDATE_COMPLETE",
        }
    }
}

/// How the making of a change set stands; a deleted one is not shown any more.
///
/// Source: `Status` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeSetStatus {
    /// Nothing was done yet.
    CreatePending,
    /// The changes are being worked out.
    CreateInProgress,
    /// The changes are known.
    CreateComplete,
    /// There is no change, or the changes could not be worked out.
    Failed,
}

impl ChangeSetStatus {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeSetStatus::CreatePending => "CREATE_PENDING",
            ChangeSetStatus::CreateInProgress => "CREATE_IN_PROGRESS",
            ChangeSetStatus::CreateComplete => "CREATE_COMPLETE",
            ChangeSetStatus::Failed => "FAILED",
        }
    }
}

/// Whether a change set can be executed, or what became of it.
///
/// Source: `ExecutionStatus` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionStatus {
    /// It is still being made, or has failed.
    Unavailable,
    /// It can be executed.
    Available,
    /// It is being executed.
    ExecuteInProgress,
    /// The stack is updated by it.
    ExecuteComplete,
    /// The update failed.
    ExecuteFailed,
    /// The stack was updated otherwise.
    Obsolete,
}

impl ExecutionStatus {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ExecutionStatus::Unavailable => "UNAVAILABLE",
            ExecutionStatus::Available => "AVAILABLE",
            ExecutionStatus::ExecuteInProgress => "EXECUTE_IN_PROGRESS",
            ExecutionStatus::ExecuteComplete => "EXECUTE_COMPLETE",
            ExecutionStatus::ExecuteFailed => "EXECUTE_FAILED",
            ExecutionStatus::Obsolete => "OBSOLETE",
        }
    }
}
