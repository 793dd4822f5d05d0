//! ECR: images, and what they turn out to be.

mod list;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecr::Client;
use aws_sdk_ecr::operation::batch_get_image::BatchGetImageError;
use aws_sdk_ecr::operation::describe_images::DescribeImagesError;
use aws_sdk_ecr::operation::describe_repositories::DescribeRepositoriesError;
use aws_sdk_ecr::types::{
    ImageDetail, ImageFailure, ImageFailureCode, ImageIdentifier, ImageStatus,
};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;
use jiff::Timestamp;

use super::client::Clients;
use super::failure::{call_error, from_answer, unclear};
use super::function::chain;
use super::timestamp;
use crate::core::name::ImageDigest;
use crate::core::observation::{Availability, ImageContent, ImageLook, Platform};
use crate::image::{Manifest, image_for, read_configuration, read_labels, read_manifest};
use crate::ports::{CallError, ImageName, Images, Labels};

/// The kinds of manifest that are asked for; ECR would convert others than these.
///
/// Source: ECR API reference, BatchGetImage, `acceptedMediaTypes`; OCI image
/// specification, "Media Types"; Docker image manifest version 2, schema 2.
const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// How large an image's configuration may be; real ones have some kilobytes.
const CONFIGURATION_LIMIT_BYTES: usize = 4 * 1024 * 1024;
/// How long the download of a configuration may take.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(10);

/// ECR on the AWS SDK.
#[derive(Clone, Debug)]
pub struct Ecr {
    client: Client,
    connector: SharedHttpConnector,
}

impl Ecr {
    /// Makes it on the shared clients.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        Self {
            client: Client::new(&clients.config),
            connector: clients.connector.clone(),
        }
    }

    async fn describe(
        &self,
        repository: &str,
        id: ImageIdentifier,
    ) -> Result<Option<ImageDetail>, CallError> {
        let call = format!("ecr:DescribeImages {repository}");
        let answer = self
            .client
            .describe_images()
            .repository_name(repository)
            .image_ids(id)
            .send()
            .await;
        match answer {
            Ok(answer) => Ok(answer.image_details.unwrap_or_default().into_iter().next()),
            Err(error) => match error.as_service_error() {
                Some(
                    DescribeImagesError::ImageNotFoundException(_)
                    | DescribeImagesError::RepositoryNotFoundException(_),
                ) => Ok(None),
                _ => Err(call_error(&call, &error)),
            },
        }
    }

    /// Tells apart why ECR gave no manifest: an archived image reads like one that is not there.
    ///
    /// Source: ECR user guide, "Archiving an image": a pull fails with 404,
    /// while DescribeImages goes on to show the image, as ARCHIVED, or as
    /// ACTIVATING while it is being restored.
    async fn without_manifest(
        &self,
        repository: &str,
        id: ImageIdentifier,
        failure: &ImageFailure,
    ) -> Result<ImageLook, CallError> {
        let call = format!("ecr:BatchGetImage {repository}");
        match failure.failure_code() {
            Some(ImageFailureCode::ImageNotFound | ImageFailureCode::ImageInaccessible) => {}
            other => {
                let code = other.map(ImageFailureCode::as_str);
                return Err(from_answer(&call, 200, code, failure.failure_reason()));
            }
        }
        let Some(detail) = self.describe(repository, id).await? else {
            return Ok(ImageLook::Missing);
        };
        if let Some(ImageStatus::Archived | ImageStatus::Activating) = detail.image_status() {
            return Ok(ImageLook::Archived);
        }
        match (of_another_kind(&detail), digest_of(detail.image_digest())) {
            (Some(media_type), Some(digest)) => Ok(ImageLook::Found {
                digest,
                content: ImageContent::NotAnImage { media_type },
            }),
            _ => Err(unclear(&call, "no manifest of an image that is there")),
        }
    }

    async fn content(&self, repository: &str, manifest: &str) -> Result<ImageContent, CallError> {
        let digest = match read_manifest(manifest) {
            Manifest::Complete(content) => return Ok(content),
            Manifest::NeedsConfiguration { digest } => digest,
        };
        let text = self.configuration(repository, &digest).await?;
        Ok(read_configuration(&text))
    }

    /// Gets an image's configuration.
    async fn configuration(&self, repository: &str, digest: &str) -> Result<String, CallError> {
        let call = format!("ecr:GetDownloadUrlForLayer {repository}@{digest}");
        let answer = self
            .client
            .get_download_url_for_layer()
            .repository_name(repository)
            .layer_digest(digest)
            .send()
            .await
            .map_err(|error| call_error(&call, &error))?;
        let address = answer
            .download_url()
            .ok_or_else(|| unclear(&call, "the answer has no `downloadUrl`"))?;
        let call = format!("the download of the image configuration {repository}@{digest}");
        tokio::time::timeout(DOWNLOAD_TIMEOUT, self.download(address))
            .await
            .unwrap_or_else(|_| Err("it took more than 10 seconds".to_owned()))
            .map_err(|problem| unclear(&call, &problem))
    }

    /// Gets the manifest of exactly this content.
    async fn manifest(&self, repository: &str, digest: &str) -> Result<String, CallError> {
        let call = format!("ecr:BatchGetImage {repository}@{digest}");
        let answer = self
            .client
            .batch_get_image()
            .repository_name(repository)
            .image_ids(ImageIdentifier::builder().image_digest(digest).build())
            .set_accepted_media_types(Some(MEDIA_TYPES.map(str::to_owned).to_vec()))
            .send()
            .await
            .map_err(|error| call_error(&call, &error))?;
        let image = answer.images().first();
        let manifest = image.and_then(|image| image.image_manifest());
        match (manifest, answer.failures().first()) {
            (Some(manifest), _) => Ok(manifest.to_owned()),
            (None, Some(failure)) => {
                let code = failure.failure_code().map(ImageFailureCode::as_str);
                Err(from_answer(&call, 200, code, failure.failure_reason()))
            }
            (None, None) => Err(unclear(&call, "neither an image nor a failure")),
        }
    }

    /// Gets what lies at an address that carries its own signature.
    async fn download(&self, address: &str) -> Result<String, String> {
        let request = HttpRequest::get(address).map_err(|error| chain(&error))?;
        let answer = self.connector.call(request).await;
        let answer = answer.map_err(|error| chain(&error))?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(format!("status {status}"));
        }
        let mut stream = ByteStream::new(answer.into_body());
        let mut body = Vec::new();
        while let Some(part) = stream.next().await {
            body.extend_from_slice(&part.map_err(|error| chain(&error))?);
            if body.len() > CONFIGURATION_LIMIT_BYTES {
                return Err("it is larger than 4 MiB".to_owned());
            }
        }
        String::from_utf8(body).map_err(|error| error.to_string())
    }
}

