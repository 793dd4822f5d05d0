//! The invariants, checked on what was done and what was true then.
//!
//! Each is specified here from its words alone (issue 4, and the crate
//! documentation of `pushboat`): from the states that were saved, the changes
//! that were asked of ECS, and the model's truth at that moment.

mod changes;
mod ended;
mod saved;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use pushboat::core::alarm::AlarmState;
use pushboat::core::name::{ImageDigest, RolloutId, TargetName};
use pushboat::core::policy::ServiceRef;
use pushboat::core::rollout::{Phase, Rollout};
use pushboat::core::state::TargetState;

use crate::deeds::Deed;

pub use ended::End;

/// More calls than any one invocation of `rollout` needs.
const MOST_CALLS: usize = 120;
/// More changes of a service than any one rollout needs.
const MOST_CHANGES: usize = 12;

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one, by its number and name.
    pub invariant: &'static str,
    /// When that was seen.
    pub at: Timestamp,
    /// Of which target.
    pub target: String,
    /// What was seen.
    pub saw: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            invariant,
            at,
            target,
            saw,
        } = self;
        write!(f, "invariant {invariant}, target {target}, {at}: {saw}")
    }
}

/// Which tags a target follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tags {
    /// The tag `live`.
    Exact,
    /// Tags that begin with `main-`: the one set last counts.
    Pattern,
    /// Versions below 2: the highest counts.
    Versions,
}

impl Tags {
    /// Says whether a tag is followed.
    #[must_use]
    pub fn follow(self, tag: &str) -> bool {
        match self {
            Self::Exact => tag == "live",
            Self::Pattern => tag.starts_with("main-"),
            Self::Versions => version(tag).is_some_and(|version| version.first() == Some(&1)),
        }
    }
}

/// Reads `1.2.3`, the only kind of version that is pushed here.
fn version(tag: &str) -> Option<Vec<u32>> {
    let parts = tag.split('.').map(|part| part.parse().ok());
    let parts: Option<Vec<u32>> = parts.collect();
    parts.filter(|parts| parts.len() == 3)
}

/// What is agreed with a target's owner.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Its service.
    pub service: ServiceRef,
    /// The repository it follows.
    pub repository: String,
    /// Which of its tags.
    pub tags: Tags,
    /// The alarms that it watches and no other target.
    pub own_alarms: BTreeSet<String>,
}

/// What is known of one target.
#[derive(Debug)]
struct Known {
    terms: Terms,
    state: TargetState,
    finished: BTreeMap<RolloutId, Phase>,
    /// The requests, by rollout: when each was made, and under which tag.
    requests: BTreeMap<RolloutId, Request>,
    told: BTreeSet<(RolloutId, String)>,
    notice_ids: BTreeMap<String, String>,
    /// The newest request that the service was asked to run.
    newest_asked: Option<Request>,
    kept_out: BTreeSet<ImageDigest>,
    /// The last deployment that somebody else made.
    somebody: Option<(Timestamp, String)>,
    changes: BTreeMap<RolloutId, usize>,
    heard: Vec<HeardAlarm>,
}

#[derive(Clone, Debug)]
struct HeardAlarm {
    name: String,
    changed_at: Timestamp,
}

/// A request, as far as its order goes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Request {
    rollout: RolloutId,
    tag: String,
    /// To the second, as events tell it.
    second: i64,
    by_person: bool,
}

/// Checks the invariants on a history that it is told deed by deed.
#[derive(Debug, Default)]
pub struct Checker {
    targets: BTreeMap<TargetName, Known>,
    tags: BTreeMap<(String, String), ImageDigest>,
    /// Each alarm's states since when, the latest last.
    alarms: BTreeMap<String, Vec<(Timestamp, AlarmState)>>,
    violations: Vec<Violation>,
    at: Timestamp,
    /// The most calls of one invocation.
    pub most_calls: usize,
}

impl Checker {
    /// Begins to check a target.
    pub fn watch(&mut self, target: TargetName, terms: Terms) {
        let known = Known {
            terms,
            state: TargetState::default(),
            finished: BTreeMap::new(),
            requests: BTreeMap::new(),
            told: BTreeSet::new(),
            notice_ids: BTreeMap::new(),
            newest_asked: None,
            kept_out: BTreeSet::new(),
            somebody: None,
            changes: BTreeMap::new(),
            heard: Vec::new(),
        };
        self.targets.insert(target, known);
    }

    /// Takes in what was done next.
    pub fn take(&mut self, deed: &Deed) {
        match deed {
            Deed::Saved(saved) => self.check_saved(saved),
            Deed::Updated(updated) => self.check_updated(updated),
            Deed::Stopped(stopped) => self.check_stopped(stopped),
            Deed::Invoked { calls } => {
                self.most_calls = self.most_calls.max(*calls);
                if *calls > MOST_CALLS {
                    let saw = format!("one invocation of rollout made {calls} calls");
                    self.report("bounded work", "-", saw);
                }
            }
            Deed::AlarmHeard {
                target,
                name,
                fired,
                changed_at,
            } => {
                if let (Some(known), true) = (self.targets.get_mut(target), fired) {
                    known.heard.push(HeardAlarm {
                        name: name.clone(),
                        changed_at: *changed_at,
                    });
                }
            }
            Deed::Tagged {
                at,
                repository,
                tag,
                digest,
            } => {
                self.at = *at;
                let key = (repository.clone(), tag.clone());
                self.tags.insert(key, digest.clone());
            }
            Deed::ImageDeleted { repository, digest } => {
                self.tags
                    .retain(|(one, _), tagged| one != repository || tagged != digest);
            }
            Deed::SomebodyDeployed {
                at,
                service,
                deployment,
            } => {
                for known in self.targets.values_mut() {
                    if known.terms.service == *service {
                        known.somebody = Some((*at, deployment.clone()));
                    }
                }
            }
            Deed::AlarmTurned { at, name, state } => {
                let states = self.alarms.entry(name.clone()).or_default();
                states.push((*at, *state));
            }
            Deed::Released { target, digest } => {
                if let Some(known) = self.targets.get_mut(target) {
                    known.kept_out.remove(digest);
                }
            }
        }
    }

    /// Gives what did not hold so far.
    #[must_use]
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Gives the most changes of a service that one rollout asked for.
    #[must_use]
    pub fn most_changes(&self) -> usize {
        let known = self.targets.values();
        let counts = known.flat_map(|known| known.changes.values().copied());
        counts.max().unwrap_or_default()
    }

    fn report(&mut self, invariant: &'static str, target: &str, saw: String) {
        self.violations.push(Violation {
            invariant,
            at: self.at,
            target: target.to_owned(),
            saw,
        });
    }
}

impl Request {
    fn of(rollout: &Rollout) -> Self {
        Self {
            rollout: rollout.id.clone(),
            tag: rollout.push.tag.clone(),
            second: rollout.push.tagged_at.as_second(),
            by_person: rollout.push.source == pushboat::core::push::PushSource::Operator,
        }
    }

    /// Says whether this request is surely older than another one.
    ///
    /// Versions are ordered by version, everything else by when the tag was
    /// set. A person's request counts by its time, and never by its version.
    /// What one second does not tell apart is not called older.
    fn is_older_than(&self, other: &Self, tags: Tags) -> bool {
        let by_version = tags == Tags::Versions && !self.by_person && !other.by_person;
        if by_version && let (Some(one), Some(another)) = (version(&self.tag), version(&other.tag))
        {
            return (one, self.second) < (another, other.second);
        }
        if tags == Tags::Versions {
            return false;
        }
        self.second < other.second
    }
}
