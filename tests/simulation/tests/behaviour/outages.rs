//! Functions take care of nothing for a while: what they missed comes later, or lies where it
//! can be found.

use simulation::{DeadLetterQueue, Function, Hindrance};

use super::*;

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

/// The dead letters of the functions' own queues.
fn dead(world: &World) -> Vec<DeadLetterQueue> {
    world.dead_letters.iter().map(|dead| dead.queue).collect()
}

#[test]
fn what_comes_while_no_concurrency_is_left_goes_live_afterwards() {
    let mut world = adopted();
    world.keep_from_work(None, Hindrance::Throttled, minutes(30));
    push(&mut world, "v2");
    world.run_for(minutes(29));
    assert_eq!(writes(&world), (0, 0));
    world.run_for(minutes(31));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(dead(&world), []);
}

#[test]
fn nobody_can_give_a_command_while_no_concurrency_is_left() {
    let mut world = adopted();
    world.keep_from_work(None, Hindrance::Throttled, minutes(30));
    let answer = world.command(json!({ "command": "status", "target": TARGET }));
    assert_eq!(answer, Invocation::Crashed);
    world.run_for(minutes(30));
    let answer = world.command(json!({ "command": "status", "target": TARGET }));
    assert!(matches!(answer, Invocation::Done(_)));
}

#[test]
fn a_push_on_which_image_push_fails_is_kept_and_goes_live_once_it_is_sent_again() {
    let mut world = adopted();
    let failed = Hindrance::Failed;
    world.keep_from_work(Some(Function::ImagePush), failed, minutes(4));
    push(&mut world, "v2");
    world.run_for(minutes(3));
    assert_eq!(dead(&world), []);
    world.run_for(minutes(1));
    assert_eq!(dead(&world), [DeadLetterQueue::Failures]);
    assert_eq!(under_way(&world), None);
    assert_eq!(world.redrive(), 1);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(world.redrive(), 0);
}

#[test]
fn a_push_on_which_image_push_fails_is_found_in_ecr_and_is_a_repeat_when_it_is_sent_again() {
    let mut world = adopted();
    world.keep_from_work(Some(Function::ImagePush), Hindrance::Failed, hours(1));
    push(&mut world, "v2");
    world.run_for(minutes(40));
    assert_eq!(history(&world), ["v2 succeeded"]);
    world.run_for(minutes(30));
    assert_eq!(world.redrive(), 1);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(ignored(&world), ["repeat"]);
}

#[test]
fn a_push_that_could_not_be_delivered_is_kept_and_is_no_longer_the_newest_later() {
    let mut world = adopted();
    let lambda = Hindrance::Undeliverable;
    world.keep_from_work(Some(Function::ImagePush), lambda, hours(6));
    push(&mut world, "v2");
    world.run_for(hours(6));
    assert_eq!(dead(&world), [DeadLetterQueue::Undelivered]);
    push(&mut world, "v3");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
    assert_eq!(world.redrive(), 1);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
    assert_eq!(ignored(&world).last(), Some(&"older"));
}

#[test]
fn a_message_that_rollout_failed_on_for_hours_is_handled_once_it_is_moved_back() {
    let mut world = adopted();
    world.keep_from_work(Some(Function::Rollout), Hindrance::Failed, hours(2));
    push(&mut world, "v2");
    world.run_for(hours(2) + minutes(10));
    let lies = |world: &World| -> Vec<String> {
        let dead = world.queue.dead_letters().into_iter();
        dead.map(|message| message.event_id).collect()
    };
    assert_eq!(lies(&world), ["push-1"]);
    // The sweep found it in ECR meanwhile.
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(world.redrive(), 1);
    assert!(lies(&world).is_empty());
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(ignored(&world).last(), Some(&"repeat"));
}

#[test]
fn a_message_that_is_moved_back_after_a_newer_push_went_live_changes_nothing() {
    let mut world = adopted();
    world.keep_from_work(Some(Function::Rollout), Hindrance::Failed, hours(2));
    push(&mut world, "v2");
    world.run_for(hours(2) + minutes(10));
    push(&mut world, "v3");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
    let before = writes(&world);
    assert_eq!(world.redrive(), 1);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
    assert_eq!(writes(&world), before);
    assert_eq!(ignored(&world).last(), Some(&"older"));
}

#[test]
fn a_message_that_rollout_was_too_busy_for_comes_back_after_its_visibility_timeout() {
    let mut world = adopted();
    world.keep_from_work(Some(Function::Rollout), Hindrance::Throttled, minutes(10));
    push(&mut world, "v2");
    world.run_for(minutes(10));
    assert_eq!(history(&world), [""; 0]);
    // Its message was given to Lambda, and stays away for six minutes each time.
    world.run_for(minutes(3));
    assert_eq!(under_way(&world).as_deref(), Some("v2 progressing"));
}

#[test]
fn a_target_whose_registration_is_a_dead_letter_is_adopted_all_the_same() {
    let mut world = steady();
    world.keep_from_work(Some(Function::Rollout), Hindrance::Failed, hours(2));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(hours(2));
    assert_eq!(told(&world), [""; 0]);
    world.run_for(minutes(16));
    assert_eq!(told(&world), ["adopted"]);
}

#[test]
fn a_configuration_that_changed_unheard_counts_within_a_quarter_of_an_hour() {
    let mut world = adopted();
    world.keep_from_work(Some(Function::Rollout), Hindrance::Failed, hours(2));
    world.put_target(TARGET, &TARGET_TEXT.replace("5xx", "gone"));
    world.run_for(hours(2));
    assert_eq!(mistakes(&world), [""; 0]);
    world.run_for(minutes(16));
    assert_eq!(mistakes(&world).len(), 1);
    world.delete_target(TARGET);
    world.keep_from_work(Some(Function::Rollout), Hindrance::Failed, hours(2));
    world.run_for(hours(2) + minutes(16));
    assert!(world.state(TARGET).last_known_good.is_none());
}

#[test]
fn what_was_taken_in_is_not_woken_again_and_again() {
    let mut world = adopted();
    let before = world.calls.count(Operation::LoadTarget);
    world.run_for(hours(3));
    assert_eq!(world.calls.count(Operation::LoadTarget), before);
}
