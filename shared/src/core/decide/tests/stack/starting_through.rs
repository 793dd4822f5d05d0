//! From the change set until the service has our image.

use super::*;

/// The change set was meant to be made, or executed, this many seconds ago.
fn intended(seconds: i64) -> Given {
    Given::new(starting::phase(None, Some(seconds))).through_stack()
}

fn before() -> Seen {
    let good = Some("web:7".to_owned());
    let seen = starting::before(true).change(|seen| seen.last_known_good = good);
    seen.runs("a").stack("UPDATE_COMPLETE", None)
}

fn available(changes: Vec<ResourceChange>) -> Seen {
    before().change_set(ChangeSetState::Available, changes)
}

#[test]
fn what_somebody_deployed_before_it_is_executed_stays() {
    let theirs = || {
        let theirs = deployment("web:9", "ecs-svc/9", -5);
        available(changes()).service_look(found(service(vec![theirs])))
    };
    let executed = "starting unregistered 0s | execute change set | now";
    check(vec![
        (
            "another image",
            intended(-60),
            theirs().runs("c"),
            "superseded somebody-else | over",
        ),
        (
            "our own earlier one",
            intended(-60),
            theirs().runs("c").asked_before("ecs-svc/9"),
            executed,
        ),
        (
            "what ran before, once more",
            intended(-60),
            available(changes()).service_look(found(service(vec![deployment(
                "web:7",
                "ecs-svc/9",
                -5,
            )]))),
            executed,
        ),
        (
            "it cannot be told whose it is",
            intended(-60),
            theirs().change(|seen| seen.definition = unavailable()),
            "starting unregistered -60s | wait 15s aws",
        ),
    ]);
}

#[test]
fn what_may_have_been_executed_is_not_given_up_before_that_would_show() {
    let newer = || available(changes()).newer();
    check(vec![
        (
            "a newer push",
            intended(-29),
            newer(),
            "starting unregistered -29s | wait 1s read-lag",
        ),
        (
            "… and it was not executed",
            intended(-30),
            newer(),
            "superseded newer-push | over",
        ),
    ]);
}

#[test]
fn the_change_set_is_executed_where_it_brings_the_image_and_nothing_else() {
    let with = |extra: Vec<ResourceChange>| [changes(), extra].concat();
    let replaced = vec![
        change("TaskDefinition", TASK_DEFINITION, "True"),
        change("Service", SERVICE, "True"),
    ];
    let removed = ResourceChange {
        action: "Remove".to_owned(),
        ..change("Old", TASK_DEFINITION, "False")
    };
    let executed = "starting unregistered 0s | execute change set | now";
    let asked = "starting unregistered 0s | wait 30s approval";
    check(vec![
        (
            "what an image brings",
            intended(-60),
            available(changes()),
            executed,
        ),
        (
            "what is allowed too",
            intended(-60),
            available(with(vec![change(
                "Dashboard",
                "AWS::CloudWatch::Dashboard",
                "True",
            )])),
            executed,
        ),
        (
            "something else too",
            intended(-60),
            available(with(unexpected())),
            asked,
        ),
        (
            "the service is replaced",
            intended(-60),
            available(replaced),
            asked,
        ),
        (
            "a task definition is removed",
            intended(-60),
            available(with(vec![removed])),
            asked,
        ),
    ]);
}

#[test]
fn a_change_set_that_cannot_or_need_not_be_executed_is_not() {
    check(vec![
        (
            "no task definition at all",
            intended(-60),
            available(unexpected()),
            "rejected stack-not-fed | over",
        ),
        (
            "nothing",
            intended(-60),
            before().change_set(ChangeSetState::Unchanged, Vec::new()),
            "rejected stack-unchanged | over",
        ),
        (
            "it is being worked out",
            intended(-5),
            before().change_set(ChangeSetState::Pending, Vec::new()),
            "starting unregistered -5s | wait 10s change-set",
        ),
        (
            "it could not be made",
            intended(-60),
            before().change_set(
                ChangeSetState::Failed {
                    reason: "no".to_owned(),
                },
                Vec::new(),
            ),
            "rejected change-set-failed | over",
        ),
        (
            "the service is being deleted",
            intended(-60),
            available(changes()).service(|one| one.active = false),
            "superseded service-gone | over",
        ),
        (
            "it could not be executed",
            intended(-60),
            before().change_set(
                ChangeSetState::ExecutionFailed {
                    reason: "no".to_owned(),
                },
                changes(),
            ),
            "rejected change-set-failed | over",
        ),
        (
            "a newer push waits",
            intended(-60),
            available(changes()).newer(),
            "superseded newer-push | over",
        ),
        (
            "somebody updates the stack",
            intended(-60),
            available(changes()).stack("UPDATE_IN_PROGRESS", None),
            "starting unregistered -60s | wait 30s stack-busy",
        ),
    ]);
}

#[test]
fn a_change_set_that_is_not_there_is_made_once_it_surely_is_not() {
    let made = "starting unregistered 0s | make change set with sha256:b | now";
    check(vec![
        (
            "the read may lag",
            intended(-29),
            before().no_change_set(),
            "starting unregistered -29s | wait 1s read-lag",
        ),
        (
            "it never was made",
            intended(-30),
            before().no_change_set(),
            made,
        ),
        (
            "the stack was changed since",
            intended(-60),
            before().change_set(ChangeSetState::Obsolete, changes()),
            made,
        ),
        (
            "the stack is busy",
            intended(-30),
            before().no_change_set().stack("UPDATE_IN_PROGRESS", None),
            "starting unregistered -30s | wait 30s stack-busy",
        ),
        (
            "a person deleted what they were to approve",
            intended(-60).asked(|asked| {
                let approval = Approval::ask(None, OURS, unexpected(), at(-40));
                asked.approval = Some(approval);
            }),
            before().no_change_set(),
            "rejected change-set-declined | over",
        ),
        (
            "it went with the execution of another one",
            intended(-60).asked(|asked| {
                let approval = Approval::ask(None, OURS, unexpected(), at(-40));
                asked.approval = Some(approval);
            }),
            before()
                .no_change_set()
                .stack("UPDATE_COMPLETE", Some("theirs")),
            made,
        ),
        (
            "it was executed, and is not kept",
            intended(-60),
            before()
                .no_change_set()
                .stack("UPDATE_IN_PROGRESS", Some(OURS)),
            "starting unregistered -60s | wait 30s stack-update",
        ),
    ]);
}

#[test]
fn an_approval_is_asked_for_again_each_hour() {
    let before = Approval::ask(None, OURS, unexpected(), at(0));
    let again = |seconds| Approval::ask(Some(&before), OURS, unexpected(), at(seconds));
    assert_eq!(again(3599).asked_at, at(0));
    assert_eq!(again(3600).asked_at, at(3600));
    let another = Approval::ask(Some(&before), BACK, unexpected(), at(5));
    assert_eq!(another.asked_at, at(5));
}

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
