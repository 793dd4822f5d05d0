//! A stack's change → the targets that go through the stack.

use lambda_runtime::{Error, LambdaEvent};
use pushboat::aws::function::report;
use pushboat::ports::{Queue, ReverseItems};
use pushboat::trigger::{cloudformation, happened_here};
use pushboat::wake::{self, Woken};
use serde_json::Value;

/// Handles one event; only an unreachable ledger or queue fails.
pub(crate) async fn handle<R: ReverseItems, Q: Queue>(
    reverse_items: &R,
    queue: &Q,
    event: LambdaEvent<Value>,
) -> Result<(), Error> {
    let here = happened_here(&event.context.invoked_function_arn, &event.payload);
    let event = event.payload;
    let event_id = event.get("id").and_then(Value::as_str).unwrap_or_default();
    let woken = match here.and_then(|()| cloudformation::stack_change(&event)) {
        Ok(changed) => {
            let (stack, status) = (changed.stack.as_str(), changed.status.as_str());
            tracing::info!(event_id, stack, status, "a stack changed");
            wake::on_stack_change(reverse_items, queue, &changed).await
        }
        Err(reason) => Ok(Woken::Ignored(reason)),
    };
    Ok(report(event_id, woken)?)
}
