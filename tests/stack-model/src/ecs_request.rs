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

/// What UpdateService is asked for of the service with this ARN: what the template
/// does not have is not sent, and stays as it is.
///
/// Source: the members of
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>,
/// which has not all of CreateService's, and `ForceNewDeployment` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ecs-service-forcenewdeployment.html>.
pub fn service_update(arn: &str, properties: Value) -> Value {
    let mut request = camel(properties);
    if let Some(members) = request.as_object_mut() {
        for of_creation in [
            "clientToken",
            "launchType",
            "role",
            "schedulingStrategy",
            "serviceName",
            "tags",
        ] {
            members.remove(of_creation);
        }
        if let Some(force) = members.get_mut("forceNewDeployment") {
            *force = (force["enableForceNewDeployment"] == true).into();
        }
    }
    request["service"] = arn.into();
    if let Some(cluster) = cluster_of(arn) {
        request["cluster"] = cluster.into();
    }
    request
}

/// What DeleteService is asked for of the service with this ARN.
pub fn service_deletion(arn: &str) -> Value {
    let mut request = json!({"service": arn, "force": true});
    if let Some(cluster) = cluster_of(arn) {
        request["cluster"] = cluster.into();
    }
    request
}

/// What TagResource is asked for, if the properties name tags.
pub fn tags(arn: &str, properties: &Value) -> Option<Value> {
    let tags = properties.get("Tags").filter(|tags| tags.is_array())?;
    Some(json!({"resourceArn": arn, "tags": camel(tags.clone())}))
}

/// The cluster's name in a service's ARN; the old, short ones have none.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html#ecs-resource-ids>
pub fn cluster_of(service_arn: &str) -> Option<&str> {
    let (_, name) = service_arn.split_once(":service/")?;
    Some(name.split_once('/')?.0)
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

    #[test]
    fn an_update_sends_what_the_template_has_and_nothing_that_only_creation_takes() {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:service/prod/web";
        let properties = json!({
            "Cluster": "prod", "ServiceName": "web", "LaunchType": "FARGATE",
            "TaskDefinition": "web:2", "DesiredCount": "2",
            "Tags": [{"Key": "team", "Value": "shop"}],
            "ForceNewDeployment": {"EnableForceNewDeployment": true},
        });
        let request = json!({
            "cluster": "prod", "service": arn, "taskDefinition": "web:2", "desiredCount": 2,
            "forceNewDeployment": true,
        });
        assert_eq!(service_update(arn, properties.clone()), request);
        let tagging = json!({"resourceArn": arn, "tags": [{"key": "team", "value": "shop"}]});
        assert_eq!(tags(arn, &properties), Some(tagging));

        let bare = service_update(arn, json!({"TaskDefinition": "web:2"}));
        assert_eq!(bare["desiredCount"], Value::Null);
        assert_eq!(tags(arn, &json!({})), None);
        let deletion = json!({"cluster": "prod", "service": arn, "force": true});
        assert_eq!(service_deletion(arn), deletion);
    }
}
