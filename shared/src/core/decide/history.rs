//! What ECS's history of service deployments adds to a look at the service.
//!
//! A look shows who runs. Who brought that about is in the history alone, once
//! the deployment that was taken back is gone from the service.

use jiff::{SignedDuration, Timestamp};

use super::super::observation::{
    DeploymentRecord, DeploymentState, Look, PausedHook, RecordStatus, Service, ServiceDeployment,
};
use super::super::rollout::{Phase, RolledBackBy, Rollout, Running, Way};
use super::READ_LAG;

/// A record is made with its deployment; nothing says that they carry the same instant. Two
/// deployments may carry one.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// Says from when on the history is worth its three calls, after a look at the service.
///
/// Not while all goes well: a service that is driven towards our revision, or
/// towards the last-known-good that it was asked to run, explains itself.
#[must_use]
pub fn history_wanted(rollout: &Rollout, service: &Service, now: Timestamp) -> Option<Timestamp> {
    if let Phase::Starting {
        start,
        update_intended_at: Some(intended_at),
        ..
    } = &rollout.phase
    {
        if start.stack.is_some() {
            // The stack tells what became of it.
            return None;
        }
        // It may have been taken, and taken back, before anybody could look.
        let since = start.base_deployment_created_at - MARGIN;
        return (now >= *intended_at + READ_LAG).then_some(since);
    }
    let running = rollout.phase.running()?;
    let primary = service.primary()?;
    let ours = primary.task_definition == running.revision;
    let wanted = match &rollout.phase {
        // The deadline does not run while a hook waits for a person, who is to be told.
        Phase::Progressing { .. } => {
            !ours || (service.has_pause_hooks && primary.state != DeploymentState::Completed)
        }
        Phase::RollingBack { back, .. } => match &back.way {
            // What is done cannot be stopped.
            Way::Unasked => !ours || primary.state != DeploymentState::Completed,
            Way::Stop { .. } | Way::Cancel { .. } | Way::Observed { .. } => true,
            Way::Update { intended_at } => {
                // Later it may have arrived, and been taken back itself.
                let lags = intended_at.is_none_or(|at| now < at + READ_LAG);
                let not_yet = primary.id == running.deployment && lags;
                let arriving = primary.task_definition == back.to && !is_older(primary, running);
                !(not_yet || arriving) || service.has_pause_hooks
            }
        },
        Phase::Baking { .. } => !ours,
        Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => false,
    };
    wanted.then(|| running.deployment_created_at - MARGIN)
}

/// Why a service is driven towards something else than our revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// It is not: what ran before is still shown.
    NotYet,
    /// ECS rolled our deployment back: its circuit breaker, a deployment alarm or a hook.
    ByEcs,
    /// Somebody, we maybe, had ECS roll our deployment back.
    ByRequest,
    /// Somebody asked for something else.
    ByUpdate,
}

impl Turned {
    /// Says who took the version back.
    pub(super) fn by(self) -> RolledBackBy {
        match self {
            Self::ByEcs => RolledBackBy::Ecs,
            Self::NotYet | Self::ByRequest | Self::ByUpdate => RolledBackBy::Person,
        }
    }
}

/// Tells why `primary`, which runs another revision than ours, is the primary deployment.
pub(super) fn turned(
    running: &Running,
    service: &Service,
    primary: &ServiceDeployment,
    history: &Look<Vec<DeploymentRecord>>,
    now: Timestamp,
) -> Turned {
    let record = of(history, &running.revision);
    let words = in_words(running, service, primary);
    if is_older(primary, running) {
        // An update makes a new deployment; only a rollback makes an older one primary again.
        let rolled_back = match (record, history) {
            (Some(record), _) => is_way_back(record.status),
            (None, _) if words || shows(service, running) => true,
            (None, Look::Taken(_)) => now >= running.asked_at + READ_LAG,
            (None, Look::NotTaken | Look::Unavailable(_)) => false,
        };
        if !rolled_back {
            return Turned::NotYet;
        }
    }
    let theirs = [primary.task_definition.as_str()];
    if record.is_some() && since(history, &running.revision, &theirs).is_some() {
        // A rollback makes no service deployment of its own: it stays part of the one taken back.
        return Turned::ByUpdate;
    }
    match record {
        Some(record) if is_way_back(record.status) && record.failed_by_ecs => Turned::ByEcs,
        Some(record) if is_way_back(record.status) => Turned::ByRequest,
        Some(DeploymentRecord {
            status: RecordStatus::Stopped | RecordStatus::Successful,
            ..
        }) => Turned::ByUpdate,
        Some(_) | None if words => Turned::ByEcs,
        Some(_) | None => Turned::ByUpdate,
    }
}

