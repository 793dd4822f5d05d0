//! The ledger's table in memory: typed records, written all or nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use pushboat::core::hold::Hold;
use pushboat::core::name::{RolloutId, TargetName};
use pushboat::core::observation::Definition;
use pushboat::core::policy::ServiceRef;
use pushboat::core::rollout::Rollout;
use pushboat::ledger::key::ItemKey;
use pushboat::ledger::{
    Chore, Follower, IgnoredPush, LedgerError, NoticeKey, Registration, RegistrationChange,
    ReverseKey, SaveError, StateWrite, StoredNotice, TargetEntry, Version,
};
use pushboat::notice::Notice;
use pushboat::ports::{
    IgnoredPushes, Outbox, Records as ReadRecords, Registrations, ReverseItems, Targets,
};

use crate::deeds::{Deed, Saved};
use crate::ecs::Ecs;

/// The ledger; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Rc<RefCell<Records>>);

#[derive(Debug, Default)]
struct Records {
    entries: BTreeMap<TargetName, TargetEntry>,
    good_definitions: BTreeMap<TargetName, Arc<Definition>>,
    history: BTreeMap<TargetName, BTreeMap<RolloutId, Rollout>>,
    /// The pushes that changed nothing, by target and place, the earliest first.
    ignored: BTreeMap<TargetName, BTreeMap<String, IgnoredPush>>,
    claims: BTreeMap<ServiceRef, TargetName>,
    followers: BTreeMap<ReverseKey, BTreeMap<TargetName, Follower>>,
    notices: BTreeMap<NoticeKey, FiledNotice>,
    /// The index of wake-ups, earliest first.
    wakes: BTreeSet<(Timestamp, TargetName)>,
    /// The index of notices that were not sent, earliest first.
    unsent: BTreeSet<(Timestamp, NoticeKey)>,
    /// What the table's stream has to tell: notices that were not there before.
    prompts: Vec<NoticeKey>,
    /// When the sweep did what it does less often than it runs.
    done_at: BTreeMap<Chore, Timestamp>,
    hold: Option<Hold>,
    /// Where each write of a state is noted, and what is true then.
    witness: Option<Ecs>,
}

/// A notice as it lies in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FiledNotice {
    /// What it says.
    pub notice: Notice,
    /// Whether it was noted as published.
    pub published: bool,
    /// When it was noted as sent.
    pub sent_at: Option<Timestamp>,
    /// How often it was stored under this id.
    pub stored: u32,
    /// Counts the notices in the order in which they were first stored.
    pub sequence: usize,
}

impl Ledger {
    /// Gives all that is known of a target.
    #[must_use]
    pub fn entry(&self, target: &TargetName) -> TargetEntry {
        let records = self.0.borrow();
        TargetEntry {
            hold: records.hold.clone(),
            ..records.entries.get(target).cloned().unwrap_or_default()
        }
    }

    /// Gives a target's finished rollouts, the earliest request first.
    #[must_use]
    pub fn history(&self, target: &TargetName) -> Vec<Rollout> {
        let records = self.0.borrow();
        let history = records.history.get(target);
        history
            .into_iter()
            .flat_map(|rollouts| rollouts.values().cloned())
            .collect()
    }

    /// Gives the whole definition of a target's last-known-good.
    #[must_use]
    pub fn good_definition(&self, target: &TargetName) -> Option<Arc<Definition>> {
        self.0.borrow().good_definitions.get(target).cloned()
    }

    /// Gives every notice, in the order in which they were stored.
    #[must_use]
    pub fn notices(&self) -> Vec<FiledNotice> {
        let mut notices: Vec<FiledNotice> = self.0.borrow().notices.values().cloned().collect();
        notices.sort_by_key(|filed| filed.sequence);
        notices
    }

    /// Says which target holds a service.
    #[must_use]
    pub fn holder(&self, service: &ServiceRef) -> Option<TargetName> {
        self.0.borrow().claims.get(service).cloned()
    }

    /// Says which targets follow something.
    #[must_use]
    pub fn following(&self, key: &ReverseKey) -> Vec<TargetName> {
        let records = self.0.borrow();
        let followers = records.followers.get(key);
        followers
            .into_iter()
            .flat_map(|followers| followers.keys().cloned())
            .collect()
    }

    /// Has a target's state say no more of what was published, as before a release that publishes.
    pub fn forget_published(&self, target: &TargetName) {
        let records = &mut *self.0.borrow_mut();
        if let Some(entry) = records.entries.get_mut(target) {
            entry.state.published = None;
        }
    }

    /// Has each write of a state noted, together with how the service stands.
    pub(crate) fn set_witness(&self, ecs: Ecs) {
        self.0.borrow_mut().witness = Some(ecs);
    }

    /// Says whether every notice was sent.
    #[must_use]
    pub fn has_sent_everything(&self) -> bool {
        self.0.borrow().unsent.is_empty()
    }

