//! Adopts a target: looks at its service and takes what runs as last-known-good.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join4;
use jiff::{SignedDuration, Timestamp};

use super::Ports;
use super::observe::{alarms, look, service_and_definition, stack_of};
use super::step::Step;
use crate::core::adoption::{self, Adoption};
use crate::core::observation::{
    Definition, DeploymentState, Look, Observation, Service, ServiceLook,
};
use crate::core::policy::Policy;
use crate::core::reason::{Rejected, Waiting};
use crate::core::rollout::{Phase, Rollout};
use crate::core::state::{GoodSource, Standing, TargetState, Wake};
use crate::notice::News;
use crate::ports::{Alarms, CallError, Clock, Images, Services, Stacks};
use crate::target::Mistake;
use crate::task_definition::{self, matching_containers, named_by_tag, registry_of};

/// How soon an invalid target is looked at again by itself: its owner may have mended the service.
const INVALID_RETRY: SignedDuration = SignedDuration::from_hours(1);

/// Says whether the target has to be looked at before anything is deployed to it.
///
/// An invalid one is looked at anew whenever somebody pushes, its parameter
/// changes or its wake-up is due.
pub(super) fn due(state: &TargetState, parameter_version: i64, waking: bool) -> bool {
    let asked = !state.waiting.is_empty() || state.current.is_some();
    match &state.standing {
        Standing::Pending { .. } => true,
        Standing::Adopted { .. } => state.parameter_version != parameter_version,
        Standing::Invalid { .. } => state.parameter_version != parameter_version || asked || waking,
    }
}

/// Says whether the service is another one than was adopted, under the same name.
pub(super) fn recreated(state: &TargetState, observation: &Observation) -> bool {
    match (&state.standing, &observation.service) {
        (
            Standing::Adopted {
                service_created_at, ..
            },
            Look::Taken(ServiceLook::Found(service)),
        ) => service.active && service.created_at != *service_created_at,
        _ => false,
    }
}

/// Looks and adopts; answers whether another step may follow at once.
pub(super) async fn adopt<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    step: &mut Step,
    policy: &Policy,
    parameter_version: i64,
) -> bool
where
    S: Services,
    K: Stacks,
    I: Images,
    A: Alarms,
    C: Clock,
{
    let repositories = policy.images.iter();
    let repositories: Vec<&str> = repositories.map(|one| one.repository.as_str()).collect();
    let (seen, missing, alarms, stack) = join4(
        service_and_definition(&ports.services, policy),
        ports.images.missing_repositories(&repositories),
        alarms(&ports.alarms, &policy.alarms, true),
        stack_of(&ports.stacks, policy),
    )
    .await;
    let now = ports.clock.now();
    let observation = Observation {
        service: seen.service,
        definition: seen.definition,
        alarms,
        stack,
        ..Observation::default()
    };
    let (since, told) = pending(
        &step.state.standing,
        step.state.parameter_version,
        parameter_version,
        now,
    );
    let since = match has_come(&step.state, &observation) {
        true => now,
        false => since,
    };
    let decision = adoption::decide(policy, &observation, &look(missing), since, now);
    let (decision, good) = match decision {
        Adoption::Good if runs_halted(&step.state, &observation) => (Adoption::NothingGood, None),
        Adoption::Good => {
            let runs = exactly_what_runs(&ports.services, &step.state, policy, &observation).await;
            good_if_known(runs, since, now)
        }
        other => (other, None),
    };
    tracing::info!(target_name = %policy.target, ?decision, "looked at the target");
    step.state.parameter_version = parameter_version;
    match decision {
        Adoption::Wait {
            until,
            waiting,
            tell,
        } => {
            let tell = tell.filter(|_| !told);
            let told = told || tell.is_some();
            let news = tell.map(|mistake| match waiting {
                Waiting::Service => News::ServiceMissing { mistake },
                _ => News::TargetInvalid {
                    mistakes: vec![mistake],
                },
            });
            wait(step, since, told, until, waiting);
            if let Some(news) = news {
                step.tell_target(news, now);
            }
            false
        }
        Adoption::Invalid(mistakes) => {
            refuse(step, mistakes, now);
            false
        }
        Adoption::Good | Adoption::NothingGood => {
            let more = adopted(step, &observation, good.as_ref(), now);
            warn(step, policy, &observation, now);
            more
        }
    }
}

/// What runs is good where ECS tells which images that is.
fn good_if_known(
    runs: Result<Option<Arc<Definition>>, CallError>,
    since: Timestamp,
    now: Timestamp,
) -> (Adoption, Option<Arc<Definition>>) {
    match runs {
        Ok(Some(definition)) => (Adoption::Good, Some(definition)),
        Ok(None) => (Adoption::NothingGood, None),
        Err(error) => (adoption::unavailable(&error.to_string(), since, now), None),
    }
}

/// Gives the definition that runs, each followed image named by the digest that runs.
///
/// The same definition names another image once a tag in it has moved: a new
/// service deployment resolves it anew. Source: ECS developer guide,
/// "Container image resolution". Answers none where ECS does not tell the digests.
async fn exactly_what_runs<S: Services>(
    services: &S,
    state: &TargetState,
    policy: &Policy,
    observation: &Observation,
) -> Result<Option<Arc<Definition>>, CallError> {
    let (Look::Taken(ServiceLook::Found(service)), Look::Taken(definition)) =
        (&observation.service, &observation.definition)
    else {
        return Ok(None);
    };
    let registry = registry_of(&service.arn).unwrap_or_default();
    let followed = policy.images.iter().flat_map(|image| {
        let (repository, named) = (&image.repository, &image.containers);
        matching_containers(definition, &registry, repository, named).containers
    });
    let followed: Vec<String> = followed.collect();
    let by_tag = named_by_tag(definition, &followed);
    if by_tag.is_empty() || known(state, service) {
        return Ok(Some(Arc::clone(definition)));
    }
    let arn = task_definition::arn(definition);
    let digests = services.resolved_images(&policy.service, arn).await?;
    Ok(task_definition::pinned(definition, &by_tag, &digests).map(Arc::new))
}

