//! Everything there is, and what happens next.

mod delivery;
mod outage;

use jiff::{SignedDuration, Timestamp};
use pushboat::core::deployed;
use pushboat::core::name::TargetName;
use pushboat::core::policy::ServiceRef;
use pushboat::core::push::Push;
use pushboat::core::state::TargetState;
use pushboat::ledger::Version;
use pushboat::operator::{OperatorError, Request};
use pushboat::ports::Clock as _;
use serde_json::Value;

use crate::agenda::{Agenda, Event};
use crate::alarms::Alarms;
use crate::calls::{Calls, Function};
use crate::clock::VirtualClock;
use crate::deeds::Deed;
use crate::ecs::{Ecs, ReadLag};
use crate::functions::{FunctionClocks, Functions, Ground, Invocation, Outcome, PREFIX, Paused};
use crate::images::{Image, Images};
use crate::ledger::Ledger;
use crate::parameters::Parameters;
use crate::queue::{Delivery, FifoQueue};
use crate::retries::Tries;
use crate::stacks::Stacks;
use crate::topic::{Bus, Topic};

pub use outage::{DeadLetter, Outage};

/// How long `rollout` may run; the template's value.
///
/// Lambda kills a function at its timeout. Source: Lambda developer guide, "Configure Lambda
/// function timeout".
const ROLLOUT_TIMEOUT: SignedDuration = SignedDuration::from_mins(1);
/// How long an event takes to its function.
const EVENT_DELAY: SignedDuration = SignedDuration::from_secs(1);
const SWEEP_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Which events never arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each stands for one source of events"
)]
pub struct Lost {
    /// ECR's.
    pub pushes: bool,
    /// ECS's about services.
    pub service_changes: bool,
    /// ECS's about tasks.
    pub task_changes: bool,
    /// CloudWatch's.
    pub alarm_changes: bool,
    /// CloudFormation's.
    pub stack_changes: bool,
    /// Parameter Store's.
    pub parameter_changes: bool,
    /// The ledger's stream.
    pub notice_prompts: bool,
}

/// What becomes of events on their way, of 10,000 each; none of it at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventRates {
    /// They never arrive.
    pub dropped: u32,
    /// They arrive twice, the second time late.
    pub duplicated: u32,
    /// They arrive late, and so after others that were sent later.
    pub delayed: u32,
}

/// The latest that a late event arrives, in seconds.
const LATEST_SECONDS: u64 = 900;

/// Chance on the way of events.
#[derive(Debug)]
struct Disorder {
    rates: EventRates,
    rng: fastrand::Rng,
}

impl Disorder {
    /// Draws after how long an event arrives, each time that it does.
    fn draw(&mut self, met: &mut EventRates) -> Vec<SignedDuration> {
        let mut happens = |rate: u32, count: &mut u32| {
            let happens = self.rng.u32(0..10_000) < rate;
            *count += u32::from(happens);
            happens
        };
        if happens(self.rates.dropped, &mut met.dropped) {
            return Vec::new();
        }
        let late = happens(self.rates.delayed, &mut met.delayed);
        let twice = happens(self.rates.duplicated, &mut met.duplicated);
        let mut later = || {
            let seconds = self.rng.u64(1..=LATEST_SECONDS);
            SignedDuration::from_secs(i64::try_from(seconds).unwrap_or_default())
        };
        let mut arrivals = vec![if late { later() } else { EVENT_DELAY }];
        if twice {
            arrivals.push(later());
        }
        arrivals
    }
}

/// One account with Pushboat in it.
#[derive(Debug)]
pub struct World {
    /// The time.
    pub clock: VirtualClock,
    /// What the functions take for it.
    pub function_clocks: FunctionClocks,
    /// Every call that Pushboat makes, and what goes wrong with it.
    pub calls: Calls,
    /// The ledger.
    pub ledger: Ledger,
    /// The queue in front of `rollout`.
    pub queue: FifoQueue,
    /// ECS.
    pub ecs: Ecs,
    /// CloudFormation.
    pub stacks: Stacks,
    /// ECR.
    pub images: Images,
    /// CloudWatch.
    pub alarms: Alarms,
    /// Parameter Store.
    pub parameters: Parameters,
    /// The notification topic.
    pub topic: Topic,
    /// The event bus.
    pub bus: Bus,
    /// Which events never arrive.
    pub lost: Lost,
    /// How much time an invocation of `rollout` takes; none at first.
    pub rollout_takes: SignedDuration,
    /// Every invocation, in order.
    pub outcomes: Vec<Outcome>,
    /// Events that were tried as often as AWS does.
    pub dead_letters: Vec<DeadLetter>,
    /// What became of events by chance so far.
    pub met: EventRates,
    /// The target for which `rollout` dies each time, as if it had been poisoned.
    pub stuck: Option<TargetName>,
    /// What keeps functions from their work now.
    pub outage: Option<Outage>,
    disorder: Option<Disorder>,
    /// Chance in when EventBridge tries again.
    jitter: fastrand::Rng,
    functions: Functions,
    agenda: Agenda,
    pushes: usize,
    alarm_events: usize,
    commands: Vec<Request>,
    paused: Vec<StandingStill>,
    events_clock: VirtualClock,
}

