//! Once the change set is executed: what the stack and the service tell.

use super::starting_through::{before, intended};
use super::*;

/// CloudFormation is or was at it.
fn executed(word: &str) -> Seen {
    before()
        .stack(word, Some(OURS))
        .change_set(ChangeSetState::Executed, changes())
}

#[test]
fn once_executed_the_stack_and_the_service_tell_what_comes_of_it() {
    let waits = "starting unregistered -60s | wait 30s stack-update";
    check(vec![
        (
            "the service is not reached yet",
            intended(-60),
            executed("UPDATE_IN_PROGRESS"),
            waits,
        ),
        (
            "the service has our image",
            intended(-60),
            executed("UPDATE_IN_PROGRESS")
                .service_look(found(service(vec![deployment("web:8", "ecs-svc/8", -5)])))
                .runs("b"),
            "progressing web:8 ecs-svc/8 | now",
        ),
        (
            "it is being rolled back",
            intended(-60),
            executed("UPDATE_ROLLBACK_IN_PROGRESS"),
            waits,
        ),
        (
            "it was rolled back before it reached the service",
            intended(-60),
            executed("UPDATE_ROLLBACK_COMPLETE"),
            "rejected stack-went-back | over",
        ),
        (
            "it was rolled back after it had reached the service, which nobody saw",
            intended(-60),
            executed("UPDATE_ROLLBACK_COMPLETE")
                .service_look(found(service(vec![deployment("web:7", "ecs-svc/9", -5)])))
                .of_stack(|stack| stack.failed = Some(failed())),
            "rolling-back stack-failed to web:7 seen by CloudFormation | now",
        ),
        (
            "the same, and the change set says that it failed",
            intended(-60),
            executed("UPDATE_ROLLBACK_COMPLETE").change_set(
                ChangeSetState::ExecutionFailed {
                    reason: String::new(),
                },
                changes(),
            ),
            "rejected stack-went-back | over",
        ),
        (
            "its rollback failed",
            intended(-60),
            executed("UPDATE_ROLLBACK_FAILED"),
            "halted stack-wedged stack-failed | over",
        ),
        (
            "it failed, and rollback was switched off",
            intended(-60),
            executed("UPDATE_FAILED"),
            "halted stack-wedged stack-failed | over",
        ),
    ]);
}

#[test]
fn what_is_not_done_at_the_deadline_is_cancelled_and_what_somebody_else_did_is_left() {
    let late = || {
        Given::new(starting::phase(None, Some(-1900)))
            .through_stack()
            .policy(|policy| policy.deadline_seconds = 60)
    };
    let waits = "starting unregistered -60s | wait 30s stack-update";
    check(vec![
        (
            "it is not done at the deadline",
            late(),
            executed("UPDATE_IN_PROGRESS").change_set(ChangeSetState::Executing, changes()),
            "starting unregistered -1900s | cancel update | now",
        ),
        (
            "which may not be readable yet",
            late().asked(|asked| asked.cancelled_at = Some(at(-29))),
            executed("UPDATE_IN_PROGRESS").change_set(ChangeSetState::Executing, changes()),
            "starting unregistered -1900s | wait 30s stack-update",
        ),
        (
            "and does not show later",
            late().asked(|asked| asked.cancelled_at = Some(at(-30))),
            executed("UPDATE_IN_PROGRESS").change_set(ChangeSetState::Executing, changes()),
            "starting unregistered -1900s | cancel update | now",
        ),
        (
            "it goes back, which has as long once more",
            intended(-60).deadline(31),
            executed("UPDATE_ROLLBACK_IN_PROGRESS"),
            waits,
        ),
        (
            "and not longer",
            intended(-60).deadline(30),
            executed("UPDATE_ROLLBACK_IN_PROGRESS"),
            "rejected stack-went-back | over",
        ),
        (
            "it is over, and what goes on is somebody else's",
            late(),
            executed("UPDATE_IN_PROGRESS"),
            "superseded somebody-else | over",
        ),
        (
            "it is done, and somebody else changed the service",
            intended(-60),
            executed("UPDATE_COMPLETE")
                .service_look(found(service(vec![deployment("web:9", "ecs-svc/9", -5)])))
                .runs("c"),
            "superseded somebody-else | over",
        ),
        (
            "it is done, and the read lags",
            intended(-60),
            executed("UPDATE_COMPLETE"),
            waits,
        ),
    ]);
}

/// The stack is done, and the service is in this deployment of another image.
fn elsewhere(deployment: ServiceDeployment) -> Seen {
    executed("UPDATE_COMPLETE")
        .service_look(found(service(vec![deployment])))
        .runs("c")
}

