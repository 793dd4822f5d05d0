//! Time: what happens does not hang on how it is looked at, and comes to rest.

use jiff::SignedDuration;
use serde_json::{Value, json};
use stack_model::Outcome;

use crate::world::{World, image_and_previous};

#[test]
fn one_leap_and_many_steps_come_to_the_same() {
    let tell = |step: i64| {
        let mut world = World::new();
        world.deploy_to_service("web:2", "push-1");
        let mut waited = 0;
        while waited < 4 * 60 * 60 {
            world.wait_seconds(step);
            waited += step;
        }
        (events(&mut world), world.events)
    };
    assert_eq!(tell(4 * 60 * 60), tell(60));
}

#[test]
fn the_same_calls_come_to_the_same() {
    let tell = || {
        let mut world = World::new();
        world.deploy_to_service("web:2", "push-1");
        world.fail();
        world.wait_seconds(100);
        (events(&mut world), world.events)
    };
    assert_eq!(tell(), tell());
}

#[test]
fn it_is_known_when_something_happens_next() {
    let mut world = World::new();
    assert_eq!(world.stacks.next_change_at(), None);
    let request = crate::world::change_set("push-1", image_and_previous("web:2"));
    world.call("CreateChangeSet", request);
    let seconds = [2, 6];
    for seconds in seconds {
        let next = world.stacks.next_change_at().unwrap();
        assert_eq!(next, world.now + SignedDuration::from_secs(seconds));
        world.wait_seconds(seconds);
    }
    assert_eq!(world.stacks.next_change_at(), None);
    world.execute("push-1", "push-1");
    assert!(world.stacks.next_change_at().is_some());
}

#[test]
fn time_does_not_go_back() {
    let mut world = World::new();
    let before = "2020-01-01T00:00:00Z".parse().unwrap();
    let request = json!({"StackName": "web"});
    world
        .stacks
        .call("DescribeStacks", &request, before)
        .unwrap();
    assert_eq!(world.stacks.now(), world.now);
}

#[test]
fn a_stack_whose_service_answers_always_comes_to_rest() {
    for answers in 0..16_u32 {
        let mut world = World::new();
        world.deploy("web:2", "push-1");
        let mut given = 0;
        for _ in 0..20 {
            world.wait_seconds(20);
            let awaited: Vec<_> = world
                .effects
                .iter()
                .filter(|effect| world.stacks.is_awaited(effect.id))
                .map(|effect| effect.id)
                .collect();
            for id in awaited {
                let outcome = match (answers >> given) & 1 {
                    0 => Outcome::Done,
                    _ => Outcome::Failed(stack_model::Failure::circuit_breaker()),
                };
                world.stacks.answer(id, outcome);
                given += 1;
            }
        }
        let status = world.status();
        let at_rest = [
            "UPDATE_COMPLETE",
            "UPDATE_ROLLBACK_COMPLETE",
            "UPDATE_ROLLBACK_FAILED",
        ];
        assert!(at_rest.contains(&status.as_str()), "{answers:b}: {status}");
    }
}

fn events(world: &mut World) -> Value {
    world.call("DescribeStackEvents", json!({"StackName": "web"}))
}
