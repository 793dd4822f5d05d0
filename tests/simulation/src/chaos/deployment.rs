//! How a service deploys: drawn from the seed.

use serde_json::{Value, json};

use super::plan::pick;

/// The function that some lifecycle hooks call.
pub(super) const HOOK_FUNCTION: &str = "arn:aws:lambda:eu-west-1:123456789012:function:check";

/// The stages at which a pause can be configured.
///
/// Source: "Constraints" at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html>.
const PAUSES: &[&str] = &[
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
];

/// Draws a service's deployment configuration; nothing where it keeps ECS's defaults.
pub(super) fn draw(rng: &mut fastrand::Rng, alarm: &str, with_hooks: bool) -> Option<Value> {
    let mut configuration = strategy(rng);
    let rolls_back = rng.u8(0..4) > 0;
    match rng.u8(0..8) {
        0 | 1 => {
            configuration["deploymentCircuitBreaker"] = json!({
                "enable": true, "rollback": rolls_back, "resetOnHealthyTask": rng.bool(),
                "thresholdConfiguration": pick(rng, &[
                    json!({ "type": "BOUNDED_PERCENT", "value": 50 }),
                    json!({ "type": "COUNT", "value": 2 }),
                ]),
            });
        }
        2 => {
            configuration["alarms"] =
                json!({ "alarmNames": [alarm], "enable": true, "rollback": rolls_back });
        }
        _ => {}
    }
    if with_hooks && rng.bool() {
        configuration["lifecycleHooks"] = hooks(rng);
    }
    let is_default = configuration == json!({});
    (!is_default).then_some(configuration)
}

fn strategy(rng: &mut fastrand::Rng) -> Value {
    match rng.u8(0..10) {
        0 | 1 => json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": rng.u32(0..=3) }),
        2 => json!({
            "strategy": "LINEAR", "bakeTimeInMinutes": rng.u32(0..=2),
            "linearConfiguration": {
                "stepPercent": pick(rng, &[20.0, 50.0]), "stepBakeTimeInMinutes": rng.u32(0..=2),
            },
        }),
        3 => json!({
            "strategy": "CANARY", "bakeTimeInMinutes": rng.u32(0..=2),
            "canaryConfiguration": {
                "canaryPercent": 10.0, "canaryBakeTimeInMinutes": rng.u32(0..=3),
            },
        }),
        4 => json!({ "minimumHealthyPercent": 50, "maximumPercent": 100 }),
        5 => json!({ "minimumHealthyPercent": 0, "maximumPercent": 150 }),
        _ => json!({}),
    }
}

/// Says whether a deployment configuration has hooks that wait for a person.
pub(super) fn pauses(configuration: &Value) -> bool {
    let hooks = configuration["lifecycleHooks"].as_array();
    hooks.is_some_and(|hooks| hooks.iter().any(|hook| hook["targetType"] == "PAUSE"))
}

fn hooks(rng: &mut fastrand::Rng) -> Value {
    // Before each of five steps forth and back it is less than the two hours at the end.
    let timeout = json!({
        "timeoutInMinutes": rng.u32(1..=9), "action": pick(rng, &["ROLLBACK", "CONTINUE"]),
    });
    let stage = *pick(rng, PAUSES);
    if rng.u8(0..3) > 0 {
        return json!([{
            "targetType": "PAUSE", "lifecycleStages": [stage], "timeoutConfiguration": timeout,
        }]);
    }
    json!([{
        "targetType": "AWS_LAMBDA", "hookTargetArn": HOOK_FUNCTION, "lifecycleStages": [stage],
        "timeoutConfiguration": timeout,
    }])
}
