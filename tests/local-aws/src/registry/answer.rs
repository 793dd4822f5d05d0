//! Where ministack's ECR answers otherwise than AWS does: corrected on the way.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::RegistryIndex;
use crate::call::{Call, Protocol};
use crate::http::{Answer, Request};
use crate::refusal::refusal;

impl RegistryIndex {
    /// Refuses a call that AWS would refuse and ministack would accept.
    ///
    /// Putting the same digest under the same tag again is an error.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html>
    pub(crate) fn refuse(&self, call: &Call, request: &Request) -> Option<Answer> {
        if call.operation != "PutImage" {
            return None;
        }
        let body = request.json()?;
        let (repository, tag) = (body["repositoryName"].as_str()?, body["imageTag"].as_str()?);
        let digest = super::digest_of(body["imageManifest"].as_str()?.as_bytes());
        if self.tagged(repository, tag)? != digest {
            return None;
        }
        let message = format!(
            "Image with digest '{digest}' and tag '{tag}' already exists in the repository with \
             name '{repository}'"
        );
        let code = "ImageAlreadyExistsException";
        Some(refusal(
            Protocol::Json,
            StatusCode::BAD_REQUEST,
            code,
            &message,
        ))
    }

    /// Corrects an accepted answer.
    ///
    /// `endpoint` is where the registry can be reached, `http://127.0.0.1:4566`.
    pub(crate) fn correct(
        &self,
        call: &Call,
        request: &Request,
        answer: Answer,
        endpoint: &str,
    ) -> Answer {
        let (Some(asked), Some(body)) = (request.json(), answer.body_json()) else {
            return answer;
        };
        let repository = asked["repositoryName"].as_str().unwrap_or_default();
        match call.operation.as_str() {
            "GetDownloadUrlForLayer" => {
                answer.with_json(&with_reachable_url(body, repository, endpoint))
            }
            "DescribeImages" => {
                if let Some(refused) = self.missing(repository, &asked, &body) {
                    return refused;
                }
                answer.with_json(&self.with_status(body, repository))
            }
            "BatchGetImage" => answer.with_json(&with_asked_tags(body, &asked)),
            _ => answer,
        }
    }

    /// `DescribeImages` of an image that is not there is an error.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html>
    fn missing(&self, repository: &str, asked: &Value, body: &Value) -> Option<Answer> {
        let found = body["imageDetails"].as_array()?;
        let is_found = |wanted: &&Value| {
            found.iter().any(|image| {
                let tags = image["imageTags"].as_array();
                let has_tag = tags.is_some_and(|tags| tags.contains(&wanted["imageTag"]));
                has_tag || image["imageDigest"] == wanted["imageDigest"]
            })
        };
        let missing = asked["imageIds"]
            .as_array()?
            .iter()
            .find(|wanted| !is_found(wanted))?;
        let text = |member: &str| missing[member].as_str().unwrap_or("null");
        let message = format!(
            "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the \
             repository with name '{repository}'",
            text("imageDigest"),
            text("imageTag")
        );
        let code = "ImageNotFoundException";
        Some(refusal(
            Protocol::Json,
            StatusCode::BAD_REQUEST,
            code,
            &message,
        ))
    }

    fn with_status(&self, mut body: Value, repository: &str) -> Value {
        let details = body["imageDetails"].as_array_mut();
        for image in details.into_iter().flatten() {
            image["imageStatus"] = "ACTIVE".into();
            let known = image["imageDigest"]
                .as_str()
                .and_then(|digest| self.manifest(repository, digest));
            if let (Some(known), Some(image)) = (known, image.as_object_mut()) {
                match known.artifact_media_type {
                    Some(artifact) => image.insert("artifactMediaType".to_owned(), artifact.into()),
                    None => image.remove("artifactMediaType"),
                };
            }
        }
        body
    }
}

/// The host of the real download URL does not resolve here; the same path of the
/// registry serves the blob.
fn with_reachable_url(mut body: Value, repository: &str, endpoint: &str) -> Value {
    let digest = body["layerDigest"].as_str().unwrap_or_default();
    body["downloadUrl"] = format!("{endpoint}/v2/{repository}/blobs/{digest}").into();
    body
}

