//! HTTP/1.1 as the endpoint sees it: a whole request in, a whole answer out.
//!
//! Nothing is streamed: AWS's calls are small, and a deployment package of
//! 50 MB is still small for a machine that builds one.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use hyper::service::service_fn;
use hyper::{Method, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// One request, read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// The method.
    pub(crate) method: Method,
    /// The path and the query, still percent-encoded.
    pub(crate) target: String,
    /// Every header, as it came.
    pub(crate) headers: HeaderMap,
    /// The body; empty where there is none.
    pub(crate) body: Bytes,
}

impl Request {
    /// The path, without the query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query, without its question mark; empty where there is none.
    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The first value of a query parameter, decoded.
    pub(crate) fn query_value(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.query().as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// A header's value, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the body is a form, as in the query protocols.
    pub(crate) fn is_form(&self) -> bool {
        self.header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    }

    /// The fields of a query protocol, from the body or the query, still encoded.
    pub(crate) fn form(&self) -> &[u8] {
        match self.is_form() {
            true => &self.body,
            false => self.query().as_bytes(),
        }
    }

    /// The body as JSON; nothing where it is not.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// One answer, whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers; hop-by-hop ones and a length are the server's own affair.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Bytes,
}

impl Answer {
    /// Makes an answer of one content type.
    pub(crate) fn new(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Answer {
            status,
            headers,
            body: body.into(),
        }
    }

    /// Makes an answer of plain JSON.
    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Answer::new(status, "application/json", body.to_string().into_bytes())
    }

    /// The body as JSON; nothing where it is not.
    pub(crate) fn body_json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Puts another JSON body into the answer, keeping its headers.
    pub(crate) fn with_json(mut self, body: &Value) -> Self {
        self.body = body.to_string().into();
        self.headers.remove(CONTENT_LENGTH);
        self
    }

    /// Adds a header whose value is made at run time.
    pub(crate) fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// Says that a connection ends without an answer: the fault "answer lost".
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed without an answer, as a fault asked for")]
pub(crate) struct AnswerLost;

/// Answers the requests of one listener.
pub(crate) trait Service: Send + Sync + 'static {
    /// What is known of a connection, found once when it opens.
    type Peer: Send + Sync + 'static;

    /// Finds out who opened a connection, from its two ends, theirs and ours.
    fn peer(&self, theirs: SocketAddr, ours: SocketAddr)
    -> impl Future<Output = Self::Peer> + Send;

    /// Answers one request.
    fn answer(
        self: Arc<Self>,
        request: Request,
        peer: Arc<Self::Peer>,
    ) -> impl Future<Output = Result<Answer, AnswerLost>> + Send;
}

/// Serves connections until the task is aborted.
pub(crate) async fn serve<S: Service>(listener: TcpListener, service: Arc<S>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        // A failed accept concerns that one connection, or passes.
        if let Ok((stream, address)) = listener.accept().await {
            connections.spawn(serve_connection(stream, address, service.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve_connection<S: Service>(stream: TcpStream, address: SocketAddr, service: Arc<S>) {
    let _ = stream.set_nodelay(true);
    let Ok(own) = stream.local_addr() else {
        return;
    };
    let peer = Arc::new(service.peer(address, own).await);
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        let (service, peer) = (service.clone(), peer.clone());
        async move { answer_one(request, service, peer).await }
    });
    // An error here is a client that went away, or the fault "answer lost".
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

async fn answer_one<S: Service>(
    request: hyper::Request<Incoming>,
    service: Arc<S>,
    peer: Arc<S::Peer>,
) -> Result<hyper::Response<Full<Bytes>>, AnswerLost> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Err(AnswerLost);
    };
    let is_head = head.method == Method::HEAD;
    let request = Request {
        method: head.method,
        target: head
            .uri
            .path_and_query()
            .map_or_else(|| "/".to_owned(), ToString::to_string),
        headers: head.headers,
        body: body.to_bytes(),
    };
    let answer = service.answer(request, peer).await?;
    let mut response = hyper::Response::new(Full::new(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    strip_hop_by_hop(response.headers_mut());
    if !is_head {
        // The answer to HEAD tells the length of a body that is not sent.
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    Ok(response)
}

/// Removes the headers that concern one connection only (RFC 9110, section 7.6.1).
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    for name in [CONNECTION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}
