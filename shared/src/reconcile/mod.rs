//! One target's control loop: load, observe, decide, save, act.
//!
//! A wake-up says only which target to look at. What was decided is saved
//! under a version check before anything is done, so that a crash anywhere is
//! repaired by the next wake-up. Within one invocation the loop goes on until
//! the decision is to wait.

mod act;
mod adopt;
mod alarm;
mod health;
mod observe;
mod operate;
mod publish;
mod stack;
mod step;

use jiff::Timestamp;

use crate::core::decide::{self, Next};
use crate::core::intake::{self, Intake};
use crate::core::observation::{ImageContent, ImageLook, Observation};
use crate::core::operate::turn_back;
use crate::core::ordering::PushTimes;
use crate::core::policy::{Policy, ServiceRef};
use crate::core::push::Push;
use crate::core::reason::{Ignored, Rejected, SupersededBy, Waiting};
use crate::core::rollout::Phase;
use crate::core::shared::Shared;
use crate::core::state::{TargetState, Wake};
use crate::ledger::{IgnoredPush, LedgerError, RegistrationStatus, SaveError};
use crate::ports::{
    Alarms, Clock, DeployedParameters, IgnoredPushes, ImageName, Images, LoadBalancers, Records,
    Services, Stacks, Targets,
};
use crate::queue::{QueueMessage, Trigger};

use step::Step;

/// The outside world, as the control loop needs it.
#[derive(Clone, Debug)]
pub struct Ports<L, S, K, I, A, B, P, C> {
    /// Where states are kept.
    pub ledger: L,
    /// ECS.
    pub services: S,
    /// CloudFormation.
    pub stacks: K,
    /// ECR.
    pub images: I,
    /// CloudWatch.
    pub alarms: A,
    /// Elastic Load Balancing.
    pub load_balancers: B,
    /// Parameter Store, where what is deployed is published.
    pub parameters: P,
    /// The clock.
    pub clock: C,
}

/// What the installation fixes for all targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The service named in the template's own parameters; it needs no tag to consent.
    pub own_service: Option<ServiceRef>,
    /// What is deployed is published below `/<prefix>/`.
    pub prefix: String,
}

/// What came of one wake-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The target was brought as far as it goes now; this is when it is looked at again.
    Reconciled(Option<Wake>),
    /// The wake-up changed nothing.
    Ignored(Ignored),
}

/// How often a write that lost a race is decided anew before the message goes back to the queue.
const CONFLICTS_LIMIT: usize = 5;
/// More steps than any rollout takes between two waits: past it, the rest is left to the next wake-up.
const STEPS_LIMIT: usize = 24;

/// Brings the message's target as far as it goes now.
///
/// # Errors
///
/// Only an unreachable or unreadable ledger fails; every other trouble becomes
/// a stored reason and a time to look again.
pub async fn reconcile<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    settings: &Settings,
    message: &QueueMessage,
) -> Result<Report, LedgerError>
where
    L: Targets + Records,
    S: Services,
    K: Stacks,
    I: Images,
    A: Alarms,
    B: LoadBalancers,
    P: DeployedParameters,
    C: Clock,
{
    for _ in 0..CONFLICTS_LIMIT {
        match attempt(ports, settings, message).await {
            Ok(report) => {
                keep_ignored(&ports.ledger, message, &report).await?;
                return Ok(report);
            }
            Err(SaveError::Conflict) => {
                tracing::info!(target_name = %message.target, "somebody else wrote in between: deciding anew");
            }
            Err(SaveError::Ledger(error)) => return Err(error),
            Err(SaveError::Claimed { holder }) => {
                return Err(LedgerError::Unreadable {
                    what: format!("target {}", message.target),
                    problem: format!("a state's write was answered with the claim of {holder}"),
                });
            }
        }
    }
    Err(LedgerError::Unreachable {
        doing: format!("save the state of target {}", message.target),
        problem: "every write lost its race".to_owned(),
    })
}

/// Keeps why a push changed nothing, for whoever asks.
async fn keep_ignored<L: IgnoredPushes>(
    ledger: &L,
    message: &QueueMessage,
    report: &Report,
) -> Result<(), LedgerError> {
    let (Some(push), Report::Ignored(reason)) = (message.trigger.push(), report) else {
        return Ok(());
    };
    let ignored = IgnoredPush {
        push: push.clone(),
        reason: reason.clone(),
    };
    ledger.keep_ignored(&message.target, &ignored).await
}

