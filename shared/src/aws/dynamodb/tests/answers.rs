//! What people ask for: finished rollouts, and the hold for everything.

use super::*;
use crate::core::hold::Hold;
use crate::core::name::RolloutId;
use crate::core::push::Push;
use crate::core::reason::Ignored;
use crate::ledger::IgnoredPush;
use crate::ports::{IgnoredPushes as _, Records as _};

#[tokio::test]
async fn finished_rollouts_come_latest_first_to_the_limit() {
    let table = Table::default();
    let ledger = ledger(&table);
    let stored = rollouts().remove(0);
    let ids: Vec<RolloutId> = (0..5)
        .map(|day| RolloutId::new(at(day * 86_400), &[]))
        .collect();
    for (version, id) in (0..).zip(&ids) {
        let finished = Rollout {
            id: id.clone(),
            ..stored.clone()
        };
        let write = StateWrite {
            finished: vec![finished],
            ..step(version, TargetState::default())
        };
        ledger.save(&write).await.unwrap();
    }
    let latest = async |limit| {
        let found = ledger.history(&target("team/web"), limit).await.unwrap();
        found
            .into_iter()
            .map(|rollout| rollout.id)
            .collect::<Vec<_>>()
    };
    let backwards: Vec<RolloutId> = ids.iter().rev().cloned().collect();
    assert_eq!(latest(3).await, backwards[..3]);
    assert_eq!(latest(50).await, backwards);
    assert_eq!(ledger.history(&target("web"), 5).await.unwrap(), []);

    let one = ledger.finished(&target("team/web"), ids[2].as_str()).await;
    assert_eq!(one.unwrap().unwrap().id, ids[2]);
    let none = ledger.finished(&target("team/web"), "none").await;
    assert_eq!(none.unwrap(), None);
}

#[tokio::test]
async fn the_hold_comes_with_every_target_until_it_is_lifted() {
    let table = Table::default();
    let ledger = ledger(&table);
    let hold = Hold {
        reason: "freeze".to_owned(),
        since: at(7),
    };
    assert_eq!(ledger.hold().await.unwrap(), None);
    ledger.note_hold(Some(&hold)).await.unwrap();
    assert_eq!(ledger.hold().await.unwrap().as_ref(), Some(&hold));
    for name in ["a", "b"] {
        let entry = ledger.load(&target(name)).await.unwrap();
        assert_eq!(entry.hold.as_ref(), Some(&hold));
    }
    ledger.note_hold(None).await.unwrap();
    let entry = ledger.load(&target("a")).await.unwrap();
    assert_eq!(entry, TargetEntry::default());
    assert_eq!(table.len(), 0);
}

#[tokio::test]
async fn pushes_that_were_ignored_come_latest_first_and_each_once() {
    let table = Table::default();
    let ledger = ledger(&table);
    let web = target("team/web");
    let ignored = |second: i64, event: &str| {
        let mut push = Push::clone(&rollouts().remove(0).push);
        push.tagged_at = at(second);
        push.event_id = event.to_owned();
        IgnoredPush {
            push,
            reason: Ignored::Repeat,
        }
    };
    let (first, second) = (ignored(86_400, "a"), ignored(2 * 86_400, "b"));
    for one in [&first, &second, &first] {
        ledger.keep_ignored(&web, one).await.unwrap();
    }
    assert_eq!(table.len(), 2);
    let kept = ledger.ignored(&web, 10).await.unwrap();
    assert_eq!(kept, [second.clone(), first]);
    assert_eq!(ledger.ignored(&web, 1).await.unwrap(), [second]);
    let found = table.item("ignored#team/web", "1970-01-02T00:00:00Z#a");
    assert_eq!(
        found.unwrap()["expires_at"],
        json!({ "N": (15 * 86_400).to_string() })
    );
}
