//! What is asked of the outside world, counted, and broken on demand.

mod fault;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::task::Poll;

use jiff::{SignedDuration, Timestamp};
use pushboat::ports::Clock;

use crate::clock::VirtualClock;

pub use fault::{CallRates, Fault};

/// A Lambda function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// Hears of pushes.
    ImagePush,
    /// Hears of services and of their tasks.
    ServiceChange,
    /// Hears of alarms.
    Alarm,
    /// Hears of stacks.
    StackChange,
    /// Runs the control loop.
    Rollout,
    /// Looks after everything each minute.
    Sweep,
    /// Sends notices.
    Notify,
    /// Answers people's commands.
    Operator,
}

/// What a port is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    missing_docs,
    reason = "each is a method of a port, by AWS's or the port's own name"
)]
pub enum Operation {
    LoadTarget,
    ReadGoodDefinition,
    SaveTarget,
    FindFollowers,
    ListRegistrations,
    ApplyRegistration,
    FindDue,
    NoteWoken,
    ReadChore,
    NoteChore,
    ReadHold,
    NoteHold,
    ReadNotice,
    FindUnsent,
    MarkSent,
    ReadEntry,
    ReadHistory,
    ReadFinished,
    KeepIgnored,
    ReadIgnored,
    DescribeServices,
    DescribeTaskDefinition,
    FindRevision,
    RegisterTaskDefinition,
    UpdateService,
    DescribeServiceDeployments,
    StopServiceDeployment,
    DescribeStacks,
    DescribeChangeSet,
    CreateChangeSet,
    ExecuteChangeSet,
    CancelUpdateStack,
    ListStackResources,
    DescribeImage,
    DescribeGoodImage,
    DescribePushTime,
    DescribeRepositories,
    ListImages,
    DescribeTag,
    DescribeAlarms,
    DescribeTargetHealth,
    SendMessages,
    GetParameters,
    GetParameter,
    PutParameter,
    Publish,
    PutEvents,
    NotePublished,
}

/// One call that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Counted from 1.
    pub ordinal: usize,
    /// Who made it.
    pub function: Function,
    /// What was asked.
    pub operation: Operation,
    /// When.
    pub at: Timestamp,
    /// What went wrong with it.
    pub fault: Option<Fault>,
}

/// Which calls a planned fault is for.
#[derive(Clone, Copy, Debug)]
enum When {
    Ordinal(usize),
    Next(Operation),
}

#[derive(Clone, Copy, Debug)]
struct Planned {
    when: When,
    fault: Fault,
    left: usize,
}

#[derive(Debug)]
struct Ledgered {
    clock: VirtualClock,
    function: Cell<Function>,
    made: Cell<usize>,
    counts: RefCell<BTreeMap<Operation, usize>>,
    log: RefCell<Vec<Call>>,
    planned: RefCell<Vec<Planned>>,
    drawn: RefCell<Option<(fastrand::Rng, CallRates)>>,
    /// Chance in what comes after a rollout's outcome: it decides nothing about what comes before.
    beside: RefCell<fastrand::Rng>,
    injected: Cell<usize>,
    /// How the function stands still that did not answer.
    pause: Cell<Option<Pause>>,
    /// How long it does, where that is not left to chance.
    planned_pause: Cell<Option<SignedDuration>>,
}

/// How a function stands still.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause {
    /// For how long.
    pub(crate) pause: SignedDuration,
    /// Whether nothing comes of it any more at the function's timeout.
    pub(crate) dies: bool,
}

/// The shortest pause, in seconds: what is shorter is no more than a slow call.
const SHORTEST_PAUSE_SECONDS: i64 = 11;
/// The longest pause of a function that goes on, in seconds: its timeout is a minute.
const LONGEST_PAUSE_SECONDS: i64 = 60;
/// The longest from when a change of ECS or of a stack is sent until it arrives, in seconds: then its client
/// has given it up.
const LONGEST_SEND_SECONDS: i64 = 5;
/// The longest that a write is on its way whose function was killed, in seconds.
const LATEST_WRITE_SECONDS: i64 = 900;

/// All calls of a world, and what is to go wrong with them; clones share both.
#[derive(Clone, Debug)]
pub struct Calls(Rc<Ledgered>);

impl Calls {
    /// Begins to count.
    #[must_use]
    pub fn new(clock: VirtualClock) -> Self {
        Self(Rc::new(Ledgered {
            clock,
            function: Cell::new(Function::Sweep),
            made: Cell::new(0),
            counts: RefCell::default(),
            log: RefCell::default(),
            planned: RefCell::default(),
            drawn: RefCell::default(),
            beside: RefCell::new(fastrand::Rng::with_seed(0)),
            injected: Cell::new(0),
            pause: Cell::default(),
            planned_pause: Cell::default(),
        }))
    }

    /// Plans that the next `times` calls for `operation` meet `fault`.
    pub fn fail_next(&self, operation: Operation, fault: Fault, times: usize) {
        self.plan(When::Next(operation), fault, times);
    }

    /// Plans that the call of this number meets `fault`.
    pub fn fail_call(&self, ordinal: usize, fault: Fault) {
        self.plan(When::Ordinal(ordinal), fault, 1);
    }

    /// Has calls go wrong by chance from now on; the seed decides which.
    pub fn fail_at_random(&self, rates: CallRates, seed: u64) {
        let rng = fastrand::Rng::with_seed(seed);
        *self.0.drawn.borrow_mut() = Some((rng, rates));
        *self.0.beside.borrow_mut() = fastrand::Rng::with_seed(!seed);
    }

    /// Sets how long functions stand still where that is planned.
    pub fn set_planned_pause(&self, pause: SignedDuration) {
        self.0.planned_pause.set(Some(pause));
    }

