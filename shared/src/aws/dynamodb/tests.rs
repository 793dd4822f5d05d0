//! The ledger against a table in memory.

use serde::de::DeserializeOwned;
use serde_json::json;

use super::super::endpoint::{Answer, Endpoint};
use super::table::Table;
use super::*;
use crate::core::policy::ServiceRef;
use crate::core::rollout::Rollout;
use crate::core::state::{TargetState, Wake};
use crate::ledger::RegistrationStatus;
use crate::notice::Notice;

fn records<T: DeserializeOwned>(file: &str) -> Vec<T> {
    serde_json::from_str(file).unwrap()
}

fn states() -> Vec<TargetState> {
    records(include_str!(
        "../../../../tests/records/format-1/state.json"
    ))
}

fn notices() -> Vec<Notice> {
    records(include_str!(
        "../../../../tests/records/format-1/notice.json"
    ))
}

fn rollouts() -> Vec<Rollout> {
    records(include_str!(
        "../../../../tests/records/format-1/rollout.json"
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
        state,
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
        assert_eq!(entry.state, state);
        assert_eq!(
            (entry.version, version),
            (Version(count + 1), Version(count + 1))
        );
        assert_eq!(entry.registration.as_ref(), Some(&change.registration));
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

#[tokio::test]
async fn a_service_belongs_to_one_target() {
    let table = Table::default();
    let ledger = ledger(&table);
    let first = registering("a", "web", None);
    ledger.apply(&first).await.unwrap();
    let size = table.len();
    let refused = ledger.apply(&registering("b", "web", None)).await;
    let holder = "a".to_owned();
    assert_eq!(refused, Err(SaveError::Claimed { holder }));
    assert_eq!(
        table.len(),
        size,
        "nothing of a refused registration is stored"
    );

    let moved = RegistrationChange {
        release: first.claim.clone(),
        ..registering("a", "other", Some(first.registration))
    };
    ledger.apply(&moved).await.unwrap();
    ledger.apply(&registering("b", "web", None)).await.unwrap();
    let again = registering("b", "web", None);
    let expected = Some(again.registration.clone());
    let kept = registering("b", "web", expected);
    ledger.apply(&kept).await.unwrap();

    let thief = RegistrationChange {
        release: kept.claim,
        ..registering("a", "other", Some(moved.registration))
    };
    assert_eq!(
        ledger.apply(&thief).await,
        Err(SaveError::Conflict),
        "nobody gives up what another target holds"
    );
}

#[tokio::test]
async fn a_registration_follows_the_one_it_was_made_from() {
    let table = Table::default();
    let ledger = ledger(&table);
    let first = registering("a", "web", None);
    ledger.apply(&first).await.unwrap();
    assert_eq!(ledger.apply(&first).await, Err(SaveError::Conflict));
    let made_anew = Registration {
        parameter_changed_at: at(99),
        ..first.registration.clone()
    };
    assert_eq!(
        ledger
            .apply(&registering("a", "web", Some(made_anew)))
            .await,
        Err(SaveError::Conflict)
    );
    let next = registering("a", "web", Some(first.registration));
    ledger.apply(&next).await.unwrap();
    assert_eq!(ledger.registrations().await.unwrap(), [next.registration]);
}

#[tokio::test]
async fn all_pages_of_registrations_and_followers_are_read() {
    let table = Table::default();
    let ledger = ledger(&table);
    let names = ["a", "b", "c", "team/d", "team/e"];
    for name in names {
        ledger.apply(&registering(name, name, None)).await.unwrap();
    }
    let listed = ledger.registrations().await.unwrap();
    let listed: Vec<_> = listed.iter().map(|found| found.target.as_str()).collect();
    assert_eq!(listed, names);
    let key = ReverseKey::Repository("team/web".to_owned());
    assert_eq!(ledger.followers(&key).await.unwrap().len(), names.len());

    let first = registering("a", "a", None);
    let gone = RegistrationChange {
        unfollow: vec![key.clone()],
        follow: Vec::new(),
        claim: None,
        release: first.claim,
        ..registering("a", "a", Some(first.registration))
    };
    ledger.apply(&gone).await.unwrap();
    let followers = ledger.followers(&key).await.unwrap();
    assert!(
        followers
            .iter()
            .all(|follower| follower.target != target("a"))
    );
    let nobody = ReverseKey::Repository("else".to_owned());
    assert_eq!(ledger.followers(&nobody).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_due_comes_longest_due_first() {
    let table = Table::default();
    let ledger = ledger(&table);
    for (name, second) in [("late", 300), ("b", 100), ("a", 200), ("c", 150)] {
        let write = StateWrite {
            target: target(name),
            ..step(0, waiting(second))
        };
        ledger.save(&write).await.unwrap();
    }
    let due = async |now| {
        let found = ledger.due(at(now)).await.unwrap();
        let found = found.into_iter();
        found
            .map(|(target, at)| (target.to_string(), at.as_second()))
            .collect::<Vec<_>>()
    };
    let found = |name: &str, second| (name.to_owned(), second);
    assert_eq!(due(99).await, []);
    assert_eq!(
        due(200).await,
        [found("b", 100), found("c", 150), found("a", 200)]
    );
    let rest = StateWrite {
        target: target("b"),
        ..step(1, TargetState::default())
    };
    ledger.save(&rest).await.unwrap();
    assert_eq!(due(199).await, [found("c", 150)]);
}

#[test]
fn nothing_is_due_before_its_time() {
    let nanosecond = |count| Timestamp::from_nanosecond(count).unwrap();
    assert_eq!(item::millisecond(nanosecond(1_000_000)), 1);
    assert_eq!(item::millisecond(nanosecond(1_000_001)), 2);
}

#[tokio::test]
async fn a_notice_waits_until_it_was_sent() {
    let table = Table::default();
    let ledger = ledger(&table);
    let notices = notices();
    let write = StateWrite {
        notices: notices.clone(),
        ..step(0, waiting(1))
    };
    ledger.save(&write).await.unwrap();
    let key = |notice: &Notice| NoticeKey {
        target: notice.target.clone(),
        id: notice.id.clone(),
    };
    for notice in &notices {
        let stored = ledger.unsent(&key(notice)).await.unwrap().unwrap();
        assert_eq!(stored.notice, *notice);
    }
    let stored_at = notices[0].at;
    assert_eq!(ledger.unsent_before(stored_at).await.unwrap(), []);
    let later = stored_at + jiff::SignedDuration::from_millis(1);
    let unsent = ledger.unsent_before(later).await.unwrap();
    assert_eq!(unsent, notices.iter().map(key).collect::<Vec<_>>());

    let first = key(&notices[0]);
    ledger.mark_sent(&first, at(1_800_000_000)).await.unwrap();
    assert_eq!(ledger.unsent(&first).await.unwrap(), None);
    let left = ledger.unsent_before(later).await.unwrap();
    assert_eq!(left.len(), notices.len() - 1);
    let sent = table.item("notice#team/web", &first.id).unwrap();
    let expires_at = (1_800_000_000 + 30 * 86_400).to_string();
    assert_eq!(sent["expires_at"], json!({ "N": expires_at }));
    assert_eq!(sent["sent_at"], json!({ "N": "1800000000000" }));

    let size = table.len();
    let gone = NoticeKey {
        id: "expired".to_owned(),
        ..first
    };
    ledger.mark_sent(&gone, at(1)).await.unwrap();
    assert_eq!(ledger.unsent(&gone).await.unwrap(), None);
    assert_eq!(table.len(), size, "an expired notice is not made anew");
}

#[tokio::test]
async fn a_wake_up_is_noted_for_the_registration_it_was_for() {
    let table = Table::default();
    let ledger = ledger(&table);
    let first = registering("a", "web", None).registration;
    ledger.apply(&registering("a", "web", None)).await.unwrap();
    let second = registering("a", "web", Some(first.clone())).registration;
    ledger
        .apply(&registering("a", "web", Some(first.clone())))
        .await
        .unwrap();
    ledger.note_woken(&first).await.unwrap();
    let listed = async || ledger.registrations().await.unwrap().remove(0);
    assert_eq!(listed().await, second);
    ledger.note_woken(&second).await.unwrap();
    let woken = Registration {
        woken: true,
        ..second
    };
    assert_eq!(listed().await, woken);
    let entry = ledger.load(&woken.target).await.unwrap();
    assert_eq!(entry.registration, Some(woken));
    let unknown = registering("b", "web", None).registration;
    ledger.note_woken(&unknown).await.unwrap();
}

#[tokio::test]
async fn when_the_parameters_were_read_is_kept() {
    let ledger = ledger(&Table::default());
    assert_eq!(ledger.parameters_read_at().await.unwrap(), None);
    ledger.note_parameters_read(at(7)).await.unwrap();
    assert_eq!(ledger.parameters_read_at().await.unwrap(), Some(at(7)));
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
