//! Sends what the ledger's outbox holds.
//!
//! A notice is stored with the change it tells of. The table's stream prompts
//! `notify` at once, the sweep sends what is left: a notice may be sent twice,
//! always under the same id, and never not at all.

use jiff::{SignedDuration, Timestamp};

use crate::findings::{Investigator, NoInvestigator};
use crate::ledger::{LedgerError, NoticeKey};
use crate::message::{self, Surroundings};
use crate::ports::{CallError, Outbox, Topic};

/// How long a notice may lie before the sweep takes it for forgotten.
pub const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_mins(2);

/// What became of one notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It was published.
    Now,
    /// It was published before.
    Before,
}

/// A notice could not be sent; it stays in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The ledger failed.
    #[error("a notice could not be read or marked as sent")]
    Ledger(#[from] LedgerError),
    /// SNS failed.
    #[error("a notice could not be published")]
    Topic(#[from] CallError),
}

/// Publishes one notice with what the investigator finds, unless it was published before.
///
/// # Errors
///
/// The notice stays in the outbox and is sent by the next prompt or sweep.
pub async fn send<O: Outbox, T: Topic, I: Investigator>(
    outbox: &O,
    topic: &T,
    investigator: &I,
    surroundings: &Surroundings,
    key: &NoticeKey,
    now: Timestamp,
) -> Result<Sent, SendError> {
    let Some(stored) = outbox.unsent(key).await? else {
        return Ok(Sent::Before);
    };
    let findings = investigator.findings(&stored.notice).await;
    let publication = message::publication(&stored.notice, surroundings, &findings);
    topic.publish(&publication).await?;
    outbox.mark_sent(key, now).await?;
    Ok(Sent::Now)
}

/// Publishes what was forgotten; one that fails does not hold up the others.
///
/// Nothing is looked up for it: what prevented its sending may have been the looking.
///
/// # Errors
///
/// Answers the last failure after every notice was tried.
pub async fn send_forgotten<O: Outbox, T: Topic>(
    outbox: &O,
    topic: &T,
    surroundings: &Surroundings,
    now: Timestamp,
) -> Result<usize, SendError> {
    let mut sent = 0;
    let mut failure = None;
    for key in outbox.unsent_before(now - FORGOTTEN_AFTER).await? {
        match send(outbox, topic, &NoInvestigator, surroundings, &key, now).await {
            Ok(_) => sent += 1,
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(sent),
    }
}
