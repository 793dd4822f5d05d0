//! Events.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use stack_model::Outcome;

use crate::world::{World, text};

#[test]
fn stack_status_changes_look_like_the_sample() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    let event = &world.events[0];
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../events/cloudformation_stack_status_change__create_complete.json");
    let sample: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(keys(event), keys(&sample));
    assert_eq!(keys(&event["detail"]), keys(&sample["detail"]));
    assert_eq!(
        keys(&event["detail"]["status-details"]),
        keys(&sample["detail"]["status-details"])
    );
    assert_eq!(event["source"], sample["source"]);
    assert_eq!(event["detail-type"], sample["detail-type"]);
    assert_eq!(event["time"], "2026-05-06T11:00:10Z");
    let arn = world.stacks.stack(world.web).unwrap().arn.clone();
    assert_eq!(event["resources"], json!([arn]));
    assert_eq!(event["detail"]["stack-id"], arn);
}

#[test]
fn each_status_is_told_with_the_token_of_the_call() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    world.answer(Outcome::Done);
    world.wait_seconds(3);
    world.answer(Outcome::Done);
    assert_eq!(
        told(&world),
        [
            "UPDATE_IN_PROGRESS User Initiated push-1",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS  push-1",
            "UPDATE_COMPLETE  push-1",
        ]
    );
    let ids: BTreeSet<String> = world
        .events
        .iter()
        .map(|event| text(&event["id"]))
        .collect();
    assert_eq!(ids.len(), world.events.len());
}

#[test]
fn a_failed_update_is_told_with_the_resource_that_failed() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    world.fail();
    let told = told(&world);
    assert_eq!(
        told[1],
        "UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to update: [Service]. push-1"
    );
}

#[test]
fn what_follows_a_cancellation_bears_its_token() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    let request = json!({"StackName": "web", "ClientRequestToken": "cancel-1"});
    world.call("CancelUpdateStack", request);
    world.wait_seconds(6);
    let told = told(&world);
    assert_eq!(told[3], "UPDATE_ROLLBACK_COMPLETE  cancel-1");
}

#[test]
fn an_update_without_a_token_is_told_with_an_empty_one() {
    let mut world = World::new();
    world.change_set("push-1", crate::world::image_and_previous("web:2"));
    let request = json!({"StackName": "web", "ChangeSetName": "push-1"});
    world.call("ExecuteChangeSet", request);
    assert_eq!(world.events[0]["detail"]["client-request-token"], "");
}

#[test]
fn a_stacks_own_events_come_newest_first_each_with_the_token() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    let answer = world.call("DescribeStackEvents", json!({"StackName": "web"}));
    let events = answer["StackEvents"].as_array().unwrap();
    let newest = &events[0];
    assert_eq!(newest["LogicalResourceId"], "Service");
    assert_eq!(newest["ResourceStatus"], "UPDATE_IN_PROGRESS");
    assert_eq!(newest["ResourceType"], "AWS::ECS::Service");
    assert_eq!(newest["ClientRequestToken"], "push-1");
    let times: Vec<String> = events
        .iter()
        .rev()
        .map(|one| text(&one["Timestamp"]))
        .collect();
    assert!(times.is_sorted());
    let ids: BTreeSet<String> = events.iter().map(|one| text(&one["EventId"])).collect();
    assert_eq!(ids.len(), events.len());
}

#[test]
fn changes_can_be_taken_without_json() {
    let mut world = World::new();
    world.change_set("push-1", crate::world::image_and_previous("web:2"));
    world
        .stacks
        .execute_change_set("push-1", Some("web"), Some("token"))
        .unwrap();
    let changes = world.stacks.take_changes();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].client_request_token.as_deref(), Some("token"));
    assert!(world.stacks.take_events().is_empty());
}

/// Status, reason and token of each event of the event bus.
fn told(world: &World) -> Vec<String> {
    world
        .events
        .iter()
        .map(|event| {
            let details = &event["detail"]["status-details"];
            format!(
                "{} {} {}",
                text(&details["status"]),
                text(&details["status-reason"]),
                text(&event["detail"]["client-request-token"])
            )
        })
        .collect()
}

fn keys(value: &Value) -> BTreeSet<&String> {
    value.as_object().unwrap().keys().collect()
}
