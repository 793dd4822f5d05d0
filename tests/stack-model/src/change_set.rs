//! Change sets: how they are made, and what they would change.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::agenda::Due;
use crate::capability;
use crate::change::ResourceChange;
use crate::error::ServiceError;
use crate::parameter::{Parameter, work_out};
use crate::request::check_name;
use crate::stack::{Desired, StackKey};
use crate::stacks::Stacks;
use crate::status::{ChangeSetStatus, ExecutionStatus};
use crate::template::Template;

/// Finds a change set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeSetKey(pub(crate) usize);

/// A change set.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html>.
#[derive(Clone, Debug)]
pub struct ChangeSet {
    /// Its id.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub stack: StackKey,
    /// What somebody says of it.
    pub description: Option<String>,
    /// How its making stands.
    pub status: ChangeSetStatus,
    /// Why.
    pub status_reason: Option<String>,
    /// Whether it can be executed.
    pub execution_status: ExecutionStatus,
    /// When its making began.
    pub created_at: Timestamp,
    /// What it makes of the stack. Values out of Parameter Store are those of
    /// when it was made.
    /// Source: "CloudFormation uses the values" of the change set, at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/systems-manager-parameter-types.html>.
    pub desired: Desired,
    /// The service role that was sent.
    pub role_arn: Option<String>,
    /// What it changes, by logical id, once that is known.
    pub changes: Vec<ResourceChange>,
    request: CreateChangeSet,
    pub(crate) is_deleted: bool,
}

/// What a change set, or an update without one, makes of a stack.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateRequest {
    /// The stack's name or ARN.
    pub stack: String,
    /// A new template, or none for `UsePreviousTemplate`.
    pub template: Option<serde_json::Value>,
    /// Its parameters.
    pub parameters: Vec<Parameter>,
    /// What is acknowledged.
    pub capabilities: Vec<String>,
    /// The stack's tags from then on, or none for those that it has.
    pub tags: Option<BTreeMap<String, String>>,
    /// The service role from then on, or none for the one that it has.
    pub role_arn: Option<String>,
}

/// A request to make a change set of the type `UPDATE`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateChangeSet {
    /// The change set's name.
    pub name: String,
    /// What it makes of the stack.
    pub update: UpdateRequest,
    /// `ClientToken`.
    pub client_token: Option<String>,
    /// What somebody says of it.
    pub description: Option<String>,
}

impl Stacks {
    /// Begins to make a change set.
    ///
    /// The same request with the same token is the same change set.
    /// Source: `ClientToken` ("you're not attempting to create another change set
    /// with the same name") and `ChangeSetName` ("must be unique among all change
    /// sets that are associated with the specified stack") at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>.
    /// That an executed or failed change set keeps its name until it is deleted
    /// is assumed.
    ///
    /// # Errors
    ///
    /// `AlreadyExistsException` for a name that is taken, `ValidationError` for a
    /// stack that cannot be updated, and what the template and the parameters
    /// are refused for.
    pub fn create_change_set(
        &mut self,
        request: CreateChangeSet,
    ) -> Result<ChangeSetKey, ServiceError> {
        check_name("changeSetName", &request.name)?;
        let stack = self.stack_of(&request.update.stack)?;
        let named = self.change_set_named(stack, &request.name);
        if let Some(key) = named {
            let existing = &self.change_sets[key.0];
            if request.client_token.is_some() && existing.request == request {
                return Ok(key);
            }
            return Err(taken(&request.name, &existing.request, &request));
        }
        self.check_updatable(stack)?;
        let desired = self.desire(stack, &request.update, false)?;
        let key = ChangeSetKey(self.change_sets.len());
        let uuid = self.identifiers.uuid();
        self.change_sets.push(ChangeSet {
            arn: self.arns.change_set(&request.name, &uuid),
            name: request.name.clone(),
            stack,
            description: request.description.clone(),
            status: ChangeSetStatus::CreatePending,
            status_reason: None,
            execution_status: ExecutionStatus::Unavailable,
            created_at: self.now,
            desired,
            role_arn: request.update.role_arn.clone(),
            changes: Vec::new(),
            request,
            is_deleted: false,
        });
        let at = self.after(self.settings.timings.change_set_pending);
        self.agenda.put(at, Due::ChangeSet(key));
        Ok(key)
    }

