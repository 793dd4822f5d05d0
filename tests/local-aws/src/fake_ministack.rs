//! A small stand-in for ministack in unit tests: it holds state and answers over
//! HTTP, as far as the endpoint asks.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::call::{Call, registry_path};
use crate::http::{Answer, AnswerLost, Request, Service, serve};
use crate::upstream::Upstream;

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const FUNCTION: &str = "arn:aws:lambda:eu-central-1:123456789012:function:push";
pub(crate) const DEAD_LETTERS: &str = "arn:aws:sqs:eu-central-1:123456789012:dead-letters";

/// Everything the stand-in holds.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The rules as `ListRules` tells them, by name, each with its targets.
    pub(crate) rules: BTreeMap<String, (Value, Vec<Value>)>,
    /// The policy of each function, by name.
    pub(crate) functions: BTreeMap<String, String>,
    /// What functions were invoked with, and how.
    pub(crate) invocations: Vec<(String, String, Value)>,
    /// How many more invocations are refused with status 500.
    pub(crate) failing_invocations: u32,
    /// The policy of each queue, by name.
    pub(crate) queues: BTreeMap<String, String>,
    /// Every `SendMessage`.
    pub(crate) messages: Vec<Value>,
    /// The parameters as `DescribeParameters` tells them.
    pub(crate) parameters: Vec<Value>,
    /// The stacks' states, one after the other, each told once.
    pub(crate) stack_states: Vec<&'static str>,
    /// The metric alarms as `DescribeAlarms` tells them.
    pub(crate) alarms: Vec<Value>,
    /// The parameter that a stack makes in its last state.
    pub(crate) made_by_stack: Option<Value>,
    /// The registry's blobs and manifests, by repository and digest or tag.
    pub(crate) stored: BTreeMap<String, Bytes>,
    /// The headers of the last request that was passed on.
    pub(crate) last_headers: HeaderMap,
    /// Every call, as service and operation.
    pub(crate) calls: Vec<String>,
}

/// The stand-in, as the tests hold it.
#[derive(Debug)]
pub(crate) struct FakeMinistack {
    state: Mutex<State>,
}

impl FakeMinistack {
    /// Starts to listen on loopback.
    pub(crate) async fn start(tasks: &mut JoinSet<()>) -> (Arc<Self>, Upstream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake = Arc::new(FakeMinistack {
            state: Mutex::default(),
        });
        let serving = fake.clone();
        tasks.spawn(async move {
            let never: Infallible = serve(listener, serving).await;
            match never {}
        });
        (fake, Upstream::new(address, ACCOUNT, REGION))
    }

    /// What it holds.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes a rule for a source with one target, and lets it in there.
    pub(crate) fn add_rule(&self, name: &str, source: &str, target: &Value) {
        let mut state = self.state();
        let rule = json!({
            "Name": name,
            "Arn": rule_arn(name),
            "State": "ENABLED",
            "EventPattern": json!({"source": [source]}).to_string(),
        });
        state
            .rules
            .insert(name.to_owned(), (rule, vec![target.clone()]));
        let functions = &mut state.functions;
        functions.insert("push".to_owned(), policy("lambda:InvokeFunction", name));
        let queues = &mut state.queues;
        queues.insert("dead-letters".to_owned(), policy("sqs:SendMessage", name));
    }
}

/// The ARN of a rule on the default bus.
pub(crate) fn rule_arn(name: &str) -> String {
    format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}")
}

fn policy(action: &str, rule: &str) -> String {
    json!({"Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": action,
        "Condition": {"ArnLike": {"AWS:SourceArn": rule_arn(rule)}},
    }]})
    .to_string()
}

impl Service for FakeMinistack {
    type Peer = ();

    async fn peer(&self, _theirs: SocketAddr, _ours: SocketAddr) {}

    async fn answer(
        self: Arc<Self>,
        request: Request,
        _peer: Arc<()>,
    ) -> Result<Answer, AnswerLost> {
        let call = Call::of(&request);
        let mut state = self.state();
        state
            .calls
            .push(format!("{} {}", call.service, call.operation));
        state.last_headers = request.headers.clone();
        let body = request.json().unwrap_or_default();
        Ok(match call.service.as_str() {
            "events" => state.events(&call.operation, &body),
            "lambda" => state.lambda(&request, body),
            "sqs" => state.sqs(&call.operation, body),
            "ssm" => state.ssm(&call.operation, &body),
            "cloudformation" if call.operation == "DescribeStacks" => state.stacks(),
            "monitoring" => state.monitoring(&call.operation, &body),
            "registry" | "ecr" if registry_path(request.path()).is_some() => {
                state.registry(&request)
            }
            "ecr" => ok(&json!({"repositories": [{"repositoryName": "from-a-stack"}]})),
            _ => ok(&json!({"echo": request.target})),
        })
    }
}

