//! `PutEvents` on the default bus: what programs send is delivered as AWS's own
//! events are, with retries and dead letters.

use hyper::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Call, Protocol};
use crate::event::Source;
use crate::http::{Answer, Request};
use crate::refusal::refusal;

/// How many entries one call may carry.
const MOST_ENTRIES: usize = 10;

/// Answers a `PutEvents` call and gives back the events to send.
///
/// `None` leaves the call to ministack, which serves other buses than the default.
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
pub(crate) fn put_events(
    call: &Call,
    request: &Request,
    source: &Source,
    at: Timestamp,
) -> Option<(Answer, Vec<Value>)> {
    if !call.is("events", &["PutEvents"]) {
        return None;
    }
    let body = request.json()?;
    let entries = body["Entries"].as_array()?;
    let is_default = |entry: &Value| {
        let bus = entry["EventBusName"].as_str().unwrap_or("default");
        bus == "default" || bus.ends_with(":event-bus/default")
    };
    if !entries.iter().all(is_default) {
        return None;
    }
    if entries.is_empty() || entries.len() > MOST_ENTRIES {
        let message = format!("Entries must have 1 to {MOST_ENTRIES} members");
        let status = StatusCode::BAD_REQUEST;
        let refused = refusal(Protocol::Json, status, "ValidationException", &message);
        return Some((refused, Vec::new()));
    }
    let mut events = Vec::new();
    let mut results = Vec::new();
    for entry in entries {
        match event(entry, source, at) {
            Ok(event) => {
                results.push(json!({"EventId": event["id"]}));
                events.push(event);
            }
            Err((code, message)) => {
                results.push(json!({"ErrorCode": code, "ErrorMessage": message}));
            }
        }
    }
    let answer = json!({
        "FailedEntryCount": results.len() - events.len(),
        "Entries": results,
    });
    let answer = Answer::new(
        StatusCode::OK,
        "application/x-amz-json-1.1",
        answer.to_string().into(),
    );
    Some((answer, events))
}

/// The event an entry stands for, or the code and message it is refused with.
fn event(entry: &Value, source: &Source, at: Timestamp) -> Result<Value, (&'static str, String)> {
    let required = |member: &str| match entry[member].as_str() {
        Some(text) if !text.is_empty() => Ok(text),
        _ => {
            let message = format!(
                "Parameter {member} is not valid. Reason: {member} is a required argument."
            );
            Err(("InvalidArgument", message))
        }
    };
    let name = required("Source")?;
    let detail_type = required("DetailType")?;
    let detail = required("Detail")?;
    if name.starts_with("aws.") {
        return Err((
            "NotAuthorizedForSourceException",
            "Not authorized for the source.".to_owned(),
        ));
    }
    let detail = serde_json::from_str::<Value>(detail)
        .ok()
        .filter(Value::is_object);
    let Some(detail) = detail else {
        return Err(("MalformedDetail", "Detail is malformed.".to_owned()));
    };
    let given = json!({
        "source": name,
        "detail-type": detail_type,
        "detail": detail,
        "resources": entry["Resources"].as_array().cloned().unwrap_or_default(),
    });
    Ok(source.envelope(&given, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_entries_become_events_and_bad_ones_are_told() {
        let entries = json!([
            {"Source": "pushboat", "DetailType": "Rollout", "Detail": "{\"a\":1}", "Resources": ["r"]},
            {"Source": "aws.ecr", "DetailType": "ECR Image Action", "Detail": "{}"},
            {"Source": "pushboat", "DetailType": "Rollout", "Detail": "[]"},
            {"Source": "pushboat", "DetailType": "Rollout"},
        ]);
        let (answer, events) = put(&entries).unwrap();
        let answer = answer.body_json().unwrap();
        assert_eq!(answer["FailedEntryCount"], 3);
        let codes: Vec<_> = answer["Entries"].as_array().unwrap()[1..]
            .iter()
            .map(|entry| entry["ErrorCode"].as_str().unwrap())
            .collect();
        assert_eq!(
            codes,
            [
                "NotAuthorizedForSourceException",
                "MalformedDetail",
                "InvalidArgument"
            ]
        );
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["detail"], json!({"a": 1}));
        assert_eq!(events[0]["resources"], json!(["r"]));
        assert_eq!(events[0]["id"], answer["Entries"][0]["EventId"]);
    }

    #[test]
    fn other_buses_are_left_to_ministack_and_too_many_entries_refused() {
        let entry = json!({"Source": "s", "DetailType": "d", "Detail": "{}"});
        let mut other = entry.clone();
        other["EventBusName"] = "mine".into();
        assert!(put(&json!([entry, other])).is_none());
        let (answer, events) = put(&Value::Array(vec![entry; 11])).unwrap();
        assert_eq!((answer.status, events.len()), (StatusCode::BAD_REQUEST, 0));
    }

    fn put(entries: &Value) -> Option<(Answer, Vec<Value>)> {
        let request = Request {
            method: hyper::Method::POST,
            target: "/".to_owned(),
            headers: hyper::HeaderMap::new(),
            body: json!({"Entries": entries}).to_string().into(),
        };
        let call = Call {
            service: "events".to_owned(),
            operation: "PutEvents".to_owned(),
            resource: String::new(),
            protocol: Protocol::Json,
        };
        let source = Source::new("123456789012", "eu-central-1");
        put_events(&call, &request, &source, Timestamp::UNIX_EPOCH)
    }
}
