use futures_util::FutureExt as _;
use jiff::SignedDuration;
use pushboat::core::policy::ServiceRef;
use pushboat::core::stack::{
    ChangeSetLook, ChangeSetRequest, ChangeSetState, SERVICE, Stack, StackLook, StackStatus,
};
use pushboat::ports::{StackResources as _, Stacks as _};
use pushboat::trigger::ecs::service_of;
use serde_json::json;

use super::StackSpecification;
use crate::{Image, REGISTRY, ServiceSpecification, World};

const STACK: &str = "web";

fn service() -> ServiceRef {
    ServiceRef {
        cluster: "prod".to_owned(),
        name: "web".to_owned(),
    }
}

/// A world whose stack runs v1; v2 is healthy too, and v3 crashes.
fn world() -> World {
    let mut world = World::new();
    for image in [
        Image::healthy("v1"),
        Image::healthy("v2"),
        Image::crashing("v3"),
    ] {
        world.images.put("team/web", &image.name, &image);
    }
    let web = ServiceSpecification::new("prod", "web", &named("v1"), "web");
    world.stacks.create(&StackSpecification::new(STACK, web));
    world.run_for(minutes(3));
    assert!(world.ecs.is_settled(&service()));
    world
}

fn named(tag: &str) -> String {
    format!("{REGISTRY}/team/web:{tag}")
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn run_to(world: &mut World, status: &str) {
    let reached = world.run_while(minutes(60), |world| world.stacks.status(STACK) != status);
    assert!(reached, "{:?}", world.stacks.statuses(STACK));
}

fn answer<T>(future: impl Future<Output = Result<T, pushboat::ports::CallError>>) -> T {
    let answer = future.now_or_never().expect("ports in memory never wait");
    answer.expect("it is answered")
}

fn look(world: &World) -> Stack {
    match answer(world.stacks.stack(STACK)) {
        StackLook::Found(stack) => *stack,
        StackLook::Missing => panic!("it exists"),
    }
}

fn request(tag: &str) -> ChangeSetRequest {
    ChangeSetRequest {
        stack: STACK.to_owned(),
        name: format!("set-{tag}"),
        parameter: "Image".to_owned(),
        value: named(tag),
        kept: vec!["Title".to_owned()],
        capabilities: Vec::new(),
        role_arn: None,
    }
}

/// Makes a change set and runs until it can be executed; answers what it would change.
fn change_set(world: &mut World, tag: &str) -> Vec<(String, Option<String>)> {
    answer(world.stacks.create_change_set(&request(tag)));
    answer(world.stacks.create_change_set(&request(tag)));
    assert_eq!(state(world, tag), ChangeSetState::Pending);
    world.run_for(minutes(1));
    let ChangeSetLook::Found(found) = answer(world.stacks.change_set(STACK, &request(tag).name))
    else {
        panic!("it was made");
    };
    let changes = found.changes.into_iter();
    changes
        .map(|one| (one.logical_id, one.replacement))
        .collect()
}

fn state(world: &World, tag: &str) -> ChangeSetState {
    match answer(world.stacks.change_set(STACK, &request(tag).name)) {
        ChangeSetLook::Found(found) => found.state,
        ChangeSetLook::Missing => panic!("it is there"),
    }
}

fn execute(world: &World, tag: &str) {
    let name = request(tag).name;
    answer(world.stacks.execute_change_set(STACK, &name, "token"));
    answer(world.stacks.execute_change_set(STACK, &name, "token-again"));
}

#[test]
fn an_executed_change_set_brings_the_service_the_image_and_takes_the_old_revision_away() {
    let mut world = world();
    let yes = Some("True".to_owned());
    let changes = change_set(&mut world, "v2");
    let ids: Vec<&str> = changes.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["Service", "TaskDefinition"]);
    assert_eq!(changes[1].1, yes);
    assert_ne!(changes[0].1, yes);
    assert_eq!(state(&world, "v2"), ChangeSetState::Available);
    execute(&world, "v2");
    assert_eq!(state(&world, "v2"), ChangeSetState::Executing);
    assert_eq!(look(&world).status, StackStatus::Updating);
    world.run_for(SignedDuration::from_secs(20));
    assert_eq!(world.ecs.images(&service()), [named("v2")]);
    assert_eq!(look(&world).status, StackStatus::Updating, "not steady yet");
    run_to(&mut world, "UPDATE_COMPLETE");
    assert!(world.ecs.is_settled(&service()));
    let stack = look(&world);
    assert_eq!(stack.change_set.as_deref(), Some("set-v2"));
    assert_eq!(stack.parameters, ["Image", "Title"]);
    assert_eq!(stack.failed, None);
    let old = world.ecs.read();
    let old = old.task_definition("web:1").unwrap();
    assert_eq!(old.status.as_str(), "INACTIVE");
}

