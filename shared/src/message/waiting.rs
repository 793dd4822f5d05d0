//! What is said of a wait, one sentence for each reason.

use super::diagnosis::service_trouble;
use crate::core::policy::StackRef;
use crate::core::reason::Waiting;

/// Says what a rollout or a target waits for; `stack` is the one that its target goes through.
#[must_use]
pub fn waiting(waiting: &Waiting, stack: Option<&StackRef>) -> String {
    match waiting {
        Waiting::FirstLook => "it has just come in and nothing was looked at yet".to_owned(),
        Waiting::Adoption => "the target is not adopted yet".to_owned(),
        Waiting::Turn { behind } => format!("rollout {behind} is under way before it"),
        Waiting::Service => "the service does not exist yet".to_owned(),
        Waiting::ServiceBusy => {
            "somebody else's deployment of the service is under way, or the service has not settled"
                .to_owned()
        }
        Waiting::AlarmQuiet => "a watched alarm fires".to_owned(),
        Waiting::Aws { trouble } => format!("AWS is asked again: {trouble}"),
        Waiting::ReadLag => "a change was asked for and may not be readable yet".to_owned(),
        Waiting::Deployment => "ECS is replacing the tasks".to_owned(),
        Waiting::ServiceTrouble { trouble, told_at } => format!(
            "ECS is at it and said at {told_at:.0}: {}",
            service_trouble(trouble).trim_end_matches('.')
        ),
        Waiting::WayBack => match stack {
            Some(stack) => format!(
                "CloudFormation is bringing stack {} back to the last good version",
                stack.name
            ),
            None => "ECS is bringing the last good version back".to_owned(),
        },
        Waiting::PausedHook { hook_id } => {
            format!("lifecycle hook {hook_id} of the service waits for a person")
        }
        Waiting::BakeTime => "the bake time runs".to_owned(),
        Waiting::SharedAlarm { alarm, first } => format!(
            "alarm {alarm} fired, which target {first} watches too: that one goes back first"
        ),
        Waiting::MissingTasks => "fewer tasks run than are wanted".to_owned(),
        Waiting::StackBusy { status } => {
            format!("the stack is in {status}, and takes no update until that is over")
        }
        Waiting::ChangeSet => "CloudFormation works out what the change set changes".to_owned(),
        Waiting::Approval { change_set } => format!(
            "change set {change_set} changes more than the image: a person has to execute or delete it"
        ),
        Waiting::StackUpdate => "CloudFormation is updating the stack".to_owned(),
        Waiting::Person => "the last rollout halted: a person has to say how to go on".to_owned(),
        Waiting::Held { reason } => format!("it is held: {reason}"),
    }
}
