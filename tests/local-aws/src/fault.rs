//! Faults: calls throttled, failed, delayed, answered twice or not at all, and
//! events that come late, twice, out of order or never.

use std::sync::{Mutex, MutexGuard, PoisonError};

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::caller::Caller;
use crate::http::Request;

/// One rule by which faults are injected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultRule {
    /// A fault on the wire.
    Call(CallFault),
    /// A fault on the way of an event.
    Event(EventFault),
}

/// A fault on the wire: which calls, when, and what happens to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallFault {
    /// The service's signing name; any where absent.
    #[serde(default)]
    pub service: Option<String>,
    /// The operation; any where absent.
    #[serde(default)]
    pub operation: Option<String>,
    /// A part of the calling function's name; any caller where absent.
    #[serde(default)]
    pub function: Option<String>,
    /// A part of the request's path or body, such as a service's name; any request
    /// where absent.
    #[serde(default)]
    pub mentions: Option<String>,
    /// Which of the matching calls.
    #[serde(default)]
    pub when: When,
    /// What happens.
    pub effect: CallEffect,
}

/// A fault on the way of an event: which events, when, and what happens to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EventFault {
    /// The event's source, such as `aws.ecr`; any where absent.
    #[serde(default)]
    pub source: Option<String>,
    /// The event's detail type; any where absent.
    #[serde(default)]
    pub detail_type: Option<String>,
    /// A part of the event's text, such as a service's name; any event where absent.
    #[serde(default)]
    pub mentions: Option<String>,
    /// Which of the matching events.
    #[serde(default)]
    pub when: When,
    /// What happens.
    pub effect: EventEffect,
}

/// Which of the matching calls or events are struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Every one.
    #[default]
    Always,
    /// Only that one, counted from 1.
    Nth(u64),
    /// So many of them, the first ones.
    First(u64),
    /// Each with this probability, decided by the seed.
    Rate(f64),
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CallEffect {
    /// Refused with a throttling error, such as `ThrottlingException`; nothing is done.
    Throttle(String),
    /// Answered with status 500 and `InternalFailure`; nothing is done.
    Error,
    /// Carried out this many milliseconds late.
    DelayMilliseconds(u64),
    /// Carried out, but the connection closes without an answer.
    AnswerLost,
    /// Carried out twice; the second answer is given.
    Duplicate,
    /// The function's process is killed before the call does anything.
    KillBefore,
    /// The call is carried out, then the function's process is killed.
    KillAfter,
}

/// What happens to an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EventEffect {
    /// It never arrives.
    Drop,
    /// It arrives twice, with the same id.
    Duplicate,
    /// It arrives this many milliseconds late.
    DelayMilliseconds(u64),
    /// It arrives after the next event, or half a second late.
    Reorder,
}

impl CallEffect {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            CallEffect::Throttle(_) => "throttle",
            CallEffect::Error => "error",
            CallEffect::DelayMilliseconds(_) => "delay",
            CallEffect::AnswerLost => "answerLost",
            CallEffect::Duplicate => "duplicate",
            CallEffect::KillBefore => "killBefore",
            CallEffect::KillAfter => "killAfter",
        }
    }
}

impl EventEffect {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            EventEffect::Drop => "drop",
            EventEffect::Duplicate => "duplicate",
            EventEffect::DelayMilliseconds(_) => "delay",
            EventEffect::Reorder => "reorder",
        }
    }
}

/// A fault rule and how often it struck.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultCount {
    /// The rule.
    pub rule: FaultRule,
    /// How many calls or events it could have struck.
    pub matched: u64,
    /// How many it struck.
    pub injected: u64,
}

/// The fault rules in force.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    active: Mutex<Vec<Active>>,
}

#[derive(Debug)]
struct Active {
    count: FaultCount,
    random: Rng,
}

impl Faults {
    /// No faults; `seed` decides what rules with a rate will strike.
    pub(crate) fn new(seed: u64) -> Self {
        Faults {
            seed,
            active: Mutex::default(),
        }
    }

