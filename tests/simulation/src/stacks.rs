//! The account's CloudFormation, whose stacks work on the account's ECS.

mod owner;
mod port;
#[cfg(test)]
mod tests;
mod work;

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use jiff::Timestamp;
use pushboat::ports::Clock as _;
use serde_json::Value;
use stack_model::{Settings, Timings};

use crate::clock::VirtualClock;
use crate::ecs::Ecs;
use crate::images::{ACCOUNT, REGION};

pub use owner::StackSpecification;

/// The account's CloudFormation; clones are the same one.
///
/// An account in which nobody asks for a stack has no model of one.
#[derive(Clone, Debug)]
pub struct Stacks {
    clock: VirtualClock,
    ecs: Ecs,
    account: Rc<RefCell<Option<Account>>>,
}

/// The stacks, and what they wait for.
#[derive(Debug)]
struct Account {
    model: stack_model::Stacks,
    /// The updates of services that are not steady yet.
    updates: Vec<work::Update>,
}

impl Account {
    fn new() -> Self {
        Self {
            model: stack_model::Stacks::new(Settings {
                account_id: ACCOUNT.to_owned(),
                region: REGION.to_owned(),
                partition: "aws".to_owned(),
                timings: Timings::default(),
            }),
            updates: Vec::new(),
        }
    }

    /// Finds a stack that is not deleted.
    fn find(&self, name: &str) -> Option<&stack_model::Stack> {
        let key = self.model.find_stack(name)?;
        self.model.stack(key)
    }
}

impl Stacks {
    pub(crate) fn new(clock: VirtualClock, ecs: Ecs) -> Self {
        Self {
            clock,
            ecs,
            account: Rc::default(),
        }
    }

    /// Gives its own clock.
    #[must_use]
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// Brings the stacks up to the present, and their services with them.
    fn account(&self) -> RefMut<'_, Account> {
        let mut account = RefMut::map(self.account.borrow_mut(), |account| {
            account.get_or_insert_with(Account::new)
        });
        account.catch_up(self.clock.now(), &self.ecs);
        account
    }

    /// Says when something happens next by itself.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        let account = self.account.borrow();
        let next = account.as_ref()?.model.next_change_at();
        next.map(|at| self.clock.unskewed(at))
    }

    /// Lets CloudFormation do what it is to do by now; answers the events that tell of it.
    pub(crate) fn work(&self) -> Vec<Value> {
        let is_asked = self.account.borrow().is_some();
        match is_asked {
            true => self.account().model.take_events(),
            false => Vec::new(),
        }
    }
}
