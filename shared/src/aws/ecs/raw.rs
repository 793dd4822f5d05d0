//! Task definitions as the JSON that ECS speaks, past the SDK's types.
//!
//! The SDK's types drop each field they do not know, so a definition that went
//! through them would lose what ECS learned since this was built. The typed
//! call still does the rest: endpoint, signature, retries, errors.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ecs::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use crate::core::observation::Definition;

/// Keeps the body of the last answer to one call.
#[derive(Clone, Debug, Default)]
pub(super) struct Body(Arc<Mutex<Vec<u8>>>);

impl Body {
    /// Reads the kept answer to DescribeTaskDefinition.
    pub(super) fn definition(&self) -> Result<Definition, String> {
        let body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer: Value = serde_json::from_slice(&body)
            .map_err(|error| format!("the answer is no JSON: {error}"))?;
        let mut member = |name: &str| answer.get_mut(name).map(Value::take);
        match member("taskDefinition") {
            Some(raw @ Value::Object(_)) => Ok(Definition {
                raw,
                tags: member("tags").unwrap_or_else(|| json!([])),
            }),
            Some(_) | None => Err("the answer has no `taskDefinition`".to_owned()),
        }
    }
}

impl Intercept for Body {
    fn name(&self) -> &'static str {
        "Body"
    }

    // Before deserialisation the body is still a stream and cannot be read twice.
    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body.to_vec();
        Ok(())
    }
}

/// Puts `body` in the place of what the SDK serialised; runs before the request is signed.
pub(super) fn replace_body(request: &mut HttpRequest, body: &str) {
    request
        .headers_mut()
        .insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}
