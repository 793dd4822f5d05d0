//! The way back, by a cancelled update or another change set.

use super::*;

pub(super) fn given(way: Way) -> Given {
    Given::new(rolling_back::phase(way)).through_stack()
}

pub(super) fn asked(seconds: i64) -> Given {
    let intended_at = Some(at(seconds));
    given(Way::Update { intended_at }).back_by(BACK)
}

impl Given {
    fn back_by(mut self, change_set: &str) -> Self {
        if let Phase::RollingBack { back, .. } = &mut self.0.phase {
            back.stack = Some(Box::new(StackBack {
                change_set: change_set.to_owned(),
                approval: None,
            }));
        }
        self
    }
}

/// The service runs our image.
pub(super) fn ours(word: &str, change_set: &str) -> Seen {
    rolling_back::ours()
        .runs("b")
        .good("a")
        .stack(word, Some(change_set))
}

/// The service runs the image that was good, under a revision that CloudFormation made.
pub(super) fn good(word: &str, change_set: &str) -> Seen {
    ours(word, change_set)
        .service_look(found(service(vec![deployment("web:9", "ecs-svc/9", -5)])))
        .runs("a")
}

impl Seen {
    pub(super) fn good(self, image: &str) -> Self {
        let image = format!("team/web@{}", digest(image.chars().next().unwrap()));
        self.change(|seen| seen.good_definition = Look::Taken(Some(definition(&image))))
    }
}

#[test]
fn an_update_under_way_is_cancelled() {
    let by = |by| given(Way::Observed { by });
    let cancelled = |seconds| {
        given(Way::Cancel {
            intended_at: at(seconds),
        })
    };
    let cancels = "rolling-back alarm-fired to web:7 cancelled 0s | cancel update | now";
    check(vec![
        (
            "at once",
            given(Way::Unasked),
            ours("UPDATE_IN_PROGRESS", OURS),
            cancels,
        ),
        (
            "unless somebody deployed meanwhile",
            given(Way::Unasked),
            ours("UPDATE_IN_PROGRESS", OURS).service_look(found(service(vec![deployment(
                "web:9",
                "ecs-svc/9",
                -5,
            )]))),
            "superseded somebody-else | over",
        ),
        (
            "unless ours is over: it is somebody else's",
            given(Way::Unasked),
            ours("UPDATE_IN_PROGRESS", OURS).change_set(ChangeSetState::Executed, changes()),
            "rolling-back alarm-fired to web:7 unasked | wait 30s stack-busy",
        ),
        (
            "unless nobody can tell whether ours is over",
            given(Way::Unasked),
            ours("UPDATE_IN_PROGRESS", OURS).change(|seen| seen.change_set = unavailable()),
            "rolling-back alarm-fired to web:7 unasked | wait 15s aws",
        ),
        (
            "unless ours was done before: it is somebody else's",
            given(Way::Unasked).asked(|stack| stack.done = true),
            ours("UPDATE_IN_PROGRESS", OURS),
            "rolling-back alarm-fired to web:7 unasked | wait 30s stack-busy",
        ),
        (
            "which may not be readable yet",
            cancelled(-29),
            ours("UPDATE_IN_PROGRESS", OURS),
            "rolling-back alarm-fired to web:7 cancelled -29s | wait 30s way-back",
        ),
        (
            "once more",
            cancelled(-30),
            ours("UPDATE_IN_PROGRESS", OURS),
            cancels,
        ),
        (
            "unless ECS gave it up a moment ago, which CloudFormation will notice",
            by(RolledBackBy::Ecs).began_back(-119),
            ours("UPDATE_IN_PROGRESS", OURS),
            "rolling-back alarm-fired to web:7 seen by Ecs | wait 30s way-back",
        ),
        (
            "and does not",
            by(RolledBackBy::Ecs).began_back(-120),
            ours("UPDATE_IN_PROGRESS", OURS),
            cancels,
        ),
    ]);
}

