//! Rolling updates, from UpdateService to the steady state.

use ecs_model::{PullError, Timings};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{World, service_request, text};

#[test]
fn a_new_revision_replaces_the_old_one() {
    let mut world = World::new();
    world.running_service(2);
    let old = text(&world.service()["deployments"][0]["id"]);
    let new = world.deploy("web:2", &[]);
    assert_ne!(old, new);
    let service = world.service();
    assert_eq!(ids(&service), [new.as_str(), old.as_str()]);
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    assert_eq!(service["deployments"][1]["rolloutState"], "COMPLETED");
    assert_eq!(service["deployments"][1]["status"], "ACTIVE");
    world.until_completed();
    let service = world.service();
    assert_eq!(ids(&service), [new.as_str()]);
    assert_eq!(service["runningCount"], 2);
    for task in world.tasks_of(&new) {
        assert_eq!(task["lastStatus"], "RUNNING");
        assert!(text(&task["taskDefinitionArn"]).ends_with("web:2"));
        assert_eq!(task["containers"][0]["imageDigest"], "sha256:web:2");
    }
    world.wait_seconds(60);
    let stopped = world.tasks_of(&old);
    assert_eq!(stopped.len(), 2);
    for task in stopped {
        assert_eq!(task["lastStatus"], "STOPPED");
        assert_eq!(task["stopCode"], "ServiceSchedulerInitiated");
        let reason = format!("Scaling activity initiated by (deployment {old})");
        assert_eq!(task["stoppedReason"], reason);
    }
    let messages = world.messages();
    assert!(messages.iter().any(|message| {
        message.starts_with("(service web) has stopped 1 running tasks: (task ")
            || message.starts_with("(service web) has stopped 2 running tasks: (task ")
    }));
}

/// Whatever the limits, no moment of a rolling update breaks them.
#[test]
fn the_limits_hold_at_every_moment() {
    for desired in [1_u64, 2, 3, 5, 10] {
        for (minimum, maximum) in [
            (100_u64, 200_u64),
            (100, 150),
            (50, 100),
            (50, 200),
            (0, 100),
            (75, 125),
        ] {
            let mut world = World::new();
            world.register("web:1", json!({}));
            let mut request = service_request("web", desired as i64);
            request["deploymentConfiguration"] =
                json!({"minimumHealthyPercent": minimum, "maximumPercent": maximum});
            world.call("CreateService", request);
            world.until_completed();
            let (least, most) = ((desired * minimum).div_ceil(100), desired * maximum / 100);
            let id = world.deploy("web:2", &[]);
            if least == desired && most == desired {
                world.wait_seconds(600);
                assert_eq!(
                    ids(&world.service()).len(),
                    2,
                    "{desired} {minimum} {maximum}"
                );
                continue;
            }
            world.until("the deployment is completed", |world| {
                let service = world.service();
                let (running, pending) = (
                    count(&service["runningCount"]),
                    count(&service["pendingCount"]),
                );
                assert!(
                    running >= least,
                    "{desired} {minimum} {maximum}: {running} run"
                );
                assert!(
                    running + pending <= most,
                    "{desired} {minimum} {maximum}: {running}+{pending}"
                );
                service["deployments"][0]["rolloutState"] == "COMPLETED"
            });
            assert_eq!(ids(&world.service()), [id.as_str()]);
            assert_eq!(world.tasks_of(&id).len() as u64, desired);
        }
    }
}

#[test]
fn limits_that_allow_no_step_are_complained_about_once() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    let mut request = service_request("web", 1);
    request["deploymentConfiguration"] = json!({"maximumPercent": 150});
    world.call("CreateService", request);
    world.until_completed();
    world.deploy("web:2", &[]);
    world.wait_seconds(1800);
    world.update(json!({"enableExecuteCommand": true}));
    world.wait_seconds(1800);
    let complaints = world
        .messages()
        .iter()
        .filter(|message| message.contains("unable to stop or start tasks during a deployment because of the service deployment configuration"))
        .count();
    assert_eq!(complaints, 1);
    world.update(json!({"deploymentConfiguration": {"maximumPercent": 200}}));
    world.until_completed();
}

#[test]
fn a_newer_update_supersedes_the_running_one() {
    let mut world = World::new();
    world.running_service(2);
    let first = text(&world.service()["deployments"][0]["id"]);
    let second = world.deploy("web:2", &[]);
    world.wait_seconds(8);
    assert_eq!(
        world.tasks_of(&second).len(),
        1,
        "one resolves the image first"
    );
    let third = world.deploy("web:3", &[]);
    let service = world.service();
    assert_eq!(
        ids(&service),
        [third.as_str(), second.as_str(), first.as_str()]
    );
    assert_eq!(service["deployments"][1]["rolloutState"], "IN_PROGRESS");
    world.until_completed();
    assert_eq!(ids(&world.service()), [third.as_str()]);
    let given_up = world.tasks_of(&second);
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0]["stopCode"], "ServiceSchedulerInitiated");
    let completed: Vec<Value> = world
        .events_of("ECS Deployment State Change")
        .iter()
        .filter(|event| event["detail"]["eventName"] == "SERVICE_DEPLOYMENT_COMPLETED")
        .map(|event| event["detail"]["deploymentId"].clone())
        .collect();
    assert_eq!(completed, [json!(first), json!(third)]);
}

