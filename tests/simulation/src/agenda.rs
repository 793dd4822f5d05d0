//! Events on their way to a function.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use pushboat::core::push::Push;
use pushboat::ledger::NoticeKey;
use pushboat::trigger::alarm::AlarmChanged;
use pushboat::trigger::cloudformation::StackChanged;
use pushboat::trigger::ecs::ServiceChange;
use serde_json::Value;

use crate::calls::Function;
use crate::retries::Tries;

/// One event, as the function that hears of it gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// ECR: an image was pushed.
    Pushed(Push),
    /// ECS: a service's deployment changed.
    ServiceChanged(ServiceChange),
    /// ECS: a task changed its state; the whole event, as EventBridge delivers it.
    TaskChanged(Rc<Value>),
    /// CloudWatch: an alarm changed its state.
    AlarmChanged(AlarmChanged),
    /// CloudFormation: a stack changed its status.
    StackChanged(StackChanged),
    /// Parameter Store: a target's parameter changed.
    ParameterChanged,
    /// The schedule's minute.
    Tick,
    /// The ledger's stream: a notice was stored.
    NoticeStored(NoticeKey),
}

impl Event {
    /// Names the function that hears of it.
    #[must_use]
    pub fn function(&self) -> Function {
        match self {
            Self::Pushed(_) => Function::ImagePush,
            Self::ServiceChanged(_) | Self::TaskChanged(_) => Function::ServiceChange,
            Self::AlarmChanged(_) => Function::Alarm,
            Self::StackChanged(_) => Function::StackChange,
            Self::ParameterChanged | Self::Tick => Function::Sweep,
            Self::NoticeStored(_) => Function::Notify,
        }
    }
}

/// An event and how often it was tried.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) event: Event,
    pub(crate) tries: Tries,
}

/// The events on their way, earliest first; those of one instant in order.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    entries: BTreeMap<(Timestamp, u64), Pending>,
    written: u64,
}

impl Agenda {
    pub(crate) fn put(&mut self, at: Timestamp, event: Event, tries: Tries) {
        self.written += 1;
        let pending = Pending { event, tries };
        self.entries.insert((at, self.written), pending);
    }

    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        self.entries.first_key_value().map(|((at, _), _)| *at)
    }

    pub(crate) fn is_empty_but(&self, event: &Event) -> bool {
        self.entries.values().all(|one| one.event == *event)
    }

    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<Pending> {
        let entry = self.entries.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}
