//! The causes by which a task stops.

use serde::{Deserialize, Serialize};

/// Why a task stopped; the order is that of the table, in which the first match wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A person or a tool called StopTask.
    StoppedByUser,
    /// Fargate Spot took the capacity back.
    SpotInterruption,
    /// AWS retired the infrastructure below the task.
    Maintenance,
    /// ECS scaled in, or replaced the task by a deployment's newer one.
    ScaledIn,
    /// Fargate had no capacity in the Availability Zone.
    NoCapacity,
    /// A quota of the account was reached.
    AccountLimit,
    /// A network interface or the storage could not be provisioned.
    ProvisioningFailed,
    /// The registry could not be reached.
    RegistryUnreachable,
    /// The registry limited the rate of pulls.
    RegistryRateLimit,
    /// The registry refused the pull; it says the same of an image that is not there.
    PullDenied,
    /// The registry has no such image.
    ImageManifestMissing,
    /// The image was not built for the task's platform.
    WrongPlatform,
    /// The image does not fit into the task's storage.
    ImageTooLarge,
    /// The layers' store, S3, could not be reached.
    LayerStoreUnreachable,
    /// A layer's download broke off.
    LayerDownloadFailed,
    /// The execution role may not read a secret or parameter.
    SecretDenied,
    /// A secret, a parameter or a key in one does not exist.
    SecretMissing,
    /// The store of secrets or parameters could not be reached.
    SecretStoreUnreachable,
    /// The log driver could not be set up.
    LoggingFailed,
    /// An environment file could not be read.
    EnvironmentFileFailed,
    /// A volume could not be mounted.
    VolumeFailed,
    /// The container's command cannot be executed.
    CannotExecute,
    /// The container could not be started, most likely for want of memory.
    MemoryTooSmallToStart,
    /// The container agent or runtime failed.
    AgentFault,
    /// A container used more memory than it may.
    OutOfMemory,
    /// The load balancer found the task unhealthy.
    ElbHealthCheck,
    /// The container's own health check failed.
    ContainerHealthCheck,
    /// AWS found the infrastructure unhealthy.
    InfrastructureHealth,
    /// The process ended and said that all is well.
    ExitedNormally,
    /// The process ended with an error.
    ApplicationError,
    /// A shell could not execute or find the command.
    CommandNotFound,
    /// The process crashed.
    Crashed,
    /// The process was killed without a word about memory.
    Killed,
    /// The process ended because it was asked to.
    Terminated,
    /// No container ever ran, and nothing says why.
    NeverRan,
    /// The task ran and ended in a way that is not in the table.
    Unknown,
}

impl Cause {
    /// Every cause, in the order of the table.
    pub const ALL: [Self; 36] = [
        Self::StoppedByUser,
        Self::SpotInterruption,
        Self::Maintenance,
        Self::ScaledIn,
        Self::NoCapacity,
        Self::AccountLimit,
        Self::ProvisioningFailed,
        Self::RegistryUnreachable,
        Self::RegistryRateLimit,
        Self::PullDenied,
        Self::ImageManifestMissing,
        Self::WrongPlatform,
        Self::ImageTooLarge,
        Self::LayerStoreUnreachable,
        Self::LayerDownloadFailed,
        Self::SecretDenied,
        Self::SecretMissing,
        Self::SecretStoreUnreachable,
        Self::LoggingFailed,
        Self::EnvironmentFileFailed,
        Self::VolumeFailed,
        Self::CannotExecute,
        Self::MemoryTooSmallToStart,
        Self::AgentFault,
        Self::OutOfMemory,
        Self::ElbHealthCheck,
        Self::ContainerHealthCheck,
        Self::InfrastructureHealth,
        Self::ExitedNormally,
        Self::ApplicationError,
        Self::CommandNotFound,
        Self::Crashed,
        Self::Killed,
        Self::Terminated,
        Self::NeverRan,
        Self::Unknown,
    ];

    /// Gives the cause's stable name, for logs, notices and queries.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StoppedByUser => "stopped-by-user",
            Self::SpotInterruption => "spot-interruption",
            Self::Maintenance => "maintenance",
            Self::ScaledIn => "scaled-in",
            Self::NoCapacity => "no-capacity",
            Self::AccountLimit => "account-limit",
            Self::ProvisioningFailed => "provisioning-failed",
            Self::RegistryUnreachable => "registry-unreachable",
            Self::RegistryRateLimit => "registry-rate-limit",
            Self::PullDenied => "pull-denied",
            Self::ImageManifestMissing => "image-manifest-missing",
            Self::WrongPlatform => "wrong-platform",
            Self::ImageTooLarge => "image-too-large",
            Self::LayerStoreUnreachable => "layer-store-unreachable",
            Self::LayerDownloadFailed => "layer-download-failed",
            Self::SecretDenied => "secret-denied",
            Self::SecretMissing => "secret-missing",
            Self::SecretStoreUnreachable => "secret-store-unreachable",
            Self::LoggingFailed => "logging-failed",
            Self::EnvironmentFileFailed => "environment-file-failed",
            Self::VolumeFailed => "volume-failed",
            Self::CannotExecute => "cannot-execute",
            Self::MemoryTooSmallToStart => "memory-too-small-to-start",
            Self::AgentFault => "agent-fault",
            Self::OutOfMemory => "out-of-memory",
            Self::ElbHealthCheck => "elb-health-check",
            Self::ContainerHealthCheck => "container-health-check",
            Self::InfrastructureHealth => "infrastructure-health",
            Self::ExitedNormally => "exited-normally",
            Self::ApplicationError => "application-error",
            Self::CommandNotFound => "command-not-found",
            Self::Crashed => "crashed",
            Self::Killed => "killed",
            Self::Terminated => "terminated",
            Self::NeverRan => "never-ran",
            Self::Unknown => "unknown",
        }
    }
}
