//! SNS: the notification topic.

use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;
use serde_json::{Map, Value};

use super::client::Clients;
use super::failure::call_error;
use crate::ports::{CallError, Publication, Topic};

/// The topic on the AWS SDK.
#[derive(Clone, Debug)]
pub struct Sns {
    client: Client,
    topic_arn: String,
}

impl Sns {
    /// Makes it on the shared clients.
    #[must_use]
    pub fn new(clients: &Clients, topic_arn: impl Into<String>) -> Self {
        Self {
            client: Client::new(&clients.config),
            topic_arn: topic_arn.into(),
        }
    }
}

impl Topic for Sns {
    async fn publish(&self, publication: &Publication) -> Result<(), CallError> {
        let call = format!("sns:Publish {}", self.topic_arn);
        let mut publish = self
            .client
            .publish()
            .topic_arn(&self.topic_arn)
            .subject(&publication.subject)
            .message_structure("json")
            .message(message(publication));
        for (name, value) in &publication.attributes {
            let attribute = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build()
                .map_err(|error| CallError::Refused {
                    call: call.clone(),
                    code: "ConstructionFailure".to_owned(),
                    message: error.to_string(),
                })?;
            publish = publish.message_attributes(*name, attribute);
        }
        publish
            .send()
            .await
            .map_err(|error| call_error(&call, &error))?;
        Ok(())
    }
}

/// Writes the message that holds one text for each protocol.
///
/// Source: SNS API reference, Publish, `MessageStructure`.
fn message(publication: &Publication) -> String {
    let bodies = publication.bodies.iter();
    let bodies: Map<String, Value> = bodies
        .map(|(protocol, body)| ((*protocol).to_owned(), Value::String(body.clone())))
        .collect();
    Value::Object(bodies).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::{Answer, Endpoint};
    use super::*;

    const ANSWER: &str = "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
        <PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>";
    const REFUSAL: &str = "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
        <Error><Type>Sender</Type><Code>KMSThrottlingException</Code><Message>slow down</Message></Error>\
        <RequestId>r</RequestId></ErrorResponse>";

    fn publication() -> Publication {
        Publication {
            subject: "web is live".to_owned(),
            bodies: vec![
                ("default", "one line".to_owned()),
                ("email", "many \"lines\"".to_owned()),
            ],
            attributes: vec![("event", "succeeded".to_owned())],
        }
    }

    #[tokio::test]
    async fn each_protocol_gets_its_text_and_filters_get_attributes() {
        let endpoint = Endpoint::new(|_| Answer::Status(200, ANSWER.to_owned()));
        let topic = Sns::new(&endpoint.clients(), "arn:aws:sns:eu-west-1:123456789012:t");
        topic.publish(&publication()).await.unwrap();
        let body = endpoint.calls().remove(0).body;
        for part in [
            "Action=Publish",
            "MessageStructure=json",
            "Subject=web%20is%20live",
            "TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3At",
            "MessageAttributes.entry.1.Name=event",
            "MessageAttributes.entry.1.Value.DataType=String",
            "MessageAttributes.entry.1.Value.StringValue=succeeded",
        ] {
            assert!(body.contains(part), "{part} in {body}");
        }
        let written: Value = serde_json::from_str(&message(&publication())).unwrap();
        assert_eq!(
            written,
            serde_json::json!({ "default": "one line", "email": "many \"lines\"" })
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_key_may_be_tried_again() {
        let endpoint = Endpoint::new(|_| Answer::Status(400, REFUSAL.to_owned()));
        let topic = Sns::new(&endpoint.clients(), "arn:aws:sns:eu-west-1:123456789012:t");
        let error = topic.publish(&publication()).await.unwrap_err();
        assert!(matches!(error, CallError::Throttled { .. }), "{error:?}");
    }
}
