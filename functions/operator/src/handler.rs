//! A command → its answer.

use lambda_runtime::Error;
use pushboat::aws::function::chain;
use pushboat::message::Surroundings;
use pushboat::operator::{Request, answer};
use pushboat::ports::{Queue, Records};
use serde_json::Value;

/// Answers one command; only an unreachable ledger or queue fails.
pub(crate) async fn handle<R: Records, Q: Queue>(
    records: &R,
    queue: &Q,
    surroundings: &Surroundings,
    request: Request,
) -> Result<Value, Error> {
    let command = request.command.get("command").and_then(Value::as_str);
    // Whatever is longer is no command, and is not written to the log.
    let command = command.filter(|command| command.len() <= 32);
    match answer(records, queue, surroundings, &request).await {
        Ok(answer) => {
            let error = answer.pointer("/error/code").and_then(Value::as_str);
            tracing::info!(request_id = request.id, command, error, "answered");
            Ok(answer)
        }
        Err(error) => {
            tracing::error!(
                request_id = request.id,
                command,
                error = chain(&error),
                "the command could not be answered"
            );
            Err(error.into())
        }
    }
}

#[cfg(test)]
mod tests;
