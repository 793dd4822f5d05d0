//! What was kept of a version that is taken back: tasks, complaints, health, alarms.

use super::super::{diagnosis, shared_alarm};
use crate::core::diagnosis::service_trouble::ServiceTrouble;
use crate::core::diagnosis::target_health::{TargetVerdict, judge, weight};
use crate::core::diagnosis::{Cause, cause as cause_of};
use crate::core::evidence::{AlarmChange, StoppedTask, TargetHealth, ToldTrouble};
use crate::core::failure::Failure;
use crate::core::reason::Halted;
use crate::core::rollout::{Phase, RolledBackBy, Way};
use crate::core::shared_alarm::Sharing;
use crate::notice::RolloutNews;
use crate::redact::redact;

/// How many stopped tasks a message shows.
pub(super) const TASKS_SHOWN: usize = 3;
/// How many of them stopped on a way back that did not end: the largest message has to fit.
const GOOD_TASKS_SHOWN: usize = 1;
/// How many targets of a load balancer a message shows.
pub(super) const TARGETS_SHOWN: usize = 3;
/// How many changes of alarms a message shows.
pub(super) const CHANGES_SHOWN: usize = 5;
/// How many of the things that ECS complained of a message shows.
pub(super) const TROUBLES_SHOWN: usize = 5;

pub(super) fn tasks_text(news: &RolloutNews) -> Option<String> {
    let (shown, more) = tasks(news);
    alike_text(shown, more)
}

/// Says which tasks of the last good version failed, and what to look at.
pub(super) fn good_tasks_text(news: &RolloutNews) -> Option<String> {
    let (shown, more) = good_tasks(news);
    let hint = shown
        .first()
        .map(|task| diagnosis::cause(cause_of(task)).hint)?;
    let text = alike_text(shown, more)?;
    Some(format!("Of the last good version:\n{text}\n{hint}"))
}

/// Gives the tasks of the last good version that failed where the way back did not end.
///
/// The latest one tells most: those that it lost before were its own.
pub(super) fn good_tasks(news: &RolloutNews) -> (Vec<&StoppedTask>, u64) {
    let (Some(good), Some(running)) = (&news.last_known_good, &news.running) else {
        return (Vec::new(), 0);
    };
    let on_the_way_back = match &news.rollout.phase {
        Phase::Halted {
            reason: Halted::WayBackTooLong { .. } | Halted::WayBackFailed { .. },
        } => *good != running.revision,
        _ => false,
    };
    let kept = news.rollout.evidence.stopped_tasks.kept().iter();
    let failed = kept.rev().filter(|task| {
        on_the_way_back && task.task_definition == *good && cause_of(task) != Cause::ScaledIn
    });
    let mut tasks: Vec<&StoppedTask> = failed.collect();
    let hidden = u64::try_from(tasks.len().saturating_sub(GOOD_TASKS_SHOWN)).unwrap_or_default();
    tasks.truncate(GOOD_TASKS_SHOWN);
    (tasks, hidden)
}

/// Names tasks that stopped alike together.
fn alike_text(shown: Vec<&StoppedTask>, more: u64) -> Option<String> {
    if shown.is_empty() {
        return None;
    }
    let mut alike: Vec<(String, Vec<&str>)> = Vec::new();
    for task in shown {
        let (id, text) = (short_id(task), task_text(task));
        match alike.iter_mut().find(|(known, _)| *known == text) {
            Some((_, ids)) => ids.push(id),
            None => alike.push((text, vec![id])),
        }
    }
    let mut lines: Vec<String> = alike
        .into_iter()
        .map(|(text, ids)| match ids.as_slice() {
            [one] => format!("Task {one}: {text}"),
            several => format!("Tasks {}: {text}", several.join(", ")),
        })
        .collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    Some(lines.join("\n"))
}

/// Gives the tasks that are shown, and how many more there were.
pub(super) fn tasks(news: &RolloutNews) -> (Vec<&StoppedTask>, u64) {
    let mut tasks = news.failed_tasks();
    let running = news.running.as_ref();
    let dropped: u64 = running
        .map(|running| {
            let evidence = &news.rollout.evidence.stopped_tasks;
            let dropped = evidence.dropped_of(&running.deployment);
            dropped.map(|(_, count)| u64::from(count)).sum()
        })
        .unwrap_or_default();
    let room = TASKS_SHOWN - good_tasks(news).0.len();
    let hidden = u64::try_from(tasks.len().saturating_sub(room)).unwrap_or_default();
    tasks.truncate(room);
    (tasks, hidden + dropped)
}

pub(super) fn short_id(task: &StoppedTask) -> &str {
    task.task_arn.rsplit('/').next().unwrap_or_default()
}

/// Says why a task stopped, alike for all that stopped alike.
pub(super) fn task_text(task: &StoppedTask) -> String {
    let meaning = diagnosis::cause(cause_of(task)).meaning;
    let code = match task.stop_code.as_str() {
        "" => "no stop code",
        code => code,
    };
    let mut lines = vec![
        meaning.to_owned(),
        format!("  {code}: {}", redact(&task.stopped_reason)),
    ];
    for container in &task.containers {
        let exit = match container.exit_code {
            Some(code) => format!("exit code {code}"),
            None => "no exit code".to_owned(),
        };
        let reason = match container.reason.as_str() {
            "" => String::new(),
            reason => format!(", {}", redact(reason)),
        };
        lines.push(format!("  container {}: {exit}{reason}", container.name));
    }
    lines.join("\n")
}

