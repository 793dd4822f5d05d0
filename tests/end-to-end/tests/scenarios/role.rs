//! What the functions asked of AWS in all scenarios before, held against their roles: the
//! local AWS itself lets everybody do everything.

use std::collections::{BTreeMap, BTreeSet};

use end_to_end::aws::texts;
use end_to_end::function_log::logical_name;
use end_to_end::staging::FUNCTIONS;
use end_to_end::{Aws, Failure, Seen};
use local_aws::CallRecord;
use serde_json::{Value, json};

use crate::overlooked;
use crate::target::Target;
use crate::world::World;

/// What Lambda and SNS do with a role, where no call of the function shows it.
const NEEDED_BY_AWS: [&str; 7] = [
    "WriteOwnLog",
    "KeepFailedEvents",
    "KeepFailedBatches",
    "TakeWakeUps",
    "ReadStream",
    "FindStream",
    "EncryptNotices",
];

/// One thing that a role has to allow.
#[derive(Debug, PartialEq)]
struct Need {
    action: String,
    resource: String,
    /// The values of the condition keys.
    context: BTreeMap<&'static str, BTreeSet<String>>,
}

pub(crate) async fn every_call_is_one_that_the_functions_role_allows(
    world: &World,
) -> Result<(), Failure> {
    let target = Target::adopted(world, "permitted").await?;
    target.push("v1").await?;
    target.told("succeeded", "v1").await?;
    for question in ["explain", "history"] {
        target.command(question, &json!({})).await?;
    }
    overlooked::compare_with_ecr(world).await?;
    remove(&target).await?;

    let held = nothing_is_refused(world).await?;
    for function in FUNCTIONS {
        // Only an alarm or a person wakes these, and neither belongs to this scenario.
        assert!(held.contains(function) || ["alarm", "operator"].contains(&function));
    }
    Ok(())
}

/// Holds every call so far against its function's role, and answers which functions made any.
pub(crate) async fn nothing_is_refused(world: &World) -> Result<BTreeSet<&'static str>, Failure> {
    let calls = world.local.calls(0);
    let mut called = BTreeSet::new();
    let mut refused = BTreeSet::new();
    for function in FUNCTIONS {
        let statements = role(world, function).await?;
        let mut needed = BTreeSet::from(NEEDED_BY_AWS);
        let (mut held, mut unknown) = (0, BTreeSet::new());
        for call in calls.iter().filter(|call| is_of(call, function)) {
            held += 1;
            let Some(needs) = needs(&world.aws, call) else {
                unknown.insert(format!("{} {}", call.service, call.operation));
                continue;
            };
            for need in needs {
                let allow = statements.iter().filter(|found| allows(found, &need));
                let allow: Vec<&str> = allow.filter_map(|found| found["Sid"].as_str()).collect();
                if allow.is_empty() {
                    refused.insert(format!("{function}: {need:?}"));
                }
                needed.extend(allow);
            }
        }
        assert!(unknown.is_empty(), "{function}: what is {unknown:?}?");
        called.extend((held > 0).then_some(function));
        let sids = statements.iter().filter_map(|found| found["Sid"].as_str());
        let idle: Vec<&str> = sids.filter(|sid| !needed.contains(sid)).collect();
        println!("role of {function}: {held} calls; needed by none of them: {idle:?}");
    }
    assert!(refused.is_empty(), "{refused:#?}");
    Ok(called)
}

/// Takes the target out of the configuration, which no other scenario does.
async fn remove(target: &Target<'_>) -> Result<(), Failure> {
    let parameter = json!({"Name": format!("/pushboat/targets/{}", target.name)});
    let World { aws, .. } = target.world;
    aws.json("ssm", "DeleteParameter", &parameter).await?;
    is_removed(target).await
}

/// Waits until Pushboat has let go of a target.
pub(crate) async fn is_removed(target: &Target<'_>) -> Result<(), Failure> {
    let until = target.world.until("the target's removal", async || {
        let status = target.command("status", &json!({})).await?;
        Ok(match status["standing"]["is"].as_str() {
            Some("removed") => Seen::Reached(()),
            _ => Seen::NotYet(status["standing"].to_string()),
        })
    });
    until.await
}

pub(crate) fn is_of(call: &CallRecord, function: &str) -> bool {
    let name = format!("-{}Function-", logical_name(function));
    let caller = call.caller.function.as_deref();
    caller.is_some_and(|caller| caller.contains(&name))
}

/// The statements of a function's role, as CloudFormation made them.
async fn role(world: &World, function: &str) -> Result<Vec<Value>, Failure> {
    let role = format!("{}Role", logical_name(function));
    let role = world.installation.physical_id(&role);
    let asked = [("RoleName", role), ("PolicyName", function)];
    let answer = world.aws.query("iam", "GetRolePolicy", &asked).await?;
    let encoded = format!("document={}", texts(&answer, "PolicyDocument").concat());
    let mut decoded = form_urlencoded::parse(encoded.as_bytes());
    let document = decoded.next().map(|(_, text)| text).unwrap_or_default();
    let document: Value = serde_json::from_str(&document)?;
    Ok(listed(&document["Statement"]).cloned().collect())
}

