//! A target goes through a CloudFormation stack: Pushboat changes the stack, and
//! CloudFormation changes ECS.
//!
//! The stack `web-stack` has the service `prod/web`, a dashboard, and the
//! parameters `Image` and `Title`.

mod approval;
mod beginning;
mod beside;
mod crash;
mod way_back;

use simulation::StackSpecification;

use super::rollback::{last, quarantined, run_to_the_end, taken_back_by};
use super::*;

const STACK: &str = "web-stack";

const STACK_TEXT: &str = r#"{ "stack": { "name": "web-stack", "parameter": "Image" },
    "images": [ { "repository": "team/web" } ], "alarms": ["5xx"] }"#;

fn stack() -> StackSpecification {
    StackSpecification::new(STACK, specification())
}

/// The target, with more to say of its stack.
fn text_with(fields: &str) -> String {
    let parameter = r#""parameter": "Image""#;
    STACK_TEXT.replace(parameter, &format!("{parameter}, {fields}"))
}

/// A world with the stack, which is steady on v1.
fn stacked() -> World {
    stacked_as(&stack())
}

fn stacked_as(specification: &StackSpecification) -> World {
    let mut world = world();
    world.stacks.create(specification);
    world.run_for(minutes(3));
    world
}

/// As above, with the target adopted.
fn through() -> World {
    through_with(STACK_TEXT)
}

/// As above, with a configuration of its own.
fn through_with(text: &str) -> World {
    let mut world = stacked();
    world.put_target(TARGET, text);
    world.run_for(minutes(1));
    assert_eq!(told(&world), ["adopted"]);
    world
}

/// How often a change set was asked for, executed, and an update cancelled.
fn asked(world: &World) -> (usize, usize, usize) {
    (
        world.calls.count(Operation::CreateChangeSet),
        world.calls.count(Operation::ExecuteChangeSet),
        world.calls.count(Operation::CancelUpdateStack),
    )
}

/// Checks that the stack and its service are at rest with an image, and that Pushboat changed
/// nothing of ECS.
fn assert_rests_on(world: &World, tag: &str, status: &str) {
    assert_eq!(world.stacks.status(STACK), status);
    assert_eq!(world.stacks.parameter(STACK, "Image"), pinned(tag));
    assert_eq!(world.ecs.images(&service()), [pinned(tag)]);
    assert!(world.ecs.is_settled(&service()));
    assert_eq!(writes(world), (0, 0), "that is CloudFormation's work");
}

/// What the target waits for.
fn waits_for(world: &World) -> &'static str {
    let wake = world.state(TARGET).wake;
    wake.map_or("", |wake| wake.waiting.as_str())
}

/// The text of the last notice that was sent.
fn last_email(world: &mut World) -> String {
    world.run_for(seconds(5));
    let published = world.topic.published();
    let bodies = &published.last().unwrap().bodies;
    let email = bodies.iter().find(|(protocol, _)| *protocol == "email");
    email.unwrap().1.clone()
}

#[test]
fn a_push_goes_live_through_the_stack() {
    let mut world = through();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    assert_eq!(world.stacks.status(STACK), "UPDATE_IN_PROGRESS");
    run_to(&mut world, "baking");
    assert!(world.ecs.is_settled(&service()));
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(
        told(&world),
        ["adopted", "v2 started", "v2 baking", "v2 succeeded"]
    );
    assert_rests_on(&world, "v2", "UPDATE_COMPLETE");
    assert_eq!(asked(&world), (1, 1, 0));
    assert_eq!(
        world.stacks.statuses(STACK),
        [
            "CREATE_COMPLETE",
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_COMPLETE"
        ]
    );
    assert_eq!(world.stacks.parameter(STACK, "Title"), "as it was");
    world.run_for(minutes(90));
    assert_eq!(history(&world).len(), 1, "and that is all");
    assert_eq!(asked(&world), (1, 1, 0));
}

#[test]
fn one_push_after_the_other_goes_live() {
    let mut world = through();
    for tag in ["v2", "v3", "v4"] {
        push(&mut world, tag);
        run_to_the_end(&mut world);
        assert_eq!(history(&world).last().unwrap(), &format!("{tag} succeeded"));
        assert_rests_on(&world, tag, "UPDATE_COMPLETE");
    }
    assert_eq!(asked(&world), (3, 3, 0));
}

/// The bad one is taken back first: the stack takes no other update while it is being updated.
#[test]
fn the_fix_of_a_version_that_crashes_during_the_update_goes_live() {
    for supersede in ["whenFinished", "immediately"] {
        let text = format!(r#""supersede": "{supersede}", "alarms""#);
        let mut world = through_with(&STACK_TEXT.replace(r#""alarms""#, &text));
        world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
        run_to(&mut world, "progressing");
        push(&mut world, "v3");
        let both = world.run_while(minutes(60), |world| history(world).len() < 2);
        assert!(both, "{supersede}: {:?}", history(&world));
        assert_eq!(
            history(&world),
            ["v2 superseded newer-push", "v3 succeeded"],
            "{supersede}"
        );
        assert_eq!(asked(&world), (2, 2, 1), "{supersede}");
        assert_rests_on(&world, "v3", "UPDATE_COMPLETE");
    }
}

#[test]
fn what_is_pushed_during_the_update_follows_it() {
    let mut world = through();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    push(&mut world, "v3");
    world.run_for(minutes(40));
    assert_eq!(history(&world).last().unwrap(), "v3 succeeded");
    assert_rests_on(&world, "v3", "UPDATE_COMPLETE");
}

#[test]
fn what_the_stack_has_already_is_told_apart() {
    let mut world = through();
    push(&mut world, "v2");
    run_to_the_end(&mut world);
    // Somebody changes the service beside its stack.
    let revision = world.ecs.register_next("web", &pinned("v1"));
    world.ecs.update(&service(), |update| {
        update.task_definition = Some(revision);
    });
    world.run_for(minutes(5));
    world.push_image(REPOSITORY, "v2-again", &Image::healthy("v2"));
    run_to_the_end(&mut world);
    assert_eq!(
        history(&world),
        ["v2 succeeded", "v2-again rejected stack-unchanged"]
    );
    assert_eq!(world.ecs.images(&service()), [pinned("v1")]);
    assert_eq!(asked(&world), (2, 1, 0));
    let email = last_email(&mut world);
    assert!(email.contains("drift"), "{email}");
}

#[test]
fn the_stacks_events_wake_the_target() {
    let mut world = through();
    push(&mut world, "v2");
    run_to_the_end(&mut world);
    let woken = world.outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::StackChanged(changed, Invocation::Done(Woken::Targets(targets))) => {
            assert_eq!(*targets, [TARGET]);
            Some(changed.status.as_str())
        }
        _ => None,
    });
    assert_eq!(
        woken.collect::<Vec<_>>(),
        [
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_COMPLETE"
        ]
    );
}

#[test]
fn without_any_event_of_it_the_next_look_finds_what_came_of_it() {
    let mut world = through();
    world.lost.stack_changes = true;
    world.lost.service_changes = true;
    push(&mut world, "v2");
    world.run_for(minutes(30));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_rests_on(&world, "v2", "UPDATE_COMPLETE");
    assert_eq!(asked(&world), (1, 1, 0));
}
