//! Which push is deployed, and when.

use pushboat::core::observation::ImageContent;
use simulation::{Event, Fault};

use super::*;

#[test]
fn the_same_push_told_five_times_late_and_out_of_order_is_deployed_once_and_the_newest_wins() {
    let mut world = adopted();
    world.lost.pushes = true;
    let older = push(&mut world, "v2");
    world.run_for(seconds(2));
    let newer = push(&mut world, "v3");
    for pause in [0, 1, 30, 301, 600] {
        world.run_for(seconds(pause));
        world.tell(Event::Pushed(newer.clone()));
        world.tell(Event::Pushed(older.clone()));
    }
    world.run_for(minutes(30));
    assert_eq!(history(&world), ["v3 succeeded"]);
    assert_eq!(writes(&world), (1, 1));
    assert_eq!(world.ecs.images(&service()), [pinned("v3")]);
    // Each of the ten is accounted for: one is deployed, the rest is dropped or explained.
    let explained = ignored(&world);
    assert!(explained.contains(&"repeat") && explained.contains(&"older"));
    assert_eq!(explained.len() + world.queue.dropped(), 9);
}

#[test]
fn told_in_order_the_older_of_two_quick_pushes_is_left_out_where_it_has_not_started() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(seconds(30));
    push(&mut world, "v3");
    world.run_for(seconds(2));
    push(&mut world, "v4");
    world.run_for(minutes(40));
    assert_eq!(
        history(&world),
        ["v2 succeeded", "v3 superseded newer-push", "v4 succeeded"]
    );
    assert_eq!(writes(&world), (2, 2));
    assert_eq!(world.ecs.images(&service()), [pinned("v4")]);
}

#[test]
fn a_newer_push_waits_until_the_rollout_under_way_has_finished_baking() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(1));
    push(&mut world, "v3");
    let before = world.run_while(minutes(20), |world| history(world).is_empty());
    assert!(before);
    assert_eq!(history(&world), ["v2 succeeded"]);
    let good = world.state(TARGET).last_known_good.unwrap();
    assert_eq!(good.images["app"], pinned("v2"));
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
}

#[test]
fn a_newer_push_takes_over_at_once_where_the_target_says_so() {
    let text = TARGET_TEXT.replace(
        r#""alarms": ["5xx"]"#,
        r#""alarms": ["5xx"], "supersede": "immediately""#,
    );
    let mut world = adopted_with(&text);
    push(&mut world, "v2");
    world.run_for(minutes(1));
    push(&mut world, "v3");
    world.run_for(seconds(3));
    assert_eq!(history(&world), ["v2 superseded newer-push"]);
    assert_eq!(world.ecs.images(&service()), [pinned("v3")]);
    world.run_for(minutes(20));
    assert_eq!(
        history(&world),
        ["v2 superseded newer-push", "v3 succeeded"]
    );
    assert_eq!(writes(&world), (2, 2));
}

#[test]
fn a_newer_push_that_would_be_refused_takes_over_from_nothing_that_runs() {
    let text = TARGET_TEXT.replace(
        r#""alarms": ["5xx"]"#,
        r#""alarms": ["5xx"], "supersede": "immediately""#,
    );
    let unreachable = |world: &World| {
        let throttled = Fault::Throttled;
        world
            .calls
            .fail_next(Operation::DescribeImage, throttled, 3);
    };
    for trouble in [None, Some(unreachable)] {
        let mut world = adopted_with(&text);
        push(&mut world, "v2");
        world.run_for(minutes(1));
        if let Some(trouble) = trouble {
            trouble(&world);
        }
        world.push_image(REPOSITORY, "v3", &Image::built_for("v3", &["arm64"]));
        world.run_for(minutes(20));
        assert_eq!(
            history(&world),
            ["v2 succeeded", "v3 rejected wrong-platform"]
        );
    }
}

#[test]
fn a_newer_push_takes_over_at_once_from_one_that_fails() {
    let mut world = adopted();
    world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
    world.run_while(minutes(3), |world| {
        let current = world.state(TARGET).current;
        current.is_none_or(|current| current.evidence.stopped_tasks.kept().is_empty())
    });
    push(&mut world, "v3");
    world.run_for(minutes(15));
    assert_eq!(
        history(&world),
        ["v2 superseded newer-push", "v3 succeeded"]
    );
}

