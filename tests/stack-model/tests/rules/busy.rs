//! Stacks that cannot be updated.

use serde_json::json;
use stack_model::StackStatus;

use crate::world::{World, change_set, image_and_previous};

#[test]
fn only_a_stack_at_rest_and_whole_can_be_updated() {
    let updatable = [
        "CREATE_COMPLETE",
        "CREATE_FAILED",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    ];
    for status in StackStatus::ALL {
        let mut world = World::new();
        world.stacks.set_status(world.web, status, None);
        let answer = world.try_call(
            "CreateChangeSet",
            change_set("push-1", image_and_previous("web:2")),
        );
        let name = status.as_str();
        match answer {
            Ok(_) => assert!(updatable.contains(&name), "{name}"),
            Err(error) => {
                assert!(!updatable.contains(&name), "{name}");
                assert_eq!(error.code, "ValidationError");
            }
        }
    }
}

#[test]
fn a_busy_and_a_wedged_stack_refuse_in_the_same_words() {
    for status in [
        StackStatus::UpdateInProgress,
        StackStatus::UpdateCompleteCleanupInProgress,
        StackStatus::UpdateRollbackFailed,
        StackStatus::RollbackComplete,
    ] {
        let mut world = World::new();
        world.stacks.set_status(world.web, status, None);
        let arn = world.stacks.stack(world.web).unwrap().arn.clone();
        let text = format!(
            "Stack:{arn} is in {} state and can not be updated.",
            status.as_str()
        );
        let request = change_set("push-1", image_and_previous("web:2"));
        let error = world.refused("CreateChangeSet", request);
        assert_eq!(error.message, text);
        let request = json!({
            "StackName": "web", "UsePreviousTemplate": true,
            "Parameters": image_and_previous("web:2"),
        });
        let error = world.refused("UpdateStack", request);
        assert_eq!(error.message, text);
    }
}

#[test]
fn a_stack_is_busy_until_the_last_phase_of_its_update_is_over() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    world.answer(stack_model::Outcome::Done);
    let request = change_set("push-2", image_and_previous("web:3"));
    let error = world.refused("CreateChangeSet", request.clone());
    assert!(
        error
            .message
            .contains("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        "{error}"
    );
    world.wait_seconds(3);
    world.answer(stack_model::Outcome::Done);
    world.call("CreateChangeSet", request);
}

#[test]
fn an_update_that_changes_nothing_is_refused() {
    let mut world = World::new();
    let request = json!({
        "StackName": "web", "UsePreviousTemplate": true,
        "Parameters": image_and_previous("web:1"),
    });
    let error = world.refused("UpdateStack", request);
    assert_eq!(error.code, "ValidationError");
    assert_eq!(error.message, "No updates are to be performed.");
}

#[test]
fn a_stack_that_failed_without_going_back_goes_on_without_it_alone() {
    for status in [StackStatus::UpdateFailed, StackStatus::CreateFailed] {
        let mut world = World::new();
        world.change_set("push-1", image_and_previous("web:2"));
        world.stacks.set_status(world.web, status, None);
        let reference = json!({"StackName": "web", "ChangeSetName": "push-1"});
        let request = json!({
            "StackName": "web", "UsePreviousTemplate": true,
            "Parameters": image_and_previous("web:2"),
        });
        for (operation, request) in [("ExecuteChangeSet", reference), ("UpdateStack", request)] {
            let error = world.refused(operation, request);
            assert_eq!(error.code, "ValidationError");
            let text = format!(
                "This stack is currently in a non-terminal [{}] state.",
                status.as_str()
            );
            assert!(error.message.starts_with(&text), "{error}");
        }
    }
}
