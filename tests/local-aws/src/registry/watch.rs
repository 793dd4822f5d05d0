//! What happens to the registry, seen on the calls that pass through: the index is
//! kept, and the events that ECR would send are made.

use std::sync::Arc;

use bytes::Bytes;
use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Manifest, RegistryIndex, config_digest};
use crate::call::{Call, registry_path};
use crate::event::{ImageAction, Source};
use crate::http::{Answer, Request};
use crate::upstream::Upstream;

/// Watches pushes and deletions.
#[derive(Debug)]
pub(crate) struct RegistryWatch {
    index: Arc<RegistryIndex>,
    upstream: Upstream,
    source: Source,
}

impl RegistryWatch {
    /// Watches what `index` describes.
    pub(crate) fn new(index: Arc<RegistryIndex>, upstream: Upstream, source: Source) -> Self {
        RegistryWatch {
            index,
            upstream,
            source,
        }
    }

    /// Notes what an accepted call of the registry's protocol did, and gives back
    /// the events of it.
    pub(crate) async fn after_registry_call(
        &self,
        call: &Call,
        request: &Request,
        at: Timestamp,
    ) -> Vec<Value> {
        let Some((repository, _, reference)) = registry_path(request.path()) else {
            return Vec::new();
        };
        match call.operation.as_str() {
            "PutManifest" => {
                let tag = (!reference.starts_with("sha256:")).then_some(reference);
                let media_type = request.header("content-type");
                self.note_push(repository, tag, &request.body, media_type, at)
                    .await
            }
            "DeleteManifest" => self.note_deletion(repository, reference, None, at),
            _ => Vec::new(),
        }
    }

    /// Notes what an accepted call of ECR's API did, and gives back the events of it.
    pub(crate) async fn after_ecr_call(
        &self,
        call: &Call,
        request: &Request,
        answer: &Answer,
        at: Timestamp,
    ) -> Vec<Value> {
        let body = request.json().unwrap_or_default();
        let repository = body["repositoryName"].as_str().unwrap_or_default();
        match call.operation.as_str() {
            "CreateRepository" => {
                self.index.add_repository(repository);
                Vec::new()
            }
            "DeleteRepository" => {
                self.index.remove_repository(repository);
                Vec::new()
            }
            "PutImage" => {
                let manifest = body["imageManifest"].as_str().unwrap_or_default();
                let media_type = body["imageManifestMediaType"].as_str();
                let tag = body["imageTag"].as_str();
                self.note_push(repository, tag, manifest.as_bytes(), media_type, at)
                    .await
            }
            "BatchDeleteImage" => {
                let answer = answer.body_json().unwrap_or_default();
                let deleted = answer["imageIds"].as_array().cloned().unwrap_or_default();
                deleted
                    .iter()
                    .flat_map(|image| {
                        let digest = image["imageDigest"].as_str().unwrap_or_default();
                        self.note_deletion(repository, digest, image["imageTag"].as_str(), at)
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    /// Notes the repositories that came and went by other ways, such as a stack.
    pub(crate) async fn look_for_repositories(&self) {
        let described = self
            .upstream
            .json(
                "ecr",
                "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories",
                &json!({}),
            )
            .await;
        let Ok(described) = described else { return };
        let names: Vec<&str> = described["repositories"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|repository| repository["repositoryName"].as_str())
            .collect();
        for known in self.index.snapshot().keys() {
            if !names.contains(&known.as_str()) {
                self.index.remove_repository(known);
            }
        }
        for name in names {
            self.index.add_repository(name);
        }
    }

    async fn note_push(
        &self,
        repository: &str,
        tag: Option<&str>,
        manifest: &[u8],
        media_type: Option<&str>,
        at: Timestamp,
    ) -> Vec<Value> {
        let config = match config_digest(manifest) {
            Some(digest) => self.blob(repository, &digest).await,
            None => None,
        };
        let manifest = Manifest::read(manifest, media_type, config.as_deref());
        let event = self.source.ecr_push(
            &ImageAction {
                repository,
                digest: &manifest.digest,
                tag,
                media_type: Some(&manifest.media_type),
                artifact_media_type: manifest.artifact_media_type.as_deref(),
                is_referrer: manifest.is_referrer,
            },
            at,
        );
        self.index.put(repository, tag, manifest, at);
        vec![event]
    }

    fn note_deletion(
        &self,
        repository: &str,
        digest: &str,
        tag: Option<&str>,
        at: Timestamp,
    ) -> Vec<Value> {
        let manifest = self.index.manifest(repository, digest);
        self.index.remove(repository, digest);
        vec![
            self.source.ecr_delete(
                &ImageAction {
                    repository,
                    digest,
                    tag,
                    media_type: manifest
                        .as_ref()
                        .map(|manifest| manifest.media_type.as_str()),
                    artifact_media_type: manifest
                        .as_ref()
                        .and_then(|manifest| manifest.artifact_media_type.as_deref()),
                    is_referrer: false,
                },
                at,
            ),
        ]
    }

    async fn blob(&self, repository: &str, digest: &str) -> Option<Bytes> {
        let target = format!("/v2/{repository}/blobs/{digest}");
        let answer = self
            .upstream
            .rest("ecr", Method::GET, &target, &[], Bytes::new())
            .await;
        answer.ok().map(|answer| answer.body)
    }
}
