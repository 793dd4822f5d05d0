//! Blue/green, linear and canary deployments: their stages, their traffic, and
//! the way back.

use ecs_model::{PullError, RollbackIdentity};
use serde_json::{Value, json};

use crate::world::{World, service_request, text};

#[test]
fn a_blue_green_deployment_goes_through_its_stages() {
    let mut world = balanced(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}));
    let blue = world.ids()[0].clone();
    let green = world.deploy("web:2", &[]);
    assert_eq!(world.ids(), [green.as_str(), blue.as_str()]);
    let mut stages = Vec::new();
    world.until("it is done", |world| {
        let service = world.service();
        let record = world.record();
        let stage = record["lifecycleStage"].as_str().unwrap_or("").to_owned();
        let (running, requested) = (tasks(&record, "running"), tasks(&record, "requested"));
        let traffic = (traffic(&record, "Production"), traffic(&record, "Test"));
        match stage.as_str() {
            "PRE_SCALE_UP" => {
                assert!(world.tasks_of(&green).is_empty());
                assert_eq!(traffic, ((0.0, 100.0), (0.0, 0.0)));
            }
            "SCALE_UP" => assert_eq!(requested, (2, 2)),
            "POST_SCALE_UP" => {
                assert_eq!(running, (2, 2));
                assert_eq!(traffic, ((0.0, 100.0), (0.0, 0.0)));
            }
            "TEST_TRAFFIC_SHIFT" | "POST_TEST_TRAFFIC_SHIFT" | "PRE_PRODUCTION_TRAFFIC_SHIFT" => {
                assert_eq!(traffic, ((0.0, 100.0), (100.0, 0.0)));
            }
            "PRODUCTION_TRAFFIC_SHIFT" | "POST_PRODUCTION_TRAFFIC_SHIFT" | "BAKE_TIME" => {
                assert_eq!(running, (2, 2), "blue is kept");
                assert_eq!(traffic, ((100.0, 0.0), (100.0, 0.0)));
            }
            "CLEAN_UP" => {}
            other => assert_eq!(other, "", "PENDING"),
        }
        if stages.last() != Some(&stage) {
            stages.push(stage);
        }
        assert!(service["runningCount"].as_u64().unwrap() >= 2);
        record["status"] == "SUCCESSFUL"
    });
    assert_eq!(
        stages,
        [
            "",
            "PRE_SCALE_UP",
            "SCALE_UP",
            "POST_SCALE_UP",
            "TEST_TRAFFIC_SHIFT",
            "POST_TEST_TRAFFIC_SHIFT",
            "PRE_PRODUCTION_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "POST_PRODUCTION_TRAFFIC_SHIFT",
            "BAKE_TIME",
            "CLEAN_UP",
        ]
    );
    assert_eq!(world.ids(), [green.as_str()]);
    assert_eq!(world.states(), ["COMPLETED"]);
    assert_eq!(world.service()["runningCount"], 2);
    let record = world.record();
    let took = record["finishedAt"].as_f64().unwrap() - record["startedAt"].as_f64().unwrap();
    assert!((300.0..480.0).contains(&took), "{took}");
    let changes = world.events_of("ECS Deployment State Change");
    let last = changes.last().unwrap();
    assert_eq!(last["detail"]["eventName"], "SERVICE_DEPLOYMENT_COMPLETED");
    assert_eq!(last["detail"]["deploymentId"], green);
}

#[test]
fn a_first_deployment_goes_through_them_too() {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    let mut request = service_request(&definition, 2);
    request["deploymentConfiguration"] = json!({"strategy": "BLUE_GREEN"});
    world.call("CreateService", request);
    world.until("it bakes", |world| stage(world) == "BAKE_TIME");
    world.until_completed();
    assert_eq!(world.record()["status"], "SUCCESSFUL");
    assert_eq!(world.service()["runningCount"], 2);
}

