//! What a service is asked to run besides its task definition, and how it is deployed.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::ServiceError;
use crate::service::SchedulingStrategy;

/// A list of structures, each kept as it came.
pub type Structures = Vec<Map<String, Value>>;

/// The part of a service's configuration that, with the task definition, makes
/// a service revision; kept as it came.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-revision-property.html>.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Workload {
    /// `FARGATE`, `EC2` or `EXTERNAL`; absent where a strategy says it.
    pub launch_type: Option<String>,
    /// Capacity providers with base and weight.
    pub capacity_provider_strategy: Option<Structures>,
    /// The Fargate platform version, `LATEST` if absent.
    pub platform_version: Option<String>,
    /// Subnets and security groups.
    pub network_configuration: Option<Map<String, Value>>,
    /// Target groups with container and port.
    pub load_balancers: Option<Structures>,
    /// Cloud Map registries.
    pub service_registries: Option<Structures>,
    /// Service Connect.
    pub service_connect_configuration: Option<Map<String, Value>>,
    /// EBS volumes.
    pub volume_configurations: Option<Structures>,
    /// VPC Lattice target groups.
    pub vpc_lattice_configurations: Option<Structures>,
}

impl Workload {
    /// Takes over what an update names; what it leaves out stays.
    ///
    /// Source: the members of
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>.
    pub(crate) fn take_over(&mut self, update: &Workload) {
        fn take<T: Clone>(own: &mut Option<T>, update: &Option<T>) {
            if update.is_some() {
                own.clone_from(update);
            }
        }
        if let Some(strategy) = &update.capacity_provider_strategy {
            // An empty strategy means: back to the launch type.
            let is_empty = strategy.is_empty();
            self.capacity_provider_strategy = (!is_empty).then(|| strategy.clone());
            self.launch_type = is_empty.then(|| "FARGATE".to_owned());
        }
        take(&mut self.platform_version, &update.platform_version);
        take(
            &mut self.network_configuration,
            &update.network_configuration,
        );
        take(&mut self.load_balancers, &update.load_balancers);
        take(&mut self.service_registries, &update.service_registries);
        take(
            &mut self.service_connect_configuration,
            &update.service_connect_configuration,
        );
        take(
            &mut self.volume_configurations,
            &update.volume_configurations,
        );
        take(
            &mut self.vpc_lattice_configurations,
            &update.vpc_lattice_configurations,
        );
    }

    /// Whether the tasks run on Fargate: by launch type, or by a strategy of
    /// Fargate's own capacity providers. Without either, ECS takes EC2.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html>
    /// and `launchType` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>.
    pub fn is_fargate(&self) -> bool {
        self.launch_type.as_deref() == Some("FARGATE") || self.capacity_provider().is_some()
    }

    /// The first Fargate capacity provider of the strategy.
    pub fn capacity_provider(&self) -> Option<&str> {
        members(&self.capacity_provider_strategy, "capacityProvider")
            .filter_map(Value::as_str)
            .find(|provider| matches!(*provider, "FARGATE" | "FARGATE_SPOT"))
    }

    /// The first target group that the tasks are registered with.
    pub fn target_group(&self) -> Option<&str> {
        members(&self.load_balancers, "targetGroupArn").find_map(Value::as_str)
    }

    /// The port that they are registered with there.
    pub fn target_port(&self) -> Option<i64> {
        members(&self.load_balancers, "containerPort").find_map(Value::as_i64)
    }
}

fn members<'a>(list: &'a Option<Structures>, key: &str) -> impl Iterator<Item = &'a Value> {
    list.iter()
        .flatten()
        .filter_map(move |entry| entry.get(key))
}

