//! Where each record lies in the ledger's table: its partition and its place in it.
//!
//! Pure text, so that whoever gets a key from the table's stream can read it
//! without an AWS SDK.

use super::{Chore, NoticeKey, ReverseKey};
use crate::core::name::{RolloutId, TargetName};
use crate::core::policy::ServiceRef;
use crate::core::push::Push;

/// The place of a target's registration in its partition.
pub const REGISTRATION: &str = "registration";
/// The place of a target's state in its partition.
pub const STATE: &str = "state";
/// The partition that lists all registrations, so that none has to be scanned for.
pub const REGISTRATIONS: &str = "registrations";

/// The primary key of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemKey {
    /// The partition key.
    pub partition: String,
    /// The sort key.
    pub sort: String,
}

impl ItemKey {
    fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self {
            partition: partition.into(),
            sort: sort.into(),
        }
    }

    /// Places a target's registration beside its state.
    #[must_use]
    pub fn registration(target: &TargetName) -> Self {
        Self::new(target_partition(target), REGISTRATION)
    }

    /// Places the copy of a registration that the list of all of them is read from.
    #[must_use]
    pub fn listed_registration(target: &TargetName) -> Self {
        Self::new(REGISTRATIONS, target.as_str())
    }

    /// Places a target's state.
    #[must_use]
    pub fn state(target: &TargetName) -> Self {
        Self::new(target_partition(target), STATE)
    }

    /// Places the whole task definition of a target's last-known-good.
    #[must_use]
    pub fn good_definition(target: &TargetName) -> Self {
        Self::new(format!("definition#{target}"), "last-known-good")
    }

    /// Places a finished rollout.
    #[must_use]
    pub fn history(target: &TargetName, rollout: &RolloutId) -> Self {
        Self::finished(target, rollout.as_str())
    }

    /// Places a finished rollout of which a person gave the id.
    #[must_use]
    pub fn finished(target: &TargetName, rollout: &str) -> Self {
        Self::new(history_partition(target), rollout)
    }

    /// Places a push that a target ignored; the event's id keeps a repeat from being another one.
    #[must_use]
    pub fn ignored(target: &TargetName, push: &Push) -> Self {
        let place = format!("{:.0}#{}", push.tagged_at, push.event_id);
        Self::new(ignored_partition(target), place)
    }

    /// Places a notice.
    #[must_use]
    pub fn notice(notice: &NoticeKey) -> Self {
        Self::new(format!("{NOTICE}{}", notice.target), &notice.id)
    }

    /// Places the claim on a service.
    #[must_use]
    pub fn claim(service: &ServiceRef) -> Self {
        Self::new(format!("claim#service#{service}"), "claim")
    }

    /// Places the reverse item that leads from `key` to `target`.
    #[must_use]
    pub fn follower(key: &ReverseKey, target: &TargetName) -> Self {
        Self::new(key.partition(), target.as_str())
    }

    /// Places the note of when the sweep last did a chore.
    #[must_use]
    pub fn done(chore: Chore) -> Self {
        let name = match chore {
            Chore::ReadParameters => "parameters",
            Chore::FindOverlooked => "overlooked",
        };
        Self::new("sweep", name)
    }

    /// Places the hold for everything.
    #[must_use]
    pub fn hold() -> Self {
        Self::new("hold", "hold")
    }

    /// Says which target's state lies here, if one does.
    #[must_use]
    pub fn as_state(&self) -> Option<TargetName> {
        let name = self.partition.strip_prefix(TARGET)?;
        (self.sort == STATE)
            .then(|| TargetName::parse(name).ok())
            .flatten()
    }

    /// Says which notice lies here, if one does.
    #[must_use]
    pub fn as_notice(&self) -> Option<NoticeKey> {
        let name = self.partition.strip_prefix(NOTICE)?;
        Some(NoticeKey {
            target: TargetName::parse(name).ok()?,
            id: self.sort.clone(),
        })
    }
}

/// Gives the partition that holds a target's registration and state.
#[must_use]
pub fn target_partition(target: &TargetName) -> String {
    format!("{TARGET}{target}")
}

/// Gives the partition that holds a target's finished rollouts, the earliest push first.
#[must_use]
pub fn history_partition(target: &TargetName) -> String {
    format!("history#{target}")
}

/// Gives the partition that holds the pushes that a target ignored, the earliest first.
#[must_use]
pub fn ignored_partition(target: &TargetName) -> String {
    format!("ignored#{target}")
}

const TARGET: &str = "target#";
const NOTICE: &str = "notice#";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_from_the_stream_lead_back_to_their_records() {
        let target = TargetName::parse("team/web").unwrap();
        let notice = NoticeKey {
            target: target.clone(),
            id: "20260101T000000Z-0a-started".to_owned(),
        };
        let of_state = ItemKey::state(&target);
        let of_notice = ItemKey::notice(&notice);
        assert_eq!(of_notice.as_notice(), Some(notice));
        assert_eq!(of_notice.as_state(), None);
        assert_eq!(of_state.as_state(), Some(target.clone()));
        assert_eq!(of_state.as_notice(), None);
        assert_eq!(ItemKey::registration(&target).as_state(), None);
    }

    #[test]
    fn names_that_nobody_could_have_given_lead_nowhere() {
        let key = ItemKey::new("target#a//b", STATE);
        assert_eq!(key.as_state(), None);
        assert_eq!(ItemKey::new("notice#", "id").as_notice(), None);
    }
}
