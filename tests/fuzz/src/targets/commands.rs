//! What people send to `operator`.

use jiff::Timestamp;
use pushboat::core::operate::OperatorCommand;
use pushboat::operator::{Command, parse};
use pushboat::queue::Trigger;
use serde_json::Value;

use super::{queued, told};

/// What an accepted command may take in the queue: a reason of 500 characters, at the most.
const MESSAGE_LIMIT_BYTES: usize = 8 * 1024;

pub(crate) fn check(input: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    match parse(&value) {
        Ok(Command::Change { order, .. }) => {
            let command = OperatorCommand {
                request_id: "request".to_owned(),
                at: Timestamp::UNIX_EPOCH,
                order,
            };
            let bytes = queued(Trigger::Operator(command), "request");
            assert!(bytes <= MESSAGE_LIMIT_BYTES, "a message of {bytes} bytes");
        }
        Ok(Command::Status { limit, .. }) => assert!((1..=200).contains(&limit)),
        Ok(Command::History { limit, .. }) => assert!((1..=100).contains(&limit)),
        Ok(Command::Show { rollout, .. }) => {
            assert!(rollout.is_none_or(|rollout| (1..=64).contains(&rollout.len())));
        }
        Ok(Command::Explain { .. }) => {}
        Err(mistakes) => told(&mistakes),
    }
}
