//! Lifecycle hooks: pauses and functions, in deployments of every kind.

use ecs_model::{HookAnswer, ServiceError};
use serde_json::{Value, json};

use crate::events::assert_same_keys;
use crate::world::{World, service_request, text};

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:check";

#[test]
fn a_pause_holds_a_deployment_up_until_it_is_told_to_go_on() {
    let mut world = hooked(json!([pause(&["POST_TEST_TRAFFIC_SHIFT"])]));
    world.deploy("web:2", &[]);
    world.until("it waits", |world| {
        stage(world) == "POST_TEST_TRAFFIC_SHIFT"
    });
    world.wait_seconds(20 * 3600);
    assert_eq!(stage(&mut world), "POST_TEST_TRAFFIC_SHIFT");
    let record = world.record();
    let hook = &record["lifecycleHookDetails"][0];
    assert_eq!(hook["status"], "AWAITING_ACTION");
    assert_eq!(hook["targetType"], "PAUSE");
    assert_eq!(hook["timeoutAction"], "ROLLBACK");
    assert!(hook.get("targetArn").is_none());
    assert!(text(&hook["hookId"]).starts_with("ecs-pause-"));
    act(&mut world, json!({"action": "CONTINUE"})).unwrap();
    world.until_completed();
    assert_eq!(world.record()["status"], "SUCCESSFUL");
    assert_eq!(told(&world), ["AWAITING_ACTION", "SUCCEEDED"]);
    let event = world.events_of("ECS Hook State Change")[0];
    assert_same_keys(event, "ecs_hook_state_change__awaiting_action.json");
    let detail = &event["detail"];
    assert_eq!(
        detail["serviceDeploymentArn"],
        record["serviceDeploymentArn"]
    );
    assert_eq!(event["resources"][0], record["serviceDeploymentArn"]);
    assert_eq!(detail["lifecycleStage"], "POST_TEST_TRAFFIC_SHIFT");
    assert_eq!(detail["hookId"], hook["hookId"]);
}

#[test]
fn a_pause_can_be_ended_by_going_back() {
    let mut world = hooked(json!([pause(&["PRE_SCALE_UP"])]));
    let blue = world.ids()[0].clone();
    world.deploy("web:2", &[]);
    world.until("it waits", |world| stage(world) == "PRE_SCALE_UP");
    act(&mut world, json!({"action": "ROLLBACK"})).unwrap();
    world.until_completed();
    assert_eq!(world.ids(), [blue]);
    let record = world.record();
    assert_eq!(record["status"], "ROLLBACK_SUCCESSFUL");
    let reason = "Service deployment rolled back because PRE_SCALE_UP lifecycle hook(s) failed.";
    assert_eq!(record["statusReason"], reason);
    assert_eq!(told(&world), ["AWAITING_ACTION", "FAILED"]);
    let messages = world.messages().join("\n");
    assert!(messages.contains(&format!("deployment failed: {reason}")));
}

#[test]
fn nobody_answers_a_pause() {
    for (timeout, expected) in [
        (json!({"timeoutInMinutes": 30}), "ROLLBACK_SUCCESSFUL"),
        (
            json!({"timeoutInMinutes": 30, "action": "CONTINUE"}),
            "SUCCESSFUL",
        ),
        (json!({}), "ROLLBACK_SUCCESSFUL"),
    ] {
        let mut hook = pause(&["POST_SCALE_UP"]);
        hook["timeoutConfiguration"] = timeout.clone();
        let mut world = hooked(json!([hook]));
        world.deploy("web:2", &[]);
        world.until("it waits", |world| stage(world) == "POST_SCALE_UP");
        let minutes = timeout["timeoutInMinutes"].as_i64().unwrap_or(1440);
        world.wait_seconds(minutes * 60 - 5);
        assert_eq!(stage(&mut world), "POST_SCALE_UP");
        world.wait_seconds(300);
        assert_eq!(world.record()["status"], expected, "{timeout}");
        assert_eq!(told(&world), ["AWAITING_ACTION", "TIMED_OUT"]);
    }
}

