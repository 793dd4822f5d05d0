//! What follows when work on a resource fails, and when it is cancelled.

use crate::operation::{Phase, StepState, Work};
use crate::stack::StackKey;
use crate::stacks::Stacks;
use crate::status::ResourceStatus;

impl Stacks {
    /// Work of a step failed. What else goes on is cancelled, and the stack goes
    /// back; of what is only cleaned up, the rest goes on.
    pub(crate) fn fail_step(&mut self, key: StackKey, index: usize, reason: &str) {
        let Some(phase) = self.stacks[key.0].operation.as_ref().map(|one| one.phase) else {
            return;
        };
        let Some(step) = self.step_mut(key, index) else {
            return;
        };
        let logical_id = step.logical_id.clone();
        let work = step.work.clone();
        step.state = StepState::Failed;
        if let Work::Remove(leftover) = work {
            self.fail_remove(key, index, &leftover, reason);
            return;
        }
        let status = self.failed_status(key, &logical_id);
        self.turn_resource(key, &logical_id, status, Some(reason));
        let mut failed = vec![logical_id];
        failed.extend(self.cancel_steps(key));
        match phase {
            Phase::Updating => self.roll_back(key, &failed_to_update(&failed)),
            Phase::RollingBack => self.fail_rollback(key, &failed_to_update(&failed)),
            Phase::CleaningUp
            | Phase::RollbackFailed
            | Phase::CleaningUpRollback
            | Phase::Deleting => {}
        }
    }

    /// Cancels what goes on, and says of which resources.
    ///
    /// It does not wait for what goes on: a service's deployment is given up, and
    /// the service is updated again.
    /// Source: what users see at <https://github.com/aws/containers-roadmap/issues/117>;
    /// the text is the one that CloudFormation is seen to send.
    pub(crate) fn cancel_steps(&mut self, key: StackKey) -> Vec<String> {
        let count = self.stacks[key.0]
            .operation
            .as_ref()
            .map_or(0, |operation| operation.steps.len());
        let mut cancelled = Vec::new();
        for index in 0..count {
            let Some(step) = self.step_mut(key, index) else {
                continue;
            };
            let StepState::Running { effect, .. } = step.state else {
                continue;
            };
            step.state = StepState::Cancelled;
            let logical_id = step.logical_id.clone();
            self.ongoing.remove(&effect);
            let status = self.failed_status(key, &logical_id);
            let reason = match status {
                ResourceStatus::CreateFailed => "Resource creation cancelled",
                _ => "Resource update cancelled",
            };
            self.turn_resource(key, &logical_id, status, Some(reason));
            cancelled.push(logical_id);
        }
        cancelled
    }

    fn failed_status(&self, key: StackKey, logical_id: &str) -> ResourceStatus {
        let resource = self.stacks[key.0].resources.get(logical_id);
        match resource.map(|resource| resource.status) {
            Some(ResourceStatus::CreateInProgress) => ResourceStatus::CreateFailed,
            _ => ResourceStatus::UpdateFailed,
        }
    }
}

/// Source: "Events generated when a resource update fails" at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-monitor-stack.html>.
fn failed_to_update(logical_ids: &[String]) -> String {
    format!(
        "The following resource(s) failed to update: [{}].",
        crate::template::list(logical_ids)
    )
}
