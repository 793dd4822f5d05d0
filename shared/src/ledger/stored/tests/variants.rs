//! Of each variant that is stored there is a record.
//!
//! One that is brought needs a record in a file beside the others, so that the
//! releases after it read what it wrote.

use std::mem::discriminant;

use super::*;
use crate::core::failure::Failure;
use crate::core::operate::{Order, Refusal};
use crate::core::reason::{Halted, Rejected, SupersededBy, Waiting};
use crate::core::rollout::{Phase, RolledBackBy, Way};
use crate::message::snapshots::{commands, every};
use crate::notice::News;
use crate::queue::Trigger;

fn records<T: DeserializeOwned>(files: &[&str]) -> Vec<T> {
    let read = |file: &&str| -> Vec<T> { serde_json::from_str(file).unwrap() };
    files.iter().flat_map(read).collect()
}

fn states() -> Vec<TargetState> {
    records(&STATES)
}

fn news() -> Vec<News> {
    let notices: Vec<Notice> = records(&NOTICES);
    notices.into_iter().map(|notice| notice.news).collect()
}

/// Every rollout, wherever it is stored.
fn rollouts() -> Vec<Rollout> {
    let mut all: Vec<Rollout> = records(&ROLLOUTS);
    for state in states() {
        all.extend(state.current);
        all.extend(state.waiting);
        all.extend(state.halted.map(|halted| halted.news.rollout));
    }
    for news in news() {
        if let News::Rollout(news) = news {
            all.push(news.rollout);
        }
    }
    all
}

/// Says which of the examples have no record.
fn missing<T: Serialize>(examples: Vec<T>, stored: &[T]) -> Vec<String> {
    let is_missing = |example: &T| {
        let mut stored = stored.iter();
        !stored.any(|one| discriminant(one) == discriminant(example))
    };
    let missing = examples.into_iter().filter(is_missing);
    // As it would be stored, to be pasted into a record.
    missing
        .map(|example| serde_json::to_string(&example).unwrap())
        .collect()
}

#[test]
fn of_each_phase_and_reason_there_is_a_record() {
    let phases: Vec<Phase> = rollouts()
        .into_iter()
        .map(|rollout| rollout.phase)
        .collect();
    let (mut failures, mut halts, mut rejections) = (Vec::new(), Vec::new(), Vec::new());
    let (mut successors, mut waits) = (Vec::new(), Vec::new());
    let (mut ways, mut by_whom) = (Vec::new(), Vec::new());
    for phase in &phases {
        match phase.clone() {
            Phase::RollingBack { failure, back, .. } => {
                failures.push(failure);
                ways.push(back.way);
            }
            Phase::RolledBack { failure, by, .. } => {
                failures.push(failure);
                by_whom.push(by);
            }
            Phase::Superseded { by } => successors.push(by),
            Phase::Rejected { reason } => rejections.push(reason),
            Phase::Halted { reason } => halts.push(reason),
            Phase::Requested { waiting, .. } => waits.push(waiting),
            Phase::Starting { .. }
            | Phase::Progressing { .. }
            | Phase::Baking { .. }
            | Phase::Succeeded { .. }
            | Phase::ScaledToZero { .. } => {}
        }
    }
    let wakes = states().into_iter().filter_map(|state| state.wake);
    waits.extend(wakes.map(|wake| wake.waiting));
    let none: [String; 0] = [];
    assert_eq!(missing::<Phase>(every::phases(), &phases), none);
    assert_eq!(missing::<Failure>(every::failures(), &failures), none);
    assert_eq!(missing::<Halted>(every::halted(), &halts), none);
    assert_eq!(missing::<Rejected>(every::rejected(), &rejections), none);
    assert_eq!(
        missing::<SupersededBy>(every::superseded(), &successors),
        none
    );
    assert_eq!(missing::<Waiting>(every::waiting(), &waits), none);
    assert_eq!(missing::<Way>(every::ways(), &ways), none);
    assert_eq!(missing::<RolledBackBy>(every::by_whom(), &by_whom), none);
}

#[test]
fn of_each_command_refusal_and_news_there_is_a_record() {
    let (mut orders, mut refusals) = (Vec::new(), Vec::new());
    for news in news() {
        if let News::Command { command, refused } = news {
            orders.push(command.order);
            refusals.extend(refused);
        }
    }
    let in_states: Vec<Refusal> = states()
        .into_iter()
        .flat_map(|state| state.commands)
        .filter_map(|handled| handled.refused)
        .collect();
    let none: [String; 0] = [];
    assert_eq!(missing::<News>(commands::all_news(), &news()), none);
    assert_eq!(missing::<Order>(commands::orders(), &orders), none);
    assert_eq!(missing::<Refusal>(every::refusals(), &refusals), none);
    assert_eq!(missing::<Refusal>(every::refusals(), &in_states), none);
}

#[test]
fn of_each_message_there_is_one_that_was_queued() {
    let stored: Vec<QueueMessage> = records(&MESSAGES);
    let triggers: Vec<Trigger> = stored.into_iter().map(|one| one.trigger).collect();
    let is_stored = |trigger: &Trigger| match trigger {
        Trigger::Pushed(_)
        | Trigger::Found { .. }
        | Trigger::ServiceChanged { .. }
        | Trigger::TaskStopped(_)
        | Trigger::AlarmChanged(_)
        | Trigger::StackChanged { .. }
        | Trigger::Registered
        | Trigger::Operator(_)
        | Trigger::Due => true,
        // What a newer release wrote; nobody writes it.
        Trigger::Unknown => false,
    };
    assert!(triggers.iter().all(is_stored), "{triggers:?}");
    let mut kinds: Vec<&str> = triggers.iter().map(Trigger::as_str).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), 9, "a kind of message has no record: {kinds:?}");
}

/// What stands beside a rollout in a target's state.
#[test]
fn what_people_decided_is_read_from_states() {
    let states = states();
    let any = |holds: &dyn Fn(&TargetState) -> bool| states.iter().any(holds);
    assert!(any(&|state| !state.quarantine.is_empty()));
    assert!(any(
        &|state| state.held.is_some() && state.hold_told.is_some()
    ));
    assert!(any(&|state| state.roll_back.is_some()));
    assert!(any(&|state| state.published.is_some()));
    assert!(any(&|state| state.unpublished.is_some()));
    assert!(any(&|state| !state.alarms_told.is_empty()));
    assert!(any(&|state| state
        .halted
        .as_ref()
        .is_some_and(|halted| halted.since.is_some())));
    assert!(any(&|state| state
        .halted
        .as_ref()
        .is_some_and(|halted| halted.since.is_none())));
    let kept = |rollout: &Rollout| {
        let evidence = &rollout.evidence;
        !evidence.stopped_tasks.kept().is_empty()
            && !evidence.alarm_changes.kept().is_empty()
            && !evidence.target_health.is_empty()
            && !evidence.service_troubles.kept().is_empty()
    };
    assert!(rollouts().iter().any(kept), "no record holds all evidence");
}
