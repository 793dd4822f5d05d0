//! `rollout` stands still in the midst of a call.

use pushboat::core::alarm::AlarmState;
use pushboat::ports::Clock as _;
use simulation::{Fault, ReadLag};

use super::*;

/// How the invocations of `rollout` went since `before`, without what they reported.
fn ends(world: &World, before: usize) -> Vec<&'static str> {
    let outcomes = world.outcomes[before..].iter();
    let ends = outcomes.filter_map(|outcome| match outcome {
        Outcome::Rollout(_, Invocation::Done(_)) => Some("done"),
        Outcome::Rollout(_, Invocation::Failed(_)) => Some("failed"),
        Outcome::Rollout(_, Invocation::Crashed) => Some("died"),
        _ => None,
    });
    ends.collect()
}

#[test]
fn it_goes_on_where_it_stood_and_nobody_else_is_given_the_target_meanwhile() {
    let mut world = adopted();
    let before = world.outcomes.len();
    let fault = Fault::PauseBefore;
    let register = Operation::RegisterTaskDefinition;
    world.calls.fail_next(register, fault, 1);
    push(&mut world, "v2");
    world.run_for(seconds(10));
    push(&mut world, "v3");
    world.run_for(seconds(23));
    assert_eq!(ends(&world, before), [""; 0]);
    assert_eq!(world.ecs.revision(&service()), "web:1");
    assert_eq!(world.queue.len(), 2);
    world.run_for(seconds(9));
    assert_eq!(ends(&world, before)[..2], ["done", "done"]);
    assert_eq!(world.ecs.revision(&service()), "web:2");
    world.run_for(minutes(30));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
    assert_eq!(writes(&world), (2, 2));
}

#[test]
fn at_its_timeout_it_is_killed_and_its_message_comes_back() {
    let mut world = adopted();
    let before = world.outcomes.len();
    for operation in [Operation::LoadTarget, Operation::UpdateService] {
        world.calls.fail_next(operation, Fault::PauseAfter, 1);
    }
    push(&mut world, "v2");
    world.run_for(seconds(60));
    assert_eq!(ends(&world, before), [""; 0]);
    world.run_for(seconds(2));
    assert_eq!(ends(&world, before), ["died"]);
    assert_eq!(world.ecs.revision(&service()), "web:2", "as far as it came");
    world.run_for(minutes(5) - seconds(5));
    assert_eq!(ends(&world, before), ["died"], "its group is blocked");
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(writes(&world), (1, 1));
}

/// The write of an invocation that is long dead arrives after the next one's.
#[test]
fn a_write_that_arrives_after_another_invocation_wrote_is_lost() {
    let mut world = adopted();
    let before = world.outcomes.len();
    let fault = Fault::LateWrite;
    world.calls.fail_next(Operation::SaveTarget, fault, 1);
    push(&mut world, "v2");
    world.run_for(minutes(7));
    let current = under_way(&world);
    assert_eq!(current.as_deref(), Some("v2 progressing"));
    assert!(!ends(&world, before).contains(&"died"), "it is on the way");
    world.run_for(minutes(2));
    assert!(ends(&world, before).contains(&"died"), "it arrived");
    assert_eq!(under_way(&world).as_deref(), Some("v2 baking"));
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(
        told(&world),
        ["adopted", "v2 started", "v2 baking", "v2 succeeded"]
    );
}

/// The decision is too old to change the service by: it is looked at again.
#[test]
fn what_somebody_deployed_while_it_stood_still_is_not_overwritten() {
    let mut world = adopted();
    let register = Operation::RegisterTaskDefinition;
    world.calls.fail_next(register, Fault::PauseBefore, 1);
    push(&mut world, "v2");
    world.run_for(seconds(15));
    let by_hand = world.ecs.register("web", &pinned("v1"));
    world.ecs.update(&service(), |update| {
        update.task_definition = Some(by_hand.clone());
    });
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    assert_eq!(writes(&world), (1, 0));
    assert!(by_hand.ends_with(&world.ecs.revision(&service())));
}

/// The image was looked at, and then the rest of the look took half a minute.
#[test]
fn a_look_that_took_long_is_taken_once_more() {
    let mut world = adopted_with(&TARGET_TEXT.replace(
        r#""team/web" }"#,
        r#""team/web", "tags": { "glob": ["live"] } }"#,
    ));
    world.push_image(REPOSITORY, "live", &Image::healthy("v2"));
    let alarms = Operation::DescribeAlarms;
    world.calls.fail_next(alarms, Fault::PauseAfter, 1);
    world.run_for(seconds(10));
    world.push_image(REPOSITORY, "live", &Image::healthy("v3"));
    world.run_for(seconds(30));
    assert_eq!(world.ecs.images(&service()), [pinned("v3")]);
}

/// Both looks took long: ours is not readable yet when the second one is taken, and would have to
/// be when that one is over.
#[test]
fn what_a_slow_look_shows_is_judged_by_when_it_was_taken() {
    let mut world = adopted();
    let definitions = seconds(25);
    world.ecs.set_read_lag(ReadLag {
        definitions,
        ..ReadLag::default()
    });
    world.queue.set_visibility_timeout(seconds(2));
    let update = Operation::UpdateService;
    world.calls.fail_next(update, Fault::CrashAfter, 1);
    world.calls.set_planned_pause(seconds(20));
    let find = Operation::FindRevision;
    world.calls.fail_next(find, Fault::PauseAfter, 2);
    push(&mut world, "v2");
    world.run_for(seconds(2));
    world.queue.set_visibility_timeout(minutes(6));
    world.run_for(minutes(20));
    assert_eq!(world.calls.injected(), 3);
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(writes(&world), (1, 1));
}

/// The next rollout's look takes most of a minute: an alarm may fire meanwhile.
#[test]
fn that_a_version_succeeded_is_written_before_the_next_one_is_looked_at() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    push(&mut world, "v3");
    world.run_for(seconds(5));
    world.calls.set_planned_pause(seconds(20));
    let fault = Fault::PauseBefore;
    let look = Operation::DescribeGoodImage;
    world.calls.fail_next(look, fault, 2);
    assert!(world.run_while(minutes(20), |world| world.calls.injected() == 0));
    assert_eq!(history(&world), ["v2 succeeded"]);
    world.run_for(minutes(20));
    assert_eq!(world.calls.injected(), 2);
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
}

/// As above, but the function dies there: what waits is seen to all the same.
#[test]
fn what_waits_behind_a_version_that_succeeded_is_not_forgotten() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    push(&mut world, "v3");
    world.run_for(seconds(5));
    let look = Operation::DescribeGoodImage;
    world.calls.fail_next(look, Fault::CrashBefore, 1);
    world.run_for(minutes(30));
    assert_eq!(world.calls.injected(), 1);
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
}

/// Both looks at the end of the bake time took long, and an alarm fires after it was read.
#[test]
fn nothing_is_called_good_by_an_old_look() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    let current = world.state(TARGET).current.unwrap();
    let Phase::Baking { until, .. } = current.phase else {
        panic!("{current:?}");
    };
    world.run_for(until.duration_since(world.clock.now()) - seconds(1));
    world.calls.set_planned_pause(seconds(20));
    let alarms = Operation::DescribeAlarms;
    world.calls.fail_next(alarms, Fault::PauseAfter, 2);
    assert!(world.run_while(minutes(5), |world| world.calls.injected() < 2));
    world.run_for(seconds(1));
    assert_eq!(under_way(&world).as_deref(), Some("v2 baking"));
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
}
