//! Whether each resource of a template is there, asked of the service that holds it:
//! an emulator's CloudFormation may say `CREATE_COMPLETE` of what it never made.

mod of_an_example;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::aws::{Aws, AwsError, members, texts};
use crate::intrinsic::Scope;

/// One resource of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Such as `AWS::SQS::Queue`.
    pub kind: String,
    /// The name, the ARN or the URL that the service knows it by.
    pub physical_id: String,
    /// Such as `CREATE_COMPLETE`.
    pub status: String,
}

/// The resources of a stack, by their logical ids.
pub type Resources = BTreeMap<String, Resource>;

/// How CloudFormation says that a resource is as the template has it.
const IS_THERE: [&str; 2] = ["CREATE_COMPLETE", "UPDATE_COMPLETE"];

/// The types that the emulator doesn't know, with the reason: none at present.
const UNKNOWN_TO_THE_EMULATOR: [(&str, &str); 0] = [];

/// Reads what CloudFormation says it made.
///
/// # Errors
///
/// CloudFormation gave no answer or knows no such stack.
pub async fn resources(aws: &Aws, stack_name: &str) -> Result<Resources, AwsError> {
    let stack = [("StackName", stack_name)];
    let answer = aws.query("cloudformation", "DescribeStackResources", &stack);
    let members = members(&answer.await?, "StackResources");
    let resources = members.into_iter().map(|mut member| {
        let mut take = |name: &str| member.remove(name).unwrap_or_default();
        let resource = Resource {
            kind: take("ResourceType"),
            physical_id: take("PhysicalResourceId"),
            status: take("ResourceStatus"),
        };
        (take("LogicalResourceId"), resource)
    });
    Ok(resources.collect())
}

/// Looks for each resource of a translated template, given the stack's parameters,
/// and gives back a sentence for each that is missing.
pub async fn missing(
    aws: &Aws,
    template: &Value,
    parameters: &BTreeMap<String, String>,
    resources: &Resources,
) -> Vec<String> {
    let mut missing = Vec::new();
    let scope = Scope {
        template,
        parameters,
        known: BTreeMap::new(),
        exports: &BTreeMap::new(),
    };
    let wanted = template["Resources"].as_object();
    for (logical_id, wanted) in wanted.into_iter().flatten() {
        let kind = wanted["Type"].as_str().unwrap_or_default();
        let is_wanted = scope.wants(wanted).unwrap_or_else(|error| {
            missing.push(format!("{logical_id} ({kind}): {error}"));
            false
        });
        if !is_wanted || UNKNOWN_TO_THE_EMULATOR.iter().any(|(k, _)| *k == kind) {
            continue;
        }
        let made = resources
            .get(logical_id)
            .filter(|made| made.kind == kind && IS_THERE.contains(&made.status.as_str()));
        let Some(made) = made else {
            missing.push(format!("{logical_id} ({kind}): CloudFormation made none"));
            continue;
        };
        let look = Look {
            aws,
            resources,
            properties: &wanted["Properties"],
            physical_id: &made.physical_id,
        };
        match look.finds(kind).await {
            Ok(true) => {}
            Ok(false) => missing.push(format!("{logical_id} ({kind}): its service has none")),
            Err(error) => missing.push(format!("{logical_id} ({kind}): {error}")),
        }
    }
    missing
}

