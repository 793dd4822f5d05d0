//! The way back to a revision that somebody deregistered meanwhile.

use super::*;

/// What was good is INACTIVE by now, so that it is registered again.
fn on_the_way_back_to_an_inactive_revision() -> World {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.ecs.deregister("web:1");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to(&mut world, "rolling-back");
    world.run_for(seconds(5));
    world
}

#[test]
fn a_copy_of_the_revision_registered_again_is_somebody_elses() {
    let mut world = on_the_way_back_to_an_inactive_revision();
    assert_eq!(world.ecs.revision(&service()), "web:3");

    // Whoever copies a revision with its tags copies ours too.
    let image = format!("{REGISTRY}/{REPOSITORY}:by-hand");
    world
        .images
        .put(REPOSITORY, "by-hand", &Image::healthy("by hand"));
    let copy = world.ecs.register_next("web", &image);
    world.ecs.update(&service(), |update| {
        update.task_definition = Some(copy);
    });
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    assert_eq!(world.ecs.images(&service()), [image]);
    let good = world.state(TARGET).last_known_good.unwrap();
    assert!(good.task_definition.ends_with("web:3"), "{good:?}");
}

#[test]
fn nobody_is_told_to_deploy_an_inactive_revision_by_hand() {
    let mut world = on_the_way_back_to_an_inactive_revision();
    let document = world.topic.documents().pop().unwrap();
    assert_eq!(document["event"], "rolling-back");
    assert_eq!(document["dossier"]["byHand"], Value::Null);
    let published = world.topic.published();
    let email = &published.last().unwrap().bodies[1].1;
    assert!(email.contains("web:1 is INACTIVE"), "{email}");
    assert!(email.contains(&pinned("v1")), "{email}");
    run_to_the_end(&mut world);
    world.run_for(seconds(5));
    let published = world.topic.published();
    let email = &published.last().unwrap().bodies[1].1;
    assert!(email.contains("web:3"), "{email}");
    assert!(!email.contains("INACTIVE"), "{email}");
}

#[test]
fn also_where_nobody_remembers_that_it_was_registered() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.ecs.deregister("web:1");
    let register = Operation::RegisterTaskDefinition;
    world.calls.fail_next(register, Fault::CrashAfter, 1);
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to(&mut world, "rolling-back");
    world.run_for(seconds(5));
    assert_eq!(world.ecs.revisions("web"), 3);
    world
        .images
        .put(REPOSITORY, "by-hand", &Image::healthy("by-hand"));
    let copy = world.ecs.register_next("web", &pinned("by-hand"));
    world.ecs.update(&service(), |update| {
        update.task_definition = Some(copy);
    });
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    assert_eq!(world.ecs.images(&service()), [pinned("by-hand")]);
}

#[test]
fn a_last_good_revision_that_is_inactive_is_registered_again() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.ecs.deregister("web:1");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
    assert_eq!(world.ecs.revision(&service()), "web:3");
    assert_eq!(world.ecs.images(&service()), [specification().image]);
    assert_eq!(writes(&world), (2, 2));
    let good = world.state(TARGET).last_known_good.unwrap();
    assert!(good.task_definition.ends_with("/web:3"));

    // It is what the next bad one goes back to.
    world.alarms.set("5xx", AlarmState::Ok);
    push(&mut world, "v3");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(
        history(&world).last().unwrap(),
        "v3 rolled-back alarm-fired"
    );
    assert_eq!(world.ecs.revision(&service()), "web:3");
}