    /// Puts a rule into force, after those that are.
    pub(crate) fn add(&self, rule: FaultRule) {
        let mut active = self.lock();
        let random = Rng::with_seed(self.seed.wrapping_add(active.len() as u64));
        active.push(Active {
            count: FaultCount {
                rule,
                matched: 0,
                injected: 0,
            },
            random,
        });
    }

    /// Ends all faults and says how often each struck.
    pub(crate) fn clear(&self) -> Vec<FaultCount> {
        let ended = std::mem::take(&mut *self.lock());
        ended.into_iter().map(|active| active.count).collect()
    }

    /// Ends one rule and says how often it struck; nothing where it is not in force.
    pub(crate) fn remove(&self, rule: &FaultRule) -> Option<FaultCount> {
        let mut active = self.lock();
        let place = active
            .iter()
            .position(|active| active.count.rule == *rule)?;
        Some(active.remove(place).count)
    }

    /// Says how often each rule in force struck.
    pub(crate) fn counts(&self) -> Vec<FaultCount> {
        self.lock()
            .iter()
            .map(|active| active.count.clone())
            .collect()
    }

    /// What happens to a call.
    pub(crate) fn on_call(
        &self,
        call: &Call,
        request: &Request,
        caller: &Caller,
    ) -> Vec<CallEffect> {
        self.struck(|rule| match rule {
            FaultRule::Call(fault) if fault.matches(call, request, caller) => {
                Some((fault.when, fault.effect.clone()))
            }
            FaultRule::Call(_) | FaultRule::Event(_) => None,
        })
    }

    /// What happens to an event.
    pub(crate) fn on_event(&self, event: &Value) -> Vec<EventEffect> {
        self.struck(|rule| match rule {
            FaultRule::Event(fault) if fault.matches(event) => {
                Some((fault.when, fault.effect.clone()))
            }
            FaultRule::Call(_) | FaultRule::Event(_) => None,
        })
    }

    fn struck<T>(&self, matching: impl Fn(&FaultRule) -> Option<(When, T)>) -> Vec<T> {
        let mut effects = Vec::new();
        for active in self.lock().iter_mut() {
            if let Some((when, effect)) = matching(&active.count.rule) {
                active.count.matched += 1;
                let strikes = match when {
                    When::Always => true,
                    When::Nth(nth) => active.count.matched == nth,
                    When::First(first) => active.count.matched <= first,
                    When::Rate(rate) => active.random.f64() < rate,
                };
                if strikes {
                    active.count.injected += 1;
                    effects.push(effect);
                }
            }
        }
        effects
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallFault {
    fn matches(&self, call: &Call, request: &Request, caller: &Caller) -> bool {
        let function = caller.function.as_deref().unwrap_or_default();
        is_or_any(self.service.as_deref(), &call.service)
            && is_or_any(self.operation.as_deref(), &call.operation)
            && self
                .function
                .as_ref()
                .is_none_or(|part| function.contains(part))
            && self
                .mentions
                .as_ref()
                .is_none_or(|part| request.target.contains(part) || holds(&request.body, part))
    }
}

impl EventFault {
    fn matches(&self, event: &Value) -> bool {
        let member = |name: &str| event[name].as_str().unwrap_or_default();
        is_or_any(self.source.as_deref(), member("source"))
            && is_or_any(self.detail_type.as_deref(), member("detail-type"))
            && self
                .mentions
                .as_ref()
                .is_none_or(|part| event.to_string().contains(part))
    }
}

/// Whether a body holds a text; in CBOR, too, a text stands byte for byte.
fn holds(body: &[u8], text: &str) -> bool {
    let mut windows = body.windows(text.len().max(1));
    windows.any(|window| window == text.as_bytes())
}

fn is_or_any(wanted: Option<&str>, found: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == found)
}

#[cfg(test)]
mod tests;
