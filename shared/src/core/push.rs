//! What a push asks for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::name::ImageDigest;

/// One image that arrived under one tag in one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Push {
    /// The ECR repository's name, without the registry's host.
    pub repository: String,
    /// The tag that was set.
    pub tag: String,
    /// What the tag pointed at when the event was made.
    pub digest: ImageDigest,
    /// When the tag was set, by EventBridge's clock.
    pub tagged_at: Timestamp,
    /// The id of the event that told us.
    pub event_id: String,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "PushSource::is_event")]
    pub source: PushSource,
}

/// Who asked for an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PushSource {
    /// ECR told of a push.
    #[default]
    Event,
    /// Nobody told of it; the sweep found it in ECR. `tagged_at` is when the image was pushed.
    Found,
    /// A person named the image in a command, at the time `tagged_at`: exactly this one is meant.
    Operator,
}

impl PushSource {
    fn is_event(&self) -> bool {
        matches!(self, Self::Event)
    }
}
