//! What is answered, as JSON; documented in `docs/operator.md`.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::diagnosis::cause;
use crate::core::name::TargetName;
use crate::core::operate::Refusal;
use crate::core::policy::StackRef;
use crate::core::reason::Waiting;
use crate::core::rollout::{Phase, Rollout};
use crate::core::state::Standing;
use crate::ledger::{IgnoredPush, Registration, RegistrationStatus, TargetEntry};
use crate::message::{self, Surroundings};
use crate::target::Mistake;

/// A command that could not be read.
pub(super) fn invalid(mistakes: &[Mistake]) -> Value {
    let message = "The command has mistakes; nothing was done.";
    json!({ "error": { "code": "invalid-command", "message": message, "mistakes": mistakes } })
}

/// A target that the ledger does not know.
pub(super) fn unknown_target(target: &TargetName) -> Value {
    let message = format!(
        "There is no target `{target}`. The command `status` lists all; a new parameter is usually read within seconds, and if its event is lost within the hour."
    );
    json!({ "error": { "code": "unknown-target", "message": message } })
}

/// A rollout that the ledger does not hold, or not any more.
pub(super) fn unknown_rollout(target: &TargetName) -> Value {
    let message = format!(
        "Target `{target}` has no such rollout. The command `history` lists those of the last 90 days."
    );
    json!({ "error": { "code": "unknown-rollout", "message": message } })
}

/// A command that would change nothing.
pub(super) fn refused(refusal: &Refusal, target: &TargetName, around: &Surroundings) -> Value {
    let message = message::refusal(refusal, target, around);
    json!({ "error": { "code": refusal.as_str(), "message": message } })
}

/// A command that was queued.
pub(super) fn accepted(request_id: &str) -> Value {
    json!({ "accepted": true, "requestId": request_id })
}

/// How one target stands.
pub(super) fn status(
    registration: &Registration,
    entry: &TargetEntry,
    around: &Surroundings,
) -> Value {
    let state = &entry.state;
    let brief = |rollout| brief(rollout, around);
    let mut status = json!({
        "target": registration.target,
        "standing": standing(&registration.status, &state.standing),
        "registeredAt": seconds(registration.registered_at),
        "current": state.current.as_ref().map(brief),
        "waiting": state.waiting.iter().map(brief).collect::<Vec<_>>(),
        "lastKnownGood": state.last_known_good,
        "quarantine": state.quarantine,
        "hold": hold(entry),
        "halted": state.halted.as_ref().map(|halted| json!({
            "since": halted.since.map(seconds),
            "rollout": brief(&halted.news.rollout),
        })),
        "warnings": state.warnings,
        "commands": state.commands.iter().map(|handled| json!({
            "requestId": handled.request_id,
            "command": handled.command,
            "at": seconds(handled.at),
            "refused": handled.refused.as_ref().map(Refusal::as_str),
        })).collect::<Vec<_>>(),
        "wake": state.wake.as_ref().map(|wake| json!({
            "at": seconds(wake.at),
            "waiting": waiting(&wake.waiting, state.current.as_ref().and_then(Rollout::stack)),
        })),
    });
    if let (Some(policy), Some(fields)) = (registration.policy(), status.as_object_mut()) {
        fields.insert("service".to_owned(), json!(policy.service));
    }
    status
}

/// The hold that stands, the one for everything before the target's own.
fn hold(entry: &TargetEntry) -> Value {
    let (by, hold) = match (&entry.hold, &entry.state.held) {
        (Some(hold), _) => ("parameter", hold),
        (None, Some(hold)) => ("command", hold),
        (None, None) => return Value::Null,
    };
    json!({ "by": by, "reason": hold.reason, "since": seconds(hold.since) })
}

