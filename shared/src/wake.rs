//! Turns one event into wake-ups of the targets that care.

use crate::core::ordering;
use crate::core::push::Push;
use crate::core::reason::Ignored;
use crate::ledger::{IgnoredPush, LedgerError, ReverseKey};
use crate::ports::{CallError, IgnoredPushes, Queue, ReverseItems};
use crate::queue::{QueueMessage, Trigger};
use crate::trigger::alarm::AlarmChanged;
use crate::trigger::cloudformation::StackChanged;
use crate::trigger::ecs::ServiceChange;
use crate::trigger::ecs_task::TaskStopped;

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Woken {
    /// These targets were woken.
    Targets(Vec<String>),
    /// Nobody cares.
    Ignored(Ignored),
}

/// An event could not be passed on; Lambda tries it again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WakeError {
    /// The ledger failed.
    #[error("the targets that follow an event could not be read")]
    Ledger(#[from] LedgerError),
    /// The queue failed.
    #[error("a wake-up could not be queued")]
    Queue(#[from] CallError),
}

/// Wakes the targets that follow a pushed image.
///
/// # Errors
///
/// Only an unreachable ledger or queue fails.
pub async fn on_push<L: ReverseItems + IgnoredPushes, Q: Queue>(
    ledger: &L,
    queue: &Q,
    push: &Push,
) -> Result<Woken, WakeError> {
    let key = ReverseKey::Repository(push.repository.clone());
    let followers = ledger.followers(&key).await?;
    if followers.is_empty() {
        return Ok(Woken::Ignored(Ignored::NotFollowed {
            subject: key.subject(),
        }));
    }
    let (caring, others): (Vec<_>, Vec<_>) = followers.into_iter().partition(|follower| {
        let tags = follower.tags.as_ref();
        tags.is_none_or(|tags| ordering::follows(tags, &push.tag))
    });
    let reason = Ignored::TagNotFollowed {
        tag: push.tag.clone(),
    };
    let messages: Vec<QueueMessage> = caring
        .into_iter()
        .map(|follower| QueueMessage {
            target: follower.target,
            trigger: Trigger::Pushed(push.clone()),
            event_id: push.event_id.clone(),
        })
        .collect();
    let woken = match messages.is_empty() {
        true => Woken::Ignored(reason.clone()),
        false => send(queue, messages).await?,
    };
    // Last, since nothing is to wait for it; a function that dies before is tried again.
    let ignored = IgnoredPush {
        push: push.clone(),
        reason,
    };
    for follower in &others {
        ledger.keep_ignored(&follower.target, &ignored).await?;
    }
    Ok(woken)
}

/// Wakes the target whose service ECS says something about, with what it complains of.
///
/// # Errors
///
/// Only an unreachable ledger or queue fails.
pub async fn on_service_change<R: ReverseItems, Q: Queue>(
    reverse_items: &R,
    queue: &Q,
    change: &ServiceChange,
) -> Result<Woken, WakeError> {
    let trigger = Trigger::ServiceChanged {
        what: change.what.clone(),
        trouble: change.trouble.clone(),
    };
    let key = ReverseKey::Service(change.service.clone());
    wake_all(reverse_items, queue, &key, &trigger, &change.event_id).await
}

/// Wakes the target that lost a task, with all that is known of the task.
///
/// # Errors
///
/// Only an unreachable ledger or queue fails.
pub async fn on_task_stopped<R: ReverseItems, Q: Queue>(
    reverse_items: &R,
    queue: &Q,
    stopped: &TaskStopped,
) -> Result<Woken, WakeError> {
    let trigger = Trigger::TaskStopped(stopped.task.clone());
    let key = ReverseKey::Service(stopped.service.clone());
    wake_all(reverse_items, queue, &key, &trigger, &stopped.event_id).await
}

/// Wakes the targets that watch an alarm.
///
/// # Errors
///
/// Only an unreachable ledger or queue fails.
pub async fn on_alarm<R: ReverseItems, Q: Queue>(
    reverse_items: &R,
    queue: &Q,
    changed: &AlarmChanged,
) -> Result<Woken, WakeError> {
    let trigger = Trigger::AlarmChanged(changed.change.clone());
    let key = ReverseKey::Alarm(changed.change.name.clone());
    wake_all(reverse_items, queue, &key, &trigger, &changed.event_id).await
}

/// Wakes the targets that go through a stack.
///
/// # Errors
///
/// Only an unreachable ledger or queue fails.
pub async fn on_stack_change<R: ReverseItems, Q: Queue>(
    reverse_items: &R,
    queue: &Q,
    changed: &StackChanged,
) -> Result<Woken, WakeError> {
    let trigger = Trigger::StackChanged {
        status: changed.status.clone(),
    };
    let key = ReverseKey::Stack(changed.stack.clone());
    wake_all(reverse_items, queue, &key, &trigger, &changed.event_id).await
}

async fn wake_all<R: ReverseItems, Q: Queue>(
    reverse_items: &R,
    queue: &Q,
    key: &ReverseKey,
    trigger: &Trigger,
    event_id: &str,
) -> Result<Woken, WakeError> {
    let messages: Vec<QueueMessage> = reverse_items
        .followers(key)
        .await?
        .into_iter()
        .map(|follower| QueueMessage {
            target: follower.target,
            trigger: trigger.clone(),
            event_id: event_id.to_owned(),
        })
        .collect();
    if messages.is_empty() {
        return Ok(Woken::Ignored(Ignored::NotFollowed {
            subject: key.subject(),
        }));
    }
    send(queue, messages).await
}

async fn send<Q: Queue>(queue: &Q, messages: Vec<QueueMessage>) -> Result<Woken, WakeError> {
    queue.send(&messages).await?;
    let names = messages.iter().map(|message| message.target.to_string());
    Ok(Woken::Targets(names.collect()))
}
