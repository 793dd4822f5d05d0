//! Tasks that cannot start or do not stay.

use ecs_model::PullError;
use serde_json::json;

use crate::world::{World, definition, text};

#[test]
fn a_task_that_cannot_pull_fails_to_start_and_says_why() {
    let rows = [
        (
            PullError::ManifestUnknown,
            "failed to resolve ref web:2: web:2: not found",
        ),
        (
            PullError::PlatformNotFound,
            "does not contain descriptor matching platform 'linux/amd64'",
        ),
        (
            PullError::RepositoryNotFound,
            "role has the permissions to pull images",
        ),
        (PullError::AccessDenied, "403 Forbidden"),
        (PullError::NetworkTimeout, "i/o timeout"),
    ];
    for (failure, expected) in rows {
        let mut world = World::new();
        world.running_service(1);
        world.images.failure = Some(failure);
        let id = world.deploy("web:2", &[]);
        world.until("a task has stopped", |world| {
            world
                .tasks_of(&id)
                .iter()
                .any(|task| task["lastStatus"] == "STOPPED")
        });
        let task = world.tasks_of(&id)[0].clone();
        assert_eq!(task["stopCode"], "TaskFailedToStart");
        let reason = text(&task["stoppedReason"]);
        assert!(reason.starts_with("CannotPullContainerError: "), "{reason}");
        assert!(reason.contains(expected), "{reason}");
        assert_eq!(task["containers"][0]["reason"], task["stoppedReason"]);
        assert!(task["containers"][0].get("imageDigest").is_none());
        assert!(task.get("startedAt").is_none() && task.get("pullStoppedAt").is_none());
        let service = world.service();
        assert_eq!(service["runningCount"], 1, "the old task still runs");
        assert!(service["deployments"][0]["failedTasks"].as_u64().unwrap() >= 1);
    }
}

#[test]
fn the_architecture_of_the_definition_picks_the_image() {
    for (architecture, starts) in [("ARM64", true), ("X86_64", false)] {
        let mut world = World::new();
        world
            .images
            .push_for("web:9", "sha256:arm", &[], &["arm64"]);
        let mut document = definition(vec![json!({"name": "web", "image": "web:9"})]);
        document["runtimePlatform"] = json!({"cpuArchitecture": architecture});
        world.call("RegisterTaskDefinition", document);
        world.create_service("web", 1);
        world.wait_seconds(120);
        assert_eq!(
            world.service()["runningCount"] == 1,
            starts,
            "{architecture}"
        );
    }
}

#[test]
fn the_container_that_cannot_be_pulled_is_named() {
    let mut world = World::new();
    let containers = vec![
        json!({"name": "web", "image": "web:1"}),
        json!({"name": "proxy", "image": "proxy:7", "essential": false}),
    ];
    world.call("RegisterTaskDefinition", definition(containers));
    world.create_service("web", 1);
    world.wait_seconds(60);
    let task = world.tasks()[0].clone();
    assert!(task["containers"][0].get("reason").is_none());
    assert!(text(&task["containers"][1]["reason"]).contains("proxy:7"));
    assert_eq!(task["containers"][0]["lastStatus"], "STOPPED");
}

#[test]
fn failed_starts_are_tried_again_ever_later() {
    let mut world = World::new();
    world.running_service(1);
    world.images.failure = Some(PullError::ManifestUnknown);
    let id = world.deploy("web:2", &[]);
    let mut starts = Vec::new();
    world.until("seven tasks were tried", |world| {
        let tasks = world.tasks_of(&id);
        if tasks.len() > starts.len() {
            starts.push(world.now.as_second());
        }
        starts.len() == 7
    });
    let waits: Vec<i64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.is_sorted() && waits[5] > 4 * waits[0], "{waits:?}");
    let service = world.service();
    assert_eq!(service["deployments"][0]["failedTasks"], 6);
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    let impaired = world
        .events_of("ECS Service Action")
        .iter()
        .filter(|event| event["detail"]["eventName"] == "SERVICE_TASK_START_IMPAIRED")
        .count();
    assert_eq!(impaired, 1);
    let messages = world.messages();
    let said = |words: &str| {
        messages
            .iter()
            .filter(|message| message.contains(words))
            .count()
    };
    assert_eq!(
        said("is unable to consistently start tasks successfully"),
        1
    );
    assert_eq!(
        said("was unable to place a task. Reason: CannotPullContainerError"),
        6
    );
}

