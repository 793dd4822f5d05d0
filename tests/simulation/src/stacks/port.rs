//! The ports to CloudFormation, on the model.

use pushboat::core::policy::ServiceRef;
use pushboat::core::stack::{
    ChangeSet, ChangeSetLook, ChangeSetRequest, ChangeSetState, FailedResource, ResourceChange,
    SERVICE, Stack, StackLook, StackStatus,
};
use pushboat::ports::{CallError, StackResources};
use stack_model::{
    ChangeSetStatus, CreateChangeSet, ExecutionStatus, Parameter, ServiceError, UpdateRequest,
};

use super::{Account, Stacks};
use crate::deeds::StackDoing;
use crate::stacks::owner::IMAGE;

/// The kind under which a stack stands in its own events.
const STACK: &str = "AWS::CloudFormation::Stack";

impl pushboat::ports::Stacks for Stacks {
    async fn stack(&self, name: &str) -> Result<StackLook, CallError> {
        let account = self.account();
        let seen = account.find(name).map(seen);
        Ok(seen.map_or(StackLook::Missing, |stack| {
            StackLook::Found(Box::new(stack))
        }))
    }

    async fn change_set(&self, stack: &str, name: &str) -> Result<ChangeSetLook, CallError> {
        let account = self.account();
        let found = account.model.find_change_set(name, Some(stack)).ok();
        let found = found.and_then(|key| account.model.change_set(key));
        Ok(found.map_or(ChangeSetLook::Missing, |found| {
            ChangeSetLook::Found(ChangeSet {
                state: state(found),
                changes: found.changes.iter().map(change).collect(),
            })
        }))
    }

    async fn create_change_set(&self, request: &ChangeSetRequest) -> Result<(), CallError> {
        let set = Parameter::new(&request.parameter, &request.value);
        let kept = request.kept.iter().map(Parameter::previous);
        let made = self.account().model.create_change_set(CreateChangeSet {
            name: request.name.clone(),
            update: UpdateRequest {
                stack: request.stack.clone(),
                template: None,
                parameters: std::iter::once(set).chain(kept).collect(),
                capabilities: request.capabilities.clone(),
                tags: None,
                role_arn: request.role_arn.clone(),
            },
            client_token: None,
            description: None,
        });
        match made {
            Ok(_) => Ok(()),
            Err(error) if error.code == "AlreadyExistsException" || is_busy(&error) => Ok(()),
            Err(error) => Err(refused("CreateChangeSet", &error)),
        }
    }

    async fn execute_change_set(
        &self,
        stack: &str,
        name: &str,
        token: &str,
    ) -> Result<(), CallError> {
        let mut account = self.account();
        let doing = account.executing(stack, name);
        let executed = account
            .model
            .execute_change_set(name, Some(stack), Some(token));
        if let (Ok(()), Some(doing)) = (&executed, doing) {
            let arn = account.find(stack).map(|found| found.arn.clone());
            account.ours.extend(arn);
            account.note(&self.ecs, stack, doing);
        }
        match executed {
            Ok(()) => Ok(()),
            // Executed already, or not to be executed any more: a look says which.
            Err(error)
                if error.code == "InvalidChangeSetStatus"
                    || is_repeat(&error)
                    || is_busy(&error) =>
            {
                Ok(())
            }
            Err(error) => Err(refused("ExecuteChangeSet", &error)),
        }
    }

    async fn cancel_update(&self, stack: &str, token: &str) -> Result<(), CallError> {
        let mut account = self.account();
        let goes_on = account.find(stack).map(|found| found.status)
            == Some(stack_model::StackStatus::UpdateInProgress);
        let cancelled = account.model.cancel_update_stack(stack, Some(token));
        if cancelled.is_ok() && goes_on {
            let arn = account.find(stack).map(|found| found.arn.clone());
            let ours = arn.is_some_and(|arn| account.ours.contains(&arn));
            account.note(&self.ecs, stack, StackDoing::Cancelled { ours });
        }
        match cancelled {
            Ok(()) => Ok(()),
            Err(error) if is_repeat(&error) => Ok(()),
            Err(error) => Err(refused("CancelUpdateStack", &error)),
        }
    }
}

impl StackResources for Stacks {
    async fn services(&self, stack: &str) -> Result<Option<Vec<String>>, CallError> {
        let account = self.account();
        Ok(account.find(stack).map(|stack| {
            let resources = stack.resources.values();
            let services = resources.filter(|one| one.type_name == SERVICE);
            services.filter_map(|one| one.physical_id.clone()).collect()
        }))
    }
}

