//! Tasks that stopped while a deployment is under way or baking.

use super::progressing::{WAITS, asked, given, under_way};
use super::*;

pub(super) const NOT_FOUND: &str = "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref team/web@sha256:b: not found";
const WRONG_PLATFORM: &str = "CannotPullContainerError: image Manifest does not contain descriptor matching platform 'linux/arm64'";
const TIME_OUT: &str = "CannotPullContainerError: pull image manifest has been retried 5 time(s): dial tcp 10.0.0.10:443: i/o timeout";

/// A task of ours that never ran, in ECS's words.
pub(super) fn ours(id: &str, stopped_reason: &str) -> StoppedTask {
    StoppedTask {
        task_arn: format!("arn:aws:ecs:eu-west-1:123456789012:task/prod/{id}"),
        version: 5,
        task_definition: "web:8".to_owned(),
        started_by: "ecs-svc/8".to_owned(),
        group: "service:web".to_owned(),
        stop_code: "TaskFailedToStart".to_owned(),
        stopped_reason: stopped_reason.to_owned(),
        stopped_at: Some(at(-30)),
        ..StoppedTask::default()
    }
}

/// A task of ours whose container ended with code 1.
pub(super) fn crashed(id: &str) -> StoppedTask {
    StoppedTask {
        stop_code: "EssentialContainerExited".to_owned(),
        started: true,
        containers: vec![StoppedContainer {
            name: "app".to_owned(),
            exit_code: Some(1),
            last_status: "STOPPED".to_owned(),
            ..StoppedContainer::default()
        }],
        ..ours(id, "Essential container in task exited")
    }
}

/// The same of what ran before.
fn old(task: StoppedTask) -> StoppedTask {
    StoppedTask {
        task_arn: format!("{}-old", task.task_arn),
        task_definition: "web:7".to_owned(),
        started_by: "ecs-svc/7".to_owned(),
        ..task
    }
}

fn two_crashed(given: Given) -> Given {
    given.stopped(crashed("1")).stopped(crashed("2"))
}

/// ECR, asked again, has no such image, or has it after all.
fn registry(look: ImageLook) -> Seen {
    under_way().change(|seen| seen.image = Look::Taken(look))
}

fn there() -> ImageLook {
    ImageLook::Found {
        digest: digest('b'),
        content: ImageContent::Image(Vec::new()),
    }
}

const FAIL: &str = "rolling-back tasks-fail to web:7 unasked | now";
const CANNOT: &str = "rolling-back task-cannot-work to web:7 unasked | now";

#[test]
#[rustfmt::skip]
fn by_the_versions_fault() {
    let one = || given().stopped(crashed("1"));
    let third = |given: Given| two_crashed(given.policy(|policy| policy.max_failed_tasks.at_least = 3));
    check(vec![
        ("one, likely",                            one(), under_way(), WAITS),
        ("two, likely",                            two_crashed(given()), under_way(), FAIL),
        ("two, and the target allows two",         third(given()), under_way(), WAITS),
        ("three of them",                          third(given()).stopped(crashed("3")), under_way(), FAIL),
        ("two of forty that are wanted",           two_crashed(given()), under_way().service(|one| one.desired = 40), WAITS),
        ("two, nothing was proven good",           two_crashed(given()), under_way().nothing_good(), "halted nothing-to-go-back-to tasks-fail | over"),
        ("one that shows that none will work",     given().stopped(ours("1", WRONG_PLATFORM)), under_way(), CANNOT),
        ("no image, and ECR has none",             given().stopped(ours("1", NOT_FOUND)), registry(ImageLook::Missing), CANNOT),
        ("… it is in the archive",                 given().stopped(ours("1", NOT_FOUND)), registry(ImageLook::Archived), CANNOT),
        ("… but ECR has one",                      given().stopped(ours("1", NOT_FOUND)), registry(there()), WAITS),
        ("… and ECR gives no answer",              given().stopped(ours("1", NOT_FOUND)), under_way().change(|seen| seen.image = unavailable()), WAITS),
        ("in the bake",                            two_crashed(baking::ends(60)), baking::well(), FAIL),
        ("at its end",                             two_crashed(baking::ends(0)), baking::well(), FAIL),
        ("one and a newer push",                   one(), under_way().newer(), "superseded newer-push | over"),
        ("enough and a newer push",                two_crashed(given()), under_way().newer(), FAIL),
        ("… and nothing was proven good",          two_crashed(given()), under_way().newer().nothing_good(), "superseded newer-push | over"),
        ("enough, and an alarm too",               two_crashed(given()), under_way().alarm(AlarmState::Alarm), FAIL),
    ]);
}

#[test]
#[rustfmt::skip]
fn not_by_the_versions_fault() {
    let both = || two_crashed(given()).stopped(old(crashed("1")));
    let platform = |given: Given| (1..=9).fold(given, |given, id| given.stopped(ours(&id.to_string(), TIME_OUT)));
    let of_another = StoppedTask { started_by: "ecs-svc/6".to_owned(), ..crashed("9") };
    let likewise = || given().stopped(ours("1", WRONG_PLATFORM)).stopped(old(ours("1", WRONG_PLATFORM)));
    check(vec![
        ("the old version loses tasks too",              both(), under_way(), WAITS),
        ("… by a cause that would be certain",           likewise(), under_way(), WAITS),
        ("another deployment's",                         two_crashed(asked(-60)).stopped(old(crashed("2"))).stopped(of_another), under_way(), WAITS),
        ("the registry does not answer, nine times",     platform(given()), under_way(), WAITS),
        ("… a newer push waits for it",                  platform(given()), under_way().newer(), WAITS),
        ("… until the deadline",                         platform(asked(-1800)), under_way(), "rolling-back deadline-reached to web:7 unasked | now"),
    ]);
}

#[test]
fn at_the_deadline_only_what_is_its_own_fault_is_kept_out() {
    let cause = |Given(rollout): Given| {
        let decision = decide(&rollout.policy, &rollout, &under_way().0, now());
        match decision.phase {
            Phase::RollingBack { failure, .. } => (failure.cause(), failure.quarantines()),
            other => panic!("{other:?}"),
        }
    };
    let late = || asked(-1800);
    assert_eq!(cause(late()), (None, false));
    assert_eq!(cause(late().stopped(ours("1", TIME_OUT))), (None, false));
    let (cause, quarantines) = cause(late().stopped(crashed("1")));
    assert!(cause.is_some() && quarantines);
}

#[test]
fn what_ecs_gives_up_for_the_platform_alone_is_not_kept_out() {
    let kept_out = |given: Given, words: &str| {
        let seen = under_way().primary(|primary| {
            primary.state = DeploymentState::Failed;
            primary.state_reason = words.to_owned();
        });
        let Given(rollout) = given;
        match decide(&rollout.policy, &rollout, &seen.0, now()).phase {
            Phase::RollingBack { failure, .. } => failure.quarantines(),
            other => panic!("{other:?}"),
        }
    };
    let breaker = "ECS deployment circuit breaker: tasks failed to start.";
    let unreachable = || given().stopped(ours("1", TIME_OUT));
    assert!(!kept_out(unreachable(), breaker));
    assert!(kept_out(unreachable().stopped(crashed("2")), breaker));
    assert!(kept_out(given(), breaker), "nothing is known of its tasks");
    assert!(kept_out(
        unreachable(),
        "ECS deployment failed: alarm detected."
    ));
}
