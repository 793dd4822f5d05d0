//! Nothing is risked by itself where there would be no way back.

use pushboat::core::alarm::AlarmState;
use pushboat::core::operate::{OperatorCommand, Order, WantedImage};
use pushboat::ports::{Clock as _, Queue as _};
use pushboat::queue::{QueueMessage, Trigger};
use simulation::Fault;

use super::*;

/// As adopted, and v2 is what was last proven good.
fn proven() -> World {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    world
}

/// Deletes the image that is to be gone back to.
fn forget_v2(world: &World) {
    let digest = Image::healthy("v2").digest();
    world.images.delete(REPOSITORY, &digest);
}

/// A person asks for an image that is in the registry.
fn deploy(world: &mut World, tag: &str) {
    let order = Order::Deploy {
        repository: None,
        image: WantedImage::Tag(tag.to_owned()),
    };
    let command = OperatorCommand {
        request_id: format!("request-{tag}"),
        at: world.clock.now(),
        order,
    };
    let message = QueueMessage {
        target: target(TARGET),
        event_id: command.request_id.clone(),
        trigger: Trigger::Operator(command),
    };
    let sent = futures_util::FutureExt::now_or_never(world.queue.send(&[message]));
    assert_eq!(sent, Some(Ok(())));
}

#[test]
fn a_push_that_could_not_be_taken_back_is_refused_while_the_service_is_well() {
    for archived in [false, true] {
        let mut world = proven();
        let before = writes(&world);
        if archived {
            let digest = Image::healthy("v2").digest();
            world.images.archive(REPOSITORY, &digest);
        } else {
            forget_v2(&world);
        }
        push(&mut world, "v3");
        world.run_for(minutes(2));
        assert_eq!(history(&world).last().unwrap(), "v3 rejected no-way-back");
        assert_eq!(writes(&world), before, "nothing was changed");
        let document = world.topic.documents().pop().unwrap();
        let explanation = document["reason"]["explanation"].as_str().unwrap();
        let digest = Image::healthy("v3").digest();
        assert!(
            explanation.contains(r#""command":"deploy""#),
            "{explanation}"
        );
        assert!(explanation.contains(digest.as_str()), "{explanation}");
    }
}

#[test]
fn a_person_may_deploy_it_all_the_same_and_is_told_the_risk() {
    let mut world = proven();
    forget_v2(&world);
    push(&mut world, "v3");
    world.run_for(minutes(2));
    deploy(&mut world, "v3");
    world.run_for(minutes(15));
    assert_eq!(history(&world).last().unwrap(), "v3 succeeded");
    let documents = world.topic.documents();
    let mut started = documents.iter().filter(|one| one["event"] == "started");
    let gone = &started.next_back().unwrap()["rollout"]["noWayBack"]["image"];
    assert_eq!(*gone, pinned("v2").as_str());

    // It is good, and there: the next push goes out as ever.
    push(&mut world, "v4");
    world.run_for(minutes(15));
    assert_eq!(history(&world).last().unwrap(), "v4 succeeded");
}

#[test]
fn once_the_image_is_back_pushes_go_live_again() {
    let mut world = proven();
    forget_v2(&world);
    push(&mut world, "v3");
    world.run_for(minutes(2));
    push(&mut world, "v2");
    world.run_for(minutes(2));
    assert_eq!(
        history(&world).last().unwrap(),
        "v2 rejected already-running"
    );
    world.push_image(REPOSITORY, "v3-again", &Image::healthy("v3"));
    world.run_for(minutes(15));
    assert_eq!(history(&world).last().unwrap(), "v3-again succeeded");
}

#[test]
fn a_fix_goes_out_while_the_bad_version_cannot_be_taken_back() {
    let mut world = proven();
    push(&mut world, "v3");
    let until = |world: &mut World, phase: &str| {
        let reached = world.run_while(minutes(20), |world| {
            let current = world.state(TARGET).current;
            current.is_none_or(|current| current.phase.as_str() != phase)
        });
        assert!(reached, "{phase}: {:?}", history(world));
    };
    until(&mut world, "baking");
    forget_v2(&world);
    world.alarms.set("5xx", AlarmState::Alarm);
    until(&mut world, "rolling-back");
    world.run_for(minutes(2));
    push(&mut world, "v4");
    world.run_for(minutes(15));
    assert_eq!(history(&world).last().unwrap(), "v4 succeeded");
}

#[test]
fn without_an_answer_about_it_the_push_waits() {
    let mut world = proven();
    let asked = Operation::DescribeGoodImage;
    world.calls.fail_next(asked, Fault::Throttled, 4);
    push(&mut world, "v3");
    world.run_for(seconds(40));
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(summary(&current), "v3 requested aws");
    world.run_for(minutes(20));
    assert_eq!(history(&world).last().unwrap(), "v3 succeeded");
}
