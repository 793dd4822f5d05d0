//! How much is asked of AWS, and by whom things are found when events are lost.

use pushboat::trigger::ecs::ServiceChange;
use simulation::{Event, Function};

use super::*;

#[test]
fn from_the_push_to_the_update_there_are_at_most_nine_calls_in_sequence() {
    let mut world = adopted();
    let before = world.calls.made();
    push(&mut world, "v2");
    world.run_for(seconds(1));
    let calls = world.calls.log().into_iter().skip(before);
    let made: Vec<Operation> = calls.map(|call| call.operation).collect();
    let update = made
        .iter()
        .position(|operation| *operation == Operation::UpdateService)
        .unwrap();
    assert_eq!(
        made[..=update],
        [
            Operation::FindFollowers,
            Operation::SendMessages,
            Operation::LoadTarget,
            Operation::DescribeServices,
            Operation::DescribeTaskDefinition,
            // These three go out together with the two before.
            Operation::DescribeImage,
            Operation::DescribeAlarms,
            Operation::DescribeGoodImage,
            Operation::SaveTarget,
            Operation::RegisterTaskDefinition,
            Operation::UpdateService,
        ]
    );
}

#[test]
fn without_any_event_of_ecs_the_sweep_brings_a_rollout_to_its_end() {
    let mut world = adopted();
    world.lost.service_changes = true;
    world.lost.task_changes = true;
    let before = world.calls.made();
    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    let calls = world.calls.log().into_iter().skip(before);
    let heard = calls.filter(|call| call.function == Function::ServiceChange);
    assert_eq!(heard.count(), 0);
}

#[test]
fn the_events_of_ecs_bring_a_rollout_on_between_two_sweeps() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(15));
    let done = world.outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::ServiceChanged(change, Invocation::Done(Woken::Targets(targets))) => {
            Some((change.what.as_str(), targets.len()))
        }
        _ => None,
    });
    assert_eq!(
        done.collect::<Vec<_>>(),
        [
            ("SERVICE_DEPLOYMENT_IN_PROGRESS", 1),
            ("SERVICE_DEPLOYMENT_COMPLETED", 1)
        ]
    );
    let baking = world.ledger.notices()[2].notice.at;
    let second = baking.as_second() % 60;
    assert_ne!(second, 0, "it was not the sweep that found it done");
}

#[test]
fn an_idle_target_costs_no_call_but_the_sweeps_own() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(20));
    let before = world.calls.made();
    world.run_for(minutes(30));
    let calls = world.calls.log().into_iter().skip(before);
    let functions: Vec<Function> = calls.map(|call| call.function).collect();
    assert!(functions.iter().all(|one| *one == Function::Sweep));
    // The hold in Parameter Store and in the ledger, what is due, when the parameters were
    // read and what was overlooked was looked for, what was not sent; and twice in half an hour
    // which targets there are, how each stands, and the note of it.
    assert!(functions.len() <= 30 * 6 + 2 * 3 + 5, "{}", functions.len());
}

#[test]
fn the_work_of_a_rollout_is_bounded() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(20));
    let invocations = world.outcomes.iter();
    let rollouts = invocations.filter(|outcome| matches!(outcome, Outcome::Rollout(..)));
    assert!(
        rollouts.count() <= 14,
        "one each minute, and one each event"
    );
    assert!(world.calls.count(Operation::SaveTarget) <= 14);
}

#[test]
fn an_event_that_changes_nothing_writes_nothing() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.run_for(seconds(1));
    let (before, looks) = (
        world.ledger.entry(&target("web")).version,
        world.calls.count(Operation::DescribeServices),
    );
    for number in 0..3 {
        world.tell(Event::ServiceChanged(ServiceChange {
            service: service(),
            what: "SERVICE_DEPLOYMENT_COMPLETED".to_owned(),
            trouble: None,
            event_id: format!("again-{number}"),
        }));
    }
    world.run_for(seconds(5));
    assert_eq!(world.calls.count(Operation::DescribeServices), looks + 3);
    assert_eq!(world.ledger.entry(&target("web")).version, before);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
}
