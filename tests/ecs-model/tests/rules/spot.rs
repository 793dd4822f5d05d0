//! Fargate Spot takes capacity back.

use serde_json::{Value, json};

use crate::world::{World, network};

/// A world with the service `web` on Fargate Spot.
fn on_spot(desired_count: i64) -> World {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    world.call(
        "CreateService",
        json!({
            "cluster": "prod", "serviceName": "web", "taskDefinition": definition,
            "desiredCount": desired_count, "networkConfiguration": network(),
            "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
        }),
    );
    world.until_completed();
    world.events.clear();
    world
}

/// Takes the capacity of the oldest task back.
fn interrupt(world: &mut World) -> bool {
    let (key, _) = world.ecs.tasks("prod").next().unwrap();
    let now = world.now;
    let images = &world.images;
    world.ecs.advance(now, images);
    world.ecs.interrupt_spot_task(key)
}

fn of_first_task(world: &mut World) -> Vec<Value> {
    let arn = world.tasks()[0]["taskArn"].clone();
    let events = world.events_of("ECS Task State Change").into_iter();
    let ours = events.filter(|event| event["detail"]["taskArn"] == arn);
    ours.map(|event| event["detail"].clone()).collect()
}

#[test]
fn an_interrupted_task_is_told_two_minutes_before_it_stops() {
    let mut world = on_spot(1);
    assert!(interrupt(&mut world));
    world.wait_seconds(0);
    let warned = of_first_task(&mut world).remove(0);
    assert_eq!(warned["lastStatus"], "RUNNING");
    assert_eq!(warned["desiredStatus"], "STOPPED");
    assert_eq!(warned["stopCode"], "SpotInterruption");
    assert_eq!(warned["stoppedReason"], "Your Spot Task was interrupted.");
    world.wait_seconds(119);
    assert_eq!(world.tasks()[0]["lastStatus"], "RUNNING");
    world.wait_seconds(60);
    assert_eq!(world.tasks()[0]["lastStatus"], "STOPPED");
    let stopped = of_first_task(&mut world).pop().unwrap();
    assert_eq!(stopped["stopCode"], "SpotInterruption");
}

#[test]
fn the_scheduler_replaces_an_interrupted_task_while_it_still_runs() {
    let mut world = on_spot(1);
    interrupt(&mut world);
    world.wait_seconds(60);
    assert_eq!(world.service()["runningCount"], 2);
    assert_eq!(world.states(), ["COMPLETED"]);
    world.wait_seconds(120);
    assert_eq!(world.service()["runningCount"], 1);
    assert_eq!(world.service()["deployments"][0]["failedTasks"], 0);
}

#[test]
fn a_task_is_interrupted_once_and_only_on_spot() {
    let mut world = on_spot(1);
    assert!(interrupt(&mut world));
    assert!(!interrupt(&mut world));
    let mut world = World::new();
    world.running_service(1);
    assert!(!interrupt(&mut world));
    world.wait_seconds(300);
    assert_eq!(world.tasks().len(), 1);
}
