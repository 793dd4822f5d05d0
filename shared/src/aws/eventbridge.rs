//! EventBridge: the event bus that gets a copy of each notice.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use super::client::Clients;
use super::failure::{call_error, from_answer};
use crate::ports::{CallError, EventBus};

/// Which source the copies have: rules match on it.
pub const SOURCE: &str = "pushboat";
/// Which detail type they have.
pub const DETAIL_TYPE: &str = "Pushboat Notice";

/// How EventBridge says of an entry that the failure was its own.
///
/// Source: EventBridge API reference, PutEventsResultEntry.
const ITS_OWN_FAILURES: [&str; 3] = ["InternalException", "InternalFailure", "ServiceUnavailable"];

/// A bus on the AWS SDK.
#[derive(Clone, Debug)]
pub struct Bus {
    client: Client,
    name: String,
}

impl Bus {
    /// Makes it on the shared clients; `name` is the bus's name or ARN.
    #[must_use]
    pub fn new(clients: &Clients, name: impl Into<String>) -> Self {
        Self {
            client: Client::new(&clients.config),
            name: name.into(),
        }
    }
}

impl EventBus for Bus {
    async fn put(&self, document: &str) -> Result<(), CallError> {
        let call = format!("events:PutEvents {}", self.name);
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(DETAIL_TYPE)
            .detail(document)
            .build();
        let answer = self.client.put_events().entries(entry).send().await;
        let answer = answer.map_err(|error| call_error(&call, &error))?;
        // An entry may be refused in an answer that is none.
        let refused = answer
            .entries()
            .iter()
            .find_map(|entry| Some((entry.error_code()?, entry.error_message())));
        refused.map_or(Ok(()), |(code, message)| {
            let status = if ITS_OWN_FAILURES.contains(&code) {
                500
            } else {
                400
            };
            Err(from_answer(&call, status, Some(code), message))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::endpoint::{Answer, Endpoint};
    use super::*;

    async fn put(answer: Value) -> (Result<(), CallError>, Value) {
        let endpoint = Endpoint::new(move |_| Answer::Status(200, answer.to_string()));
        let bus = Bus::new(&endpoint.clients(), "default");
        let put = bus.put(r#"{"event":"succeeded"}"#).await;
        let sent = endpoint.calls().remove(0).body;
        (put, serde_json::from_str(&sent).unwrap())
    }

    #[tokio::test]
    async fn the_document_is_the_events_detail() {
        let taken = json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "1" }] });
        let (put, sent) = put(taken).await;
        assert_eq!(put, Ok(()));
        assert_eq!(
            sent["Entries"],
            json!([{ "Source": "pushboat", "DetailType": "Pushboat Notice",
                     "Detail": r#"{"event":"succeeded"}"#, "EventBusName": "default" }])
        );
    }

    #[tokio::test]
    async fn an_entry_that_is_not_taken_is_a_failure() {
        let failed = |code: &str| {
            let entry = json!({ "ErrorCode": code, "ErrorMessage": "no" });
            json!({ "FailedEntryCount": 1, "Entries": [entry] })
        };
        let (refused, _) = put(failed("NotAuthorizedForSourceException")).await;
        assert!(
            matches!(refused, Err(CallError::Refused { .. })),
            "{refused:?}"
        );
        let (later, _) = put(failed("ThrottlingException")).await;
        assert!(
            matches!(later, Err(CallError::Throttled { .. })),
            "{later:?}"
        );
        let (later, _) = put(failed("InternalFailure")).await;
        assert!(matches!(later, Err(CallError::Unclear { .. })), "{later:?}");
    }
}
