//! What a manifest from a registry turns out to be.
//!
//! Registries hold more than images: signatures, attestations, SBOMs, charts,
//! build caches. None of them may ever be deployed. Source: OCI image
//! specification, `manifest.md`, `image-index.md` and `config.md`; Docker
//! image manifest version 2, schema 2.

use std::collections::BTreeMap;

use serde::Deserialize;

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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawManifest {
    #[serde(default)]
    artifact_type: Option<String>,
    #[serde(default)]
    manifests: Option<Vec<RawDescriptor>>,
    #[serde(default)]
    config: Option<RawDescriptor>,
    #[serde(default)]
    layers: Vec<RawDescriptor>,
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
    labels: Option<BTreeMap<String, String>>,
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
        (Some(children), _) => read_index(&children, manifest.artifact_type),
        (None, Some(config)) => read_single(manifest.artifact_type, config, &manifest.layers),
        (None, None) => match manifest.artifact_type {
            Some(media_type) => not_an_image(media_type),
            None => unreadable("it has neither `manifests` nor `config`"),
        },
    }
}

/// Reads an image's configuration.
#[must_use]
pub fn read_configuration(text: &str) -> ImageContent {
    match serde_json::from_str::<RawPlatform>(text) {
        Ok(RawPlatform { os, architecture }) if !os.is_empty() && !architecture.is_empty() => {
            ImageContent::Image(vec![Platform { os, architecture }])
        }
        Ok(_) => ImageContent::Unreadable {
            problem: "its configuration names no platform".to_owned(),
        },
        Err(error) => ImageContent::Unreadable {
            problem: format!("its configuration is no JSON: {error}"),
        },
    }
}