#[test]
fn two_repositories_of_one_target_are_deployed_one_after_the_other() {
    let mut world = world();
    world
        .images
        .put("team/side", "v1", &Image::healthy("side v1"));
    let container = |name: &str, image: &str| serde_json::json!({ "name": name, "image": format!("{REGISTRY}/{image}:v1"), "essential": true });
    let revision = world.ecs.register_document(serde_json::json!({
        "family": "web", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
        "cpu": "256", "memory": "512",
        "containerDefinitions": [container("app", REPOSITORY), container("side", "team/side")],
    }));
    world.ecs.create_service_of(&specification(), &revision);
    world.run_for(minutes(3));
    let text = TARGET_TEXT.replace(
        r#"{ "repository": "team/web" }"#,
        r#"{ "repository": "team/web" }, { "repository": "team/side" }"#,
    );
    world.put_target(TARGET, &text);
    world.run_for(minutes(1));
    push(&mut world, "v2");
    world.push_image("team/side", "v2", &Image::healthy("side v2"));
    world.run_for(minutes(30));
    assert_eq!(history(&world), ["v2 succeeded", "v2 succeeded"]);
    assert_eq!(writes(&world), (2, 2));
    let side = format!(
        "{REGISTRY}/team/side@{}",
        Image::healthy("side v2").digest()
    );
    assert_eq!(world.ecs.images(&service()), [pinned("v2"), side]);
}

#[test]
fn what_cannot_run_is_rejected_and_nothing_is_registered() {
    let chart = ImageContent::NotAnImage {
        media_type: "application/vnd.cncf.helm.config.v1+json".to_owned(),
    };
    let garbled = ImageContent::Unreadable {
        problem: "it is no JSON manifest".to_owned(),
    };
    let cases = [
        (Image::built_for("v2", &["arm64"]), "wrong-platform"),
        (Image::holding("v2", chart), "not-an-image"),
        (Image::holding("v2", garbled), "manifest-unreadable"),
    ];
    for (image, reason) in cases {
        let mut world = adopted();
        world.push_image(REPOSITORY, "v2", &image);
        world.run_for(minutes(5));
        assert_eq!(history(&world), [format!("v2 rejected {reason}")]);
        assert_eq!(told(&world), ["adopted", "v2 rejected"]);
        assert_eq!(writes(&world), (0, 0));
        assert_eq!(world.ecs.revisions("web"), 1);
    }
}

#[test]
fn an_image_that_is_gone_before_it_starts_is_rejected() {
    type Change = fn(&World, &pushboat::core::name::ImageDigest);
    let cases: [(Change, &str); 3] = [
        (
            |world, digest| world.images.delete(REPOSITORY, digest),
            "image-missing",
        ),
        (
            |world, digest| world.images.archive(REPOSITORY, digest),
            "image-archived",
        ),
        (
            |world, _| world.images.delete_repository(REPOSITORY),
            "repository-missing",
        ),
    ];
    for (change, reason) in cases {
        let mut world = adopted();
        let pushed = push(&mut world, "v2");
        change(&world, &pushed.digest);
        world.run_for(minutes(5));
        assert_eq!(history(&world), [format!("v2 rejected {reason}")]);
        assert_eq!(writes(&world), (0, 0));
    }
}

#[test]
fn an_image_that_runs_already_is_not_deployed_again() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(15));
    world.push_image(REPOSITORY, "latest", &Image::healthy("v2"));
    world.run_for(minutes(5));
    assert_eq!(
        history(&world),
        ["v2 succeeded", "latest rejected already-running"]
    );
    assert_eq!(writes(&world), (1, 1));
}

#[test]
fn an_exact_tag_means_what_it_points_at_when_the_rollout_starts() {
    let text = TARGET_TEXT.replace(
        r#"{ "repository": "team/web" }"#,
        r#"{ "repository": "team/web", "tags": { "glob": ["prod"] } }"#,
    );
    let mut world = adopted_with(&text);
    world.push_image(REPOSITORY, "prod", &Image::healthy("v2"));
    world.run_for(minutes(1));
    world.push_image(REPOSITORY, "prod", &Image::healthy("v3"));
    world.run_for(minutes(1));
    // Nobody is told of this one; it is found when v3's rollout starts.
    world.lost.pushes = true;
    world.push_image(REPOSITORY, "prod", &Image::healthy("v4"));
    world.run_for(minutes(30));
    assert_eq!(history(&world), ["prod succeeded", "prod succeeded"]);
    assert_eq!(world.ecs.images(&service()), [pinned("v4")]);
    // Going back by moving the tag is a new request.
    world.lost.pushes = false;
    world.push_image(REPOSITORY, "prod", &Image::healthy("v2"));
    world.run_for(minutes(15));
    assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
}

