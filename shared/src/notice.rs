//! What people and machines are told; how it reads stands in `message.rs`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::diagnosis::{self, Cause};
use crate::core::evidence::{AlarmChange, StoppedTask};
use crate::core::failure::Failure;
use crate::core::hold::Hold;
use crate::core::name::TargetName;
use crate::core::observation::PausedHook;
use crate::core::operate::{OperatorCommand, Order, Refusal};
use crate::core::rollout::{Outcome, Phase, Rollout, Running, Start, Way};
use crate::core::shared::Shared;
use crate::target::Mistake;

/// One message about one change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// A stable id, unique among all targets: a repeat carries the same one.
    pub id: String,
    /// The target it is about.
    pub target: TargetName,
    /// When it happened, by our clock.
    pub at: Timestamp,
    /// What happened.
    pub news: News,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "news")]
pub enum News {
    /// A rollout changed its phase.
    Rollout(Box<RolloutNews>),
    /// A target cannot be deployed to before somebody changes something.
    TargetInvalid {
        /// Every mistake.
        mistakes: Vec<Mistake>,
    },
    /// A target's service does not appear.
    ServiceMissing {
        /// What is missing.
        mistake: Mistake,
    },
    /// A watched alarm fired while nothing was under way.
    AlarmFired {
        /// The alarm's change.
        change: AlarmChange,
        /// What the service ran then, where ECS told.
        runs: Option<Runs>,
    },
    /// A target was adopted.
    Adopted {
        /// The images that are taken as good, by container; empty where nothing is.
        images: std::collections::BTreeMap<String, String>,
    },
    /// Something about a target's configuration is doubtful, though it is deployed to.
    TargetWarned {
        /// Everything that is.
        warnings: Vec<Mistake>,
    },
    /// A person's command was carried out or refused.
    Command {
        /// The command.
        command: OperatorCommand,
        /// Why it was refused, if it was.
        refused: Option<Refusal>,
    },
    /// An alarm fired that another target watches too, which goes back first.
    RolloutYields {
        /// The rollout that waits.
        rollout: Box<Rollout>,
        /// The alarm's name.
        alarm: String,
        /// The target that goes first.
        to: TargetName,
    },
    /// A rollout's deployment waits at a lifecycle hook until a person lets it go on.
    DeploymentPaused {
        /// The rollout.
        rollout: Box<Rollout>,
        /// The hook.
        hook: PausedHook,
    },
    /// A rollout's way back waits at a lifecycle hook until a person lets it go on.
    WayBackPaused {
        /// The rollout.
        rollout: Box<Rollout>,
        /// The hook.
        hook: PausedHook,
    },
    /// A change set brings more than the image: a person is asked to execute or delete it.
    ApprovalAsked {
        /// The rollout.
        rollout: Box<Rollout>,
    },
    /// A hold keeps a rollout from what it would do now.
    RolloutHeld {
        /// The rollout.
        rollout: Box<Rollout>,
        /// The hold.
        hold: Hold,
        /// Whether it is the target's own, which a command ends.
        by_command: bool,
        /// The images of the last-known-good, as in `RolloutNews`.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        exact_images: BTreeMap<String, String>,
        /// Whether the last-known-good's task definition was seen to be INACTIVE.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        good_inactive: bool,
    },
}

/// What a service runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Runs {
    /// The task definition's ARN.
    pub task_definition: String,
    /// Since when it is being deployed, by ECS's clock.
    pub since: Timestamp,
}

/// A rollout's new phase, with what the phase itself no longer holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RolloutNews {
    /// The rollout in its new phase.
    pub rollout: Rollout,
    /// What was found when it started, if it did.
    #[serde(default)]
    pub start: Option<Shared<Start>>,
    /// The task definition of the last-known-good, if there is one.
    #[serde(default)]
    pub last_known_good: Option<String>,
    /// The tag that the last-known-good was pushed under, where a rollout brought it.
    #[serde(default)]
    pub last_known_good_tag: Option<String>,
    /// The images of the last-known-good, where its task definition cannot be deployed as it is:
    /// it names one by a tag, which may stand for another by now, or it is INACTIVE.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exact_images: BTreeMap<String, String>,
    /// Whether the last-known-good's task definition was seen to be INACTIVE.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub good_inactive: bool,
    /// What the service was asked to run, if it was.
    #[serde(default)]
    pub running: Option<Running>,
    /// A hold keeps it from what it would do now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// Why it was being taken back before something else took over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back_for: Option<Failure>,
    /// Since when it has been halted, where that is told again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halted_since: Option<Timestamp>,
}

impl RolloutNews {
    /// Says whether a hold keeps the version from being taken back, and nobody else does it.
    #[must_use]
    pub fn waits_for_a_hold(&self) -> bool {
        let back = self.rollout.phase.back();
        self.held && back.is_some_and(|back| back.way == Way::Unasked)
    }

