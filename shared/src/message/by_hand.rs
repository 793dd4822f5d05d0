//! How a person brings the last good version back with the plain AWS CLI.

use std::collections::BTreeMap;

use super::Surroundings;
use crate::core::policy::{ServiceRef, StackRef};
use crate::core::rollout::{Rollout, Start};

/// The last good version, as far as it takes to bring it back.
pub(super) struct Good<'a> {
    /// Its task definition.
    pub(super) revision: &'a str,
    /// Its images by container, where the task definition cannot be deployed as it is.
    pub(super) exact_images: &'a BTreeMap<String, String>,
    /// Whether that is so because it is INACTIVE.
    pub(super) inactive: bool,
}

/// The stack by which the last good version is brought back.
pub(super) struct Through<'a> {
    stack: &'a StackRef,
    start: &'a Start,
    images: &'a BTreeMap<String, String>,
}

impl<'a> Through<'a> {
    /// Gives it, where the rollout's target goes through one.
    pub(super) fn of(
        rollout: &'a Rollout,
        start: &'a Start,
        images: &'a BTreeMap<String, String>,
    ) -> Option<Self> {
        Some(Self {
            stack: rollout.policy.stack.as_ref()?,
            start,
            images,
        })
    }

    /// Writes the line that updates the stack, where the image is known.
    pub(super) fn line(&self, surroundings: &Surroundings) -> Option<String> {
        let mut containers = self.start.containers.iter();
        let image = containers.find_map(|name| self.images.get(name))?;
        let asked = self.start.stack.as_ref()?;
        Some(surroundings.update_stack(self.stack, asked, image))
    }
}

/// Writes the line, or says what has to be registered before it does.
///
/// An INACTIVE revision cannot be deployed. Source: ECS developer guide,
/// "Deregistering an Amazon ECS task definition revision".
pub(super) fn bring_back(
    in_case: &str,
    service: &ServiceRef,
    good: &Good<'_>,
    surroundings: &Surroundings,
) -> String {
    let Good {
        revision,
        exact_images,
        inactive,
    } = good;
    if exact_images.is_empty() {
        let line = surroundings.update_service(service, revision);
        return format!("{in_case}:\n  {line}");
    }
    let why = if *inactive {
        "is INACTIVE and cannot be deployed"
    } else {
        "names an image by a tag, which may stand for another one by now"
    };
    let images = exact_images.iter();
    let images: Vec<String> = images
        .map(|(container, image)| format!("  {container}: {image}"))
        .collect();
    format!(
        "{in_case}: {revision} {why}. Register it again with these images:\n{}\nand name the new revision in:\n  {}",
        images.join("\n"),
        surroundings.update_service(service, "NEW_REVISION")
    )
}