#[test]
fn the_wait_between_tries_has_a_limit() {
    let mut world = World::new();
    world.images.failure = Some(PullError::ManifestUnknown);
    let definition = world.register("web:1", json!({}));
    world.create_service(&definition, 1);
    world.wait_seconds(10 * 3600);
    let starts: Vec<i64> = world
        .events_of("ECS Task State Change")
        .iter()
        .filter(|event| event["detail"]["lastStatus"] == "PROVISIONING")
        .map(|event| {
            text(&event["time"])
                .parse::<jiff::Timestamp>()
                .unwrap()
                .as_second()
        })
        .collect();
    let waits: Vec<i64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let longest = waits.iter().max().unwrap();
    assert!((27 * 60..28 * 60).contains(longest), "{waits:?}");
    assert_eq!(waits.last(), Some(longest));
}

#[test]
fn a_task_that_runs_ends_the_row_of_failed_starts() {
    let mut world = World::new();
    world.running_service(1);
    for _ in 0..3 {
        world.images.failure = Some(PullError::NetworkTimeout);
        let task = text(&world.tasks().pop().unwrap()["taskArn"]);
        world.call("StopTask", json!({"cluster": "prod", "task": task}));
        world.until("two starts failed", |world| {
            world.service()["deployments"][0]["failedTasks"] == 2
        });
        world.images.failure = None;
        world.until("a task is healthy", |world| {
            world.service()["deployments"][0]["failedTasks"] == 0
        });
    }
    let impaired = world
        .events_of("ECS Service Action")
        .iter()
        .any(|event| event["detail"]["eventName"] == "SERVICE_TASK_START_IMPAIRED");
    assert!(!impaired, "six failed, but never three in a row");
}

#[test]
fn a_new_deployment_starts_without_the_old_ones_wait() {
    let mut world = World::new();
    world.running_service(1);
    world.images.failure = Some(PullError::ManifestUnknown);
    world.deploy("web:2", &[]);
    world.wait_seconds(3600);
    world.images.failure = None;
    let id = world.deploy("web:3", &[]);
    world.wait_seconds(10);
    assert_eq!(world.tasks_of(&id).len(), 1);
    world.until_completed();
}

#[test]
fn an_image_that_comes_later_heals_the_deployment() {
    let mut world = World::new();
    world.running_service(1);
    world.images.failure = Some(PullError::NetworkTimeout);
    world.deploy("web:2", &[]);
    world.wait_seconds(300);
    assert_eq!(world.service()["runningCount"], 1);
    world.images.failure = None;
    world.until_completed();
    let service = world.service();
    assert_eq!(
        service["deployments"][0]["failedTasks"], 0,
        "a healthy task sets it back"
    );
}

#[test]
fn a_crashing_image_never_takes_over() {
    let mut world = World::new();
    world.running_service(2);
    let old = text(&world.service()["deployments"][0]["id"]);
    let labels = [
        ("behaviour", "exit"),
        ("exit-code", "1"),
        ("exit-after-seconds", "5"),
    ];
    let id = world.deploy("web:2", &labels);
    world.wait_seconds(900);
    let service = world.service();
    assert_eq!(service["deployments"][0]["id"], id);
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    assert_eq!(service["deployments"][1]["id"], old);
    assert_eq!(service["deployments"][1]["runningCount"], 2);
    let crashed: Vec<_> = world
        .tasks_of(&id)
        .into_iter()
        .filter(|task| task["stopCode"] == "EssentialContainerExited")
        .collect();
    assert!(
        crashed.len() > 10,
        "retried without growing waits: {}",
        crashed.len()
    );
    assert_eq!(crashed[0]["containers"][0]["exitCode"], 1);
    assert_eq!(
        service["deployments"][0]["failedTasks"], 0,
        "they had reached RUNNING"
    );
    assert!(
        world.events_of("ECS Service Action").len() == 1,
        "no throttle after RUNNING"
    );
}

#[test]
fn a_late_crash_is_replaced_and_forgiven() {
    let mut world = World::new();
    world.running_service(1);
    let labels = [("behaviour", "exit"), ("exit-after-seconds", "300")];
    let id = world.deploy("web:2", &labels);
    world.until_completed();
    world.until("it crashed and was replaced", |world| {
        world.tasks_of(&id).len() == 2
    });
    let service = world.service();
    assert_eq!(service["deployments"][0]["failedTasks"], 0);
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
}

#[test]
fn after_three_failed_resolutions_tasks_start_without() {
    let mut world = World::new();
    world.images.failure = Some(PullError::NetworkTimeout);
    let definition = world.register("web:1", json!({}));
    world.create_service(&definition, 3);
    let mut most = 0;
    world.until("three are tried at once", |world| {
        let starting = world.service()["pendingCount"].as_u64().unwrap();
        most = most.max(starting);
        starting == 3
    });
    let failed = world
        .tasks()
        .iter()
        .filter(|task| task["stopCode"] == "TaskFailedToStart")
        .count();
    assert_eq!(failed, 3, "one at a time until then");
}
