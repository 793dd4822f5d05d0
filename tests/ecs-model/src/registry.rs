//! What a container runtime sees of a registry when it pulls an image.

use std::collections::BTreeMap;

/// The registry that the tasks' images are pulled from.
pub trait Registry {
    /// Resolves `repo:tag` or `repo@sha256:…` to one image.
    ///
    /// `platform` picks the child of an image index; `None` takes what is there.
    ///
    /// # Errors
    ///
    /// Says why a container runtime could not pull it.
    fn resolve(&self, image: &str, platform: Option<&Platform>)
    -> Result<ResolvedImage, PullError>;
}

/// What a task runs on, in the words of the OCI image specification.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Platform {
    /// `linux` or `windows`.
    pub os: String,
    /// `amd64` or `arm64`.
    pub architecture: String,
}

/// One image, as the registry knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedImage {
    /// The digest the reference stands for, `sha256:` and 64 hexadecimal digits;
    /// for an index, the index's own.
    pub digest: String,
    /// The labels of the image's configuration.
    pub labels: BTreeMap<String, String>,
}

/// Why an image cannot be pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullError {
    /// The repository holds no such tag or digest.
    ManifestUnknown,
    /// The index holds no image for the platform.
    PlatformNotFound,
    /// There is no such repository.
    RepositoryNotFound,
    /// The execution role may not pull.
    AccessDenied,
    /// The registry did not answer.
    NetworkTimeout,
}
