//! What a push does to a target's state.
//!
//! A push that counts becomes a rollout in `Requested`; every other one is
//! explained. Nothing here looks at AWS.

use jiff::Timestamp;

use super::evidence::{AlarmChange, Evidence, ServiceEvent, StoppedTask};
use super::name::{ImageDigest, RolloutId};
use super::observation::{Look, Observation, ServiceLook};
use super::ordering::{self, NewestPush, Order, PushTimes};
use super::policy::{FollowedImage, Policy};
use super::push::{Push, PushSource};
use super::reason::{Ignored, SupersededBy, Waiting};
use super::rollout::{Phase, Rollout};
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
    policy: &Policy,
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
    if let Some(newest) = state.newest.get(&push.repository) {
        match order(image, push, newest, times) {
            Order::Newer => {}
            Order::Same => return Intake::Ignored(Ignored::Repeat),
            Order::Older => {
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

fn order(
    image: &FollowedImage,
    push: &Push,
    newest: &NewestPush,
    times: Option<PushTimes>,
) -> Order {
    match ordering::compare(&image.tags, push, newest, times) {
        // An exact tag means what it points at now, whichever of two events told us.
        Order::AskPushTimes if ordering::exact_tag(&image.tags).is_some() => Order::Newer,
        order => order,
    }
}

fn accept(
    state: &mut TargetState,
    policy: &Policy,
    image: &FollowedImage,
    push: &Push,
    now: Timestamp,
) -> Intake {
    state
        .newest
        .insert(push.repository.clone(), NewestPush::from(push));
    if let Some(same) = under_way(state, image, &push.digest) {
        return Intake::Ignored(Ignored::SameImageUnderWay { rollout: same });
    }
    Intake::Accepted(enter(state, policy, push, now))
}

/// Makes a push a rollout that waits for its turn; answers the ones that waited before it.
pub(super) fn enter(
    state: &mut TargetState,
    policy: &Policy,
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
        push: push.clone(),
        policy: policy.clone(),
        requested_at: now,
        phase: Phase::Requested {
            waiting: waiting(state),
            hindered_since: None,
        },
        evidence: Evidence::default(),
    };
    let (outdated, kept) = std::mem::take(&mut state.waiting)
        .into_iter()
        .partition(|waiting| waiting.push.repository == push.repository);
    state.waiting = kept;
    let superseded = superseded(outdated, &rollout.id);
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

fn superseded(outdated: Vec<Rollout>, by: &RolloutId) -> Vec<Rollout> {
    outdated
        .into_iter()
        .map(|rollout| Rollout {
            phase: Phase::Superseded {
                by: SupersededBy::Push {
                    rollout: by.clone(),
                },
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
/// are AWS's.
pub fn keep_alarm(state: &mut TargetState, change: &AlarmChange) -> bool {
    let Some(current) = &mut state.current else {
        return false;
    };
    let since = match &current.phase {
        Phase::Progressing { running, .. }
        | Phase::Baking { running, .. }
        | Phase::RollingBack { running, .. } => running.deployment_created_at,
        Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => return false,
    };
    if change.at < since {
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
    watch.note_change(change.state, change.at);
    current.evidence.alarm_changes.keep(change.clone())
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
pub fn promote(state: &mut TargetState, policy: &Policy) {
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
mod tests {
    use jiff::SignedDuration;

    use super::super::alarm::{AlarmSeen, AlarmState, AlarmWatch};
    use super::super::name::TargetName;
    use super::super::rollout::{Running, Start};
    use super::*;
    use crate::target;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn policy(tags: &str) -> Policy {
        let text = format!(
            r#"{{ "service": {{ "cluster": "c", "name": "s" }},
                 "images": [ {{ "repository": "app", "tags": {{ "glob": ["{tags}"] }} }},
                             {{ "repository": "side" }} ] }}"#
        );
        target::parse(&TargetName::parse("web").unwrap(), &text).unwrap()
    }

    fn push(tag: &str, character: char, second: i64) -> Push {
        Push {
            repository: "app".to_owned(),
            tag: tag.to_owned(),
            digest: ImageDigest::parse(&format!("sha256:{}", character.to_string().repeat(64)))
                .unwrap(),
            tagged_at: at(second),
            event_id: format!("{tag}-{second}"),
            source: PushSource::Event,
        }
    }

    fn take(state: &mut TargetState, push: &Push) -> Intake {
        receive(state, &policy("*"), at(0), push, None, at(100))
    }

    #[test]
    fn the_same_push_told_again_changes_nothing() {
        let mut state = TargetState::default();
        assert_eq!(
            take(&mut state, &push("v1", 'a', 1)),
            Intake::Accepted(Vec::new())
        );
        let before = state.clone();
        assert_eq!(
            take(&mut state, &push("v1", 'a', 1)),
            Intake::Ignored(Ignored::Repeat)
        );
        assert_eq!(state, before);
    }

    #[test]
    fn only_the_newest_push_waits_and_the_other_is_told() {
        let mut state = TargetState::default();
        let _ = take(&mut state, &push("v1", 'a', 1));
        let Intake::Accepted(superseded) = take(&mut state, &push("v2", 'b', 2)) else {
            panic!()
        };
        assert_eq!(superseded.len(), 1);
        assert_eq!(state.waiting.len(), 1);
        assert_eq!(state.waiting[0].push.tag, "v2");
        let late = take(&mut state, &push("v1b", 'c', 1));
        assert!(
            matches!(late, Intake::Ignored(Ignored::Older { newest_tag, .. }) if newest_tag == "v2")
        );
        assert_eq!(state.waiting.len(), 1);
    }

    #[test]
    fn pushes_to_another_repository_wait_side_by_side_and_go_in_order() {
        let mut state = TargetState::default();
        let _ = take(&mut state, &push("v1", 'a', 2));
        let side = Push {
            repository: "side".to_owned(),
            ..push("v1", 'b', 1)
        };
        let _ = take(&mut state, &side);
        assert_eq!(state.waiting.len(), 2);
        promote(&mut state, &policy("*"));
        assert_eq!(state.current.as_ref().unwrap().push.repository, "side");
        promote(&mut state, &policy("*"));
        assert_eq!(state.waiting.len(), 1, "one rollout at a time");
    }

    #[test]
    fn strangers_and_old_news_are_explained() {
        let mut state = TargetState::default();
        let other = Push {
            repository: "other".to_owned(),
            ..push("v1", 'a', 1)
        };
        assert!(matches!(
            take(&mut state, &other),
            Intake::Ignored(Ignored::NotFollowed { .. })
        ));
        let early = take(&mut state, &push("v1", 'a', -1));
        assert!(matches!(
            early,
            Intake::Ignored(Ignored::BeforeRegistration { .. })
        ));
        let tag = receive(
            &mut state,
            &policy("main-*"),
            at(0),
            &push("v1", 'a', 1),
            None,
            at(9),
        );
        assert!(matches!(
            tag,
            Intake::Ignored(Ignored::TagNotFollowed { .. })
        ));
        assert_eq!(state, TargetState::default());
    }

    #[test]
    fn a_push_in_the_second_of_the_registration_counts() {
        let mut state = TargetState::default();
        // An event tells whole seconds, Parameter Store milliseconds.
        let registered_at = at(5) + SignedDuration::from_millis(900);
        let mut take = |second| {
            let push = push("v1", 'a', second);
            receive(&mut state, &policy("*"), registered_at, &push, None, at(9))
        };
        assert!(matches!(
            take(4),
            Intake::Ignored(Ignored::BeforeRegistration { .. })
        ));
        assert_eq!(take(5), Intake::Accepted(Vec::new()));
    }

    #[test]
    fn a_second_tag_on_the_same_image_does_not_roll_out_twice() {
        let mut state = TargetState::default();
        let _ = take(&mut state, &push("main-1", 'a', 1));
        let again = take(&mut state, &push("latest", 'a', 2));
        assert!(matches!(
            again,
            Intake::Ignored(Ignored::SameImageUnderWay { .. })
        ));
        assert_eq!(
            state.newest["app"].tag, "latest",
            "it still orders what comes after"
        );
    }

    #[test]
    fn an_exact_tag_that_moved_back_is_a_new_request() {
        let mut state = TargetState::default();
        let exact = policy("prod");
        let take =
            |state: &mut TargetState, push: &Push| receive(state, &exact, at(0), push, None, at(9));
        let _ = take(&mut state, &push("prod", 'a', 1));
        let _ = take(&mut state, &push("prod", 'b', 2));
        let back = take(&mut state, &push("prod", 'a', 3));
        assert!(matches!(back, Intake::Accepted(_)));
        let tie = take(&mut state, &push("prod", 'c', 3));
        assert!(
            matches!(tie, Intake::Accepted(_)),
            "it is resolved when it starts"
        );
    }

    #[test]
    fn a_tie_asks_for_the_push_times() {
        let mut state = TargetState::default();
        let _ = take(&mut state, &push("v1", 'a', 1));
        let tie = take(&mut state, &push("v2", 'b', 1));
        assert!(matches!(&tie, Intake::AskPushTimes { newest } if newest.tag == "v1"));
        let times = PushTimes {
            push: Some(at(0)),
            newest: Some(at(1)),
        };
        let older = receive(
            &mut state,
            &policy("*"),
            at(0),
            &push("v2", 'b', 1),
            Some(times),
            at(9),
        );
        assert!(matches!(older, Intake::Ignored(Ignored::Older { .. })));
    }

    #[test]
    fn the_image_under_way_is_the_one_that_was_resolved() {
        let mut state = TargetState::default();
        let _ = take(&mut state, &push("v1", 'a', 1));
        promote(&mut state, &policy("*"));
        let current = state.current.as_mut().unwrap();
        let start = Start {
            at: at(1),
            digest: push("x", 'b', 0).digest,
            base_task_definition: String::new(),
            base_deployment: String::new(),
            base_deployment_created_at: at(0),
            platform: None,
            containers: Vec::new(),
            alarms: Vec::new(),
            no_way_back: None,
        };
        let running = Running {
            revision: String::new(),
            deployment: String::new(),
            deployment_created_at: at(1),
            asked_at: at(1),
            deadline_from: None,
        };
        current.phase = Phase::Progressing { start, running };
        let same = take(&mut state, &push("v2", 'b', 2));
        assert!(matches!(
            same,
            Intake::Ignored(Ignored::SameImageUnderWay { .. })
        ));
        assert!(matches!(
            take(&mut state, &push("v3", 'a', 3)),
            Intake::Accepted(_)
        ));
    }

    fn under_way() -> TargetState {
        let mut state = TargetState::default();
        let _ = take(&mut state, &push("v1", 'a', 1));
        promote(&mut state, &policy("*"));
        let current = state.current.as_mut().unwrap();
        let seen = AlarmSeen {
            name: "5xx".to_owned(),
            state: Some(AlarmState::Ok),
            ..AlarmSeen::default()
        };
        current.phase = Phase::Progressing {
            start: Start {
                at: at(1),
                digest: push("x", 'a', 0).digest,
                base_task_definition: String::new(),
                base_deployment: String::new(),
                base_deployment_created_at: at(0),
                platform: None,
                containers: Vec::new(),
                alarms: AlarmWatch::begin(&[seen]),
                no_way_back: None,
            },
            running: Running {
                revision: String::new(),
                deployment: String::new(),
                deployment_created_at: at(10),
                asked_at: at(10),
                deadline_from: None,
            },
        };
        state
    }

    fn changed(name: &str, to: AlarmState, second: i64) -> AlarmChange {
        AlarmChange {
            alarm_arn: format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}"),
            name: name.to_owned(),
            state: to,
            previous: None,
            reason: String::new(),
            at: at(second),
        }
    }

    fn fired(state: &TargetState) -> bool {
        let start = state.current.as_ref().unwrap().phase.start().unwrap();
        start.alarms[0].fired
    }

    #[test]
    fn an_alarm_that_fires_between_two_looks_has_fired() {
        let mut state = under_way();
        assert!(keep_alarm(
            &mut state,
            &changed("5xx", AlarmState::Alarm, 10)
        ));
        assert!(keep_alarm(&mut state, &changed("5xx", AlarmState::Ok, 11)));
        assert!(fired(&state));
        let evidence = &state.current.as_ref().unwrap().evidence;
        assert_eq!(evidence.alarm_changes.kept().len(), 2);
        assert!(
            !keep_alarm(&mut state, &changed("5xx", AlarmState::Alarm, 10)),
            "a repeat"
        );
    }

    #[test]
    fn what_an_alarm_did_before_our_deployment_was_made_says_nothing_of_it() {
        let mut state = under_way();
        let before = state.clone();
        assert!(!keep_alarm(
            &mut state,
            &changed("5xx", AlarmState::Alarm, 9)
        ));
        assert!(!keep_alarm(
            &mut state,
            &changed("other", AlarmState::Alarm, 20)
        ));
        assert_eq!(state, before);
    }

    #[test]
    fn an_alarm_that_fired_at_the_start_counts_once_an_event_told_that_it_was_ok() {
        let mut state = under_way();
        let current = state.current.as_mut().unwrap();
        current.phase.start_mut().unwrap().alarms[0].ignored_until_ok = true;
        let _ = keep_alarm(&mut state, &changed("5xx", AlarmState::Alarm, 20));
        assert!(!fired(&state));
        let _ = keep_alarm(&mut state, &changed("5xx", AlarmState::Ok, 30));
        let _ = keep_alarm(&mut state, &changed("5xx", AlarmState::Alarm, 40));
        assert!(fired(&state));
    }

    #[test]
    fn what_ecs_complains_of_is_kept_from_the_second_in_which_our_deployment_was_made() {
        let event = |second| ServiceEvent {
            name: "SERVICE_TASK_PLACEMENT_FAILURE".to_owned(),
            reason: "RESOURCE:FARGATE".to_owned(),
            deployment: None,
            at: at(second),
        };
        let mut waiting = TargetState::default();
        let _ = take(&mut waiting, &push("v1", 'a', 1));
        promote(&mut waiting, &policy("*"));
        let before = waiting.clone();
        assert!(!keep_service_event(&mut waiting, &event(20)));
        assert_eq!(waiting, before, "nothing was asked of ECS yet");
        let mut state = under_way();
        assert!(!keep_service_event(&mut state, &event(9)));
        assert!(keep_service_event(&mut state, &event(10)));
        assert!(!keep_service_event(&mut state, &event(10)), "a repeat");
        let evidence = &state.current.as_ref().unwrap().evidence;
        assert_eq!(evidence.service_troubles.kept().len(), 1);
    }

    #[test]
    fn stopped_tasks_are_kept_with_a_rollout_that_has_started() {
        let task = StoppedTask {
            task_arn: "arn:aws:ecs:eu-west-1:123456789012:task/prod/1".to_owned(),
            ..StoppedTask::default()
        };
        let mut waiting = TargetState::default();
        let _ = take(&mut waiting, &push("v1", 'a', 1));
        assert!(!keep_task(&mut waiting, &task), "nothing is under way");
        promote(&mut waiting, &policy("*"));
        assert!(!keep_task(&mut waiting, &task), "it has not started");
        let mut state = under_way();
        assert!(keep_task(&mut state, &task));
        assert!(!keep_task(&mut state, &task), "a repeat");
    }
}
