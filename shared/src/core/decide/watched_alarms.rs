//! The watched alarms of a deployment under way: which of those that fired count now.

use jiff::Timestamp;

use super::super::alarm::{self, AlarmSeen, AlarmWatch};
use super::super::name::TargetName;
use super::super::observation::{Look, Observation};
use super::super::reason::Waiting;
use super::super::rollout::Start;
use super::super::shared_alarm::{self, Own, Sharer, Sharing, Turn, Verdict, YIELD_LIMIT};
use super::POLL;

/// What the watched alarms say.
pub(super) struct Alarms {
    pub(super) watches: Vec<AlarmWatch>,
    /// The names of those that fire and count.
    pub(super) fired: Vec<String>,
    /// One that fired and does not count yet.
    pub(super) yields: Option<Yields>,
    /// One fired for another target's sake, and is OK again.
    pub(super) acquitted: bool,
}

/// A rollout that yields to another target's.
pub(super) struct Yields {
    alarm: String,
    to: TargetName,
    until: Timestamp,
}

impl Yields {
    pub(super) fn waiting(&self) -> Waiting {
        Waiting::SharedAlarm {
            alarm: self.alarm.clone(),
            first: self.to.clone(),
        }
    }

    /// When to look again.
    pub(super) fn look_at(&self, now: Timestamp) -> Timestamp {
        self.until.min(now + POLL)
    }
}

impl Alarms {
    /// Brings the watches up to date and says which count.
    pub(super) fn look(
        own: Own<'_>,
        start: &Start,
        observation: &Observation,
        now: Timestamp,
    ) -> Self {
        let seen = match &observation.alarms {
            Look::Taken(seen) => seen.as_slice(),
            Look::NotTaken | Look::Unavailable(_) => &[],
        };
        let verdict = alarm::judge(&start.alarms, seen);
        let mut alarms = Self {
            watches: verdict.watches,
            fired: verdict.fired,
            yields: None,
            acquitted: false,
        };
        let newer_waits = observation.newer.is_some();
        match &observation.alarm_sharers {
            Look::Taken(sharers) => alarms.share(own, sharers, seen, newer_waits, now),
            Look::Unavailable(_) if !newer_waits => alarms.go_on_yielding(now),
            Look::Unavailable(_) | Look::NotTaken => {}
        }
        alarms
    }

    /// Leaves it at what was seen before, where the others cannot be looked at.
    fn go_on_yielding(&mut self, now: Timestamp) {
        for watch in self.watches.iter().filter(|watch| watch.fired) {
            let turn = watch.sharing.as_ref().map(|sharing| &sharing.turn);
            let Some(Turn::Yields { to, since, .. }) = turn else {
                continue;
            };
            let until = *since + YIELD_LIMIT;
            if now < until {
                self.fired.retain(|fired| *fired != watch.name);
                self.yields = Some(Yields {
                    alarm: watch.name.clone(),
                    to: to.clone(),
                    until,
                });
            }
        }
    }

    /// Asks of each alarm that fired and that others watch too whose turn it is.
    fn share(
        &mut self,
        own: Own<'_>,
        sharers: &[Sharer],
        seen: &[AlarmSeen],
        newer_waits: bool,
        now: Timestamp,
    ) {
        for watch in self.watches.iter_mut().filter(|watch| watch.fired) {
            let name = &watch.name;
            let others: Vec<&Sharer> = sharers.iter().filter(|one| one.alarm == *name).collect();
            if others.is_empty() {
                continue;
            }
            let before = watch.sharing.as_ref().map(|sharing| &sharing.turn);
            let seen = seen.iter().find(|seen| seen.name == *name);
            let (verdict, turn) = if newer_waits {
                // It may be the fix, and waits for nobody's sake.
                (Verdict::Counts, Turn::Own)
            } else {
                shared_alarm::judge(own, before, &others, seen, now)
            };
            if verdict != Verdict::Counts {
                self.fired.retain(|fired| fired != name);
            }
            match (verdict, &turn) {
                (Verdict::Waits(until), Turn::Yields { to, .. }) => {
                    self.yields = Some(Yields {
                        alarm: name.clone(),
                        to: to.clone(),
                        until,
                    });
                }
                (Verdict::Acquitted, _) => {
                    watch.fired = false;
                    self.acquitted = true;
                }
                (Verdict::Counts | Verdict::Waits(_), _) => {}
            }
            watch.sharing = Some(Sharing {
                with: others.iter().map(|one| one.target.clone()).collect(),
                turn,
            });
        }
    }
}
