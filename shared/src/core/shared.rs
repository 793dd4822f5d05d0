//! A value that its copies share until one of them is changed.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Holds a value that its clones share; to write to one copies it first.
///
/// What the ledger holds is copied with each step, and most of it never changes. It is written and
/// read as the value alone.
#[derive(Debug, Default, Eq)]
pub struct Shared<T>(Arc<T>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_write_to_one_leaves_its_clones_as_they_are() {
        let before = Shared::from(vec![1]);
        let mut after = before.clone();
        after.push(2);
        assert_eq!((&*before, &*after), (&vec![1], &vec![1, 2]));
        assert_ne!(before, after);
    }

    #[test]
    fn it_is_written_as_its_value() {
        let shared = Shared::from(vec![1]);
        let text = serde_json::to_string(&shared).unwrap();
        assert_eq!(text, "[1]");
        assert_eq!(
            serde_json::from_str::<Shared<Vec<i32>>>(&text).unwrap(),
            shared
        );
    }
}