/// ministack names each image with the tag it got last, even when that tag has
/// moved on; AWS answers with the tag that was asked for.
fn with_asked_tags(mut body: Value, asked: &Value) -> Value {
    let failures = body["failures"].as_array().cloned().unwrap_or_default();
    let is_found = |id: &&Value| !failures.iter().any(|failure| failure["imageId"] == **id);
    let asked = asked["imageIds"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(is_found);
    let images = body["images"].as_array_mut();
    for (image, asked) in images.into_iter().flatten().zip(asked) {
        let digest = image["imageId"]["imageDigest"].clone();
        let mut id = json!({"imageDigest": digest});
        if asked["imageTag"].is_string() {
            id["imageTag"] = asked["imageTag"].clone();
        }
        image["imageId"] = id;
    }
    body
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::oci::{Artifact, Image, single};
    use crate::registry::{Manifest, config_digest, digest_of};

    #[test]
    fn putting_the_same_image_under_the_same_tag_again_is_refused() {
        let (index, image) = world();
        let put = |tag: &str| {
            let manifest = String::from_utf8(image.manifest.bytes.clone()).unwrap();
            let body = json!({"repositoryName": "app", "imageManifest": manifest, "imageTag": tag});
            index.refuse(&call("PutImage"), &request(&body))
        };
        let refused = put("v1").unwrap().body_json().unwrap();
        assert_eq!(refused["__type"], "ImageAlreadyExistsException");
        assert!(put("v2").is_none());
    }

    #[test]
    fn described_images_are_active_and_missing_ones_an_error() {
        let (index, image) = world();
        let described = json!({"imageDetails": [{
            "imageDigest": image.digest(),
            "imageTags": ["v1"],
            "artifactMediaType": image.manifest.media_type,
        }]});
        let describe = |ids: Value| {
            let asked = json!({"repositoryName": "app", "imageIds": ids});
            correct(&index, "DescribeImages", &asked, &described)
        };
        let found = describe(json!([{"imageTag": "v1"}, {"imageDigest": image.digest()}]));
        assert_eq!(found["imageDetails"][0]["imageStatus"], "ACTIVE");
        let artifact = &found["imageDetails"][0]["artifactMediaType"];
        assert_eq!(*artifact, "application/vnd.oci.image.config.v1+json");
        let missing = describe(json!([{"imageTag": "v2"}]));
        assert_eq!(missing["__type"], "ImageNotFoundException");
    }

    #[test]
    fn an_image_is_named_by_the_tag_that_was_asked_for() {
        let (index, _) = world();
        let stale = |digest: &str| json!({"imageId": {"imageDigest": digest, "imageTag": "stale"}});
        let got = json!({
            "images": [stale("sha256:a"), stale("sha256:b")],
            "failures": [{"imageId": {"imageTag": "gone"}, "failureCode": "ImageNotFound"}],
        });
        let asked = json!({"repositoryName": "app", "imageIds": [
            {"imageTag": "gone"}, {"imageTag": "v1"}, {"imageDigest": "sha256:b"},
        ]});
        let corrected = correct(&index, "BatchGetImage", &asked, &got);
        let ids = [
            &corrected["images"][0]["imageId"],
            &corrected["images"][1]["imageId"],
        ];
        assert_eq!(
            *ids[0],
            json!({"imageDigest": "sha256:a", "imageTag": "v1"})
        );
        assert_eq!(*ids[1], json!({"imageDigest": "sha256:b"}));
    }

    #[test]
    fn a_download_url_leads_to_the_endpoint() {
        let (index, _) = world();
        let asked = json!({"repositoryName": "team/app", "layerDigest": "sha256:a"});
        let got = json!({"downloadUrl": "https://elsewhere", "layerDigest": "sha256:a"});
        let corrected = correct(&index, "GetDownloadUrlForLayer", &asked, &got);
        let url = "http://127.0.0.1:4566/v2/team/app/blobs/sha256:a";
        assert_eq!(corrected["downloadUrl"], url);
    }

    /// A registry that holds `app:v1`.
    fn world() -> (RegistryIndex, Artifact) {
        let index = RegistryIndex::new("123456789012", "eu-central-1");
        let image = single(&Image::new("amd64"));
        let bytes = &image.manifest.bytes;
        let config = config_digest(bytes).unwrap();
        let config = image.blobs.iter().find(|blob| digest_of(blob) == config);
        let media_type = Some(image.manifest.media_type);
        let manifest = Manifest::read(bytes, media_type, config.map(Vec::as_slice));
        index.put("app", Some("v1"), manifest, Timestamp::UNIX_EPOCH);
        (index, image)
    }

    fn correct(index: &RegistryIndex, operation: &str, asked: &Value, answered: &Value) -> Value {
        let answer = Answer::json(StatusCode::OK, answered);
        let endpoint = "http://127.0.0.1:4566";
        let corrected = index.correct(&call(operation), &request(asked), answer, endpoint);
        corrected.body_json().unwrap()
    }

    fn call(operation: &str) -> Call {
        Call {
            service: "ecr".to_owned(),
            operation: operation.to_owned(),
            resource: String::new(),
            protocol: Protocol::Json,
        }
    }

    fn request(body: &Value) -> Request {
        Request {
            method: hyper::Method::POST,
            target: "/".to_owned(),
            headers: hyper::HeaderMap::new(),
            body: body.to_string().into(),
        }
    }
}
