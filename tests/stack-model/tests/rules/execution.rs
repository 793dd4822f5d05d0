//! ExecuteChangeSet.

use serde_json::json;
use stack_model::Outcome;

use crate::world::{World, change_set, image_and_previous};

#[test]
fn a_change_set_that_is_not_made_yet_cannot_be_executed() {
    let mut world = World::new();
    world.call(
        "CreateChangeSet",
        change_set("push-1", image_and_previous("web:2")),
    );
    let reference = json!({"StackName": "web", "ChangeSetName": "push-1"});
    let error = world.refused("ExecuteChangeSet", reference);
    assert_eq!(error.code, "InvalidChangeSetStatus");
    assert!(
        error
            .message
            .ends_with("cannot be executed in its current status of [CREATE_PENDING]"),
        "{error}"
    );
}

#[test]
fn a_change_set_that_failed_cannot_be_executed() {
    let mut world = World::new();
    world.change_set("same", image_and_previous("web:1"));
    let reference = json!({"StackName": "web", "ChangeSetName": "same"});
    let error = world.refused("ExecuteChangeSet", reference);
    assert_eq!(error.code, "InvalidChangeSetStatus");
    assert!(error.message.ends_with("status of [FAILED]"), "{error}");
}

#[test]
fn executing_one_deletes_the_others() {
    let mut world = World::new();
    world.change_set("push-1", image_and_previous("web:2"));
    world.change_set("push-2", image_and_previous("web:3"));
    world.execute("push-2", "push-2");
    let reference = json!({"StackName": "web", "ChangeSetName": "push-1"});
    let error = world.refused("ExecuteChangeSet", reference);
    assert_eq!(error.code, "ChangeSetNotFound");
}

#[test]
fn a_stack_that_was_updated_otherwise_makes_it_obsolete() {
    let mut world = World::new();
    world.change_set("same", image_and_previous("web:1"));
    world.change_set("push-1", image_and_previous("web:2"));
    world.call(
        "CreateChangeSet",
        change_set("push-2", image_and_previous("web:4")),
    );
    let other = world.other_stack();
    let mut request = change_set("push-1", image_and_previous("web:2"));
    request["StackName"] = json!("other");
    world.call("CreateChangeSet", request);
    let request = json!({
        "StackName": "web", "UsePreviousTemplate": true,
        "Parameters": image_and_previous("web:3"), "Capabilities": ["CAPABILITY_IAM"],
    });
    world.call("UpdateStack", request);
    world.wait_seconds(20);
    let failed = world.describe_change_set("same");
    assert_eq!(failed["ExecutionStatus"], "UNAVAILABLE");
    let of_other = world.stacks.change_sets(other).next().unwrap();
    assert_eq!(of_other.execution_status.as_str(), "AVAILABLE");
    for name in ["push-1", "push-2"] {
        let described = world.describe_change_set(name);
        assert_eq!(described["ExecutionStatus"], "OBSOLETE");
        let reference = json!({"StackName": "web", "ChangeSetName": name});
        let error = world.refused("ExecuteChangeSet", reference);
        assert_eq!(error.code, "InvalidChangeSetStatus");
        assert!(
            error
                .message
                .ends_with("cannot be executed in its current execution status of [OBSOLETE]"),
            "{error}"
        );
    }
}

#[test]
fn asked_again_with_the_same_token_it_is_executed_once() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    world.execute("push-1", "push-1");
    let starts = world.story().len();
    assert_eq!(starts, 1);
    let request = json!({"StackName": "web", "ChangeSetName": "push-1"});
    let error = world.refused("ExecuteChangeSet", request);
    assert_eq!(error.code, "InvalidChangeSetStatus");
    assert!(error.message.ends_with("[EXECUTE_IN_PROGRESS]"), "{error}");
}

#[test]
fn a_token_that_another_call_had_is_refused() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    world.answer(Outcome::Done);
    world.wait_seconds(3);
    world.answer(Outcome::Done);
    world.change_set("push-2", image_and_previous("web:3"));
    let request = json!({
        "StackName": "web", "ChangeSetName": "push-2", "ClientRequestToken": "push-1",
    });
    let error = world.refused("ExecuteChangeSet", request);
    assert_eq!(error.code, "TokenAlreadyExistsException");
}

#[test]
fn a_change_set_whose_stack_is_busy_cannot_be_executed() {
    let mut world = World::new();
    world.change_set("push-1", image_and_previous("web:2"));
    let status = stack_model::StackStatus::ImportInProgress;
    world.stacks.set_status(world.web, status, None);
    let reference = json!({"StackName": "web", "ChangeSetName": "push-1"});
    let error = world.refused("ExecuteChangeSet", reference);
    assert_eq!(error.code, "InvalidChangeSetStatus");
    assert!(error.message.contains("IMPORT_IN_PROGRESS"), "{error}");
}

#[test]
fn the_role_that_comes_with_it_stays() {
    let mut world = World::new();
    let mut request = change_set("push-1", image_and_previous("web:2"));
    let role = "arn:aws:iam::123456789012:role/other";
    request["RoleARN"] = json!(role);
    world.call("CreateChangeSet", request);
    world.wait_seconds(10);
    assert_ne!(world.stack()["RoleARN"], role);
    world.execute("push-1", "push-1");
    assert_eq!(world.stack()["RoleARN"], role);
    world.call("CancelUpdateStack", json!({"StackName": "web"}));
    world.wait_seconds(10);
    world.deploy("web:3", "push-2");
    assert_eq!(world.stack()["RoleARN"], role, "none was sent");
}
