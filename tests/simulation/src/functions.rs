//! The Lambda functions: the shell of `pushboat` on the watched ports.
//!
//! The ports in memory never wait, so that a function that does not finish at
//! once has died: its future is dropped where it stands. Only `rollout` may
//! stand still instead; its future is kept then, until it goes on.

use std::pin::Pin;
use std::rc::Rc;

use futures_util::FutureExt as _;
use jiff::SignedDuration;
use pushboat::core::policy::ServiceRef;
use pushboat::core::push::Push;
use pushboat::findings::NoInvestigator;
use pushboat::ledger::{LedgerError, NoticeKey};
use pushboat::message::Surroundings;
use pushboat::operator::{self, OperatorError, Request};
use pushboat::outbox::{self, Channels, SendError, Sent};
use pushboat::ports::Clock as _;
use pushboat::queue::QueueMessage;
use pushboat::reconcile::{self, Report, Settings, reconcile};
use pushboat::sweep::{self, Occasion, SweepError, Swept, sweep};
use pushboat::trigger::alarm::AlarmChanged;
use pushboat::trigger::cloudformation::StackChanged;
use pushboat::trigger::ecs::ServiceChange;
use pushboat::trigger::ecs_task::stopped_task;
use pushboat::wake::{self, WakeError, Woken};
use serde_json::Value;

use crate::alarms::Alarms;
use crate::calls::{Calls, Function, Pause};
use crate::clock::VirtualClock;
use crate::ecs::Ecs;
use crate::images::{Images, REGION};
use crate::ledger::Ledger;
use crate::load_balancers::LoadBalancers;
use crate::parameters::Parameters;
use crate::queue::FifoQueue;
use crate::stacks::Stacks;
use crate::topic::{Bus, Topic};
use crate::watched::Watched;

/// The prefix of the targets' parameters.
pub(crate) const PREFIX: &str = "pushboat";

/// How one invocation went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation<T, E> {
    /// It answered.
    Done(T),
    /// It answered with an error.
    Failed(E),
    /// It died.
    Crashed,
}

/// One invocation of a function and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `image-push` heard of a push.
    Pushed(Push, Invocation<Woken, WakeError>),
    /// `service-change` heard of a service.
    ServiceChanged(ServiceChange, Invocation<Woken, WakeError>),
    /// `service-change` heard of a task, whose ARN this is.
    TaskChanged(String, Invocation<Woken, WakeError>),
    /// `alarm` heard of an alarm.
    AlarmChanged(AlarmChanged, Invocation<Woken, WakeError>),
    /// `stack-change` heard of a stack.
    StackChanged(StackChanged, Invocation<Woken, WakeError>),
    /// `rollout` got a message.
    Rollout(QueueMessage, Invocation<Report, LedgerError>),
    /// `sweep` ran.
    Sweep(Occasion, Invocation<Swept, SweepError>),
    /// `notify` was prompted.
    Notify(NoticeKey, Invocation<Sent, SendError>),
    /// `operator` was given a command.
    Operator(Value, Invocation<Value, OperatorError>),
}

impl Outcome {
    /// Names the function, and what it heard of where that tells more.
    #[must_use]
    pub fn function(&self) -> &'static str {
        match self {
            Self::Pushed(..) => "image-push",
            Self::ServiceChanged(..) => "service-change, of a service",
            Self::TaskChanged(..) => "service-change, of a task",
            Self::AlarmChanged(..) => "alarm",
            Self::StackChanged(..) => "stack-change",
            Self::Rollout(..) => "rollout",
            Self::Sweep(..) => "sweep",
            Self::Notify(..) => "notify",
            Self::Operator(..) => "operator",
        }
    }

    /// Says whether the function answered without an error.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match self {
            Self::Pushed(_, one)
            | Self::ServiceChanged(_, one)
            | Self::TaskChanged(_, one)
            | Self::AlarmChanged(_, one)
            | Self::StackChanged(_, one) => one.is_done(),
            Self::Rollout(_, one) => one.is_done(),
            Self::Sweep(_, one) => one.is_done(),
            Self::Notify(_, one) => one.is_done(),
            Self::Operator(_, one) => one.is_done(),
        }
    }
}

impl<T, E> Invocation<T, E> {
    /// Says whether the function answered without an error.
    #[must_use]
    pub fn is_done(&self) -> bool {
        match self {
            Self::Done(_) => true,
            Self::Failed(_) | Self::Crashed => false,
        }
    }
}

type RolloutPorts = reconcile::Ports<
    Watched<Ledger>,
    Watched<Ecs>,
    Watched<Stacks>,
    Watched<Images>,
    Watched<Alarms>,
    Watched<LoadBalancers>,
    Watched<Parameters>,
    VirtualClock,
