//! What CloudFormation does inside ministack, unseen: after each call that changes
//! a stack, what stacks make is looked at until they are done.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::alarm::Alarms;
use crate::bus::Bus;
use crate::call::Call;
use crate::clock::{Clock, pause};
use crate::parameter::Parameters;
use crate::registry::RegistryWatch;
use crate::rule::Rules;
use crate::upstream::Upstream;

/// How often things are looked at while a stack is in progress.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks at what stacks make.
#[derive(Debug)]
pub(crate) struct StackWatch {
    pub(crate) upstream: Upstream,
    pub(crate) clock: Clock,
    pub(crate) bus: Bus,
    pub(crate) rules: Arc<Rules>,
    pub(crate) parameters: Arc<Parameters>,
    pub(crate) alarms: Arc<Alarms>,
    pub(crate) registry: Arc<RegistryWatch>,
    pub(crate) changed: Notify,
}

impl StackWatch {
    /// Notes a call that passed through.
    pub(crate) fn after_call(&self, call: &Call) {
        let reading = ["Describe", "List", "Get", "Validate", "Detect", "Estimate"];
        if call.service == "cloudformation"
            && !reading
                .iter()
                .any(|prefix| call.operation.starts_with(prefix))
        {
            self.changed.notify_one();
        }
    }

    /// Looks whenever a stack may have changed, until the task is aborted.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            self.changed.notified().await;
            loop {
                // Asked before the look, so that the last look sees the end.
                let in_progress = self.is_in_progress().await;
                self.look().await;
                if !in_progress {
                    break;
                }
                pause(LOOK_EVERY).await;
            }
        }
    }

    async fn look(&self) {
        self.rules.forget().await;
        self.registry.look_for_repositories().await;
        let at = self.clock.wall();
        for looked in [self.parameters.look(at).await, self.alarms.look(at).await] {
            match looked {
                Ok(events) => events.iter().for_each(|event| self.bus.emit(event)),
                Err(error) => eprintln!("local-aws: what a stack made went unseen: {error}"),
            }
        }
    }

    async fn is_in_progress(&self) -> bool {
        let stacks = self
            .upstream
            .form(
                "cloudformation",
                "DescribeStacks",
                &[("Version", "2010-05-15")],
            )
            .await;
        stacks.is_ok_and(|stacks| stacks.contains("_IN_PROGRESS</StackStatus>"))
    }
}
