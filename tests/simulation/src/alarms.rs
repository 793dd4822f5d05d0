//! CloudWatch's alarms.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use pushboat::core::alarm::{AlarmSeen, AlarmState};
use pushboat::core::evidence::AlarmChange;
use pushboat::ports::{CallError, Clock as _};

use crate::clock::VirtualClock;
use crate::images::{ACCOUNT, REGION};

/// The account's alarms; clones are the same ones.
#[derive(Clone, Debug)]
pub struct Alarms {
    clock: VirtualClock,
    states: Rc<RefCell<BTreeMap<String, AlarmState>>>,
    /// What EventBridge has to be told.
    changes: Rc<RefCell<Vec<AlarmChange>>>,
}

impl Alarms {
    pub(crate) fn new(clock: VirtualClock) -> Self {
        Self {
            clock,
            states: Rc::default(),
            changes: Rc::default(),
        }
    }

    /// Makes an alarm, or changes its state.
    pub fn set(&self, name: &str, state: AlarmState) {
        let previous = self.states.borrow_mut().insert(name.to_owned(), state);
        if previous == Some(state) {
            return;
        }
        self.changes.borrow_mut().push(AlarmChange {
            alarm_arn: format!("arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"),
            name: name.to_owned(),
            state,
            previous,
            reason: "Threshold Crossed".to_owned(),
            at: self.clock.now(),
        });
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
        let seen = names.iter().map(|name| AlarmSeen {
            name: name.clone(),
            state: alarms.get(name).copied(),
        });
        Ok(seen.collect())
    }
}
