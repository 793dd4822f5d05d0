//! CloudWatch's alarms.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use pushboat::core::alarm::{AlarmSeen, AlarmState};
use pushboat::ports::CallError;

/// The account's alarms; clones are the same ones.
#[derive(Clone, Debug, Default)]
pub struct Alarms(Rc<RefCell<BTreeMap<String, AlarmState>>>);

impl Alarms {
    /// Makes an alarm, or changes its state.
    pub fn set(&self, name: &str, state: AlarmState) {
        self.0.borrow_mut().insert(name.to_owned(), state);
    }

    /// Deletes an alarm.
    pub fn delete(&self, name: &str) {
        self.0.borrow_mut().remove(name);
    }
}

impl pushboat::ports::Alarms for Alarms {
    async fn alarms(&self, names: &[String]) -> Result<Vec<AlarmSeen>, CallError> {
        let alarms = self.0.borrow();
        let seen = names.iter().map(|name| AlarmSeen {
            name: name.clone(),
            state: alarms.get(name).copied(),
        });
        Ok(seen.collect())
    }
}
