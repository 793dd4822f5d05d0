//! What to do next with the rollout under way.
//!
//! [`decide`] is total: every phase has an answer to every observation. It does
//! no I/O and cannot fail, and it is the same code in the function and in the
//! simulation.

mod baking;
mod going;
mod hindered;
mod history;
mod progressing;
mod requested;
mod rolling_back;
mod stack;
mod starting;
#[cfg(test)]
mod tests;
mod watched_alarms;

pub use history::history_wanted;
pub use requested::{may_take_over, unsuitable};
pub use stack::problem as stack_problem;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::alarm::{self, AlarmSeen};
use super::diagnosis::{self, Cause};
use super::observation::{Look, Observation, OwnRevision, Service, ServiceDeployment, ServiceLook};
use super::policy::{Policy, StackRef, Supersede};
use super::reason::{Halted, Rejected, SupersededBy, Waiting};
use super::rollout::{Phase, Rollout, Running, Way};
use super::stack::ChangeSetRequest;
use going::Going;
use history::Turned;

/// How long a change may stay invisible to a read.
///
/// ECS is eventually consistent and promises no bound; half a minute is what
/// this project settled on (its design, principle 3).
pub const READ_LAG: SignedDuration = SignedDuration::from_secs(30);
/// How soon to look again where no event is sure to come.
const POLL: SignedDuration = SignedDuration::from_secs(30);
/// How soon to ask again after AWS gave no usable answer.
const RETRY: SignedDuration = SignedDuration::from_secs(15);
/// How long fewer tasks than desired may run before that counts against a version.
const MISSING_TASKS_LIMIT: SignedDuration = SignedDuration::from_mins(5);

/// What to do next.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The phase to save before anything is done.
    pub phase: Phase,
    /// What to do once it is saved, in this order.
    pub actions: Vec<Action>,
    /// When to look again.
    pub next: Next,
}

/// An effect on AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Register this RegisterTaskDefinition request.
    Register(Value),
    /// Point the service at the revision: the one just registered where none is named.
    UpdateService(Option<String>),
    /// Have ECS roll the service deployment with this ARN back.
    StopServiceDeployment(String),
    /// Have CloudFormation work out what a change of the stack's image parameter changes.
    CreateChangeSet(ChangeSetRequest),
    /// Have CloudFormation make the changes of the change set of this name.
    ExecuteChangeSet(String),
    /// Have CloudFormation take the stack's update back that is under way.
    CancelUpdateStack,
}

/// When to look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// At once: the actions' answers, or the new phase, need another look.
    Now,
    /// Later, or when an event comes.
    Wait(Timestamp, Waiting),
    /// Never: the phase is final.
    Over,
}

/// Which things a phase needs to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The service.
    pub service: bool,
    /// The pushed image.
    pub image: bool,
    /// The watched alarms.
    pub alarms: bool,
    /// The revision that was registered for the rollout, or for its way back.
    pub own_revision: Option<OwnRevision>,
    /// The whole text of the last-known-good, from the ledger.
    pub good_definition: bool,
    /// Whether the last-known-good's images can be pulled.
    pub good_images: bool,
    /// A task definition.
    pub definition: Option<WantedDefinition>,
    /// The stack that the target goes through.
    pub stack: bool,
    /// The change set of it that has this name.
    pub change_set: Option<String>,
}

/// Which task definition a phase needs to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WantedDefinition {
    /// The one that the service's primary deployment runs.
    OfPrimary,
    /// This one.
    Named(String),
}

/// Says what a phase needs to see before [`decide`] is asked.
///
/// `good_images` are those of the last-known-good, by container.
#[must_use]
pub fn wanted(rollout: &Rollout, good_images: &BTreeMap<String, String>, now: Timestamp) -> Wanted {
    let wanted = wanted_of_service(rollout, good_images, now);
    match policy_stack(rollout) {
        Some(_) => wanted_through_stack(rollout, wanted),
        None => wanted,
    }
}

