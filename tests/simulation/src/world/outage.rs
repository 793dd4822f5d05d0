//! What keeps functions from their work for a while, and what people do about it later.

use jiff::{SignedDuration, Timestamp};
use pushboat::ports::Clock as _;

use super::{EVENT_DELAY, World};
use crate::agenda::Event;
use crate::calls::Function;
use crate::retries::{DeadLetterQueue, Hindrance, Tries};

/// Functions that take care of nothing for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What keeps them from it.
    pub hindrance: Hindrance,
    /// The only one that it is about, if it is.
    pub function: Option<Function>,
    /// When it is over.
    pub until: Timestamp,
}

/// An event that was tried as often as AWS does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event.
    pub event: Event,
    /// Where it lies.
    pub queue: DeadLetterQueue,
}

impl World {
    /// Keeps every function, or one, from its work for some time.
    pub fn keep_from_work(
        &mut self,
        function: Option<Function>,
        hindrance: Hindrance,
        duration: SignedDuration,
    ) {
        self.outage = Some(Outage {
            hindrance,
            function,
            until: self.clock.after(duration),
        });
    }

    /// Says what keeps a function from its work now.
    ///
    /// `rollout` and `notify` poll what they hear of, people call `operator`: EventBridge has no
    /// part in it.
    pub(super) fn hindrance(&self, function: Function) -> Option<Hindrance> {
        let outage = self.outage?;
        let polls = matches!(
            function,
            Function::Rollout | Function::Notify | Function::Operator
        );
        let is_met = outage.until > self.clock.now()
            && outage.function.is_none_or(|one| one == function)
            && !(polls && outage.hindrance == Hindrance::Undeliverable);
        is_met.then_some(outage.hindrance)
    }

    /// Has an event tried again, or puts it to the dead letters.
    pub(super) fn try_again(&mut self, event: Event, mut tries: Tries, hindrance: Hindrance) {
        // The next minute is as good as another try of this one.
        if event == Event::Tick {
            return;
        }
        let now = self.clock.now();
        match tries.again(event.function(), hindrance, now, &mut self.jitter) {
            Ok(at) => self.agenda.put(at, event, tries),
            Err(queue) => self.dead_letters.push(DeadLetter { event, queue }),
        }
    }

    /// Moves the dead letters of `rollout`'s queue back to it, and gives each function once more
    /// what lies in its dead-letter queues; answers how many there were.
    ///
    /// Only "dead-letter queues of other Amazon SQS queues" can be moved by `StartMessageMoveTask`;
    /// the others are read by people, who invoke the function with what they find.
    /// Source: Amazon SQS API reference, "StartMessageMoveTask".
    pub fn redrive(&mut self) -> usize {
        let again = std::mem::take(&mut self.dead_letters);
        let count = again.len() + self.queue.redrive();
        for DeadLetter { event, .. } in again {
            let at = self.clock.after(EVENT_DELAY);
            self.agenda.put(at, event, Tries::default());
        }
        count
    }
}
