//! A CloudWatch alarm's change → the targets that watch the alarm.

use lambda_runtime::Error;
use pushboat::aws::function::chain;
use pushboat::message;
use pushboat::ports::{Queue, ReverseItems};
use pushboat::trigger::alarm;
use pushboat::wake::{self, Woken};
use serde_json::Value;

/// Handles one event; only an unreachable ledger or queue fails.
pub(crate) async fn handle<R: ReverseItems, Q: Queue>(
    reverse_items: &R,
    queue: &Q,
    event: Value,
) -> Result<(), Error> {
    let event_id = event.get("id").and_then(Value::as_str).unwrap_or_default();
    let woken = match alarm::alarm_change(&event) {
        Ok(changed) => {
            let (name, state) = (changed.change.name.as_str(), changed.change.state);
            tracing::info!(event_id, alarm = name, ?state, "an alarm changed");
            wake::on_alarm(reverse_items, queue, &changed).await
        }
        Err(reason) => Ok(Woken::Ignored(reason)),
    };
    match woken {
        Ok(Woken::Targets(targets)) => tracing::info!(event_id, ?targets, "woken"),
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
