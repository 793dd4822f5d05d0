//! What is fed, one file for each kind of input.

pub(crate) mod commands;
pub(crate) mod configuration;
pub(crate) mod events;
pub(crate) mod manifests;
pub(crate) mod names;
pub(crate) mod records;
pub(crate) mod secrets;
pub(crate) mod tags;
pub(crate) mod task_definitions;

use std::fmt::Debug;

use pushboat::core::name::TargetName;
use pushboat::message::Surroundings;
use pushboat::queue::{QueueMessage, Trigger};
use pushboat::target::Mistake;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest text that a person is shown because of input that was refused, in bytes.
const REFUSAL_LIMIT_BYTES: usize = 4 * 1024;
/// The longest list of mistakes, in bytes: twenty of them, and each quotes a little.
const MISTAKES_LIMIT_BYTES: usize = 16 * 1024;

fn target_name() -> TargetName {
    TargetName::parse("team/web").expect("it is one")
}

fn surroundings() -> Surroundings {
    Surroundings {
        operator_function: "pushboat-operator".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

/// Checks that a text about what was refused is there, and short.
fn short(text: &str) {
    assert!(!text.is_empty());
    assert!(
        text.len() <= REFUSAL_LIMIT_BYTES,
        "{} bytes: {text:.200}",
        text.len()
    );
}

/// Checks that mistakes say something, and not too much.
fn told(mistakes: &[Mistake]) {
    assert!(!mistakes.is_empty());
    for mistake in mistakes {
        assert!(!mistake.place.is_empty() && !mistake.problem.is_empty());
        let shown = mistake.to_string();
        let control = shown.chars().find(|character| character.is_control());
        assert_eq!(control, None, "in {shown:?}");
    }
    let bytes = serde_json::to_string(mistakes).expect("mistakes are JSON");
    assert!(
        bytes.len() <= MISTAKES_LIMIT_BYTES,
        "{} mistakes of {} bytes",
        mistakes.len(),
        bytes.len()
    );
}

/// Checks that what is written reads back as it was.
fn reads_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(written: &T) -> String {
    let text = serde_json::to_string(written).expect("it is JSON");
    let read: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(&read, written);
    text
}

/// Checks that `rollout` reads what is queued as it was written, and gives its size.
fn queued(trigger: Trigger, event_id: &str) -> usize {
    let message = QueueMessage {
        target: target_name(),
        trigger,
        event_id: event_id.to_owned(),
    };
    assert_eq!(message.deduplication_id().len(), 32);
    reads_back(&message).len()
}
