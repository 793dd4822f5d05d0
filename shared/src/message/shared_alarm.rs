//! What is said of an alarm that several targets watch.

use crate::core::name::TargetName;
use crate::core::rollout::{Rollout, Start};
use crate::core::shared_alarm::{Sharing, Turn, YIELD_LIMIT};

/// How many of the targets that share an alarm a message names.
const TARGETS_NAMED: usize = 5;

/// Says in one line that another target goes back first.
pub(super) fn yields_headline(rollout: &Rollout, alarm: &str, to: &TargetName) -> String {
    format!(
        "{}: alarm {alarm} fired, {to} goes back before {}",
        rollout.policy.target, rollout.push.tag
    )
}

/// Says why another target goes back first, and how it goes on.
pub(super) fn yields(alarm: &str, to: &TargetName) -> String {
    format!(
        "Alarm {alarm} is shared: target {to} watches it too. What was deployed last, or is on its way back already, goes first, so this version waits for {to}. If the alarm is OK once {to} has gone back, this version stays and its bake time begins anew; if not, it is taken back too, at the latest {} minutes from now.",
        YIELD_LIMIT.as_mins()
    )
}

/// Says who shares the alarm for which a version is taken back, and whose turn it was.
pub(super) fn taken_back(alarm: &str, sharing: &Sharing) -> String {
    let turn = match &sharing.turn {
        Turn::Own => "Of the versions under way on it this one goes back first.".to_owned(),
        Turn::Yields {
            gone_back: Some(other),
            ..
        } => format!("{other} went back before, and the alarm was not OK again in time."),
        Turn::Yields {
            to,
            gone_back: None,
            ..
        } => format!("This version waited for {to}, which did not go back."),
        Turn::Acquitted { after, .. } => {
            format!("It had fired before, and was OK again once {after} had gone back.")
        }
    };
    let with = targets(&sharing.with);
    let watch = match sharing.with.len() {
        1 => format!("target {with} watches"),
        _ => format!("targets {with} watch"),
    };
    format!("Alarm {alarm} is shared: {watch} it too. {turn}")
}

/// Says of a version that is good which alarms fired for another target's sake.
pub(super) fn acquitted(start: &Start) -> Option<String> {
    let lines: Vec<String> = start
        .alarms
        .iter()
        .filter_map(|watch| match &watch.sharing.as_ref()?.turn {
            Turn::Acquitted { after, .. } => Some(format!(
                "Alarm {} fired meanwhile. Target {after} watches it too and went back; after that the alarm was OK, and the bake time of this version began anew.",
                watch.name
            )),
            Turn::Own | Turn::Yields { .. } => None,
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn targets(names: &[TargetName]) -> String {
    let mut shown: Vec<String> = names
        .iter()
        .take(TARGETS_NAMED)
        .map(ToString::to_string)
        .collect();
    if names.len() > TARGETS_NAMED {
        shown.push("others".to_owned());
    }
    match shown.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => shown.concat(),
    }
}
