//! The deletion of stacks.

use serde_json::json;
use stack_model::{CreateStack, EffectAction, Outcome, Parameter};

use crate::world::{OLD, SERVICE, World, change_set, image_and_previous, template};

#[test]
fn a_deleted_stack_takes_its_resources_along_the_dependent_ones_first() {
    let mut world = World::new();
    world.call("DeleteStack", json!({"StackName": "web"}));
    assert_eq!(world.status(), "DELETE_IN_PROGRESS");
    world.wait_seconds(3);
    let physical_id = SERVICE.to_owned();
    assert_eq!(world.effect().action, EffectAction::Delete { physical_id });
    world.answer(Outcome::Done);
    let physical_id = OLD.to_owned();
    assert_eq!(world.effect().action, EffectAction::Delete { physical_id });
    world.answer(Outcome::Done);
    let arn = world.stacks.stack(world.web).unwrap().arn.clone();
    world.wait_seconds(10);
    let error = world.refused("DescribeStacks", json!({"StackName": "web"}));
    assert_eq!(error.code, "ValidationError");
    assert_eq!(error.message, "Stack with id web does not exist");
    let stacks = world.call("DescribeStacks", json!({ "StackName": arn }));
    assert_eq!(stacks["Stacks"][0]["StackStatus"], "DELETE_COMPLETE");
    let all = world.call("DescribeStacks", json!({}));
    assert_eq!(all["Stacks"], json!([]));
}

#[test]
fn a_name_is_free_again_and_the_new_stack_another_one() {
    let mut world = World::new();
    let create = || CreateStack {
        name: "web".to_owned(),
        template: template(),
        parameters: vec![Parameter::new("Image", "web:1")],
        ..CreateStack::default()
    };
    let error = world.stacks.create_stack(create()).unwrap_err();
    assert_eq!(error.code, "AlreadyExistsException");
    let old = world.stack()["StackId"].clone();
    let status = stack_model::StackStatus::DeleteComplete;
    world.stacks.set_status(world.web, status, None);
    world.stacks.create_stack(create()).unwrap();
    assert_ne!(world.stack()["StackId"], old);
}

#[test]
fn a_protected_stack_is_not_deleted() {
    let mut world = World::new();
    let request = json!({"StackName": "web", "EnableTerminationProtection": true});
    world.call("UpdateTerminationProtection", request);
    assert_eq!(world.stack()["EnableTerminationProtection"], true);
    let error = world.refused("DeleteStack", json!({"StackName": "web"}));
    assert_eq!(error.code, "ValidationError");
    assert_eq!(
        error.message,
        "Stack [web] cannot be deleted while TerminationProtection is enabled"
    );
    assert_eq!(world.status(), "CREATE_COMPLETE");
}

#[test]
fn a_stack_that_is_being_deleted_cannot_be_protected_any_more() {
    let mut world = World::new();
    world.call("DeleteStack", json!({"StackName": "web"}));
    world.call("DeleteStack", json!({"StackName": "web"}));
    let request = json!({"StackName": "web", "EnableTerminationProtection": true});
    let error = world.refused("UpdateTerminationProtection", request);
    assert_eq!(error.code, "ValidationError");
    assert_eq!(world.story().len(), 1, "and is deleted once");
}

#[test]
fn a_stack_that_is_being_updated_is_not_deleted() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    let error = world.refused("DeleteStack", json!({"StackName": "web"}));
    assert!(error.message.ends_with("UPDATE_IN_PROGRESS"), "{error}");
}

#[test]
fn a_deletion_that_fails_can_be_tried_again() {
    let mut world = World::new();
    world.call("DeleteStack", json!({"StackName": "web"}));
    world.wait_seconds(3);
    world.fail();
    assert_eq!(world.status(), "DELETE_FAILED");
    world.call("DeleteStack", json!({"StackName": "web"}));
    world.wait_seconds(3);
    world.answer(Outcome::Done);
    world.answer(Outcome::Done);
    world.wait_seconds(10);
    let stack = world.stacks.stack(world.web).unwrap();
    assert_eq!(stack.status.as_str(), "DELETE_COMPLETE");
    assert!(stack.resources.is_empty());
}

#[test]
fn the_change_sets_of_a_deleted_stack_are_gone() {
    let mut world = World::new();
    let request = change_set("push-1", image_and_previous("web:2"));
    let made = world.call("CreateChangeSet", request);
    world.call("DeleteStack", json!({"StackName": "web"}));
    let request = json!({"ChangeSetName": made["Id"]});
    let error = world.refused("DescribeChangeSet", request);
    assert_eq!(error.code, "ChangeSetNotFound");
}

#[test]
fn a_stack_that_is_not_there_is_deleted_already() {
    let mut world = World::new();
    world.call("DeleteStack", json!({"StackName": "nowhere"}));
}
