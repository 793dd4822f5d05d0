//! `Starting`, seen again: an effect's answer was lost, or the function died.
//!
//! What was done is found by looking, never from memory.

use jiff::{SignedDuration, Timestamp};

use super::super::alarm::AlarmWatch;
use super::super::observation::{Look, Observation, OwnRevision, ServiceLook, Trouble};
use super::super::reason::{Rejected, SupersededBy, Waiting};
use super::super::rollout::{Phase, Rollout, Running, Start};
use super::super::shared::Shared;
use super::{Action, Decision, Next, READ_LAG, RETRY, history, reject, requested, supersede, wait};
use crate::task_definition::registry_of;

/// How long it may take until who was throttled has asked again: the sweep wakes it, at first each
/// minute and then every five, and others may be in the queue before it.
const TURN_COMES_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// What was recorded before the effects.
pub(super) struct Intent<'a> {
    pub(super) revision: Option<&'a str>,
    pub(super) intended_at: Option<Timestamp>,
}

pub(super) fn decide(
    rollout: &Rollout,
    start: &Shared<Start>,
    intent: &Intent<'_>,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    let service = match &observation.service {
        Look::Taken(ServiceLook::Found(service)) if service.active => service,
        Look::Taken(_) => return supersede(SupersededBy::ServiceGone),
        Look::Unavailable(trouble) => return look_again(rollout, start, trouble, now),
        Look::NotTaken => return look_again(rollout, start, &"no look at the service".into(), now),
    };
    let Some(primary) = service.primary() else {
        return look_again(
            rollout,
            start,
            &"ECS shows no primary deployment".into(),
            now,
        );
    };
    let revision = match (intent.revision, &observation.own_revision) {
        (Some(revision), _) => Some(revision),
        (None, Look::Taken(found)) => found.as_deref(),
        (None, Look::Unavailable(trouble)) => return look_again(rollout, start, trouble, now),
        (None, Look::NotTaken) => {
            return look_again(rollout, start, &"no look for our revision".into(), now);
        }
    };
    if let Some(revision) = revision.filter(|revision| primary.task_definition == *revision) {
        let seen = Seen {
            deployment: &primary.id,
            created_at: primary.created_at,
        };
        return taken(rollout, start, revision, &seen, intent, now);
    }
    if let Some(decision) = told_by_history(rollout, start, revision, intent, observation, now) {
        return decision;
    }
    let lag_over_at = intent
        .intended_at
        .map(|at| at + READ_LAG)
        .filter(|over_at| now < *over_at);
    let later = primary.created_at > start.base_deployment_created_at;
    let foreign = later && !observation.asked_before.contains(&primary.id);
    // Within the read lag a primary nobody knows may be ours: its revision is not readable yet.
    if foreign && (revision.is_some() || lag_over_at.is_none()) {
        return supersede(SupersededBy::SomebodyElse {
            task_definition: primary.task_definition.clone(),
        });
    }
    if let Some(lag_over_at) = lag_over_at {
        return wait(rollout.phase.clone(), lag_over_at, Waiting::ReadLag);
    }
    if let Some(newer) = &observation.newer {
        // Nothing was changed yet, as far as can be seen: the newer push need not wait.
        return supersede(SupersededBy::Push(newer.clone()));
    }
    if now >= over_at(rollout, start) {
        return reject(Rejected::AwsUnavailable {
            trouble: "ECS did not take the change before the deadline".to_owned(),
        });
    }
    ask_again(rollout, start, revision, &service.arn, observation, now)
}

/// Decides where only the history can tell of a deployment that is no longer shown.
fn told_by_history(
    rollout: &Rollout,
    start: &Shared<Start>,
    revision: Option<&str>,
    intent: &Intent<'_>,
    observation: &Observation,
    now: Timestamp,
) -> Option<Decision> {
    let revision = revision?;
    let may_be_gone = intent.intended_at.is_some_and(|at| now >= at + READ_LAG);
    match &observation.history {
        Look::Taken(_) => {}
        Look::Unavailable(trouble) => return Some(look_again(rollout, start, trouble, now)),
        Look::NotTaken if may_be_gone => {
            let trouble = "no look at the service deployments".into();
            return Some(look_again(rollout, start, &trouble, now));
        }
        Look::NotTaken => return None,
    }
    let record = history::of(&observation.history, revision)?;
    // It was taken, and does not show any more: what became of it is seen to next.
    // Its tasks name the deployment, the record does not.
    let mut stopped = rollout.evidence.stopped_tasks.kept().iter();
    let task = stopped.find(|task| task.task_definition == revision);
    let gone = Seen {
        deployment: task.map_or(&record.arn, |task| &task.started_by),
        created_at: record.created_at,
    };
    Some(taken(rollout, start, revision, &gone, intent, now))
}

