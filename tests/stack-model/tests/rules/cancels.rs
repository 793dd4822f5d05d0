//! CancelUpdateStack.

use serde_json::json;
use stack_model::{EffectAction, Outcome};

use crate::world::{OLD, World};

#[test]
fn a_cancelled_update_waits_no_longer_and_goes_back() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    let cancelled = world.effect().id;
    let request = json!({"StackName": "web", "ClientRequestToken": "cancel-1"});
    world.call("CancelUpdateStack", request);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_IN_PROGRESS");
    assert!(!world.stacks.answer(cancelled, Outcome::Done));
    world.wait_seconds(3);
    let effect = world.effect().clone();
    let EffectAction::Update { properties, .. } = effect.action else {
        panic!("{effect:?}")
    };
    assert_eq!(properties["TaskDefinition"], OLD);
    world.answer(Outcome::Done);
    world.wait_seconds(3);
    world.answer(Outcome::Done);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_COMPLETE");
    let story = world.story();
    assert_eq!(
        story[5..7],
        [
            "Service UPDATE_FAILED: Resource update cancelled",
            "web UPDATE_ROLLBACK_IN_PROGRESS: Stack update cancelled",
        ]
    );
}

#[test]
fn an_update_that_touched_nothing_yet_is_cancelled_with_nothing_to_do() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    world.call("CancelUpdateStack", json!({"StackName": "web"}));
    world.wait_seconds(3);
    world.wait_seconds(3);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_COMPLETE");
    assert!(world.effects.is_empty());
}

#[test]
fn only_an_update_that_goes_on_can_be_cancelled() {
    let mut world = World::new();
    let refused = |world: &mut World| {
        let error = world.refused("CancelUpdateStack", json!({"StackName": "web"}));
        assert_eq!(error.code, "ValidationError");
        assert_eq!(
            error.message,
            "CancelUpdateStack cannot be called from current stack status"
        );
    };
    refused(&mut world);
    world.deploy_to_service("web:2", "push-1");
    world.answer(Outcome::Done);
    assert_eq!(world.status(), "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS");
    refused(&mut world);
    world.wait_seconds(3);
    world.answer(Outcome::Done);
    refused(&mut world);
    world.deploy_to_service("web:3", "push-2");
    world.fail();
    refused(&mut world);
}

#[test]
fn asked_again_with_the_same_token_it_is_cancelled_once() {
    let mut world = World::new();
    world.deploy_to_service("web:2", "push-1");
    let request = json!({"StackName": "web", "ClientRequestToken": "cancel-1"});
    world.call("CancelUpdateStack", request.clone());
    let count = world.story().len();
    world.call("CancelUpdateStack", request);
    assert_eq!(world.story().len(), count);
}

#[test]
fn the_token_of_the_update_cannot_cancel_it() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    let request = json!({"StackName": "web", "ClientRequestToken": "push-1"});
    let error = world.refused("CancelUpdateStack", request);
    assert_eq!(error.code, "TokenAlreadyExistsException");
}

#[test]
fn what_was_cancelled_before_it_was_begun_is_not_handed_over() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    let later = world.now + jiff::SignedDuration::from_secs(3);
    world.stacks.advance(later);
    world.stacks.cancel_update_stack("web", None).unwrap();
    assert!(world.stacks.take_effects().is_empty());
}

#[test]
fn what_was_due_in_the_update_does_not_hurry_its_rollback() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    world.wait_seconds(2);
    world.call("CancelUpdateStack", json!({"StackName": "web"}));
    world.wait_seconds(2);
    assert_eq!(world.status(), "UPDATE_ROLLBACK_IN_PROGRESS");
    world.wait_seconds(1);
    assert_eq!(
        world.status(),
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
    );
}
