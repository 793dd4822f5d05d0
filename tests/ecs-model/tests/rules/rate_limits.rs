//! Operations that are called too often.

use serde_json::{Value, json};

use crate::world::World;

/// Each line of the documentation's table: operations that are counted
/// together, and how many calls a second are possible once and for long.
const QUOTAS: [(&[&str], i64, i64); 12] = [
    (&["CreateCluster", "DeleteCluster"], 20, 1),
    (&["DescribeClusters", "ListClusters"], 50, 20),
    (
        &["RegisterTaskDefinition", "DeregisterTaskDefinition"],
        20,
        1,
    ),
    (
        &[
            "DescribeTaskDefinition",
            "ListTaskDefinitions",
            "ListTaskDefinitionFamilies",
        ],
        50,
        20,
    ),
    (&["TagResource", "UntagResource"], 20, 10),
    (&["ListTagsForResource"], 50, 20),
    (&["RunTask", "StopTask"], 100, 40),
    (&["DescribeTasks", "ListTasks"], 100, 20),
    (&["CreateService", "UpdateService", "DeleteService"], 50, 5),
    (&["DescribeServices", "ListServices"], 100, 20),
    (
        &["DescribeServiceDeployments", "ListServiceDeployments"],
        50,
        20,
    ),
    (&["DescribeServiceRevisions"], 50, 20),
];

#[test]
fn nothing_is_counted_unless_asked_for() {
    let mut world = World::new();
    assert_eq!(granted(&mut world, &["CreateCluster"]), 500);
    world.ecs.limit_rates(true);
    assert_eq!(granted(&mut world, &["CreateCluster"]), 20);
    world.ecs.limit_rates(false);
    assert_eq!(granted(&mut world, &["CreateCluster"]), 500);
    world.ecs.limit_rates(true);
    assert_eq!(granted(&mut world, &["CreateCluster"]), 20, "full again");
}

#[test]
fn a_bucket_is_emptied_by_a_burst_and_filled_each_second() {
    for (operations, burst, sustained) in QUOTAS {
        let mut world = World::new();
        world.ecs.limit_rates(true);
        assert_eq!(granted(&mut world, operations), burst, "{operations:?}");
        assert_eq!(granted(&mut world, operations), 0);
        world.wait(jiff::SignedDuration::from_millis(999));
        assert_eq!(granted(&mut world, operations), 0, "within the second");
        world.wait(jiff::SignedDuration::from_millis(1));
        assert_eq!(granted(&mut world, operations), sustained, "{operations:?}");
        world.wait_seconds(2);
        assert_eq!(granted(&mut world, operations), 2 * sustained);
        world.wait_seconds(3600);
        assert_eq!(granted(&mut world, operations), burst, "and not beyond");
    }
}

#[test]
fn one_bucket_does_not_empty_another() {
    let mut world = World::new();
    world.ecs.limit_rates(true);
    for (operations, burst, _) in QUOTAS {
        assert_eq!(granted(&mut world, operations), burst, "{operations:?}");
    }
}

/// The page names no quota for these.
#[test]
fn stopping_and_continuing_deployments_is_not_limited() {
    let mut world = World::new();
    world.ecs.limit_rates(true);
    for operation in ["StopServiceDeployment", "ContinueServiceDeployment"] {
        assert_eq!(granted(&mut world, &[operation]), 500);
    }
}

#[test]
fn a_call_that_is_refused_does_nothing() {
    let mut world = World::new();
    world.running_service(1);
    world.ecs.limit_rates(true);
    for _ in 0..50 {
        world.update(json!({"desiredCount": 2}));
    }
    let request = json!({"cluster": "prod", "service": "web", "desiredCount": 5});
    let error = world.refused("UpdateService", request.clone());
    assert_eq!(error.code, "ThrottlingException");
    assert_eq!(error.message, "Rate exceeded");
    assert_eq!(error.http_status, 400);
    assert_eq!(world.service()["desiredCount"], 2);
    world.wait_seconds(1);
    world.call("UpdateService", request);
    assert_eq!(world.service()["desiredCount"], 5);
}

#[test]
fn typed_calls_are_counted_in_the_same_buckets() {
    let mut world = World::new();
    world.ecs.limit_rates(true);
    for _ in 0..20 {
        world.ecs.count_call("RegisterTaskDefinition").unwrap();
    }
    let error = world.ecs.count_call("RegisterTaskDefinition").unwrap_err();
    assert_eq!(error.code, "ThrottlingException");
    assert_eq!(granted(&mut world, &["RegisterTaskDefinition"]), 0);
}

/// How many of 500 calls of operations in turn are not refused for their number.
fn granted(world: &mut World, operations: &[&str]) -> i64 {
    let mut granted = 0;
    for operation in operations.iter().cycle().take(500) {
        let answer = world.try_call(operation, Value::Null);
        granted += i64::from(
            answer
                .err()
                .is_none_or(|error| error.code != "ThrottlingException"),
        );
    }
    granted
}
