//! The gates: every check that a rollout has to pass before the first write.
//!
//! What a target itself has to be like is checked when it is adopted (`adoption.rs`).

use std::collections::BTreeMap;

use super::super::stack;
use crate::core::alarm::{AlarmSeen, AlarmState, AlarmWatch};
use crate::core::name::ImageDigest;
use crate::core::observation::{
    Controller, Definition, DeploymentState, GoneImage, ImageContent, ImageLook, Look, Observation,
    Platform, Service, ServiceDeployment, ServiceLook,
};
use crate::core::ordering;
use crate::core::policy::{AlarmsAtStart, Policy};
use crate::core::push::PushSource;
use crate::core::reason::{Rejected, Unsuitable, Waiting};
use crate::core::rollout::{Rollout, Start};
use crate::core::state::Quarantined;
use crate::task_definition::{TARGET_TAG, matching_containers, platform, registry_of, runs};

/// What keeps a rollout from starting.
pub(super) enum Hindrance {
    Rejected(Rejected),
    Waiting(Waiting),
    /// AWS's rates are used up: it is only a matter of turns (issue 5, invariant 11).
    Throttled(Waiting),
}

impl From<Rejected> for Hindrance {
    fn from(reason: Rejected) -> Self {
        Self::Rejected(reason)
    }
}

/// Everything that is needed to start.
pub(super) struct Ready<'a> {
    pub(super) primary: &'a ServiceDeployment,
    pub(super) definition: &'a Definition,
    pub(super) registry: String,
    pub(super) digest: &'a ImageDigest,
    pub(super) containers: Vec<String>,
    pub(super) alarms: Vec<AlarmWatch>,
    pub(super) no_way_back: Option<GoneImage>,
}

pub(super) fn check<'a>(
    policy: &Policy,
    rollout: &Rollout,
    observation: &'a Observation,
) -> Result<Ready<'a>, Hindrance> {
    followed(policy, rollout)?;
    let service = suitable(policy, taken(&observation.service)?)?;
    let primary = service.primary().ok_or_else(|| {
        Hindrance::Waiting(Waiting::Aws {
            trouble: "ECS shows no primary deployment".to_owned(),
        })
    })?;
    through_stack(policy, observation)?;
    let (digest, platforms) = deployable(&rollout.push.repository, taken(&observation.image)?)?;
    not_quarantined(digest, observation)?;
    let definition = taken(&observation.definition)?.as_ref();
    let registry = registry_of(&service.arn).unwrap_or_default();
    let containers = containers(policy, rollout, definition, &registry)?;
    fits(definition, platforms)?;
    let alarms = AlarmWatch::begin(alarms_at_start(policy, taken(&observation.alarms)?)?);
    if runs(definition, &containers, digest) {
        return Err(Rejected::AlreadyRunning.into());
    }
    let no_way_back = way_back(rollout, service, primary, digest, observation)?;
    let ours = observation.asked_before.contains(&primary.id);
    let changing = service.deployments.len() > 1 || primary.state == DeploymentState::InProgress;
    let given_up = observation.given_up_deployment.as_ref();
    if let Some(stack) = busy_stack(policy, observation) {
        return Err(Hindrance::Waiting(stack));
    }
    if changing && !ours && service.desired > 0 && !only_fails(service, primary, given_up) {
        return Err(Hindrance::Waiting(Waiting::ServiceBusy));
    }
    Ok(Ready {
        primary,
        definition,
        registry,
        digest,
        containers,
        alarms,
        no_way_back,
    })
}

/// A stack is looked at before anything is asked of it (issue 6).
fn through_stack(policy: &Policy, observation: &Observation) -> Result<(), Hindrance> {
    let Some(wanted) = &policy.stack else {
        return Ok(());
    };
    match stack::problem(wanted, taken(&observation.stack)?) {
        Some(problem) => Err(Rejected::Stack {
            stack: wanted.name.clone(),
            problem,
        }
        .into()),
        None => Ok(()),
    }
}

