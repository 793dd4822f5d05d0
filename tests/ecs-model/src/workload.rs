//! What a service is asked to run besides its task definition.

use serde::Deserialize;
use serde_json::{Map, Value};

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
