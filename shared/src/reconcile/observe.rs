//! Looks at what a phase needs to see, as much of it at once as can be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::{join, join_all, join5};
use jiff::{SignedDuration, Timestamp};

use super::Ports;
use crate::core::alarm::AlarmSeen;
use crate::core::decide::{self, Wanted, WantedDefinition};
use crate::core::name::TargetName;
use crate::core::observation::{
    Availability, Definition, DeploymentRecord, GoneImage, ImageLook, Look, Observation,
    ServiceLook, Trouble,
};
use crate::core::ordering::exact_tag;
use crate::core::policy::Policy;
use crate::core::push::PushSource;
use crate::core::reason::NewerPush;
use crate::core::rollout::Rollout;
use crate::core::shared::Shared;
use crate::core::shared_alarm::{SHARERS_LOOKED_AT, Sharer};
use crate::core::stack::{ChangeSetLook, StackLook};
use crate::core::state::{Standing, TargetState};
use crate::ledger::{LedgerError, ReverseKey};
use crate::ports::{Alarms, CallError, Clock, ImageName, Images, Services, Stacks, Targets};
use crate::task_definition::{PulledVersion, pulled_from, registry_of};

/// For how long after a look a service may be updated, or a version called good; later, somebody
/// else may have changed it, or an alarm fired, and it is looked at again.
pub(super) const LOOK_HOLDS: SignedDuration = SignedDuration::from_secs(10);

/// Looks at what the rollout's phase needs to see, and says when the look began.
///
/// One that took long is taken once more: half of it may be old.
pub(super) async fn fresh_look<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    state: &TargetState,
    rollout: &Rollout,
) -> (Observation, Timestamp)
where
    L: Targets,
    S: Services,
    K: Stacks,
    I: Images,
    A: Alarms,
    C: Clock,
{
    let began = ports.clock.now();
    let observation = observe(ports, state, rollout, began).await;
    let ended = ports.clock.now();
    if ended.duration_since(began) <= LOOK_HOLDS {
        return (observation, began);
    }
    let mut observation = observe(ports, state, rollout, ended).await;
    observation.is_old = ports.clock.now().duration_since(ended) > LOOK_HOLDS;
    (observation, ended)
}

async fn observe<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    state: &TargetState,
    rollout: &Rollout,
    now: Timestamp,
) -> Observation
where
    L: Targets,
    S: Services,
    K: Stacks,
    I: Images,
    A: Alarms,
{
    let good = state.last_known_good.as_ref();
    let none_is_good = BTreeMap::new();
    let good_images = good.map_or(&none_is_good, |good| &good.images);
    let wanted = decide::wanted(rollout, good_images, now);
    let looks = join5(
        service(&ports.services, rollout, &wanted, now),
        image(&ports.images, rollout, wanted.image),
        alarms(&ports.alarms, &rollout.policy.alarms, wanted.alarms),
        good_definition(
            &ports.ledger,
            &rollout.policy.target,
            wanted.good_definition,
        ),
        gone_image(&ports.images, state, &rollout.policy, wanted.good_images),
    );
    let others = join(
        newer(&ports.images, state, rollout),
        stack(&ports.stacks, rollout, &wanted),
    );
    let ((seen, image, alarms, good_definition, gone_image), (newer, (stack, change_set))) =
        join(looks, others).await;
    let fired = decide::fired_alarms(rollout, &alarms);
    let alarm_sharers = alarm_sharers(&ports.ledger, &rollout.policy.target, &fired).await;
    Observation {
        service: seen.service,
        definition: seen.definition,
        own_revision: seen.own_revision,
        history: seen.history,
        stack,
        change_set,
        image,
        alarms,
        alarm_sharers,
        good_definition,
        gone_image,
        last_known_good: state
            .last_known_good
            .as_ref()
            .map(|good| good.task_definition.clone()),
        good_by_tag: state
            .last_known_good
            .as_ref()
            .is_some_and(|good| good.by_tag),
        quarantine: state.quarantine.clone(),
        newer,
        asked_before: state.asked_before.clone(),
        given_up_deployment: given_up_deployment(&state.standing).cloned(),
        is_old: false,
    }
}

/// Looks at the stack that the target goes through, and at the rollout's change set of it.
async fn stack<K: Stacks>(
    stacks: &K,
    rollout: &Rollout,
    wanted: &Wanted,
) -> (Look<StackLook>, Look<ChangeSetLook>) {
    let Some(stack) = &rollout.policy.stack else {
        return (Look::NotTaken, Look::NotTaken);
    };
    let change_set = async {
        match &wanted.change_set {
            Some(name) => look(stacks.change_set(&stack.name, name).await),
            None => Look::NotTaken,
        }
    };
    let stack = async {
        match wanted.stack {
            true => stack_of(stacks, &rollout.policy).await,
            false => Look::NotTaken,
        }
    };
    join(stack, change_set).await
}