#[test]
fn an_update_back_to_the_old_revision_is_a_deployment_of_its_own() {
    let mut world = World::new();
    world.running_service(1);
    let first = text(&world.service()["deployments"][0]["id"]);
    let bad = world.deploy("web:2", &[("behaviour", "exit")]);
    world.wait_seconds(200);
    assert_eq!(ids(&world.service()), [bad.as_str(), first.as_str()]);
    let service = world.update(json!({"taskDefinition": "web:1"}));
    let back = text(&service["deployments"][0]["id"]);
    assert!(back != first && back != bad);
    world.until_completed();
    assert_eq!(ids(&world.service()), [back.as_str()]);
    assert_eq!(world.service()["runningCount"], 1);
}

#[test]
fn scaling_goes_through_update_service_and_keeps_the_deployment() {
    let mut world = World::new();
    world.running_service(1);
    let before = ids(&world.service());
    world.update(json!({"desiredCount": 3}));
    world.until("three run", |world| world.service()["runningCount"] == 3);
    world.wait_seconds(60);
    assert_eq!(
        world.messages()[0],
        "(service web) has reached a steady state."
    );
    world.update(json!({"desiredCount": 1}));
    world.until("one runs", |world| world.service()["runningCount"] == 1);
    assert_eq!(ids(&world.service()), before);
    assert_eq!(
        world.service()["deployments"][0]["rolloutState"],
        "COMPLETED"
    );
}

#[test]
fn scaling_out_during_a_deployment_reaches_the_revision_that_serves() {
    let mut world = World::new();
    world.running_service(2);
    let old = text(&world.service()["deployments"][0]["id"]);
    world.deploy("web:2", &[("behaviour", "exit")]);
    world.wait_seconds(120);
    world.update(json!({"desiredCount": 4}));
    world.wait_seconds(120);
    let service = world.service();
    assert_eq!(service["deployments"][1]["id"], old);
    assert_eq!(service["deployments"][1]["desiredCount"], 4);
    assert_eq!(service["deployments"][1]["runningCount"], 4);
}

#[test]
fn a_lost_task_comes_back_and_the_state_is_steady_again() {
    let mut world = World::new();
    world.running_service(2);
    let task = text(&world.tasks()[0]["taskArn"]);
    world.call("StopTask", json!({"cluster": "prod", "task": task}));
    assert_eq!(world.service()["runningCount"], 1);
    world.until("two run again", |world| {
        world.service()["runningCount"] == 2
    });
    world.wait_seconds(60);
    let steady = world
        .events_of("ECS Service Action")
        .iter()
        .filter(|event| event["detail"]["eventName"] == "SERVICE_STEADY_STATE")
        .count();
    assert_eq!(steady, 2);
    assert_eq!(
        world.service()["deployments"][0]["rolloutState"],
        "COMPLETED"
    );
}

#[test]
fn a_lost_task_of_the_old_revision_comes_back_as_the_old_revision() {
    let mut world = World::new();
    world.running_service(2);
    let old = text(&world.service()["deployments"][0]["id"]);
    world.deploy("web:2", &[("behaviour", "exit")]);
    world.wait_seconds(60);
    let task = text(&world.tasks_of(&old)[0]["taskArn"]);
    world.call("StopTask", json!({"cluster": "prod", "task": task}));
    world.wait_seconds(120);
    assert_eq!(world.tasks_of(&old).len(), 3);
    assert_eq!(world.service()["deployments"][1]["runningCount"], 2);
}

/// The old deployment is not forgotten because its only task is lost for a while.
#[test]
fn the_old_revision_is_kept_while_its_lost_task_cannot_be_replaced() {
    let mut world = World::new();
    world.running_service(1);
    let old = text(&world.service()["deployments"][0]["id"]);
    let new = world.deploy("web:2", &[("behaviour", "exit")]);
    world.wait_seconds(60);
    world.images.failure = Some(PullError::NetworkTimeout);
    let task = text(&world.tasks_of(&old)[0]["taskArn"]);
    world.call("StopTask", json!({"cluster": "prod", "task": task}));
    world.wait_seconds(300);
    let service = world.service();
    assert_eq!(ids(&service), [new.as_str(), old.as_str()]);
    assert_eq!(service["runningCount"], 0);
    world.images.failure = None;
    world.until("the old revision runs again", |world| {
        world.service()["deployments"][1]["runningCount"] == 1
    });
}

