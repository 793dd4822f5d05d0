//! What AWS does by itself meanwhile: Spot losses and autoscaling.

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
