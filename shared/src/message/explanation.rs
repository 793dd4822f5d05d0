//! Why nothing is happening to a target, in sentences.

use super::Surroundings;
use super::failure::failure;
use super::reason::halted as halted_because;
use super::rollout_headline;
use super::waiting::waiting;
use crate::core::reason::Waiting;
use crate::core::rollout::{Phase, Rollout};
use crate::core::state::{Standing, TargetState};
use crate::ledger::{Registration, RegistrationStatus, TargetEntry};
use crate::redact::redact;

/// Says why nothing is happening, the weightiest reason first.
#[must_use]
pub fn explanation(
    registration: &Registration,
    entry: &TargetEntry,
    last: Option<&Rollout>,
    surroundings: &Surroundings,
) -> Vec<String> {
    let state = &entry.state;
    let mut because = Vec::new();
    match &registration.status {
        RegistrationStatus::Removed => {
            because.push("The target's parameter was deleted.".to_owned());
        }
        RegistrationStatus::Invalid { mistakes } => {
            because.extend(
                mistakes
                    .iter()
                    .map(|one| format!("The target's parameter has a mistake: {one}")),
            );
        }
        RegistrationStatus::Valid { .. } => {}
    }
    if let Standing::Invalid { mistakes } = &state.standing {
        because.extend(
            mistakes
                .iter()
                .map(|one| format!("The target cannot be deployed to: {one}")),
        );
    }
    if let Some(hold) = entry.hold.as_ref() {
        because.push(format!(
            "Everything is held since {:.0} by the SSM parameter: {}",
            hold.since, hold.reason
        ));
    }
    if let Some(hold) = state.held.as_ref() {
        because.push(format!(
            "The target is held since {:.0} by a command: {}",
            hold.since, hold.reason
        ));
    }
    if let Some(current) = &state.current {
        because.push(format!(
            "Rollout {} of {} {}.",
            current.id,
            current.push.tag,
            under_way(&current.phase)
        ));
    }
    if let Some(wake) = state
        .wake
        .as_ref()
        .filter(|wake| wake.waiting != Waiting::Person)
    {
        because.push(format!(
            "Pushboat looks again at {:.0}, or sooner if an event comes; meanwhile {}.",
            wake.at,
            waiting(
                &wake.waiting,
                state.current.as_ref().and_then(Rollout::stack)
            )
        ));
    }
    for one in &state.waiting {
        because.push(format!(
            "Rollout {} of {} waits for its turn.",
            one.id, one.push.tag
        ));
    }
    let follows =
        registration.policy().is_some() && !matches!(state.standing, Standing::Invalid { .. });
    because.extend(idle(state, last, follows, surroundings));
    because
}

/// What is to be said of a target where nothing is under way.
fn idle(
    state: &TargetState,
    last: Option<&Rollout>,
    follows: bool,
    surroundings: &Surroundings,
) -> Vec<String> {
    if state.current.is_some() || !state.waiting.is_empty() {
        return Vec::new();
    }
    if let Some(halted) = &state.halted {
        let rollout = &halted.news.rollout;
        let since = halted
            .since
            .map_or_else(String::new, |since| format!(" at {since:.0}"));
        let back = match state.last_known_good {
            Some(_) => ", `rollback` (to try the way back once more)",
            None => "",
        };
        let mut because = vec![format!(
            "Rollout {} of {} halted{since}, and a person has to decide. Push a fixed version, or give the command `deploy`{back} or `resume` (it was put right by hand). Until then it is told again each hour, next at {:.0}.",
            rollout.id, rollout.push.tag, halted.repeat_at
        )];
        if let Phase::Halted { reason } = &rollout.phase {
            let said = halted_because(reason, rollout.stack(), surroundings);
            because.push(redact(&said));
        }
        return because;
    }
    let mut because = vec![match last {
        Some(last) => format!(
            "Nothing is under way. The last rollout was {}: {}.",
            last.id,
            rollout_headline(last, None)
        ),
        None => "Nothing is under way, and nothing was rolled out yet.".to_owned(),
    }];
    if follows {
        because.push("A push counts if its repository and tag are followed (`follows`) and it is newer than `newestAccepted`. One that changed nothing is under `ignored` with its reason, for two weeks.".to_owned());
    }
    because
}

/// Says how far a rollout is that is not over.
fn under_way(phase: &Phase) -> String {
    match phase {
        Phase::Requested { .. } => "has not started".to_owned(),
        Phase::Starting { .. } => "is being started".to_owned(),
        Phase::Progressing { .. } => "is being deployed".to_owned(),
        Phase::Baking { until, .. } => {
            format!("runs, and counts as good if nothing goes wrong until {until:.0}")
        }
        Phase::RollingBack { failure: why, .. } => {
            let why = failure(why);
            format!("is being taken back. {}", redact(why.trim_end_matches('.')))
        }
        Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => format!("is over ({})", phase.as_str()),
    }
}