#[test]
fn a_change_of_the_parameter_store_is_in_the_next_change_set() {
    let mut world = world();
    let title = StackSpecification::TITLE;
    world.stacks.write_parameter(title, "something else");
    let changes = change_set(&mut world, "v2");
    let ids: Vec<&str> = changes.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["Dashboard", "Service", "TaskDefinition"]);
    world.stacks.update(STACK, &[]);
    run_to(&mut world, "UPDATE_COMPLETE");
    assert_eq!(state(&world, "v2"), ChangeSetState::Obsolete);
    assert_eq!(world.stacks.parameter(STACK, "Title"), "something else");
    assert_eq!(world.stacks.parameter(STACK, "Image"), named("v1"));
}

#[test]
fn what_is_no_change_is_said_to_be_none() {
    let mut world = world();
    assert_eq!(change_set(&mut world, "v1"), []);
    assert_eq!(state(&world, "v1"), ChangeSetState::Unchanged);
}

#[test]
fn a_version_that_crashes_is_waited_for_until_the_update_is_cancelled() {
    let mut world = world();
    change_set(&mut world, "v3");
    execute(&world, "v3");
    world.run_for(minutes(30));
    assert_eq!(look(&world).status, StackStatus::Updating);
    answer(world.stacks.cancel_update(STACK, "cancel"));
    assert_eq!(look(&world).status, StackStatus::RollingBack);
    run_to(&mut world, "UPDATE_ROLLBACK_COMPLETE");
    let stack = look(&world);
    assert_eq!(
        (stack.status, stack.failed),
        (StackStatus::RolledBack, None)
    );
    assert!(world.ecs.is_settled(&service()));
    assert_eq!(world.ecs.images(&service()), [named("v1")]);
    assert_eq!(world.stacks.parameter(STACK, "Image"), named("v1"));
    let again = world.stacks.cancel_update(STACK, "cancel-again");
    let again = again.now_or_never().unwrap().unwrap_err();
    assert!(again.to_string().contains("ValidationError"), "{again}");
}

#[test]
fn the_circuit_breaker_fails_the_update_and_the_service_is_named() {
    let mut world = world();
    let breaker = json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } });
    world.ecs.configure(&service(), &breaker);
    world.run_for(minutes(3));
    change_set(&mut world, "v2");
    execute(&world, "v2");
    world.run_for(SignedDuration::from_secs(5));
    world.images.set_unreachable(true);
    let failed = world.run_while(minutes(25), |world| !world.ecs.has_failed(&service()));
    assert!(failed, "ECS never gave it up");
    world.images.set_unreachable(false);
    run_to(&mut world, "UPDATE_ROLLBACK_IN_PROGRESS");
    run_to(&mut world, "UPDATE_ROLLBACK_COMPLETE");
    let failed = look(&world).failed.expect("a resource failed");
    assert_eq!(
        (&*failed.logical_id, &*failed.resource_type),
        ("Service", SERVICE)
    );
    assert!(failed.reason.contains("Circuit Breaker"), "{failed:?}");
    assert!(world.ecs.is_settled(&service()));
    assert_eq!(world.ecs.images(&service()), [named("v1")]);
}

#[test]
fn the_resources_of_a_stack_name_its_service() {
    let world = world();
    let arns = answer(world.stacks.services(STACK)).expect("there is the stack");
    let services: Vec<Option<ServiceRef>> = arns.iter().map(|arn| service_of(arn)).collect();
    assert_eq!(services, [Some(service())]);
    assert_eq!(answer(world.stacks.services("other")), None);
    assert_eq!(answer(world.stacks.stack("other")), StackLook::Missing);
}
