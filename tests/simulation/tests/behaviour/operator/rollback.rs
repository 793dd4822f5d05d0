//! A person takes back what is under way.

use simulation::ReadLag;

use super::*;

fn rollback(world: &mut World) {
    order(world, "rollback", json!({}));
    world.run_for(seconds(1));
}

fn refusal(world: &mut World) -> (String, String) {
    let answer = ask(world, "rollback", json!({}));
    let text = |name: &str| answer["error"][name].as_str().unwrap().to_owned();
    (text("code"), text("message"))
}

#[test]
fn where_nothing_is_under_way_there_is_nothing_to_take_back() {
    let mut world = adopted();
    assert_eq!(refusal(&mut world).0, "nothing-under-way");
    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    let (code, message) = refusal(&mut world);
    assert_eq!(code, "nothing-under-way");
    assert!(
        message.contains("web:2") && message.contains("`deploy`"),
        "{message}"
    );
    world.run_for(minutes(5));
    assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
    assert_eq!(writes(&world), (1, 1));
}

#[test]
fn what_has_not_started_is_withdrawn_and_not_kept_out() {
    let mut world = adopted();
    world
        .calls
        .fail_next(Operation::DescribeServices, Fault::Throttled, usize::MAX);
    push(&mut world, "v2");
    world.run_for(minutes(2));
    assert_eq!(under_way(&world).unwrap(), "v2 requested aws");
    rollback(&mut world);
    assert_eq!(history(&world), ["v2 superseded operator"]);
    assert_eq!(told(&world)[1..], ["v2 superseded", "rollback-accepted"]);
    world.calls.heal();
    world.run_for(minutes(10));
    assert_eq!((writes(&world), quarantined(&world).len()), ((0, 0), 0));
    order(&mut world, "deploy", json!({ "tag": "v2" }));
    world.run_for(minutes(15));
    assert_eq!(history(&world).last().unwrap(), "v2 succeeded");
}

#[test]
fn while_the_answer_of_the_update_is_unknown_it_waits_and_then_goes_the_right_way() {
    for lag in [seconds(0), seconds(25)] {
        for (fault, end, asked) in [
            (Fault::LostAnswer, "v2 rolled-back asked-by-operator", 2),
            (Fault::LostRequest, "v2 superseded operator", 1),
        ] {
            let mut world = adopted();
            world.ecs.set_read_lag(ReadLag {
                services: lag,
                definitions: lag,
            });
            world.calls.fail_next(Operation::UpdateService, fault, 1);
            push(&mut world, "v2");
            world.run_for(seconds(2));
            assert_eq!(under_way(&world).unwrap(), "v2 starting");
            rollback(&mut world);
            world.run_for(minutes(15));
            assert_eq!(history(&world), [end]);
            assert_eq!(writes(&world), (1, asked), "{fault:?}");
            assert_eq!(world.ecs.revision(&service()), "web:1");
            assert_eq!(quarantined(&world).len(), asked - 1, "{fault:?}");
        }
    }
}

#[test]
fn what_runs_is_taken_back_and_kept_out() {
    for phase in ["progressing", "baking"] {
        let mut world = adopted();
        let pushed = push(&mut world, "v2");
        run_to(&mut world, phase);
        rollback(&mut world);
        assert_eq!(
            under_way(&world).unwrap(),
            "v2 rolling-back asked-by-operator",
            "at once"
        );
        world.run_for(minutes(10));
        assert_eq!(history(&world), ["v2 rolled-back asked-by-operator"]);
        assert_eq!(world.ecs.revision(&service()), "web:1");
        assert_eq!(writes(&world), (1, 2), "{phase}");
        assert_eq!(quarantined(&world), [pushed.digest.to_string()]);
        let told = told(&world);
        let end = ["rollback-accepted", "v2 rolling-back", "v2 rolled-back"];
        assert_eq!(told[told.len() - 3..], end);
        world.push_image(REPOSITORY, "v2-again", &Image::healthy("v2"));
        world.run_for(minutes(5));
        assert_eq!(
            history(&world).last().unwrap(),
            "v2-again rejected quarantined"
        );
    }
}

#[test]
fn on_its_way_back_it_is_refused() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    // Two people at once: both see it baking.
    order(&mut world, "rollback", json!({}));
    order(&mut world, "rollback", json!({}));
    world.run_for(seconds(5));
    assert_eq!(told(&world).last().unwrap(), "command-refused");
    assert_eq!(last_reason(&world), "rolling-back");
    assert_eq!(refusal(&mut world).0, "rolling-back");
    world.run_for(minutes(10));
    assert_eq!(history(&world), ["v2 rolled-back asked-by-operator"]);
    assert_eq!(writes(&world), (1, 2));
    assert_eq!(refusal(&mut world).0, "nothing-under-way");
}

