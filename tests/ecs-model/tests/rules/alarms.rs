//! Deployment alarms, and the bake time that they watch.

use ecs_model::PullError;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{World, text};

#[test]
fn an_alarm_rolls_a_deployment_back() {
    let mut world = watched(json!({}));
    let good = world.ids()[0].clone();
    let bad = world.deploy("web:2", &[]);
    world.until("a task of it runs", |world| runs(world, &bad));
    assert_eq!(world.record()["alarms"]["status"], "MONITORING");
    world.alarm("5xx", true);
    world.wait_seconds(5);
    assert_eq!(world.ids(), [good.as_str(), bad.as_str()]);
    assert_eq!(world.states(), ["IN_PROGRESS", "FAILED"]);
    let record = world.record();
    assert_eq!(record["status"], "ROLLBACK_IN_PROGRESS");
    let alarms = json!({
        "status": "TRIGGERED", "alarmNames": ["5xx", "slow"], "triggeredAlarmNames": ["5xx"],
    });
    assert_eq!(record["alarms"], alarms);
    world.until_completed();
    let record = world.record();
    assert_eq!(record["status"], "ROLLBACK_SUCCESSFUL");
    let reason = "Service deployment rolled back because of one or more active alarms.";
    assert_eq!(record["statusReason"], reason);
    assert_eq!(record["rollback"]["reason"], reason);
    assert_eq!(world.ids(), [good.as_str()]);
    let messages = world.messages().join("\n");
    assert!(messages.contains(&format!(
        "(deployment {bad}) deployment failed: alarm detected."
    )));
    let names: Vec<String> = world
        .events_of("ECS Deployment State Change")
        .iter()
        .map(|event| text(&event["detail"]["eventName"]).replace("SERVICE_DEPLOYMENT_", ""))
        .collect();
    let expected = ["IN_PROGRESS", "FAILED", "IN_PROGRESS", "COMPLETED"];
    assert_eq!(names[names.len() - 4..], expected);
}

#[test]
fn any_of_the_named_alarms_will_do_and_no_other() {
    for (name, expected) in [("slow", "FAILED"), ("other", "IN_PROGRESS")] {
        let mut world = watched(json!({"rollback": false}));
        let bad = world.deploy("web:2", &[]);
        world.until("a task of it runs", |world| runs(world, &bad));
        world.alarm(name, true);
        world.wait_seconds(10);
        assert_eq!(world.states()[0], expected, "{name}");
    }
}

#[test]
fn alarms_that_are_not_to_be_used_do_nothing() {
    let mut world = watched(json!({"enable": false}));
    world.deploy("web:2", &[]);
    world.until("it serves", |world| {
        world.service()["deployments"][0]["runningCount"] == 1
    });
    world.alarm("5xx", true);
    world.until_completed();
    assert_eq!(world.record()["status"], "SUCCESSFUL");
    assert_eq!(world.record()["alarms"]["status"], "DISABLED");
}

/// What becomes healthy afterwards takes nothing over.
#[test]
fn without_the_rollback_option_it_stays_as_it_is() {
    let mut world = watched(json!({"rollback": false}));
    let bad = world.deploy("web:2", &[]);
    world.until("a task of it runs", |world| runs(world, &bad));
    world.alarm("5xx", true);
    world.wait_seconds(10);
    let record = world.record();
    assert_eq!(record["status"], "STOPPED");
    assert_eq!(record["statusReason"], "alarm detected.");
    assert!(record["stoppedAt"].is_f64() && record["finishedAt"].is_f64());
    world.wait_seconds(1800);
    let service = world.service();
    assert_eq!(world.states(), ["FAILED", "COMPLETED"]);
    assert_eq!(
        service["deployments"][0]["runningCount"], 2,
        "what had been launched stays"
    );
    assert_eq!(service["deployments"][1]["runningCount"], 2);
}

