//! The FIFO queue in front of `rollout`.
//!
//! Source: Amazon SQS developer guide, "FIFO queue delivery logic",
//! "Exactly-once processing" and "Visibility timeout".

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use pushboat::core::name::TargetName;
use pushboat::ports::{CallError, Clock, Queue};
use pushboat::queue::QueueMessage;

use crate::clock::VirtualClock;

/// Within this time a repeat of an id is dropped.
const DEDUPLICATED_FOR: SignedDuration = SignedDuration::from_mins(5);
/// For how long a received message stays away from other receivers; the template's value.
const VISIBILITY_TIMEOUT: SignedDuration = SignedDuration::from_mins(6);
/// How often a message is received before it goes to the dead letters; the template's value.
const MOST_RECEIVED: u32 = 20;

/// The queue; clones are the same one.
#[derive(Clone, Debug)]
pub struct FifoQueue {
    clock: VirtualClock,
    visibility_timeout: Rc<Cell<SignedDuration>>,
    state: Rc<RefCell<State>>,
}

#[derive(Debug, Default)]
struct State {
    sent: u64,
    /// One queue for each message group, which is one target.
    groups: BTreeMap<TargetName, VecDeque<Message>>,
    /// When each id was first sent to its group.
    ids: BTreeMap<(TargetName, String), Timestamp>,
    dropped: usize,
    dead_letters: Vec<QueueMessage>,
}

#[derive(Debug)]
struct Message {
    sequence: u64,
    body: QueueMessage,
    sent_at: Timestamp,
    visible_at: Timestamp,
    received: u32,
}

/// A message that was received and not yet deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message: QueueMessage,
    /// When it was sent.
    pub sent_at: Timestamp,
    sequence: u64,
    received: u32,
}

impl FifoQueue {
    pub(crate) fn new(clock: VirtualClock) -> Self {
        Self {
            clock,
            visibility_timeout: Rc::new(Cell::new(VISIBILITY_TIMEOUT)),
            state: Rc::default(),
        }
    }

    /// Loses every message.
    pub fn purge(&self) {
        self.state.borrow_mut().groups.clear();
    }

    /// Has received messages come back sooner or later than the template says.
    pub fn set_visibility_timeout(&self, timeout: SignedDuration) {
        self.visibility_timeout.set(timeout);
    }

    /// Says how many repeats were dropped.
    #[must_use]
    pub fn dropped(&self) -> usize {
        self.state.borrow().dropped
    }

    /// Says how many messages there are, received ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.borrow().groups.values().map(VecDeque::len).sum()
    }

    /// Says whether there is no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives the messages that were received too often.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<QueueMessage> {
        self.state.borrow().dead_letters.clone()
    }

    /// Moves the dead letters back to their groups; answers how many there were.
    ///
    /// "Dead-letter queues redrive messages in the order they are received, starting with the
    /// oldest message", and what new messages were sent since stays before them; "all redriven
    /// messages are considered new messages". On its way to the dead letters a message got its
    /// own id for the deduplication, so that it is no repeat.
    /// Source: Amazon SQS developer guide, "Learn how to configure a dead-letter queue redrive".
    pub(crate) fn redrive(&self) -> usize {
        let now = self.clock.now();
        let state = &mut *self.state.borrow_mut();
        let dead = std::mem::take(&mut state.dead_letters);
        let count = dead.len();
        for message in dead {
            state.sent += 1;
            let group = state.groups.entry(message.target.clone()).or_default();
            group.push_back(Message {
                sequence: state.sent,
                body: message,
                sent_at: now,
                visible_at: now,
                received: 0,
            });
        }
        count
    }

    /// Receives the first message of the group that waits longest.
    ///
    /// A group is blocked while its first message is with a receiver.
    pub(crate) fn receive(&self) -> Option<Delivery> {
        let now = self.clock.now();
        let state = &mut *self.state.borrow_mut();
        loop {
            let heads = state.groups.values_mut();
            let group = heads
                .filter(|group| group.front().is_some_and(|head| head.visible_at <= now))
                .min_by_key(|group| group.front().map(|head| head.sequence))?;
            let head = group.front_mut()?;
            if head.received < MOST_RECEIVED {
                head.received += 1;
                head.visible_at = now + self.visibility_timeout.get();
                return Some(Delivery {
                    message: head.body.clone(),
                    sent_at: head.sent_at,
                    sequence: head.sequence,
                    received: head.received,
                });
            }
            let dead = group.pop_front()?;
            state.dead_letters.push(dead.body);
        }
    }

    /// Deletes a received message; one that somebody else received since stays.
    pub(crate) fn delete(&self, delivery: &Delivery) {
        let state = &mut *self.state.borrow_mut();
        let target = &delivery.message.target;
        let Some(group) = state.groups.get_mut(target) else {
            return;
        };
        group.retain(|one| one.sequence != delivery.sequence || one.received != delivery.received);
        if group.is_empty() {
            state.groups.remove(target);
        }
    }

    /// Says when the next message can be received.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        let state = self.state.borrow();
        let heads = state.groups.values().filter_map(VecDeque::front);
        heads.map(|head| head.visible_at).min()
    }
}

