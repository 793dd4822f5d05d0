//! People give commands.

mod crash;
mod halted;
mod rollback;
mod trouble;

use pushboat::core::push::Push;
use simulation::{Event, Fault};

use super::*;

/// Those that are kept out, by digest.
fn quarantined(world: &World) -> Vec<String> {
    let quarantine = world.state(TARGET).quarantine;
    quarantine.keys().map(ToString::to_string).collect()
}

/// What the last notice says of why something was refused.
fn last_reason(world: &World) -> String {
    let document = world.topic.documents().pop().unwrap();
    document["reason"]["code"].as_str().unwrap().to_owned()
}

/// The commands that were taken in, as `command` or `command refused`.
fn commands(world: &mut World) -> Vec<String> {
    let status = ask(world, "status", json!({}));
    let commands = status["commands"].as_array().unwrap().iter();
    commands
        .map(|one| {
            let name = one["command"].as_str().unwrap();
            match one["refused"].as_str() {
                Some(refused) => format!("{name} {refused}"),
                None => name.to_owned(),
            }
        })
        .collect()
}

/// A target on v3, after v2.
fn on_v3() -> (World, Push, Push) {
    let mut world = adopted();
    let older = push(&mut world, "v2");
    world.run_for(minutes(15));
    let newer = push(&mut world, "v3");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
    (world, older, newer)
}

#[test]
fn an_older_image_is_deployed_by_tag_or_by_digest_and_stays() {
    for by_tag in [true, false] {
        let (mut world, older, newer) = on_v3();
        let image = if by_tag {
            json!({ "tag": "v2" })
        } else {
            json!({ "digest": older.digest })
        };
        order(&mut world, "deploy", image);
        world.run_for(minutes(15));
        assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
        assert_eq!(history(&world).len(), 3);
        let good = world.state(TARGET).last_known_good.unwrap();
        assert_eq!(good.images["app"], pinned("v2"));

        // Both pushes are told of once more, as if they had been on their way all the time.
        let before = world.outcomes.len();
        for late in [&older, &newer] {
            let event_id = format!("{} again", late.event_id);
            let late = Push {
                event_id,
                ..late.clone()
            };
            world.tell(Event::Pushed(late));
        }
        world.run_for(minutes(30));
        let explained = world.outcomes.split_off(before);
        let reasons: Vec<_> = explained.iter().filter_map(ignored_reason).collect();
        assert_eq!(reasons.len(), 2, "both are explained");
        assert!(
            reasons.iter().all(|one| one.as_str() == "older"),
            "{reasons:?}"
        );
        assert_eq!(world.ecs.images(&service()), [pinned("v2")]);

        push(&mut world, "v4");
        world.run_for(minutes(15));
        assert_eq!(
            world.ecs.images(&service()),
            [pinned("v4")],
            "a later push counts"
        );
    }
}

