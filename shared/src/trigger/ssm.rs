//! Events of Parameter Store.

use serde_json::Value;

use super::envelope::Envelope;
use crate::registration::parameters_path;

/// Says whether an event tells that a target's parameter changed.
///
/// Source: AWS Systems Manager user guide, "Parameter Store events".
#[must_use]
pub fn changes_a_target(event: &Value, prefix: &str) -> bool {
    Envelope::read(event).is_ok_and(|envelope| {
        envelope.source == "aws.ssm"
            && envelope.detail_type == "Parameter Store Change"
            && envelope.text("name").starts_with(&parameters_path(prefix))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_parameters_below_the_targets_path_count() {
        let event = |name: &str| {
            json!({ "source": "aws.ssm", "detail-type": "Parameter Store Change",
                    "detail": { "operation": "Create", "name": name, "type": "String" } })
        };
        assert!(changes_a_target(
            &event("/pushboat/targets/web"),
            "pushboat"
        ));
        assert!(changes_a_target(&event("/team/x/targets/web"), "/team/x/"));
        for other in ["hold", "deployed/web", "deployed/targets/web", "targets"] {
            let event = event(&format!("/pushboat/{other}"));
            assert!(!changes_a_target(&event, "pushboat"), "{other}");
        }
        assert!(!changes_a_target(
            &json!({ "source": "aws.events" }),
            "pushboat"
        ));
        assert!(!changes_a_target(&json!(null), "pushboat"));
    }
}