#[test]
fn what_waits_behind_it_is_withdrawn_too() {
    for phase in ["progressing", "baking"] {
        let mut world = adopted();
        push(&mut world, "v2");
        run_to(&mut world, phase);
        let newer = push(&mut world, "v3");
        world.run_for(seconds(2));
        rollback(&mut world);
        assert_eq!(history(&world), ["v3 superseded operator"]);
        world.run_for(minutes(10));
        assert_eq!(
            history(&world),
            ["v2 rolled-back asked-by-operator", "v3 superseded operator"]
        );
        assert_eq!(world.ecs.revision(&service()), "web:1");
        assert_eq!(quarantined(&world).len(), 1, "v3 is not to blame");

        world.tell(Event::Pushed(newer));
        world.run_for(minutes(10));
        assert_eq!(
            ignored(&world),
            ["repeat"],
            "its event does not bring it back"
        );
        push(&mut world, "v4");
        world.run_for(minutes(15));
        assert_eq!(history(&world).last().unwrap(), "v4 succeeded");
    }
}

#[test]
fn a_push_after_it_starts_at_once() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    rollback(&mut world);
    push(&mut world, "v3");
    world.run_for(seconds(5));
    assert_eq!(history(&world), ["v2 superseded newer-push"]);
    world.run_for(minutes(15));
    assert_eq!(history(&world).last().unwrap(), "v3 succeeded");
    assert_eq!(quarantined(&world).len(), 1);
}

#[test]
fn under_a_hold_it_waits() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    order(&mut world, "hold", json!({ "reason": "look first" }));
    world.run_for(seconds(1));
    rollback(&mut world);
    world.run_for(minutes(60));
    assert_eq!(
        under_way(&world).unwrap(),
        "v2 rolling-back asked-by-operator"
    );
    assert_eq!(writes(&world), (1, 1));
    assert_eq!(told(&world).last().unwrap(), "rollout-held");
    order(&mut world, "resume", json!({}));
    world.run_for(minutes(10));
    assert_eq!(history(&world), ["v2 rolled-back asked-by-operator"]);
}

#[test]
fn where_nothing_was_ever_good_it_is_refused() {
    let mut world = world();
    world
        .images
        .put(REPOSITORY, "v1", &Image::crashing("v1, broken"));
    world.ecs.create_service(&specification_by_tag());
    world.run_for(minutes(2));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(31));
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    assert_eq!(refusal(&mut world).0, "nothing-to-go-back-to");
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
}

#[test]
fn somebody_elses_change_is_left_alone() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    let theirs = format!("{REGISTRY}/{REPOSITORY}:v1");
    let revision = world.ecs.register("by-hand", &theirs);
    world.ecs.update(&service(), |update| {
        update.task_definition = Some(revision);
    });
    rollback(&mut world);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    assert_eq!(world.ecs.revision(&service()), "by-hand:1");
    assert_eq!(writes(&world), (1, 1));
}

#[test]
fn under_a_hold_what_never_arrived_is_withdrawn_all_the_same() {
    let mut world = adopted();
    world
        .calls
        .fail_next(Operation::UpdateService, Fault::LostRequest, 1);
    push(&mut world, "v2");
    world.run_for(seconds(2));
    order(&mut world, "hold", json!({}));
    rollback(&mut world);
    world.run_for(minutes(5));
    assert_eq!(history(&world), ["v2 superseded operator"]);
    assert_eq!(writes(&world), (1, 1));
    order(&mut world, "resume", json!({}));
    world.run_for(minutes(10));
    assert_eq!(writes(&world), (1, 1));
}

#[test]
fn where_aws_cannot_be_reached_it_goes_on_as_soon_as_it_can() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    for operation in [Operation::DescribeServices, Operation::UpdateService] {
        world.calls.fail_next(operation, Fault::Throttled, 12);
    }
    rollback(&mut world);
    assert_eq!(
        under_way(&world).unwrap(),
        "v2 rolling-back asked-by-operator"
    );
    world.run_for(minutes(29));
    assert_eq!(world.calls.injected(), 24);
    assert_eq!(history(&world), ["v2 rolled-back asked-by-operator"]);
}
