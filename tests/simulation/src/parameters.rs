//! Parameter Store.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use pushboat::ports::{CallError, Clock as _, Parameter};

use crate::clock::VirtualClock;

/// The account's parameters; clones are the same ones.
#[derive(Clone, Debug)]
pub struct Parameters {
    clock: VirtualClock,
    parameters: Rc<RefCell<BTreeMap<String, Parameter>>>,
}

impl Parameters {
    /// Gives the service's own clock.
    #[must_use]
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    pub(crate) fn new(clock: VirtualClock) -> Self {
        Self {
            clock,
            parameters: Rc::default(),
        }
    }

    /// Writes a parameter under its next version.
    pub fn put(&self, name: &str, value: &str) {
        let mut parameters = self.parameters.borrow_mut();
        let before = parameters.get(name).map_or(0, |one| one.version);
        let parameter = Parameter {
            name: name.to_owned(),
            value: value.to_owned(),
            version: before + 1,
            changed_at: self.clock.now(),
        };
        parameters.insert(name.to_owned(), parameter);
    }

    /// Gives what a parameter says.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        let parameters = self.parameters.borrow();
        parameters.get(name).map(|one| one.value.clone())
    }

    /// Deletes a parameter; one made anew counts from 1 again.
    pub fn delete(&self, name: &str) {
        self.parameters.borrow_mut().remove(name);
    }
}

impl pushboat::ports::Parameters for Parameters {
    async fn below(&self, path: &str) -> Result<Vec<Parameter>, CallError> {
        let parameters = self.parameters.borrow();
        let below = parameters.values().filter(|one| one.name.starts_with(path));
        Ok(below.cloned().collect())
    }

    async fn value(&self, name: &str) -> Result<Option<String>, CallError> {
        Ok(self.text(name))
    }
}

impl pushboat::ports::DeployedParameters for Parameters {
    async fn put(&self, name: &str, value: &str) -> Result<(), CallError> {
        self.put(name, value);
        Ok(())
    }
}
