//! A small ECR: repositories, their images, and the tags that point at them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use ecs_model::{PullError, Registry, ResolvedImage};
use jiff::Timestamp;
use pushboat::core::name::{ImageDigest, short_hash};
use pushboat::core::observation::{Availability, ImageContent, ImageLook, Platform};
use pushboat::core::overlooked::ListedImage;
use pushboat::ports::{CallError, Clock as _, ImageLists, ImageName};
use pushboat::task_definition::image_reference;

use crate::clock::VirtualClock;

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "eu-west-1";

/// The account's registry.
pub const REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// The account's ECR in one Region; clones are the same one.
#[derive(Clone, Debug)]
pub struct Images {
    clock: VirtualClock,
    repositories: Rc<RefCell<BTreeMap<String, Repository>>>,
    /// Tasks reach no registry.
    unreachable: Rc<Cell<bool>>,
}

#[derive(Debug, Default)]
struct Repository {
    images: BTreeMap<ImageDigest, Stored>,
    tags: BTreeMap<String, ImageDigest>,
}

#[derive(Debug)]
struct Stored {
    image: Image,
    /// A re-tag does not change it.
    pushed_at: Timestamp,
    archived: bool,
}

/// Something that is pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Stands for its content: the same name makes the same digest.
    pub name: String,
    /// What its manifest says.
    pub content: ImageContent,
    /// How its containers behave; see `ecs_model::Behaviour`.
    pub labels: BTreeMap<String, String>,
}

impl Image {
    /// Makes an image for both architectures that runs and is healthy.
    #[must_use]
    pub fn healthy(name: &str) -> Self {
        Self::built_for(name, &["amd64", "arm64"])
    }

    /// Makes an image for some architectures of Linux.
    #[must_use]
    pub fn built_for(name: &str, architectures: &[&str]) -> Self {
        let platforms = architectures.iter().map(|architecture| Platform {
            os: "linux".to_owned(),
            architecture: (*architecture).to_owned(),
        });
        Self::holding(name, ImageContent::Image(platforms.collect()))
    }

    /// Makes something with a content of its own.
    #[must_use]
    pub fn holding(name: &str, content: ImageContent) -> Self {
        Self {
            name: name.to_owned(),
            content,
            labels: BTreeMap::new(),
        }
    }

    /// Makes an image whose containers end with code 1 as soon as they start.
    #[must_use]
    pub fn crashing(name: &str) -> Self {
        Self::behaving(name, "exit")
    }

    /// Makes an image whose containers end with code 1 some seconds after they start.
    #[must_use]
    pub fn crashing_after(name: &str, seconds: u32) -> Self {
        let mut image = Self::crashing(name);
        let label = "pushboat.test/exit-after-seconds".to_owned();
        image.labels.insert(label, seconds.to_string());
        image
    }

    /// Makes an image that answers a load balancer's health checks wrongly.
    #[must_use]
    pub fn unhealthy_behind_a_load_balancer(name: &str) -> Self {
        Self::behaving(name, "elb-unhealthy")
    }

    fn behaving(name: &str, behaviour: &str) -> Self {
        let mut image = Self::healthy(name);
        let label = "pushboat.test/behaviour".to_owned();
        image.labels.insert(label, behaviour.to_owned());
        image
    }

    /// Gives its digest.
    ///
    /// # Panics
    ///
    /// Never: a hash has the shape of a digest.
    #[must_use]
    pub fn digest(&self) -> ImageDigest {
        let (first, second) = (short_hash(&[&self.name]), short_hash(&["", &self.name]));
        ImageDigest::parse(&format!("sha256:{first}{second}")).expect("a hash is hexadecimal")
    }
}

impl Images {
    /// Gives the service's own clock.
    #[must_use]
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    pub(crate) fn new(clock: VirtualClock) -> Self {
        Self {
            clock,
            repositories: Rc::default(),
            unreachable: Rc::default(),
        }
    }

    /// Cuts the tasks off from every registry, or lets them reach it again.
    pub fn set_unreachable(&self, unreachable: bool) {
        self.unreachable.set(unreachable);
    }

    /// Makes a repository, if there is none of that name.
    pub fn create_repository(&self, name: &str) {
        let mut repositories = self.repositories.borrow_mut();
        repositories.entry(name.to_owned()).or_default();
    }

    /// Deletes a repository with all it holds.
    pub fn delete_repository(&self, name: &str) {
        self.repositories.borrow_mut().remove(name);
    }

