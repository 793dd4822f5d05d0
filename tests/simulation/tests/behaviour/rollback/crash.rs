//! The function dies anywhere on the way back: the next one finds out what was done.

use std::collections::BTreeSet;

use jiff::Timestamp;
use simulation::{Call, Function, ReadLag};

use super::super::crash::{End, end};
use super::*;

/// A rollout and its way back, both interrupted.
const LONG_ENOUGH: SignedDuration = SignedDuration::from_mins(60);

/// Plays a rollout of v2 whose alarm fires in the bake; something goes wrong from then on.
fn play(inactive: bool, go_wrong: impl FnOnce(&World)) -> World {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    if inactive {
        world.ecs.deregister("web:1");
    }
    go_wrong(&world);
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(LONG_ENOUGH);
    world
}

fn good_end() -> End {
    let told = [
        "adopted",
        "v2 started",
        "v2 baking",
        "v2 rolling-back",
        "v2 rolled-back",
    ];
    End {
        history: vec!["v2 rolled-back alarm-fired".to_owned()],
        images: vec![specification().image],
        is_published: true,
        good_images: vec![specification().image],
        told: told.map(str::to_owned).to_vec(),
        under_way: false,
        queued: 0,
    }
}

/// The calls that `rollout` makes on the way back.
fn calls(inactive: bool) -> Vec<Call> {
    let began = std::cell::Cell::new(0);
    let world = play(inactive, |world| began.set(world.calls.made()));
    assert_eq!(end(&world), good_end());
    let calls = world.calls.log().into_iter();
    calls
        .filter(|call| call.ordinal > began.get() && call.function == Function::Rollout)
        .collect()
}

fn update_times(world: &World) -> Vec<Timestamp> {
    let calls = world.calls.log().into_iter();
    let updates = calls.filter(|call| call.operation == Operation::UpdateService);
    updates.map(|call| call.at).skip(1).collect()
}

fn die_everywhere(inactive: bool, visibility_timeout: SignedDuration, lag: ReadLag) {
    let calls = calls(inactive);
    let mut points = 0;
    for call in &calls {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let what = format!("{fault:?} {:?}, call {}", call.operation, call.ordinal);
            let world = play(inactive, |world| {
                world.queue.set_visibility_timeout(visibility_timeout);
                world.ecs.set_read_lag(lag);
                world.calls.fail_call(call.ordinal, fault);
            });
            assert_eq!(world.calls.injected(), 1, "{what}");
            assert_eq!(end(&world), good_end(), "{what}");
            let died_at =
                |operation| usize::from(call.operation == operation && fault == Fault::CrashBefore);
            let (registered, updated) = writes(&world);
            assert_eq!(updated, 2 + died_at(Operation::UpdateService), "{what}");
            let again = usize::from(inactive);
            let died = died_at(Operation::RegisterTaskDefinition);
            assert_eq!(registered, 1 + again + died, "{what}");
            assert_eq!(world.ecs.revisions("web"), 2 + again, "{what}");
            assert_eq!(quarantined(&world).len(), 1, "{what}");
            points += 1;
        }
    }
    let operations: BTreeSet<Operation> = calls.iter().map(|call| call.operation).collect();
    for operation in [
        Operation::LoadTarget,
        Operation::SaveTarget,
        Operation::ReadGoodDefinition,
        Operation::DescribeServices,
        Operation::DescribeTaskDefinition,
        Operation::FindRevision,
        Operation::UpdateService,
    ] {
        assert!(
            operations.contains(&operation),
            "{operation:?} was not tried"
        );
    }
    println!(
        "the way back died at {points} points of {} calls",
        calls.len()
    );
}

#[test]
fn wherever_it_dies_the_end_is_the_same() {
    die_everywhere(false, minutes(6), ReadLag::default());
    die_everywhere(false, seconds(2), ReadLag::default());
}

#[test]
fn also_where_the_last_good_one_has_to_be_registered_again() {
    die_everywhere(true, minutes(6), ReadLag::default());
    die_everywhere(true, seconds(2), ReadLag::default());
}

#[test]
fn also_where_reads_do_not_show_yet_what_was_done() {
    let lag = seconds(25);
    for inactive in [false, true] {
        for (services, definitions) in [(lag, lag), (lag, seconds(0)), (seconds(0), lag)] {
            let lag = ReadLag {
                services,
                definitions,
            };
            die_everywhere(inactive, seconds(2), lag);
        }
    }
}

#[test]
fn every_answer_may_be_lost_and_every_call_be_turned_away() {
    for call in calls(false) {
        for fault in [Fault::Throttled, Fault::LostRequest, Fault::LostAnswer] {
            let what = format!("{fault:?} {:?}, call {}", call.operation, call.ordinal);
            let world = play(false, |world| world.calls.fail_call(call.ordinal, fault));
            assert_eq!(world.calls.injected(), 1, "{what}");
            assert_eq!(end(&world), good_end(), "{what}");
            let again = call.operation == Operation::UpdateService && fault != Fault::LostAnswer;
            assert_eq!(writes(&world).1, 2 + usize::from(again), "{what}");
        }
    }
}

#[test]
fn an_update_that_never_arrives_is_sent_again_after_the_read_lag_and_not_before() {
    let world = play(false, |world| {
        world
            .calls
            .fail_next(Operation::UpdateService, Fault::LostRequest, 2);
    });
    assert_eq!(end(&world), good_end());
    let times = update_times(&world);
    assert_eq!(times.len(), 3);
    for pair in times.windows(2) {
        assert!(pair[1].duration_since(pair[0]) >= seconds(30));
    }
}

#[test]
fn throttled_for_long_it_comes_through_in_the_end() {
    for operation in [
        Operation::DescribeServices,
        Operation::DescribeTaskDefinition,
        Operation::FindRevision,
        Operation::ReadGoodDefinition,
        Operation::UpdateService,
    ] {
        let world = play(false, |world| {
            world.calls.fail_next(operation, Fault::Throttled, 8);
        });
        assert!(world.calls.injected() >= 6, "{operation:?}");
        assert_eq!(end(&world), good_end(), "{operation:?}");
    }
}
