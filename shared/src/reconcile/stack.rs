//! What is asked of CloudFormation, once it is saved, and what came of it.

use jiff::Timestamp;

use super::act::troubled;
use super::step::Step;
use crate::core::decide::{Action, READ_LAG};
use crate::core::reason::Waiting;
use crate::core::rollout::Rollout;
use crate::core::state::Wake;
use crate::ports::{Clock, Stacks};

/// Does one action on the rollout's stack; answers whether another step may follow at once.
///
/// Nothing is noted of an effect but when it was meant: what came of it, the stack and its
/// change set tell.
pub(super) async fn act<K: Stacks, C: Clock>(
    stacks: &K,
    step: &mut Step,
    current: &Rollout,
    action: &Action,
    clock: &C,
) -> bool {
    let Some(stack) = &current.policy.stack else {
        return true;
    };
    let answer = match action {
        Action::CreateChangeSet(request) => {
            let made = stacks.create_change_set(request).await;
            made.map(|()| Asked::ChangeSet)
        }
        Action::ExecuteChangeSet(name) => {
            let executed = stacks.execute_change_set(&stack.name, name, name).await;
            executed.map(|()| Asked::Update)
        }
        Action::CancelUpdateStack => {
            // Each time another one: a token that was taken before cancels nothing.
            let token = format!("pushboat-{}-{}", current.id, clock.now().as_second());
            let cancelled = stacks.cancel_update(&stack.name, &token).await;
            cancelled.map(|()| Asked::Cancel)
        }
        Action::Register(_) | Action::UpdateService(_) | Action::StopServiceDeployment(_) => {
            return true;
        }
    };
    match answer {
        Ok(Asked::ChangeSet) => true,
        Ok(asked) => {
            wait_for(step, asked, clock.now());
            false
        }
        // Whether it goes back, or is over by now, the next look tells; that it was executed stays
        // noted.
        Err(error) if *action == Action::CancelUpdateStack => {
            tracing::warn!(rollout = %current.id, %error, "whether the update is cancelled is not clear");
            wait_for(step, Asked::Cancel, clock.now());
            false
        }
        Err(error) => troubled(step, current, None, error, clock.now()),
    }
}

/// What CloudFormation took.
#[derive(Clone, Copy)]
enum Asked {
    /// A change set is being made.
    ChangeSet,
    /// It is being executed.
    Update,
    /// The update is being cancelled.
    Cancel,
}

fn wait_for(step: &mut Step, asked: Asked, now: Timestamp) {
    let waiting = match asked {
        Asked::ChangeSet => Waiting::ChangeSet,
        Asked::Update => Waiting::StackUpdate,
        Asked::Cancel => Waiting::WayBack,
    };
    step.state.wake = Some(Wake {
        at: now + READ_LAG,
        waiting,
    });
}