/// What tells the rollout's own revision from somebody's copy of it, tags and all.
pub(super) fn own_revision(rollout: &Rollout, start: &Start) -> OwnRevision {
    let digest = start.digest.to_string();
    let containers = start.containers.iter().cloned();
    OwnRevision {
        base: start.base_task_definition.clone(),
        tag: rollout.id.to_string(),
        images: containers.map(|name| (name, digest.clone())).collect(),
    }
}

/// What is seen of the deployment that UpdateService made.
pub(super) struct Seen<'a> {
    pub(super) deployment: &'a str,
    pub(super) created_at: Timestamp,
}

/// UpdateService was taken.
pub(super) fn taken(
    rollout: &Rollout,
    start: &Shared<Start>,
    revision: &str,
    seen: &Seen<'_>,
    intent: &Intent<'_>,
    now: Timestamp,
) -> Decision {
    Decision {
        phase: Phase::Progressing {
            start: told_since(rollout, start, seen.created_at),
            running: Running {
                revision: revision.to_owned(),
                deployment: seen.deployment.to_owned(),
                deployment_created_at: seen.created_at,
                asked_at: intent.intended_at.unwrap_or(now),
                deadline_from: None,
                paused_at: None,
            },
        },
        actions: Vec::new(),
        next: Next::Now,
    }
}

/// Brings the watched alarms up to date with what was told of them since the deployment was made.
fn told_since(rollout: &Rollout, start: &Shared<Start>, made_at: Timestamp) -> Shared<Start> {
    let told = rollout.evidence.alarm_changes.kept().iter();
    let mut told = told.filter(|change| change.at >= made_at).peekable();
    let mut start = start.clone();
    if told.peek().is_none() {
        return start;
    }
    for change in told {
        let mut watches = start.alarms.iter_mut();
        if let Some(watch) = watches.find(|watch| watch.name == change.name) {
            watch.hear(change);
        }
    }
    start
}

fn ask_again(
    rollout: &Rollout,
    start: &Shared<Start>,
    revision: Option<&str>,
    service_arn: &str,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    let actions = match (revision, &observation.definition) {
        (Some(revision), _) => vec![Action::UpdateService(Some(revision.to_owned()))],
        (None, Look::Taken(definition)) => {
            let registry = registry_of(service_arn).unwrap_or_default();
            let request = requested::registration(rollout, start, definition, &registry);
            vec![Action::Register(request), Action::UpdateService(None)]
        }
        (None, Look::Unavailable(trouble)) => return look_again(rollout, start, trouble, now),
        (None, Look::NotTaken) => {
            return look_again(
                rollout,
                start,
                &"no look at the task definition".into(),
                now,
            );
        }
    };
    // It begins only now, perhaps long after a hold: what fires already is none of its doing.
    let watches = match &observation.alarms {
        Look::Taken(seen) => AlarmWatch::begin_again(&start.alarms, seen),
        Look::Unavailable(trouble) => return look_again(rollout, start, trouble, now),
        Look::NotTaken => return look_again(rollout, start, &"no look at the alarms".into(), now),
    };
    let mut start = start.clone();
    if start.alarms != watches {
        start.alarms = watches;
    }
    Decision {
        phase: Phase::Starting {
            start,
            revision: revision.map(str::to_owned),
            update_intended_at: Some(now),
        },
        actions,
        next: Next::Now,
    }
}

/// Says when the deadline is, until which ECS has to take the change.
///
/// While others use its rates up ECS is well, and only a matter of turns (issue 5, invariant 11).
/// A hold sets back the start, and what is throttled is asked again some minutes later.
pub(super) fn over_at(rollout: &Rollout, start: &Start) -> Timestamp {
    let deadline = rollout.policy.deadline();
    let by_start = start.at + deadline;
    let by_throttling = start
        .throttled_at
        .map(|at| at + deadline.max(TURN_COMES_WITHIN));
    by_throttling.map_or(by_start, |at| at.max(by_start))
}

pub(super) fn look_again(
    rollout: &Rollout,
    start: &Shared<Start>,
    trouble: &Trouble,
    now: Timestamp,
) -> Decision {
    // What may have been taken is not left alone unseen, however long it takes to look.
    let surely_not_sent = matches!(
        rollout.phase,
        Phase::Starting {
            update_intended_at: None,
            ..
        }
    );
    if surely_not_sent && !trouble.throttled && now >= over_at(rollout, start) + READ_LAG {
        return reject(Rejected::AwsUnavailable {
            trouble: trouble.words.clone(),
        });
    }
    let mut phase = rollout.phase.clone();
    if let (Phase::Starting { start, .. }, true) = (&mut phase, trouble.throttled) {
        start.throttled_at = Some(now);
    }
    let waiting = Waiting::Aws {
        trouble: trouble.words.clone(),
    };
    wait(phase, now + RETRY, waiting)
}
