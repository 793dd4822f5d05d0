//! What a manifest says it is: an image for one platform, an index of images, or
//! something else that a registry can hold.

use std::collections::BTreeMap;
use std::fmt::Write;

use ecs_model::Platform;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// A manifest with what its configuration adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// `sha256:` and 64 hexadecimal digits.
    pub(crate) digest: String,
    /// The manifest's media type.
    pub(crate) media_type: String,
    /// The configuration's media type, or the artifact's; nothing for an index.
    pub(crate) artifact_media_type: Option<String>,
    /// Whether it refers to another manifest: a signature or an SBOM.
    pub(crate) is_referrer: bool,
    /// What it is.
    pub(crate) content: Content,
}

/// What a manifest is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Content {
    /// An image for one platform.
    Image {
        platform: ImagePlatform,
        labels: BTreeMap<String, String>,
    },
    /// An index of images.
    Index { children: Vec<Child> },
    /// An attestation, a signature, a cache, a chart.
    Artifact,
}

/// One entry of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Child {
    pub(crate) digest: String,
    pub(crate) platform: ImagePlatform,
}

/// What an image was built for, in the words of the OCI image specification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct ImagePlatform {
    pub(crate) os: String,
    pub(crate) architecture: String,
}

impl ImagePlatform {
    /// Whether a task with that platform can run it.
    pub(crate) fn runs_on(&self, wanted: &Platform) -> bool {
        self.os == wanted.os && self.architecture == wanted.architecture
    }

    /// Whether it stands for no platform at all, as buildx marks attestations.
    /// <https://docs.docker.com/build/metadata/attestations/attestation-storage/>
    pub(crate) fn is_unknown(&self) -> bool {
        self.os == "unknown"
    }

    fn of(value: &Value) -> Self {
        ImagePlatform {
            os: text(value, "os"),
            architecture: text(value, "architecture"),
        }
    }
}

impl Manifest {
    /// Reads a manifest; `config` is the blob that its `config` member names.
    pub(crate) fn read(bytes: &[u8], media_type: Option<&str>, config: Option<&[u8]>) -> Self {
        let manifest: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let media_type = media_type
            .or(manifest["mediaType"].as_str())
            .unwrap_or("application/vnd.docker.distribution.manifest.v2+json");
        let is_index = manifest["manifests"].is_array();
        let artifact_media_type = manifest["artifactType"]
            .as_str()
            .or(manifest["config"]["mediaType"].as_str())
            .filter(|_| !is_index);
        Manifest {
            digest: digest_of(bytes),
            media_type: media_type.to_owned(),
            artifact_media_type: artifact_media_type.map(str::to_owned),
            is_referrer: manifest["subject"].is_object(),
            content: if is_index {
                index(&manifest)
            } else {
                image(&manifest, config)
            },
        }
    }
}

fn index(manifest: &Value) -> Content {
    let entries = manifest["manifests"].as_array();
    Content::Index {
        children: entries
            .into_iter()
            .flatten()
            .map(|entry| Child {
                digest: text(entry, "digest"),
                platform: ImagePlatform::of(&entry["platform"]),
            })
            .collect(),
    }
}

/// An image's configuration names its platform; an attestation's says `unknown`,
/// and that of any other artifact is of a type of its own.
fn image(manifest: &Value, config: Option<&[u8]>) -> Content {
    let is_image = matches!(
        manifest["config"]["mediaType"].as_str(),
        Some(
            "application/vnd.oci.image.config.v1+json"
                | "application/vnd.docker.container.image.v1+json"
        )
    );
    let config: Value = config
        .and_then(|config| serde_json::from_slice(config).ok())
        .unwrap_or_default();
    let platform = ImagePlatform::of(&config);
    if !is_image || platform.os.is_empty() || platform.is_unknown() {
        return Content::Artifact;
    }
    let labels = config["config"]["Labels"].as_object();
    Content::Image {
        platform,
        labels: labels
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
    }
}

/// The digest of a manifest's configuration, where it has one.
pub(crate) fn config_digest(manifest: &[u8]) -> Option<String> {
    let manifest: Value = serde_json::from_slice(manifest).ok()?;
    Some(manifest["config"]["digest"].as_str()?.to_owned())
}

/// Names a content by its SHA-256, as registries do.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    let mut digest = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        let _ = write!(digest, "{byte:02x}");
    }
    digest
}

fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}
