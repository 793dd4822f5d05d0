//! The default event bus: every event is recorded, matched against the rules, and
//! delivered with EventBridge's retries and dead letters.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::clock::{Clock, pause};
use crate::delivery::{Failure, GivenUp, bury, hand_over};
use crate::event_log::{Delivery, EventLog, Outcome};
use crate::fault::{EventEffect, Faults};
use crate::rule::{RetryPolicy, Rule, Rules, Target};
use crate::upstream::Upstream;

/// How long an event that a fault puts out of order waits for another to pass it.
const REORDER_LIMIT: Duration = Duration::from_millis(500);

/// Takes events in, for good: what is sent after the end is lost.
#[derive(Clone, Debug)]
pub(crate) struct Bus {
    sender: UnboundedSender<Sent>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: Upstream,
    rules: Arc<Rules>,
    clock: Clock,
    log: EventLog,
    faults: Arc<Faults>,
    /// How much faster than AWS retries are made.
    speed: f64,
    random: Mutex<Rng>,
    overtaken: Mutex<Vec<Sent>>,
}

/// An event under way.
#[derive(Debug)]
struct Sent {
    sequence: u64,
    event: Value,
    /// A schedule's event goes to the targets of its own rule, unmatched.
    only: Option<Rule>,
}

/// What a bus is made of.
#[derive(Debug)]
pub(crate) struct BusParts {
    pub(crate) upstream: Upstream,
    pub(crate) rules: Arc<Rules>,
    pub(crate) clock: Clock,
    pub(crate) faults: Arc<Faults>,
    pub(crate) speed: f64,
    pub(crate) seed: u64,
}

impl Bus {
    /// Makes a bus, and the task that must run for it to deliver.
    pub(crate) fn new(parts: BusParts) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (sender, receiver) = unbounded_channel();
        let shared = Arc::new(Shared {
            upstream: parts.upstream,
            rules: parts.rules,
            clock: parts.clock,
            log: EventLog::default(),
            faults: parts.faults,
            speed: parts.speed,
            random: Mutex::new(Rng::with_seed(parts.seed)),
            overtaken: Mutex::default(),
        });
        let delivering = deliver_all(shared.clone(), receiver);
        (Bus { sender, shared }, delivering)
    }

    /// Sends an event to whom it may concern.
    pub(crate) fn emit(&self, event: &Value) {
        self.send(event, None);
    }

    /// Sends an event to the targets of one rule.
    pub(crate) fn emit_to(&self, rule: &Rule, event: &Value) {
        self.send(event, Some(rule));
    }

    /// The record of the events.
    pub(crate) fn log(&self) -> &EventLog {
        &self.shared.log
    }

    fn send(&self, event: &Value, only: Option<&Rule>) {
        let effects = self.shared.faults.on_event(event);
        let names = effects.iter().map(|effect| effect.name().to_owned());
        let sequence = self
            .shared
            .log
            .begin(event, self.shared.clock.wall(), names.collect());
        let sent = || Sent {
            sequence,
            event: event.clone(),
            only: only.cloned(),
        };
        let mut copies = 1;
        let mut delay = Duration::ZERO;
        let mut is_overtaken = false;
        for effect in effects {
            match effect {
                EventEffect::Drop => copies = 0,
                EventEffect::Duplicate => copies *= 2,
                EventEffect::DelayMilliseconds(late) => delay += Duration::from_millis(late),
                EventEffect::Reorder => is_overtaken = true,
            }
        }
        for _ in 0..copies {
            if is_overtaken {
                self.let_overtake(sent());
            } else if delay.is_zero() {
                let _ = self.sender.send(sent());
            } else {
                self.send_late(sent(), delay);
            }
        }
        if !is_overtaken {
            self.send_overtaken();
        }
    }

    fn send_late(&self, sent: Sent, delay: Duration) {
        let sender = self.sender.clone();
        tokio::spawn(async move {
            pause(delay).await;
            let _ = sender.send(sent);
        });
    }

    fn let_overtake(&self, sent: Sent) {
        self.overtaken().push(sent);
        let bus = self.clone();
        tokio::spawn(async move {
            pause(REORDER_LIMIT).await;
            bus.send_overtaken();
        });
    }

    fn send_overtaken(&self) {
        for sent in self.overtaken().drain(..) {
            let _ = self.sender.send(sent);
        }
    }

    fn overtaken(&self) -> std::sync::MutexGuard<'_, Vec<Sent>> {
        self.shared
            .overtaken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn deliver_all(shared: Arc<Shared>, mut receiver: UnboundedReceiver<Sent>) {
    // Those that wait for another try end with the bus.
    let mut waiting = JoinSet::new();
    while let Some(sent) = receiver.recv().await {
        while waiting.try_join_next().is_some() {}
        let rules = match sent.only {
            Some(rule) => vec![rule],
            None => shared.matching(&sent.event).await,
        };
        let names = rules.iter().map(|rule| rule.name.clone()).collect();
        shared.log.matched(sent.sequence, names);
        let event = Arc::new(sent.event);
        for rule in rules {
            let rule = Arc::new(rule);
            for target in rule.targets.clone() {
                let trial = Trial {
                    shared: shared.clone(),
                    sequence: sent.sequence,
                    event: event.clone(),
                    rule: rule.clone(),
                    target,
                };
                // The first try comes in the order of the events; who must wait
                // for another does so on their own.
                if let Err(failure) = trial.first().await {
                    waiting.spawn(trial.again(failure));
                }
            }
        }
    }
}