    /// Takes what the table's stream has to tell.
    pub(crate) fn take_prompts(&self) -> Vec<NoticeKey> {
        std::mem::take(&mut self.0.borrow_mut().prompts)
    }
}

impl Records {
    fn file(&mut self, notice: &Notice) {
        let key = NoticeKey {
            target: notice.target.clone(),
            id: notice.id.clone(),
        };
        let sequence = self.notices.len();
        self.unsent.insert((notice.at, key.clone()));
        match self.notices.get_mut(&key) {
            Some(filed) => {
                filed.notice = notice.clone();
                filed.published = false;
                filed.sent_at = None;
                filed.stored += 1;
            }
            None => {
                self.prompts.push(key.clone());
                let filed = FiledNotice {
                    notice: notice.clone(),
                    published: false,
                    sent_at: None,
                    stored: 1,
                    sequence,
                };
                self.notices.insert(key, filed);
            }
        }
    }

    /// Checks what a registration's write depends on.
    fn check(&self, change: &RegistrationChange) -> Result<(), SaveError> {
        let target = &change.registration.target;
        let version_of = |registration: &Registration| {
            let version = registration.parameter_version;
            (version, registration.parameter_changed_at)
        };
        let stored = self.entries.get(target);
        let stored = stored.and_then(|entry| entry.registration.as_deref());
        if stored.map(version_of) != change.expected.as_ref().map(version_of) {
            return Err(SaveError::Conflict);
        }
        let held_by_another = |service: &Option<ServiceRef>| {
            let holder = self.claims.get(service.as_ref()?)?;
            (holder != target).then(|| holder.to_string())
        };
        if let Some(holder) = held_by_another(&change.claim) {
            return Err(SaveError::Claimed { holder });
        }
        match held_by_another(&change.release) {
            Some(_) => Err(SaveError::Conflict),
            None => Ok(()),
        }
    }
}

impl Targets for Ledger {
    async fn load(&self, target: &TargetName) -> Result<TargetEntry, LedgerError> {
        Ok(self.entry(target))
    }

    async fn good_definition(
        &self,
        target: &TargetName,
    ) -> Result<Option<Arc<Definition>>, LedgerError> {
        Ok(Ledger::good_definition(self, target))
    }

    async fn save(&self, write: &StateWrite) -> Result<Version, SaveError> {
        let records = &mut *self.0.borrow_mut();
        let target = &write.target;
        let stored = records.entries.get(target);
        if stored.map(|entry| entry.version).unwrap_or_default() != write.expected {
            return Err(SaveError::Conflict);
        }
        let entry = records.entries.entry(target.clone()).or_default();
        if let Some(due_at) = entry.state.due_at() {
            records.wakes.remove(&(due_at, target.clone()));
        }
        if let Some(due_at) = write.state.due_at() {
            records.wakes.insert((due_at, target.clone()));
        }
        entry.state.clone_from(&write.state);
        entry.version = write.expected.next();
        let version = entry.version;
        if !write.finished.is_empty() {
            let history = records.history.entry(target.clone()).or_default();
            for rollout in &write.finished {
                history.insert(rollout.id.clone(), rollout.clone());
            }
        }
        for notice in &write.notices {
            records.file(notice);
        }
        if let Some(definition) = &write.good_definition {
            let definition = Arc::clone(definition);
            records.good_definitions.insert(target.clone(), definition);
        }
        if let Some(ecs) = &records.witness {
            let ended = write.finished.last();
            ecs.deeds.note(Deed::Saved(Box::new(Saved {
                at: ecs.now(),
                target: target.clone(),
                state: write.state.clone(),
                finished: write.finished.clone(),
                notices: write.notices.clone(),
                service: ended.and_then(|ended| ecs.truth(&ended.policy.service)),
            })));
        }
        Ok(version)
    }
}

impl ReverseItems for Ledger {
    async fn followers(&self, key: &ReverseKey) -> Result<Vec<Follower>, LedgerError> {
        let records = self.0.borrow();
        let followers = records.followers.get(key);
        Ok(followers
            .into_iter()
            .flat_map(|followers| followers.values().cloned())
            .collect())
    }
}

impl IgnoredPushes for Ledger {
    async fn keep_ignored(
        &self,
        target: &TargetName,
        ignored: &IgnoredPush,
    ) -> Result<(), LedgerError> {
        let records = &mut *self.0.borrow_mut();
        let place = ItemKey::ignored(target, &ignored.push).sort;
        let kept = records.ignored.entry(target.clone()).or_default();
        kept.insert(place, ignored.clone());
        Ok(())
    }
}

impl ReadRecords for Ledger {
    async fn all_registrations(&self) -> Result<Vec<Registration>, LedgerError> {
        self.registrations().await
    }

    async fn entry(&self, target: &TargetName) -> Result<TargetEntry, LedgerError> {
        Ok(Ledger::entry(self, target))
    }

