//! The account's ECS in one Region: everything it holds, and its clock.

use jiff::Timestamp;
use serde_json::Value;

use crate::{Registry, ServiceError, Settings};

/// The account's ECS in one Region.
#[derive(Debug)]
pub struct Ecs {
    _settings: Settings,
}

/// One line that a container wrote through the `awslogs` driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The driver's `awslogs-group`.
    pub log_group: String,
    /// `awslogs-stream-prefix`, container name and task id, with slashes between them.
    pub log_stream: String,
    /// When it was written.
    pub at: Timestamp,
    /// The line, without its end.
    pub message: String,
}

impl Ecs {
    /// Makes an account without any cluster.
    pub fn new(settings: Settings) -> Self {
        Ecs {
            _settings: settings,
        }
    }

    /// Answers one call of the JSON protocol, such as `UpdateService`, at `now`.
    ///
    /// # Errors
    ///
    /// Answers with the error that ECS documents for the call.
    pub fn call(
        &mut self,
        operation: &str,
        request: &Value,
        now: Timestamp,
        registry: &dyn Registry,
    ) -> Result<Value, ServiceError> {
        let _ = (request, registry);
        self.advance(now, registry);
        Err(ServiceError {
            code: "UnknownOperationException".to_owned(),
            message: format!("The operation {operation} is unknown."),
            http_status: 400,
        })
    }

    /// Performs every transition that is due up to `now`, in order.
    pub fn advance(&mut self, now: Timestamp, registry: &dyn Registry) {
        let _ = (now, registry);
    }

    /// Says when the next transition is due.
    pub fn next_change_at(&self) -> Option<Timestamp> {
        None
    }

    /// Hands over the EventBridge events of what happened since the last time.
    pub fn take_events(&mut self) -> Vec<Value> {
        Vec::new()
    }

    /// Hands over the lines that containers wrote since the last time.
    pub fn take_log_lines(&mut self) -> Vec<LogLine> {
        Vec::new()
    }
}
