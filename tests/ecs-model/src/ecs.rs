//! The account's ECS in one Region: everything it holds, and its clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::agenda::{Agenda, Due};
use crate::alarm::Alarm;
use crate::cluster::Cluster;
use crate::error::ServiceError;
use crate::event::Change;
use crate::identifier::{Arns, Identifiers};
use crate::lifecycle_hook::HookAnswer;
use crate::past::Past;
use crate::protocol;
use crate::rate_limit::RateLimits;
use crate::registry::Registry;
use crate::service::{Service, ServiceNames, ServiceStatus};
use crate::settings::{RollbackIdentity, Settings, Timings};
use crate::shared::Shared;
use crate::standalone_task::RunTaskCall;
use crate::task::{Task, TaskKey};
use crate::task_definition::Families;

/// The account's ECS in one Region.
#[derive(Clone, Debug)]
pub struct Ecs {
    pub(crate) account_id: String,
    pub(crate) region: String,
    pub(crate) arns: Arns,
    pub(crate) timings: Timings,
    pub(crate) rollback_identity: RollbackIdentity,
    /// Fargate places no task.
    pub(crate) is_out_of_capacity: bool,
    /// The time of everything that happens now.
    pub(crate) now: Timestamp,
    pub(crate) agenda: Agenda,
    pub(crate) identifiers: Identifiers,
    pub(crate) clusters: Shared<BTreeMap<Arc<str>, Cluster>>,
    pub(crate) families: Shared<Families>,
    pub(crate) services: Vec<Shared<Service>>,
    /// The service that goes by a name, by cluster; a deleted one until the
    /// name is used again.
    pub(crate) service_names: Shared<ServiceNames>,
    pub(crate) tasks: BTreeMap<TaskKey, Shared<Task>>,
    pub(crate) task_ids: Shared<BTreeMap<String, TaskKey>>,
    pub(crate) last_task: u64,
    pub(crate) alarms: Vec<Alarm>,
    pub(crate) hook_answers: BTreeMap<String, HookAnswer>,
    pub(crate) run_task_calls: Shared<BTreeMap<String, RunTaskCall>>,
    pub(crate) rate_limits: RateLimits,
    pub(crate) past: Past,
    pub(crate) changes: Vec<Change>,
    pub(crate) last_change: u64,
    pub(crate) log_lines: Vec<LogLine>,
}

/// One line that a container wrote through the `awslogs` driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The driver's `awslogs-group`.
    pub log_group: String,
    /// `awslogs-stream-prefix`, container name and task id, with slashes between them.
    pub log_stream: String,
    /// When it was written.
    pub at: Timestamp,
    /// The line, without its end.
    pub message: String,
}

/// What there is in a cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClusterCounts {
    pub(crate) active_services: u32,
    pub(crate) running_tasks: u32,
    pub(crate) pending_tasks: u32,
}

impl Ecs {
    /// Makes an account without any cluster.
    pub fn new(settings: Settings) -> Self {
        let identifiers = Identifiers::new(&settings);
        let arns = Arns::new(&settings);
        let mut timings = settings.timings;
        // Whatever the settings, a service whose tasks end at once must take
        // time, or advance() would not end.
        timings.scheduling = timings.scheduling.max(SignedDuration::from_millis(1));
        Ecs {
            account_id: settings.account_id,
            region: settings.region,
            arns,
            timings,
            rollback_identity: RollbackIdentity::default(),
            is_out_of_capacity: false,
            now: Timestamp::UNIX_EPOCH,
            agenda: Agenda::default(),
            identifiers,
            clusters: Shared::default(),
            families: Shared::default(),
            services: Vec::new(),
            service_names: Shared::default(),
            tasks: BTreeMap::new(),
            task_ids: Shared::default(),
            last_task: 0,
            alarms: Vec::new(),
            hook_answers: BTreeMap::new(),
            run_task_calls: Shared::default(),
            rate_limits: RateLimits::default(),
            past: Past::default(),
            changes: Vec::new(),
            last_change: 0,
            log_lines: Vec::new(),
        }
    }

    /// Chooses under which id services go back to an earlier deployment.
    ///
    /// The documentation says that the earlier deployment itself is taken up
    /// again, and users see its id: that is the default. Whoever depends on ids
    /// should be right with a new one too.
    pub fn set_rollback_identity(&mut self, identity: RollbackIdentity) {
        self.rollback_identity = identity;
    }

    /// Answers one call of the JSON protocol, such as `UpdateService`, at `now`.
    ///
    /// Everything that is due by then happens before.
    ///
    /// # Errors
    ///
    /// Answers with the error that ECS documents for the call, and with
    /// `UnknownOperationException` where this model does not know the operation.
    pub fn call(
        &mut self,
        operation: &str,
        request: &Value,
        now: Timestamp,
        registry: &dyn Registry,
    ) -> Result<Value, ServiceError> {
        self.advance(now, registry);
        self.count_call(operation)?;
        protocol::show(self.shown(), operation, request)
            .unwrap_or_else(|| protocol::answer(self, operation, request))
    }

    /// Performs every transition that is due up to `now`, in order.
    ///
    /// Time never goes back: an earlier `now` counts as the latest one.
    pub fn advance(&mut self, now: Timestamp, registry: &dyn Registry) {
        while let Some((at, due)) = self.agenda.take_due(now) {
            self.now = self.now.max(at);
            self.remember();
            match due {
                Due::Service(key) => self.look(key),
                Due::Task(key, step) => self.step(key, step, registry),
                Due::Alarm(key, in_alarm) => self.turn_alarm(key, in_alarm),
            }
        }
        self.now = self.now.max(now);
    }

    /// Says when the next transition is due.
    pub fn next_change_at(&self) -> Option<Timestamp> {
        self.agenda.next_at()
    }

    /// Hands over the EventBridge events of what happened since the last time.
    ///
    /// They are whole envelopes; the same changes are not in
    /// [`take_changes`](Ecs::take_changes) any more.
    pub fn take_events(&mut self) -> Vec<Value> {
        let changes = std::mem::take(&mut self.changes);
        changes.iter().map(|change| self.envelope(change)).collect()
    }

    /// Hands over what happened since the last time, without making JSON of it.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Hands over the lines that containers wrote since the last time.
    pub fn take_log_lines(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut self.log_lines)
    }

    /// The time of the last [`advance`](Ecs::advance).
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Finds a task by its key, until an hour after it stopped.
    pub fn task(&self, key: TaskKey) -> Option<&Task> {
        self.tasks.get(&key).map(|task| &**task)
    }

    /// The time that comes `duration` from now.
    pub(crate) fn after(&self, duration: SignedDuration) -> Timestamp {
        later(self.now, duration)
    }

    pub(crate) fn cluster_counts(&self, cluster: &str) -> ClusterCounts {
        let mut counts = ClusterCounts::default();
        for service in self.services(cluster) {
            counts.active_services += u32::from(service.status == ServiceStatus::Active);
        }
        for task in self.tasks.values() {
            if *task.specification.cluster == *cluster {
                counts.running_tasks += u32::from(task.state.last_status.is_running());
                counts.pending_tasks += u32::from(task.state.last_status.is_starting());
            }
        }
        counts
    }
}

/// The time that comes `duration` after `at`, or the end of time.
pub(crate) fn later(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}
