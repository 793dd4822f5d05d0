//! The function dies anywhere while it handles a command: it is carried out once all the same.

use std::collections::BTreeSet;

use pushboat::ports::Clock as _;
use simulation::{Call, Function, ReadLag};

use super::super::crash::{End, end};
use super::*;

/// A rollout, a command and what comes of it, once interrupted.
const LONG_ENOUGH: SignedDuration = SignedDuration::from_mins(30);
/// For how long after the command the function may die.
const DIES_WITHIN: SignedDuration = SignedDuration::from_secs(90);

/// One command, and the world that it is given in.
struct Play {
    before: fn() -> World,
    command: &'static str,
    fields: fn() -> Value,
}

impl Play {
    fn play(&self, go_wrong: impl FnOnce(&World)) -> World {
        let mut world = (self.before)();
        go_wrong(&world);
        order(&mut world, self.command, (self.fields)());
        world.run_for(LONG_ENOUGH);
        world
    }

    /// The calls that `rollout` makes from the command to the end.
    fn calls(&self) -> Vec<Call> {
        let began = std::cell::Cell::new((0, jiff::Timestamp::MIN));
        let world = self.play(|world| began.set((world.calls.made(), world.clock.now())));
        let (first, since) = began.get();
        let calls = world.calls.log().into_iter();
        calls
            .filter(|call| call.ordinal > first && call.function == Function::Rollout)
            .filter(|call| call.at.duration_since(since) < DIES_WITHIN)
            .collect()
    }

    /// Has the function die before and after each call; answers what was tried.
    fn die_everywhere(&self) -> BTreeSet<Operation> {
        let expected = self.play(|_| {});
        let calls = self.calls();
        let lag = seconds(25);
        let lagging = ReadLag {
            services: lag,
            definitions: lag,
        };
        for call in &calls {
            for fault in [Fault::CrashBefore, Fault::CrashAfter] {
                self.die_at(call, fault, minutes(6), ReadLag::default(), &expected);
                self.die_at(call, fault, seconds(2), lagging, &expected);
            }
        }
        println!(
            "{}: died around each of {} calls",
            self.command,
            calls.len()
        );
        calls.iter().map(|call| call.operation).collect()
    }

    fn die_at(
        &self,
        call: &Call,
        fault: Fault,
        again: SignedDuration,
        lag: ReadLag,
        expected: &World,
    ) {
        let operation = call.operation;
        let what = format!(
            "{} {fault:?} {operation:?}, call {}",
            self.command, call.ordinal
        );
        let world = self.play(|world| {
            world.queue.set_visibility_timeout(again);
            world.ecs.set_read_lag(lag);
            world.calls.fail_call(call.ordinal, fault);
        });
        assert_eq!(world.calls.injected(), 1, "{what}");
        assert_eq!(left(&world), left(expected), "{what}");
        let died_at = |at| usize::from(at == operation && fault == Fault::CrashBefore);
        let (registered, updated) = writes(expected);
        let expected = (
            registered + died_at(Operation::RegisterTaskDefinition),
            updated + died_at(Operation::UpdateService),
        );
        assert_eq!(writes(&world), expected, "{what}");
    }
}

/// What is left when all is over.
fn left(world: &World) -> (End, Vec<String>, usize, bool) {
    let state = world.state(TARGET);
    let mut end = end(world);
    // Two commands given at once may be told of before or after what the first one does.
    end.told.sort();
    (
        end,
        quarantined(world),
        state.commands.len(),
        state.held.is_some(),
    )
}

fn baking() -> World {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    push(&mut world, "v3");
    world.run_for(seconds(2));
    world
}

#[test]
fn a_rollback_is_carried_out_once() {
    let tried = Play {
        before: baking,
        command: "rollback",
        fields: || json!({}),
    }
    .die_everywhere();
    assert!(tried.contains(&Operation::SaveTarget) && tried.contains(&Operation::UpdateService));
}

#[test]
fn a_deployment_of_an_older_image_is_carried_out_once() {
    let tried = Play {
        before: || on_v3().0,
        command: "deploy",
        fields: || json!({ "tag": "v2" }),
    }
    .die_everywhere();
    for operation in [
        Operation::LoadTarget,
        Operation::DescribeImage,
        Operation::SaveTarget,
        Operation::RegisterTaskDefinition,
        Operation::UpdateService,
    ] {
        assert!(tried.contains(&operation), "{operation:?} was not tried");
    }
}

#[test]
fn a_hold_its_end_and_a_release_are_carried_out_once() {
    let held = || {
        let mut world = adopted();
        order(&mut world, "hold", json!({}));
        push(&mut world, "v2");
        world.run_for(minutes(2));
        world
    };
    let taken_back = || {
        let mut world = adopted();
        world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
        world.run_for(minutes(20));
        world
    };
    let bad = || json!({ "digest": Image::crashing("v2").digest() });
    for play in [
        Play {
            before: baking,
            command: "hold",
            fields: || json!({ "reason": "freeze" }),
        },
        Play {
            before: held,
            command: "resume",
            fields: || json!({}),
        },
        Play {
            before: taken_back,
            command: "release",
            fields: bad,
        },
    ] {
        assert!(play.die_everywhere().contains(&Operation::SaveTarget));
    }
}

#[test]
fn a_refusal_is_told_once() {
    let refused = Play {
        before: || {
            let mut world = adopted();
            push(&mut world, "v2");
            run_to(&mut world, "baking");
            order(&mut world, "rollback", json!({}));
            world
        },
        command: "rollback",
        fields: || json!({}),
    };
    refused.die_everywhere();
    let told = told(&refused.play(|_| {}));
    assert_eq!(
        told.iter()
            .filter(|told| *told == "command-refused")
            .count(),
        1
    );
}

#[test]
fn a_write_that_lost_its_race_takes_the_command_in_anew() {
    let play = Play {
        before: baking,
        command: "rollback",
        fields: || json!({}),
    };
    let expected = left(&play.play(|_| {}));
    for call in play.calls() {
        if call.operation == Operation::SaveTarget {
            let world = play.play(|world| world.calls.fail_call(call.ordinal, Fault::Conflict));
            assert_eq!(left(&world), expected, "call {}", call.ordinal);
            assert_eq!(writes(&world), (1, 2));
        }
    }
}