fn wanted_of_service(
    rollout: &Rollout,
    good_images: &BTreeMap<String, String>,
    now: Timestamp,
) -> Wanted {
    match &rollout.phase {
        Phase::Requested { .. } => Wanted {
            service: true,
            image: true,
            alarms: true,
            good_images: true,
            definition: Some(WantedDefinition::OfPrimary),
            ..Wanted::default()
        },
        Phase::Starting {
            start, revision, ..
        } => Wanted {
            service: true,
            alarms: true,
            own_revision: revision
                .is_none()
                .then(|| starting::own_revision(rollout, start)),
            definition: revision
                .is_none()
                .then(|| WantedDefinition::Named(start.base_task_definition.clone())),
            ..Wanted::default()
        },
        Phase::Progressing { running, .. } => Wanted {
            service: true,
            alarms: true,
            image: image_doubted(rollout, running),
            ..Wanted::default()
        },
        Phase::RollingBack { back, .. } => Wanted {
            service: true,
            own_revision: Some(OwnRevision {
                base: back.to.clone(),
                tag: rolling_back::way_back_tag(rollout),
                images: good_images.clone(),
            }),
            definition: Some(WantedDefinition::Named(back.to.clone())),
            good_definition: true,
            ..Wanted::default()
        },
        Phase::Baking { running, until, .. } => Wanted {
            service: true,
            alarms: true,
            image: image_doubted(rollout, running),
            definition: (now >= *until).then(|| WantedDefinition::Named(running.revision.clone())),
            ..Wanted::default()
        },
        Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => Wanted::default(),
    }
}

