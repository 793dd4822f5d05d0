//! What AWS forgets and a rollout keeps: stopped tasks, alarm changes, target
//! health, and what ECS complains of.
//!
//! ECS shows a stopped task for about an hour, CloudWatch shows an alarm's
//! present state, and a target group forgets a target that is gone. All of it is
//! bounded, so that a service that fails for hours cannot outgrow the record
//! that holds it. Source: ECS developer guide, "Viewing Amazon ECS stopped task
//! errors".

mod alarm_change;
mod service_event;
mod stopped_task;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use alarm_change::{AlarmChange, AlarmChanges};
pub use service_event::{ServiceEvent, ServiceTroubles, ToldTrouble};
pub use stopped_task::{StoppedContainer, StoppedTask, StoppedTasks};

/// The longest text that is kept of what AWS said, in bytes.
pub const TEXT_LIMIT_BYTES: usize = 1024;
/// How many things of one kind are kept whole.
pub const KEPT: usize = 20;
/// How many of them are the first ones; the others are the last ones.
pub const FIRST_KEPT: usize = 10;
const NAME_LIMIT_BYTES: usize = 256;
/// A name of 255 characters with the account, the region and an id around it.
const ARN_LIMIT_BYTES: usize = 512;
/// A code, a status, a deployment's id, a digest.
const LABEL_LIMIT_BYTES: usize = 80;

/// Everything that is kept with one rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Evidence {
    /// The service's tasks that stopped since the rollout started, of every revision.
    pub stopped_tasks: StoppedTasks,
    /// The watched alarms' changes since the rollout started.
    pub alarm_changes: AlarmChanges,
    /// The last health of each target that was looked at.
    pub target_health: Vec<TargetHealth>,
    /// What ECS complained of since the rollout's deployment was made.
    pub service_troubles: ServiceTroubles,
}

/// What a load balancer said of one target.
///
/// Source: ELBv2 API reference, TargetHealthDescription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetHealth {
    /// The target group's ARN.
    pub target_group_arn: String,
    /// The target: for Fargate the task's IP address.
    pub target: String,
    /// The port.
    pub port: Option<u16>,
    /// Its state, such as `unhealthy`.
    pub state: String,
    /// The reason's code, such as `Target.Timeout`.
    pub reason: String,
    /// The load balancer's own words.
    pub description: String,
    /// When it was looked at, by our clock.
    pub at: Timestamp,
}

/// Keeps the last health of each target, of at most [`KEPT`] targets.
pub fn keep_health(kept: &mut Vec<TargetHealth>, mut seen: TargetHealth) {
    seen.target_group_arn = cut(&seen.target_group_arn, ARN_LIMIT_BYTES);
    for name in [&mut seen.target, &mut seen.state, &mut seen.reason] {
        *name = cut(name, NAME_LIMIT_BYTES);
    }
    seen.description = cut(&seen.description, TEXT_LIMIT_BYTES);
    kept.retain(|other| {
        (&other.target_group_arn, &other.target, other.port)
            != (&seen.target_group_arn, &seen.target, seen.port)
    });
    kept.push(seen);
    let surplus = kept.len().saturating_sub(KEPT);
    kept.drain(..surplus);
}

/// Cuts a text out of its middle: what kind of trouble it is stands in front, the cause at the end.
fn cut(text: &str, limit_bytes: usize) -> String {
    const GAP: &str = "…";
    if text.len() <= limit_bytes && !text.contains(char::is_control) {
        return text.to_owned();
    }
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.len() <= limit_bytes {
        return text;
    }
    let Some(room) = limit_bytes.checked_sub(GAP.len()) else {
        return String::new();
    };
    let head = text.floor_char_boundary(room - room / 3);
    let tail = text.ceil_char_boundary(text.len() - room / 3);
    let part = |part: Option<&str>| part.unwrap_or_default().to_owned();
    part(text.get(..head)) + GAP + &part(text.get(tail..))
}
