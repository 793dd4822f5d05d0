//! A bad version is taken back, and what is not its fault is not held against it.

mod by_itself;
mod by_tag;
mod crash;
mod inactive;
mod stopped;

use pushboat::core::alarm::AlarmState;
use pushboat::core::rollout::{Phase, RolledBackBy};
use serde_json::json;
use simulation::Fault;

use super::*;

/// Deploys a version whose tasks end with code 1 as soon as they start.
fn push_crashing(world: &mut World, tag: &str) -> pushboat::core::push::Push {
    world.push_image(REPOSITORY, tag, &Image::crashing(tag))
}

/// Runs until some rollout came to its outcome.
pub(super) fn run_to_the_end(world: &mut World) {
    let before = history(world).len();
    let ended = world.run_while(minutes(90), |world| history(world).len() == before);
    assert!(ended, "it never ended");
}

/// How often ECS was asked to roll a service deployment back.
fn stops(world: &World) -> usize {
    world.calls.count(Operation::StopServiceDeployment)
}

/// As `steady`, deployed blue/green.
fn blue_green() -> World {
    let mut world = steady();
    let configuration = json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1 });
    world.ecs.configure(&service(), &configuration);
    world.run_for(minutes(1));
    world
}

pub(super) fn last(world: &World) -> Rollout {
    let history = world.ledger.history(&target(TARGET));
    history.last().unwrap().clone()
}

pub(super) fn taken_back_by(world: &World) -> RolledBackBy {
    match last(world).phase {
        Phase::RolledBack { by, .. } => by,
        other => panic!("{other:?}"),
    }
}

pub(super) fn quarantined(world: &World) -> Vec<String> {
    let quarantine = world.state(TARGET).quarantine;
    quarantine.keys().map(ToString::to_string).collect()
}

/// Puts what was adopted back by the plain AWS CLI.
fn put_back(world: &World) {
    world.ecs.update(&service(), |update| {
        update.task_definition = Some("web:1".to_owned());
    });
}

#[test]
fn a_version_that_crashes_is_taken_back_after_two_tasks_and_kept_out() {
    let mut world = adopted();
    let bad = push_crashing(&mut world, "v2");
    run_to(&mut world, "rolling-back");
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(summary(&current), "v2 rolling-back tasks-fail");
    assert_eq!(current.evidence.stopped_tasks.kept().len(), 2);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back tasks-fail"]);
    assert_eq!(taken_back_by(&world), RolledBackBy::Pushboat);
    assert_eq!(
        told(&world),
        ["adopted", "v2 started", "v2 rolling-back", "v2 rolled-back"]
    );
    assert_eq!(world.ecs.revision(&service()), "web:1");
    assert_eq!((writes(&world), stops(&world)), ((1, 2), 1));
    assert_eq!(quarantined(&world), [bad.digest.to_string()]);
    world.run_for(minutes(60));
    assert_eq!(history(&world).len(), 1, "and that is all");
    assert_eq!((writes(&world), stops(&world)), ((1, 2), 1));
}

#[test]
fn the_notice_of_it_shows_the_tasks_and_how_to_release_the_image() {
    let mut world = adopted();
    push_crashing(&mut world, "v2");
    run_to_the_end(&mut world);
    world.run_for(seconds(5));
    let published = world.topic.published();
    let email = &published.last().unwrap().bodies[1];
    assert_eq!(email.0, "email");
    for text in [
        "v2 was rolled back",
        "exit code 1",
        "Essential container in task exited",
        "is kept out of web until a person releases it",
    ] {
        assert!(email.1.contains(text), "{text}: {}", email.1);
    }
}

#[test]
fn the_same_image_under_another_tag_is_refused_and_says_why() {
    let mut world = adopted();
    push_crashing(&mut world, "v2");
    run_to_the_end(&mut world);
    let before = writes(&world);
    world.push_image(REPOSITORY, "v2-again", &Image::crashing("v2"));
    world.run_for(minutes(5));
    assert_eq!(
        history(&world),
        ["v2 rolled-back tasks-fail", "v2-again rejected quarantined"]
    );
    assert_eq!(writes(&world), before);
    let document = world.topic.documents().pop().unwrap();
    let explanation = document["reason"]["explanation"].as_str().unwrap();
    assert!(explanation.contains("release"), "{explanation}");

    push(&mut world, "v3");
    world.run_for(minutes(15));
    assert_eq!(history(&world).last().unwrap(), "v3 succeeded");
}

