//! What may go wrong, and how often.

use jiff::SignedDuration;

use crate::calls::CallRates;
use crate::ecs::ReadLag;
use crate::world::{EventRates, Lost};

/// A kind of trouble that a run may meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Events are dropped.
    Drops,
    /// Events come twice, late, and so out of order.
    Disorder,
    /// Calls are throttled, lost, or their answer is; conditional writes lose races.
    Calls,
    /// Functions die before and after calls.
    Crashes,
    /// Reads lag behind writes.
    Lag,
    /// People do things besides.
    People,
    /// Fargate Spot takes capacity back, and places no task for a while.
    Capacity,
    /// Application Auto Scaling changes how many tasks are wanted.
    Scaling,
    /// Deployments wait at lifecycle hooks, for people and for functions.
    Hooks,
    /// Terraform and CloudFormation set the service to what they know.
    Tools,
    /// Images expire by a lifecycle policy, or go to the archive.
    Expiry,
    /// `rollout` stands still in the midst of a call, and its writes arrive late.
    Pauses,
    /// Each service's and each function's clock is off by up to five seconds.
    Skew,
    /// ECS's operations have the documented rates, and others in the account use them up.
    Limits,
    /// People break parameters, delete repositories, withdraw consents and permissions.
    Mistakes,
}

/// Every kind with its name on the command line.
const NAMES: [(&str, Trouble); 15] = [
    ("drops", Trouble::Drops),
    ("disorder", Trouble::Disorder),
    ("calls", Trouble::Calls),
    ("crashes", Trouble::Crashes),
    ("lag", Trouble::Lag),
    ("people", Trouble::People),
    ("capacity", Trouble::Capacity),
    ("scaling", Trouble::Scaling),
    ("hooks", Trouble::Hooks),
    ("tools", Trouble::Tools),
    ("expiry", Trouble::Expiry),
    ("pauses", Trouble::Pauses),
    ("skew", Trouble::Skew),
    ("limits", Trouble::Limits),
    ("mistakes", Trouble::Mistakes),
];

/// Which targets go through a CloudFormation stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThroughStacks {
    /// Some of some worlds, as the seed draws them.
    Drawn,
    /// None: a world is what it was before there were any.
    Never,
    /// All.
    Always,
}

/// Which kinds of trouble a run may meet; a seed draws from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    may: u32,
    /// Those that every run meets.
    always: u32,
    pub(super) stacks: ThroughStacks,
}

impl Mix {
    /// Everything goes wrong.
    pub const ALL: Self = Self {
        may: (1 << NAMES.len()) - 1,
        always: 0,
        stacks: ThroughStacks::Drawn,
    };

    /// Nothing goes wrong but the images.
    pub const NONE: Self = Self {
        may: 0,
        always: 0,
        stacks: ThroughStacks::Drawn,
    };

    /// Names what may go wrong, as the command line takes it: `lag!` is met in every run.
    ///
    /// With `no-stacks` no target goes through a stack, with `stacks!` all do.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut mix = Self::NONE;
        for name in text.split(',') {
            match name {
                "all" => mix.may = Self::ALL.may,
                "none" => {}
                "no-stacks" => mix.stacks = ThroughStacks::Never,
                "stacks!" => mix.stacks = ThroughStacks::Always,
                name => {
                    let kind = name.strip_suffix('!');
                    let found = |known: &str| known == kind.unwrap_or(name);
                    let (_, trouble) = NAMES.iter().find(|(known, _)| found(known))?;
                    mix.may |= trouble.bit();
                    if kind.is_some() {
                        mix.always |= trouble.bit();
                    }
                }
            }
        }
        Some(mix)
    }

    /// Leaves a kind of trouble out.
    #[must_use]
    pub fn without(self, trouble: Trouble) -> Self {
        Self {
            may: self.may & !trouble.bit(),
            always: self.always & !trouble.bit(),
            ..self
        }
    }

    /// Leaves out what another mix does not have.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            may: self.may & other.may,
            always: self.always & other.may,
            ..self
        }
    }

    /// Says whether nothing goes wrong but the images.
    pub(super) fn is_calm(self) -> bool {
        self.may == 0
    }

    /// Says whether a kind of trouble may be met.
    #[must_use]
    pub fn has(self, trouble: Trouble) -> bool {
        self.may & trouble.bit() != 0
    }

    fn always_has(self, trouble: Trouble) -> bool {
        self.always & trouble.bit() != 0
    }

    /// Draws which kinds one run meets: each is off in half of the runs.
    pub(super) fn draw(self, rng: &mut fastrand::Rng) -> Self {
        Self {
            may: self.may & (rng.u32(..) | self.always),
            ..self
        }
    }
}

