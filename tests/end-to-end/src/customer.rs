//! What people have before they install Pushboat: repositories, clusters, task
//! definitions, services; made and looked at with plain calls.

use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::{Aws, AwsError};
use crate::wait::{Seen, WaitError, wait};

/// How long a service may take to settle; with the model's fast timings it takes two seconds.
const STEADY_LIMIT: Duration = Duration::from_secs(120);

/// Why what people have could not be made or looked at.
#[derive(Debug, thiserror::Error)]
pub enum CustomerError {
    /// A call did not succeed.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Something did not come about in time.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// There is no such service.
    #[error("there is no service {name} in cluster {cluster}")]
    NoService {
        /// The cluster's name.
        cluster: String,
        /// The service's name.
        name: String,
    },
}

/// Makes a repository in ECR.
///
/// # Errors
///
/// ECR refused.
pub async fn create_repository(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let repository = json!({"repositoryName": name});
    aws.json("ecr", "CreateRepository", &repository).await?;
    Ok(())
}

/// Makes a cluster; one of this name that is there already is taken as it is.
///
/// # Errors
///
/// ECS refused.
pub async fn create_cluster(aws: &Aws, name: &str) -> Result<(), AwsError> {
    aws.json("ecs", "CreateCluster", &json!({"clusterName": name}))
        .await?;
    Ok(())
}

/// A task definition as one web container on Fargate has it, for `architecture`
/// in ECS's words: `X86_64` or `ARM64`.
pub fn web_definition(aws: &Aws, family: &str, image: &str, architecture: &str) -> Value {
    let role = |name: &str| format!("arn:aws:iam::{}:role/{name}", aws.account_id());
    json!({
        "family": family,
        "taskRoleArn": role("demo-task"),
        "executionRoleArn": role("demo-execution"),
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "runtimePlatform": {"cpuArchitecture": architecture, "operatingSystemFamily": "LINUX"},
        "containerDefinitions": [{
            "name": "web",
            "image": image,
            "essential": true,
            "portMappings": [{"containerPort": 8080, "protocol": "tcp"}],
            "environment": [{"name": "GREETING", "value": "hello"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": format!("/ecs/{family}"),
                "awslogs-region": aws.region(),
                "awslogs-stream-prefix": "web",
                "awslogs-create-group": "true",
            }},
        }],
        "tags": [{"key": "team", "value": "shop"}],
    })
}

/// Registers a task definition and gives back the revision's ARN.
///
/// # Errors
///
/// ECS refused.
pub async fn register(aws: &Aws, definition: &Value) -> Result<String, AwsError> {
    let registered = aws
        .json("ecs", "RegisterTaskDefinition", definition)
        .await?;
    Ok(text(&registered["taskDefinition"]["taskDefinitionArn"]))
}

/// Reads a task definition with its tags, as DescribeTaskDefinition answers.
///
/// # Errors
///
/// ECS refused.
pub async fn definition(aws: &Aws, revision: &str) -> Result<Value, AwsError> {
    let asked = json!({"taskDefinition": revision, "include": ["TAGS"]});
    aws.json("ecs", "DescribeTaskDefinition", &asked).await
}

/// What CreateService is asked for a service of two tasks on Fargate; `target` is the
/// name in the tag that consents to Pushboat.
pub fn web_service(cluster: &str, name: &str, revision: &str, target: Option<&str>) -> Value {
    let tags: Vec<Value> = target
        .map(|target| json!({"key": "pushboat:target", "value": target}))
        .into_iter()
        .collect();
    json!({
        "cluster": cluster,
        "serviceName": name,
        "taskDefinition": revision,
        "desiredCount": 2,
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {
            "subnets": ["subnet-0a1b2c3d4e5f60718"],
            "securityGroups": ["sg-0a1b2c3d4e5f60718"],
        }},
        "propagateTags": "SERVICE",
        "tags": tags,
    })
}

/// Makes a service.
///
/// # Errors
///
/// ECS refused.
pub async fn create_service(aws: &Aws, service: &Value) -> Result<(), AwsError> {
    aws.json("ecs", "CreateService", service).await?;
    Ok(())
}

