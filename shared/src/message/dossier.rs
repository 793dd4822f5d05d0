//! Everything about a version that is taken back, in one message.
//!
//! What was pushed and what was tried, which task stopped and why, what the load
//! balancer and the alarms said, the last lines of the container that failed,
//! the diagnosis, what runs now, what to do next, and how to do it by hand.

mod fields;
mod found;
#[cfg(test)]
mod tests;

use super::{NOT_KEPT_OUT, Surroundings, diagnosis, failure, kept_out, shared_alarm, start_digest};
use crate::core::diagnosis::cause as cause_of;
use crate::core::diagnosis::service_trouble::ServiceTrouble;
use crate::core::diagnosis::target_health::{TargetVerdict, judge, weight};
use crate::core::evidence::{AlarmChange, StoppedTask, TargetHealth, ToldTrouble};
use crate::core::failure::Failure;
use crate::core::reason::Halted;
use crate::core::rollout::{Phase, RolledBackBy, Way};
use crate::core::shared_alarm::Sharing;
use crate::findings::Findings;
use crate::notice::{RolloutNews, Runs};
use crate::redact::redact;

pub(super) use fields::{change, fields};

/// How many stopped tasks a message shows.
const TASKS_SHOWN: usize = 3;
/// How many targets of a load balancer a message shows.
const TARGETS_SHOWN: usize = 3;
/// How many changes of alarms a message shows.
const CHANGES_SHOWN: usize = 5;
/// How many of the things that ECS complained of a message shows.
const TROUBLES_SHOWN: usize = 5;

/// Writes all of it but the headline; nothing for a rollout that was not taken back.
pub(super) fn paragraphs(
    news: &RolloutNews,
    surroundings: &Surroundings,
    findings: &Findings,
) -> Vec<String> {
    let Some(outcome) = outcome(news) else {
        return Vec::new();
    };
    let mut paragraphs = vec![outcome];
    paragraphs.extend(news.start.as_ref().and_then(super::no_way_back));
    paragraphs.extend(tasks_text(news));
    paragraphs.extend(troubles_text(news));
    paragraphs.extend(health_text(news));
    paragraphs.extend(alarms_text(news));
    paragraphs.extend(sharing_text(news));
    let hint = news.failure().and_then(failure::hint);
    paragraphs.extend(hint.map(str::to_owned));
    paragraphs.extend(found::log(&findings.log));
    paragraphs.push(next(news, surroundings));
    paragraphs
        .extend(by_hand(news, surroundings).map(|(in_case, line)| format!("{in_case}:\n  {line}")));
    paragraphs.push(facts(news, findings));
    paragraphs
}

/// Says what became of it and why; `None` for a rollout that no dossier is kept of.
fn outcome(news: &RolloutNews) -> Option<String> {
    let bad = |why| redact(&failure::failure(why));
    match &news.rollout.phase {
        Phase::RollingBack {
            failure: why @ Failure::PutBackByHand,
            ..
        } => Some(format!("{} Pushboat watches it get there.", bad(why))),
        Phase::RollingBack { failure, .. } => Some(format!(
            "{} The service goes back to the last good version.",
            bad(failure)
        )),
        Phase::RolledBack { failure, by, .. } => {
            Some(format!("{} {}", bad(failure), failure::taken_back_by(*by)))
        }
        Phase::Halted { reason } => Some(redact(&super::halted(reason))),
        Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. } => None,
    }
}

/// Says what runs, or what the service goes to, where that is known.
fn runs(news: &RolloutNews) -> Option<&str> {
    match &news.rollout.phase {
        Phase::RollingBack { back, .. } => Some(&back.to),
        Phase::RolledBack { revision, .. } => Some(revision),
        Phase::Halted {
            reason: Halted::WentElsewhere {
                task_definition, ..
            },
        } => Some(task_definition),
        Phase::Halted { .. }
        | Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. } => None,
    }
}

/// Says what happens next, and what a person can do.
fn next(news: &RolloutNews, surroundings: &Surroundings) -> String {
    match &news.rollout.phase {
        Phase::RollingBack { .. } => {
            "Nothing has to be done now: another notice tells when the last good version runs again.".to_owned()
        }
        Phase::Halted { .. } => {
            halted_next(news, surroundings)
        }
        Phase::RolledBack { failure, .. } if failure.quarantines() => {
            kept_out(&news.rollout, start_digest(news), surroundings)
        }
        Phase::RolledBack { .. }
        | Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. } => NOT_KEPT_OUT.to_owned(),
    }
}

/// Says how a person goes on after a halt, and how to hear no more of it.
fn halted_next(news: &RolloutNews, surroundings: &Surroundings) -> String {
    let repeated = news.halted_since.map_or_else(String::new, |since| {
        format!("It halted at {since:.0}, and nobody has said how to go on since. ")
    });
    let back = match news.last_known_good {
        Some(_) => "; `rollback` tries the way back once more",
        None => "",
    };
    format!(
        "{repeated}Pushboat leaves the service as it is and tells of it each hour until a person decides. To go on, push a fixed version or give the command `deploy`{back}. If you put it right by hand, end these notices with:\n  {}",
        surroundings.resume(&news.rollout.policy.target)
    )
}

