//! The rules of the default event bus, as the deployed template made them: read
//! from ministack, which also decides what matches.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::upstream::{Upstream, UpstreamError};

/// How old what was read may be.
const KEPT_FOR: Duration = Duration::from_millis(300);

/// One rule with its targets.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) pattern: Option<String>,
    pub(crate) schedule: Option<String>,
    pub(crate) is_enabled: bool,
    pub(crate) targets: Vec<Target>,
}

/// One target of a rule.
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html>
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Target {
    pub(crate) arn: String,
    pub(crate) input: Option<String>,
    pub(crate) input_path: Option<String>,
    pub(crate) input_transformer: Option<Value>,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) dead_letter_config: DeadLetterConfig,
    pub(crate) sqs_parameters: SqsParameters,
}

/// How long a target is tried; the defaults are AWS's.
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RetryPolicy {
    pub(crate) maximum_retry_attempts: u32,
    pub(crate) maximum_event_age_in_seconds: u64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            maximum_retry_attempts: 185,
            maximum_event_age_in_seconds: 86_400,
        }
    }
}

/// Where an event goes that could not be delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DeadLetterConfig {
    pub(crate) arn: Option<String>,
}

/// What a FIFO queue needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SqsParameters {
    pub(crate) message_group_id: Option<String>,
}

/// Reads the rules, and keeps them for a moment.
#[derive(Debug)]
pub(crate) struct Rules {
    upstream: Upstream,
    clock: Clock,
    kept_for: Duration,
    read: Mutex<Option<(Duration, Arc<Vec<Rule>>)>>,
}

impl Rules {
    /// Reads from `upstream`.
    pub(crate) fn new(upstream: Upstream, clock: Clock) -> Self {
        Rules {
            upstream,
            clock,
            kept_for: KEPT_FOR,
            read: Mutex::new(None),
        }
    }

    /// Reads from `upstream` and keeps nothing.
    #[cfg(test)]
    pub(crate) fn read_each_time(upstream: Upstream, clock: Clock) -> Self {
        Rules {
            kept_for: Duration::ZERO,
            ..Rules::new(upstream, clock)
        }
    }

    /// Lets the rules be read again, because they may have changed.
    pub(crate) async fn forget(&self) {
        *self.read.lock().await = None;
    }

    /// The rules, read again where what is known is too old.
    pub(crate) async fn current(&self) -> Result<Arc<Vec<Rule>>, UpstreamError> {
        let mut read = self.read.lock().await;
        let now = self.clock.elapsed();
        if let Some((at, rules)) = read.as_ref()
            && now.saturating_sub(*at) < self.kept_for
        {
            return Ok(rules.clone());
        }
        let rules = Arc::new(self.read_all().await?);
        *read = Some((now, rules.clone()));
        Ok(rules)
    }

    /// Asks whether an event matches a rule's pattern.
    pub(crate) async fn matches(&self, rule: &Rule, event: &str) -> Result<bool, UpstreamError> {
        let Some(pattern) = rule.pattern.as_deref().filter(|_| rule.is_enabled) else {
            return Ok(false);
        };
        let answer = self
            .upstream
            .json(
                "events",
                "AWSEvents.TestEventPattern",
                &json!({"EventPattern": pattern, "Event": event}),
            )
            .await?;
        Ok(answer["Result"] == true)
    }

    async fn read_all(&self) -> Result<Vec<Rule>, UpstreamError> {
        let mut rules = Vec::new();
        let mut request = json!({});
        loop {
            let page = self
                .upstream
                .json("events", "AWSEvents.ListRules", &request)
                .await?;
            for rule in page["Rules"].as_array().into_iter().flatten() {
                rules.push(self.with_targets(rule).await?);
            }
            match page["NextToken"].as_str() {
                Some(token) => request = json!({"NextToken": token}),
                None => return Ok(rules),
            }
        }
    }

    async fn with_targets(&self, rule: &Value) -> Result<Rule, UpstreamError> {
        let text = |member: &str| rule[member].as_str().map(str::to_owned);
        let targets = self
            .upstream
            .json(
                "events",
                "AWSEvents.ListTargetsByRule",
                &json!({"Rule": rule["Name"]}),
            )
            .await?;
        let targets = targets["Targets"].as_array().into_iter().flatten();
        Ok(Rule {
            name: text("Name").unwrap_or_default(),
            arn: text("Arn").unwrap_or_default(),
            pattern: text("EventPattern"),
            schedule: text("ScheduleExpression"),
            is_enabled: rule["State"] == "ENABLED",
            targets: targets
                .filter_map(|target| Target::deserialize(target).ok())
                .collect(),
        })
    }
}
