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

/// How long each step of a Fargate task and of a deployment takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timings {
    /// How long a task stays in `PROVISIONING`, while its network interface is attached.
    pub provisioning: SignedDuration,
    /// How long a task stays in `PENDING`, while its images are pulled.
    pub pulling: SignedDuration,
    /// How long a task stays in `ACTIVATING`, while its containers start.
    pub activating: SignedDuration,
    /// How long after its start a healthy container passes its health check.
    pub health_check: SignedDuration,
    /// How long after its start a container that is ill is given up on.
    pub health_check_failure: SignedDuration,
    /// How long a task stays in `DEACTIVATING`, while its targets drain.
    pub deactivating: SignedDuration,
    /// How long a task stays in `STOPPING`, while its containers end.
    pub stopping: SignedDuration,
    /// How long a task stays in `DEPROVISIONING`, while its network interface is detached.
    pub deprovisioning: SignedDuration,
    /// How long the service scheduler takes to notice a change.
    pub scheduling: SignedDuration,
    /// How long a service waits after a failed task before it starts another;
    /// doubled with each failure in a row, up to [`retry_limit`](Timings::retry_limit).
    pub retry: SignedDuration,
    /// The longest wait between two tries to start a failing task.
    pub retry_limit: SignedDuration,
    /// How long a deployment's tasks must have been steady before it is done.
    pub steady_state: SignedDuration,
    /// How long a stopped task can be described.
    pub stopped_task_retention: SignedDuration,
}

impl Default for Timings {
    fn default() -> Self {
        Timings {
            provisioning: SignedDuration::from_secs(12),
            pulling: SignedDuration::from_secs(15),
            activating: SignedDuration::from_secs(5),
            health_check: SignedDuration::from_secs(30),
            health_check_failure: SignedDuration::from_secs(90),
            deactivating: SignedDuration::from_secs(20),
            stopping: SignedDuration::from_secs(10),
            deprovisioning: SignedDuration::from_secs(15),
            scheduling: SignedDuration::from_secs(5),
            retry: SignedDuration::from_secs(10),
            retry_limit: SignedDuration::from_secs(300),
            steady_state: SignedDuration::from_secs(15),
            stopped_task_retention: SignedDuration::from_secs(3600),
        }
    }
}

impl Timings {
    /// Makes a rolling deployment finish within one to two seconds, for a demonstration.
    pub fn fast() -> Self {
        Timings {
            provisioning: SignedDuration::from_millis(150),
            pulling: SignedDuration::from_millis(150),
            activating: SignedDuration::from_millis(50),
            health_check: SignedDuration::from_millis(100),
            health_check_failure: SignedDuration::from_millis(400),
            deactivating: SignedDuration::from_millis(50),
            stopping: SignedDuration::from_millis(50),
            deprovisioning: SignedDuration::from_millis(50),
            scheduling: SignedDuration::from_millis(20),
            retry: SignedDuration::from_millis(200),
            retry_limit: SignedDuration::from_secs(5),
            steady_state: SignedDuration::from_millis(300),
            stopped_task_retention: SignedDuration::from_secs(3600),
        }
    }
}