/// Gives the service deployments that were seen, the newest first.
fn records(history: &Look<Vec<DeploymentRecord>>) -> &[DeploymentRecord] {
    match history {
        Look::Taken(records) => records,
        Look::NotTaken | Look::Unavailable(_) => &[],
    }
}

/// Gives the latest service deployment that brought a task definition.
pub(super) fn of<'a>(
    history: &'a Look<Vec<DeploymentRecord>>,
    task_definition: &str,
) -> Option<&'a DeploymentRecord> {
    let mut records = records(history).iter();
    records.find(|record| record.target == task_definition)
}

/// Says whether somebody brought our revision again after the way back to `good` had begun.
pub(super) fn brought_again(
    history: &Look<Vec<DeploymentRecord>>,
    revision: &str,
    good: &str,
) -> bool {
    let records = records(history);
    let ours = |record: &DeploymentRecord| record.target == revision;
    let (Some(newest), Some(oldest)) = (
        records.iter().position(ours),
        records.iter().rposition(ours),
    ) else {
        return false;
    };
    let mut before_the_newest = records.iter().take(oldest + 1).skip(newest + 1);
    before_the_newest
        .any(|record| record.target == good || (ours(record) && is_way_back(record.status)))
}

/// Gives the latest service deployment that came after ours and brought one of these.
pub(super) fn since<'a>(
    history: &'a Look<Vec<DeploymentRecord>>,
    revision: &str,
    task_definitions: &[&str],
) -> Option<&'a DeploymentRecord> {
    let records = records(history).iter();
    let mut since = records.take_while(|record| record.target != revision);
    since.find(|record| task_definitions.contains(&record.target.as_str()))
}

/// Says whether exactly one service deployment came after ours, which ECS did not roll back.
pub(super) fn is_next_after(history: &Look<Vec<DeploymentRecord>>, revision: &str) -> bool {
    let mut records = records(history).iter();
    let newest = records.next();
    let before = records.next();
    newest.is_some_and(|record| record.target != revision)
        && before.is_some_and(|record| record.target == revision && !is_way_back(record.status))
}

/// Gives the hook at which one of the latest service deployments waits for a person.
pub(super) fn paused_at(history: &Look<Vec<DeploymentRecord>>) -> Option<&PausedHook> {
    records(history).iter().find_map(waits_at)
}

/// Gives the hook at which a service deployment waits for a person; one that is over waits for
/// nobody, whatever its hooks say.
pub(super) fn waits_at(record: &DeploymentRecord) -> Option<&PausedHook> {
    match record.status {
        RecordStatus::Ongoing | RecordStatus::RollingBack | RecordStatus::Unknown => {
            record.paused_at.as_ref()
        }
        RecordStatus::RolledBack
        | RecordStatus::RollbackFailed
        | RecordStatus::Successful
        | RecordStatus::Stopped => None,
    }
}

pub(super) fn is_way_back(status: RecordStatus) -> bool {
    match status {
        RecordStatus::RollingBack | RecordStatus::RolledBack | RecordStatus::RollbackFailed => true,
        RecordStatus::Ongoing
        | RecordStatus::Successful
        | RecordStatus::Stopped
        | RecordStatus::Unknown => false,
    }
}

fn is_older(primary: &ServiceDeployment, running: &Running) -> bool {
    primary.created_at < running.deployment_created_at
}

/// Says whether our deployment is shown, though it is not the primary one.
fn shows(service: &Service, running: &Running) -> bool {
    let mut deployments = service.deployments.iter();
    deployments.any(|one| one.task_definition == running.revision)
}

/// Says whether ECS's words, or our deployment's state, tell of a rollback by ECS.
fn in_words(running: &Running, service: &Service, primary: &ServiceDeployment) -> bool {
    primary.state_reason.contains("rolling back")
        || service.deployments.iter().any(|one| {
            one.task_definition == running.revision && one.state == DeploymentState::Failed
        })
}
