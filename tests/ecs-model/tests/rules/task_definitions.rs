//! Task definitions.

use serde_json::{Value, json};

use crate::world::{World, definition, text};

#[test]
fn what_was_registered_comes_back_with_every_member() {
    let mut world = World::new();
    let mut document = definition(vec![json!({
        "name": "web", "image": "web:1", "essential": true, "brandNewMember": {"deep": [1, null]},
        "logConfiguration": {"logDriver": "newdriver", "futureOption": true},
        "environment": [{"name": "A", "value": "b", "unknown": 1}],
    })]);
    document["brandNewTopLevel"] = json!({"x": "y"});
    document["runtimePlatform"] = json!({"cpuArchitecture": "RISCV64", "futureMember": 3});
    let registered = world.call("RegisterTaskDefinition", document.clone());
    let described = world.call("DescribeTaskDefinition", json!({"taskDefinition": "web"}));
    let shown = described["taskDefinition"].as_object().unwrap();
    for (key, value) in document.as_object().unwrap() {
        assert_eq!(&shown[key], value, "{key}");
    }
    let added: Vec<&str> = shown
        .keys()
        .map(String::as_str)
        .filter(|key| document.get(key).is_none())
        .collect();
    let mut expected = vec![
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "requiresAttributes",
        "revision",
        "status",
        "taskDefinitionArn",
    ];
    expected.sort_unstable();
    let mut added = added;
    added.sort_unstable();
    assert_eq!(added, expected);
    assert_eq!(registered["taskDefinition"], described["taskDefinition"]);
    assert_eq!(shown["requiresAttributes"], json!([]));
    assert_eq!(shown["compatibilities"], json!(["EC2", "FARGATE"]));
    assert_eq!(shown["registeredAt"], json!(1_778_065_200.0));
}

#[test]
fn revisions_count_up_and_are_never_used_again() {
    let mut world = World::new();
    let first = world.register("web:1", json!({}));
    assert_eq!(
        first,
        "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1"
    );
    world.register("web:1", json!({}));
    world.call(
        "DeregisterTaskDefinition",
        json!({"taskDefinition": "web:2"}),
    );
    assert!(world.register("web:1", json!({})).ends_with("web:3"));
    let other = world.call(
        "RegisterTaskDefinition",
        json!({"family": "job", "containerDefinitions": [{"name": "a", "image": "b"}]}),
    );
    assert_eq!(other["taskDefinition"]["revision"], 1);
}

#[test]
fn a_family_means_its_latest_active_revision() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    let second = world.register("web:2", json!({}));
    assert_eq!(revision(&mut world, "web"), 2);
    let gone = world.call(
        "DeregisterTaskDefinition",
        json!({"taskDefinition": second}),
    );
    assert_eq!(gone["taskDefinition"]["status"], "INACTIVE");
    assert!(gone["taskDefinition"]["deregisteredAt"].is_f64());
    assert_eq!(revision(&mut world, "web"), 1);
    assert_eq!(
        revision(&mut world, "web:2"),
        2,
        "an INACTIVE one is still described"
    );
    assert_eq!(revision(&mut world, &second), 2);
}

#[test]
fn what_does_not_exist_cannot_be_described() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    let elsewhere = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:1";
    for reference in ["nothing", "web:2", "web:0", "web:x", elsewhere, ""] {
        let request = json!({"taskDefinition": reference});
        let error = world.refused("DescribeTaskDefinition", request);
        assert_eq!(error.code, "ClientException", "{reference}");
        assert_eq!(error.message, "Unable to describe task definition.");
    }
    for reference in ["web", "web:2", ""] {
        let request = json!({"taskDefinition": reference});
        let error = world.refused("DeregisterTaskDefinition", request);
        assert_eq!(error.code, "ClientException", "{reference}");
    }
}

