//! CloudWatch's alarms.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use pushboat::core::alarm::{AlarmSeen, AlarmState};
use pushboat::core::evidence::AlarmChange;
use pushboat::ports::{CallError, Clock as _};

use crate::clock::VirtualClock;
use crate::images::{ACCOUNT, REGION};

/// The account's alarms; clones are the same ones.
#[derive(Clone, Debug)]
pub struct Alarms {
    clock: VirtualClock,
    states: Rc<RefCell<BTreeMap<String, Kept>>>,
    /// What EventBridge has to be told.
    changes: Rc<RefCell<Vec<AlarmChange>>>,
}

/// One alarm.
#[derive(Clone, Copy, Debug)]
struct Kept {
    state: AlarmState,
    since: Timestamp,
    window_seconds: Option<u32>,
}

impl Alarms {
    /// Gives the service's own clock.
    #[must_use]
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    pub(crate) fn new(clock: VirtualClock) -> Self {
        Self {
            clock,
            states: Rc::default(),
            changes: Rc::default(),
        }
    }

    /// Makes an alarm, or changes its state.
    pub fn set(&self, name: &str, state: AlarmState) {
        let before = self.states.borrow().get(name).copied();
        let previous = before.map(|before| before.state);
        if previous == Some(state) {
            return;
        }
        let kept = Kept {
            state,
            since: self.clock.now(),
            window_seconds: before.and_then(|before| before.window_seconds),
        };
        self.states.borrow_mut().insert(name.to_owned(), kept);
        self.changes.borrow_mut().push(AlarmChange {
            alarm_arn: format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"),
            name: name.to_owned(),
            state,
            previous,
            reason: "Threshold Crossed".to_owned(),
            at: self.clock.now(),
        });
    }

    /// Sets for how long an alarm's metric has to be bad before it fires.
    pub fn set_window(&self, name: &str, seconds: u32) {
        if let Some(kept) = self.states.borrow_mut().get_mut(name) {
            kept.window_seconds = Some(seconds);
        }
    }

    /// Deletes an alarm.
    pub fn delete(&self, name: &str) {
        self.states.borrow_mut().remove(name);
    }

    /// Takes the changes that nobody was told of yet.
    pub(crate) fn take_changes(&self) -> Vec<AlarmChange> {
        std::mem::take(&mut self.changes.borrow_mut())
    }
}

impl pushboat::ports::Alarms for Alarms {
    async fn alarms(&self, names: &[String]) -> Result<Vec<AlarmSeen>, CallError> {
        let alarms = self.states.borrow();
        let seen = names.iter().map(|name| {
            let kept = alarms.get(name);
            AlarmSeen {
                name: name.clone(),
                state: kept.map(|kept| kept.state),
                since: kept.map(|kept| kept.since),
                window_seconds: kept.and_then(|kept| kept.window_seconds),
            }
        });
        Ok(seen.collect())
    }
}
