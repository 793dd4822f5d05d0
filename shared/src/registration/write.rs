//! Writes what a parameter means into the ledger.

use jiff::Timestamp;

use super::{Brought, Read};
use crate::core::name::short_hash;
use crate::core::policy::Policy;
use crate::ledger::{
    Follower, LedgerError, Registration, RegistrationChange, RegistrationStatus, ReverseKey,
    SaveError,
};
use crate::notice::{News, Notice};
use crate::ports::Registrations;
use crate::target::Mistake;

/// Stores that a parameter has mistakes, with the notice that tells them; they are told once.
pub(super) async fn refuse<R: Registrations>(
    registrations: &R,
    read: Read<'_>,
    mistakes: Vec<Mistake>,
    now: Timestamp,
) -> Result<Brought, LedgerError> {
    let blank = read.blank();
    let mut id = format!(
        "{}.parameter.target-invalid.{}.{}",
        blank.target,
        blank.parameter_version,
        blank.parameter_changed_at.as_millisecond()
    );
    let invalid = Registration {
        status: RegistrationStatus::Invalid {
            mistakes: mistakes.clone(),
        },
        ..blank
    };
    if let Some(same) = read.same() {
        if same.status == invalid.status {
            return Ok(Brought::unwoken(same));
        }
        // What was told of this version already has the shorter id.
        let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        id = format!("{id}.{}", short_hash(&told));
    }
    let notice = Notice {
        id,
        target: read.target,
        at: now,
        news: News::TargetInvalid { mistakes },
    };
    match store(
        registrations,
        read.before,
        invalid,
        Vec::new(),
        Some(notice),
    )
    .await?
    {
        Stored::Done(registration) => Ok(Brought::ToWake(registration)),
        Stored::Claimed(_) | Stored::OutrunBySweep => Ok(Brought::Outrun),
    }
}

/// What became of a write.
pub(super) enum Stored {
    /// It is written.
    Done(Box<Registration>),
    /// Another target holds the service; nothing was written.
    Claimed(String),
    /// Another sweep was faster.
    OutrunBySweep,
}

/// Writes a registration with its claim and reverse items.
pub(super) async fn store<R: Registrations>(
    registrations: &R,
    before: Option<Registration>,
    registration: Registration,
    follow: Vec<(ReverseKey, Follower)>,
    notice: Option<Notice>,
) -> Result<Stored, LedgerError> {
    let held = before.as_ref();
    let unfollow = held
        .map(|held| held.follows.clone())
        .unwrap_or_default()
        .into_iter()
        .filter(|key| !registration.follows.contains(key))
        .collect();
    let release = held
        .and_then(|held| held.claim.clone())
        .filter(|service| registration.claim.as_ref() != Some(service));
    let change = RegistrationChange {
        claim: registration.claim.clone(),
        release,
        follow,
        unfollow,
        notice,
        expected: before,
        registration: registration.clone(),
    };
    match registrations.apply(&change).await {
        Ok(()) => Ok(Stored::Done(Box::new(registration))),
        Err(SaveError::Claimed { holder }) => Ok(Stored::Claimed(holder)),
        Err(SaveError::Conflict) => Ok(Stored::OutrunBySweep),
        Err(SaveError::Ledger(error)) => Err(error),
    }
}

/// Gives the reverse items of a configuration.
pub(super) fn follows(policy: &Policy) -> Vec<(ReverseKey, Follower)> {
    let service = (
        ReverseKey::Service(policy.service.clone()),
        Follower {
            target: policy.target.clone(),
            tags: None,
        },
    );
    let images = policy.images.iter().map(|image| {
        let follower = Follower {
            target: policy.target.clone(),
            tags: Some(image.tags.clone()),
        };
        (ReverseKey::Repository(image.repository.clone()), follower)
    });
    let alarms = policy.alarms.iter().map(|alarm| {
        let follower = Follower {
            target: policy.target.clone(),
            tags: None,
        };
        (ReverseKey::Alarm(alarm.clone()), follower)
    });
    let stack = policy.stack.iter().map(|stack| {
        let follower = Follower {
            target: policy.target.clone(),
            tags: None,
        };
        (ReverseKey::Stack(stack.name.clone()), follower)
    });
    std::iter::once(service)
        .chain(images)
        .chain(alarms)
        .chain(stack)
        .collect()
}
