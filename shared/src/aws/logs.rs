//! CloudWatch Logs: the last lines of a container.

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsError;

use super::client::Clients;
use super::failure::call_error;
use crate::ports::{CallError, Logs};

/// How many empty pages are passed over; a page may be empty though there are events.
///
/// Source: CloudWatch Logs API reference, GetLogEvents.
const EMPTY_PAGES: usize = 3;

/// CloudWatch Logs on the AWS SDK.
#[derive(Clone, Debug)]
pub struct CloudWatchLogs {
    client: Client,
}

impl CloudWatchLogs {
    /// Makes it on the shared clients.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        Self {
            client: Client::new(&clients.config),
        }
    }
}

impl Logs for CloudWatchLogs {
    async fn tail(
        &self,
        group: &str,
        stream: &str,
        events: usize,
    ) -> Result<Vec<String>, CallError> {
        let call = format!("logs:GetLogEvents {group} {stream}");
        let limit = i32::try_from(events).unwrap_or(i32::MAX);
        let mut next = None;
        for _ in 0..EMPTY_PAGES {
            let page = self
                .client
                .get_log_events()
                .log_group_name(group)
                .log_stream_name(stream)
                // Not from the head: the page holds the last events, in their order.
                .start_from_head(false)
                .limit(limit)
                .set_next_token(next.clone())
                .send()
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    return match error.as_service_error() {
                        Some(GetLogEventsError::ResourceNotFoundException(_)) => Ok(Vec::new()),
                        _ => Err(call_error(&call, &error)),
                    };
                }
            };
            let messages = page.events().iter().filter_map(|event| event.message());
            let messages: Vec<String> = messages.map(str::to_owned).collect();
            // At the stream's beginning the token stays the same.
            let more = page.next_backward_token.is_some() && page.next_backward_token != next;
            if !messages.is_empty() || !more {
                return Ok(messages);
            }
            next = page.next_backward_token;
        }
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::endpoint::{Answer, Endpoint};
    use super::*;

    #[tokio::test]
    async fn the_last_events_are_asked_for_past_an_empty_page() {
        let endpoint = Endpoint::new(|call| {
            Answer::json(&match call.json()["nextToken"].as_str() {
                None => json!({ "events": [], "nextBackwardToken": "b/1" }),
                Some(_) => json!({ "events": [
                    { "timestamp": 1, "message": "one" }, { "timestamp": 2, "message": "two" }],
                    "nextBackwardToken": "b/2" }),
            })
        });
        let logs = CloudWatchLogs::new(&endpoint.clients());
        let tail = logs.tail("/ecs/web", "web/web/1", 20).await.unwrap();
        assert_eq!(tail, ["one", "two"]);
        let asked = json!({ "logGroupName": "/ecs/web", "logStreamName": "web/web/1",
            "startFromHead": false, "limit": 20 });
        assert_eq!(endpoint.calls()[0].json(), asked);
        assert_eq!(endpoint.calls().len(), 2);
    }

    #[tokio::test]
    async fn a_container_that_wrote_nothing_has_no_stream() {
        for (answer, calls) in [("missing", 1), ("empty", 2)] {
            let endpoint = Endpoint::new(move |_| match answer {
                "missing" => Answer::error("ResourceNotFoundException", "no stream"),
                _ => Answer::json(&json!({ "events": [], "nextBackwardToken": "b/0" })),
            });
            let logs = CloudWatchLogs::new(&endpoint.clients());
            let tail = logs.tail("/ecs/web", "web/web/1", 20).await.unwrap();
            assert_eq!((tail.len(), endpoint.calls().len()), (0, calls), "{answer}");
        }
    }

    #[tokio::test]
    async fn what_may_not_be_read_is_refused() {
        let endpoint = Endpoint::new(|_| Answer::error("AccessDeniedException", "not allowed"));
        let logs = CloudWatchLogs::new(&endpoint.clients());
        let error = logs.tail("/ecs/web", "web/web/1", 20).await.unwrap_err();
        assert!(matches!(error, CallError::Refused { .. }), "{error:?}");
    }
}
