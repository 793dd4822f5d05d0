//! CloudFormation's answers into our types.

use aws_smithy_xml::decode::{ScopedDecoder, XmlDecodeError};

use super::super::query::{each, read, text};
use crate::core::stack::{
    ChangeSet, ChangeSetState, FailedResource, ResourceChange, SERVICE, Stack, StackStatus,
};
use crate::redact::redact;

/// What CloudFormation says of a change set that would change nothing, in part.
///
/// Source: `deployer.py` of the AWS CLI, which has to tell them apart as well.
const UNCHANGED: [&str; 2] = [
    "The submitted information didn't contain changes",
    "No updates are to be performed",
];
/// What CloudFormation says of a resource that another one's failure stopped, at its beginning.
const CANCELLED: [&str; 2] = ["Resource update cancelled", "Resource creation cancelled"];
/// The type of a stack's own events.
const STACK: &str = "AWS::CloudFormation::Stack";
/// The statuses of a stack with which an operation begins.
const BEGINNINGS: [&str; 3] = [
    "UPDATE_IN_PROGRESS",
    "CREATE_IN_PROGRESS",
    "IMPORT_IN_PROGRESS",
];

/// Reads the one stack of an answer; the values of its parameters are passed over.
pub(super) fn stack(answer: &str) -> Result<Option<Stack>, XmlDecodeError> {
    let mut found = None;
    read(answer, &mut |name, tag| {
        if name != "Stacks" {
            return Ok(());
        }
        each(tag, &mut |_, member| {
            found = Some(one_stack(member)?);
            Ok(())
        })
    })?;
    found
        .map(
            |stack| match (stack.arn.as_str(), stack.status_word.as_str()) {
                ("", _) | (_, "") => Err(XmlDecodeError::custom("a stack has no id or no status")),
                _ => Ok(stack),
            },
        )
        .transpose()
}

fn one_stack(member: &mut ScopedDecoder<'_, '_>) -> Result<Stack, XmlDecodeError> {
    let mut stack = Stack {
        arn: String::new(),
        status: StackStatus::Busy,
        status_word: String::new(),
        status_reason: String::new(),
        role_arn: None,
        parameters: Vec::new(),
        capabilities: Vec::new(),
        change_set: None,
        failed: None,
    };
    each(member, &mut |name, tag| {
        match name {
            "StackId" => stack.arn = text(tag)?,
            "StackStatus" => stack.status_word = text(tag)?,
            "StackStatusReason" => stack.status_reason = redact(&text(tag)?),
            "RoleARN" => stack.role_arn = Some(text(tag)?).filter(|arn| !arn.is_empty()),
            "ChangeSetId" => stack.change_set = change_set_name(&text(tag)?),
            "Capabilities" => each(tag, &mut |_, one| {
                stack.capabilities.push(text(one)?);
                Ok(())
            })?,
            "Parameters" => each(tag, &mut |_, one| {
                each(one, &mut |name, tag| {
                    if name == "ParameterKey" {
                        stack.parameters.push(text(tag)?);
                    }
                    Ok(())
                })
            })?,
            _ => {}
        }
        Ok(())
    })?;
    stack.status = StackStatus::parse(&stack.status_word);
    Ok(stack)
}

/// Takes the name out of a change set's ARN: `arn:…:cloudformation:…:changeSet/<name>/<id>`.
fn change_set_name(arn: &str) -> Option<String> {
    let (_, name) = arn.split_once(":changeSet/")?;
    let (name, _) = name.split_once('/').unwrap_or((name, ""));
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

/// Looks for the first failure of a stack's last operation, page by page: the latest event is the
/// first one.
pub(super) struct Failure<'a> {
    stack_arn: &'a str,
    /// The earliest failure so far.
    pub(super) found: Option<FailedResource>,
    /// The operation's beginning was seen.
    pub(super) complete: bool,
}

#[derive(Default)]
struct Event {
    status: String,
    physical_id: String,
    resource: FailedResource,
}

impl<'a> Failure<'a> {
    pub(super) fn of(stack_arn: &'a str) -> Self {
        Self {
            stack_arn,
            found: None,
            complete: false,
        }
    }

    /// Takes a page in; answers where the next one begins.
    pub(super) fn take(&mut self, answer: &str) -> Result<Option<String>, XmlDecodeError> {
        let mut next = None;
        read(answer, &mut |name, tag| match name {
            "NextToken" => {
                next = token(text(tag)?);
                Ok(())
            }
            "StackEvents" => each(tag, &mut |_, member| {
                self.look(event(member)?);
                Ok(())
            }),
            _ => Ok(()),
        })?;
        Ok(next)
    }