/// Without load balancer or Service Connect ECS shifts no traffic.
#[test]
fn a_headless_service_has_no_traffic() {
    let mut world = World::new();
    world.running_service(2);
    world.configure(json!({"strategy": "BLUE_GREEN"}));
    let green = world.deploy("web:2", &[]);
    world.until("green is up", |world| stage(world) == "POST_SCALE_UP");
    let running = world.tasks_of(&green);
    let running = running
        .iter()
        .filter(|task| task["lastStatus"] == "RUNNING");
    assert_eq!(running.count(), 2);
    world.until_completed();
    let target = &world.record()["targetServiceRevision"];
    assert!(target.get("requestedProductionTrafficWeight").is_none());
    let record = world.record();
    assert_eq!(record["lifecycleStage"], "CLEAN_UP");
}

#[test]
fn a_service_without_tasks_is_deployed_too() {
    let mut world = World::new();
    world.running_service(0);
    world.configure(json!({"strategy": "BLUE_GREEN"}));
    world.deploy("web:2", &[]);
    world.until_completed();
    assert_eq!(world.record()["status"], "SUCCESSFUL");
}

/// Each step of production traffic, and how long it lasted.
#[test]
fn linear_and_canary_deployments_shift_step_by_step() {
    let rows = [
        (
            json!({"strategy": "LINEAR", "bakeTimeInMinutes": 1,
                "linearConfiguration": {"stepPercent": 30.0, "stepBakeTimeInMinutes": 2}}),
            vec![(30.0, 120), (60.0, 120), (90.0, 120), (100.0, 60)],
        ),
        (
            json!({"strategy": "CANARY", "bakeTimeInMinutes": 3,
                "canaryConfiguration": {"canaryPercent": 0.5, "canaryBakeTimeInMinutes": 10}}),
            vec![(0.5, 600), (100.0, 180)],
        ),
    ];
    for (configuration, expected) in rows {
        let mut world = balanced(configuration.clone());
        world.deploy("web:2", &[]);
        let mut steps: Vec<(f64, i64)> = Vec::new();
        world.until("it is done", |world| {
            let record = world.record();
            let (green, blue) = traffic(&record, "Production");
            assert!((green + blue - 100.0).abs() < 1e-9, "{green} {blue}");
            if green > 0.0 && steps.last().is_none_or(|(last, _)| *last < green) {
                steps.push((green, world.now.as_second()));
            }
            record["lifecycleStage"] == "CLEAN_UP"
        });
        let end = world.now.as_second();
        for (index, (percent, seconds)) in expected.iter().enumerate() {
            let until = steps.get(index + 1).map_or(end, |next| next.1);
            assert!((steps[index].0 - percent).abs() < 1e-9, "{steps:?}");
            let lasted = until - steps[index].1;
            assert!(
                (*seconds..seconds + 30).contains(&lasted),
                "{lasted} {configuration}"
            );
        }
        assert_eq!(steps.len(), expected.len());
        world.until_completed();
    }
}

#[test]
fn production_traffic_waits_until_green_is_healthy() {
    let mut world = balanced(json!({"strategy": "BLUE_GREEN"}));
    world.deploy("web:2", &[("behaviour", "elb-unhealthy")]);
    world.wait_seconds(6 * 3600);
    assert_eq!(stage(&mut world), "SCALE_UP");
    assert_eq!(traffic(&world.record(), "Production"), (0.0, 100.0));
    assert_eq!(world.states(), ["IN_PROGRESS", "COMPLETED"]);
}

#[test]
fn a_stage_that_lasts_a_day_fails_the_deployment() {
    let mut world = balanced(json!({"strategy": "BLUE_GREEN"}));
    let blue = world.ids()[0].clone();
    world.deploy("web:2", &[("behaviour", "elb-unhealthy")]);
    world.wait_seconds(24 * 3600 - 60);
    assert_eq!(world.record()["status"], "IN_PROGRESS");
    world.wait_seconds(600);
    assert_eq!(world.ids(), [blue]);
    let record = world.record();
    assert_eq!(record["status"], "ROLLBACK_SUCCESSFUL");
    assert!(text(&record["statusReason"]).contains("SCALE_UP"));
}