impl Images for Ecr {
    async fn image(&self, repository: &str, name: ImageName<'_>) -> Result<ImageLook, CallError> {
        let id = identifier(name);
        let call = format!("ecr:BatchGetImage {repository}");
        let answer = self
            .client
            .batch_get_image()
            .repository_name(repository)
            .image_ids(id.clone())
            .set_accepted_media_types(Some(MEDIA_TYPES.map(str::to_owned).to_vec()))
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                return match error.as_service_error() {
                    Some(BatchGetImageError::RepositoryNotFoundException(_)) => {
                        Ok(ImageLook::RepositoryMissing)
                    }
                    _ => Err(call_error(&call, &error)),
                };
            }
        };
        // The same manifest may come once for each of its tags.
        let Some(image) = answer.images().first() else {
            return match answer.failures().first() {
                Some(failure) => self.without_manifest(repository, id, failure).await,
                None => Err(unclear(&call, "neither an image nor a failure")),
            };
        };
        let digest = image
            .image_id()
            .and_then(|id| digest_of(id.image_digest()))
            .ok_or_else(|| unclear(&call, "the answer has no digest that can be read"))?;
        let manifest = image
            .image_manifest()
            .ok_or_else(|| unclear(&call, "the answer has no manifest"))?;
        let content = self.content(repository, manifest).await?;
        Ok(ImageLook::Found { digest, content })
    }

    async fn availability(
        &self,
        repository: &str,
        name: ImageName<'_>,
    ) -> Result<Availability, CallError> {
        let detail = self.describe(repository, identifier(name)).await?;
        Ok(match detail.as_ref().map(ImageDetail::image_status) {
            None => Availability::Missing,
            Some(Some(ImageStatus::Archived | ImageStatus::Activating)) => Availability::Archived,
            Some(Some(_) | None) => Availability::There,
        })
    }

    async fn pushed_at(
        &self,
        repository: &str,
        digest: &ImageDigest,
    ) -> Result<Option<Timestamp>, CallError> {
        let detail = self
            .describe(repository, identifier(ImageName::Digest(digest)))
            .await?;
        Ok(detail
            .as_ref()
            .and_then(ImageDetail::image_pushed_at)
            .and_then(timestamp))
    }

    async fn missing_repositories(&self, repositories: &[&str]) -> Result<Vec<String>, CallError> {
        // One by one: the error for several names one of them, and only in its message.
        let mut missing = Vec::new();
        for repository in repositories {
            let call = format!("ecr:DescribeRepositories {repository}");
            let answer = self
                .client
                .describe_repositories()
                .repository_names(*repository)
                .send()
                .await;
            let Err(error) = answer else {
                continue;
            };
            match error.as_service_error() {
                Some(DescribeRepositoriesError::RepositoryNotFoundException(_)) => {
                    missing.push((*repository).to_owned());
                }
                _ => return Err(call_error(&call, &error)),
            }
        }
        Ok(missing)
    }
}

impl Labels for Ecr {
    async fn labels(
        &self,
        repository: &str,
        digest: &ImageDigest,
        platform: &Platform,
    ) -> Result<BTreeMap<String, String>, CallError> {
        let mut manifest = self.manifest(repository, digest.as_str()).await?;
        if let Some(child) = image_for(&manifest, platform) {
            manifest = self.manifest(repository, &child).await?;
        }
        let Manifest::NeedsConfiguration { digest } = read_manifest(&manifest) else {
            let call = format!("the configuration of {repository}@{digest}");
            return Err(unclear(&call, &format!("there is none for {platform}")));
        };
        let text = self.configuration(repository, &digest).await?;
        Ok(read_labels(&text))
    }
}

/// Gives the media type of what is none of the kinds that were asked for.
fn of_another_kind(detail: &ImageDetail) -> Option<String> {
    let manifest = detail.image_manifest_media_type()?;
    let told = detail.artifact_media_type().unwrap_or(manifest);
    (!MEDIA_TYPES.contains(&manifest)).then(|| told.to_owned())
}

fn digest_of(text: Option<&str>) -> Option<ImageDigest> {
    ImageDigest::parse(text?)
}

fn identifier(name: ImageName<'_>) -> ImageIdentifier {
    let id = ImageIdentifier::builder();
    match name {
        ImageName::Tag(tag) => id.image_tag(tag).build(),
        ImageName::Digest(digest) => id.image_digest(digest.as_str()).build(),
    }
}
