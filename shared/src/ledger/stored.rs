//! The ledger's records as text, with the number of their format.
//!
//! A record is written with [`FORMAT`] beside it. A newer Pushboat reads older
//! formats; an older one refuses a newer format instead of losing what it
//! does not know.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::LedgerError;

/// The format that is written.
pub const FORMAT: u32 = 1;

/// A record's text and the number of its format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredText {
    /// The number of the format.
    pub format: u32,
    /// The record as JSON.
    pub body: String,
}

/// Writes a record.
pub fn write<T: Serialize>(what: &str, record: &T) -> Result<StoredText, LedgerError> {
    match serde_json::to_string(record) {
        Ok(body) => Ok(StoredText {
            format: FORMAT,
            body,
        }),
        Err(error) => Err(unreadable(what, &error.to_string())),
    }
}

/// Reads a record of this format or an older one.
pub fn read<T: DeserializeOwned>(what: &str, stored: &StoredText) -> Result<T, LedgerError> {
    if stored.format > FORMAT {
        let problem = format!(
            "its format is {}, this Pushboat knows up to {FORMAT}: finish the upgrade, or go back to the newer release",
            stored.format
        );
        return Err(unreadable(what, &problem));
    }
    serde_json::from_str(&stored.body).map_err(|error| unreadable(what, &error.to_string()))
}

fn unreadable(what: &str, problem: &str) -> LedgerError {
    LedgerError::Unreadable {
        what: what.to_owned(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::core::rollout::Rollout;
    use crate::core::state::TargetState;
    use crate::ledger::{Follower, Registration};
    use crate::notice::Notice;

    macro_rules! format_1 {
        ($kind:literal) => {
            include_str!(concat!("../../../tests/records/format-1/", $kind, ".json"))
        };
    }

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
        still_read::<TargetState>(1, format_1!("state"));
        still_read::<Rollout>(1, format_1!("rollout"));
        still_read::<Follower>(1, format_1!("follower"));
        still_read::<Notice>(1, format_1!("notice"));
        still_read::<Value>(1, format_1!("definition"));
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
    }
}
