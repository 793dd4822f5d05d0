//! The function dies, or an answer is lost: the next one finds out what was done by looking.

use std::collections::BTreeSet;

use pushboat::core::alarm::AlarmState;
use simulation::{Call, Fault, Function};

use super::super::crash::{End, end};
use super::*;

/// How long a rollout and its way back may take that were interrupted.
const LONG_ENOUGH: SignedDuration = SignedDuration::from_mins(70);

/// A story that is played to its end, with something that goes wrong from its beginning.
type Story = fn(&dyn Fn(&World)) -> World;

const STORIES: [(&str, Story); 3] = [
    ("it goes live", goes_live),
    ("it is cancelled", is_cancelled),
    ("it goes back", goes_back),
];

fn goes_live(go_wrong: &dyn Fn(&World)) -> World {
    let mut world = through();
    go_wrong(&world);
    push(&mut world, "v2");
    world.run_for(LONG_ENOUGH);
    world
}

fn is_cancelled(go_wrong: &dyn Fn(&World)) -> World {
    let mut world = through();
    go_wrong(&world);
    world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    world.run_for(LONG_ENOUGH);
    world
}

fn goes_back(go_wrong: &dyn Fn(&World)) -> World {
    let mut world = through();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    go_wrong(&world);
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(LONG_ENOUGH);
    world
}

/// What is left of it, and how the stack stands.
fn whole_end(world: &World) -> (End, &'static str, String) {
    let image = world.stacks.parameter(STACK, "Image");
    (end(world), world.stacks.status(STACK), image)
}

#[test]
fn the_stories_end_as_they_should() {
    let ends = STORIES.map(|(_, story)| history(&story(&|_| {})).join(", "));
    assert_eq!(
        ends,
        [
            "v2 succeeded",
            "v2 rolled-back tasks-fail",
            "v2 rolled-back alarm-fired"
        ]
    );
}

#[test]
fn whatever_goes_wrong_with_what_is_asked_of_cloud_formation_the_end_is_the_same() {
    let mut met = BTreeSet::new();
    for (name, story) in STORIES {
        let good = whole_end(&story(&|_| {}));
        for operation in [
            Operation::CreateChangeSet,
            Operation::ExecuteChangeSet,
            Operation::CancelUpdateStack,
            Operation::DescribeStacks,
            Operation::DescribeChangeSet,
        ] {
            for fault in [
                Fault::CrashBefore,
                Fault::CrashAfter,
                Fault::LostAnswer,
                Fault::LostRequest,
                Fault::Throttled,
            ] {
                let what = format!("{name}: {fault:?} {operation:?}");
                let world = story(&|world| world.calls.fail_next(operation, fault, 1));
                if world.calls.injected() == 0 {
                    continue;
                }
                met.insert(operation);
                assert_eq!(whole_end(&world), good, "{what}");
                assert_eq!(writes(&world), (0, 0), "{what}");
            }
        }
    }
    assert_eq!(met.len(), 5, "{met:?}");
}

#[test]
fn wherever_rollout_dies_the_end_is_the_same() {
    for (name, story) in STORIES {
        let began = std::cell::Cell::new(0);
        let world = story(&|world| began.set(world.calls.made()));
        let good = whole_end(&world);
        let calls = world.calls.log().into_iter();
        let calls: Vec<Call> = calls
            .filter(|call| call.ordinal > began.get() && call.function == Function::Rollout)
            .collect();
        for call in &calls {
            for fault in [Fault::CrashBefore, Fault::CrashAfter] {
                let what = format!(
                    "{name}: {fault:?} {:?}, call {}",
                    call.operation, call.ordinal
                );
                let world = story(&|world| world.calls.fail_call(call.ordinal, fault));
                assert_eq!(world.calls.injected(), 1, "{what}");
                assert_eq!(whole_end(&world), good, "{what}");
                assert_eq!(writes(&world), (0, 0), "{what}");
            }
        }
        println!("{name}: rollout died at each of {} calls", calls.len());
    }
}

#[test]
fn throttled_for_long_it_comes_through_in_the_end() {
    for operation in [
        Operation::CreateChangeSet,
        Operation::ExecuteChangeSet,
        Operation::DescribeStacks,
        Operation::DescribeChangeSet,
    ] {
        let world = goes_live(&|world| world.calls.fail_next(operation, Fault::Throttled, 8));
        assert_eq!(world.calls.injected(), 8, "{operation:?}");
        assert_eq!(history(&world), ["v2 succeeded"], "{operation:?}");
        assert_rests_on(&world, "v2", "UPDATE_COMPLETE");
    }
}