impl Shared {
    /// The rules an event matches. Events don't get lost for want of an answer
    /// here: the rules are asked for until ministack gives them.
    async fn matching(&self, event: &Value) -> Vec<Rule> {
        let text = event.to_string();
        loop {
            match self.try_matching(&text).await {
                Ok(rules) => return rules,
                Err(error) => {
                    eprintln!("local-aws: an event waits for the rules: {error}");
                    pause(Duration::from_secs(1)).await;
                }
            }
        }
    }

    async fn try_matching(&self, event: &str) -> Result<Vec<Rule>, crate::upstream::UpstreamError> {
        let mut matching = Vec::new();
        for rule in self.rules.current().await?.iter() {
            match self.rules.matches(rule, event).await {
                Ok(true) => matching.push(rule.clone()),
                Ok(false) => {}
                // A pattern that ministack cannot read matches nothing.
                Err(error) if !error.is_transient() => {
                    eprintln!("local-aws: rule {} was left out: {error}", rule.name);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(matching)
    }

    /// How long EventBridge waits before a retry: exponentially longer, with
    /// jitter. The base and the limit are ours; AWS documents none.
    /// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html>
    fn backoff(&self, retry: u32) -> Duration {
        let seconds = 2f64
            .powi(i32::try_from(retry.min(10)).unwrap_or(10))
            .min(300.0);
        let jitter = self
            .random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .f64();
        Duration::from_secs_f64(seconds * (0.5 + jitter / 2.0) / self.speed)
    }
}

/// One event on its way to one target.
struct Trial {
    shared: Arc<Shared>,
    sequence: u64,
    event: Arc<Value>,
    rule: Arc<Rule>,
    target: Target,
}

impl Trial {
    async fn first(&self) -> Result<(), Failure> {
        self.note(0, Outcome::UnderWay, None);
        self.hand_over(1).await
    }

    /// Tries until the target takes the event, or the retry policy gives up.
    async fn again(self, mut failure: Failure) {
        let policy = self.target.retry_policy;
        let since = self.shared.clock.elapsed();
        let mut retries = 0;
        let exhausted = loop {
            if !failure.is_retriable {
                break None;
            }
            let wait = self.shared.backoff(retries);
            let age = self.shared.clock.elapsed() - since + wait;
            if let Some(exhausted) = exhausted(policy, retries, age.mul_f64(self.shared.speed)) {
                break Some(exhausted);
            }
            pause(wait).await;
            retries += 1;
            match self.hand_over(retries + 1).await {
                Ok(()) => return,
                Err(again) => failure = again,
            }
        };
        let given_up = GivenUp {
            failure: &failure,
            exhausted,
            retries,
        };
        self.give_up(&given_up).await;
    }

    async fn hand_over(&self, attempt: u32) -> Result<(), Failure> {
        let handed = hand_over(&self.shared.upstream, &self.rule, &self.target, &self.event).await;
        match &handed {
            Ok(()) => self.note(attempt, Outcome::Delivered, None),
            Err(failure) => self.note(attempt, Outcome::UnderWay, Some(failure.message.clone())),
        }
        handed
    }

    async fn give_up(&self, given_up: &GivenUp<'_>) {
        let attempts = given_up.retries + 1;
        let mut error = given_up.failure.message.clone();
        let Some(queue) = &self.target.dead_letter_config.arn else {
            return self.note(attempts, Outcome::Dropped, Some(error));
        };
        let upstream = &self.shared.upstream;
        let buried = bury(
            upstream,
            &self.rule,
            &self.target,
            queue,
            &self.event,
            given_up,
        )
        .await;
        match buried {
            Ok(()) => self.note(attempts, Outcome::DeadLettered, Some(error)),
            Err(failure) => {
                error = format!(
                    "{error}; nor did the dead-letter queue take it: {}",
                    failure.message
                );
                self.note(attempts, Outcome::Dropped, Some(error));
            }
        }
    }

    fn note(&self, attempts: u32, outcome: Outcome, error: Option<String>) {
        self.shared.log.delivery(
            self.sequence,
            Delivery {
                rule: self.rule.name.clone(),
                target: self.target.arn.clone(),
                attempts,
                outcome,
                error,
            },
        );
    }
}

/// Which of the retry policy's limits the next retry would break.
fn exhausted(policy: RetryPolicy, retries: u32, age: Duration) -> Option<&'static str> {
    if retries >= policy.maximum_retry_attempts {
        Some("MaximumRetryAttempts")
    } else if age > Duration::from_secs(policy.maximum_event_age_in_seconds) {
        Some("MaximumEventAgeInSeconds")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