fn standing(registered: &RegistrationStatus, standing: &Standing) -> Value {
    match (registered, standing) {
        (RegistrationStatus::Removed, _) => json!({ "is": "removed" }),
        (RegistrationStatus::Invalid { mistakes }, _)
        | (RegistrationStatus::Valid { .. }, Standing::Invalid { mistakes }) => {
            json!({ "is": "invalid", "mistakes": mistakes })
        }
        (RegistrationStatus::Valid { .. }, Standing::Pending { since, .. }) => {
            json!({ "is": "pending", "since": since.map(seconds) })
        }
        (RegistrationStatus::Valid { .. }, Standing::Adopted { .. }) => json!({ "is": "adopted" }),
    }
}

/// A rollout in a few fields.
pub(super) fn brief(rollout: &Rollout, around: &Surroundings) -> Value {
    let mut brief = json!({
        "id": rollout.id,
        "phase": rollout.phase.as_str(),
        "repository": rollout.push.repository,
        "tag": rollout.push.tag,
        "digest": rollout.digest(),
        "requestedAt": seconds(rollout.requested_at),
    });
    let Some(fields) = brief.as_object_mut() else {
        return brief;
    };
    if let Some((code, explanation)) = reason(rollout, around) {
        fields.insert(
            "reason".to_owned(),
            json!({ "code": code, "explanation": explanation }),
        );
    }
    if let Phase::Requested { waiting: on, .. } = &rollout.phase {
        fields.insert("waiting".to_owned(), waiting(on, rollout.stack()));
    }
    brief
}

/// Why a rollout is where it is; refusals are told whole by their notice.
fn reason(rollout: &Rollout, around: &Surroundings) -> Option<(&'static str, String)> {
    match &rollout.phase {
        Phase::RollingBack { failure, .. } | Phase::RolledBack { failure, .. } => {
            Some((failure.as_str(), message::failure(failure)))
        }
        Phase::Superseded { by } => Some((by.as_str(), message::superseded(by))),
        Phase::Rejected { reason } => Some((reason.as_str(), message::rejected_briefly(reason))),
        Phase::Halted { reason } => {
            let said = message::halted(reason, rollout.stack(), around);
            Some((reason.as_str(), said))
        }
        Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. } => None,
    }
}

/// A rollout whole: as it is stored, and what its stopped tasks mean.
pub(super) fn whole(rollout: &Rollout, around: &Surroundings) -> Value {
    let tasks = rollout.evidence.stopped_tasks.kept();
    let diagnosis: Vec<Value> = tasks
        .iter()
        .map(|task| {
            let cause = cause(task);
            let explained = message::diagnosis::cause(cause);
            json!({ "taskArn": task.task_arn, "cause": cause.as_str(),
                    "meaning": explained.meaning, "hint": explained.hint })
        })
        .collect();
    json!({ "summary": brief(rollout, around), "diagnosis": diagnosis, "rollout": rollout })
}

fn waiting(on: &Waiting, stack: Option<&StackRef>) -> Value {
    json!({ "code": on.as_str(), "explanation": message::waiting(on, stack) })
}

/// Says why nothing is happening, the weightiest reason first.
pub(super) fn explanation(
    registration: &Registration,
    entry: &TargetEntry,
    last: Option<&Rollout>,
    ignored: &[IgnoredPush],
    around: &Surroundings,
) -> Value {
    let state = &entry.state;
    let newest: Vec<Value> = state
        .newest
        .iter()
        .map(|(repository, push)| {
            json!({ "repository": repository, "tag": push.tag,
            "digest": push.digest, "taggedAt": seconds(push.tagged_at) })
        })
        .collect();
    json!({
        "target": registration.target,
        "because": message::explanation(registration, entry, last, around),
        "newestAccepted": newest,
        "follows": registration.policy().map(|policy| &policy.images),
        "lastFinished": last.map(|last| brief(last, around)),
        "ignored": ignored.iter().map(ignored_push).collect::<Vec<_>>(),
    })
}

fn ignored_push(ignored: &IgnoredPush) -> Value {
    let IgnoredPush { push, reason } = ignored;
    json!({ "repository": push.repository, "tag": push.tag, "digest": push.digest,
            "taggedAt": seconds(push.tagged_at),
            "reason": { "code": reason.as_str(), "explanation": message::ignored(reason) } })
}

fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}
