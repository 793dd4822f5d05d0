//! The way back to what was adopted from a definition that names its image by a tag.

use std::collections::BTreeSet;

use ecs_model::TaskStatus;

use super::*;

/// A world that adopted the service while its tag `v1` stood for v1.
fn adopted_by_tag() -> World {
    let mut world = world();
    world.ecs.create_service(&specification_by_tag());
    world.run_for(minutes(3));
    world.put_target(TARGET, &following("v[23]*"));
    world.run_for(minutes(1));
    assert_eq!(told(&world), ["adopted"]);
    world
}

/// Has the tag stand for another image from now on.
fn move_tag(world: &World) {
    let moved = Image::healthy("v1, moved");
    world.images.put(REPOSITORY, "v1", &moved);
}

/// The images that the service's tasks really run.
fn runs(world: &World) -> BTreeSet<String> {
    let model = world.ecs.read();
    let tasks = model.tasks("prod").map(|(_, task)| &task.state);
    let running = tasks.filter(|task| task.last_status == TaskStatus::Running);
    let containers = running.flat_map(|task| &task.containers);
    let digests = containers.filter_map(|container| container.image_digest.as_deref());
    digests.map(str::to_owned).collect()
}

/// Has ECS roll the service's latest deployment back, as a person does.
fn stop_by_hand(world: &World) {
    let service = service();
    let mut model = world.ecs.model();
    let found = model.service(Some(&service.cluster), &service.name);
    let latest = found.unwrap().unwrap().service_deployments.last();
    let arn = latest.unwrap().arn.to_string();
    model.stop_service_deployment(&arn, None).unwrap();
}

fn just(image: &Image) -> BTreeSet<String> {
    [image.digest().to_string()].into()
}

#[test]
fn a_tag_that_moved_meanwhile_leads_to_the_image_that_ran() {
    let mut world = adopted_by_tag();
    let good = world.state(TARGET).last_known_good.unwrap();
    assert_eq!(good.images["app"], pinned("v1"));
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    move_tag(&world);
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
    assert_eq!(runs(&world), just(&Image::healthy("v1")));
    assert_eq!(world.ecs.images(&service()), [pinned("v1")]);
    assert_eq!(writes(&world), (2, 2));
    let good = world.state(TARGET).last_known_good.unwrap();
    assert!(good.task_definition.ends_with("web:3"));

    // The revision that names the image is there now: nothing is registered for the next way back.
    world.alarms.set("5xx", AlarmState::Ok);
    push(&mut world, "v3");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(world.ecs.revision(&service()), "web:3");
    assert_eq!(writes(&world), (3, 4));
}

#[test]
fn until_it_is_registered_by_its_digest_nobody_is_told_to_deploy_it_by_hand() {
    let mut world = adopted_by_tag();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to(&mut world, "rolling-back");
    world.run_for(seconds(5));
    let document = world.topic.documents().pop().unwrap();
    assert_eq!(document["event"], "rolling-back");
    assert_eq!(document["dossier"]["byHand"], Value::Null);
    let published = world.topic.published();
    let email = &published.last().unwrap().bodies[1].1;
    assert!(email.contains(&pinned("v1")), "{email}");
    assert!(!email.contains("--task-definition arn"), "{email}");
}

#[test]
fn nor_while_a_hold_keeps_it_back() {
    let mut world = adopted_by_tag();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    order(&mut world, "hold", json!({ "reason": "look at it first" }));
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to(&mut world, "rolling-back");
    world.run_for(seconds(5));
    let document = world.topic.documents().pop().unwrap();
    assert_eq!(document["event"], "rollout-held");
    let published = world.topic.published();
    let email = &published.last().unwrap().bodies[1].1;
    assert!(email.contains(&pinned("v1")), "{email}");
    assert!(!email.contains("--task-definition arn"), "{email}");
}

#[test]
fn a_stopped_deployment_keeps_the_tasks_and_their_image() {
    let mut world = adopted_by_tag();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    move_tag(&world);
    world.run_for(seconds(20));
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
    assert_eq!((writes(&world), stops(&world)), ((1, 2), 1));
    assert_eq!(runs(&world), just(&Image::healthy("v1")));
}

#[test]
fn where_stopping_leads_to_what_the_tag_was_moved_to_the_service_is_updated() {
    let mut world = adopted_by_tag();
    move_tag(&world);
    world.ecs.update(&service(), |update| {
        update.force_new_deployment = true;
    });
    world.run_for(minutes(15));
    assert_eq!(runs(&world), just(&Image::healthy("v1, moved")));
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.run_for(seconds(20));
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
    assert_eq!(stops(&world), 0);
    assert_eq!(runs(&world), just(&Image::healthy("v1")));
}

#[test]
fn put_back_by_hand_it_is_good_only_while_the_tag_has_not_moved() {
    for (moved, end) in [
        (false, "v2 rolled-back put-back-by-hand"),
        (true, "v2 superseded somebody-else"),
    ] {
        let mut world = adopted_by_tag();
        push(&mut world, "v2");
        run_to(&mut world, "baking");
        if moved {
            move_tag(&world);
        }
        put_back(&world);
        run_to_the_end(&mut world);
        assert_eq!(history(&world), [end]);
        assert_eq!(writes(&world), (1, 1), "nobody competes with them");
    }
}

#[test]
fn a_person_who_stops_a_deployment_decides_what_it_goes_back_to() {
    let mut world = adopted_by_tag();
    move_tag(&world);
    world.ecs.update(&service(), |update| {
        update.force_new_deployment = true;
    });
    world.run_for(minutes(15));
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.run_for(seconds(20));
    stop_by_hand(&world);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    assert_eq!(runs(&world), just(&Image::healthy("v1, moved")));
    assert_eq!(writes(&world), (1, 1), "nobody competes with them");
}

#[test]
fn where_ecs_resolves_no_tag_nothing_is_called_good() {
    let mut world = world();
    let revision = world.ecs.register_document(json!({
        "family": "web",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{
            "name": "app", "image": specification_by_tag().image, "essential": true,
            "versionConsistency": "disabled",
        }],
    }));
    world.ecs.create_service_of(&specification(), &revision);
    world.run_for(minutes(3));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(1));
    assert_eq!(told(&world), ["adopted"]);
    assert_eq!(world.state(TARGET).last_known_good, None);
    push_crashing(&mut world, "v2");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 halted nothing-to-go-back-to"]);
}

#[test]
fn while_aws_does_not_tell_the_digests_it_is_not_adopted() {
    let mut world = world();
    world.ecs.create_service(&specification_by_tag());
    world.run_for(minutes(3));
    let operation = Operation::DescribeServiceDeployments;
    world.calls.fail_next(operation, Fault::Refused, 3);
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(1));
    assert_eq!(told(&world), Vec::<String>::new());
    world.run_for(minutes(2));
    assert_eq!(told(&world), ["adopted"]);
    let good = world.state(TARGET).last_known_good.unwrap();
    assert_eq!(good.images["app"], pinned("v1"));
}
