//! How many tasks may fail before a rollout is undone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Cause, Circumstances, Diagnosis, Verdict};
use crate::core::evidence::{StoppedTask, StoppedTasks};
#[cfg(test)]
use crate::target::MOST_FAILED_TASKS;

/// How many tasks of a new revision may fail: whichever of the two is more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(default, deny_unknown_fields)
)]
#[serde(rename_all = "camelCase")]
pub struct MaxFailedTasks {
    /// This many, however few tasks are wanted.
    #[cfg_attr(test, schemars(range(min = 1, max = MOST_FAILED_TASKS), example = 3))]
    pub at_least: u32,
    /// This many of each hundred that are wanted, rounded up.
    #[cfg_attr(test, schemars(range(max = 100), example = 25))]
    pub percent_of_desired: u32,
}

impl Default for MaxFailedTasks {
    fn default() -> Self {
        Self {
            at_least: 2,
            percent_of_desired: 10,
        }
    }
}

impl MaxFailedTasks {
    /// Gives the number of failed tasks at which a rollout is undone; never 0.
    #[must_use]
    pub fn limit(self, desired: u32) -> u32 {
        let share = u64::from(desired) * u64::from(self.percent_of_desired);
        let share = u32::try_from(share.div_ceil(100)).unwrap_or(u32::MAX);
        self.at_least.max(share).max(1)
    }
}

/// Names the tasks that one deployment of one revision started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeployedBy<'a> {
    /// The deployment's id, `ecs-svc/…`; its tasks carry it as `startedBy`.
    pub deployment: &'a str,
    /// The ARN of the task definition revision.
    pub task_definition: &'a str,
}

impl DeployedBy<'_> {
    /// Says whether a task is one of them.
    #[must_use]
    pub fn started(&self, task: &StoppedTask) -> bool {
        task.started_by == self.deployment && task.task_definition == self.task_definition
    }
}

/// How many tasks of one deployment stopped, by whose fault it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The causes that say that no task will ever work.
    pub certain: BTreeSet<Cause>,
    /// Tasks that failed, certainly or likely by what was deployed, by cause.
    pub failed: BTreeMap<Cause, u32>,
    /// Tasks that stopped through no fault of what was deployed, by cause.
    pub platform: BTreeMap<Cause, u32>,
}

impl Tally {
    /// Counts the tasks of one deployment.
    #[must_use]
    pub fn of(tasks: &StoppedTasks, by: &DeployedBy<'_>, circumstances: &Circumstances) -> Self {
        let kept = tasks.kept().iter().filter(|task| by.started(task));
        let kept = kept.map(|task| (super::cause(task), 1));
        let mut tally = Self::default();
        for (cause, count) in kept.chain(tasks.dropped_of(by.deployment)) {
            tally.count(Diagnosis::new(cause, circumstances), count);
        }
        tally
    }

    fn count(&mut self, diagnosis: Diagnosis, count: u32) {
        let counts = match diagnosis.verdict {
            Verdict::Certain => {
                self.certain.insert(diagnosis.cause);
                &mut self.failed
            }
            Verdict::Likely => &mut self.failed,
            Verdict::Platform => &mut self.platform,
            Verdict::NotAFailure => return,
        };
        let counted = counts.entry(diagnosis.cause).or_default();
        *counted = counted.saturating_add(count);
    }

    /// Says how many tasks failed by what was deployed.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failed
            .values()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Says whether a task stopped by this cause.
    #[must_use]
    pub fn saw(&self, cause: Cause) -> bool {
        self.failed.contains_key(&cause) || self.platform.contains_key(&cause)
    }

    /// Gives the cause by which most tasks stopped, where none stopped by the version's fault.
    #[must_use]
    pub fn platform_alone(&self) -> Option<Cause> {
        let most = self.platform.iter().max_by_key(|(_, count)| **count);
        most.map(|(cause, _)| *cause)
            .filter(|_| self.failed.is_empty())
    }

    /// Gives the cause by which most tasks failed.
    #[must_use]
    pub fn commonest(&self) -> Option<Cause> {
        let most = self.failed.iter().max_by_key(|(_, count)| **count);
        most.map(|(cause, _)| *cause)
    }
}

/// What the stopped tasks say of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// Too few tasks failed to tell, or none.
    NotYet {
        /// How many failed, less those of the old revision.
        failed: u32,
        /// How many must have.
        limit: u32,
    },
    /// One task failed in a way that says that none will ever work.
    Certainly {
        /// The way.
        cause: Cause,
    },
    /// As many tasks failed as must have.
    LimitReached {
        /// The cause by which most of them failed.
        cause: Cause,
        /// How many failed, less those of the old revision.
        failed: u32,
        /// How many must have.
        limit: u32,
    },
}

/// Holds the failed tasks of a rollout against its limit.
///
/// A task counts once, and only if our deployment started it with our revision.
/// What the old revision's deployment loses in the same time is taken off: that
/// would have been lost anyway. A cause that stops the old revision's tasks too
/// is certain of nothing, and is counted like the others.
#[must_use]
pub fn judge(
    tasks: &StoppedTasks,
    ours: &DeployedBy<'_>,
    old: &DeployedBy<'_>,
    circumstances: &Circumstances,
    limit: u32,
) -> Failing {
    let tally = Tally::of(tasks, ours, circumstances);
    let lost_anyway = Tally::of(tasks, old, &Circumstances::default());
    let ours_alone = |cause: &&Cause| !lost_anyway.saw(**cause);
    if let Some(cause) = tally.certain.iter().find(ours_alone) {
        return Failing::Certainly { cause: *cause };
    }
    let failed = tally.failures().saturating_sub(lost_anyway.failures());
    match tally.commonest() {
        Some(cause) if failed >= limit => Failing::LimitReached {
            cause,
            failed,
            limit,
        },
        Some(_) | None => Failing::NotYet { failed, limit },
    }
}
