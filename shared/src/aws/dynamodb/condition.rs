//! What has to hold for a write to the ledger to be taken; pure.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};

use super::item::{Item, millisecond, number, second_after, text};
use crate::core::name::TargetName;
use crate::ledger::{Registration, Version};

/// How long a notice is kept after it was sent.
const SENT_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What has to hold for a write to be taken.
///
/// Attributes stand in it as `#name`, because many of DynamoDB's reserved
/// words are names one would choose. Source: DynamoDB developer guide,
/// "Reserved words in DynamoDB".
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) expression: &'static str,
    attributes: Vec<&'static str>,
    values: Vec<(&'static str, AttributeValue)>,
}

impl Condition {
    pub(super) fn names(&self) -> Option<HashMap<String, String>> {
        let names = self.attributes.iter();
        let names: HashMap<_, _> = names
            .map(|name| (format!("#{name}"), (*name).to_owned()))
            .collect();
        (!names.is_empty()).then_some(names)
    }

    pub(super) fn values(&self) -> Option<Item> {
        let values = self.values.iter();
        let values: Item = values
            .map(|(name, value)| (format!(":{name}"), value.clone()))
            .collect();
        (!values.is_empty()).then_some(values)
    }
}

/// Asks that a state's stored version is the expected one.
pub(super) fn still_at(expected: Version) -> Condition {
    if expected == Version::default() {
        return absent();
    }
    Condition {
        expression: "#version = :version",
        attributes: vec!["version"],
        values: vec![("version", number(expected.0))],
    }
}

/// Asks that the stored registration is of the expected parameter version.
pub(super) fn still_registered(expected: Option<&Registration>) -> Condition {
    let Some(expected) = expected else {
        return absent();
    };
    let changed_at = millisecond(expected.parameter_changed_at);
    Condition {
        expression: "#parameter_version = :parameter_version AND #parameter_changed_at = :parameter_changed_at",
        attributes: vec!["parameter_version", "parameter_changed_at"],
        values: vec![
            ("parameter_version", number(expected.parameter_version)),
            ("parameter_changed_at", number(changed_at)),
        ],
    }
}

/// Asks that a record's text is the one that was read.
pub(super) fn still_as_read(read: &Item) -> Condition {
    let body = read.get("body").cloned();
    Condition {
        expression: "#body = :body",
        attributes: vec!["body"],
        values: vec![("body", body.unwrap_or(AttributeValue::Null(true)))],
    }
}

/// Asks that nobody, or the target itself, holds a claim.
pub(super) fn free_or_held_by(target: &TargetName) -> Condition {
    Condition {
        expression: "attribute_not_exists(pk) OR #target = :target",
        attributes: vec!["target"],
        values: vec![("target", text(target.as_str()))],
    }
}

fn absent() -> Condition {
    Condition {
        expression: "attribute_not_exists(pk)",
        attributes: Vec::new(),
        values: Vec::new(),
    }
}

/// What notes how far a notice has come; one that has expired meanwhile is not made anew.
pub(super) struct Change {
    pub(super) update: &'static str,
    pub(super) condition: Condition,
}

pub(super) fn published(at: Timestamp) -> Change {
    Change {
        update: "SET #published_at = :published_at",
        condition: Condition {
            expression: "attribute_exists(pk)",
            attributes: vec!["published_at"],
            values: vec![("published_at", number(millisecond(at)))],
        },
    }
}

pub(super) fn sent(at: Timestamp) -> Change {
    Change {
        update: "SET #sent_at = :sent_at, #expires_at = :expires_at REMOVE #pending, #pending_at",
        condition: Condition {
            expression: "attribute_exists(pk)",
            attributes: vec!["sent_at", "expires_at", "pending", "pending_at"],
            values: vec![
                ("sent_at", number(millisecond(at))),
                ("expires_at", number(second_after(at, SENT_KEPT))),
            ],
        },
    }
}
