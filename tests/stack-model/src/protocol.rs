//! The operations of the API with their members as JSON: requests are read,
//! answers written, nothing is decided here.
//!
//! CloudFormation itself speaks the Query protocol, with forms and XML
//! (<https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>); an endpoint
//! turns those into these members and back. Truth values and lists may be as in
//! either of them.

mod change_set;
mod stack;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::change_set::UpdateRequest;
use crate::error::ServiceError;
use crate::parameter::{MASK, Parameter, ParameterInput};
use crate::stack::Desired;
use crate::stacks::Stacks;

type Answer = Result<Value, ServiceError>;

/// Members that change what an operation does, and are not modelled.
const NOT_MODELLED: [&str; 11] = [
    "DeploymentConfig",
    "DeploymentMode",
    "DisableRollback",
    "ImportExistingResources",
    "IncludeNestedStacks",
    "NextToken",
    "OnStackFailure",
    "ResourceTypes",
    "ResourcesToImport",
    "RollbackConfiguration",
    "TemplateURL",
];

impl Stacks {
    /// Answers one call, such as `CreateChangeSet`, at `now`.
    ///
    /// Everything that is due by then happens before.
    ///
    /// # Errors
    ///
    /// Answers with the error that CloudFormation documents for the call, with
    /// `InvalidAction` where this model does not know the operation, and with
    /// `ValidationError` where it does not know a member that would matter.
    pub fn call(&mut self, operation: &str, request: &Value, now: Timestamp) -> Answer {
        self.advance(now);
        for name in NOT_MODELLED {
            let is_said = match request.get(name) {
                None | Some(Value::Null | Value::Bool(false)) => false,
                Some(Value::String(text)) => !text.is_empty() && text != "false",
                Some(Value::Array(entries)) => !entries.is_empty(),
                Some(Value::Object(members)) => !members.is_empty(),
                Some(Value::Bool(true) | Value::Number(_)) => true,
            };
            if is_said {
                return Err(ServiceError::not_modelled(name));
            }
        }
        match operation {
            "CreateChangeSet" => change_set::create(self, request),
            "DescribeChangeSet" => change_set::describe(self, request),
            "ListChangeSets" => change_set::list(self, request),
            "ExecuteChangeSet" => change_set::execute(self, request),
            "DeleteChangeSet" => change_set::delete(self, request),
            "UpdateStack" => stack::update(self, request),
            "CancelUpdateStack" => stack::cancel(self, request),
            "ContinueUpdateRollback" => stack::continue_rollback(self, request),
            "DeleteStack" => stack::delete(self, request),
            "UpdateTerminationProtection" => stack::protect(self, request),
            "DescribeStacks" => stack::describe(self, request),
            "DescribeStackEvents" => stack::events(self, request),
            "DescribeStackResources" => stack::resources(self, request),
            "ListStackResources" => stack::list_resources(self, request),
            "GetTemplate" => stack::template(self, request),
            _ => Err(ServiceError::new(
                "InvalidAction",
                format!("The local model of CloudFormation does not know the action {operation}."),
            )),
        }
    }
}

/// Reads a text, if it is there.
fn optional<'a>(request: &'a Value, name: &str) -> Result<Option<&'a str>, ServiceError> {
    match request.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(name)),
    }
}

/// Reads a text that must be there.
fn required<'a>(request: &'a Value, name: &str) -> Result<&'a str, ServiceError> {
    optional(request, name)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| {
            ServiceError::validation(format!(
                "1 validation error detected: Value null at '{name}' failed to satisfy \
                 constraint: Member must not be null"
            ))
        })
}

fn truth(request: &Value, name: &str) -> Result<bool, ServiceError> {
    match request.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(value)) => Ok(*value),
        Some(Value::String(text)) if text == "true" => Ok(true),
        Some(Value::String(text)) if text == "false" => Ok(false),
        Some(_) => Err(malformed(name)),
    }
}

fn entries<'a>(request: &'a Value, name: &str) -> Result<&'a [Value], ServiceError> {
    match request.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(entries)) => Ok(entries),
        Some(_) => Err(malformed(name)),
    }
}

