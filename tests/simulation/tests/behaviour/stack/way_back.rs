//! A bad version is taken back through its stack.

use pushboat::core::alarm::AlarmState;
use pushboat::core::rollout::RolledBackBy;

use super::*;

/// Tasks may fail as often as they like, as far as the target is concerned.
fn patient() -> String {
    let patient = r#""alarms": ["5xx"], "maxFailedTasks": { "atLeast": 1000 }"#;
    STACK_TEXT.replace(r#""alarms": ["5xx"]"#, patient)
}

#[test]
fn a_version_that_crashes_is_taken_back_by_a_cancelled_update_and_kept_out() {
    let mut world = through();
    let bad = world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    run_to(&mut world, "rolling-back");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back tasks-fail"]);
    assert_eq!(taken_back_by(&world), RolledBackBy::Pushboat);
    assert_eq!(
        told(&world),
        ["adopted", "v2 started", "v2 rolling-back", "v2 rolled-back"]
    );
    world.run_for(minutes(2));
    assert_rests_on(&world, "v1", "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(asked(&world), (1, 1, 1));
    assert_eq!(quarantined(&world), [bad.digest.to_string()]);

    world.push_image(REPOSITORY, "v2-again", &Image::crashing("v2"));
    world.run_for(minutes(5));
    assert_eq!(
        history(&world).last().unwrap(),
        "v2-again rejected quarantined"
    );
    push(&mut world, "v3");
    run_to_the_end(&mut world);
    assert_eq!(history(&world).last().unwrap(), "v3 succeeded");
    assert_rests_on(&world, "v3", "UPDATE_COMPLETE");
}

#[test]
fn what_cloud_formation_takes_back_by_itself_is_told_as_its_own() {
    let mut world = stacked();
    let breaker = json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } });
    world.ecs.configure(&service(), &breaker);
    world.run_for(minutes(1));
    world.put_target(TARGET, &patient());
    world.run_for(minutes(1));
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.images.set_unreachable(true);
    let failed = world.run_while(minutes(25), |world| !world.ecs.has_failed(&service()));
    assert!(failed, "ECS never gave it up");
    world.images.set_unreachable(false);
    run_to_the_end(&mut world);
    let ended = history(&world);
    assert!(ended[0].starts_with("v2 rolled-back "), "{ended:?}");
    assert_eq!(taken_back_by(&world), RolledBackBy::CloudFormation);
    assert_eq!(asked(&world), (1, 1, 0), "nobody competes with it");
    let email = last_email(&mut world);
    assert!(email.contains("CloudFormation"), "{email}");
    world.run_for(minutes(2));
    assert_rests_on(&world, "v1", "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn what_another_resource_failed_at_is_not_held_against_the_image() {
    let mut world = through_with(&text_with(r#""allow": ["Dashboard"]"#));
    world
        .stacks
        .write_parameter(StackSpecification::TITLE, "as it shall be");
    world
        .stacks
        .fail_resource(STACK, "Dashboard", "It has no such widget.");
    push(&mut world, "v2");
    run_to_the_end(&mut world);
    let phase = last(&world).phase;
    assert!(
        matches!(phase.as_str(), "rolled-back" | "rejected"),
        "{:?}",
        history(&world)
    );
    let email = last_email(&mut world);
    assert!(email.contains("It has no such widget."), "{email}");
    assert_eq!(quarantined(&world), [""; 0]);
    world.run_for(minutes(5));
    assert_rests_on(&world, "v1", "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(asked(&world), (1, 1, 0));
}

#[test]
fn an_alarm_in_the_bake_time_brings_the_last_good_image_by_another_change_set() {
    let mut world = through();
    let bad = push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
    assert_eq!(taken_back_by(&world), RolledBackBy::Pushboat);
    world.run_for(minutes(2));
    assert_rests_on(&world, "v1", "UPDATE_COMPLETE");
    assert_eq!(asked(&world), (2, 2, 0));
    assert_eq!(quarantined(&world), [bad.digest.to_string()]);
}

#[test]
fn where_the_stack_names_its_image_by_a_tag_that_moved_the_good_one_is_brought_by_its_digest() {
    let by_tag = StackSpecification::new(STACK, specification_by_tag());
    let mut world = stacked_as(&by_tag);
    world.put_target(TARGET, STACK_TEXT);
    world.run_for(minutes(1));
    world.push_image(REPOSITORY, "v1", &Image::healthy("v2"));
    run_to(&mut world, "progressing");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v1 rolled-back alarm-fired"]);
    assert_eq!(asked(&world), (2, 2, 1));
    world.run_for(minutes(2));
    assert_rests_on(&world, "v1", "UPDATE_COMPLETE");
}

#[test]
fn an_alarm_during_the_update_cancels_it() {
    let mut world = through();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
    assert_eq!(taken_back_by(&world), RolledBackBy::Pushboat);
    world.run_for(minutes(2));
    assert_rests_on(&world, "v1", "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(asked(&world), (1, 1, 1));
}

#[test]
fn a_rollback_that_fails_is_left_to_a_person() {
    let mut world = through();
    world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    run_to(&mut world, "rolling-back");
    world.stacks.set_status(STACK, "UPDATE_ROLLBACK_FAILED");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 halted stack-wedged"]);
    let email = last_email(&mut world);
    assert!(email.contains("continue-update-rollback"), "{email}");
    let before = asked(&world);
    world.run_for(minutes(90));
    assert_eq!(asked(&world), before);
    assert_eq!(writes(&world), (0, 0));
}

#[test]
fn a_person_who_cancels_the_update_took_it_back() {
    let mut world = through();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.stacks.cancel(STACK);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back put-back-by-hand"]);
    assert_eq!(asked(&world), (1, 1, 0));
    world.run_for(minutes(2));
    assert_rests_on(&world, "v1", "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn nothing_unexpected_is_brought_on_the_way_back_unasked() {
    let mut world = through();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world
        .stacks
        .write_parameter(StackSpecification::TITLE, "as it shall be");
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(5));
    assert_eq!(
        under_way(&world).as_deref(),
        Some("v2 rolling-back alarm-fired")
    );
    assert_eq!(waits_for(&world), "approval");
    assert_eq!(asked(&world), (2, 1, 0));
    let name = world.stacks.change_sets(STACK).pop().unwrap();
    world.stacks.execute(STACK, &name);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
    world.run_for(minutes(2));
    assert_rests_on(&world, "v1", "UPDATE_COMPLETE");
}