>;
type SweepPorts = sweep::Ports<
    Watched<Ledger>,
    Watched<Parameters>,
    Watched<Stacks>,
    Watched<FifoQueue>,
    Watched<Topic>,
    Watched<Bus>,
    Watched<Images>,
    VirtualClock,
>;

/// The deployed functions.
#[derive(Debug)]
pub(crate) struct Functions {
    calls: Calls,
    rollout: Rc<RolloutPorts>,
    sweep: SweepPorts,
    notify_clock: VirtualClock,
    settings: Settings,
    sweep_settings: sweep::Settings,
}

type Running = Pin<Box<dyn Future<Output = Result<Report, LedgerError>>>>;

/// An invocation of `rollout` that stands still.
pub(crate) struct Paused {
    pub(crate) message: QueueMessage,
    pub(crate) pause: SignedDuration,
    /// Whether it dies at its timeout with all it was about; not where a write is on its way.
    pub(crate) dies: bool,
    invocation: Running,
}

impl std::fmt::Debug for Paused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paused")
            .field("message", &self.message)
            .field("pause", &self.pause)
            .field("dies", &self.dies)
            .finish_non_exhaustive()
    }
}

/// The clocks of the functions that look at one.
#[derive(Clone, Debug)]
pub struct FunctionClocks {
    /// `rollout`'s.
    pub rollout: VirtualClock,
    /// `sweep`'s.
    pub sweep: VirtualClock,
    /// `notify`'s.
    pub notify: VirtualClock,
    /// `operator`'s.
    pub operator: VirtualClock,
}

impl FunctionClocks {
    pub(crate) fn beside(clock: &VirtualClock) -> Self {
        Self {
            rollout: clock.beside(),
            sweep: clock.beside(),
            notify: clock.beside(),
            operator: clock.beside(),
        }
    }
}

/// What the functions stand on.
pub(crate) struct Ground<'a> {
    pub(crate) calls: &'a Calls,
    pub(crate) clocks: &'a FunctionClocks,
    pub(crate) ledger: &'a Ledger,
    pub(crate) ecs: &'a Ecs,
    pub(crate) stacks: &'a Stacks,
    pub(crate) images: &'a Images,
    pub(crate) alarms: &'a Alarms,
    pub(crate) parameters: &'a Parameters,
    pub(crate) queue: &'a FifoQueue,
    pub(crate) topic: &'a Topic,
    pub(crate) bus: &'a Bus,
}

impl Functions {
    pub(crate) fn new(ground: &Ground<'_>) -> Self {
        let calls = ground.calls;
        Self {
            calls: calls.clone(),
            rollout: Rc::new(reconcile::Ports {
                ledger: Watched::new(ground.ledger.clone(), calls),
                services: Watched::new(ground.ecs.clone(), calls),
                stacks: Watched::new(ground.stacks.clone(), calls),
                images: Watched::new(ground.images.clone(), calls),
                alarms: Watched::new(ground.alarms.clone(), calls),
                load_balancers: Watched::new(LoadBalancers::new(ground.ecs.clone()), calls),
                parameters: Watched::new(ground.parameters.clone(), calls),
                clock: ground.clocks.rollout.clone(),
            }),
            sweep: sweep::Ports {
                ledger: Watched::new(ground.ledger.clone(), calls),
                parameters: Watched::new(ground.parameters.clone(), calls),
                stacks: Watched::new(ground.stacks.clone(), calls),
                queue: Watched::new(ground.queue.clone(), calls),
                topic: Watched::new(ground.topic.clone(), calls),
                bus: Watched::new(ground.bus.clone(), calls),
                images: Watched::new(ground.images.clone(), calls),
                clock: ground.clocks.sweep.clone(),
            },
            notify_clock: ground.clocks.notify.clone(),
            settings: Settings {
                own_service: None,
                prefix: PREFIX.to_owned(),
            },
            sweep_settings: sweep::Settings {
                prefix: PREFIX.to_owned(),
                surroundings: Surroundings {
                    operator_function: format!("{PREFIX}-operator"),
                    region: REGION.to_owned(),
                },
            },
        }
    }

    pub(crate) fn set_own_service(&mut self, service: ServiceRef) {
        self.settings.own_service = Some(service);
    }

    pub(crate) fn image_push(&self, push: Push) -> Outcome {
        self.calls.enter(Function::ImagePush);
        let woken = invoke(wake::on_push(&self.sweep.ledger, &self.sweep.queue, &push));
        Outcome::Pushed(push, woken)
    }

