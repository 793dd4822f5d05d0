//! What may go wrong, and how often.

use jiff::SignedDuration;

use crate::calls::CallRates;
use crate::ecs::ReadLag;
use crate::world::EventRates;

/// Which kinds of trouble a run may meet; a seed draws from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each stands for one kind of trouble"
)]
pub struct Mix {
    /// Events are dropped.
    pub drops: bool,
    /// Events come twice, late, and so out of order.
    pub disorder: bool,
    /// Calls are throttled, lost, or their answer is; conditional writes lose races.
    pub calls: bool,
    /// Functions die before and after calls.
    pub crashes: bool,
    /// Reads lag behind writes.
    pub lag: bool,
    /// People and other tools do things besides.
    pub people: bool,
}

impl Mix {
    /// Everything goes wrong.
    pub const ALL: Self = Self {
        drops: true,
        disorder: true,
        calls: true,
        crashes: true,
        lag: true,
        people: true,
    };

    /// Nothing goes wrong but the images.
    pub const NONE: Self = Self {
        drops: false,
        disorder: false,
        calls: false,
        crashes: false,
        lag: false,
        people: false,
    };

    /// Names what may go wrong, as the command line takes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut mix = Self::NONE;
        for name in text.split(',') {
            match name {
                "all" => mix = Self::ALL,
                "none" => {}
                "drops" => mix.drops = true,
                "disorder" => mix.disorder = true,
                "calls" => mix.calls = true,
                "crashes" => mix.crashes = true,
                "lag" => mix.lag = true,
                "people" => mix.people = true,
                _ => return None,
            }
        }
        Some(mix)
    }
}

/// The rates of one run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    pub(super) calls: CallRates,
    pub(super) events: EventRates,
    pub(super) lag: ReadLag,
}

impl Rates {
    /// Draws which faults one run meets, and how often: each kind is off in half of the runs.
    pub(super) fn draw(mix: Mix, rng: &mut fastrand::Rng) -> Self {
        let mut rate = |on: bool, most: u32| {
            let drawn = rng.u32(0..=most);
            if rng.bool() && on { drawn } else { 0 }
        };
        let calls = CallRates {
            throttled: rate(mix.calls, 400),
            lost_request: rate(mix.calls, 200),
            lost_answer: rate(mix.calls, 200),
            conflict: rate(mix.calls, 400),
            crash_before: rate(mix.crashes, 100),
            crash_after: rate(mix.crashes, 100),
        };
        let events = EventRates {
            dropped: rate(mix.drops, 1500),
            duplicated: rate(mix.disorder, 3000),
            delayed: rate(mix.disorder, 3000),
        };
        // Below the 30 seconds that Pushboat takes for sure (its READ_LAG).
        let lag = ReadLag {
            services: SignedDuration::from_secs(i64::from(rate(mix.lag, 25))),
            definitions: SignedDuration::from_secs(i64::from(rate(mix.lag, 25))),
        };
        Self { calls, events, lag }
    }
}
