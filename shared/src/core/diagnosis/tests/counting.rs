//! When failed tasks are enough.

use super::super::failed_tasks::{DeployedBy, Failing, MaxFailedTasks, Tally, judge};
use super::super::{Cause, Circumstances};
use super::{KNOWN, exited, failed_to_start};
use crate::core::evidence::{KEPT, StoppedTask, StoppedTasks};

const OURS: DeployedBy<'static> = DeployedBy {
    deployment: "ecs-svc/2",
    task_definition: "web:2",
};
const OLD: DeployedBy<'static> = DeployedBy {
    deployment: "ecs-svc/1",
    task_definition: "web:1",
};

fn of(by: &DeployedBy<'_>, id: u32, task: StoppedTask) -> StoppedTask {
    StoppedTask {
        task_arn: format!(
            "arn:aws:ecs:eu-west-1:123456789012:task/prod/{}-{id}",
            by.deployment
        ),
        started_by: by.deployment.to_owned(),
        task_definition: by.task_definition.to_owned(),
        version: 1,
        stopped_at: Some(jiff::Timestamp::from_second(i64::from(id)).unwrap()),
        ..task
    }
}

fn kept(tasks: impl IntoIterator<Item = StoppedTask>) -> StoppedTasks {
    let mut kept = StoppedTasks::default();
    for task in tasks {
        kept.keep(task);
    }
    kept
}

fn failing(tasks: &StoppedTasks, limit: u32) -> Failing {
    judge(tasks, &OURS, &OLD, &KNOWN, limit)
}

#[test]
fn the_limit_is_the_higher_of_the_number_and_the_share() {
    let limit = |at_least, percent_of_desired, desired| {
        MaxFailedTasks {
            at_least,
            percent_of_desired,
        }
        .limit(desired)
    };
    assert_eq!(MaxFailedTasks::default().limit(1), 2);
    assert_eq!(limit(2, 10, 20), 2);
    assert_eq!(limit(2, 10, 21), 3);
    assert_eq!(limit(0, 0, 0), 1, "no limit is reached by nothing");
    assert_eq!(limit(1, u32::MAX, u32::MAX), u32::MAX);
}

#[test]
fn likely_failures_count_up_to_the_limit_each_task_once() {
    let crash = |id| of(&OURS, id, exited(&[1]));
    let again = StoppedTask {
        version: 2,
        ..crash(1)
    };
    let mut tasks = kept([crash(1), crash(1), again]);
    assert_eq!(
        failing(&tasks, 2),
        Failing::NotYet {
            failed: 1,
            limit: 2
        }
    );
    tasks.keep(crash(2));
    let cause = Cause::ApplicationError;
    assert_eq!(
        failing(&tasks, 2),
        Failing::LimitReached {
            cause,
            failed: 2,
            limit: 2
        }
    );
    assert_eq!(
        failing(&StoppedTasks::default(), 1),
        Failing::NotYet {
            failed: 0,
            limit: 1
        }
    );
}

#[test]
fn only_our_deployments_tasks_of_our_revision_count() {
    let other_revision = DeployedBy {
        task_definition: "web:3",
        ..OURS
    };
    let other_deployment = DeployedBy {
        deployment: "ecs-svc/3",
        ..OURS
    };
    let tasks = kept([
        of(&other_revision, 1, exited(&[1])),
        of(&other_deployment, 2, exited(&[1])),
    ]);
    assert_eq!(
        failing(&tasks, 1),
        Failing::NotYet {
            failed: 0,
            limit: 1
        }
    );
}

#[test]
fn what_the_platform_does_never_counts() {
    let busy = "Capacity is unavailable at this time";
    let tasks = kept((1..200).map(|id| of(&OURS, id, failed_to_start(busy))));
    assert_eq!(
        failing(&tasks, 1),
        Failing::NotYet {
            failed: 0,
            limit: 1
        }
    );
    let tally = Tally::of(&tasks, &OURS, &KNOWN);
    assert_eq!(tally.platform.get(&Cause::NoCapacity), Some(&199));
}

#[test]
fn what_the_old_revision_loses_is_taken_off() {
    let mut tasks = kept([
        of(&OURS, 1, exited(&[1])),
        of(&OURS, 2, exited(&[1])),
        of(&OLD, 3, exited(&[1])),
    ]);
    assert_eq!(
        failing(&tasks, 2),
        Failing::NotYet {
            failed: 1,
            limit: 2
        }
    );
    tasks.keep(of(&OURS, 4, exited(&[1])));
    assert!(matches!(
        failing(&tasks, 2),
        Failing::LimitReached { failed: 2, .. }
    ));
}

#[test]
fn one_certain_failure_is_enough_unless_the_old_revision_suffers_it_too() {
    let platform = "image Manifest does not contain descriptor matching platform 'linux/amd64'";
    let mut tasks = kept([of(&OURS, 1, failed_to_start(platform))]);
    let cause = Cause::WrongPlatform;
    assert_eq!(failing(&tasks, 100), Failing::Certainly { cause });
    tasks.keep(of(&OLD, 2, failed_to_start(platform)));
    assert_eq!(
        failing(&tasks, 100),
        Failing::NotYet {
            failed: 0,
            limit: 100
        }
    );

    let gone = kept([of(
        &OURS,
        1,
        failed_to_start("CannotPullContainerError: manifest unknown"),
    )]);
    assert_eq!(
        failing(&gone, 2),
        Failing::NotYet {
            failed: 1,
            limit: 2
        }
    );
    let confirmed = Circumstances {
        image_missing_in_registry: Some(true),
        ..KNOWN
    };
    let cause = Cause::ImageManifestMissing;
    assert_eq!(
        judge(&gone, &OURS, &OLD, &confirmed, 2),
        Failing::Certainly { cause }
    );
}

#[test]
fn a_limit_above_what_is_kept_whole_is_reached_and_repeats_are_still_repeats() {
    let crash = |id| of(&OURS, id, exited(&[1]));
    let mut tasks = kept((1..=59).map(crash));
    assert_eq!(tasks.kept().len(), KEPT);
    for id in 1..=59 {
        assert!(!tasks.keep(crash(id)), "{id} is known");
    }
    assert_eq!(
        failing(&tasks, 60),
        Failing::NotYet {
            failed: 59,
            limit: 60
        }
    );
    tasks.keep(crash(60));
    assert!(matches!(
        failing(&tasks, 60),
        Failing::LimitReached { failed: 60, .. }
    ));
}

#[test]
fn the_commonest_cause_is_named() {
    let tasks = kept([
        of(&OURS, 1, exited(&[139])),
        of(&OURS, 2, exited(&[1])),
        of(&OURS, 3, exited(&[139])),
    ]);
    let cause = Cause::Crashed;
    assert_eq!(
        failing(&tasks, 3),
        Failing::LimitReached {
            cause,
            failed: 3,
            limit: 3
        }
    );
}