#[test]
fn a_deployment_is_done_only_when_the_old_tasks_have_drained() {
    let mut world = World::new();
    world.running_service(1);
    let old = text(&world.service()["deployments"][0]["id"]);
    let new = world.deploy("web:2", &[]);
    world.until("the old task drains", |world| {
        world.tasks_of(&old)[0]["lastStatus"] == "DEACTIVATING"
    });
    world.wait_seconds(14);
    assert_eq!(ids(&world.service()), [new.as_str(), old.as_str()]);
    world.wait_seconds(5);
    assert_eq!(ids(&world.service()), [new.as_str()]);
}

#[test]
fn a_steady_state_takes_its_time() {
    let mut world = World::new();
    world.running_service(1);
    let started_at = world.tasks()[0]["startedAt"].as_f64().unwrap();
    let steady_at = world.service()["events"][0]["createdAt"].as_f64().unwrap();
    let took = steady_at - started_at;
    assert!((10.0..15.0).contains(&took), "{took}");
}

/// Even without any time for anything else, a service whose tasks end at once
/// does not keep the clock from advancing.
#[test]
fn a_crash_loop_takes_time() {
    let zero = SignedDuration::ZERO;
    let mut world = World::with(Timings {
        provisioning: zero,
        pending: zero,
        pulling: zero,
        activating: zero,
        health_check: zero,
        health_check_failure: zero,
        unchecked_health: zero,
        deactivating: zero,
        stopping: zero,
        deprovisioning: zero,
        spot_notice: zero,
        scheduling: zero,
        retry: zero,
        retry_limit: zero,
        steady_state: zero,
        alarm_bake: zero,
        stopped_task_retention: zero,
    });
    world
        .images
        .push("web:1", "sha256:crash", &[("behaviour", "exit")]);
    let definition = world.register("web:1", json!({}));
    world.create_service(&definition, 1);
    world.wait(SignedDuration::from_millis(100));
    world.images.failure = Some(PullError::ManifestUnknown);
    world.wait(SignedDuration::from_millis(100));
    assert!(world.events.len() > 100);
}

#[test]
fn tags_of_images_are_resolved_once_for_a_revision() {
    let mut world = World::new();
    world.running_service(1);
    world.images.push("web:1", "sha256:moved", &[]);
    world.update(json!({"desiredCount": 3}));
    world.until("three run", |world| world.service()["runningCount"] == 3);
    for task in world.tasks() {
        assert_eq!(task["containers"][0]["imageDigest"], "sha256:one");
    }
    world.update(json!({"forceNewDeployment": true}));
    world.until_completed();
    let id = text(&world.service()["deployments"][0]["id"]);
    for task in world.tasks_of(&id) {
        assert_eq!(task["containers"][0]["imageDigest"], "sha256:moved");
    }
}

#[test]
fn the_digest_of_a_revision_that_was_deleted_is_missed_when_scaling_out() {
    let mut world = World::new();
    world.running_service(1);
    world.images.delete("web@sha256:one");
    world.update(json!({"desiredCount": 2}));
    world.wait_seconds(60);
    let tasks = world.tasks();
    let failed = tasks
        .iter()
        .find(|task| task["stopCode"] == "TaskFailedToStart");
    let reason = text(&failed.unwrap()["stoppedReason"]);
    assert!(
        reason.contains("failed to resolve ref web:1@sha256:one"),
        "{reason}"
    );
    assert_eq!(world.service()["runningCount"], 1);
}

#[test]
fn version_consistency_can_be_switched_off() {
    let mut world = World::new();
    let definition = world.register("web:1", json!({"versionConsistency": "disabled"}));
    world.create_service(&definition, 1);
    world.until_completed();
    world.images.push("web:1", "sha256:moved", &[]);
    world.update(json!({"desiredCount": 2}));
    world.until("two run", |world| world.service()["runningCount"] == 2);
    let newest = world.tasks().pop().unwrap();
    assert_eq!(newest["containers"][0]["imageDigest"], "sha256:moved");
}

#[test]
fn fast_timings_roll_within_two_seconds() {
    let mut world = World::with(Timings::fast());
    world.running_service(2);
    let start = world.now;
    world.deploy("web:2", &[]);
    world.until_completed();
    let took = world.now.duration_since(start);
    assert!(took.as_millis() <= 2_000, "{took}");
}

#[test]
fn the_same_calls_at_the_same_times_give_the_same_events() {
    let play = || {
        let mut world = World::new();
        world.running_service(2);
        world.deploy("web:2", &[("behaviour", "exit")]);
        world.wait_seconds(600);
        world.deploy("web:3", &[]);
        world.until_completed();
        (world.events, world.lines)
    };
    assert_eq!(play(), play());
}

#[test]
fn advancing_in_one_leap_or_step_by_step_is_the_same() {
    let play = |step_seconds: i64| {
        let mut world = World::new();
        let definition = world.register("web:1", json!({}));
        world.create_service(&definition, 3);
        for _ in 0..(600 / step_seconds) {
            world.wait_seconds(step_seconds);
        }
        world.events
    };
    assert_eq!(play(600), play(1));
}

fn ids(service: &Value) -> Vec<String> {
    let deployments = service["deployments"].as_array().unwrap();
    deployments.iter().map(|one| text(&one["id"])).collect()
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap()
}
