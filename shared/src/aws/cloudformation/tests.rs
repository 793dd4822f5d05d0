//! The adapter against an endpoint in memory.

use std::sync::Mutex;

use super::super::endpoint::{Answer, Call, Endpoint};
use super::*;
use crate::core::stack::{ChangeSet, ResourceChange, Stack, StackStatus};

mod change_sets;

const ARN: &str = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/5f1c";

/// Wraps what an operation answers.
fn answer(action: &str, result: &str) -> Answer {
    Answer::Status(
        200,
        format!(
            r#"<{action}Response xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"#
        ),
    )
}

fn refusal(code: &str, message: &str) -> Answer {
    Answer::Status(
        400,
        format!(
            r#"<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"#
        ),
    )
}

/// Gives a field of a call's form.
fn field(call: &Call, name: &str) -> Option<String> {
    let fields = call.body.split('&');
    let mut pairs = fields.filter_map(|field| field.split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    Some(value.replace("%3A", ":").replace("%2F", "/"))
}

/// Gives which operation a call asks for.
fn action(call: &Call) -> String {
    field(call, "Action").unwrap()
}

fn cloudformation(endpoint: &Endpoint) -> CloudFormation {
    CloudFormation::new(&endpoint.clients())
}

/// Answers DescribeStacks with `fields`, and DescribeStackEvents with the pages of `events`.
fn stack_with(fields: &str, events: &'static [&'static str]) -> Endpoint {
    let stack = format!(
        "<Stacks><member><StackName>shop</StackName><StackId>{ARN}</StackId>{fields}</member></Stacks>"
    );
    Endpoint::new(move |call| match action(call).as_str() {
        "DescribeStacks" => answer("DescribeStacks", &stack),
        "DescribeStackEvents" => {
            assert_eq!(field(call, "StackName").as_deref(), Some(ARN));
            let page: usize = match field(call, "NextToken") {
                Some(token) => token.parse().unwrap(),
                None => 0,
            };
            let next = match page + 1 < events.len() {
                true => format!("<NextToken>{}</NextToken>", page + 1),
                false => String::new(),
            };
            let events = events.get(page).unwrap();
            let page = format!("<StackEvents>{events}</StackEvents>{next}");
            answer("DescribeStackEvents", &page)
        }
        other => panic!("unexpected {other}"),
    })
}

async fn look(endpoint: &Endpoint) -> Stack {
    match cloudformation(endpoint).stack("shop").await.unwrap() {
        StackLook::Found(stack) => *stack,
        StackLook::Missing => panic!("it is there"),
    }
}

#[tokio::test]
async fn a_stack_is_read_without_the_values_of_its_parameters() {
    let endpoint = stack_with(
        "<StackStatus>UPDATE_COMPLETE</StackStatus>\
         <ChangeSetId>arn:aws:cloudformation:eu-west-1:123456789012:changeSet/pushboat-1/9a</ChangeSetId>\
         <RoleARN>arn:aws:iam::123456789012:role/stack</RoleARN>\
         <Parameters><member><ParameterKey>Image</ParameterKey><ParameterValue>web@sha256:0</ParameterValue></member>\
         <member><ParameterKey>Password</ParameterKey><ParameterValue>****</ParameterValue></member></Parameters>\
         <Capabilities><member>CAPABILITY_IAM</member><member>CAPABILITY_AUTO_EXPAND</member></Capabilities>\
         <Tags><member><Key>k</Key><Value>v</Value></member></Tags>",
        &[],
    );
    let expected = Stack {
        arn: ARN.to_owned(),
        status: StackStatus::Updated,
        status_word: "UPDATE_COMPLETE".to_owned(),
        status_reason: String::new(),
        role_arn: Some("arn:aws:iam::123456789012:role/stack".to_owned()),
        parameters: vec!["Image".to_owned(), "Password".to_owned()],
        capabilities: vec![
            "CAPABILITY_IAM".to_owned(),
            "CAPABILITY_AUTO_EXPAND".to_owned(),
        ],
        change_set: Some("pushboat-1".to_owned()),
        failed: None,
    };
    assert_eq!(look(&endpoint).await, expected);
    let calls = endpoint.calls();
    assert_eq!(calls.len(), 1, "nothing failed in it");
    let call = calls.first().unwrap();
    assert_eq!(call.uri, "https://cloudformation.eu-west-1.amazonaws.com/");
    assert_eq!(field(call, "Version").as_deref(), Some("2010-05-15"));
    assert_eq!(field(call, "StackName").as_deref(), Some("shop"));
    let signature = call.headers.get("authorization").unwrap();
    assert!(signature.contains("/eu-west-1/cloudformation/aws4_request"));
    let form = "application/x-www-form-urlencoded";
    assert_eq!(call.headers.get("content-type").unwrap(), form);
}