#[test]
fn lists_go_by_status_family_and_order_in_pages() {
    let mut world = World::new();
    for _ in 0..3 {
        world.register("web:1", json!({}));
    }
    let container = json!([{"name": "a", "image": "b"}]);
    for family in ["web-worker", "old"] {
        let request = json!({"family": family, "containerDefinitions": container});
        world.call("RegisterTaskDefinition", request);
    }
    world.call(
        "DeregisterTaskDefinition",
        json!({"taskDefinition": "web:2"}),
    );
    world.call(
        "DeregisterTaskDefinition",
        json!({"taskDefinition": "old:1"}),
    );

    assert_eq!(
        names(&mut world, json!({"familyPrefix": "web"})),
        ["web:1", "web:3"]
    );
    let inactive = json!({"status": "INACTIVE", "sort": "DESC"});
    assert_eq!(names(&mut world, inactive), ["web:2", "old:1"]);
    let all = world.call("ListTaskDefinitions", json!({"maxResults": 2}));
    assert_eq!(all["taskDefinitionArns"].as_array().unwrap().len(), 2);
    let rest = json!({"maxResults": 2, "nextToken": all["nextToken"]});
    let rest = world.call("ListTaskDefinitions", rest);
    assert_eq!(rest["taskDefinitionArns"].as_array().unwrap().len(), 1);
    assert!(rest.get("nextToken").is_none());

    let families = |world: &mut World, request| world.call("ListTaskDefinitionFamilies", request);
    let found = families(&mut world, json!({"familyPrefix": "web"}));
    assert_eq!(found["families"], json!(["web", "web-worker"]));
    let found = families(&mut world, json!({"status": "INACTIVE"}));
    assert_eq!(found["families"], json!(["old"]));
    let found = families(&mut world, json!({"status": "ACTIVE"}));
    assert_eq!(found["families"], json!(["web", "web-worker"]));
    let error = world.refused("ListTaskDefinitions", json!({"nextToken": "later"}));
    assert_eq!(error.code, "InvalidParameterException");
}

#[test]
fn tags_are_shown_when_asked_for_and_kept_out_of_the_document() {
    let mut world = World::new();
    let mut document = definition(vec![json!({"name": "web", "image": "web:1"})]);
    document["tags"] = json!([{"key": "team", "value": "web"}]);
    let registered = world.call("RegisterTaskDefinition", document.clone());
    assert_eq!(registered["tags"], document["tags"]);
    let silent = world.call("DescribeTaskDefinition", json!({"taskDefinition": "web"}));
    assert!(silent.get("tags").is_none());
    assert!(silent["taskDefinition"].get("tags").is_none());
    let arn = silent["taskDefinition"]["taskDefinitionArn"].clone();
    let more = json!({"resourceArn": arn, "tags": [{"key": "stage", "value": "prod"}]});
    world.call("TagResource", more);
    let request = json!({"taskDefinition": "web", "include": ["TAGS"]});
    let asked = world.call("DescribeTaskDefinition", request);
    assert_eq!(asked["tags"].as_array().unwrap().len(), 2);
    let keys = json!({"resourceArn": arn, "tagKeys": ["team", "never"]});
    world.call("UntagResource", keys);
    let left = world.call("ListTagsForResource", json!({"resourceArn": arn}));
    assert_eq!(left["tags"], json!([{"key": "stage", "value": "prod"}]));
    document["tags"] = json!([{"key": "aws:own", "value": "x"}]);
    let error = world.refused("RegisterTaskDefinition", document);
    assert_eq!(error.code, "InvalidParameterException");
}

fn revision(world: &mut World, reference: &str) -> i64 {
    let found = world.call(
        "DescribeTaskDefinition",
        json!({"taskDefinition": reference}),
    );
    found["taskDefinition"]["revision"].as_i64().unwrap()
}

fn names(world: &mut World, request: Value) -> Vec<String> {
    let found = world.call("ListTaskDefinitions", request);
    let arns = found["taskDefinitionArns"].as_array().unwrap();
    arns.iter()
        .map(|arn| text(arn).rsplit('/').next().unwrap().to_owned())
        .collect()
}
