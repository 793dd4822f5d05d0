//! The function dies anywhere: the next one finds out what was done by looking.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pushboat::core::deployed::Deployed;
use pushboat::core::state::TargetState;
use pushboat::ports::Clock as _;
use simulation::{Call, Fault, Function, ReadLag};

use super::*;

/// How long a rollout may take that died once: the queue gives a message out
/// again after six minutes.
const LONG_ENOUGH: SignedDuration = SignedDuration::from_mins(40);

/// What is left of a rollout when it is over.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) history: Vec<String>,
    pub(crate) images: Vec<String>,
    pub(crate) good_images: Vec<String>,
    /// Whether what is published is what is good.
    pub(crate) is_published: bool,
    pub(crate) told: Vec<String>,
    pub(crate) under_way: bool,
    pub(crate) queued: usize,
}

pub(crate) fn end(world: &World) -> End {
    let state: TargetState = world.state(TARGET);
    let good = state.last_known_good.as_ref();
    End {
        history: history(world),
        images: world.ecs.images(&service()),
        good_images: good
            .map(|good| good.images.values().cloned().collect())
            .unwrap_or_default(),
        is_published: world.published(TARGET) == good.map(|good| Deployed::of(good).text()),
        told: told(world),
        under_way: state.current.is_some() || state.wake.is_some(),
        queued: world.queue.len(),
    }
}

/// The end of every rollout of v2 that comes through.
fn good_end() -> End {
    End {
        history: vec!["v2 succeeded".to_owned()],
        images: vec![pinned("v2")],
        good_images: vec![pinned("v2")],
        is_published: true,
        told: ["adopted", "v2 started", "v2 baking", "v2 succeeded"]
            .map(str::to_owned)
            .to_vec(),
        under_way: false,
        queued: 0,
    }
}

/// Plays one rollout of v2, with something going wrong.
fn play(go_wrong: impl FnOnce(&World)) -> World {
    let mut world = adopted();
    go_wrong(&world);
    push(&mut world, "v2");
    world.run_for(LONG_ENOUGH);
    world
}

/// The calls that `function` makes from the push to the end of its rollout.
fn calls_of(function: Function) -> Vec<Call> {
    let world = play(|_| {});
    assert_eq!(end(&world), good_end());
    let first = adopted().calls.made();
    let calls = world.calls.log().into_iter();
    calls
        .filter(|call| call.ordinal > first && call.function == function)
        .collect()
}

/// Each time a rollout's own revision was asked for.
fn update_times(world: &World) -> Vec<Timestamp> {
    let calls = world.calls.log().into_iter();
    calls
        .filter(|call| call.operation == Operation::UpdateService)
        .map(|call| call.at)
        .collect()
}

#[test]
fn wherever_rollout_dies_the_end_is_the_same() {
    die_everywhere(minutes(6), ReadLag::default());
}

#[test]
fn also_where_the_next_one_comes_at_once() {
    die_everywhere(seconds(2), ReadLag::default());
}

#[test]
fn also_where_reads_do_not_show_yet_what_was_done() {
    let lag = seconds(25);
    for (services, definitions) in [(lag, lag), (lag, seconds(0)), (seconds(0), lag)] {
        die_everywhere(
            seconds(2),
            ReadLag {
                services,
                definitions,
            },
        );
    }
}

fn die_everywhere(visibility_timeout: SignedDuration, lag: ReadLag) {
    let calls = calls_of(Function::Rollout);
    let mut points = 0;
    for call in &calls {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let what = format!("{fault:?} {:?}, call {}", call.operation, call.ordinal);
            let world = play(|world| {
                world.queue.set_visibility_timeout(visibility_timeout);
                world.ecs.set_read_lag(lag);
                world.calls.fail_call(call.ordinal, fault);
            });
            assert_eq!(world.calls.injected(), 1, "{what}");
            assert_eq!(end(&world), good_end(), "{what}");
            let (registered, updated) = writes(&world);
            let died_sending =
                call.operation == Operation::UpdateService && fault == Fault::CrashBefore;
            assert_eq!(updated, 1 + usize::from(died_sending), "{what}");
            let died_registering =
                call.operation == Operation::RegisterTaskDefinition && fault == Fault::CrashBefore;
            assert_eq!(registered, 1 + usize::from(died_registering), "{what}");
            assert_eq!(
                world.ecs.revisions("web"),
                2,
                "{what}: a revision is used again"
            );
            points += 1;
        }
    }
    let operations: BTreeSet<Operation> = calls.iter().map(|call| call.operation).collect();
    for operation in [
        Operation::LoadTarget,
        Operation::SaveTarget,
        Operation::DescribeServices,
        Operation::DescribeTaskDefinition,
        Operation::DescribeImage,
        Operation::DescribeAlarms,
        Operation::RegisterTaskDefinition,
        Operation::UpdateService,
        Operation::PutParameter,
    ] {
        assert!(
            operations.contains(&operation),
            "{operation:?} was not tried"
        );
    }
    println!("rollout died at {points} points of {} calls", calls.len());
}