fn busy_stack(policy: &Policy, observation: &Observation) -> Option<Waiting> {
    match &observation.stack {
        Look::Taken(look) => {
            stack::is_busy(policy, look).map(|status| Waiting::StackBusy { status })
        }
        Look::NotTaken | Look::Unavailable(_) => None,
    }
}

/// Says which image of the last-known-good is gone, where the rollout goes ahead without it.
///
/// While the service runs the last-known-good well there is something to lose,
/// and only a person may risk it. Where it does not, the new version may be the
/// only way forward.
fn way_back(
    rollout: &Rollout,
    service: &Service,
    primary: &ServiceDeployment,
    digest: &ImageDigest,
    observation: &Observation,
) -> Result<Option<GoneImage>, Hindrance> {
    let Some(good) = &observation.last_known_good else {
        return Ok(None);
    };
    let Some(gone) = taken(&observation.gone_image)? else {
        return Ok(None);
    };
    let runs_well = primary.task_definition == *good
        && service.settled()
        && service.desired > 0
        && service.running >= service.desired;
    match rollout.push.source {
        PushSource::Event | PushSource::Found if runs_well => Err(Rejected::NoWayBack {
            gone: gone.clone(),
            repository: rollout.push.repository.clone(),
            digest: digest.clone(),
        }
        .into()),
        PushSource::Event | PushSource::Found | PushSource::Operator => Ok(Some(gone.clone())),
    }
}

/// Says whether the only deployment is failing: there is nothing to wait for, and nothing to lose.
///
/// ECS counts no failed task where one ran for a moment, so one that adoption
/// waited for in vain is taken for failing too.
fn only_fails(service: &Service, primary: &ServiceDeployment, given_up: Option<&String>) -> bool {
    let fails = primary.failed_tasks > 0 || given_up == Some(&primary.id);
    service.deployments.len() == 1 && fails
}

/// The configuration may have been narrowed while the push waited; a person may name any tag.
fn followed(policy: &Policy, rollout: &Rollout) -> Result<(), Rejected> {
    let push = &rollout.push;
    let asked_for = push.source == PushSource::Operator;
    policy
        .image(&push.repository)
        .filter(|image| asked_for || ordering::follows(&image.tags, &push.tag))
        .map(|_| ())
        .ok_or(Rejected::NoLongerFollowed)
}

fn taken<T>(look: &Look<T>) -> Result<&T, Hindrance> {
    let trouble = match look {
        Look::Taken(seen) => return Ok(seen),
        Look::Unavailable(trouble) => trouble.clone(),
        Look::NotTaken => "not looked at yet".into(),
    };
    let waiting = Waiting::Aws {
        trouble: trouble.words,
    };
    Err(match trouble.throttled {
        true => Hindrance::Throttled(waiting),
        false => Hindrance::Waiting(waiting),
    })
}

fn suitable<'a>(policy: &Policy, look: &'a ServiceLook) -> Result<&'a Service, Hindrance> {
    let service = match look {
        ServiceLook::Found(service) if service.active => service,
        ServiceLook::Found(_) | ServiceLook::Missing | ServiceLook::ClusterMissing => {
            return Err(Rejected::ServiceGone.into());
        }
    };
    match unsuitable(policy, service) {
        Some(what) => Err(Rejected::ServiceUnsuitable { what }.into()),
        None => Ok(service),
    }
}

/// Says what keeps a service from being deployed to, if anything does.
#[must_use]
pub fn unsuitable(policy: &Policy, service: &Service) -> Option<Unsuitable> {
    if service.daemon {
        return Some(Unsuitable::Daemon);
    }
    match &service.controller {
        Controller::Ecs => {}
        Controller::Other(controller) => {
            return Some(Unsuitable::Controller {
                controller: controller.clone(),
            });
        }
    }
    let found = service.tags.get(TARGET_TAG);
    let consents =
        policy.needs_no_consent || found.is_some_and(|value| value == policy.target.as_str());
    (!consents).then(|| Unsuitable::NoConsent {
        found: found.cloned(),
    })
}