#[test]
fn what_can_never_work_is_taken_back_whatever_number_may_fail() {
    let many = r#""alarms": ["5xx"], "maxFailedTasks": { "atLeast": 100 }"#;
    let mut world = adopted_with(&TARGET_TEXT.replace(r#""alarms": ["5xx"]"#, many));
    let bad = push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.images.delete(REPOSITORY, &bad.digest);
    run_to(&mut world, "rolling-back");
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(summary(&current), "v2 rolling-back task-cannot-work");
    let stopped = &current.evidence.stopped_tasks;
    assert!(stopped.kept().len() <= 2, "those that start together");
    run_to_the_end(&mut world);
    assert_eq!(world.ecs.revision(&service()), "web:1");
    assert_eq!(quarantined(&world).len(), 1);
}

#[test]
fn a_healthy_version_whose_alarm_fires_in_the_bake_is_taken_back() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(seconds(3));
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(summary(&current), "v2 rolling-back alarm-fired", "at once");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
    assert_eq!(world.ecs.images(&service()), [specification().image]);
    assert_eq!(quarantined(&world).len(), 1);
}

#[test]
fn an_alarm_that_fires_between_two_looks_counts() {
    for phase in ["progressing", "baking"] {
        let mut world = adopted();
        push(&mut world, "v2");
        run_to(&mut world, phase);
        world.run_for(seconds(5));
        let looks = world.calls.count(Operation::DescribeAlarms);
        world.alarms.set("5xx", AlarmState::Alarm);
        world.run_for(jiff::SignedDuration::from_millis(500));
        world.alarms.set("5xx", AlarmState::Ok);
        assert_eq!(world.calls.count(Operation::DescribeAlarms), looks);
        run_to_the_end(&mut world);
        assert_eq!(history(&world), ["v2 rolled-back alarm-fired"], "{phase}");
        let changes = last(&world).evidence.alarm_changes.clone();
        assert_eq!(changes.kept().len(), 2);
    }
}

#[test]
fn where_the_event_of_an_alarm_is_lost_the_next_look_finds_it() {
    let mut world = adopted();
    world.lost.alarm_changes = true;
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(seconds(91));
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(summary(&current), "v2 rolling-back alarm-fired");
}

#[test]
fn an_alarm_that_fires_already_is_ignored_until_it_was_ok() {
    let mut world = adopted();
    world.alarms.set("5xx", AlarmState::Alarm);
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::InsufficientData);
    world.run_for(seconds(10));
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(seconds(10));
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(current.phase.as_str(), "baking");
    world.alarms.set("5xx", AlarmState::Ok);
    world.run_for(seconds(10));
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
}

#[test]
fn an_alarm_after_the_bake_changes_nothing() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to_the_end(&mut world);
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(30));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(writes(&world), (1, 1));
}

#[test]
fn an_alarm_of_a_stranger_costs_one_read() {
    let mut world = adopted();
    let before = world.calls.made();
    world.alarms.set("other", AlarmState::Alarm);
    world.run_for(seconds(5));
    let outcome = world.outcomes.last().unwrap();
    let Outcome::AlarmChanged(_, Invocation::Done(Woken::Ignored(reason))) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(reason.as_str(), "not-followed");
    assert_eq!(world.calls.made() - before, 1);
}

#[test]
fn a_registry_that_does_not_answer_is_never_held_against_a_version() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.images.set_unreachable(true);
    world.run_for(minutes(29));
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(current.phase.as_str(), "progressing");
    assert!(current.evidence.stopped_tasks.kept().len() > 2);
    world.run_for(minutes(2));
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(summary(&current), "v2 rolling-back deadline-reached");
    world.images.set_unreachable(false);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back deadline-reached"]);
    assert_eq!(quarantined(&world), [""; 0]);

    world.push_image(REPOSITORY, "v2-again", &Image::healthy("v2"));
    world.run_for(minutes(15));
    assert_eq!(history(&world).last().unwrap(), "v2-again succeeded");
}

#[test]
fn where_nothing_was_ever_good_a_person_must_decide() {
    let mut world = world();
    world
        .images
        .put(REPOSITORY, "v1", &Image::crashing("v1 that never ran"));
    world.ecs.create_service(&specification_by_tag());
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(31));
    push_crashing(&mut world, "v2");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 halted nothing-to-go-back-to"]);
    assert_eq!(world.ecs.revision(&service()), "web:2", "it is left alone");
    assert_eq!(told(&world).last().unwrap(), "v2 halted");
}

#[test]
fn somebody_puts_the_last_good_one_back_by_hand() {
    for phase in ["progressing", "baking"] {
        let mut world = adopted();
        push(&mut world, "v2");
        run_to(&mut world, phase);
        world.run_for(seconds(10));
        put_back(&world);
        run_to_the_end(&mut world);
        assert_eq!(
            history(&world),
            ["v2 rolled-back put-back-by-hand"],
            "{phase}"
        );
        assert_eq!(taken_back_by(&world), RolledBackBy::Person);
        assert_eq!(writes(&world), (1, 1), "nobody competes with them");
        assert_eq!(quarantined(&world).len(), 1);
    }
}

