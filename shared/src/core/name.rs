//! The names that identify things across the ledger, the queue and the notices.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Names a target: the part of its parameter's name behind `/<prefix>/targets/`.
///
/// It may hold slashes, so that a team gets a path of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetName(String);

/// Says why a string is no target name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a target's name has 1 to 200 letters, digits, `.`, `-`, `_`, and single slashes between them"
)]
pub struct NotATargetName;

impl TargetName {
    /// Accepts what Parameter Store accepts in a parameter's name, and no empty part.
    ///
    /// Source: AWS Systems Manager API reference, PutParameter, `Name`.
    pub fn parse(text: &str) -> Result<Self, NotATargetName> {
        let allowed = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        };
        if text.len() <= 200 && text.split('/').all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotATargetName)
        }
    }

    /// Gives the name as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the message group that serialises all changes to this target.
    ///
    /// A hash, because a group id has fewer characters to spare than a name.
    #[must_use]
    pub fn message_group(&self) -> String {
        short_hash(&[&self.0])
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one rollout of one target.
///
/// It is made from the push that asked for it, so that the same push always
/// makes the same rollout, and it sorts by the time of that push.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RolloutId(String);

impl RolloutId {
    /// Makes the id of the rollout that `parts` ask for at `at`.
    #[must_use]
    pub fn new(at: jiff::Timestamp, parts: &[&str]) -> Self {
        let hash = short_hash(parts);
        let hash = hash.get(..8).unwrap_or_default();
        Self(format!("{}-{hash}", at.strftime("%Y%m%dT%H%M%SZ")))
    }

    /// Gives the id as it is stored and shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RolloutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names an image by its content, `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ImageDigest(String);

impl ImageDigest {
    /// Accepts a SHA-256 digest as the OCI image specification writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let lower_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        (hex.len() == 64 && hex.chars().all(lower_hex)).then(|| Self(text.to_owned()))
    }

    /// Gives the digest as it stands behind the `@` of an image reference.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the first twelve digits, enough to tell images apart for a reader.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(7..19).unwrap_or(&self.0)
    }
}

impl fmt::Display for ImageDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ImageDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not a sha256 digest"))
    }
}

/// Hashes `parts` into 32 hexadecimal digits; a separator keeps ("ab","c") and ("a","bc") apart.
#[must_use]
pub fn short_hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let mut text = String::with_capacity(32);
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    for byte in hash.finalize().iter().take(16) {
        text.extend([digit(byte >> 4), digit(byte & 0xf)]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_names_may_hold_slashes_but_no_empty_part() {
        assert!(TargetName::parse("team/backstage").is_ok());
        for wrong in ["", "/a", "a/", "a//b", "a b", "a\nb", "ä", &"x".repeat(201)] {
            assert_eq!(TargetName::parse(wrong), Err(NotATargetName), "{wrong:?}");
        }
    }

    #[test]
    fn the_same_push_makes_the_same_rollout_id_and_ids_sort_by_time() {
        let early = jiff::Timestamp::from_second(1_700_000_000).unwrap();
        let late = jiff::Timestamp::from_second(1_700_000_001).unwrap();
        assert_eq!(RolloutId::new(early, &["a"]), RolloutId::new(early, &["a"]));
        assert_ne!(RolloutId::new(early, &["a"]), RolloutId::new(early, &["b"]));
        assert!(RolloutId::new(early, &["z"]) < RolloutId::new(late, &["a"]));
    }

    #[test]
    fn a_target_has_a_message_group_of_its_own_that_sqs_takes() {
        let group = |name: &str| TargetName::parse(name).unwrap().message_group();
        assert_eq!(group("team/web"), group("team/web"));
        assert_ne!(group("team/web"), group("team/api"));
        let long = group(&"x".repeat(200));
        assert!(!long.is_empty() && long.len() <= 128, "{long}");
        assert!(long.chars().all(|c| c.is_ascii_alphanumeric()), "{long}");
    }

    #[test]
    fn hash_parts_do_not_run_together() {
        assert_ne!(short_hash(&["ab", "c"]), short_hash(&["a", "bc"]));
    }

    #[test]
    fn only_sha256_digests_are_digests() {
        let good = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(ImageDigest::parse(&good).unwrap().short(), "0a0a0a0a0a0a");
        for wrong in [
            "",
            "sha256:",
            "sha512:00",
            &good.to_uppercase(),
            &good[..70],
        ] {
            assert_eq!(ImageDigest::parse(wrong), None, "{wrong:?}");
        }
    }
}
