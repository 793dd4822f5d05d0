//! Notices as people and machines get them: what the topic was asked to publish,
//! taken apart as SNS does it for each kind of subscription.

use std::collections::BTreeMap;

use jiff::Timestamp;
use local_aws::CallRecord;
use serde_json::Value;

/// One notice, in all its forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// When it was published.
    pub at: Timestamp,
    /// The topic.
    pub topic_arn: String,
    /// The email's subject.
    pub subject: String,
    /// The email's text.
    pub email: String,
    /// The text message.
    pub sms: String,
    /// The document that queues, functions and endpoints get.
    pub document: Value,
    /// The attributes that subscriptions filter by.
    pub attributes: BTreeMap<String, String>,
}

impl Notice {
    /// An attribute; empty where there is none.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// Whether the template's email subscription lets it through: its filter asks
    /// for an outcome.
    pub fn is_emailed(&self) -> bool {
        self.attributes.contains_key("outcome")
    }
}

/// The notices among these calls that SNS took, the oldest first.
pub fn notices(calls: &[CallRecord]) -> Vec<Notice> {
    let published = calls.iter().filter(|call| {
        call.service == "sns" && call.operation == "Publish" && call.status == Some(200)
    });
    published.filter_map(notice).collect()
}

/// Takes a Publish call apart.
/// <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>
fn notice(call: &CallRecord) -> Option<Notice> {
    let form = call.request.as_ref()?;
    let field = |name: &str| form[name].as_str().unwrap_or_default().to_owned();
    let message: Value = serde_json::from_str(&field("Message")).ok()?;
    // What a kind of subscription has no text of its own for gets the default.
    let body = |kind: &str| {
        let own = message[kind].as_str().or(message["default"].as_str());
        own.unwrap_or_default().to_owned()
    };
    let entries = (1..).map_while(|number| {
        let entry = format!("MessageAttributes.entry.{number}");
        let name = form[format!("{entry}.Name")].as_str()?.to_owned();
        Some((name, field(&format!("{entry}.Value.StringValue"))))
    });
    Some(Notice {
        at: call.at,
        topic_arn: field("TopicArn"),
        subject: field("Subject"),
        email: body("email"),
        sms: body("sms"),
        document: serde_json::from_str(&body("default")).ok()?,
        attributes: entries.collect(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_publish_call_is_read_as_each_kind_of_subscriber_gets_it() {
        let message = json!({"default": "{\"event\":\"succeeded\"}", "email": "It is live."});
        let call = call(&json!({
            "TopicArn": "arn:aws:sns:us-east-1:000000000000:topic",
            "Subject": "Pushboat: web: v1 is live",
            "Message": message.to_string(),
            "MessageAttributes.entry.1.Name": "event",
            "MessageAttributes.entry.1.Value.StringValue": "succeeded",
            "MessageAttributes.entry.2.Name": "outcome",
            "MessageAttributes.entry.2.Value.StringValue": "succeeded",
        }));
        let read = notices(&[call]);
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].email, "It is live.");
        assert_eq!(read[0].sms, "{\"event\":\"succeeded\"}");
        assert_eq!(read[0].document["event"], "succeeded");
        assert_eq!(read[0].attribute("event"), "succeeded");
        assert!(read[0].is_emailed());
    }

    #[test]
    fn what_sns_refused_nobody_gets() {
        let mut refused = call(&json!({"Message": "{}"}));
        refused.status = Some(400);
        assert_eq!(notices(&[refused]), []);
    }

    fn call(request: &Value) -> CallRecord {
        CallRecord {
            sequence: 1,
            at: Timestamp::UNIX_EPOCH,
            service: "sns".to_owned(),
            operation: "Publish".to_owned(),
            resource: String::new(),
            request: Some(request.clone()),
            status: Some(200),
            error: None,
            duration_milliseconds: Some(1),
            caller: local_aws::Caller::default(),
            faults: Vec::new(),
        }
    }
}