/// A fix must go out while production burns.
#[test]
fn an_alarm_that_fires_already_is_ignored_for_the_whole_deployment() {
    let mut world = watched(json!({}));
    world.alarm("slow", true);
    world.wait_seconds(60);
    world.deploy("web:2", &[]);
    world.wait_seconds(10);
    assert_eq!(world.record()["alarms"]["status"], "DISABLED");
    world.alarm("slow", false);
    world.wait_seconds(10);
    world.alarm("slow", true);
    world.alarm("5xx", true);
    world.until_completed();
    let record = world.record();
    assert_eq!(record["status"], "SUCCESSFUL");
    let took = record["finishedAt"].as_f64().unwrap() - record["createdAt"].as_f64().unwrap();
    assert!(took < 180.0, "nor does it bake: {took}");
}

#[test]
fn alarms_are_monitored_once_a_task_runs() {
    let mut world = watched(json!({}));
    world.images.failure = Some(PullError::NetworkTimeout);
    let bad = world.deploy("web:2", &[]);
    world.wait_seconds(10);
    world.alarm("5xx", true);
    world.wait_seconds(120);
    assert_eq!(world.states(), ["IN_PROGRESS", "COMPLETED"]);
    world.images.failure = None;
    world.until("a task of it runs", |world| runs(world, &bad));
    world.wait_seconds(5);
    assert_eq!(world.states(), ["IN_PROGRESS", "FAILED"]);
    assert_eq!(world.ids()[1], bad);
}

/// ECS polls: it is looked at three seconds after a change.
#[test]
fn a_flap_between_two_looks_goes_unnoticed() {
    let mut world = watched(json!({}));
    let id = world.deploy("web:2", &[]);
    world.until("it bakes", |world| bakes(world, &id));
    world.wait_seconds(60);
    world.alarm("5xx", true);
    world.wait_seconds(1);
    world.alarm("5xx", false);
    world.until_completed();
    assert_eq!(world.record()["status"], "SUCCESSFUL");
}

#[test]
fn a_deployment_bakes_until_its_alarms_had_their_time() {
    for (minutes, expected) in [(json!(null), 180.0), (json!(10), 600.0)] {
        let mut world = watched(json!({}));
        world.configure(json!({ "bakeTimeInMinutes": minutes }));
        let old = world.ids()[0].clone();
        let id = world.deploy("web:2", &[]);
        world.until("it bakes", |world| bakes(world, &id));
        let since = world.now;
        world.wait_seconds(100);
        assert_eq!(
            world.ids(),
            [id.as_str(), old.as_str()],
            "the old one is not deleted yet"
        );
        assert_eq!(world.states(), ["IN_PROGRESS", "COMPLETED"]);
        assert_eq!(world.service()["deployments"][1]["desiredCount"], 0);
        assert_eq!(world.record()["status"], "IN_PROGRESS");
        world.until_completed();
        let took = world.now.duration_since(since).as_secs_f64();
        assert!((expected..expected + 5.0).contains(&took), "{took}");
        assert_eq!(world.ids(), [id.as_str()]);
    }
}

#[test]
fn without_a_way_back_there_is_no_bake_time() {
    let mut world = watched(json!({"rollback": false}));
    let id = world.deploy("web:2", &[]);
    world.until("it serves alone", |world| bakes(world, &id));
    let since = world.now;
    world.until_completed();
    assert!(world.now.duration_since(since) < SignedDuration::from_secs(30));
}

#[test]
fn an_alarm_in_the_bake_time_brings_the_old_tasks_back() {
    let mut world = watched(json!({}));
    let good = world.ids()[0].clone();
    let bad = world.deploy("web:2", &[]);
    world.until("it bakes", |world| bakes(world, &bad));
    world.wait_seconds(120);
    world.alarm("slow", true);
    world.until("the service goes back", |world| world.ids()[0] == good);
    world.until("… never without two tasks", |world| {
        assert!(world.service()["runningCount"].as_u64().unwrap() >= 2);
        world.record()["status"] == "ROLLBACK_SUCCESSFUL"
    });
    assert_eq!(world.ids(), [good.as_str()]);
    let running = |task: &Value| task["lastStatus"] == "RUNNING";
    assert_eq!(
        world
            .tasks_of(&good)
            .iter()
            .filter(|task| running(task))
            .count(),
        2
    );
    assert_eq!(
        world
            .tasks_of(&bad)
            .iter()
            .filter(|task| running(task))
            .count(),
        0
    );
}

