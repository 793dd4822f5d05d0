//! What hinders ECS is explained and not held against the image.

use pushboat::core::alarm::AlarmState;
use pushboat::core::diagnosis::target_health::{TargetVerdict, judge};
use pushboat::core::evidence::Evidence;
use pushboat::trigger::ecs::service_event;
use serde_json::{Value, json};
use simulation::{Event, Fault, Function};

use super::rollback::{last, quarantined, run_to_the_end};
use super::*;

const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/73e2d6bc24d8a067";

/// An adopted service behind a load balancer, with its own grace period.
fn balanced(grace_seconds: u32) -> World {
    let mut world = world();
    let specification = ServiceSpecification {
        balanced: Some((GROUP.to_owned(), grace_seconds)),
        ..specification()
    };
    let revision = world.ecs.register_document(json!({
        "family": "web",
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "containerDefinitions": [{
            "name": "app", "image": specification.image, "essential": true,
            "portMappings": [{ "containerPort": 8080 }],
        }],
    }));
    world.ecs.create_service_of(&specification, &revision);
    world.run_for(minutes(5));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(1));
    assert_eq!(told(&world), ["adopted"]);
    world
}

fn push_unhealthy(world: &mut World) -> pushboat::core::push::Push {
    let image = Image::unhealthy_behind_a_load_balancer("v2");
    world.push_image(REPOSITORY, "v2", &image)
}

fn set_out_of_capacity(world: &World, is_out: bool) {
    world.ecs.model().set_out_of_capacity(is_out);
}

/// What the target waits for, as its reason's name.
fn waits_on(world: &World) -> &'static str {
    let wake = world.state(TARGET).wake.unwrap();
    wake.waiting.as_str()
}

fn evidence(world: &World) -> Evidence {
    match world.state(TARGET).current {
        Some(current) => (*current.evidence).clone(),
        None => (*last(world).evidence).clone(),
    }
}

fn email(world: &mut World) -> String {
    world.run_for(seconds(5));
    let published = world.topic.published();
    published.last().unwrap().bodies[1].1.clone()
}

fn looks_at_health(world: &World) -> usize {
    world.calls.count(Operation::DescribeTargetHealth)
}

#[test]
fn want_of_capacity_is_explained_and_not_held_against_the_image() {
    for lost in [false, true] {
        let mut world = adopted();
        world.lost.service_changes = lost;
        set_out_of_capacity(&world, true);
        push(&mut world, "v2");
        run_to(&mut world, "progressing");
        world.run_for(minutes(2));
        assert_eq!(waits_on(&world), "service-trouble", "events lost: {lost}");

        run_to(&mut world, "rolling-back");
        set_out_of_capacity(&world, false);
        run_to_the_end(&mut world);
        assert_eq!(history(&world), ["v2 rolled-back deadline-reached"]);
        assert_eq!(world.ecs.revision(&service()), "web:1");
        let none: [String; 0] = [];
        assert_eq!(quarantined(&world), none);
        let email = email(&mut world);
        for text in [
            "no task failed by this version's fault",
            "ECS is unable to place a task, capacity is unavailable",
            "Nothing speaks against this image",
        ] {
            assert!(email.contains(text), "{text}: {email}");
        }

        world.push_image(REPOSITORY, "v2-again", &Image::healthy("v2"));
        world.run_for(minutes(15));
        assert_eq!(history(&world).last().unwrap(), "v2-again succeeded");
    }
}

#[test]
fn capacity_that_comes_back_in_time_is_no_failure() {
    let mut world = adopted();
    set_out_of_capacity(&world, true);
    push(&mut world, "v2");
    world.run_for(minutes(10));
    assert_eq!(waits_on(&world), "service-trouble");
    set_out_of_capacity(&world, false);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
}

#[test]
fn what_ecs_said_before_the_rollout_says_nothing_of_it() {
    let mut world = adopted();
    set_out_of_capacity(&world, true);
    world.ecs.update(&service(), |update| {
        update.desired_count = Some(3);
    });
    world.run_for(minutes(2));
    set_out_of_capacity(&world, false);
    world.run_for(minutes(3));
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    assert!(evidence(&world).service_troubles.kept().is_empty());
}

