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

/// How much of what is wrong with a record is told, in characters.
const PROBLEM_LIMIT: usize = 300;

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
        // The reader quotes what it found instead, however long that is.
        problem: problem.chars().take(PROBLEM_LIMIT).collect(),
    }
}

#[cfg(test)]
mod tests;