/// How a service is deployed: the numbers that the model acts on, and all that
/// was said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentConfiguration {
    /// How many tasks may be there during a deployment, in percent of the desired count.
    pub maximum_percent: u32,
    /// How many must be healthy during one, in percent of the desired count.
    pub minimum_healthy_percent: u32,
    /// Every member as it came, with ECS's defaults.
    pub document: Map<String, Value>,
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
        let mut document = Map::new();
        document.insert(
            "deploymentCircuitBreaker".to_owned(),
            json!({"enable": false, "rollback": false}),
        );
        document.insert("maximumPercent".to_owned(), json!(maximum_percent));
        document.insert(
            "minimumHealthyPercent".to_owned(),
            json!(minimum_healthy_percent),
        );
        document.insert("strategy".to_owned(), json!("ROLLING"));
        document.insert("bakeTimeInMinutes".to_owned(), json!(0));
        DeploymentConfiguration {
            maximum_percent,
            minimum_healthy_percent,
            document,
        }
    }

    /// Takes over what a request names; what it leaves out stays.
    ///
    /// # Errors
    ///
    /// `InvalidParameterException` for percentages that block every deployment,
    /// `UnsupportedFeatureException` for a strategy that this model does not play.
    pub(crate) fn with(&self, update: &Map<String, Value>) -> Result<Self, ServiceError> {
        let mut document = self.document.clone();
        for (key, value) in update.iter().filter(|(_, value)| !value.is_null()) {
            document.insert(key.clone(), value.clone());
        }
        let strategy = document.get("strategy").and_then(Value::as_str);
        if strategy != Some("ROLLING") {
            return Err(ServiceError::unsupported(format!(
                "The local model of ECS deploys with the ROLLING strategy only, not with {}.",
                strategy.unwrap_or("nothing")
            )));
        }
        let configuration = DeploymentConfiguration {
            maximum_percent: percent(&document, "maximumPercent")?,
            minimum_healthy_percent: percent(&document, "minimumHealthyPercent")?,
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

fn percent(document: &Map<String, Value>, key: &str) -> Result<u32, ServiceError> {
    document
        .get(key)
        .and_then(Value::as_u64)
        .and_then(|percent| u32::try_from(percent).ok())
        .ok_or_else(|| {
            ServiceError::invalid_parameter(format!("{key} must be a number that is not negative."))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_examples_of_percentages_come_out() {
        let configuration = |minimum: u32, maximum: u32| {
            let update = json!({"minimumHealthyPercent": minimum, "maximumPercent": maximum});
            DeploymentConfiguration::defaults(SchedulingStrategy::Replica)
                .with(update.as_object().unwrap())
                .unwrap()
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
    fn what_cannot_work_is_refused() {
        let refused = |update: Value| {
            DeploymentConfiguration::defaults(SchedulingStrategy::Replica)
                .with(update.as_object().unwrap())
                .unwrap_err()
        };
        let blocked = refused(json!({"maximumPercent": 100}));
        assert!(blocked.message.contains("will block deployments"));
        assert_eq!(
            refused(json!({"maximumPercent": -1})).code,
            "InvalidParameterException"
        );
        assert_eq!(
            refused(json!({"strategy": "CANARY"})).code,
            "UnsupportedFeatureException"
        );
    }

    #[test]
    fn an_update_keeps_what_it_does_not_name() {
        let before = DeploymentConfiguration::defaults(SchedulingStrategy::Replica);
        let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
        let after = before.with(breaker.as_object().unwrap()).unwrap();
        assert_eq!(after.maximum_percent, 200);
        assert_eq!(after.document["deploymentCircuitBreaker"]["enable"], true);
    }

    #[test]
    fn fargate_is_a_launch_type_or_a_capacity_provider() {
        assert!(!Workload::default().is_fargate());
        let by_type = Workload {
            launch_type: Some("FARGATE".to_owned()),
            ..Workload::default()
        };
        assert!(by_type.is_fargate());
        let mut by_strategy = Workload {
            capacity_provider_strategy: serde_json::from_value(
                json!([{"capacityProvider": "FARGATE_SPOT"}]),
            )
            .unwrap(),
            ..Workload::default()
        };
        assert_eq!(by_strategy.capacity_provider(), Some("FARGATE_SPOT"));
        by_strategy.take_over(&Workload {
            capacity_provider_strategy: Some(Vec::new()),
            ..Workload::default()
        });
        assert_eq!(by_strategy.capacity_provider_strategy, None);
        assert!(by_strategy.is_fargate());
    }
}