#[test]
fn failed_health_checks_are_told_in_the_load_balancers_words() {
    for lost in [false, true] {
        let mut world = balanced(0);
        world.lost.service_changes = lost;
        push_unhealthy(&mut world);
        run_to_the_end(&mut world);
        assert_eq!(history(&world), ["v2 rolled-back tasks-fail"]);
        assert_eq!(quarantined(&world).len(), 1);
        let email = email(&mut world);
        let words = "The load balancer finds a task unhealthy: Health checks failed with these codes: [503].";
        assert!(email.contains(words), "{email}");
    }
}

/// Runs until an alarm takes a version back whose targets are unhealthy in their grace period.
fn taken_back_in_its_grace_period(world: &mut World) {
    push_unhealthy(world);
    run_to(world, "progressing");
    world.run_for(minutes(4));
    assert_eq!(looks_at_health(world), 0);
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(world);
    assert_eq!(history(world), ["v2 rolled-back alarm-fired"]);
    assert_eq!(world.ecs.revision(&service()), "web:1");
}

#[test]
fn the_targets_are_looked_at_before_a_version_is_taken_back() {
    let mut world = balanced(1200);
    taken_back_in_its_grace_period(&mut world);
    assert_eq!(looks_at_health(&world), 1);
    let log = world.calls.log();
    let at = |wanted: &[Operation]| {
        let calls = log.iter();
        let calls = calls.filter(|call| wanted.contains(&call.operation));
        calls.map(|call| call.ordinal).next_back().unwrap()
    };
    let undone = at(&[Operation::UpdateService, Operation::StopServiceDeployment]);
    assert!(
        at(&[Operation::DescribeTargetHealth]) < undone,
        "evidence comes before what undoes it"
    );

    let health = evidence(&world).target_health;
    let unhealthy = health
        .iter()
        .filter(|one| judge(one) == TargetVerdict::Application);
    assert_eq!(unhealthy.count(), 2, "{health:?}");
    let email = email(&mut world);
    for text in [
        ":8080 is unhealthy: Target.ResponseCodeMismatch, Health checks failed with these codes: [503]",
        "check the health check's path and its matcher",
    ] {
        assert!(email.contains(text), "{text}: {email}");
    }
}

#[test]
fn a_load_balancer_that_does_not_answer_holds_nothing_up() {
    for fault in [Fault::LostRequest, Fault::Throttled, Fault::Refused] {
        let mut world = balanced(1200);
        world
            .calls
            .fail_next(Operation::DescribeTargetHealth, fault, 9);
        taken_back_in_its_grace_period(&mut world);
        assert_eq!(looks_at_health(&world), 1, "it is asked once");
        assert!(evidence(&world).target_health.is_empty());
        assert_eq!(writes(&world), (1, 2));
    }
}

#[test]
fn where_nothing_fails_no_load_balancer_is_asked() {
    let mut world = balanced(0);
    push(&mut world, "v2");
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(looks_at_health(&world), 0);
}

#[test]
fn the_event_of_a_stranger_costs_one_read_of_the_ledger() {
    let samples = [
        "ecs_service_action__service_task_placement_failure",
        "ecs_service_action__service_task_start_impaired",
        "ecs_deployment_state_change__service_deployment_failed",
        "ecs_task_state_change__stopped_essential_exit1_composed",
    ];
    for name in samples {
        let mut world = adopted();
        let before = world.calls.made();
        let event = sample(name);
        world.tell(match event["detail-type"].as_str() {
            Some("ECS Task State Change") => Event::TaskChanged(event.into()),
            _ => Event::ServiceChanged(service_event(&event).unwrap()),
        });
        world.run_for(seconds(3));
        let calls = world.calls.log().split_off(before);
        let calls: Vec<_> = calls
            .iter()
            .map(|call| (call.function, call.operation))
            .collect();
        let read = (Function::ServiceChange, Operation::FindFollowers);
        assert_eq!(calls, [read], "{name}");
    }
}

fn sample(name: &str) -> Value {
    let path = format!("{}/../events/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
