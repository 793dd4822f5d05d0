//! Every sentence a person reads.
//!
//! One function for each thing that can be said. Each notice is written three
//! times: as text for email, as one line for SMS and chat, and as a JSON
//! document for machines.

mod by_hand;
pub mod diagnosis;
mod document;
mod dossier;
mod explanation;
mod failure;
mod firing_alarm;
mod operator;
mod paused_hook;
mod reason;
mod shared_alarm;
mod stack;
mod surroundings;
mod unpublished;
mod waiting;

use jiff::Timestamp;

use crate::core::name::ImageDigest;
use crate::core::push::PushSource;
use crate::core::rollout::{Phase, Rollout, Start};
use crate::findings::Findings;
use crate::notice::{News, Notice, RolloutNews};
use crate::ports::Publication;
use crate::redact::redact;
use crate::target::Mistake;

pub use explanation::explanation;
pub use failure::failure;
pub use operator::refusal;
pub use reason::{halted, ignored, rejected, rejected_briefly, superseded};
pub use surroundings::Surroundings;
pub use unpublished::unpublished;
pub use waiting::waiting;

/// SNS takes subjects of fewer than 100 characters. Source: SNS API reference, Publish, `Subject`.
const SUBJECT_LIMIT: usize = 99;
/// One SMS holds 140 bytes; SNS splits what is longer. Source: SNS developer guide, "SMS".
const LINE_LIMIT: usize = 140;

/// Writes a notice as SNS takes it.
#[must_use]
pub fn publication(
    notice: &Notice,
    surroundings: &Surroundings,
    findings: &Findings,
) -> Publication {
    let headline = headline(notice);
    let mut attributes = vec![
        ("event", notice.event().to_owned()),
        ("target", notice.target.to_string()),
        ("severity", notice.severity().as_str().to_owned()),
    ];
    if let Some(outcome) = notice.outcome() {
        attributes.push(("outcome", outcome.to_owned()));
    }
    let line = ascii(&format!("Pushboat: {headline}"));
    Publication {
        subject: cut(&line, SUBJECT_LIMIT),
        bodies: vec![
            (
                "default",
                document::document(notice, &headline, surroundings, findings).to_string(),
            ),
            ("email", text(notice, &headline, surroundings, findings)),
            ("sms", cut(&line, LINE_LIMIT)),
        ],
        attributes,
    }
}

/// Writes a notice as one line.
#[must_use]
pub fn headline(notice: &Notice) -> String {
    let target = &notice.target;
    match &notice.news {
        News::Rollout(news) => match (&news.rollout.phase, news.waits_for_a_hold()) {
            (Phase::RollingBack { failure, .. }, true) => format!(
                "{target}: {} is to be rolled back ({})",
                news.rollout.push.tag,
                failure::failure_briefly(failure)
            ),
            _ => rollout_headline(&news.rollout, news.halted_since),
        },
        News::TargetInvalid { mistakes } => {
            let what = match mistakes.len() {
                1 => "a mistake is".to_owned(),
                count => format!("{count} mistakes are"),
            };
            format!("{target}: cannot be deployed to until {what} corrected")
        }
        News::ServiceMissing { .. } => format!("{target}: its service does not exist yet"),
        News::TargetWarned { warnings } => match warnings.len() {
            1 => format!("{target}: its configuration has a weak point"),
            count => format!("{target}: its configuration has {count} weak points"),
        },
        News::AlarmFired { change, .. } => format!("{target}: alarm {} fired", change.name),
        News::Adopted { .. } => format!("{target}: adopted, pushes are deployed from now on"),
        News::Command { command, refused } => {
            operator::command_headline(target, command, refused.as_ref())
        }
        News::RolloutYields { rollout, alarm, to } => {
            shared_alarm::yields_headline(rollout, alarm, to)
        }
        News::DeploymentPaused { rollout, .. } => format!(
            "{target}: the deployment of {} waits at a hook for a person",
            rollout.push.tag
        ),
        News::WayBackPaused { rollout, .. } => format!(
            "{target}: the rollback of {} waits at a hook for a person",
            rollout.push.tag
        ),
        News::ApprovalAsked { rollout } => match rollout.phase.back() {
            Some(_) => format!(
                "{target}: the rollback of {} waits for approval of its changes",
                rollout.push.tag
            ),
            None => format!(
                "{target}: {} waits for approval of its changes",
                rollout.push.tag
            ),
        },
        News::RolloutHeld { rollout, .. } => operator::held_headline(rollout),
    }
}

