//! Why a task stopped, and whether the image that was pushed is to blame.
//!
//! A cause is found by the words that AWS uses ([`cause`]); whose fault it is
//! depends also on what those words cannot say ([`Circumstances`]). Pushboat
//! changes nothing but an image, and that decides most of it: what an image
//! cannot bring about is never held against it.
//!
//! Source of the words: ECS developer guide, "Amazon ECS stopped tasks error
//! messages", "CannotPullContainer task errors", "ResourceInitializationError
//! errors", "Service event messages"; ECS API reference, Task, `stopCode`. Some
//! are not documented and were seen in public issues; exit codes above 128 are
//! POSIX's 128 + signal.

mod causes;
pub mod failed_tasks;
pub mod service_trouble;
mod stopped_task_reasons;
pub mod target_health;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::evidence::StoppedTask;

pub use causes::Cause;
pub use stopped_task_reasons::cause;

/// Whose fault a stopped task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// What was deployed can never work: one such task is enough.
    Certain,
    /// Most likely what was deployed; it counts towards the limit of failed tasks.
    Likely,
    /// AWS, the network or the service's surroundings: never the image's fault.
    Platform,
    /// Nothing failed.
    NotAFailure,
}

/// What AWS's words about a task cannot say; `None` is "not known".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// Whether ECR, asked after the task failed, cannot give out the image that
    /// this rollout brings: it is gone, or archived.
    pub image_missing_in_registry: Option<bool>,
    /// Whether this revision names a secret, a parameter or an execution role
    /// that the revision before it did not.
    ///
    /// A revision made by Pushboat differs from its base only in the image, so
    /// that this is true only where the base itself was not what ran before.
    pub secret_introduced: Option<bool>,
    /// Whether this revision differs from the one before in anything besides images.
    pub configuration_changed: Option<bool>,
    /// Whether the old revision's tasks fail for the same cause in the same time.
    pub old_revision_fails_likewise: Option<bool>,
}

/// Why a task stopped and whose fault that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Why it stopped.
    pub cause: Cause,
    /// Whose fault that is.
    pub verdict: Verdict,
}

/// Says why a task stopped and whose fault that is.
#[must_use]
pub fn diagnose(task: &StoppedTask, circumstances: &Circumstances) -> Diagnosis {
    Diagnosis::new(cause(task), circumstances)
}

impl Diagnosis {
    /// Judges a cause that was found before.
    #[must_use]
    pub fn new(cause: Cause, circumstances: &Circumstances) -> Self {
        // A registry that refuses a pull says the same of an image that is not there.
        let missing = circumstances.image_missing_in_registry == Some(true);
        let cause = match cause {
            Cause::PullDenied if missing => Cause::ImageManifestMissing,
            cause => cause,
        };
        let verdict = cause.verdict(circumstances);
        Self { cause, verdict }
    }
}

impl Cause {
    /// Says whose fault it is.
    ///
    /// A certain fault is only likely where the old revision fails likewise: then
    /// something besides the image is wrong too, and going back may not help.
    fn verdict(self, circumstances: &Circumstances) -> Verdict {
        let likewise = circumstances.old_revision_fails_likewise == Some(true);
        match self.verdict_alone(circumstances) {
            Verdict::Certain if likewise => Verdict::Likely,
            // The load balancer reaches the tasks of both revisions by the same way.
            Verdict::Likely if likewise && self == Self::ElbHealthCheck => Verdict::Platform,
            verdict => verdict,
        }
    }

    fn verdict_alone(self, circumstances: &Circumstances) -> Verdict {
        match self {
            Self::StoppedByUser | Self::ScaledIn | Self::Terminated => Verdict::NotAFailure,
            Self::SpotInterruption
            | Self::Maintenance
            | Self::NoCapacity
            | Self::AccountLimit
            | Self::ProvisioningFailed
            | Self::RegistryUnreachable
            | Self::RegistryRateLimit
            | Self::LayerStoreUnreachable
            | Self::LayerDownloadFailed
            | Self::SecretStoreUnreachable
            | Self::AgentFault
            | Self::InfrastructureHealth
            // It may be anything, and a word of AWS's that is new is most often about AWS.
            | Self::NeverRan => Verdict::Platform,
            Self::ImageManifestMissing => match circumstances.image_missing_in_registry {
                Some(true) => Verdict::Certain,
                // Another container's image, or a registry that contradicts itself.
                Some(false) => Verdict::Platform,
                None => Verdict::Likely,
            },
            Self::WrongPlatform | Self::ImageTooLarge | Self::CannotExecute => Verdict::Certain,
            Self::SecretDenied | Self::SecretMissing => match circumstances.secret_introduced {
                Some(true) => Verdict::Certain,
                Some(false) | None => Verdict::Platform,
            },
            Self::PullDenied
            | Self::LoggingFailed
            | Self::EnvironmentFileFailed
            | Self::VolumeFailed => match circumstances.configuration_changed {
                Some(true) => Verdict::Likely,
                Some(false) | None => Verdict::Platform,
            },
            Self::MemoryTooSmallToStart
            | Self::OutOfMemory
            | Self::ElbHealthCheck
            | Self::ContainerHealthCheck
            | Self::ExitedNormally
            | Self::ApplicationError
            | Self::CommandNotFound
            | Self::Crashed
            // ECS did not stop it, or its stop code would say so: the task's memory is the
            // likeliest reason left.
            | Self::Killed
            // It ran, so it is not one of the many things that keep a task from starting; one
            // such task says nothing, and those that the old revision loses too are taken off.
            | Self::Unknown => Verdict::Likely,
        }
    }
}
