//! The ledger against a table in memory.

mod answers;
mod pending;
mod registrations;
mod table;

use serde::de::DeserializeOwned;
use serde_json::json;

use self::table::Table;
use super::super::endpoint::{Answer, Endpoint};
use super::*;
use crate::core::policy::ServiceRef;
use crate::core::rollout::Rollout;
use crate::core::state::{TargetState, Wake};
use crate::ledger::{Chore, RegistrationStatus};
use crate::notice::Notice;

fn records<T: DeserializeOwned>(file: &str) -> Vec<T> {
    serde_json::from_str(file).unwrap()
}

fn states() -> Vec<TargetState> {
    records(include_str!(
        "../../../../../tests/records/format-1/state.json"
    ))
}

fn notices() -> Vec<Notice> {
    records(include_str!(
        "../../../../../tests/records/format-1/notice.json"
    ))
}

fn rollouts() -> Vec<Rollout> {
    records(include_str!(
        "../../../../../tests/records/format-1/rollout.json"
    ))
}

fn target(name: &str) -> TargetName {
    TargetName::parse(name).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn ledger(table: &Table) -> Dynamo {
    Dynamo::new(&table.endpoint().clients(), "ledger")
}

fn step(expected: u64, state: TargetState) -> StateWrite {
    StateWrite {
        target: target("team/web"),
        state: state.into(),
        expected: Version(expected),
        finished: Vec::new(),
        notices: Vec::new(),
        good_definition: None,
    }
}

/// A state that waits until `second`.
fn waiting(second: i64) -> TargetState {
    let wake = states().into_iter().find_map(|state| state.wake).unwrap();
    TargetState {
        wake: Some(Wake {
            at: at(second),
            ..wake
        }),
        ..TargetState::default()
    }
}

/// What registers `name` for `prod/<service>`, with one repository followed.
fn registering(name: &str, service: &str, expected: Option<Registration>) -> RegistrationChange {
    let service = ServiceRef {
        cluster: "prod".to_owned(),
        name: service.to_owned(),
    };
    let version = expected
        .as_ref()
        .map_or(1, |before| before.parameter_version + 1);
    let key = ReverseKey::Repository("team/web".to_owned());
    let follower = Follower {
        target: target(name),
        tags: None,
    };
    RegistrationChange {
        registration: Registration {
            target: target(name),
            parameter_version: version,
            parameter_changed_at: at(version),
            registered_at: at(1),
            status: RegistrationStatus::Removed,
            claim: Some(service.clone()),
            follows: vec![key.clone()],
            woken: false,
        },
        expected,
        claim: Some(service),
        release: None,
        follow: vec![(key, follower)],
        unfollow: Vec::new(),
        notice: None,
    }
}

#[tokio::test]
async fn a_target_is_loaded_as_it_was_saved() {
    let table = Table::default();
    let ledger = ledger(&table);
    let name = target("team/web");
    assert_eq!(ledger.load(&name).await.unwrap(), TargetEntry::default());

    let change = registering("team/web", "web", None);
    ledger.apply(&change).await.unwrap();
    for (count, state) in (0..).zip(states()) {
        let version = ledger.save(&step(count, state.clone())).await.unwrap();
        let entry = ledger.load(&name).await.unwrap();
        assert_eq!(*entry.state, state);
        assert_eq!(
            (entry.version, version),
            (Version(count + 1), Version(count + 1))
        );
        assert_eq!(entry.registration.as_deref(), Some(&change.registration));
    }
}

#[tokio::test]
async fn all_that_belongs_to_a_step_is_stored_or_nothing() {
    let table = Table::default();
    let ledger = ledger(&table);
    let definition = crate::core::observation::Definition {
        raw: json!({ "family": "web", "unknown": 1 }),
        tags: json!([]),
    };
    let notice = notices().remove(0);
    let write = StateWrite {
        finished: vec![rollouts().remove(0)],
        notices: vec![notice.clone()],
        good_definition: Some(definition.into()),
        ..step(0, waiting(100))
    };
    ledger.save(&write).await.unwrap();
    let history = table.item("history#team/web", write.finished[0].id.as_str());
    let ended_at = notice.at.as_second();
    assert_eq!(
        history.unwrap()["expires_at"],
        json!({ "N": (ended_at + 90 * 86_400).to_string() })
    );
    let kept = table
        .item("definition#team/web", "last-known-good")
        .unwrap();
    assert_eq!(
        kept["body"],
        json!({ "S": r#"{"raw":{"family":"web","unknown":1},"tags":[]}"# })
    );
    assert_eq!(kept["format"], json!({ "N": "1" }));
    assert!(table.item("notice#team/web", &notice.id).is_some());

    let size = table.len();
    for stale in [0, 2] {
        let write = StateWrite {
            expected: Version(stale),
            finished: vec![rollouts().remove(1)],
            notices: vec![notices().remove(1)],
            ..write.clone()
        };
        assert_eq!(ledger.save(&write).await, Err(SaveError::Conflict));
        assert_eq!(table.len(), size);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_was_lost_is_not_taken_for_somebody_elses() {
    let table = Table::default();
    let ledger = ledger(&table);
    table.lose_next_answer();
    assert_eq!(ledger.save(&step(0, waiting(1))).await, Ok(Version(1)));
    assert_eq!(
        ledger.save(&step(0, waiting(1))).await,
        Err(SaveError::Conflict),
        "a late twin of that write is"
    );
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_does_not_answer_is_unreachable() {
    for answer in [
        || Answer::Broken,
        || Answer::error("AccessDeniedException", "no"),
        || Answer::error("ThrottlingException", "no"),
    ] {
        let endpoint = Endpoint::new(move |_| answer());
        let ledger = Dynamo::new(&endpoint.clients(), "ledger");
        let unreachable = |error: &LedgerError| matches!(error, LedgerError::Unreachable { doing, .. } if doing.contains("team/web"));
        let load = ledger.load(&target("team/web")).await.unwrap_err();
        assert!(unreachable(&load), "{load:?}");
        let save = ledger.save(&step(0, waiting(1))).await.unwrap_err();
        assert!(
            matches!(&save, SaveError::Ledger(error) if unreachable(error)),
            "{save:?}"
        );
    }
}

#[tokio::test]
async fn a_record_of_a_newer_format_is_unreadable() {
    let table = Table::default();
    let ledger = ledger(&table);
    ledger.save(&step(0, waiting(1))).await.unwrap();
    table.set("target#team/web", "state", "format", json!({ "N": "2" }));
    let error = ledger.load(&target("team/web")).await.unwrap_err();
    assert!(
        matches!(&error, LedgerError::Unreadable { .. }),
        "{error:?}"
    );
}
