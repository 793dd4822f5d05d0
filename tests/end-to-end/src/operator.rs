//! Commands to the function `operator`, as a person gives them.

use serde_json::Value;

use crate::aws::{Aws, AwsError};
use crate::installation::Installation;

/// Gives a command and answers what the function answers, its refusals included.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
///
/// # Errors
///
/// Lambda refused, or the function itself failed.
pub async fn command(
    aws: &Aws,
    installation: &Installation,
    command: &Value,
) -> Result<Value, AwsError> {
    let function = installation.physical_id("OperatorFunction");
    let path = format!("/2015-03-31/functions/{function}/invocations");
    let answer = aws.post("lambda", &path, command).await?;
    // So Lambda tells of a function that failed; operator's own refusals have an `error`.
    if answer["errorMessage"].is_string() {
        return Err(AwsError::Unreadable {
            service: "lambda".to_owned(),
            operation: "Invoke".to_owned(),
            expected: "an answer of operator",
            body: answer.to_string(),
        });
    }
    Ok(answer)
}
