//! Records of the ledger's stream → the notices they announce.

use jiff::Timestamp;
use lambda_runtime::Error;
use pushboat::aws::function::chain;
use pushboat::findings::Investigator;
use pushboat::message::Surroundings;
use pushboat::outbox::{self, Channels, SendError};
use pushboat::ports::{EventBus, Outbox, Topic};
use pushboat::trigger::ledger_stream;
use serde_json::Value;

/// Handles one batch: each notice is tried before the first failure is answered.
pub(crate) async fn handle<O: Outbox, T: Topic, E: EventBus, I: Investigator>(
    outbox: &O,
    channels: &Channels<'_, T, E>,
    investigator: &I,
    surroundings: &Surroundings,
    event: Value,
    now: Timestamp,
) -> Result<(), Error> {
    let mut failure: Option<SendError> = None;
    for key in ledger_stream::notices(&event) {
        match outbox::send(outbox, channels, investigator, surroundings, &key, now).await {
            Ok(sent) => {
                tracing::info!(
                    target_name = key.target.as_str(),
                    notice = key.id,
                    ?sent,
                    "notice"
                );
            }
            Err(error) => {
                let (target, notice) = (key.target.as_str(), key.id.as_str());
                tracing::error!(
                    target_name = target,
                    notice,
                    error = chain(&error),
                    "not sent yet"
                );
                failure = failure.or(Some(error));
            }
        }
    }
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}
