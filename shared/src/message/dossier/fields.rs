//! The dossier in the JSON document; documented in `docs/notices.md`.

use serde_json::{Map, Value, json};

use super::super::document::seconds;
use super::super::{Surroundings, diagnosis, failure};
use super::evidence::{TARGETS_SHOWN, changes, good_tasks, shared, tasks, troubles, unhealthy};
use super::{by_hand, outcome, runs};
use crate::core::diagnosis::cause as cause_of;
use crate::core::diagnosis::service_trouble::ServiceTrouble;
use crate::core::diagnosis::target_health::judge;
use crate::core::evidence::{AlarmChange, StoppedTask, TargetHealth, ToldTrouble};
use crate::core::failure::Failure;
use crate::core::rollout::{Phase, Running};
use crate::core::shared_alarm::{Sharing, Turn};
use crate::findings::{Findings, ImageFinding, LogFinding};
use crate::notice::RolloutNews;
use crate::redact::redact;

/// Writes what the text says as fields; `None` for a rollout that was not taken back.
pub(in crate::message) fn fields(
    news: &RolloutNews,
    surroundings: &Surroundings,
    findings: &Findings,
) -> Option<Value> {
    outcome(news, surroundings)?;
    let mut fields = Map::new();
    let mut insert = |name: &str, value: Value| {
        let empty = value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(Map::is_empty);
        if !value.is_null() && !empty {
            fields.insert(name.to_owned(), value);
        }
    };
    insert("failure", news.failure().map_or(Value::Null, failure_of));
    insert("tried", news.running.as_ref().map_or(Value::Null, tried));
    let runs_or_will = match news.rollout.phase {
        Phase::RollingBack { .. } => "goingTo",
        _ => "runs",
    };
    insert(runs_or_will, json!(runs(news)));
    let (shown, more) = tasks(news);
    insert("stoppedTasks", shown.into_iter().map(task).collect());
    if more > 0 {
        insert("moreStoppedTasks", json!(more));
    }
    let (good, _) = good_tasks(news);
    insert("goodStoppedTasks", good.into_iter().map(task).collect());
    insert(
        "serviceTroubles",
        troubles(news)
            .into_iter()
            .map(|(told, trouble)| service_trouble(told, &trouble))
            .collect(),
    );
    let targets = unhealthy(news);
    insert(
        "targetHealth",
        targets
            .iter()
            .take(TARGETS_SHOWN)
            .map(|health| target(health))
            .collect(),
    );
    if targets.len() > TARGETS_SHOWN {
        insert("moreTargets", json!(targets.len() - TARGETS_SHOWN));
    }
    insert(
        "alarmChanges",
        changes(news).into_iter().map(change).collect(),
    );
    insert(
        "sharedAlarms",
        shared(news).into_iter().map(sharing).collect(),
    );
    insert("log", log(&findings.log));
    insert("image", image(&findings.image));
    insert("byHand", json!(by_hand(news, surroundings)));
    Some(Value::Object(fields))
}

fn failure_of(failure: &Failure) -> Value {
    let mut fields = json!({
        "code": failure.as_str(),
        "explanation": redact(&failure::failure(failure)),
    });
    if let (Some(cause), Some(fields)) = (failure.cause(), fields.as_object_mut()) {
        fields.insert("cause".to_owned(), json!(cause.as_str()));
        fields.insert("hint".to_owned(), json!(diagnosis::cause(cause).hint));
    }
    fields
}

fn tried(running: &Running) -> Value {
    json!({
        "taskDefinition": running.revision,
        "deployment": running.deployment,
        "askedAt": seconds(running.asked_at),
    })
}

fn task(task: &StoppedTask) -> Value {
    let cause = cause_of(task);
    let containers: Vec<Value> = task
        .containers
        .iter()
        .map(|container| {
            json!({
                "name": container.name,
                "exitCode": container.exit_code,
                "reason": redact(&container.reason),
            })
        })
        .collect();
    json!({
        "taskArn": task.task_arn,
        "stopCode": task.stop_code,
        "stoppedReason": redact(&task.stopped_reason),
        "stoppedAt": task.stopped_at.map(seconds),
        "cause": cause.as_str(),
        "meaning": diagnosis::cause(cause).meaning,
        "containers": containers,
    })
}

fn service_trouble(told: &ToldTrouble, trouble: &ServiceTrouble) -> Value {
    json!({
        "trouble": trouble.as_str(),
        "event": told.last.name,
        "reason": redact(&told.last.reason),
        "deployment": told.last.deployment,
        "firstAt": seconds(told.first_at),
        "lastAt": seconds(told.last.at),
        "times": told.times,
        "meaning": redact(&diagnosis::service_trouble(trouble)),
        "fault": diagnosis::verdict(trouble.verdict()),
    })
}

fn target(health: &TargetHealth) -> Value {
    json!({
        "targetGroupArn": health.target_group_arn,
        "target": health.target,
        "port": health.port,
        "state": health.state,
        "reason": health.reason,
        "description": redact(&health.description),
        "meaning": diagnosis::target_verdict(judge(health)),
        "hint": diagnosis::target_hint(health),
    })
}

pub(in crate::message) fn change(change: &AlarmChange) -> Value {
    json!({
        "alarm": change.name,
        "state": change.state.as_str(),
        "reason": redact(&change.reason),
        "at": seconds(change.at),
    })
}

fn sharing((alarm, sharing): (&str, &Sharing)) -> Value {
    let went_first = match &sharing.turn {
        Turn::Yields { gone_back, .. } => gone_back.as_ref(),
        Turn::Own | Turn::Acquitted { .. } => None,
    };
    json!({ "alarm": alarm, "with": sharing.with, "wentFirst": went_first })
}

fn log(finding: &LogFinding) -> Value {
    match finding {
        LogFinding::NotSought => Value::Null,
        LogFinding::Tail {
            container,
            group,
            stream,
            lines,
        } => json!({ "container": container, "group": group, "stream": stream, "lines": lines }),
        LogFinding::Elsewhere {
            container,
            driver,
            options,
        } => json!({ "container": container, "driver": driver, "options": options }),
        LogFinding::Unreadable { container, problem } => {
            json!({ "container": container, "problem": problem })
        }
    }
}

fn image(finding: &ImageFinding) -> Value {
    let labels = match finding {
        ImageFinding::NotSought => return Value::Null,
        ImageFinding::Unreadable { problem } => return json!({ "problem": problem }),
        ImageFinding::Labels(labels) => labels,
    };
    let mut fields = Map::new();
    for (name, value) in [
        ("revision", &labels.revision),
        ("source", &labels.source),
        ("authors", &labels.authors),
        ("version", &labels.version),
        ("created", &labels.created),
    ] {
        if let Some(value) = value {
            fields.insert(name.to_owned(), json!(value));
        }
    }
    Value::Object(fields)
}