    /// Works out what a stack is to be made.
    ///
    /// # Errors
    ///
    /// What the template, the parameters and the capabilities are refused for.
    pub(crate) fn desire(
        &self,
        key: StackKey,
        update: &UpdateRequest,
        is_direct_update: bool,
    ) -> Result<Desired, ServiceError> {
        let before = &self.stacks[key.0].desired;
        let template = match &update.template {
            None => Arc::clone(&before.template),
            Some(document) => Arc::new(Template::parse(document.clone())?),
        };
        let sent = &update.parameters;
        let parameters = work_out(&template, &before.parameters, sent, &self.store)?;
        capability::check(&template, &update.capabilities, is_direct_update)?;
        Ok(Desired {
            template,
            parameters,
            capabilities: update.capabilities.clone(),
            tags: update.tags.clone().unwrap_or_else(|| before.tags.clone()),
        })
    }

    /// A change set takes the next step of its making.
    pub(crate) fn step_change_set(&mut self, key: ChangeSetKey) {
        let change_set = &mut self.change_sets[key.0];
        if change_set.is_deleted || change_set.execution_status == ExecutionStatus::Obsolete {
            return;
        }
        if change_set.status == ChangeSetStatus::CreatePending {
            change_set.status = ChangeSetStatus::CreateInProgress;
            let at = self.after(self.settings.timings.change_set_creation);
            self.agenda.put(at, Due::ChangeSet(key));
            return;
        }
        let change_set = &self.change_sets[key.0];
        let stack = &self.stacks[change_set.stack.0];
        let changes = self.changes(stack, &change_set.desired);
        let reason = no_changes(&stack.desired, &change_set.desired, &changes);
        let change_set = &mut self.change_sets[key.0];
        change_set.changes = changes;
        change_set.status_reason = reason.map(str::to_owned);
        (change_set.status, change_set.execution_status) = match reason {
            Some(_) => (ChangeSetStatus::Failed, ExecutionStatus::Unavailable),
            None => (ChangeSetStatus::CreateComplete, ExecutionStatus::Available),
        };
    }

    /// Deletes a change set; one that is not there is none the less deleted.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteChangeSet.html>,
    /// which has `InvalidChangeSetStatus` for one that is in use, and no error for
    /// one that is not there.
    ///
    /// # Errors
    ///
    /// `InvalidChangeSetStatus` while it is executed.
    pub fn delete_change_set(
        &mut self,
        reference: &str,
        stack: Option<&str>,
    ) -> Result<(), ServiceError> {
        let key = match self.find_change_set(reference, stack) {
            Ok(key) => key,
            Err(error) if error.code == "ChangeSetNotFound" => return Ok(()),
            Err(error) => return Err(error),
        };
        let change_set = &mut self.change_sets[key.0];
        if change_set.execution_status == ExecutionStatus::ExecuteInProgress {
            return Err(ServiceError::new(
                "InvalidChangeSetStatus",
                format!(
                    "ChangeSet [{}] cannot be deleted in its current execution status of [{}]",
                    change_set.arn,
                    change_set.execution_status.as_str()
                ),
            ));
        }
        change_set.is_deleted = true;
        Ok(())
    }
}

/// Why a change set fails for want of changes.
///
/// Source: "if the template provided does not update the property values of
/// existing resources" at
/// <https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2027>.
/// The AWS CLI checks for two texts
/// (<https://github.com/aws/aws-cli/blob/develop/awscli/customizations/cloudformation/deployer.py>);
/// that the second is that of templates with macros is assumed.
pub(crate) fn no_changes(
    before: &Desired,
    after: &Desired,
    changes: &[ResourceChange],
) -> Option<&'static str> {
    if !changes.is_empty() || before.tags != after.tags {
        return None;
    }
    Some(match after.template.has_transform {
        true => "No updates are to be performed.",
        false => {
            "The submitted information didn't contain changes. \
             Submit different information to create a change set."
        }
    })
}

/// What another change set of the same name has otherwise.
///
/// Source: the text that users see at
/// <https://github.com/awslabs/landing-zone-accelerator-on-aws/issues/442>; in
/// which order it is looked for, and the text where there is no difference and
/// no token, is assumed.
fn taken(name: &str, existing: &CreateChangeSet, request: &CreateChangeSet) -> ServiceError {
    let (one, other) = (&existing.update, &request.update);
    let differences = [
        ("Template", one.template != other.template),
        ("Parameters", one.parameters != other.parameters),
        ("Capabilities", one.capabilities != other.capabilities),
        ("Tags", one.tags != other.tags),
        ("RoleARN", one.role_arn != other.role_arn),
        ("Description", existing.description != request.description),
        ("ClientToken", existing.client_token != request.client_token),
    ];
    let message = match differences.iter().find(|(_, differs)| *differs) {
        Some((attribute, _)) => format!(
            "ChangeSet {name} cannot be created due to a mismatch with existing attribute \
             {attribute}"
        ),
        None => format!("ChangeSet {name} already exists"),
    };
    ServiceError::new("AlreadyExistsException", message)
}