    pub(crate) fn service_change(&self, change: ServiceChange) -> Outcome {
        self.calls.enter(Function::ServiceChange);
        let (ledger, queue) = (&self.sweep.ledger, &self.sweep.queue);
        let woken = invoke(wake::on_service_change(ledger, queue, &change));
        Outcome::ServiceChanged(change, woken)
    }

    pub(crate) fn task_change(&self, event: &Value) -> Outcome {
        self.calls.enter(Function::ServiceChange);
        let (ledger, queue) = (&self.sweep.ledger, &self.sweep.queue);
        let task = event["detail"]["taskArn"].as_str().unwrap_or_default();
        let woken = match stopped_task(event) {
            Ok(stopped) => invoke(wake::on_task_stopped(ledger, queue, &stopped)),
            Err(reason) => Invocation::Done(Woken::Ignored(reason)),
        };
        Outcome::TaskChanged(task.to_owned(), woken)
    }

    pub(crate) fn alarm(&self, changed: AlarmChanged) -> Outcome {
        self.calls.enter(Function::Alarm);
        let (ledger, queue) = (&self.sweep.ledger, &self.sweep.queue);
        let woken = invoke(wake::on_alarm(ledger, queue, &changed));
        Outcome::AlarmChanged(changed, woken)
    }

    pub(crate) fn stack_change(&self, changed: StackChanged) -> Outcome {
        self.calls.enter(Function::StackChange);
        let (ledger, queue) = (&self.sweep.ledger, &self.sweep.queue);
        let woken = invoke(wake::on_stack_change(ledger, queue, &changed));
        Outcome::StackChanged(changed, woken)
    }

    /// Invokes `rollout`; it may stand still in the midst of it.
    pub(crate) fn rollout(&self, message: QueueMessage) -> Result<Outcome, Box<Paused>> {
        self.calls.enter(Function::Rollout);
        if !self.calls.may_pause() {
            let report = invoke(reconcile(&self.rollout, &self.settings, &message));
            return Ok(Outcome::Rollout(message, report));
        }
        let (ports, settings) = (Rc::clone(&self.rollout), self.settings.clone());
        let body = message.clone();
        let invocation = async move { reconcile(&ports, &settings, &body).await };
        self.go_on(message, Box::pin(invocation))
    }

    /// Lets a function go on that stood still.
    pub(crate) fn wake(&self, paused: Box<Paused>) -> Result<Outcome, Box<Paused>> {
        self.calls.enter(Function::Rollout);
        let paused = *paused;
        self.go_on(paused.message, paused.invocation)
    }

    fn go_on(
        &self,
        message: QueueMessage,
        mut invocation: Running,
    ) -> Result<Outcome, Box<Paused>> {
        let report = match (&mut invocation).now_or_never() {
            Some(Ok(answer)) => Invocation::Done(answer),
            Some(Err(error)) => Invocation::Failed(error),
            None => match self.calls.take_pause() {
                Some(Pause { pause, dies }) => {
                    return Err(Box::new(Paused {
                        message,
                        pause,
                        dies,
                        invocation,
                    }));
                }
                None => Invocation::Crashed,
            },
        };
        Ok(Outcome::Rollout(message, report))
    }

    pub(crate) fn sweep(&self, occasion: Occasion) -> Outcome {
        self.calls.enter(Function::Sweep);
        Outcome::Sweep(
            occasion,
            invoke(sweep(&self.sweep, &self.sweep_settings, occasion)),
        )
    }

    pub(crate) fn operator(&self, request: &Request) -> Invocation<Value, OperatorError> {
        self.calls.enter(Function::Operator);
        let (records, queue) = (&self.sweep.ledger, &self.sweep.queue);
        invoke(operator::answer(
            records,
            queue,
            &self.sweep_settings.surroundings,
            request,
        ))
    }

    pub(crate) fn notify(&self, key: NoticeKey) -> Outcome {
        self.calls.enter(Function::Notify);
        let ledger = &self.sweep.ledger;
        let channels = Channels {
            topic: &self.sweep.topic,
            bus: &self.sweep.bus,
        };
        let now = self.notify_clock.now();
        let sent = invoke(outbox::send(
            ledger,
            &channels,
            &NoInvestigator,
            &self.sweep_settings.surroundings,
            &key,
            now,
        ));
        Outcome::Notify(key, sent)
    }
}

fn invoke<T, E>(function: impl Future<Output = Result<T, E>>) -> Invocation<T, E> {
    match function.now_or_never() {
        Some(Ok(answer)) => Invocation::Done(answer),
        Some(Err(error)) => Invocation::Failed(error),
        None => Invocation::Crashed,
    }
}
