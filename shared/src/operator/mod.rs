//! Answers people's commands: JSON in, JSON out.
//!
//! A question is answered at once from the ledger. A change is checked against
//! what the ledger says now and queued, so that it has its turn with everything
//! else that changes the target; what comes of it is told by a notice, and
//! stands in the target's status under the request's id.

mod answer;
mod command;

use jiff::Timestamp;
use serde_json::{Value, json};

pub use command::{Command, parse};

use crate::core::name::TargetName;
use crate::core::operate::{self, OperatorCommand, Order};
use crate::ledger::{LedgerError, Registration, RegistrationStatus};
use crate::message::Surroundings;
use crate::ports::{CallError, Queue, Records};
use crate::queue::{QueueMessage, Trigger};

/// How many of the pushes that changed nothing `explain` shows.
const IGNORED_SHOWN: usize = 10;

/// One command, as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The id of the invocation; a repeat of it carries the same one.
    pub id: String,
    /// When it came, by our clock.
    pub at: Timestamp,
    /// The command.
    pub command: Value,
}

/// A command could not be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// The ledger failed.
    #[error("the ledger could not be read: give the command again")]
    Ledger(#[from] LedgerError),
    /// The queue failed.
    #[error("the command could not be queued: give it again")]
    Queue(#[from] CallError),
}

/// Answers a command.
///
/// A command with mistakes, or one that would be refused, is answered with an
/// `error`.
///
/// # Errors
///
/// Only an unreachable ledger or queue fails.
pub async fn answer<R: Records, Q: Queue>(
    records: &R,
    queue: &Q,
    surroundings: &Surroundings,
    request: &Request,
) -> Result<Value, OperatorError> {
    let command = match parse(&request.command) {
        Ok(command) => command,
        Err(mistakes) => return Ok(answer::invalid(&mistakes)),
    };
    match command {
        Command::Status {
            target: Some(target),
            ..
        } => status_of(records, surroundings, &target).await,
        Command::Status {
            target: None,
            after,
            limit,
        } => {
            let after = after.as_deref().unwrap_or_default();
            status_of_all(records, surroundings, after, limit).await
        }
        Command::History { target, limit } => {
            if records.entry(&target).await?.registration.is_none() {
                return Ok(answer::unknown_target(&target));
            }
            let rollouts = records.history(&target, limit).await?;
            let rollouts = rollouts.iter();
            let rollouts: Vec<Value> = rollouts
                .map(|rollout| answer::brief(rollout, surroundings))
                .collect();
            Ok(json!({ "target": target, "rollouts": rollouts }))
        }
        Command::Show { target, rollout } => {
            show(records, surroundings, &target, rollout.as_deref()).await
        }
        Command::Explain { target } => explain(records, surroundings, &target).await,
        Command::Change { target, order } => {
            change(records, queue, surroundings, request, target, order).await
        }
    }
}

async fn status_of<R: Records>(
    records: &R,
    surroundings: &Surroundings,
    target: &TargetName,
) -> Result<Value, OperatorError> {
    let entry = records.entry(target).await?;
    Ok(match &entry.registration {
        Some(registration) => answer::status(registration, &entry, surroundings),
        None => answer::unknown_target(target),
    })
}

async fn status_of_all<R: Records>(
    records: &R,
    surroundings: &Surroundings,
    after: &str,
    limit: usize,
) -> Result<Value, OperatorError> {
    let mut registrations: Vec<Registration> = records.all_registrations().await?;
    registrations.retain(|one| {
        one.target.as_str() > after && !matches!(one.status, RegistrationStatus::Removed)
    });
    registrations.sort_by(|one, other| one.target.cmp(&other.target));
    let more = registrations.len() > limit;
    let mut targets = Vec::new();
    for registration in registrations.iter().take(limit) {
        let entry = records.entry(&registration.target).await?;
        targets.push(answer::status(registration, &entry, surroundings));
    }
    let mut all = json!({ "targets": targets });
    if let (true, Some(last), Some(fields)) = (
        more,
        registrations.get(limit.saturating_sub(1)),
        all.as_object_mut(),
    ) {
        fields.insert("after".to_owned(), json!(last.target));
    }
    Ok(all)
}

async fn show<R: Records>(
    records: &R,
    surroundings: &Surroundings,
    target: &TargetName,
    id: Option<&str>,
) -> Result<Value, OperatorError> {
    let entry = records.entry(target).await?;
    if entry.registration.is_none() {
        return Ok(answer::unknown_target(target));
    }
    let state = entry.state;
    let mut unfinished = state.current.iter().chain(&state.waiting).cloned();
    let found = match id {
        Some(id) => match unfinished.find(|rollout| rollout.id.as_str() == id) {
            Some(rollout) => Some(rollout),
            None => records.finished(target, id).await?,
        },
        None => match unfinished.next() {
            Some(rollout) => Some(rollout),
            None => records.history(target, 1).await?.into_iter().next(),
        },
    };
    Ok(match found {
        Some(rollout) => answer::whole(&rollout, surroundings),
        None => answer::unknown_rollout(target),
    })
}

async fn explain<R: Records>(
    records: &R,
    surroundings: &Surroundings,
    target: &TargetName,
) -> Result<Value, OperatorError> {
    let entry = records.entry(target).await?;
    let Some(registration) = &entry.registration else {
        return Ok(answer::unknown_target(target));
    };
    let last = records.history(target, 1).await?.into_iter().next();
    let ignored = records.ignored(target, IGNORED_SHOWN).await?;
    let last = last.as_ref();
    let because = answer::explanation(registration, &entry, last, &ignored, surroundings);
    Ok(because)
}

async fn change<R: Records, Q: Queue>(
    records: &R,
    queue: &Q,
    surroundings: &Surroundings,
    request: &Request,
    target: TargetName,
    order: Order,
) -> Result<Value, OperatorError> {
    let entry = records.entry(&target).await?;
    let Some(registration) = &entry.registration else {
        return Ok(answer::unknown_target(&target));
    };
    if let Err(refusal) = operate::check(&entry.state, registration.policy(), &order) {
        return Ok(answer::refused(&refusal, &target, surroundings));
    }
    let message = QueueMessage {
        target,
        trigger: Trigger::Operator(OperatorCommand {
            request_id: request.id.clone(),
            at: request.at,
            order,
        }),
        event_id: request.id.clone(),
    };
    queue.send(&[message]).await?;
    Ok(answer::accepted(&request.id))
}

#[cfg(test)]
mod tests;
