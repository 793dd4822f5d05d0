mod stack;

use std::convert::Infallible;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::assembly::endpoint;
use crate::event_log::EventRecord;
use crate::fake_ministack::{ACCOUNT, FUNCTION, FakeMinistack, REGION};
use crate::http::serve;
use crate::oci::{self, Image};
use crate::options::{Options, Schedules};

#[tokio::test]
async fn calls_pass_through_with_their_headers_and_without_the_connections() {
    let world = World::start().await;
    let client = world.client();
    let target = "/bucket.localhost/key%20with%20blanks?list-type=2";
    let sent = client
        .rest(
            "s3",
            hyper::Method::PUT,
            target,
            &[
                ("x-amz-meta-a", "1"),
                ("te", "trailers"),
                ("proxy-connection", "close"),
            ],
            "body".into(),
        )
        .await
        .unwrap();
    assert_eq!(sent.body_json().unwrap()["echo"], target);
    let state = world.fake.state();
    assert_eq!(state.last_headers["x-amz-meta-a"], "1");
    assert!(!state.last_headers.contains_key("te"));
    assert!(!state.last_headers.contains_key("proxy-connection"));
    // SQS and S3 build names and URLs from the host that was called.
    let host = world.endpoint.address.to_string();
    assert_eq!(state.last_headers["host"], host.as_str());
    let record = world.endpoint.calls.since(0).pop().unwrap();
    assert_eq!((record.service.as_str(), record.status), ("s3", Some(200)));
}

#[tokio::test]
async fn ecs_is_answered_by_the_model_and_never_passed_on() {
    let world = World::start().await;
    let created = world
        .ecs("CreateCluster", &json!({"clusterName": "prod"}))
        .await;
    assert_eq!(created.unwrap()["cluster"]["clusterName"], "prod");
    let error = world.ecs("NoSuchOperation", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), "UnknownOperationException");
    assert!(
        world
            .fake
            .state()
            .calls
            .iter()
            .all(|call| !call.starts_with("ecs"))
    );
    let records = world.endpoint.calls.since(0);
    assert_eq!(records[0].request, Some(json!({"clusterName": "prod"})));
    assert_eq!(
        records[1].error.as_deref(),
        Some("UnknownOperationException")
    );
}

#[tokio::test]
async fn a_form_is_recorded_by_its_fields_and_a_package_not_at_all() {
    let world = World::start().await;
    let client = world.client();
    let fields = [("TopicArn", "arn:topic"), ("Message", "a & b")];
    client.form("sns", "Publish", &fields).await.unwrap();
    let package = format!("{:?}", "x".repeat(2 * 1024 * 1024));
    let target = "/2015-03-31/functions";
    let _ = client
        .rest("lambda", hyper::Method::POST, target, &[], package.into())
        .await;
    let records = world.endpoint.calls.since(0);
    let form = json!({"Action": "Publish", "TopicArn": "arn:topic", "Message": "a & b"});
    assert_eq!(records[0].request, Some(form));
    assert_eq!(records[1].request, None);
}

#[tokio::test]
async fn a_multi_arch_push_sends_its_children_untagged_first_and_then_the_index() {
    let world = World::start().await;
    let image = oci::attested(&Image::new("amd64"), &["amd64", "arm64"]);
    let registry = oci::Registry::new(&format!("http://{}", world.endpoint.address));
    let digest = registry.push("team/app", "v1", &image).await.unwrap();

    let events = world.events(5).await;
    let details: Vec<&Value> = events
        .iter()
        .map(|record| &record.event["detail"])
        .collect();
    assert!(
        details[..4]
            .iter()
            .all(|detail| detail.get("image-tag").is_none())
    );
    assert_eq!(details[4]["image-tag"], "v1");
    assert_eq!(details[4]["image-digest"], digest.as_str());
    assert_eq!(details[4]["repository-name"], "team/app");
    assert_eq!(
        world.endpoint.registry.tagged("team/app", "v1"),
        Some(digest.clone())
    );

    registry.retag("team/app", "v1", "prod-v1").await.unwrap();
    assert_eq!(
        world.events(6).await[5].event["detail"]["image-tag"],
        "prod-v1"
    );
    assert_eq!(
        world.endpoint.registry.tagged("team/app", "prod-v1"),
        Some(digest)
    );
}

