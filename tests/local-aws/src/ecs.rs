//! ECS: the model, on the endpoint's virtual clock. Its events go to the bus, its
//! containers' lines to CloudWatch Logs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ecs_model::{Ecs, LogLine, ServiceError, Settings, Timings};
use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

use crate::bus::Bus;
use crate::call::{Call, Protocol};
use crate::clock::{Clock, pause};
use crate::event::partition;
use crate::http::{Answer, Request};
use crate::refusal::refusal;
use crate::registry::RegistryIndex;
use crate::upstream::{Upstream, UpstreamError};

/// How long the model may be left alone where nothing is due.
const IDLE: Duration = Duration::from_secs(60);

/// Answers ECS's calls.
#[derive(Debug)]
pub(crate) struct EcsService {
    model: Mutex<Ecs>,
    clock: Clock,
    registry: Arc<RegistryIndex>,
    bus: Bus,
    lines: UnboundedSender<LogLine>,
    /// Something may be due earlier than was thought.
    changed: Notify,
    /// Something may have happened since CloudFormation looked.
    happened: Notify,
}

impl EcsService {
    /// Makes an account without any cluster, and the task that writes log lines.
    pub(crate) fn new(
        (account_id, region): (&str, &str),
        timings: Timings,
        clock: Clock,
        registry: Arc<RegistryIndex>,
        bus: Bus,
        upstream: Upstream,
    ) -> (Arc<Self>, impl Future<Output = ()> + Send + use<>) {
        let (lines, written) = unbounded_channel();
        let settings = Settings {
            account_id: account_id.to_owned(),
            region: region.to_owned(),
            partition: partition(region).to_owned(),
            timings,
        };
        let service = EcsService {
            model: Mutex::new(Ecs::new(settings)),
            clock,
            registry,
            bus,
            lines,
            changed: Notify::new(),
            happened: Notify::new(),
        };
        (Arc::new(service), write_lines(upstream, written))
    }

    /// Answers one call of the awsJson1.1 protocol.
    pub(crate) fn answer(&self, call: &Call, request: &Request) -> Answer {
        let body = if request.body.is_empty() {
            Some(json!({}))
        } else {
            request.json().filter(Value::is_object)
        };
        let Some(body) = body else {
            let message = "The request's body is not a JSON object.";
            let status = StatusCode::BAD_REQUEST;
            return refusal(Protocol::Json, status, "SerializationException", message);
        };
        match self.ask(&call.operation, &body) {
            Ok(body) => Answer::new(
                StatusCode::OK,
                "application/x-amz-json-1.1",
                body.to_string().into(),
            )
            .with_header(
                HeaderName::from_static("x-amzn-requestid"),
                &Uuid::new_v4().to_string(),
            ),
            Err(error) => refusal(
                Protocol::Json,
                StatusCode::from_u16(error.http_status).unwrap_or(StatusCode::BAD_REQUEST),
                &error.code,
                &error.message,
            ),
        }
    }

    /// Lets the model answer one operation.
    ///
    /// # Errors
    ///
    /// What ECS refuses.
    pub(crate) fn ask(&self, operation: &str, request: &Value) -> Result<Value, ServiceError> {
        let mut model = self.model();
        let answered = model.call(operation, request, self.clock.now(), &*self.registry);
        self.hand_on(&mut model);
        drop(model);
        self.changed.notify_one();
        answered
    }

    /// Shows the model as it is.
    pub(crate) fn see<T>(&self, look: impl FnOnce(&Ecs) -> T) -> T {
        look(&self.model())
    }

    /// Waits until something may have happened since the last time; one at a time may
    /// wait.
    pub(crate) async fn happened(&self) {
        self.happened.notified().await;
    }

    /// Tells the model which alarms are in ALARM and which are not.
    pub(crate) fn hear_alarms<'a>(&self, alarms: impl Iterator<Item = (&'a str, bool)>) {
        let mut model = self.model();
        let now = self.clock.now();
        model.advance(now, &*self.registry);
        for (name, in_alarm) in alarms {
            model.set_alarm(name, in_alarm, now);
        }
        self.hand_on(&mut model);
        drop(model);
        self.changed.notify_one();
    }

    /// Lets the model do what is due when it is due, until the task is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            let next = {
                let mut model = self.model();
                model.advance(self.clock.now(), &*self.registry);
                self.hand_on(&mut model);
                model.next_change_at()
            };
            let wait = next.map_or(IDLE, |at| self.clock.wait_until(at));
            tokio::select! {
                () = pause(wait) => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// Under the model's lock, so that events leave in the order they happened.
    fn hand_on(&self, model: &mut Ecs) {
        for event in model.take_events() {
            self.bus.emit(&event);
        }
        for line in model.take_log_lines() {
            let _ = self.lines.send(line);
        }
        self.happened.notify_one();
    }

    fn model(&self) -> MutexGuard<'_, Ecs> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes containers' lines to CloudWatch Logs, in order.
async fn write_lines(upstream: Upstream, mut lines: UnboundedReceiver<LogLine>) {
    let mut streams = BTreeSet::new();
    while let Some(line) = lines.recv().await {
        let stream = (line.log_group.clone(), line.log_stream.clone());
        if !streams.contains(&stream) {
            make_stream(&upstream, &line).await;
            streams.insert(stream);
        }
        let put = json!({
            "logGroupName": line.log_group,
            "logStreamName": line.log_stream,
            "logEvents": [{"timestamp": line.at.as_millisecond(), "message": line.message}],
        });
        if let Err(error) = upstream
            .json("logs", "Logs_20140328.PutLogEvents", &put)
            .await
        {
            eprintln!("local-aws: a container's line was lost: {error}");
        }
    }
}

/// Makes group and stream; that they exist already is no error.
async fn make_stream(upstream: &Upstream, line: &LogLine) {
    let group = json!({"logGroupName": line.log_group});
    let stream = json!({"logGroupName": line.log_group, "logStreamName": line.log_stream});
    let calls = [
        ("Logs_20140328.CreateLogGroup", group),
        ("Logs_20140328.CreateLogStream", stream),
    ];
    for (target, body) in calls {
        match upstream.json("logs", target, &body).await {
            Ok(_) => {}
            Err(UpstreamError::Refused { code, .. })
                if code == "ResourceAlreadyExistsException" => {}
            Err(error) => eprintln!("local-aws: no place for a container's lines: {error}"),
        }
    }
}
