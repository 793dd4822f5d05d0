//! What every function does before its first event.

use std::error::Error;

use super::client::{Clients, Environment, MissingVariable};
use crate::message::{self, Surroundings};
use crate::wake::{WakeError, Woken};

/// A function's surroundings: its clients and its configuration.
#[derive(Clone, Debug)]
pub struct Function<V> {
    /// What its AWS clients share.
    pub clients: Clients,
    variable: V,
}

impl<V: Fn(&str) -> Option<String>> Function<V> {
    /// Starts the log and makes clients ready; no call is sent.
    ///
    /// `variable` reads the environment, which only `main.rs` may do.
    ///
    /// # Errors
    ///
    /// A variable that Lambda always sets is missing.
    pub fn start(variable: V) -> Result<Self, MissingVariable> {
        let level = variable("AWS_LAMBDA_LOG_LEVEL").or_else(|| variable("RUST_LOG"));
        start_log(level.as_deref().unwrap_or("info"));
        let clients = Clients::new(&Environment::read(&variable)?);
        Ok(Self { clients, variable })
    }

    /// Reads a variable that the template sets.
    ///
    /// # Errors
    ///
    /// It is missing or empty.
    pub fn variable(&self, name: &'static str) -> Result<String, MissingVariable> {
        self.optional(name).ok_or(MissingVariable { name })
    }

    /// Reads what messages have to name of the installation.
    ///
    /// # Errors
    ///
    /// `OPERATOR_FUNCTION`, which the template sets, or `AWS_REGION`, which
    /// Lambda sets, is missing.
    pub fn surroundings(&self) -> Result<Surroundings, MissingVariable> {
        Ok(Surroundings {
            operator_function: self.variable("OPERATOR_FUNCTION")?,
            region: self.variable("AWS_REGION")?,
        })
    }

    /// Reads a variable that the template may leave empty.
    #[must_use]
    pub fn optional(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }
}

/// Writes the log as JSON, one object a line, as Lambda's JSON log format has it.
///
/// Source: Lambda developer guide, "Configuring advanced logging controls".
fn start_log(level: &str) {
    let level = level.parse().unwrap_or(tracing::Level::INFO);
    // A second start, as in a test, keeps the first log.
    let _ = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(level)
        .try_init();
}

/// Writes what became of an event into the log, with the reason where nothing did.
///
/// The template counts the ignored ones by their reason.
///
/// # Errors
///
/// Hands on what failed: Lambda tries the event again.
pub fn report(event_id: &str, woken: Result<Woken, WakeError>) -> Result<(), WakeError> {
    match woken {
        Ok(Woken::Targets(targets)) => tracing::info!(event_id, ?targets, "woken"),
        Ok(Woken::Ignored(reason)) => tracing::info!(
            event_id,
            reason = reason.as_str(),
            explanation = message::ignored(&reason),
            "ignored"
        ),
        Err(error) => {
            tracing::error!(
                event_id,
                error = chain(&error),
                "the event could not be passed on"
            );
            return Err(error);
        }
    }
    Ok(())
}

/// How much is written of an error, in bytes: it may quote what somebody sent.
const CHAIN_LIMIT_BYTES: usize = 2 * 1024;

/// Writes an error with what led to it, outermost first, as far as that is not too long.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause
        && text.len() <= CHAIN_LIMIT_BYTES
    {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if text.len() > CHAIN_LIMIT_BYTES {
        text.truncate(text.floor_char_boundary(CHAIN_LIMIT_BYTES));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Told(String, #[source] Option<Box<Told>>);

    #[test]
    fn what_led_to_an_error_is_written_as_far_as_it_is_not_too_long() {
        let inner = Told("inner".to_owned(), None);
        let both = Told("outer".to_owned(), Some(Box::new(inner)));
        assert_eq!(chain(&both), "outer: inner");
        let long = Told("ä".repeat(100_000), Some(Box::new(both)));
        let written = chain(&long);
        assert!(written.len() < 2 * 1024 + 4 && written.ends_with("ä…"));
    }
}
