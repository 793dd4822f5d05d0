//! A decision in one line, as the tables have it.

use super::*;

/// Writes a decision as `phase | actions | when to look again`.
pub(super) fn summary(decision: &Decision) -> String {
    let mut parts = vec![phase_summary(&decision.phase)];
    if !decision.actions.is_empty() {
        let actions: Vec<String> = decision.actions.iter().map(action_summary).collect();
        parts.push(actions.join(", "));
    }
    parts.push(match &decision.next {
        Next::Now => "now".to_owned(),
        Next::Wait(until, waiting) => format!("wait {} {}", from_now(*until), waiting.as_str()),
        Next::Over => "over".to_owned(),
    });
    parts.join(" | ")
}

fn phase_summary(phase: &Phase) -> String {
    let name = phase.as_str();
    match phase {
        Phase::Requested { .. } => name.to_owned(),
        Phase::Starting {
            revision,
            update_intended_at,
            ..
        } => {
            let revision = revision.as_deref().unwrap_or("unregistered");
            let intended = update_intended_at.map_or("unsent".to_owned(), from_now);
            format!("{name} {revision} {intended}")
        }
        Phase::Progressing { running, .. } => {
            let paused = running.paused_at.as_ref();
            let paused = paused.map(|hook| format!(" paused {}", hook.hook_id));
            format!(
                "{name} {} {}{}",
                running.revision,
                running.deployment,
                paused.unwrap_or_default()
            )
        }
        Phase::Baking {
            running,
            until,
            missing_tasks_since,
            ..
        } => {
            let missing = missing_tasks_since
                .map(|since| format!(" missing since {}", from_now(since)))
                .unwrap_or_default();
            format!(
                "{name} {} until {}{missing}",
                running.deployment,
                from_now(*until)
            )
        }
        Phase::RollingBack { failure, back, .. } => {
            let corrected = back.corrected.as_ref();
            let corrected = corrected.map(|id| format!(" corrected {id}"));
            let paused = back.paused_at.as_ref();
            let paused = paused.map(|hook| format!(" paused {}", hook.hook_id));
            format!(
                "{name} {} to {} {}{}{}",
                failure.as_str(),
                back.to,
                way_summary(&back.way),
                corrected.unwrap_or_default(),
                paused.unwrap_or_default()
            )
        }
        Phase::RolledBack {
            failure,
            by,
            revision,
        } => format!("{name} {} to {revision} by {by:?}", failure.as_str()),
        Phase::Succeeded { revision } | Phase::ScaledToZero { revision } => {
            format!("{name} {revision}")
        }
        Phase::Superseded { by } => format!("{name} {}", by.as_str()),
        Phase::Rejected { reason } => format!("{name} {}", reason.as_str()),
        Phase::Halted { reason } => {
            let failure = reason.failure().map_or("", Failure::as_str);
            format!("{name} {} {failure}", reason.as_str())
                .trim_end()
                .to_owned()
        }
    }
}

fn way_summary(way: &Way) -> String {
    match way {
        Way::Unasked => "unasked".to_owned(),
        Way::Observed { by } => format!("seen by {by:?}"),
        Way::Cancel { intended_at } => format!("cancelled {}", from_now(*intended_at)),
        Way::Stop { intended_at } => format!("stopped {}", from_now(*intended_at)),
        Way::Update { intended_at } => {
            let intended = intended_at.map_or("unsent".to_owned(), from_now);
            format!("asked {intended}")
        }
    }
}

fn action_summary(action: &Action) -> String {
    match action {
        Action::Register(_) => "register".to_owned(),
        Action::UpdateService(None) => "update".to_owned(),
        Action::UpdateService(Some(revision)) => format!("update {revision}"),
        Action::StopServiceDeployment(arn) => format!("stop {arn}"),
        Action::CreateChangeSet(request) => {
            let value = request.value.rsplit_once('@');
            format!(
                "make change set with {}",
                value.map_or("no digest", |(_, digest)| &digest[..8])
            )
        }
        Action::ExecuteChangeSet(_) => "execute change set".to_owned(),
        Action::CancelUpdateStack => "cancel update".to_owned(),
    }
}

fn from_now(at: Timestamp) -> String {
    format!("{}s", at.duration_since(now()).as_secs())
}
