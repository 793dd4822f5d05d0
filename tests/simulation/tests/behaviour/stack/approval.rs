//! A change set that brings more than the image waits for a person.

use pushboat::core::alarm::AlarmState;

use super::*;

/// A push whose change set would change the dashboard too, which waits for a person; answers the
/// change set's name.
fn waiting(world: &mut World) -> String {
    world
        .stacks
        .write_parameter(StackSpecification::TITLE, "as it shall be");
    push(world, "v2");
    world.run_for(minutes(5));
    assert_eq!(under_way(world).as_deref(), Some("v2 starting"));
    assert_eq!(waits_for(world), "approval");
    assert_eq!(asked(world), (1, 0, 0), "it is not executed");
    let mut names = world.stacks.change_sets(STACK);
    assert_eq!(names.len(), 1);
    names.remove(0)
}

#[test]
fn it_is_told_what_it_changes_and_how_to_execute_or_refuse_it() {
    let mut world = through();
    let name = waiting(&mut world);
    assert_eq!(told(&world), ["adopted", "v2 started", "v2 approval-asked"]);
    let email = last_email(&mut world);
    for text in [
        "Dashboard",
        "AWS::CloudWatch::Dashboard",
        "execute-change-set",
        "delete-change-set",
        STACK,
        &name,
    ] {
        assert!(email.contains(text), "{text}: {email}");
    }
    assert_rests_on(&world, "v1", "CREATE_COMPLETE");
}

#[test]
fn once_a_person_executes_it_the_rollout_goes_on() {
    let mut world = through();
    let name = waiting(&mut world);
    world.stacks.execute(STACK, &name);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_rests_on(&world, "v2", "UPDATE_COMPLETE");
    assert_eq!(world.stacks.parameter(STACK, "Title"), "as it shall be");
    assert_eq!(asked(&world), (1, 0, 0));
}

#[test]
fn a_rollback_while_it_waits_ends_it() {
    let mut world = through();
    waiting(&mut world);
    order(&mut world, "rollback", json!({}));
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 superseded operator"]);
    assert_rests_on(&world, "v1", "CREATE_COMPLETE");
    assert_eq!(asked(&world), (1, 0, 0));
}

/// The service is not reached yet, so that nothing but the stack tells that it was executed.
#[test]
fn a_rollback_after_a_person_executed_it_takes_the_update_back() {
    let mut world = through();
    let name = waiting(&mut world);
    world.stacks.execute(STACK, &name);
    order(&mut world, "rollback", json!({}));
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back asked-by-operator"]);
    assert_rests_on(&world, "v1", "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn once_a_person_deletes_it_the_rollout_is_over() {
    let mut world = through();
    let name = waiting(&mut world);
    world.stacks.delete_change_set(STACK, &name);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rejected change-set-declined"]);
    assert_rests_on(&world, "v1", "CREATE_COMPLETE");
    assert_eq!(asked(&world), (1, 0, 0), "no other one is made");
    assert_eq!(quarantined(&world), [""; 0]);
}

#[test]
fn what_the_target_allows_waits_for_nobody() {
    let mut world = through_with(&text_with(r#""allow": ["Dashboard"]"#));
    world
        .stacks
        .write_parameter(StackSpecification::TITLE, "as it shall be");
    push(&mut world, "v2");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_rests_on(&world, "v2", "UPDATE_COMPLETE");
    assert_eq!(world.stacks.parameter(STACK, "Title"), "as it shall be");
    assert_eq!(asked(&world), (1, 1, 0));
}

#[test]
fn a_newer_push_does_not_wait_behind_it() {
    let mut world = through();
    waiting(&mut world);
    push(&mut world, "v3");
    world.run_for(minutes(2));
    assert_eq!(history(&world), ["v2 superseded newer-push"]);
    assert_eq!(under_way(&world).as_deref(), Some("v3 starting"));
    assert_eq!(waits_for(&world), "approval");
}

#[test]
fn where_somebody_updates_the_stack_meanwhile_the_change_set_is_made_anew() {
    let mut world = through();
    waiting(&mut world);
    world.stacks.update(STACK, &[]);
    run_to_the_end(&mut world);
    assert_eq!(
        history(&world),
        ["v2 succeeded"],
        "it brings the image alone"
    );
    assert_rests_on(&world, "v2", "UPDATE_COMPLETE");
}

#[test]
fn an_alarm_that_fired_while_nobody_had_decided_takes_nothing_back() {
    let mut world = through();
    let name = waiting(&mut world);
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(2));
    world.stacks.execute(STACK, &name);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 succeeded"]);
}
