//! What is pushed: an image for one platform, or an index of them, byte by byte.
//!
//! The shapes are those of <https://github.com/opencontainers/image-spec>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::registry::digest_of;

const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// An image for one platform, with one small layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    os: String,
    architecture: String,
    labels: BTreeMap<String, String>,
}

impl Image {
    /// Makes a Linux image for `amd64` or `arm64`.
    pub fn new(architecture: &str) -> Self {
        Image {
            os: "linux".to_owned(),
            architecture: architecture.to_owned(),
            labels: BTreeMap::new(),
        }
    }

    /// Adds a label; labels are what tells one image's digest from another's.
    #[must_use]
    pub fn with_label(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.to_owned(), value.to_owned());
        self
    }

    fn for_architecture(&self, architecture: &str) -> Self {
        Image {
            architecture: architecture.to_owned(),
            ..self.clone()
        }
    }

    /// The layer holds the labels, so that it differs as they do.
    fn layer(&self) -> Vec<u8> {
        let content = serde_json::to_vec(&self.labels).unwrap_or_default();
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let mut archive = tar::Builder::new(Vec::new());
        let written = archive
            .append_data(&mut header, "labels.json", content.as_slice())
            .and_then(|()| archive.into_inner());
        // Writing into memory cannot fail.
        written.unwrap_or_default()
    }

    fn build(&self) -> (Blob, Vec<Vec<u8>>) {
        let layer = self.layer();
        let config = json!({
            "architecture": self.architecture,
            "os": self.os,
            "created": "2026-01-01T00:00:00Z",
            "config": {"Labels": self.labels, "Entrypoint": ["/labels.json"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(&layer)]},
        });
        let config = config.to_string().into_bytes();
        let manifest = manifest(&config, LAYER, &layer, json!({}));
        (manifest, vec![config, layer])
    }
}

/// A manifest's or a blob's bytes, with what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// The media type.
    pub media_type: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Blob {
    fn new(media_type: &'static str, bytes: Vec<u8>) -> Self {
        Blob {
            digest: digest_of(&bytes),
            media_type,
            bytes,
        }
    }
}

/// All that one push puts into a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Configurations and layers.
    pub blobs: Vec<Vec<u8>>,
    /// The children of the index; none for a single image.
    pub children: Vec<Blob>,
    /// What the tag points at.
    pub manifest: Blob,
}

impl Artifact {
    /// The digest that the tag will point at.
    pub fn digest(&self) -> &str {
        &self.manifest.digest
    }
}

/// Makes a single-platform image.
pub fn single(image: &Image) -> Artifact {
    let (manifest, blobs) = image.build();
    Artifact {
        blobs,
        children: Vec::new(),
        manifest,
    }
}

/// Makes an index of the same image for several architectures.
pub fn multi_arch(image: &Image, architectures: &[&str]) -> Artifact {
    index(image, architectures, false)
}

/// Makes an index as `docker buildx build --provenance` does: with an attestation
/// beside each image.
/// <https://docs.docker.com/build/metadata/attestations/attestation-storage/>
pub fn attested(image: &Image, architectures: &[&str]) -> Artifact {
    index(image, architectures, true)
}

fn index(image: &Image, architectures: &[&str], is_attested: bool) -> Artifact {
    let mut blobs = Vec::new();
    let mut children = Vec::new();
    let mut entries = Vec::new();
    let mut attestations = Vec::new();
    for architecture in architectures {
        let image = image.for_architecture(architecture);
        let (child, child_blobs) = image.build();
        let platform = json!({"os": image.os, "architecture": image.architecture});
        entries.push(entry(&child, &platform, None));
        blobs.extend(child_blobs);
        if is_attested {
            let (attestation, attestation_blobs) = attestation(&child.digest);
            let unknown = json!({"os": "unknown", "architecture": "unknown"});
            attestations.push(entry(&attestation, &unknown, Some(&child.digest)));
            blobs.extend(attestation_blobs);
            children.push(attestation);
        }
        children.push(child);
    }
    entries.append(&mut attestations);
    let index = json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": entries});
    Artifact {
        blobs,
        children,
        manifest: Blob::new(IMAGE_INDEX, index.to_string().into_bytes()),
    }
}

fn attestation(subject: &str) -> (Blob, Vec<Vec<u8>>) {
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{"digest": {"sha256": subject.trim_start_matches("sha256:")}}],
        "predicate": {},
    });
    let statement = statement.to_string().into_bytes();
    let config = json!({
        "architecture": "unknown",
        "os": "unknown",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(&statement)]},
    });
    let config = config.to_string().into_bytes();
    let annotations = json!({"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"});
    let manifest = manifest(
        &config,
        "application/vnd.in-toto+json",
        &statement,
        annotations,
    );
    (manifest, vec![config, statement])
}

fn manifest(config: &[u8], layer_type: &str, layer: &[u8], annotations: Value) -> Blob {
    let mut layer = json!({
        "mediaType": layer_type,
        "digest": digest_of(layer),
        "size": layer.len(),
    });
    if annotations != json!({}) {
        layer["annotations"] = annotations;
    }
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": IMAGE_MANIFEST,
        "config": {"mediaType": IMAGE_CONFIG, "digest": digest_of(config), "size": config.len()},
        "layers": [layer],
    });
    Blob::new(IMAGE_MANIFEST, manifest.to_string().into_bytes())
}

fn entry(child: &Blob, platform: &Value, attested: Option<&str>) -> Value {
    let mut entry = json!({
        "mediaType": child.media_type,
        "digest": child.digest,
        "size": child.bytes.len(),
        "platform": platform,
    });
    if let Some(attested) = attested {
        entry["annotations"] = json!({
            "vnd.docker.reference.digest": attested,
            "vnd.docker.reference.type": "attestation-manifest",
        });
    }
    entry
}
