//! What the model of stacks answers, in the XML of the Query protocol.
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>

use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::Value;
use stack_model::ServiceError;
use uuid::Uuid;

use crate::call::Protocol;
use crate::http::Answer;
use crate::refusal::{escape, refusal};

/// The namespace of every answer, as the service's own model has it.
const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";

/// Writes an answer: members as elements, the entries of lists as `member`.
pub(super) fn answer(operation: &str, result: &Value) -> Answer {
    let id = Uuid::new_v4().to_string();
    let mut xml = format!("<{operation}Response xmlns=\"{NAMESPACE}\">");
    write(&mut xml, &format!("{operation}Result"), result);
    xml.push_str(&format!(
        "<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata></{operation}Response>"
    ));
    Answer::new(StatusCode::OK, "text/xml", xml.into())
        .with_header(HeaderName::from_static("x-amzn-requestid"), &id)
}

/// Writes a refusal.
pub(super) fn refused(error: &ServiceError) -> Answer {
    let status = StatusCode::from_u16(error.http_status).unwrap_or(StatusCode::BAD_REQUEST);
    refusal(Protocol::Query, status, &error.code, &error.message)
}

fn write(xml: &mut String, name: &str, value: &Value) {
    if value.is_null() {
        return;
    }
    xml.push_str(&format!("<{name}>"));
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                write(xml, name, member);
            }
        }
        Value::Array(entries) => {
            for entry in entries {
                write(xml, "member", entry);
            }
        }
        Value::String(text) => xml.push_str(&escape(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => xml.push_str(&value.to_string()),
    }
    xml.push_str(&format!("</{name}>"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_has_its_members_and_lists_as_elements() {
        let result = json!({
            "Stacks": [{"StackName": "a & <b>", "DisableRollback": false, "Tags": [], "Reason": null}],
        });
        let answer = answer("DescribeStacks", &result);
        let xml = String::from_utf8_lossy(&answer.body).into_owned();
        let begin = "<DescribeStacksResponse \
            xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult>\
            <Stacks><member><DisableRollback>false</DisableRollback>\
            <StackName>a &amp; &lt;b&gt;</StackName><Tags></Tags></member></Stacks>\
            </DescribeStacksResult><ResponseMetadata><RequestId>";
        assert!(xml.starts_with(begin), "{xml}");
        let end = "</RequestId></ResponseMetadata></DescribeStacksResponse>";
        assert!(xml.ends_with(end), "{xml}");
    }

    #[test]
    fn a_refusal_has_the_code_the_message_and_the_status() {
        let error = ServiceError {
            code: "ChangeSetNotFound".to_owned(),
            message: "ChangeSet [a] does not exist".to_owned(),
            http_status: 404,
        };
        let answer = refused(&error);
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        let xml = String::from_utf8_lossy(&answer.body).into_owned();
        let begin = "<ErrorResponse><Error><Type>Sender</Type><Code>ChangeSetNotFound</Code>\
            <Message>ChangeSet [a] does not exist</Message></Error><RequestId>";
        assert!(xml.starts_with(begin), "{xml}");
    }
}