fn texts(request: &Value, name: &str) -> Result<Vec<String>, ServiceError> {
    entries(request, name)?
        .iter()
        .map(|entry| entry.as_str().map(str::to_owned))
        .collect::<Option<_>>()
        .ok_or_else(|| malformed(name))
}

fn malformed(name: &str) -> ServiceError {
    ServiceError::new("MalformedQueryString", format!("Malformed member {name}"))
}

/// Reads what a change set, or an update without one, makes of a stack.
fn read_update(request: &Value) -> Result<UpdateRequest, ServiceError> {
    let template = match (
        truth(request, "UsePreviousTemplate")?,
        optional(request, "TemplateBody")?,
    ) {
        (true, None) => None,
        (false, Some(body)) => Some(serde_json::from_str(body).map_err(|_| {
            ServiceError::validation("Template format error: JSON not well-formed.")
        })?),
        (false, None) => {
            return Err(ServiceError::validation(
                "Either Template URL or Template Body must be specified.",
            ));
        }
        (true, Some(_)) => {
            return Err(ServiceError::validation(
                "You cannot specify both usePreviousTemplate and Template Body.",
            ));
        }
    };
    let tags = match request.get("Tags") {
        None | Some(Value::Null) => None,
        Some(_) => Some(read_tags(request)?),
    };
    Ok(UpdateRequest {
        stack: required(request, "StackName")?.to_owned(),
        template,
        parameters: entries(request, "Parameters")?
            .iter()
            .map(read_parameter)
            .collect::<Result<_, _>>()?,
        capabilities: texts(request, "Capabilities")?,
        tags,
        role_arn: optional(request, "RoleARN")?.map(str::to_owned),
    })
}

/// Source: "If you specify true, do not specify a parameter value",
/// `UsePreviousValue` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html>;
/// the text of the refusal is the one that CloudFormation is seen to send.
fn read_parameter(parameter: &Value) -> Result<Parameter, ServiceError> {
    let key = required(parameter, "ParameterKey")?.to_owned();
    let value = optional(parameter, "ParameterValue")?;
    let value = match (truth(parameter, "UsePreviousValue")?, value) {
        (true, None) => ParameterInput::UsePreviousValue,
        (false, Some(value)) => ParameterInput::Value(value.to_owned()),
        (false, None) => {
            return Err(ServiceError::validation(format!(
                "Parameters: [{key}] must have values"
            )));
        }
        (true, Some(_)) => {
            return Err(ServiceError::validation(format!(
                "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true \
                 and non empty value for a parameter"
            )));
        }
    };
    Ok(Parameter { key, value })
}

fn read_tags(request: &Value) -> Result<BTreeMap<String, String>, ServiceError> {
    entries(request, "Tags")?
        .iter()
        .map(|tag| {
            let value = optional(tag, "Value")?.unwrap_or_default();
            Ok((required(tag, "Key")?.to_owned(), value.to_owned()))
        })
        .collect()
}

/// Shows parameters; of one that is not to be echoed, not its value.
///
/// Source: `NoEcho` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>.
fn show_parameters(desired: &Desired) -> Value {
    desired
        .parameters
        .iter()
        .map(|(key, value)| {
            let declaration = desired.template.parameters.get(key);
            let is_hidden = declaration.is_some_and(|declaration| declaration.no_echo);
            let show = |text: &str| match is_hidden {
                true => json!(MASK),
                false => json!(text),
            };
            let mut document = object([
                ("ParameterKey", json!(key)),
                ("ParameterValue", show(&value.value)),
            ]);
            let resolved = value.resolved.as_deref().map(show);
            put(&mut document, "ResolvedValue", resolved);
            Value::Object(document)
        })
        .collect()
}

fn show_tags(tags: &BTreeMap<String, String>) -> Value {
    tags.iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// Adds a member if there is a value for it.
fn put(document: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        document.insert(key.to_owned(), value);
    }
}

fn put_text(document: &mut Map<String, Value>, key: &str, text: Option<&str>) {
    put(document, key, text.map(|text| json!(text)));
}

/// Makes an object of members.
fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// Writes a time as ISO 8601 text, to the millisecond.
fn iso(at: Timestamp) -> Value {
    let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
    json!(at.to_string())
}
