//! Fargate runs out of capacity.

use serde_json::json;

use crate::world::{World, text};

#[test]
fn without_capacity_a_deployment_waits_and_says_so_once() {
    let mut world = World::new();
    world.running_service(2);
    world.ecs.set_out_of_capacity(true);
    let id = world.deploy("web:2", &[]);
    world.wait_seconds(600);
    assert_eq!(world.tasks_of(&id).len(), 0);
    let service = world.service();
    assert_eq!(service["runningCount"], 2, "what runs goes on");
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    assert_eq!(service["deployments"][0]["failedTasks"], 0);
    let said = "(service web) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.";
    let complaints = world.messages();
    let complaints = complaints.iter().filter(|message| *message == said);
    assert_eq!(complaints.count(), 1);
    let events = world.events_of("ECS Service Action");
    let failed: Vec<_> = events
        .iter()
        .filter(|event| event["detail"]["eventName"] == "SERVICE_TASK_PLACEMENT_FAILURE")
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["detail"]["eventType"], "ERROR");
    assert_eq!(failed[0]["detail"]["reason"], "RESOURCE:FARGATE");
}

#[test]
fn with_capacity_again_the_deployment_goes_on() {
    let mut world = World::new();
    world.running_service(1);
    world.ecs.set_out_of_capacity(true);
    world.deploy("web:2", &[]);
    world.wait_seconds(600);
    world.ecs.set_out_of_capacity(false);
    world.until_completed();
}

#[test]
fn a_service_that_has_its_tasks_complains_of_nothing() {
    let mut world = World::new();
    world.running_service(1);
    world.ecs.set_out_of_capacity(true);
    world.wait_seconds(600);
    assert_eq!(world.events_of("ECS Service Action").len(), 1, "steady");
    let task = text(&world.tasks()[0]["taskArn"]);
    world.call("StopTask", json!({"cluster": "prod", "task": task}));
    world.wait_seconds(600);
    assert_eq!(world.events_of("ECS Service Action").len(), 2);
    assert_eq!(world.service()["runningCount"], 0);
}
