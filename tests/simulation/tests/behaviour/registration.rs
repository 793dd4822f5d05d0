//! Targets come, change and go with their parameters.

use pushboat::core::state::Standing;
use pushboat::ledger::{RegistrationStatus, ReverseKey};

use super::*;

fn repository() -> ReverseKey {
    ReverseKey::Repository(REPOSITORY.to_owned())
}

/// A second service beside the first one.
fn with_api(world: &mut World) -> ServiceSpecification {
    let image = format!("{REGISTRY}/team/api:v1");
    let api = ServiceSpecification::new("prod", "api", &image, "api");
    world
        .images
        .put("team/api", "v1", &Image::healthy("api v1"));
    world.ecs.create_service(&api);
    world.run_for(minutes(3));
    api
}

fn api_text() -> String {
    TARGET_TEXT
        .replace("team/web", "team/api")
        .replace(r#""name": "web""#, r#""name": "api""#)
}

#[test]
fn a_second_target_on_a_service_is_refused_naming_both_and_takes_over_once_the_first_is_gone() {
    let mut world = adopted();
    world.put_target("copy", TARGET_TEXT);
    world.run_for(minutes(130));
    assert_eq!(told(&world), ["adopted", "target-invalid"], "told once");
    assert_eq!(
        world.topic.documents().len(),
        2,
        "though it is tried each hour"
    );
    assert_eq!(
        mistakes(&world),
        ["service (claim): service `prod/web` belongs to target `web` already"]
    );
    assert_eq!(world.ledger.notices()[1].notice.target, target("copy"));
    assert_eq!(world.ledger.holder(&service()), Some(target("web")));
    assert_eq!(world.ledger.following(&repository()), [target("web")]);
    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(writes(&world), (1, 1));

    let arn = world.ecs.service_arn(&service());
    world.ecs.tag(&arn, "pushboat:target", "copy");
    world.delete_target(TARGET);
    world.run_for(minutes(2));
    assert_eq!(world.ledger.holder(&service()), Some(target("copy")));
    assert_eq!(world.ledger.following(&repository()), [target("copy")]);
    assert!(matches!(
        world.state("copy").standing,
        Standing::Adopted { .. }
    ));
    push(&mut world, "v3");
    world.run_for(minutes(15));
    let copied = world.ledger.history(&target("copy"));
    assert_eq!(
        copied.iter().map(summary).collect::<Vec<_>>(),
        ["v3 succeeded"]
    );
}

#[test]
fn text_that_is_no_configuration_is_told_once_with_its_place_and_hides_no_sibling() {
    let mut world = steady();
    world.put_target("broken", "{\n  \"service\": oops }");
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(130));
    assert_eq!(told(&world), ["target-invalid", "adopted"]);
    assert_eq!(
        mistakes(&world),
        ["line 2, column 14: the value is not JSON"]
    );
    world.put_target("broken", "{}");
    world.run_for(minutes(2));
    assert_eq!(
        mistakes(&world),
        ["service: it is missing", "images: it is missing"]
    );
    assert_eq!(
        told(&world),
        ["target-invalid", "adopted", "target-invalid"]
    );
    assert_eq!(writes(&world), (0, 0));
}

#[test]
fn a_mistake_in_a_changed_parameter_ends_what_waits_and_not_what_is_under_way() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(1));
    push(&mut world, "v3");
    world.run_for(seconds(10));
    world.put_target(TARGET, "{}");
    world.run_for(minutes(15));
    assert_eq!(
        history(&world),
        ["v2 succeeded", "v3 rejected target-invalid"]
    );
    assert_eq!(world.ledger.holder(&service()), Some(target(TARGET)));
    push(&mut world, "v4");
    world.run_for(minutes(5));
    assert_eq!(ignored(&world), ["target-invalid"]);
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(1));
    push(&mut world, "v5");
    world.run_for(minutes(15));
    assert_eq!(history(&world)[2..], ["v5 succeeded"]);
}

#[test]
fn a_deleted_parameter_releases_everything_and_supersedes_what_is_under_way() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(1));
    push(&mut world, "v3");
    world.run_for(seconds(10));
    world.delete_target(TARGET);
    world.run_for(minutes(5));
    assert_eq!(
        history(&world),
        [
            "v2 superseded target-removed",
            "v3 superseded target-removed"
        ]
    );
    assert_eq!(world.ledger.holder(&service()), None);
    assert_eq!(world.ledger.following(&repository()), []);
    let entry = world.ledger.entry(&target(TARGET));
    assert_eq!(
        entry.registration.unwrap().status.clone(),
        RegistrationStatus::Removed
    );
    assert_eq!((&entry.state.current, &entry.state.wake), (&None, &None));
    push(&mut world, "v4");
    world.run_for(minutes(5));
    assert_eq!(ignored(&world), ["not-followed"]);
    assert_eq!(writes(&world), (1, 1));

    // What was pushed while there was no target is not deployed when it comes back.
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(5));
    assert_eq!(writes(&world), (1, 1));
    push(&mut world, "v5");
    world.run_for(minutes(15));
    assert_eq!(history(&world)[2..], ["v5 succeeded"]);
}

