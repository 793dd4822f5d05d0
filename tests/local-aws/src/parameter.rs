//! Changes of SSM parameters, made by calls that pass through or by a stack inside
//! ministack: each becomes an event.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::call::Call;
use crate::event::{ParameterChange, Source};
use crate::http::{Answer, Request};
use crate::upstream::{Upstream, UpstreamError};

/// Knows the parameters there are, and tells what changed.
#[derive(Debug)]
pub(crate) struct Parameters {
    upstream: Upstream,
    source: Source,
    /// Held across each changing call, so that a comparison never sees half of one.
    known: Mutex<BTreeMap<String, Parameter>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    version: i64,
    kind: String,
    description: Option<String>,
}

impl Parameters {
    /// Knows of none.
    pub(crate) fn new(upstream: Upstream, source: Source) -> Self {
        Parameters {
            upstream,
            source,
            known: Mutex::default(),
        }
    }

    /// Whether a call may change parameters and must go through [`change`](Self::change).
    pub(crate) fn is_change(call: &Call) -> bool {
        call.is(
            "ssm",
            &[
                "PutParameter",
                "DeleteParameter",
                "DeleteParameters",
                "LabelParameterVersion",
            ],
        )
    }

    /// Passes a changing call on and gives back the events of it.
    pub(crate) async fn change(
        &self,
        call: &Call,
        request: &Request,
        at: Timestamp,
    ) -> Result<(Answer, Vec<Value>), UpstreamError> {
        let mut known = self.known.lock().await;
        let answer = self.upstream.pass(request).await?;
        if !answer.status.is_success() {
            return Ok((answer, Vec::new()));
        }
        let body = request.json().unwrap_or_default();
        let answered = answer.body_json().unwrap_or_default();
        let name = body["Name"].as_str().unwrap_or_default();
        let events = match call.operation.as_str() {
            "PutParameter" => {
                let earlier = known.get(name).cloned();
                let text = |member: &str| body[member].as_str().map(str::to_owned);
                let parameter = Parameter {
                    version: answered["Version"].as_i64().unwrap_or(1),
                    kind: text("Type")
                        .or(earlier.as_ref().map(|earlier| earlier.kind.clone()))
                        .unwrap_or_else(|| "String".to_owned()),
                    description: text("Description").or(earlier
                        .as_ref()
                        .and_then(|earlier| earlier.description.clone())),
                };
                let operation = if earlier.is_some() {
                    "Update"
                } else {
                    "Create"
                };
                let event = self.event(operation, name, &parameter, at);
                known.insert(name.to_owned(), parameter);
                vec![event]
            }
            "LabelParameterVersion" => {
                let labelled = known.get(name);
                let event = |parameter| self.event("LabelParameterVersion", name, parameter, at);
                labelled.map(event).into_iter().collect()
            }
            _ => {
                let many = answered["DeletedParameters"]
                    .as_array()
                    .into_iter()
                    .flatten();
                let deleted = many
                    .filter_map(Value::as_str)
                    .chain((!name.is_empty()).then_some(name));
                deleted
                    .filter_map(|name| Some((name, known.remove(name)?)))
                    .map(|(name, parameter)| self.event("Delete", name, &parameter, at))
                    .collect()
            }
        };
        Ok((answer, events))
    }

    /// Compares what there is with what was known and gives back the events of the
    /// difference.
    pub(crate) async fn look(&self, at: Timestamp) -> Result<Vec<Value>, UpstreamError> {
        let mut known = self.known.lock().await;
        let found = self.describe_all().await?;
        let mut events = Vec::new();
        for (name, parameter) in &found {
            match known.get(name) {
                None => events.push(self.event("Create", name, parameter, at)),
                Some(earlier) if earlier.version != parameter.version => {
                    events.push(self.event("Update", name, parameter, at));
                }
                Some(_) => {}
            }
        }
        for (name, parameter) in known.iter().filter(|(name, _)| !found.contains_key(*name)) {
            events.push(self.event("Delete", name, parameter, at));
        }
        *known = found;
        Ok(events)
    }

    async fn describe_all(&self) -> Result<BTreeMap<String, Parameter>, UpstreamError> {
        let mut found = BTreeMap::new();
        let mut request = json!({"MaxResults": 50});
        loop {
            let page = self
                .upstream
                .json("ssm", "AmazonSSM.DescribeParameters", &request)
                .await?;
            for parameter in page["Parameters"].as_array().into_iter().flatten() {
                let text = |member: &str| parameter[member].as_str().map(str::to_owned);
                let Some(name) = text("Name") else { continue };
                found.insert(
                    name,
                    Parameter {
                        version: parameter["Version"].as_i64().unwrap_or_default(),
                        kind: text("Type").unwrap_or_default(),
                        description: text("Description").filter(|text| !text.is_empty()),
                    },
                );
            }
            match page["NextToken"].as_str() {
                Some(token) => request = json!({"MaxResults": 50, "NextToken": token}),
                None => return Ok(found),
            }
        }
    }

    fn event(&self, operation: &str, name: &str, parameter: &Parameter, at: Timestamp) -> Value {
        self.source.parameter_change(
            &ParameterChange {
                operation,
                name,
                kind: &parameter.kind,
                description: parameter.description.as_deref(),
            },
            at,
        )
    }
}
