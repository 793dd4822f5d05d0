//! Sends what the ledger's outbox holds: to the topic, and a copy to the event bus.
//!
//! A notice is stored with the change it tells of. The table's stream prompts
//! `notify` at once, the sweep sends what is left: a notice may be sent twice,
//! always under the same id, and never not at all.

use jiff::{SignedDuration, Timestamp};

use crate::findings::{Investigator, NoInvestigator};
use crate::ledger::{LedgerError, NoticeKey};
use crate::message::{self, Surroundings};
use crate::ports::{CallError, EventBus, Outbox, Topic};

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
    Topic(#[source] CallError),
    /// EventBridge failed; the notice was published.
    #[error("a notice could not be put on the event bus")]
    Bus(#[source] CallError),
}

/// Where notices go.
#[derive(Clone, Debug)]
pub struct Channels<'a, T, E> {
    /// The notification topic.
    pub topic: &'a T,
    /// The event bus.
    pub bus: &'a E,
}

/// Sends one notice with what the investigator finds, unless it was sent before.
///
/// # Errors
///
/// The notice stays in the outbox and is sent by the next prompt or sweep: only to the bus, where
/// it was published. A copy that the bus refuses for good is logged and not tried again: people
/// were told.
pub async fn send<O: Outbox, T: Topic, E: EventBus, I: Investigator>(
    outbox: &O,
    channels: &Channels<'_, T, E>,
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
    if !stored.published {
        let published = channels.topic.publish(&publication).await;
        published.map_err(SendError::Topic)?;
    }
    match channels.bus.put(publication.document()).await {
        Ok(()) => {}
        Err(error @ CallError::Refused { .. }) => {
            let (target, notice) = (key.target.as_str(), key.id.as_str());
            tracing::error!(target_name = target, notice, %error, "the event bus has no copy");
        }
        Err(error @ (CallError::Throttled { .. } | CallError::Unclear { .. })) => {
            outbox.note_published(key, now).await?;
            return Err(SendError::Bus(error));
        }
    }
    outbox.mark_sent(key, now).await?;
    Ok(Sent::Now)
}

/// Sends what was forgotten; one that fails does not hold up the others.
///
/// Nothing is looked up for it: what prevented its sending may have been the looking.
///
/// # Errors
///
/// Answers the last failure after every notice was tried.
pub async fn send_forgotten<O: Outbox, T: Topic, E: EventBus>(
    outbox: &O,
    channels: &Channels<'_, T, E>,
    surroundings: &Surroundings,
    now: Timestamp,
) -> Result<usize, SendError> {
    let mut sent = 0;
    let mut failure = None;
    for key in outbox.unsent_before(now - FORGOTTEN_AFTER).await? {
        match send(outbox, channels, &NoInvestigator, surroundings, &key, now).await {
            Ok(_) => sent += 1,
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(sent),
    }
}
