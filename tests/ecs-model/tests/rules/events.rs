//! Events, compared with the samples of the documentation.

use std::collections::BTreeSet;
use std::path::Path;

use ecs_model::PullError;
use serde_json::{Value, json};

use crate::world::{World, network, service_request, text};

#[test]
fn a_running_task_looks_like_the_sample() {
    let mut world = World::new();
    world.register("web:1", json!({"memory": 100}));
    let request = json!({
        "cluster": "prod", "taskDefinition": "web", "networkConfiguration": network(),
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}],
    });
    world.call("RunTask", request);
    world.wait_seconds(60);
    let event = last_of(&world, "RUNNING");
    assert_same_keys(event, "ecs_task_state_change__fargate_running_2025.json");
    assert_eq!(event["detail"]["attachments"][0]["type"], "eni");
    assert_eq!(event["detail"]["startedAt"], "2026-05-06T11:00:30Z");
    assert_eq!(event["time"], "2026-05-06T11:00:30Z");
    assert_eq!(event["resources"][0], event["detail"]["taskArn"]);
    assert_eq!(event["detail"]["containers"][0]["cpu"], "0");
}

#[test]
fn stopped_tasks_look_like_the_samples() {
    let exit: &[(&str, &str)] = &[("behaviour", "exit")];
    let cases = [
        ("stopped_essential_exit1_composed", exit, None),
        (
            "stopped_resource_init_secrets_composed",
            &[],
            Some(PullError::AccessDenied),
        ),
    ];
    for (sample, labels, failure) in cases {
        let mut world = World::new();
        world.images.push("web:1", "sha256:one", labels);
        world.images.failure = failure;
        create_on_fargate_provider(&mut world);
        world.wait_seconds(120);
        let mut event = last_of(&world, "STOPPED").clone();
        if failure.is_some() {
            // The sample is of a failure before the pull, with no container to blame.
            let detail = event["detail"].as_object_mut().unwrap();
            detail.remove("pullStartedAt");
            detail["containers"][0]
                .as_object_mut()
                .unwrap()
                .remove("reason");
        }
        let sample = format!("ecs_task_state_change__{sample}.json");
        assert_same_keys(&event, &sample);
    }
    let mut world = World::new();
    create_on_fargate_provider(&mut world);
    world.until_completed();
    world.update(json!({"desiredCount": 0}));
    world.wait_seconds(120);
    let sample = "ecs_task_state_change__stopped_scale_in_composed.json";
    assert_same_keys(last_of(&world, "STOPPED"), sample);
}

#[test]
fn deployments_and_service_actions_look_like_the_samples() {
    let mut world = World::new();
    world.running_service(1);
    let id = world.service()["deployments"][0]["id"].clone();
    let changes = world.events_of("ECS Deployment State Change");
    assert_eq!(changes.len(), 2);
    for (event, sample, end) in [
        (changes[0], "in_progress", "in progress"),
        (changes[1], "completed", "completed"),
    ] {
        let name = format!("ecs_deployment_state_change__service_deployment_{sample}.json");
        assert_same_keys(event, &name);
        assert_eq!(event["detail"]["deploymentId"], id);
        let reason = format!("ECS deployment {} {end}.", text(&id));
        assert_eq!(event["detail"]["reason"], reason);
        assert_eq!(
            event["resources"],
            json!(["arn:aws:ecs:eu-west-1:123456789012:service/prod/web"])
        );
    }
    let steady = world.events_of("ECS Service Action");
    assert_eq!(steady.len(), 1);
    assert_same_keys(steady[0], "ecs_service_action__service_steady_state.json");
    assert_eq!(steady[0]["detail"]["eventType"], "INFO");

    world.images.failure = Some(PullError::ManifestUnknown);
    world.deploy("web:2", &[]);
    world.wait_seconds(600);
    let impaired = world.events_of("ECS Service Action")[1];
    assert_same_keys(
        impaired,
        "ecs_service_action__service_task_start_impaired.json",
    );
    assert_eq!(impaired["detail"]["eventType"], "WARN");
    assert_eq!(
        impaired["detail"]["eventName"],
        "SERVICE_TASK_START_IMPAIRED"
    );
}

#[test]
fn a_failed_deployment_looks_like_the_sample() {
    let mut world = World::new();
    world.images.failure = Some(PullError::ManifestUnknown);
    let definition = world.register("web:1", json!({}));
    let mut request = service_request(&definition, 1);
    request["deploymentConfiguration"] = json!({"deploymentCircuitBreaker": {"enable": true}});
    world.call("CreateService", request);
    world.wait_seconds(600);
    let failed = *world
        .events_of("ECS Deployment State Change")
        .last()
        .unwrap();
    assert_same_keys(
        failed,
        "ecs_deployment_state_change__service_deployment_failed.json",
    );
    assert_eq!(failed["detail"]["eventName"], "SERVICE_DEPLOYMENT_FAILED");
    assert_eq!(failed["detail"]["eventType"], "ERROR");
    let reason = "ECS deployment circuit breaker: task failed to start.";
    assert_eq!(failed["detail"]["reason"], reason);
}

#[test]
fn every_event_has_an_id_of_its_own_and_is_handed_over_once() {
    let mut world = World::new();
    world.running_service(2);
    world.deploy("web:2", &[]);
    world.until_completed();
    let ids: BTreeSet<String> = world
        .events
        .iter()
        .map(|event| text(&event["id"]))
        .collect();
    assert_eq!(ids.len(), world.events.len());
    assert!(world.ecs.take_events().is_empty());
    let times: Vec<String> = world
        .events
        .iter()
        .map(|event| text(&event["time"]))
        .collect();
    assert!(times.is_sorted());
}

#[test]
fn changes_can_be_taken_without_json() {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    world.create_service(&definition, 1);
    let end = world
        .now
        .checked_add(jiff::SignedDuration::from_secs(120))
        .unwrap();
    world.ecs.advance(end, &world.images);
    let changes = world.ecs.take_changes();
    assert_eq!(
        changes.len(),
        4 + 2 + 1,
        "a task's four, a deployment's two, one steady state"
    );
    assert!(
        changes
            .windows(2)
            .all(|pair| pair[0].sequence + 1 == pair[1].sequence)
    );
    assert!(world.ecs.take_events().is_empty());
}

/// Makes a service whose events name a capacity provider, as the samples do.
fn create_on_fargate_provider(world: &mut World) {
    let definition = world.register("web:1", json!({"memory": 100}));
    let request = json!({
        "cluster": "prod", "serviceName": "web", "taskDefinition": definition, "desiredCount": 1,
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}],
        "networkConfiguration": network(),
    });
    world.call("CreateService", request);
}

fn last_of<'a>(world: &'a World, status: &str) -> &'a Value {
    world
        .events
        .iter()
        .rfind(|event| event["detail"]["lastStatus"] == status)
        .unwrap()
}

/// Compares the names of all members, at every depth; of lists, the first entry.
#[track_caller]
fn assert_same_keys(event: &Value, sample: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../events")
        .join(sample);
    let sample: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (mut ours, mut theirs) = (BTreeSet::new(), BTreeSet::new());
    collect_keys(event, "", &mut ours);
    collect_keys(&sample, "", &mut theirs);
    assert_eq!(ours, theirs);
}

fn collect_keys(value: &Value, path: &str, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let path = format!("{path}/{key}");
                collect_keys(member, &path, keys);
                keys.insert(path);
            }
        }
        Value::Array(entries) => {
            if let Some(first) = entries.first() {
                collect_keys(first, path, keys);
            }
        }
        _ => {}
    }
}
