//! What a model of ECS is made with: whose account it plays, and how long things take.

use jiff::SignedDuration;

/// What a model of ECS is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Twelve digits.
    pub account_id: String,
    /// Such as `eu-central-1`.
    pub region: String,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// How long things take.
    pub timings: Timings,
}

/// Under which id a service goes back to an earlier deployment.
///
/// See [`Ecs::set_rollback_identity`](crate::Ecs::set_rollback_identity).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RollbackIdentity {
    /// The earlier deployment itself becomes the PRIMARY one again, and goes on
    /// with the tasks that it has.
    #[default]
    Same,
    /// A new deployment of the same revision is made, and replaces its tasks.
    New,
}

/// How long each step of a Fargate task and of a deployment takes.
///
/// The steps are those of
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html>;
/// that page names no times, so the defaults are what Fargate is seen to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timings {
    /// How long a task stays in `PROVISIONING`, while its network interface is attached.
    pub provisioning: SignedDuration,
    /// How long a task stays in `PENDING`, until the agent takes it up.
    pub pending: SignedDuration,
    /// How long pulling the images takes, in `ACTIVATING`.
    pub pulling: SignedDuration,
    /// How long a task stays in `ACTIVATING` after that, while its containers start.
    pub activating: SignedDuration,
    /// How long after its start a healthy task passes its container or load
    /// balancer health checks.
    pub health_check: SignedDuration,
    /// How long after its start an ill task has failed them.
    pub health_check_failure: SignedDuration,
    /// How long after its start a task without any health check is counted as
    /// healthy: 40 seconds on AWS.
    /// Source: `minimumHealthyPercent` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html>.
    pub unchecked_health: SignedDuration,
    /// How long a task stays in `DEACTIVATING`, while its targets drain.
    pub deactivating: SignedDuration,
    /// How long a task stays in `STOPPING`, until its containers have ended.
    pub stopping: SignedDuration,
    /// How long a task stays in `DEPROVISIONING`, while its network interface is detached.
    pub deprovisioning: SignedDuration,
    /// How long before it takes a task's capacity back Fargate Spot says so: two
    /// minutes on AWS.
    /// Source: "Fargate Spot" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html>.
    pub spot_notice: SignedDuration,
    /// How long the service scheduler takes to act on a change; at least a millisecond.
    pub scheduling: SignedDuration,
    /// How long a service waits after the first task that failed to start;
    /// doubled with each further one, up to [`retry_limit`](Timings::retry_limit).
    pub retry: SignedDuration,
    /// The longest wait between two tries to start a failing task: 27 minutes on AWS.
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html>.
    pub retry_limit: SignedDuration,
    /// How long a service must have had its desired count before its state is steady.
    pub steady_state: SignedDuration,
    /// How long a rolling deployment bakes whose alarms can roll it back, where
    /// the deployment configuration does not say: less than 5 minutes on AWS.
    /// Source: "Bake time" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html>.
    pub alarm_bake: SignedDuration,
    /// How long a stopped task can be described: an hour on AWS.
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html>.
    pub stopped_task_retention: SignedDuration,
}

impl Default for Timings {
    fn default() -> Self {
        Timings {
            provisioning: SignedDuration::from_secs(12),
            pending: SignedDuration::from_secs(3),
            pulling: SignedDuration::from_secs(12),
            activating: SignedDuration::from_secs(3),
            health_check: SignedDuration::from_secs(30),
            health_check_failure: SignedDuration::from_secs(90),
            unchecked_health: SignedDuration::from_secs(40),
            deactivating: SignedDuration::from_secs(15),
            stopping: SignedDuration::from_secs(10),
            deprovisioning: SignedDuration::from_secs(15),
            spot_notice: SignedDuration::from_mins(2),
            scheduling: SignedDuration::from_secs(3),
            retry: SignedDuration::from_secs(10),
            retry_limit: SignedDuration::from_mins(27),
            steady_state: SignedDuration::from_secs(10),
            alarm_bake: SignedDuration::from_mins(3),
            stopped_task_retention: SignedDuration::from_hours(1),
        }
    }
}

impl Timings {
    /// Makes a rolling deployment finish within one to two seconds, for a demonstration.
    pub fn fast() -> Self {
        Timings {
            provisioning: SignedDuration::from_millis(150),
            pending: SignedDuration::from_millis(50),
            pulling: SignedDuration::from_millis(150),
            activating: SignedDuration::from_millis(50),
            health_check: SignedDuration::from_millis(100),
            health_check_failure: SignedDuration::from_millis(400),
            unchecked_health: SignedDuration::from_millis(100),
            deactivating: SignedDuration::from_millis(50),
            stopping: SignedDuration::from_millis(50),
            deprovisioning: SignedDuration::from_millis(50),
            spot_notice: SignedDuration::from_secs(1),
            scheduling: SignedDuration::from_millis(20),
            retry: SignedDuration::from_millis(200),
            retry_limit: SignedDuration::from_secs(5),
            steady_state: SignedDuration::from_millis(300),
            alarm_bake: SignedDuration::from_secs(1),
            stopped_task_retention: SignedDuration::from_hours(1),
        }
    }

    /// How long a service waits to start another task after `failures` in a row
    /// failed to start.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-throttle-logic.html>,
    /// which says that the time grows with each attempt, up to a limit.
    pub(crate) fn retry_after(&self, failures: u32) -> SignedDuration {
        let doublings = failures.saturating_sub(1).min(30);
        self.retry
            .saturating_mul(1 << doublings)
            .min(self.retry_limit)
    }
}
