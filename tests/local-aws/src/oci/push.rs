//! Pushing by the OCI distribution protocol.
//! <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push>

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_TYPE, LOCATION};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::image::{Artifact, Blob};
use crate::registry::digest_of;

/// Why a push did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The registry could not be asked.
    #[error("failed to {action} at {url}")]
    Unreachable {
        /// What was to be done.
        action: String,
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The registry said no.
    #[error("the registry refused to {action} at {url}: {status} {body}")]
    Refused {
        /// What was to be done.
        action: String,
        /// Where.
        url: String,
        /// The answer's status.
        status: StatusCode,
        /// The answer's body, which names the reason.
        body: String,
    },
}

/// A registry that speaks plain HTTP and asks for no credentials.
#[derive(Clone, Debug)]
pub struct Registry {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
}

impl Registry {
    /// Makes a client of the registry at `http://host:port`.
    pub fn new(url: &str) -> Self {
        Registry {
            client: Client::builder(TokioExecutor::new()).build_http(),
            url: url.trim_end_matches('/').to_owned(),
        }
    }

    /// Pushes everything an artifact is made of, children first, and gives back the
    /// digest that the tag points at then.
    ///
    /// # Errors
    ///
    /// Says what was refused; the repository must exist.
    pub async fn push(
        &self,
        repository: &str,
        tag: &str,
        artifact: &Artifact,
    ) -> Result<String, PushError> {
        for blob in &artifact.blobs {
            self.push_blob(repository, blob).await?;
        }
        for child in &artifact.children {
            self.put_manifest(repository, &child.digest, child.media_type, &child.bytes)
                .await?;
        }
        let Blob {
            media_type, bytes, ..
        } = &artifact.manifest;
        self.put_manifest(repository, tag, media_type, bytes)
            .await?;
        Ok(artifact.manifest.digest.clone())
    }

    /// Lets another tag point at what `reference`, a tag or a digest, stands for.
    ///
    /// # Errors
    ///
    /// Says what was refused.
    pub async fn retag(
        &self,
        repository: &str,
        reference: &str,
        tag: &str,
    ) -> Result<String, PushError> {
        let url = format!("{}/v2/{repository}/manifests/{reference}", self.url);
        let action = format!("read {repository}:{reference}");
        let got = self.send(&action, Method::GET, &url, None, b"").await?;
        let media_type = header(&got, CONTENT_TYPE);
        let manifest = got.into_body();
        self.put_manifest(repository, tag, &media_type, &manifest)
            .await?;
        Ok(digest_of(&manifest))
    }

    async fn push_blob(&self, repository: &str, blob: &[u8]) -> Result<(), PushError> {
        let digest = digest_of(blob);
        let url = format!("{}/v2/{repository}/blobs/{digest}", self.url);
        let action = format!("look for {digest}");
        let is_there = self.send(&action, Method::HEAD, &url, None, b"").await;
        if is_there.is_ok() {
            return Ok(());
        }
        let url = format!("{}/v2/{repository}/blobs/uploads/", self.url);
        let action = format!("begin to upload {digest}");
        let begun = self.send(&action, Method::POST, &url, None, b"").await?;
        let location = header(&begun, LOCATION);
        let base = if location.starts_with('/') {
            self.url.as_str()
        } else {
            ""
        };
        let separator = if location.contains('?') { '&' } else { '?' };
        let url = format!("{base}{location}{separator}digest={digest}");
        let action = format!("upload {digest}");
        let media_type = Some("application/octet-stream");
        self.send(&action, Method::PUT, &url, media_type, blob)
            .await?;
        Ok(())
    }

    async fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        manifest: &[u8],
    ) -> Result<(), PushError> {
        let url = format!("{}/v2/{repository}/manifests/{reference}", self.url);
        let action = format!("put {repository}:{reference}");
        self.send(&action, Method::PUT, &url, Some(media_type), manifest)
            .await?;
        Ok(())
    }

    async fn send(
        &self,
        action: &str,
        method: Method,
        url: &str,
        media_type: Option<&str>,
        body: &[u8],
    ) -> Result<Response<Bytes>, PushError> {
        let unreachable =
            |source: Box<dyn std::error::Error + Send + Sync>| PushError::Unreachable {
                action: action.to_owned(),
                url: url.to_owned(),
                source,
            };
        let mut request = Request::builder().method(method).uri(url);
        if let Some(media_type) = media_type {
            request = request.header(CONTENT_TYPE, media_type);
        }
        let request = request
            .body(Full::new(Bytes::copy_from_slice(body)))
            .map_err(|source| unreachable(source.into()))?;
        let response = self.client.request(request).await;
        let (head, body) = response
            .map_err(|source| unreachable(source.into()))?
            .into_parts();
        let body = body.collect().await;
        let body = body
            .map_err(|source| unreachable(source.into()))?
            .to_bytes();
        if !head.status.is_success() {
            return Err(PushError::Refused {
                action: action.to_owned(),
                url: url.to_owned(),
                status: head.status,
                body: String::from_utf8_lossy(&body).into_owned(),
            });
        }
        Ok(Response::from_parts(head, body))
    }
}

fn header(response: &Response<Bytes>, name: hyper::header::HeaderName) -> String {
    let value = response.headers().get(name);
    let text = value.and_then(|value| value.to_str().ok());
    text.unwrap_or_default().to_owned()
}
