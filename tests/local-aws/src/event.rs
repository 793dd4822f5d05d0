//! The events AWS sends about itself, in the shapes it sends them.
//!
//! The samples in `tests/events` say which keys there are; the tests compare.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock::event_time;

/// Makes the events of one account and Region.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    account_id: String,
    region: String,
    partition: &'static str,
}

/// What an event about an image tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImageAction<'a> {
    pub(crate) repository: &'a str,
    pub(crate) digest: &'a str,
    pub(crate) tag: Option<&'a str>,
    pub(crate) media_type: Option<&'a str>,
    pub(crate) artifact_media_type: Option<&'a str>,
    /// A signature or an SBOM, told apart by its detail type.
    pub(crate) is_referrer: bool,
}

/// What an event about a parameter tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParameterChange<'a> {
    /// `Create`, `Update`, `Delete` or `LabelParameterVersion`.
    pub(crate) operation: &'a str,
    pub(crate) name: &'a str,
    /// `String`, `StringList` or `SecureString`.
    pub(crate) kind: &'a str,
    pub(crate) description: Option<&'a str>,
}

impl Source {
    /// Makes events in an account's name.
    pub(crate) fn new(account_id: &str, region: &str) -> Self {
        Source {
            account_id: account_id.to_owned(),
            region: region.to_owned(),
            partition: partition(region),
        }
    }

    /// `ECR Image Action`, `PUSH`: one for each manifest that is put, an untagged
    /// child of an index too.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html>
    pub(crate) fn ecr_push(&self, action: &ImageAction<'_>, at: Timestamp) -> Value {
        let mut detail = image_detail(action, "PUSH");
        let media_types = [
            ("manifest-media-type", action.media_type),
            ("artifact-media-type", action.artifact_media_type),
        ];
        for (key, value) in media_types {
            if let Some(value) = value {
                detail.insert(key.to_owned(), value.into());
            }
        }
        let detail_type = if action.is_referrer {
            "ECR Referrer Action"
        } else {
            "ECR Image Action"
        };
        self.event("aws.ecr", detail_type, &[], &detail.into(), at)
    }

    /// `ECR Image Action`, `DELETE`.
    /// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html>
    pub(crate) fn ecr_delete(&self, action: &ImageAction<'_>, at: Timestamp) -> Value {
        let detail = image_detail(action, "DELETE");
        self.event("aws.ecr", "ECR Image Action", &[], &detail.into(), at)
    }

    /// `Parameter Store Change`.
    /// <https://docs.aws.amazon.com/systems-manager/latest/userguide/monitoring-systems-manager-event-examples.html>
    pub(crate) fn parameter_change(&self, change: &ParameterChange<'_>, at: Timestamp) -> Value {
        let mut detail = json!({
            "operation": change.operation,
            "name": change.name,
            "type": change.kind,
        });
        if let Some(description) = change.description {
            detail["description"] = description.into();
        }
        let resource = format!("parameter/{}", change.name.trim_start_matches('/'));
        let arn = self.arn("ssm", &resource);
        self.event("aws.ssm", "Parameter Store Change", &[&arn], &detail, at)
    }

    /// `Scheduled Event`, which goes to the targets of its own rule only.
    /// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html>
    pub(crate) fn scheduled(&self, rule_arn: &str, at: Timestamp) -> Value {
        self.event("aws.events", "Scheduled Event", &[rule_arn], &json!({}), at)
    }

    /// `CloudWatch Alarm State Change`; `detail` is made from the alarm.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html>
    pub(crate) fn alarm_change(&self, alarm_arn: &str, detail: &Value, at: Timestamp) -> Value {
        let detail_type = "CloudWatch Alarm State Change";
        self.event("aws.cloudwatch", detail_type, &[alarm_arn], detail, at)
    }

    /// Puts what a test or a person asks for into the envelope; members they give
    /// themselves stay.
    pub(crate) fn envelope(&self, given: &Value, at: Timestamp) -> Value {
        let mut event = self.event("local.test", "Test", &[], &json!({}), at);
        if let (Value::Object(event), Value::Object(given)) = (&mut event, given) {
            event.extend(given.clone());
        }
        event
    }

    /// The envelope of every event.
    /// <https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>
    fn event(
        &self,
        source: &str,
        detail_type: &str,
        resources: &[&str],
        detail: &Value,
        at: Timestamp,
    ) -> Value {
        json!({
            "version": "0",
            "id": Uuid::new_v4().to_string(),
            "detail-type": detail_type,
            "source": source,
            "account": self.account_id,
            "time": event_time(at),
            "region": self.region,
            "resources": resources,
            "detail": detail,
        })
    }

    fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition, self.region, self.account_id
        )
    }
}

/// The partition a Region belongs to.
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>
pub(crate) fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

fn image_detail(action: &ImageAction<'_>, action_type: &str) -> Map<String, Value> {
    let mut detail = Map::new();
    detail.insert("result".to_owned(), "SUCCESS".into());
    detail.insert("repository-name".to_owned(), action.repository.into());
    detail.insert("image-digest".to_owned(), action.digest.into());
    detail.insert("action-type".to_owned(), action_type.into());
    if let Some(tag) = action.tag {
        detail.insert("image-tag".to_owned(), tag.into());
    }
    detail
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_push_has_the_keys_of_the_samples() {
        let tagged = source().ecr_push(&IMAGE, AT);
        let mut without_media_types = tagged.clone();
        let detail = without_media_types["detail"].as_object_mut().unwrap();
        detail.remove("manifest-media-type");
        detail.remove("artifact-media-type");
        // The published sample is older than the media types.
        assert_same_keys(&without_media_types, "ecr_image_action__push.json");

        let index = ImageAction {
            artifact_media_type: None,
            ..IMAGE
        };
        let event = source().ecr_push(&index, AT);
        assert_same_keys(
            &event,
            "ecr_image_action__push_multiarch_index_composed.json",
        );

        let child = ImageAction { tag: None, ..index };
        let event = source().ecr_push(&child, AT);
        assert_same_keys(
            &event,
            "ecr_image_action__push_untagged_absent_composed.json",
        );
    }

    #[test]
    fn a_deletion_has_the_keys_of_the_sample() {
        let event = source().ecr_delete(&IMAGE, AT);
        assert_same_keys(&event, "ecr_image_action__delete.json");
        assert_eq!(event["detail"]["action-type"], "DELETE");
    }

    #[test]
    fn a_signature_is_told_apart_by_its_detail_type() {
        let signature = ImageAction {
            is_referrer: true,
            ..IMAGE
        };
        let sample = sample("ecr_referrer_action__restore.json");
        let event = source().ecr_push(&signature, AT);
        assert_eq!(event["detail-type"], sample["detail-type"]);
    }

    #[test]
    fn a_parameter_change_is_shaped_as_documented() {
        let change = ParameterChange {
            operation: "Update",
            name: "/pushboat/targets/web",
            kind: "String",
            description: Some("the web service"),
        };
        let mut event = source().parameter_change(&change, AT);
        event["id"] = "an id".into();
        assert_eq!(
            event,
            json!({
                "version": "0",
                "id": "an id",
                "detail-type": "Parameter Store Change",
                "source": "aws.ssm",
                "account": "123456789012",
                "time": "1970-01-01T00:00:00Z",
                "region": "eu-central-1",
                "resources": ["arn:aws:ssm:eu-central-1:123456789012:parameter/pushboat/targets/web"],
                "detail": {
                    "operation": "Update",
                    "name": "/pushboat/targets/web",
                    "type": "String",
                    "description": "the web service",
                },
            })
        );
    }

    #[test]
    fn a_given_event_keeps_its_members_and_gets_the_missing_ones() {
        let given = json!({"source": "aws.ecs", "id": "one", "detail": {"a": 1}});
        let event = source().envelope(&given, AT);
        assert_eq!(event["source"], "aws.ecs");
        assert_eq!(event["id"], "one");
        assert_eq!(event["detail"]["a"], 1);
        assert_eq!(event["account"], "123456789012");
    }

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    const IMAGE: ImageAction<'_> = ImageAction {
        repository: "team/app",
        digest: "sha256:ab",
        tag: Some("v1"),
        media_type: Some("application/vnd.oci.image.manifest.v1+json"),
        artifact_media_type: Some("application/vnd.oci.image.config.v1+json"),
        is_referrer: false,
    };

    fn source() -> Source {
        Source::new("123456789012", "eu-central-1")
    }

    fn sample(name: &str) -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../events")
            .join(name);
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn assert_same_keys(event: &Value, name: &str) {
        let sample = sample(name);
        assert_eq!(keys(event), keys(&sample), "{name}");
        assert_eq!(keys(&event["detail"]), keys(&sample["detail"]), "{name}");
        assert_eq!(event["detail-type"], sample["detail-type"], "{name}");
        assert_eq!(event["source"], sample["source"], "{name}");
        assert_eq!(event["resources"], sample["resources"], "{name}");
    }

    fn keys(value: &Value) -> BTreeSet<&str> {
        value
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    }
}
