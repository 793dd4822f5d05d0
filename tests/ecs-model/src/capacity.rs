//! Fargate's capacity, which can run out and be taken back.

use crate::ecs::Ecs;
use crate::event::ServiceAction;
use crate::service::ServiceKey;
use crate::task::{StopCode, TaskKey};
use crate::task_lifecycle::TaskStep;

impl Ecs {
    /// Has Fargate place no task from now on, or place them again.
    ///
    /// What runs goes on; tasks started by RunTask are not affected.
    pub fn set_out_of_capacity(&mut self, is_out: bool) {
        self.is_out_of_capacity = is_out;
        for index in 0..self.services.len() {
            self.wake_service(ServiceKey(index));
        }
    }

    /// Takes a task's Fargate Spot capacity back; answers whether it had any.
    ///
    /// A warning comes two minutes before, as an event of the running task whose
    /// desired status is STOPPED, and as SIGTERM; the service scheduler tries to
    /// start another task at once. What has not started yet has nothing to end.
    /// Source: "Fargate Spot" and its sample event at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html>.
    pub fn interrupt_spot_task(&mut self, key: TaskKey) -> bool {
        self.remember();
        let task = self.tasks.get(&key);
        let workload = task.map(|task| &task.specification.workload);
        let provider = workload.and_then(|workload| workload.capacity_provider());
        if provider != Some("FARGATE_SPOT") {
            return false;
        }
        let (code, reason) = (
            StopCode::SpotInterruption,
            "Your Spot Task was interrupted.",
        );
        match task.map(|task| task.state.last_status.is_running()) {
            Some(true) => {
                if self.mark_stopping(key, code, reason).is_none() {
                    return false;
                }
                self.report_task(key);
                self.plan(key, self.timings.spot_notice, TaskStep::Reclaim);
                self.note_stopping(key);
            }
            Some(false) | None => self.stop(key, code, reason),
        }
        true
    }

    /// Says once for a deployment that its tasks cannot be placed.
    ///
    /// The message is what users see; the event's reason is that of its sample.
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html>.
    pub(crate) fn complain_of_capacity(&mut self, key: ServiceKey) {
        if !self.is_out_of_capacity || !self.lacks_tasks(key) {
            return;
        }
        let service = &mut self.services[key.0];
        let Some(primary) = service.deployments.first_mut() else {
            return;
        };
        if std::mem::replace(&mut primary.complained, true) {
            return;
        }
        self.say(
            key,
            "was unable to place a task. Reason: Capacity is unavailable at this time. Please \
             try again later or in a different availability zone.",
        );
        self.report_service_action(key, ServiceAction::TaskPlacementFailure);
    }

    /// Whether the PRIMARY deployment has fewer tasks than it shall have.
    fn lacks_tasks(&self, key: ServiceKey) -> bool {
        let service = &self.services[key.0];
        let Some(primary) = service.deployments.first() else {
            return false;
        };
        let tasks = service.tasks.iter().filter_map(|task| self.tasks.get(task));
        let ours = tasks.filter(|task| {
            task.specification.started_by.as_ref() == Some(&primary.id) && !task.state.is_stopping
        });
        service.workload.is_fargate() && (ours.count() as u32) < primary.desired_count
    }
}
