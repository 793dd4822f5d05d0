//! Clusters.

use serde_json::json;

use crate::world::World;

#[test]
fn a_cluster_is_made_once_and_found_by_name_and_arn() {
    let mut world = World::new();
    let request = json!({"clusterName": "prod", "tags": [{"key": "team", "value": "web"}]});
    let again = world.call("CreateCluster", request);
    let arn = again["cluster"]["clusterArn"].clone();
    assert_eq!(arn, "arn:aws:ecs:eu-west-1:123456789012:cluster/prod");
    for reference in [json!("prod"), arn] {
        let request = json!({"clusters": [reference], "include": ["TAGS"]});
        let found = world.call("DescribeClusters", request);
        assert_eq!(found["clusters"][0]["clusterName"], "prod");
        assert_eq!(found["clusters"][0]["status"], "ACTIVE");
        assert_eq!(
            found["clusters"][0]["tags"],
            json!([]),
            "the first call had none"
        );
    }
}

#[test]
fn the_cluster_of_a_silent_request_is_default() {
    let mut world = World::new();
    let missing = world.call("DescribeClusters", json!({}));
    assert_eq!(missing["failures"][0]["reason"], "MISSING");
    assert_eq!(
        missing["failures"][0]["arn"],
        "arn:aws:ecs:eu-west-1:123456789012:cluster/default"
    );
    world.call("CreateCluster", json!({}));
    let found = world.call("DescribeClusters", json!({}));
    assert_eq!(found["clusters"][0]["clusterName"], "default");
}

#[test]
fn every_operation_within_a_cluster_needs_it() {
    let mut world = World::new();
    let calls = [
        (
            "CreateService",
            json!({"serviceName": "web", "taskDefinition": "web"}),
        ),
        ("UpdateService", json!({"service": "web"})),
        ("DeleteService", json!({"service": "web"})),
        ("DescribeServices", json!({"services": ["web"]})),
        ("ListServices", json!({})),
        ("ListServiceDeployments", json!({"service": "web"})),
        ("RunTask", json!({"taskDefinition": "web"})),
        ("StopTask", json!({"task": "x"})),
        ("DescribeTasks", json!({"tasks": ["x"]})),
        ("ListTasks", json!({})),
        ("DeleteCluster", json!({})),
    ];
    for (operation, mut request) in calls {
        request["cluster"] = json!("nowhere");
        let error = world.refused(operation, request);
        assert_eq!(error.code, "ClusterNotFoundException", "{operation}");
        assert_eq!(error.message, "Cluster not found.");
        assert_eq!(error.http_status, 400);
    }
}

#[test]
fn a_cluster_goes_only_when_it_is_empty() {
    let mut world = World::new();
    world.running_service(1);
    let delete = json!({"cluster": "prod"});
    let error = world.refused("DeleteCluster", delete.clone());
    assert_eq!(error.code, "ClusterContainsServicesException");
    let service = json!({"cluster": "prod", "service": "web", "force": true});
    world.call("DeleteService", service);
    let error = world.refused("DeleteCluster", delete.clone());
    assert_eq!(error.code, "ClusterContainsTasksException");
    world.wait_seconds(120);
    let deleted = world.call("DeleteCluster", delete);
    assert_eq!(deleted["cluster"]["status"], "INACTIVE");
    assert_eq!(
        world.call("ListClusters", json!({}))["clusterArns"],
        json!([])
    );
    let error = world.refused("ListTasks", json!({"cluster": "prod"}));
    assert_eq!(error.code, "ClusterNotFoundException");
}

#[test]
fn a_cluster_counts_what_it_holds() {
    let mut world = World::new();
    world.running_service(2);
    let found = world.call("DescribeClusters", json!({"clusters": ["prod"]}));
    let cluster = &found["clusters"][0];
    assert_eq!(cluster["activeServicesCount"], 1);
    assert_eq!(cluster["runningTasksCount"], 2);
    assert_eq!(cluster["pendingTasksCount"], 0);
}