/// As the tests of Terraform's provider show; one of two pages says that it is
/// for rolling deployments only.
#[test]
fn the_circuit_breaker_watches_green_too() {
    let mut world = balanced(json!({
        "strategy": "BLUE_GREEN",
        "deploymentCircuitBreaker": {"enable": true, "rollback": true},
    }));
    let blue = world.ids()[0].clone();
    world.images.failure = Some(PullError::ManifestUnknown);
    world.deploy("web:2", &[]);
    world.until_completed();
    assert_eq!(world.ids(), [blue]);
    assert_eq!(world.record()["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(
        world.record()["deploymentCircuitBreaker"]["status"],
        "TRIGGERED"
    );
}

#[test]
fn an_alarm_while_it_bakes_brings_the_traffic_back_at_once() {
    let alarms = json!({"alarmNames": ["5xx"], "enable": true, "rollback": true});
    let mut world = balanced(json!({
        "strategy": "CANARY", "bakeTimeInMinutes": 30, "alarms": alarms,
    }));
    let blue = world.ids()[0].clone();
    let green = world.deploy("web:2", &[]);
    world.until("it bakes", |world| stage(world) == "BAKE_TIME");
    world.wait_seconds(600);
    let launched = world.tasks_of(&blue).len();
    world.alarm("5xx", true);
    let mut stages = Vec::new();
    let since = world.now;
    world.until("it is taken back", |world| {
        let record = world.record();
        let stage = text(&record["lifecycleStage"]);
        if stage == "CLEAN_UP" {
            assert_eq!(traffic(&record, "Production"), (0.0, 100.0));
        }
        if stages.last() != Some(&stage) {
            stages.push(stage);
        }
        record["status"] == "ROLLBACK_SUCCESSFUL"
    });
    let expected = [
        "BAKE_TIME",
        "SCALE_UP",
        "PRODUCTION_TRAFFIC_SHIFT",
        "TEST_TRAFFIC_SHIFT",
        "CLEAN_UP",
    ];
    assert_eq!(stages, expected);
    assert!(world.now.duration_since(since).as_secs() < 60);
    assert_eq!(world.ids(), [blue.as_str()]);
    assert_eq!(
        world.tasks_of(&blue).len(),
        launched,
        "blue has served all the time"
    );
    world.wait_seconds(60);
    let green = world.tasks_of(&green);
    assert!(green.iter().all(|task| task["lastStatus"] == "STOPPED"));
    let rollback = &world.record()["rollback"]["serviceRevisionArn"];
    assert_eq!(
        *rollback,
        world.record()["sourceServiceRevisions"][0]["arn"]
    );
}

#[test]
fn it_can_be_stopped_at_every_stage() {
    for wanted in [
        "PRE_SCALE_UP",
        "SCALE_UP",
        "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "BAKE_TIME",
        "CLEAN_UP",
    ] {
        let mut world = balanced(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}));
        let blue = world.ids()[0].clone();
        world.deploy("web:2", &[]);
        world.until("it is there", |world| stage(world) == wanted);
        world.wait_seconds(2);
        let arn = text(&world.record()["serviceDeploymentArn"]);
        world.call(
            "StopServiceDeployment",
            json!({ "serviceDeploymentArn": arn }),
        );
        world.until("it is taken back", |world| {
            assert!(
                world.service()["runningCount"].as_u64().unwrap() >= 2,
                "{wanted}"
            );
            world.record()["status"] == "ROLLBACK_SUCCESSFUL"
        });
        assert_eq!(world.ids(), [blue], "{wanted}");
        assert_eq!(traffic(&world.record(), "Production"), (0.0, 100.0));
        assert_eq!(world.service()["runningCount"], 2);
    }
}

