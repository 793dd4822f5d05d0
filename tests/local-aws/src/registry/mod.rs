//! What the registry holds, as far as it was seen being put there: the answers to
//! the model's pulls.

mod answer;
mod image;
mod watch;

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use ecs_model::{Platform, PullError, ResolvedImage};
use jiff::Timestamp;
use serde::Serialize;

pub(crate) use image::{Content, Manifest, config_digest, digest_of};
pub(crate) use watch::RegistryWatch;

/// The repositories of one account and Region.
#[derive(Debug)]
pub(crate) struct RegistryIndex {
    /// `<account>.dkr.ecr.<region>.amazonaws.com`.
    host: String,
    repositories: RwLock<BTreeMap<String, Repository>>,
}

/// One repository.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// What each tag points at.
    pub tags: BTreeMap<String, String>,
    /// Each manifest, by its digest.
    pub manifests: BTreeMap<String, StoredManifest>,
}

/// One manifest in a repository.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredManifest {
    /// The manifest's media type.
    pub media_type: String,
    /// The configuration's media type, or the artifact's; nothing for an index.
    pub artifact_media_type: Option<String>,
    /// When it was first put; a re-tag does not change it.
    pub pushed_at: Timestamp,
    /// What it is.
    #[serde(flatten)]
    pub(crate) content: Content,
}

impl RegistryIndex {
    /// Makes an empty registry.
    pub(crate) fn new(account_id: &str, region: &str) -> Self {
        let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
        RegistryIndex {
            host: format!("{account_id}.dkr.ecr.{region}.amazonaws.com{suffix}"),
            repositories: RwLock::default(),
        }
    }

    /// Notes that a repository exists.
    pub(crate) fn add_repository(&self, repository: &str) {
        self.change(|repositories| {
            repositories.entry(repository.to_owned()).or_default();
        });
    }

    /// Forgets a repository and all it holds.
    pub(crate) fn remove_repository(&self, repository: &str) {
        self.change(|repositories| {
            repositories.remove(repository);
        });
    }

    /// Notes a manifest, and that the tag points at it.
    pub(crate) fn put(
        &self,
        repository: &str,
        tag: Option<&str>,
        manifest: Manifest,
        at: Timestamp,
    ) {
        self.change(|repositories| {
            let repository = repositories.entry(repository.to_owned()).or_default();
            if let Some(tag) = tag {
                repository
                    .tags
                    .insert(tag.to_owned(), manifest.digest.clone());
            }
            repository
                .manifests
                .entry(manifest.digest)
                .or_insert(StoredManifest {
                    media_type: manifest.media_type,
                    artifact_media_type: manifest.artifact_media_type,
                    pushed_at: at,
                    content: manifest.content,
                });
        });
    }

    /// Forgets a manifest and the tags that point at it.
    pub(crate) fn remove(&self, repository: &str, digest: &str) {
        self.change(|repositories| {
            if let Some(repository) = repositories.get_mut(repository) {
                repository.manifests.remove(digest);
                repository.tags.retain(|_, pointed_at| pointed_at != digest);
            }
        });
    }

    /// What a tag points at.
    pub(crate) fn tagged(&self, repository: &str, tag: &str) -> Option<String> {
        self.read(|repositories| repositories.get(repository)?.tags.get(tag).cloned())
    }

    /// One manifest.
    pub(crate) fn manifest(&self, repository: &str, digest: &str) -> Option<StoredManifest> {
        self.read(|repositories| repositories.get(repository)?.manifests.get(digest).cloned())
    }

    /// All of it.
    pub(crate) fn snapshot(&self) -> BTreeMap<String, Repository> {
        self.read(Clone::clone)
    }

    /// Whether a reference's host is this registry: ECR's own name for it, or the
    /// endpoint on loopback.
    fn is_ours(&self, host: &str) -> bool {
        let name = host.split(':').next().unwrap_or_default();
        host == self.host || name == "localhost" || name == "127.0.0.1"
    }

    fn read<T>(&self, reading: impl FnOnce(&BTreeMap<String, Repository>) -> T) -> T {
        reading(
            &self
                .repositories
                .read()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Repository>)) {
        change(
            &mut self
                .repositories
                .write()
                .unwrap_or_else(PoisonError::into_inner),
        );
    }
}

impl ecs_model::Registry for RegistryIndex {
    /// Resolves a reference as a container runtime does. Registries other than
    /// this one are taken to hold every image, without labels: a sidecar from
    /// elsewhere runs.
    fn resolve(
        &self,
        image: &str,
        platform: Option<&Platform>,
    ) -> Result<ResolvedImage, PullError> {
        let reference = Reference::parse(image);
        if !self.is_ours(reference.host) {
            return Ok(ResolvedImage {
                digest: reference
                    .digest
                    .map_or_else(|| digest_of(image.as_bytes()), str::to_owned),
                labels: BTreeMap::new(),
            });
        }
        self.read(|repositories| {
            let repository = repositories
                .get(reference.repository)
                .ok_or(PullError::RepositoryNotFound)?;
            let digest = match reference.digest {
                Some(digest) => digest,
                None => repository
                    .tags
                    .get(reference.tag)
                    .ok_or(PullError::ManifestUnknown)?,
            };
            Ok(ResolvedImage {
                digest: digest.to_owned(),
                labels: labels(repository, digest, platform)?,
            })
        })
    }
}

fn labels(
    repository: &Repository,
    digest: &str,
    platform: Option<&Platform>,
) -> Result<BTreeMap<String, String>, PullError> {
    let manifest = repository
        .manifests
        .get(digest)
        .ok_or(PullError::ManifestUnknown)?;
    match &manifest.content {
        Content::Image {
            platform: built_for,
            labels,
        } => {
            if platform.is_none_or(|wanted| built_for.runs_on(wanted)) {
                Ok(labels.clone())
            } else {
                // containerd checks the platform of an index's children only, so
                // this one would be pulled and end with "exec format error". The
                // model knows no such end.
                Err(PullError::PlatformNotFound)
            }
        }
        Content::Index { children } => {
            let child = children
                .iter()
                .find(|child| {
                    platform.map_or(!child.platform.is_unknown(), |wanted| {
                        child.platform.runs_on(wanted)
                    })
                })
                .ok_or(PullError::PlatformNotFound)?;
            labels_of_child(repository, &child.digest)
        }
        // Something that is no image has no platform that would do.
        Content::Artifact => Err(PullError::PlatformNotFound),
    }
}

fn labels_of_child(
    repository: &Repository,
    digest: &str,
) -> Result<BTreeMap<String, String>, PullError> {
    let child = repository.manifests.get(digest);
    match child.map(|child| &child.content) {
        Some(Content::Image { labels, .. }) => Ok(labels.clone()),
        Some(Content::Index { .. } | Content::Artifact) | None => Err(PullError::ManifestUnknown),
    }
}

/// `host/repository:tag@digest`, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Reference<'a> {
    /// Empty for Docker Hub's short names.
    host: &'a str,
    repository: &'a str,
    tag: &'a str,
    digest: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// The first part is a host if it has a dot or a port, or is `localhost`.
    /// <https://pkg.go.dev/github.com/distribution/reference>
    fn parse(image: &'a str) -> Self {
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (image, None),
        };
        let (host, rest) = match name.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (first, rest)
            }
            _ => ("", name),
        };
        let (repository, tag) = rest.split_once(':').unwrap_or((rest, "latest"));
        Reference {
            host,
            repository,
            tag,
            digest,
        }
    }
}

#[cfg(test)]
mod tests;
