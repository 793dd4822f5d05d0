//! Somebody changes the service beside its stack, or the stack itself, while a rollout is under
//! way: neither is overwritten.

use pushboat::core::alarm::AlarmState;
use pushboat::core::rollout::RolledBackBy;

use super::*;

/// Somebody deploys another image, beside the stack; answers the image.
fn deploy_by_hand(world: &mut World) -> String {
    let by_hand = Image::healthy("by hand");
    world.images.put(REPOSITORY, "by-hand", &by_hand);
    let image = pinned("by hand");
    let revision = world.ecs.register_next("web", &image);
    world.ecs.update(&service(), |update| {
        update.task_definition = Some(revision);
    });
    image
}

#[test]
fn what_is_deployed_while_the_change_set_is_made_stays() {
    let mut world = through();
    push(&mut world, "v2");
    let made = world.run_while(minutes(1), |world| asked(world).0 == 0);
    assert!(made, "no change set is made");
    let theirs = deploy_by_hand(&mut world);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    assert_eq!(asked(&world), (1, 0, 0));
    world.run_for(minutes(30));
    assert_eq!(world.ecs.images(&service()), [theirs]);
}

/// The decision is too old to change the stack by: it is looked at again.
#[test]
fn what_is_deployed_while_rollout_stands_still_before_it_executes_stays() {
    let mut world = through();
    push(&mut world, "v2");
    let made = world.run_while(minutes(1), |world| waits_for(world) != "change-set");
    assert!(made, "no change set is made");
    let save = Operation::SaveTarget;
    world
        .calls
        .fail_next(save, simulation::Fault::PauseAfter, 1);
    let stands_still = world.run_while(minutes(2), |world| world.calls.injected() == 0);
    assert!(stands_still, "nothing is saved");
    world.run_for(seconds(15));
    let theirs = deploy_by_hand(&mut world);
    run_to_the_end(&mut world);
    assert_eq!(world.calls.injected(), 1);
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    assert_eq!(asked(&world), (1, 0, 0));
    assert_eq!(world.ecs.images(&service()), [theirs]);
}

/// The owner updates the stack's other parameter.
fn update_the_title(world: &mut World) {
    let title = StackSpecification::TITLE;
    world.stacks.write_parameter(title, "as it shall be");
    world.stacks.update(STACK, &[("Title", title)]);
}

/// The stack has come to rest with this image, and with what the owner wanted.
fn assert_has_both(world: &mut World, tag: &str) {
    world.run_for(minutes(2));
    assert_rests_on(world, tag, "UPDATE_COMPLETE");
    assert_eq!(world.stacks.parameter(STACK, "Title"), "as it shall be");
}

/// The owner updates the stack while `rollout` stands still before its next effect.
fn update_while_it_stands_still(world: &mut World) {
    world.calls.set_planned_pause(seconds(2));
    let save = Operation::SaveTarget;
    world
        .calls
        .fail_next(save, simulation::Fault::PauseAfter, 1);
    let stands_still = world.run_while(minutes(2), |world| world.calls.injected() == 0);
    assert!(stands_still, "nothing is saved");
    update_the_title(world);
    world.run_for(seconds(5));
    assert_eq!(world.stacks.status(STACK), "UPDATE_IN_PROGRESS");
}

#[test]
fn a_stack_that_became_busy_before_the_change_set_was_made_is_waited_for() {
    let mut world = through();
    push(&mut world, "v2");
    update_while_it_stands_still(&mut world);
    assert_eq!(asked(&world), (1, 0, 0), "it was asked for, in vain");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_has_both(&mut world, "v2");
}

#[test]
fn a_stack_that_became_busy_before_the_way_back_was_made_is_waited_for() {
    let mut world = through();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.run_for(minutes(1));
    world.alarms.set("5xx", AlarmState::Alarm);
    update_while_it_stands_still(&mut world);
    assert_eq!(asked(&world), (2, 1, 0), "it was asked for, in vain");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
    assert_has_both(&mut world, "v1");
}

#[test]
fn what_is_deployed_during_the_update_stays_past_the_deadline() {
    let mut world = through();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    // Nothing that is deployed from now on becomes steady.
    world.images.set_unreachable(true);
    let theirs = deploy_by_hand(&mut world);
    world.run_for(minutes(60));
    assert_eq!(history(&world)[0], "v2 superseded somebody-else");
    assert_eq!(asked(&world), (1, 1, 0), "the update is not cancelled");
    assert_eq!(world.ecs.images(&service()), [theirs]);
}

#[test]
fn who_put_the_good_version_back_during_the_update_is_told_at_the_deadline_too() {
    let mut world =
        through_with(&STACK_TEXT.replace(r#""alarms""#, r#""deadlineSeconds": 300, "alarms""#));
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.ecs.update(&service(), |update| {
        update.task_definition = Some("web:1".to_owned());
    });
    run_to_the_end(&mut world);
    let ended = history(&world);
    assert!(ended[0].starts_with("v2 rolled-back "), "{ended:?}");
    assert_eq!(taken_back_by(&world), RolledBackBy::Person);
    assert_eq!(asked(&world), (1, 1, 0));
}

#[test]
fn what_is_deployed_while_the_stack_goes_back_stays() {
    let mut world = through();
    world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    run_to(&mut world, "rolling-back");
    let back = world.run_while(minutes(5), |world| {
        world.ecs.images(&service()) != [pinned("v1")]
    });
    assert!(back, "{:?}", world.ecs.images(&service()));
    let theirs = deploy_by_hand(&mut world);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    assert_eq!(asked(&world), (1, 1, 1), "nothing is brought back over it");
    world.run_for(minutes(30));
    assert_eq!(world.ecs.images(&service()), [theirs]);
}

#[test]
fn somebodys_own_update_is_not_cancelled_where_the_version_turns_out_bad_meanwhile() {
    let mut world = through();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.run_for(seconds(30));
    update_the_title(&mut world);
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
    assert_eq!(asked(&world), (2, 2, 0), "nothing is cancelled");
    assert_has_both(&mut world, "v1");
}

#[test]
fn an_update_that_ends_nowhere_after_it_was_put_back_by_hand_ends_the_rollout() {
    let mut world = through();
    push(&mut world, "v2");
    let began = world.run_while(minutes(2), |world| {
        world.stacks.status(STACK) != "UPDATE_IN_PROGRESS"
    });
    assert!(began, "{:?}", world.stacks.statuses(STACK));
    world.images.set_unreachable(true);
    let reached = world.run_while(minutes(2), |world| {
        world.ecs.images(&service()) != [pinned("v2")]
    });
    assert!(reached, "{:?}", world.ecs.images(&service()));
    world.ecs.update(&service(), |update| {
        update.task_definition = Some("web:1".to_owned());
        update.force_new_deployment = true;
    });
    world.run_for(minutes(110));
    assert_eq!(under_way(&world), None, "{:?}", history(&world));
    assert_eq!(history(&world).len(), 1);
}