/// Says whether the service runs the version on which a rollout halted.
///
/// What is known to be bad, and waits for a person, is not taken as good because it is steady.
fn runs_halted(state: &TargetState, observation: &Observation) -> bool {
    let halted = state.halted.as_ref();
    let halted = halted.and_then(|halted| halted.news.running.as_ref());
    let primary = match &observation.service {
        Look::Taken(ServiceLook::Found(service)) => service.primary(),
        Look::Taken(_) | Look::Unavailable(_) | Look::NotTaken => None,
    };
    halted.is_some_and(|halted| {
        primary.is_some_and(|primary| primary.task_definition == halted.revision)
    })
}

/// Notes what is doubtful where a rollout starts: an alarm may be gone since the adoption.
pub(super) fn warn_at_start(
    step: &mut Step,
    current: &Rollout,
    next: &Phase,
    observation: &Observation,
    now: Timestamp,
) {
    if let (Phase::Requested { .. }, Phase::Starting { .. }) = (&current.phase, next) {
        warn(step, &current.policy, observation, now);
    }
}

/// Notes what is doubtful, and tells each set of it once.
fn warn(step: &mut Step, policy: &Policy, observation: &Observation, now: Timestamp) {
    let Look::Taken(alarms) = &observation.alarms else {
        return;
    };
    let warnings = adoption::warnings(policy, alarms);
    if !warnings.is_empty() && step.state.warnings != warnings {
        let warnings = warnings.clone();
        step.tell_target(News::TargetWarned { warnings }, now);
    }
    step.state.warnings = warnings;
}

/// Since when adoption is being tried, and whether people know.
fn pending(
    standing: &Standing,
    looked_at: i64,
    parameter_version: i64,
    now: Timestamp,
) -> (Timestamp, bool) {
    match standing {
        Standing::Pending { since, told } if looked_at == parameter_version => {
            (since.unwrap_or(now), *told)
        }
        Standing::Pending { .. } | Standing::Adopted { .. } | Standing::Invalid { .. } => {
            (now, false)
        }
    }
}

/// Says whether the service has come since the last look: from now on it has time to settle.
fn has_come(state: &TargetState, observation: &Observation) -> bool {
    let wake = state.wake.as_ref();
    let was_missing = wake.is_some_and(|wake| wake.waiting == Waiting::Service);
    match &observation.service {
        Look::Taken(ServiceLook::Found(service)) => was_missing && service.active,
        Look::Taken(_) | Look::Unavailable(_) | Look::NotTaken => false,
    }
}

fn wait(step: &mut Step, since: Timestamp, told: bool, until: Timestamp, waiting: Waiting) {
    step.state.standing = Standing::Pending {
        since: Some(since),
        told,
    };
    step.state.wake = Some(Wake { at: until, waiting });
    if let Some(current) = &mut step.state.current {
        current.phase = Phase::Requested {
            waiting: Waiting::Adoption,
            hindered_since: None,
        };
    }
    for rollout in &mut step.state.waiting {
        rollout.phase = Phase::Requested {
            waiting: Waiting::Adoption,
            hindered_since: None,
        };
    }
}

/// Notes every mistake, tells each set of them once, and turns away what was pushed.
fn refuse(step: &mut Step, mistakes: Vec<Mistake>, now: Timestamp) {
    let reason = Rejected::TargetInvalid {
        mistakes: mistakes.clone(),
    };
    step.end_all(&Phase::Rejected { reason }, false, now);
    let standing = Standing::Invalid {
        mistakes: mistakes.clone(),
    };
    if step.state.standing != standing {
        step.tell_target(News::TargetInvalid { mistakes }, now);
    }
    step.state.standing = standing;
    step.state.wake = Some(Wake {
        at: now + INVALID_RETRY,
        waiting: Waiting::Adoption,
    });
}

fn adopted(
    step: &mut Step,
    observation: &Observation,
    good: Option<&Arc<Definition>>,
    now: Timestamp,
) -> bool {
    let Look::Taken(ServiceLook::Found(service)) = &observation.service else {
        return false;
    };
    let again = known(&step.state, service);
    step.state.standing = Standing::Adopted {
        service_created_at: service.created_at,
        service_arn: service.arn.clone(),
        given_up_deployment: if good.is_some() {
            None
        } else {
            unsettled(service)
        },
    };
    step.state.wake = None;
    if again {
        return true;
    }
    step.state.last_known_good = None;
    let mut images = BTreeMap::new();
    if let (Some(good), Look::Taken(registered)) = (good, &observation.definition) {
        step.set_good(service, good, registered, GoodSource::Adopted, now);
        images = task_definition::images(good);
    }
    step.tell_target(News::Adopted { images }, now);
    true
}

/// Gives the id of the service's primary deployment, unless it is done.
fn unsettled(service: &Service) -> Option<String> {
    let primary = service.primary()?;
    (primary.state != DeploymentState::Completed).then(|| primary.id.clone())
}

/// Says whether this very service has a last-known-good already.
fn known(state: &TargetState, service: &Service) -> bool {
    state.last_known_good.as_ref().is_some_and(|good| {
        good.service_created_at == service.created_at && good.service_arn == service.arn
    })
}
