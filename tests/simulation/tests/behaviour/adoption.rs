//! Taking what runs as last-known-good, and what comes before that.

use pushboat::core::alarm::AlarmState;
use pushboat::core::reason::Waiting;
use pushboat::core::state::{GoodSource, Standing};
use pushboat::ledger::NoticeKey;
use simulation::Event;

use super::*;

#[test]
fn a_steady_service_is_adopted_and_the_next_push_goes_live() {
    let mut world = adopted();
    let good = world.state(TARGET).last_known_good.unwrap();
    assert_eq!(good.source, GoodSource::Adopted);
    assert_eq!(good.images["app"], pinned("v1"));

    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
    assert_eq!(writes(&world), (1, 1));
    assert_eq!(
        told(&world),
        ["adopted", "v2 started", "v2 baking", "v2 succeeded"]
    );
    let state = world.state(TARGET);
    let good = state.last_known_good.unwrap();
    assert_eq!(good.images["app"], pinned("v2"));
    assert!(good.task_definition.ends_with(":task-definition/web:2"));
    let definition = world.ledger.good_definition(&target(TARGET)).unwrap();
    assert_eq!(
        definition.raw["containerDefinitions"][0]["image"],
        pinned("v2").as_str()
    );
    assert_eq!((state.current, state.wake), (None, None));
    assert!(world.queue.is_empty() && world.dead_letters.is_empty());
}

#[test]
fn a_push_before_adoption_waits_for_it() {
    let mut world = world();
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(2));
    push(&mut world, "v2");
    world.run_for(minutes(3));
    let state = world.state(TARGET);
    assert!(matches!(
        state.standing,
        Standing::Pending { told: false, .. }
    ));
    assert_eq!(
        state.waiting[0].phase,
        Phase::Requested {
            waiting: Waiting::Adoption,
            hindered_since: None,
        }
    );
    assert_eq!(told(&world), [""; 0], "fifteen minutes are not over");

    world.ecs.create_service(&specification());
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(
        told(&world),
        ["adopted", "v2 started", "v2 baking", "v2 succeeded"]
    );
}

#[test]
fn a_service_that_does_not_come_is_told_once_and_adopted_when_it_does() {
    let mut world = world();
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(14));
    assert_eq!(told(&world), [""; 0]);
    world.run_for(minutes(90));
    assert_eq!(told(&world), ["service-missing"]);
    assert_eq!(
        mistakes(&world),
        ["service.cluster: there is no cluster `prod` in this account and Region"]
    );
    world.ecs.create_service(&specification());
    world.run_for(minutes(10));
    assert_eq!(told(&world), ["service-missing", "adopted"]);
}

#[test]
fn a_push_before_the_registration_is_explained_and_not_deployed() {
    let mut world = steady();
    world.lost.pushes = true;
    let early = push(&mut world, "v2");
    world.run_for(minutes(2));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(2));
    world.tell(Event::Pushed(early));
    world.run_for(minutes(10));
    assert_eq!(ignored(&world), ["before-registration"]);
    assert_eq!(
        (told(&world), writes(&world)),
        (vec!["adopted".to_owned()], (0, 0))
    );
}

#[test]
fn without_any_task_wanted_a_push_is_deployed_and_said_to_be_scaled_to_zero() {
    let mut world = world();
    let mut idle = specification();
    idle.desired = 0;
    world.ecs.create_service(&idle);
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(2));
    push(&mut world, "v2");
    world.run_for(minutes(10));
    assert_eq!(history(&world), ["v2 scaled-to-zero"]);
    assert_eq!(told(&world), ["adopted", "v2 started", "v2 scaled-to-zero"]);
    assert_eq!(world.state(TARGET).last_known_good, None);
    assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
    let document = world.topic.documents().pop().unwrap();
    assert_eq!(document["outcome"], "scaled-to-zero");
}

/// A world whose service never ran anything good.
fn never_good(v1: &Image) -> World {
    let mut world = world();
    let digest = world.images.put(REPOSITORY, "v1", v1);
    world.ecs.create_service(&specification_by_tag());
    if v1.labels.is_empty() {
        world.images.delete(REPOSITORY, &digest);
    }
    world.run_for(minutes(2));
    world.put_target(TARGET, TARGET_TEXT);
    world
}

#[test]
fn a_service_whose_tasks_never_started_is_deployed_to_by_the_first_push() {
    let mut world = never_good(&Image::healthy("v1, deleted"));
    world.run_for(minutes(1));
    assert_eq!(told(&world), ["adopted"]);
    assert_eq!(world.state(TARGET).last_known_good, None);
    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert!(world.state(TARGET).last_known_good.is_some());
}

#[test]
fn a_service_whose_tasks_never_stayed_is_deployed_to_by_the_first_push() {
    // ECS counts no failed task where one ran for a moment, so only time tells.
    let mut world = never_good(&Image::crashing("v1, broken"));
    push(&mut world, "v2");
    world.run_for(minutes(14));
    assert_eq!((told(&world), writes(&world)), (Vec::new(), (0, 0)));
    world.run_for(minutes(2));
    assert_eq!(told(&world), ["adopted", "v2 started"]);
    assert_eq!(world.state(TARGET).last_known_good, None);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert!(world.state(TARGET).last_known_good.is_some());
}