/// Looks at a service, tags included.
///
/// # Errors
///
/// ECS refused, or there is none.
pub async fn service(aws: &Aws, cluster: &str, name: &str) -> Result<Value, CustomerError> {
    let asked = json!({"cluster": cluster, "services": [name], "include": ["TAGS"]});
    let mut answer = aws.json("ecs", "DescribeServices", &asked).await?;
    match answer["services"][0].take() {
        Value::Null => Err(CustomerError::NoService {
            cluster: cluster.to_owned(),
            name: name.to_owned(),
        }),
        service => Ok(service),
    }
}

/// Waits until a service runs what it wants to run, under one deployment, and gives
/// it back.
///
/// # Errors
///
/// It did not settle within two minutes.
pub async fn steady(aws: &Aws, cluster: &str, name: &str) -> Result<Value, CustomerError> {
    let what = format!("a steady service {cluster}/{name}");
    wait(&what, STEADY_LIMIT, async || {
        let service = service(aws, cluster, name).await?;
        let deployments = service["deployments"].as_array().map_or(0, Vec::len);
        let is_steady = deployments == 1
            && service["deployments"][0]["rolloutState"] == "COMPLETED"
            && service["runningCount"] == service["desiredCount"];
        Ok(if is_steady {
            Seen::Reached(service)
        } else {
            Seen::NotYet(service["deployments"].to_string())
        })
    })
    .await
}

/// Makes an alarm on a load balancer's errors, and sets it to OK.
///
/// # Errors
///
/// CloudWatch refused.
pub async fn create_alarm(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let alarm = [
        ("AlarmName", name),
        ("Namespace", "AWS/ApplicationELB"),
        ("MetricName", "HTTPCode_Target_5XX_Count"),
        ("Statistic", "Sum"),
        ("Period", "60"),
        ("EvaluationPeriods", "1"),
        ("Threshold", "10"),
        ("ComparisonOperator", "GreaterThanThreshold"),
        ("TreatMissingData", "notBreaching"),
    ];
    aws.query("monitoring", "PutMetricAlarm", &alarm).await?;
    set_alarm(aws, name, "OK").await
}

/// Sets an alarm's state: `OK`, `ALARM` or `INSUFFICIENT_DATA`.
///
/// # Errors
///
/// CloudWatch refused.
pub async fn set_alarm(aws: &Aws, name: &str, state: &str) -> Result<(), AwsError> {
    let state = [
        ("AlarmName", name),
        ("StateValue", state),
        ("StateReason", "set by hand"),
    ];
    aws.query("monitoring", "SetAlarmState", &state).await?;
    Ok(())
}

/// Saves a target's parameter.
///
/// # Errors
///
/// Parameter Store refused.
pub async fn put_target(
    aws: &Aws,
    prefix: &str,
    target: &str,
    value: &str,
) -> Result<(), AwsError> {
    let parameter = json!({
        "Name": format!("/{prefix}/targets/{target}"),
        "Type": "String",
        "Value": value,
        "Overwrite": true,
    });
    aws.json("ssm", "PutParameter", &parameter).await?;
    Ok(())
}

/// Holds every target, as a person does who has the plain AWS CLI only.
///
/// # Errors
///
/// Parameter Store refused.
pub async fn hold_everything(aws: &Aws, prefix: &str, reason: &str) -> Result<(), AwsError> {
    let parameter = json!({
        "Name": format!("/{prefix}/hold"),
        "Type": "String",
        "Value": reason,
        "Overwrite": true,
    });
    aws.json("ssm", "PutParameter", &parameter).await?;
    Ok(())
}

/// Ends what [`hold_everything`] began.
///
/// # Errors
///
/// Parameter Store refused.
pub async fn let_everything_go(aws: &Aws, prefix: &str) -> Result<(), AwsError> {
    let parameter = json!({"Name": format!("/{prefix}/hold")});
    aws.json("ssm", "DeleteParameter", &parameter).await?;
    Ok(())
}

/// The string in a JSON value; empty where it is none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
