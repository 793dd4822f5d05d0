//! A rollout halted, and a person says how to go on: it is told no more.

use pushboat::core::alarm::AlarmState;
use pushboat::ports::Clock as _;

use super::*;

/// v2 crashed, and nothing was ever good to go back to.
fn halted() -> World {
    let mut world = nothing_good();
    world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    assert!(world.run_while(minutes(60), |world| history(world).is_empty()));
    assert_eq!(history(&world), ["v2 halted nothing-to-go-back-to"]);
    world
}

/// A service that runs nothing good, whose target is adopted all the same.
fn nothing_good() -> World {
    let mut world = world();
    world
        .images
        .put(REPOSITORY, "v1", &Image::crashing("v1, broken"));
    world.ecs.create_service(&specification_by_tag());
    world.run_for(minutes(2));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(20));
    world
}

fn times_told(world: &World) -> usize {
    told(world)
        .iter()
        .filter(|told| *told == "v2 halted")
        .count()
}

#[test]
fn each_repeat_says_that_it_is_one_and_since_when() {
    let mut world = halted();
    let since = world.clock.now();
    world.run_for(minutes(125));
    let documents = world.topic.documents();
    let halted: Vec<&Value> = documents
        .iter()
        .filter(|document| document["event"] == "halted")
        .collect();
    assert_eq!(halted.len(), 3);
    assert_eq!(halted[0]["repeats"], Value::Null);
    for repeat in &halted[1..] {
        let first: jiff::Timestamp = repeat["repeats"]["since"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!(since.duration_since(first).abs() < seconds(2), "{repeat}");
        let summary = repeat["summary"].as_str().unwrap();
        assert!(summary.contains("still needs a person"), "{summary}");
    }
}

#[test]
fn a_decision_ends_the_notices() {
    let resume = |world: &mut World| {
        order(world, "resume", json!({}));
    };
    let deploy = |world: &mut World| {
        world.images.put(REPOSITORY, "v3", &Image::healthy("v3"));
        order(world, "deploy", json!({ "tag": "v3" }));
    };
    type Decide = fn(&mut World);
    let decisions: [(Decide, &str); 2] = [(resume, "resumed"), (deploy, "deploy-accepted")];
    for (decide, accepted) in decisions {
        let mut world = halted();
        world.run_for(minutes(65));
        assert_eq!(times_told(&world), 2);
        decide(&mut world);
        world.run_for(minutes(300));
        assert_eq!(times_told(&world), 2, "{accepted}");
        assert!(told(&world).contains(&accepted.to_owned()));
        let state = world.state(TARGET);
        assert_eq!((state.halted, state.wake), (None, None), "{accepted}");
    }
}

#[test]
fn what_is_no_decision_ends_nothing() {
    let mut world = halted();
    order(&mut world, "hold", json!({ "reason": "we are looking" }));
    let refused = ask(&mut world, "rollback", json!({}));
    assert_eq!(refused["error"]["code"], "nothing-to-go-back-to");
    world.run_for(minutes(65));
    assert_eq!(times_told(&world), 2);
    let status = ask(&mut world, "status", json!({}));
    assert_eq!(status["halted"]["rollout"]["tag"], "v2");
    assert_eq!(
        status["halted"]["rollout"]["reason"]["code"],
        "nothing-to-go-back-to"
    );
    let explained = ask(&mut world, "explain", json!({}));
    let text = explained["because"].to_string();
    assert!(text.contains("a person has to decide"), "{text}");
    order(&mut world, "resume", json!({}));
    world.run_for(minutes(180));
    assert_eq!(times_told(&world), 2);
    let again = ask(&mut world, "resume", json!({}));
    assert_eq!(again["error"]["code"], "not-held");
}

#[test]
fn a_changed_parameter_does_not_make_the_version_good_that_halted() {
    let mut world = nothing_good();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(5));
    assert_eq!(history(&world), ["v2 halted nothing-to-go-back-to"]);
    world.alarms.set("5xx", AlarmState::Ok);
    world.put_target(TARGET, &TARGET_TEXT.replace("}", r#", "x": 1 }"#));
    world.run_for(minutes(2));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(5));
    assert_eq!(world.state(TARGET).last_known_good, None);
    let before = writes(&world);
    let refused = ask(&mut world, "rollback", json!({}));
    assert_eq!(refused["error"]["code"], "nothing-to-go-back-to");
    world.run_for(minutes(65));
    assert_eq!(writes(&world), before);
}

/// v2's alarm fired in the bake, and AWS refused the way back.
fn way_back_refused() -> World {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world
        .calls
        .fail_next(Operation::UpdateService, Fault::Refused, 1);
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(5));
    assert_eq!(history(&world), ["v2 halted way-back-refused"]);
    world
}