impl Queue for FifoQueue {
    async fn send(&self, messages: &[QueueMessage]) -> Result<(), CallError> {
        let now = self.clock.now();
        let state = &mut *self.state.borrow_mut();
        for message in messages {
            let id = (message.target.clone(), message.deduplication_id());
            let repeated = state
                .ids
                .get(&id)
                .is_some_and(|first| now.duration_since(*first) < DEDUPLICATED_FOR);
            if repeated {
                state.dropped += 1;
                continue;
            }
            state.ids.insert(id, now);
            state.sent += 1;
            let group = state.groups.entry(message.target.clone()).or_default();
            group.push_back(Message {
                sequence: state.sent,
                body: message.clone(),
                sent_at: now,
                visible_at: now,
                received: 0,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use pushboat::queue::Trigger;

    use super::*;

    fn message(target: &str, event: &str) -> QueueMessage {
        QueueMessage {
            target: TargetName::parse(target).unwrap(),
            trigger: Trigger::Due,
            event_id: event.to_owned(),
        }
    }

    fn send(queue: &FifoQueue, target: &str, event: &str) {
        let messages = [message(target, event)];
        queue.send(&messages).now_or_never().unwrap().unwrap();
    }

    fn pass(queue: &FifoQueue, seconds: i64) {
        let clock = &queue.clock;
        clock.advance_to(clock.after(SignedDuration::from_secs(seconds)));
    }

    fn receive(queue: &FifoQueue) -> Option<String> {
        queue.receive().map(|delivery| delivery.message.event_id)
    }

    #[test]
    fn a_group_is_in_order_and_blocked_while_its_first_message_is_out() {
        let queue = FifoQueue::new(VirtualClock::default());
        send(&queue, "a", "1");
        send(&queue, "a", "2");
        send(&queue, "b", "3");
        let first = queue.receive().unwrap();
        assert_eq!(first.message.event_id, "1");
        assert_eq!(receive(&queue).as_deref(), Some("3"), "other groups go on");
        assert_eq!(receive(&queue), None);
        queue.delete(&first);
        assert_eq!(receive(&queue).as_deref(), Some("2"));
    }

    #[test]
    fn what_is_not_deleted_comes_back_first_and_goes_to_the_dead_letters_in_the_end() {
        let queue = FifoQueue::new(VirtualClock::default());
        send(&queue, "a", "1");
        send(&queue, "a", "2");
        for _ in 0..MOST_RECEIVED {
            assert_eq!(receive(&queue).as_deref(), Some("1"));
            pass(&queue, 359);
            assert_eq!(receive(&queue), None);
            pass(&queue, 1);
        }
        assert_eq!(receive(&queue).as_deref(), Some("2"));
        assert_eq!(queue.dead_letters(), [message("a", "1")]);
    }

    #[test]
    fn the_numbers_are_the_templates() {
        let template = include_str!("../../../template.yaml");
        let timeout = VISIBILITY_TIMEOUT.as_secs();
        assert!(template.contains(&format!("VisibilityTimeout: {timeout}\n")));
        assert!(template.contains(&format!("maxReceiveCount: {MOST_RECEIVED}\n")));
    }

    #[test]
    fn dead_letters_that_are_moved_back_come_after_what_was_sent_since() {
        let queue = FifoQueue::new(VirtualClock::default());
        send(&queue, "a", "1");
        send(&queue, "a", "2");
        for _ in 0..=MOST_RECEIVED {
            let _ = queue.receive();
            pass(&queue, 360);
        }
        // An id that was sent a moment ago is no reason to drop what is moved.
        send(&queue, "a", "1");
        assert_eq!(queue.redrive(), 1);
        assert_eq!((queue.redrive(), queue.dead_letters()), (0, Vec::new()));
        for event in ["2", "1", "1"] {
            let next = queue.receive().unwrap();
            assert_eq!(next.message.event_id, event);
            queue.delete(&next);
        }
        assert!(queue.is_empty());
    }

    #[test]
    fn a_receiver_that_was_too_slow_deletes_nothing() {
        let queue = FifoQueue::new(VirtualClock::default());
        send(&queue, "a", "1");
        let slow = queue.receive().unwrap();
        pass(&queue, 360);
        let second = queue.receive().unwrap();
        queue.delete(&slow);
        assert_eq!(queue.len(), 1);
        queue.delete(&second);
        assert!(queue.is_empty());
    }

    #[test]
    fn repeats_are_dropped_for_five_minutes_even_of_what_is_gone() {
        let queue = FifoQueue::new(VirtualClock::default());
        send(&queue, "a", "1");
        let first = queue.receive().unwrap();
        queue.delete(&first);
        pass(&queue, 299);
        send(&queue, "a", "1");
        assert_eq!((queue.len(), queue.dropped()), (0, 1));
        send(&queue, "b", "1");
        assert_eq!(queue.len(), 1, "another target's message is no repeat");
        pass(&queue, 1);
        send(&queue, "a", "1");
        assert_eq!(queue.len(), 2);
    }
}
