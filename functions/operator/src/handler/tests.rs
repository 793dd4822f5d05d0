//! The payload's text → the answer, with a ledger and a queue in memory.

use std::cell::Cell;

use pushboat::core::name::TargetName;
use pushboat::core::rollout::Rollout;
use pushboat::ledger::{IgnoredPush, LedgerError, Registration, TargetEntry};
use pushboat::ports::CallError;
use pushboat::queue::QueueMessage;

use super::*;

/// A ledger that holds nothing, or cannot be reached.
struct Ledger {
    reachable: bool,
}

impl Ledger {
    fn read<T: Default>(&self) -> Result<T, LedgerError> {
        if self.reachable {
            return Ok(T::default());
        }
        Err(LedgerError::Unreachable {
            doing: "read a target".to_owned(),
            problem: "no answer".to_owned(),
        })
    }
}

impl Records for Ledger {
    async fn all_registrations(&self) -> Result<Vec<Registration>, LedgerError> {
        self.read()
    }

    async fn entry(&self, _target: &TargetName) -> Result<TargetEntry, LedgerError> {
        self.read()
    }

    async fn history(&self, _: &TargetName, _: usize) -> Result<Vec<Rollout>, LedgerError> {
        self.read()
    }

    async fn ignored(&self, _: &TargetName, _: usize) -> Result<Vec<IgnoredPush>, LedgerError> {
        self.read()
    }

    async fn finished(&self, _: &TargetName, _: &str) -> Result<Option<Rollout>, LedgerError> {
        self.read()
    }
}

#[derive(Default)]
struct Sent(Cell<usize>);

impl Queue for Sent {
    async fn send(&self, messages: &[QueueMessage]) -> Result<(), CallError> {
        self.0.set(self.0.get() + messages.len());
        Ok(())
    }
}

async fn answered(reachable: bool, payload: &str) -> Result<Value, String> {
    let queue = Sent::default();
    let request = Request {
        id: "request-1".to_owned(),
        at: jiff::Timestamp::UNIX_EPOCH,
        command: serde_json::from_str(payload).unwrap(),
    };
    let around = Surroundings::default();
    let answered = handle(&Ledger { reachable }, &queue, &around, request).await;
    assert_eq!(queue.0.get(), 0);
    answered.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_command_that_is_not_carried_out_is_an_answer_and_no_failure() {
    for (payload, code) in [
        ("null", "invalid-command"),
        (r#""status""#, "invalid-command"),
        (r#"{"command":"status","targets":"web"}"#, "invalid-command"),
        (r#"{"command":"hold","target":"web"}"#, "unknown-target"),
        (r#"{"command":"status","target":"web"}"#, "unknown-target"),
    ] {
        let answer = answered(true, payload).await.unwrap();
        assert_eq!(answer["error"]["code"], code, "{payload}");
    }
    let all = answered(true, r#"{"command":"status"}"#).await.unwrap();
    assert_eq!(all, serde_json::json!({ "targets": [] }));
}

#[tokio::test]
async fn a_ledger_that_cannot_be_reached_fails_the_invocation_and_says_what_to_do() {
    for payload in [
        r#"{"command":"status"}"#,
        r#"{"command":"history","target":"web"}"#,
        r#"{"command":"hold","target":"web"}"#,
    ] {
        let error = answered(false, payload).await.unwrap_err();
        assert!(error.contains("give the command again"), "{error}");
    }
    let mistakes = answered(false, "{}").await.unwrap();
    assert_eq!(
        mistakes["error"]["code"], "invalid-command",
        "told without the ledger"
    );
}
