//! The adapter against a registry in memory.

use serde_json::{Value, json};

use super::super::endpoint::{Answer, Call, Endpoint};
use super::*;

const BLOB: &str = "https://layers.example.com/blob?X-Amz-Signature=00";

fn digest() -> ImageDigest {
    ImageDigest::parse(&format!("sha256:{}", "ab".repeat(32))).unwrap()
}

fn manifest() -> Value {
    json!({
        "schemaVersion": 2,
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:c0" },
        "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip" }]
    })
}

fn index() -> Value {
    json!({ "schemaVersion": 2, "manifests": [
        { "platform": { "os": "linux", "architecture": "arm64" } }
    ] })
}

/// A registry with an image, tag `v1`, one archived, tag `old`, and an artifact, tag `odd`.
fn registry(manifest: Value, configuration: Answer) -> Endpoint {
    let configuration = std::sync::Mutex::new(Some(configuration));
    Endpoint::new(move |call: &Call| {
        if call.uri == BLOB {
            return configuration.lock().unwrap().take().unwrap();
        }
        let asked = call.json();
        if asked["repositoryName"] == "gone" || asked["repositoryNames"][0] == "gone" {
            return Answer::error("RepositoryNotFoundException", "no repository `gone`");
        }
        let id = asked["imageIds"][0].clone();
        let there = id["imageTag"] == "v1" || id["imageDigest"] == digest().as_str();
        let archived = id["imageTag"] == "old";
        let odd = id["imageTag"] == "odd";
        Answer::json(&match call.operation.as_str() {
            "BatchGetImage" if there => json!({ "images": [{
                "imageId": { "imageDigest": digest(), "imageTag": "v1" },
                "imageManifest": manifest.to_string() }], "failures": [] }),
            "BatchGetImage" => json!({ "images": [], "failures": [{
                "imageId": id, "failureCode": "ImageNotFound", "failureReason": "no image" }] }),
            "DescribeImages" if odd => json!({ "imageDetails": [{ "imageDigest": digest(),
                "imageManifestMediaType": "application/vnd.oci.artifact.manifest.v1+json",
                "artifactMediaType": "application/spdx+json", "imageStatus": "ACTIVE" }] }),
            "DescribeImages" if there || archived => json!({ "imageDetails": [{
                "imagePushedAt": 1_700_000_000.5,
                "imageStatus": if archived { "ARCHIVED" } else { "ACTIVE" } }] }),
            "DescribeImages" => {
                return Answer::error("ImageNotFoundException", "no image");
            }
            "DescribeRepositories" => json!({ "repositories": [{}] }),
            "GetDownloadUrlForLayer" => json!({ "downloadUrl": BLOB }),
            other => panic!("unexpected {other}"),
        })
    })
}