#[tokio::test]
async fn the_first_failure_of_the_last_operation_is_found() {
    let endpoint = stack_with(
        "<StackStatus>UPDATE_ROLLBACK_COMPLETE</StackStatus><StackStatusReason>gone back &amp; done</StackStatusReason>",
        &[
            "<member><LogicalResourceId>shop</LogicalResourceId><PhysicalResourceId>arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/5f1c</PhysicalResourceId><ResourceType>AWS::CloudFormation::Stack</ResourceType><ResourceStatus>UPDATE_ROLLBACK_FAILED</ResourceStatus></member>\
             <member><LogicalResourceId>Late</LogicalResourceId><ResourceType>AWS::ECS::Service</ResourceType><ResourceStatus>UPDATE_FAILED</ResourceStatus><ResourceStatusReason>later</ResourceStatusReason></member>\
             <member><LogicalResourceId>Other</LogicalResourceId><ResourceType>AWS::SQS::Queue</ResourceType><ResourceStatus>UPDATE_FAILED</ResourceStatus><ResourceStatusReason>Resource update cancelled</ResourceStatusReason></member>",
            "<member><LogicalResourceId>Service</LogicalResourceId><ResourceType>AWS::ECS::Service</ResourceType><ResourceStatus>UPDATE_FAILED</ResourceStatus><ResourceStatusReason>circuit breaker, PASSWORD=s3cr3t</ResourceStatusReason></member>\
             <member><LogicalResourceId>New</LogicalResourceId><ResourceType>AWS::SQS::Queue</ResourceType><ResourceStatus>CREATE_FAILED</ResourceStatus><ResourceStatusReason>Resource creation cancelled</ResourceStatusReason></member>\
             <member><LogicalResourceId>shop</LogicalResourceId><PhysicalResourceId>arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/5f1c</PhysicalResourceId><ResourceType>AWS::CloudFormation::Stack</ResourceType><ResourceStatus>UPDATE_IN_PROGRESS</ResourceStatus></member>\
             <member><LogicalResourceId>Before</LogicalResourceId><ResourceType>AWS::ECS::Service</ResourceType><ResourceStatus>UPDATE_FAILED</ResourceStatus><ResourceStatusReason>another time</ResourceStatusReason></member>",
            "<member/>",
        ],
    );
    let stack = look(&endpoint).await;
    assert_eq!(stack.status, StackStatus::RolledBack);
    assert_eq!(stack.status_reason, "gone back & done");
    let failed = stack.failed.unwrap();
    assert_eq!(failed.logical_id, "Service");
    assert_eq!(failed.resource_type, "AWS::ECS::Service");
    assert!(failed.reason.starts_with("circuit breaker"));
    assert!(!failed.reason.contains("s3cr3t"), "{}", failed.reason);
    assert_eq!(endpoint.calls().len(), 3, "the last page is not asked for");
}

#[tokio::test]
async fn an_operation_in_which_only_cancelled_resources_failed_names_none() {
    let endpoint = stack_with(
        "<StackStatus>UPDATE_ROLLBACK_IN_PROGRESS</StackStatus>",
        &[
            "<member><LogicalResourceId>Service</LogicalResourceId><ResourceType>AWS::ECS::Service</ResourceType><ResourceStatus>UPDATE_FAILED</ResourceStatus><ResourceStatusReason>Resource update cancelled</ResourceStatusReason></member>",
        ],
    );
    assert_eq!(look(&endpoint).await.failed, None);
}