/// What a call needs; nothing where nobody has said it yet.
fn needs(aws: &Aws, call: &CallRecord) -> Option<Vec<Need>> {
    let request = call.request.as_ref().unwrap_or(&Value::Null);
    let text = |member: &str| request[member].as_str().unwrap_or_default().to_owned();
    let arn = |service: &str, rest: String| arn(aws, service, &rest);
    let action = format!("{}:{}", call.service, call.operation);
    let on = |resource: String| vec![need(&action, resource)];
    Some(match (call.service.as_str(), call.operation.as_str()) {
        // The image's configuration lies behind an address that is signed already.
        ("registry", _) => Vec::new(),
        ("dynamodb", _) => on_the_ledger(aws, call, request),
        ("ecs", _) => return on_ecs(aws, call, request),
        ("ecr", _) => on(arn("ecr", format!("repository/{}", text("repositoryName")))),
        ("sqs", "SendMessageBatch") => {
            let url = text("QueueUrl");
            let name = url.rsplit('/').next().unwrap_or_default();
            vec![need("sqs:SendMessage", arn("sqs", name.to_owned()))]
        }
        ("sns", "Publish") => on(text("TopicArn")),
        ("events", "PutEvents") => on_the_bus(aws, &action, request),
        ("ssm", "GetParameter" | "PutParameter") => {
            on(arn("ssm", format!("parameter{}", text("Name"))))
        }
        ("ssm", "GetParametersByPath") => {
            let path = text("Path");
            on(arn(
                "ssm",
                format!("parameter{}", path.trim_end_matches('/')),
            ))
        }
        ("logs", "GetLogEvents") => {
            let (group, stream) = (text("logGroupName"), text("logStreamName"));
            on(arn(
                "logs",
                format!("log-group:{group}:log-stream:{stream}"),
            ))
        }
        ("monitoring", operation) => vec![need(&format!("cloudwatch:{operation}"), "*".into())],
        ("elasticloadbalancing", _) => on("*".to_owned()),
        ("cloudformation", _) => on_a_stack(aws, &action, request),
        _ => return None,
    })
}

/// A transaction needs an action for each kind of write; whether DynamoDB asks for each key
/// or for all of one action at once is not known, so that one statement has to allow them all.
fn on_the_ledger(aws: &Aws, call: &CallRecord, request: &Value) -> Vec<Need> {
    let transaction = request["TransactItems"].as_array().cloned();
    let operation = |member: &str| match member {
        "ConditionCheck" => "ConditionCheckItem".to_owned(),
        write => format!("{write}Item"),
    };
    let writes: Vec<(String, Value)> = match transaction {
        Some(writes) => writes
            .iter()
            .filter_map(Value::as_object)
            .flatten()
            .map(|(member, write)| (operation(member), write.clone()))
            .collect(),
        None => vec![(call.operation.clone(), request.clone())],
    };
    let mut needs: Vec<Need> = Vec::new();
    for (operation, write) in writes {
        let table = write["TableName"].as_str().unwrap_or_default();
        let index = write["IndexName"].as_str();
        let index = index.map_or_else(String::new, |index| format!("/index/{index}"));
        let resource = arn(aws, "dynamodb", &format!("table/{table}{index}"));
        let key = ["Key", "Item"].map(|member| &write[member]["pk"]["S"]);
        let asked = &write["ExpressionAttributeValues"];
        let asked = [":pk", ":pending"].map(|name| &asked[name]["S"]);
        let key = key.into_iter().chain(asked).find_map(Value::as_str);
        let action = format!("dynamodb:{operation}");
        let same = |need: &&mut Need| need.action == action && need.resource == resource;
        let need = match needs.iter_mut().find(same) {
            Some(found) => found,
            None => {
                needs.push(need(&action, resource));
                needs.last_mut().expect("one was just added")
            }
        };
        let keys = need.context.entry("dynamodb:LeadingKeys").or_default();
        keys.extend(key.map(str::to_owned));
    }
    needs
}

fn on_the_bus(aws: &Aws, action: &str, request: &Value) -> Vec<Need> {
    let entries = listed(&request["Entries"]);
    let needs = entries.map(|entry| {
        let text = |member: &str| entry[member].as_str().unwrap_or_default().to_owned();
        let bus = format!("event-bus/{}", text("EventBusName"));
        let mut need = need(action, arn(aws, "events", &bus));
        let conditions = [
            ("events:source", "Source"),
            ("events:detail-type", "DetailType"),
        ];
        for (key, member) in conditions {
            need.context.insert(key, [text(member)].into());
        }
        need
    });
    needs.collect()
}

