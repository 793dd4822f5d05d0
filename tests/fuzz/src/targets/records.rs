//! The ledger's records and the queue's messages, read back.

use std::fmt::Debug;

use pushboat::core::hold::Hold;
use pushboat::core::rollout::Rollout;
use pushboat::core::state::TargetState;
use pushboat::findings::{FailedContainer, Findings};
use pushboat::ledger::stored::{FORMAT, StoredText, read, write};
use pushboat::ledger::{Follower, Registration};
use pushboat::message;
use pushboat::notice::{News, Notice};
use pushboat::queue::QueueMessage;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{short, surroundings};

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    _ = record::<Registration>(text);
    _ = record::<Follower>(text);
    _ = record::<TargetState>(text);
    _ = record::<Rollout>(text);
    _ = record::<Hold>(text);
    _ = record::<QueueMessage>(text);
    if let Some(notice) = record::<Notice>(text) {
        publish(&notice);
    }
}

fn record<T: Serialize + DeserializeOwned + PartialEq + Debug>(text: &str) -> Option<T> {
    let stored = |format| StoredText {
        format,
        body: text.to_owned(),
    };
    assert!(read::<T>("a record", &stored(FORMAT + 1)).is_err());
    match read::<T>("a record", &stored(FORMAT)) {
        Ok(record) => {
            let again = write("a record", &record).expect("what was read is written");
            assert_eq!(read::<T>("a record", &again).as_ref(), Ok(&record));
            Some(record)
        }
        Err(error) => {
            short(&error.to_string());
            None
        }
    }
}

fn publish(notice: &Notice) {
    let publication = message::publication(notice, &surroundings(), &Findings::default());
    assert!((1..100).contains(&publication.subject.len()));
    assert!(publication.subject.is_ascii());
    for (kind, body) in &publication.bodies {
        assert!(!body.is_empty(), "{kind}");
    }
    if let News::Rollout(news) = &notice.news {
        _ = FailedContainer::of(news).map(|failed| failed.task_id().len());
    }
}