#[test]
fn wherever_the_other_functions_die_the_end_is_the_same() {
    let mut points = 0;
    for function in [
        Function::ImagePush,
        Function::ServiceChange,
        Function::Sweep,
        Function::Notify,
    ] {
        let calls = calls_of(function);
        assert!(!calls.is_empty(), "{function:?}");
        for call in calls {
            for fault in [Fault::CrashBefore, Fault::CrashAfter] {
                let what = format!(
                    "{function:?} {fault:?} {:?}, call {}",
                    call.operation, call.ordinal
                );
                let world = play(|world| world.calls.fail_call(call.ordinal, fault));
                assert_eq!(world.calls.injected(), 1, "{what}");
                assert_eq!(end(&world), good_end(), "{what}");
                assert_eq!(writes(&world), (1, 1), "{what}");
                let filed = world.ledger.notices();
                assert!(filed.iter().all(|one| one.sent_at.is_some()), "{what}");
                assert!(world.dead_letters.is_empty(), "{what}");
                points += 1;
            }
        }
    }
    println!("the other functions died at {points} points");
}

#[test]
fn wherever_rollout_dies_the_newest_of_two_pushes_wins_and_nothing_older_follows_it() {
    for supersede in ["whenFinished", "immediately"] {
        let choice = format!(r#""alarms": ["5xx"], "supersede": "{supersede}""#);
        let text = TARGET_TEXT.replace(r#""alarms": ["5xx"]"#, &choice);
        let play = |fault: Option<(usize, Fault)>| {
            let mut world = adopted_with(&text);
            if let Some((ordinal, fault)) = fault {
                world.calls.fail_call(ordinal, fault);
            }
            push(&mut world, "v2");
            world.run_for(seconds(70));
            push(&mut world, "v3");
            world.run_for(LONG_ENOUGH);
            world
        };
        let first = adopted_with(&text).calls.made();
        let calls = play(None).calls.log().into_iter();
        let calls = calls.filter(|call| call.ordinal > first && call.function == Function::Rollout);
        for call in calls {
            for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::LostAnswer] {
                let what = format!(
                    "{supersede} {fault:?} {:?}, call {}",
                    call.operation, call.ordinal
                );
                let world = play(Some((call.ordinal, fault)));
                let end = end(&world);
                assert_eq!(end.images, [pinned("v3")], "{what}");
                assert_eq!(end.good_images, [pinned("v3")], "{what}");
                assert_eq!(end.history.last().unwrap(), "v3 succeeded", "{what}");
                assert!(!end.under_way && end.queued == 0, "{what}");
                let asked = world.ecs.asked_for(&service());
                let all = [specification().image, pinned("v2"), pinned("v3")];
                let without_v2 = [specification().image, pinned("v3")];
                assert!(asked == all || asked == without_v2, "{what}: {asked:?}");
            }
        }
    }
}

#[test]
fn a_rollout_whose_message_is_lost_with_it_is_found_by_the_sweep() {
    for operation in [Operation::RegisterTaskDefinition, Operation::UpdateService] {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let mut world = adopted();
            world.calls.fail_next(operation, fault, 1);
            push(&mut world, "v2");
            world.run_for(seconds(3));
            world.queue.purge();
            world.run_for(minutes(3));
            let current = world.state(TARGET).current.map(|current| summary(&current));
            assert_eq!(
                current.as_deref(),
                Some("v2 baking"),
                "{operation:?} {fault:?}"
            );
        }
    }
}

#[test]
fn adoption_survives_a_death_at_every_call() {
    let play = |fault: Option<(usize, Fault)>| {
        let mut world = steady();
        if let Some((ordinal, fault)) = fault {
            world.calls.fail_call(ordinal, fault);
        }
        world.put_target(TARGET, TARGET_TEXT);
        world.run_for(minutes(15));
        world
    };
    let (first, last) = (steady().calls.made(), play(None).calls.made());
    assert!(last > first + 10);
    for ordinal in first + 1..=last {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let world = play(Some((ordinal, fault)));
            assert_eq!(told(&world), ["adopted"], "{fault:?} at call {ordinal}");
            assert!(world.state(TARGET).last_known_good.is_some());
            assert_eq!(world.ledger.holder(&service()), Some(target(TARGET)));
        }
    }
}

#[test]
fn the_answer_of_an_update_is_lost_and_it_is_not_sent_again() {
    for lag in [seconds(0), seconds(25)] {
        let world = play(|world| {
            world.ecs.set_read_lag(ReadLag {
                services: lag,
                definitions: lag,
            });
            world
                .calls
                .fail_next(Operation::UpdateService, Fault::LostAnswer, 1);
        });
        assert_eq!(end(&world), good_end());
        assert_eq!(writes(&world), (1, 1));
    }
}

