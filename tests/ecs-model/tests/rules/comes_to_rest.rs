//! Whatever is done to a service in whatever order, it comes to rest again.

use ecs_model::{HookAnswer, PullError, RollbackIdentity};
use serde_json::{Value, json};

use crate::world::{World, service_request, text};

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:check";

/// Numbers that look like chance, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.throw(choices.len() as u64)).unwrap()]
    }
}

#[test]
fn a_service_comes_to_rest_whatever_was_done_to_it() {
    for seed in 0..120 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        if dice.throw(2) == 0 {
            world.ecs.set_rollback_identity(RollbackIdentity::New);
        }
        let definition = world.register("web:1", json!({}));
        let mut request = service_request(&definition, 2);
        if dice.throw(2) == 0 {
            request["loadBalancers"] = json!([{"targetGroupArn": "arn:blue", "containerName": "web", "containerPort": 80}]);
        }
        world.call("CreateService", request);
        for _ in 0..12 {
            act(&mut world, &mut dice);
            let seconds = dice.choose(&[0, 1, 5, 20, 60, 300, 1_800]);
            for _ in 0..dice.throw(4) {
                world.wait_seconds(seconds);
                check(&mut world, seed);
            }
        }
        rest(&mut world, seed);
    }
}

/// Does one thing, which may be refused.
fn act(world: &mut World, dice: &mut Dice) {
    let name = format!("web:{}", 2 + dice.throw(4));
    let behaviour = dice.choose(&["healthy", "healthy", "exit", "elb-unhealthy"]);
    match dice.throw(9) {
        0..=2 => {
            world.deploy(&name, &[("behaviour", behaviour)]);
        }
        3 => {
            world.images.failure = dice.choose(&[None, Some(PullError::ManifestUnknown)]);
        }
        4 => {
            let firing = dice.throw(2) == 0;
            world.alarm("5xx", firing);
        }
        5 => {
            let desired = dice.throw(5);
            world.update(json!({ "desiredCount": desired }));
        }
        6 => configure(world, dice),
        7 => {
            let arn = world.record()["serviceDeploymentArn"].clone();
            let request = json!({ "serviceDeploymentArn": arn });
            let _refused = world.try_call("StopServiceDeployment", request);
        }
        _ => {
            let answers = [
                HookAnswer::Succeeded,
                HookAnswer::Failed,
                HookAnswer::InProgress,
            ];
            world.ecs.set_hook_answer(FUNCTION, dice.choose(&answers));
            let action = dice.choose(&["CONTINUE", "ROLLBACK"]);
            go_on(world, action);
        }
    }
}

fn configure(world: &mut World, dice: &mut Dice) {
    let strategy = dice.choose(&["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]);
    let stage = dice.choose(&["PRE_SCALE_UP", "POST_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT"]);
    let hooks = [
        json!({"targetType": "PAUSE", "lifecycleStages": [stage]}),
        json!({"hookTargetArn": FUNCTION, "roleArn": "arn:role", "lifecycleStages": [stage]}),
    ];
    let (alarms, breaker) = (dice.throw(2) == 0, dice.throw(2) == 0);
    let (minimum, maximum) = dice.choose(&[(100, 200), (50, 100), (0, 200)]);
    let bake = dice.throw(30);
    world.configure(json!({
        "strategy": strategy, "bakeTimeInMinutes": bake,
        "minimumHealthyPercent": minimum, "maximumPercent": maximum,
        "lifecycleHooks": &hooks[..usize::try_from(dice.throw(3)).unwrap()],
        "alarms": {"alarmNames": ["5xx"], "enable": alarms, "rollback": dice.throw(2) == 0},
        "deploymentCircuitBreaker": {"enable": breaker, "rollback": dice.throw(2) == 0},
    }));
}

/// Ends the first pause there is, if there is one.
fn go_on(world: &mut World, action: &str) {
    let record = world.record();
    let hooks = record["lifecycleHookDetails"].as_array();
    let mut hooks = hooks.into_iter().flatten();
    if let Some(hook) = hooks.find(|hook| hook["status"] == "AWAITING_ACTION") {
        let request = json!({
            "serviceDeploymentArn": record["serviceDeploymentArn"],
            "hookId": hook["hookId"], "action": action,
        });
        let _refused = world.try_call("ContinueServiceDeployment", request);
    }
}

/// What is true of a service at any time.
fn check(world: &mut World, seed: u64) {
    let service = world.service();
    let deployments = service["deployments"].as_array().unwrap();
    let count = |one: &Value, key: &str| one[key].as_i64().unwrap();
    for key in ["runningCount", "pendingCount"] {
        let sum: i64 = deployments.iter().map(|one| count(one, key)).sum();
        assert_eq!(count(&service, key), sum, "{key}, seed {seed}");
    }
    assert_eq!(deployments[0]["status"], "PRIMARY");
    assert_eq!(
        deployments[0]["taskDefinition"], service["taskDefinition"],
        "seed {seed}"
    );
    let request = json!({"cluster": "prod", "service": "web"});
    let listed = world.call("ListServiceDeployments", request);
    let records = listed["serviceDeployments"].as_array().unwrap();
    let underway = [
        "PENDING",
        "IN_PROGRESS",
        "ROLLBACK_REQUESTED",
        "ROLLBACK_IN_PROGRESS",
    ];
    let open = records
        .iter()
        .filter(|record| underway.contains(&&*text(&record["status"])));
    assert!(open.count() <= 1, "one at a time, seed {seed}: {listed:#}");
}

/// Takes away all that stands in a deployment's way, and waits for one.
fn rest(world: &mut World, seed: u64) {
    world.images.failure = None;
    world.alarm("5xx", false);
    world.ecs.set_hook_answer(FUNCTION, HookAnswer::Succeeded);
    // One task of one can otherwise be neither stopped nor doubled.
    world.configure(json!({"minimumHealthyPercent": 0, "maximumPercent": 200}));
    world.deploy("web:9", &[]);
    let mut steps = 0;
    world.until(&format!("it rests, seed {seed}"), |world| {
        steps += 1;
        assert!(steps < 5_000, "seed {seed}: {:#}", world.service());
        go_on(world, "CONTINUE");
        let service = world.service();
        service["deployments"].as_array().unwrap().len() == 1
            && service["deployments"][0]["rolloutState"] == "COMPLETED"
    });
    let record = world.record();
    assert_eq!(record["status"], "SUCCESSFUL", "seed {seed}");
    world.wait_seconds(300);
    let service = world.service();
    assert_eq!(service["runningCount"], service["desiredCount"]);
    let told = world.events.len();
    world.wait_seconds(1_800);
    assert_eq!(world.service()["runningCount"], service["desiredCount"]);
    assert_eq!(world.events.len(), told, "seed {seed}");
}
