//! The lossless edit of a task definition.
//!
//! A definition is kept as the JSON that DescribeTaskDefinition answered, so
//! that a field the SDK does not know survives. What is registered differs
//! from it in the image of the matched containers and in Pushboat's own tags.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::core::name::ImageDigest;
use crate::core::observation::{Definition, Digests, OwnRevision, Platform};

/// The tag that holds the rollout a revision was registered for.
pub const ROLLOUT_TAG: &str = "pushboat:rollout";
/// The tag that holds the target a revision was registered for; on a service, its owner's consent.
pub const TARGET_TAG: &str = "pushboat:target";

/// What DescribeTaskDefinition adds and RegisterTaskDefinition does not take.
///
/// Source: the members of `TaskDefinition` that `RegisterTaskDefinitionRequest`
/// lacks in the ECS service model; a test of the AWS adapter holds the two together.
pub const DESCRIBE_ONLY: [&str; 9] = [
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "taskDefinitionArn",
];

/// An image reference taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageReference<'a> {
    /// The registry's host, empty where the reference names none.
    pub registry: &'a str,
    /// The repository's name.
    pub repository: &'a str,
}

/// Takes `registry/repository[:tag][@digest]` apart.
///
/// The first part is a registry only if it looks like a host, as container runtimes decide.
#[must_use]
pub fn image_reference(image: &str) -> ImageReference<'_> {
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let (registry, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => ("", name),
    };
    let repository = path
        .split_once(':')
        .map_or(path, |(repository, _)| repository);
    ImageReference {
        registry,
        repository,
    }
}

/// Gives the ECR registry's host of the account and Region that an ARN names.
///
/// Source: Amazon ECR user guide, "Amazon ECR private registry", and the
/// DNS suffix of each partition.
#[must_use]
pub fn registry_of(arn: &str) -> Option<String> {
    let mut parts = arn.split(':');
    let (_, partition, _, region, account) = (
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
        parts.next()?,
    );
    let suffix = match partition {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    };
    Some(format!("{account}.dkr.ecr.{region}.{suffix}"))
}

/// An image that a container pulls from a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pulled<'a> {
    /// The repository's name.
    pub repository: &'a str,
    /// Which of its images.
    pub version: PulledVersion<'a>,
}

/// How a container names the image that it pulls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PulledVersion<'a> {
    /// Whatever the tag points at.
    Tag(&'a str),
    /// Exactly this content.
    Digest(ImageDigest),
}

/// Reads what a container pulls; `None` where that is not from `registry`.
#[must_use]
pub fn pulled_from<'a>(image: &'a str, registry: &str) -> Option<Pulled<'a>> {
    let reference = image_reference(image);
    if !same_registry(reference.registry, registry) {
        return None;
    }
    let version = match image.split_once('@') {
        Some((_, digest)) => PulledVersion::Digest(ImageDigest::parse(digest)?),
        None => {
            let last = image.rsplit_once('/').map_or(image, |(_, last)| last);
            PulledVersion::Tag(last.split_once(':').map_or("latest", |(_, tag)| tag))
        }
    };
    Some(Pulled {
        repository: reference.repository,
        version,
    })
}

/// Which containers a push changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The containers' names, in the definition's order.
    pub containers: Vec<String>,
    /// Containers that the configuration names and the definition lacks.
    pub missing: Vec<String>,
}

/// Finds the containers that run `repository` of `registry`, or those that were named.
#[must_use]
pub fn matching_containers(
    definition: &Definition,
    registry: &str,
    repository: &str,
    named: &[String],
) -> Matched {
    let images = images(definition);
    if named.is_empty() {
        let runs_it = |image: &str| {
            let reference = image_reference(image);
            reference.repository == repository && same_registry(reference.registry, registry)
        };
        let containers = containers(definition)
            .filter_map(container_name)
            .filter(|name| images.get(*name).is_some_and(|image| runs_it(image)))
            .map(str::to_owned)
            .collect();
        return Matched {
            containers,
            missing: Vec::new(),
        };
    }
    let (containers, missing) = named
        .iter()
        .cloned()
        .partition(|name| images.contains_key(name));
    Matched {
        containers,
        missing,
    }
}

