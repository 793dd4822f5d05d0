//! How a deployment shifts from the old revision to the new one.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::ServiceError;
use crate::lifecycle::ALL_TENTHS;

/// How a deployment shifts from the old revision to the new one.
///
/// Source: `strategy` at
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentStrategy {
    /// Task by task.
    Rolling,
    /// All traffic at once, to a second set of tasks.
    BlueGreen,
    /// In equal steps.
    Linear(TrafficStep),
    /// A small part, then the rest.
    Canary(TrafficStep),
}

/// A part of the traffic, and how long it is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrafficStep {
    /// How much, in tenths of a percent.
    pub tenths: u32,
    /// How long, in minutes.
    pub bake_minutes: u32,
}

/// The longest time that a step is watched, in minutes.
const LONGEST_BAKE_MINUTES: i64 = 1_440;

/// What the two kinds of steps have in common, by the API's names and limits.
struct Limits {
    configuration: &'static str,
    percent: &'static str,
    bake: &'static str,
    least_tenths: f64,
    default_percent: f64,
    default_bake_minutes: i64,
}

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinearConfiguration.html>.
const LINEAR: Limits = Limits {
    configuration: "linearConfiguration",
    percent: "stepPercent",
    bake: "stepBakeTimeInMinutes",
    least_tenths: 30.0,
    default_percent: 10.0,
    default_bake_minutes: 6,
};

/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CanaryConfiguration.html>.
const CANARY: Limits = Limits {
    configuration: "canaryConfiguration",
    percent: "canaryPercent",
    bake: "canaryBakeTimeInMinutes",
    least_tenths: 1.0,
    default_percent: 5.0,
    default_bake_minutes: 10,
};

impl DeploymentStrategy {
    /// Reads the strategy of a document, and fills in the defaults of its step.
    ///
    /// What another strategy's step was is forgotten; to name it is refused.
    ///
    /// # Errors
    ///
    /// `InvalidParameterException` for a strategy that does not exist, a step
    /// outside its limits, or one of another strategy.
    pub(crate) fn read(
        document: &mut Map<String, Value>,
        update: &Map<String, Value>,
    ) -> Result<Self, ServiceError> {
        let name = document.get("strategy").and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        let wanted = match name.as_str() {
            "ROLLING" | "BLUE_GREEN" => None,
            "LINEAR" => Some(LINEAR.configuration),
            "CANARY" => Some(CANARY.configuration),
            other => {
                return Err(ServiceError::invalid_parameter(format!(
                    "Invalid strategy: {other}."
                )));
            }
        };
        for limits in [LINEAR, CANARY] {
            let key = limits.configuration;
            if wanted == Some(key) {
                continue;
            }
            if update.get(key).is_some_and(|value| !value.is_null()) {
                return Err(ServiceError::invalid_parameter(format!(
                    "{key} is not valid with the deployment strategy {name}."
                )));
            }
            document.remove(key);
        }
        Ok(match name.as_str() {
            "LINEAR" => DeploymentStrategy::Linear(LINEAR.read(document)?),
            "CANARY" => DeploymentStrategy::Canary(CANARY.read(document)?),
            "BLUE_GREEN" => DeploymentStrategy::BlueGreen,
            _ => DeploymentStrategy::Rolling,
        })
    }

    /// How the production traffic is shifted next, if the new revision has so
    /// much of it already: to how much, and how long that is watched.
    ///
    /// The last step is not watched by itself. Source: "Incremental traffic
    /// shifting" and "Step bake time" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-linear.html>,
    /// and "Canary traffic shifting" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment.html>.
    pub(crate) fn next_step(self, production_tenths: u32) -> TrafficStep {
        let step = match self {
            DeploymentStrategy::Linear(step) => TrafficStep {
                tenths: production_tenths + step.tenths,
                ..step
            },
            DeploymentStrategy::Canary(step) if production_tenths == 0 => step,
            DeploymentStrategy::Canary(_)
            | DeploymentStrategy::Rolling
            | DeploymentStrategy::BlueGreen => TrafficStep {
                tenths: ALL_TENTHS,
                bake_minutes: 0,
            },
        };
        match step.tenths >= ALL_TENTHS {
            true => TrafficStep {
                tenths: ALL_TENTHS,
                bake_minutes: 0,
            },
            false => step,
        }
    }
}