#[test]
fn the_release_of_its_image_ends_them_and_that_of_another_does_not() {
    let mut world = adopted();
    let other = world.push_image(REPOSITORY, "v0", &Image::crashing("v0"));
    world.run_for(minutes(20));
    let bad = push(&mut world, "v2");
    run_to(&mut world, "baking");
    world
        .calls
        .fail_next(Operation::UpdateService, Fault::Refused, 1);
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(5));
    order(&mut world, "release", json!({ "digest": other.digest }));
    world.run_for(minutes(65));
    assert_eq!(times_told(&world), 2);
    order(&mut world, "release", json!({ "digest": bad.digest }));
    world.run_for(minutes(300));
    assert_eq!(times_told(&world), 2);
}

#[test]
fn a_rollback_tries_the_way_back_once_more() {
    let mut world = way_back_refused();
    assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
    world.run_for(minutes(65));
    order(&mut world, "rollback", json!({}));
    world.run_for(seconds(2));
    assert_eq!(
        under_way(&world).unwrap(),
        "v2 rolling-back asked-by-operator"
    );
    world.run_for(minutes(10));
    assert_eq!(
        history(&world),
        [
            "v2 halted way-back-refused",
            "v2 rolled-back asked-by-operator"
        ],
        "what halted stays halted"
    );
    assert_eq!(world.ecs.revision(&service()), "web:1");
    assert_eq!(writes(&world), (1, 3));
    world.run_for(minutes(180));
    assert_eq!(times_told(&world), 2);
    let state = world.state(TARGET);
    assert_eq!((state.halted, state.wake), (None, None));
    assert_eq!(quarantined(&world).len(), 1);
}

#[test]
fn a_rollback_that_is_refused_again_halts_again() {
    let mut world = way_back_refused();
    world
        .calls
        .fail_next(Operation::UpdateService, Fault::Refused, 1);
    order(&mut world, "rollback", json!({}));
    world.run_for(minutes(10));
    assert_eq!(
        history(&world),
        ["v2 halted way-back-refused", "v2 halted way-back-refused"]
    );
    assert_eq!(times_told(&world), 2);
    assert!(world.state(TARGET).halted.is_some());
}

#[test]
fn a_rollback_after_somebody_put_it_right_by_hand_overwrites_nothing() {
    let mut world = way_back_refused();
    let theirs = format!("{REGISTRY}/{REPOSITORY}:v1");
    let revision = world.ecs.register("by-hand", &theirs);
    world.ecs.update(&service(), |update| {
        update.task_definition = Some(revision);
    });
    world.run_for(minutes(5));
    let before = writes(&world);
    order(&mut world, "rollback", json!({}));
    world.run_for(minutes(20));
    assert_eq!(writes(&world), before);
    assert_eq!(history(&world)[1], "v2 superseded somebody-else");
    assert_eq!(world.ecs.revision(&service()), "by-hand:1");
}

#[test]
fn a_version_that_nobody_could_verify_is_taken_back_when_a_person_asks() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    let blind = Operation::DescribeAlarms;
    world.calls.fail_next(blind, Fault::Throttled, usize::MAX);
    world.run_for(minutes(40));
    assert_eq!(history(&world), ["v2 halted not-verified"]);
    world.calls.heal();
    order(&mut world, "rollback", json!({}));
    world.run_for(minutes(10));
    assert_eq!(
        history(&world),
        ["v2 halted not-verified", "v2 rolled-back asked-by-operator"]
    );
    assert_eq!(world.ecs.revision(&service()), "web:1");
    world.run_for(minutes(120));
    assert_eq!(times_told(&world), 1);
}