impl Account {
    /// Says what comes of executing a change set; nothing where it cannot be executed, or is
    /// already.
    fn executing(&self, stack: &str, name: &str) -> Option<StackDoing> {
        let key = self.model.find_change_set(name, Some(stack)).ok()?;
        let change_set = self.model.change_set(key)?;
        if change_set.execution_status != ExecutionStatus::Available {
            return None;
        }
        let (is, wanted) = (
            &self.find(stack)?.desired.parameters,
            &change_set.desired.parameters,
        );
        let others = wanted.iter().filter(|(name, value)| {
            let before = is.get(*name).map(|before| &before.value);
            *name != IMAGE && before != Some(&value.value)
        });
        Some(StackDoing::Executed {
            change_set: name.to_owned(),
            image: wanted.get(IMAGE)?.effective().to_owned(),
            others: others.map(|(name, _)| name.clone()).collect(),
            changes: change_set.changes.iter().map(change).collect(),
        })
    }
}

/// Says that the same token was taken before.
fn is_repeat(error: &ServiceError) -> bool {
    error.code == "TokenAlreadyExistsException"
}

/// Says that the stack takes no update now.
fn is_busy(error: &ServiceError) -> bool {
    error.code == "ValidationError" && error.message.contains("can not be updated")
}

/// Reads the ARN of a service: `…:service/CLUSTER/NAME`.
pub(super) fn service_ref(arn: &str) -> Option<ServiceRef> {
    let (cluster, name) = arn.split_once(":service/")?.1.split_once('/')?;
    Some(ServiceRef {
        cluster: cluster.to_owned(),
        name: name.to_owned(),
    })
}

/// Reads a stack as DescribeStacks and DescribeStackEvents show it.
fn seen(stack: &stack_model::Stack) -> Stack {
    let word = stack.status.as_str();
    let status = StackStatus::parse(word);
    Stack {
        arn: stack.arn.clone(),
        status,
        status_word: word.to_owned(),
        status_reason: stack.status_reason.clone().unwrap_or_default(),
        role_arn: stack.role_arn.clone(),
        parameters: stack.desired.parameters.keys().cloned().collect(),
        capabilities: stack.desired.capabilities.clone(),
        change_set: stack.change_set_arn.as_deref().and_then(change_set_name),
        failed: match status.went_wrong() {
            true => first_failed(stack),
            false => None,
        },
    }
}

/// Reads the ARN of a change set: `…:changeSet/NAME/ID`.
fn change_set_name(arn: &str) -> Option<String> {
    arn.split('/').nth(1).map(str::to_owned)
}

/// Finds the first resource that failed in a stack's last update, and was not only cancelled.
fn first_failed(stack: &stack_model::Stack) -> Option<FailedResource> {
    let events = &stack.events;
    let began = events
        .iter()
        .rposition(|event| event.resource_type == STACK && event.status == "UPDATE_IN_PROGRESS")?;
    let failed = events.iter().skip(began).find(|event| {
        let failed = matches!(event.status, "CREATE_FAILED" | "UPDATE_FAILED");
        let reason = event.reason.as_deref().unwrap_or_default();
        failed && event.resource_type != STACK && !reason.ends_with("cancelled")
    })?;
    Some(FailedResource {
        logical_id: failed.logical_id.clone(),
        resource_type: failed.resource_type.clone(),
        reason: failed.reason.clone().unwrap_or_default(),
    })
}

fn state(change_set: &stack_model::ChangeSet) -> ChangeSetState {
    let reason = change_set.status_reason.clone().unwrap_or_default();
    match (change_set.status, change_set.execution_status) {
        (_, ExecutionStatus::Obsolete) => ChangeSetState::Obsolete,
        (_, ExecutionStatus::ExecuteFailed) => ChangeSetState::ExecutionFailed {
            reason: String::new(),
        },
        (_, ExecutionStatus::ExecuteInProgress) => ChangeSetState::Executing,
        (_, ExecutionStatus::ExecuteComplete) => ChangeSetState::Executed,
        (ChangeSetStatus::CreatePending | ChangeSetStatus::CreateInProgress, _) => {
            ChangeSetState::Pending
        }
        (ChangeSetStatus::Failed, _) if says_unchanged(&reason) => ChangeSetState::Unchanged,
        (ChangeSetStatus::Failed, _) => ChangeSetState::Failed { reason },
        (ChangeSetStatus::CreateComplete, _) => ChangeSetState::Available,
    }
}

/// The two texts that the AWS CLI looks for, too.
/// Source: <https://github.com/aws/aws-cli/blob/develop/awscli/customizations/cloudformation/deployer.py>.
fn says_unchanged(reason: &str) -> bool {
    reason.contains("didn't contain changes") || reason.contains("No updates are to be performed")
}

fn change(change: &stack_model::ResourceChange) -> ResourceChange {
    ResourceChange {
        action: change.action.as_str().to_owned(),
        logical_id: change.logical_id.clone(),
        resource_type: change.resource_type.clone(),
        replacement: change.replacement.map(|one| one.as_str().to_owned()),
    }
}

fn refused(call: &str, error: &ServiceError) -> CallError {
    CallError::Refused {
        call: call.to_owned(),
        code: error.code.clone(),
        message: error.message.clone(),
    }
}