async fn attempt<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    settings: &Settings,
    message: &QueueMessage,
) -> Result<Report, SaveError>
where
    L: Targets + Records,
    S: Services,
    K: Stacks,
    I: Images,
    A: Alarms,
    B: LoadBalancers,
    P: DeployedParameters,
    C: Clock,
{
    let entry = ports.ledger.load(&message.target).await?;
    let Some(registration) = entry.registration.clone() else {
        return Ok(Report::Ignored(Ignored::TargetUnknown));
    };
    let policy = registration.policy().map(|policy| {
        let mut policy = policy.clone();
        if settings.own_service.as_ref() == Some(&policy.service) {
            policy.needs_no_consent = true;
        }
        policy
    });
    let mut step = Step::new(message.target.clone(), entry);
    let registered_at = registration.registered_at;
    let ignored = hear(ports, &mut step, policy.as_ref(), registered_at, message).await?;
    settle_registration(&mut step, &registration.status, ports.clock.now());
    let waking = message.trigger.push().is_none();
    for _ in 0..STEPS_LIMIT {
        if !advance(
            ports,
            &mut step,
            policy.as_ref(),
            registration.parameter_version,
            waking,
        )
        .await?
        {
            break;
        }
    }
    let wake = step.wake().cloned();
    let deployed = publish::begin(&mut step, &ports.clock);
    step.save(&ports.ledger).await?;
    if let Some(deployed) = deployed {
        publish::publish(ports, settings, &mut step, deployed).await;
    }
    Ok(match ignored {
        Some(reason) => Report::Ignored(reason),
        None => Report::Reconciled(wake),
    })
}

/// Takes in what woke the target; answers why, if it is a push that changes nothing.
async fn hear<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    step: &mut Step,
    policy: Option<&Shared<Policy>>,
    registered_at: Timestamp,
    message: &QueueMessage,
) -> Result<Option<Ignored>, LedgerError>
where
    L: Records,
    S: Services,
    K: Stacks,
    I: Images,
    C: Clock,
{
    let (services, clock) = (&ports.services, &ports.clock);
    match (&message.trigger, policy) {
        (Trigger::Pushed(_) | Trigger::Found { .. }, None) => {
            return Ok(Some(Ignored::TargetInvalid));
        }
        (Trigger::Pushed(push), Some(policy)) => {
            return Ok(take_in(ports, step, policy, registered_at, push).await);
        }
        (Trigger::Found { push, after }, Some(policy)) => {
            let ledger = &ports.ledger;
            let ended = ledger.was_requested(&message.target, &push.digest).await?;
            let now = clock.now();
            let state = &mut step.state;
            let taken = intake::receive_found(state, policy, push, after.as_ref(), ended, now);
            return Ok(settle(step, taken, now));
        }
        (Trigger::TaskStopped(task), _) => _ = intake::keep_task(&mut step.state, task),
        (Trigger::AlarmChanged(change), _) => {
            if !intake::keep_alarm(&mut step.state, change) {
                alarm::tell(services, step, policy, change, clock).await;
            }
        }
        (Trigger::ServiceChanged { trouble, .. }, _) => {
            if let Some(event) = trouble {
                intake::keep_service_event(&mut step.state, event);
            }
        }
        (Trigger::Operator(command), _) => {
            operate::take_in(ports, step, policy, command).await;
        }
        (
            Trigger::StackChanged { .. } | Trigger::Registered | Trigger::Due | Trigger::Unknown,
            _,
        ) => {}
    }
    Ok(None)
}

/// Takes a push in; answers why, if it changes nothing.
async fn take_in<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    step: &mut Step,
    policy: &Shared<Policy>,
    registered_at: Timestamp,
    push: &Push,
) -> Option<Ignored>
where
    I: Images,
    C: Clock,
{
    let now = ports.clock.now();
    let before = step.state.clone();
    let state = &mut step.state;
    let mut taken = intake::receive(state, policy, registered_at, push, None, now);
    if let Intake::AskPushTimes { newest } = &taken {
        // Without an answer the comparison falls back to the tags: any order, but one for all.
        let (pushed, newest_pushed) = futures_util::future::join(
            ports.images.pushed_at(&push.repository, &push.digest),
            ports.images.pushed_at(&push.repository, &newest.digest),
        )
        .await;
        let times = PushTimes {
            push: pushed.ok().flatten(),
            newest: newest_pushed.ok().flatten(),
        };
        taken = intake::receive(state, policy, registered_at, push, Some(times), now);
    }
    match taken {
        Intake::Accepted(_) if displaces(&before, push) => {
            if let Some(media_type) = not_an_image(&ports.images, push).await {
                step.state = before;
                return Some(Ignored::NotAnImage { media_type });
            }
        }
        Intake::Accepted(_) | Intake::Ignored(_) | Intake::AskPushTimes { .. } => {}
    }
    settle(step, taken, now)
}

/// Puts away what a push superseded; answers why, if it changes nothing.
fn settle(step: &mut Step, taken: Intake, now: Timestamp) -> Option<Ignored> {
    match taken {
        Intake::Accepted(superseded) => {
            for rollout in superseded {
                step.finish(rollout, now);
            }
            None
        }
        Intake::Ignored(reason) => Some(reason),
        Intake::AskPushTimes { newest } => Some(Ignored::Older {
            newest_tag: newest.tag,
            newest: newest.digest,
        }),
    }
}

