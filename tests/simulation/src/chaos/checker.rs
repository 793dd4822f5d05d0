//! The invariants, checked on what was done and what was true then.
//!
//! Each is specified here from its words alone (issue 4, and the crate
//! documentation of `pushboat`): from the states that were saved, the changes
//! that were asked of ECS, and the model's truth at that moment.

mod alarms;
mod by_hand;
mod changes;
mod definition;
mod ended;
mod fairness;
#[cfg(test)]
mod forged;
mod progress;
mod request;
mod saved;
mod stacks;
mod tasks;
#[cfg(test)]
mod tests;
mod unasked;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use pushboat::core::alarm::AlarmState;
use pushboat::core::name::{ImageDigest, RolloutId, TargetName};
use pushboat::core::policy::ServiceRef;
use pushboat::core::rollout::Phase;
use pushboat::core::shared::Shared;
use pushboat::core::state::TargetState;

use crate::deeds::{Deed, Invoked};
use alarms::{Back, Told};
use by_hand::ByHand;
use definition::Definition;
use progress::Progress;
use request::{Asked, Followed, Request, version};
use stacks::ThroughStack;
use tasks::Shortage;

pub use ended::{End, Short, Unheard, Unsent};

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
    /// The alarms that it watches and others too.
    pub shared_alarms: BTreeSet<String>,
    /// The resources that may be changed unasked, where its service is changed through a stack.
    pub stack: Option<BTreeSet<String>>,
}

/// What is known of one target.
#[derive(Debug)]
struct Known {
    terms: Terms,
    /// From which second on it follows the tags of its terms.
    follows_since: i64,
    /// How far two clocks are apart at the most.
    skew: SignedDuration,
    /// When invocations looked that met no fault.
    looks: Vec<Timestamp>,
    state: Shared<TargetState>,
    finished: BTreeMap<RolloutId, Phase>,
    /// The requests, by rollout: when each was made, and under which tag.
    requests: BTreeMap<RolloutId, Request>,
    told: BTreeSet<(RolloutId, String)>,
    notice_ids: BTreeMap<String, String>,
    /// The newest requests that the service was asked to run.
    asked: Asked,
    kept_out: BTreeSet<ImageDigest>,
    /// The images that people gave free again; when their turn comes, they are let in.
    may_be_let_in: BTreeSet<ImageDigest>,
    /// Somebody else changed the service during the last rollout.
    stood_down: bool,
    /// Somebody else changed the service in a rollout, and none started since.
    gave_way: bool,
    /// Since when it is adopted.
    adopted_at: Option<Timestamp>,
    /// The images that rollouts started: what a tag points at when its turn comes.
    started: BTreeSet<ImageDigest>,
    /// The last deployment that somebody else made.
    somebody: Option<(Timestamp, String)>,
    by_hand: ByHand,
    through_stack: ThroughStack,
    changes: BTreeMap<RolloutId, usize>,
    heard: Vec<Told>,
    /// What it was told of an alarm by the message that is being handled.
    hears: Option<Told>,
    /// What it was told of an alarm and took in for sure.
    noticed: Vec<Told>,
    shortage: Shortage,
    progress: Option<Progress>,
    /// When it was last invoked.
    received_at: Option<Timestamp>,
    /// When the invocation began in which its last rollout started.
    looked_from: Option<Timestamp>,
    /// How many of its invocations are not over.
    under_way: usize,
    /// When its last invocation was over that stood still, or came to no end.
    blocked_at: Option<Timestamp>,
    /// What did not hold, unless the invocation under way met a fault.
    doubtful: Vec<(&'static str, String)>,
}

/// Checks the invariants on a history that it is told deed by deed.
#[derive(Debug, Default)]
pub struct Checker {
    targets: BTreeMap<TargetName, Known>,
    /// What each tag stands for, and since when.
    tags: BTreeMap<(String, String), (ImageDigest, Timestamp)>,
    /// Each alarm's states since when, the latest last.
    alarms: BTreeMap<String, Vec<(Timestamp, AlarmState)>>,
    /// Who went back, and when.
    backs: Vec<Back>,
    definitions: BTreeMap<String, Definition>,
    violations: Vec<Violation>,
    at: Timestamp,
    /// For how long reads of services do not show a change in this run.
    pub read_lag: SignedDuration,
    /// How far two clocks are apart at the most; set before a target is watched.
    pub skew: SignedDuration,
    /// Whether each event is heard, and soon.
    pub hears_all: bool,
    /// Until when functions were kept from their work last.
    pub hindered_until: Option<Timestamp>,
    /// Since when there are no faults any more.
    pub healed_at: Option<Timestamp>,
    /// The most calls of one invocation.
    pub most_calls: usize,
}

impl Known {
    fn followed(&self) -> Followed {
        Followed {
            tags: self.terms.tags,
            since: self.follows_since,
        }
    }
}

impl Checker {
    /// Begins to check a target.
    pub fn watch(&mut self, target: TargetName, terms: Terms) {
        let known = Known {
            terms,
            follows_since: 0,
            skew: self.skew,
            looks: Vec::new(),
            state: Shared::default(),
            finished: BTreeMap::new(),
            requests: BTreeMap::new(),
            told: BTreeSet::new(),
            notice_ids: BTreeMap::new(),
            asked: Asked::default(),
            kept_out: BTreeSet::new(),
            may_be_let_in: BTreeSet::new(),
            stood_down: false,
            gave_way: false,
            adopted_at: None,
            started: BTreeSet::new(),
            somebody: None,
            by_hand: ByHand::default(),
            through_stack: ThroughStack::default(),
            changes: BTreeMap::new(),
            heard: Vec::new(),
            hears: None,
            noticed: Vec::new(),
            shortage: Shortage::default(),
            progress: None,
            received_at: None,
            looked_from: None,
            under_way: 0,
            blocked_at: None,
            doubtful: Vec::new(),
        };
        self.targets.insert(target, known);
    }

