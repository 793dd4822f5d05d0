//! A `PAUSE` lifecycle hook at which ECS waits for a person.

use super::Surroundings;
use crate::core::observation::PausedHook;

/// Says what keeps the new version from going on, and how to answer.
pub(super) fn deployment(hook: &PausedHook, surroundings: &Surroundings) -> String {
    let timeout = timeout(hook, "it goes on", "ECS takes the new version back");
    format!(
        "ECS is deploying it, and a PAUSE lifecycle hook of the service stops it until somebody answers.{timeout} While it waits, the deadline does not run. To let it go on:\n  {}\nTo have ECS take it back instead:\n  {}",
        surroundings.answer_hook(hook, "CONTINUE"),
        surroundings.answer_hook(hook, "ROLLBACK")
    )
}

/// Says what keeps the last good version away, and how to let it through.
pub(super) fn way_back(hook: &PausedHook, surroundings: &Surroundings) -> String {
    let timeout = timeout(
        hook,
        "it goes on",
        "ECS gives the way back up, and the bad version may stay",
    );
    format!(
        "ECS is on the way back to the last good version, and a PAUSE lifecycle hook of the service stops it there: until somebody answers, the bad version may still serve.{timeout} To let it go on:\n  {}",
        surroundings.answer_hook(hook, "CONTINUE")
    )
}

/// Says what ECS does where nobody answers.
///
/// Source: ECS developer guide, "Pause lifecycle hooks", "Configuration fields".
fn timeout(hook: &PausedHook, goes_on: &str, rolls_back: &str) -> String {
    let Some(at) = hook.expires_at else {
        return String::new();
    };
    match hook.timeout_action.as_str() {
        "CONTINUE" => format!(" Without an answer by {at:.0} {goes_on}."),
        "ROLLBACK" => format!(" Without an answer by {at:.0} {rolls_back}."),
        other => format!(" Without an answer by {at:.0} ECS does {other}."),
    }
}
