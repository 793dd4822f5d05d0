//! Records of the ledger's DynamoDB stream.

use serde_json::Value;

use crate::ledger::NoticeKey;
use crate::ledger::key::ItemKey;

/// Finds the notices that a batch of stream records announces.
///
/// Whatever else is in the batch is passed over: the stream only prompts.
/// Source: DynamoDB API reference, "StreamRecord".
#[must_use]
pub fn notices(event: &Value) -> Vec<NoticeKey> {
    let records = event.get("Records").and_then(Value::as_array);
    records.into_iter().flatten().filter_map(notice).collect()
}

fn notice(record: &Value) -> Option<NoticeKey> {
    let keys = record.get("dynamodb")?.get("Keys")?;
    let text = |name: &str| keys.get(name)?.get("S")?.as_str().map(str::to_owned);
    let key = ItemKey {
        partition: text("pk")?,
        sort: text("sk")?,
    };
    key.as_notice()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn notices_are_found_and_the_rest_is_passed_over() {
        let record = |pk: &str| json!({ "dynamodb": { "Keys": { "pk": { "S": pk }, "sk": { "S": "id" } } } });
        let event = json!({ "Records": [record("notice#team/web"), record("target#web"), {}, 7] });
        let found = notices(&event);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].target.as_str(), found[0].id.as_str()),
            ("team/web", "id")
        );
        assert!(notices(&json!(null)).is_empty());
    }
}