fn deployable<'a>(
    repository: &str,
    look: &'a ImageLook,
) -> Result<(&'a ImageDigest, &'a [Platform]), Rejected> {
    match look {
        ImageLook::RepositoryMissing => Err(Rejected::RepositoryMissing {
            repository: repository.to_owned(),
        }),
        ImageLook::Missing => Err(Rejected::ImageMissing),
        ImageLook::Archived => Err(Rejected::ImageArchived),
        ImageLook::Found { digest, content } => match content {
            ImageContent::Image(platforms) => Ok((digest, platforms)),
            ImageContent::NotAnImage { media_type } => Err(Rejected::NotAnImage {
                media_type: media_type.clone(),
            }),
            ImageContent::Unreadable { problem } => Err(Rejected::ManifestUnreadable {
                problem: problem.clone(),
            }),
        },
    }
}

/// Says whether a push that waits would not be refused for its image.
///
/// What runs is handed over to nothing else: refused, it would leave a version
/// behind that nobody watches any more.
#[must_use]
pub fn may_take_over(
    waiting: &Rollout,
    image: &Look<ImageLook>,
    start: &Start,
    quarantine: &BTreeMap<ImageDigest, Quarantined>,
) -> bool {
    let Look::Taken(look) = image else {
        return false;
    };
    deployable(&waiting.push.repository, look).is_ok_and(|(digest, offered)| {
        let fits = |wanted| offered.contains(wanted);
        !quarantine.contains_key(digest) && start.platform.as_ref().is_none_or(fits)
    })
}

fn not_quarantined(digest: &ImageDigest, observation: &Observation) -> Result<(), Rejected> {
    match observation.quarantine.get(digest) {
        Some(quarantined) => Err(Rejected::Quarantined {
            digest: digest.clone(),
            rollout: quarantined.rollout.clone(),
            at: quarantined.at,
            failure: quarantined.failure.clone(),
        }),
        None => Ok(()),
    }
}

/// Holds the alarms that fire now against what the target wants then.
fn alarms_at_start<'a>(
    policy: &Policy,
    seen: &'a [AlarmSeen],
) -> Result<&'a [AlarmSeen], Hindrance> {
    let firing = firing(seen);
    match policy.alarms_at_start {
        AlarmsAtStart::Wait if !firing.is_empty() => Err(Hindrance::Waiting(Waiting::AlarmQuiet)),
        AlarmsAtStart::Reject if !firing.is_empty() => {
            Err(Rejected::AlarmFiring { alarms: firing }.into())
        }
        AlarmsAtStart::Ignore | AlarmsAtStart::Wait | AlarmsAtStart::Reject => Ok(seen),
    }
}

pub(super) fn firing(seen: &[AlarmSeen]) -> Vec<String> {
    seen.iter()
        .filter(|alarm| alarm.state == Some(AlarmState::Alarm))
        .map(|alarm| alarm.name.clone())
        .collect()
}

fn containers(
    policy: &Policy,
    rollout: &Rollout,
    definition: &Definition,
    registry: &str,
) -> Result<Vec<String>, Rejected> {
    let repository = &rollout.push.repository;
    let named = policy
        .image(repository)
        .map(|image| image.containers.as_slice())
        .unwrap_or_default();
    let matched = matching_containers(definition, registry, repository, named);
    if matched.containers.is_empty() || !matched.missing.is_empty() {
        return Err(Rejected::NoContainer {
            repository: repository.clone(),
            missing: matched.missing,
        });
    }
    Ok(matched.containers)
}

fn fits(definition: &Definition, offered: &[Platform]) -> Result<(), Rejected> {
    let wanted = platform(definition);
    if offered.contains(&wanted) {
        return Ok(());
    }
    Err(Rejected::WrongPlatform {
        wanted: wanted.to_string(),
        offered: offered.iter().map(ToString::to_string).collect(),
    })
}
