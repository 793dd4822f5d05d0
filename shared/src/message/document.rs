//! The JSON document of a notice; documented in `docs/notices.md`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Surroundings, dossier, firing_alarm, reason};
use crate::core::push::PushSource;
use crate::core::rollout::{Phase, Rollout, Start};
use crate::findings::Findings;
use crate::notice::{News, Notice, RolloutNews};
use crate::redact::redact;

/// The version of the document's shape; fields are only ever added to one.
const VERSION: &str = "1";

/// Writes the document.
pub(super) fn document(
    notice: &Notice,
    headline: &str,
    surroundings: &Surroundings,
    findings: &Findings,
) -> Value {
    let mut document = json!({
        "version": VERSION,
        "id": notice.id,
        "event": notice.event(),
        "target": notice.target,
        "severity": notice.severity(),
        "at": seconds(notice.at),
        "summary": headline,
    });
    let Some(fields) = document.as_object_mut() else {
        return document;
    };
    if let Some(outcome) = notice.outcome() {
        fields.insert("outcome".to_owned(), json!(outcome));
    }
    members(notice, surroundings, findings, fields);
    document
}

/// Writes the members that only this kind of news has.
fn members(
    notice: &Notice,
    surroundings: &Surroundings,
    findings: &Findings,
    fields: &mut Map<String, Value>,
) {
    match &notice.news {
        News::Rollout(news) => {
            rollout(news, surroundings, fields);
            beside_rollout(news, fields);
            if let Some(dossier) = dossier::fields(news, surroundings, findings) {
                fields.insert("dossier".to_owned(), dossier);
            }
        }
        News::TargetInvalid { mistakes } => {
            fields.insert("mistakes".to_owned(), json!(mistakes));
        }
        News::ServiceMissing { mistake } => {
            fields.insert("mistakes".to_owned(), json!([mistake]));
        }
        News::TargetWarned { warnings } => {
            fields.insert("warnings".to_owned(), json!(warnings));
        }
        News::AlarmFired { change, runs } => {
            fields.insert("alarm".to_owned(), dossier::change(change));
            if let Some(runs) = runs {
                let since = seconds(runs.since);
                fields.insert(
                    "runs".to_owned(),
                    json!({ "taskDefinition": runs.task_definition, "since": since }),
                );
            }
        }
        News::Adopted { images } => {
            fields.insert("images".to_owned(), json!(images));
        }
        News::Command { command, refused } => {
            fields.insert("requestId".to_owned(), json!(command.request_id));
            fields.insert("order".to_owned(), json!(command.order));
            if let Some(refused) = refused {
                let explanation = super::refusal(refused, &notice.target, surroundings);
                fields.insert(
                    "reason".to_owned(),
                    json!({ "code": refused.as_str(), "explanation": explanation }),
                );
            }
        }
        News::RolloutYields { rollout, alarm, to } => {
            let explanation = super::shared_alarm::yields(alarm, to);
            let reason = json!({ "code": "shared-alarm", "explanation": explanation });
            fields.insert("alarm".to_owned(), json!({ "alarm": alarm }));
            stays(rollout, reason, fields);
        }
        News::DeploymentPaused { rollout, hook } => {
            let explanation = super::paused_hook::deployment(hook, surroundings);
            let reason = json!({ "code": "paused-hook", "explanation": explanation, "hook": hook });
            stays(rollout, reason, fields);
        }
        News::WayBackPaused { rollout, hook } => {
            let explanation = super::paused_hook::way_back(hook, surroundings);
            let reason = json!({ "code": "paused-hook", "explanation": explanation, "hook": hook });
            stays(rollout, reason, fields);
        }
        News::ApprovalAsked { rollout } => stays(rollout, approval(rollout), fields),
        News::RolloutHeld { rollout, hold, .. } => {
            let reason = json!({ "code": "held", "explanation": hold.reason });
            stays(rollout, reason, fields);
        }
    }
}

