//! Calls as such: what is not known, what is malformed, and that no request can
//! bring the model down.

use serde_json::{Value, json};

use crate::world::{World, change_set, image_and_previous};

const OPERATIONS: [&str; 15] = [
    "CreateChangeSet",
    "DescribeChangeSet",
    "ListChangeSets",
    "ExecuteChangeSet",
    "DeleteChangeSet",
    "UpdateStack",
    "CancelUpdateStack",
    "ContinueUpdateRollback",
    "DeleteStack",
    "UpdateTerminationProtection",
    "DescribeStacks",
    "DescribeStackEvents",
    "DescribeStackResources",
    "ListStackResources",
    "GetTemplate",
];

#[test]
fn an_action_that_is_not_known_is_refused() {
    let mut world = World::new();
    let error = world.refused("DetectStackDrift", json!({"StackName": "web"}));
    assert_eq!(error.code, "InvalidAction");
}

#[test]
fn a_member_that_is_not_modelled_is_refused_and_not_ignored() {
    let mut world = World::new();
    for (name, value) in [
        ("DisableRollback", json!(true)),
        ("DisableRollback", json!("true")),
        ("ResourceTypes", json!(["AWS::*"])),
        ("OnStackFailure", json!("DELETE")),
        (
            "RollbackConfiguration",
            json!({"MonitoringTimeInMinutes": 5}),
        ),
        ("ChangeSetType", json!("IMPORT")),
    ] {
        let mut request = change_set("push-1", image_and_previous("web:2"));
        request[name] = value;
        let error = world.refused("CreateChangeSet", request);
        assert_eq!(error.code, "ValidationError");
        assert!(error.message.contains(name), "{error}");
    }
    let mut request = change_set("push-1", image_and_previous("web:2"));
    request["DisableRollback"] = json!("false");
    request["ChangeSetType"] = json!("UPDATE");
    world.call("CreateChangeSet", request);
}

#[test]
fn members_can_be_written_as_the_query_protocol_has_them() {
    let mut world = World::new();
    let mut request = change_set("push-1", image_and_previous("web:2"));
    request["UsePreviousTemplate"] = json!("true");
    request["Parameters"][1]["UsePreviousValue"] = json!("true");
    world.call("CreateChangeSet", request);
}

#[test]
fn a_template_is_the_previous_one_or_sent_and_not_both() {
    let mut world = World::new();
    for (previous, body) in [
        (json!(true), json!("{}")),
        (json!(false), Value::Null),
        (json!(false), json!("no JSON")),
    ] {
        let mut request = change_set("push-1", image_and_previous("web:2"));
        request["UsePreviousTemplate"] = previous;
        request["TemplateBody"] = body;
        let error = world.refused("CreateChangeSet", request);
        assert_eq!(error.code, "ValidationError");
    }
}

#[test]
fn the_template_of_a_stack_can_be_read() {
    let mut world = World::new();
    let answer = world.call("GetTemplate", json!({"StackName": "web"}));
    let body: Value = serde_json::from_str(answer["TemplateBody"].as_str().unwrap()).unwrap();
    assert_eq!(body, crate::world::template());
}

#[test]
fn a_resource_is_found_by_its_physical_id() {
    let mut world = World::new();
    let request = json!({"PhysicalResourceId": crate::world::SERVICE});
    let answer = world.call("DescribeStackResources", request);
    let resources = answer["StackResources"].as_array().unwrap();
    assert_eq!(resources.len(), 3, "those of its stack");
    assert_eq!(resources[0]["StackName"], "web");
    let listed = world.call("ListStackResources", json!({"StackName": "web"}));
    let listed = listed["StackResourceSummaries"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[1]["PhysicalResourceId"], crate::world::SERVICE);
    for request in [
        json!({}),
        json!({"PhysicalResourceId": "nothing"}),
        json!({"PhysicalResourceId": "a", "StackName": "web"}),
    ] {
        let error = world.refused("DescribeStackResources", request);
        assert_eq!(error.code, "ValidationError");
    }
}

#[test]
fn no_request_brings_the_model_down() {
    let values = [
        Value::Null,
        json!(true),
        json!(-1),
        json!(""),
        json!("web"),
        json!("arn:"),
        json!("{\"Resources\": {\"A\": {\"Type\": \"T\", \"Properties\": {\"Ref\": \"A\"}}}}"),
        json!([]),
        json!([null, 1, "a", {}, []]),
        json!({"a": null}),
    ];
    let members = [
        "StackName",
        "ChangeSetName",
        "ClientRequestToken",
        "ClientToken",
        "UsePreviousTemplate",
        "TemplateBody",
        "Parameters",
        "Capabilities",
        "Tags",
        "RoleARN",
        "ResourcesToSkip",
        "EnableTerminationProtection",
        "LogicalResourceId",
        "PhysicalResourceId",
        "NextToken",
        "IncludePropertyValues",
    ];
    let whole = change_set("push-1", image_and_previous("web:2"));
    for operation in OPERATIONS {
        let mut world = World::new();
        for request in [json!(null), json!([]), json!("text"), json!({})] {
            let _ = world.try_call(operation, request);
        }
        for member in members {
            for value in &values {
                let mut request = whole.clone();
                request[member] = value.clone();
                let _ = world.try_call(operation, request);
                world.wait_seconds(20);
            }
        }
    }
}
