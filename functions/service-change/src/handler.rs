//! An ECS event → the target that the service belongs to.

use lambda_runtime::Error;
use pushboat::aws::function::chain;
use pushboat::core::reason::Ignored;
use pushboat::message;
use pushboat::ports::{Queue, ReverseItems};
use pushboat::trigger::ecs::{ServiceChange, service_event};
use pushboat::trigger::ecs_task::{TaskStopped, stopped_task};
use pushboat::wake::{self, Woken};
use serde_json::Value;

/// What ECS told.
enum Told {
    Service(ServiceChange),
    Task(Box<TaskStopped>),
}

fn read(event: &Value) -> Result<Told, Ignored> {
    match event.get("detail-type").and_then(Value::as_str) {
        Some("ECS Task State Change") => stopped_task(event).map(|task| Told::Task(Box::new(task))),
        _ => service_event(event).map(Told::Service),
    }
}

/// Handles one event; only an unreachable ledger or queue fails.
pub(crate) async fn handle<R: ReverseItems, Q: Queue>(
    reverse_items: &R,
    queue: &Q,
    event: Value,
) -> Result<(), Error> {
    let event_id = event.get("id").and_then(Value::as_str).unwrap_or_default();
    let woken = match read(&event) {
        Ok(Told::Service(change)) => {
            if let Some(trouble) = &change.trouble {
                tracing::info!(
                    event_id,
                    service = %change.service,
                    what = change.what,
                    reason = trouble.reason,
                    "ECS complains"
                );
            }
            wake::on_service_change(reverse_items, queue, &change).await
        }
        Ok(Told::Task(stopped)) => {
            let task = &stopped.task;
            tracing::info!(
                event_id,
                task = task.task_arn,
                stop_code = task.stop_code,
                stopped_reason = task.stopped_reason,
                "a task stopped"
            );
            wake::on_task_stopped(reverse_items, queue, &stopped).await
        }
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
