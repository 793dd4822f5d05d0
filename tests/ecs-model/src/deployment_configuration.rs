//! How a service is deployed: what `deploymentConfiguration` says, as the model
//! acts on it, and as it came.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::circuit_breaker::{CircuitBreaker, CircuitBreakerMembers};
use crate::error::ServiceError;
use crate::service::SchedulingStrategy;

/// How a service is deployed: what the model acts on, and all that was said
/// about it.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentConfiguration {
    /// How many tasks may be there during a deployment, in percent of the desired count.
    pub maximum_percent: u32,
    /// How many must be healthy during one, in percent of the desired count.
    pub minimum_healthy_percent: u32,
    /// For how long the deployment is watched when everything runs; 0 leaves it to ECS.
    pub bake_time_minutes: u32,
    /// The deployment circuit breaker.
    pub circuit_breaker: CircuitBreaker,
    /// The deployment alarms.
    pub alarms: DeploymentAlarms,
    /// Every member as it came, with ECS's defaults.
    pub document: Map<String, Value>,
}

/// Which alarms fail a deployment.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentAlarms.html>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeploymentAlarms {
    /// Their names.
    pub names: Vec<String>,
    /// Whether they fail deployments.
    pub is_enabled: bool,
    /// Whether the service then goes back to what completed last.
    pub rolls_back: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Members {
    strategy: Option<String>,
    bake_time_in_minutes: Option<i64>,
    deployment_circuit_breaker: Option<CircuitBreakerMembers>,
    alarms: Option<AlarmMembers>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AlarmMembers {
    alarm_names: Vec<String>,
    enable: bool,
    rollback: bool,
}

impl DeploymentConfiguration {
    /// ECS's defaults.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>.
    pub fn defaults(strategy: SchedulingStrategy) -> Self {
        let (maximum_percent, minimum_healthy_percent) = match strategy {
            SchedulingStrategy::Replica => (200, 100),
            SchedulingStrategy::Daemon => (100, 0),
        };
        let members = [
            (
                "deploymentCircuitBreaker",
                json!({
                    "enable": false,
                    "rollback": false,
                    "resetOnHealthyTask": true,
                    "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50},
                }),
            ),
            ("maximumPercent", json!(maximum_percent)),
            ("minimumHealthyPercent", json!(minimum_healthy_percent)),
            ("strategy", json!("ROLLING")),
            ("bakeTimeInMinutes", json!(0)),
        ];
        DeploymentConfiguration {
            maximum_percent,
            minimum_healthy_percent,
            bake_time_minutes: 0,
            circuit_breaker: CircuitBreaker::default(),
            alarms: DeploymentAlarms::default(),
            document: members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        }
    }

    /// Takes over what a request names; what it leaves out stays, within the
    /// circuit breaker too.
    ///
    /// # Errors
    ///
    /// `InvalidParameterException` for what cannot be, such as percentages that
    /// block every deployment; `SerializationException` for a member of another
    /// type; `UnsupportedFeatureException` for a strategy that this model does
    /// not play.
    pub(crate) fn with(&self, update: &Map<String, Value>) -> Result<Self, ServiceError> {
        let mut document = self.document.clone();
        for (key, value) in update.iter().filter(|(_, value)| !value.is_null()) {
            merge(&mut document, key, value);
        }
        let members = Members::deserialize(&document)
            .map_err(|error| ServiceError::new("SerializationException", error.to_string()))?;
        if members.strategy.as_deref() != Some("ROLLING") {
            return Err(ServiceError::unsupported(format!(
                "The local model of ECS deploys with the ROLLING strategy only, not with {}.",
                members.strategy.as_deref().unwrap_or("nothing")
            )));
        }
        let breaker = members.deployment_circuit_breaker.unwrap_or_default();
        let alarms = members.alarms.unwrap_or_default();
        let configuration = DeploymentConfiguration {
            maximum_percent: percent(&document, "maximumPercent")?,
            minimum_healthy_percent: percent(&document, "minimumHealthyPercent")?,
            bake_time_minutes: bake_time(members.bake_time_in_minutes)?,
            circuit_breaker: breaker.read()?,
            alarms: DeploymentAlarms {
                names: alarms.alarm_names,
                is_enabled: alarms.enable,
                rolls_back: alarms.rollback,
            },
            document,
        };
        if configuration.maximum_percent == 100 && configuration.minimum_healthy_percent == 100 {
            return Err(ServiceError::invalid_parameter(
                "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block \
                 deployments.",
            ));
        }
        Ok(configuration)
    }

    /// How many tasks may be there during a deployment, rounded down.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>.
    pub fn maximum(&self, desired_count: u32) -> u32 {
        let tasks = u64::from(desired_count) * u64::from(self.maximum_percent) / 100;
        u32::try_from(tasks).unwrap_or(u32::MAX)
    }

    /// How many tasks must be healthy during one, rounded up.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>.
    pub fn minimum(&self, desired_count: u32) -> u32 {
        let tasks =
            (u64::from(desired_count) * u64::from(self.minimum_healthy_percent)).div_ceil(100);
        u32::try_from(tasks).unwrap_or(u32::MAX)
    }
}

/// Puts a member into a document. Of the circuit breaker what is left out stays:
/// no page says so, but tools that update services rely on it.
fn merge(document: &mut Map<String, Value>, key: &str, value: &Value) {
    if key == "deploymentCircuitBreaker"
        && let (Some(own), Some(update)) = (
            document.get_mut(key).and_then(Value::as_object_mut),
            value.as_object(),
        )
    {
        for (key, value) in update.iter().filter(|(_, value)| !value.is_null()) {
            own.insert(key.clone(), value.clone());
        }
        return;
    }
    document.insert(key.to_owned(), value.clone());
}

fn percent(document: &Map<String, Value>, key: &str) -> Result<u32, ServiceError> {
    document
        .get(key)
        .and_then(Value::as_u64)
        .and_then(|percent| u32::try_from(percent).ok())
        .ok_or_else(|| {
            ServiceError::invalid_parameter(format!("{key} must be a number that is not negative."))
        })
}

fn bake_time(minutes: Option<i64>) -> Result<u32, ServiceError> {
    u32::try_from(minutes.unwrap_or(0))
        .map_err(|_| ServiceError::invalid_parameter("bakeTimeInMinutes must not be negative."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit_breaker::Threshold;

    #[test]
    fn the_documented_examples_of_percentages_come_out() {
        let configuration = |minimum: u32, maximum: u32| {
            with(json!({"minimumHealthyPercent": minimum, "maximumPercent": maximum})).unwrap()
        };
        assert_eq!(configuration(50, 200).minimum(4), 2);
        assert_eq!(configuration(75, 200).minimum(2), 2);
        assert_eq!(configuration(100, 200).maximum(4), 8);
        assert_eq!(configuration(0, 125).maximum(3), 3);
    }

    #[test]
    fn defaults_depend_on_the_scheduling_strategy() {
        let replica = DeploymentConfiguration::defaults(SchedulingStrategy::Replica);
        assert_eq!(replica.maximum(1), 2);
        assert_eq!(replica.minimum(1), 1);
        let daemon = DeploymentConfiguration::defaults(SchedulingStrategy::Daemon);
        assert_eq!(daemon.maximum(1), 1);
        assert_eq!(daemon.minimum(1), 0);
    }

    #[test]
    fn the_defaults_read_as_what_they_say() {
        let defaults = DeploymentConfiguration::defaults(SchedulingStrategy::Replica);
        assert_eq!(defaults.with(&Map::new()).unwrap(), defaults);
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let refused = |update: Value| with(update).unwrap_err();
        let blocked = refused(json!({"maximumPercent": 100}));
        assert!(blocked.message.contains("will block deployments"));
        let breaker = |threshold: Value| json!({"deploymentCircuitBreaker": {"thresholdConfiguration": threshold}});
        for update in [
            json!({"maximumPercent": -1}),
            json!({"bakeTimeInMinutes": -1}),
            breaker(json!({"type": "COUNT", "value": 0})),
            breaker(json!({"type": "SOME", "value": 3})),
        ] {
            assert_eq!(
                refused(update.clone()).code,
                "InvalidParameterException",
                "{update}"
            );
        }
        for update in [
            json!({"deploymentCircuitBreaker": 3}),
            json!({"alarms": {"alarmNames": "5xx"}}),
        ] {
            assert_eq!(
                refused(update.clone()).code,
                "SerializationException",
                "{update}"
            );
        }
        assert_eq!(
            refused(json!({"strategy": "CANARY"})).code,
            "UnsupportedFeatureException"
        );
    }

    #[test]
    fn an_update_keeps_what_it_does_not_name() {
        let threshold = json!({"type": "COUNT", "value": 5});
        let before = with(json!({"deploymentCircuitBreaker":
            {"thresholdConfiguration": threshold, "resetOnHealthyTask": false}}))
        .unwrap();
        let update = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
        let after = before.with(update.as_object().unwrap()).unwrap();
        assert_eq!(after.maximum_percent, 200);
        assert_eq!(after.document["deploymentCircuitBreaker"]["enable"], true);
        let breaker = CircuitBreaker {
            is_enabled: true,
            rolls_back: true,
            resets_on_healthy_task: false,
            threshold: Threshold::Count(5),
        };
        assert_eq!(after.circuit_breaker, breaker);
    }

    #[test]
    fn alarms_are_read() {
        let alarms = json!({"alarmNames": ["5xx", "slow"], "enable": true, "rollback": false});
        let configuration = with(json!({ "alarms": alarms })).unwrap();
        assert_eq!(configuration.alarms.names[1], "slow");
        assert!(configuration.alarms.is_enabled && !configuration.alarms.rolls_back);
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "a request reads best where it is made"
    )]
    fn with(update: Value) -> Result<DeploymentConfiguration, ServiceError> {
        DeploymentConfiguration::defaults(SchedulingStrategy::Replica)
            .with(update.as_object().unwrap())
    }
}