/// A pause may last longer than the day that a stage may.
#[test]
fn a_long_pause_is_longer_than_a_stage_may_last() {
    let mut hook = pause(&["PRE_SCALE_UP"]);
    hook["timeoutConfiguration"] = json!({"timeoutInMinutes": 20_160});
    let mut world = hooked(json!([hook]));
    world.deploy("web:2", &[]);
    world.wait_seconds(13 * 24 * 3600);
    assert_eq!(stage(&mut world), "PRE_SCALE_UP");
    act(&mut world, json!({})).unwrap();
    world.until_completed();
    assert_eq!(
        world.record()["status"],
        "SUCCESSFUL",
        "the default is to go on"
    );
}

#[test]
fn all_hooks_of_a_stage_must_let_it_go_on() {
    let hooks = json!([
        pause(&["PRE_SCALE_UP"]),
        pause(&["PRE_SCALE_UP"]),
        function(&["PRE_SCALE_UP"])
    ]);
    let mut world = hooked(hooks);
    world.deploy("web:2", &[]);
    world.until("it waits", |world| stage(world) == "PRE_SCALE_UP");
    world.wait_seconds(60);
    let count = world.record()["lifecycleHookDetails"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(count, 3);
    act(&mut world, json!({})).unwrap();
    world.wait_seconds(60);
    assert_eq!(
        stage(&mut world),
        "PRE_SCALE_UP",
        "one more awaits an action"
    );
    act(&mut world, json!({})).unwrap();
    world.wait_seconds(10);
    assert_eq!(stage(&mut world), "SCALE_UP");
}

#[test]
fn one_hook_that_goes_back_is_enough() {
    let hooks = json!([pause(&["PRE_SCALE_UP"]), pause(&["PRE_SCALE_UP"])]);
    let mut world = hooked(hooks);
    world.deploy("web:2", &[]);
    world.until("it waits", |world| stage(world) == "PRE_SCALE_UP");
    act(&mut world, json!({"action": "ROLLBACK"})).unwrap();
    world.until_completed();
    assert_eq!(world.record()["status"], "ROLLBACK_SUCCESSFUL");
}

/// The example of the page: a pause before each of five steps.
#[test]
fn a_linear_deployment_pauses_before_each_step() {
    let mut world = hooked(json!([pause(&["PRE_PRODUCTION_TRAFFIC_SHIFT"])]));
    world.configure(json!({
        "strategy": "LINEAR",
        "linearConfiguration": {"stepPercent": 20.0, "stepBakeTimeInMinutes": 0},
    }));
    world.deploy("web:2", &[]);
    let mut ids = Vec::new();
    for _ in 0..5 {
        world.until("it waits", |world| {
            let id = awaiting(world);
            stage(world) == "PRE_PRODUCTION_TRAFFIC_SHIFT" && !id.is_empty() && !ids.contains(&id)
        });
        ids.push(awaiting(&mut world));
        act(&mut world, json!({})).unwrap();
    }
    world.until_completed();
    assert_eq!(told(&world).len(), 10);
}

#[test]
fn a_function_is_called_until_it_is_done() {
    let mut world = hooked(json!([function(&["POST_SCALE_UP"])]));
    world.ecs.set_hook_answer(FUNCTION, HookAnswer::InProgress);
    world.deploy("web:2", &[]);
    world.until("it waits", |world| stage(world) == "POST_SCALE_UP");
    let since = world.now;
    world.wait_seconds(600);
    let hook = world.record()["lifecycleHookDetails"][0].clone();
    assert_eq!(hook["status"], "IN_PROGRESS");
    assert_eq!(hook["targetArn"], FUNCTION);
    assert_eq!(hook["targetType"], "AWS_LAMBDA");
    world.ecs.set_hook_answer(FUNCTION, HookAnswer::Succeeded);
    world.until("it goes on", |world| stage(world) != "POST_SCALE_UP");
    let waited = world.now.duration_since(since).as_secs() - 600;
    assert!((0..=36).contains(&waited), "{waited}");
    assert_eq!(told(&world), ["IN_PROGRESS", "SUCCEEDED"]);
}

/// It is not called before 30 seconds are over, whatever else happens.
#[test]
fn a_function_is_called_every_thirty_seconds() {
    let mut world = hooked(json!([function(&["POST_SCALE_UP"])]));
    world.ecs.set_hook_answer(FUNCTION, HookAnswer::InProgress);
    world.deploy("web:2", &[]);
    world.until("it waits", |world| stage(world) == "POST_SCALE_UP");
    world.wait_seconds(5);
    world.ecs.set_hook_answer(FUNCTION, HookAnswer::Succeeded);
    world.update(json!({"desiredCount": 2}));
    world.wait_seconds(20);
    assert_eq!(stage(&mut world), "POST_SCALE_UP");
    world.wait_seconds(15);
    assert_eq!(told(&world), ["IN_PROGRESS", "SUCCEEDED"]);
}

/// A function goes back to what completed last, a pause to the revision before.
#[test]
fn the_two_kinds_go_back_to_different_revisions() {
    for (hook, expected) in [
        (function(&["PRE_SCALE_UP"]), "web:1"),
        (pause(&["PRE_SCALE_UP"]), "web:2"),
    ] {
        let mut world = hooked(json!([hook]));
        world.configure(json!({"strategy": "ROLLING", "lifecycleHooks": []}));
        world.ecs.set_hook_answer(FUNCTION, HookAnswer::Failed);
        world.deploy("web:2", &[]);
        world.until("web:2 runs", |world| world.service()["runningCount"] == 2);
        world.configure(json!({"strategy": "BLUE_GREEN", "lifecycleHooks": [hook]}));
        world.deploy("web:3", &[]);
        let is_pause = hook["targetType"] == "PAUSE";
        world.until("it begins", |world| {
            !(is_pause && awaiting(world).is_empty())
        });
        if is_pause {
            act(&mut world, json!({"action": "ROLLBACK"})).unwrap();
        }
        world.until_completed();
        let definition = text(&world.service()["taskDefinition"]);
        assert!(definition.ends_with(expected), "{hook} {definition}");
        assert_eq!(world.record()["status"], "ROLLBACK_SUCCESSFUL");
    }
}

#[test]
fn a_function_that_fails_takes_the_deployment_back() {
    let mut world = hooked(json!([function(&["PRE_PRODUCTION_TRAFFIC_SHIFT"])]));
    let blue = world.ids()[0].clone();
    world.ecs.set_hook_answer(FUNCTION, HookAnswer::Failed);
    world.deploy("web:2", &[]);
    world.until_completed();
    assert_eq!(world.ids(), [blue]);
    let record = world.record();
    assert_eq!(record["status"], "ROLLBACK_SUCCESSFUL");
    assert!(text(&record["statusReason"]).contains("PRE_PRODUCTION_TRAFFIC_SHIFT"));
    assert_eq!(told(&world), ["IN_PROGRESS", "FAILED"]);
}

#[test]
fn the_traffic_stages_are_told_of_on_the_way_back_too() {
    let stages = [
        "TEST_TRAFFIC_SHIFT",
        "PRODUCTION_TRAFFIC_SHIFT",
        "POST_SCALE_UP",
    ];
    let mut world = hooked(json!([function(&stages)]));
    world.configure(json!({"bakeTimeInMinutes": 60}));
    world.deploy("web:2", &[]);
    world.until("it bakes", |world| stage(world) == "BAKE_TIME");
    let arn = text(&world.record()["serviceDeploymentArn"]);
    world.call(
        "StopServiceDeployment",
        json!({ "serviceDeploymentArn": arn }),
    );
    world.until_completed();
    let events = world.events_of("ECS Hook State Change");
    let called = events
        .iter()
        .filter(|event| event["detail"]["eventName"] == "HOOK_IN_PROGRESS");
    let called: Vec<String> = called
        .map(|event| text(&event["detail"]["lifecycleStage"]))
        .collect();
    assert_eq!(
        called,
        [
            "POST_SCALE_UP",
            "TEST_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "PRODUCTION_TRAFFIC_SHIFT",
            "TEST_TRAFFIC_SHIFT",
        ]
    );
    let answered = told(&world);
    assert_eq!(
        answered.iter().filter(|name| *name == "SUCCEEDED").count(),
        5
    );
}

#[test]
fn a_rolling_deployment_can_be_paused_before_and_after() {
    let mut world = World::new();
    world.running_service(2);
    let old = world.ids()[0].clone();
    let hooks = json!([pause(&["PRE_SCALE_UP", "POST_SCALE_UP"])]);
    world.configure(json!({"lifecycleHooks": hooks, "minimumHealthyPercent": 0}));
    let new = world.deploy("web:2", &[]);
    world.until("it waits", |world| stage(world) == "PRE_SCALE_UP");
    world.wait_seconds(3600);
    assert!(world.tasks_of(&new).is_empty());
    assert_eq!(world.service()["deployments"][1]["runningCount"], 2);
    act(&mut world, json!({})).unwrap();
    world.until("it waits again", |world| {
        let old = world.service()["deployments"].as_array().unwrap().len() - 1;
        assert!(old == 0 || stage(world) != "POST_SCALE_UP");
        stage(world) == "POST_SCALE_UP"
    });
    world.wait_seconds(3600);
    assert_eq!(world.states(), ["IN_PROGRESS"]);
    assert_eq!(world.service()["runningCount"], 2);
    act(&mut world, json!({"action": "ROLLBACK"})).unwrap();
    world.until_completed();
    assert_eq!(world.ids(), [old]);
    assert_eq!(world.record()["status"], "ROLLBACK_SUCCESSFUL");
    world.configure(json!({"lifecycleHooks": []}));
    world.deploy("web:3", &[]);
    world.until_completed();
    assert!(world.record().get("lifecycleStage").is_none());
}

/// No traffic is shifted, whatever the service is behind.
#[test]
fn a_rolling_deployment_skips_the_traffic_stages() {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    let mut request = service_request(&definition, 1);
    request["loadBalancers"] =
        json!([{"targetGroupArn": "arn:blue", "containerName": "web", "containerPort": 80}]);
    world.call("CreateService", request);
    world.until_completed();
    world.configure(json!({"lifecycleHooks": [function(&["PRE_SCALE_UP"])]}));
    world.deploy("web:2", &[]);
    let mut stages = Vec::new();
    world.until("it is done", |world| {
        let record = world.record();
        let target = &record["targetServiceRevision"];
        assert!(target.get("requestedProductionTrafficWeight").is_none());
        let stage = record["lifecycleStage"].as_str().unwrap_or("").to_owned();
        if stages.last() != Some(&stage) {
            stages.push(stage);
        }
        record["status"] == "SUCCESSFUL"
    });
    let expected = [
        "",
        "PRE_SCALE_UP",
        "SCALE_UP",
        "POST_SCALE_UP",
        "BAKE_TIME",
        "CLEAN_UP",
    ];
    assert_eq!(stages, expected);
}

/// While it waits, what an earlier deployment left half done stays so.
#[test]
fn a_rolling_deployment_that_waits_changes_nothing() {
    let mut world = World::new();
    world.running_service(2);
    world.configure(json!({"minimumHealthyPercent": 50, "maximumPercent": 100}));
    world.deploy("web:2", &[]);
    let counts = |world: &mut World| {
        let service = world.service();
        let deployments = service["deployments"].as_array().unwrap();
        let counts = deployments.iter().map(|one| one["runningCount"].as_i64());
        counts.map(Option::unwrap).collect::<Vec<_>>()
    };
    world.until("one of two is replaced", |world| counts(world) == [1, 1]);
    world.configure(json!({"lifecycleHooks": [pause(&["PRE_SCALE_UP"])]}));
    world.deploy("web:3", &[]);
    world.until("it waits", |world| stage(world) == "PRE_SCALE_UP");
    world.wait_seconds(3600);
    assert_eq!(counts(&mut world), [0, 1, 1]);
}

#[test]
fn a_rolling_deployment_with_hooks_bakes_once() {
    let mut world = World::new();
    world.running_service(1);
    world.configure(json!({
        "lifecycleHooks": [pause(&["POST_SCALE_UP"])],
        "alarms": {"alarmNames": ["5xx"], "enable": true, "rollback": true},
        "bakeTimeInMinutes": 10,
    }));
    world.deploy("web:2", &[]);
    world.until("it waits", |world| stage(world) == "POST_SCALE_UP");
    act(&mut world, json!({})).unwrap();
    let since = world.now;
    world.until_completed();
    let took = world.now.duration_since(since).as_secs();
    assert!((600..630).contains(&took), "{took}");
}

#[test]
fn a_rolling_deployment_with_hooks_goes_back_without_waiting() {
    let mut world = World::new();
    world.running_service(1);
    world.configure(json!({
        "lifecycleHooks": [function(&["POST_SCALE_UP"])],
        "alarms": {"alarmNames": ["5xx"], "enable": true, "rollback": true},
        "bakeTimeInMinutes": 600,
    }));
    world.deploy("web:2", &[]);
    world.until("it bakes", |world| stage(world) == "BAKE_TIME");
    world.alarm("5xx", true);
    world.wait_seconds(300);
    let record = world.record();
    assert_eq!(record["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(record["lifecycleStage"], "CLEAN_UP");
}

/// A revision that never completed serves all the same.
#[test]
fn what_still_waits_to_complete_is_blue_to_the_next() {
    let mut world = World::new();
    world.running_service(2);
    world.configure(json!({"lifecycleHooks": [pause(&["POST_SCALE_UP"])]}));
    world.deploy("web:2", &[]);
    world.until("all is replaced", |world| stage(world) == "POST_SCALE_UP");
    world.configure(json!({"strategy": "BLUE_GREEN", "lifecycleHooks": []}));
    world.deploy("web:3", &[]);
    world.until("it is done", |world| {
        assert!(world.service()["runningCount"].as_i64().unwrap() >= 2);
        world.record()["status"] == "SUCCESSFUL"
    });
}

#[test]
fn what_awaits_no_action_cannot_be_continued() {
    let mut world = hooked(json!([pause(&["PRE_SCALE_UP"])]));
    world.deploy("web:2", &[]);
    world.until("it waits", |world| stage(world) == "PRE_SCALE_UP");
    let arn = text(&world.record()["serviceDeploymentArn"]);
    let hook = awaiting(&mut world);
    for (arn, hook, action, expected) in [
        (
            arn.as_str(),
            "ecs-pause-none",
            "CONTINUE",
            "InvalidParameterException",
        ),
        (
            arn.as_str(),
            hook.as_str(),
            "PANIC",
            "InvalidParameterException",
        ),
        (
            "arn:none",
            hook.as_str(),
            "CONTINUE",
            "ServiceDeploymentNotFoundException",
        ),
    ] {
        let request = json!({"serviceDeploymentArn": arn, "hookId": hook, "action": action});
        let error = world.refused("ContinueServiceDeployment", request);
        assert_eq!(error.code, expected);
    }
    act(&mut world, json!({})).unwrap();
    let again = json!({"serviceDeploymentArn": arn, "hookId": hook});
    let error = world.refused("ContinueServiceDeployment", again);
    assert_eq!(error.code, "InvalidParameterException");
    world.deploy("web:3", &[]);
    world.until("it waits", |world| stage(world) == "PRE_SCALE_UP");
    let arn = text(&world.record()["serviceDeploymentArn"]);
    world.call(
        "StopServiceDeployment",
        json!({ "serviceDeploymentArn": arn }),
    );
    let late = json!({"serviceDeploymentArn": arn, "hookId": awaiting(&mut world)});
    let error = world.refused("ContinueServiceDeployment", late);
    assert_eq!(
        error.code, "InvalidParameterException",
        "it is not IN_PROGRESS any more"
    );
}

/// The service `web` of one task, deployed blue/green with hooks.
fn hooked(hooks: Value) -> World {
    let mut world = World::new();
    world.running_service(1);
    world.configure(json!({"strategy": "BLUE_GREEN", "lifecycleHooks": hooks}));
    world
}

fn pause(stages: &[&str]) -> Value {
    json!({"targetType": "PAUSE", "lifecycleStages": stages})
}

fn function(stages: &[&str]) -> Value {
    json!({"hookTargetArn": FUNCTION, "roleArn": "arn:role", "lifecycleStages": stages})
}

fn stage(world: &mut World) -> String {
    let record = world.record();
    record["lifecycleStage"].as_str().unwrap_or("").to_owned()
}

/// The first hook that awaits an action.
fn awaiting(world: &mut World) -> String {
    let record = world.record();
    let hooks = record["lifecycleHookDetails"].as_array();
    let mut hooks = hooks.into_iter().flatten();
    let hook = hooks.find(|hook| hook["status"] == "AWAITING_ACTION");
    hook.map(|hook| text(&hook["hookId"])).unwrap_or_default()
}

/// Acts on the first hook that awaits an action.
fn act(world: &mut World, mut request: Value) -> Result<Value, ServiceError> {
    request["serviceDeploymentArn"] = world.record()["serviceDeploymentArn"].clone();
    request["hookId"] = json!(awaiting(world));
    world.try_call("ContinueServiceDeployment", request)
}

/// What the bus heard of hooks.
fn told(world: &World) -> Vec<String> {
    let events = world.events_of("ECS Hook State Change");
    let names = events
        .iter()
        .map(|event| text(&event["detail"]["eventName"]));
    names.map(|name| name.replace("HOOK_", "")).collect()
}