#[test]
fn a_target_that_moves_to_another_service_gives_up_the_first() {
    let mut world = adopted();
    let api = with_api(&mut world);
    let arn = world.ecs.service_arn(&api.service);
    world.ecs.tag(&arn, "pushboat:target", TARGET);
    world.put_target(TARGET, &api_text());
    world.run_for(minutes(2));
    assert_eq!(world.ledger.holder(&service()), None);
    assert_eq!(world.ledger.holder(&api.service), Some(target(TARGET)));
    assert_eq!(world.ledger.following(&repository()), []);
    push(&mut world, "v2");
    world.push_image("team/api", "v2", &Image::healthy("api v2"));
    world.run_for(minutes(15));
    assert_eq!(ignored(&world), ["not-followed"]);
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(world.ecs.revision(&service()), "web:1");
    assert_eq!(world.ecs.revision(&api.service), "api:2");
}

#[test]
fn a_rollout_goes_on_by_the_configuration_it_started_with() {
    let mut world = adopted();
    push(&mut world, "v2");
    world.run_for(minutes(1));
    let patient = TARGET_TEXT.replace(
        r#""alarms": ["5xx"]"#,
        r#""alarms": ["5xx"], "bakeTimeSeconds": 3600"#,
    );
    world.put_target(TARGET, &patient);
    push(&mut world, "v3");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    world.run_for(minutes(30));
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(summary(&current), "v3 baking");
    world.run_for(minutes(40));
    assert_eq!(history(&world), ["v2 succeeded", "v3 succeeded"]);
}

#[test]
fn without_the_event_the_first_target_is_found_within_a_minute_and_others_within_the_hour() {
    let mut world = steady();
    let api = with_api(&mut world);
    world.lost.parameter_changes = true;
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(seconds(65));
    assert_eq!(told(&world), ["adopted"]);
    world.put_target("api", &api_text());
    world.run_for(minutes(55));
    assert_eq!(world.ledger.holder(&api.service), None);
    world.run_for(minutes(6));
    assert_eq!(world.ledger.holder(&api.service), Some(target("api")));
    assert_eq!(told(&world), ["adopted", "adopted"]);
}

#[test]
fn a_parameter_whose_name_is_no_targets_name_is_passed_over() {
    let mut world = steady();
    world.put_target("a//b", TARGET_TEXT);
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(2));
    assert_eq!(told(&world), ["adopted"]);
}

#[test]
fn one_push_reaches_every_target_that_follows_it() {
    let mut world = steady();
    let mut names = Vec::new();
    for number in 0..20 {
        let name = format!("team/web-{number}");
        let service = format!("web-{number}");
        let image = format!("{REGISTRY}/{REPOSITORY}:v1");
        let made = ServiceSpecification::new("prod", &service, &image, &name);
        world.ecs.create_service(&made);
        let text = TARGET_TEXT.replace(r#""name": "web""#, &format!(r#""name": "{service}""#));
        world.put_target(&name, &text);
        names.push((name, made.service));
    }
    world.run_for(minutes(5));
    push(&mut world, "v2");
    world.run_for(minutes(15));
    for (name, service) in names {
        let history = world.ledger.history(&target(&name));
        assert_eq!(
            history.iter().map(summary).collect::<Vec<_>>(),
            ["v2 succeeded"]
        );
        assert_eq!(world.ecs.images(&service), [pinned("v2")]);
    }
    assert_eq!(writes(&world), (20, 20));
}

#[test]
fn an_alarm_slower_than_the_bake_time_is_warned_of_once_and_holds_nothing_up() {
    let mut world = steady();
    world.alarms.set_window("5xx", 900);
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(2));
    assert_eq!(told(&world), ["adopted", "target-warned"]);
    assert_eq!(world.state(TARGET).warnings.len(), 1);
    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);

    // Another change of the parameter, and it is as slow as before.
    let text = |more: &str| TARGET_TEXT.replace(r#""alarms""#, &format!(r#"{more}, "alarms""#));
    let warned = |world: &World| {
        let told = told(world).into_iter();
        told.filter(|one| one == "target-warned").count()
    };
    world.put_target(TARGET, &text(r#""deadlineSeconds": 900"#));
    world.run_for(minutes(2));
    assert_eq!(warned(&world), 1);
    world.put_target(TARGET, &text(r#""bakeTimeSeconds": 600"#));
    world.run_for(minutes(2));
    assert_eq!(warned(&world), 2, "the numbers are others");
    world.put_target(TARGET, &text(r#""bakeTimeSeconds": 900"#));
    world.run_for(minutes(2));
    assert_eq!(warned(&world), 2);
    assert_eq!(world.state(TARGET).warnings, []);
}
