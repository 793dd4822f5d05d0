//! Image manifests, indexes and configurations.

use pushboat::core::observation::{ImageContent, Platform};
use pushboat::core::reason::Rejected;
use pushboat::findings::ImageLabels;
use pushboat::image::{Manifest, image_for, read_configuration, read_labels, read_manifest};
use pushboat::message;

use super::{reads_back, short, surroundings, target_name};

pub(crate) fn check(input: &[u8]) {
    // What ECR and the download of a configuration give is text by then.
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match read_manifest(text) {
        Manifest::Complete(content) => told_of(content),
        Manifest::NeedsConfiguration { digest } => assert!(digest.len() <= text.len()),
    }
    told_of(read_configuration(text));
    let platform = Platform {
        os: "linux".to_owned(),
        architecture: "arm64".to_owned(),
    };
    if let Some(digest) = image_for(text, &platform) {
        assert!(!digest.is_empty());
    }
    let labels = ImageLabels::of(&read_labels(text));
    for label in [
        labels.revision,
        labels.source,
        labels.authors,
        labels.version,
        labels.created,
    ] {
        let label = label.unwrap_or_default();
        assert!(label.len() <= 200);
        assert!(!label.chars().any(char::is_control), "{label:?}");
    }
}

/// Checks that what is stored and told of a refused image is short.
fn told_of(content: ImageContent) {
    let reason = match content {
        ImageContent::Image(platforms) => Rejected::WrongPlatform {
            wanted: "linux/arm64".to_owned(),
            offered: platforms.iter().map(ToString::to_string).collect(),
        },
        ImageContent::NotAnImage { media_type } => Rejected::NotAnImage { media_type },
        ImageContent::Unreadable { problem } => Rejected::ManifestUnreadable { problem },
    };
    short(&message::rejected(&reason, &target_name(), &surroundings()));
    short(&message::rejected_briefly(&reason));
    short(&reads_back(&reason));
}
