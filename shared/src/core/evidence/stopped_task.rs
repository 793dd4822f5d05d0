//! Tasks that stopped.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    ARN_LIMIT_BYTES, FIRST_KEPT, KEPT, LABEL_LIMIT_BYTES, NAME_LIMIT_BYTES, TEXT_LIMIT_BYTES, cut,
};
use crate::core::diagnosis::{self, Cause};
use crate::core::name::short_hash;

/// The reasons of one task's containers, together.
const REASONS_LIMIT_BYTES: usize = 2 * TEXT_LIMIT_BYTES;
/// ECS takes ten containers in a task definition; those that say most are kept.
const CONTAINERS_KEPT: usize = 4;
/// A repeat of a dropped task beyond these would count again.
const KNOWN_KEPT: usize = 1000;
const DEPLOYMENTS_KEPT: usize = 20;

/// A task that stopped, or that ECS said it is about to stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoppedTask {
    /// The task's ARN.
    pub task_arn: String,
    /// The task's version in the event: a later event of the task has a higher one.
    pub version: i64,
    /// The task definition's ARN.
    pub task_definition: String,
    /// Who started it: for a service's task the deployment's id, `ecs-svc/…`.
    pub started_by: String,
    /// Its group: `service:<name>` for a service's task.
    pub group: String,
    /// The cluster's ARN.
    pub cluster_arn: String,
    /// ECS's stop code; empty where the event had none.
    pub stop_code: String,
    /// ECS's own words.
    pub stopped_reason: String,
    /// Whether it ever ran.
    pub started: bool,
    /// When it stopped, by ECS's clock.
    pub stopped_at: Option<Timestamp>,
    /// Its containers; those that say most come first where not all are kept.
    pub containers: Vec<StoppedContainer>,
}

/// A container of a stopped task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoppedContainer {
    /// Its name.
    pub name: String,
    /// Its image; empty for those that AWS puts into a task.
    pub image: String,
    /// The digest that was pulled; empty where none was.
    pub image_digest: String,
    /// What it exited with; `None` where it never ran.
    pub exit_code: Option<i64>,
    /// AWS's own words on why it stopped.
    pub reason: String,
    /// Its last status.
    pub last_status: String,
}

impl StoppedTask {
    /// Cuts whatever is too long to be kept.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for name in [
            &mut self.task_arn,
            &mut self.task_definition,
            &mut self.group,
            &mut self.cluster_arn,
        ] {
            *name = cut(name, ARN_LIMIT_BYTES);
        }
        self.started_by = cut(&self.started_by, LABEL_LIMIT_BYTES);
        self.stop_code = cut(&self.stop_code, LABEL_LIMIT_BYTES);
        self.stopped_reason = cut(&self.stopped_reason, TEXT_LIMIT_BYTES);
        if self.containers.len() > CONTAINERS_KEPT {
            self.containers.sort_by_key(|container| {
                let failed = container.exit_code.is_some_and(|code| code != 0);
                (container.reason.is_empty(), !failed)
            });
            self.containers.truncate(CONTAINERS_KEPT);
        }
        let mut left = REASONS_LIMIT_BYTES;
        for container in &mut self.containers {
            container.name = cut(&container.name, NAME_LIMIT_BYTES);
            container.image = cut(&container.image, NAME_LIMIT_BYTES);
            container.image_digest = cut(&container.image_digest, LABEL_LIMIT_BYTES);
            container.last_status = cut(&container.last_status, LABEL_LIMIT_BYTES);
            container.reason = cut(&container.reason, left.min(TEXT_LIMIT_BYTES));
            left = left.saturating_sub(container.reason.len());
        }
        self
    }

    fn short_id(&self) -> String {
        let hash = short_hash(&[&self.task_arn]);
        hash.get(..8).unwrap_or_default().to_owned()
    }
}

/// The stopped tasks of one service: the first few and the last few whole, all of them counted.
///
/// Only tasks kept whole can be told about, but a limit of failed tasks may be
/// higher than what is kept whole, so those dropped are still counted by
/// deployment and cause, and an event that comes twice is still one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StoppedTasks {
    kept: Vec<StoppedTask>,
    /// How many were dropped, by deployment and cause.
    dropped: BTreeMap<String, BTreeMap<Cause, u32>>,
    /// Short hashes of the ARNs of those dropped.
    known: BTreeSet<String>,
}

impl StoppedTasks {
    /// Keeps a task; says whether that told anything new.
    ///
    /// Of several events of one task the one with the latest version stays.
    pub fn keep(&mut self, task: StoppedTask) -> bool {
        let task = task.bounded();
        let same = self
            .kept
            .iter_mut()
            .find(|kept| kept.task_arn == task.task_arn);
        match same {
            Some(kept) if kept.version >= task.version => return false,
            Some(kept) => *kept = task,
            None if self.known.contains(&task.short_id()) => return false,
            None => self.kept.push(task),
        }
        self.kept
            .sort_by_cached_key(|kept| (kept.stopped_at.is_none(), kept.stopped_at));
        if self.kept.len() > KEPT {
            let task = self.kept.remove(FIRST_KEPT);
            self.count(&task);
        }
        true
    }

    fn count(&mut self, task: &StoppedTask) {
        if self.known.len() < KNOWN_KEPT {
            self.known.insert(task.short_id());
        }
        let room = self.dropped.len() < DEPLOYMENTS_KEPT;
        let deployment = if room || self.dropped.contains_key(&task.started_by) {
            task.started_by.as_str()
        } else {
            ""
        };
        let causes = self.dropped.entry(deployment.to_owned()).or_default();
        let count = causes.entry(diagnosis::cause(task)).or_default();
        *count = count.saturating_add(1);
    }

    /// Gives the tasks that are kept whole, in the order in which they stopped.
    #[must_use]
    pub fn kept(&self) -> &[StoppedTask] {
        &self.kept
    }

    /// Says how many tasks are not kept whole.
    #[must_use]
    pub fn dropped(&self) -> u32 {
        let counts = self.dropped.values().flat_map(BTreeMap::values);
        counts.fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Says how many tasks of a deployment are not kept whole, by cause.
    pub fn dropped_of(&self, deployment: &str) -> impl Iterator<Item = (Cause, u32)> {
        let causes = self.dropped.get(deployment).into_iter().flatten();
        causes.map(|(cause, count)| (*cause, *count))
    }
}
