//! What ECS complains of says why nothing moves, and decides nothing.

use super::super::super::diagnosis::service_trouble::ServiceTrouble;
use super::progressing::{WAITS, asked, given, under_way};
use super::*;

const PLACEMENT: &str = "SERVICE_TASK_PLACEMENT_FAILURE";
const HINDERED: &str = "progressing web:8 ecs-svc/8 | wait 30s service-trouble";

fn waits_on(given: &Given, seen: &Seen) -> Waiting {
    let decision = decide(&given.0.policy, &given.0, &seen.0, now());
    match decision.next {
        Next::Wait(_, waiting) => waiting,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wait_for_ecs_is_explained_by_what_it_complains_of() {
    let lacks = || given().complained(PLACEMENT, "RESOURCE:FARGATE", -30);
    let role = "ECS was unable to assume the role that was provided for this task";
    check(vec![
        ("nothing was said", given(), under_way(), WAITS),
        ("no capacity", lacks(), under_way(), HINDERED),
        (
            "in the second in which the deployment was made",
            given().complained(PLACEMENT, "", -60),
            under_way(),
            HINDERED,
        ),
        (
            "of the deployment before",
            given().complained(PLACEMENT, "", -61),
            under_way(),
            WAITS,
        ),
        (
            "what ECS gave up is no reason to wait",
            given().complained("SERVICE_DEPLOYMENT_FAILED", "", -30),
            under_way(),
            WAITS,
        ),
        (
            "a role",
            given().complained("SERVICE_TASK_CONFIGURATION_FAILURE", role, -30),
            under_way(),
            HINDERED,
        ),
        (
            "it is not ECS that is waited for",
            Given::new(baking::phase(60, None)).complained(PLACEMENT, "RESOURCE:FARGATE", -30),
            baking::well(),
            "baking ecs-svc/8 until 60s | wait 30s bake-time",
        ),
        (
            "AWS does not answer",
            lacks(),
            under_way().service_look(unavailable()),
            "progressing web:8 ecs-svc/8 | wait 30s aws",
        ),
    ]);
}

#[test]
fn the_last_word_counts_and_is_dated_by_ecs() {
    let given = given()
        .complained(PLACEMENT, "RESOURCE:FARGATE", -40)
        .complained("SERVICE_TASK_START_IMPAIRED", "", -20);
    let expected = Waiting::ServiceTrouble {
        trouble: ServiceTrouble::TasksKeepFailing,
        told_at: at(-20),
    };
    assert_eq!(waits_on(&given, &under_way()), expected);
}

#[test]
fn want_of_capacity_takes_a_version_back_at_the_deadline_and_leaves_its_image_its_chance() {
    let given = asked(-1800).complained(PLACEMENT, "RESOURCE:FARGATE", -30);
    let decision = decide(&given.0.policy, &given.0, &under_way().0, now());
    let Phase::RollingBack { failure, .. } = decision.phase else {
        panic!("{decision:?}");
    };
    assert_eq!(failure, Failure::DeadlineReached { cause: None });
    assert!(!failure.quarantines());
}

#[test]
fn the_way_back_is_hindered_by_what_was_said_since_it_was_made() {
    let back = || Given::new(rolling_back::phase(Way::Update { intended_at: None }));
    let going_back = under_way().service(|service| {
        service.deployments = vec![
            ServiceDeployment {
                state: DeploymentState::InProgress,
                ..deployment("web:7", "ecs-svc/9", -20)
            },
            ServiceDeployment {
                primary: false,
                ..deployment("web:8", "ecs-svc/8", -60)
            },
        ];
    });
    let said_before = back().complained(PLACEMENT, "", -30);
    assert_eq!(waits_on(&said_before, &going_back), Waiting::WayBack);
    let said_since = back().complained(PLACEMENT, "", -10);
    let waiting = waits_on(&said_since, &going_back);
    assert!(matches!(waiting, Waiting::ServiceTrouble { .. }));
}
