//! What a repository holds, as the sweep compares it with what was accepted.

use aws_sdk_ecr::operation::describe_images::DescribeImagesError;
use aws_sdk_ecr::types::{DescribeImagesFilter, ImageDetail, ImageStatus, TagStatus};

use super::{Ecr, MEDIA_TYPES, call_error, digest_of, identifier, timestamp};
use crate::core::overlooked::ListedImage;
use crate::image::artifact;
use crate::ports::{CallError, ImageLists, ImageName};

/// How many images a page has at the most. Source: ECR API reference, DescribeImages, `maxResults`.
const PAGE: i32 = 1000;
/// How many pages are read of one repository; ECR lists in no order that would help.
const MOST_PAGES: usize = 50;

impl ImageLists for Ecr {
    async fn listed(&self, repository: &str) -> Result<Vec<ListedImage>, CallError> {
        let call = format!("ecr:DescribeImages {repository}");
        let tagged = DescribeImagesFilter::builder()
            .tag_status(TagStatus::Tagged)
            .build();
        let mut listed = Vec::new();
        let mut next_token = None;
        for _ in 0..MOST_PAGES {
            let page = self
                .client
                .describe_images()
                .repository_name(repository)
                .filter(tagged.clone())
                .max_results(PAGE)
                .set_next_token(next_token)
                .send()
                .await;
            let page = match page {
                Ok(page) => page,
                Err(error) => match error.as_service_error() {
                    Some(DescribeImagesError::RepositoryNotFoundException(_)) => return Ok(listed),
                    _ => return Err(call_error(&call, &error)),
                },
            };
            listed.extend(page.image_details().iter().filter_map(listed_image));
            next_token = page.next_token;
            if next_token.is_none() {
                break;
            }
        }
        Ok(listed)
    }

    async fn tagged(&self, repository: &str, tag: &str) -> Result<Option<ListedImage>, CallError> {
        let detail = self
            .describe(repository, identifier(ImageName::Tag(tag)))
            .await?;
        Ok(detail.as_ref().and_then(listed_image))
    }
}

/// Reads an image that can be pulled; nothing of signatures, charts and what is archived.
fn listed_image(detail: &ImageDetail) -> Option<ListedImage> {
    let manifest = detail.image_manifest_media_type().unwrap_or(MEDIA_TYPES[0]);
    let is_there = matches!(detail.image_status(), None | Some(ImageStatus::Active));
    let media_type = detail.artifact_media_type().unwrap_or_default();
    let tags = detail.image_tags().iter();
    let tags: Vec<String> = tags
        .filter(|tag| artifact(tag, media_type).is_none())
        .cloned()
        .collect();
    let usable = is_there && MEDIA_TYPES.contains(&manifest) && !tags.is_empty();
    Some(ListedImage {
        digest: digest_of(detail.image_digest())?,
        tags,
        pushed_at: timestamp(detail.image_pushed_at()?)?,
    })
    .filter(|_| usable)
}