/// Says whether a push could take the place of one that waits or is under way.
fn displaces(state: &TargetState, push: &Push) -> bool {
    let mut others = state.waiting.iter().chain(&state.current);
    others.any(|other| other.push.repository == push.repository)
}

/// Says what a push is that is no image; a signature must not displace the image it signs.
async fn not_an_image<I: Images>(images: &I, push: &Push) -> Option<String> {
    let name = ImageName::Digest(&push.digest);
    match images.image(&push.repository, name).await {
        Ok(ImageLook::Found {
            content: ImageContent::NotAnImage { media_type },
            ..
        }) => Some(media_type),
        Ok(_) | Err(_) => None,
    }
}

/// Ends a rollout on a service that the target is not for any more.
///
/// Another target may have claimed it: nothing may be asked of it from here.
fn leave_other_service(step: &mut Step, policy: &Policy, now: Timestamp) {
    let current = step.state.current.as_ref();
    let is_other = current.is_some_and(|current| {
        current.phase.start().is_some() && current.policy.service != policy.service
    });
    if is_other {
        let by = SupersededBy::TargetRemoved;
        let waiting = std::mem::take(&mut step.state.waiting);
        step.end_all(&Phase::Superseded { by }, true, now);
        step.state.waiting = waiting;
        step.state.forget_service();
    }
}

/// Ends what a removed or broken registration leaves without ground.
fn settle_registration(step: &mut Step, status: &RegistrationStatus, now: Timestamp) {
    let phase = match status {
        RegistrationStatus::Valid { policy } => return leave_other_service(step, policy, now),
        RegistrationStatus::Removed => Phase::Superseded {
            by: SupersededBy::TargetRemoved,
        },
        RegistrationStatus::Invalid { mistakes } => Phase::Rejected {
            reason: Rejected::TargetInvalid {
                mistakes: mistakes.clone(),
            },
        },
    };
    let removed = matches!(status, RegistrationStatus::Removed);
    step.end_all(&phase, removed, now);
    if removed {
        step.state.forget_service();
        step.state.asked_before.clear();
        step.state.warnings.clear();
        step.state.wake = None;
    }
}

/// Takes one step; answers whether another may follow at once.
async fn advance<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    step: &mut Step,
    policy: Option<&Shared<Policy>>,
    parameter_version: i64,
    waking: bool,
) -> Result<bool, SaveError>
where
    L: Targets,
    S: Services,
    K: Stacks,
    I: Images,
    A: Alarms,
    B: LoadBalancers,
    C: Clock,
{
    let started = step
        .state
        .current
        .as_ref()
        .is_some_and(|current| current.phase.start().is_some());
    if let (false, Some(policy)) = (started, policy) {
        if adopt::due(&step.state, parameter_version, waking) {
            return Ok(adopt::adopt(ports, step, policy, parameter_version).await);
        }
        intake::promote(&mut step.state, policy);
        step.refresh_policy(policy);
    }
    let Some(mut current) = step.state.current.clone() else {
        step.rest(ports.clock.now());
        return Ok(false);
    };
    step.state.halted = None;
    let now = ports.clock.now();
    if let Some(phase) = turn_back(&step.state, &current, now) {
        step.apply(&current, phase, &Observation::default(), now);
        return Ok(true);
    }
    let (observation, looked_at) = observe::fresh_look(ports, &step.state, &current).await;
    // Only now: looking can take long, and what is intended from here on has to be dated no earlier.
    let now = ports.clock.now();
    if adopt::recreated(&step.state, &observation) && !started {
        step.state.forget_service();
        return Ok(true);
    }
    intake::keep_complaints(&mut current, &observation);
    step.note_good_revision(&current, &observation);
    let decision = decide::decide(&current.policy, &current, &observation, looked_at);
    let decision = decide::dated(decision, looked_at, now);
    let decision = operate::gated(step, &current, decision, now);
    let balancers = &ports.load_balancers;
    health::keep(
        balancers,
        &mut current,
        &observation,
        &decision,
        &ports.clock,
    )
    .await;
    tracing::info!(
        target_name = %current.policy.target, rollout = %current.id,
        from = current.phase.as_str(), to = decision.phase.as_str(), "decided"
    );
    adopt::warn_at_start(step, &current, &decision.phase, &observation, now);
    step.apply(&current, decision.phase, &observation, now);
    match decision.next {
        Next::Over => step.save_success(&ports.ledger, now).await?,
        Next::Wait(at, waiting) => {
            step.wait(at, waiting, now);
            return Ok(false);
        }
        Next::Now => {
            // Should the function die before it looks again, the sweep wakes it once reads are sure.
            step.state.wake = Some(Wake {
                at: now + decide::READ_LAG,
                waiting: Waiting::ReadLag,
            });
        }
    }
    if decision.actions.is_empty() {
        return Ok(true);
    }
    step.save(&ports.ledger).await?;
    let (services, stacks, clock) = (&ports.services, &ports.stacks, &ports.clock);
    Ok(act::act(services, stacks, step, &decision.actions, looked_at, clock).await)
}
