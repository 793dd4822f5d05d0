//! The envelope that all events share.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::core::reason::Ignored;

/// An EventBridge event.
///
/// Source: EventBridge user guide, "Event structure reference".
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Envelope {
    /// The event's id; a repeat has the same one.
    #[serde(default)]
    pub id: String,
    /// What kind of event it is.
    #[serde(default)]
    pub detail_type: String,
    /// Which service made it.
    #[serde(default)]
    pub source: String,
    /// When it was made; kept as text, because a wrong date must not lose the rest.
    #[serde(default)]
    pub time: String,
    /// The ARNs it is about.
    #[serde(default)]
    pub resources: Vec<String>,
    /// What happened.
    #[serde(default)]
    pub detail: Value,
}

impl Envelope {
    /// Reads an event.
    ///
    /// # Errors
    ///
    /// What is no event is explained as ignored.
    pub fn read(event: &Value) -> Result<Self, Ignored> {
        serde_json::from_value(event.clone()).map_err(|error| unreadable(&error.to_string()))
    }

    /// Reads the event's time.
    ///
    /// # Errors
    ///
    /// A time that is none is explained as ignored.
    pub fn at(&self) -> Result<Timestamp, Ignored> {
        self.time
            .parse()
            .map_err(|_| unreadable("its time is no date and time"))
    }

    /// Names the event's kind for an explanation.
    #[must_use]
    pub fn kind(&self) -> String {
        self.detail_type.chars().take(60).collect()
    }

    /// Reads a text field of the detail; a missing one is empty.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.detail
            .get(field)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

pub(super) fn unreadable(problem: &str) -> Ignored {
    Ignored::Unreadable {
        problem: problem.chars().take(200).collect(),
    }
}
