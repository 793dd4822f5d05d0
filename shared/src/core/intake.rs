//! What a push does to a target's state.
//!
//! A push that counts becomes a rollout in `Requested`; every other one is
//! explained. Nothing here looks at AWS.

use jiff::Timestamp;

use super::evidence::{AlarmChange, ServiceEvent, StoppedTask};
use super::name::{ImageDigest, RolloutId};
use super::observation::{Look, Observation, ServiceLook};
use super::ordering::{self, NewestPush, Order, PushTimes};
use super::overlooked;
use super::policy::{FollowedImage, Policy};
use super::push::{Push, PushSource};
use super::reason::{Ignored, SupersededBy, Waiting};
use super::rollout::{Phase, Rollout};
use super::shared::Shared;
use super::state::TargetState;

/// What became of a push.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intake {
    /// It is a rollout; the ones that waited before it and are superseded come with it.
    Accepted(Vec<Rollout>),
    /// It changes nothing.
    Ignored(Ignored),
    /// It was tagged in the same second as the newest one: ask ECR for both push times.
    AskPushTimes {
        /// The newest push accepted so far.
        newest: NewestPush,
    },
}

/// Takes a push in.
pub fn receive(
    state: &mut TargetState,
    policy: &Shared<Policy>,
    registered_at: Timestamp,
    push: &Push,
    times: Option<PushTimes>,
    now: Timestamp,
) -> Intake {
    let Some(image) = policy.image(&push.repository) else {
        return Intake::Ignored(Ignored::NotFollowed {
            subject: format!("repository {}", push.repository),
        });
    };
    if !ordering::follows(&image.tags, &push.tag) {
        return Intake::Ignored(Ignored::TagNotFollowed {
            tag: push.tag.clone(),
        });
    }
    // In whole seconds, because events tell no more: a push of the same second counts.
    if push.tagged_at.as_second() < registered_at.as_second() {
        return Intake::Ignored(Ignored::BeforeRegistration { registered_at });
    }
    if let Some(newest) = state.newest.get_mut(&push.repository) {
        match order(image, push, newest, times) {
            Order::Newer => {}
            Order::Same => {
                newest.note_told(push);
                return Intake::Ignored(Ignored::Repeat);
            }
            Order::Older => {
                newest.note_older(push);
                return Intake::Ignored(Ignored::Older {
                    newest_tag: newest.tag.clone(),
                    newest: newest.digest.clone(),
                });
            }
            Order::AskPushTimes => {
                return Intake::AskPushTimes {
                    newest: newest.clone(),
                };
            }
        }
    }
    accept(state, policy, image, push, now)
}

/// Takes a push in that the sweep found in ECR, `after` that one was the newest accepted.
///
/// Its image may have been asked for since the sweep looked: `was_requested` says whether a
/// rollout of it ended, and the state tells of the others.
pub fn receive_found(
    state: &mut TargetState,
    policy: &Shared<Policy>,
    push: &Push,
    after: Option<&NewestPush>,
    was_requested: bool,
    now: Timestamp,
) -> Intake {
    let image = policy.image(&push.repository);
    let Some(image) = image.filter(|image| ordering::follows(&image.tags, &push.tag)) else {
        return Intake::Ignored(Ignored::TagNotFollowed {
            tag: push.tag.clone(),
        });
    };
    if !overlooked::may_begin(state) {
        return Intake::Ignored(Ignored::LeftToPeople);
    }
    if was_requested || overlooked::was_requested(state, &push.digest) {
        return Intake::Ignored(Ignored::Repeat);
    }
    match state.newest.get(&push.repository) {
        Some(newest) if Some(newest) != after => Intake::Ignored(Ignored::Older {
            newest_tag: newest.tag.clone(),
            newest: newest.digest.clone(),
        }),
        Some(_) | None => accept(state, policy, image, push, now),
    }
}

fn order(
    image: &FollowedImage,
    push: &Push,
    newest: &NewestPush,
    times: Option<PushTimes>,
) -> Order {
    if newest.came_after(push) || newest.is_told_by(push) {
        return Order::Same;
    }
    match ordering::compare(&image.tags, push, newest, times) {
        // An exact tag means what it points at now, whichever of two events told us.
        Order::AskPushTimes if ordering::exact_tag(&image.tags).is_some() => Order::Newer,
        order => order,
    }
}

fn accept(
    state: &mut TargetState,
    policy: &Shared<Policy>,
    image: &FollowedImage,
    push: &Push,
    now: Timestamp,
) -> Intake {
    let newest = NewestPush::after(state.newest.remove(&push.repository), push);
    state.newest.insert(push.repository.clone(), newest);
    if let Some(same) = under_way(state, image, &push.digest) {
        return Intake::Ignored(Ignored::SameImageUnderWay { rollout: same });
    }
    Intake::Accepted(enter(state, policy, push, now))
}

