//! The JSON protocol at its edges: it answers or refuses, and never panics.

use serde_json::{Value, json};

use crate::world::World;

#[rustfmt::skip]
const MEMBERS: &[&str] = &[
        "cluster",
        "clusters",
        "clusterName",
        "service",
        "services",
        "serviceName",
        "taskDefinition",
        "family",
        "containerDefinitions",
        "familyPrefix",
        "desiredCount",
        "count",
        "deploymentConfiguration",
        "deploymentController",
        "schedulingStrategy",
        "networkConfiguration",
        "loadBalancers",
        "launchType",
        "capacityProviderStrategy",
        "tags",
        "tagKeys",
        "resourceArn",
        "tasks",
        "task",
        "reason",
        "include",
        "maxResults",
        "nextToken",
        "status",
        "createdAt",
        "serviceDeploymentArns",
        "serviceRevisionArns",
        "serviceDeploymentArn",
        "stopType",
        "clientToken",
        "overrides",
        "healthCheckGracePeriodSeconds",
        "propagateTags",
        "startedBy",
    ];

const OPERATIONS: &[&str] = &[
    "CreateCluster",
    "DeleteCluster",
    "DescribeClusters",
    "ListClusters",
    "RegisterTaskDefinition",
    "DeregisterTaskDefinition",
    "DescribeTaskDefinition",
    "ListTaskDefinitions",
    "ListTaskDefinitionFamilies",
    "CreateService",
    "UpdateService",
    "DeleteService",
    "DescribeServices",
    "ListServices",
    "ListServiceDeployments",
    "DescribeServiceDeployments",
    "DescribeServiceRevisions",
    "StopServiceDeployment",
    "RunTask",
    "StopTask",
    "DescribeTasks",
    "ListTasks",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
];

#[test]
fn an_unknown_operation_is_named() {
    let mut world = World::new();
    for operation in ["StopDaemon", "", "updateservice"] {
        let error = world.refused(operation, json!({}));
        assert_eq!(error.code, "UnknownOperationException");
        assert_eq!(error.http_status, 400);
        assert!(error.message.contains(operation));
    }
}

#[test]
fn a_member_of_another_type_is_a_serialization_error() {
    let mut world = World::new();
    world.running_service(1);
    for members in [
        json!({"desiredCount": "two"}),
        json!({"desiredCount": 1.5}),
        json!({"taskDefinition": 7}),
        json!({"forceNewDeployment": "yes"}),
        json!({"networkConfiguration": "none"}),
        json!({"loadBalancers": {}}),
        json!({"capacityProviderStrategy": ["FARGATE"]}),
    ] {
        let mut request = members.clone();
        request["cluster"] = json!("prod");
        request["service"] = json!("web");
        let error = world.refused("UpdateService", request);
        assert_eq!(error.code, "SerializationException", "{members}");
    }
}

#[test]
fn unknown_members_are_ignored() {
    let mut world = World::new();
    world.running_service(1);
    let request = json!({"cluster": "prod", "services": ["web"], "brandNew": {"x": 1}});
    assert_eq!(
        world.call("DescribeServices", request)["failures"],
        json!([])
    );
}

/// Each operation with each of many strange values in each of its members: the
/// model answers or refuses, and what ran before still runs.
#[test]
fn nothing_panics_whatever_is_asked() {
    let mut world = World::new();
    world.running_service(1);
    for operation in OPERATIONS {
        for value in &strange_values() {
            let _ = world.try_call(operation, value.clone());
            for member in MEMBERS {
                let mut request = json!({
                    "cluster": "prod", "service": "web", "serviceName": "other", "services": ["web"],
                    "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE",
                    "family": "strange", "containerDefinitions": [{"name": "a", "image": "b"}],
                    "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
                });
                request[*member] = value.clone();
                let _ = world.try_call(operation, request);
            }
        }
        world.wait_seconds(5);
    }
    world.wait_seconds(60);
    let clusters = world.call("DescribeClusters", json!({"clusters": ["prod"]}));
    assert_eq!(clusters["failures"], json!([]));
}

#[test]
fn time_never_goes_back() {
    let mut world = World::new();
    world.running_service(1);
    let before = world.service();
    world.now = "2020-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(world.service(), before);
    world.update(json!({"desiredCount": 2}));
    let next: Value = json!(world.ecs.next_change_at().map(|at| at.to_string()));
    assert!(next.as_str().unwrap() > "2026", "{next}");
}

fn strange_values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(1e308),
        json!(""),
        json!("prod"),
        json!("web"),
        json!("web:"),
        json!("web:99999999999"),
        json!("arn:"),
        json!("arn:aws:ecs:eu-west-1:123456789012:service/"),
        json!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:0"),
        json!("a".repeat(300)),
        json!("\u{1F6A2}é/:@"),
        json!([]),
        json!([null]),
        json!([[]]),
        json!(["", "web", 3]),
        json!([{}]),
        json!([{"key": "aws:é", "value": "x"}]),
        json!([{"name": "web", "image": "web:1@", "essential": "yes", "logConfiguration": 3}]),
        json!([{"targetGroupArn": 3, "containerPort": "x"}]),
        json!({}),
        json!({"type": 3}),
        json!({"maximumPercent": u64::MAX, "minimumHealthyPercent": -3}),
        json!({"maximumPercent": u32::MAX, "minimumHealthyPercent": u32::MAX}),
        json!({"awsvpcConfiguration": {"subnets": "none"}}),
        json!({"before": 1e300, "after": -1e300}),
    ]
}
