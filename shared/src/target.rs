//! A target's configuration, parsed strictly.
//!
//! One target is the JSON text of one SSM parameter. Every mistake is reported
//! with its place and its fix, not only the first, and a field that is not
//! known is a mistake: a gate that is spelled wrong would let everything pass.

mod fields;
mod json;
mod reader;

use serde::{Deserialize, Serialize};

use crate::core::name::TargetName;
use crate::core::policy::Policy;
use reader::Reader;

/// One thing that is wrong with a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mistake {
    /// Where: a path into the JSON such as `images[0].tags`, or the thing in AWS.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl Mistake {
    /// Notes a mistake.
    #[must_use]
    pub fn new(
        place: impl Into<String>,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
            fix: fix.into(),
        }
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}. {}", self.place, self.problem, self.fix)
    }
}

/// The longest bake time.
pub const MOST_BAKE_TIME_SECONDS: u32 = 86_400;
/// The bake time where the configuration names none.
pub const DEFAULT_BAKE_TIME_SECONDS: u32 = 300;
/// The deadline where the configuration names none.
pub const DEFAULT_DEADLINE_SECONDS: u32 = 1800;
/// The shortest deadline.
pub(crate) const LEAST_DEADLINE_SECONDS: u32 = 60;
/// The longest deadline.
pub(crate) const MOST_DEADLINE_SECONDS: u32 = 43_200;
/// The most that `maxFailedTasks.atLeast` may be.
pub(crate) const MOST_FAILED_TASKS: u32 = 1000;
/// An advanced parameter holds no more; anything longer was not read from one.
const LIMIT_BYTES: usize = 8 * 1024;
/// A registration writes a reverse item for each, and DynamoDB takes 100 items in a transaction.
pub(crate) const ALARMS_LIMIT: usize = 20;
pub(crate) const IMAGES_LIMIT: usize = 10;
pub(crate) const CONTAINERS_LIMIT: usize = 10;
pub(crate) const PATTERNS_LIMIT: usize = 10;
/// How many resources a stack's target may allow to be changed.
pub(crate) const ALLOW_LIMIT: usize = 50;
/// How long an ARN may be. Source: CloudFormation API reference, CreateChangeSet `RoleARN`.
pub(crate) const ARN_LIMIT: usize = 2048;
/// How short a role's ARN may be: that of a role whose name is one letter.
pub(crate) const LEAST_ROLE_ARN: usize = 32;
/// How long a stack's name may be. Source: CloudFormation user guide, quotas.
pub(crate) const STACK_NAME_LIMIT: usize = 128;
/// How long a name or a pattern may be.
pub(crate) const NAME_LIMIT: usize = 255;

/// How many mistakes are told at the most: what is told of them is stored, queued and sent, each
/// with limits of its own.
const MISTAKES_LIMIT: usize = 20;

/// Reads the text of a target's parameter; `Err` holds the mistakes, at least one.
///
/// The service of one that goes through a stack is not in its text: it is empty until the
/// registration has found it in the stack.
pub fn parse(target: &TargetName, text: &str) -> Result<Policy, Vec<Mistake>> {
    if text.len() > LIMIT_BYTES {
        return Err(vec![Mistake::new(
            "the parameter",
            "its value is longer than 8 KiB",
            "Shorten it: a target names one service.",
        )]);
    }
    let (value, repeated) = json::read(text).map_err(|mistake| vec![mistake])?;
    let mut reader = Reader { mistakes: repeated };
    let policy = reader.target(target, &value);
    match policy {
        Some(policy) if reader.mistakes.is_empty() => Ok(policy),
        _ => Err(first_mistakes(reader.mistakes, "the parameter")),
    }
}

/// Keeps the first mistakes and says how many more there are in the whole.
pub(crate) fn first_mistakes(mut mistakes: Vec<Mistake>, whole: &str) -> Vec<Mistake> {
    let more = mistakes.len().saturating_sub(MISTAKES_LIMIT);
    if more > 0 {
        mistakes.truncate(MISTAKES_LIMIT);
        let problem = format!("there are {more} more mistakes");
        mistakes.push(Mistake::new(whole, problem, "Mend these first."));
    }
    mistakes
}

/// Shortens what a stranger wrote, so that a message stays readable, and is never empty.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let clean: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST)
        .collect();
    if clean.trim().is_empty() {
        return "(blank)".to_owned();
    }
    if text.chars().count() > MOST {
        format!("{clean}…")
    } else {
        clean
    }
}

#[cfg(test)]
mod published_schema;
#[cfg(test)]
mod tests;
