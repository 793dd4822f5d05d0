//! What a manifest from a registry turns out to be.
//!
//! Registries hold more than images: signatures, attestations, SBOMs, charts,
//! build caches. None of them may ever be deployed. Source: OCI image
//! specification, `manifest.md`, `image-index.md` and `config.md`; Docker
//! image manifest version 2, schema 2.

use std::collections::BTreeMap;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::core::observation::{ImageContent, Platform};

/// What a manifest says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// All there is to know is known.
    Complete(ImageContent),
    /// It is an image for one platform, which its configuration names.
    NeedsConfiguration {
        /// The digest of the configuration blob.
        digest: String,
    },
}

/// The larger of these is refused unread; ECR holds manifests up to 4 MiB.
const MANIFEST_LIMIT_BYTES: usize = 4 * 1024 * 1024;

/// More layers or images than these are no image that runs anywhere; each takes
/// many times the memory of the two bytes it may be written with.
const DESCRIPTORS_LIMIT: usize = 1000;
/// How many labels are read; each takes many times the memory of the six bytes
/// it may be written with.
const LABELS_LIMIT: usize = 1000;
/// How much is told of a media type or of what is wrong, in characters.
const TOLD_LIMIT: usize = 200;
/// How many platforms of an image are told apart.
const PLATFORMS_LIMIT: usize = 40;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawManifest {
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    manifests: Option<Descriptors>,
    #[serde(default)]
    config: Option<RawDescriptor>,
    #[serde(default)]
    layers: Descriptors,
}

/// A list that is refused where it is too long, before it is all in memory.
#[derive(Default)]
struct Descriptors(Vec<RawDescriptor>);

impl<'de> Deserialize<'de> for Descriptors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Few;

        impl<'de> Visitor<'de> for Few {
            type Value = Descriptors;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "a list of at most {DESCRIPTORS_LIMIT}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Descriptors, A::Error> {
                let mut descriptors = Vec::new();
                while let Some(descriptor) = list.next_element()? {
                    if descriptors.len() == DESCRIPTORS_LIMIT {
                        let problem = format!("it lists more than {DESCRIPTORS_LIMIT} of a kind");
                        return Err(A::Error::custom(problem));
                    }
                    descriptors.push(descriptor);
                }
                Ok(Descriptors(descriptors))
            }
        }

        deserializer.deserialize_seq(Few)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    #[serde(default)]
    media_type: String,
    #[serde(default)]
    digest: String,
    #[serde(default)]
    platform: Option<RawPlatform>,
}

#[derive(Deserialize)]
struct RawPlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

#[derive(Default, Deserialize)]
struct RawConfiguration {
    #[serde(default)]
    config: Option<RawConfig>,
}

#[derive(Deserialize)]
struct RawConfig {
    #[serde(default, rename = "Labels")]
    labels: Option<RawLabels>,
}

/// The first labels of a configuration.
struct RawLabels(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for RawLabels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;

        impl<'de> Visitor<'de> for First {
            type Value = RawLabels;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("labels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<RawLabels, A::Error> {
                let mut labels = BTreeMap::new();
                while let Some((name, value)) = fields.next_entry()? {
                    if labels.len() < LABELS_LIMIT {
                        labels.insert(name, value);
                    }
                }
                Ok(RawLabels(labels))
            }
        }

        deserializer.deserialize_map(First)
    }
}

/// Reads an image manifest or an image index.
#[must_use]
pub fn read_manifest(text: &str) -> Manifest {
    if text.len() > MANIFEST_LIMIT_BYTES {
        return unreadable("it is larger than 4 MiB");
    }
    let manifest: RawManifest = match serde_json::from_str(text) {
        Ok(manifest) => manifest,
        Err(error) => return unreadable(&format!("it is no JSON manifest: {error}")),
    };
    match (manifest.manifests, manifest.config) {
        (Some(children), _) => read_index(&children.0, manifest.artifact_type.as_deref()),
        (None, Some(config)) => read_single(
            manifest.artifact_type.as_deref(),
            config,
            &manifest.layers.0,
        ),
        (None, None) => match manifest.artifact_type {
            Some(media_type) => not_an_image(&media_type),
            None => unreadable("it has neither `manifests` nor `config`"),
        },
    }
}

/// Reads an image's configuration.
#[must_use]
pub fn read_configuration(text: &str) -> ImageContent {
    match serde_json::from_str::<RawPlatform>(text) {
        Ok(RawPlatform { os, architecture }) if is_word(&os) && is_word(&architecture) => {
            ImageContent::Image(vec![Platform { os, architecture }])
        }
        Ok(_) => ImageContent::Unreadable {
            problem: "its configuration names no platform".to_owned(),
        },
        Err(error) => ImageContent::Unreadable {
            problem: told(&format!("its configuration is no JSON: {error}")),
        },
    }
}

