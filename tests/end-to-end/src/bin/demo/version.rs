//! Which version a task definition's revision runs, learned by watching.

use std::collections::HashMap;

use local_aws::{CallRecord, EventRecord};
use serde_json::Value;

use crate::line::name;

/// The tags of digests and of revisions.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    /// The tag that each digest was pushed under first.
    pushed: HashMap<String, String>,
    /// The tag of the image that was registered last.
    registered: Option<String>,
    /// The tag of each revision that a service was asked to run.
    asked: HashMap<String, String>,
}

impl Versions {
    /// Learns under which tag a digest was pushed.
    pub(crate) fn learn_event(&mut self, record: &EventRecord) {
        let detail = &record.event["detail"];
        if let (Some(digest), Some(tag)) = (
            detail["image-digest"].as_str(),
            detail["image-tag"].as_str(),
        ) {
            let pushed = self.pushed.entry(digest.to_owned());
            pushed.or_insert_with(|| tag.to_owned());
        }
    }

    /// Learns what a revision holds: it is registered, then a service is asked to run it.
    pub(crate) fn learn_call(&mut self, call: &CallRecord) {
        let Some(request) = &call.request else {
            return;
        };
        match call.operation.as_str() {
            "RegisterTaskDefinition" => {
                self.registered = self.tag(&request["containerDefinitions"][0]["image"]);
            }
            "CreateService" | "UpdateService" => {
                let revision = name(&request["taskDefinition"]).to_owned();
                if let Some(tag) = self.registered.take() {
                    self.asked.entry(revision).or_insert(tag);
                }
            }
            _ => {}
        }
    }

    fn tag(&self, image: &Value) -> Option<String> {
        let image = image.as_str()?;
        match image.split_once('@') {
            Some((_, digest)) => self.pushed.get(digest).cloned(),
            None => Some(image.rsplit_once(':')?.1.to_owned()),
        }
    }

    /// A revision with its version, where that is known: `web:2 (v1)`.
    pub(crate) fn of(&self, revision: &Value) -> String {
        let revision = name(revision);
        match self.asked.get(revision) {
            Some(tag) => format!("{revision} ({tag})"),
            None => revision.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use local_aws::Caller;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_revision_is_known_by_the_tag_its_image_was_pushed_under() {
        let mut versions = Versions::default();
        versions.learn_event(&pushed("sha256:aa", "v4"));
        versions.learn_event(&pushed("sha256:aa", "v4.1"));
        let image = json!({"containerDefinitions": [{"image": "host/web@sha256:aa"}]});
        versions.learn_call(&call("RegisterTaskDefinition", image));
        assert_eq!(versions.of(&json!("task-definition/web:5")), "web:5");
        let update = |revision: &str| call("UpdateService", json!({"taskDefinition": revision}));
        versions.learn_call(&update("arn:aws:ecs:r:1:task-definition/web:5"));
        versions.learn_call(&update("arn:aws:ecs:r:1:task-definition/web:3"));
        assert_eq!(versions.of(&json!("task-definition/web:5")), "web:5 (v4)");
        assert_eq!(versions.of(&json!("task-definition/web:3")), "web:3");
    }

    fn pushed(digest: &str, tag: &str) -> EventRecord {
        EventRecord {
            sequence: 1,
            at: Timestamp::UNIX_EPOCH,
            event: json!({"detail": {"image-digest": digest, "image-tag": tag}}),
            rules: None,
            deliveries: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn call(operation: &str, request: Value) -> CallRecord {
        CallRecord {
            sequence: 1,
            at: Timestamp::UNIX_EPOCH,
            service: "ecs".to_owned(),
            operation: operation.to_owned(),
            resource: String::new(),
            request: Some(request),
            status: Some(200),
            error: None,
            duration_milliseconds: Some(1),
            caller: Caller::default(),
            faults: Vec::new(),
        }
    }
}
