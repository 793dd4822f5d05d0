//! StopServiceDeployment.

use ecs_model::{PullError, ServiceError};
use serde_json::{Value, json};

use crate::world::{World, service_request, text};

#[test]
fn a_stopped_deployment_is_taken_back() {
    let mut world = World::new();
    world.running_service(2);
    let old = world.ids()[0].clone();
    let revision = world.record()["targetServiceRevision"]["arn"].clone();
    let new = world.deploy("web:2", &[]);
    world.wait_seconds(60);
    let arn = text(&world.record()["serviceDeploymentArn"]);
    let answer = stop(&mut world, &arn).unwrap();
    assert_eq!(answer, json!({ "serviceDeploymentArn": arn }));
    let record = world.record();
    assert_eq!(record["status"], "ROLLBACK_REQUESTED");
    assert!(record["stoppedAt"].is_f64() && record.get("rollback").is_none());
    world.wait_seconds(5);
    assert_eq!(world.ids(), [old.as_str(), new.as_str()]);
    assert_eq!(world.states(), ["IN_PROGRESS", "FAILED"]);
    let record = world.record();
    assert_eq!(record["status"], "ROLLBACK_IN_PROGRESS");
    assert_eq!(record["rollback"]["serviceRevisionArn"], revision);
    assert_eq!(record["deploymentCircuitBreaker"]["status"], "DISABLED");
    world.until_completed();
    assert_eq!(world.ids(), [old.as_str()]);
    assert_eq!(world.service()["runningCount"], 2);
    assert_eq!(world.record()["status"], "ROLLBACK_SUCCESSFUL");
    let reasons: Vec<String> = world
        .events_of("ECS Deployment State Change")
        .iter()
        .map(|event| text(&event["detail"]["reason"]).replace(&old, "old"))
        .collect();
    assert_eq!(
        reasons[3..],
        [
            "ECS deployment rollback: rolling back to deploymentId old.",
            "ECS deployment old completed."
        ],
        "it did not fail by itself"
    );
}

#[test]
fn what_is_pending_is_taken_back_before_it_begins() {
    let mut world = World::new();
    world.running_service(1);
    let old = world.ids()[0].clone();
    let new = world.deploy("web:2", &[]);
    let arn = text(&world.record()["serviceDeploymentArn"]);
    assert_eq!(world.record()["status"], "PENDING");
    stop(&mut world, &arn).unwrap();
    world.until_completed();
    assert_eq!(world.ids(), [old]);
    assert_eq!(world.record()["status"], "ROLLBACK_SUCCESSFUL");
    assert!(world.record().get("startedAt").is_none());
    assert!(world.tasks_of(&new).is_empty());
    let changes = world.events_of("ECS Deployment State Change");
    assert!(
        changes
            .iter()
            .all(|event| event["detail"]["deploymentId"] != new)
    );
}

/// The trap: the revision before is not always a good one.
#[test]
fn it_goes_back_to_the_revision_before_and_not_to_a_good_one() {
    let mut world = World::new();
    world.running_service(1);
    let good = world.ids()[0].clone();
    let crashing = world.deploy(
        "web:2",
        &[("behaviour", "exit"), ("exit-after-seconds", "20")],
    );
    world.wait_seconds(40);
    let fix = world.deploy("web:3", &[]);
    world.wait_seconds(20);
    let arn = text(&world.record()["serviceDeploymentArn"]);
    stop(&mut world, &arn).unwrap();
    world.wait_seconds(1800);
    assert_eq!(world.ids(), [crashing, good]);
    assert_eq!(world.states(), ["IN_PROGRESS", "COMPLETED"]);
    assert!(text(&world.service()["taskDefinition"]).ends_with("web:2"));
    assert_eq!(world.record()["status"], "ROLLBACK_IN_PROGRESS");
    assert_eq!(world.tasks_of(&fix)[0]["lastStatus"], "STOPPED");
}

