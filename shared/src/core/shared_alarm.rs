//! An alarm that several targets watch: whose rollout goes back first when it fires.
//!
//! There is no lock. Each target decides by itself, by its own record and a look
//! at the records of the others:
//!
//! - The rollout whose version was deployed last goes back at once.
//! - Every other one yields: to those that are on their way back, whatever the
//!   reason, and to those that were deployed later and saw the alarm too.
//! - Once nobody goes before it any more, it gives the alarm time to settle. Is
//!   the alarm OK then, and did somebody go back, it is acquitted: the firing
//!   does not count, and its bake time begins anew. Else it goes back too.
//!
//! Nobody waits in a circle, because whoever goes back waits for nobody, and
//! the others are in the order of their deployments. Nobody waits for ever:
//! [`YIELD_LIMIT`] after it began to yield, the alarm counts whatever is seen.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::alarm::{AlarmSeen, AlarmState};
use super::name::TargetName;
use super::rollout::Phase;
use super::state::TargetState;

/// How many of the targets that share an alarm are looked at.
pub const SHARERS_LOOKED_AT: usize = 20;
/// How long a rollout yields to others at most.
pub const YIELD_LIMIT: SignedDuration = SignedDuration::from_mins(30);
/// How long an alarm has to be OK again, beside the time that its own window takes.
pub const SETTLING_TIME: SignedDuration = SignedDuration::from_mins(5);
/// How long another rollout may take to notice the alarm: an event or two looks of its own.
const NOTICING_TIME: SignedDuration = SignedDuration::from_mins(2);

/// Another target that watches an alarm that fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharer {
    /// The alarm's name.
    pub alarm: String,
    /// The target.
    pub target: TargetName,
    /// What it is doing.
    pub standing: SharerStanding,
}

/// What a target that shares an alarm is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharerStanding {
    /// No version of it can be to blame, or nothing may be changed of it.
    Idle,
    /// A version of it is being deployed or watched.
    UnderWay {
        /// When its deployment was created, by ECS's clock.
        deployed_at: Timestamp,
        /// Whether it saw the alarm fire.
        fired: bool,
    },
    /// A version of it is being taken back.
    GoingBack {
        /// When its deployment was created, by ECS's clock.
        deployed_at: Timestamp,
    },
}

impl Sharer {
    /// Reads what a target is doing about an alarm.
    #[must_use]
    pub fn read(alarm: &str, target: TargetName, state: &TargetState) -> Self {
        Self {
            alarm: alarm.to_owned(),
            target,
            standing: standing(alarm, state),
        }
    }
}

fn standing(alarm: &str, state: &TargetState) -> SharerStanding {
    let (Some(current), None) = (&state.current, &state.held) else {
        return SharerStanding::Idle;
    };
    let (Some(start), Some(running)) = (current.phase.start(), current.phase.running()) else {
        return SharerStanding::Idle;
    };
    // A version that came while the alarm fired already did not make it fire.
    let watch = start.alarms.iter().find(|watch| watch.name == alarm);
    let Some(watch) = watch.filter(|watch| !watch.ignored_until_ok) else {
        return SharerStanding::Idle;
    };
    let deployed_at = running.deployment_created_at;
    match current.phase {
        Phase::RollingBack { .. } => SharerStanding::GoingBack { deployed_at },
        _ => SharerStanding::UnderWay {
            deployed_at,
            fired: watch.fired,
        },
    }
}

/// What a rollout remembers of an alarm that fired and that others watch too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sharing {
    /// The other targets that watch it, at most [`SHARERS_LOOKED_AT`] of them.
    pub with: Vec<TargetName>,
    /// Whose turn it is.
    pub turn: Turn,
}

/// Whose turn it is to go back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
pub enum Turn {
    /// This one's: of the versions under way it was deployed last.
    Own,
    /// Another one's: this one waits.
    Yields {
        /// The target that goes first, or went last.
        to: TargetName,
        /// Since when this one yields, by our clock.
        since: Timestamp,
        /// The target that was last seen on its way back.
        #[serde(default)]
        gone_back: Option<TargetName>,
        /// When that was last seen, by our clock.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gone_back_at: Option<Timestamp>,
        /// Since when nobody goes before this one, by our clock.
        #[serde(default)]
        settles_from: Option<Timestamp>,
    },
    /// Nobody's any more: the alarm was OK again.
    Acquitted {
        /// The target that had gone back.
        after: TargetName,
        /// Until when what fired is put down to that one, by CloudWatch's clock: until the alarm
        /// was OK, and no longer than it may take to settle after that one was on its way back.
        #[serde(default, alias = "ok_since")]
        until: Option<Timestamp>,
    },
}

