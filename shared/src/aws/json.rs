//! The AWS JSON protocol, for a service [without its SDK crate](super::bare).
//!
//! Source: "AWS JSON 1.1 protocol" of the Smithy specification.

use aws_smithy_types::error::ErrorMetadata;
use serde_json::Value;

use super::bare::{Bare, BareError, Request, Tries, metadata};

/// Calls an operation of a service, which is called `target` in its requests; answers the JSON.
pub(super) async fn call(
    service: &Bare,
    (target, operation): (&'static str, &'static str),
    tries: Tries,
    body: &Value,
) -> Result<String, BareError> {
    let request = Request {
        content_type: "application/x-amz-json-1.1",
        target: Some(format!("{target}.{operation}")),
        body: body.to_string(),
    };
    service.call(operation, tries, request, error).await
}

/// Reads an error: its code may stand behind a namespace and before an address.
fn error(body: &[u8]) -> Option<ErrorMetadata> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let code = text("__type").or_else(|| text("code"))?;
    let code = code.rsplit('#').next().unwrap_or(code);
    let code = code.split(':').next().unwrap_or(code);
    let message = text("message").or_else(|| text("Message"));
    Some(metadata(Some(code.to_owned()), message.map(str::to_owned)))
}