#[test]
fn what_is_being_ended_goes_on_with_that() {
    let mut world = World::new();
    world.running_service(1);
    world.deploy("web:2", &[]);
    world.wait_seconds(10);
    let superseded = text(&world.record()["serviceDeploymentArn"]);
    world.deploy("web:3", &[]);
    assert!(stop(&mut world, &superseded).is_ok(), "STOP_REQUESTED");
    world.wait_seconds(10);
    let arn = text(&world.record()["serviceDeploymentArn"]);
    for status in ["IN_PROGRESS", "ROLLBACK_REQUESTED"] {
        assert_eq!(world.record()["status"], status);
        stop(&mut world, &arn).unwrap();
    }
    world.wait_seconds(5);
    assert_eq!(world.record()["status"], "ROLLBACK_IN_PROGRESS");
    let ids = world.ids();
    stop(&mut world, &arn).unwrap();
    world.wait_seconds(5);
    assert_eq!(world.ids()[0], ids[0]);
    world.until_completed();
    for arn in [arn, superseded] {
        let error = stop(&mut world, &arn).unwrap_err();
        assert_eq!(error.code, "ConflictException");
    }
    let first = world.ecs.service(Some("prod"), "web").unwrap().unwrap();
    let statuses: Vec<&str> = first
        .service_deployments
        .iter()
        .map(|record| record.status.as_str())
        .collect();
    assert_eq!(statuses, ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL"]);
}

#[test]
fn a_newer_deployment_comes_before_a_requested_rollback() {
    let mut world = World::new();
    world.running_service(1);
    world.deploy("web:2", &[]);
    world.wait_seconds(10);
    let arn = text(&world.record()["serviceDeploymentArn"]);
    stop(&mut world, &arn).unwrap();
    let newest = world.deploy("web:3", &[]);
    world.until_completed();
    assert_eq!(world.ids(), [newest]);
    let request = json!({"serviceDeploymentArns": [arn]});
    let found = world.call("DescribeServiceDeployments", request);
    assert_eq!(found["serviceDeployments"][0]["status"], "STOPPED");
}

#[test]
fn a_first_deployment_has_nothing_to_go_back_to() {
    let mut world = World::new();
    world.images.failure = Some(PullError::NetworkTimeout);
    let definition = world.register("web:1", json!({}));
    world.call("CreateService", service_request(&definition, 1));
    world.wait_seconds(60);
    let arn = text(&world.record()["serviceDeploymentArn"]);
    stop(&mut world, &arn).unwrap();
    world.wait_seconds(5);
    let record = world.record();
    assert_eq!(record["status"], "ROLLBACK_FAILED");
    assert_eq!(
        record["statusReason"],
        "No rollback candidate was found to run the rollback."
    );
    assert_eq!(world.states(), ["FAILED"]);
}

#[test]
fn a_deployment_that_bakes_can_be_taken_back() {
    let mut world = World::new();
    world.running_service(1);
    let old = world.ids()[0].clone();
    world.configure(json!({"alarms": {"alarmNames": ["5xx"], "enable": true, "rollback": true}}));
    world.deploy("web:2", &[]);
    world.until("it bakes", |world| {
        world.service()["deployments"][1]["desiredCount"] == 0
    });
    world.wait_seconds(60);
    let arn = text(&world.record()["serviceDeploymentArn"]);
    stop(&mut world, &arn).unwrap();
    world.until_completed();
    assert_eq!(world.ids(), [old]);
    assert_eq!(world.service()["runningCount"], 1);
}

#[test]
fn what_cannot_be_stopped_is_refused() {
    let mut world = World::new();
    world.running_service(1);
    world.deploy("web:2", &[]);
    let arn = text(&world.record()["serviceDeploymentArn"]);
    for (arn, stop_type, expected) in [
        (arn.as_str(), "ABORT", "UnsupportedFeatureException"),
        (arn.as_str(), "PANIC", "InvalidParameterException"),
        (
            &format!("{arn}x"),
            "ROLLBACK",
            "ServiceDeploymentNotFoundException",
        ),
        (
            &arn.replace("web", "api"),
            "ROLLBACK",
            "ServiceDeploymentNotFoundException",
        ),
        (
            &arn.replace("prod", "test"),
            "ROLLBACK",
            "ServiceDeploymentNotFoundException",
        ),
        ("", "ROLLBACK", "ServiceDeploymentNotFoundException"),
    ] {
        let request = json!({"serviceDeploymentArn": arn, "stopType": stop_type});
        let error = world.refused("StopServiceDeployment", request);
        assert_eq!(error.code, expected, "{arn} {stop_type}");
    }
    assert_eq!(world.record()["status"], "PENDING");
}

fn stop(world: &mut World, arn: &str) -> Result<Value, ServiceError> {
    world.try_call(
        "StopServiceDeployment",
        json!({ "serviceDeploymentArn": arn }),
    )
}