impl State {
    fn events(&mut self, operation: &str, body: &Value) -> Answer {
        let name = body["Name"]
            .as_str()
            .or(body["Rule"].as_str())
            .unwrap_or_default();
        match operation {
            "ListRules" => {
                let rules: Vec<_> = self.rules.values().map(|(rule, _)| rule).collect();
                ok(&json!({"Rules": rules}))
            }
            "DescribeRule" => ok(&self.rules[name].0),
            "ListTargetsByRule" => ok(&json!({"Targets": self.rules[name].1})),
            "DisableRule" => {
                self.rules.get_mut(name).unwrap().0["State"] = "DISABLED".into();
                ok(&json!({}))
            }
            "TestEventPattern" => {
                let text = |member: &str| -> Value {
                    serde_json::from_str(body[member].as_str().unwrap()).unwrap()
                };
                let is_match = text("EventPattern")["source"][0] == text("Event")["source"];
                ok(&json!({"Result": is_match}))
            }
            other => panic!("the stand-in knows no {other} of events"),
        }
    }

    fn lambda(&mut self, request: &Request, body: Value) -> Answer {
        let name = request.path().split('/').nth(3).unwrap_or_default();
        let Some(policy) = self.functions.get(name) else {
            let message = format!("Function not found: {name}");
            return refused(StatusCode::NOT_FOUND, "ResourceNotFoundException", &message);
        };
        if request.path().ends_with("/policy") {
            return ok(&json!({"Policy": policy}));
        }
        if self.failing_invocations > 0 {
            self.failing_invocations -= 1;
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            return refused(status, "ServiceException", "try again");
        }
        let kind = request.header("x-amz-invocation-type").unwrap_or_default();
        self.invocations
            .push((name.to_owned(), kind.to_owned(), body));
        Answer::json(StatusCode::ACCEPTED, &json!({}))
    }

    fn sqs(&mut self, operation: &str, body: Value) -> Answer {
        let url = body["QueueUrl"].as_str().unwrap_or_default();
        let name = url.rsplit('/').next().unwrap_or_default();
        let Some(policy) = self.queues.get(name) else {
            let code = "AWS.SimpleQueueService.NonExistentQueue";
            return refused(StatusCode::BAD_REQUEST, code, "no such queue");
        };
        match operation {
            "GetQueueAttributes" => ok(&json!({"Attributes": {"Policy": policy}})),
            "SendMessage" => {
                self.messages.push(body);
                ok(&json!({"MessageId": "1"}))
            }
            other => panic!("the stand-in knows no {other} of sqs"),
        }
    }

    fn ssm(&mut self, operation: &str, body: &Value) -> Answer {
        match operation {
            "DescribeParameters" => ok(&json!({"Parameters": self.parameters})),
            "PutParameter" => {
                let mut versions = self.parameters.iter();
                let earlier = versions.position(|parameter| parameter["Name"] == body["Name"]);
                let version = earlier.map_or(1, |at| {
                    self.parameters.remove(at)["Version"].as_i64().unwrap() + 1
                });
                let mut parameter = body.clone();
                parameter["Version"] = version.into();
                self.parameters.push(parameter);
                ok(&json!({"Version": version}))
            }
            "DeleteParameter" => {
                self.parameters
                    .retain(|parameter| parameter["Name"] != body["Name"]);
                ok(&json!({}))
            }
            other => panic!("the stand-in knows no {other} of ssm"),
        }
    }

    fn stacks(&mut self) -> Answer {
        let state = if self.stack_states.is_empty() {
            self.parameters.extend(self.made_by_stack.take());
            "CREATE_COMPLETE"
        } else {
            self.stack_states.remove(0)
        };
        let body = format!("<Stacks><StackStatus>{state}</StackStatus></Stacks>");
        Answer::new(StatusCode::OK, "text/xml", body.into())
    }

    fn monitoring(&mut self, operation: &str, body: &Value) -> Answer {
        if operation == "SetAlarmState" {
            for alarm in &mut self.alarms {
                alarm["StateValue"] = body["StateValue"].clone();
            }
        }
        ok(&json!({"MetricAlarms": self.alarms, "CompositeAlarms": []}))
    }

    fn registry(&mut self, request: &Request) -> Answer {
        let path = request.path().to_owned();
        match request.method {
            Method::POST => Answer::json(StatusCode::ACCEPTED, &json!({}))
                .with_header(hyper::header::LOCATION, &format!("{path}upload-1")),
            Method::PUT => {
                let key = match request.query_value("digest") {
                    Some(digest) => path.replace("uploads/upload-1", &digest),
                    None => path,
                };
                self.stored.insert(key, request.body.clone());
                Answer::json(StatusCode::CREATED, &json!({}))
            }
            _ => match self.stored.get(&path) {
                Some(bytes) => Answer::new(
                    StatusCode::OK,
                    "application/vnd.oci.image.manifest.v1+json",
                    bytes.to_vec(),
                ),
                None => refused(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", "unknown"),
            },
        }
    }
}

fn ok(body: &Value) -> Answer {
    Answer::json(StatusCode::OK, body)
}

fn refused(status: StatusCode, code: &str, message: &str) -> Answer {
    Answer::json(status, &json!({"__type": code, "message": message}))
}
