//! Updates that fail, and what is made of them.

use serde_json::json;
use stack_model::{EffectAction, Outcome};

use crate::world::{NEW, OLD, World};

const BROKEN: &str = "Service UPDATE_FAILED: Resource handler returned message: \"Error occurred \
                      during operation 'ECS Deployment Circuit Breaker was triggered'.\" \
                      (RequestToken: ";

#[test]
fn a_service_that_fails_is_put_back_and_the_new_task_definition_deleted() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    world.fail();
    assert_eq!(world.status(), "UPDATE_ROLLBACK_IN_PROGRESS");
    let image = &world.stack()["Parameters"][1];
    assert_eq!(image["ParameterValue"], "web:1");
    world.wait_seconds(3);
    let effect = world.effect().clone();
    let EffectAction::Update { properties, .. } = effect.action else {
        panic!("{effect:?}")
    };
    assert_eq!(properties["TaskDefinition"], OLD);
    world.wait_seconds(600);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_IN_PROGRESS");
    world.answer(Outcome::Done);
    assert_eq!(
        world.status(),
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    );
    world.wait_seconds(3);
    let new = NEW.to_owned();
    let expected = EffectAction::Delete { physical_id: new };
    assert_eq!(world.effect().action, expected);
    world.answer(Outcome::Done);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(world.resource("TaskDefinition")["PhysicalResourceId"], OLD);
    let change_set = world.describe_change_set("push-1");
    assert_eq!(change_set["ExecutionStatus"], "EXECUTE_FAILED");
    let story = world.story();
    assert!(story[5].starts_with(BROKEN), "{}", story[5]);
    assert!(story[5].ends_with("HandlerErrorCode: GeneralServiceException)"));
    assert_eq!(
        story[6..],
        [
            "web UPDATE_ROLLBACK_IN_PROGRESS: The following resource(s) failed to update: \
             [Service].",
            "TaskDefinition UPDATE_COMPLETE",
            "Service UPDATE_IN_PROGRESS",
            "Service UPDATE_COMPLETE",
            "web UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "TaskDefinition DELETE_IN_PROGRESS",
            "TaskDefinition DELETE_COMPLETE",
            "web UPDATE_ROLLBACK_COMPLETE",
        ]
    );
}

#[test]
fn a_service_that_does_not_become_steady_fails_after_three_hours() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    world.wait_seconds(3 * 60 * 60 - 1);
    assert_eq!(world.status(), "UPDATE_IN_PROGRESS");
    world.wait_seconds(1);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_IN_PROGRESS");
    let reason = world.resource("Service")["ResourceStatusReason"].clone();
    let reason = reason.as_str().unwrap();
    assert!(reason.starts_with("Resource handler returned message: \"Exceeded attempts to wait\""));
    assert!(reason.ends_with("HandlerErrorCode: NotStabilized)"));
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    let late = world.effect().id;
    assert!(world.stacks.is_awaited(late));
    world.wait_seconds(3 * 60 * 60);
    assert!(!world.stacks.is_awaited(late));
    assert!(!world.stacks.answer(late, Outcome::Done));
    assert_eq!(world.status(), "UPDATE_ROLLBACK_IN_PROGRESS");
}

#[test]
fn a_task_definition_that_cannot_be_registered_touches_no_service() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    world.wait_seconds(3);
    world.fail();
    let count = world.effects.len();
    world.wait_seconds(3);
    world.wait_seconds(3);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(world.effects.len(), count);
    assert_eq!(world.resource("TaskDefinition")["PhysicalResourceId"], OLD);
}

#[test]
fn what_goes_on_beside_a_failure_is_cancelled_and_put_back_too() {
    let mut template = crate::world::template();
    let mut second = template["Resources"]["Service"].clone();
    second["Properties"]["ServiceName"] = json!("worker");
    template["Resources"]["Worker"] = second;
    let mut world = World::with(template);
    world.deploy("web:2", "push-1");
    world.wait_seconds(3);
    world.register();
    world.fail();
    assert_eq!(
        world.resource("Service")["ResourceStatusReason"],
        "Resource update cancelled"
    );
    assert_eq!(
        world.stack()["StackStatusReason"],
        "The following resource(s) failed to update: [Worker, Service]."
    );
    world.wait_seconds(3);
    let back: Vec<&str> = world.effects[3..]
        .iter()
        .map(|effect| effect.logical_id.as_str())
        .collect();
    assert_eq!(back, ["Service", "Worker"]);
}