pub(super) fn troubles_text(news: &RolloutNews) -> Option<String> {
    let lines: Vec<String> = troubles(news)
        .into_iter()
        .map(|(told, trouble)| trouble_text(told, &trouble))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Gives what ECS complained of, the latest last.
pub(super) fn troubles(news: &RolloutNews) -> Vec<(&ToldTrouble, ServiceTrouble)> {
    let kept = news.rollout.evidence.service_troubles.kept();
    let first = kept.len().saturating_sub(TROUBLES_SHOWN);
    let mut shown: Vec<(&ToldTrouble, ServiceTrouble)> = Vec::new();
    for told in kept.iter().skip(first) {
        let Some(trouble) = told.last.trouble() else {
            continue;
        };
        // ECS says it in the same words whoever asked for the rollback.
        if matches!(trouble, ServiceTrouble::RollingBack { .. }) && !taken_back_by_ecs(news) {
            continue;
        }
        // It comes as an event and as a message of the service.
        shown.retain(|(_, known)| *known != trouble);
        shown.push((told, trouble));
    }
    shown
}

pub(super) fn taken_back_by_ecs(news: &RolloutNews) -> bool {
    let phase = &news.rollout.phase;
    let by = RolledBackBy::Ecs;
    match phase.back() {
        Some(back) => back.way == Way::Observed { by },
        None => !matches!(phase, Phase::RolledBack { by: other, .. } if *other != by),
    }
}

pub(super) fn trouble_text(told: &ToldTrouble, trouble: &ServiceTrouble) -> String {
    let when = match told.times {
        0 | 1 => format!("at {:.0}", told.last.at),
        times => format!(
            "{times} times from {:.0} to {:.0}",
            told.first_at, told.last.at
        ),
    };
    let words = match told.last.reason.as_str() {
        "" => String::new(),
        reason => format!(": {}", redact(reason)),
    };
    let sentence = redact(&diagnosis::service_trouble(trouble));
    let name = match told.last.name.as_str() {
        "" => "service event",
        name => name,
    };
    format!("{sentence}\n  {name}, {when}{words}")
}

pub(super) fn health_text(news: &RolloutNews) -> Option<String> {
    let unhealthy = unhealthy(news);
    let shown = unhealthy.iter().take(TARGETS_SHOWN);
    let mut lines: Vec<String> = shown.clone().map(|health| target_text(health)).collect();
    let more = unhealthy.len().saturating_sub(TARGETS_SHOWN);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    for health in shown {
        let hint = diagnosis::target_hint(health);
        if !lines.iter().any(|line| line == hint) {
            lines.push(hint.to_owned());
        }
    }
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Gives the targets that the load balancer complained of, those that tell most first.
pub(super) fn unhealthy(news: &RolloutNews) -> Vec<&TargetHealth> {
    let health = news.rollout.evidence.target_health.iter();
    let mut unhealthy: Vec<&TargetHealth> = health
        .filter(|health| {
            !matches!(
                judge(health),
                TargetVerdict::Healthy | TargetVerdict::Settling
            )
        })
        .collect();
    unhealthy.sort_by_key(|health| std::cmp::Reverse(weight(health)));
    unhealthy
}

pub(super) fn target_text(health: &TargetHealth) -> String {
    let port = health
        .port
        .map(|port| format!(":{port}"))
        .unwrap_or_default();
    let said: Vec<String> = [&health.reason, &health.description]
        .into_iter()
        .filter(|text| !text.is_empty())
        .map(|text| redact(text))
        .collect();
    format!(
        "Target {}{port} is {}: {} ({}).",
        health.target,
        health.state,
        said.join(", "),
        diagnosis::target_verdict(judge(health))
    )
}

pub(super) fn alarms_text(news: &RolloutNews) -> Option<String> {
    let lines: Vec<String> = changes(news).into_iter().map(change_text).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Gives the last changes of the alarms that count, the last one last.
pub(super) fn changes(news: &RolloutNews) -> Vec<&AlarmChange> {
    let Some(Failure::AlarmFired { alarms }) = news.failure() else {
        return Vec::new();
    };
    let kept = news.rollout.evidence.alarm_changes.kept().iter();
    let ours: Vec<&AlarmChange> = kept
        .filter(|change| alarms.contains(&change.name))
        .collect();
    let first = ours.len().saturating_sub(CHANGES_SHOWN);
    ours.into_iter().skip(first).collect()
}

/// Gives the alarms that count and that other targets watch too.
pub(super) fn shared(news: &RolloutNews) -> Vec<(&str, &Sharing)> {
    let (Some(Failure::AlarmFired { alarms }), Some(start)) = (news.failure(), &news.start) else {
        return Vec::new();
    };
    let watches = start.alarms.iter();
    watches
        .filter(|watch| alarms.contains(&watch.name))
        .filter_map(|watch| Some((watch.name.as_str(), watch.sharing.as_ref()?)))
        .collect()
}

pub(super) fn sharing_text(news: &RolloutNews) -> Option<String> {
    let lines: Vec<String> = shared(news)
        .into_iter()
        .map(|(alarm, sharing)| shared_alarm::taken_back(alarm, sharing))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

pub(super) fn change_text(change: &AlarmChange) -> String {
    format!(
        "Alarm {} went to {} at {:.0}: {}",
        change.name,
        change.state.as_str(),
        change.at,
        redact(&change.reason)
    )
}