fn rollout_headline(rollout: &Rollout, halted_since: Option<Timestamp>) -> String {
    let (target, tag) = (&rollout.policy.target, &rollout.push.tag);
    match &rollout.phase {
        Phase::Requested { .. } => format!("{target}: {tag} was requested"),
        Phase::Starting { .. } => format!("{target}: deploying {tag}"),
        Phase::Progressing { .. } => format!("{target}: {tag} is on its way"),
        Phase::Baking { .. } => format!("{target}: {tag} runs and is being watched"),
        Phase::RollingBack { failure, .. } => format!(
            "{target}: {tag} is being rolled back ({})",
            failure::failure_briefly(failure)
        ),
        Phase::RolledBack { failure, .. } => format!(
            "{target}: {tag} was rolled back ({})",
            failure::failure_briefly(failure)
        ),
        Phase::Succeeded { .. } => format!("{target}: {tag} is live"),
        Phase::ScaledToZero { .. } => {
            format!("{target}: {tag} is deployed, but the service is scaled to zero")
        }
        Phase::Superseded { by } => {
            format!(
                "{target}: {tag} was superseded ({})",
                reason::superseded_briefly(by)
            )
        }
        Phase::Rejected { reason } => {
            format!(
                "{target}: {tag} was not deployed ({})",
                reason::rejected_briefly(reason)
            )
        }
        Phase::Halted { reason } => {
            let why = reason::halted_briefly(reason, rollout.stack());
            match halted_since {
                Some(since) => {
                    format!("{target}: {tag} still needs a person ({why}), halted at {since:.0}")
                }
                None => format!("{target}: {tag} needs a person ({why})"),
            }
        }
    }
}

fn text(
    notice: &Notice,
    headline: &str,
    surroundings: &Surroundings,
    findings: &Findings,
) -> String {
    let mut paragraphs = vec![format!("{headline}.")];
    match &notice.news {
        News::Rollout(news) => rollout_text(news, surroundings, findings, &mut paragraphs),
        News::TargetInvalid { mistakes } => {
            paragraphs.push(mistakes_text(mistakes));
            paragraphs.push("Nothing was changed. Pushboat looks again when the parameter is saved, when an image is pushed, and each hour.".to_owned());
        }
        News::ServiceMissing { mistake } => {
            paragraphs.push(mistakes_text(std::slice::from_ref(mistake)));
            paragraphs.push("Pushes wait for it. Nothing was changed.".to_owned());
        }
        News::TargetWarned { warnings } => {
            paragraphs.push(mistakes_text(warnings));
            paragraphs.push("Nothing is held up: pushes are deployed as ever. This is told once, and stands in the target's `status`. Pushboat looks again when the parameter is saved.".to_owned());
        }
        News::AlarmFired { change, runs } => {
            paragraphs.extend(dossier::alarm(change, runs.as_ref()));
        }
        News::Adopted { images } if images.is_empty() => paragraphs.push(
            "Nothing that runs could be taken as good (no task is wanted, the service does not settle, or ECS does not tell which image its tag stands for), so there is no version to go back to until a rollout succeeds.".to_owned(),
        ),
        News::Adopted { images } => {
            let lines: Vec<String> =
                images.iter().map(|(name, image)| format!("  {name}: {image}")).collect();
            paragraphs.push(format!("What runs is taken as good:\n{}", lines.join("\n")));
        }
        News::Command { command, refused } => paragraphs.push(operator::command_text(
            &notice.target,
            command,
            refused.as_ref(),
            surroundings,
        )),
        News::RolloutYields { rollout, alarm, to } => {
            paragraphs.push(shared_alarm::yields(alarm, to));
            paragraphs.push(facts(rollout, rollout.phase.start().map(|start| &**start)));
        }
        News::DeploymentPaused { rollout, hook } => {
            paragraphs.push(paused_hook::deployment(hook, surroundings));
            paragraphs.push(facts(rollout, rollout.phase.start().map(|start| &**start)));
        }
        News::WayBackPaused { rollout, hook } => {
            paragraphs.push(paused_hook::way_back(hook, surroundings));
            paragraphs.push(facts(rollout, rollout.phase.start().map(|start| &**start)));
        }
        News::ApprovalAsked { rollout } => {
            let stack = rollout.policy.stack.as_ref();
            if let (Some(stack), Some(asked)) = (stack, rollout.phase.approval()) {
                let way_back = rollout.phase.back().is_some();
                paragraphs.push(stack::approval(stack, asked, way_back, surroundings));
            }
            paragraphs.push(facts(rollout, rollout.phase.start().map(|start| &**start)));
        }
        News::RolloutHeld {
            rollout,
            hold,
            by_command,
            exact_images,
            good_inactive,
        } => {
            let good = (exact_images, *good_inactive);
            let held = operator::held_text(rollout, hold, *by_command, good, surroundings);
            paragraphs.push(held);
            paragraphs.push(facts(rollout, rollout.phase.start().map(|start| &**start)));
        }
    }
    paragraphs.push(format!("Notice {} of {:.0}.", notice.id, notice.at));
    paragraphs.join("\n\n")
}