/// Says what a phase needs to see of a target that goes through a stack.
fn wanted_through_stack(rollout: &Rollout, wanted: Wanted) -> Wanted {
    let wanted = Wanted {
        stack: wanted.service,
        ..wanted
    };
    match &rollout.phase {
        Phase::Starting { start, .. } => Wanted {
            change_set: start.stack.as_ref().map(|stack| stack.change_set.clone()),
            definition: Some(WantedDefinition::OfPrimary),
            own_revision: None,
            ..wanted
        },
        Phase::RollingBack { start, back, .. } => Wanted {
            // Until it has one of its own: is the update over that is to be taken back?
            change_set: match &back.stack {
                Some(back) => Some(back.change_set.clone()),
                None => start.stack.as_ref().map(|stack| stack.change_set.clone()),
            },
            definition: Some(WantedDefinition::OfPrimary),
            own_revision: None,
            ..wanted
        },
        Phase::Requested { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => wanted,
    }
}

fn policy_stack(rollout: &Rollout) -> Option<&StackRef> {
    rollout.policy.stack.as_ref()
}

/// Names the alarms that fired while they were watched, this look included.
///
/// For each of them [`decide`] has to see who else watches it.
#[must_use]
pub fn fired_alarms(rollout: &Rollout, seen: &Look<Vec<AlarmSeen>>) -> Vec<String> {
    let start = match &rollout.phase {
        Phase::Progressing { start, .. } | Phase::Baking { start, .. } => start,
        Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::RollingBack { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => return Vec::new(),
    };
    let seen = match seen {
        Look::Taken(seen) => seen.as_slice(),
        Look::NotTaken | Look::Unavailable(_) => &[],
    };
    alarm::judge(&start.alarms, seen).fired
}

/// Says whether a task of ours stopped as if the image were gone: only ECR can tell.
fn image_doubted(rollout: &Rollout, running: &Running) -> bool {
    let stopped = rollout.evidence.stopped_tasks.kept();
    stopped
        .iter()
        .filter(|task| task.started_by == running.deployment)
        .map(diagnosis::cause)
        .any(|cause| matches!(cause, Cause::ImageManifestMissing | Cause::PullDenied))
}

/// Decides what to do next with `rollout`.
///
/// `now` is when the look at what is observed began: whatever it does not show may have come
/// since. What is decided to be done then is [`dated`] anew.
pub fn decide(
    policy: &Policy,
    rollout: &Rollout,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    let decision = of_phase(policy, rollout, observation, now);
    hindered::explained(rollout, observation, decision)
}

/// Dates what is about to be done no earlier than it is.
///
/// Looking can take long, and for how long an effect may be invisible counts from when it is
/// sent.
pub fn dated(decision: Decision, looked_at: Timestamp, now: Timestamp) -> Decision {
    if decision.actions.is_empty() {
        return decision;
    }
    let anew = |at: &mut Timestamp| {
        if *at == looked_at {
            *at = now;
        }
    };
    let mut decision = decision;
    match &mut decision.phase {
        Phase::Starting {
            start,
            update_intended_at,
            ..
        } => {
            anew(&mut start.at);
            update_intended_at.iter_mut().for_each(anew);
        }
        Phase::RollingBack { back, .. } => match &mut back.way {
            Way::Stop { intended_at } | Way::Cancel { intended_at } => anew(intended_at),
            Way::Update { intended_at } => intended_at.iter_mut().for_each(anew),
            Way::Unasked | Way::Observed { .. } => {}
        },
        Phase::Requested { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => {}
    }
    decision
}

fn of_phase(
    policy: &Policy,
    rollout: &Rollout,
    observation: &Observation,
    now: Timestamp,
) -> Decision {
    match &rollout.phase {
        Phase::Requested { hindered_since, .. } => {
            requested::decide(policy, rollout, *hindered_since, observation, now)
        }
        Phase::Starting {
            start,
            update_intended_at,
            ..
        } if policy_stack(rollout).is_some() => {
            stack::starting(rollout, start, *update_intended_at, observation, now)
        }
        Phase::Starting {
            start,
            revision,
            update_intended_at,
        } => {
            let intent = starting::Intent {
                revision: revision.as_deref(),
                intended_at: *update_intended_at,
            };
            starting::decide(rollout, start, &intent, observation, now)
        }
        Phase::Progressing { start, running } => {
            let going = Going::new(policy, rollout, start, running, observation, now);
            progressing::decide(&going)
        }
        Phase::RollingBack {
            start,
            running,
            failure,
            back,
        } => {
            let returning = rolling_back::Return {
                rollout,
                start,
                running,
                failure,
                back,
                now,
            };
            match policy_stack(rollout) {
                Some(stack) => stack::rolling_back(&returning, stack, observation),
                None => rolling_back::decide(&returning, observation),
            }
        }
        Phase::Baking {
            start,
            running,
            until,
            missing_tasks_since,
        } => {
            let bake = baking::Bake {
                until: *until,
                missing_tasks_since: *missing_tasks_since,
            };
            let going = Going::new(policy, rollout, start, running, observation, now);
            baking::decide(&going, &bake)
        }
        Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => over(rollout.phase.clone()),
    }
}

fn over(phase: Phase) -> Decision {
    Decision {
        phase,
        actions: Vec::new(),
        next: Next::Over,
    }
}

fn wait(phase: Phase, until: Timestamp, waiting: Waiting) -> Decision {
    Decision {
        phase,
        actions: Vec::new(),
        next: Next::Wait(until, waiting),
    }
}

fn reject(reason: Rejected) -> Decision {
    over(Phase::Rejected { reason })
}

fn supersede(by: SupersededBy) -> Decision {
    over(Phase::Superseded { by })
}

fn halt(reason: Halted) -> Decision {
    over(Phase::Halted { reason })
}

/// What the service turned out to do about our revision.
enum Standing<'a> {
    /// It is driven towards our revision.
    Ours(&'a Service, &'a ServiceDeployment),
    /// What ran before is still shown.
    MayLag,
    /// ECS gave our deployment up and drives towards something else.
    GivenUp(&'a ServiceDeployment),
    /// Somebody else changed it.
    Foreign(&'a ServiceDeployment),
    /// It is gone.
    Gone,
    /// AWS gave no usable answer.
    Unknown(&'a str),
}

/// Tells where the service stands, once it was asked to run `running.revision`.
fn standing<'a>(running: &Running, observation: &'a Observation, now: Timestamp) -> Standing<'a> {
    let service = match &observation.service {
        Look::Taken(ServiceLook::Found(service)) if service.active => service,
        Look::Taken(_) => return Standing::Gone,
        Look::Unavailable(trouble) => return Standing::Unknown(&trouble.words),
        Look::NotTaken => return Standing::Unknown("the service was not looked at"),
    };
    let Some(primary) = service.primary() else {
        return Standing::Unknown("ECS shows no primary deployment");
    };
    if primary.task_definition == running.revision {
        return Standing::Ours(service, primary);
    }
    match history::turned(running, service, primary, &observation.history, now) {
        Turned::NotYet => Standing::MayLag,
        Turned::ByEcs => Standing::GivenUp(primary),
        Turned::ByRequest | Turned::ByUpdate => Standing::Foreign(primary),
    }
}

/// Says whether the newer push takes over now.
fn newer_takes_over(policy: &Policy, observation: &Observation, failing: bool) -> Option<Decision> {
    let newer = observation.newer.as_ref()?;
    let now = match policy.supersede {
        Supersede::Immediately => true,
        Supersede::WhenFinished => failing,
    };
    now.then(|| supersede(SupersededBy::Push(newer.clone())))
}