fn arm64() -> Answer {
    Answer::Status(200, r#"{"os":"linux","architecture":"arm64"}"#.to_owned())
}

fn for_arm64(look: &ImageLook) -> bool {
    matches!(look, ImageLook::Found { digest: found, content: ImageContent::Image(platforms) }
        if *found == digest() && platforms.len() == 1 && platforms[0].to_string() == "linux/arm64")
}

#[tokio::test]
async fn an_index_takes_one_call() {
    let endpoint = registry(index(), arm64());
    let ecr = Ecr::new(&endpoint.clients());
    let look = ecr.image("team/web", ImageName::Tag("v1")).await.unwrap();
    assert!(for_arm64(&look), "{look:?}");
    assert_eq!(
        endpoint.calls()[0].json(),
        json!({ "repositoryName": "team/web", "imageIds": [{ "imageTag": "v1" }],
                "acceptedMediaTypes": MEDIA_TYPES })
    );
    assert_eq!(endpoint.operations(), ["BatchGetImage"]);
}

#[tokio::test]
async fn a_single_image_is_asked_for_its_configuration() {
    let endpoint = registry(manifest(), arm64());
    let ecr = Ecr::new(&endpoint.clients());
    let digest = digest();
    let look = ecr.image("team/web", ImageName::Digest(&digest)).await;
    assert!(for_arm64(look.as_ref().unwrap()), "{look:?}");
    let calls = endpoint.calls();
    assert_eq!(
        calls[1].json(),
        json!({ "repositoryName": "team/web", "layerDigest": "sha256:c0" })
    );
    assert!(
        !calls[2].headers.contains_key("authorization"),
        "the address carries its own signature"
    );
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_does_not_come_is_unclear() {
    let huge = "x".repeat(CONFIGURATION_LIMIT_BYTES + 1);
    for (configuration, problem) in [
        (Answer::Status(403, String::new()), "status 403"),
        (Answer::Status(200, huge), "larger than 4 MiB"),
        (Answer::Broken, "reset"),
        (Answer::Silence, "10 seconds"),
    ] {
        let endpoint = registry(manifest(), configuration);
        let ecr = Ecr::new(&endpoint.clients());
        let error = ecr
            .image("team/web", ImageName::Tag("v1"))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, CallError::Unclear { problem: told, .. } if told.contains(problem)),
            "{problem}: {error:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let ecr = Ecr::new(&registry(index(), arm64()).clients());
    let look = async |repository, tag| ecr.image(repository, ImageName::Tag(tag)).await.unwrap();
    assert_eq!(look("gone", "v1").await, ImageLook::RepositoryMissing);
    assert_eq!(look("team/web", "v2").await, ImageLook::Missing);
    assert_eq!(look("team/web", "old").await, ImageLook::Archived);
    let media_type = "application/spdx+json".to_owned();
    assert_eq!(
        look("team/web", "odd").await,
        ImageLook::Found {
            digest: digest(),
            content: ImageContent::NotAnImage { media_type }
        }
    );
    let missing = ecr
        .missing_repositories(&["team/web", "gone"])
        .await
        .unwrap();
    assert_eq!(missing, ["gone"]);
}

#[tokio::test]
async fn labels_are_those_of_the_image_for_the_platform() {
    const CHILD: &str = "sha256:c1";
    let labelled = r#"{"config":{"Labels":{"org.opencontainers.image.revision":"4f1c"}}}"#;
    let endpoint = |indexed: bool| {
        Endpoint::new(move |call: &Call| {
            if call.uri == BLOB {
                return Answer::Status(200, labelled.to_owned());
            }
            let asked = call.json();
            Answer::json(&match call.operation.as_str() {
                "BatchGetImage" => {
                    let child = asked["imageIds"][0]["imageDigest"] == CHILD;
                    let text = if indexed && !child {
                        json!({ "manifests": [{ "digest": CHILD,
                            "platform": { "os": "linux", "architecture": "arm64" } }] })
                    } else {
                        manifest()
                    };
                    json!({ "images": [{ "imageManifest": text.to_string() }] })
                }
                "GetDownloadUrlForLayer" => json!({ "downloadUrl": BLOB }),
                other => panic!("unexpected {other}"),
            })
        })
    };
    let platform = |architecture: &str| Platform {
        os: "linux".to_owned(),
        architecture: architecture.to_owned(),
    };
    for (indexed, asked) in [(false, 1), (true, 2)] {
        let endpoint = endpoint(indexed);
        let ecr = Ecr::new(&endpoint.clients());
        let labels = ecr.labels("team/web", &digest(), &platform("arm64")).await;
        assert_eq!(labels.unwrap()["org.opencontainers.image.revision"], "4f1c");
        let operations = endpoint.operations();
        let manifests = operations.iter().filter(|one| *one == "BatchGetImage");
        assert_eq!(manifests.count(), asked);
    }
    let ecr = Ecr::new(&endpoint(true).clients());
    let none = ecr.labels("team/web", &digest(), &platform("s390x")).await;
    assert!(
        none.unwrap_err()
            .to_string()
            .contains("none for linux/s390x")
    );
}

#[tokio::test]
async fn push_times_are_read_where_there_is_an_image() {
    let ecr = Ecr::new(&registry(index(), arm64()).clients());
    let pushed_at = ecr.pushed_at("team/web", &digest()).await.unwrap().unwrap();
    assert_eq!(pushed_at.as_millisecond(), 1_700_000_000_500);
    let other = ImageDigest::parse(&format!("sha256:{}", "00".repeat(32))).unwrap();
    assert_eq!(ecr.pushed_at("team/web", &other).await.unwrap(), None);
}

#[tokio::test]
async fn whether_an_image_can_be_pulled_takes_one_call() {
    let endpoint = registry(manifest(), arm64());
    let ecr = Ecr::new(&endpoint.clients());
    let digest = digest();
    for (repository, name, expected) in [
        ("team/web", ImageName::Digest(&digest), Availability::There),
        ("team/web", ImageName::Tag("v1"), Availability::There),
        ("team/web", ImageName::Tag("old"), Availability::Archived),
        ("team/web", ImageName::Tag("v9"), Availability::Missing),
        ("gone", ImageName::Tag("v1"), Availability::Missing),
    ] {
        let found = ecr.availability(repository, name).await;
        assert_eq!(found, Ok(expected), "{repository} {name:?}");
    }
    assert_eq!(endpoint.operations(), ["DescribeImages"; 5]);
}
