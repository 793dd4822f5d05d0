//! Brings the targets' parameters into the ledger.
//!
//! A parameter is the truth, the ledger's copy follows it. A service is
//! claimed for exactly one target; the claim, the reverse items and the
//! registration are written together or not at all.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::core::name::TargetName;
use crate::core::policy::{Policy, ServiceRef};
use crate::ledger::{
    Follower, LedgerError, Registration, RegistrationChange, RegistrationStatus, ReverseKey,
    SaveError,
};
use crate::notice::{News, Notice};
use crate::ports::{CallError, Parameter, Parameters, Registrations};
use crate::target::{self, Mistake};

/// What a read of the parameters came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registered {
    /// Registrations for which `rollout` has not been woken.
    pub to_wake: Vec<Registration>,
    /// Parameters whose name is no target's name.
    pub misnamed: Vec<String>,
    /// How many parameters there are.
    pub found: usize,
    /// Another sweep wrote meanwhile, perhaps from an older read: it has to be read again.
    pub outrun: bool,
}

/// What became of one parameter.
enum Brought {
    /// Nothing changed, and `rollout` knows.
    Nothing,
    /// `rollout` is to be woken.
    ToWake(Box<Registration>),
    /// Another sweep wrote meanwhile.
    Outrun,
}

impl Brought {
    fn unwoken(registration: &Registration) -> Self {
        if registration.woken {
            Self::Nothing
        } else {
            Self::ToWake(Box::new(registration.clone()))
        }
    }
}

impl Registered {
    fn count(&mut self, brought: Brought) {
        match brought {
            Brought::Nothing => {}
            Brought::ToWake(registration) => self.to_wake.push(*registration),
            Brought::Outrun => self.outrun = true,
        }
    }
}

