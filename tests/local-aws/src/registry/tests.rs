use ecs_model::Registry;

use super::*;
use crate::oci::{Artifact, Blob, Image, attested, multi_arch, single};

const AT: Timestamp = Timestamp::UNIX_EPOCH;
const HOST: &str = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";

#[test]
fn a_single_image_is_resolved_by_tag_and_by_digest() {
    let index = index();
    let image = single(&Image::new("amd64").with_label("version", "1"));
    push(&index, "team/app", "v1", &image);
    let amd64 = platform("amd64");
    for reference in [
        format!("{HOST}/team/app:v1"),
        format!("{HOST}/team/app@{}", image.digest()),
        format!("{HOST}/team/app:gone@{}", image.digest()),
        "localhost:4566/team/app:v1".to_owned(),
        "127.0.0.1:4566/team/app:v1".to_owned(),
    ] {
        let resolved = index.resolve(&reference, Some(&amd64)).unwrap();
        assert_eq!(resolved.digest, image.digest(), "{reference}");
        assert_eq!(resolved.labels["version"], "1", "{reference}");
    }
}

#[test]
fn an_index_is_resolved_to_its_own_digest_and_the_platforms_child() {
    let index = index();
    let image = attested(
        &Image::new("amd64").with_label("version", "2"),
        &["amd64", "arm64"],
    );
    assert_eq!(image.children.len(), 4);
    push(&index, "app", "v2", &image);
    let reference = format!("{HOST}/app:v2");
    for wanted in [Some(platform("amd64")), Some(platform("arm64")), None] {
        let resolved = index.resolve(&reference, wanted.as_ref()).unwrap();
        assert_eq!(resolved.digest, image.digest());
        assert_eq!(resolved.labels["version"], "2");
    }
}

#[test]
fn what_is_not_there_or_does_not_fit_is_told_apart() {
    let index = index();
    let arm64 = platform("arm64");
    push(
        &index,
        "app",
        "v1",
        &multi_arch(&Image::new("amd64"), &["amd64"]),
    );
    push(&index, "app", "amd64-only", &single(&Image::new("amd64")));
    let resolve = |reference: &str| index.resolve(&format!("{HOST}/{reference}"), Some(&arm64));
    assert_eq!(resolve("app:amd64-only"), Err(PullError::PlatformNotFound));
    assert_eq!(resolve("app:v1"), Err(PullError::PlatformNotFound));
    assert_eq!(resolve("app:v2"), Err(PullError::ManifestUnknown));
    assert_eq!(resolve("app"), Err(PullError::ManifestUnknown));
    assert_eq!(resolve("app@sha256:ab"), Err(PullError::ManifestUnknown));
    assert_eq!(resolve("other:v1"), Err(PullError::RepositoryNotFound));
}

#[test]
fn an_attestation_is_no_image() {
    let index = index();
    let image = attested(&Image::new("amd64"), &["amd64"]);
    push(&index, "app", "v1", &image);
    let contents: Vec<_> = image
        .children
        .iter()
        .map(|child| index.manifest("app", &child.digest).unwrap().content)
        .collect();
    assert!(matches!(contents[0], Content::Artifact), "{contents:?}");
    assert!(matches!(contents[1], Content::Image { .. }), "{contents:?}");
}

#[test]
fn a_moved_tag_keeps_both_images_and_the_time_of_the_first_push() {
    let index = index();
    let old = single(&Image::new("amd64").with_label("version", "1"));
    let new = single(&Image::new("amd64").with_label("version", "2"));
    push(&index, "app", "latest", &old);
    push(&index, "app", "latest", &new);
    assert_eq!(index.tagged("app", "latest").as_deref(), Some(new.digest()));
    let later = AT + jiff::SignedDuration::from_secs(60);
    index.put(
        "app",
        Some("latest"),
        read(&old.manifest, &old.blobs),
        later,
    );
    assert_eq!(index.tagged("app", "latest").as_deref(), Some(old.digest()));
    assert_eq!(index.manifest("app", old.digest()).unwrap().pushed_at, AT);
}

#[test]
fn a_removed_image_takes_its_tags_along() {
    let index = index();
    let image = single(&Image::new("amd64"));
    push(&index, "app", "v1", &image);
    index.remove("app", image.digest());
    assert_eq!(index.tagged("app", "v1"), None);
    let resolved = index.resolve(&format!("{HOST}/app:v1"), None);
    assert_eq!(resolved, Err(PullError::ManifestUnknown));
}

#[test]
fn images_of_other_registries_are_taken_to_exist() {
    let index = index();
    let amd64 = platform("amd64");
    for reference in [
        "nginx",
        "public.ecr.aws/docker/library/nginx:1",
        "team/app:v1",
    ] {
        let resolved = index.resolve(reference, Some(&amd64)).unwrap();
        assert!(resolved.digest.starts_with("sha256:"), "{reference}");
        assert!(resolved.labels.is_empty(), "{reference}");
    }
}

fn index() -> RegistryIndex {
    RegistryIndex::new("123456789012", "eu-central-1")
}

fn platform(architecture: &str) -> Platform {
    Platform {
        os: "linux".to_owned(),
        architecture: architecture.to_owned(),
    }
}

fn push(index: &RegistryIndex, repository: &str, tag: &str, artifact: &Artifact) {
    for child in &artifact.children {
        index.put(repository, None, read(child, &artifact.blobs), AT);
    }
    index.put(
        repository,
        Some(tag),
        read(&artifact.manifest, &artifact.blobs),
        AT,
    );
}

fn read(manifest: &Blob, blobs: &[Vec<u8>]) -> Manifest {
    let config = config_digest(&manifest.bytes)
        .and_then(|digest| blobs.iter().find(|blob| digest_of(blob) == digest));
    Manifest::read(
        &manifest.bytes,
        Some(manifest.media_type),
        config.map(Vec::as_slice),
    )
}
