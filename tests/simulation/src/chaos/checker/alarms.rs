//! Alarms: what they take back, and whose turn it is where several targets share one.
//!
//! Said of a shared alarm (docs/decisions, "Whose version goes back where an
//! alarm is shared"): who was deployed last goes back first, the others yield;
//! if the alarm is OK once that one went back, the others stay and their bake
//! time begins anew; a flap always takes one version back; nobody yields for
//! longer than half an hour. A newer push, or a look that failed, ends yielding.

use jiff::{SignedDuration, Timestamp};
use pushboat::core::alarm::AlarmState;
use pushboat::core::failure::Failure;
use pushboat::core::name::TargetName;
use pushboat::core::rollout::{Phase, Rollout};
use pushboat::core::state::TargetState;

use super::changes::UNSEEN;
use super::{Checker, Known};
use crate::deeds::Saved;

const BLAME: &str = "alarms (only what fired since it started takes a version back)";
const TURNS: &str = "shared alarms (the latest goes back first, and the others for cause only)";
/// How long a rollout yields to others at most.
const YIELDS_FOR: SignedDuration = SignedDuration::from_mins(30);

/// How long after a way back a firing may still come of the version that is gone.
const SETTLES: SignedDuration = SignedDuration::from_mins(5);

type Found = (&'static str, String);

/// A target was told that an alarm fired.
#[derive(Clone, Debug)]
pub(super) struct Told {
    name: String,
    changed_at: Timestamp,
    /// When it was told.
    at: Timestamp,
}

/// A target went back.
#[derive(Clone, Debug)]
pub(super) struct Back {
    target: TargetName,
    began_at: Timestamp,
    /// When that was over.
    ended_at: Option<Timestamp>,
}

impl Back {
    fn was_going(&self, from: Timestamp, to: Timestamp) -> bool {
        self.began_at <= to && self.ended_at.is_none_or(|ended_at| ended_at >= from)
    }
}

/// How the one alarm stands for which a version goes back.
struct Firing<'a> {
    alarm: &'a str,
    /// When it fired, from OK.
    at: Timestamp,
    /// Since when it is OK again.
    ok_since: Option<Timestamp>,
}

