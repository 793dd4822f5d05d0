//! Tags, as every ECS resource carries them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::ServiceError;

/// How many tags a resource may have, not counting AWS's own.
const MOST_TAGS: usize = 50;

/// One tag, as the protocol spells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// Up to 128 characters.
    pub key: String,
    /// Up to 256 characters; absent is the same as empty.
    #[serde(default)]
    pub value: String,
}

impl Tag {
    /// Makes a tag.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Tag {
            key: key.into(),
            value: value.into(),
        }
    }
}

/// A resource's tags, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(BTreeMap<String, String>);

impl Tags {
    /// Reads the tags of a request.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tag.html>
    /// and the restrictions listed at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TagResource.html>.
    ///
    /// # Errors
    ///
    /// `InvalidParameterException` for a key that is empty, too long, doubled
    /// or AWS's own, a value that is too long, and more than 50 tags.
    pub fn from_request(tags: &[Tag]) -> Result<Self, ServiceError> {
        let mut read = Tags::default();
        for tag in tags {
            check(tag)?;
            if read.0.insert(tag.key.clone(), tag.value.clone()).is_some() {
                return Err(ServiceError::invalid_parameter(format!(
                    "Duplicate tag key: {}",
                    tag.key
                )));
            }
        }
        read.check_count()?;
        Ok(read)
    }

    /// Adds the tags of another resource or request; equal keys take its values.
    ///
    /// # Errors
    ///
    /// `InvalidParameterException` if there would be more than 50.
    pub fn add(&mut self, other: &Tags) -> Result<(), ServiceError> {
        let mut both = self.clone();
        both.put_all(other);
        both.check_count()?;
        *self = both;
        Ok(())
    }

    /// Adds the tags of another resource, asking nothing.
    pub(crate) fn put_all(&mut self, other: &Tags) {
        for (key, value) in &other.0 {
            self.0.insert(key.clone(), value.clone());
        }
    }

    /// Adds one tag, asking nothing.
    pub(crate) fn put(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }

    /// Removes a tag, if it is there.
    pub fn remove(&mut self, key: &str) {
        self.0.remove(key);
    }

    /// Says the value of a tag.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Lists the tags, ordered by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there is no tag.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn check_count(&self) -> Result<(), ServiceError> {
        let own = self.0.keys().filter(|key| !is_reserved(key)).count();
        if own > MOST_TAGS {
            return Err(ServiceError::invalid_parameter(
                "The number of tags exceeds the limit of 50.",
            ));
        }
        Ok(())
    }
}

fn is_reserved(key: &str) -> bool {
    key.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

fn check(tag: &Tag) -> Result<(), ServiceError> {
    let key_length = tag.key.chars().count();
    if key_length == 0 || key_length > 128 {
        return Err(ServiceError::invalid_parameter(
            "Tag key must have between 1 and 128 characters.",
        ));
    }
    if tag.value.chars().count() > 256 {
        return Err(ServiceError::invalid_parameter(format!(
            "The value of tag {} must have at most 256 characters.",
            tag.key
        )));
    }
    if is_reserved(&tag.key) {
        return Err(ServiceError::invalid_parameter(
            "aws: prefixed tag key names are not allowed for external use.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_restrictions_are_kept() {
        let refused = |tags: &[Tag]| Tags::from_request(tags).unwrap_err().message;
        assert!(refused(&[Tag::new("", "x")]).contains("between 1 and 128"));
        assert!(refused(&[Tag::new("k".repeat(129), "x")]).contains("between 1 and 128"));
        assert!(refused(&[Tag::new("k", "v".repeat(257))]).contains("at most 256"));
        assert!(refused(&[Tag::new("AWS:stack", "x")]).contains("aws: prefixed"));
        assert!(refused(&[Tag::new("k", "1"), Tag::new("k", "2")]).contains("Duplicate"));
        assert!(refused(&numbered(51)).contains("limit of 50"));
        assert!(Tags::from_request(&numbered(50)).is_ok());
    }

    #[test]
    fn adding_replaces_and_counts() {
        let mut tags = Tags::from_request(&numbered(50)).unwrap();
        let other = Tags::from_request(&[Tag::new("k7", "new")]).unwrap();
        tags.add(&other).unwrap();
        assert_eq!(tags.get("k7"), Some("new"));
        let extra = Tags::from_request(&[Tag::new("one-more", "")]).unwrap();
        assert!(tags.add(&extra).is_err());
        assert_eq!(tags.get("one-more"), None);
        tags.remove("k7");
        assert_eq!(tags.get("k7"), None);
    }

    fn numbered(count: usize) -> Vec<Tag> {
        (0..count)
            .map(|number| Tag::new(format!("k{number}"), "v"))
            .collect()
    }
}
