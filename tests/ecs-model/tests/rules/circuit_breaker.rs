//! The deployment circuit breaker, and what it does to a service.

use ecs_model::{PullError, RollbackIdentity};
use serde_json::{Value, json};

use crate::world::{World, definition, text};

#[test]
fn a_deployment_that_cannot_start_is_rolled_back() {
    let mut world = World::new();
    world.running_service(2);
    world.configure(breaker(json!({"rollback": true})));
    let good = world.ids()[0].clone();
    let revision = world.record()["targetServiceRevision"]["arn"].clone();
    world.images.failure = Some(PullError::ManifestUnknown);
    let bad = world.deploy("web:2", &[]);
    world.until("it failed", |world| {
        world.states().len() == 2 && world.states()[1] == "FAILED"
    });
    assert_eq!(world.ids(), [good.clone(), bad.clone()]);
    let service = world.service();
    assert!(text(&service["taskDefinition"]).ends_with("web:1"));
    let reasons: Vec<&Value> = (0..2)
        .map(|index| &service["deployments"][index]["rolloutStateReason"])
        .collect();
    let rolling_back =
        format!("ECS deployment circuit breaker: rolling back to deploymentId {good}.");
    assert_eq!(reasons[0], &rolling_back);
    assert_eq!(
        reasons[1],
        "ECS deployment circuit breaker: tasks failed to start."
    );
    let record = world.record();
    assert_eq!(record["status"], "ROLLBACK_IN_PROGRESS");
    assert_eq!(record["deploymentCircuitBreaker"]["status"], "TRIGGERED");
    assert_eq!(record["deploymentCircuitBreaker"]["failureCount"], 3);
    assert_eq!(record["rollback"]["serviceRevisionArn"], revision);
    world.until_completed();
    assert_eq!(world.ids(), [good.as_str()]);
    let record = world.record();
    assert_eq!(record["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(
        record["statusReason"],
        "Service deployment rolled back because the circuit breaker threshold was exceeded."
    );
    assert!(record["finishedAt"].is_f64());
    assert_eq!(record["deploymentCircuitBreaker"]["failureCount"], 3);
    let completed = format!("ECS deployment {good} completed.");
    assert_eq!(
        world.service()["deployments"][0]["rolloutStateReason"],
        completed
    );
    assert_eq!(
        world.tasks_of(&good).len(),
        2,
        "its tasks have served all the time"
    );
    let service = world.ecs.service(Some("prod"), "web").unwrap().unwrap();
    assert_eq!(service.revisions.len(), 2, "a rollback makes no revision");
    assert_eq!(service.service_deployments.len(), 2);
    assert_eq!(
        told(&world, &good, &bad),
        [
            "IN_PROGRESS new: ECS deployment new in progress.",
            "FAILED new: ECS deployment circuit breaker: task failed to start.",
            "IN_PROGRESS old: ECS deployment circuit breaker: rolling back to deploymentId old.",
            "COMPLETED old: ECS deployment old completed.",
        ]
    );
    let messages = world.messages().join("\n");
    assert!(messages.contains(&format!(
        "(deployment {bad}) deployment failed: tasks failed to start."
    )));
    assert!(messages.contains(&format!("rolling back to deployment {good}.")));
}

/// Failures are counted until they reach the threshold, never beyond.
#[test]
fn the_threshold_follows_from_the_desired_count() {
    let rows = [
        (1, json!({}), 3),
        (8, json!({}), 4),
        (8, threshold("BOUNDED_PERCENT", 100), 8),
        (8, threshold("UNBOUNDED_PERCENT", 25), 2),
        (1, threshold("UNBOUNDED_PERCENT", 25), 1),
        (1, threshold("COUNT", 5), 5),
    ];
    for (desired_count, members, expected) in rows {
        let mut world = World::new();
        world.running_service(desired_count);
        // One at a time, so that no failure comes on top of the last one.
        world.configure(json!({"maximumPercent": 100, "minimumHealthyPercent": 0}));
        world.configure(breaker(members.clone()));
        let pinned = deploy_pinned(&mut world);
        world.images.failure = Some(PullError::AccessDenied);
        world.until("it failed", |world| world.states()[0] == "FAILED");
        let record = world.record();
        let counted = &record["deploymentCircuitBreaker"];
        assert_eq!(counted["threshold"], expected, "{members}");
        assert!(
            counted["failureCount"].as_i64().unwrap() >= expected,
            "{members}"
        );
        assert_eq!(counted["status"], "TRIGGERED");
        let launched = world.tasks_of(&pinned).len();
        world.wait_seconds(3600);
        assert!(
            world.tasks_of(&pinned).len() <= launched,
            "{members}: nothing is launched"
        );
    }
}

#[test]
fn three_failures_to_resolve_the_images_are_enough() {
    let mut world = World::new();
    world.running_service(1);
    world.configure(breaker(threshold("COUNT", 10)));
    world.images.failure = Some(PullError::NetworkTimeout);
    world.deploy("web:2", &[]);
    world.until("it failed", |world| world.states()[0] == "FAILED");
    assert_eq!(
        world.record()["deploymentCircuitBreaker"]["failureCount"],
        3
    );
}

#[test]
fn without_the_circuit_breaker_nothing_fails() {
    let mut world = World::new();
    world.running_service(1);
    world.images.failure = Some(PullError::ManifestUnknown);
    world.deploy("web:2", &[]);
    world.wait_seconds(3600);
    assert_eq!(world.states(), ["IN_PROGRESS", "COMPLETED"]);
    assert_eq!(
        world.record()["deploymentCircuitBreaker"]["status"],
        "DISABLED"
    );
}

#[test]
fn without_the_rollback_option_it_stays_as_it_is() {
    let mut world = World::new();
    world.running_service(2);
    let old = world.ids()[0].clone();
    world.configure(breaker(json!({})));
    world.images.failure = Some(PullError::ManifestUnknown);
    let bad = world.deploy("web:2", &[]);
    world.until("it is stopped", |world| {
        world.record()["status"] == "STOPPED"
    });
    assert!(world.record().get("rollback").is_none());
    let launched = world.tasks_of(&bad).len();
    world.images.failure = None;
    world.wait_seconds(3600);
    assert_eq!(world.ids(), [bad.as_str(), old.as_str()]);
    assert_eq!(world.states(), ["FAILED", "COMPLETED"]);
    assert!(
        world.tasks_of(&bad).len() <= launched,
        "it launches nothing"
    );
    assert_eq!(world.service()["deployments"][1]["runningCount"], 2);
    let lost = text(&world.tasks_of(&old)[0]["taskArn"]);
    world.call("StopTask", json!({"cluster": "prod", "task": lost}));
    world.wait_seconds(120);
    assert_eq!(
        world.service()["deployments"][1]["runningCount"],
        2,
        "what serves is kept up"
    );
    world.update(json!({"desiredCount": 1}));
    world.wait_seconds(120);
    assert_eq!(world.service()["deployments"][1]["runningCount"], 1);
    let next = world.deploy("web:3", &[]);
    world.until_completed();
    assert_eq!(world.ids(), [next.as_str()]);
}

#[test]
fn a_service_whose_deployment_failed_can_be_deleted() {
    let mut world = World::new();
    world.running_service(2);
    world.configure(breaker(json!({})));
    world.images.failure = Some(PullError::ManifestUnknown);
    world.deploy("web:2", &[]);
    world.until("it failed", |world| world.states()[0] == "FAILED");
    let delete = json!({"cluster": "prod", "service": "web", "force": true});
    world.call("DeleteService", delete);
    world.until("it is inactive", |world| {
        world.service()["status"] == "INACTIVE"
    });
}

/// A task of the failed deployment that runs goes on running.
#[test]
fn what_runs_of_a_failed_deployment_stays() {
    let mut world = World::new();
    world.running_service(2);
    world.configure(json!({"maximumPercent": 150}));
    world.configure(breaker(threshold("COUNT", 1)));
    let id = deploy_checked(&mut world, "web:2", &[]);
    world.until("one of it is healthy", |world| {
        world
            .tasks_of(&id)
            .iter()
            .any(|task| task["healthStatus"] == "HEALTHY")
    });
    world
        .images
        .push("web:2", "sha256:two", &[("behaviour", "unhealthy")]);
    world.until("it failed", |world| world.states()[0] == "FAILED");
    world.wait_seconds(3600);
    let service = world.service();
    assert_eq!(service["deployments"][0]["runningCount"], 1);
    assert_eq!(service["deployments"][1]["runningCount"], 1);
}

#[test]
fn a_first_deployment_has_nothing_to_go_back_to() {
    let mut world = World::new();
    world.images.failure = Some(PullError::ManifestUnknown);
    let definition = world.register("web:1", json!({}));
    let mut request = crate::world::service_request(&definition, 1);
    request["deploymentConfiguration"] = breaker(json!({"rollback": true}));
    world.call("CreateService", request);
    world.until("it is over", |world| {
        world.record()["status"] == "ROLLBACK_FAILED"
    });
    let record = world.record();
    assert_eq!(
        record["statusReason"],
        "No rollback candidate was found to run the rollback."
    );
    assert!(record.get("rollback").is_none());
    let launched = world.tasks().len();
    world.images.failure = None;
    world.wait_seconds(1800);
    assert_eq!(world.states(), ["FAILED"]);
    assert_eq!(world.tasks().len(), launched, "it is stalled");
    assert_eq!(world.service()["runningCount"], 0);
}

/// The example of the developer guide: three deployments, of which the second
/// and the third cannot start.
#[test]
fn what_is_gone_back_to_cannot_be_gone_back_to_again_before_it_is_completed() {
    let mut world = World::new();
    world.running_service(1);
    let first = world.ids()[0].clone();
    world.configure(breaker(json!({"rollback": true})));
    world.images.failure = Some(PullError::ManifestUnknown);
    let second = world.deploy("web:2", &[]);
    world.until("the first comes back", |world| world.ids()[0] == first);
    assert_eq!(world.states()[0], "IN_PROGRESS");
    let third = world.deploy("web:3", &[]);
    let before = world.ecs.service(Some("prod"), "web").unwrap().unwrap();
    let statuses: Vec<&str> = before
        .service_deployments
        .iter()
        .map(|record| record.status.as_str())
        .collect();
    assert_eq!(statuses, ["SUCCESSFUL", "ROLLBACK_FAILED", "PENDING"]);
    world.until("the third is over", |world| {
        world.record()["status"] == "ROLLBACK_FAILED"
    });
    world.wait_seconds(600);
    assert_eq!(world.ids(), [third, first]);
    assert_eq!(world.states(), ["FAILED", "IN_PROGRESS"]);
    assert_eq!(world.service()["runningCount"], 1);
    assert_eq!(
        world.tasks_of(&second).last().unwrap()["lastStatus"],
        "STOPPED"
    );
}

#[test]
fn a_rollback_that_cannot_start_fails_too() {
    let mut world = World::new();
    world.running_service(1);
    let good = world.ids()[0].clone();
    world.configure(json!({"maximumPercent": 100, "minimumHealthyPercent": 0}));
    world.configure(breaker(json!({"rollback": true})));
    world.images.failure = Some(PullError::AccessDenied);
    let bad = world.deploy("web:2", &[]);
    world.until("it is over", |world| {
        world.record()["status"] == "ROLLBACK_FAILED"
    });
    assert_eq!(
        world.ids()[0],
        good,
        "stopped before, and brought back under its id"
    );
    assert_eq!(world.states()[0], "FAILED");
    let told = told(&world, &good, &bad);
    assert_eq!(
        told.last().unwrap(),
        "FAILED old: ECS deployment circuit breaker: task failed to start."
    );
    world.images.failure = None;
    world.wait_seconds(3600);
    assert_eq!(world.service()["runningCount"], 0);
}

/// The failures that it had before do not count against what comes back.
#[test]
fn a_rollback_begins_with_a_clean_count() {
    let mut world = World::new();
    world.images.push("web:2", "sha256:two", &[]);
    let pinned = world.register("web@sha256:two", json!({}));
    let mut request = crate::world::service_request(&pinned, 1);
    let members = json!({"rollback": true, "resetOnHealthyTask": false});
    request["deploymentConfiguration"] = breaker(members);
    world.images.failure = Some(PullError::NetworkTimeout);
    world.call("CreateService", request);
    world.until("two failed", |world| failures(world) == 2);
    world.images.failure = None;
    world.until_completed();
    let good = world.ids()[0].clone();
    world.images.failure = Some(PullError::NetworkTimeout);
    world.deploy("web:3", &[]);
    world.until("it comes back", |world| world.ids()[0] == good);
    let task = text(&world.tasks_of(&good).last().unwrap()["taskArn"]);
    world.call("StopTask", json!({"cluster": "prod", "task": task}));
    world.until("a start of it failed", |world| failures(world) == 1);
    world.wait_seconds(5);
    world.images.failure = None;
    world.until_completed();
    assert_eq!(world.record()["status"], "ROLLBACK_SUCCESSFUL");
}

/// What comes back runs the digests that its revision established.
#[test]
fn what_was_stopped_is_started_again() {
    let mut world = World::new();
    world.running_service(2);
    let good = world.ids()[0].clone();
    let made_at = world.service()["deployments"][0]["createdAt"].clone();
    world.configure(json!({"maximumPercent": 100, "minimumHealthyPercent": 0}));
    world.configure(breaker(json!({"rollback": true})));
    world.images.push("web:1", "sha256:moved", &[]);
    let bad = deploy_checked(&mut world, "web:2", &[("behaviour", "unhealthy")]);
    world.until("the old one is gone", |world| world.ids() == [bad.as_str()]);
    world.until_completed();
    assert_eq!(world.ids(), [good.as_str()]);
    assert_eq!(world.service()["deployments"][0]["createdAt"], made_at);
    let tasks = world.tasks_of(&good);
    assert_eq!(
        tasks
            .iter()
            .filter(|task| task["lastStatus"] == "RUNNING")
            .count(),
        2
    );
    assert!(
        tasks
            .iter()
            .all(|task| task["containers"][0]["imageDigest"] == "sha256:one")
    );
    assert_eq!(world.record()["status"], "ROLLBACK_SUCCESSFUL");
}

#[test]
fn failed_health_checks_count_while_a_task_runs() {
    let mut world = World::new();
    world.running_service(2);
    world.configure(breaker(json!({"rollback": true})));
    let id = deploy_checked(&mut world, "web:2", &[("behaviour", "unhealthy")]);
    world.until("it failed", |world| {
        world.states().contains(&"FAILED".to_owned())
    });
    let ill = world.tasks_of(&id);
    let ill = ill
        .iter()
        .filter(|task| task["stoppedReason"] == "Task failed container health checks");
    assert!(ill.count() >= 3);
    world.until_completed();
    assert_eq!(world.record()["status"], "ROLLBACK_SUCCESSFUL");
}

#[test]
fn failed_starts_do_not_count_while_a_task_runs() {
    let mut world = World::new();
    world.running_service(2);
    world.configure(breaker(json!({"rollback": true})));
    let id = deploy_pinned(&mut world);
    world.until("both run", |world| {
        world.service()["deployments"][0]["runningCount"] == 2
    });
    world.images.failure = Some(PullError::NetworkTimeout);
    let lost = text(&world.tasks_of(&id)[0]["taskArn"]);
    world.call("StopTask", json!({"cluster": "prod", "task": lost}));
    world.until("six starts failed", |world| {
        world.service()["deployments"][0]["failedTasks"] == 6
    });
    let counted = world.record()["deploymentCircuitBreaker"].clone();
    assert_eq!(
        counted,
        json!({"status": "MONITORING", "failureCount": 0, "threshold": 3})
    );
}

/// Two failures, a healthy task, two failures: whether that makes four.
#[test]
fn a_healthy_task_sets_the_count_back_unless_it_shall_not() {
    for (resets, expected) in [(true, "IN_PROGRESS"), (false, "FAILED")] {
        let mut world = World::new();
        world.running_service(1);
        world.configure(breaker(json!({"resetOnHealthyTask": resets})));
        let id = deploy_pinned(&mut world);
        for _ in 0..2 {
            world.images.failure = Some(PullError::NetworkTimeout);
            let failed = failures(&mut world);
            world.until("two more failed", |world| {
                failures(world) == failed + 2 || world.states()[0] == "FAILED"
            });
            world.images.failure = None;
            world.until("a task is healthy", |world| {
                world.service()["deployments"][0]["failedTasks"] == 0
                    || world.states()[0] == "FAILED"
            });
            if let Some(task) = world
                .tasks_of(&id)
                .iter()
                .find(|task| task["lastStatus"] == "RUNNING")
            {
                let task = text(&task["taskArn"]);
                world.call("StopTask", json!({"cluster": "prod", "task": task}));
            }
        }
        assert_eq!(world.states()[0], expected, "resetOnHealthyTask: {resets}");
    }
}

/// See `count_failed`: the circuit breaker does not see what ends after it ran.
#[test]
fn a_crash_loop_never_trips_it() {
    let mut world = World::new();
    world.running_service(1);
    world.configure(breaker(json!({"rollback": true})));
    let id = world.deploy(
        "web:2",
        &[("behaviour", "exit"), ("exit-after-seconds", "5")],
    );
    world.wait_seconds(3600);
    assert!(world.tasks_of(&id).len() > 20);
    assert_eq!(world.states(), ["IN_PROGRESS", "COMPLETED"]);
    assert_eq!(
        world.record()["deploymentCircuitBreaker"]["failureCount"],
        0
    );
}

#[test]
fn what_was_rolled_back_can_be_asked_for_again() {
    let mut world = World::new();
    world.running_service(1);
    world.configure(breaker(json!({"rollback": true})));
    world.images.failure = Some(PullError::ManifestUnknown);
    let before = world.service()["networkConfiguration"].clone();
    let bad = world.deploy("web:2", &[]);
    let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-9"]}});
    world.update(json!({ "networkConfiguration": network }));
    world.until("it is over", |world| {
        world.record()["status"] == "ROLLBACK_SUCCESSFUL"
    });
    assert_eq!(world.service()["networkConfiguration"], before);
    let ids = world.ids();
    world.update(json!({"taskDefinition": "web:1"}));
    world.update(json!({"desiredCount": 2}));
    assert_eq!(world.ids(), ids, "the service runs that already");
    world.images.failure = None;
    let service = world.update(json!({"taskDefinition": "web:2"}));
    assert_ne!(service["deployments"][0]["id"], json!(bad));
    world.until_completed();
    assert!(text(&world.service()["taskDefinition"]).ends_with("web:2"));
    assert_eq!(world.record()["status"], "SUCCESSFUL");
}

/// Not as AWS does it, but who depends on ids should not mind.
#[test]
fn a_rollback_can_be_told_to_take_a_new_id() {
    let mut world = World::new();
    world.running_service(2);
    world.ecs.set_rollback_identity(RollbackIdentity::New);
    let good = world.ids()[0].clone();
    world.configure(breaker(json!({"rollback": true})));
    world.images.failure = Some(PullError::ManifestUnknown);
    let bad = world.deploy("web:2", &[]);
    world.until("it failed", |world| {
        world.states().contains(&"FAILED".to_owned())
    });
    world.images.failure = None;
    let back = world.ids()[0].clone();
    assert_eq!(world.ids(), [back.clone(), bad, good.clone()]);
    assert_ne!(back, good);
    let expected = format!("ECS deployment circuit breaker: rolling back to deploymentId {good}.");
    assert_eq!(
        world.service()["deployments"][0]["rolloutStateReason"],
        expected
    );
    world.until_completed();
    assert_eq!(world.ids(), [back.as_str()]);
    assert_eq!(world.record()["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(world.tasks_of(&back).len(), 2, "it has tasks of its own");
    let service = world.ecs.service(Some("prod"), "web").unwrap().unwrap();
    assert_eq!(service.revisions.len(), 2);
}

/// The circuit breaker switched on, with more members.
fn breaker(members: Value) -> Value {
    let mut breaker = json!({"enable": true});
    for (key, value) in members.as_object().unwrap() {
        breaker[key] = value.clone();
    }
    json!({ "deploymentCircuitBreaker": breaker })
}

fn threshold(kind: &str, value: u32) -> Value {
    json!({"thresholdConfiguration": {"type": kind, "value": value}})
}

/// Deploys an image by its digest, so that no tag is resolved.
fn deploy_pinned(world: &mut World) -> String {
    world.images.push("web:2", "sha256:two", &[]);
    let definition = world.register("web@sha256:two", json!({}));
    let service = world.update(json!({"taskDefinition": definition}));
    text(&service["deployments"][0]["id"])
}

/// Deploys an image with a health check.
fn deploy_checked(world: &mut World, image: &str, labels: &[(&str, &str)]) -> String {
    world.images.push(image, "sha256:two", labels);
    let container =
        json!({"name": "web", "image": image, "healthCheck": {"command": ["CMD", "true"]}});
    let answer = world.call("RegisterTaskDefinition", definition(vec![container]));
    let definition = &answer["taskDefinition"]["taskDefinitionArn"];
    let service = world.update(json!({"taskDefinition": definition}));
    text(&service["deployments"][0]["id"])
}

fn failures(world: &mut World) -> u64 {
    let service = world.service();
    service["deployments"][0]["failedTasks"].as_u64().unwrap()
}

/// What the bus heard of the last deployment and of what it went back to.
fn told(world: &World, old: &str, new: &str) -> Vec<String> {
    let events = world.events_of("ECS Deployment State Change");
    let told = events.iter().map(|event| {
        let detail = &event["detail"];
        let level = if detail["eventName"] == "SERVICE_DEPLOYMENT_FAILED" {
            "ERROR"
        } else {
            "INFO"
        };
        assert_eq!(detail["eventType"], level);
        let name = text(&detail["eventName"]).replace("SERVICE_DEPLOYMENT_", "");
        format!(
            "{name} {}: {}",
            text(&detail["deploymentId"]),
            text(&detail["reason"])
        )
    });
    told.skip(2)
        .map(|line| line.replace(old, "old").replace(new, "new"))
        .collect()
}