impl Limits {
    fn read(&self, document: &mut Map<String, Value>) -> Result<TrafficStep, ServiceError> {
        let given = document.remove(self.configuration).unwrap_or_default();
        let given = Map::<String, Value>::deserialize(given).unwrap_or_default();
        let number = |key: &str| given.get(key).filter(|value| !value.is_null());
        let percent = number(self.percent).map_or(Some(self.default_percent), Value::as_f64);
        let bake = number(self.bake).map_or(Some(self.default_bake_minutes), Value::as_i64);
        let tenths = percent.map(|percent| percent * 10.0).filter(|tenths| {
            (self.least_tenths..=f64::from(ALL_TENTHS)).contains(tenths)
                && (tenths - tenths.round()).abs() < 1e-6
        });
        let Some(tenths) = tenths else {
            return Err(self.refusal(self.percent));
        };
        let Some(bake) = bake.filter(|bake| (0..=LONGEST_BAKE_MINUTES).contains(bake)) else {
            return Err(self.refusal(self.bake));
        };
        let step = json!({self.percent: tenths / 10.0, self.bake: bake});
        document.insert(self.configuration.to_owned(), step);
        Ok(TrafficStep {
            tenths: tenths.round() as u32,
            bake_minutes: u32::try_from(bake).unwrap_or(0),
        })
    }

    fn refusal(&self, key: &str) -> ServiceError {
        ServiceError::invalid_parameter(format!(
            "{key} of {} is not valid: it must be a multiple of 0.1 from {} to 100.0, and the \
             bake time from 0 to {LONGEST_BAKE_MINUTES} minutes.",
            self.configuration,
            self.least_tenths / 10.0,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_defaults_are_filled_in() {
        let (linear, document) = read(json!({"strategy": "LINEAR"})).unwrap();
        let step = |tenths, bake_minutes| TrafficStep {
            tenths,
            bake_minutes,
        };
        assert_eq!(linear, DeploymentStrategy::Linear(step(100, 6)));
        let filled = json!({"stepPercent": 10.0, "stepBakeTimeInMinutes": 6});
        assert_eq!(document["linearConfiguration"], filled);
        let (canary, _) = read(json!({"strategy": "CANARY"})).unwrap();
        assert_eq!(canary, DeploymentStrategy::Canary(step(50, 10)));
    }

    #[test]
    fn the_documented_limits_are_kept() {
        let linear = |percent: f64| json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": percent}});
        for percent in [3.0, 33.3, 100.0] {
            assert!(read(linear(percent)).is_ok(), "{percent}");
        }
        let canary = |minutes: i64| json!({"strategy": "CANARY", "canaryConfiguration": {"canaryBakeTimeInMinutes": minutes}});
        for refused in [
            linear(2.9),
            linear(100.1),
            linear(10.05),
            canary(-1),
            canary(1441),
            json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": "ten"}}),
            json!({"strategy": "BLUE_GREEN", "linearConfiguration": {"stepPercent": 10.0}}),
            json!({"strategy": "GREEN_BLUE"}),
        ] {
            let error = read(refused.clone()).unwrap_err();
            assert_eq!(error.code, "InvalidParameterException", "{refused}");
        }
    }

    #[test]
    fn another_strategys_step_is_forgotten() {
        let (_, before) = read(json!({"strategy": "LINEAR"})).unwrap();
        let mut document = before.clone();
        document.insert("strategy".to_owned(), json!("ROLLING"));
        let read = DeploymentStrategy::read(&mut document, &Map::new()).unwrap();
        assert_eq!(read, DeploymentStrategy::Rolling);
        assert!(!document.contains_key("linearConfiguration"));
    }

    /// The steps of the examples in the developer guide.
    #[test]
    fn traffic_is_shifted_step_by_step() {
        let rows = [
            (json!({"strategy": "BLUE_GREEN"}), vec![1000]),
            (
                json!({"strategy": "LINEAR"}),
                (1..=10).map(|step| step * 100).collect(),
            ),
            (
                json!({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 40.0}}),
                vec![400, 800, 1000],
            ),
            (
                json!({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10.0}}),
                vec![100, 1000],
            ),
        ];
        for (document, expected) in rows {
            let (strategy, _) = read(document).unwrap();
            let mut steps = Vec::new();
            while steps.last() != Some(&1000) {
                let step = strategy.next_step(steps.last().copied().unwrap_or(0));
                steps.push(step.tenths);
                assert_eq!(step.bake_minutes > 0, step.tenths < 1000);
            }
            assert_eq!(steps, expected);
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "a request reads best where it is made"
    )]
    fn read(document: Value) -> Result<(DeploymentStrategy, Map<String, Value>), ServiceError> {
        let mut document = document.as_object().unwrap().clone();
        let update = document.clone();
        let strategy = DeploymentStrategy::read(&mut document, &update)?;
        Ok((strategy, document))
    }
}