/// Each of these is about one stack, by its name or its ARN. A role that is named is passed on.
fn on_a_stack(aws: &Aws, action: &str, request: &Value) -> Vec<Need> {
    let text = |member: &str| request[member].as_str().unwrap_or_default();
    let stack = match text("StackName") {
        stack if stack.starts_with("arn:") => stack.to_owned(),
        name => arn(aws, "cloudformation", &format!("stack/{name}/*")),
    };
    let mut needs = vec![need(action, stack)];
    if let Some(role) = request["RoleARN"].as_str() {
        let mut passing = need("iam:PassRole", role.to_owned());
        let to = ["cloudformation.amazonaws.com".to_owned()];
        passing.context.insert("iam:PassedToService", to.into());
        needs.push(passing);
    }
    needs
}

fn on_ecs(aws: &Aws, call: &CallRecord, request: &Value) -> Option<Vec<Need>> {
    let text = |member: &str| request[member].as_str().unwrap_or_default();
    let ecs = |rest: String| arn(aws, "ecs", &rest);
    let action = format!("ecs:{}", call.operation);
    let of_cluster = |resource: String| {
        // arn:aws:ecs:region:account:service/cluster/name
        let cluster = resource.split('/').nth(1).unwrap_or_default();
        let cluster = ecs(format!("cluster/{cluster}"));
        let mut need = need(&action, resource);
        need.context.insert("ecs:cluster", [cluster].into());
        need
    };
    let service = |name: &str| match name.starts_with("arn:") {
        true => of_cluster(name.to_owned()),
        false => of_cluster(ecs(format!("service/{}/{name}", text("cluster")))),
    };
    // What belongs to a service is asked for with the service itself.
    let both = |part: &str| {
        let of_service = part.replace(":service-deployment/", ":service/");
        let of_service = of_service.replace(":service-revision/", ":service/");
        let of_service = of_service
            .rsplit_once('/')
            .map_or("", |(service, _)| service);
        [service(of_service), of_cluster(part.to_owned())]
    };
    let each = |member: &str| listed(&request[member]).filter_map(Value::as_str);
    Some(match call.operation.as_str() {
        "DescribeTaskDefinition" | "ListTaskDefinitions" => vec![need(&action, "*".to_owned())],
        "DescribeServices" => each("services").map(service).collect(),
        "ListServiceDeployments" | "UpdateService" => vec![service(text("service"))],
        "DescribeServiceDeployments" => each("serviceDeploymentArns").flat_map(both).collect(),
        "DescribeServiceRevisions" => each("serviceRevisionArns").flat_map(both).collect(),
        "StopServiceDeployment" => both(text("serviceDeploymentArn")).into(),
        "RegisterTaskDefinition" => {
            let resource = ecs(format!("task-definition/{}:1", text("family")));
            let mut needs = vec![need(&action, resource.clone())];
            if listed(&request["tags"]).next().is_some() {
                let mut tagging = need("ecs:TagResource", resource);
                let by = ["RegisterTaskDefinition".to_owned()];
                tagging.context.insert("ecs:CreateAction", by.into());
                needs.push(tagging);
            }
            let roles = ["taskRoleArn", "executionRoleArn"].map(text);
            // A scenario that brings every leaf there is invents roles, too.
            for role in roles.into_iter().filter(|role| role.starts_with("arn:")) {
                let mut passing = need("iam:PassRole", role.to_owned());
                let to = ["ecs-tasks.amazonaws.com".to_owned()];
                passing.context.insert("iam:PassedToService", to.into());
                needs.push(passing);
            }
            needs
        }
        _ => return None,
    })
}

fn need(action: &str, resource: String) -> Need {
    Need {
        action: action.to_owned(),
        resource,
        context: BTreeMap::new(),
    }
}

fn arn(aws: &Aws, service: &str, rest: &str) -> String {
    let (region, account) = (aws.region(), aws.account_id());
    format!("arn:aws:{service}:{region}:{account}:{rest}")
}

/// Whether a statement allows something; what is not known here, such as a service's tags,
/// speaks for it.
fn allows(statement: &Value, need: &Need) -> bool {
    let any = |patterns: &Value, text: &str| {
        let mut patterns = listed(patterns).filter_map(Value::as_str);
        patterns.any(|pattern| matches(pattern, text))
    };
    let operators = statement["Condition"].as_object();
    let mut conditions = operators
        .into_iter()
        .flatten()
        .filter(|(operator, _)| *operator != "Null")
        .filter_map(|(_, keys)| keys.as_object())
        .flatten();
    statement["Effect"] == "Allow"
        && any(&statement["Action"], &need.action)
        && any(&statement["Resource"], &need.resource)
        && conditions.all(|(key, patterns)| {
            let values = need.context.get(key.as_str());
            values.is_some_and(|values| values.iter().all(|value| any(patterns, value)))
        })
}

/// Whether a text matches a pattern in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    text.strip_prefix(start).is_some_and(|left| {
        let mut ends = left.char_indices().map(|(at, _)| at).chain([left.len()]);
        ends.any(|at| matches(rest, &left[at..]))
    })
}

/// What IAM and ECS write as one thing or as a list of them.
fn listed(value: &Value) -> impl Iterator<Item = &Value> {
    let one = (!value.is_array() && !value.is_null()).then_some(value);
    value.as_array().into_iter().flatten().chain(one)
}