#[test]
fn an_update_that_never_arrives_is_sent_again_after_the_read_lag_and_not_before() {
    let world = play(|world| {
        world
            .calls
            .fail_next(Operation::UpdateService, Fault::LostRequest, 2);
    });
    assert_eq!(end(&world), good_end());
    assert_eq!(writes(&world), (1, 3));
    for pair in update_times(&world).windows(2) {
        assert!(pair[1].duration_since(pair[0]) >= seconds(30));
    }
}

#[test]
fn the_answer_of_a_registration_is_lost_and_its_revision_is_used() {
    let world = play(|world| {
        world
            .calls
            .fail_next(Operation::RegisterTaskDefinition, Fault::LostAnswer, 1);
    });
    assert_eq!(end(&world), good_end());
    assert_eq!(writes(&world), (1, 1));
    assert_eq!(world.ecs.revision(&service()), "web:2");
}

#[test]
fn a_registration_that_never_arrives_is_sent_again() {
    let world = play(|world| {
        world
            .calls
            .fail_next(Operation::RegisterTaskDefinition, Fault::LostRequest, 1);
    });
    assert_eq!(end(&world), good_end());
    assert_eq!(writes(&world), (2, 1));
    assert_eq!(world.ecs.revision(&service()), "web:2");
}

#[test]
fn every_answer_may_be_lost_and_every_call_be_turned_away() {
    for call in calls_of(Function::Rollout) {
        for fault in [Fault::Throttled, Fault::LostRequest, Fault::LostAnswer] {
            let what = format!("{fault:?} {:?}, call {}", call.operation, call.ordinal);
            let world = play(|world| world.calls.fail_call(call.ordinal, fault));
            assert_eq!(world.calls.injected(), 1, "{what}");
            assert_eq!(end(&world), good_end(), "{what}");
            let (registered, updated) = writes(&world);
            let again = usize::from(fault != Fault::LostAnswer);
            let once_more = |operation| {
                if call.operation == operation {
                    again
                } else {
                    0
                }
            };
            assert_eq!(
                registered,
                1 + once_more(Operation::RegisterTaskDefinition),
                "{what}"
            );
            assert_eq!(updated, 1 + once_more(Operation::UpdateService), "{what}");
            assert_eq!(world.ecs.revisions("web"), 2, "{what}");
        }
    }
}

#[test]
fn throttled_for_long_it_comes_through_in_the_end() {
    for operation in [
        Operation::DescribeServices,
        Operation::DescribeTaskDefinition,
        Operation::DescribeImage,
        Operation::DescribeAlarms,
        Operation::RegisterTaskDefinition,
        Operation::UpdateService,
    ] {
        let world = play(|world| world.calls.fail_next(operation, Fault::Throttled, 8));
        assert_eq!(world.calls.injected(), 8, "{operation:?}");
        assert_eq!(end(&world), good_end(), "{operation:?}");
        assert_eq!(world.ecs.revisions("web"), 2, "{operation:?}");
    }
}

/// Throttled AWS is well: with many targets at once it can take longer than one deadline.
#[test]
fn throttled_for_longer_than_its_deadline_it_comes_through_all_the_same() {
    for operation in [
        Operation::DescribeServices,
        Operation::DescribeImage,
        Operation::RegisterTaskDefinition,
        Operation::UpdateService,
    ] {
        let mut world = adopted();
        world.calls.fail_next(operation, Fault::Throttled, 60);
        push(&mut world, "v2");
        world.run_for(minutes(40));
        assert!(under_way(&world).is_some(), "{operation:?}");
        world.run_for(minutes(60));
        assert_eq!(history(&world), ["v2 succeeded"], "{operation:?}");
        assert_eq!(world.ecs.revisions("web"), 2, "{operation:?}");
    }
}

#[test]
fn what_was_taken_is_watched_though_nobody_could_look_until_its_deadline() {
    let mut world = adopted();
    world.lost.service_changes = true;
    let calls = &world.calls;
    calls.fail_next(Operation::UpdateService, Fault::LostAnswer, 1);
    push(&mut world, "v2");
    world.run_for(seconds(10));
    assert_eq!(world.ecs.revision(&service()), "web:2");
    let calls = &world.calls;
    calls.fail_next(Operation::DescribeServices, Fault::LostRequest, 45);
    world.run_for(minutes(35));
    assert_eq!(under_way(&world).as_deref(), Some("v2 starting"));
    world.run_for(minutes(30));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(writes(&world), (1, 1));
}

