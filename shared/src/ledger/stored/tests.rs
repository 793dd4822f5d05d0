//! What older releases wrote is read, whole.

use serde_json::Value;

use super::*;
use crate::core::rollout::Rollout;
use crate::core::state::TargetState;
use crate::ledger::{Follower, Registration};
use crate::notice::Notice;
use crate::queue::QueueMessage;

macro_rules! format_1 {
    ($kind:literal) => {
        include_str!(concat!(
            "../../../../tests/records/format-1/",
            $kind,
            ".json"
        ))
    };
}

mod variants;

const ROLLOUTS: [&str; 3] = [
    format_1!("rollout"),
    format_1!("rollout-taken-back"),
    format_1!("rollout-through-stack"),
];
const STATES: [&str; 4] = [
    format_1!("state"),
    format_1!("state-published"),
    format_1!("state-taken-back"),
    format_1!("state-through-stack"),
];
const NOTICES: [&str; 3] = [
    format_1!("notice"),
    format_1!("notice-taken-back"),
    format_1!("notice-through-stack"),
];
const MESSAGES: [&str; 1] = [format_1!("message")];

/// Reads records as a release wrote them, and finds all they said in what was read.
fn still_read<T: Serialize + DeserializeOwned>(format: u32, file: &str) {
    let records: Vec<Value> = serde_json::from_str(file).unwrap();
    assert!(!records.is_empty());
    for record in records {
        let stored = StoredText {
            format,
            body: record.to_string(),
        };
        let now: T = read("an old record", &stored).unwrap_or_else(|error| {
            panic!("{error}: {record}");
        });
        let now = serde_json::to_value(&now).unwrap();
        assert!(says_all(&now, &record), "{record}\nwas read as\n{now}");
    }
}

/// Says whether `now` holds everything that `before` held; more is fine.
fn says_all(now: &Value, before: &Value) -> bool {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => before
            .iter()
            .all(|(name, before)| now.get(name).is_some_and(|now| says_all(now, before))),
        (Value::Array(now), Value::Array(before)) => {
            now.len() == before.len()
                && now
                    .iter()
                    .zip(before)
                    .all(|(now, before)| says_all(now, before))
        }
        (now, before) => now == before,
    }
}

#[test]
fn records_of_format_1_still_read() {
    still_read::<Registration>(1, format_1!("registration"));
    still_read::<Follower>(1, format_1!("follower"));
    still_read::<Value>(1, format_1!("definition"));
    for file in ROLLOUTS {
        still_read::<Rollout>(1, file);
    }
    for file in STATES {
        still_read::<TargetState>(1, file);
    }
    for file in NOTICES {
        still_read::<Notice>(1, file);
    }
    for file in MESSAGES {
        still_read::<QueueMessage>(1, file);
    }
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    let state = TargetState {
        parameter_version: 3,
        ..TargetState::default()
    };
    let stored = write("a state", &state).unwrap();
    assert_eq!(stored.format, FORMAT);
    assert_eq!(read::<TargetState>("a state", &stored).unwrap(), state);
}

#[test]
fn a_newer_format_is_refused_rather_than_half_understood() {
    let mut stored = write("a state", &TargetState::default()).unwrap();
    stored.format += 1;
    let error = read::<TargetState>("a state", &stored).unwrap_err();
    assert!(error.to_string().contains("finish the upgrade"), "{error}");
    stored.format = FORMAT;
    stored.body = "{".to_owned();
    assert!(read::<TargetState>("a state", &stored).is_err());
    stored.body = format!("{:?}", "x".repeat(100_000));
    let error = read::<TargetState>("a state", &stored).unwrap_err();
    assert!(
        error.to_string().len() < 500,
        "{} bytes",
        error.to_string().len()
    );
}
