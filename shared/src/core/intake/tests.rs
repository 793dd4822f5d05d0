//! Pushes, tasks and alarms as they come in.

use crate::core::shared::Shared;
use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::super::alarm::{AlarmSeen, AlarmState, AlarmWatch};
use super::super::name::TargetName;
use super::super::observation::{Controller, Service};
use super::super::reason::NewerPush;
use super::super::rollout::{Running, Start};
use super::super::state::Standing;
use super::*;
use crate::target;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn policy(tags: &str) -> Shared<Policy> {
    let text = format!(
        r#"{{ "service": {{ "cluster": "c", "name": "s" }},
             "images": [ {{ "repository": "app", "tags": {{ "glob": ["{tags}"] }} }},
                         {{ "repository": "side" }} ] }}"#
    );
    target::parse(&TargetName::parse("web").unwrap(), &text)
        .unwrap()
        .into()
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
    let by = SupersededBy::Push(NewerPush {
        rollout: state.waiting[0].id.clone(),
        tag: Some("v2".to_owned()),
        by_command: false,
    });
    assert_eq!(superseded[0].phase, Phase::Superseded { by });
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
fn a_rollout_goes_by_the_configuration_of_the_day_its_turn_comes() {
    let mut state = TargetState::default();
    let _ = take(&mut state, &push("v1", 'a', 1));
    let mut changed = policy("v*");
    changed.bake_time_seconds = 42;
    promote(&mut state, &changed);
    assert_eq!(state.current.unwrap().policy, changed);
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
fn an_exact_tag_set_twice_in_one_second_is_requested_once_for_each() {
    let mut state = TargetState::default();
    let exact = policy("prod");
    let mut take = |push: &Push| receive(&mut state, &exact, at(0), push, None, at(9));
    let pushes = ['a', 'b', 'c'].map(|character| push("prod", character, 1));
    for push in &pushes {
        assert!(matches!(take(push), Intake::Accepted(_)));
    }
    for again in &pushes {
        assert_eq!(take(again), Intake::Ignored(Ignored::Repeat));
    }
    assert!(matches!(take(&push("prod", 'a', 2)), Intake::Accepted(_)));
}

#[test]
fn a_tie_stays_decided_when_the_push_times_are_gone() {
    let mut state = TargetState::default();
    let mut take = |push: &Push, times: [Option<Timestamp>; 2]| {
        let [push_time, newest] = times;
        let times = PushTimes {
            push: push_time,
            newest,
        };
        receive(&mut state, &policy("*"), at(0), push, Some(times), at(9))
    };
    let [older, newer] = [push("v1", 'a', 1), push("v2", 'b', 1)];
    let none = [None, None];
    assert!(matches!(take(&older, none), Intake::Accepted(_)));
    assert!(matches!(
        take(&newer, [Some(at(1)), Some(at(0))]),
        Intake::Accepted(_)
    ));
    let gone = [Some(at(0)), None];
    assert_eq!(take(&older, gone), Intake::Ignored(Ignored::Repeat));
    let oldest = push("v0", 'c', 1);
    let ignored = take(&oldest, [Some(at(-1)), Some(at(1))]);
    assert!(matches!(ignored, Intake::Ignored(Ignored::Older { .. })));
    assert_eq!(take(&oldest, gone), Intake::Ignored(Ignored::Repeat));
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
        stack: None,
        throttled_at: None,
    };
    let running = Running {
        revision: String::new(),
        deployment: String::new(),
        deployment_created_at: at(1),
        asked_at: at(1),
        deadline_from: None,
        paused_at: None,
    };
    current.phase = Phase::Progressing {
        start: start.into(),
        running,
    };
    let same = take(&mut state, &push("v2", 'b', 2));
    assert!(matches!(
        same,
        Intake::Ignored(Ignored::SameImageUnderWay { .. })
    ));
    let current = state.current.as_ref().unwrap();
    let named = ['a', 'b', 'c'].map(|one| current.names(&push("x", one, 0).digest));
    assert_eq!(
        named,
        [true, true, false],
        "it was asked for with the first, and brings the second"
    );
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
            stack: None,
            throttled_at: None,
        }
        .into(),
        running: Running {
            revision: String::new(),
            deployment: String::new(),
            deployment_created_at: at(10),
            asked_at: at(10),
            deadline_from: None,
            paused_at: None,
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

/// UpdateService was sent, and its answer lost.
#[test]
fn while_it_is_not_known_whether_it_was_deployed_what_alarms_do_is_kept() {
    let mut state = under_way();
    let current = state.current.as_mut().unwrap();
    let mut start = current.phase.start().unwrap().clone();
    start.alarms[0].ignored_until_ok = true;
    current.phase = Phase::Starting {
        start,
        revision: None,
        update_intended_at: Some(at(10)),
    };
    let ignored = |state: &TargetState| {
        let start = state.current.as_ref().unwrap().phase.start().unwrap();
        start.alarms[0].ignored_until_ok
    };
    assert!(keep_alarm(
        &mut state,
        &changed("5xx", AlarmState::InsufficientData, 11)
    ));
    assert!(ignored(&state));
    assert!(keep_alarm(&mut state, &changed("5xx", AlarmState::Ok, 12)));
    assert!(!ignored(&state));
    assert!(keep_alarm(
        &mut state,
        &changed("5xx", AlarmState::Alarm, 13)
    ));
    assert!(!fired(&state), "it may not be deployed yet");
    assert!(!keep_alarm(
        &mut state,
        &changed("other", AlarmState::Alarm, 14)
    ));
    let evidence = &state.current.as_ref().unwrap().evidence;
    assert_eq!(evidence.alarm_changes.kept().len(), 3);
}

/// ECS's clock may be behind CloudWatch's: the alarm fired before the deployment was made.
#[test]
fn what_was_seen_of_an_alarm_at_the_start_is_not_news_when_it_is_told() {
    let from_ok = |second| AlarmChange {
        previous: Some(AlarmState::Ok),
        ..changed("5xx", AlarmState::Alarm, second)
    };
    for (second, counts) in [(12, false), (15, false), (16, true)] {
        let mut state = under_way();
        let current = state.current.as_mut().unwrap();
        let seen = AlarmSeen {
            name: "5xx".to_owned(),
            state: Some(AlarmState::Alarm),
            since: Some(at(15)),
            ..AlarmSeen::default()
        };
        current.phase.start_mut().unwrap().alarms = AlarmWatch::begin(&[seen]);
        assert_eq!(keep_alarm(&mut state, &from_ok(second)), counts, "{second}");
        assert_eq!(fired(&state), counts, "{second}");
        let evidence = &state.current.as_ref().unwrap().evidence;
        assert_eq!(evidence.alarm_changes.kept().len(), usize::from(counts));
    }
}

#[test]
fn an_alarm_that_ends_has_not_fired_for_it() {
    let mut state = under_way();
    let change = AlarmChange {
        previous: Some(AlarmState::Alarm),
        ..changed("5xx", AlarmState::InsufficientData, 20)
    };
    let _ = keep_alarm(&mut state, &change);
    assert!(
        !fired(&state),
        "it may have fired before the deployment was made"
    );
}

#[test]
fn a_firing_from_ok_counts_whatever_the_event_before_it_told() {
    let mut state = under_way();
    let current = state.current.as_mut().unwrap();
    current.phase.start_mut().unwrap().alarms[0].ignored_until_ok = true;
    let change = AlarmChange {
        previous: Some(AlarmState::InsufficientData),
        ..changed("5xx", AlarmState::Alarm, 20)
    };
    let _ = keep_alarm(&mut state, &change);
    assert!(!fired(&state), "it may never have been OK");
    let change = AlarmChange {
        previous: Some(AlarmState::Ok),
        ..changed("5xx", AlarmState::Alarm, 40)
    };
    let _ = keep_alarm(&mut state, &change);
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

#[test]
fn what_the_service_itself_tells_is_kept_too_the_oldest_first() {
    let event = |second| ServiceEvent {
        name: "SERVICE_TASK_PLACEMENT_FAILURE".to_owned(),
        reason: "RESOURCE:FARGATE".to_owned(),
        deployment: None,
        at: at(second),
    };
    let service = Service {
        arn: String::new(),
        active: true,
        created_at: at(0),
        controller: Controller::Ecs,
        daemon: false,
        desired: 1,
        running: 0,
        deployments: Vec::new(),
        has_pause_hooks: false,
        tags: BTreeMap::new(),
        target_groups: Vec::new(),
        complaints: vec![event(40), event(30), event(20), event(9)],
    };
    let seen = Observation {
        service: Look::Taken(ServiceLook::Found(Box::new(service))),
        ..Observation::default()
    };
    let mut current = under_way().current.unwrap();
    for _ in 0..2 {
        keep_complaints(&mut current, &seen);
        let told = current.evidence.service_troubles.kept();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].first_at, told[0].last.at), (at(20), at(40)));
        assert_eq!(told[0].times, 3, "neither a repeat nor what came before");
    }
}

