//! SQS: the FIFO queue in front of `rollout`.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};

use super::client::Clients;
use super::failure::call_error;
use crate::ports::{CallError, Queue};
use crate::queue::QueueMessage;

/// How many messages one call takes. Source: SQS API reference, SendMessageBatch.
const MESSAGES_PER_CALL: usize = 10;

/// The queue on the AWS SDK.
#[derive(Clone, Debug)]
pub struct Sqs {
    client: Client,
    queue_url: String,
}

impl Sqs {
    /// Makes it on the shared clients.
    #[must_use]
    pub fn new(clients: &Clients, queue_url: impl Into<String>) -> Self {
        Self {
            client: Client::new(&clients.config),
            queue_url: queue_url.into(),
        }
    }
}

impl Queue for Sqs {
    async fn send(&self, messages: &[QueueMessage]) -> Result<(), CallError> {
        for batch in messages.chunks(MESSAGES_PER_CALL) {
            let call = format!("sqs:SendMessageBatch {}", self.queue_url);
            let entries = batch.iter().enumerate();
            let entries = entries
                .map(|(place, message)| entry(place, message))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|problem| CallError::Refused {
                    call: call.clone(),
                    code: "ConstructionFailure".to_owned(),
                    message: problem,
                })?;
            let answer = self
                .client
                .send_message_batch()
                .queue_url(&self.queue_url)
                .set_entries(Some(entries))
                .send()
                .await
                .map_err(|error| call_error(&call, &error))?;
            if let Some(error) = left_over(&call, batch, answer.failed()) {
                return Err(error);
            }
        }
        Ok(())
    }
}

fn entry(place: usize, message: &QueueMessage) -> Result<SendMessageBatchRequestEntry, String> {
    let body = serde_json::to_string(message).map_err(|error| error.to_string())?;
    SendMessageBatchRequestEntry::builder()
        .id(place.to_string())
        .message_body(body)
        .message_group_id(message.target.message_group())
        .message_deduplication_id(message.deduplication_id())
        .build()
        .map_err(|error: BuildError| error.to_string())
}

/// Says which messages of a batch were not taken.
///
/// Sending all of them again is safe: the queue drops those it took.
fn left_over(
    call: &str,
    batch: &[QueueMessage],
    failed: &[BatchResultErrorEntry],
) -> Option<CallError> {
    if failed.is_empty() {
        return None;
    }
    let told: Vec<String> = failed
        .iter()
        .map(|failure| {
            let place = failure.id().parse::<usize>().ok();
            let message = place.and_then(|place| batch.get(place));
            let target = message.map_or("?", |message| message.target.as_str());
            let words = failure.message().unwrap_or_default();
            format!("the message to `{target}`: {} {words}", failure.code())
        })
        .collect();
    let message = told.join("; ");
    let at_fault = failed.iter().find(|failure| failure.sender_fault());
    Some(match at_fault {
        Some(failure) => CallError::Refused {
            call: call.to_owned(),
            code: failure.code().to_owned(),
            message,
        },
        None => super::failure::unclear(call, &message),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::endpoint::{Answer, Endpoint};
    use super::*;
    use crate::core::name::TargetName;
    use crate::queue::Trigger;

    const URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/rollout.fifo";

    fn messages(count: usize) -> Vec<QueueMessage> {
        (0..count)
            .map(|number| QueueMessage {
                target: TargetName::parse(&format!("team/web-{number}")).unwrap(),
                trigger: Trigger::Due,
                event_id: "tick".to_owned(),
            })
            .collect()
    }

    fn taken(body: &Value) -> Value {
        let entries = body["Entries"].as_array().unwrap();
        let successful: Vec<Value> = entries
            .iter()
            .map(|entry| json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "" }))
            .collect();
        json!({ "Successful": successful, "Failed": [] })
    }

    #[tokio::test]
    async fn messages_go_in_tens_each_to_its_targets_group() {
        let endpoint = Endpoint::new(|call| Answer::json(&taken(&call.json())));
        let queue = Sqs::new(&endpoint.clients(), URL);
        let messages = messages(23);
        queue.send(&messages).await.unwrap();
        queue.send(&[]).await.unwrap();
        let sent: Vec<Value> = endpoint
            .calls()
            .iter()
            .map(super::super::endpoint::Call::json)
            .collect();
        let sizes: Vec<usize> = sent
            .iter()
            .map(|body| body["Entries"].as_array().unwrap().len())
            .collect();
        assert_eq!(sizes, [10, 10, 3]);
        let twelfth = &sent[1]["Entries"][1];
        assert_eq!(sent[1]["QueueUrl"], URL);
        assert_eq!(
            twelfth["MessageGroupId"],
            messages[11].target.message_group()
        );
        assert_eq!(
            twelfth["MessageDeduplicationId"],
            messages[11].deduplication_id()
        );
        let body: QueueMessage =
            serde_json::from_str(twelfth["MessageBody"].as_str().unwrap()).unwrap();
        assert_eq!(body, messages[11]);
    }

    #[tokio::test]
    async fn a_message_that_was_not_taken_is_named() {
        let failed = |sender_fault: bool| {
            Endpoint::new(move |_| {
                Answer::json(&json!({
                    "Successful": [{ "Id": "0", "MessageId": "m", "MD5OfMessageBody": "" }],
                    "Failed": [{ "Id": "1", "Code": "InternalError", "Message": "sorry",
                                 "SenderFault": sender_fault }]
                }))
            })
        };
        let send = async |endpoint: Endpoint| {
            let queue = Sqs::new(&endpoint.clients(), URL);
            queue.send(&messages(2)).await.unwrap_err()
        };
        let error = send(failed(false)).await;
        assert!(
            matches!(&error, CallError::Unclear { problem, .. } if problem.contains("`team/web-1`")),
            "{error:?}"
        );
        let error = send(failed(true)).await;
        assert!(
            matches!(&error, CallError::Refused { code, .. } if code == "InternalError"),
            "{error:?}"
        );
    }
}
