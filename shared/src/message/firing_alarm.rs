//! What is said of an alarm that fired before a rollout started.

use crate::core::rollout::Start;

/// Says which alarms fire already and do not count.
pub(super) fn at_start(start: &Start) -> Option<String> {
    let names = ignored(start);
    match names.as_slice() {
        [] => None,
        [one] => Some(format!(
            "Alarm {one} fires already, and this version may be the fix: the alarm counts once it has been OK again."
        )),
        several => Some(format!(
            "Alarms {} fire already, and this version may be the fix: each of them counts once it has been OK again.",
            several.join(", ")
        )),
    }
}

/// Says of a version that is good which alarms never counted.
pub(super) fn at_end(start: &Start) -> Option<String> {
    let names = ignored(start);
    match names.as_slice() {
        [] => None,
        [one] => Some(format!(
            "Alarm {one} fired before it started and has not been OK since, so it says nothing of this version."
        )),
        several => Some(format!(
            "Alarms {} fired before it started and have not been OK since, so they say nothing of this version.",
            several.join(", ")
        )),
    }
}

/// Gives the alarms that fired before the start and have not been OK since.
pub(super) fn ignored(start: &Start) -> Vec<&str> {
    let ignored = start.alarms.iter().filter(|watch| watch.ignored_until_ok);
    ignored.map(|watch| watch.name.as_str()).collect()
}
