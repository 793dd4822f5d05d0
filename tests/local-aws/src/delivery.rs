//! Handing one event to one target, once: a Lambda function, a queue or a topic,
//! if its policy lets the rule in; and putting it into a dead-letter queue.

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use crate::resource_policy::lets_events_in;
use crate::rule::{Rule, Target};
use crate::upstream::{Upstream, UpstreamError};

/// Why a target did not take an event, in the words of EventBridge's dead letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// `NO_PERMISSIONS`, `NO_RESOURCE`, `THROTTLING`, `SDK_CLIENT_ERROR`, …
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// A missing permission or target is not tried again.
    /// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html>
    pub(crate) is_retriable: bool,
}

/// Why and when EventBridge gave up.
#[derive(Clone, Debug)]
pub(crate) struct GivenUp<'a> {
    pub(crate) failure: &'a Failure,
    /// `MaximumRetryAttempts` or `MaximumEventAgeInSeconds`, if one of them ended it.
    pub(crate) exhausted: Option<&'static str>,
    pub(crate) retries: u32,
}

/// Hands an event to a target.
pub(crate) async fn hand_over(
    upstream: &Upstream,
    rule: &Rule,
    target: &Target,
    event: &Value,
) -> Result<(), Failure> {
    let input = input(target, event)?;
    match service(&target.arn) {
        "lambda" => invoke(upstream, rule, &target.arn, input).await,
        "sqs" => {
            let group = target.sqs_parameters.message_group_id.as_deref();
            send_message(upstream, rule, &target.arn, &input, group, json!({})).await
        }
        "sns" => {
            let parameters = [("TopicArn", target.arn.as_str()), ("Message", &input)];
            let published = upstream.form("sns", "Publish", &parameters).await;
            published.map(|_| ()).map_err(Failure::from)
        }
        other => Err(Failure {
            code: "SDK_CLIENT_ERROR",
            message: format!(
                "the local AWS delivers no events to {other}: {}",
                target.arn
            ),
            is_retriable: false,
        }),
    }
}

/// Puts an event that was given up on into the target's dead-letter queue.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html>
pub(crate) async fn bury(
    upstream: &Upstream,
    rule: &Rule,
    target: &Target,
    queue_arn: &str,
    event: &Value,
    given_up: &GivenUp<'_>,
) -> Result<(), Failure> {
    let mut attributes = json!({
        "RULE_ARN": attribute(&rule.arn),
        "TARGET_ARN": attribute(&target.arn),
        "ERROR_CODE": attribute(given_up.failure.code),
        "ERROR_MESSAGE": attribute(&given_up.failure.message),
        "RETRY_ATTEMPTS": attribute(&given_up.retries.to_string()),
    });
    if let Some(exhausted) = given_up.exhausted {
        attributes["EXHAUSTED_RETRY_CONDITION"] = attribute(exhausted);
    }
    send_message(
        upstream,
        rule,
        queue_arn,
        &event.to_string(),
        None,
        attributes,
    )
    .await
}

/// What the target gets: the event, a part of it, or a constant.
fn input(target: &Target, event: &Value) -> Result<String, Failure> {
    if target.input_transformer.is_some() {
        return Err(Failure {
            code: "SDK_CLIENT_ERROR",
            message: format!("the local AWS knows no InputTransformer ({})", target.arn),
            is_retriable: false,
        });
    }
    if let Some(input) = &target.input {
        return Ok(input.clone());
    }
    let part = target
        .input_path
        .as_deref()
        .map(|path| path.trim_start_matches('$').replace('.', "/"))
        .and_then(|pointer| event.pointer(&pointer));
    Ok(part.unwrap_or(event).to_string())
}

