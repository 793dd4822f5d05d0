//! Parameter Store, for whoever writes one parameter and reads none.
//!
//! That is `rollout`, whose package has no room for the SDK crate that `ssm` rests on.

use std::time::Duration;

use aws_smithy_types::timeout::TimeoutConfig;
use serde_json::json;

use super::bare::{Bare, Tries};
use super::client::Clients;
use super::failure::call_error;
use super::json;
use crate::ports::{CallError, DeployedParameters};

/// What Systems Manager is called in its requests. Source: its API reference, "Making API requests".
const TARGET: &str = "AmazonSSM";
/// How long the one try may take: the target's next message waits for it.
const LIMIT: Duration = Duration::from_secs(3);
/// What the parameter says of itself.
const DESCRIPTION: &str = "What Pushboat deployed last that is proven good; written by Pushboat.";

/// Parameter Store, to be written.
#[derive(Clone, Debug)]
pub struct PutParameter {
    service: Bare,
}

impl PutParameter {
    /// Makes it on the shared clients; a call is tried once.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        let limit = TimeoutConfig::builder().operation_timeout(LIMIT).build();
        Self {
            service: Bare::new(clients, "ssm").within(limit),
        }
    }
}

impl DeployedParameters for PutParameter {
    async fn put(&self, name: &str, value: &str) -> Result<(), CallError> {
        let call = format!("ssm:PutParameter {name}");
        let body = json!({
            "Name": name,
            "Description": DESCRIPTION,
            "Type": "String",
            "Value": value,
            "Overwrite": true,
        });
        let put = (TARGET, "PutParameter");
        let answer = json::call(&self.service, put, Tries::Once, &body).await;
        answer.map(drop).map_err(|error| call_error(&call, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::endpoint::{Answer, Endpoint};
    use super::*;

    const NAME: &str = "/pushboat/deployed/team/web";

    async fn put(endpoint: &Endpoint) -> Result<(), CallError> {
        let service = PutParameter::new(&endpoint.clients());
        service.put(NAME, r#"{"tag":"v1"}"#).await
    }

    async fn answered(answer: impl Fn() -> Answer + Send + Sync + 'static) -> CallError {
        let endpoint = Endpoint::new(move |_| answer());
        let error = put(&endpoint).await.unwrap_err();
        assert_eq!(
            endpoint.operations(),
            ["PutParameter"],
            "nothing is tried twice"
        );
        error
    }

    #[tokio::test]
    async fn a_parameter_is_written_over_signed_for_systems_manager() {
        let endpoint =
            Endpoint::new(|_| Answer::json(&json!({ "Version": 2, "Tier": "Standard" })));
        assert_eq!(put(&endpoint).await, Ok(()));
        let calls = endpoint.calls();
        assert_eq!(calls.len(), 1);
        let call = calls.first().unwrap();
        assert_eq!(call.uri, "https://ssm.eu-west-1.amazonaws.com/");
        assert_eq!(
            call.json(),
            json!({ "Name": NAME, "Type": "String", "Value": r#"{"tag":"v1"}"#,
                    "Description": DESCRIPTION, "Overwrite": true })
        );
        let header = |name: &str| call.headers.get(name).unwrap().as_str();
        assert_eq!(header("x-amz-target"), "AmazonSSM.PutParameter");
        assert_eq!(header("content-type"), "application/x-amz-json-1.1");
        let signature = header("authorization");
        assert!(
            signature.contains("/eu-west-1/ssm/aws4_request"),
            "{signature}"
        );
        assert!(signature.contains("x-amz-target"), "{signature}");
    }

    #[tokio::test]
    async fn what_is_turned_away_is_told_from_what_is_refused() {
        for code in ["ThrottlingException", "TooManyUpdates"] {
            let error = answered(|| Answer::error(code, "Rate exceeded")).await;
            assert!(matches!(error, CallError::Throttled { .. }), "{error:?}");
        }
        for code in [
            "AccessDeniedException",
            "com.amazonaws.ssm#AccessDeniedException",
            "AccessDeniedException:http://internal.amazon.com/coral/com.amazon.coral.service/",
        ] {
            let error = answered(|| Answer::error(code, "not authorized")).await;
            let refused = CallError::Refused {
                call: format!("ssm:PutParameter {NAME}"),
                code: "AccessDeniedException".to_owned(),
                message: "not authorized".to_owned(),
            };
            assert_eq!(error, refused);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_says_nothing_of_the_call_is_unclear() {
        let unclear: [fn() -> Answer; 5] = [
            || Answer::Status(500, r#"{"__type":"InternalServerError"}"#.to_owned()),
            || Answer::Status(502, "<html>proxy</html>".to_owned()),
            || Answer::Status(400, "[]".to_owned()),
            || Answer::Broken,
            || Answer::Silence,
        ];
        for answer in unclear {
            let error = answered(answer).await;
            assert!(matches!(error, CallError::Unclear { .. }), "{error:?}");
        }
    }
}