#[test]
fn somebody_insists_on_the_version_that_is_taken_back() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to(&mut world, "rolling-back");
    world.run_for(seconds(40));
    world.ecs.update(&service(), |update| {
        update.task_definition = Some("web:2".to_owned());
    });
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    world.run_for(minutes(30));
    assert_eq!(world.ecs.revision(&service()), "web:2");
    assert_eq!(writes(&world), (1, 2), "nobody competes with them");
}

#[test]
fn somebody_deploys_something_else_on_the_way_back() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to(&mut world, "rolling-back");
    world.run_for(seconds(5));
    let other = world
        .ecs
        .register("by-hand", &format!("{REGISTRY}/{REPOSITORY}:v1"));
    world.ecs.update(&service(), |update| {
        update.task_definition = Some(other);
    });
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    assert_eq!(world.ecs.revision(&service()), "by-hand:1");
    assert_eq!(quarantined(&world).len(), 1, "it was bad all the same");
}

#[test]
fn a_newer_push_takes_over_on_the_way_back_and_has_the_same_one_to_go_back_to() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to(&mut world, "rolling-back");
    world.run_for(seconds(5));
    push_crashing(&mut world, "v3");
    world.run_for(seconds(5));
    assert_eq!(history(&world), ["v2 superseded newer-push"]);
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(current.phase.as_str(), "progressing", "at once");
    run_to_the_end(&mut world);
    assert_eq!(
        history(&world),
        ["v2 superseded newer-push", "v3 rolled-back tasks-fail"]
    );
    assert_eq!(world.ecs.revision(&service()), "web:1");
    assert_eq!(quarantined(&world).len(), 2);
}

#[test]
fn what_aws_refuses_on_the_way_back_needs_a_person() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world
        .calls
        .fail_next(Operation::UpdateService, Fault::Refused, 1);
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 halted way-back-refused"]);
}

#[test]
fn a_way_back_that_does_not_finish_needs_a_person_in_the_end() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.images.set_unreachable(true);
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(29));
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(summary(&current), "v2 rolling-back alarm-fired");
    world.run_for(minutes(2));
    assert_eq!(history(&world), ["v2 halted way-back-too-long"]);
    assert_eq!(writes(&world), (1, 2));
    assert_eq!(quarantined(&world).len(), 1, "it was bad all the same");
}

#[test]
fn a_newer_push_that_is_refused_does_not_keep_a_bad_version_alive() {
    for alarm_first in [false, true] {
        let mut world = adopted();
        push(&mut world, "v2");
        run_to(&mut world, "baking");
        if alarm_first {
            world.alarms.set("5xx", AlarmState::Alarm);
            world.run_for(seconds(3));
        }
        let wrong = Image::built_for("v3", &["arm64"]);
        world.push_image(REPOSITORY, "v3", &wrong);
        world.run_for(seconds(5));
        world.alarms.set("5xx", AlarmState::Alarm);
        world.run_for(minutes(15));
        assert_eq!(
            history(&world),
            ["v2 rolled-back alarm-fired", "v3 rejected wrong-platform"]
        );
        assert_eq!(world.ecs.revision(&service()), "web:1", "{alarm_first}");
        assert_eq!(quarantined(&world).len(), 1);
    }
}

#[test]
fn what_cannot_be_verified_at_the_end_of_the_bake_is_left_to_a_person() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    let blind = Operation::DescribeAlarms;
    world.calls.fail_next(blind, Fault::Throttled, usize::MAX);
    world.run_for(minutes(34));
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(summary(&current), "v2 baking", "neither good nor bad");
    world.run_for(minutes(3));
    assert_eq!(history(&world), ["v2 halted not-verified"]);
    assert_eq!(world.ecs.revision(&service()), "web:2", "it is left alone");
    assert_eq!(writes(&world), (1, 1));
    assert_eq!(quarantined(&world), [""; 0]);
    let good = world.state(TARGET).last_known_good.unwrap();
    assert!(good.task_definition.ends_with("/web:1"));

    world.run_for(minutes(61));
    let halted = told(&world).into_iter().filter(|one| one == "v2 halted");
    assert_eq!(halted.count(), 2, "it is told again");
    world.calls.heal();
    push(&mut world, "v3");
    world.run_for(minutes(15));
    assert_eq!(history(&world).last().unwrap(), "v3 succeeded");
}