#[tokio::test]
async fn a_parameter_is_created_updated_and_deleted() {
    let world = World::start().await;
    let client = world.client();
    let put = json!({"Name": "/a", "Value": "1", "Type": "String", "Description": "d"});
    client
        .json("ssm", "AmazonSSM.PutParameter", &put)
        .await
        .unwrap();
    let again = json!({"Name": "/a", "Value": "2", "Overwrite": true});
    client
        .json("ssm", "AmazonSSM.PutParameter", &again)
        .await
        .unwrap();
    client
        .json("ssm", "AmazonSSM.DeleteParameter", &json!({"Name": "/a"}))
        .await
        .unwrap();

    let events = world.events(3).await;
    let operations: Vec<_> = events
        .iter()
        .map(|record| record.event["detail"]["operation"].as_str().unwrap())
        .collect();
    assert_eq!(operations, ["Create", "Update", "Delete"]);
    assert_eq!(events[2].event["detail"]["type"], "String");
    assert_eq!(events[2].event["detail"]["description"], "d");
}

#[tokio::test]
async fn what_a_stack_makes_is_seen_until_the_stack_is_done() {
    let world = World::start().await;
    {
        let mut state = world.fake.state();
        state.stack_states = vec!["CREATE_IN_PROGRESS"];
        state.made_by_stack =
            Some(json!({"Name": "/made", "Type": "String", "Version": 1, "Description": ""}));
    }
    let client = world.client();
    client
        .form("cloudformation", "CreateStack", &[("StackName", "one")])
        .await
        .unwrap();

    let events = world.events(1).await;
    assert_eq!(
        events[0].event["detail"],
        json!({
            "operation": "Create", "name": "/made", "type": "String",
        })
    );
    let repositories = world.endpoint.registry.snapshot();
    assert!(
        repositories.contains_key("from-a-stack"),
        "{repositories:?}"
    );
}

#[tokio::test]
async fn an_alarm_that_changes_its_state_is_told_of_once() {
    let world = World::start().await;
    world.fake.state().alarms = vec![json!({
        "AlarmName": "too-slow", "AlarmArn": "arn:alarm", "StateValue": "INSUFFICIENT_DATA",
    })];
    let client = world.client();
    for value in ["ALARM", "ALARM", "OK"] {
        let target = "GraniteServiceVersion20100801.SetAlarmState";
        let body = json!({"AlarmName": "too-slow", "StateValue": value});
        client.json("monitoring", target, &body).await.unwrap();
    }
    let events = world.events(2).await;
    let values: Vec<_> = events
        .iter()
        .map(|record| {
            let detail = &record.event["detail"];
            (
                detail["previousState"]["value"].clone(),
                detail["state"]["value"].clone(),
            )
        })
        .collect();
    let expected = [("INSUFFICIENT_DATA", "ALARM"), ("ALARM", "OK")];
    assert_eq!(
        values,
        expected.map(|(before, after)| (before.into(), after.into()))
    );
    assert_eq!(events[0].event["resources"], json!(["arn:alarm"]));
}

/// ECS ignores the alarms of a deployment if one of them is in ALARM when it begins.
#[tokio::test]
async fn ecs_hears_of_alarms() {
    let world = World::start().await;
    world.fake.state().alarms = vec![json!({
        "AlarmName": "too-slow", "AlarmArn": "arn:alarm", "StateValue": "OK",
    })];
    let cluster = json!({"clusterName": "prod"});
    world.ecs("CreateCluster", &cluster).await.unwrap();
    let definition = json!({
        "family": "web", "containerDefinitions": [{"name": "web", "image": "web", "memory": 1}],
    });
    let registered = world.ecs("RegisterTaskDefinition", &definition).await;
    registered.unwrap();
    for (state, service, expected) in [("OK", "a", "MONITORING"), ("ALARM", "b", "DISABLED")] {
        let target = "GraniteServiceVersion20100801.SetAlarmState";
        let body = json!({"AlarmName": "too-slow", "StateValue": state});
        let client = world.client();
        client.json("monitoring", target, &body).await.unwrap();
        let alarms = json!({"alarmNames": ["too-slow"], "enable": true, "rollback": true});
        let request = json!({
            "cluster": "prod", "serviceName": service, "taskDefinition": "web", "desiredCount": 1,
            "deploymentConfiguration": {"alarms": alarms},
        });
        world.ecs("CreateService", &request).await.unwrap();
        let deployment = world.begun_deployment(service).await;
        assert_eq!(deployment["alarms"]["status"], expected, "{state}");
    }
}