    async fn history(
        &self,
        target: &TargetName,
        limit: usize,
    ) -> Result<Vec<Rollout>, LedgerError> {
        let history = Ledger::history(self, target).into_iter();
        Ok(history.rev().take(limit).collect())
    }

    async fn ignored(
        &self,
        target: &TargetName,
        limit: usize,
    ) -> Result<Vec<IgnoredPush>, LedgerError> {
        let records = self.0.borrow();
        let kept = records.ignored.get(target).into_iter();
        let kept = kept.flat_map(|kept| kept.values().rev());
        Ok(kept.take(limit).cloned().collect())
    }

    async fn finished(
        &self,
        target: &TargetName,
        id: &str,
    ) -> Result<Option<Rollout>, LedgerError> {
        let mut history = Ledger::history(self, target).into_iter();
        Ok(history.find(|rollout| rollout.id.as_str() == id))
    }
}

impl Registrations for Ledger {
    async fn registrations(&self) -> Result<Vec<Registration>, LedgerError> {
        let records = self.0.borrow();
        let entries = records.entries.values();
        Ok(entries
            .filter_map(|entry| entry.registration.as_deref().cloned())
            .collect())
    }

    async fn apply(&self, change: &RegistrationChange) -> Result<(), SaveError> {
        let records = &mut *self.0.borrow_mut();
        records.check(change)?;
        let target = &change.registration.target;
        let entry = records.entries.entry(target.clone()).or_default();
        entry.registration = Some(change.registration.clone().into());
        if let Some(service) = &change.release {
            records.claims.remove(service);
        }
        if let Some(service) = &change.claim {
            records.claims.insert(service.clone(), target.clone());
        }
        for key in &change.unfollow {
            if let Some(followers) = records.followers.get_mut(key) {
                followers.remove(target);
            }
        }
        for (key, follower) in &change.follow {
            let followers = records.followers.entry(key.clone()).or_default();
            followers.insert(target.clone(), follower.clone());
        }
        if let Some(notice) = &change.notice {
            records.file(notice);
        }
        Ok(())
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<(TargetName, Timestamp)>, LedgerError> {
        let records = self.0.borrow();
        let due = records.wakes.iter().take_while(|(at, _)| *at <= now);
        Ok(due.map(|(at, target)| (target.clone(), *at)).collect())
    }

    async fn note_woken(&self, registration: &Registration) -> Result<(), LedgerError> {
        let records = &mut *self.0.borrow_mut();
        let entry = records.entries.get_mut(&registration.target);
        if let Some(stored) = entry.and_then(|entry| entry.registration.as_mut())
            && **stored == *registration
        {
            stored.woken = true;
        }
        Ok(())
    }

    async fn done_at(&self, chore: Chore) -> Result<Option<Timestamp>, LedgerError> {
        Ok(self.0.borrow().done_at.get(&chore).copied())
    }

    async fn note_done(&self, chore: Chore, at: Option<Timestamp>) -> Result<(), LedgerError> {
        let done_at = &mut self.0.borrow_mut().done_at;
        match at {
            Some(at) => done_at.insert(chore, at),
            None => done_at.remove(&chore),
        };
        Ok(())
    }

    async fn hold(&self) -> Result<Option<Hold>, LedgerError> {
        Ok(self.0.borrow().hold.clone())
    }

    async fn note_hold(&self, hold: Option<&Hold>) -> Result<(), LedgerError> {
        self.0.borrow_mut().hold = hold.cloned();
        Ok(())
    }
}

impl Outbox for Ledger {
    async fn unsent(&self, key: &NoticeKey) -> Result<Option<StoredNotice>, LedgerError> {
        let records = self.0.borrow();
        let filed = records.notices.get(key);
        let unsent = filed.filter(|filed| filed.sent_at.is_none());
        Ok(unsent.map(|filed| StoredNotice {
            notice: filed.notice.clone(),
            published: filed.published,
        }))
    }

    async fn unsent_before(&self, before: Timestamp) -> Result<Vec<NoticeKey>, LedgerError> {
        let records = self.0.borrow();
        let old = records.unsent.iter().take_while(|(at, _)| *at < before);
        Ok(old.map(|(_, key)| key.clone()).collect())
    }

    async fn note_published(&self, key: &NoticeKey, _at: Timestamp) -> Result<(), LedgerError> {
        let records = &mut *self.0.borrow_mut();
        if let Some(filed) = records.notices.get_mut(key) {
            filed.published = true;
        }
        Ok(())
    }

    async fn mark_sent(&self, key: &NoticeKey, at: Timestamp) -> Result<(), LedgerError> {
        let records = &mut *self.0.borrow_mut();
        if let Some(filed) = records.notices.get_mut(key) {
            filed.sent_at = Some(at);
            records.unsent.remove(&(filed.notice.at, key.clone()));
        }
        Ok(())
    }
}