    fn look(&mut self, event: Event) {
        let own = event.resource.resource_type == STACK && event.physical_id == self.stack_arn;
        if own {
            self.complete |= BEGINNINGS.contains(&event.status.as_str());
            return;
        }
        let reason = event.resource.reason.as_str();
        let cancelled = CANCELLED.iter().any(|words| reason.starts_with(words));
        if !self.complete && event.status.ends_with("_FAILED") && !cancelled {
            self.found = Some(event.resource);
        }
    }
}

fn event(member: &mut ScopedDecoder<'_, '_>) -> Result<Event, XmlDecodeError> {
    let mut event = Event::default();
    each(member, &mut |name, tag| {
        match name {
            "ResourceStatus" => event.status = text(tag)?,
            "PhysicalResourceId" => event.physical_id = text(tag)?,
            "LogicalResourceId" => event.resource.logical_id = text(tag)?,
            "ResourceType" => event.resource.resource_type = text(tag)?,
            "ResourceStatusReason" => event.resource.reason = redact(&text(tag)?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(event)
}

/// A change set, read page by page.
#[derive(Default)]
pub(super) struct Described {
    status: String,
    execution: String,
    reason: String,
    changes: Vec<ResourceChange>,
}

impl Described {
    /// Takes a page in; answers where the next one begins.
    pub(super) fn take(&mut self, answer: &str) -> Result<Option<String>, XmlDecodeError> {
        let mut next = None;
        read(answer, &mut |name, tag| {
            match name {
                "Status" => self.status = text(tag)?,
                "ExecutionStatus" => self.execution = text(tag)?,
                "StatusReason" => self.reason = text(tag)?,
                "NextToken" => next = token(text(tag)?),
                "Changes" => each(tag, &mut |_, member| {
                    each(member, &mut |name, tag| {
                        if name == "ResourceChange" {
                            self.changes.push(change(tag)?);
                        }
                        Ok(())
                    })
                })?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(next)
    }

    /// Says how far it is; `None` where it was deleted.
    ///
    /// Source: CloudFormation API reference, DescribeChangeSet, `Status` and `ExecutionStatus`.
    pub(super) fn change_set(self) -> Option<ChangeSet> {
        let state = match (self.status.as_str(), self.execution.as_str()) {
            ("DELETE_PENDING" | "DELETE_IN_PROGRESS" | "DELETE_COMPLETE" | "DELETE_FAILED", _) => {
                return None;
            }
            (_, "EXECUTE_IN_PROGRESS") => ChangeSetState::Executing,
            (_, "EXECUTE_COMPLETE") => ChangeSetState::Executed,
            (_, "EXECUTE_FAILED") => ChangeSetState::ExecutionFailed {
                reason: redact(&self.reason),
            },
            (_, "OBSOLETE") => ChangeSetState::Obsolete,
            ("FAILED", _) if UNCHANGED.iter().any(|words| self.reason.contains(words)) => {
                ChangeSetState::Unchanged
            }
            ("FAILED", _) => ChangeSetState::Failed {
                reason: redact(&self.reason),
            },
            ("CREATE_COMPLETE", "AVAILABLE") => ChangeSetState::Available,
            _ => ChangeSetState::Pending,
        };
        let changes = self.changes;
        Some(ChangeSet { state, changes })
    }
}

fn change(tag: &mut ScopedDecoder<'_, '_>) -> Result<ResourceChange, XmlDecodeError> {
    let mut change = ResourceChange {
        action: String::new(),
        logical_id: String::new(),
        resource_type: String::new(),
        replacement: None,
    };
    each(tag, &mut |name, tag| {
        match name {
            "Action" => change.action = text(tag)?,
            "LogicalResourceId" => change.logical_id = text(tag)?,
            "ResourceType" => change.resource_type = text(tag)?,
            "Replacement" => change.replacement = Some(text(tag)?).filter(|word| !word.is_empty()),
            _ => {}
        }
        Ok(())
    })?;
    Ok(change)
}

/// Reads the physical ids of the services of a page; answers where the next one begins.
pub(super) fn services(
    answer: &str,
    found: &mut Vec<String>,
) -> Result<Option<String>, XmlDecodeError> {
    let mut next = None;
    read(answer, &mut |name, tag| match name {
        "NextToken" => {
            next = token(text(tag)?);
            Ok(())
        }
        "StackResourceSummaries" => each(tag, &mut |_, member| {
            found.extend(service(member)?);
            Ok(())
        }),
        _ => Ok(()),
    })?;
    Ok(next)
}

/// Reads a resource; only a service that is there, or is being made, has a physical id to give.
fn service(member: &mut ScopedDecoder<'_, '_>) -> Result<Option<String>, XmlDecodeError> {
    let event = event(member)?;
    let gone = matches!(event.status.as_str(), "DELETE_COMPLETE" | "DELETE_SKIPPED");
    let there = event.resource.resource_type == SERVICE && !gone && !event.physical_id.is_empty();
    Ok(there.then_some(event.physical_id))
}

fn token(text: String) -> Option<String> {
    Some(text).filter(|token| !token.is_empty())
}
