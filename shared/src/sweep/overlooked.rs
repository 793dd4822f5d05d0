//! What no event, or no message, told of.
//!
//! A wake-up of a new registration that could not be handled in two hours lies in the dead-letter
//! queue, and nothing else would ever wake its target.

use jiff::{SignedDuration, Timestamp};

use super::{Occasion, Ports, of_registration, send};
use crate::core::state::{Standing, TargetState};
use crate::ledger::{Chore, LedgerError, Registration, RegistrationStatus};
use crate::ports::{Queue, Records, Registrations};
use crate::queue::QueueMessage;
use crate::registration::RegisterError;

/// How often it is looked for.
const LOOKED_FOR_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// Wakes the targets of which something was overlooked; answers how many.
pub(super) async fn wake<L, P, Q, T, C>(
    ports: &Ports<L, P, Q, T, C>,
    occasion: Occasion,
    now: Timestamp,
) -> Result<usize, RegisterError>
where
    L: Registrations + Records,
    Q: Queue,
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
    let mut messages = Vec::new();
    for registration in ledger.registrations().await? {
        messages.extend(registration_not_heard(ledger, &registration, now).await?);
    }
    send(&ports.queue, &messages).await?;
    ledger.note_done(Chore::FindOverlooked, Some(now)).await?;
    Ok(messages.len())
}

/// Wakes a target whose registration `rollout` was woken for and did not take in.
async fn registration_not_heard<L: Records>(
    ledger: &L,
    registration: &Registration,
    now: Timestamp,
) -> Result<Option<QueueMessage>, LedgerError> {
    let state = match ledger.entry(&registration.target).await {
        Ok(entry) => entry.state,
        Err(error @ LedgerError::Unreadable { .. }) => {
            // It hides no other target; `rollout` fails on it, and its message is a dead letter.
            tracing::error!(target_name = %registration.target, %error, "passed over");
            return Ok(None);
        }
        Err(error @ LedgerError::Unreachable { .. }) => return Err(error),
    };
    let overlooked = registration.woken && !was_taken_in(registration, &state);
    Ok(overlooked.then(|| of_registration(registration, now)))
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