#[tokio::test]
async fn a_stack_that_is_not_there_is_no_error() {
    let words = "Stack with id shop does not exist";
    let endpoint = Endpoint::new(move |_| refusal("ValidationError", words));
    let cloudformation = cloudformation(&endpoint);
    let stack = cloudformation.stack("shop").await;
    assert_eq!(stack, Ok(StackLook::Missing));
    assert_eq!(cloudformation.services("shop").await, Ok(None));
    let change_set = cloudformation.change_set("shop", "c").await;
    assert_eq!(change_set, Ok(ChangeSetLook::Missing));
}

#[tokio::test]
async fn the_services_of_all_pages_are_read() {
    let endpoint = Endpoint::new(|call| {
        assert_eq!(action(call), "ListStackResources");
        let resource = |kind: &str, status: &str, id: &str| {
            format!(
                "<member><LogicalResourceId>L</LogicalResourceId><PhysicalResourceId>{id}</PhysicalResourceId><ResourceType>{kind}</ResourceType><ResourceStatus>{status}</ResourceStatus></member>"
            )
        };
        let service = |name: &str| format!("arn:aws:ecs:eu-west-1:1:service/prod/{name}");
        let first = [
            resource("AWS::ECS::Service", "UPDATE_COMPLETE", &service("web")),
            resource("AWS::ECS::Cluster", "CREATE_COMPLETE", "prod"),
            resource("AWS::ECS::Service", "DELETE_COMPLETE", &service("gone")),
            resource("AWS::ECS::Service", "CREATE_FAILED", ""),
        ];
        let page = match field(call, "NextToken").as_deref() {
            None => format!(
                "<StackResourceSummaries>{}</StackResourceSummaries><NextToken>2</NextToken>",
                first.concat()
            ),
            Some(token) => {
                assert_eq!(token, "2");
                let second = resource("AWS::ECS::Service", "CREATE_IN_PROGRESS", &service("api"));
                format!("<StackResourceSummaries>{second}</StackResourceSummaries>")
            }
        };
        answer("ListStackResources", &page)
    });
    let services = cloudformation(&endpoint).services("shop").await;
    let arns = ["web", "api"].map(|name| format!("arn:aws:ecs:eu-west-1:1:service/prod/{name}"));
    assert_eq!(services, Ok(Some(arns.into())));
}

#[tokio::test(start_paused = true)]
async fn errors_are_told_apart_and_looks_are_tried_again() {
    for (status, body, expected, tries) in [
        (
            403,
            refusal("AccessDenied", "no"),
            "was refused: AccessDenied: no",
            1,
        ),
        (
            400,
            refusal("Throttling", "Rate exceeded"),
            "was throttled",
            3,
        ),
        (
            400,
            refusal("ValidationError", "no name"),
            "ValidationError: no name",
            1,
        ),
        (
            502,
            Answer::Status(502, "<html><p>bad".to_owned()),
            "no clear answer",
            3,
        ),
        (
            200,
            Answer::Status(200, "nonsense".to_owned()),
            "no clear answer",
            1,
        ),
        (
            200,
            answer("DescribeStacks", ""),
            "the answer has no stack",
            1,
        ),
        (
            200,
            answer("DescribeStacks", "<Stacks><member/></Stacks>"),
            "no clear answer",
            1,
        ),
    ] {
        let Answer::Status(_, body) = body else {
            panic!("no status");
        };
        let said = body.clone();
        let endpoint = Endpoint::new(move |_| Answer::Status(status, said.clone()));
        let told = cloudformation(&endpoint).stack("shop").await.unwrap_err();
        assert!(
            told.to_string().contains(expected),
            "{status} {body}: {told}"
        );
        assert_eq!(endpoint.calls().len(), tries, "{body}");
    }
    let broken = Endpoint::new(|_| Answer::Broken);
    let told = cloudformation(&broken).stack("shop").await.unwrap_err();
    assert!(matches!(told, CallError::Unclear { .. }), "{told}");
}