/// Takes in what the sweep found, as of when `after` was the newest that was accepted.
fn find(state: &mut TargetState, found: &Push, after: Option<&NewestPush>) -> Intake {
    let found = Push {
        source: PushSource::Found,
        ..found.clone()
    };
    receive_found(state, &policy("v*"), &found, after, false, at(100))
}

fn adopted() -> TargetState {
    TargetState {
        standing: Standing::Adopted {
            service_created_at: at(-9),
            service_arn: String::new(),
            given_up_deployment: None,
        },
        ..TargetState::default()
    }
}

#[test]
fn what_was_found_in_ecr_is_taken_in_if_nothing_was_told_since() {
    let found = push("v2", 'b', 2);
    let mut unheard = adopted();
    assert_eq!(
        find(&mut unheard, &found, None),
        Intake::Accepted(Vec::new())
    );
    assert_eq!(unheard.waiting.len(), 1);

    let mut heard = adopted();
    let _ = take(&mut heard, &push("v1", 'a', 1));
    let before = heard.newest["app"].clone();
    let _ = take(&mut heard, &push("v3", 'c', 3));
    let older = find(&mut heard, &found, Some(&before));
    assert_eq!(
        older,
        Intake::Ignored(Ignored::Older {
            newest_tag: "v3".to_owned(),
            newest: push("v3", 'c', 3).digest,
        })
    );
    let repeat = find(&mut heard, &push("v3", 'c', 2), Some(&before));
    assert_eq!(repeat, Intake::Ignored(Ignored::Repeat));
    let newest = heard.newest["app"].clone();
    let newer = find(&mut heard, &push("v4", 'd', 4), Some(&newest));
    assert!(matches!(newer, Intake::Accepted(_)), "{newer:?}");
}

