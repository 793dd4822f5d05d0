//! The rows, in their order: what matches, and what nearly does.

mod starting;

use std::collections::BTreeSet;

use super::super::{Cause, Verdict, cause};
use super::{KNOWN, TABLE, because, diagnose, exited, failed_to_start, first, never_ran, ran};
use crate::core::evidence::StoppedTask;

/// A cause, its verdict where nothing more is known, a task that stopped by it,
/// one that nearly looks so, and what that one stopped by.
type Case = (Cause, Verdict, StoppedTask, StoppedTask, Cause);

const SCHEDULER: &str = "ServiceSchedulerInitiated";

fn stops() -> Vec<Case> {
    use Verdict::{NotAFailure, Platform};
    vec![
        (
            Cause::StoppedByUser,
            NotAFailure,
            ran("UserInitiated", "the 5 o'clock cleaning"),
            ran("UserInitiatedByALaterDay", "the 5 o'clock cleaning"),
            Cause::Unknown,
        ),
        (
            Cause::SpotInterruption,
            Platform,
            ran("TerminationNotice", "Your Spot Task was interrupted."),
            ran(SCHEDULER, "Spot market"),
            Cause::Unknown,
        ),
        (
            Cause::Maintenance,
            Platform,
            ran(
                SCHEDULER,
                "ECS is performing maintenance on the underlying infrastructure hosting the task",
            ),
            ran(SCHEDULER, "performing maintenance of the application"),
            Cause::Unknown,
        ),
        (
            Cause::ScaledIn,
            NotAFailure,
            ran(
                SCHEDULER,
                "Scaling activity initiated by (deployment ecs-svc/1234567890123456789)",
            ),
            ran(
                "EssentialContainerExited",
                "Scaling activity initiated by (deployment ecs-svc/1)",
            ),
            Cause::Unknown,
        ),
    ]
}

fn capacity() -> Vec<Case> {
    use Verdict::Platform;
    let sorry = "Service was unable to place a task: ";
    vec![
        (
            Cause::NoCapacity,
            Platform,
            failed_to_start(&format!(
                "{sorry}Capacity is unavailable at this time. Please try again later or in a different availability zone"
            )),
            failed_to_start(&format!("{sorry}Capacity is scarce")),
            Cause::NeverRan,
        ),
        (
            Cause::AccountLimit,
            Platform,
            failed_to_start(
                "You've reached the limit on the number of vCPUs you can run concurrently",
            ),
            failed_to_start("You've reached the limit on vCPUs"),
            Cause::NeverRan,
        ),
        (
            Cause::ProvisioningFailed,
            Platform,
            failed_to_start("Timeout waiting for network interface provisioning to complete."),
            never_ran(
                SCHEDULER,
                "Timeout waiting for network interface provisioning to complete.",
            ),
            Cause::NeverRan,
        ),
        (
            Cause::InfrastructureHealth,
            Platform,
            ran("InfrastructureHealth", ""),
            ran("ContainerHealth", "infrastructure health"),
            Cause::Unknown,
        ),
    ]
}

fn containers() -> Vec<Case> {
    use Verdict::{Certain, Likely, Platform};
    let start = |text: &str| {
        because(
            failed_to_start("Task failed to start"),
            &format!("CannotStartContainerError: {text}"),
        )
    };
    let runc = "ResourceInitializationError: failed to create new container runtime task: OCI runtime create failed: runc create failed: unable to start container process";
    vec![
        (
            Cause::CannotExecute,
            Certain,
            start(&format!("{runc}: exec /app/server: exec format error")),
            because(exited(&[1]), "exec /app/server: exec format error"),
            Cause::ApplicationError,
        ),
        (
            Cause::MemoryTooSmallToStart,
            Likely,
            start("failed to get container status: process has finished"),
            because(
                failed_to_start(""),
                "CannotStopContainerError: failed to get container status",
            ),
            Cause::AgentFault,
        ),
        (
            Cause::AgentFault,
            Platform,
            because(
                ran("TaskFailedToStart", ""),
                "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting 3m0s",
            ),
            because(
                exited(&[1]),
                "TimeoutError: could not connect to the runtime",
            ),
            Cause::ApplicationError,
        ),
    ]
}

