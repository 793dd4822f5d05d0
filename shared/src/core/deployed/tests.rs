use serde_json::Value;

use super::*;
use crate::core::name::RolloutId;
use crate::core::reason::Waiting;
use crate::core::state::{GoodSource, Wake};

/// A day in minutes.
const DAY: i64 = 24 * 60;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn minute(count: i64) -> Timestamp {
    at(60 * count)
}

fn good(tag: &str, since: Timestamp) -> LastKnownGood {
    LastKnownGood {
        service_arn: "service".to_owned(),
        service_created_at: at(0),
        task_definition: format!("web:{tag}"),
        images: BTreeMap::from([("app".to_owned(), format!("team/web@sha256:{tag}"))]),
        by_tag: false,
        source: GoodSource::Rollout {
            id: RolloutId::new(since, &[tag]),
            tag: Some(tag.to_owned()),
        },
        at: since,
    }
}

fn state() -> TargetState {
    TargetState {
        last_known_good: Some(good("v1", at(0))),
        ..TargetState::default()
    }
}

/// Tries as `rollout` does; answers what it would publish.
fn try_at(state: &mut TargetState, now: Timestamp) -> Option<Deployed> {
    let (deployed, unpublished) = state.try_to_publish(now)?;
    state.unpublished = Some(unpublished);
    Some(deployed)
}

/// Tries at each minute, without success; answers at which of them it was tried.
fn tried(state: &mut TargetState, minutes: i64, refused: bool) -> Vec<i64> {
    let mut tried = Vec::new();
    for count in 0..minutes {
        if try_at(state, minute(count)).is_some() {
            tried.push(count);
            if refused {
                state.note_refused(minute(count));
            }
        }
    }
    tried
}

#[test]
fn the_text_names_image_definition_tag_and_since_when() {
    let text = Deployed::of(&good("v1", at(0))).text();
    let says: Value = serde_json::from_str(&text).unwrap();
    let expected = json!({
        "taskDefinition": "web:v1",
        "images": { "app": "team/web@sha256:v1" },
        "tag": "v1",
        "since": "2023-11-14T22:13:20Z",
    });
    assert_eq!(says, expected);
    // Parameter Store takes two of these for a reference to another parameter.
    assert!(!text.contains("{{"), "{text}");
    let adopted = LastKnownGood {
        source: GoodSource::Adopted,
        ..good("v1", at(0))
    };
    let says: Value = serde_json::from_str(&Deployed::of(&adopted).text()).unwrap();
    assert_eq!(says.get("tag"), None);
}

#[test]
fn a_targets_name_may_hold_slashes_and_be_any_word() {
    let name = |prefix, target| parameter(prefix, &TargetName::parse(target).unwrap());
    assert_eq!(name("pushboat", "team/web"), "/pushboat/deployed/team/web");
    assert_eq!(name("/a/b/", "hold"), "/a/b/deployed/hold");
}

#[test]
fn it_is_published_once_and_again_when_another_version_is_good() {
    let mut state = state();
    let deployed = try_at(&mut state, at(0)).unwrap();
    assert_eq!(deployed.tag.as_deref(), Some("v1"));
    state.note_published(deployed);
    assert_eq!(state.to_publish(), None);
    assert_eq!((try_at(&mut state, at(9)), state.due_at()), (None, None));

    state.last_known_good = Some(good("v2", at(60)));
    let deployed = try_at(&mut state, at(60)).unwrap();
    assert_eq!(deployed.tag.as_deref(), Some("v2"));
    state.note_published(deployed);

    // Its revision was registered again, since the one before was inactive.
    let registered = LastKnownGood {
        task_definition: "web:9".to_owned(),
        ..good("v2", at(60))
    };
    state.last_known_good = Some(registered);
    let deployed = try_at(&mut state, at(90)).unwrap();
    assert_eq!(deployed.task_definition, "web:9");
}

#[test]
fn without_a_last_good_version_what_was_published_stays() {
    let mut state = state();
    let deployed = try_at(&mut state, at(0)).unwrap();
    state.note_published(deployed);
    state.forget_service();
    assert_eq!(state.to_publish(), None);
}

#[test]
fn it_is_tried_again_after_pauses_that_grow_to_a_bound() {
    let expected = [0, 1, 3, 7, 15, 30, 45];
    assert_eq!(tried(&mut state(), 60, false), expected);
}

#[test]
fn what_aws_refuses_is_tried_less_and_less_often() {
    let expected = [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 871, 1231];
    assert_eq!(tried(&mut state(), DAY, true), expected);
}

#[test]
fn another_version_does_not_wait_for_the_pause_of_the_one_before() {
    let mut state = state();
    tried(&mut state, DAY, true);
    state.last_known_good = Some(good("v2", at(1)));
    let now = minute(DAY);
    assert!(try_at(&mut state, now).is_some());
    assert_eq!(state.due_at(), Some(now + SignedDuration::from_mins(1)));
}

#[test]
fn a_target_is_woken_for_what_comes_first() {
    let mut state = state();
    try_at(&mut state, at(0)).unwrap();
    assert_eq!(state.due_at(), Some(minute(1)));
    for (wake_at, due_at) in [(at(30), at(30)), (at(90), minute(1))] {
        state.wake = Some(Wake {
            at: wake_at,
            waiting: Waiting::BakeTime,
        });
        assert_eq!(state.due_at(), Some(due_at));
    }
}

#[test]
fn a_pause_is_bounded_however_often_it_was_tried() {
    for tries in [0, 9, 10, 11, 31, 32, u32::MAX] {
        assert!(pause(tries, LONGEST_PAUSE_REFUSED) <= LONGEST_PAUSE_REFUSED);
        assert!(pause(tries, LONGEST_PAUSE) >= PAUSE);
    }
}
