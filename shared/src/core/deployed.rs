//! What is deployed to a target, as it is published for its owner's tools.
//!
//! Published is the last-known-good, once it is saved: a version that is still watched is not
//! in it, and one that is taken back never was. What was published is kept in the state, so
//! that whatever kept it from being published is made up for at a later wake-up.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::name::TargetName;
use super::state::{LastKnownGood, TargetState};

/// How soon it is tried again for the first time; each time after it takes twice as long.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// The longest pause after a try that may succeed by itself the next time.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);
/// The longest pause after AWS said no, which most likely a person has to put right.
const LONGEST_PAUSE_REFUSED: SignedDuration = SignedDuration::from_hours(6);
/// How often the pause is doubled at the most.
const DOUBLED_AT_MOST: u32 = 10;

/// What is deployed to a target and proven good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deployed {
    /// The task definition's ARN.
    pub task_definition: String,
    /// The image of each container: of those that are followed by digest.
    pub images: BTreeMap<String, String>,
    /// The tag of the push that brought it; none where it was adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Since when it counts as good, by our clock.
    pub since: Timestamp,
}

/// A try to publish that was not seen to succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unpublished {
    /// Since when the version counts as good that was to be published.
    pub since: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried again, by our clock.
    pub again_at: Timestamp,
}

impl Deployed {
    /// Gives what is published of a last-known-good.
    #[must_use]
    pub fn of(good: &LastKnownGood) -> Self {
        Self {
            task_definition: good.task_definition.clone(),
            images: good.images.clone(),
            tag: good.source.tag().cloned(),
            since: good.at,
        }
    }

    /// Says whether it is what is published of a last-known-good.
    fn is_of(&self, good: &LastKnownGood) -> bool {
        self.since == good.at
            && self.task_definition == good.task_definition
            && self.images == good.images
            && self.tag.as_ref() == good.source.tag()
    }

    /// Gives the parameter's text; documented in `docs/configuration.md`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = json!({
            "taskDefinition": self.task_definition,
            "images": self.images,
            "since": format!("{:.0}", self.since),
        });
        if let (Some(tag), Some(fields)) = (&self.tag, text.as_object_mut()) {
            fields.insert("tag".to_owned(), json!(tag));
        }
        text.to_string()
    }
}

/// Names the parameter that says what is deployed to a target.
#[must_use]
pub fn parameter(prefix: &str, target: &TargetName) -> String {
    format!("/{}/deployed/{target}", prefix.trim_matches('/'))
}

impl TargetState {
    /// Gives the last-known-good, as long as it is not known to be published.
    ///
    /// Without one there is nothing to say, and what was said before stays.
    #[must_use]
    pub fn to_publish(&self) -> Option<&LastKnownGood> {
        let good = self.last_known_good.as_ref()?;
        let published = self.published.as_ref();
        let is_published = published.is_some_and(|published| published.is_of(good));
        (!is_published).then_some(good)
    }

    /// Gives what is to be published now, with what to note before of this try.
    #[must_use]
    pub fn try_to_publish(&self, now: Timestamp) -> Option<(Deployed, Unpublished)> {
        let good = self.to_publish()?;
        let before = self.unpublished.as_ref();
        let before = before.filter(|before| before.since == good.at);
        if before.is_some_and(|before| now < before.again_at) {
            return None;
        }
        let tries = before.map_or(0, |before| before.tries);
        let unpublished = Unpublished {
            since: good.at,
            tries: tries.saturating_add(1),
            // Should nothing more be noted of this try.
            again_at: now + pause(tries, LONGEST_PAUSE),
        };
        Some((Deployed::of(good), unpublished))
    }

    /// Notes that it was published.
    pub fn note_published(&mut self, deployed: Deployed) {
        self.published = Some(deployed);
        self.unpublished = None;
    }

    /// Notes that AWS refused to have it published: another try is made less and less often.
    pub fn note_refused(&mut self, now: Timestamp) {
        if let Some(unpublished) = &mut self.unpublished {
            let tries = unpublished.tries.saturating_sub(1);
            let again_at = now + pause(tries, LONGEST_PAUSE_REFUSED);
            unpublished.again_at = unpublished.again_at.max(again_at);
        }
    }

    /// Gives when the target is to be woken, for whatever reason.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        let wake = self.wake.as_ref().map(|wake| wake.at);
        let again = self.unpublished.as_ref().map(|one| one.again_at);
        wake.into_iter().chain(again).min()
    }
}

fn pause(tries: u32, longest: SignedDuration) -> SignedDuration {
    let doubled = 2_i32.saturating_pow(tries.min(DOUBLED_AT_MOST));
    PAUSE.saturating_mul(doubled).min(longest)
}

#[cfg(test)]
mod tests;
