//! One push to a thousand targets, with ECS's rates as they are.

use super::*;

const TARGETS: usize = 1_000;

fn name(number: usize) -> String {
    format!("web-{number}")
}

/// A thousand services of as many families that follow one repository; v1 runs on all.
fn fleet() -> World {
    let mut world = world();
    for number in 0..TARGETS {
        let name = name(number);
        let service = ServiceSpecification::new("prod", &name, &pinned("v1"), &name);
        world.ecs.create_service(&service);
        let text = TARGET_TEXT.replace(r#""name": "web""#, &format!(r#""name": "{name}""#));
        world.put_target(&name, &text);
    }
    world.run_for(minutes(30));
    for number in 0..TARGETS {
        let state = world.state(&name(number));
        assert!(state.last_known_good.is_some(), "web-{number} is adopted");
    }
    world.ecs.limit_rates();
    world
}

/// Invariant 11: one push to N targets reaches all N, however ECS throttles.
///
/// RegisterTaskDefinition may be called twenty times at once and once a second after that, and the
/// sweep wakes whoever was turned away once a minute: it takes longer than their deadline.
#[test]
fn one_push_to_a_thousand_targets_reaches_them_all() {
    let mut world = fleet();
    push(&mut world, "v2");
    world.run_for(minutes(30));
    let begun = |world: &World| {
        let all = 0..TARGETS;
        all.filter(|number| world.ecs.revisions(&name(*number)) == 2)
            .count()
    };
    assert!((1..TARGETS).contains(&begun(&world)), "{}", begun(&world));
    world.run_for(minutes(40));
    for number in 0..TARGETS {
        let name = name(number);
        let ends = world.ledger.history(&target(&name));
        let ends: Vec<_> = ends.iter().map(summary).collect();
        assert_eq!(ends, ["v2 succeeded"], "{name}");
        assert_eq!(world.ecs.revisions(&name), 2, "{name}: registered once");
    }
    assert_eq!(world.queue.dead_letters().len(), 0);
}