    /// Stores an image and points a tag at it, in a repository that is made on the way.
    pub fn put(&self, repository: &str, tag: &str, image: &Image) -> ImageDigest {
        let digest = image.digest();
        let mut repositories = self.repositories.borrow_mut();
        let repository = repositories.entry(repository.to_owned()).or_default();
        let now = self.clock.now();
        let stored = repository.images.entry(digest.clone());
        stored.or_insert_with(|| Stored {
            image: image.clone(),
            pushed_at: now,
            archived: false,
        });
        repository.tags.insert(tag.to_owned(), digest.clone());
        digest
    }

    /// Gives the images that can be pulled under such a tag, and when each was pushed.
    #[must_use]
    pub fn followed(
        &self,
        repository: &str,
        follows: impl Fn(&str) -> bool,
    ) -> Vec<(ImageDigest, Timestamp)> {
        let repositories = self.repositories.borrow();
        let Some(repository) = repositories.get(repository) else {
            return Vec::new();
        };
        let tags = repository.tags.iter().filter(|(tag, _)| follows(tag));
        let images = tags.filter_map(|(_, digest)| {
            let stored = repository.images.get(digest)?;
            let is_image = matches!(stored.image.content, ImageContent::Image(_));
            (is_image && !stored.archived).then(|| (digest.clone(), stored.pushed_at))
        });
        images.collect()
    }

    /// Deletes an image and its tags.
    pub fn delete(&self, repository: &str, digest: &ImageDigest) {
        if let Some(repository) = self.repositories.borrow_mut().get_mut(repository) {
            repository.images.remove(digest);
            repository.tags.retain(|_, tagged| tagged != digest);
        }
    }

    /// Deletes all images but those pushed last, as a lifecycle policy does whose rule counts
    /// images; answers which.
    ///
    /// Images are ordered by when they were pushed, and a re-tag does not change that.
    /// Source: "How lifecycle policies work" (`imageCountMoreThan`) at
    /// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html> and
    /// `imagePushedAt` at
    /// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_ImageDetail.html>.
    pub fn expire(&self, repository: &str, keep: usize) -> Vec<ImageDigest> {
        let expired: Vec<ImageDigest> = {
            let repositories = self.repositories.borrow();
            let images = repositories.get(repository).map(|one| &one.images);
            let mut images: Vec<_> = images.into_iter().flatten().collect();
            images.sort_by_key(|(_, stored)| std::cmp::Reverse(stored.pushed_at));
            let expired = images.into_iter().skip(keep);
            expired.map(|(digest, _)| digest.clone()).collect()
        };
        for digest in &expired {
            self.delete(repository, digest);
        }
        expired
    }

    /// Moves an image to the archive storage class.
    pub fn archive(&self, repository: &str, digest: &ImageDigest) {
        let mut repositories = self.repositories.borrow_mut();
        let repository = repositories.get_mut(repository);
        if let Some(stored) = repository.and_then(|one| one.images.get_mut(digest)) {
            stored.archived = true;
        }
    }
}

impl pushboat::ports::Images for Images {
    async fn image(&self, repository: &str, name: ImageName<'_>) -> Result<ImageLook, CallError> {
        let repositories = self.repositories.borrow();
        let Some(repository) = repositories.get(repository) else {
            return Ok(ImageLook::RepositoryMissing);
        };
        let digest = match name {
            ImageName::Tag(tag) => repository.tags.get(tag),
            ImageName::Digest(digest) => Some(digest),
        };
        let found = digest.and_then(|digest| Some((digest, repository.images.get(digest)?)));
        Ok(match found {
            None => ImageLook::Missing,
            Some((_, stored)) if stored.archived => ImageLook::Archived,
            Some((digest, stored)) => ImageLook::Found {
                digest: digest.clone(),
                content: stored.image.content.clone(),
            },
        })
    }

    async fn availability(
        &self,
        repository: &str,
        name: ImageName<'_>,
    ) -> Result<Availability, CallError> {
        Ok(match self.image(repository, name).await? {
            ImageLook::Found { .. } => Availability::There,
            ImageLook::Archived => Availability::Archived,
            ImageLook::Missing | ImageLook::RepositoryMissing => Availability::Missing,
        })
    }

    async fn pushed_at(
        &self,
        repository: &str,
        digest: &ImageDigest,
    ) -> Result<Option<Timestamp>, CallError> {
        let repositories = self.repositories.borrow();
        let stored = repositories
            .get(repository)
            .and_then(|repository| repository.images.get(digest));
        Ok(stored.map(|stored| stored.pushed_at))
    }

