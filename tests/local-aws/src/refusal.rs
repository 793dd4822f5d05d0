//! Errors the endpoint itself answers with, written as each protocol writes them.

use hyper::StatusCode;
use hyper::header::HeaderName;
use serde_json::json;
use uuid::Uuid;

use crate::call::Protocol;
use crate::http::Answer;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Writes an error in the words of a protocol, so that any SDK understands it.
/// <https://smithy.io/2.0/aws/protocols/index.html>
pub(crate) fn refusal(protocol: Protocol, status: StatusCode, code: &str, message: &str) -> Answer {
    let id = Uuid::new_v4().to_string();
    let answer = match protocol {
        Protocol::Json => Answer::new(
            status,
            "application/x-amz-json-1.1",
            json!({"__type": code, "message": message}).to_string().into(),
        ),
        Protocol::RestJson => Answer::json(status, &json!({"message": message}))
            .with_header(HeaderName::from_static("x-amzn-errortype"), code),
        Protocol::Query => Answer::new(
            status,
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>{}</Type><Code>{code}</Code><Message>{}</Message>\
                 </Error><RequestId>{id}</RequestId></ErrorResponse>",
                if status.is_server_error() { "Receiver" } else { "Sender" },
                escape(message)
            )
            .into(),
        ),
        Protocol::RestXml => Answer::new(
            status,
            "application/xml",
            format!(
                "<Error><Code>{code}</Code><Message>{}</Message><RequestId>{id}</RequestId></Error>",
                escape(message)
            )
            .into(),
        ),
        Protocol::Cbor => Answer::new(
            status,
            "application/cbor",
            cbor_map(&[("__type", code), ("message", message)]),
        )
        .with_header(HeaderName::from_static("smithy-protocol"), "rpc-v2-cbor"),
        Protocol::Registry => Answer::json(
            status,
            &json!({"errors": [{"code": code, "message": message}]}),
        ),
    };
    answer.with_header(REQUEST_ID, &id)
}

/// Writes a text so that it can stand in XML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Encodes a small map of texts (RFC 8949, section 3.1).
fn cbor_map(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    cbor_head(&mut bytes, 5, entries.len());
    for text in entries.iter().flat_map(|(key, value)| [key, value]) {
        cbor_head(&mut bytes, 3, text.len());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

fn cbor_head(bytes: &mut Vec<u8>, major_type: u8, length: usize) {
    let major_type = major_type << 5;
    if let Ok(short) = u8::try_from(length)
        && short < 24
    {
        bytes.push(major_type | short);
    } else {
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        bytes.push(major_type | 25);
        bytes.extend_from_slice(&length.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_carries_code_and_message() {
        let protocols = [
            Protocol::Json,
            Protocol::RestJson,
            Protocol::Query,
            Protocol::RestXml,
            Protocol::Cbor,
            Protocol::Registry,
        ];
        for protocol in protocols {
            let answer = refusal(
                protocol,
                StatusCode::BAD_REQUEST,
                "ThrottlingException",
                "slow",
            );
            let header = answer
                .headers
                .get("x-amzn-errortype")
                .map(hyper::header::HeaderValue::as_bytes);
            let body = String::from_utf8_lossy(&answer.body);
            assert!(
                body.contains("ThrottlingException") || header == Some(b"ThrottlingException"),
                "{protocol:?}: {body}"
            );
            assert!(body.contains("slow"), "{protocol:?}: {body}");
        }
    }

    #[test]
    fn cbor_text_is_encoded_as_the_rfc_says() {
        // RFC 8949, appendix A: {"a": "A"} is a1 61 61 61 41.
        assert_eq!(cbor_map(&[("a", "A")]), [0xa1, 0x61, 0x61, 0x61, 0x41]);
        let long = "x".repeat(300);
        assert_eq!(cbor_map(&[("a", &long)])[3..6], [0x79, 0x01, 0x2c]);
    }
}
