//! Stacks that were mirrored: what is answered for them, and what their updates do.

use serde_json::{Value, json};

use super::*;
use crate::upstream::element;

const STACK: &str = "arn:aws:cloudformation:eu-central-1:123456789012:stack/web/0a1b2c3d";
const REPOSITORY: &str = "team/app";

#[tokio::test]
async fn a_mirrored_stack_is_answered_by_the_model_and_any_other_passed_on() {
    let world = World::with_stack().await;
    for name in ["web", STACK] {
        let described = world.ask("DescribeStacks", &[("StackName", name)]).await;
        assert_eq!(element(&described, "StackId"), Some(STACK));
        assert_eq!(element(&described, "StackStatus"), Some("CREATE_COMPLETE"));
    }
    let template = world.ask("GetTemplate", &[("StackName", "web")]).await;
    assert!(template.contains("AWS::ECS::Service"), "{template}");
    let service = world.service().await["serviceArn"].clone();
    let service = [("PhysicalResourceId", service.as_str().unwrap())];
    let found = world.ask("DescribeStackResources", &service).await;
    assert_eq!(element(&found, "StackName"), Some("web"));
    let none = [("StackName", "web"), ("ChangeSetName", "none")];
    let client = world.client();
    let refused = client.form("cloudformation", "DescribeChangeSet", &none);
    assert_eq!(refused.await.unwrap_err().code(), "ChangeSetNotFound");
    let none: [String; 0] = [];
    assert_eq!(world.passed_on(), none);

    world.ask("DescribeStacks", &[("StackName", "other")]).await;
    world.ask("DescribeStacks", &[]).await;
    world
        .ask("GetTemplateSummary", &[("StackName", "web")])
        .await;
    let passed_on = ["DescribeStacks", "DescribeStacks", "GetTemplateSummary"];
    assert_eq!(world.passed_on(), passed_on);
    world.ask("DeleteStack", &[("StackName", "web")]).await;
    let described = world.ask("DescribeStacks", &[("StackName", "web")]).await;
    assert_eq!(element(&described, "StackId"), None, "{described}");
    let statuses = world.statuses();
    assert_eq!(statuses, ["CREATE_COMPLETE", "DELETE_COMPLETE"]);
}

