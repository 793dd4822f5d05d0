//! Targets, services and alarms that change while a version is on its way.

use pushboat::core::alarm::AlarmState;

use super::*;

/// A second service, `prod/api`, tagged for a target, beside the first one.
fn with_api(world: &mut World, target: &str) -> ServiceRef {
    let image = format!("{REGISTRY}/{REPOSITORY}:v1");
    let api = ServiceSpecification::new("prod", "api", &image, target);
    world.ecs.create_service(&api);
    world.run_for(minutes(3));
    api.service
}

fn api_text() -> String {
    TARGET_TEXT.replace(r#""name": "web""#, r#""name": "api""#)
}

/// The reason for which the last rollout that ended was being taken back.
fn taken_back_for(world: &World) -> Value {
    let documents = world.topic.documents();
    let ended = documents.iter().rfind(|one| one["event"] == "superseded");
    ended.unwrap()["takenBackFor"].clone()
}

#[test]
fn a_target_that_moves_to_another_service_asks_nothing_more_of_the_first() {
    for phase in ["progressing", "baking", "rolling-back"] {
        let mut world = adopted();
        let api = with_api(&mut world, TARGET);
        push(&mut world, "v2");
        run_to(&mut world, "progressing");
        if phase == "rolling-back" {
            run_to(&mut world, "baking");
            world.alarms.set("5xx", AlarmState::Alarm);
        }
        run_to(&mut world, phase);
        let before = writes(&world);
        world.alarms.set("5xx", AlarmState::Ok);
        world.put_target(TARGET, &api_text());
        world.run_for(minutes(10));
        assert_eq!(history(&world), ["v2 superseded target-removed"], "{phase}");
        assert_eq!(writes(&world), before, "{phase}");
        assert_eq!(world.ledger.holder(&service()), None);
        let good = world.state(TARGET).last_known_good.unwrap();
        assert!(good.task_definition.contains("api:1"), "{good:?}");
        push(&mut world, "v3");
        world.run_for(minutes(15));
        assert_eq!(history(&world)[1..], ["v3 succeeded"], "{phase}");
        assert_eq!(world.ecs.images(&api), [pinned("v3")]);
    }
}

#[test]
fn a_parameter_that_is_deleted_on_the_way_back_leaves_the_service_and_says_why_it_went_back() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to(&mut world, "rolling-back");
    world.delete_target(TARGET);
    world.run_for(minutes(10));
    assert_eq!(history(&world), ["v2 superseded target-removed"]);
    assert_eq!(taken_back_for(&world)["code"], "alarm-fired");
}

#[test]
fn a_target_that_is_renamed_on_the_way_hands_the_service_over() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    let arn = world.ecs.service_arn(&service());
    world.ecs.tag(&arn, "pushboat:target", "shop");
    world.delete_target(TARGET);
    world.put_target("shop", TARGET_TEXT);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 superseded target-removed"]);
    assert_eq!(world.ledger.holder(&service()), Some(target("shop")));
    // ECS has finished what was begun; it is taken for good as it is found, steady.
    let good = world.state("shop").last_known_good.unwrap();
    assert_eq!(good.images["app"], pinned("v2"));
    push(&mut world, "v3");
    world.run_for(minutes(15));
    let shop = world.ledger.history(&target("shop"));
    assert_eq!(
        shop.iter().map(summary).collect::<Vec<_>>(),
        ["v3 succeeded"]
    );
}

#[test]
fn what_was_taken_back_stays_out_where_the_parameter_is_deleted_and_made_again() {
    let mut world = adopted();
    world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 rolled-back tasks-fail"]);
    world.delete_target(TARGET);
    world.run_for(minutes(3));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(5));
    world.push_image(REPOSITORY, "v2-again", &Image::crashing("v2"));
    world.run_for(minutes(5));
    assert_eq!(
        history(&world).last().unwrap(),
        "v2-again rejected quarantined"
    );
}

#[test]
fn a_service_that_is_made_again_on_the_way_is_adopted_anew() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.ecs.delete_service(&service());
    world.run_for(minutes(5));
    assert_eq!(history(&world), ["v2 superseded service-gone"]);
    world.ecs.create_service(&specification());
    world.run_for(minutes(5));
    push(&mut world, "v3");
    world.run_for(minutes(15));
    assert_eq!(history(&world)[1..], ["v3 succeeded"]);
    let good = world.state(TARGET).last_known_good.unwrap();
    assert_eq!(good.images["app"], pinned("v3"));
}

#[test]
fn what_was_deployed_at_zero_tasks_and_is_scaled_out_is_not_watched_and_is_not_good() {
    let mut world = adopted();
    world
        .ecs
        .update(&service(), |update| update.desired_count = Some(0));
    world.run_for(minutes(2));
    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 scaled-to-zero"]);
    world
        .ecs
        .update(&service(), |update| update.desired_count = Some(2));
    world.run_for(minutes(15));
    let good = world.state(TARGET).last_known_good.unwrap();
    assert_eq!(good.images["app"], pinned("v1"));
    assert_eq!(under_way(&world), None);
    // The next version goes back to what was proven.
    world.push_image(REPOSITORY, "v3", &Image::crashing("v3"));
    world.run_for(minutes(20));
    assert_eq!(history(&world).last().unwrap(), "v3 rolled-back tasks-fail");
    assert_eq!(world.ecs.images(&service()), [pinned("v1")]);
}

#[test]
fn an_alarm_that_was_deleted_is_warned_of_at_the_next_start_and_once() {
    let mut world = adopted();
    world.alarms.delete("5xx");
    push(&mut world, "v2");
    world.run_for(minutes(15));
    push(&mut world, "v3");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
    let warned = || {
        told(&world)
            .iter()
            .filter(|one| *one == "target-warned")
            .count()
    };
    assert_eq!(warned(), 1);
    let warnings = world.state(TARGET).warnings.clone();
    assert!(
        warnings[0].problem.contains("no alarm `5xx` any more"),
        "{warnings:?}"
    );
    let quiet = AlarmState::Ok;
    world.alarms.set("5xx", quiet);
    push(&mut world, "v4");
    world.run_for(minutes(15));
    assert_eq!(world.state(TARGET).warnings, []);
}