/// A newer deployment comes while most, or little, of the traffic is on green:
/// the revision with most of it serves until the newest takes over.
#[test]
fn a_newer_deployment_reconciles_what_the_one_before_left() {
    for (strategy, wanted, serves) in [
        ("BLUE_GREEN", "PRE_PRODUCTION_TRAFFIC_SHIFT", 1),
        ("CANARY", "PRODUCTION_TRAFFIC_SHIFT", 1),
        ("BLUE_GREEN", "BAKE_TIME", 2),
    ] {
        let mut world = balanced(json!({"strategy": strategy, "bakeTimeInMinutes": 5}));
        world.deploy("web:2", &[]);
        world.until("it is there", |world| stage(world) == wanted);
        world.wait_seconds(2);
        let newest = world.deploy("web:3", &[]);
        world.until("it begins", |world| stage(world) == "RECONCILE_SERVICE");
        world.until("the leftovers are gone", |world| {
            stage(world) == "PRE_SCALE_UP"
        });
        let service = world.service();
        assert_eq!(service["deployments"].as_array().unwrap().len(), 2);
        let serving = text(&service["deployments"][1]["taskDefinition"]);
        assert!(
            serving.ends_with(&format!("web:{serves}")),
            "{wanted} {serving}"
        );
        assert_eq!(service["deployments"][1]["runningCount"], 2);
        world.until_completed();
        assert_eq!(world.ids(), [newest]);
        let statuses = statuses(&mut world);
        assert_eq!(statuses, ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]);
    }
}

#[test]
fn a_newer_deployment_during_the_way_back_keeps_what_was_gone_back_to() {
    let alarms = json!({"alarmNames": ["5xx"], "enable": true, "rollback": true});
    let mut world = balanced(json!({
        "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 30, "alarms": alarms,
    }));
    world.deploy("web:2", &[]);
    world.until("it bakes", |world| stage(world) == "BAKE_TIME");
    world.alarm("5xx", true);
    world.until("it is taken back", |world| {
        world.record()["status"] == "ROLLBACK_IN_PROGRESS"
    });
    world.alarm("5xx", false);
    world.deploy("web:3", &[]);
    world.until("the leftovers are gone", |world| {
        stage(world) == "PRE_SCALE_UP"
    });
    let serving = text(&world.service()["deployments"][1]["taskDefinition"]);
    assert!(serving.ends_with("web:1"), "{serving}");
    world.until_completed();
    let statuses = statuses(&mut world);
    assert_eq!(statuses, ["SUCCESSFUL", "ROLLBACK_FAILED", "SUCCESSFUL"]);
}

/// What a rolling deployment replaced half is made whole again as blue.
#[test]
fn blue_has_all_its_tasks_whatever_was_before() {
    let mut world = balanced(json!({"minimumHealthyPercent": 50, "maximumPercent": 100}));
    world.deploy("web:2", &[]);
    world.until("one of two is replaced", |world| {
        let deployments = world.service()["deployments"].clone();
        deployments[0]["runningCount"] == 1 && deployments[1]["runningCount"] == 1
    });
    world.configure(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}));
    world.deploy("web:3", &[]);
    world.until("green is up", |world| stage(world) == "POST_SCALE_UP");
    let service = world.service();
    let serving = text(&service["deployments"][1]["taskDefinition"]);
    assert!(serving.ends_with("web:1"), "{serving}");
    assert_eq!(service["deployments"][1]["runningCount"], 2);
    world.until_completed();
}

#[test]
fn a_stage_that_nothing_ever_happens_in_ends_too() {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    let mut request = service_request(&definition, 1);
    request["launchType"] = json!("EC2");
    request["deploymentConfiguration"] = json!({"strategy": "BLUE_GREEN"});
    world.call("CreateService", request);
    world.wait_seconds(24 * 3600 - 60);
    assert_eq!(stage(&mut world), "SCALE_UP");
    world.wait_seconds(120);
    assert_eq!(world.record()["status"], "ROLLBACK_FAILED");
    assert_eq!(world.states(), ["FAILED"]);
}

/// There is no second set of tasks for a new id to name.
#[test]
fn blue_keeps_its_id_whatever_rollbacks_are_asked_to_show() {
    let mut world = balanced(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5}));
    world.ecs.set_rollback_identity(RollbackIdentity::New);
    let blue = world.ids()[0].clone();
    world.deploy("web:2", &[]);
    world.until("it bakes", |world| stage(world) == "BAKE_TIME");
    let arn = text(&world.record()["serviceDeploymentArn"]);
    let request = json!({ "serviceDeploymentArn": arn });
    world.call("StopServiceDeployment", request);
    world.until_completed();
    assert_eq!(world.ids(), [blue]);
}