/// Writes the plain AWS CLI line that brings back what is good, and what it does.
fn by_hand(news: &RolloutNews, surroundings: &Surroundings) -> Option<(&'static str, String)> {
    let (in_case, revision) = match (&news.rollout.phase, &news.last_known_good) {
        (Phase::RollingBack { back, .. }, _) => {
            ("Should it ever have to be done by hand", &back.to)
        }
        (Phase::RolledBack { revision, .. }, _) => {
            ("Should it have to be done again by hand", revision)
        }
        (_, Some(good)) => ("To bring the last good version back by hand", good),
        (_, None) => return None,
    };
    let service = &news.rollout.policy.service;
    Some((in_case, surroundings.update_service(service, revision)))
}

fn tasks_text(news: &RolloutNews) -> Option<String> {
    let (shown, more) = tasks(news);
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
fn tasks(news: &RolloutNews) -> (Vec<&StoppedTask>, u64) {
    let mut tasks = news.failed_tasks();
    let running = news.running.as_ref();
    let dropped: u64 = running
        .map(|running| {
            let evidence = &news.rollout.evidence.stopped_tasks;
            let dropped = evidence.dropped_of(&running.deployment);
            dropped.map(|(_, count)| u64::from(count)).sum()
        })
        .unwrap_or_default();
    let hidden = u64::try_from(tasks.len().saturating_sub(TASKS_SHOWN)).unwrap_or_default();
    tasks.truncate(TASKS_SHOWN);
    (tasks, hidden + dropped)
}

fn short_id(task: &StoppedTask) -> &str {
    task.task_arn.rsplit('/').next().unwrap_or_default()
}

/// Says why a task stopped, alike for all that stopped alike.
fn task_text(task: &StoppedTask) -> String {
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

fn troubles_text(news: &RolloutNews) -> Option<String> {
    let lines: Vec<String> = troubles(news)
        .into_iter()
        .map(|(told, trouble)| trouble_text(told, &trouble))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Gives what ECS complained of, the latest last.
fn troubles(news: &RolloutNews) -> Vec<(&ToldTrouble, ServiceTrouble)> {
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

fn taken_back_by_ecs(news: &RolloutNews) -> bool {
    let phase = &news.rollout.phase;
    let by = RolledBackBy::Ecs;
    match phase.back() {
        Some(back) => back.way == Way::Observed { by },
        None => !matches!(phase, Phase::RolledBack { by: other, .. } if *other != by),
    }
}

fn trouble_text(told: &ToldTrouble, trouble: &ServiceTrouble) -> String {
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

fn health_text(news: &RolloutNews) -> Option<String> {
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
fn unhealthy(news: &RolloutNews) -> Vec<&TargetHealth> {
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

fn target_text(health: &TargetHealth) -> String {
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

fn alarms_text(news: &RolloutNews) -> Option<String> {
    let lines: Vec<String> = changes(news).into_iter().map(change_text).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Gives the last changes of the alarms that count, the last one last.
fn changes(news: &RolloutNews) -> Vec<&AlarmChange> {
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
fn shared(news: &RolloutNews) -> Vec<(&str, &Sharing)> {
    let (Some(Failure::AlarmFired { alarms }), Some(start)) = (news.failure(), &news.start) else {
        return Vec::new();
    };
    let watches = start.alarms.iter();
    watches
        .filter(|watch| alarms.contains(&watch.name))
        .filter_map(|watch| Some((watch.name.as_str(), watch.sharing.as_ref()?)))
        .collect()
}

fn sharing_text(news: &RolloutNews) -> Option<String> {
    let lines: Vec<String> = shared(news)
        .into_iter()
        .map(|(alarm, sharing)| shared_alarm::taken_back(alarm, sharing))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// Tells of an alarm that fired while nothing was under way.
pub(super) fn alarm(change: &AlarmChange, runs: Option<&Runs>) -> Vec<String> {
    let runs = match runs {
        Some(runs) => format!(
            "The service runs {}, deployed at {:.0}.",
            runs.task_definition, runs.since
        ),
        None => "What the service runs could not be read.".to_owned(),
    };
    vec![
        change_text(change),
        format!("{runs} No rollout is under way, so nothing is done about it: this is told once."),
    ]
}

fn change_text(change: &AlarmChange) -> String {
    format!(
        "Alarm {} went to {} at {:.0}: {}",
        change.name,
        change.state.as_str(),
        change.at,
        redact(&change.reason)
    )
}

/// Lists what was pushed and what was tried.
fn facts(news: &RolloutNews, findings: &Findings) -> String {
    let mut lines = vec![super::facts(&news.rollout, news.start.as_ref())];
    if let Some(running) = &news.running {
        lines.push(format!("Tried:    {}", running.revision));
        lines.push(format!("Deployed: {:.0}", running.asked_at));
    }
    if let Some(revision) = runs(news) {
        let label = match news.rollout.phase {
            Phase::RollingBack { .. } => "Going to:",
            _ => "Runs:    ",
        };
        let tag = match &news.last_known_good_tag {
            Some(tag) if news.last_known_good.as_deref() == Some(revision) => format!(" ({tag})"),
            Some(_) | None => String::new(),
        };
        lines.push(format!("{label} {revision}{tag}"));
    }
    lines.extend(found::image(&findings.image));
    lines.join("\n")
}