    /// Gives why the version is taken back, or why it cannot be.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.rollout.phase.failure()
    }

    /// Gives the tasks of this version that failed, those that show the diagnosed cause first.
    #[must_use]
    pub fn failed_tasks(&self) -> Vec<&StoppedTask> {
        let cause = self.failure().and_then(Failure::cause);
        let kept = self.rollout.evidence.stopped_tasks.kept().iter();
        let ours = |task: &&StoppedTask| {
            let running = self.running.as_ref();
            running.is_none_or(|running| task.task_definition == running.revision)
        };
        let mut tasks: Vec<(bool, &StoppedTask)> = kept
            .filter(ours)
            .map(|task| (diagnosis::cause(task), task))
            .filter(|(found, _)| *found != Cause::ScaledIn)
            .map(|(found, task)| (cause.is_some_and(|cause| cause != found), task))
            .collect();
        tasks.sort_by_key(|(another, _)| *another);
        tasks.into_iter().map(|(_, task)| task).collect()
    }
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// All is well.
    Info,
    /// Something did not happen that somebody may be waiting for.
    Warning,
    /// Somebody has to look.
    Error,
}

impl Severity {
    /// Gives the severity's stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Notice {
    /// Gives the event's stable name, by which subscriptions filter.
    #[must_use]
    pub fn event(&self) -> &'static str {
        match &self.news {
            News::Rollout(news) => match news.rollout.phase {
                Phase::Starting { .. } => "started",
                Phase::Requested { .. }
                | Phase::Progressing { .. }
                | Phase::Baking { .. }
                | Phase::RollingBack { .. }
                | Phase::RolledBack { .. }
                | Phase::Succeeded { .. }
                | Phase::ScaledToZero { .. }
                | Phase::Superseded { .. }
                | Phase::Rejected { .. }
                | Phase::Halted { .. } => news.rollout.phase.as_str(),
            },
            News::TargetInvalid { .. } => "target-invalid",
            News::ServiceMissing { .. } => "service-missing",
            News::Adopted { .. } => "adopted",
            News::TargetWarned { .. } => "target-warned",
            News::AlarmFired { .. } => "alarm",
            News::Command {
                refused: Some(_), ..
            } => "command-refused",
            News::Command {
                command,
                refused: None,
            } => match command.order {
                Order::Deploy { .. } => "deploy-accepted",
                Order::Rollback => "rollback-accepted",
                Order::Release { .. } => "released",
                Order::Hold { .. } => "held",
                Order::Resume => "resumed",
            },
            News::RolloutYields { .. } => "rollout-yields",
            News::DeploymentPaused { .. } => "deployment-paused",
            News::WayBackPaused { .. } => "way-back-paused",
            News::ApprovalAsked { .. } => "approval-asked",
            News::RolloutHeld { .. } => "rollout-held",
        }
    }

    /// Gives the outcome's stable name; `None` while nothing is final.
    ///
    /// A notice that waits for people has the outcome `waiting`, so that the
    /// email subscription, which asks for an outcome, gets it.
    #[must_use]
    pub fn outcome(&self) -> Option<&'static str> {
        match &self.news {
            News::Rollout(news) => news.rollout.phase.outcome().map(Outcome::as_str),
            News::TargetInvalid { .. }
            | News::ServiceMissing { .. }
            | News::DeploymentPaused { .. }
            | News::WayBackPaused { .. }
            | News::ApprovalAsked { .. }
            | News::RolloutHeld { .. }
            | News::Command {
                refused: Some(_), ..
            } => Some("waiting"),
            News::Adopted { .. }
            | News::TargetWarned { .. }
            | News::AlarmFired { .. }
            | News::RolloutYields { .. }
            | News::Command { refused: None, .. } => None,
        }
    }

    /// Gives how much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match &self.news {
            News::Rollout(news) => match &news.rollout.phase {
                Phase::Requested { .. }
                | Phase::Starting { .. }
                | Phase::Progressing { .. }
                | Phase::Baking { .. }
                | Phase::Succeeded { .. }
                | Phase::Superseded { .. } => Severity::Info,
                Phase::Rejected { reason } => match reason {
                    crate::core::reason::Rejected::AlreadyRunning => Severity::Info,
                    _ => Severity::Warning,
                },
                Phase::ScaledToZero { .. } | Phase::RollingBack { .. } => Severity::Warning,
                Phase::RolledBack { .. } => Severity::Error,
                Phase::Halted { .. } => Severity::Error,
            },
            News::RolloutHeld { rollout, .. } => match rollout.phase {
                // A bad version goes on running.
                Phase::RollingBack { .. } => Severity::Error,
                _ => Severity::Warning,
            },
            News::TargetInvalid { .. }
            | News::ServiceMissing { .. }
            | News::Command {
                refused: Some(_), ..
            } => Severity::Warning,
            News::Command {
                command,
                refused: None,
            } => match command.order {
                Order::Hold { .. } => Severity::Warning,
                Order::Deploy { .. } | Order::Rollback | Order::Release { .. } | Order::Resume => {
                    Severity::Info
                }
            },
            News::WayBackPaused { .. } => Severity::Error,
            News::ApprovalAsked { rollout } => match rollout.phase.back() {
                Some(_) => Severity::Error,
                None => Severity::Warning,
            },
            News::AlarmFired { .. }
            | News::TargetWarned { .. }
            | News::RolloutYields { .. }
            | News::DeploymentPaused { .. } => Severity::Warning,
            News::Adopted { .. } => Severity::Info,
        }
    }
}
