//! Virtual time.

use std::cell::Cell;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use pushboat::ports::Clock;

/// When every world begins: Thursday, 1 January 2026.
const BEGINNING_SECOND: i64 = 1_767_225_600;

/// A clock that stands still until it is told to go on.
///
/// Its clones show the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    time: Rc<Cell<Timestamp>>,
    /// How far it is ahead of the time.
    skew: Rc<Cell<SignedDuration>>,
}

impl Default for VirtualClock {
    fn default() -> Self {
        let beginning = Timestamp::from_second(BEGINNING_SECOND).unwrap_or_default();
        Self {
            time: Rc::new(Cell::new(beginning)),
            skew: Rc::default(),
        }
    }
}

impl VirtualClock {
    /// Makes a clock that goes on with this one, and can be skewed on its own.
    ///
    /// AWS keeps its clocks in step by the Amazon Time Sync Service, and promises no other bound
    /// than that requests are signed with a time that is not more than five minutes off.
    /// Source: "Troubleshoot Signature Version 4 signing for AWS API requests" in the IAM user
    /// guide.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            time: Rc::clone(&self.time),
            skew: Rc::default(),
        }
    }

    /// Puts the clock and its clones ahead of the time, or behind it.
    pub fn set_skew(&self, skew: SignedDuration) {
        self.skew.set(skew);
    }

    /// Tells when this clock will show `at`, by a clock that is not skewed.
    #[must_use]
    pub fn unskewed(&self, at: Timestamp) -> Timestamp {
        let skew = self.skew.get();
        if skew.is_zero() {
            return at;
        }
        at.checked_sub(skew).unwrap_or(at)
    }

    /// Goes on to `at`; time never goes back.
    pub fn advance_to(&self, at: Timestamp) {
        self.time.set(self.time.get().max(self.unskewed(at)));
    }

    /// Tells the time that comes `duration` from now.
    #[must_use]
    pub fn after(&self, duration: SignedDuration) -> Timestamp {
        self.now().checked_add(duration).unwrap_or(Timestamp::MAX)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let (time, skew) = (self.time.get(), self.skew.get());
        if skew.is_zero() {
            return time;
        }
        time.checked_add(skew).unwrap_or(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_for_all_clones_and_never_back() {
        let clock = VirtualClock::default();
        let beginning = clock.now();
        let later = clock.after(SignedDuration::from_secs(5));
        clock.clone().advance_to(later);
        assert_eq!(clock.now(), later);
        clock.advance_to(beginning);
        assert_eq!(clock.now(), later);
    }

    #[test]
    fn a_skewed_clock_goes_on_with_the_time() {
        let clock = VirtualClock::default();
        let ahead = clock.beside();
        ahead.clone().set_skew(SignedDuration::from_secs(3));
        let shown = clock.after(SignedDuration::from_secs(3));
        assert_eq!(ahead.now(), shown);
        assert_eq!(ahead.unskewed(shown), clock.now());
        clock.advance_to(clock.after(SignedDuration::from_secs(5)));
        assert_eq!(ahead.now(), clock.after(SignedDuration::from_secs(3)));
    }
}
