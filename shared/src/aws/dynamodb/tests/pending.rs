//! What waits: targets for their time, notices for being sent.

use serde_json::json;

use super::*;

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
        assert!(!stored.published);
    }
    let stored_at = notices[0].at;
    assert_eq!(ledger.unsent_before(stored_at).await.unwrap(), []);
    let later = stored_at + jiff::SignedDuration::from_millis(1);
    let unsent = ledger.unsent_before(later).await.unwrap();
    assert_eq!(unsent, notices.iter().map(key).collect::<Vec<_>>());

    let first = key(&notices[0]);
    ledger.note_published(&first, at(1)).await.unwrap();
    let published = ledger.unsent(&first).await.unwrap().unwrap();
    assert!(published.published);
    assert_eq!(ledger.unsent_before(later).await.unwrap(), unsent);
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
