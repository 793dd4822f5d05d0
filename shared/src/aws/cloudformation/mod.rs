//! CloudFormation: stacks, their change sets and the services in them.

mod seen;
#[cfg(test)]
mod tests;

use std::time::Duration;

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_xml::decode::XmlDecodeError;

use super::bare::{BareError, Tries};
use super::client::Clients;
use super::failure::{call_error, unclear};
use super::query::Query;
use crate::core::stack::{
    ChangeSetLook, ChangeSetRequest, ChangeSetState, FailedResource, StackLook,
};
use crate::ports::{CallError, StackResources, Stacks};

/// The only version of the API.
const VERSION: &str = "2010-05-15";
/// How long a new change set is waited for.
const LOOKS_AT_NEW: usize = 20;
/// How long to wait between two looks at a new change set.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// How many pages of a stack's events are read for the first failure.
const PAGES_OF_EVENTS: usize = 20;

/// CloudFormation.
#[derive(Clone, Debug)]
pub struct CloudFormation {
    query: Query,
}

impl CloudFormation {
    /// Makes it on the shared clients.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        Self {
            query: Query::new(clients, "cloudformation", VERSION),
        }
    }

    /// Reads a page after another; `take` answers where the next one begins.
    async fn pages(
        &self,
        action: &'static str,
        parameters: &[(String, &str)],
        mut take: impl FnMut(&str) -> Result<Option<String>, XmlDecodeError>,
    ) -> Result<(), PageError> {
        let mut next: Option<String> = None;
        loop {
            let mut asked = parameters.to_vec();
            asked.extend(next.as_deref().map(|next| named("NextToken", next)));
            let answer = self.query.call(action, Tries::Several, &asked).await;
            let answer = answer.map_err(|error| PageError::Call(Box::new(error)))?;
            match take(&answer).map_err(PageError::Xml)? {
                Some(token) => next = Some(token),
                None => return Ok(()),
            }
        }
    }

    /// Finds the first resource that failed in the stack's last operation.
    ///
    /// The events of the last 90 days stand there, the latest first. Source: CloudFormation API
    /// reference, DescribeStackEvents.
    async fn failed(&self, stack_arn: &str) -> Result<Option<FailedResource>, CallError> {
        let call = format!("cloudformation:DescribeStackEvents {stack_arn}");
        let mut failure = seen::Failure::of(stack_arn);
        let mut pages = 0;
        let of_stack = [named("StackName", stack_arn)];
        let read = self.pages("DescribeStackEvents", &of_stack, |answer| {
            let next = failure.take(answer)?;
            pages += 1;
            Ok(next.filter(|_| !failure.complete && pages < PAGES_OF_EVENTS))
        });
        read.await.map_err(|error| error.of(&call))?;
        Ok(failure.found)
    }

    /// Waits until CloudFormation has worked out what a new change set would change.
    ///
    /// What it cannot see is looked at later: nothing rests on this look.
    #[expect(
        clippy::disallowed_methods,
        reason = "seconds within one call: a look at the next wake-up would come a minute later"
    )]
    async fn wait(&self, stack: &str, name: &str) {
        for _ in 0..LOOKS_AT_NEW {
            match self.change_set(stack, name).await {
                Ok(ChangeSetLook::Found(change_set))
                    if change_set.state == ChangeSetState::Pending => {}
                Ok(_) | Err(_) => return,
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

/// Why a page could not be read.
enum PageError {
    Call(Box<BareError>),
    Xml(XmlDecodeError),
}

impl PageError {
    fn of(&self, call: &str) -> CallError {
        match self {
            Self::Call(error) => call_error(call, error),
            Self::Xml(error) => unclear(call, &error.to_string()),
        }
    }

    /// Says whether the stack, or what was asked of it, is not there.
    fn is_missing(&self) -> bool {
        match self {
            Self::Call(error) => is_missing(error),
            Self::Xml(_) => false,
        }
    }
}

/// A stack that is not there is a mistake in the call to CloudFormation, told in words alone.
///
/// Source: CloudFormation API reference, DescribeStacks; DescribeChangeSet, "Errors".
fn is_missing(error: &BareError) -> bool {
    let Some(answered) = error.as_service_error() else {
        return false;
    };
    match answered.code() {
        Some("ChangeSetNotFound" | "ChangeSetNotFoundException") => true,
        Some("ValidationError") => {
            let message = answered.message().unwrap_or_default();
            message.contains("does not exist")
        }
        Some(_) | None => false,
    }
}

/// Says whether the stack takes no update now: that is told in words alone, too.
///
/// Source: `Stack:ARN is in UPDATE_IN_PROGRESS state and can not be updated.`, which users see of
/// CreateChangeSet and UpdateStack (<https://github.com/ansible-collections/amazon.aws/issues/1910>).
fn is_busy(error: &BareError) -> bool {
    let answered = error.as_service_error();
    answered.is_some_and(|answered| {
        let message = answered.message().unwrap_or_default();
        answered.code() == Some("ValidationError") && message.contains("can not be updated")
    })
}

/// Says whether CloudFormation answered with one of the codes.
fn is_answered(error: &BareError, codes: [&str; 2]) -> bool {
    let answered = error.as_service_error();
    let code = answered.and_then(ProvideErrorMetadata::code);
    code.is_some_and(|code| codes.contains(&code))
}

impl Stacks for CloudFormation {
    async fn stack(&self, name: &str) -> Result<StackLook, CallError> {
        let call = format!("cloudformation:DescribeStacks {name}");
        let action = "DescribeStacks";
        let of_stack = [named("StackName", name)];
        let answer = match self.query.call(action, Tries::Several, &of_stack).await {
            Ok(answer) => answer,
            Err(error) if is_missing(&error) => return Ok(StackLook::Missing),
            Err(error) => return Err(call_error(&call, &error)),
        };
        let stack = seen::stack(&answer).map_err(|error| unclear(&call, &error.to_string()))?;
        let mut stack = stack.ok_or_else(|| unclear(&call, "the answer has no stack"))?;
        if stack.status.went_wrong() {
            stack.failed = self.failed(&stack.arn).await?;
        }
        Ok(StackLook::Found(Box::new(stack)))
    }

    async fn change_set(&self, stack: &str, name: &str) -> Result<ChangeSetLook, CallError> {
        let call = format!("cloudformation:DescribeChangeSet {stack} {name}");
        let mut described = seen::Described::default();
        let asked = [named("StackName", stack), named("ChangeSetName", name)];
        let read = self.pages("DescribeChangeSet", &asked, |answer| described.take(answer));
        match read.await {
            Ok(()) => Ok(match described.change_set() {
                Some(change_set) => ChangeSetLook::Found(change_set),
                None => ChangeSetLook::Missing,
            }),
            Err(error) if error.is_missing() => Ok(ChangeSetLook::Missing),
            Err(error) => Err(error.of(&call)),
        }
    }

    async fn create_change_set(&self, request: &ChangeSetRequest) -> Result<(), CallError> {
        let (stack, name) = (&request.stack, &request.name);
        let call = format!("cloudformation:CreateChangeSet {stack} {name}");
        let parameters = creation(request);
        // A repeat is known by its token, and by the name.
        let tries = Tries::Several;
        match self.query.call("CreateChangeSet", tries, &parameters).await {
            Ok(_) => {}
            Err(error) if is_answered(&error, ["AlreadyExistsException", "AlreadyExists"]) => {}
            // Somebody's update began since the stack was looked at: the next look tells.
            Err(error) if is_busy(&error) => return Ok(()),
            Err(error) => return Err(call_error(&call, &error)),
        }
        self.wait(stack, name).await;
        Ok(())
    }

    async fn execute_change_set(
        &self,
        stack: &str,
        name: &str,
        token: &str,
    ) -> Result<(), CallError> {
        let call = format!("cloudformation:ExecuteChangeSet {stack} {name}");
        let asked = [
            named("StackName", stack),
            named("ChangeSetName", name),
            named("ClientRequestToken", token),
        ];
        match self
            .query
            .call("ExecuteChangeSet", Tries::Once, &asked)
            .await
        {
            Ok(_) => Ok(()),
            // Executed already, or not to be executed any more: a look says which.
            Err(error)
                if is_answered(
                    &error,
                    ["InvalidChangeSetStatus", "InvalidChangeSetStatusException"],
                ) || is_repeat(&error)
                    || is_busy(&error) =>
            {
                Ok(())
            }
            Err(error) => Err(call_error(&call, &error)),
        }
    }

    async fn cancel_update(&self, stack: &str, token: &str) -> Result<(), CallError> {
        let call = format!("cloudformation:CancelUpdateStack {stack}");
        let asked = [
            named("StackName", stack),
            named("ClientRequestToken", token),
        ];
        match self
            .query
            .call("CancelUpdateStack", Tries::Once, &asked)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) if is_repeat(&error) => Ok(()),
            Err(error) => Err(call_error(&call, &error)),
        }
    }
}

impl StackResources for CloudFormation {
    async fn services(&self, stack: &str) -> Result<Option<Vec<String>>, CallError> {
        let call = format!("cloudformation:ListStackResources {stack}");
        let mut ids = Vec::new();
        let of_stack = [named("StackName", stack)];
        let read = self.pages("ListStackResources", &of_stack, |answer| {
            seen::services(answer, &mut ids)
        });
        match read.await {
            Ok(()) => Ok(Some(ids)),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error.of(&call)),
        }
    }
}

