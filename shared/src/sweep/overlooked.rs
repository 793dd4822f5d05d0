//! What no event, or no message, told of.
//!
//! A wake-up of a new registration that could not be handled in two hours lies in the dead-letter
//! queue, and nothing else would ever wake its target. ECR sends its events as best it can: what
//! it holds is compared with what was accepted. What was good before Pushboat published what is
//! deployed was never tried to be published.

mod pushes;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{Occasion, Ports, of_registration, send};
use crate::core::state::{Standing, TargetState};
use crate::ledger::{Chore, LedgerError, Registration, RegistrationStatus, TargetEntry};
use crate::ports::{ImageLists, Queue, Records, Registrations};
use crate::queue::{QueueMessage, Trigger};
use crate::registration::RegisterError;

/// How often it is looked for.
const LOOKED_FOR_EVERY: SignedDuration = SignedDuration::from_mins(15);
/// How many reads are under way at once.
const AT_ONCE: usize = 16;

/// A target as it is registered, and how it stands.
type Known = (Registration, TargetEntry);

/// Wakes the targets of which something was overlooked; answers how often.
pub(super) async fn wake<L, P, K, Q, T, E, I, C>(
    ports: &Ports<L, P, K, Q, T, E, I, C>,
    occasion: Occasion,
    now: Timestamp,
) -> Result<usize, RegisterError>
where
    L: Registrations + Records,
    Q: Queue,
    I: ImageLists,
{
    let ledger = &ports.ledger;
    let due = match (occasion, ledger.done_at(Chore::FindOverlooked).await?) {
        (Occasion::ParameterChanged, _) => false,
        (Occasion::Tick, None) => true,
        (Occasion::Tick, Some(done_at)) => now.duration_since(done_at) >= LOOKED_FOR_EVERY,
    };
    if !due {
        return Ok(0);
    }
    let known = known(ledger).await?;
    let unheard = known.iter().filter(|(registration, entry)| {
        registration.woken && !was_taken_in(registration, &entry.state)
    });
    let unheard: Vec<QueueMessage> = unheard
        .map(|(registration, _)| of_registration(registration, now))
        .collect();
    let unpublished = known.iter().filter(|(_, entry)| never_tried(&entry.state));
    let unpublished: Vec<QueueMessage> = unpublished
        .map(|(registration, _)| to_publish(registration, now))
        .collect();
    let (found, failed) = pushes::find(&ports.images, &known, now).await;
    let mut pushes = Vec::new();
    for message in found {
        let was_requested = match message.trigger.push() {
            Some(push) => ledger.was_requested(&message.target, &push.digest).await?,
            None => false,
        };
        if !was_requested {
            pushes.push(message);
        }
    }
    let messages = [unheard, unpublished, pushes].concat();
    send(&ports.queue, &messages).await?;
    if let Some(error) = failed {
        // The next sweep looks again.
        return Err(error.into());
    }
    ledger.note_done(Chore::FindOverlooked, Some(now)).await?;
    Ok(messages.len())
}

/// Reads every target; one that cannot be read hides no other.
async fn known<L: Registrations + Records>(ledger: &L) -> Result<Vec<Known>, LedgerError> {
    let mut known = Vec::new();
    for some in ledger.registrations().await?.chunks(AT_ONCE) {
        let entries = some.iter().map(|one| ledger.entry(&one.target));
        for (registration, entry) in some.iter().zip(join_all(entries).await) {
            match entry {
                Ok(entry) => known.push((registration.clone(), entry)),
                Err(error @ LedgerError::Unreadable { .. }) => {
                    // `rollout` fails on it, and its message becomes a dead letter.
                    tracing::error!(target_name = %registration.target, %error, "passed over");
                }
                Err(error @ LedgerError::Unreachable { .. }) => return Err(error),
            }
        }
    }
    Ok(known)
}

/// Says whether it was never tried to publish what is deployed, and nothing wakes the target for it.
///
/// So it is with what was good before a release that publishes it.
fn never_tried(state: &TargetState) -> bool {
    state.to_publish().is_some() && state.unpublished.is_none() && state.wake.is_none()
}

/// Wakes `rollout` to publish what is deployed.
fn to_publish(registration: &Registration, now: Timestamp) -> QueueMessage {
    QueueMessage {
        target: registration.target.clone(),
        trigger: Trigger::Due,
        event_id: format!("publish.{}", now.as_millisecond()),
    }
}

/// Says whether `rollout` knows what a target's parameter says, or will look at it by itself.
fn was_taken_in(registration: &Registration, state: &TargetState) -> bool {
    if state.wake.is_some() {
        return true;
    }
    match (&registration.status, &state.standing) {
        (RegistrationStatus::Valid { .. }, Standing::Pending { .. }) => false,
        (RegistrationStatus::Valid { .. }, Standing::Adopted { .. } | Standing::Invalid { .. }) => {
            state.parameter_version == registration.parameter_version
        }
        (RegistrationStatus::Invalid { .. }, _) => {
            state.current.is_none() && state.waiting.is_empty()
        }
        (RegistrationStatus::Removed, standing) => matches!(standing, Standing::Pending { .. }),
    }
}
