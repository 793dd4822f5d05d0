//! ministack, as the endpoint talks to it: calls passed on, and calls of our own.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, EXPECT, HOST, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;

use crate::http::{Answer, Request, strip_hop_by_hop};

/// How long a call of our own may take; ministack answers within milliseconds.
const OWN_CALL_LIMIT: Duration = Duration::from_secs(20);

/// Why ministack did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// No answer at all.
    #[error("ministack at {address} did not answer {operation}; has it ended? See its log")]
    Unreachable {
        address: SocketAddr,
        operation: String,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// An error answer.
    #[error("ministack refused {operation} with {status} {code}: {message}")]
    Refused {
        operation: String,
        status: StatusCode,
        code: String,
        message: String,
    },
}

impl UpstreamError {
    /// The error's code as AWS would name it.
    pub(crate) fn code(&self) -> &str {
        match self {
            UpstreamError::Unreachable { .. } => "ServiceUnavailable",
            UpstreamError::Refused { code, .. } => code,
        }
    }

    /// Whether AWS would try again: an overload, or the service's own mistake.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            UpstreamError::Unreachable { .. } => true,
            UpstreamError::Refused { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
        }
    }
}

/// Where ministack listens, and in whose name we call it.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    account_id: String,
    region: String,
}

impl Upstream {
    /// Makes a client of one ministack.
    pub(crate) fn new(address: SocketAddr, account_id: &str, region: &str) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Shorter than the server's own 75 s, so that it never closes first.
            .pool_idle_timeout(Duration::from_secs(30))
            .build_http();
        Upstream {
            client,
            address,
            account_id: account_id.to_owned(),
            region: region.to_owned(),
        }
    }

    /// Passes a call on as it came, with the caller's own `Host`, which S3 and
    /// the URLs of SQS queues depend on.
    pub(crate) async fn pass(&self, request: &Request) -> Result<Answer, UpstreamError> {
        let mut headers = request.headers.clone();
        strip_hop_by_hop(&mut headers);
        headers.remove(EXPECT);
        self.send(
            request.method.clone(),
            &request.target,
            headers,
            request.body.clone(),
        )
        .await
    }

    /// Calls one operation of a JSON protocol: `("events", "AWSEvents.ListRules", …)`.
    pub(crate) async fn json(
        &self,
        service: &str,
        target: &str,
        body: &Value,
    ) -> Result<Value, UpstreamError> {
        let mut headers = self.headers(service, "application/x-amz-json-1.1");
        if let Ok(target) = HeaderValue::from_str(target) {
            headers.insert("x-amz-target", target);
        }
        let answer = self
            .limited(
                target,
                self.send(Method::POST, "/", headers, body.to_string().into()),
            )
            .await?;
        Ok(accepted(target, &answer)?
            .body_json()
            .unwrap_or(Value::Null))
    }

    /// Calls one operation of a query protocol and gives back its XML.
    pub(crate) async fn form(
        &self,
        service: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, UpstreamError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .extend_pairs(parameters)
            .finish();
        let headers = self.headers(service, "application/x-www-form-urlencoded");
        let answer = self
            .limited(action, self.send(Method::POST, "/", headers, body.into()))
            .await?;
        Ok(String::from_utf8_lossy(&accepted(action, &answer)?.body).into_owned())
    }

    /// Sends one request of a REST protocol; an error status is an error.
    pub(crate) async fn rest(
        &self,
        service: &str,
        method: Method,
        target: &str,
        extra: &[(&'static str, &'static str)],
        body: Bytes,
    ) -> Result<Answer, UpstreamError> {
        let mut headers = self.headers(service, "application/json");
        for (name, value) in extra {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        let operation = format!("{method} {target}");
        let answer = self
            .limited(&operation, self.send(method, target, headers, body))
            .await?;
        accepted(&operation, &answer)?;
        Ok(answer)
    }

    /// The headers of a call in our own name. ministack reads account and Region
    /// from the credential's scope and, without `AUTH`, checks no signature.
    fn headers(&self, service: &str, content_type: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/{}/{service}/aws4_request, SignedHeaders=host, Signature=0",
            self.account_id, self.region
        );
        if let Ok(scope) = HeaderValue::from_str(&scope) {
            headers.insert("authorization", scope);
        }
        headers
    }

    async fn limited(
        &self,
        operation: &str,
        call: impl Future<Output = Result<Answer, UpstreamError>>,
    ) -> Result<Answer, UpstreamError> {
        tokio::time::timeout(OWN_CALL_LIMIT, call)
            .await
            .unwrap_or_else(|_elapsed| Err(self.unreachable(operation, None)))
    }

    async fn send(
        &self,
        method: Method,
        target: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, UpstreamError> {
        let operation = format!("{method} {target}");
        if !headers.contains_key(HOST)
            && let Ok(host) = HeaderValue::from_str(&self.address.to_string())
        {
            headers.insert(HOST, host);
        }
        let mut request = hyper::Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = format!("http://{}{target}", self.address).parse().map_err(
            |source: hyper::http::uri::InvalidUri| {
                self.unreachable(&operation, Some(source.into()))
            },
        )?;
        *request.headers_mut() = headers;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|source| self.unreachable(&operation, Some(source.into())))?;
        let (head, body) = response.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|source| self.unreachable(&operation, Some(source.into())))?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    fn unreachable(
        &self,
        operation: &str,
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    ) -> UpstreamError {
        UpstreamError::Unreachable {
            address: self.address,
            operation: operation.to_owned(),
            source,
        }
    }
}

fn accepted<'a>(operation: &str, answer: &'a Answer) -> Result<&'a Answer, UpstreamError> {
    if answer.status.is_success() {
        return Ok(answer);
    }
    let (code, message) = error_of(answer);
    Err(UpstreamError::Refused {
        operation: operation.to_owned(),
        status: answer.status,
        code: code.unwrap_or_default(),
        message: message.unwrap_or_default(),
    })
}

/// Reads code and message out of an error answer of any of AWS's protocols.
pub(crate) fn error_of(answer: &Answer) -> (Option<String>, Option<String>) {
    if let Some(body) = answer.body_json() {
        let registry_error = &body["errors"][0];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let code = text(&body["__type"])
            .or_else(|| text(&body["code"]))
            .or_else(|| text(&registry_error["code"]))
            .map(|code| code.rsplit('#').next().unwrap_or_default().to_owned());
        let message = text(&body["message"])
            .or_else(|| text(&body["Message"]))
            .or_else(|| text(&registry_error["message"]));
        return (code, message);
    }
    let body = String::from_utf8_lossy(&answer.body);
    (
        element(&body, "Code").map(str::to_owned),
        element(&body, "Message").map(str::to_owned),
    )
}

/// The text of the first element of that name; enough for AWS's flat XML errors.
pub(crate) fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}
