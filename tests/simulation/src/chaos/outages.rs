//! Functions that take care of nothing for a while, and what people do about it later.

use jiff::SignedDuration;

use pushboat::ports::Clock as _;

use super::plan::pick;
use super::run::Chaos;
use crate::calls::Function;
use crate::retries::Hindrance;

/// The last one has work only where a target goes through a stack.
const FUNCTIONS: [Function; 8] = [
    Function::ImagePush,
    Function::ServiceChange,
    Function::Alarm,
    Function::Rollout,
    Function::Sweep,
    Function::Notify,
    Function::Operator,
    Function::StackChange,
];

impl Chaos {
    /// Others in the account use up Lambda's concurrency.
    pub(super) fn use_up_concurrency(&mut self) {
        self.keep_from_work("concurrency is used up", None, Hindrance::Throttled);
    }

    /// A function fails whatever it is given.
    pub(super) fn break_a_function(&mut self) {
        let count = FUNCTIONS.len() - usize::from(!self.plan.has_stacks());
        let function = *pick(&mut self.rng, &FUNCTIONS[..count]);
        self.keep_from_work("a function is broken", Some(function), Hindrance::Failed);
    }

    /// Lambda's API takes nothing from EventBridge.
    pub(super) fn cut_lambda_off(&mut self) {
        self.keep_from_work("lambda takes no events", None, Hindrance::Undeliverable);
    }

    /// Mostly for minutes, and for hours now and then.
    fn keep_from_work(
        &mut self,
        what: &'static str,
        function: Option<Function>,
        hindrance: Hindrance,
    ) {
        let seconds = self.rng.i64(30..120) << self.rng.u32(0..8);
        if self
            .world
            .outage
            .is_some_and(|outage| outage.until > self.world.clock.now())
        {
            return;
        }
        self.did(what, &format!("{function:?} for {seconds} s"));
        let duration = SignedDuration::from_secs(seconds);
        self.world.keep_from_work(function, hindrance, duration);
        self.checker.hindered_until = Some(self.world.clock.after(duration));
    }

    /// Somebody moves the dead letters back.
    pub(super) fn redrive(&mut self) {
        let count = self.world.redrive();
        if count > 0 {
            self.did("redrive dead letters", &count.to_string());
        }
    }
}
