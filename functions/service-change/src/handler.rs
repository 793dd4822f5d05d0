//! An ECS event → the target that the service belongs to.

use lambda_runtime::{Error, LambdaEvent};
use pushboat::aws::function::report;
use pushboat::core::reason::Ignored;
use pushboat::ports::{Queue, ReverseItems};
use pushboat::trigger::ecs::{ServiceChange, service_event};
use pushboat::trigger::ecs_task::{TaskStopped, stopped_task};
use pushboat::trigger::happened_here;
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
    event: LambdaEvent<Value>,
) -> Result<(), Error> {
    let here = happened_here(&event.context.invoked_function_arn, &event.payload);
    let event = event.payload;
    let event_id = event.get("id").and_then(Value::as_str).unwrap_or_default();
    let woken = match here.and_then(|()| read(&event)) {
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
    Ok(report(event_id, woken)?)
}