#[tokio::test]
async fn a_schedule_is_fired_here_only_and_shown_as_enabled() {
    let world = World::start().await;
    let rule = "sweep";
    world
        .fake
        .add_rule(rule, "aws.nothing", &json!({"Id": "1", "Arn": FUNCTION}));
    world.fake.state().rules.get_mut(rule).unwrap().0["ScheduleExpression"] =
        "rate(1 minute)".into();

    let fired = world.control("POST", "schedules?rule=swe", "").await;
    assert_eq!(fired, json!([rule]));
    let record = world.events(1).await.remove(0);
    assert_eq!(record.event["detail-type"], "Scheduled Event");
    assert_eq!(record.rules.as_deref(), Some(&[rule.to_owned()][..]));

    assert_eq!(world.fake.state().rules[rule].0["State"], "DISABLED");
    let described = world
        .client()
        .json("events", "AWSEvents.DescribeRule", &json!({"Name": rule}))
        .await
        .unwrap();
    assert_eq!(described["State"], "ENABLED");
    let listed = world
        .client()
        .json("events", "AWSEvents.ListRules", &json!({}))
        .await
        .unwrap();
    assert_eq!(listed["Rules"][0]["State"], "ENABLED");
}

#[tokio::test]
async fn a_lost_answer_is_lost_after_the_call_was_carried_out() {
    let world = World::start().await;
    let fault = r#"{"call": {"service": "ecs", "when": {"nth": 1}, "effect": "answerLost"}}"#;
    world.control("POST", "faults", fault).await;
    let lost = world
        .ecs("CreateCluster", &json!({"clusterName": "prod"}))
        .await;
    assert!(
        matches!(lost, Err(UpstreamError::Unreachable { .. })),
        "{lost:?}"
    );
    let listed = world.ecs("ListClusters", &json!({})).await.unwrap();
    assert_eq!(listed["clusterArns"].as_array().map(Vec::len), Some(1));
    let record = world.endpoint.calls.since(0).remove(0);
    assert_eq!(
        (record.status, record.faults),
        (None, vec!["answerLost".to_owned()])
    );
    assert_eq!(world.control("GET", "faults", "").await[0]["injected"], 1);
}

#[tokio::test]
async fn throttled_and_failed_calls_do_nothing_and_duplicates_do_it_twice() {
    let world = World::start().await;
    let faults = r#"[
        {"call": {"operation": "SendMessage", "when": {"nth": 1}, "effect": {"throttle": "RequestThrottled"}}},
        {"call": {"operation": "SendMessage", "when": {"nth": 2}, "effect": "error"}},
        {"call": {"operation": "SendMessage", "when": {"nth": 3}, "effect": "duplicate"}}
    ]"#;
    world.control("POST", "faults", faults).await;
    world
        .fake
        .state()
        .queues
        .insert("q".to_owned(), String::new());
    let client = world.client();
    let message = json!({"QueueUrl": "http://localhost/1/q", "MessageBody": "m"});
    let mut codes = Vec::new();
    for _ in 0..3 {
        let sent = client.json("sqs", "AmazonSQS.SendMessage", &message).await;
        codes.push(sent.map_err(|error| error.code().to_owned()).err());
    }
    let code = |code: &str| Some(code.to_owned());
    assert_eq!(
        codes,
        [code("RequestThrottled"), code("InternalFailure"), None]
    );
    assert_eq!(world.fake.state().messages.len(), 2);
}