#[test]
fn a_stack_that_is_done_without_our_image_is_looked_at_until_that_is_sure() {
    let theirs = |seconds| elsewhere(deployment("web:9", "ecs-svc/9", seconds));
    let waits = "starting unregistered -60s | wait 30s stack-update";
    check(vec![
        (
            "the reads may lag",
            intended(-29),
            theirs(-5),
            "starting unregistered -29s | wait 30s stack-update",
        ),
        (
            "… and do not",
            intended(-30),
            theirs(-5),
            "superseded somebody-else | over",
        ),
        (
            "it was made no later than what ran",
            intended(-60),
            theirs(-3600),
            waits,
        ),
        (
            "it is what ran, up to a second before the deadline",
            intended(-60).deadline(61),
            executed("UPDATE_COMPLETE"),
            waits,
        ),
        (
            "… and at it",
            intended(-60).deadline(60),
            executed("UPDATE_COMPLETE"),
            "rejected stack-not-fed | over",
        ),
    ]);
}

/// The stack still is shown as it was after an earlier update had been rolled back.
#[test]
fn a_stack_that_went_back_from_an_earlier_update_is_not_taken_for_ours() {
    let rests = |state| {
        let rests = before().stack("UPDATE_ROLLBACK_COMPLETE", Some("an earlier one"));
        rests.change_set(state, changes())
    };
    let (executing, done) = (ChangeSetState::Executing, ChangeSetState::Executed);
    let waits = "starting unregistered -60s | wait 30s stack-update";
    check(vec![
        (
            "ours is being executed",
            intended(-60),
            rests(executing.clone()),
            waits,
        ),
        (
            "the reads may lag",
            intended(-29),
            rests(done.clone()),
            "starting unregistered -29s | wait 30s stack-update",
        ),
        (
            "… and do not",
            intended(-30),
            rests(done),
            "rejected stack-went-back | over",
        ),
        (
            "at the deadline",
            intended(-60).deadline(60),
            rests(executing.clone()),
            "rejected stack-went-back | over",
        ),
        (
            "ours went back already",
            intended(-29),
            rests(executing).of_stack(|stack| stack.change_set = Some(OURS.to_owned())),
            "rejected stack-went-back | over",
        ),
    ]);
}

/// The update reached the service unseen, and was taken back.
fn came_and_went() -> Seen {
    executed("UPDATE_ROLLBACK_COMPLETE").service_look(found(service(vec![deployment(
        "web:7",
        "ecs-svc/9",
        -5,
    )])))
}

#[test]
fn an_update_that_came_and_went_unseen_tells_who_took_it_back() {
    let failed = || came_and_went().of_stack(|stack| stack.failed = Some(failed()));
    check(vec![
        (
            "CloudFormation, and nothing was good before",
            intended(-60),
            failed().nothing_good(),
            "halted nothing-to-go-back-to stack-failed | over",
        ),
        (
            "Pushboat, at the deadline",
            intended(-60).asked(|asked| asked.cancelled_at = Some(at(-40))),
            failed(),
            "rolling-back deadline-reached to web:7 cancelled -40s | now",
        ),
        (
            "a person",
            intended(-60),
            came_and_went().of_stack(|stack| stack.status_reason = "User Initiated".to_owned()),
            "rolling-back put-back-by-hand to web:7 seen by Person | now",
        ),
    ]);
}

#[test]
fn what_stopped_names_the_revision_that_came_and_went() {
    let after = |given: Given, primary: &str| {
        let seen = came_and_went();
        let seen = seen.primary(|one| one.task_definition = primary.to_owned());
        let (Given(rollout), Seen(observation)) = (given, seen);
        let decision = decide(&rollout.policy, &rollout, &observation, now());
        match decision.phase {
            Phase::RollingBack { running, .. } => running,
            other => panic!("{other:?}"),
        }
    };
    let stopped = |task_definition: &str| StoppedTask {
        task_definition: task_definition.to_owned(),
        ..stopped_tasks::crashed(task_definition)
    };
    let both = |other: &str| {
        let given = intended(-60).stopped(stopped(other));
        given.stopped(stopped("web:8"))
    };
    let told = after(both("web:7"), "web:7");
    assert_eq!(
        told,
        Running {
            revision: "web:8".to_owned(),
            deployment: "ecs-svc/9".to_owned(),
            deployment_created_at: at(-5),
            asked_at: at(-60),
            deadline_from: None,
            paused_at: None,
        }
    );
    let of_the_old = after(both("web:7"), "web:6");
    let of_what_runs = after(both("web:6"), "web:6");
    assert_eq!(
        (&*of_the_old.revision, &*of_what_runs.revision),
        ("web:8", "web:8")
    );
    assert_eq!(after(intended(-60), "web:7").revision, "web:7");
}