/// When the update was to be sent that is not known to have been taken.
fn sent_at(phase: &Phase) -> Option<Timestamp> {
    match phase {
        Phase::Starting {
            update_intended_at, ..
        } => *update_intended_at,
        Phase::Requested { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::RollingBack { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => None,
    }
}

impl Known {
    /// Notes from when on a rollout that starts looked at the alarms.
    ///
    /// A hold puts off when it is said to have started, not what it saw; it looks anew only where
    /// the update is sent again.
    pub(super) fn note_start(&mut self, saved: &Saved) {
        let started = |state: &TargetState| {
            let current = state.current.as_ref();
            let started = current.filter(|current| current.phase.start().is_some());
            started.map(|current| (current.id.clone(), sent_at(&current.phase)))
        };
        let before = started(&self.state);
        let looks = started(&saved.state).is_some_and(|(id, sent)| match before {
            Some((was, sent_before)) if was == id => sent.is_some() && sent != sent_before,
            Some(_) | None => true,
        });
        if looks {
            self.looked_from = self.received_at;
        }
    }

    pub(super) fn hear(&mut self, name: &str, changed_at: Timestamp, at: Timestamp) {
        let told = Told {
            name: name.to_owned(),
            changed_at,
            at,
        };
        self.heard.push(told.clone());
        self.hears = Some(told);
    }
}

impl Checker {
    /// Says of which alarm that was OK it must have known that it fired after the
    /// deployment was made: it was told of it, or the alarm fires still.
    pub(super) fn fired(&self, known: &Known, rollout: &Rollout) -> Option<String> {
        let before = known.state.current.as_ref()?;
        if before.id != rollout.id {
            return None;
        }
        // By ECS's clock, and alarms by CloudWatch's.
        let since = before.phase.running()?.deployment_created_at + self.skew;
        let started_at = before.phase.start()?.at;
        let looked_from = known.looked_from.unwrap_or(started_at).min(started_at);
        let terms = &known.terms;
        let mut watched = terms.own_alarms.iter().chain(&terms.shared_alarms);
        let fires = |name: &&String| match self.turns(name) {
            [.., (ok_at, AlarmState::Ok), (at, AlarmState::Alarm)] => {
                // Where it fired at the start, that it was OK between two looks need not be known.
                let ok_at = *ok_at + self.skew;
                let mut looks = known.looks.iter();
                let was_seen = ok_at <= looked_from
                    || looks.any(|look| ok_at <= *look && *look + self.skew <= *at);
                *at > since && *at + UNSEEN < self.at && was_seen
            }
            _ => false,
        };
        if let Some(name) = watched.find(fires) {
            return Some(format!("alarm {name} fires"));
        }
        let told = known.heard.iter().filter(|told| told.changed_at > since);
        for told in told {
            let name = &told.name;
            if terms.own_alarms.contains(name) {
                return Some(format!("alarm {name} had fired"));
            }
            if !terms.shared_alarms.contains(name) {
                continue;
            }
            let bake_time = rollout.policy.bake_time();
            let acquitted = self.backs_of_others(rollout, name).any(|back| {
                let ok_at = self.ok_at(name, back.began_at.max(told.changed_at));
                back.was_going(told.changed_at - self.skew - SETTLES, self.at)
                    && ok_at.is_some_and(|ok_at| ok_at + bake_time <= self.at + self.skew)
            });
            if !acquitted {
                return Some(format!(
                    "shared alarm {name} had fired at {}, and nobody who shares it went back, or the bake time did not begin anew",
                    told.changed_at
                ));
            }
        }
        None
    }

    /// Checks a version that begins to go back, and notes that it does.
    pub(super) fn check_goes_back(
        &mut self,
        known: &mut Known,
        saved: &Saved,
        found: &mut Vec<Found>,
    ) {
        let goes = saved.state.current.as_ref();
        let goes = goes.filter(|one| matches!(one.phase, Phase::RollingBack { .. }));
        let going = self.backs.iter_mut();
        let mut going = going.filter(|back| back.target == saved.target);
        let last = going.find(|back| back.ended_at.is_none());
        match (goes, last) {
            (None, Some(last)) => last.ended_at = Some(saved.at),
            (Some(current), None) => {
                if let Phase::RollingBack {
                    failure: Failure::AlarmFired { alarms },
                    ..
                } = &current.phase
                {
                    self.check_blame(current, alarms, known.looked_from, found);
                    self.check_turn(known, saved, current, alarms);
                }
                self.backs.push(Back {
                    target: saved.target.clone(),
                    began_at: saved.at,
                    ended_at: None,
                });
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// Each alarm that is blamed fired since the rollout started, and not only on and on.
    fn check_blame(
        &self,
        current: &Rollout,
        alarms: &[String],
        looked_from: Option<Timestamp>,
        found: &mut Vec<Found>,
    ) {
        let Some(start) = current.phase.start() else {
            return;
        };
        let from = looked_from.map_or(start.at, |from| from.min(start.at));
        // Our clock and CloudWatch's may be apart, either way.
        let since = from - self.skew;
        for name in alarms {
            let turns = self.turns(name);
            let before = turns.iter().rev().find(|(at, _)| *at < since);
            let fired_before = before.is_some_and(|(_, state)| *state == AlarmState::Alarm);
            // What it was when it was looked at lies somewhere in between.
            let until = from.max(start.at) + self.skew;
            let mut meanwhile = turns.iter().filter(|(at, _)| *at >= since && *at < until);
            let mut ignored =
                fired_before && meanwhile.all(|(_, state)| *state == AlarmState::Alarm);
            let mut fired = false;
            for (_, state) in turns.iter().filter(|(at, _)| *at >= since) {
                match state {
                    AlarmState::Alarm => fired = fired || !ignored,
                    AlarmState::Ok => ignored = false,
                    AlarmState::InsufficientData => {}
                }
            }
            if !fired {
                let saw = format!(
                    "{} started at {}, was looked at from {from}, and goes back for {name}, which did not fire since: {turns:?}",
                    current.id, start.at
                );
                found.push((BLAME, saw));
            }
        }
    }

    /// Checks whose turn it is, where a shared alarm alone is blamed and fired but once.
    ///
    /// That is said only of an invocation that met no fault: a look at the
    /// others may fail.
    fn check_turn(&self, known: &mut Known, saved: &Saved, current: &Rollout, alarms: &[String]) {
        let [alarm] = alarms else { return };
        let newer = known.state.waiting.iter().chain(&saved.state.waiting);
        if newer.count() > 0 || !known.terms.shared_alarms.contains(alarm) {
            return;
        }
        let Some(firing) = self.only_firing(alarm, current) else {
            return;
        };
        let wrong = match firing.ok_since {
            None => self.goes_before_its_turn(current, &firing),
            Some(_) => self.goes_for_nothing(known, current, &firing),
        };
        known.doubtful.extend(wrong.map(|saw| (TURNS, saw)));
    }

    /// While the alarm fires, whoever was deployed later and noticed it goes first.
    fn goes_before_its_turn(&self, current: &Rollout, firing: &Firing<'_>) -> Option<String> {
        let deployed_at = current.phase.running()?.deployment_created_at;
        if self.at.duration_since(firing.at) + self.skew >= YIELDS_FOR {
            return None;
        }
        let goes_first = |known: &&Known| {
            let is_later = known.state.current.as_ref().is_some_and(|other| {
                let under_way = matches!(
                    other.phase,
                    Phase::Progressing { .. } | Phase::Baking { .. }
                );
                under_way
                    && other.phase.running().is_some_and(|running| {
                        let at = running.deployment_created_at;
                        // What fires when an update is sent again does not count for it.
                        let counts = running.asked_at + self.skew < firing.at;
                        counts && deployed_at < at && at < firing.at
                    })
            });
            let mut noticed = known.noticed.iter();
            is_later
                && known.state.held.is_none()
                && known.terms.shared_alarms.contains(firing.alarm)
                && noticed.any(|told| told.name == firing.alarm && told.changed_at == firing.at)
        };
        let first = self.targets.values().find(goes_first)?;
        Some(format!(
            "{} goes back for {}, which fires since {}, before {}, which was deployed later",
            current.id, firing.alarm, firing.at, first.terms.service
        ))
    }

    /// Who knew that another went back for a firing stays, once the alarm is OK.
    fn goes_for_nothing(
        &self,
        known: &Known,
        current: &Rollout,
        firing: &Firing<'_>,
    ) -> Option<String> {
        let mut noticed = known.noticed.iter();
        let told =
            noticed.find(|told| told.name == firing.alarm && told.changed_at == firing.at)?;
        if self.at.duration_since(told.at) + self.skew >= YIELDS_FOR {
            return None;
        }
        let mut backs = self.backs_of_others(current, firing.alarm);
        let back = backs.find(|back| {
            back.began_at >= firing.at + self.skew
                && back.began_at < told.at
                && back.was_going(told.at, told.at)
        })?;
        Some(format!(
            "{} goes back for {}, which fired at {} and is OK since {:?}, though {} went back for it at {}",
            current.id, firing.alarm, firing.at, firing.ok_since, back.target, back.began_at
        ))
    }

    /// Gives the only firing of an alarm since a rollout started, from OK.
    fn only_firing<'a>(&self, alarm: &'a str, current: &Rollout) -> Option<Firing<'a>> {
        let since = current.phase.start()?.at;
        let turns = self.turns(alarm);
        let fired =
            |(at, state): &&(Timestamp, AlarmState)| *at >= since && *state == AlarmState::Alarm;
        if turns.iter().filter(fired).count() != 1 {
            return None;
        }
        let (at, ok_since) = match turns {
            [.., (_, AlarmState::Ok), (at, AlarmState::Alarm)] => (*at, None),
            [
                ..,
                (_, AlarmState::Ok),
                (at, AlarmState::Alarm),
                (ok, AlarmState::Ok),
            ] => (*at, Some(*ok)),
            _ => return None,
        };
        Some(Firing {
            alarm,
            at,
            ok_since,
        })
    }

    fn backs_of_others<'a>(
        &'a self,
        rollout: &'a Rollout,
        alarm: &'a str,
    ) -> impl Iterator<Item = &'a Back> {
        let shares = move |back: &&Back| {
            let known = self.targets.get(&back.target);
            back.target != rollout.policy.target
                && known.is_some_and(|known| known.terms.shared_alarms.contains(alarm))
        };
        self.backs.iter().filter(shares)
    }

    /// Says when an alarm was OK first, from an instant on.
    fn ok_at(&self, alarm: &str, from: Timestamp) -> Option<Timestamp> {
        let turns = self.turns(alarm);
        let before = turns.iter().rev().find(|(at, _)| *at <= from);
        if before.is_some_and(|(_, state)| *state == AlarmState::Ok) {
            return Some(from);
        }
        let mut turns = turns.iter();
        let ok = turns.find(|(at, state)| *at > from && *state == AlarmState::Ok);
        ok.map(|(at, _)| *at)
    }

    fn turns(&self, alarm: &str) -> &[(Timestamp, AlarmState)] {
        self.alarms.get(alarm).map_or(&[], Vec::as_slice)
    }
}
