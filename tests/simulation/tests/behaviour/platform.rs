//! What AWS does by itself meanwhile: Spot losses and autoscaling.

use pushboat::ports::Clock as _;
use simulation::World;

use super::*;

/// A world with the target adopted on Fargate Spot.
fn on_spot() -> World {
    let mut world = world();
    let mut specification = specification();
    specification.is_on_spot = true;
    world.ecs.create_service(&specification);
    world.run_for(minutes(3));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(1));
    world
}

#[test]
fn tasks_that_spot_interrupts_are_not_held_against_the_image() {
    let mut world = on_spot();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    for _ in 0..4 {
        world.run_for(seconds(45));
        for task in world.ecs.tasks(&service()) {
            assert!(world.ecs.model().interrupt_spot_task(task));
        }
    }
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
}

#[test]
fn autoscaling_only_scales_out_while_a_deployment_is_in_progress() {
    let mut world = on_spot();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    assert!(!world.ecs.autoscale(&service(), 1));
    assert!(world.ecs.autoscale(&service(), 4));
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
    let desired = |world: &World| world.ecs.truth(&service()).unwrap().desired;
    assert_eq!(desired(&world), 4, "what autoscaling wants is kept");
    assert!(world.ecs.autoscale(&service(), 1));
    assert_eq!(desired(&world), 1);
}

#[test]
fn autoscaling_leaves_what_its_owner_scaled_to_zero() {
    let world = on_spot();
    world
        .ecs
        .update(&service(), |update| update.desired_count = Some(0));
    assert!(!world.ecs.autoscale(&service(), 2));
}

/// Twenty calls at once, and one a second: whoever comes after the others has to wait.
#[test]
fn what_others_use_up_of_a_rate_delays_and_harms_nothing() {
    let mut world = adopted();
    world.ecs.limit_rates();
    world.run_for(SignedDuration::from_millis(55));
    push(&mut world, "v2");
    for _ in 0..1_000 {
        world.ecs.use_up("RegisterTaskDefinition");
        world.run_for(SignedDuration::from_millis(20));
    }
    assert_eq!(under_way(&world).as_deref(), Some("v2 starting"));
    assert_eq!(world.ecs.revisions("web"), 1);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(world.ecs.revisions("web"), 2);
}

/// Only AWS's clocks are compared with each other, and none is expected to be right.
#[test]
fn clocks_that_are_off_by_some_seconds_change_nothing() {
    for seed in 0..8 {
        let mut world = world();
        world.skew_clocks(seconds(5), seed);
        world.ecs.create_service(&specification());
        world.run_for(minutes(3));
        world.put_target(TARGET, TARGET_TEXT);
        world.run_for(minutes(1));
        push(&mut world, "v2");
        world.run_for(minutes(15));
        push(&mut world, "v3");
        run_to(&mut world, "baking");
        world.run_for(seconds(20));
        world
            .alarms
            .set("5xx", pushboat::core::alarm::AlarmState::Alarm);
        world.run_for(minutes(15));
        let ends = ["v2 succeeded", "v3 rolled-back alarm-fired"];
        assert_eq!(history(&world), ends, "seed {seed}");
    }
}

/// With the sweep's clock ahead of `rollout`'s, what is woken may not be due yet.
#[test]
fn a_wake_up_that_came_early_comes_again_a_minute_later() {
    let mut early = 0;
    for second in (0..60).step_by(5) {
        let mut world = adopted();
        world.lost.service_changes = true;
        world.function_clocks.sweep.set_skew(seconds(5));
        world.function_clocks.rollout.set_skew(seconds(-5));
        world.run_for(seconds(second));
        push(&mut world, "v2");
        world.run_for(seconds(5));
        while let Some(wake) = world.state(TARGET).wake {
            let slept = world.clock.now().duration_since(wake.at);
            assert!(slept < seconds(75), "pushed {second} s late: {wake:?}");
            world.run_for(seconds(1));
        }
        assert_eq!(history(&world), ["v2 succeeded"]);
        early += world.outcomes.iter().filter(|one| is_early(one)).count();
    }
    assert!(early > 0, "no wake-up came early");
}

/// Says whether a target was looked at and is to be woken for the same once more.
fn is_early(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Rollout(message, Invocation::Done(Report::Reconciled(Some(wake)))) => {
            let woken_for = format!("due.{}.", wake.at.as_millisecond());
            message.event_id.starts_with(&woken_for)
        }
        _ => false,
    }
}
