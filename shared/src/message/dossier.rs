//! Everything about a version that is taken back, in one message.
//!
//! What was pushed and what was tried, which task stopped and why, what the load
//! balancer and the alarms said, the last lines of the container that failed,
//! the diagnosis, what runs now, what to do next, and how to do it by hand.

mod evidence;
mod fields;
mod found;
#[cfg(test)]
mod tests;

use super::by_hand::{Good, Through, bring_back};
use super::{NOT_KEPT_OUT, Surroundings, failure, kept_out, start_digest};
use crate::core::evidence::AlarmChange;
use crate::core::failure::Failure;
use crate::core::reason::Halted;
use crate::core::rollout::Phase;
use crate::findings::Findings;
use crate::notice::{RolloutNews, Runs};
use crate::redact::redact;

use evidence::{
    alarms_text, change_text, good_tasks_text, health_text, sharing_text, tasks_text, troubles_text,
};
pub(super) use fields::{change, fields};

/// Writes all of it but the headline; nothing for a rollout that was not taken back.
pub(super) fn paragraphs(
    news: &RolloutNews,
    surroundings: &Surroundings,
    findings: &Findings,
) -> Vec<String> {
    let Some(outcome) = outcome(news, surroundings) else {
        return Vec::new();
    };
    let mut paragraphs = vec![outcome];
    paragraphs.extend(news.start.as_deref().and_then(super::no_way_back));
    paragraphs.extend(tasks_text(news));
    paragraphs.extend(good_tasks_text(news));
    paragraphs.extend(troubles_text(news));
    paragraphs.extend(health_text(news));
    paragraphs.extend(alarms_text(news));
    paragraphs.extend(sharing_text(news));
    let hint = news.failure().and_then(failure::hint);
    paragraphs.extend(hint.map(str::to_owned));
    paragraphs.extend(found::log(&findings.log));
    paragraphs.push(next(news, surroundings));
    paragraphs.extend(by_hand_text(news, surroundings));
    paragraphs.push(facts(news, findings));
    paragraphs
}

/// Says what became of it and why; `None` for a rollout that no dossier is kept of.
fn outcome(news: &RolloutNews, surroundings: &Surroundings) -> Option<String> {
    let bad = |why| redact(&failure::failure(why));
    match &news.rollout.phase {
        Phase::RollingBack {
            failure: why @ Failure::PutBackByHand,
            ..
        } => Some(format!("{} Pushboat watches it get there.", bad(why))),
        Phase::RollingBack { failure, .. } if news.waits_for_a_hold() => Some(format!(
            "{} A hold keeps the service from going back: nothing was changed.",
            bad(failure)
        )),
        Phase::RollingBack { failure, .. } => Some(format!(
            "{} The service goes back to the last good version.",
            bad(failure)
        )),
        Phase::RolledBack { failure, by, .. } => {
            Some(format!("{} {}", bad(failure), failure::taken_back_by(*by)))
        }
        Phase::Halted { reason } => {
            let said = super::halted(reason, news.rollout.stack(), surroundings);
            Some(redact(&said))
        }
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
        Phase::RollingBack { .. } if news.waits_for_a_hold() => {
            "Another notice tells of the hold and how to end it; once it ends, the service goes back.".to_owned()
        }
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

/// Writes the plain AWS CLI line that brings back what is good, where that line alone does it.
fn by_hand(news: &RolloutNews, surroundings: &Surroundings) -> Option<String> {
    let (_, revision) = good_by_hand(news)?;
    if let Some(through) = through(news) {
        return through.line(surroundings);
    }
    let service = &news.rollout.policy.service;
    let line = || surroundings.update_service(service, revision);
    news.exact_images.is_empty().then(line)
}

/// Says how to bring back by hand what is good.
fn by_hand_text(news: &RolloutNews, surroundings: &Surroundings) -> Option<String> {
    let (in_case, revision) = good_by_hand(news)?;
    let good = Good {
        revision,
        exact_images: &news.exact_images,
        inactive: news.good_inactive,
    };
    if let Some(line) = through(news).and_then(|through| through.line(surroundings)) {
        return Some(format!("{in_case}:\n  {line}"));
    }
    let service = &news.rollout.policy.service;
    Some(bring_back(in_case, service, &good, surroundings))
}

/// Gives the stack by which the last good version is brought back, where there is one.
fn through(news: &RolloutNews) -> Option<Through<'_>> {
    let start = news.start.as_deref()?;
    Through::of(&news.rollout, start, &news.exact_images)
}

/// Names the revision that is good, and for which case a person is told.
fn good_by_hand(news: &RolloutNews) -> Option<(&'static str, &String)> {
    Some(match (&news.rollout.phase, &news.last_known_good) {
        // The stack has that image already: to update it once more would change nothing.
        (
            Phase::Halted {
                reason: Halted::WentElsewhere { .. },
            },
            _,
        ) if news.rollout.stack().is_some() => return None,
        (Phase::RollingBack { back, .. }, _) => {
            ("Should it ever have to be done by hand", &back.to)
        }
        (Phase::RolledBack { revision, .. }, _) => {
            ("Should it have to be done again by hand", revision)
        }
        (_, Some(good)) => ("To bring the last good version back by hand", good),
        (_, None) => return None,
    })
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

/// Lists what was pushed and what was tried.
fn facts(news: &RolloutNews, findings: &Findings) -> String {
    let mut lines = vec![super::facts(&news.rollout, news.start.as_deref())];
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
