//! What is deployed and proven good is published for the owner's tools.

use pushboat::core::state::GoodSource;
use simulation::{Fault, Function};

use super::*;

/// Everything the parameter says, and what the state has to say the same.
#[track_caller]
fn published(world: &World) -> Value {
    let text = world.published(TARGET).expect("something is published");
    let says: Value = serde_json::from_str(&text).unwrap();
    let good = world.state(TARGET).last_known_good.unwrap();
    assert_eq!(says["taskDefinition"], good.task_definition);
    assert_eq!(says["since"], format!("{:.0}", good.at));
    says
}

/// How often something was written to Parameter Store, whatever came of it.
fn tries(world: &World) -> usize {
    world.calls.count(Operation::PutParameter)
}

/// The tag that is said to be deployed now.
fn tag(world: &World) -> Option<String> {
    let says: Value = serde_json::from_str(&world.published(TARGET)?).unwrap();
    says["tag"].as_str().map(str::to_owned)
}

#[test]
fn what_is_adopted_and_what_succeeds_is_published_and_what_bakes_is_not() {
    let mut world = adopted();
    let says = published(&world);
    assert_eq!(says["images"], json!({ "app": pinned("v1") }));
    assert_eq!(says.get("tag"), None, "nobody pushed it to Pushboat");

    push(&mut world, "v2");
    run_to(&mut world, "baking");
    assert_eq!(published(&world)["images"]["app"], pinned("v1"));
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    let says = published(&world);
    assert_eq!(says["images"], json!({ "app": pinned("v2") }));
    assert_eq!(says["tag"], "v2");
    assert_eq!(tries(&world), 2, "each once");
}

#[test]
fn what_is_taken_back_is_never_published() {
    let mut world = adopted();
    let before = world.published(TARGET);
    world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    world.run_for(minutes(40));
    assert_eq!(under_way(&world), None);
    assert_eq!(world.ecs.images(&service()), [pinned("v1")]);
    assert_eq!((world.published(TARGET), tries(&world)), (before, 1));
}

#[test]
fn wherever_rollout_dies_around_it_the_same_is_published_in_the_end() {
    let play = |fault: Option<(usize, Fault)>| {
        let mut world = adopted();
        if let Some((ordinal, fault)) = fault {
            world.calls.fail_call(ordinal, fault);
        }
        push(&mut world, "v2");
        world.run_for(minutes(40));
        world
    };
    let undisturbed = play(None);
    let log = undisturbed.calls.log();
    let first = adopted().calls.made();
    let put = log
        .iter()
        .filter(|call| call.ordinal > first && call.operation == Operation::PutParameter);
    let [put] = put.collect::<Vec<_>>()[..] else {
        panic!("it is published once");
    };
    let note = log
        .iter()
        .find(|call| call.ordinal > put.ordinal && call.function == Function::Rollout);
    let note = note.unwrap();
    assert_eq!(note.operation, Operation::SaveTarget);
    for call in [put, note] {
        for fault in [
            Fault::CrashBefore,
            Fault::CrashAfter,
            Fault::LostRequest,
            Fault::LostAnswer,
            Fault::Throttled,
            Fault::Conflict,
        ] {
            let what = format!("{fault:?} {:?}", call.operation);
            let world = play(Some((call.ordinal, fault)));
            assert_eq!(world.calls.injected(), 1, "{what}");
            assert_eq!(published(&world)["tag"], "v2", "{what}");
            let state = world.state(TARGET);
            assert_eq!(state.to_publish(), None, "{what}");
            assert_eq!((state.unpublished, state.wake), (None, None), "{what}");
            assert_eq!(history(&world), ["v2 succeeded"], "{what}");
            assert_eq!(told(&world), told(&undisturbed), "{what}");
            assert_eq!(writes(&world), (1, 1), "{what}");
            assert!(tries(&world) <= 3, "{what}: {}", tries(&world));
        }
    }
}

#[test]
fn what_aws_refuses_disturbs_nothing_and_is_tried_less_and_less_often() {
    let mut world = adopted();
    let before = world.published(TARGET);
    let first = tries(&world);
    world
        .calls
        .fail_next(Operation::PutParameter, Fault::Refused, usize::MAX);
    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(under_way(&world), None);
    world.run_for(minutes(23 * 60));
    assert_eq!(world.published(TARGET), before);
    let tried = tries(&world) - first;
    assert!((10..=13).contains(&tried), "{tried} times in a day");
    // While nobody allows it, other versions go out as ever.
    push(&mut world, "v3");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
    assert!(world.dead_letters.is_empty() && world.queue.is_empty());

    world.calls.heal();
    world.run_for(minutes(20));
    assert_eq!(tag(&world).as_deref(), Some("v3"), "within minutes");
}

#[test]
fn while_parameter_store_does_not_answer_it_is_tried_each_quarter_of_an_hour() {
    let mut world = adopted();
    world
        .calls
        .fail_next(Operation::PutParameter, Fault::LostRequest, usize::MAX);
    push(&mut world, "v2");
    world.run_for(minutes(4 * 60));
    assert_eq!(history(&world), ["v2 succeeded"]);
    world.calls.heal();
    world.run_for(minutes(17));
    assert_eq!(tag(&world).as_deref(), Some("v2"));
}

#[test]
fn an_older_version_never_takes_the_place_of_a_newer_one() {
    let mut world = adopted();
    let mut seen = Vec::new();
    for (number, fault) in [
        Fault::LostAnswer,
        Fault::PauseBefore,
        Fault::CrashAfter,
        Fault::PauseAfter,
        Fault::Throttled,
    ]
    .into_iter()
    .enumerate()
    {
        world.calls.fail_next(Operation::PutParameter, fault, 1);
        push(&mut world, &format!("v{}", number + 2));
        for _ in 0..20 * 60 {
            world.run_for(seconds(1));
            let now = tag(&world);
            if seen.last() != Some(&now) {
                seen.push(now);
            }
        }
    }
    let expected = [
        None,
        Some("v2"),
        Some("v3"),
        Some("v4"),
        Some("v5"),
        Some("v6"),
    ];
    let seen: Vec<Option<&str>> = seen.iter().map(Option::as_deref).collect();
    assert_eq!(seen, expected);
}

#[test]
fn what_was_good_before_pushboat_published_is_published_within_a_quarter_of_an_hour() {
    let mut world = adopted();
    world.ledger.forget_published(&target(TARGET));
    world.parameters.delete("/pushboat/deployed/web");
    world.run_for(minutes(17));
    assert_eq!(published(&world)["images"]["app"], pinned("v1"));
    assert_eq!(tries(&world), 2);
}

#[test]
fn a_targets_end_leaves_what_was_published_and_its_next_beginning_says_it_anew() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(20));
    let before = world.published(TARGET);
    world.delete_target(TARGET);
    world.run_for(minutes(20));
    assert_eq!(world.state(TARGET).last_known_good, None);
    assert_eq!(world.published(TARGET), before);
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(5));
    let good = world.state(TARGET).last_known_good.unwrap();
    assert_eq!(good.source, GoodSource::Adopted);
    assert_eq!(published(&world)["images"]["app"], pinned("v2"));
}

#[test]
fn under_a_hold_it_is_published_all_the_same() {
    let mut world = steady();
    world.hold_everything(Some("audit"));
    world.run_for(minutes(2));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(2));
    assert_eq!(published(&world)["images"]["app"], pinned("v1"));
    assert_eq!(writes(&world), (0, 0));
}