/// The parameters could not be read or written into the ledger; the next sweep tries again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// The ledger failed.
    #[error("the registrations could not be read or written")]
    Ledger(#[from] LedgerError),
    /// Another call to AWS failed.
    #[error("the parameters could not be read, or their targets not be woken")]
    Call(#[from] CallError),
}

/// Gives the path below which the targets' parameters lie.
#[must_use]
pub fn parameters_path(prefix: &str) -> String {
    format!("/{}/targets/", prefix.trim_matches('/'))
}

/// Reads every target's parameter and brings the ledger up to date.
///
/// One broken target never hides its siblings.
///
/// # Errors
///
/// The ledger or Parameter Store could not be reached.
pub async fn register<P: Parameters, R: Registrations>(
    parameters: &P,
    registrations: &R,
    prefix: &str,
    now: Timestamp,
) -> Result<Registered, RegisterError> {
    let path = parameters_path(prefix);
    // The ledger first: what another sweep registers meanwhile then makes the writes below
    // fail their condition, instead of looking like a target without a parameter.
    let stored = registrations.registrations().await?;
    let found = parameters.below(&path).await?;
    let mut known: BTreeMap<TargetName, Registration> = stored
        .into_iter()
        .map(|registration| (registration.target.clone(), registration))
        .collect();
    let mut registered = Registered {
        found: found.len(),
        ..Registered::default()
    };
    let mut present = Vec::new();
    for parameter in &found {
        let name = parameter
            .name
            .strip_prefix(&path)
            .unwrap_or(&parameter.name);
        match TargetName::parse(name) {
            Ok(target) => present.push((known.remove(&target), target, parameter)),
            Err(_) => registered.misnamed.push(parameter.name.clone()),
        }
    }
    // What is left has no parameter any more; its claims go first, so that an heir finds them free.
    for gone in known.into_values() {
        registered.count(remove(registrations, gone).await?);
    }
    for (before, target, parameter) in present {
        registered.count(bring(registrations, before, target, parameter, now).await?);
    }
    Ok(registered)
}

async fn remove<R: Registrations>(
    registrations: &R,
    gone: Registration,
) -> Result<Brought, LedgerError> {
    if gone.status == RegistrationStatus::Removed {
        return Ok(Brought::unwoken(&gone));
    }
    let removed = Registration {
        status: RegistrationStatus::Removed,
        claim: None,
        follows: Vec::new(),
        woken: false,
        ..gone.clone()
    };
    match store(registrations, Some(gone), removed, Vec::new(), None).await? {
        Stored::Done(registration) => Ok(Brought::ToWake(registration)),
        Stored::Claimed(_) | Stored::OutrunBySweep => Ok(Brought::Outrun),
    }
}

/// Brings one parameter into the ledger.
async fn bring<R: Registrations>(
    registrations: &R,
    before: Option<Registration>,
    target: TargetName,
    parameter: &Parameter,
    now: Timestamp,
) -> Result<Brought, LedgerError> {
    let kept = before
        .as_ref()
        .filter(|before| before.status != RegistrationStatus::Removed);
    let same = kept.filter(|kept| {
        kept.parameter_version == parameter.version
            && kept.parameter_changed_at == parameter.changed_at
    });
    if let Some(same) = same
        && !waits_for_a_claim(same)
    {
        return Ok(Brought::unwoken(same));
    }
    let told = same.map(Brought::unwoken);
    let blank = Registration {
        target: target.clone(),
        parameter_version: parameter.version,
        parameter_changed_at: parameter.changed_at,
        registered_at: kept.map_or(parameter.changed_at, |kept| kept.registered_at),
        status: RegistrationStatus::Removed,
        claim: kept.and_then(|kept| kept.claim.clone()),
        follows: kept.map(|kept| kept.follows.clone()).unwrap_or_default(),
        woken: false,
    };
    let policy = match target::parse(&target, &parameter.value) {
        Ok(policy) => policy,
        Err(mistakes) => return refuse(registrations, before, blank, mistakes, now).await,
    };
    let follow = follows(&policy);
    let valid = Registration {
        claim: Some(policy.service.clone()),
        follows: follow.iter().map(|(key, _)| key.clone()).collect(),
        status: RegistrationStatus::Valid {
            policy: policy.clone().into(),
        },
        ..blank.clone()
    };
    match store(registrations, before.clone(), valid, follow, None).await? {
        Stored::Done(registration) => Ok(Brought::ToWake(registration)),
        Stored::OutrunBySweep => Ok(Brought::Outrun),
        Stored::Claimed(holder) => match told {
            Some(unwoken) => Ok(unwoken),
            None => {
                let mistakes = vec![claimed(&policy.service, &holder)];
                refuse(registrations, before, blank, mistakes, now).await
            }
        },
    }
}

/// Stores that a parameter has mistakes, with the notice that tells them.
async fn refuse<R: Registrations>(
    registrations: &R,
    before: Option<Registration>,
    blank: Registration,
    mistakes: Vec<Mistake>,
    now: Timestamp,
) -> Result<Brought, LedgerError> {
    let notice = Notice {
        id: format!(
            "{}.parameter.target-invalid.{}.{}",
            blank.target,
            blank.parameter_version,
            blank.parameter_changed_at.as_millisecond()
        ),
        target: blank.target.clone(),
        at: now,
        news: News::TargetInvalid {
            mistakes: mistakes.clone(),
        },
    };
    let invalid = Registration {
        status: RegistrationStatus::Invalid { mistakes },
        ..blank
    };
    match store(registrations, before, invalid, Vec::new(), Some(notice)).await? {
        Stored::Done(registration) => Ok(Brought::ToWake(registration)),
        Stored::Claimed(_) | Stored::OutrunBySweep => Ok(Brought::Outrun),
    }
}

/// Where the mistake of a service that another target holds stands.
const CLAIM_PLACE: &str = "service (claim)";

fn claimed(service: &ServiceRef, holder: &str) -> Mistake {
    Mistake::new(
        CLAIM_PLACE,
        format!("service `{service}` belongs to target `{holder}` already"),
        format!("A service has one target: delete the parameter of `{holder}`, or this one."),
    )
}

/// Says whether a registration was refused only because another target held its service.
fn waits_for_a_claim(registration: &Registration) -> bool {
    match &registration.status {
        RegistrationStatus::Invalid { mistakes } => {
            mistakes.iter().all(|mistake| mistake.place == CLAIM_PLACE)
        }
        RegistrationStatus::Valid { .. } | RegistrationStatus::Removed => false,
    }
}

enum Stored {
    Done(Box<Registration>),
    /// Another target holds the service; nothing was written.
    Claimed(String),
    /// Another sweep was faster.
    OutrunBySweep,
}

async fn store<R: Registrations>(
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
fn follows(policy: &Policy) -> Vec<(ReverseKey, Follower)> {
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
    std::iter::once(service)
        .chain(images)
        .chain(alarms)
        .collect()
}
