//! Updates that succeed.

use serde_json::json;
use stack_model::{EffectAction, Outcome};

use crate::world::{NEW, OLD, SERVICE, World, template};

#[test]
fn an_update_goes_through_its_statuses_and_its_resources_in_order() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    assert_eq!(world.status(), "UPDATE_IN_PROGRESS");
    assert!(world.effects.is_empty(), "nothing is done at once");
    world.wait_seconds(3);
    let effect = world.effect().clone();
    assert_eq!(effect.logical_id, "TaskDefinition");
    let EffectAction::Create { properties } = effect.action else {
        panic!("{effect:?}")
    };
    assert_eq!(properties["ContainerDefinitions"][0]["Image"], "web:2");
    assert_eq!(
        properties["ContainerDefinitions"][0]["LogConfiguration"]["Options"]["awslogs-group"],
        "/ecs/web"
    );
    world.register();
    let effect = world.effect().clone();
    let EffectAction::Update {
        physical_id,
        properties,
    } = effect.action
    else {
        panic!("{effect:?}")
    };
    assert_eq!(physical_id, SERVICE);
    assert_eq!(properties["TaskDefinition"], NEW);
    assert_eq!(properties["DesiredCount"], "2");
    world.wait_seconds(600);
    assert_eq!(
        world.status(),
        "UPDATE_IN_PROGRESS",
        "the service is not steady"
    );
    world.answer(Outcome::Done);
    assert_eq!(world.status(), "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    world.wait_seconds(3);
    let old = OLD.to_owned();
    let expected = EffectAction::Delete { physical_id: old };
    assert_eq!(world.effect().action, expected);
    world.answer(Outcome::Done);
    assert_eq!(world.status(), "UPDATE_COMPLETE");
    assert_eq!(world.resource("TaskDefinition")["PhysicalResourceId"], NEW);
    assert_eq!(
        world.story(),
        [
            "web UPDATE_IN_PROGRESS: User Initiated",
            "TaskDefinition UPDATE_IN_PROGRESS: Requested update requires the creation of a \
             new physical resource; hence creating one.",
            "TaskDefinition UPDATE_IN_PROGRESS: Resource creation Initiated",
            "TaskDefinition UPDATE_COMPLETE",
            "Service UPDATE_IN_PROGRESS",
            "Service UPDATE_COMPLETE",
            "web UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "TaskDefinition DELETE_IN_PROGRESS",
            "TaskDefinition DELETE_COMPLETE",
            "web UPDATE_COMPLETE",
        ]
    );
}

#[test]
fn an_updated_stack_has_the_new_parameters_and_its_change_set() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    world.answer(Outcome::Done);
    world.wait_seconds(3);
    world.answer(Outcome::Done);
    let stack = world.stack();
    let image = &stack["Parameters"][1];
    assert_eq!(image["ParameterKey"], "Image");
    assert_eq!(image["ParameterValue"], "web:2");
    assert_eq!(stack["LastUpdatedTime"], "2026-05-06T11:00:10Z");
    let change_set = world.describe_change_set("push-1");
    assert_eq!(change_set["ExecutionStatus"], "EXECUTE_COMPLETE");
    assert_eq!(change_set["ChangeSetId"], stack["ChangeSetId"]);
}

#[test]
fn a_resource_that_nobody_is_asked_about_is_updated_after_a_while() {
    let mut world = World::new();
    world.stacks.set_ssm_parameter("/retention", "30");
    world.deploy("web:2", "push-1");
    world.wait_seconds(3);
    assert_eq!(
        world.resource("Logs")["ResourceStatus"],
        "UPDATE_IN_PROGRESS"
    );
    assert!(
        world.effects.is_empty(),
        "the task definition names the log group and comes after it"
    );
    world.wait_seconds(10);
    assert_eq!(world.resource("Logs")["ResourceStatus"], "UPDATE_COMPLETE");
    assert_eq!(world.effect().logical_id, "TaskDefinition");
}

#[test]
fn services_that_do_not_depend_on_each_other_are_updated_side_by_side() {
    let mut template = template();
    let mut second = template["Resources"]["Service"].clone();
    second["Properties"]["ServiceName"] = json!("worker");
    template["Resources"]["Worker"] = second;
    let mut world = World::with(template);
    world.deploy("web:2", "push-1");
    world.wait_seconds(3);
    world.register();
    let names: Vec<&str> = world.effects[1..]
        .iter()
        .map(|effect| effect.logical_id.as_str())
        .collect();
    assert_eq!(names, ["Service", "Worker"]);
}

#[test]
fn new_resources_come_and_those_that_the_template_lost_go_in_the_end() {
    let mut world = World::new();
    let mut changed = template();
    let logs = changed["Resources"]["Logs"].clone();
    changed["Resources"]["OtherLogs"] = logs;
    changed["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"][0]["LogConfiguration"] =
        json!({});
    changed["Resources"].as_object_mut().unwrap().remove("Logs");
    world.call(
        "UpdateStack",
        json!({
            "StackName": "web", "TemplateBody": changed.to_string(),
            "Parameters": [{"ParameterKey": "Image", "UsePreviousValue": true}],
        }),
    );
    world.wait_seconds(3);
    assert_eq!(
        world.resource("OtherLogs")["ResourceStatus"],
        "CREATE_IN_PROGRESS"
    );
    world.register();
    world.answer(Outcome::Done);
    assert_eq!(world.status(), "UPDATE_IN_PROGRESS");
    world.wait_seconds(10);
    assert_eq!(world.status(), "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    world.wait_seconds(3);
    world.answer(Outcome::Done);
    world.wait_seconds(20);
    assert_eq!(world.status(), "UPDATE_COMPLETE");
    assert!(world.resource("Logs").is_null());
    let made_up = world.resource("OtherLogs")["PhysicalResourceId"].clone();
    assert!(made_up.as_str().unwrap().starts_with("web-OtherLogs-"));
}

#[test]
fn what_cannot_be_deleted_in_the_end_holds_nothing_up() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    world.answer(Outcome::Done);
    world.wait_seconds(3);
    world.fail();
    assert_eq!(world.status(), "UPDATE_COMPLETE");
    let story = world.story();
    assert!(story[story.len() - 2].starts_with("TaskDefinition DELETE_FAILED: "));
}

#[test]
fn a_service_that_changes_on_its_own_needs_no_new_task_definition() {
    let mut world = World::new();
    let mut parameters = crate::world::image_and_previous("web:1");
    parameters[1] = json!({"ParameterKey": "Count", "ParameterValue": "3"});
    world.change_set("scale", parameters);
    world.execute("scale", "scale");
    world.wait_seconds(3);
    assert_eq!(world.effects.len(), 1);
    assert_eq!(world.effect().logical_id, "Service");
    world.answer(Outcome::Done);
    world.wait_seconds(3);
    assert_eq!(world.status(), "UPDATE_COMPLETE");
}