#[test]
fn what_nobody_follows_is_explained_and_costs_one_read_each() {
    let mut world = adopted_with(&following("main-*"));
    let before = world.calls.made();
    world.push_image("team/other", "main-1", &Image::healthy("other"));
    world.push_image(REPOSITORY, "dev-1", &Image::healthy("dev"));
    world.run_for(seconds(5));
    assert_eq!(ignored(&world), ["not-followed", "tag-not-followed"]);
    // The target keeps that the tag was not followed, for whoever asks.
    assert_eq!(world.calls.made() - before, 3);
    world.push_image(REPOSITORY, "main-1", &Image::healthy("main-1"));
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["main-1 succeeded"]);
}

#[test]
fn two_pushes_of_one_second_are_ordered_by_ecr_whatever_comes_first() {
    for newer_first in [false, true] {
        let mut world = adopted();
        world.lost.pushes = true;
        // The tags say nothing: the later one comes first in the alphabet.
        let first = push(&mut world, "v3");
        world.run_for(jiff::SignedDuration::from_millis(300));
        let second = push(&mut world, "v2");
        assert_eq!(first.tagged_at, second.tagged_at);
        let order = if newer_first {
            [second, first]
        } else {
            [first, second]
        };
        for push in order {
            world.tell(Event::Pushed(push));
        }
        world.run_for(minutes(30));
        assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
    }
}

#[test]
fn a_push_that_waited_long_for_its_turn_has_its_whole_deadline_before_it() {
    let text = TARGET_TEXT.replace(
        r#""alarms": ["5xx"]"#,
        r#""alarms": ["5xx"], "deadlineSeconds": 300, "bakeTimeSeconds": 600"#,
    );
    let mut world = adopted_with(&text);
    push(&mut world, "v2");
    world.run_for(seconds(30));
    push(&mut world, "v3");
    world
        .calls
        .fail_next(Operation::DescribeImage, Fault::Throttled, 1);
    world.run_for(minutes(40));
    assert_eq!(world.calls.injected(), 1);
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
}

#[test]
fn a_signature_does_not_displace_the_image_that_waits() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(1));
    push(&mut world, "v3");
    world.run_for(seconds(5));
    let cache = ImageContent::NotAnImage {
        media_type: "application/vnd.buildkit.cacheconfig.v0".to_owned(),
    };
    world.push_image(REPOSITORY, "v-cache", &Image::holding("cache", cache));
    world.run_for(minutes(40));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
    assert!(ignored(&world).contains(&"not-an-image"));
}

#[test]
fn a_push_that_waits_is_turned_away_where_the_target_no_longer_follows_it() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(1));
    push(&mut world, "v3");
    world.run_for(seconds(5));
    let narrowed = TARGET_TEXT.replace(
        r#""repository": "team/web""#,
        r#""repository": "team/web", "tags": { "glob": ["release-*"] }"#,
    );
    assert_ne!(narrowed, TARGET_TEXT);
    world.put_target(TARGET, &narrowed);
    world.run_for(minutes(40));
    assert_eq!(
        history(&world),
        ["v2 succeeded", "v3 rejected no-longer-followed"]
    );
}

/// What `explain` says of pushes that changed nothing, as `tag reason`, the latest first.
fn explained(world: &mut World) -> Vec<String> {
    let answer = ask(world, "explain", json!({}));
    let ignored = answer["ignored"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    ignored
        .map(|one| format!("{} {}", text(&one["tag"]), text(&one["reason"]["code"])))
        .collect()
}

#[test]
fn pushes_that_changed_nothing_can_be_asked_for_with_their_reasons() {
    let mut world = adopted_with(
        r#"{ "service": { "cluster": "prod", "name": "web" },
             "images": [ { "repository": "team/web", "tags": { "glob": ["v*"] } } ] }"#,
    );
    assert_eq!(explained(&mut world), [""; 0]);
    let older = push(&mut world, "v2");
    world.run_for(minutes(1));
    push(&mut world, "v3");
    world.run_for(minutes(1));
    push(&mut world, "dev-1");
    // The queue drops what comes again sooner.
    world.run_for(minutes(6));
    world.tell(Event::Pushed(older));
    world.run_for(minutes(20));
    assert_eq!(
        explained(&mut world),
        ["dev-1 tag-not-followed", "v2 older"]
    );
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
}