#[test]
fn a_service_or_a_stack_that_is_gone_ends_it() {
    let update = || ours("UPDATE_IN_PROGRESS", OURS);
    let gone = "superseded service-gone | over";
    check(vec![
        (
            "the service is being deleted",
            given(Way::Unasked),
            update().service(|one| one.active = false),
            gone,
        ),
        (
            "the stack is gone",
            given(Way::Unasked),
            update().change(|seen| seen.stack = Look::Taken(StackLook::Missing)),
            gone,
        ),
    ]);
}

#[test]
fn an_update_that_goes_back_is_watched() {
    let cancelled = given(Way::Cancel {
        intended_at: at(-60),
    });
    check(vec![
        (
            "it goes back",
            cancelled,
            ours("UPDATE_ROLLBACK_IN_PROGRESS", OURS),
            "rolling-back alarm-fired to web:7 cancelled -60s | wait 30s way-back",
        ),
        (
            "CloudFormation was faster",
            given(Way::Unasked),
            ours("UPDATE_ROLLBACK_IN_PROGRESS", OURS)
                .of_stack(|stack| stack.failed = Some(failed())),
            "rolling-back alarm-fired to web:7 seen by CloudFormation | wait 30s way-back",
        ),
        (
            "somebody's update goes on, which is no change set",
            given(Way::Unasked),
            ours("UPDATE_IN_PROGRESS", OURS).of_stack(|stack| stack.change_set = None),
            "rolling-back alarm-fired to web:7 unasked | wait 30s stack-busy",
        ),
        (
            "ours was done, so that it goes back from somebody else's",
            given(Way::Unasked).asked(|stack| stack.done = true),
            ours("UPDATE_ROLLBACK_IN_PROGRESS", OURS),
            "rolling-back alarm-fired to web:7 unasked | wait 30s stack-busy",
        ),
        (
            "ours was done, and it is the way back that is rolled back",
            asked(-60).asked(|stack| stack.done = true),
            ours("UPDATE_ROLLBACK_IN_PROGRESS", BACK),
            "rolling-back alarm-fired to web:7 asked -60s | wait 30s way-back",
        ),
        (
            "a person was faster, who cancelled the update",
            given(Way::Unasked),
            ours("UPDATE_ROLLBACK_IN_PROGRESS", OURS)
                .of_stack(|stack| stack.status_reason = "User Initiated".to_owned()),
            "rolling-back alarm-fired to web:7 seen by Person | wait 30s way-back",
        ),
    ]);
}

impl Given {
    fn began_back(mut self, seconds: i64) -> Self {
        if let Phase::RollingBack { back, .. } = &mut self.0.phase {
            back.began_at = at(seconds);
        }
        self
    }
}

#[test]
fn a_stack_that_is_done_is_brought_back_by_a_change_set() {
    let available = |seen: Seen| seen.change_set(ChangeSetState::Available, changes());
    let done = || ours("UPDATE_COMPLETE", OURS);
    check(vec![
        (
            "it is made",
            given(Way::Unasked),
            done(),
            "rolling-back alarm-fired to web:7 asked 0s | make change set with sha256:a | now",
        ),
        (
            "and executed",
            asked(-5),
            available(done()),
            "rolling-back alarm-fired to web:7 asked 0s | execute change set | now",
        ),
        (
            "unless it changes more than that",
            asked(-5),
            done().change_set(
                ChangeSetState::Available,
                [changes(), unexpected()].concat(),
            ),
            "rolling-back alarm-fired to web:7 asked -5s | wait 30s approval",
        ),
        (
            "it is being worked out",
            asked(-5),
            done().change_set(ChangeSetState::Pending, Vec::new()),
            "rolling-back alarm-fired to web:7 asked -5s | wait 10s change-set",
        ),
        (
            "it is not there, but the read may lag",
            asked(-29),
            done().no_change_set(),
            "rolling-back alarm-fired to web:7 asked -29s | wait 1s read-lag",
        ),
        (
            "it never was made",
            asked(-30),
            done().no_change_set(),
            "rolling-back alarm-fired to web:7 asked 0s | make change set with sha256:a | now",
        ),
        (
            "it was executed, and the service may be read late",
            asked(-29),
            ours("UPDATE_COMPLETE", BACK).change_set(ChangeSetState::Executed, changes()),
            "rolling-back alarm-fired to web:7 asked -29s | wait 1s read-lag",
        ),
        (
            "the stack is not free yet",
            given(Way::Unasked),
            ours("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", OURS),
            "rolling-back alarm-fired to web:7 unasked | wait 30s way-back",
        ),
        (
            "somebody else updates it",
            given(Way::Unasked),
            ours("UPDATE_IN_PROGRESS", "theirs"),
            "rolling-back alarm-fired to web:7 unasked | wait 30s stack-busy",
        ),
        (
            "it is under way",
            asked(-60),
            ours("UPDATE_IN_PROGRESS", BACK),
            "rolling-back alarm-fired to web:7 asked -60s | wait 30s way-back",
        ),
    ]);
}