#[test]
fn a_rollback_does_not_bake() {
    let mut world = watched(json!({}));
    world.configure(json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}}));
    world.images.failure = Some(PullError::ManifestUnknown);
    world.deploy("web:2", &[]);
    world.until("it is rolled back", |world| {
        world.record()["status"] == "ROLLBACK_IN_PROGRESS"
    });
    let since = world.now;
    world.until_completed();
    assert!(world.now.duration_since(since) < SignedDuration::from_secs(60));
}

#[test]
fn afterwards_alarms_do_nothing() {
    let mut world = watched(json!({}));
    let id = world.deploy("web:2", &[]);
    world.until_completed();
    world.alarm("5xx", true);
    world.wait_seconds(600);
    assert_eq!(world.ids(), [id.as_str()]);
    assert_eq!(world.states(), ["COMPLETED"]);
}

/// A task that is lost while it bakes makes it wait, but does not set it back.
#[test]
fn the_bake_time_begins_once() {
    let mut world = watched(json!({}));
    let id = world.deploy("web:2", &[]);
    world.until("it bakes", |world| bakes(world, &id));
    let since = world.now;
    world.wait_seconds(60);
    let task = text(&world.tasks_of(&id)[0]["taskArn"]);
    world.call("StopTask", json!({"cluster": "prod", "task": task}));
    world.until_completed();
    let took = world.now.duration_since(since).as_secs_f64();
    assert!((180.0..190.0).contains(&took), "{took}");
}

/// The first method whose criteria are met fails the deployment, and its option
/// decides.
#[test]
fn the_first_of_circuit_breaker_and_alarms_decides() {
    for alarm_comes_first in [true, false] {
        let mut world = watched(json!({"rollback": false}));
        world.configure(json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}}));
        let id = world.deploy(
            "web:2",
            &[("behaviour", "exit"), ("exit-after-seconds", "20")],
        );
        if alarm_comes_first {
            world.until("a task of it runs", |world| runs(world, &id));
            world.alarm("5xx", true);
            world.wait_seconds(10);
        }
        world.images.failure = Some(PullError::ManifestUnknown);
        world.wait_seconds(900);
        world.alarm("5xx", true);
        world.wait_seconds(60);
        let record = world.record();
        let expected = match alarm_comes_first {
            true => ("STOPPED", "TRIGGERED", "MONITORING_COMPLETE"),
            false => ("ROLLBACK_SUCCESSFUL", "MONITORING_COMPLETE", "TRIGGERED"),
        };
        assert_eq!(record["status"], expected.0);
        assert_eq!(record["alarms"]["status"], expected.1);
        assert_eq!(record["deploymentCircuitBreaker"]["status"], expected.2);
    }
}

/// An alarm may be told of before its time has come.
#[test]
fn an_alarm_fires_when_its_time_has_come() {
    let mut world = watched(json!({}));
    let bad = world.deploy("web:2", &[]);
    let at = world
        .now
        .checked_add(SignedDuration::from_secs(90))
        .unwrap();
    world.ecs.set_alarm("5xx", true, at);
    world.wait_seconds(89);
    assert_eq!(world.ids()[0], bad);
    world.wait_seconds(5);
    assert_eq!(world.ids()[1], bad);
}

/// The service `web` with two tasks, and two alarms that roll it back.
fn watched(members: Value) -> World {
    let mut world = World::new();
    world.running_service(2);
    let mut alarms = json!({"alarmNames": ["5xx", "slow"], "enable": true, "rollback": true});
    for (key, value) in members.as_object().unwrap() {
        alarms[key] = value.clone();
    }
    world.configure(json!({ "alarms": alarms }));
    world
}

fn runs(world: &mut World, id: &str) -> bool {
    let tasks = world.tasks_of(id);
    tasks.iter().any(|task| task["lastStatus"] == "RUNNING")
}

/// Whether a deployment has taken everything over.
fn bakes(world: &mut World, id: &str) -> bool {
    let tasks = world.tasks();
    tasks
        .iter()
        .all(|task| match text(&task["lastStatus"]).as_str() {
            "RUNNING" => task["startedBy"] == id,
            "STOPPING" | "DEPROVISIONING" | "STOPPED" => task["startedBy"] != id,
            _ => false,
        })
}
