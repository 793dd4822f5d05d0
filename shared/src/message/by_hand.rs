//! How a person brings the last good version back with the plain AWS CLI.

use std::collections::BTreeMap;

use super::Surroundings;
use crate::core::policy::ServiceRef;

/// The last good version, as far as it takes to bring it back.
pub(super) struct Good<'a> {
    /// Its task definition.
    pub(super) revision: &'a str,
    /// Its images by container, where the task definition cannot be deployed as it is.
    pub(super) exact_images: &'a BTreeMap<String, String>,
    /// Whether that is so because it is INACTIVE.
    pub(super) inactive: bool,
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