/// The change set that is to lead back, as the decision records it.
fn recorded(Given(rollout): Given, Seen(observation): Seen) -> (Decision, StackBack) {
    let decision = decide(&rollout.policy, &rollout, &observation, now());
    let recorded = match &decision.phase {
        Phase::RollingBack { back, .. } => back.stack.as_deref().cloned(),
        other => panic!("{other:?}"),
    };
    (decision, recorded.unwrap())
}

#[test]
fn the_change_set_that_leads_back_is_recorded() {
    let done = || ours("UPDATE_COMPLETE", OURS);
    let (decision, made) = recorded(given(Way::Unasked), done());
    let [Action::CreateChangeSet(request)] = decision.actions.as_slice() else {
        panic!("{decision:?}")
    };
    assert_eq!(
        (made.change_set, made.approval),
        (request.name.clone(), None)
    );

    let extra = [changes(), unexpected()].concat();
    let (_, asked) = recorded(
        asked(-5),
        done().change_set(ChangeSetState::Available, extra),
    );
    let approval = Approval::ask(None, BACK, unexpected(), now());
    assert_eq!(
        (asked.change_set.as_str(), asked.approval),
        (BACK, Some(approval))
    );
}

#[test]
fn a_way_back_that_fails_is_for_people_and_what_others_do_is_left_alone() {
    let done = || ours("UPDATE_COMPLETE", OURS);
    check(vec![
        (
            "it cannot be made",
            asked(-5),
            done().change_set(
                ChangeSetState::Failed {
                    reason: "no".to_owned(),
                },
                Vec::new(),
            ),
            "halted way-back-refused alarm-fired | over",
        ),
        (
            "it failed itself",
            asked(-60),
            ours("UPDATE_ROLLBACK_COMPLETE", BACK)
                .change_set(ChangeSetState::Executed, changes())
                .of_stack(|stack| stack.failed = Some(failed())),
            "halted way-back-failed alarm-fired | over",
        ),
        (
            "its rollback failed",
            asked(-60),
            ours("UPDATE_ROLLBACK_FAILED", BACK),
            "halted stack-wedged alarm-fired | over",
        ),
        (
            "somebody's update failed, and rollback was switched off",
            given(Way::Unasked),
            ours("UPDATE_FAILED", "theirs"),
            "halted stack-wedged alarm-fired | over",
        ),
        (
            "somebody else changed the service",
            given(Way::Unasked),
            good("UPDATE_COMPLETE", "theirs").runs("c"),
            "superseded somebody-else | over",
        ),
        (
            "a newer push while nothing brings the stack back yet",
            given(Way::Unasked),
            done().newer(),
            "rolling-back alarm-fired to web:7 asked 0s | make change set with sha256:a | now",
        ),
        (
            "a newer push while it goes back",
            asked(-60),
            ours("UPDATE_IN_PROGRESS", BACK).newer(),
            "superseded newer-push | over",
        ),
    ]);
}
