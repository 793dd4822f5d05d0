//! From the change set until the service has our image.

use super::*;

/// The change set was meant to be made, or executed, this many seconds ago.
fn intended(seconds: i64) -> Given {
    Given::new(starting::phase(None, Some(seconds))).through_stack()
}

impl Given {
    /// It began a minute ago, and has so many seconds from then.
    fn deadline(self, seconds: u32) -> Self {
        self.policy(|policy| policy.deadline_seconds = seconds)
    }
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
            "our image, which CloudFormation does not tell of yet",
            intended(-60),
            theirs().runs("b"),
            executed,
        ),
        (
            "another revision, made no later than what ran",
            intended(-60),
            theirs()
                .runs("c")
                .primary(|primary| primary.created_at = at(-3600)),
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
        (
            "the deadline",
            intended(-29).deadline(60),
            available(changes()),
            "starting unregistered -29s | wait 1s read-lag",
        ),
        (
            "… and it was not executed",
            intended(-30).deadline(60),
            available(changes()),
            "rejected aws-unavailable | over",
        ),
        (
            "while there is time, and nothing newer",
            intended(-29).deadline(61),
            available(changes()),
            "starting unregistered 0s | execute change set | now",
        ),
    ]);
}

#[test]
fn a_change_set_is_waited_for_until_the_deadline() {
    let pending = || before().change_set(ChangeSetState::Pending, Vec::new());
    check(vec![
        (
            "a second before it",
            intended(-60).deadline(61),
            pending(),
            "starting unregistered -60s | wait 10s change-set",
        ),
        (
            "at it",
            intended(-60).deadline(60),
            pending(),
            "rejected aws-unavailable | over",
        ),
        (
            "at it, while somebody updates the stack",
            intended(-60).deadline(60),
            pending().stack("UPDATE_IN_PROGRESS", None),
            "rejected stack-busy | over",
        ),
    ]);
}

#[test]
fn an_alarm_that_fires_when_it_is_executed_is_noted() {
    let (Given(rollout), Seen(observation)) =
        (intended(-60), available(changes()).alarm(AlarmState::Alarm));
    let decision = decide(&rollout.policy, &rollout, &observation, now());
    assert_eq!(
        summary(&decision),
        "starting unregistered 0s | execute change set | now"
    );
    let Look::Taken(seen) = &observation.alarms else {
        panic!("{observation:?}")
    };
    let before = &rollout.phase.start().unwrap().alarms;
    let noted = &decision.phase.start().unwrap().alarms;
    assert_eq!(*noted, AlarmWatch::begin_again(before, seen));
    assert_ne!(noted, before);
}

#[test]
fn while_a_person_is_asked_the_deadline_begins_anew() {
    let extra = [changes(), unexpected()].concat();
    let (Given(rollout), Seen(observation)) = (intended(-60), available(extra));
    let decision = decide(&rollout.policy, &rollout, &observation, now());
    let start = decision.phase.start().unwrap();
    assert_eq!(start.at, now());
    let approval = start.stack.as_ref().unwrap().approval.as_ref().unwrap();
    assert_eq!(
        (approval.asked_at, approval.change_set.as_str()),
        (now(), OURS)
    );
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
