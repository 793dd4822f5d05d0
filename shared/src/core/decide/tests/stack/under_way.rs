//! What the stack says of a deployment under way.

use super::*;

fn given() -> Given {
    progressing::given().through_stack()
}

fn seen(word: &str) -> Seen {
    progressing::under_way().stack(word, Some(OURS))
}

#[test]
fn the_stack_says_whether_it_is_done() {
    check(vec![
        (
            "tasks are replaced",
            given(),
            seen("UPDATE_IN_PROGRESS"),
            "progressing web:8 ecs-svc/8 | wait 30s deployment",
        ),
        (
            "the service is done, the stack is not",
            given(),
            progressing::done().stack("UPDATE_IN_PROGRESS", Some(OURS)),
            "progressing web:8 ecs-svc/8 | wait 30s stack-update",
        ),
        (
            "both are done",
            given(),
            progressing::done().stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Some(OURS)),
            "baking ecs-svc/8 until 300s | wait 30s bake-time",
        ),
    ]);
}

#[test]
fn the_stack_says_whether_it_goes_back() {
    let broke = |word: &str| seen(word).of_stack(|stack| stack.failed = Some(failed()));
    check(vec![
        (
            "CloudFormation goes back",
            given(),
            broke("UPDATE_ROLLBACK_IN_PROGRESS"),
            "rolling-back stack-failed to web:7 seen by CloudFormation | now",
        ),
        (
            "CloudFormation has gone back, and the service with it",
            given(),
            progressing::foreign("web:7", -5)
                .stack("UPDATE_ROLLBACK_COMPLETE", Some(OURS))
                .of_stack(|stack| stack.failed = Some(failed())),
            "rolling-back stack-failed to web:7 seen by CloudFormation | now",
        ),
        (
            "somebody cancelled the update",
            given(),
            seen("UPDATE_ROLLBACK_IN_PROGRESS"),
            "rolling-back put-back-by-hand to web:7 seen by Person | now",
        ),
        (
            "the service went on before the stack was seen to",
            given(),
            progressing::foreign("web:9", -5).stack("UPDATE_IN_PROGRESS", Some(OURS)),
            "progressing web:8 ecs-svc/8 | wait 30s aws",
        ),
        (
            "the rollback failed",
            given(),
            broke("UPDATE_ROLLBACK_FAILED"),
            "halted stack-wedged stack-failed | over",
        ),
        (
            "it failed, and rollback was switched off",
            given(),
            broke("UPDATE_FAILED"),
            "halted stack-wedged stack-failed | over",
        ),
        (
            "the stack is gone",
            given(),
            progressing::under_way().change(|seen| seen.stack = Look::Taken(StackLook::Missing)),
            "superseded service-gone | over",
        ),
        (
            "somebody updated the stack since, and the service runs our image",
            given(),
            progressing::done().stack("UPDATE_COMPLETE", Some("theirs")),
            "baking ecs-svc/8 until 300s | wait 30s bake-time",
        ),
        (
            "it goes back from somebody else's update",
            given(),
            progressing::done().stack("UPDATE_ROLLBACK_IN_PROGRESS", Some("theirs")),
            "baking ecs-svc/8 until 300s | wait 30s bake-time",
        ),
        (
            "… which was no change set, and ours was done",
            given().asked(|asked| asked.done = true),
            progressing::done().stack("UPDATE_ROLLBACK_IN_PROGRESS", Some(OURS)),
            "baking ecs-svc/8 until 300s | wait 30s bake-time",
        ),
    ]);
}

#[test]
fn pushboats_own_cancel_at_the_deadline_is_nobody_elses() {
    check(vec![(
        "it came just when the update reached the service",
        given().asked(|asked| asked.cancelled_at = Some(at(-40))),
        seen("UPDATE_ROLLBACK_IN_PROGRESS"),
        "rolling-back deadline-reached to web:7 cancelled -40s | now",
    )]);
}

/// While the stack is being updated nothing else can be.
#[test]
fn a_newer_push_waits_for_the_update_or_its_way_back() {
    let newer = || seen("UPDATE_IN_PROGRESS").newer();
    let failing = |seen: Seen| seen.primary(|primary| primary.failed_tasks = 1);
    let waits = "progressing web:8 ecs-svc/8 | wait 30s deployment";
    check(vec![
        (
            "it takes over at once",
            given().immediately(),
            newer(),
            waits,
        ),
        (
            "… once the update is done",
            given().immediately(),
            progressing::done()
                .stack("UPDATE_COMPLETE", Some(OURS))
                .newer(),
            "superseded newer-push | over",
        ),
        ("this one is failing", given(), failing(newer()), waits),
        (
            "… and there is nothing to go back to",
            given(),
            failing(newer()).nothing_good(),
            "superseded newer-push | over",
        ),
    ]);
}

#[test]
fn what_cloudformation_makes_of_the_service_is_waited_for_until_the_deadline() {
    let went_on = || progressing::foreign("web:9", -5).stack("UPDATE_IN_PROGRESS", Some(OURS));
    check(vec![
        (
            "a second before it",
            progressing::asked(-1799).through_stack(),
            went_on(),
            "progressing web:8 ecs-svc/8 | wait 15s aws",
        ),
        (
            "at it",
            progressing::asked(-1800).through_stack(),
            went_on(),
            "superseded somebody-else | over",
        ),
    ]);
}

#[test]
fn who_has_to_mend_a_stack_is_told_which_one() {
    let seen = seen("UPDATE_ROLLBACK_FAILED").of_stack(|stack| stack.failed = Some(failed()));
    let (Given(rollout), Seen(observation)) = (given(), seen);
    let decision = decide(&rollout.policy, &rollout, &observation, now());
    match decision.phase {
        Phase::Halted {
            reason: Halted::StackWedged { stack, status, .. },
        } => assert_eq!(
            (stack.as_str(), status.as_str()),
            ("web", "UPDATE_ROLLBACK_FAILED")
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_tasks_died_of_is_told_beside_what_cloudformation_says() {
    let crashed = || stopped_tasks::crashed("1");
    let given = given()
        .stopped(crashed())
        .stopped(stopped_tasks::crashed("2"));
    let seen = seen("UPDATE_ROLLBACK_IN_PROGRESS");
    let seen = seen.of_stack(|stack| stack.failed = Some(failed()));
    let (Given(rollout), Seen(observation)) = (given, seen);
    let decision = decide(&rollout.policy, &rollout, &observation, now());
    let failure = decision.phase.failure().unwrap();
    assert_eq!(failure.as_str(), "stack-failed");
    assert_eq!(failure.cause(), Some(Cause::ApplicationError));
}