fn rollout_text(
    news: &RolloutNews,
    surroundings: &Surroundings,
    findings: &Findings,
    paragraphs: &mut Vec<String>,
) {
    let rollout = &news.rollout;
    match &rollout.phase {
        Phase::Requested { .. } | Phase::Progressing { .. } => {}
        Phase::Starting { .. } => {
            paragraphs.extend(news.start.as_deref().and_then(no_way_back));
            paragraphs.extend(news.start.as_deref().and_then(firing_alarm::at_start));
        }
        Phase::Baking { until, .. } => paragraphs.push(format!(
            "ECS reports the deployment done. It counts as good if nothing goes wrong until {until:.0}."
        )),
        Phase::RollingBack { .. } | Phase::RolledBack { .. } | Phase::Halted { .. } => {
            paragraphs.extend(dossier::paragraphs(news, surroundings, findings));
            return;
        }
        Phase::Succeeded { revision } => {
            paragraphs.push(format!(
                "It finished its bake time and is the version to go back to from now on.\nTask definition: {revision}"
            ));
            paragraphs.extend(news.start.as_deref().and_then(shared_alarm::acquitted));
            paragraphs.extend(news.start.as_deref().and_then(firing_alarm::at_end));
        }
        Phase::ScaledToZero { revision } => paragraphs.push(format!(
            "No task is wanted, so nothing shows whether this version works, and it is not taken as good.\nTask definition: {revision}"
        )),
        Phase::Superseded { by } => {
            paragraphs.push(superseded(by));
            paragraphs.extend(taken_back_for(news, surroundings));
        }
        Phase::Rejected { reason } => {
            let text = rejected(reason, &rollout.policy.target, surroundings);
            paragraphs.push(redact(&text));
        }
    }
    paragraphs.push(facts(rollout, news.start.as_deref()));
}

/// Says that there may be nothing to go back to.
fn no_way_back(start: &Start) -> Option<String> {
    let gone = start.no_way_back.as_ref()?;
    let end = if gone.archived {
        "restored"
    } else {
        "pushed again"
    };
    let gone = reason::gone_image(gone);
    Some(format!(
        "{gone} Unless it is {end}, the service cannot go back to it."
    ))
}

/// Says why a version was on its way back before something else took over.
fn taken_back_for(news: &RolloutNews, surroundings: &Surroundings) -> Option<String> {
    let why = news.taken_back_for.as_ref()?;
    let next = match (why.quarantines(), news.start.as_deref()) {
        (true, Some(start)) => kept_out(&news.rollout, &start.digest, surroundings),
        (true, None) | (false, _) => NOT_KEPT_OUT.to_owned(),
    };
    let why = redact(&failure(why));
    Some(format!("It was being taken back. {why}\n\n{next}"))
}

/// Says that an image that was taken back through no fault of its own may come again.
const NOT_KEPT_OUT: &str = "Nothing speaks against this image, so it is not kept out: once what hindered it is over, give the command `deploy`, or push it again under a new tag.";

/// Says how an image that was taken back may come again.
fn kept_out(rollout: &Rollout, digest: &ImageDigest, surroundings: &Surroundings) -> String {
    let target = &rollout.policy.target;
    format!(
        "This image is kept out of {target} until a person releases it. A fixed image is deployed as usual. To let this one in again:\n  {}",
        surroundings.release(target, digest)
    )
}

/// Gives the digest that was deployed: for an exact tag, what it pointed at when the rollout started.
fn start_digest(news: &RolloutNews) -> &ImageDigest {
    let start = news.start.as_deref();
    start.map_or(news.rollout.digest(), |start| &start.digest)
}

fn facts(rollout: &Rollout, start: Option<&Start>) -> String {
    let push = &rollout.push;
    let digest = start.map_or(&push.digest, |start| &start.digest);
    let mut lines = vec![
        format!("Service:  {}", rollout.policy.service),
        match push.source {
            PushSource::Operator if push.tag == push.digest.short() => {
                format!("Image:    {}, by its digest", push.repository)
            }
            PushSource::Event | PushSource::Found | PushSource::Operator => {
                format!("Image:    {}:{}", push.repository, push.tag)
            }
        },
        format!("Digest:   {digest}"),
        match push.source {
            PushSource::Event => format!("Pushed:   {:.0}", push.tagged_at),
            PushSource::Found => format!(
                "Pushed:   {:.0}; no event told of it, it was found in ECR",
                push.tagged_at
            ),
            PushSource::Operator => format!("Asked:    {:.0} by a person", push.tagged_at),
        },
        format!("Rollout:  {}", rollout.id),
    ];
    if let Some(stack) = &rollout.policy.stack {
        lines.insert(1, format!("Stack:    {}", stack.name));
    }
    if let Some(start) = start {
        lines.push(format!("Before:   {}", start.base_task_definition));
    }
    lines.join("\n")
}

fn mistakes_text(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes
        .iter()
        .map(|mistake| format!("- {mistake}"))
        .collect();
    lines.join("\n")
}

/// Cuts a text to at most `limit` characters.
fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(3)).collect();
    short.push_str("...");
    short
}

/// Keeps what SNS takes in a subject and one byte each in an SMS: printable ASCII, no line breaks.
fn ascii(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c == ' ' || c.is_ascii_graphic() {
                c
            } else {
                '?'
            }
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod snapshots;