#[test]
fn without_any_answer_until_the_deadline_it_is_rejected_and_says_so() {
    let mut world = adopted();
    world
        .calls
        .fail_next(Operation::DescribeImage, Fault::LostRequest, usize::MAX);
    push(&mut world, "v2");
    world.run_for(LONG_ENOUGH);
    assert_eq!(history(&world), ["v2 rejected aws-unavailable"]);
    assert_eq!(writes(&world), (0, 0));
    let explanation = world.topic.documents().pop().unwrap()["reason"]["explanation"].clone();
    assert!(
        explanation
            .as_str()
            .unwrap()
            .contains("DescribeImage got no clear answer")
    );
}

#[test]
fn what_aws_refuses_is_rejected_with_its_words_and_the_service_runs_on() {
    for operation in [Operation::RegisterTaskDefinition, Operation::UpdateService] {
        let mut world = adopted();
        world.calls.fail_next(operation, Fault::Refused, 1);
        push(&mut world, "v2");
        world.run_for(minutes(5));
        assert_eq!(history(&world), ["v2 rejected refused"]);
        assert_eq!(told(&world), ["adopted", "v2 started", "v2 rejected"]);
        assert_eq!(world.ecs.revision(&service()), "web:1");
        let document = world.topic.documents().pop().unwrap();
        let explanation = document["reason"]["explanation"].as_str().unwrap();
        assert!(
            explanation.contains("ClientException: It may not be."),
            "{explanation}"
        );
    }
}

#[test]
fn a_write_that_lost_its_race_is_decided_anew() {
    for call in calls_of(Function::Rollout) {
        if call.operation != Operation::SaveTarget {
            continue;
        }
        let world = play(|world| world.calls.fail_call(call.ordinal, Fault::Conflict));
        assert_eq!(end(&world), good_end());
        assert_eq!(writes(&world), (1, 1));
    }
}

#[test]
fn a_ledger_that_never_takes_a_write_changes_nothing_and_loses_nothing() {
    let mut world = adopted();
    world
        .calls
        .fail_next(Operation::SaveTarget, Fault::Conflict, 7);
    push(&mut world, "v2");
    world.run_for(seconds(30));
    assert_eq!(writes(&world), (0, 0), "nothing is done that is not saved");
    assert!(!world.outcomes.iter().all(Outcome::is_done));
    world.run_for(LONG_ENOUGH);
    assert_eq!(end(&world), good_end());
}

#[test]
fn a_dead_rollout_does_not_hold_up_another_target() {
    let mut world = adopted();
    let specification =
        ServiceSpecification::new("prod", "api", &format!("{REGISTRY}/team/api:v1"), "api");
    world
        .images
        .put("team/api", "v1", &Image::healthy("api v1"));
    world.ecs.create_service(&specification);
    world.run_for(minutes(3));
    world.put_target(
        "api",
        &TARGET_TEXT
            .replace("team/web", "team/api")
            .replace(r#""name": "web""#, r#""name": "api""#),
    );
    world.run_for(minutes(1));
    let began = world.clock.now();
    world
        .calls
        .fail_next(Operation::LoadTarget, Fault::CrashBefore, 1);
    push(&mut world, "v2");
    world.run_for(seconds(1));
    world.push_image("team/api", "v2", &Image::healthy("api v2"));
    world.run_for(minutes(4));
    assert_eq!(writes(&world), (1, 1));
    assert_eq!(
        world.ecs.images(&specification.service),
        [format!(
            "{REGISTRY}/team/api@{}",
            Image::healthy("api v2").digest()
        )]
    );
    assert!(world.clock.now().duration_since(began) < minutes(6));
    world.run_for(LONG_ENOUGH);
    assert_eq!(history(&world), ["v2 succeeded"]);
}

/// Whoever copies a revision by hand copies its tags too.
#[test]
fn a_copy_of_our_revision_with_another_image_is_not_taken_for_it() {
    for (deployed, end, image) in [
        (true, "v2 superseded somebody-else", "by-hand"),
        (false, "v2 succeeded", "v2"),
    ] {
        let mut world = adopted_with(&following("v*"));
        let register = Operation::RegisterTaskDefinition;
        world.calls.fail_next(register, Fault::CrashAfter, 1);
        push(&mut world, "v2");
        world.run_for(seconds(5));
        assert_eq!(world.ecs.revisions("web"), 2);
        world
            .images
            .put(REPOSITORY, "by-hand", &Image::healthy("by-hand"));
        let copy = world.ecs.register_next("web", &pinned("by-hand"));
        if deployed {
            world.ecs.update(&service(), |update| {
                update.task_definition = Some(copy);
            });
        }
        world.run_for(LONG_ENOUGH);
        assert_eq!(history(&world), [end]);
        assert_eq!(world.ecs.images(&service()), [pinned(image)]);
        assert_eq!(writes(&world), (1, usize::from(!deployed)));
    }
}
