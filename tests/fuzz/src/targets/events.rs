//! Events, as each function that hears of any reads them.

use pushboat::core::diagnosis::cause;
use pushboat::core::reason::Ignored;
use pushboat::message;
use pushboat::queue::Trigger;
use pushboat::trigger::{alarm, cloudformation, ecr, ecs, ecs_task, ledger_stream, ssm};
use serde_json::Value;

use super::{queued, reads_back, short};

/// What a message takes besides the event's own id and names.
const MESSAGE_LIMIT_BYTES: usize = 32 * 1024;

pub(crate) fn check(input: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    image_push(&event);
    alarm_change(&event);
    service_change(&event);
    stopped_task(&event);
    stack_change(&event);
    _ = ssm::changes_a_target(&event, "pushboat");
    for notice in ledger_stream::notices(&event) {
        assert!(!notice.target.as_str().is_empty());
    }
}

fn explained(ignored: &Ignored) {
    short(&message::ignored(ignored));
    assert!(!ignored.as_str().is_empty());
}

/// Checks the size of a message: what is not the event's id is bounded.
fn sent(trigger: Trigger, event_id: &str) {
    let bytes = queued(trigger, event_id);
    let id = serde_json::to_string(event_id)
        .expect("a text is JSON")
        .len();
    assert!(
        bytes <= MESSAGE_LIMIT_BYTES + id,
        "a message of {bytes} bytes"
    );
}

fn image_push(event: &Value) {
    match ecr::push(event) {
        Ok(push) => {
            assert!(!push.repository.is_empty() && !push.tag.is_empty());
            let event_id = push.event_id.clone();
            reads_back(&push);
            // It carries the event's id once more.
            let bytes = queued(Trigger::Pushed(push), "");
            assert!(bytes <= MESSAGE_LIMIT_BYTES + 6 * event_id.len());
        }
        Err(ignored) => explained(&ignored),
    }
}

fn alarm_change(event: &Value) {
    match alarm::alarm_change(event) {
        Ok(changed) => sent(Trigger::AlarmChanged(changed.change), &changed.event_id),
        Err(ignored) => explained(&ignored),
    }
}

fn service_change(event: &Value) {
    match ecs::service_event(event) {
        Ok(change) => {
            assert!(!change.service.cluster.is_empty() && !change.service.name.is_empty());
            let (what, trouble) = (change.what, change.trouble);
            if let Some(trouble) = &trouble {
                assert!(trouble.trouble().is_some());
            }
            sent(Trigger::ServiceChanged { what, trouble }, &change.event_id);
        }
        Err(ignored) => explained(&ignored),
    }
}

fn stack_change(event: &Value) {
    match cloudformation::stack_change(event) {
        Ok(changed) => {
            assert!(!changed.stack.is_empty());
            let status = changed.status;
            sent(Trigger::StackChanged { status }, &changed.event_id);
        }
        Err(ignored) => explained(&ignored),
    }
}

fn stopped_task(event: &Value) {
    match ecs_task::stopped_task(event) {
        Ok(stopped) => {
            let explanation = message::diagnosis::cause(cause(&stopped.task));
            assert!(!explanation.meaning.is_empty() && !explanation.hint.is_empty());
            assert_eq!(stopped.task.clone().bounded(), stopped.task);
            sent(Trigger::TaskStopped(stopped.task), &stopped.event_id);
        }
        Err(ignored) => explained(&ignored),
    }
}