#[tokio::test]
async fn an_event_can_be_sent_by_hand_and_is_told_of() {
    let world = World::start().await;
    world
        .fake
        .add_rule("r", "aws.ecr", &json!({"Id": "1", "Arn": FUNCTION}));
    let sent = world
        .control(
            "POST",
            "events",
            r#"{"source": "aws.ecr", "detail": {"a": 1}}"#,
        )
        .await;
    assert_eq!(sent[0]["region"], REGION);
    for _ in 0..PATIENCE {
        if !world.fake.state().invocations.is_empty() {
            break;
        }
        pause(Duration::from_millis(1)).await;
    }
    assert_eq!(world.fake.state().invocations[0].2, sent[0]);
    let events = world.control("GET", "events?since=0", "").await;
    assert_eq!(events[0]["rules"], json!(["r"]));
    assert_eq!(world.control("GET", "events?since=1", "").await, json!([]));
}

#[tokio::test]
async fn a_dead_ministack_is_named_in_the_answer() {
    let world = World::start().await;
    let mut gone = world;
    gone.tasks.shutdown().await;
    let request = Request {
        method: hyper::Method::POST,
        target: "/".to_owned(),
        headers: hyper::HeaderMap::new(),
        body: bytes::Bytes::new(),
    };
    let answer = gone.endpoint.answer(request, Arc::default()).await.unwrap();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(body.contains("did not answer"), "{body}");
}

/// How many milliseconds at least are waited for what never comes.
const PATIENCE: usize = 5000;

struct World {
    fake: Arc<FakeMinistack>,
    endpoint: Arc<Endpoint>,
    tasks: JoinSet<()>,
}

impl World {
    async fn start() -> Self {
        World::start_with(|options| options).await
    }

    async fn start_with(chosen: impl FnOnce(Options) -> Options) -> Self {
        let mut tasks = JoinSet::new();
        let (fake, upstream) = FakeMinistack::start(&mut tasks).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let options = chosen(Options {
            account_id: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            schedules: Schedules::ByHand,
            ..Options::new("")
        });
        let endpoint = endpoint(&options, address, upstream, None, &mut tasks).unwrap();
        let serving = endpoint.clone();
        tasks.spawn(async move {
            let never: Infallible = serve(listener, serving).await;
            match never {}
        });
        World {
            fake,
            endpoint,
            tasks,
        }
    }

    /// A client of the endpoint, which speaks as an SDK does.
    fn client(&self) -> Upstream {
        Upstream::new(self.endpoint.address, ACCOUNT, REGION)
    }

    async fn ecs(&self, operation: &str, body: &Value) -> Result<Value, UpstreamError> {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        self.client().json("ecs", &target, body).await
    }

    async fn control(&self, method: &str, path: &str, body: &'static str) -> Value {
        let answer = self
            .client()
            .rest(
                "",
                method.parse().unwrap(),
                &format!("/_local/{path}"),
                &[],
                body.into(),
            )
            .await;
        answer.unwrap().body_json().unwrap()
    }

    /// Waits until a service's first deployment has begun.
    async fn begun_deployment(&self, service: &str) -> Value {
        let request = json!({"cluster": "prod", "service": service});
        for _ in 0..PATIENCE {
            let listed = self.ecs("ListServiceDeployments", &request).await.unwrap();
            let arn = &listed["serviceDeployments"][0]["serviceDeploymentArn"];
            let arns = json!({"serviceDeploymentArns": [arn]});
            let found = self.ecs("DescribeServiceDeployments", &arns).await.unwrap();
            if found["serviceDeployments"][0]["status"] == "IN_PROGRESS" {
                return found["serviceDeployments"][0].clone();
            }
            pause(Duration::from_millis(1)).await;
        }
        panic!("the deployment of {service} did not begin");
    }

    /// Waits until so many events were sent and matched.
    async fn events(&self, count: usize) -> Vec<EventRecord> {
        for _ in 0..PATIENCE {
            let events = self.endpoint.bus.log().since(0);
            if events
                .iter()
                .filter(|record| record.rules.is_some())
                .count()
                >= count
            {
                return events;
            }
            pause(Duration::from_millis(1)).await;
        }
        panic!("{count} events did not come");
    }
}
