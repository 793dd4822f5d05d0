//! The messages on the FIFO queue in front of `rollout`.

use serde::{Deserialize, Serialize};

use crate::core::evidence::{AlarmChange, ServiceEvent, StoppedTask};
use crate::core::name::{TargetName, short_hash};
use crate::core::operate::OperatorCommand;
use crate::core::ordering::NewestPush;
use crate::core::push::Push;

/// One wake-up of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueMessage {
    /// The target to wake.
    pub target: TargetName,
    /// What woke it.
    pub trigger: Trigger,
    /// The id of the event, schedule tick or command behind it.
    pub event_id: String,
}

/// What an event means to us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Trigger {
    /// An image was pushed or a tag moved.
    Pushed(Push),
    /// An image was pushed, and no event told of it: the sweep found it in ECR.
    Found {
        /// The push.
        push: Push,
        /// The newest push that was accepted then; what was accepted since outruns it.
        #[serde(default)]
        after: Option<NewestPush>,
    },
    /// ECS said something about the target's service.
    ServiceChanged {
        /// The event's name, such as `SERVICE_DEPLOYMENT_COMPLETED`.
        what: String,
        /// The event itself, if it tells of a trouble.
        #[serde(default)]
        trouble: Option<ServiceEvent>,
    },
    /// A task of the target's service stopped.
    TaskStopped(StoppedTask),
    /// An alarm that the target watches changed its state.
    AlarmChanged(AlarmChange),
    /// The stack that the target goes through changed its status.
    StackChanged {
        /// CloudFormation's word for it, such as `UPDATE_COMPLETE`.
        status: String,
    },
    /// The target's parameter was read for the first time, or changed.
    Registered,
    /// A person gave a command.
    Operator(OperatorCommand),
    /// A stored wake-up is due.
    Due,
    /// A newer Pushboat wrote it, during an upgrade: it wakes the target like any other.
    #[serde(other)]
    Unknown,
}

impl Trigger {
    /// Gives the push that it tells of, if it tells of one.
    #[must_use]
    pub fn push(&self) -> Option<&Push> {
        match self {
            Self::Pushed(push) | Self::Found { push, .. } => Some(push),
            Self::ServiceChanged { .. }
            | Self::TaskStopped(_)
            | Self::AlarmChanged(_)
            | Self::StackChanged { .. }
            | Self::Registered
            | Self::Operator(_)
            | Self::Due
            | Self::Unknown => None,
        }
    }

    /// Gives the trigger's stable name, for logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pushed(_) => "pushed",
            Self::Found { .. } => "found",
            Self::ServiceChanged { .. } => "service-changed",
            Self::TaskStopped(_) => "task-stopped",
            Self::AlarmChanged(_) => "alarm-changed",
            Self::StackChanged { .. } => "stack-changed",
            Self::Registered => "registered",
            Self::Operator(_) => "operator",
            Self::Due => "due",
            Self::Unknown => "unknown",
        }
    }
}

impl QueueMessage {
    /// Gives the id by which SQS drops repeats for five minutes: the event's and the target's.
    #[must_use]
    pub fn deduplication_id(&self) -> String {
        short_hash(&[&self.event_id, self.target.as_str(), self.trigger.as_str()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_share_an_id_and_nothing_else_does() {
        let message = |event: &str, target: &str| QueueMessage {
            target: TargetName::parse(target).unwrap(),
            trigger: Trigger::Due,
            event_id: event.to_owned(),
        };
        assert_eq!(
            message("e", "a").deduplication_id(),
            message("e", "a").deduplication_id()
        );
        assert_ne!(
            message("e", "a").deduplication_id(),
            message("e", "b").deduplication_id()
        );
        assert_ne!(
            message("e", "a").deduplication_id(),
            message("f", "a").deduplication_id()
        );
    }

    #[test]
    fn a_trigger_of_a_newer_release_still_wakes_its_target() {
        let text = r#"{"target":"web","trigger":{"kind":"teleported","to":1},"eventId":"e","x":2}"#;
        let message: QueueMessage = serde_json::from_str(text).unwrap();
        assert_eq!(message.trigger, Trigger::Unknown);
    }

    #[test]
    fn a_message_of_an_older_release_is_read() {
        let text =
            r#"{"target":"web","trigger":{"kind":"serviceChanged","what":"X"},"eventId":"e"}"#;
        let message: QueueMessage = serde_json::from_str(text).unwrap();
        let what = "X".to_owned();
        let trouble = None;
        assert_eq!(message.trigger, Trigger::ServiceChanged { what, trouble });
    }

    #[test]
    fn a_message_reads_back_as_it_was_written() {
        let message = QueueMessage {
            target: TargetName::parse("team/web").unwrap(),
            trigger: Trigger::ServiceChanged {
                what: "X".to_owned(),
                trouble: Some(ServiceEvent {
                    name: "X".to_owned(),
                    reason: "because".to_owned(),
                    deployment: None,
                    at: jiff::Timestamp::UNIX_EPOCH,
                }),
            },
            event_id: "e".to_owned(),
        };
        let text = serde_json::to_string(&message).unwrap();
        assert_eq!(
            serde_json::from_str::<QueueMessage>(&text).unwrap(),
            message
        );
    }
}
