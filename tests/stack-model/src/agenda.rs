//! What is due when: the model's only notion of the future.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::Timestamp;

use crate::change_set::ChangeSetKey;
use crate::effect::EffectId;
use crate::stack::StackKey;

/// Something the model does by itself when its time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    /// A change set takes a step.
    ChangeSet(ChangeSetKey),
    /// The operation with this number goes on, if it is still that stack's.
    Operation(StackKey, u64),
    /// Work that nobody is asked about is done.
    Done(EffectId),
    /// Work that somebody is asked about has taken too long.
    TooLong(EffectId),
}

/// The things that are due, earliest first; those of one instant in the order
/// in which they were put down.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    entries: BinaryHeap<Reverse<(Timestamp, u64, Due)>>,
    written: u64,
}

impl Agenda {
    /// Puts something down for `at`.
    pub(crate) fn put(&mut self, at: Timestamp, due: Due) {
        self.written += 1;
        self.entries.push(Reverse((at, self.written, due)));
    }

    /// Says when the next thing is due.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.entries.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Takes the next thing that is due by `now`.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<(Timestamp, Due)> {
        if self.next_at()? > now {
            return None;
        }
        self.entries.pop().map(|Reverse((at, _, due))| (at, due))
    }
}