/// Both revisions are scaled, and neither beyond what is asked for.
#[test]
fn scaling_reaches_both_revisions() {
    let mut world = balanced(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 30}));
    world.deploy("web:2", &[]);
    world.until("it bakes", |world| stage(world) == "BAKE_TIME");
    for desired in [3, 1] {
        world.update(json!({ "desiredCount": desired }));
        world.wait_seconds(120);
        assert_eq!(tasks(&world.record(), "running"), (desired, desired));
        assert_eq!(stage(&mut world), "BAKE_TIME");
    }
}

#[test]
fn what_a_lost_task_of_either_revision_is_replaced_by_is_its_own() {
    let mut world = balanced(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 30}));
    world.deploy("web:2", &[]);
    world.until("it bakes", |world| stage(world) == "BAKE_TIME");
    for id in world.ids() {
        let tasks = world.tasks_of(&id);
        let lost = tasks
            .iter()
            .find(|task| task["lastStatus"] == "RUNNING")
            .unwrap();
        let lost = text(&lost["taskArn"]);
        world.call("StopTask", json!({"cluster": "prod", "task": lost}));
    }
    world.wait_seconds(120);
    assert_eq!(tasks(&world.record(), "running"), (2, 2));
}

#[test]
fn without_the_rollback_option_blue_and_green_stay() {
    let alarms = json!({"alarmNames": ["5xx"], "enable": true, "rollback": false});
    let mut world = balanced(json!({
        "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 30, "alarms": alarms,
    }));
    world.deploy("web:2", &[]);
    world.until("it bakes", |world| stage(world) == "BAKE_TIME");
    world.alarm("5xx", true);
    world.wait_seconds(3600);
    assert_eq!(world.states(), ["FAILED", "COMPLETED"]);
    let record = world.record();
    assert_eq!(record["status"], "STOPPED");
    let service = world.service();
    assert_eq!(service["deployments"][0]["runningCount"], 2);
    assert_eq!(service["deployments"][1]["runningCount"], 2);
    world.alarm("5xx", false);
    world.deploy("web:3", &[]);
    world.until("green serves while the next one begins", |world| {
        stage(world) == "PRE_SCALE_UP"
    });
    let serving = text(&world.service()["deployments"][1]["taskDefinition"]);
    assert!(serving.ends_with("web:2"), "it had the traffic");
    world.until_completed();
}

/// The service `web` of two tasks behind a load balancer.
fn balanced(configuration: Value) -> World {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    let mut request = service_request(&definition, 2);
    request["loadBalancers"] = json!([{
        "targetGroupArn": "arn:blue", "containerName": "web", "containerPort": 80,
        "advancedConfiguration": {"alternateTargetGroupArn": "arn:green"},
    }]);
    world.call("CreateService", request);
    world.until_completed();
    world.configure(configuration);
    world
}

fn stage(world: &mut World) -> String {
    let record = world.record();
    record["lifecycleStage"].as_str().unwrap_or("").to_owned()
}

/// The tasks of the new and of the old revision.
fn tasks(record: &Value, kind: &str) -> (i64, i64) {
    let count = |summary: &Value| summary[format!("{kind}TaskCount")].as_i64().unwrap();
    let target = count(&record["targetServiceRevision"]);
    (target, count(&record["sourceServiceRevisions"][0]))
}

/// The share of the traffic that the new and the old revision have.
fn traffic(record: &Value, kind: &str) -> (f64, f64) {
    let key = format!("requested{kind}TrafficWeight");
    let weight = |summary: &Value| summary[&key].as_f64();
    let target = weight(&record["targetServiceRevision"]).unwrap_or(0.0);
    let source = weight(&record["sourceServiceRevisions"][0]);
    (target, source.unwrap_or(100.0))
}

fn statuses(world: &mut World) -> Vec<String> {
    let request = json!({"cluster": "prod", "service": "web"});
    let found = world.call("ListServiceDeployments", request);
    let records = found["serviceDeployments"].as_array().unwrap();
    records
        .iter()
        .map(|record| text(&record["status"]))
        .collect()
}