/// Invokes a function as EventBridge does, asynchronously: from then on Lambda
/// retries, and passes failures to its own destination.
/// <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html>
async fn invoke(
    upstream: &Upstream,
    rule: &Rule,
    function_arn: &str,
    input: String,
) -> Result<(), Failure> {
    let (name, qualifier) = function(function_arn);
    let query = qualifier.map_or_else(String::new, |qualifier| format!("?Qualifier={qualifier}"));
    let functions = format!("/2015-03-31/functions/{name}");
    let target = format!("{functions}/policy{query}");
    let policy = upstream
        .rest("lambda", Method::GET, &target, &[], Bytes::new())
        .await;
    let policy = match policy {
        Ok(answer) => answer.body_json().unwrap_or_default()["Policy"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        // The same code says that there is no function, and that it has no policy.
        Err(error) if error.code() == "ResourceNotFoundException" => {
            if error.to_string().contains("Function not found") {
                return Err(error.into());
            }
            String::new()
        }
        Err(error) => return Err(error.into()),
    };
    if !lets_events_in(&policy, "lambda:InvokeFunction", &rule.arn) {
        return Err(not_let_in(function_arn, "lambda:InvokeFunction", rule));
    }
    let target = format!("{functions}/invocations{query}");
    let asynchronous = [("x-amz-invocation-type", "Event")];
    let invoked = upstream
        .rest("lambda", Method::POST, &target, &asynchronous, input.into())
        .await;
    invoked.map(|_| ()).map_err(Failure::from)
}

async fn send_message(
    upstream: &Upstream,
    rule: &Rule,
    queue_arn: &str,
    body: &str,
    group: Option<&str>,
    attributes: Value,
) -> Result<(), Failure> {
    let mut fields = queue_arn.rsplit(':');
    let (name, account) = (fields.next().unwrap_or_default(), fields.next());
    // ministack looks at the path only.
    let queue_url = format!("http://localhost/{}/{name}", account.unwrap_or_default());
    let asked = json!({"QueueUrl": queue_url, "AttributeNames": ["Policy"]});
    let got = upstream
        .json("sqs", "AmazonSQS.GetQueueAttributes", &asked)
        .await?;
    let policy = got["Attributes"]["Policy"].as_str().unwrap_or_default();
    if !lets_events_in(policy, "sqs:SendMessage", &rule.arn) {
        return Err(not_let_in(queue_arn, "sqs:SendMessage", rule));
    }
    let mut message = json!({
        "QueueUrl": queue_url,
        "MessageBody": body,
        "MessageAttributes": attributes,
    });
    if let Some(group) = group {
        message["MessageGroupId"] = group.into();
    }
    let sent = upstream
        .json("sqs", "AmazonSQS.SendMessage", &message)
        .await;
    sent.map(|_| ()).map_err(Failure::from)
}

fn not_let_in(arn: &str, action: &str, rule: &Rule) -> Failure {
    Failure {
        code: "NO_PERMISSIONS",
        message: format!(
            "the policy of {arn} does not let events.amazonaws.com {action} for {}",
            rule.arn
        ),
        is_retriable: false,
    }
}

impl From<UpstreamError> for Failure {
    fn from(error: UpstreamError) -> Self {
        let is_missing = error.code().contains("NotFound") || error.code().contains("NonExistent");
        let code = match &error {
            UpstreamError::Unreachable { .. } => "CONNECTION_FAILURE",
            UpstreamError::Refused { .. } if is_missing => "NO_RESOURCE",
            UpstreamError::Refused { code, .. } if code.contains("AccessDenied") => {
                "NO_PERMISSIONS"
            }
            UpstreamError::Refused { .. } if error.is_transient() => "THROTTLING",
            UpstreamError::Refused { .. } => "SDK_CLIENT_ERROR",
        };
        Failure {
            code,
            is_retriable: error.is_transient(),
            message: error.to_string(),
        }
    }
}

fn attribute(value: &str) -> Value {
    json!({"DataType": "String", "StringValue": value})
}

fn service(arn: &str) -> &str {
    arn.split(':').nth(2).unwrap_or_default()
}

/// Name and qualifier of `arn:aws:lambda:<region>:<account>:function:<name>[:<qualifier>]`.
fn function(arn: &str) -> (&str, Option<&str>) {
    let mut fields = arn.split(':').skip(6);
    (fields.next().unwrap_or_default(), fields.next())
}
