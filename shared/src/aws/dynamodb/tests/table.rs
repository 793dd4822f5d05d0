//! A table in memory that understands what the adapter asks of DynamoDB.
//!
//! Conditions are evaluated from their text, so that a wrong one is found
//! here, and transactions are all or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Map, Value, json};

use crate::aws::endpoint::{Answer, Call, Endpoint};

type Items = BTreeMap<(String, String), Map<String, Value>>;

/// How many items a page of the table in memory holds.
const PAGE: usize = 2;

/// The table.
#[derive(Clone, Default)]
pub(super) struct Table {
    items: Arc<Mutex<Items>>,
    tokens: Arc<Mutex<BTreeSet<String>>>,
    lose_next_answer: Arc<AtomicBool>,
}

impl Table {
    /// Opens an endpoint to it.
    pub(super) fn endpoint(&self) -> Endpoint {
        let table = self.clone();
        Endpoint::new(move |call| {
            let answer = table.answer(call);
            if table.lose_next_answer.swap(false, Ordering::SeqCst) {
                return Answer::Broken;
            }
            answer
        })
    }

    /// Takes the next call but breaks the connection before the answer.
    pub(super) fn lose_next_answer(&self) {
        self.lose_next_answer.store(true, Ordering::SeqCst);
    }

    /// Gives an item as DynamoDB's JSON.
    pub(super) fn item(&self, partition: &str, sort: &str) -> Option<Map<String, Value>> {
        self.items()
            .get(&(partition.to_owned(), sort.to_owned()))
            .cloned()
    }

    /// Changes an attribute behind the adapter's back.
    pub(super) fn set(&self, partition: &str, sort: &str, name: &str, value: Value) {
        let place = (partition.to_owned(), sort.to_owned());
        let mut items = self.items();
        items
            .get_mut(&place)
            .unwrap()
            .insert(name.to_owned(), value);
    }

    /// Gives the number of items.
    pub(super) fn len(&self) -> usize {
        self.items().len()
    }

    fn items(&self) -> MutexGuard<'_, Items> {
        self.items.lock().unwrap()
    }

    fn answer(&self, call: &Call) -> Answer {
        let request = call.json();
        match call.operation.as_str() {
            "GetItem" => {
                let found = self.items().get(&place(&request["Key"])).cloned();
                Answer::json(&found.map_or(json!({}), |item| json!({ "Item": item })))
            }
            "PutItem" => {
                self.put(&request["Item"]);
                Answer::json(&json!({}))
            }
            "UpdateItem" => self.update(&request),
            "Query" => self.query(&request),
            "TransactWriteItems" => self.transact(&request),
            other => panic!("unexpected {other}"),
        }
    }

    fn put(&self, item: &Value) {
        let item_map = item.as_object().unwrap().clone();
        self.items().insert(place(item), item_map);
    }

    fn update(&self, request: &Value) -> Answer {
        let place = place(&request["Key"]);
        if !holds(request, self.items().get(&place)) {
            return Answer::error("ConditionalCheckFailedException", "no");
        }
        let mut items = self.items();
        let item = items.entry(place).or_default();
        let text = request["UpdateExpression"].as_str().unwrap();
        let (set, remove) = text.split_once(" REMOVE ").unwrap_or((text, ""));
        for part in set.strip_prefix("SET ").unwrap().split(", ") {
            let (name, value) = part.split_once(" = ").unwrap();
            item.insert(attribute(request, name), operand(request, value).clone());
        }
        for name in remove.split(", ").filter(|name| !name.is_empty()) {
            item.remove(&attribute(request, name));
        }
        Answer::json(&json!({}))
    }

    fn query(&self, request: &Value) -> Answer {
        let items = self.items();
        let conditions: Vec<&str> = request["KeyConditionExpression"]
            .as_str()
            .unwrap()
            .split(" AND ")
            .collect();
        let mut found: Vec<&Map<String, Value>> = items
            .values()
            .filter(|item| {
                conditions
                    .iter()
                    .all(|atom| atom_holds(request, atom, Some(item)))
            })
            .collect();
        if request["IndexName"] == "pending" {
            found.sort_by_key(|item| number(&item["pending_at"]));
        }
        if request["ScanIndexForward"] == false {
            found.reverse();
        }
        let limit = request["Limit"]
            .as_u64()
            .map_or(PAGE, |limit| PAGE.min(usize::try_from(limit).unwrap()));
        let start = request["ExclusiveStartKey"]["place"]["N"].as_str();
        let start: usize = start.map_or(0, |start| start.parse().unwrap());
        let page: Vec<_> = found.iter().skip(start).take(limit).collect();
        let mut answer = json!({ "Items": page, "Count": page.len() });
        if start + limit < found.len() {
            let next = (start + limit).to_string();
            answer["LastEvaluatedKey"] = json!({ "place": { "N": next } });
        }
        Answer::json(&answer)
    }

    fn transact(&self, request: &Value) -> Answer {
        let token = request["ClientRequestToken"].as_str().unwrap().to_owned();
        if self.tokens.lock().unwrap().contains(&token) {
            return Answer::json(&json!({}));
        }
        let writes = request["TransactItems"].as_array().unwrap();
        let mut reasons = Vec::new();
        let mut touched = BTreeSet::new();
        for write in writes {
            let (write, place) = opened(write);
            assert!(touched.insert(place.clone()), "{place:?} is written twice");
            let items = self.items();
            let now = items.get(&place);
            if holds(write, now) {
                reasons.push(json!({ "Code": "None" }));
                continue;
            }
            let mut reason = json!({ "Code": "ConditionalCheckFailed", "Message": "no" });
            if let (Some(now), "ALL_OLD") = (
                now,
                write["ReturnValuesOnConditionCheckFailure"]
                    .as_str()
                    .unwrap_or_default(),
            ) {
                reason["Item"] = json!(now);
            }
            reasons.push(reason);
        }
        if reasons.iter().any(|reason| reason["Code"] != "None") {
            let body = json!({
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "Message": "Transaction cancelled", "CancellationReasons": reasons });
            return Answer::Status(400, body.to_string());
        }
        for write in writes {
            match write.get("Put") {
                Some(put) => self.put(&put["Item"]),
                None => {
                    self.items().remove(&opened(write).1);
                }
            }
        }
        self.tokens.lock().unwrap().insert(token);
        Answer::json(&json!({}))
    }
}

