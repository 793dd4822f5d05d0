//! Brings the targets' parameters into the ledger.
//!
//! A parameter is the truth, the ledger's copy follows it. A service is
//! claimed for exactly one target; the claim, the reverse items and the
//! registration are written together or not at all. The service of a target
//! that goes through a stack is looked for in the stack.

mod stack;
#[cfg(test)]
mod tests;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::core::name::TargetName;
use crate::core::policy::{Policy, ServiceRef};
use crate::ledger::{LedgerError, Registration, RegistrationStatus};
use crate::ports::{CallError, Parameter, Parameters, Registrations, StackResources};
use crate::target::{self, Mistake};
use write::{Stored, follows, refuse, store};

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
    /// The first look at a stack that failed; what rests on one that did stays as it was.
    pub not_looked: Option<CallError>,
}

/// What became of one parameter.
enum Brought {
    /// Nothing changed, and `rollout` knows.
    Nothing,
    /// `rollout` is to be woken.
    ToWake(Box<Registration>),
    /// Another sweep wrote meanwhile.
    Outrun,
    /// The stack could not be looked at; `rollout` is to be woken if it does not know the rest.
    NotLooked(CallError, Option<Box<Registration>>),
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
            Brought::NotLooked(error, unwoken) => {
                self.not_looked.get_or_insert(error);
                self.to_wake
                    .extend(unwoken.map(|registration| *registration));
            }
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
    /// A stack could not be looked at; every other target is registered.
    #[error("the service of a stack could not be looked for")]
    Stack(#[source] CallError),
}

/// Gives the path below which the targets' parameters lie.
#[must_use]
pub fn parameters_path(prefix: &str) -> String {
    format!("/{}/targets/", prefix.trim_matches('/'))
}

/// A target's parameter, with what it said at the last read and says now.
struct Read<'a> {
    parameter: &'a Parameter,
    before: Option<Registration>,
    target: TargetName,
    says: Result<Policy, Vec<Mistake>>,
}

impl Read<'_> {
    /// Gives the registration that stands, whatever version it was made from.
    fn kept(&self) -> Option<&Registration> {
        let before = self.before.as_ref();
        before.filter(|before| before.status != RegistrationStatus::Removed)
    }

    /// Gives the registration that stands, if it was made from the same version.
    fn same(&self) -> Option<&Registration> {
        self.kept()
            .filter(|kept| is_made_from(kept, self.parameter))
    }

    fn stack(&self) -> Option<&str> {
        let policy = self.says.as_ref().ok()?;
        policy.stack.as_ref().map(|stack| stack.name.as_str())
    }

    /// Gives what every registration of this parameter has.
    fn blank(&self) -> Registration {
        let (kept, parameter) = (self.kept(), self.parameter);
        Registration {
            target: self.target.clone(),
            parameter_version: parameter.version,
            parameter_changed_at: parameter.changed_at,
            registered_at: kept.map_or(parameter.changed_at, |kept| kept.registered_at),
            status: RegistrationStatus::Removed,
            claim: kept.and_then(|kept| kept.claim.clone()),
            follows: kept.map(|kept| kept.follows.clone()).unwrap_or_default(),
            woken: false,
        }
    }
}

fn is_made_from(registration: &Registration, parameter: &Parameter) -> bool {
    registration.parameter_version == parameter.version
        && registration.parameter_changed_at == parameter.changed_at
}