#[test]
fn what_does_not_settle_within_fifteen_minutes_is_deployed_to_and_nothing_is_good() {
    let mut world = steady();
    world.alarms.set("5xx", AlarmState::Alarm);
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(14));
    let waiting = world.state(TARGET).wake.map(|wake| wake.waiting);
    assert_eq!(waiting, Some(Waiting::AlarmQuiet));
    world.run_for(minutes(3));
    assert_eq!(told(&world), ["adopted"]);
    assert_eq!(world.state(TARGET).last_known_good, None);
}

#[test]
fn an_alarm_that_goes_quiet_lets_the_running_version_be_good() {
    let mut world = steady();
    world.alarms.set("5xx", AlarmState::Alarm);
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(5));
    world.alarms.set("5xx", AlarmState::Ok);
    world.run_for(minutes(2));
    assert!(world.state(TARGET).last_known_good.is_some());
}

#[test]
fn what_cannot_be_deployed_to_is_told_in_one_message_and_nothing_is_changed() {
    type Change = fn(&mut ServiceSpecification);
    let cases: [(&str, Change); 5] = [
        ("uses the DAEMON scheduling strategy", |one| {
            one.scheduling_strategy = "DAEMON".to_owned();
        }),
        ("is under the CODE_DEPLOY deployment controller", |one| {
            one.controller = "CODE_DEPLOY".to_owned();
        }),
        ("is under the EXTERNAL deployment controller", |one| {
            one.controller = "EXTERNAL".to_owned();
        }),
        ("has no tag `pushboat:target`", |one| one.target = None),
        ("is tagged `pushboat:target` = `other`", |one| {
            one.target = Some("other".to_owned());
        }),
    ];
    for (problem, change) in cases {
        let mut world = world();
        let mut made = specification();
        change(&mut made);
        world.ecs.create_service(&made);
        world.put_target(TARGET, TARGET_TEXT);
        world.run_for(minutes(3));
        push(&mut world, "v2");
        world.run_for(minutes(150));
        assert_eq!(told(&world), ["target-invalid", "v2 rejected"], "{problem}");
        let mistakes = mistakes(&world);
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert!(
            mistakes[0].starts_with("service: service `prod/web`") && mistakes[0].contains(problem),
            "{mistakes:?}"
        );
        assert_eq!(history(&world), ["v2 rejected target-invalid"]);
        assert_eq!(writes(&world), (0, 0));
    }
}

#[test]
fn wrong_names_are_told_all_at_once() {
    let mut world = steady();
    let text = TARGET_TEXT
        .replace("team/web", "team/wbe")
        .replace("5xx", "5yy");
    world.put_target(TARGET, &text);
    world.run_for(minutes(3));
    assert_eq!(told(&world), ["target-invalid"]);
    assert_eq!(
        mistakes(&world),
        [
            "images[0].repository: ECR has no repository `team/wbe` in this account and Region",
            "images[0]: no container of the task definition runs an image of `team/wbe`",
            "alarms[0]: CloudWatch has no alarm `5yy` in this account and Region",
        ]
    );
}

#[test]
fn an_invalid_target_is_adopted_within_the_hour_once_its_service_is_mended() {
    let mut world = world();
    let mut made = specification();
    made.target = None;
    world.ecs.create_service(&made);
    world.run_for(minutes(3));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(3));
    assert_eq!(told(&world), ["target-invalid"]);
    let arn = world.ecs.service_arn(&service());
    world.ecs.tag(&arn, "pushboat:target", TARGET);
    world.run_for(minutes(61));
    assert_eq!(told(&world), ["target-invalid", "adopted"]);
}

#[test]
fn the_templates_own_service_needs_no_tag() {
    let mut world = world();
    world.set_own_service(service());
    let mut made = specification();
    made.target = None;
    world.ecs.create_service(&made);
    world.run_for(minutes(3));
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(1));
    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
}

#[test]
fn a_recreated_service_is_adopted_anew_before_anything_is_deployed_to_it() {
    let mut world = adopted();
    let before = world.state(TARGET).last_known_good.unwrap();
    world.ecs.delete_service(&service());
    world.run_for(minutes(3));
    world.ecs.create_service(&specification());
    world.run_for(minutes(3));
    push(&mut world, "v2");
    world.run_for(seconds(5));
    let anew = world.state(TARGET).last_known_good.unwrap();
    assert!(anew.service_created_at > before.service_created_at);
    assert_eq!(anew.source, GoodSource::Adopted);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(told(&world)[..2], ["adopted", "adopted"]);
    let adoptions: Vec<NoticeKey> = world
        .ledger
        .notices()
        .into_iter()
        .filter(|filed| title(&filed.notice) == "adopted")
        .map(|filed| NoticeKey {
            target: filed.notice.target,
            id: filed.notice.id,
        })
        .collect();
    assert_ne!(adoptions[0], adoptions[1]);
}