impl Trouble {
    /// Gives every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(_, trouble)| *trouble)
    }

    /// Gives its name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let known = NAMES.iter().find(|(_, trouble)| *trouble == self);
        known.map_or("", |(name, _)| name)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// The rates of one run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    pub(super) calls: CallRates,
    pub(super) events: EventRates,
    pub(super) lag: ReadLag,
    /// A rule that is off: none of these ever arrive.
    pub(super) lost: Lost,
}

impl Rates {
    /// Draws which faults one run meets, and how often: each is off in half of the runs.
    pub(super) fn draw(mix: Mix, rng: &mut fastrand::Rng) -> Self {
        let mut rate = |trouble: Trouble, most: u32| {
            let drawn = rng.u32(0..=most);
            let met = rng.bool() || mix.always_has(trouble);
            if met && mix.has(trouble) { drawn } else { 0 }
        };
        let calls = CallRates {
            refused: rate(Trouble::Mistakes, 1500),
            throttled: rate(Trouble::Calls, 400),
            lost_request: rate(Trouble::Calls, 200),
            lost_answer: rate(Trouble::Calls, 200),
            conflict: rate(Trouble::Calls, 400),
            crash_before: rate(Trouble::Crashes, 100),
            crash_after: rate(Trouble::Crashes, 100),
            pause: rate(Trouble::Pauses, 100),
            late_write: rate(Trouble::Pauses, 200),
        };
        let events = EventRates {
            dropped: rate(Trouble::Drops, 1500),
            duplicated: rate(Trouble::Disorder, 3000),
            delayed: rate(Trouble::Disorder, 3000),
        };
        // Below the 30 seconds that Pushboat takes for sure (its READ_LAG).
        let lag = ReadLag {
            services: SignedDuration::from_secs(i64::from(rate(Trouble::Lag, 25))),
            definitions: SignedDuration::from_secs(i64::from(rate(Trouble::Lag, 25))),
        };
        let mut never = || rng.u8(0..6) == 0 && mix.has(Trouble::Drops);
        let lost = Lost {
            pushes: false,
            service_changes: never(),
            task_changes: never(),
            alarm_changes: never(),
            stack_changes: false,
            parameter_changes: never(),
            notice_prompts: never(),
        };
        Self {
            calls,
            events,
            lag,
            lost,
        }
    }

    /// Says whether an event may be lost or heard late: the rates are drawn apart from the kinds
    /// of trouble.
    pub(super) fn hinder_events(&self) -> bool {
        let refused = CallRates {
            refused: self.calls.refused,
            ..CallRates::default()
        };
        self.calls != refused
            || self.events != EventRates::default()
            || self.lost != Lost::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_bit_and_a_name_of_its_own() {
        let mut all = Mix::NONE;
        for (index, (name, trouble)) in NAMES.iter().enumerate() {
            assert_eq!(*trouble as usize, index, "{name}");
            let mix = Mix::parse(name).unwrap();
            assert!(mix.has(*trouble) && !all.has(*trouble), "{name}");
            all.may |= mix.may;
        }
        assert_eq!(all, Mix::ALL);
        assert_eq!(Mix::parse("drops,lunch"), None);
    }

    #[test]
    fn events_are_hindered_by_rates_too() {
        let rates = |change: fn(&mut Rates)| {
            let mut rates = Rates::default();
            change(&mut rates);
            rates
        };
        let lag = rates(|rates| rates.lag.services = SignedDuration::from_secs(25));
        assert!(!lag.hinder_events());
        assert!(!rates(|rates| rates.calls.refused = 1).hinder_events());
        assert!(rates(|rates| rates.calls.crash_before = 1).hinder_events());
        assert!(rates(|rates| rates.events.dropped = 1).hinder_events());
        assert!(rates(|rates| rates.lost.task_changes = true).hinder_events());
    }

    #[test]
    fn what_is_always_met_is_drawn_for_each_seed() {
        let mix = Mix::parse("lag!,drops").unwrap();
        let drawn = (0..50).map(|seed| mix.draw(&mut fastrand::Rng::with_seed(seed)));
        let drawn: Vec<Mix> = drawn.collect();
        assert!(drawn.iter().all(|one| one.has(Trouble::Lag)));
        assert!(drawn.iter().any(|one| one.has(Trouble::Drops)));
        assert!(!drawn.iter().all(|one| one.has(Trouble::Drops)));
    }
}
