//! From the change set until it is executed.

use super::*;

/// The change set was meant to be made, or executed, this many seconds ago.
pub(super) fn intended(seconds: i64) -> Given {
    Given::new(starting::phase(None, Some(seconds))).through_stack()
}

impl Given {
    /// It began a minute ago, and has so many seconds from then.
    pub(super) fn deadline(self, seconds: u32) -> Self {
        self.policy(|policy| policy.deadline_seconds = seconds)
    }
}

pub(super) fn before() -> Seen {
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