/// Reads every target's parameter and brings the ledger up to date.
///
/// One broken target never hides its siblings.
///
/// # Errors
///
/// The ledger or Parameter Store could not be reached.
pub async fn register<P: Parameters, K: StackResources, R: Registrations>(
    parameters: &P,
    stacks: &K,
    registrations: &R,
    prefix: &str,
    now: Timestamp,
) -> Result<Registered, RegisterError> {
    let path = parameters_path(prefix);
    // The ledger first: what another sweep registers meanwhile then makes the writes below
    // fail their condition, instead of looking like a target without a parameter.
    let stored = registrations.registrations().await?;
    let found = parameters.below(&path).await?;
    let mut through = through_stacks(&stored);
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
    let mut reads = Vec::new();
    for (before, target, parameter) in present {
        match before {
            Some(before) if is_settled(&before, parameter) => {
                registered.count(Brought::unwoken(&before));
            }
            before => reads.push(Read {
                says: target::parse(&target, &parameter.value),
                parameter,
                before,
                target,
            }),
        }
    }
    let names: BTreeSet<&str> = reads.iter().filter_map(Read::stack).collect();
    let looks = stack::look(stacks, names).await;
    for read in reads {
        registered.count(bring(registrations, read, &looks, &mut through, now).await?);
    }
    Ok(registered)
}

/// Says whether a parameter means what it meant when it was last read.
fn is_settled(before: &Registration, parameter: &Parameter) -> bool {
    let stands = before.status != RegistrationStatus::Removed && is_made_from(before, parameter);
    stands && !waits_for_a_claim(before) && !stack::may_differ(before)
}

/// Gives the stack of each target that goes through one.
fn through_stacks(registrations: &[Registration]) -> BTreeMap<TargetName, String> {
    let pairs = registrations.iter().filter_map(|registration| {
        let stack = registration.policy()?.stack.as_ref()?;
        Some((registration.target.clone(), stack.name.clone()))
    });
    pairs.collect()
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
    read: Read<'_>,
    looks: &stack::Looks,
    through: &mut BTreeMap<TargetName, String>,
    now: Timestamp,
) -> Result<Brought, LedgerError> {
    let says = match read.says.clone() {
        Ok(policy) => match stack::with_service(policy, looks) {
            Ok(says) => says,
            Err(error) => return Ok(not_looked(error, &read)),
        },
        Err(mistakes) => Err(mistakes),
    };
    let policy = match says {
        Ok(policy) => policy,
        Err(mistakes) => return refuse(registrations, read, mistakes, now).await,
    };
    if let Some(same) = read.same()
        && same
            .policy()
            .is_some_and(|held| held.service == policy.service)
    {
        return Ok(Brought::unwoken(same));
    }
    let follow = follows(&policy);
    let valid = Registration {
        claim: Some(policy.service.clone()),
        follows: follow.iter().map(|(key, _)| key.clone()).collect(),
        status: RegistrationStatus::Valid {
            policy: policy.clone().into(),
        },
        ..read.blank()
    };
    match store(registrations, read.before.clone(), valid, follow, None).await? {
        Stored::Done(registration) => {
            match policy.stack {
                Some(stack) => through.insert(policy.target, stack.name),
                None => through.remove(&policy.target),
            };
            Ok(Brought::ToWake(registration))
        }
        Stored::OutrunBySweep => Ok(Brought::Outrun),
        Stored::Claimed(holder) => match read.same() {
            Some(same) if waits_for_a_claim(same) => Ok(Brought::unwoken(same)),
            Some(_) | None => {
                let stack = TargetName::parse(&holder).ok();
                let stack = stack.and_then(|holder| through.get(&holder));
                let mistakes = vec![claimed(&policy.service, &holder, stack)];
                refuse(registrations, read, mistakes, now).await
            }
        },
    }
}

/// Leaves a registration as it is, because its stack could not be looked at.
fn not_looked(error: CallError, read: &Read<'_>) -> Brought {
    let unwoken = read.same().filter(|same| !same.woken);
    Brought::NotLooked(error, unwoken.cloned().map(Box::new))
}

/// Where the mistake of a service that another target holds stands.
const CLAIM_PLACE: &str = "service (claim)";

/// Names both targets; `stack` is the one that the holder goes through.
fn claimed(service: &ServiceRef, holder: &str, stack: Option<&String>) -> Mistake {
    let by_way = stack.map(|stack| format!(", which deploys through stack `{stack}`"));
    let by_way = by_way.unwrap_or_default();
    Mistake::new(
        CLAIM_PLACE,
        format!("service `{service}` belongs to target `{holder}` already{by_way}"),
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
