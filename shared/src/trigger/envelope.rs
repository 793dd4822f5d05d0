//! The envelope that all events share.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::core::reason::Ignored;

/// How long an event's id may be: EventBridge's are UUIDs, and it is kept with what it wakes.
const ID_LIMIT_BYTES: usize = 256;

/// An EventBridge event.
///
/// Source: EventBridge user guide, "Event structure reference".
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<'a> {
    /// The event's id; a repeat has the same one.
    pub id: String,
    /// What kind of event it is.
    pub detail_type: String,
    /// Which service made it.
    pub source: String,
    /// When it was made; kept as text, because a wrong date must not lose the rest.
    pub time: String,
    /// The ARNs it is about.
    pub resources: Vec<String>,
    /// What happened; null where the event does not say.
    pub detail: &'a Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Outside {
    id: String,
    detail_type: String,
    source: String,
    time: String,
    resources: Vec<String>,
}

impl<'a> Envelope<'a> {
    /// Reads an event.
    ///
    /// # Errors
    ///
    /// What is no event is explained as ignored.
    pub fn read(event: &'a Value) -> Result<Self, Ignored> {
        let outside = Outside::deserialize(event);
        let outside = outside.map_err(|error| unreadable(&error.to_string()))?;
        if outside.id.len() > ID_LIMIT_BYTES {
            return Err(unreadable("its id is longer than any of AWS's"));
        }
        Ok(Self {
            id: outside.id,
            detail_type: outside.detail_type,
            source: outside.source,
            time: outside.time,
            resources: outside.resources,
            detail: event.get("detail").unwrap_or(&Value::Null),
        })
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
    pub fn text(&self, field: &str) -> &'a str {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_that_no_event_has_is_not_kept() {
        let event = |length| json!({ "id": "x".repeat(length), "detail-type": "a" });
        assert!(Envelope::read(&event(256)).is_ok());
        assert!(matches!(
            Envelope::read(&event(257)),
            Err(Ignored::Unreadable { .. })
        ));
    }
}