/// Who asks whose turn it is.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    /// The target.
    pub target: &'a TargetName,
    /// When its deployment was created, by ECS's clock.
    pub deployed_at: Timestamp,
}

/// What becomes of an alarm that fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It counts now.
    Counts,
    /// It does not count yet; look again then.
    Waits(Timestamp),
    /// It does not count.
    Acquitted,
}

/// Says what becomes of an alarm that fired, and whose turn it is.
///
/// `sharers` are the other targets that watch this very alarm.
#[must_use]
pub fn judge(
    own: Own<'_>,
    before: Option<&Turn>,
    sharers: &[&Sharer],
    seen: Option<&AlarmSeen>,
    now: Timestamp,
) -> (Verdict, Turn) {
    let yielding = match before {
        Some(Turn::Yields {
            to,
            since,
            gone_back,
            gone_back_at,
            settles_from,
        }) => Some((to, *since, gone_back, *gone_back_at, *settles_from)),
        Some(Turn::Own | Turn::Acquitted { .. }) | None => None,
    };
    let since = yielding.map_or(now, |(_, since, ..)| since);
    let gone_back = yielding.and_then(|(_, _, gone_back, ..)| gone_back.clone());
    let gone_back_at = yielding.and_then(|(_, _, _, gone_back_at, _)| gone_back_at);
    let over_at = since + YIELD_LIMIT;
    let first = first(own, sharers, now.duration_since(since) < NOTICING_TIME);
    match (first, yielding) {
        (None, None) => (Verdict::Counts, Turn::Own),
        (Some(first), _) => {
            let goes = matches!(first.standing, SharerStanding::GoingBack { .. });
            let turn = Turn::Yields {
                to: first.target.clone(),
                since,
                gone_back: goes.then(|| first.target.clone()).or(gone_back),
                gone_back_at: goes.then_some(now).or(gone_back_at),
                settles_from: None,
            };
            (until(over_at, now), turn)
        }
        (None, Some((to, .., settles_from))) => {
            let state = seen.and_then(|seen| seen.state);
            if let (Some(after), Some(AlarmState::Ok)) = (&gone_back, state) {
                let settled_at = gone_back_at.map(|at| at + settling_time(seen));
                let ok_since = seen.and_then(|seen| seen.since);
                let turn = Turn::Acquitted {
                    after: after.clone(),
                    until: ok_since.map(|ok| settled_at.map_or(ok, |settled| ok.min(settled))),
                };
                return (Verdict::Acquitted, turn);
            }
            let from = settles_from.unwrap_or(now);
            let settled_at = match gone_back {
                Some(_) => from + settling_time(seen),
                // Nobody went back: there is nothing to settle.
                None => now,
            };
            let turn = Turn::Yields {
                to: to.clone(),
                since,
                gone_back,
                gone_back_at,
                settles_from: Some(from),
            };
            (until(settled_at.min(over_at), now), turn)
        }
    }
}

/// Gives the one that goes before `own`, if anybody does.
///
/// `noticing` says whether the others may still be about to notice the alarm.
fn first<'a>(own: Own<'_>, sharers: &[&'a Sharer], noticing: bool) -> Option<&'a Sharer> {
    let rank = |sharer: &Sharer| match sharer.standing {
        SharerStanding::Idle => None,
        SharerStanding::GoingBack { deployed_at } => Some((true, deployed_at)),
        SharerStanding::UnderWay { deployed_at, fired } => {
            let later = (deployed_at, &sharer.target) > (own.deployed_at, own.target);
            (later && (fired || noticing)).then_some((false, deployed_at))
        }
    };
    sharers
        .iter()
        .filter_map(|sharer| Some((rank(sharer)?, &sharer.target, *sharer)))
        .max_by(|one, other| (one.0, one.1).cmp(&(other.0, other.1)))
        .map(|(_, _, sharer)| sharer)
}

/// How long an alarm may take to be OK again once its cause is gone.
fn settling_time(seen: Option<&AlarmSeen>) -> SignedDuration {
    let window_seconds = seen.and_then(|seen| seen.window_seconds);
    SETTLING_TIME + SignedDuration::from_secs(i64::from(window_seconds.unwrap_or_default()))
}

fn until(at: Timestamp, now: Timestamp) -> Verdict {
    if now >= at {
        Verdict::Counts
    } else {
        Verdict::Waits(at)
    }
}

#[cfg(test)]
mod tests;
