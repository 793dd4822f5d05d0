//! Deployments that wait at a `PAUSE` lifecycle hook until somebody answers.

use pushboat::core::reason::Waiting;

use super::*;

/// As `adopted`, with a hook before new tasks start and a timeout of its own.
fn with_hook(minutes_long: u32, action: &str) -> World {
    let mut world = steady();
    world.ecs.configure(
        &service(),
        &json!({ "lifecycleHooks": [{
            "targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"],
            "timeoutConfiguration": { "timeoutInMinutes": minutes_long, "action": action },
        }] }),
    );
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(1));
    world
}

/// How often something was told.
fn times(world: &World, title: &str) -> usize {
    told(world).iter().filter(|one| *one == title).count()
}

/// Waits for nothing but the hook, look after look.
fn waits_for_the_hook(world: &mut World, minutes_long: i64) {
    for minute in 0..minutes_long {
        world.run_for(minutes(1));
        let state = world.state(TARGET);
        let waiting = state.wake.map(|wake| wake.waiting);
        assert!(
            matches!(waiting, Some(Waiting::PausedHook { .. })),
            "after {minute} minutes it waits for {waiting:?}"
        );
        let phase = state.current.map(|current| current.phase.as_str());
        assert_eq!(phase, Some("progressing"));
    }
}

#[test]
fn it_is_told_once_and_waits_past_the_deadline() {
    let mut world = with_hook(1440, "ROLLBACK");
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.run_for(minutes(2));
    waits_for_the_hook(&mut world, 65);
    assert_eq!(times(&world, "v2 deployment-paused"), 1);
    let document = world.topic.documents().pop().unwrap();
    assert_eq!(document["severity"], "warning");
    assert_eq!(document["outcome"], "waiting");
    let explanation = document["reason"]["explanation"].as_str().unwrap();
    for action in ["CONTINUE", "ROLLBACK"] {
        let line = format!("--action {action}");
        assert!(explanation.contains(&line), "{explanation}");
    }
    world.ecs.go_on(&service());
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(
        told(&world),
        [
            "adopted",
            "v2 started",
            "v2 deployment-paused",
            "v2 baking",
            "v2 succeeded"
        ]
    );
}

#[test]
fn where_nobody_answers_it_goes_on_or_back_as_the_owner_set_it() {
    for (action, end) in [
        ("CONTINUE", "v2 succeeded"),
        ("ROLLBACK", "v2 rolled-back deployment-failed"),
    ] {
        let mut world = with_hook(45, action);
        push(&mut world, "v2");
        run_to(&mut world, "progressing");
        world.run_for(minutes(2));
        waits_for_the_hook(&mut world, 42);
        // On its way back it waits at the same hook.
        world.run_for(minutes(100));
        assert_eq!(history(&world), [end]);
        assert_eq!(writes(&world), (1, 1), "nobody competes with ECS");
        assert_eq!(times(&world, "v2 deployment-paused"), 1, "{action}");
    }
}
