//! Why a deployment does not get on, in ECS's own words where it complained.

use super::super::evidence::ToldTrouble;
use super::super::observation::{Look, Observation, ServiceLook};
use super::super::reason::Waiting;
use super::super::rollout::Rollout;
use super::{Decision, Next};

/// Puts what ECS complains of in the place of a bare wait for ECS.
///
/// Nothing is decided by it: an event may be lost, and the trouble may be over.
pub(super) fn explained(
    rollout: &Rollout,
    observation: &Observation,
    decision: Decision,
) -> Decision {
    let Next::Wait(at, waiting) = &decision.next else {
        return decision;
    };
    let explained = match (for_ecs(waiting), latest(rollout, observation)) {
        (true, Some(told)) => told.last.trouble().map(|trouble| Waiting::ServiceTrouble {
            trouble,
            told_at: told.last.at,
        }),
        (true, None) | (false, _) => None,
    };
    match explained {
        Some(waiting) => Decision {
            next: Next::Wait(*at, waiting),
            ..decision
        },
        None => decision,
    }
}

/// Says whether it is ECS that is waited for.
fn for_ecs(waiting: &Waiting) -> bool {
    match waiting {
        Waiting::Deployment | Waiting::StackUpdate | Waiting::WayBack | Waiting::MissingTasks => {
            true
        }
        Waiting::FirstLook
        | Waiting::Adoption
        | Waiting::Turn { .. }
        | Waiting::Service
        | Waiting::ServiceBusy
        | Waiting::AlarmQuiet
        | Waiting::Aws { .. }
        | Waiting::ReadLag
        | Waiting::ServiceTrouble { .. }
        | Waiting::PausedHook { .. }
        | Waiting::SharedAlarm { .. }
        | Waiting::BakeTime
        | Waiting::StackBusy { .. }
        | Waiting::ChangeSet
        | Waiting::Approval { .. }
        | Waiting::Person
        | Waiting::Held { .. } => false,
    }
}

/// Gives what ECS complained of last about the deployment that it is driving at.
fn latest<'a>(rollout: &'a Rollout, observation: &Observation) -> Option<&'a ToldTrouble> {
    let Look::Taken(ServiceLook::Found(service)) = &observation.service else {
        return None;
    };
    let since = service.primary()?.created_at;
    let told = rollout.evidence.service_troubles.kept().iter();
    told.filter(|told| told.last.follows(since))
        .filter(|told| told.last.trouble().is_some_and(|trouble| trouble.hinders()))
        .max_by_key(|told| told.last.at)
}