    /// Notes that a target follows the tags of its terms again, after others for a while.
    pub(super) fn follows_again(&mut self, target: &TargetName, at: Timestamp) {
        if let Some(known) = self.targets.get_mut(target) {
            known.follows_since = at.as_second();
        }
    }

    /// Takes in what was done next.
    pub fn take(&mut self, deed: &Deed) {
        match deed {
            Deed::Saved(saved) => self.check_saved(saved),
            Deed::Updated(updated) => self.check_updated(updated),
            Deed::Stopped(stopped) => self.check_stopped(stopped),
            Deed::Stack(deed) => self.check_stack(deed),
            Deed::Registered(registered) => self.check_registered(registered),
            Deed::Received {
                at,
                target,
                sent_at,
            } => self.check_received(*at, target, *sent_at),
            Deed::Invoked(invoked) => self.check_invoked(invoked),
            Deed::AlarmHeard {
                target,
                name,
                fired,
                changed_at,
            } => {
                let at = self.at;
                if let (Some(known), true) = (self.targets.get_mut(target), fired) {
                    known.hear(name, *changed_at, at);
                }
            }
            Deed::Tagged { .. }
            | Deed::ImageDeleted { .. }
            | Deed::SomebodyDeployed { .. }
            | Deed::SomebodyStopped { .. }
            | Deed::Counted { .. }
            | Deed::AlarmTurned { .. }
            | Deed::Released { .. } => self.note(deed),
        }
    }

    /// Takes in what others did.
    fn note(&mut self, deed: &Deed) {
        match deed {
            Deed::Tagged {
                at,
                repository,
                tag,
                digest,
            } => {
                self.at = *at;
                let key = (repository.clone(), tag.clone());
                self.tags.insert(key, (digest.clone(), *at));
            }
            Deed::ImageDeleted { repository, digest } => {
                self.tags
                    .retain(|(one, _), (tagged, _)| one != repository || tagged != digest);
            }
            Deed::SomebodyDeployed {
                at,
                service,
                deployment,
            } => {
                for known in self.holders(service) {
                    known.somebody = Some((*at, deployment.clone()));
                    known.by_hand.deployed(*at);
                }
            }
            Deed::SomebodyStopped {
                at,
                service,
                revision,
                sources,
            } => {
                for known in self.holders(service) {
                    known.by_hand.stopped(*at, revision, sources);
                }
            }
            Deed::Counted { at, service, short } => {
                for known in self.holders(service) {
                    known.shortage.count(*at, *short);
                }
            }
            Deed::AlarmTurned { at, name, state } => {
                let states = self.alarms.entry(name.clone()).or_default();
                if states.last().is_none_or(|(_, last)| last != state) {
                    states.push((*at, *state));
                }
            }
            Deed::Released { target, digest } => {
                if let Some(known) = self.targets.get_mut(target) {
                    known.may_be_let_in.insert(digest.clone());
                }
            }
            Deed::Saved(_)
            | Deed::Updated(_)
            | Deed::Stopped(_)
            | Deed::Stack(_)
            | Deed::Registered(_)
            | Deed::Received { .. }
            | Deed::Invoked(_)
            | Deed::AlarmHeard { .. } => {}
        }
    }

    /// Takes in that an invocation is over.
    fn check_invoked(&mut self, invoked: &Invoked) {
        self.at = invoked.at;
        self.most_calls = self.most_calls.max(invoked.calls);
        if invoked.calls > MOST_CALLS {
            let saw = format!("one invocation of rollout made {} calls", invoked.calls);
            self.report("bounded work", "-", saw);
        }
        let Some(known) = self.targets.get_mut(&invoked.target) else {
            return;
        };
        let doubtful = std::mem::take(&mut known.doubtful);
        let hears = known.hears.take();
        known.under_way = known.under_way.saturating_sub(1);
        if !invoked.done || known.received_at != Some(invoked.at) {
            known.blocked_at = Some(invoked.at);
        }
        if invoked.faults > 0 || !invoked.done {
            return;
        }
        known.noticed.extend(hears);
        known.looked(invoked.at, self.read_lag);
        for (invariant, saw) in doubtful {
            self.report(invariant, invoked.target.as_str(), saw);
        }
    }

    fn holders(&mut self, service: &ServiceRef) -> impl Iterator<Item = &mut Known> {
        let holds = |known: &&mut Known| known.terms.service == *service;
        self.targets.values_mut().filter(holds)
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