/// Finds the image for a platform in an index; `None` where the text is no such index.
#[must_use]
pub fn image_for(text: &str, platform: &Platform) -> Option<String> {
    let manifest: RawManifest = serde_json::from_str(text).ok()?;
    let child = manifest.manifests?.into_iter().find(|child| {
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
    labels.unwrap_or_default()
}

fn read_index(children: &[RawDescriptor], artifact_type: Option<String>) -> Manifest {
    // BuildKit lists attestations beside the images, as `unknown/unknown`.
    let platforms: Vec<Platform> = children
        .iter()
        .filter_map(|child| child.platform.as_ref())
        .filter(|platform| platform.os != "unknown" && !platform.architecture.is_empty())
        .map(|platform| Platform {
            os: platform.os.clone(),
            architecture: platform.architecture.clone(),
        })
        .collect();
    if platforms.is_empty() {
        return not_an_image(artifact_type.unwrap_or_else(|| "an index without images".to_owned()));
    }
    Manifest::Complete(ImageContent::Image(platforms))
}

fn read_single(
    artifact_type: Option<String>,
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
        return not_an_image(config.media_type);
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
        Some(layer) => not_an_image(layer.media_type.clone()),
        None => Manifest::NeedsConfiguration {
            digest: config.digest,
        },
    }
}

fn not_an_image(media_type: String) -> Manifest {
    Manifest::Complete(ImageContent::NotAnImage { media_type })
}

fn unreadable(problem: &str) -> Manifest {
    Manifest::Complete(ImageContent::Unreadable {
        problem: problem.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &serde_json::Value) -> Manifest {
        read_manifest(&value.to_string())
    }

    fn is_not_an_image(value: &serde_json::Value) -> bool {
        matches!(
            read(value),
            Manifest::Complete(ImageContent::NotAnImage { .. })
        )
    }

    #[test]
    fn an_index_lists_its_platforms_without_attestations() {
        let index = json!({ "schemaVersion": 2, "manifests": [
            { "platform": { "os": "linux", "architecture": "amd64" } },
            { "platform": { "os": "linux", "architecture": "arm64", "variant": "v8" } },
            { "platform": { "os": "unknown", "architecture": "unknown" } },
            { "mediaType": "no platform at all" }
        ]});
        let Manifest::Complete(ImageContent::Image(platforms)) = read(&index) else {
            panic!()
        };
        let names: Vec<_> = platforms.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["linux/amd64", "linux/arm64"]);
        assert!(is_not_an_image(&json!({ "manifests": [] })));
    }

    #[test]
    fn a_single_image_is_told_by_its_configuration() {
        for (config, layer) in [
            (
                "application/vnd.oci.image.config.v1+json",
                "application/vnd.oci.image.layer.v1.tar+gzip",
            ),
            (
                "application/vnd.docker.container.image.v1+json",
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
            ),
        ] {
            let manifest = json!({ "config": { "mediaType": config, "digest": "sha256:1" },
                                   "layers": [{ "mediaType": layer }] });
            assert_eq!(
                read(&manifest),
                Manifest::NeedsConfiguration {
                    digest: "sha256:1".to_owned()
                }
            );
        }
        let content = read_configuration(r#"{"os":"linux","architecture":"arm64","x":1}"#);
        assert!(
            matches!(content, ImageContent::Image(platforms) if platforms[0].architecture == "arm64")
        );
        for wrong in ["{}", "[]", "", r#"{"os":"linux"}"#] {
            assert!(
                matches!(read_configuration(wrong), ImageContent::Unreadable { .. }),
                "{wrong}"
            );
        }
    }

    #[test]
    fn an_indexs_image_is_found_by_its_platform() {
        let index = json!({ "manifests": [
            { "digest": "sha256:1", "platform": { "os": "linux", "architecture": "amd64" } },
            { "digest": "sha256:2", "platform": { "os": "linux", "architecture": "arm64" } },
            { "digest": "sha256:3", "platform": { "os": "unknown", "architecture": "unknown" } },
        ]});
        let of = |text: &str, architecture: &str| {
            let os = "linux".to_owned();
            let architecture = architecture.to_owned();
            image_for(text, &Platform { os, architecture })
        };
        let text = index.to_string();
        assert_eq!(of(&text, "arm64").as_deref(), Some("sha256:2"));
        assert_eq!(of(&text, "s390x"), None);
        for other in ["{}", "nonsense", r#"{"config":{"digest":"sha256:1"}}"#] {
            assert_eq!(of(other, "amd64"), None, "{other}");
        }
    }

    #[test]
    fn labels_are_read_where_there_are_any() {
        let text = r#"{"os":"linux","config":{"Labels":{"a":"b"}}}"#;
        let expected = BTreeMap::from([("a".to_owned(), "b".to_owned())]);
        assert_eq!(read_labels(text), expected);
        for none in [
            "{}",
            "[",
            r#"{"config":null}"#,
            r#"{"config":{"Labels":null}}"#,
        ] {
            assert_eq!(read_labels(none), BTreeMap::new(), "{none}");
        }
    }

    #[test]
    fn whatever_else_lies_in_a_registry_is_no_image() {
        let oci = "application/vnd.oci.image.config.v1+json";
        for other in [
            json!({ "config": { "mediaType": oci },
                    "layers": [{ "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json" }] }),
            json!({ "config": { "mediaType": oci }, "layers": [{ "mediaType": "application/vnd.in-toto+json" }] }),
            json!({ "config": { "mediaType": "application/vnd.cncf.helm.config.v1+json" }, "layers": [] }),
            json!({ "config": { "mediaType": "application/vnd.buildkit.cacheconfig.v0" }, "layers": [] }),
            json!({ "artifactType": "application/spdx+json",
                    "config": { "mediaType": "application/vnd.oci.empty.v1+json" }, "layers": [] }),
            json!({ "artifactType": "application/vnd.example" }),
        ] {
            assert!(is_not_an_image(&other), "{other}");
        }
    }

    #[test]
    fn nonsense_is_unreadable() {
        let huge = " ".repeat(MANIFEST_LIMIT_BYTES + 1);
        for wrong in ["", "[]", "{}", r#"{"manifests":1}"#, "nonsense", &huge] {
            let read = read_manifest(wrong);
            assert!(matches!(
                read,
                Manifest::Complete(ImageContent::Unreadable { .. })
            ));
        }
    }
}