/// Looks at the stack that a target goes through, if it does.
pub(super) async fn stack_of<K: Stacks>(stacks: &K, policy: &Policy) -> Look<StackLook> {
    match &policy.stack {
        Some(stack) => look(stacks.stack(&stack.name).await),
        None => Look::NotTaken,
    }
}

/// Finds the newer push that waits; from what runs, only one that would start takes over.
async fn newer<I: Images>(images: &I, state: &TargetState, rollout: &Rollout) -> Option<NewerPush> {
    let repository = &rollout.push.repository;
    let mut waiting = state.waiting.iter();
    let newer = waiting.find(|waiting| waiting.push.repository == *repository)?;
    if let (Some(start), Some(_)) = (rollout.phase.start(), rollout.phase.running()) {
        let look = image(images, newer, true).await;
        if !decide::may_take_over(newer, &look, start, &state.quarantine) {
            return None;
        }
    }
    Some(newer.into())
}

fn given_up_deployment(standing: &Standing) -> Option<&String> {
    match standing {
        Standing::Adopted {
            given_up_deployment,
            ..
        } => given_up_deployment.as_ref(),
        Standing::Pending { .. } | Standing::Invalid { .. } => None,
    }
}

/// What ECS was asked.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) service: Look<ServiceLook>,
    pub(super) definition: Look<Arc<Definition>>,
    own_revision: Look<Option<String>>,
    history: Look<Vec<DeploymentRecord>>,
}

/// Looks at a service and the task definition that its primary deployment runs.
pub(super) async fn service_and_definition<S: Services>(services: &S, policy: &Policy) -> Seen {
    let service = look(services.service(&policy.service).await);
    let definition = match primary_definition(&service) {
        Some(arn) => look(services.task_definition(arn).await),
        None => Look::NotTaken,
    };
    Seen {
        service,
        definition,
        ..Seen::default()
    }
}

async fn service<S: Services>(
    services: &S,
    rollout: &Rollout,
    wanted: &Wanted,
    now: Timestamp,
) -> Seen {
    let policy = &rollout.policy;
    if !wanted.service {
        return Seen::default();
    }
    let named = match &wanted.definition {
        Some(WantedDefinition::OfPrimary) => {
            let seen = service_and_definition(services, policy).await;
            let history = history(services, rollout, &seen.service, now).await;
            return Seen { history, ..seen };
        }
        Some(WantedDefinition::Named(arn)) => Some(arn),
        None => None,
    };
    let own_revision = async {
        match &wanted.own_revision {
            Some(own) => look(services.own_revision(own).await),
            None => Look::NotTaken,
        }
    };
    let definition = async {
        match named {
            Some(arn) => look(services.task_definition(arn).await),
            None => Look::NotTaken,
        }
    };
    let service = async {
        let service = look(services.service(&policy.service).await);
        let history = history(services, rollout, &service, now).await;
        (service, history)
    };
    let ((service, history), (definition, own_revision)) =
        join(service, join(definition, own_revision)).await;
    Seen {
        service,
        definition,
        own_revision,
        history,
    }
}

async fn history<S: Services>(
    services: &S,
    rollout: &Rollout,
    service: &Look<ServiceLook>,
    now: Timestamp,
) -> Look<Vec<DeploymentRecord>> {
    let since = match service {
        Look::Taken(ServiceLook::Found(service)) => decide::history_wanted(rollout, service, now),
        Look::Taken(ServiceLook::Missing | ServiceLook::ClusterMissing)
        | Look::Unavailable(_)
        | Look::NotTaken => None,
    };
    match since {
        Some(since) => look(services.history(&rollout.policy.service, since).await),
        None => Look::NotTaken,
    }
}

fn primary_definition(service: &Look<ServiceLook>) -> Option<&str> {
    match service {
        Look::Taken(ServiceLook::Found(service)) => service
            .primary()
            .map(|primary| primary.task_definition.as_str()),
        Look::Taken(ServiceLook::Missing | ServiceLook::ClusterMissing)
        | Look::Unavailable(_)
        | Look::NotTaken => None,
    }
}

async fn good_definition<L: Targets>(
    ledger: &L,
    target: &TargetName,
    wanted: bool,
) -> Look<Option<Arc<Definition>>> {
    if !wanted {
        return Look::NotTaken;
    }
    match ledger.good_definition(target).await {
        Ok(found) => Look::Taken(found),
        Err(error) => Look::Unavailable(Trouble::from(&*error.to_string())),
    }
}