/// An invocation of `rollout` under way.
#[derive(Debug)]
struct Invoked {
    delivery: Delivery,
    calls: usize,
    faults: usize,
    /// When Lambda kills it.
    ends_at: Timestamp,
}

#[derive(Debug)]
struct StandingStill {
    /// The version of its target's state when it began to stand still.
    version: Version,
    goes_on_at: Timestamp,
    paused: Box<Paused>,
    invoked: Invoked,
}

impl Default for World {
    fn default() -> Self {
        let clock = VirtualClock::default();
        let calls = Calls::new(clock.clone());
        let images = Images::new(clock.beside());
        let ecs = Ecs::new(clock.clone(), images.clone());
        let stacks = Stacks::new(clock.beside(), ecs.clone());
        let parameters = Parameters::new(clock.beside());
        let queue = FifoQueue::new(clock.clone());
        let alarms = Alarms::new(clock.beside());
        let events_clock = clock.beside();
        let function_clocks = FunctionClocks::beside(&clock);
        let (ledger, topic, bus) = (Ledger::default(), Topic::default(), Bus::default());
        let functions = Functions::new(&Ground {
            calls: &calls,
            clocks: &function_clocks,
            ledger: &ledger,
            ecs: &ecs,
            stacks: &stacks,
            images: &images,
            alarms: &alarms,
            parameters: &parameters,
            queue: &queue,
            topic: &topic,
            bus: &bus,
        });
        let mut agenda = Agenda::default();
        agenda.put(clock.after(SWEEP_EVERY), Event::Tick, Tries::default());
        Self {
            clock,
            function_clocks,
            calls,
            ledger,
            queue,
            ecs,
            stacks,
            images,
            alarms,
            parameters,
            topic,
            bus,
            lost: Lost::default(),
            rollout_takes: SignedDuration::ZERO,
            outcomes: Vec::new(),
            dead_letters: Vec::new(),
            met: EventRates::default(),
            stuck: None,
            outage: None,
            disorder: None,
            jitter: fastrand::Rng::with_seed(0),
            functions,
            agenda,
            pushes: 0,
            alarm_events: 0,
            commands: Vec::new(),
            paused: Vec::new(),
            events_clock,
        }
    }
}

impl World {
    /// Makes a world without anything in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the service of the template's own parameters.
    pub fn set_own_service(&mut self, service: ServiceRef) {
        self.functions.set_own_service(service);
    }

    /// Writes a target's parameter.
    pub fn put_target(&mut self, name: &str, text: &str) {
        self.parameters.put(&parameter(name), text);
        self.tell_parameter_change();
    }

    /// Deletes a target's parameter.
    pub fn delete_target(&mut self, name: &str) {
        self.parameters.delete(&parameter(name));
        self.tell_parameter_change();
    }

    fn tell_parameter_change(&mut self) {
        if !self.lost.parameter_changes {
            self.tell(Event::ParameterChanged);
        }
    }

    /// Pushes an image under a tag; answers what its event says.
    ///
    /// EventBridge tells the time to the second.
    pub fn push_image(&mut self, repository: &str, tag: &str, image: &Image) -> Push {
        let digest = self.images.put(repository, tag, image);
        self.pushes += 1;
        let second = self.events_clock.now().as_second();
        let push = Push {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
            digest,
            tagged_at: Timestamp::from_second(second).unwrap_or_default(),
            event_id: format!("push-{}", self.pushes),
            source: pushboat::core::push::PushSource::Event,
        };
        if !self.lost.pushes {
            self.tell(Event::Pushed(push.clone()));
        }
        push
    }

    /// Holds everything, or lets it go on where no reason is given.
    pub fn hold_everything(&self, reason: Option<&str>) {
        let name = format!("/{PREFIX}/hold");
        match reason {
            Some(reason) => self.parameters.put(&name, reason),
            None => self.parameters.delete(&name),
        }
    }

    /// Gives `operator` a command and answers what it answers.
    ///
    /// The commands' request ids are `request-1`, `request-2` and so on.
    pub fn command(&mut self, command: Value) -> Invocation<Value, OperatorError> {
        let request = Request {
            id: format!("request-{}", self.commands.len() + 1),
            at: self.function_clocks.operator.now(),
            command,
        };
        self.commands.push(request.clone());
        self.invoke_operator(request)
    }

    /// Gives `operator` the last command once more, under the same request id.
    ///
    /// Lambda does so where it was invoked asynchronously and the function failed.
    /// Source: Lambda developer guide, "Error handling for asynchronous invocation".
    ///
    /// # Panics
    ///
    /// If no command was given yet.
    pub fn repeat_command(&mut self) -> Invocation<Value, OperatorError> {
        let last = self.commands.last().cloned();
        self.invoke_operator(last.expect("a command was given"))
    }

