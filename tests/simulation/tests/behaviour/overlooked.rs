//! No event told of a push: the sweep finds it in ECR.

use pushboat::core::alarm::AlarmState;
use simulation::{Event, Fault, Function, Hindrance};

use super::*;

/// Longer than an event may be on its way, and than it takes until the next look.
const FOUND_WITHIN: SignedDuration = SignedDuration::from_mins(21);

/// Nobody is told of pushes.
fn unheard() -> World {
    let mut world = adopted();
    world.lost.pushes = true;
    world
}

#[test]
fn a_push_whose_event_is_lost_goes_live_all_the_same() {
    let mut world = unheard();
    push(&mut world, "v2");
    world.run_for(minutes(4));
    assert_eq!(under_way(&world), None, "its event may be on its way");
    world.run_for(FOUND_WITHIN + minutes(10));
    assert_eq!(history(&world), ["v2 succeeded"]);
    let document = world.topic.documents().pop().unwrap();
    assert_eq!(document["event"], "succeeded");
    let before = world.calls.count(Operation::LoadTarget);
    world.run_for(minutes(120));
    assert_eq!(world.calls.count(Operation::LoadTarget), before, "once");
}

#[test]
fn an_event_that_comes_after_the_push_was_found_changes_nothing() {
    let mut world = unheard();
    let late = push(&mut world, "v2");
    assert!(world.run_while(FOUND_WITHIN, |world| under_way(world).is_none()));
    world.tell(Event::Pushed(late.clone()));
    world.run_for(minutes(15));
    world.tell(Event::Pushed(late));
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(ignored(&world), ["repeat", "repeat"]);
    assert_eq!(writes(&world), (1, 1));
}

#[test]
fn of_several_only_the_newest_is_deployed() {
    let mut world = unheard();
    for tag in ["v2", "v3", "v4"] {
        push(&mut world, tag);
        world.run_for(seconds(20));
    }
    world.run_for(FOUND_WITHIN + minutes(10));
    assert_eq!(history(&world), ["v4 succeeded"]);
}

#[test]
fn what_was_taken_back_or_refused_is_not_begun_again() {
    let mut world = unheard();
    world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    world.run_for(FOUND_WITHIN + minutes(10));
    assert_eq!(history(&world), ["v2 rolled-back tasks-fail"]);
    world.push_image(REPOSITORY, "v3", &Image::built_for("v3", &["riscv64"]));
    world.run_for(minutes(120));
    assert_eq!(
        history(&world),
        ["v2 rolled-back tasks-fail", "v3 rejected wrong-platform"]
    );
}

/// What a person asked for was refused before the message of the sweep had its turn.
#[test]
fn what_a_person_asked_for_before_its_turn_came_is_not_begun_again() {
    let mut world = adopted_with(&following("").replace(r#""glob": [""]"#, r#""semver": "^1""#));
    push(&mut world, "1.1.0");
    run_to(&mut world, "progressing");
    world.run_for(minutes(15));
    world.lost.pushes = true;
    let image = Image::built_for("1.2.0", &["riscv64"]);
    let digest = world.push_image(REPOSITORY, "1.2.0", &image).digest;
    let dead = Hindrance::Failed;
    world.keep_from_work(Some(Function::Rollout), dead, FOUND_WITHIN);
    order(&mut world, "deploy", json!({ "digest": digest.as_str() }));
    world.run_for(FOUND_WITHIN + minutes(40));
    let ordered = format!("{} rejected wrong-platform", digest.short());
    assert_eq!(history(&world), ["1.1.0 succeeded".to_owned(), ordered]);
    assert_eq!(ignored(&world), ["repeat"]);
}

/// Its tag was moved there before the rollout of another push started.
#[test]
fn what_a_tag_stood_for_at_the_start_is_not_begun_again() {
    let mut specification = specification();
    specification.desired = 0;
    let mut world = world();
    world.ecs.create_service(&specification);
    world.put_target(TARGET, &following("live"));
    world.run_for(minutes(4));
    let dead = Hindrance::Failed;
    world.keep_from_work(Some(Function::Rollout), dead, minutes(2));
    world.push_image(REPOSITORY, "live", &Image::healthy("v2"));
    world.run_for(seconds(10));
    world.lost.pushes = true;
    world.push_image(REPOSITORY, "live", &Image::healthy("v3"));
    world.run_for(FOUND_WITHIN + minutes(40));
    assert_eq!(history(&world), ["live scaled-to-zero"]);
    assert_eq!(writes(&world), (1, 1));

    // Nor after others came, once it expired and was pushed again.
    world.lost.pushes = false;
    world.push_image(REPOSITORY, "live", &Image::healthy("v4"));
    world.run_for(minutes(4));
    world.lost.pushes = true;
    world
        .images
        .delete(REPOSITORY, &Image::healthy("v3").digest());
    world.push_image(REPOSITORY, "live", &Image::healthy("v3"));
    world.run_for(FOUND_WITHIN + minutes(40));
    assert_eq!(writes(&world), (2, 2));
}

#[test]
fn nothing_is_begun_unasked_where_people_decide() {
    let held = |world: &mut World| {
        order(world, "hold", json!({}));
    };
    let all_held = |world: &mut World| world.hold_everything(Some("freeze"));
    let stood_down = |world: &mut World| {
        world.lost.pushes = false;
        push(world, "v2");
        run_to(world, "progressing");
        somebody_else::deploy_by_hand(world);
        world.run_for(minutes(10));
        assert_eq!(history(world), ["v2 superseded somebody-else"]);
        world.lost.pushes = true;
    };
    let halted = |world: &mut World| {
        world.lost.pushes = false;
        push(world, "v2");
        run_to(world, "baking");
        world
            .calls
            .fail_next(Operation::UpdateService, Fault::Refused, 1);
        world.alarms.set("5xx", AlarmState::Alarm);
        world.run_for(minutes(10));
        assert_eq!(history(world), ["v2 halted way-back-refused"]);
        world.alarms.set("5xx", AlarmState::Ok);
        world.lost.pushes = true;
    };
    type Decide = fn(&mut World);
    let cases: [(Decide, &str); 4] = [
        (held, "held"),
        (all_held, "all held"),
        (stood_down, "stood down"),
        (halted, "halted"),
    ];
    for (decide, case) in cases {
        let mut world = unheard();
        decide(&mut world);
        world.run_for(minutes(2));
        let before = (history(&world), writes(&world));
        push(&mut world, "v3");
        world.run_for(minutes(60));
        assert_eq!((history(&world), writes(&world)), before, "{case}");
        assert_eq!(under_way(&world), None, "{case}");
    }
}

#[test]
fn what_was_pushed_before_the_configuration_was_written_is_left_alone() {
    let mut world = steady();
    world.lost.pushes = true;
    push(&mut world, "v2");
    world.run_for(minutes(2));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(30));
    push(&mut world, "dev-3");
    world.run_for(minutes(2));
    world.put_target(TARGET, &following("dev-*"));
    world.run_for(minutes(60));
    assert_eq!(history(&world), [""; 0]);
}

#[test]
fn a_repository_that_cannot_be_read_hides_no_other_and_is_tried_again() {
    let mut world = unheard();
    world
        .calls
        .fail_next(Operation::ListImages, Fault::Throttled, 3);
    push(&mut world, "v2");
    world.run_for(FOUND_WITHIN + minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    world
        .calls
        .fail_next(Operation::ListImages, Fault::Refused, 1);
    push(&mut world, "v3");
    world.run_for(FOUND_WITHIN + minutes(30));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
}
