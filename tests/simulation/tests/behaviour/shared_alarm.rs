//! Two targets watch one alarm: the version that was deployed last goes back first.

use pushboat::core::alarm::AlarmState;
use pushboat::core::evidence::AlarmChange;
use pushboat::core::hold::Hold;
use pushboat::core::reason::Waiting;
use pushboat::ledger::StateWrite;
use pushboat::ports::{Clock as _, Targets as _};
use pushboat::trigger::alarm::AlarmChanged;
use simulation::{Call, Event, Fault, Function, Hindrance};

use super::*;

const API: &str = "api";
const API_REPOSITORY: &str = "team/api";

fn api_service() -> ServiceRef {
    ServiceRef {
        cluster: "prod".to_owned(),
        name: API.to_owned(),
    }
}

/// `web` and `api` are adopted, both with the alarm `5xx` and ten minutes to bake.
fn two_targets() -> World {
    let mut world = world();
    let digest = Image::healthy("api v1").digest();
    let image = format!("{REGISTRY}/{API_REPOSITORY}@{digest}");
    let api = ServiceSpecification::new("prod", API, &image, API);
    world
        .images
        .put(API_REPOSITORY, "v1", &Image::healthy("api v1"));
    world.ecs.create_service(&specification());
    world.ecs.create_service(&api);
    world.run_for(minutes(3));
    let text = TARGET_TEXT.replace(r#""alarms""#, r#""bakeTimeSeconds": 600, "alarms""#);
    world.put_target(TARGET, &text);
    let api_text = text
        .replace(REPOSITORY, API_REPOSITORY)
        .replace(r#""name": "web""#, r#""name": "api""#);
    world.put_target(API, &api_text);
    world.run_for(minutes(2));
    assert_eq!(told(&world), ["adopted", "adopted"]);
    world
}

/// As above, and v2 of both bakes; that of `api` was deployed last.
fn both_bake() -> World {
    let mut world = two_targets();
    push(&mut world, "v2");
    world.run_for(minutes(1));
    push_api(&mut world, &Image::healthy("api v2"));
    let baking = world.run_while(minutes(9), |world| {
        [TARGET, API]
            .iter()
            .any(|name| phase(world, name) != "baking")
    });
    assert!(baking, "{:?}", told(&world));
    world
}

fn push_api(world: &mut World, image: &Image) {
    world.push_image(API_REPOSITORY, "v2", image);
}

fn phase(world: &World, name: &str) -> String {
    let current = world.state(name).current;
    current.map_or(String::new(), |current| current.phase.as_str().to_owned())
}

/// Every finished rollout of a target.
fn ended(world: &World, name: &str) -> Vec<String> {
    let history = world.ledger.history(&target(name));
    history.iter().map(summary).collect()
}

/// Whom a target waits for.
fn yields_to(world: &World, name: &str) -> Option<String> {
    match world.state(name).wake?.waiting {
        Waiting::SharedAlarm { first, .. } => Some(first.to_string()),
        _ => None,
    }
}

fn fire(world: &World) {
    world.alarms.set("5xx", AlarmState::Alarm);
}

fn settle(world: &World) {
    world.alarms.set("5xx", AlarmState::Ok);
}

/// Runs until the rollout of `api` is over.
fn until_api_is_back(world: &mut World) {
    let over = world.run_while(minutes(20), |world| ended(world, API).is_empty());
    assert!(over, "{:?}", told(world));
    assert_eq!(ended(world, API), ["v2 rolled-back alarm-fired"]);
}

/// The last email of an event.
fn email(world: &World, event: &str) -> String {
    let published = world.topic.published();
    let of_event = published.iter().rev().find(|publication| {
        let mut attributes = publication.attributes.iter();
        attributes.any(|(name, value)| *name == "event" && value == event)
    });
    of_event.unwrap().bodies[1].1.clone()
}

fn assert_in(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn the_latest_goes_back_and_the_innocent_stays() {
    let mut world = both_bake();
    fire(&world);
    world.run_for(seconds(3));
    assert_eq!(phase(&world, API), "rolling-back", "at once");
    assert_eq!(phase(&world, TARGET), "baking");
    assert_eq!(yields_to(&world, TARGET).as_deref(), Some(API));
    let waits = email(&world, "rollout-yields");
    assert_in(
        &waits,
        &["alarm 5xx fired, api goes back before v2", "is shared"],
    );
    let goes = email(&world, "rolling-back");
    assert_in(&goes, &["Alarm 5xx is shared: target web watches it too."]);

    until_api_is_back(&mut world);
    assert_eq!(phase(&world, TARGET), "baking", "the alarm still fires");
    settle(&world);
    let settled_at = world.clock.now();
    world.run_for(minutes(9));
    assert_eq!(phase(&world, TARGET), "baking", "its bake time began anew");
    world.run_for(minutes(3));
    assert_eq!(ended(&world, TARGET), ["v2 succeeded"]);
    let succeeded_at = world.ledger.notices().last().unwrap().notice.at;
    assert!(succeeded_at.duration_since(settled_at) >= minutes(10));
    assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
    assert_eq!(world.ecs.revision(&api_service()), "api:1");
    assert!(world.state(TARGET).quarantine.is_empty());
    assert_eq!(world.state(API).quarantine.len(), 1);
    world.run_for(seconds(3));
    assert_in(
        &email(&world, "succeeded"),
        &["Target api watches it too and went back"],
    );
    let yielded = told(&world)
        .into_iter()
        .filter(|one| one == "rollout-yields");
    assert_eq!(yielded.count(), 1, "it is told once");
}

#[test]
fn where_the_alarm_fires_on_the_next_latest_goes_back_too() {
    let mut world = both_bake();
    fire(&world);
    until_api_is_back(&mut world);
    world.run_for(minutes(4));
    assert_eq!(phase(&world, TARGET), "baking", "the alarm may settle");
    world.run_for(minutes(3));
    assert_eq!(phase(&world, TARGET), "rolling-back");
    world.run_for(minutes(10));
    assert_eq!(ended(&world, TARGET), ["v2 rolled-back alarm-fired"]);
    assert_eq!(world.ecs.revision(&service()), "web:1");
    let back = email(&world, "rolled-back");
    assert_in(
        &back,
        &["api went back before, and the alarm was not OK again in time."],
    );
}

#[test]
fn a_flap_takes_back_the_latest_alone() {
    let mut world = both_bake();
    fire(&world);
    world.run_for(jiff::SignedDuration::from_millis(500));
    settle(&world);
    until_api_is_back(&mut world);
    world.run_for(minutes(15));
    assert_eq!(ended(&world, TARGET), ["v2 succeeded"]);
}

#[test]
fn an_alarm_that_fires_again_counts() {
    let mut world = both_bake();
    fire(&world);
    until_api_is_back(&mut world);
    settle(&world);
    world.run_for(minutes(3));
    assert_eq!(yields_to(&world, TARGET), None);
    fire(&world);
    world.run_for(seconds(3));
    assert_eq!(
        phase(&world, TARGET),
        "rolling-back",
        "nobody else is under way"
    );
    world.run_for(minutes(10));
    assert_eq!(ended(&world, TARGET), ["v2 rolled-back alarm-fired"]);
}

#[test]
fn an_event_from_before_it_was_ok_again_does_not_count() {
    let mut world = both_bake();
    fire(&world);
    let fired_at = world.clock.now();
    until_api_is_back(&mut world);
    settle(&world);
    world.run_for(minutes(2));
    let change = AlarmChange {
        alarm_arn: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:5xx".to_owned(),
        name: "5xx".to_owned(),
        state: AlarmState::Alarm,
        previous: Some(AlarmState::Ok),
        reason: "Threshold Crossed, told late".to_owned(),
        at: fired_at,
    };
    let event_id = "late".to_owned();
    world.tell(Event::AlarmChanged(AlarmChanged { change, event_id }));
    world.run_for(minutes(15));
    assert_eq!(ended(&world, TARGET), ["v2 succeeded"]);
}

/// Nobody can look from when the other one is back until long after the alarm fired once more.
#[test]
fn what_fired_long_after_the_other_went_back_is_not_put_down_to_that() {
    let mut world = both_bake();
    fire(&world);
    until_api_is_back(&mut world);
    settle(&world);
    world.keep_from_work(Some(Function::Rollout), Hindrance::Failed, minutes(10));
    world.run_for(minutes(7));
    fire(&world);
    world.run_for(minutes(1));
    settle(&world);
    world.run_for(minutes(20));
    assert_eq!(ended(&world, TARGET), ["v2 rolled-back alarm-fired"]);
}

#[test]
fn one_that_goes_back_for_another_reason_is_waited_for() {
    let mut world = two_targets();
    push(&mut world, "v2");
    world.run_for(minutes(3));
    push_api(&mut world, &Image::crashing("api v2"));
    let back = world.run_while(minutes(9), |world| phase(world, API) != "rolling-back");
    assert!(back);
    assert_eq!(phase(&world, TARGET), "baking");
    fire(&world);
    world.run_for(seconds(3));
    assert_eq!(yields_to(&world, TARGET).as_deref(), Some(API));
    let over = world.run_while(minutes(20), |world| ended(world, API).is_empty());
    assert!(over);
    settle(&world);
    world.run_for(minutes(15));
    assert_eq!(ended(&world, API), ["v2 rolled-back tasks-fail"]);
    assert_eq!(ended(&world, TARGET), ["v2 succeeded"]);
}

#[test]
fn nobody_waits_for_one_that_may_not_go_back() {
    let mut world = both_bake();
    let name = target(API);
    let entry = world.ledger.entry(&name);
    let mut state = entry.state.clone();
    state.held = Some(Hold {
        reason: "database maintenance".to_owned(),
        since: world.clock.now(),
    });
    let write = StateWrite {
        target: name,
        state,
        expected: entry.version,
        finished: Vec::new(),
        notices: Vec::new(),
        good_definition: None,
    };
    let saved = futures_util::FutureExt::now_or_never(world.ledger.save(&write));
    assert!(matches!(saved, Some(Ok(_))));
    fire(&world);
    world.run_for(seconds(3));
    assert_eq!(phase(&world, TARGET), "rolling-back");
}

#[test]
fn nobody_waits_for_ever_for_a_way_back_that_does_not_end() {
    let mut world = both_bake();
    world
        .images
        .delete(API_REPOSITORY, &Image::healthy("api v1").digest());
    fire(&world);
    world.run_for(minutes(29));
    assert_eq!(phase(&world, API), "rolling-back");
    assert_eq!(phase(&world, TARGET), "baking");
    world.run_for(minutes(3));
    assert_ne!(phase(&world, TARGET), "baking");
    world.run_for(minutes(10));
    assert_eq!(ended(&world, TARGET), ["v2 rolled-back alarm-fired"]);
}

#[test]
fn a_target_that_is_at_rest_is_named_and_goes_before_nobody() {
    let mut world = two_targets();
    push(&mut world, "v2");
    world.run_for(minutes(4));
    assert_eq!(phase(&world, TARGET), "baking");
    fire(&world);
    world.run_for(seconds(3));
    assert_eq!(phase(&world, TARGET), "rolling-back");
    let goes = email(&world, "rolling-back");
    assert_in(&goes, &["Alarm 5xx is shared: target api watches it too."]);
}

#[test]
fn one_that_came_while_it_fired_is_not_to_blame() {
    let mut world = two_targets();
    push(&mut world, "v2");
    world.run_for(minutes(4));
    world.lost.alarm_changes = true;
    fire(&world);
    push_api(&mut world, &Image::healthy("api v2"));
    world.run_for(minutes(2));
    assert_eq!(phase(&world, TARGET), "rolling-back", "it waits for nobody");
    world.run_for(minutes(20));
    assert_eq!(ended(&world, TARGET), ["v2 rolled-back alarm-fired"]);
    assert_eq!(ended(&world, API), ["v2 succeeded"]);
}

#[test]
fn nobody_is_asked_as_long_as_no_alarm_fires() {
    let mut world = both_bake();
    world.run_for(minutes(15));
    assert_eq!(ended(&world, TARGET), ["v2 succeeded"]);
    assert_eq!(ended(&world, API), ["v2 succeeded"]);
    let asked = looks(&world, 0);
    assert_eq!(asked.len(), 0);
}

/// The looks of `rollout` at who else watches an alarm.
fn looks(world: &World, after: usize) -> Vec<Call> {
    let calls = world.calls.log().into_iter();
    calls
        .filter(|call| call.ordinal > after && call.function == Function::Rollout)
        .filter(|call| call.operation == Operation::FindFollowers)
        .collect()
}

/// Plays the innocent's story; something goes wrong from the alarm on.
fn play(go_wrong: impl FnOnce(&World)) -> World {
    let mut world = both_bake();
    go_wrong(&world);
    fire(&world);
    until_api_is_back(&mut world);
    settle(&world);
    world.run_for(minutes(30));
    world
}

fn assert_good_end(world: &World, what: &str) {
    assert_eq!(ended(world, API), ["v2 rolled-back alarm-fired"], "{what}");
    assert_eq!(ended(world, TARGET), ["v2 succeeded"], "{what}");
    for name in [TARGET, API] {
        let state = world.state(name);
        assert_eq!((state.current, state.wake), (None, None), "{what}");
    }
    assert!(world.queue.is_empty(), "{what}");
}

#[test]
fn wherever_a_function_dies_nobody_is_stuck_and_the_innocent_stays() {
    let began = std::cell::Cell::new(0);
    let world = play(|world| began.set(world.calls.made()));
    assert_good_end(&world, "undisturbed");
    let calls = world.calls.log().into_iter();
    let calls =
        calls.filter(|call| call.ordinal > began.get() && call.function == Function::Rollout);
    // What comes after is the bake of one target alone.
    for call in calls.take(60) {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let what = format!("{fault:?} {:?}, call {}", call.operation, call.ordinal);
            let world = play(|world| {
                world.queue.set_visibility_timeout(seconds(2));
                world.calls.fail_call(call.ordinal, fault);
            });
            assert_eq!(world.calls.injected(), 1, "{what}");
            assert_good_end(&world, &what);
        }
    }
}

#[test]
fn an_answer_that_is_lost_while_it_waits_does_not_take_the_innocent_back() {
    let began = std::cell::Cell::new(0);
    let world = play(|world| began.set(world.calls.made()));
    let looks = looks(&world, began.get());
    assert!(looks.len() > 3, "{}", looks.len());
    // The first looks are those of `api`, which goes, and of `web`, which knows of nobody yet.
    for call in looks.into_iter().skip(2) {
        let world = play(|world| world.calls.fail_call(call.ordinal, Fault::LostAnswer));
        assert_eq!(world.calls.injected(), 1);
        assert_good_end(&world, &format!("call {}", call.ordinal));
    }
}
