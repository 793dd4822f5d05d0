//! An ECS event → the target that the service belongs to.

use lambda_runtime::Error;
use pushboat::aws::function::chain;
use pushboat::core::reason::Ignored;
use pushboat::message;
use pushboat::ports::{Queue, ReverseItems};
use pushboat::trigger::ecs;
use pushboat::wake::{self, Woken};
use serde_json::Value;

/// Handles one event; only an unreachable ledger or queue fails.
pub(crate) async fn handle<R: ReverseItems, Q: Queue>(
    reverse_items: &R,
    queue: &Q,
    event: Value,
) -> Result<(), Error> {
    let event_id = event.get("id").and_then(Value::as_str).unwrap_or_default();
    let woken = match ecs::service_change(&event) {
        Ok(change) => wake::on_service_change(reverse_items, queue, &change).await,
        Err(reason) => Ok(Woken::Ignored(reason)),
    };
    match woken {
        Ok(Woken::Targets(targets)) => tracing::info!(event_id, ?targets, "woken"),
        // Every service of the account tells of its deployments; most are nobody's target.
        Ok(Woken::Ignored(Ignored::NotFollowed { subject })) => {
            tracing::debug!(event_id, subject, "nobody's target");
        }
        Ok(Woken::Ignored(reason)) => tracing::info!(
            event_id,
            reason = reason.as_str(),
            explanation = message::ignored(&reason),
            "ignored"
        ),
        Err(error) => {
            tracing::error!(
                event_id,
                error = chain(&error),
                "the change could not be passed on"
            );
            return Err(error.into());
        }
    }
    Ok(())
}
