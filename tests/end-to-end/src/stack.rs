//! A stack of CloudFormation, made of a template as a person's tool makes it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::aws::{Aws, AwsError, members, texts};
use crate::wait::{Seen, WaitError, wait};

/// How long a stack may take to be made or deleted.
const LIMIT: Duration = Duration::from_secs(180);

/// Why a stack was not made or deleted.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// CloudFormation refused.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// It took too long.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// It ended in another state.
    #[error("the stack {name} ended as {status}: {reasons}")]
    Ended {
        /// The stack's name.
        name: String,
        /// Such as `ROLLBACK_COMPLETE`.
        status: String,
        /// What CloudFormation says of each resource that failed.
        reasons: String,
    },
}

/// Makes a stack, and waits until it is whole.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
///
/// # Errors
///
/// CloudFormation refused, or says of a resource why it could not be made.
pub async fn create(
    aws: &Aws,
    name: &str,
    template: &Value,
    parameters: &BTreeMap<String, String>,
) -> Result<(), StackError> {
    let mut request = vec![
        ("StackName".to_owned(), name.to_owned()),
        ("TemplateBody".to_owned(), template.to_string()),
        (
            "Capabilities.member.1".to_owned(),
            "CAPABILITY_IAM".to_owned(),
        ),
    ];
    for (number, (key, value)) in (1..).zip(parameters) {
        let member = format!("Parameters.member.{number}");
        request.push((format!("{member}.ParameterKey"), key.clone()));
        request.push((format!("{member}.ParameterValue"), value.clone()));
    }
    let pairs = request
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    let request: Vec<(&str, &str)> = pairs.collect();
    aws.query("cloudformation", "CreateStack", &request).await?;
    ended_as(aws, name, "CREATE_COMPLETE").await
}

/// Deletes a stack, and waits until it is gone.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html>
///
/// # Errors
///
/// CloudFormation refused, or says of a resource why it could not be deleted.
pub async fn delete(aws: &Aws, name: &str) -> Result<(), StackError> {
    let stack = [("StackName", name)];
    aws.query("cloudformation", "DeleteStack", &stack).await?;
    ended_as(aws, name, "DELETE_COMPLETE").await
}

/// What a stack puts out, by the outputs' names.
///
/// # Errors
///
/// CloudFormation knows no such stack.
pub async fn outputs(aws: &Aws, name: &str) -> Result<BTreeMap<String, String>, AwsError> {
    let stack = [("StackName", name)];
    let stacks = aws.query("cloudformation", "DescribeStacks", &stack);
    let members = members(&stacks.await?, "Outputs");
    let outputs = members.into_iter().map(|mut member| {
        let mut take = |name: &str| member.remove(name).unwrap_or_default();
        (take("OutputKey"), take("OutputValue"))
    });
    Ok(outputs.collect())
}

/// What all stacks export, by its name.
///
/// # Errors
///
/// CloudFormation refused.
pub async fn exports(aws: &Aws) -> Result<BTreeMap<String, String>, AwsError> {
    let exports = aws.query("cloudformation", "ListExports", &[]).await?;
    let exports = members(&exports, "Exports").into_iter().map(|mut member| {
        let mut take = |name: &str| member.remove(name).unwrap_or_default();
        (take("Name"), take("Value"))
    });
    Ok(exports.collect())
}

async fn ended_as(aws: &Aws, name: &str, wanted: &str) -> Result<(), StackError> {
    let what = format!("{wanted} of the stack {name}");
    let ended = wait(&what, LIMIT, async || {
        let status = status(aws, name).await?;
        Ok::<_, StackError>(match status.ends_with("_IN_PROGRESS") {
            true => Seen::NotYet(status),
            false => Seen::Reached(status),
        })
    });
    let status = ended.await?;
    if status == wanted {
        return Ok(());
    }
    let stack = [("StackName", name)];
    let events = aws.query("cloudformation", "DescribeStackEvents", &stack);
    let reasons = texts(&events.await?, "ResourceStatusReason").join("; ");
    let name = name.to_owned();
    Err(StackError::Ended {
        name,
        status,
        reasons,
    })
}

/// A stack that is gone is not described by its name any more.
async fn status(aws: &Aws, name: &str) -> Result<String, AwsError> {
    let stack = [("StackName", name)];
    match aws.query("cloudformation", "DescribeStacks", &stack).await {
        Ok(answer) => Ok(texts(&answer, "StackStatus").concat()),
        Err(AwsError::Refused { code, .. }) if code == "ValidationError" => {
            Ok("DELETE_COMPLETE".to_owned())
        }
        Err(error) => Err(error),
    }
}