/// Writes what was before the phase that is told.
fn beside_rollout(news: &RolloutNews, fields: &mut Map<String, Value>) {
    if let Some(why) = &news.taken_back_for {
        let explanation = redact(&super::failure(why));
        let why = json!({ "code": why.as_str(), "explanation": explanation });
        fields.insert("takenBackFor".to_owned(), why);
    }
    if let Some(since) = news.halted_since {
        fields.insert("repeats".to_owned(), json!({ "since": seconds(since) }));
    }
}

/// What a person is asked to approve.
fn approval(rollout: &Rollout) -> Value {
    let asked = rollout.phase.approval();
    json!({
        "code": "approval",
        "changeSet": asked.map(|asked| &asked.change_set),
        "changes": asked.map(|asked| &asked.unexpected),
    })
}

/// A rollout that stays as it is, and why.
fn stays(rollout: &Rollout, reason: Value, fields: &mut Map<String, Value>) {
    let described = described(rollout, rollout.phase.start().map(|start| &**start));
    fields.insert("rollout".to_owned(), described);
    fields.insert("reason".to_owned(), reason);
}

fn rollout(news: &RolloutNews, surroundings: &Surroundings, fields: &mut Map<String, Value>) {
    let rollout = &news.rollout;
    fields.insert(
        "rollout".to_owned(),
        described(rollout, news.start.as_deref()),
    );
    let (code, explanation) = match &rollout.phase {
        Phase::Superseded { by } => (by.as_str(), reason::superseded(by)),
        Phase::Rejected { reason } => (
            reason.as_str(),
            reason::rejected(reason, &rollout.policy.target, surroundings),
        ),
        Phase::Halted { reason } => {
            let said = reason::halted(reason, rollout.stack(), surroundings);
            (reason.as_str(), said)
        }
        Phase::RollingBack { failure, .. } | Phase::RolledBack { failure, .. } => {
            (failure.as_str(), super::failure(failure))
        }
        Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. } => return,
    };
    fields.insert(
        "reason".to_owned(),
        json!({ "code": code, "explanation": redact(&explanation) }),
    );
}

fn described(rollout: &Rollout, start: Option<&Start>) -> Value {
    let push = &rollout.push;
    let mut described = json!({
        "id": rollout.id,
        "service": rollout.policy.service,
        "repository": push.repository,
        "tag": push.tag,
        "digest": start.map_or(&push.digest, |start| &start.digest),
        "requestedAt": seconds(rollout.requested_at),
    });
    let Some(fields) = described.as_object_mut() else {
        return described;
    };
    if let Some(stack) = &rollout.policy.stack {
        fields.insert("stack".to_owned(), json!(stack.name));
    }
    let pushed_or_asked = match push.source {
        PushSource::Event | PushSource::Found => "pushedAt",
        PushSource::Operator => "askedAt",
    };
    fields.insert(pushed_or_asked.to_owned(), json!(seconds(push.tagged_at)));
    if let Some(start) = start {
        fields.insert("startedAt".to_owned(), json!(seconds(start.at)));
        fields.insert(
            "taskDefinitionBefore".to_owned(),
            json!(start.base_task_definition),
        );
        fields.insert("containers".to_owned(), json!(start.containers));
        if let Some(gone) = &start.no_way_back {
            fields.insert("noWayBack".to_owned(), json!(gone));
        }
        let ignored = firing_alarm::ignored(start);
        if !ignored.is_empty() {
            fields.insert("ignoredAlarms".to_owned(), json!(ignored));
        }
    }
    let revision = match &rollout.phase {
        Phase::Starting { revision, .. } => revision.as_ref(),
        Phase::Progressing { running, .. } | Phase::Baking { running, .. } => {
            Some(&running.revision)
        }
        Phase::RollingBack { back, .. } => Some(&back.to),
        Phase::RolledBack { revision, .. } => Some(revision),
        Phase::Succeeded { revision } | Phase::ScaledToZero { revision } => Some(revision),
        Phase::Requested { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => None,
    };
    if let Some(revision) = revision {
        fields.insert("taskDefinition".to_owned(), json!(revision));
    }
    described
}

/// Writes a time to the second, in UTC.
pub(super) fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}