/// Compares registries, the dual-stack host (`<account>.dkr-ecr.<region>.on.aws`) included.
///
/// Source: Amazon ECR user guide, "Making requests over IPv6".
fn same_registry(one: &str, other: &str) -> bool {
    fn account_and_region(host: &str) -> Option<(&str, &str)> {
        let mut parts = host.split('.');
        let account = parts.next()?;
        match parts.next()? {
            "dkr" if parts.next()? == "ecr" => Some((account, parts.next()?)),
            "dkr-ecr" => Some((account, parts.next()?)),
            _ => None,
        }
    }
    match (account_and_region(one), account_and_region(other)) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}

/// Gives the image of each container by its name.
#[must_use]
pub fn images(definition: &Definition) -> BTreeMap<String, String> {
    containers(definition)
        .filter_map(|container| {
            let name = container_name(container)?;
            let image = container.get("image").and_then(Value::as_str)?;
            Some((name.to_owned(), image.to_owned()))
        })
        .collect()
}

/// Gives the definition's ARN, empty where it has none.
#[must_use]
pub fn arn(definition: &Definition) -> &str {
    definition
        .raw
        .get("taskDefinitionArn")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Gives the platform that the tasks run on.
///
/// Without `runtimePlatform` Fargate runs Linux on X86_64. Source: ECS API
/// reference, RuntimePlatform, and its developer guide, "Task definition
/// parameters for Fargate".
#[must_use]
pub fn platform(definition: &Definition) -> Platform {
    let field = |name: &str| {
        definition
            .raw
            .get("runtimePlatform")
            .and_then(|platform| platform.get(name))
            .and_then(Value::as_str)
    };
    let architecture = match field("cpuArchitecture") {
        None | Some("X86_64") => "amd64".to_owned(),
        Some(other) => other.to_lowercase(),
    };
    let os = match field("operatingSystemFamily") {
        None => "linux".to_owned(),
        Some(windows) if windows.starts_with("WINDOWS") => "windows".to_owned(),
        Some(other) => other.to_lowercase(),
    };
    Platform { os, architecture }
}

/// Says whether each of `containers` runs exactly `digest` already.
#[must_use]
pub fn runs(definition: &Definition, containers: &[String], digest: &ImageDigest) -> bool {
    let images = images(definition);
    containers.iter().all(|name| {
        images
            .get(name)
            .and_then(|image| image.split_once('@'))
            .is_some_and(|(_, pinned)| pinned == digest.as_str())
    })
}

/// Makes the RegisterTaskDefinition request that brings `digest` to `containers`.
///
/// `registry` and `repository` say where a container pulls from that ran
/// something else before. Tags whose key begins with `aws:` are AWS's own and
/// cannot be registered. Source: ECS API reference, Tag.
#[must_use]
pub fn with_image(
    definition: &Definition,
    containers: &[String],
    registry: &str,
    repository: &str,
    digest: &ImageDigest,
    own_tags: &[(&str, &str)],
) -> Value {
    let mut request = definition.raw.clone();
    if let Some(fields) = request.as_object_mut() {
        for name in DESCRIBE_ONLY {
            fields.remove(name);
        }
        let changed = fields
            .get_mut("containerDefinitions")
            .and_then(Value::as_array_mut);
        for container in changed.into_iter().flatten() {
            if container_name(container).is_some_and(|name| containers.iter().any(|c| c == name)) {
                set_image(container, registry, repository, digest);
            }
        }
        fields.insert("tags".to_owned(), merged_tags(&definition.tags, own_tags));
    }
    request
}

/// Makes the RegisterTaskDefinition request that brings a kept definition back as it was.
#[must_use]
pub fn registered_again(definition: &Definition, own_tags: &[(&str, &str)]) -> Value {
    let mut request = definition.raw.clone();
    if let Some(fields) = request.as_object_mut() {
        for name in DESCRIBE_ONLY {
            fields.remove(name);
        }
        fields.insert("tags".to_owned(), merged_tags(&definition.tags, own_tags));
    }
    request
}

/// Names the containers among `containers` whose image is named by a tag.
#[must_use]
pub fn named_by_tag(definition: &Definition, containers: &[String]) -> Vec<String> {
    let images = images(definition);
    let by_tag = |name: &&String| images.get(*name).is_some_and(|image| !image.contains('@'));
    containers.iter().filter(by_tag).cloned().collect()
}

/// Names the images of `containers` by their digests; answers none where one is not known.
///
/// Where `versionConsistency` is disabled each task resolves the tag for
/// itself. Source: ECS API reference, ContainerDefinition.
#[must_use]
pub fn pinned(
    definition: &Definition,
    containers: &[String],
    digests: &Digests,
) -> Option<Definition> {
    let mut pinned = definition.clone();
    let fields = pinned.raw.as_object_mut();
    let changed = fields.and_then(|fields| fields.get_mut("containerDefinitions"));
    let changed = changed.and_then(Value::as_array_mut);
    for container in changed.into_iter().flatten() {
        let Some(name) = container_name(container) else {
            continue;
        };
        if !containers.iter().any(|wanted| wanted == name) {
            continue;
        }
        let digest = digests.get(name)?;
        if container.get("versionConsistency").and_then(Value::as_str) == Some("disabled") {
            return None;
        }
        let image = container.get("image").and_then(Value::as_str)?;
        let image = format!("{}@{digest}", without_tag(image));
        container["image"] = Value::String(image);
    }
    Some(pinned)
}

/// Says whether a definition, its images resolved to `digests`, is what `good` names.
#[must_use]
pub fn resolves_to(definition: &Definition, digests: &Digests, good: &Definition) -> bool {
    let named = images(definition);
    images(good).iter().all(|(container, image)| {
        let pinned = image.split_once('@').map(|(_, digest)| digest);
        let resolved = digests.get(container).map(ImageDigest::as_str);
        named.get(container) == Some(image) || (pinned.is_some() && resolved == pinned)
    })
}

fn without_tag(image: &str) -> &str {
    let path_at = image.rfind('/').map_or(0, |slash| slash + 1);
    let tag_at = image[path_at..].find([':', '@']);
    tag_at.map_or(image, |tag_at| &image[..path_at + tag_at])
}

/// Says whether a definition can be deployed; an INACTIVE one cannot.
///
/// Source: ECS developer guide, "Deregistering an Amazon ECS task definition revision".
#[must_use]
pub fn is_active(definition: &Definition) -> bool {
    definition.raw.get("status").and_then(Value::as_str) == Some("ACTIVE")
}

/// Says whether a definition has a tag of this key and value.
#[must_use]
pub fn is_tagged(definition: &Definition, key: &str, value: &str) -> bool {
    let tags = definition.tags.as_array();
    let mut tags = tags.into_iter().flatten();
    tags.any(|tag| tag["key"] == key && tag["value"] == value)
}

/// Says whether a definition is the one that was registered for a rollout, and no copy of its tags.
#[must_use]
pub fn is_own(definition: &Definition, own: &OwnRevision) -> bool {
    let named = images(definition);
    let runs = |container: &String, wanted: &String| {
        let pinned = |image: &String| image.split_once('@').map(|(_, digest)| digest.to_owned());
        let image = named.get(container);
        image == Some(wanted) || image.and_then(pinned).as_ref() == Some(wanted)
    };
    let mut images = own.images.iter();
    is_tagged(definition, ROLLOUT_TAG, &own.tag)
        && images.all(|(container, wanted)| runs(container, wanted))
}

fn set_image(container: &mut Value, registry: &str, repository: &str, digest: &ImageDigest) {
    let Some(fields) = container.as_object_mut() else {
        return;
    };
    let before = fields
        .get("image")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let reference = image_reference(before);
    let host = if reference.repository == repository && same_registry(reference.registry, registry)
    {
        reference.registry.to_owned()
    } else {
        registry.to_owned()
    };
    fields.insert(
        "image".to_owned(),
        Value::String(format!("{host}/{repository}@{digest}")),
    );
}

fn merged_tags(before: &Value, own: &[(&str, &str)]) -> Value {
    let key = |tag: &Value| {
        tag.get("key")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mut tags: Vec<Value> = before
        .as_array()
        .into_iter()
        .flatten()
        .filter(|tag| {
            let key = key(tag);
            !key.starts_with("aws:") && !own.iter().any(|(own, _)| *own == key)
        })
        .cloned()
        .collect();
    tags.extend(
        own.iter()
            .map(|(key, value)| json!({ "key": key, "value": value })),
    );
    Value::Array(tags)
}

fn containers(definition: &Definition) -> impl Iterator<Item = &Value> {
    definition
        .raw
        .get("containerDefinitions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn container_name(container: &Value) -> Option<&str> {
    container.get("name").and_then(Value::as_str)
}

#[cfg(test)]
mod tests;