#[test]
fn a_new_resource_goes_again() {
    let mut world = World::new();
    let mut changed = crate::world::template();
    let mut extra = changed["Resources"]["Service"].clone();
    extra["Properties"]["ServiceName"] = json!("extra");
    changed["Resources"]["Extra"] = extra;
    let request = json!({
        "StackName": "web", "TemplateBody": changed.to_string(),
        "Parameters": [{"ParameterKey": "Image", "UsePreviousValue": true}],
    });
    world.call("UpdateStack", request);
    world.wait_seconds(3);
    world.fail();
    assert_eq!(world.resource("Extra")["ResourceStatus"], "CREATE_FAILED");
    world.wait_seconds(10);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_COMPLETE");
    assert!(world.resource("Extra").is_null());
}

#[test]
fn a_rollback_that_fails_waits_for_somebody_to_go_on() {
    let mut world = wedged();
    assert_eq!(world.status(), "UPDATE_ROLLBACK_FAILED");
    world.wait_seconds(100_000);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_FAILED");
    let request = json!({"StackName": "web", "ClientRequestToken": "mend"});
    world.call("ContinueUpdateRollback", request);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_IN_PROGRESS");
    world.wait_seconds(3);
    assert_eq!(world.effect().logical_id, "Service");
    world.answer(Outcome::Done);
    world.wait_seconds(3);
    world.answer(Outcome::Done);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn a_resource_can_be_skipped_when_going_on() {
    let mut world = wedged();
    let count = world.effects.len();
    let request = json!({"StackName": "web", "ResourcesToSkip": ["Service"]});
    world.call("ContinueUpdateRollback", request);
    assert_eq!(
        world.resource("Service")["ResourceStatus"],
        "UPDATE_COMPLETE"
    );
    world.wait_seconds(3);
    assert_eq!(
        world.status(),
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    );
    world.wait_seconds(3);
    assert_eq!(world.effects.len(), count + 1, "only the cleaning up");
    world.answer(Outcome::Done);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn only_what_failed_to_go_back_can_be_skipped() {
    let mut world = wedged();
    let request = json!({"StackName": "web", "ResourcesToSkip": ["TaskDefinition"]});
    let error = world.refused("ContinueUpdateRollback", request);
    assert_eq!(error.code, "ValidationError");
    assert_eq!(world.status(), "UPDATE_ROLLBACK_FAILED");
}

#[test]
fn a_stack_whose_rollback_did_not_fail_cannot_go_on_with_it() {
    let mut world = World::new();
    let error = world.refused("ContinueUpdateRollback", json!({"StackName": "web"}));
    assert_eq!(error.code, "ValidationError");
    assert!(error.message.contains("CREATE_COMPLETE"), "{error}");
}

/// A world whose stack could not go back.
fn wedged() -> World {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    world.fail();
    world.wait_seconds(3);
    world.fail();
    world
}

#[test]
fn a_failure_can_be_wished_for_where_nobody_is_asked() {
    let mut world = World::new();
    world.stacks.set_ssm_parameter("/retention", "30");
    world
        .stacks
        .fail_resource(world.web, "Logs", "Access denied");
    world.deploy("web:2", "push-1");
    world.wait_seconds(13);
    assert_eq!(
        world.resource("Logs")["ResourceStatusReason"],
        "Access denied"
    );
    world
        .stacks
        .fail_resource(world.web, "Logs", "Still denied");
    world.wait_seconds(13);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_FAILED");
    assert_eq!(
        world.resource("Logs")["ResourceStatusReason"],
        "Still denied"
    );
}

#[test]
fn a_creation_that_goes_on_beside_a_failure_is_cancelled() {
    let mut world = World::new();
    let mut changed = crate::world::template();
    changed["Resources"]["Topic"] = json!({"Type": "AWS::SNS::Topic"});
    let request = json!({
        "StackName": "web", "TemplateBody": changed.to_string(),
        "Parameters": [{"ParameterKey": "Image", "ParameterValue": "web:2"}],
    });
    world.call("UpdateStack", request);
    world.wait_seconds(3);
    world.fail();
    let topic = world.resource("Topic");
    assert_eq!(topic["ResourceStatus"], "CREATE_FAILED");
    assert_eq!(topic["ResourceStatusReason"], "Resource creation cancelled");
}