/// Makes a push a rollout that waits for its turn; answers the ones that waited before it.
pub(super) fn enter(
    state: &mut TargetState,
    policy: &Shared<Policy>,
    push: &Push,
    now: Timestamp,
) -> Vec<Rollout> {
    let parts = [
        policy.target.as_str(),
        &push.repository,
        &push.tag,
        push.digest.as_str(),
    ];
    let rollout = Rollout {
        id: RolloutId::new(push.tagged_at, &parts),
        push: push.clone().into(),
        policy: policy.clone(),
        requested_at: now,
        phase: Phase::Requested {
            waiting: waiting(state),
            hindered_since: None,
        },
        resolved: None,
        evidence: Shared::default(),
    };
    let (outdated, kept) = std::mem::take(&mut state.waiting)
        .into_iter()
        .partition(|waiting| waiting.push.repository == push.repository);
    state.waiting = kept;
    let superseded = superseded(outdated, &rollout);
    state.waiting.push(rollout);
    superseded
}

/// Finds the latest rollout of the repository, if it brings this very image.
pub(super) fn under_way(
    state: &TargetState,
    image: &FollowedImage,
    digest: &ImageDigest,
) -> Option<RolloutId> {
    let latest = state
        .waiting
        .iter()
        .rev()
        .chain(&state.current)
        .find(|rollout| rollout.push.repository == image.repository)?;
    // What an exact tag resolved to is only known once its rollout has started.
    let settled = latest.phase.start().is_some()
        || latest.push.source == PushSource::Operator
        || ordering::exact_tag(&image.tags).is_none();
    (settled && latest.digest() == digest).then(|| latest.id.clone())
}

fn waiting(state: &TargetState) -> Waiting {
    match &state.current {
        Some(current) => Waiting::Turn {
            behind: current.id.clone(),
        },
        None => Waiting::FirstLook,
    }
}

fn superseded(outdated: Vec<Rollout>, by: &Rollout) -> Vec<Rollout> {
    outdated
        .into_iter()
        .map(|rollout| Rollout {
            phase: Phase::Superseded {
                by: SupersededBy::Push(by.into()),
            },
            ..rollout
        })
        .collect()
}

/// Keeps what a stopped task shows with the rollout under way; says whether it is new.
///
/// Tasks of the old revision are kept too: what it loses in the same time is
/// taken off what ours loses.
pub fn keep_task(state: &mut TargetState, task: &StoppedTask) -> bool {
    let Some(current) = &mut state.current else {
        return false;
    };
    current.phase.start().is_some() && current.evidence.stopped_tasks.keep(task.clone())
}

/// Keeps an alarm's change with the rollout that watches it; says whether it counts there.
///
/// A change from before our deployment was made says nothing of it; both times
/// are AWS's. Nor does one that was seen at the start. While it is not known whether the
/// deployment was made, each one is kept.
pub fn keep_alarm(state: &mut TargetState, change: &AlarmChange) -> bool {
    let Some(current) = &mut state.current else {
        return false;
    };
    let deployed_at = match &current.phase {
        Phase::Starting { .. } => None,
        Phase::Progressing { running, .. }
        | Phase::Baking { running, .. }
        | Phase::RollingBack { running, .. } => Some(running.deployment_created_at),
        Phase::Requested { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => return false,
    };
    if deployed_at.is_some_and(|deployed_at| change.at < deployed_at) {
        return false;
    }
    let watches = current.phase.start_mut().map(|start| &mut start.alarms);
    let Some(watch) = watches
        .into_iter()
        .flatten()
        .find(|watch| watch.name == change.name)
    else {
        return false;
    };
    let is_news = match deployed_at {
        // ECS's clock may be behind CloudWatch's: what was seen at the start is no news.
        Some(_) => watch.hear(change),
        None => watch.hear_before_deployment(change),
    };
    is_news && current.evidence.alarm_changes.keep(change.clone())
}

/// Keeps what ECS complains of with the rollout under way; says whether it is new.
///
/// What ECS said before it made our deployment is not about it; both times are ECS's.
pub fn keep_service_event(state: &mut TargetState, event: &ServiceEvent) -> bool {
    let current = state.current.as_mut();
    current.is_some_and(|current| keep_complaint(current, event))
}

/// Keeps what the service's messages complain of: they tell even where an event was lost.
pub fn keep_complaints(current: &mut Rollout, observation: &Observation) {
    if let Look::Taken(ServiceLook::Found(service)) = &observation.service {
        // The oldest first: what is later than the last one known is new.
        for event in service.complaints.iter().rev() {
            keep_complaint(current, event);
        }
    }
}

fn keep_complaint(current: &mut Rollout, event: &ServiceEvent) -> bool {
    let since = current.phase.running();
    let since = since.map(|running| running.deployment_created_at);
    since.is_some_and(|since| event.follows(since))
        && current.evidence.service_troubles.keep(event.clone())
}

/// Makes the rollout that waits longest the current one, if none is under way.
pub fn promote(state: &mut TargetState, policy: &Shared<Policy>) {
    if state.current.is_some() {
        return;
    }
    let first = state
        .waiting
        .iter()
        .enumerate()
        .min_by(|(_, one), (_, other)| one.id.cmp(&other.id))
        .map(|(index, _)| index);
    if let Some(index) = first {
        let rollout = state.waiting.remove(index);
        state.current = Some(Rollout {
            policy: policy.clone(),
            ..rollout
        });
    }
}

#[cfg(test)]
mod tests;