/// A person's request need not be the newest push.
#[test]
fn what_was_found_in_ecr_is_a_repeat_if_it_was_asked_for_since() {
    let found = push("v2", 'b', 2);
    let policy = policy("v*");
    let ended = receive_found(&mut adopted(), &policy, &found, None, true, at(100));
    assert_eq!(ended, Intake::Ignored(Ignored::Repeat));

    for (digest, is_repeat) in [('b', true), ('c', false)] {
        let mut asked = adopted();
        for digest in [digest, 'd'] {
            let by_person = Push {
                source: PushSource::Operator,
                ..push("by-hand", digest, 3)
            };
            let _ = enter(&mut asked, &policy, &by_person, at(4));
            asked.current = asked.current.take().or(asked.waiting.pop());
        }
        let taken = find(&mut asked, &found, None);
        assert_eq!(taken == Intake::Ignored(Ignored::Repeat), is_repeat);
    }
}

#[test]
fn what_was_found_in_ecr_is_left_alone_where_it_is_not_followed_or_people_decide() {
    let not_followed = find(&mut adopted(), &push("dev", 'b', 2), None);
    let tag = "dev".to_owned();
    assert_eq!(
        not_followed,
        Intake::Ignored(Ignored::TagNotFollowed { tag })
    );
    let mut state = TargetState {
        stood_down: true,
        ..adopted()
    };
    let left = find(&mut state, &push("v2", 'b', 2), None);
    assert_eq!(left, Intake::Ignored(Ignored::LeftToPeople));
}
