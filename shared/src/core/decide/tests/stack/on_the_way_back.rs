//! The way back, by a cancelled update or another change set.

use super::*;

fn given(way: Way) -> Given {
    Given::new(rolling_back::phase(way)).through_stack()
}

fn asked(seconds: i64) -> Given {
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
fn ours(word: &str, change_set: &str) -> Seen {
    rolling_back::ours()
        .runs("b")
        .good("a")
        .stack(word, Some(change_set))
}

/// The service runs the image that was good, under a revision that CloudFormation made.
fn good(word: &str, change_set: &str) -> Seen {
    ours(word, change_set)
        .service_look(found(service(vec![deployment("web:9", "ecs-svc/9", -5)])))
        .runs("a")
}

impl Seen {
    fn good(self, image: &str) -> Self {
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

fn cancelled() -> Given {
    given(Way::Cancel {
        intended_at: at(-60),
    })
}

/// The service runs the revision that was good.
fn at_home(word: &str) -> Seen {
    good(word, OURS).service_look(found(service(vec![deployment("web:7", "ecs-svc/9", -5)])))
}

/// The stack went back to a revision that was there before the good one.
fn landed() -> Seen {
    let before = deployment("web:5", "ecs-svc/9", -5);
    let seen = good("UPDATE_ROLLBACK_COMPLETE", OURS).history(|_| ());
    let seen = seen.also_recorded(0, "web:5");
    seen.service_look(found(service(vec![before])))
}

/// The revision that was good names its image by a tag, which stands for this one now.
fn by_tag(image: &str) -> Seen {
    let resolved = digest(image.chars().next().unwrap());
    let seen = at_home("UPDATE_ROLLBACK_COMPLETE").history(|record| {
        record.target_digests = [("app".to_owned(), resolved)].into();
    });
    seen.also_recorded(0, "web:7").change(|seen| {
        seen.good_by_tag = true;
        seen.definition = Look::Taken(definition("team/web:live"));
    })
}

#[test]
fn it_is_back_where_the_service_runs_the_images_that_were_good() {
    check(vec![
        (
            "under its own revision",
            cancelled(),
            at_home("UPDATE_ROLLBACK_COMPLETE"),
            "rolled-back alarm-fired to web:7 by Pushboat | over",
        ),
        (
            "CloudFormation did it",
            given(Way::Observed {
                by: RolledBackBy::CloudFormation,
            }),
            at_home("UPDATE_ROLLBACK_COMPLETE"),
            "rolled-back alarm-fired to web:7 by CloudFormation | over",
        ),
        (
            "under another revision",
            asked(-60),
            good("UPDATE_COMPLETE", BACK),
            "rolling-back alarm-fired to web:9 asked -60s | now",
        ),
        (
            "its tasks are being replaced",
            cancelled(),
            at_home("UPDATE_ROLLBACK_COMPLETE")
                .primary(|primary| primary.state = DeploymentState::InProgress),
            "rolling-back alarm-fired to web:7 cancelled -60s | wait 30s way-back",
        ),
    ]);
}

#[test]
fn who_was_faster_is_told() {
    let failed_then = |seen: Seen| seen.of_stack(|stack| stack.failed = Some(failed()));
    let cloudformation = "rolled-back alarm-fired to web:7 by CloudFormation | over";
    let person = "rolled-back alarm-fired to web:7 by Person | over";
    let unasked = || given(Way::Unasked);
    let mut deployed = unasked();
    if let Phase::RollingBack { back, .. } = &mut deployed.0.phase {
        back.to = "web:8".to_owned();
    }
    check(vec![
        (
            "CloudFormation, which gave the update up",
            unasked(),
            failed_then(at_home("UPDATE_ROLLBACK_COMPLETE")),
            cloudformation,
        ),
        (
            "a person, who cancelled the update",
            unasked(),
            at_home("UPDATE_ROLLBACK_COMPLETE"),
            person,
        ),
        (
            "a person, though somebody else's update failed",
            unasked(),
            failed_then(at_home("UPDATE_ROLLBACK_COMPLETE"))
                .of_stack(|stack| stack.change_set = Some("theirs".to_owned())),
            person,
        ),
        (
            "a person, who left the stack as it was",
            unasked(),
            failed_then(at_home("UPDATE_COMPLETE")),
            person,
        ),
        (
            "nobody: what was deployed has the images that were good",
            deployed,
            ours("UPDATE_COMPLETE", OURS).runs("a"),
            "rolled-back alarm-fired to web:8 by Pushboat | over",
        ),
    ]);
}

#[test]
fn where_the_stack_went_back_to_what_was_not_good_that_is_brought() {
    let brings = "rolling-back alarm-fired to web:7 asked 0s | make change set with sha256:a | now";
    check(vec![
        (
            "the stack went back to something that was not good",
            cancelled(),
            landed().runs("c"),
            brings,
        ),
        (
            "… and somebody deployed since",
            cancelled(),
            landed().runs("c").also_recorded(1, "web:6"),
            "superseded somebody-else | over",
        ),
        (
            "… or what runs is newer than ours, and so nothing that the stack had",
            cancelled(),
            good("UPDATE_ROLLBACK_COMPLETE", OURS)
                .runs("c")
                .history(|_| ())
                .also_recorded(0, "web:9"),
            "superseded somebody-else | over",
        ),
        (
            "… or CloudFormation did not go back",
            cancelled(),
            landed().stack("UPDATE_COMPLETE", Some(OURS)).runs("c"),
            "superseded somebody-else | over",
        ),
        (
            "… or it went back from somebody else's update",
            cancelled(),
            landed()
                .stack("UPDATE_ROLLBACK_COMPLETE", Some("theirs"))
                .runs("c"),
            "superseded somebody-else | over",
        ),
        (
            "… or the service is another one",
            cancelled(),
            good("UPDATE_ROLLBACK_COMPLETE", OURS)
                .runs("c")
                .change(|seen| seen.history = Look::Taken(Vec::new())),
            "superseded somebody-else | over",
        ),
        (
            "… and nobody can tell",
            cancelled(),
            landed()
                .runs("c")
                .change(|seen| seen.history = unavailable()),
            "rolling-back alarm-fired to web:7 cancelled -60s | wait 15s aws",
        ),
    ]);
}

#[test]
fn a_revision_that_names_its_image_by_a_tag_is_held_against_what_that_stood_for() {
    let brings = "rolling-back alarm-fired to web:7 asked 0s | make change set with sha256:a | now";
    check(vec![
        (
            "it names its image by a tag, which stands for another one now",
            cancelled(),
            by_tag("c"),
            brings,
        ),
        (
            "it reads the same, whatever was recorded of it",
            cancelled(),
            at_home("UPDATE_ROLLBACK_COMPLETE").change(|seen| seen.good_by_tag = true),
            "rolled-back alarm-fired to web:7 by Pushboat | over",
        ),
        (
            "… and for the same one",
            cancelled(),
            by_tag("a"),
            "rolled-back alarm-fired to web:7 by Pushboat | over",
        ),
    ]);
}