    /// Takes back what is planned and what is left to chance.
    pub fn heal(&self) {
        self.0.planned.borrow_mut().clear();
        *self.0.drawn.borrow_mut() = None;
    }

    /// Says how many calls were made.
    #[must_use]
    pub fn made(&self) -> usize {
        self.0.made.get()
    }

    /// Says how often something was asked for, whatever came of it.
    #[must_use]
    pub fn count(&self, operation: Operation) -> usize {
        let counts = self.0.counts.borrow();
        counts.get(&operation).copied().unwrap_or_default()
    }

    /// Says how many faults were met.
    #[must_use]
    pub fn injected(&self) -> usize {
        self.0.injected.get()
    }

    /// Says how often each fault was met.
    #[must_use]
    pub fn faults(&self) -> BTreeMap<Fault, usize> {
        let mut faults = BTreeMap::new();
        for call in &*self.0.log.borrow() {
            if let Some(fault) = call.fault {
                *faults.entry(fault).or_default() += 1;
            }
        }
        faults
    }

    /// Gives every call, in order.
    #[must_use]
    pub fn log(&self) -> Vec<Call> {
        self.0.log.borrow().clone()
    }

    /// Has the function stand still before a call, and lets it go on when it is asked again.
    pub(crate) async fn pause_before(&self, operation: Operation) {
        let seconds = match operation {
            Operation::UpdateService
            | Operation::StopServiceDeployment
            | Operation::ExecuteChangeSet
            | Operation::CancelUpdateStack => 1..=LONGEST_SEND_SECONDS,
            _ => SHORTEST_PAUSE_SECONDS..=LONGEST_PAUSE_SECONDS,
        };
        self.stand_still(seconds, true).await;
    }

    /// Has the function stand still after a call, likewise.
    pub(crate) async fn pause_after(&self) {
        let seconds = SHORTEST_PAUSE_SECONDS..=LONGEST_PAUSE_SECONDS;
        self.stand_still(seconds, true).await;
    }

    /// Has a write stay on its way for longer than its function lives.
    pub(crate) async fn delay_write(&self) {
        let seconds = LONGEST_PAUSE_SECONDS..=LATEST_WRITE_SECONDS;
        self.stand_still(seconds, false).await;
    }

    async fn stand_still(&self, seconds: RangeInclusive<i64>, dies: bool) {
        let planned = || {
            let midpoint = i64::midpoint(*seconds.start(), *seconds.end());
            let planned = self.0.planned_pause.get();
            planned.unwrap_or_else(|| SignedDuration::from_secs(midpoint))
        };
        let pause = match &mut *self.0.drawn.borrow_mut() {
            Some((rng, _)) => SignedDuration::from_secs(rng.i64(seconds)),
            None => planned(),
        };
        self.0.pause.set(Some(Pause { pause, dies }));
        let mut goes_on = false;
        poll_fn(|_| match std::mem::replace(&mut goes_on, true) {
            false => Poll::Pending,
            true => Poll::Ready(()),
        })
        .await;
    }

    /// Takes how long the function that did not answer stands still; none where it died.
    pub(crate) fn take_pause(&self) -> Option<Pause> {
        self.0.pause.take()
    }

    /// Says whether functions may stand still.
    pub(crate) fn may_pause(&self) -> bool {
        let drawn = self.0.drawn.borrow();
        let drawn = drawn.as_ref();
        drawn.is_some_and(|(_, rates)| rates.pause > 0 || rates.late_write > 0)
            || !self.0.planned.borrow().is_empty()
    }

    /// Says who makes the calls that follow.
    pub(crate) fn enter(&self, function: Function) {
        self.0.function.set(function);
    }

    /// Counts a call that is about to be made; answers what goes wrong with it.
    pub(crate) fn begin(&self, operation: Operation) -> Option<Fault> {
        let ordinal = self.0.made.get() + 1;
        self.0.made.set(ordinal);
        *self.0.counts.borrow_mut().entry(operation).or_default() += 1;
        let fault = self.take_fault(operation, ordinal);
        let fault = fault.or_else(|| {
            let mut drawn = self.0.drawn.borrow_mut();
            let (rng, rates) = drawn.as_mut()?;
            let function = self.0.function.get();
            match self.publishes(operation) {
                true => rates.draw(&mut self.0.beside.borrow_mut(), function, operation),
                false => rates.draw(rng, function, operation),
            }
        });
        self.0
            .injected
            .set(self.0.injected.get() + usize::from(fault.is_some()));
        self.0.log.borrow_mut().push(Call {
            ordinal,
            function: self.0.function.get(),
            operation,
            at: self.0.clock.now(),
            fault,
        });
        fault
    }

    /// Says whether a call publishes what is deployed, or notes that it was published.
    fn publishes(&self, operation: Operation) -> bool {
        let log = self.0.log.borrow();
        let last = log.last().map(|last| last.operation);
        match operation {
            Operation::PutParameter => true,
            Operation::SaveTarget => last == Some(Operation::PutParameter),
            _ => false,
        }
    }

    fn plan(&self, when: When, fault: Fault, left: usize) {
        let planned = Planned { when, fault, left };
        self.0.planned.borrow_mut().push(planned);
    }

    fn take_fault(&self, operation: Operation, ordinal: usize) -> Option<Fault> {
        let mut planned = self.0.planned.borrow_mut();
        let index = planned.iter().position(|one| match one.when {
            When::Ordinal(wanted) => wanted == ordinal,
            When::Next(wanted) => wanted == operation,
        })?;
        let one = planned.get_mut(index)?;
        let fault = one.fault;
        one.left = one.left.saturating_sub(1);
        if one.left == 0 {
            planned.remove(index);
        }
        Some(fault)
    }
}