async fn image<I: Images>(images: &I, rollout: &Rollout, wanted: bool) -> Look<ImageLook> {
    if !wanted {
        return Look::NotTaken;
    }
    let push = &rollout.push;
    if let Some(start) = rollout.phase.start() {
        let name = ImageName::Digest(&start.digest);
        return look(images.image(&push.repository, name).await);
    }
    let exact = rollout
        .policy
        .image(&push.repository)
        .and_then(|image| exact_tag(&image.tags));
    let name = match (exact, push.source) {
        (Some(tag), PushSource::Event | PushSource::Found) => ImageName::Tag(tag),
        (_, PushSource::Operator) | (None, PushSource::Event | PushSource::Found) => {
            ImageName::Digest(&push.digest)
        }
    };
    look(images.image(&push.repository, name).await)
}

/// Looks whether the last-known-good can still be pulled.
///
/// Only followed repositories are asked: images of others may come from
/// elsewhere, or through a cache that fetches them again.
async fn gone_image<I: Images>(
    images: &I,
    state: &TargetState,
    policy: &Policy,
    wanted: bool,
) -> Look<Option<GoneImage>> {
    let good = match (&state.last_known_good, wanted) {
        (Some(good), true) => good,
        (None, true) => return Look::Taken(None),
        (_, false) => return Look::NotTaken,
    };
    let registry = registry_of(&good.service_arn).unwrap_or_default();
    let distinct: BTreeSet<&String> = good.images.values().collect();
    let pulled = distinct.into_iter().filter_map(|image| {
        let pulled = pulled_from(image, &registry)?;
        policy.image(pulled.repository).map(|_| (image, pulled))
    });
    let asked = pulled.map(async |(image, pulled)| {
        let name = match &pulled.version {
            PulledVersion::Tag(tag) => ImageName::Tag(tag),
            PulledVersion::Digest(digest) => ImageName::Digest(digest),
        };
        (image, images.availability(pulled.repository, name).await)
    });
    let mut trouble = None;
    for (image, answer) in join_all(asked).await {
        let archived = match answer {
            Ok(Availability::There) => continue,
            Ok(Availability::Missing) => false,
            Ok(Availability::Archived) => true,
            Err(error) => {
                trouble = Some(troubled(&error));
                continue;
            }
        };
        let image = image.clone();
        return Look::Taken(Some(GoneImage { image, archived }));
    }
    trouble.map_or(Look::Taken(None), Look::Unavailable)
}

/// Looks at alarms; without any there is nothing to ask.
pub(super) async fn alarms<A: Alarms>(
    alarms: &A,
    names: &[String],
    wanted: bool,
) -> Look<Vec<AlarmSeen>> {
    if !wanted {
        return Look::NotTaken;
    }
    if names.is_empty() {
        return Look::Taken(Vec::new());
    }
    look(alarms.alarms(names).await)
}

/// Looks who else watches the alarms that fired, and what they are doing.
async fn alarm_sharers<L: Targets>(
    ledger: &L,
    own: &TargetName,
    fired: &[String],
) -> Look<Vec<Sharer>> {
    if fired.is_empty() {
        return Look::NotTaken;
    }
    let mut sharers = Vec::new();
    for alarm in fired {
        let key = ReverseKey::Alarm(alarm.clone());
        let followers = match ledger.followers(&key).await {
            Ok(followers) => followers,
            Err(error) => return Look::Unavailable(Trouble::from(&*error.to_string())),
        };
        let names = followers.into_iter().map(|follower| follower.target);
        let others = names.filter(|target| target != own);
        let read = others
            .take(SHARERS_LOOKED_AT)
            .map(async |target| (ledger.load(&target).await, target));
        for (entry, target) in join_all(read).await {
            let state = match entry {
                Ok(entry) => entry.state,
                // A record that nobody can read belongs to nobody who could be waited for.
                Err(LedgerError::Unreadable { .. }) => Shared::default(),
                Err(error @ LedgerError::Unreachable { .. }) => {
                    return Look::Unavailable(Trouble::from(&*error.to_string()));
                }
            };
            sharers.push(Sharer::read(alarm, target, &state));
        }
    }
    Look::Taken(sharers)
}

/// Keeps an answer, or the reason why there is none.
pub(super) fn look<T>(answer: Result<T, CallError>) -> Look<T> {
    match answer {
        Ok(seen) => Look::Taken(seen),
        Err(error) => Look::Unavailable(troubled(&error)),
    }
}

fn troubled(error: &CallError) -> Trouble {
    Trouble {
        words: error.to_string(),
        throttled: matches!(error, CallError::Throttled { .. }),
    }
}
