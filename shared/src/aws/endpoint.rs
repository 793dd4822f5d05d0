//! An endpoint in memory that the adapters' tests send their calls to.
//!
//! It sits where connections would be made, so everything above runs as it is
//! shipped: serialisation, signing, retries, timeouts, error parsing.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

use super::client::{Clients, Environment};

/// One call as the endpoint got it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The operation, such as `DescribeServices`; the path where no header names one.
    pub(super) operation: String,
    /// The whole address.
    pub(super) uri: String,
    /// The headers, names in lower case.
    pub(super) headers: HashMap<String, String>,
    /// The body as text.
    pub(super) body: String,
}

impl Call {
    /// Gives the body as JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What the endpoint answers.
pub(super) enum Answer {
    /// A status and a body.
    Status(u16, String),
    /// The connection breaks after the call was taken.
    Broken,
    /// Nothing, ever.
    Silence,
}

impl Answer {
    /// Answers with JSON.
    pub(super) fn json(value: &Value) -> Self {
        Self::Status(200, value.to_string())
    }

    /// Answers with an error of the JSON protocols.
    pub(super) fn error(code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "__type": code, "message": message });
        Self::Status(400, body.to_string())
    }
}

/// An endpoint, and what was sent to it.
#[derive(Clone)]
pub(super) struct Endpoint {
    calls: Arc<Mutex<Vec<Call>>>,
    answer: Arc<dyn Fn(&Call) -> Answer + Send + Sync>,
}

impl Endpoint {
    /// Opens an endpoint that answers each call as `answer` says.
    pub(super) fn new(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            calls: Arc::default(),
            answer: Arc::new(answer),
        }
    }

    /// Makes clients that send their calls here.
    pub(super) fn clients(&self) -> Clients {
        let environment = Environment {
            region: "eu-west-1".to_owned(),
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "secret".to_owned(),
            session_token: None,
            endpoint_url: None,
        };
        Clients::over(&environment, SharedHttpConnector::new(self.clone()))
    }

    /// Gives the calls so far.
    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Gives the operations called so far.
    pub(super) fn operations(&self) -> Vec<String> {
        self.calls()
            .into_iter()
            .map(|call| call.operation)
            .collect()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint")
    }
}

impl HttpConnector for Endpoint {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let headers: HashMap<String, String> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let operation = headers
            .get("x-amz-target")
            .and_then(|target| target.rsplit('.').next())
            .unwrap_or_else(|| request.uri().rsplit('/').next().unwrap_or_default())
            .to_owned();
        let call = Call {
            operation,
            uri: request.uri().to_owned(),
            headers,
            body: String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned(),
        };
        let answer = (self.answer)(&call);
        self.calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(call);
        match answer {
            Answer::Status(status, body) => {
                let status = StatusCode::try_from(status).unwrap();
                HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body))))
            }
            Answer::Broken => HttpConnectorFuture::ready(Err(ConnectorError::io(
                std::io::Error::from(std::io::ErrorKind::ConnectionReset).into(),
            ))),
            Answer::Silence => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}