/// Says that the same token was taken before.
fn is_repeat(error: &BareError) -> bool {
    is_answered(error, ["TokenAlreadyExistsException", "TokenAlreadyExists"])
}

fn named<'a>(name: &str, value: &'a str) -> (String, &'a str) {
    (name.to_owned(), value)
}

/// Writes the call that makes a change set: the stack as it is, but for one parameter.
///
/// A parameter that is left out would take the template's default. Source: CloudFormation API
/// reference, Parameter, `ParameterKey`.
fn creation(request: &ChangeSetRequest) -> Vec<(String, &str)> {
    let mut parameters = vec![
        named("StackName", &request.stack),
        named("ChangeSetName", &request.name),
        named("ChangeSetType", "UPDATE"),
        named("ClientToken", &request.name),
        named("UsePreviousTemplate", "true"),
        named("Parameters.member.1.ParameterKey", &request.parameter),
        named("Parameters.member.1.ParameterValue", &request.value),
    ];
    for (kept, number) in request.kept.iter().zip(2..) {
        let member = format!("Parameters.member.{number}");
        parameters.push((format!("{member}.ParameterKey"), kept));
        parameters.push((format!("{member}.UsePreviousValue"), "true"));
    }
    for (capability, number) in request.capabilities.iter().zip(1..) {
        parameters.push((format!("Capabilities.member.{number}"), capability));
    }
    let role = request.role_arn.as_deref();
    parameters.extend(role.map(|role| named("RoleARN", role)));
    parameters
}
