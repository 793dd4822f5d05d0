//! Why nothing is happening to a target, in sentences.

use super::operator::waiting;
use super::reason::halted as halted_because;
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
            "Rollout {} of {} is {}.",
            current.id,
            current.push.tag,
            current.phase.as_str()
        ));
    }
    if let Some(wake) = &state.wake {
        because.push(format!(
            "Pushboat looks again at {:.0}; meanwhile {}.",
            wake.at,
            waiting(&wake.waiting)
        ));
    }
    for one in &state.waiting {
        because.push(format!(
            "Rollout {} of {} waits for its turn.",
            one.id, one.push.tag
        ));
    }
    because.extend(idle(state, last));
    because
}

/// What is to be said of a target where nothing is under way.
fn idle(state: &TargetState, last: Option<&Rollout>) -> Vec<String> {
    if state.current.is_some() || !state.waiting.is_empty() {
        return Vec::new();
    }
    if let Some(halted) = &state.halted {
        let rollout = &halted.news.rollout;
        let since = halted
            .since
            .map_or_else(String::new, |since| format!(" at {since:.0}"));
        let mut because = vec![format!(
            "Rollout {} of {} halted{since}, and a person has to say how to go on: push a mended version, or give `deploy`, `rollback` or `resume`.",
            rollout.id, rollout.push.tag
        )];
        if let Phase::Halted { reason } = &rollout.phase {
            because.push(redact(&halted_because(reason)));
        }
        return because;
    }
    let mut because = vec![match last {
        Some(last) => format!(
            "Nothing is under way: the last rollout, {} of {}, ended as {}.",
            last.id,
            last.push.tag,
            last.phase.as_str()
        ),
        None => "Nothing is under way, and nothing was rolled out yet.".to_owned(),
    }];
    because.push("A push counts if its repository and tag are followed (`follows`) and it is newer than `newestAccepted`. One that was ignored is named with its reason in the logs of image-push and rollout.".to_owned());
    because
}
