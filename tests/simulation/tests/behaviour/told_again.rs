//! What is told while nothing is under way: a halt each hour, an alarm once.

use pushboat::core::alarm::AlarmState;
use pushboat::core::reason::Waiting;

use super::*;

fn count(world: &World, title: &str) -> usize {
    told(world).iter().filter(|told| *told == title).count()
}

#[test]
fn a_halt_is_told_each_hour_until_the_next_push() {
    let mut world = world();
    world
        .images
        .put(REPOSITORY, "v1", &Image::crashing("v1, broken"));
    world.ecs.create_service(&specification_by_tag());
    world.run_for(minutes(2));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(20));
    world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    assert!(world.run_while(minutes(60), |world| history(world).is_empty()));
    assert_eq!(history(&world), ["v2 halted nothing-to-go-back-to"]);
    assert_eq!(count(&world, "v2 halted"), 1);
    let wake = world.state(TARGET).wake.unwrap();
    assert_eq!(wake.waiting, Waiting::Person);
    world.run_for(minutes(58));
    assert_eq!(count(&world, "v2 halted"), 1);
    world.run_for(minutes(4));
    assert_eq!(count(&world, "v2 halted"), 2);
    world.run_for(minutes(122));
    assert_eq!(count(&world, "v2 halted"), 4);
    let notices = world.ledger.notices();
    let ids: std::collections::BTreeSet<&str> = notices
        .iter()
        .map(|filed| filed.notice.id.as_str())
        .collect();
    assert_eq!(ids.len(), notices.len(), "a repeat is a notice of its own");
    assert_eq!(history(&world).len(), 1, "it halted once");
    push(&mut world, "v3");
    world.run_for(minutes(180));
    assert_eq!(history(&world).last().unwrap(), "v3 succeeded");
    assert_eq!(count(&world, "v2 halted"), 4);
    let state = world.state(TARGET);
    assert_eq!((state.halted, state.wake), (None, None));
}

#[test]
fn a_removed_target_is_not_told_of_again() {
    let mut world = world();
    world
        .images
        .put(REPOSITORY, "v1", &Image::crashing("v1, broken"));
    world.ecs.create_service(&specification_by_tag());
    world.run_for(minutes(2));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(20));
    world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    assert!(world.run_while(minutes(60), |world| history(world).is_empty()));
    world.delete_target(TARGET);
    world.run_for(minutes(180));
    assert_eq!(count(&world, "v2 halted"), 1);
}

#[test]
fn an_alarm_after_the_bake_is_told_once_and_nothing_is_done() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
    let before = writes(&world);
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(30));
    assert_eq!(count(&world, "alarm"), 1);
    assert_eq!((writes(&world), history(&world).len()), (before, 1));
    let document = world.topic.documents().pop().unwrap();
    assert_eq!(
        (
            &document["event"],
            &document["severity"],
            &document["outcome"]
        ),
        (&"alarm".into(), &"warning".into(), &serde_json::Value::Null)
    );
    assert_eq!(document["alarm"]["alarm"], "5xx");
    let runs = document["runs"]["taskDefinition"].as_str().unwrap();
    let good = world.state(TARGET).last_known_good.unwrap();
    assert_eq!(runs, good.task_definition);
    world.alarms.set("5xx", AlarmState::Ok);
    world.run_for(minutes(5));
    assert_eq!(count(&world, "alarm"), 1, "that it is quiet is no news");
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(5));
    assert_eq!(count(&world, "alarm"), 2, "a second time is another alarm");
}

#[test]
fn an_alarm_in_the_bake_is_not_told_by_itself() {
    let mut world = adopted();
    push(&mut world, "v2");
    let baking = |world: &World| {
        let current = world.state(TARGET).current;
        current.is_some_and(|current| matches!(current.phase, Phase::Baking { .. }))
    };
    assert!(world.run_while(minutes(20), |world| !baking(world)));
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(30));
    assert_eq!(history(&world).len(), 1);
    assert_eq!(count(&world, "alarm"), 0);
}