/// Finds the image for a platform in an index; `None` where the text is no such index.
#[must_use]
pub fn image_for(text: &str, platform: &Platform) -> Option<String> {
    let manifest: RawManifest = serde_json::from_str(text).ok()?;
    let child = manifest.manifests?.0.into_iter().find(|child| {
        let named = child.platform.as_ref();
        named.is_some_and(|one| one.os == platform.os && one.architecture == platform.architecture)
    })?;
    Some(child.digest).filter(|digest| !digest.is_empty())
}

/// Reads the labels in an image's configuration; none where it has none.
#[must_use]
pub fn read_labels(text: &str) -> BTreeMap<String, String> {
    let configuration: RawConfiguration = serde_json::from_str(text).unwrap_or_default();
    let labels = configuration.config.and_then(|config| config.labels);
    labels.map(|labels| labels.0).unwrap_or_default()
}

fn read_index(children: &[RawDescriptor], artifact_type: Option<&str>) -> Manifest {
    let mut platforms: Vec<Platform> = Vec::new();
    for RawPlatform { os, architecture } in children.iter().filter_map(|one| one.platform.as_ref())
    {
        let told_before = |one: &Platform| one.os == *os && one.architecture == *architecture;
        // BuildKit lists attestations beside the images, as `unknown/unknown`.
        let is_one = os != "unknown" && is_word(os) && is_word(architecture);
        if is_one && platforms.len() < PLATFORMS_LIMIT && !platforms.iter().any(told_before) {
            platforms.push(Platform {
                os: os.clone(),
                architecture: architecture.clone(),
            });
        }
    }
    if platforms.is_empty() {
        return not_an_image(artifact_type.unwrap_or("an index without images"));
    }
    Manifest::Complete(ImageContent::Image(platforms))
}

fn read_single(
    artifact_type: Option<&str>,
    config: RawDescriptor,
    layers: &[RawDescriptor],
) -> Manifest {
    if let Some(media_type) = artifact_type {
        return not_an_image(media_type);
    }
    let is_image = matches!(
        config.media_type.as_str(),
        "application/vnd.oci.image.config.v1+json"
            | "application/vnd.docker.container.image.v1+json"
    );
    if !is_image {
        return not_an_image(&config.media_type);
    }
    // Signatures and attestations borrow the image configuration's type: their layers tell.
    let odd_layer = layers.iter().find(|layer| {
        !layer
            .media_type
            .starts_with("application/vnd.oci.image.layer.")
            && !layer
                .media_type
                .starts_with("application/vnd.docker.image.rootfs.")
    });
    match odd_layer {
        Some(layer) => not_an_image(&layer.media_type),
        None => Manifest::NeedsConfiguration {
            digest: config.digest,
        },
    }
}

fn not_an_image(media_type: &str) -> Manifest {
    Manifest::Complete(ImageContent::NotAnImage {
        media_type: told(media_type),
    })
}

fn unreadable(problem: &str) -> Manifest {
    Manifest::Complete(ImageContent::Unreadable {
        problem: told(problem),
    })
}

/// Says whether a text can name an operating system or an architecture, as Go does.
fn is_word(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=32).contains(&text.len()) && text.chars().all(allowed)
}

/// Shortens what whoever pushed wrote: it is stored with the rollout and sent to people.
fn told(text: &str) -> String {
    let clean = text.chars().filter(|c| !c.is_control());
    clean.take(TOLD_LIMIT).collect()
}

/// Says what is no image, as far as its tag and its artifact's media type tell.
///
/// Cosign tags a signature, an attestation or an SBOM with the digest of the
/// image it is about, `sha256-<digest>.sig`, and without a suffix for OCI
/// referrers. Source: Sigstore's Cosign signature specification, "Storage".
/// ECR's artifact media type is that of an image's configuration, or missing.
#[must_use]
pub fn artifact(tag: &str, media_type: &str) -> Option<String> {
    let digest = tag.strip_prefix("sha256-").and_then(|rest| rest.get(..64));
    if digest.is_some_and(|digest| digest.chars().all(|c| c.is_ascii_hexdigit())) {
        return Some("a signature, an attestation or an SBOM".to_owned());
    }
    let image = matches!(
        media_type,
        "" | "application/vnd.oci.image.config.v1+json"
            | "application/vnd.docker.container.image.v1+json"
    );
    (!image).then(|| media_type.chars().take(100).collect())
}

#[cfg(test)]
mod tests;
