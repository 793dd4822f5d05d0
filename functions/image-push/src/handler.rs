//! An ECR event → the targets that follow the image.

use lambda_runtime::{Error, LambdaEvent};
use pushboat::aws::function::report;
use pushboat::ports::{IgnoredPushes, Queue, ReverseItems};
use pushboat::trigger::{ecr, happened_here};
use pushboat::wake::{self, Woken};
use serde_json::Value;

/// Handles one event; only an unreachable ledger or queue fails.
pub(crate) async fn handle<L: ReverseItems + IgnoredPushes, Q: Queue>(
    ledger: &L,
    queue: &Q,
    event: LambdaEvent<Value>,
) -> Result<(), Error> {
    let here = happened_here(&event.context.invoked_function_arn, &event.payload);
    let event = event.payload;
    let event_id = event.get("id").and_then(Value::as_str).unwrap_or_default();
    let woken = match here.and_then(|()| ecr::push(&event)) {
        Ok(push) => {
            tracing::info!(
                event_id,
                repository = push.repository,
                tag = push.tag,
                digest = push.digest.as_str(),
                "an image was pushed"
            );
            wake::on_push(ledger, queue, &push).await
        }
        Err(reason) => Ok(Woken::Ignored(reason)),
    };
    Ok(report(event_id, woken)?)
}
