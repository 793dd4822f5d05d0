//! Commands against a ledger and a queue in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::FutureExt as _;

use super::*;
use crate::core::name::ImageDigest;
use crate::core::rollout::Rollout;
use crate::core::state::TargetState;
use crate::ledger::{IgnoredPush, TargetEntry};

/// The records as a release wrote them.
macro_rules! stored {
    ($kind:literal) => {
        serde_json::from_str(include_str!(concat!(
            "../../../tests/records/format-1/",
            $kind,
            ".json"
        )))
        .unwrap()
    };
}

mod answers;
mod hostile;
mod refused;

#[derive(Default)]
struct Installation {
    entries: BTreeMap<TargetName, TargetEntry>,
    history: Vec<Rollout>,
    ignored: Vec<IgnoredPush>,
    sent: RefCell<Vec<QueueMessage>>,
}

impl Installation {
    /// One valid target, `web`, with a state and a history.
    fn new(state: TargetState) -> Self {
        let registrations: Vec<Registration> = stored!("registration");
        let valid = registrations.into_iter().find(|one| one.policy().is_some());
        let registration = Registration {
            target: target(),
            ..valid.unwrap()
        };
        let entry = TargetEntry {
            registration: Some(registration.into()),
            state: state.into(),
            ..TargetEntry::default()
        };
        let history: Vec<Rollout> = stored!("rollout");
        Self {
            entries: BTreeMap::from([(target(), entry)]),
            history,
            ignored: Vec::new(),
            sent: RefCell::default(),
        }
    }

    fn answer(&self, command: Value) -> Value {
        let request = Request {
            id: "request-1".to_owned(),
            at: Timestamp::from_second(1_800_000_000).unwrap(),
            command,
        };
        let around = Surroundings::default();
        answer(self, self, &around, &request)
            .now_or_never()
            .unwrap()
            .unwrap()
    }
}

impl Records for Installation {
    async fn all_registrations(&self) -> Result<Vec<Registration>, LedgerError> {
        let entries = self.entries.values();
        Ok(entries
            .filter_map(|entry| entry.registration.as_deref().cloned())
            .collect())
    }

    async fn entry(&self, target: &TargetName) -> Result<TargetEntry, LedgerError> {
        Ok(self.entries.get(target).cloned().unwrap_or_default())
    }

    async fn history(
        &self,
        _target: &TargetName,
        limit: usize,
    ) -> Result<Vec<Rollout>, LedgerError> {
        Ok(self.history.iter().take(limit).cloned().collect())
    }

    async fn ignored(
        &self,
        _target: &TargetName,
        limit: usize,
    ) -> Result<Vec<IgnoredPush>, LedgerError> {
        Ok(self.ignored.iter().take(limit).cloned().collect())
    }

    async fn finished(
        &self,
        _target: &TargetName,
        id: &str,
    ) -> Result<Option<Rollout>, LedgerError> {
        let mut history = self.history.iter();
        Ok(history.find(|one| one.id.as_str() == id).cloned())
    }
}

impl Queue for Installation {
    async fn send(&self, messages: &[QueueMessage]) -> Result<(), CallError> {
        self.sent.borrow_mut().extend_from_slice(messages);
        Ok(())
    }
}

fn stored_states() -> Vec<TargetState> {
    let mut states: Vec<TargetState> = stored!("state");
    let later: Vec<TargetState> = stored!("state-taken-back");
    states.extend(later);
    states
}

fn target() -> TargetName {
    TargetName::parse("web").unwrap()
}

fn digest() -> ImageDigest {
    ImageDigest::parse(&format!("sha256:{}", "0a".repeat(32))).unwrap()
}

#[test]
fn a_change_is_queued_for_its_target_under_the_requests_id() {
    let installation = Installation::new(TargetState::default());
    let answered =
        installation.answer(json!({ "command": "hold", "target": "web", "reason": "freeze" }));
    assert_eq!(
        answered,
        json!({ "accepted": true, "requestId": "request-1" })
    );
    let sent = installation.sent.borrow();
    let [message] = sent.as_slice() else { panic!() };
    assert_eq!(
        (&message.target, message.event_id.as_str()),
        (&target(), "request-1")
    );
    let Trigger::Operator(command) = &message.trigger else {
        panic!()
    };
    let reason = "freeze".to_owned();
    assert_eq!(command.order, Order::Hold { reason });
    let text = serde_json::to_string(message).unwrap();
    assert_eq!(
        serde_json::from_str::<QueueMessage>(&text).unwrap(),
        *message
    );
}

#[test]
fn every_state_that_was_ever_stored_can_be_asked_for() {
    for state in stored_states() {
        let installation = Installation::new(state.clone());
        let status = installation.answer(json!({ "command": "status" }));
        let one = installation.answer(json!({ "command": "status", "target": "web" }));
        assert_eq!(status["targets"][0], one);
        let phase = state.current.as_ref().map(|current| current.phase.as_str());
        assert_eq!(one["current"]["phase"], json!(phase)); // null where nothing is under way
        let explained = installation.answer(json!({ "command": "explain", "target": "web" }));
        assert_ne!(explained["because"], json!([]), "{state:?}");
    }
}

#[test]
fn a_hold_is_the_first_thing_that_is_explained() {
    let mut installation = Installation::new(TargetState::default());
    let hold = crate::core::hold::Hold {
        reason: "freeze".to_owned(),
        since: Timestamp::UNIX_EPOCH,
    };
    let entry = installation.entries.get_mut(&target()).unwrap();
    entry.hold = Some(hold);
    let explained = installation.answer(json!({ "command": "explain", "target": "web" }));
    let first = explained["because"][0].as_str().unwrap();
    assert!(first.contains("freeze"), "{first}");
}

#[test]
fn all_targets_come_page_by_page() {
    let mut installation = Installation::new(TargetState::default());
    for name in ["a", "b", "c"] {
        let name = TargetName::parse(name).unwrap();
        let mut entry = installation.entries[&target()].clone();
        entry.registration.as_mut().unwrap().target = name.clone();
        installation.entries.insert(name, entry);
    }
    let mut seen = Vec::new();
    let mut command = json!({ "command": "status", "limit": 3 });
    loop {
        let page = installation.answer(command.clone());
        for one in page["targets"].as_array().unwrap() {
            seen.push(one["target"].as_str().unwrap().to_owned());
        }
        if page["after"].is_null() {
            break;
        }
        command["after"] = page["after"].clone();
    }
    assert_eq!(seen, ["a", "b", "c", "web"]);
}

#[test]
fn finished_rollouts_are_listed_and_shown_whole() {
    let installation = Installation::new(TargetState::default());
    let listed = installation.answer(json!({ "command": "history", "target": "web", "limit": 2 }));
    let listed = listed["rollouts"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    let id = &installation.history[1].id;
    let shown = installation.answer(json!({ "command": "show", "target": "web", "rollout": id }));
    assert_eq!(shown["summary"], listed[1]);
    assert_eq!(shown["rollout"], json!(installation.history[1]));
}
