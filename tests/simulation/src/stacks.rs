//! The account's CloudFormation, whose stacks work on the account's ECS.

mod by_hand;
mod owner;
mod port;
#[cfg(test)]
mod tests;
mod work;

use std::cell::{RefCell, RefMut};
use std::collections::BTreeSet;
use std::rc::Rc;

use jiff::Timestamp;
use pushboat::core::policy::ServiceRef;
use pushboat::core::stack::SERVICE;
use pushboat::ports::Clock as _;
use serde_json::Value;
use stack_model::{Settings, Timings};

use crate::clock::VirtualClock;
use crate::deeds::{Deed, StackDeed, StackDoing};
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
    /// The stacks, by ARN, whose last operation is one of Pushboat's change sets.
    ours: BTreeSet<String>,
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
            ours: BTreeSet::new(),
        }
    }

    /// Finds a stack that is not deleted.
    fn find(&self, name: &str) -> Option<&stack_model::Stack> {
        let key = self.model.find_stack(name)?;
        self.model.stack(key)
    }

    /// Notes what was done to a stack, where deeds are kept.
    fn note(&self, ecs: &Ecs, stack: &str, what: StackDoing) {
        let service = self.find(stack).and_then(service_of);
        if let (true, Some(service)) = (ecs.deeds.are_kept(), service) {
            ecs.deeds.note(Deed::Stack(Box::new(StackDeed {
                at: ecs.now(),
                before: ecs.truth(&service),
                service,
                what,
            })));
        }
    }
}

/// Gives the service of a stack.
fn service_of(stack: &stack_model::Stack) -> Option<ServiceRef> {
    let mut resources = stack.resources.values();
    let service = resources.find(|one| one.type_name == SERVICE)?;
    port::service_ref(service.physical_id.as_deref()?)
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
        if !is_asked {
            return Vec::new();
        }
        let mut account = self.account();
        let events = account.model.take_events();
        for event in &events {
            let detail = &event["detail"];
            if detail["status-details"]["status"] == "UPDATE_ROLLBACK_IN_PROGRESS" {
                let stack = detail["stack-id"].as_str().unwrap_or_default();
                account.note(&self.ecs, stack, StackDoing::GoesBack);
            }
        }
        events
    }
}
