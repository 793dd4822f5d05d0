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
pub struct VirtualClock(Rc<Cell<Timestamp>>);

impl Default for VirtualClock {
    fn default() -> Self {
        let beginning = Timestamp::from_second(BEGINNING_SECOND).unwrap_or_default();
        Self(Rc::new(Cell::new(beginning)))
    }
}

impl VirtualClock {
    /// Goes on to `at`; time never goes back.
    pub fn advance_to(&self, at: Timestamp) {
        self.0.set(self.0.get().max(at));
    }

    /// Tells the time that comes `duration` from now.
    #[must_use]
    pub fn after(&self, duration: SignedDuration) -> Timestamp {
        self.0.get().checked_add(duration).unwrap_or(Timestamp::MAX)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.0.get()
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
}