    fn invoke_operator(&mut self, request: Request) -> Invocation<Value, OperatorError> {
        let answered = match self.hindrance(Function::Operator) {
            Some(_) => Invocation::Crashed,
            None => self.functions.operator(&request),
        };
        let outcome = Outcome::Operator(request.command, answered.clone());
        self.outcomes.push(outcome);
        answered
    }

    /// Sends an event, which arrives after a moment.
    pub fn tell(&mut self, event: Event) {
        let Some(disorder) = &mut self.disorder else {
            self.agenda
                .put(self.clock.after(EVENT_DELAY), event, Tries::default());
            return;
        };
        for delay in disorder.draw(&mut self.met) {
            self.agenda
                .put(self.clock.after(delay), event.clone(), Tries::default());
        }
    }

    /// Leaves to chance what becomes of events from now on; the seed decides.
    pub fn disorder_events(&mut self, rates: EventRates, seed: u64) {
        let rng = fastrand::Rng::with_seed(seed);
        self.disorder = Some(Disorder { rates, rng });
    }

    /// Gives each service and each function a clock that is off by so much at the most; the seed
    /// decides.
    pub fn skew_clocks(&self, most: SignedDuration, seed: u64) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let most = i64::try_from(most.as_millis()).unwrap_or_default();
        let clocks = [
            self.ecs.clock(),
            self.images.clock(),
            self.alarms.clock(),
            self.parameters.clock(),
            &self.events_clock,
            &self.function_clocks.rollout,
            &self.function_clocks.sweep,
            &self.function_clocks.notify,
            &self.function_clocks.operator,
            self.stacks.clock(),
        ];
        for clock in clocks {
            clock.set_skew(SignedDuration::from_millis(rng.i64(-most..=most)));
        }
    }

    /// Ends every fault: what is sent from now on arrives, what is asked is answered.
    pub fn heal(&mut self) {
        self.calls.heal();
        self.stuck = None;
        self.outage = None;
        self.disorder = None;
        self.lost = Lost::default();
        self.ecs.set_read_lag(ReadLag::default());
    }

    /// Keeps what is done from now on.
    pub fn keep_deeds(&self) {
        self.ecs.deeds.keep();
        self.ledger.set_witness(self.ecs.clone());
    }

    /// Takes what was done since the last time.
    #[must_use]
    pub fn take_deeds(&self) -> Vec<Deed> {
        self.ecs.deeds.take()
    }

    /// Notes something that was done besides.
    pub fn note_deed(&self, deed: Deed) {
        self.ecs.deeds.note(deed);
    }

    /// Lets everything happen up to `until`.
    pub fn run_until(&mut self, until: Timestamp) {
        while self.step(until) {}
    }

    /// Lets the next thing happen, if it happens up to `until`; answers whether it did.
    ///
    /// A function is invoked, or time goes on to when something else happens.
    pub fn step(&mut self, until: Timestamp) -> bool {
        if self.settle() {
            return true;
        }
        let next = [
            self.agenda.next_at(),
            self.ecs.next_at(),
            self.stacks.next_at(),
            self.queue.next_at(),
            self.paused.iter().map(|one| one.goes_on_at).min(),
        ];
        match next.into_iter().flatten().min() {
            Some(next) if next <= until => {
                self.clock.advance_to(next);
                true
            }
            Some(_) | None => {
                self.clock.advance_to(until);
                self.settle()
            }
        }
    }

    /// Says whether no event is on its way, no message is queued and no notice unsent.
    ///
    /// The schedule's next minute does not count.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.agenda.is_empty_but(&Event::Tick)
            && self.queue.is_empty()
            && self.paused.is_empty()
            && self.ledger.has_sent_everything()
    }

    /// Lets everything happen for some time.
    pub fn run_for(&mut self, duration: SignedDuration) {
        self.run_until(self.clock.after(duration));
    }

    /// Lets everything happen until a condition holds; answers whether it does within `limit`.
    pub fn run_while(&mut self, limit: SignedDuration, holds: impl Fn(&Self) -> bool) -> bool {
        let until = self.clock.after(limit);
        while holds(self) {
            if self.clock.now() >= until {
                return false;
            }
            self.run_for(SignedDuration::from_secs(1));
        }
        true
    }

    /// Gives what is published of what is deployed to a target.
    ///
    /// # Panics
    ///
    /// If the name is none.
    #[must_use]
    pub fn published(&self, target: &str) -> Option<String> {
        let target = TargetName::parse(target).expect("it is a target's name");
        self.parameters.text(&deployed::parameter(PREFIX, &target))
    }

    /// Gives a target's state.
    ///
    /// # Panics
    ///
    /// If the name is none.
    #[must_use]
    pub fn state(&self, target: &str) -> TargetState {
        let target = TargetName::parse(target).expect("it is a target's name");
        (*self.ledger.entry(&target).state).clone()
    }
}

fn parameter(target: &str) -> String {
    format!("/{PREFIX}/targets/{target}")
}