#[test]
fn a_tag_outside_the_targets_patterns_can_be_deployed() {
    let narrow = r#"{ "repository": "team/web", "tags": { "glob": ["main-*"] } }"#;
    let text = TARGET_TEXT.replace(r#"{ "repository": "team/web" }"#, narrow);
    let image = Image::healthy("a branch");
    for fields in [
        json!({ "tag": "dev-7" }),
        json!({ "digest": image.digest() }),
    ] {
        let mut world = adopted_with(&text);
        world.push_image(REPOSITORY, "dev-7", &image);
        world.run_for(minutes(5));
        assert_eq!(writes(&world), (0, 0), "a push of it does not count");
        order(&mut world, "deploy", fields.clone());
        world.run_for(minutes(15));
        assert_eq!(
            world.ecs.images(&service()),
            [pinned("a branch")],
            "{fields}"
        );
        assert_eq!(told(&world)[1], "deploy-accepted");
        world.push_image(REPOSITORY, "main-1", &Image::healthy("main-1"));
        world.run_for(minutes(15));
        assert_eq!(world.ecs.images(&service()), [pinned("main-1")]);
    }
}

#[test]
fn a_target_that_follows_one_tag_gets_what_a_person_asks_for() {
    let exact = r#"{ "repository": "team/web", "tags": { "glob": ["prod"] } }"#;
    let text = TARGET_TEXT.replace(r#"{ "repository": "team/web" }"#, exact);
    let mut world = adopted_with(&text);
    world.push_image(REPOSITORY, "prod", &Image::healthy("v2"));
    world.run_for(minutes(15));
    world.images.put(REPOSITORY, "v3", &Image::healthy("v3"));
    order(&mut world, "deploy", json!({ "tag": "v3" }));
    world.run_for(minutes(15));
    assert_eq!(
        world.ecs.images(&service()),
        [pinned("v3")],
        "not what `prod` points at"
    );

    order(&mut world, "deploy", json!({ "tag": "prod" }));
    world.run_for(minutes(15));
    assert_eq!(world.ecs.images(&service()), [pinned("v2")]);

    world.push_image(REPOSITORY, "prod", &Image::healthy("v4"));
    world.run_for(minutes(15));
    assert_eq!(world.ecs.images(&service()), [pinned("v4")]);
}

#[test]
fn a_push_in_the_second_of_the_order_is_not_lost() {
    let (mut world, ..) = on_v3();
    world.run_for(jiff::SignedDuration::from_millis(300));
    order(&mut world, "deploy", json!({ "tag": "v2" }));
    world.run_for(jiff::SignedDuration::from_millis(300));
    push(&mut world, "v4");
    world.run_for(minutes(40));
    assert_eq!(world.ecs.images(&service()), [pinned("v4")]);
}

#[test]
fn what_was_taken_back_needs_its_release_first() {
    let mut world = adopted();
    let bad = world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 rolled-back tasks-fail"]);
    let before = writes(&world);

    let by_digest = json!({ "digest": bad.digest });
    let refused = ask(&mut world, "deploy", by_digest.clone());
    assert_eq!(refused["error"]["code"], "quarantined", "at once");
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains(r#""command":"release""#), "{message}");
    order(&mut world, "deploy", json!({ "tag": "v2" }));
    world.run_for(minutes(5));
    assert_eq!(
        told(&world).last().unwrap(),
        "command-refused",
        "in its turn"
    );
    assert_eq!(last_reason(&world), "quarantined");
    assert_eq!((writes(&world), history(&world).len()), (before, 1));

    order(&mut world, "release", by_digest.clone());
    world.run_for(minutes(10));
    assert_eq!(told(&world).last().unwrap(), "released");
    assert_eq!(writes(&world), before, "a release deploys nothing");
    let again = ask(&mut world, "release", by_digest.clone());
    assert_eq!(again["error"]["code"], "not-quarantined");
    order(&mut world, "deploy", by_digest);
    world.run_for(minutes(20));
    assert_eq!(
        writes(&world),
        (before.0 + 1, before.1 + 2),
        "tried, and taken back"
    );
    let short = bad.digest.short();
    let last = history(&world).pop().unwrap();
    assert_eq!(last, format!("{short} rolled-back tasks-fail"));
    assert_eq!(quarantined(&world), [bad.digest.to_string()]);
}

#[test]
fn what_is_being_taken_back_is_not_released() {
    let mut world = adopted();
    let bad = world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    run_to(&mut world, "rolling-back");
    let refused = ask(&mut world, "release", json!({ "digest": bad.digest }));
    assert_eq!(refused["error"]["code"], "rolling-back");
    world.run_for(minutes(15));
    assert_eq!(quarantined(&world), [bad.digest.to_string()]);
}

#[test]
fn an_order_waits_for_its_turn_and_takes_the_place_of_what_waits() {
    let (mut world, ..) = on_v3();
    push(&mut world, "v4");
    run_to(&mut world, "progressing");
    push(&mut world, "v5");
    world.run_for(seconds(5));
    order(&mut world, "deploy", json!({ "tag": "v2" }));
    world.run_for(seconds(5));
    assert_eq!(under_way(&world).unwrap(), "v4 progressing");
    let same = ask(
        &mut world,
        "deploy",
        json!({ "digest": Image::healthy("v2").digest() }),
    );
    assert_eq!(same["error"]["code"], "same-image-under-way");
    world.run_for(minutes(30));
    assert_eq!(
        history(&world)[2..],
        ["v4 succeeded", "v5 superseded newer-push", "v2 succeeded"]
    );
    assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
}

#[test]
fn an_order_that_comes_twice_is_carried_out_once() {
    let (mut world, ..) = on_v3();
    for pause in [0, 10, 301, 3600] {
        if pause == 0 {
            order(&mut world, "hold", json!({ "reason": "freeze" }));
        } else {
            assert!(world.repeat_command().is_done());
        }
        world.run_for(seconds(pause));
    }
    assert_eq!(commands(&mut world), ["hold"]);
    let held = told(&world).iter().filter(|told| *told == "held").count();
    assert_eq!(held, 1);
    order(&mut world, "resume", json!({}));
    world.run_for(minutes(1));
    assert_eq!(commands(&mut world), ["hold", "resume"]);
}