#[tokio::test]
async fn what_is_no_stack_is_not_mirrored() {
    let world = World::with_stack().await;
    for (body, why) in [
        (json!({"name": "a"}), "missing field `template`"),
        (
            json!({"name": "a", "template": {}}),
            "Template format error",
        ),
        (
            json!({"name": "a", "template": {}, "typo": 1}),
            "unknown field `typo`",
        ),
        (world.stack(&json!({})).await, "AlreadyExistsException"),
    ] {
        let error = world.mirror(&body).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn an_update_is_done_when_the_service_is_steady_and_leaves_alone_what_it_does_not_name() {
    let world = World::with_stack().await;
    let scaled = json!({"cluster": "prod", "service": "web", "desiredCount": 2});
    world.ecs("UpdateService", &scaled).await.unwrap();
    let old = world.service().await["taskDefinition"].clone();
    let new = world.push("v2").await;

    world.change_set(&new).await;
    let made = [("StackName", "web"), ("ChangeSetName", "to-v2")];
    let shown = world.ask("DescribeChangeSet", &made).await;
    let changed = ["TaskDefinition", "Service"];
    for logical_id in changed {
        let named = format!("<LogicalResourceId>{logical_id}</LogicalResourceId>");
        assert!(shown.contains(&named), "{shown}");
    }
    assert_eq!(shown.matches("<ResourceChange>").count(), changed.len());
    world.ask("ExecuteChangeSet", &made).await;
    let seen = world.until(|status| !status.ends_with("_PROGRESS")).await;
    assert_eq!(seen.first().map(String::as_str), Some("UPDATE_IN_PROGRESS"));
    assert_eq!(seen.last().map(String::as_str), Some("UPDATE_COMPLETE"));

    let service = world.service().await;
    assert_eq!(service["deployments"].as_array().map(Vec::len), Some(1));
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(service["runningCount"], 2, "the template names no count");
    assert_eq!(service["tags"], json!([{"key": "stack", "value": "web"}]));
    let running = &service["taskDefinition"];
    assert_eq!(
        world.definition(running).await["containerDefinitions"][0]["image"],
        new.as_str()
    );
    let role = &world.definition(running).await["executionRoleArn"];
    assert_eq!(role, "arn:aws:iam::123456789012:role/web");
    assert_eq!(world.definition(&old).await["status"], "INACTIVE");
    let told = [
        "CREATE_COMPLETE",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ];
    assert_eq!(world.statuses(), told);
}

#[tokio::test]
async fn an_update_fails_with_its_service_and_is_taken_back() {
    let world = World::with_stack().await;
    let old = world.service().await["taskDefinition"].clone();
    let gone = format!("{}@sha256:{}", world.repository(), "0".repeat(64));
    world.change_set(&gone).await;
    let made = [("StackName", "web"), ("ChangeSetName", "to-v2")];
    world.ask("ExecuteChangeSet", &made).await;
    world
        .until(|status| status == "UPDATE_ROLLBACK_COMPLETE")
        .await;

    let events = world
        .ask("DescribeStackEvents", &[("StackName", "web")])
        .await;
    let reason = "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.";
    assert!(events.contains(reason), "{events}");
    let service = world.service().await;
    assert_eq!(service["taskDefinition"], old);
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(world.definition(&old).await["status"], "ACTIVE");
}

#[tokio::test]
async fn a_cancelled_update_takes_the_service_back_at_once() {
    let world = World::with_stack().await;
    let old = world.service().await["taskDefinition"].clone();
    let new = world.push("v2").await;
    let update = [
        ("StackName", "web"),
        ("UsePreviousTemplate", "true"),
        ("Capabilities.member.1", "CAPABILITY_IAM"),
        ("Parameters.member.1.ParameterKey", "Image"),
        ("Parameters.member.1.ParameterValue", &new),
    ];
    world.ask("UpdateStack", &update).await;
    for _ in 0..PATIENCE {
        if world.service().await["taskDefinition"] != old {
            break;
        }
        pause(Duration::from_millis(1)).await;
    }
    world
        .ask("CancelUpdateStack", &[("StackName", "web")])
        .await;
    let seen = world
        .until(|status| status == "UPDATE_ROLLBACK_COMPLETE")
        .await;
    assert_eq!(seen[0], "UPDATE_ROLLBACK_IN_PROGRESS");
    let service = world.service().await;
    assert_eq!(service["taskDefinition"], old);
    assert_eq!(service["deployments"].as_array().map(Vec::len), Some(1));
    let arn = json!({"cluster": "prod", "service": "web"});
    let listed = world.ecs("ListServiceDeployments", &arn).await.unwrap();
    let deployments = listed["serviceDeployments"].as_array().unwrap();
    let states: Vec<_> = deployments.iter().map(|one| &one["status"]).collect();
    assert_eq!(
        states,
        ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"],
        "newest first"
    );
}

impl World {
    /// A service that runs v1, and a stack that it is of.
    async fn with_stack() -> Self {
        let world = World::start_with(|options| Options {
            timings: ecs_model::Timings::fast(),
            stack_timings: stack_model::Timings::fast(),
            ..options
        })
        .await;
        let image = world.push("v1").await;
        let ecs =
            async |operation: &str, request: Value| world.ecs(operation, &request).await.unwrap();
        ecs("CreateCluster", json!({"clusterName": "prod"})).await;
        let definition = json!({
            "family": "web", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
            "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": [{"name": "web", "image": image}],
        });
        ecs("RegisterTaskDefinition", definition).await;
        let breaker = json!({"enable": true, "rollback": true});
        let service = json!({
            "cluster": "prod", "serviceName": "web", "taskDefinition": "web", "desiredCount": 1,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
            "deploymentConfiguration": {"deploymentCircuitBreaker": breaker},
        });
        ecs("CreateService", service).await;
        for _ in 0..PATIENCE {
            if world.service().await["deployments"][0]["rolloutState"] == "COMPLETED" {
                break;
            }
            pause(Duration::from_millis(1)).await;
        }
        let stack = world.stack(&json!({"Image": image})).await;
        let mirrored = world.mirror(&stack).await.unwrap();
        assert_eq!(mirrored, json!({"stackId": STACK}));
        world
    }

    /// What the control API is sent to mirror the stack.
    async fn stack(&self, parameters: &Value) -> Value {
        let service = self.service().await;
        let breaker = json!({"Enable": true, "Rollback": true});
        let template = json!({
            "Parameters": {"Image": {"Type": "String"}},
            "Resources": {
                "Role": {"Type": "AWS::IAM::Role"},
                "TaskDefinition": {"Type": "AWS::ECS::TaskDefinition", "Properties": {
                    "Family": "web", "NetworkMode": "awsvpc", "Cpu": 256, "Memory": "512",
                    "RequiresCompatibilities": ["FARGATE"],
                    "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "ContainerDefinitions": [{"Name": "web", "Image": {"Ref": "Image"}}],
                }},
                "Service": {"Type": "AWS::ECS::Service", "Properties": {
                    "Cluster": "prod", "LaunchType": "FARGATE",
                    "TaskDefinition": {"Ref": "TaskDefinition"},
                    "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"]}},
                    "DeploymentConfiguration": {"DeploymentCircuitBreaker": breaker},
                    "Tags": [{"Key": "stack", "Value": {"Ref": "AWS::StackName"}}],
                }},
            },
        });
        json!({
            "name": "web", "stackId": STACK, "template": template, "parameters": parameters,
            "capabilities": ["CAPABILITY_IAM"],
            "physicalIds": {
                "Role": "web", "Service": service["serviceArn"],
                "TaskDefinition": service["taskDefinition"],
            },
            "attributes": {"Role.Arn": "arn:aws:iam::123456789012:role/web"},
        })
    }

    async fn mirror(&self, stack: &Value) -> Result<Value, UpstreamError> {
        let body = stack.to_string().into();
        let target = "/_local/stacks";
        let client = self.client();
        let answer = client.rest("", hyper::Method::POST, target, &[], body);
        Ok(answer.await?.body_json().unwrap())
    }

    fn repository(&self) -> String {
        format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{REPOSITORY}")
    }

    /// Pushes an image, and gives back how task definitions name it.
    async fn push(&self, version: &str) -> String {
        let image = oci::single(&Image::new("amd64").with_label("version", version));
        let registry = oci::Registry::new(&format!("http://{}", self.endpoint.address));
        let digest = registry.push(REPOSITORY, version, &image).await.unwrap();
        format!("{}@{digest}", self.repository())
    }

    async fn ask(&self, operation: &str, fields: &[(&str, &str)]) -> String {
        let client = self.client();
        let answer = client.form("cloudformation", operation, fields);
        answer.await.unwrap()
    }

    /// Makes a change set of the image, and waits until it can be executed.
    async fn change_set(&self, image: &str) {
        let fields = [
            ("StackName", STACK),
            ("ChangeSetName", "to-v2"),
            ("UsePreviousTemplate", "true"),
            ("Capabilities.member.1", "CAPABILITY_IAM"),
            ("Parameters.member.1.ParameterKey", "Image"),
            ("Parameters.member.1.ParameterValue", image),
        ];
        let made = self.ask("CreateChangeSet", &fields).await;
        let id = element(&made, "Id").unwrap();
        for _ in 0..PATIENCE {
            let shown = self
                .ask("DescribeChangeSet", &[("ChangeSetName", id)])
                .await;
            if element(&shown, "ExecutionStatus") == Some("AVAILABLE") {
                return;
            }
            pause(Duration::from_millis(1)).await;
        }
        panic!("the change set was not made");
    }

    /// The stack's statuses as they are seen, up to the one that is waited for.
    async fn until(&self, is_it: impl Fn(&str) -> bool) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        for _ in 0..PATIENCE {
            let described = self.ask("DescribeStacks", &[("StackName", "web")]).await;
            let status = element(&described, "StackStatus").unwrap().to_owned();
            if seen.last() != Some(&status) {
                seen.push(status.clone());
            }
            if is_it(&status) {
                return seen;
            }
            pause(Duration::from_millis(1)).await;
        }
        panic!("it did not come to that: {seen:?}");
    }

    /// The statuses that the bus was told.
    fn statuses(&self) -> Vec<String> {
        let events = self.endpoint.bus.log().since(0).into_iter();
        let told = events.filter(|record| record.event["source"] == "aws.cloudformation");
        let statuses = told.map(|record| {
            assert_eq!(record.event["resources"], json!([STACK]));
            let status = &record.event["detail"]["status-details"]["status"];
            status.as_str().unwrap().to_owned()
        });
        statuses.collect()
    }

    /// The operations of CloudFormation that were passed on.
    fn passed_on(&self) -> Vec<String> {
        let calls = self.fake.state().calls.clone().into_iter();
        let operations = calls.filter_map(|call| {
            let operation = call.strip_prefix("cloudformation ")?;
            Some(operation.to_owned())
        });
        operations.collect()
    }

    async fn service(&self) -> Value {
        let request = json!({"cluster": "prod", "services": ["web"], "include": ["TAGS"]});
        self.ecs("DescribeServices", &request).await.unwrap()["services"][0].take()
    }

    async fn definition(&self, arn: &Value) -> Value {
        let request = json!({ "taskDefinition": arn });
        let mut described = self.ecs("DescribeTaskDefinition", &request).await.unwrap();
        described["taskDefinition"].take()
    }
}