    async fn missing_repositories(&self, repositories: &[&str]) -> Result<Vec<String>, CallError> {
        let known = self.repositories.borrow();
        let missing = repositories
            .iter()
            .filter(|name| !known.contains_key(**name));
        Ok(missing.map(|name| (*name).to_owned()).collect())
    }
}

impl ImageLists for Images {
    async fn listed(&self, repository: &str) -> Result<Vec<ListedImage>, CallError> {
        let repositories = self.repositories.borrow();
        let Some(repository) = repositories.get(repository) else {
            return Ok(Vec::new());
        };
        let images = repository.images.iter();
        Ok(images
            .filter_map(|(digest, stored)| repository.listed(digest, stored))
            .collect())
    }

    async fn tagged(&self, repository: &str, tag: &str) -> Result<Option<ListedImage>, CallError> {
        let repositories = self.repositories.borrow();
        let repository = repositories.get(repository);
        Ok(repository.and_then(|repository| {
            let digest = repository.tags.get(tag)?;
            repository.listed(digest, repository.images.get(digest)?)
        }))
    }
}

impl Repository {
    fn listed(&self, digest: &ImageDigest, stored: &Stored) -> Option<ListedImage> {
        let tags = self.tags.iter().filter(|(_, tagged)| *tagged == digest);
        let tags: Vec<String> = tags.map(|(tag, _)| tag.clone()).collect();
        // ECR tells the media types.
        let is_image = matches!(stored.image.content, ImageContent::Image(_));
        (is_image && !stored.archived && !tags.is_empty()).then(|| ListedImage {
            digest: digest.clone(),
            tags,
            pushed_at: stored.pushed_at,
        })
    }
}

impl Registry for Images {
    /// Other registries hold whatever is asked of them.
    fn resolve(
        &self,
        image: &str,
        platform: Option<&ecs_model::Platform>,
    ) -> Result<ResolvedImage, PullError> {
        if self.unreachable.get() {
            return Err(PullError::NetworkTimeout);
        }
        let reference = image_reference(image);
        if reference.registry != REGISTRY {
            return Ok(ResolvedImage {
                digest: Image::healthy(image).digest().to_string(),
                labels: BTreeMap::new(),
            });
        }
        let repositories = self.repositories.borrow();
        let repository = repositories
            .get(reference.repository)
            .ok_or(PullError::RepositoryNotFound)?;
        let digest = match image.split_once('@') {
            Some((_, digest)) => ImageDigest::parse(digest),
            None => {
                let tag = image.rsplit_once(':').map_or("latest", |(_, tag)| tag);
                repository.tags.get(tag).cloned()
            }
        };
        let stored = digest.and_then(|digest| repository.images.get_key_value(&digest));
        let (digest, stored) = stored
            .filter(|(_, stored)| !stored.archived)
            .ok_or(PullError::ManifestUnknown)?;
        let ImageContent::Image(platforms) = &stored.image.content else {
            return Err(PullError::ManifestUnknown);
        };
        let fits = |offered: &Platform, wanted: &ecs_model::Platform| {
            offered.os == wanted.os && offered.architecture == wanted.architecture
        };
        if platform.is_some_and(|wanted| !platforms.iter().any(|one| fits(one, wanted))) {
            return Err(PullError::PlatformNotFound);
        }
        Ok(ResolvedImage {
            digest: digest.to_string(),
            labels: stored.image.labels.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn what_was_pushed_first_expires_first_whatever_was_tagged_since() {
        let clock = VirtualClock::default();
        let images = Images::new(clock.clone());
        for name in ["one", "two", "three"] {
            images.put("team/web", name, &Image::healthy(name));
            clock.advance_to(clock.after(SignedDuration::from_secs(1)));
        }
        images.put("team/web", "again", &Image::healthy("one"));
        let expired = images.expire("team/web", 2);
        assert_eq!(expired, [Image::healthy("one").digest()]);
        let gone = format!("{REGISTRY}/team/web:again");
        let error = images.resolve(&gone, None).unwrap_err();
        assert_eq!(error, PullError::ManifestUnknown);
        assert!(images.expire("team/web", 2).is_empty());
        assert!(images.expire("team/none", 2).is_empty());
    }

    #[test]
    fn what_is_archived_cannot_be_pulled() {
        let images = Images::new(VirtualClock::default());
        let digest = images.put("team/web", "v1", &Image::healthy("v1"));
        let reference = format!("{REGISTRY}/team/web:v1");
        assert!(images.resolve(&reference, None).is_ok());
        images.archive("team/web", &digest);
        let error = images.resolve(&reference, None).unwrap_err();
        assert_eq!(error, PullError::ManifestUnknown);
    }
}