fn health() -> Vec<Case> {
    use Verdict::Likely;
    vec![
        (
            Cause::OutOfMemory,
            Likely,
            because(
                exited(&[137]),
                "OutOfMemoryError: Container killed due to memory usage",
            ),
            because(
                ran(SCHEDULER, "Task failed container health checks"),
                "OutOfMemoryError: Container killed due to memory usage",
            ),
            Cause::ContainerHealthCheck,
        ),
        (
            Cause::ElbHealthCheck,
            Likely,
            ran(
                SCHEDULER,
                "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef)",
            ),
            ran(
                "EssentialContainerExited",
                "Task failed ELB health checks in (target-group arn:x)",
            ),
            Cause::Unknown,
        ),
        (
            Cause::ContainerHealthCheck,
            Likely,
            ran(SCHEDULER, "Task failed container health checks"),
            ran(SCHEDULER, "Task failed Cloud Map health checks"),
            Cause::Unknown,
        ),
    ]
}

fn exits() -> Vec<Case> {
    use Verdict::{Likely, NotAFailure, Platform};
    let stopped = |code: i64| StoppedTask {
        stop_code: SCHEDULER.to_owned(),
        stopped_reason: "Service deleted".to_owned(),
        ..exited(&[code])
    };
    vec![
        (
            Cause::ExitedNormally,
            Likely,
            exited(&[0, 143]),
            exited(&[0, 3]),
            Cause::ApplicationError,
        ),
        (
            Cause::ApplicationError,
            Likely,
            exited(&[1]),
            stopped(1),
            Cause::Unknown,
        ),
        (
            Cause::CommandNotFound,
            Likely,
            exited(&[127]),
            exited(&[128]),
            Cause::ApplicationError,
        ),
        (
            Cause::Crashed,
            Likely,
            exited(&[139]),
            exited(&[140]),
            Cause::ApplicationError,
        ),
        (
            Cause::Killed,
            Likely,
            exited(&[137]),
            stopped(137),
            Cause::Unknown,
        ),
        (
            Cause::Terminated,
            NotAFailure,
            exited(&[143]),
            stopped(143),
            Cause::Unknown,
        ),
        (
            Cause::NeverRan,
            Platform,
            failed_to_start("Task failed to start"),
            ran("TaskFailedToStart", "Task failed to start"),
            Cause::Unknown,
        ),
    ]
}

fn cases() -> Vec<Case> {
    [
        stops(),
        capacity(),
        starting::pulls(),
        starting::layers(),
        starting::resources(),
        containers(),
        health(),
        exits(),
    ]
    .concat()
}

#[test]
fn each_row_matches_its_event_and_not_the_near_miss() {
    for (expected, verdict, task, near_miss, instead) in cases() {
        let diagnosis = diagnose(&task, &KNOWN);
        assert_eq!((diagnosis.cause, diagnosis.verdict), (expected, verdict));
        assert_eq!(cause(&near_miss), instead, "the near miss of {expected:?}");
    }
}

#[test]
fn each_row_has_a_case_and_does_the_work() {
    let shown: BTreeSet<Cause> = cases().iter().map(|case| case.0).collect();
    let rows: BTreeSet<Cause> = TABLE.iter().map(|row| row.cause).collect();
    assert_eq!(shown, rows);
    let all: BTreeSet<Cause> = Cause::ALL.into_iter().collect();
    assert_eq!(all.len(), Cause::Unknown as usize + 1, "`ALL` misses one");
    let unshown: Vec<_> = all.difference(&rows).collect();
    assert_eq!(unshown, [&Cause::Unknown]);
    for (expected, _, task, _, _) in cases() {
        let others: Vec<_> = TABLE
            .iter()
            .copied()
            .filter(|row| row.cause != expected)
            .collect();
        assert_ne!(first(&others, &task), Some(expected));
        assert_eq!(first(TABLE, &task), Some(expected));
    }
}