/// The logical ids of the resources that are there though their stack was deleted.
///
/// # Errors
///
/// A service gave no answer.
pub async fn left_over(
    aws: &Aws,
    template: &Value,
    resources: &Resources,
) -> Result<Vec<String>, AwsError> {
    let mut left_over = Vec::new();
    for (logical_id, resource) in resources {
        let look = Look {
            aws,
            resources,
            properties: &template["Resources"][logical_id]["Properties"],
            physical_id: &resource.physical_id,
        };
        match look.finds(&resource.kind).await {
            Ok(true) => left_over.push(logical_id.clone()),
            // Most services refuse to describe what is not there.
            Ok(false) | Err(AwsError::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(left_over)
}

/// A look for one resource at the service that holds it.
struct Look<'a> {
    aws: &'a Aws,
    resources: &'a Resources,
    properties: &'a Value,
    physical_id: &'a str,
}

impl Look<'_> {
    async fn finds(&self, kind: &str) -> Result<bool, AwsError> {
        let (aws, id) = (self.aws, self.physical_id);
        match kind {
            "AWS::DynamoDB::Table" => {
                let table = json!({"TableName": id});
                let table = aws.json("dynamodb", "DescribeTable", &table).await?;
                Ok(table["Table"]["TableStatus"] == "ACTIVE")
            }
            "AWS::SQS::Queue" => self.queue_has(id, "QueueArn").await,
            "AWS::SQS::QueuePolicy" => self.each_has_policy("Queues").await,
            "AWS::SNS::Topic" => self.topic_has(id, "TopicArn").await,
            "AWS::SNS::TopicPolicy" => self.each_has_policy("Topics").await,
            "AWS::SNS::Subscription" => self.is_subscribed().await,
            "AWS::KMS::Key" => {
                let key = json!({"KeyId": id});
                let key = aws.json("kms", "DescribeKey", &key).await?;
                Ok(key["KeyMetadata"]["Enabled"] == true)
            }
            "AWS::Logs::LogGroup" => {
                let groups = json!({"logGroupNamePrefix": id});
                let groups = aws.json("logs", "DescribeLogGroups", &groups).await?;
                Ok(groups["logGroups"][0]["logGroupName"] == id)
            }
            "AWS::Logs::MetricFilter" => {
                let group = self.referred(&self.properties["LogGroupName"]);
                let filters = json!({"logGroupName": group, "filterNamePrefix": id});
                let filters = aws.json("logs", "DescribeMetricFilters", &filters).await?;
                let made = &filters["metricFilters"][0];
                let dimensions = &made["metricTransformations"][0]["dimensions"];
                Ok(made["filterName"] == id && dimensions.is_object())
            }
            "AWS::IAM::Role" => {
                let role = aws.query("iam", "GetRole", &[("RoleName", id)]).await?;
                Ok(texts(&role, "RoleName") == [id])
            }
            "AWS::IAM::ManagedPolicy" => {
                let policy = aws.query("iam", "GetPolicy", &[("PolicyArn", id)]).await?;
                Ok(texts(&policy, "Arn") == [id])
            }
            "AWS::CloudWatch::Alarm" => {
                let names = [("AlarmNames.member.1", id)];
                let alarms = aws.query("monitoring", "DescribeAlarms", &names).await?;
                Ok(texts(&alarms, "AlarmName") == [id])
            }
            "AWS::SSM::Parameter" => {
                let parameter = json!({"Name": id});
                let parameter = aws.json("ssm", "GetParameter", &parameter).await?;
                Ok(parameter["Parameter"]["Name"] == id)
            }
            "AWS::Events::Rule" => {
                let rule = json!({"Name": id});
                let rule = aws.json("events", "DescribeRule", &rule).await?;
                Ok(rule["State"] == "ENABLED")
            }
            _ => self.finds_of_lambda(kind).await,
        }
    }

    async fn finds_of_lambda(&self, kind: &str) -> Result<bool, AwsError> {
        let (aws, id) = (self.aws, self.physical_id);
        match kind {
            "AWS::Lambda::Function" => {
                let path = format!("/2015-03-31/functions/{id}");
                let function = aws.get("lambda", &path).await?;
                Ok(function["Configuration"]["State"] == "Active")
            }
            "AWS::Lambda::EventInvokeConfig" => {
                // The emulator keeps it under the qualifier alone; AWS takes that for none.
                let (function, qualifier) = id.split_once(':').unwrap_or((id, "$LATEST"));
                let path = format!(
                    "/2019-09-25/functions/{function}/event-invoke-config?Qualifier={qualifier}"
                );
                let config = aws.get("lambda", &path).await?;
                Ok(config["DestinationConfig"]["OnFailure"]["Destination"].is_string())
            }
            "AWS::Lambda::EventSourceMapping" => {
                let path = format!("/2015-03-31/event-source-mappings/{id}");
                let mapping = aws.get("lambda", &path).await?;
                Ok(mapping["State"] == "Enabled")
            }
            "AWS::Lambda::Permission" => {
                let function = self.referred(&self.properties["FunctionName"]);
                let path = format!("/2015-03-31/functions/{function}/policy");
                let policy = aws.get("lambda", &path).await?;
                let source = self.referred(&self.properties["SourceArn"]);
                let policy = policy["Policy"].as_str().unwrap_or_default();
                Ok(!source.is_empty() && policy.contains(source))
            }
            _ => self.finds_of_an_example(kind).await,
        }
    }

    async fn queue_has(&self, url: &str, attribute: &str) -> Result<bool, AwsError> {
        let asked = json!({"QueueUrl": url, "AttributeNames": ["All"]});
        let got = self.aws.json("sqs", "GetQueueAttributes", &asked).await?;
        Ok(got["Attributes"][attribute].is_string())
    }

    async fn topic_has(&self, arn: &str, attribute: &str) -> Result<bool, AwsError> {
        let topic = [("TopicArn", arn)];
        let got = self.aws.query("sns", "GetTopicAttributes", &topic).await?;
        let mut keys = texts(&got, "key").into_iter().zip(texts(&got, "value"));
        Ok(keys.any(|(key, value)| key == attribute && !value.is_empty()))
    }

    async fn is_subscribed(&self) -> Result<bool, AwsError> {
        let topic = self.referred(&self.properties["TopicArn"]);
        let topic = [("TopicArn", topic)];
        let got = self.aws.query("sns", "ListSubscriptionsByTopic", &topic);
        Ok(texts(&got.await?, "Protocol") == ["email"])
    }

    /// Whether each queue or topic in a list of references has a policy.
    async fn each_has_policy(&self, list: &str) -> Result<bool, AwsError> {
        let references = self.properties[list].as_array().into_iter().flatten();
        let ids: Vec<&str> = references
            .map(|reference| self.referred(reference))
            .filter(|id| !id.is_empty())
            .collect();
        for id in &ids {
            let has = match list {
                "Queues" => self.queue_has(id, "Policy").await?,
                _ => self.topic_has(id, "Policy").await?,
            };
            if !has {
                return Ok(false);
            }
        }
        Ok(!ids.is_empty())
    }

    /// The physical id that a `Ref` or `Fn::GetAtt` leads to; empty where it leads
    /// to none of this stack.
    fn referred(&self, reference: &Value) -> &str {
        let logical_id = reference["Ref"]
            .as_str()
            .or(reference["Fn::GetAtt"][0].as_str())
            .unwrap_or_default();
        let found = self.resources.get(logical_id);
        found.map_or("", |resource| resource.physical_id.as_str())
    }
}
