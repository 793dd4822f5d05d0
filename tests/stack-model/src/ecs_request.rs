//! What CloudFormation asks ECS for, made of a resource's properties: the members are
//! named `likeThis` and not `LikeThis`, and of the types that ECS wants. For whoever
//! does what [`Effect`](crate::Effect)s say, or makes ECS's part of a stack.

use serde_json::{Map, Value, json};

/// Members whose own members are names that somebody chose.
const FREE: [&str; 4] = ["Options", "DockerLabels", "DriverOpts", "Labels"];
/// Members that are whole numbers, which a parameter's value is not: it is a text.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>
/// and <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>
const NUMBERS: [&str; 14] = [
    "base",
    "containerPort",
    "desiredCount",
    "healthCheckGracePeriodSeconds",
    "hostPort",
    "interval",
    "maximumPercent",
    "minimumHealthyPercent",
    "retries",
    "startPeriod",
    "startTimeout",
    "stopTimeout",
    "timeout",
    "weight",
];

/// What CreateCluster is asked for.
pub fn cluster(name: &str, properties: Value) -> Value {
    let mut request = camel(properties);
    request["clusterName"] = name.into();
    // The one member that has another name in a template.
    // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-cluster.html
    if let Some(settings) = request
        .as_object_mut()
        .and_then(|all| all.remove("clusterSettings"))
    {
        request["settings"] = settings;
    }
    request
}

/// What RegisterTaskDefinition is asked for.
pub fn definition(properties: Value) -> Value {
    let mut request = camel(properties);
    // Texts for the whole task, but numbers for each container.
    for size in ["cpu", "memory"] {
        if let Value::Number(number) = &request[size] {
            request[size] = number.to_string().into();
        }
    }
    request
}

/// What CreateService is asked for.
pub fn service(name: &str, properties: Value) -> Value {
    let mut request = camel(properties);
    request["serviceName"] = name.into();
    request
}

fn camel(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, member)| {
                let member = match FREE.contains(&name.as_str()) {
                    true => member,
                    false => camel(member),
                };
                let name = lower_first(&name);
                let member = match (&member, NUMBERS.contains(&name.as_str())) {
                    (Value::String(text), true) => {
                        text.parse().map_or(member, |number: u32| json!(number))
                    }
                    _ => member,
                };
                (name, member)
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(camel).collect(),
        other => other,
    }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_definition_is_asked_for_in_the_words_and_types_of_the_api() {
        let properties = json!({
            "Family": "web", "Cpu": 512, "Memory": "1024",
            "ContainerDefinitions": [{
                "Name": "app",
                "PortMappings": [{"ContainerPort": "8080"}],
                "Environment": [{"Name": "PORT", "Value": "8080"}],
                "DockerLabels": {"Team": "shop"},
            }],
        });
        let request = json!({
            "family": "web", "cpu": "512", "memory": "1024",
            "containerDefinitions": [{
                "name": "app",
                "portMappings": [{"containerPort": 8080}],
                "environment": [{"name": "PORT", "value": "8080"}],
                "dockerLabels": {"Team": "shop"},
            }],
        });
        assert_eq!(definition(properties), request);
    }

    #[test]
    fn a_cluster_and_a_service_have_the_names_that_were_made_for_them() {
        let settings = json!([{"Name": "containerInsights", "Value": "enabled"}]);
        let request = json!({
            "clusterName": "web-Cluster",
            "settings": [{"name": "containerInsights", "value": "enabled"}],
        });
        let properties = json!({"ClusterSettings": settings});
        assert_eq!(cluster("web-Cluster", properties), request);
        let properties = json!({"DesiredCount": "2", "EnableECSManagedTags": true});
        let request = json!({
            "serviceName": "web-Service", "desiredCount": 2, "enableECSManagedTags": true,
        });
        assert_eq!(service("web-Service", properties), request);
    }
}