fn opened(write: &Value) -> (&Value, (String, String)) {
    match write.get("Put") {
        Some(put) => (put, place(&put["Item"])),
        None => (&write["Delete"], place(&write["Delete"]["Key"])),
    }
}

fn place(key: &Value) -> (String, String) {
    let part = |name: &str| key[name]["S"].as_str().unwrap().to_owned();
    (part("pk"), part("sk"))
}

fn holds(request: &Value, item: Option<&Map<String, Value>>) -> bool {
    let Some(text) = request["ConditionExpression"].as_str() else {
        return true;
    };
    text.split(" OR ").any(|all| {
        all.split(" AND ")
            .all(|atom| atom_holds(request, atom, item))
    })
}

fn atom_holds(request: &Value, atom: &str, item: Option<&Map<String, Value>>) -> bool {
    match atom {
        "attribute_not_exists(pk)" => return item.is_none(),
        "attribute_exists(pk)" => return item.is_some(),
        _ => {}
    }
    let mut parts = atom.split(' ');
    let name = attribute(request, parts.next().unwrap());
    let (operator, wanted) = (
        parts.next().unwrap(),
        operand(request, parts.next().unwrap()),
    );
    let Some(value) = item.and_then(|item| item.get(&name)) else {
        return false;
    };
    match operator {
        "=" => value == wanted,
        "<=" => number(value) <= number(wanted),
        other => panic!("unexpected {other}"),
    }
}

fn attribute(request: &Value, name: &str) -> String {
    match name.starts_with('#') {
        true => request["ExpressionAttributeNames"][name]
            .as_str()
            .unwrap()
            .to_owned(),
        false => name.to_owned(),
    }
}

fn operand<'a>(request: &'a Value, name: &str) -> &'a Value {
    let value = &request["ExpressionAttributeValues"][name];
    assert!(!value.is_null(), "{name} has no value");
    value
}

fn number(value: &Value) -> i64 {
    value["N"].as_str().unwrap().parse().unwrap()
}
