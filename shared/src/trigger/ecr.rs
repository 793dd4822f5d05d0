//! Events of ECR.

use serde_json::Value;

use super::envelope::{Envelope, unreadable};
use crate::core::name::ImageDigest;
use crate::core::push::{Push, PushSource};
use crate::core::reason::Ignored;
use crate::image::artifact;

/// Reads what was pushed.
///
/// Only `ECR Image Action` with a successful PUSH asks for anything. A push of
/// a multi-architecture image is several events: the parts come first and
/// without a tag. Source: Amazon ECR user guide, "Amazon ECR events and EventBridge".
///
/// # Errors
///
/// Every other event is explained as ignored.
pub fn push(event: &Value) -> Result<Push, Ignored> {
    let envelope = Envelope::read(event)?;
    let action = envelope.text("action-type");
    let pushed = envelope.source == "aws.ecr"
        && envelope.detail_type == "ECR Image Action"
        && action == "PUSH"
        && envelope.text("result") == "SUCCESS";
    if !pushed {
        let action: String = action.chars().take(40).collect();
        let kind = match action.as_str() {
            "" => envelope.kind(),
            _ => format!("{} {action}", envelope.kind()),
        };
        return Err(Ignored::NoBusiness { kind });
    }
    let tag = envelope.text("image-tag");
    if tag.is_empty() {
        return Err(Ignored::Untagged);
    }
    let repository = envelope.text("repository-name");
    if repository.is_empty() || repository.len() > 256 || tag.len() > 300 {
        return Err(unreadable(
            "it names no repository and tag that ECR could hold",
        ));
    }
    if let Some(media_type) = artifact(tag, envelope.text("artifact-media-type")) {
        return Err(Ignored::NotAnImage { media_type });
    }
    let digest = ImageDigest::parse(envelope.text("image-digest"))
        .ok_or_else(|| unreadable("its image-digest is no SHA-256 digest"))?;
    Ok(Push {
        repository: repository.to_owned(),
        tag: tag.to_owned(),
        digest,
        tagged_at: envelope.at()?,
        event_id: envelope.id,
        source: PushSource::Event,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample(name: &str) -> Value {
        let path = format!("{}/../tests/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn a_tagged_push_is_read() {
        // The published sample's digest is cut short: 60 digits.
        let mut event = sample("ecr_image_action__push");
        assert!(matches!(push(&event), Err(Ignored::Unreadable { .. })));
        event["detail"]["image-digest"] = json!(format!("sha256:{}", "7f".repeat(32)));
        let push = push(&event).unwrap();
        assert!(!push.repository.is_empty() && !push.tag.is_empty() && !push.event_id.is_empty());
        let index =
            super::push(&sample("ecr_image_action__push_multiarch_index_composed")).unwrap();
        assert!(!index.tag.is_empty());
    }

    #[test]
    fn untagged_images_are_explained_absent_or_empty() {
        let mut event = sample("ecr_image_action__push_untagged_absent_composed");
        assert_eq!(push(&event), Err(Ignored::Untagged));
        event["detail"]["image-tag"] = json!("");
        assert_eq!(push(&event), Err(Ignored::Untagged));
    }

    #[test]
    fn signatures_and_other_artifacts_are_told_from_images() {
        let mut event = sample("ecr_image_action__push_multiarch_index_composed");
        event["detail"]["artifact-media-type"] = json!("application/vnd.oci.image.config.v1+json");
        assert!(push(&event).is_ok());
        event["detail"]["artifact-media-type"] = json!("application/vnd.cncf.helm.config.v1+json");
        assert!(matches!(push(&event), Err(Ignored::NotAnImage { .. })));
        event["detail"]["artifact-media-type"] = json!("");
        for suffix in ["", ".sig", ".att"] {
            event["detail"]["image-tag"] = json!(format!("sha256-{}{suffix}", "0a".repeat(32)));
            assert!(
                matches!(push(&event), Err(Ignored::NotAnImage { .. })),
                "{suffix}"
            );
        }
        event["detail"]["image-tag"] = json!("sha256-short");
        assert!(push(&event).is_ok());
    }

    #[test]
    fn everything_else_asks_for_nothing() {
        for name in [
            "ecr_image_action__delete",
            "ecr_image_action__update_storage_class_archive",
            "ecr_referrer_action__restore",
            "ecr_replication_action__success",
            "ecr_image_scan",
            "ecs_service_action__service_steady_state",
        ] {
            let read = push(&sample(name));
            assert!(
                matches!(read, Err(Ignored::NoBusiness { .. })),
                "{name}: {read:?}"
            );
        }
    }

    #[test]
    fn nonsense_is_explained() {
        let good = sample("ecr_image_action__push_multiarch_index_composed");
        for (field, value) in [
            ("image-digest", json!("sha256:short")),
            ("repository-name", json!("")),
            ("repository-name", json!(5)),
            ("image-tag", json!("x".repeat(5000))),
        ] {
            let mut event = good.clone();
            event["detail"][field] = value;
            assert!(
                matches!(push(&event), Err(Ignored::Unreadable { .. })),
                "{field}"
            );
        }
        let mut event = good.clone();
        event["time"] = json!("2023-02-29T00:00:00Z");
        assert!(matches!(push(&event), Err(Ignored::Unreadable { .. })));
        event["resources"] = json!(7);
        assert!(matches!(push(&event), Err(Ignored::Unreadable { .. })));
        assert!(matches!(push(&json!({})), Err(Ignored::NoBusiness { .. })));
        assert!(matches!(push(&json!([1])), Err(Ignored::Unreadable { .. })));
    }
}
