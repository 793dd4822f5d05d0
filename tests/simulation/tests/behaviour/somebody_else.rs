//! People, Terraform and ECS itself change the service meanwhile.

use pushboat::core::alarm::AlarmState;
use pushboat::core::evidence::AlarmChange;
use pushboat::ports::Clock as _;
use pushboat::trigger::alarm::AlarmChanged;
use simulation::{Event, Fault};

use super::*;

/// Deploys another image by hand.
pub(crate) fn deploy_by_hand(world: &World) {
    let other = format!("{REGISTRY}/{REPOSITORY}:v1");
    let revision = world.ecs.register("by-hand", &other);
    world.ecs.update(&service(), |update| {
        update.task_definition = Some(revision);
    });
}

#[test]
fn somebody_deploys_meanwhile_and_is_not_overwritten() {
    for phase in ["progressing", "baking"] {
        let mut world = adopted();
        push(&mut world, "v2");
        run_to(&mut world, phase);
        world.run_for(seconds(10));
        deploy_by_hand(&world);
        world.run_for(minutes(40));
        assert_eq!(history(&world), ["v2 superseded somebody-else"], "{phase}");
        assert_eq!(world.ecs.revision(&service()), "by-hand:1");
        assert_eq!(writes(&world), (1, 1));
        assert_eq!(told(&world).last().unwrap(), "v2 superseded");
        let good = world.state(TARGET).last_known_good.unwrap();
        assert!(good.task_definition.ends_with("/web:1"), "what was adopted");

        push(&mut world, "v3");
        world.run_for(minutes(15));
        assert_eq!(
            history(&world),
            ["v2 superseded somebody-else", "v3 succeeded"]
        );
        assert_eq!(world.ecs.revision(&service()), "by-hand:2");
    }
}

#[test]
fn somebody_deploys_while_it_goes_back_and_is_not_overwritten() {
    let breaker = json!({ "deploymentCircuitBreaker": {
        "enable": true, "rollback": true,
        "thresholdConfiguration": { "type": "COUNT", "value": 1 },
    } });
    for by_ecs in [false, true] {
        let mut world = adopted();
        if by_ecs {
            world.ecs.configure(&service(), &breaker);
            world.images.set_unreachable(true);
        }
        world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
        run_to(&mut world, "rolling-back");
        world.images.set_unreachable(false);
        world.run_for(seconds(5));
        let before = writes(&world);
        deploy_by_hand(&world);
        world.run_for(minutes(40));
        assert_eq!(history(&world), ["v2 superseded somebody-else"], "{by_ecs}");
        assert_eq!(world.ecs.revision(&service()), "by-hand:1");
        assert_eq!(writes(&world), before);
    }
}

#[test]
fn somebody_deploys_between_the_decision_and_its_effect() {
    let mut world = adopted();
    world
        .calls
        .fail_next(Operation::UpdateService, Fault::CrashBefore, 1);
    push(&mut world, "v2");
    world.run_for(seconds(5));
    deploy_by_hand(&world);
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    assert_eq!(writes(&world), (1, 1), "the one that died; none after it");
    assert_eq!(world.ecs.revision(&service()), "by-hand:1");
}

#[test]
fn somebody_elses_deployment_is_waited_for_and_built_upon() {
    let mut world = adopted();
    deploy_by_hand(&world);
    world.run_for(seconds(10));
    push(&mut world, "v2");
    world.run_for(seconds(10));
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(summary(&current), "v2 requested service-busy");
    assert_eq!(writes(&world), (0, 0));
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(world.ecs.revision(&service()), "by-hand:2");
    assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
}

#[test]
fn somebody_elses_deployment_that_does_not_finish_is_left_alone() {
    let mut world = adopted();
    world
        .images
        .put(REPOSITORY, "broken", &Image::crashing("broken"));
    let revision = world
        .ecs
        .register("by-hand", &format!("{REGISTRY}/{REPOSITORY}:broken"));
    world.ecs.update(&service(), |update| {
        update.task_definition = Some(revision);
    });
    world.run_for(seconds(10));
    push(&mut world, "v2");
    world.run_for(minutes(35));
    assert_eq!(history(&world), ["v2 rejected service-busy"]);
    assert_eq!(writes(&world), (0, 0));
}

#[test]
fn a_forced_redeployment_of_our_revision_is_followed() {
    for phase in ["progressing", "baking"] {
        let mut world = adopted();
        push(&mut world, "v2");
        run_to(&mut world, phase);
        world.run_for(seconds(10));
        world.ecs.update(&service(), |update| {
            update.force_new_deployment = true;
        });
        world.run_for(minutes(20));
        assert_eq!(history(&world), ["v2 succeeded"], "{phase}");
        assert_eq!(writes(&world), (1, 1));
        let filed = world.ledger.notices();
        let [.., baking, succeeded] = filed.as_slice() else {
            panic!("{filed:?}")
        };
        assert_eq!(title(&baking.notice), "v2 baking");
        let baked = succeeded.notice.at.duration_since(baking.notice.at);
        assert!(baked >= minutes(5), "it bakes for its whole time again");
        let times = told(&world)
            .iter()
            .filter(|one| *one == "v2 baking")
            .count();
        assert_eq!(times, if phase == "baking" { 2 } else { 1 });
    }
}

#[test]
fn somebody_deletes_the_service_meanwhile() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.ecs.delete_service(&service());
    world.run_for(minutes(5));
    assert_eq!(history(&world), ["v2 superseded service-gone"]);
}

#[test]
fn somebody_scales_to_zero_while_it_bakes_and_it_is_not_called_good() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.ecs.update(&service(), |update| {
        update.desired_count = Some(0);
    });
    world.run_for(minutes(10));
    assert_eq!(history(&world), ["v2 scaled-to-zero"]);
    let good = world.state(TARGET).last_known_good.unwrap();
    assert!(good.task_definition.ends_with("/web:1"));
}

#[test]
fn somebody_scales_out_while_it_bakes_and_it_still_succeeds() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.ecs.update(&service(), |update| {
        update.desired_count = Some(5);
    });
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
}

#[test]
fn tasks_that_cannot_come_back_while_it_bakes_are_not_called_good() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.images.set_unreachable(true);
    let ids: Vec<String> = {
        let model = world.ecs.read();
        let tasks = model.tasks("prod").map(|(_, task)| task);
        let running = tasks.filter(|task| task.state.last_status == ecs_model::TaskStatus::Running);
        running.map(|task| task.specification.id.clone()).collect()
    };
    assert_eq!(ids.len(), 2);
    world
        .ecs
        .model()
        .stop_task(Some("prod"), &ids[0], None)
        .unwrap();
    run_to(&mut world, "rolling-back");
    world.images.set_unreachable(false);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 rolled-back missing-tasks"]);
    let good = world.state(TARGET).last_known_good.unwrap();
    assert!(good.task_definition.ends_with("/web:1"));
}

#[test]
fn an_alarm_that_fires_meanwhile_brings_the_last_good_one_back() {
    for phase in ["progressing", "baking"] {
        let mut world = adopted();
        push(&mut world, "v2");
        run_to(&mut world, phase);
        world.alarms.set("5xx", AlarmState::Alarm);
        world.run_for(minutes(6));
        assert_eq!(history(&world), ["v2 rolled-back alarm-fired"], "{phase}");
        let document = world.topic.documents().pop().unwrap();
        assert_eq!(document["severity"], "error");
    }
}

#[test]
fn an_alarm_that_fired_before_is_ignored_until_it_has_been_quiet() {
    let mut world = adopted();
    world.alarms.set("5xx", AlarmState::Alarm);
    push(&mut world, "v2");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"], "it may be the fix");

    push(&mut world, "v3");
    run_to(&mut world, "progressing");
    world.run_for(seconds(40));
    world.alarms.set("5xx", AlarmState::Ok);
    world.run_for(minutes(1));
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(6));
    assert_eq!(
        history(&world),
        ["v2 succeeded", "v3 rolled-back alarm-fired"]
    );
}

#[test]
fn the_end_of_an_alarm_that_fired_before_does_not_count_however_late_it_is_told() {
    let mut world = adopted();
    world.alarms.set("5xx", AlarmState::Alarm);
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.lost.alarm_changes = true;
    world.alarms.set("5xx", AlarmState::Ok);
    let ended_at = world.clock.now();
    world.run_for(minutes(2));
    for event_id in ["late", "again"] {
        world.tell(Event::AlarmChanged(AlarmChanged {
            change: AlarmChange {
                alarm_arn: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:5xx".to_owned(),
                name: "5xx".to_owned(),
                state: AlarmState::Ok,
                previous: Some(AlarmState::Alarm),
                reason: String::new(),
                at: ended_at,
            },
            event_id: event_id.to_owned(),
        }));
    }
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
}

#[test]
fn what_waited_while_somebody_else_decided_is_not_deployed() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    push(&mut world, "v3");
    world.run_for(seconds(5));
    deploy_by_hand(&world);
    world.run_for(minutes(40));
    assert_eq!(
        history(&world),
        ["v2 superseded somebody-else", "v3 superseded somebody-else"]
    );
    assert_eq!(world.ecs.revision(&service()), "by-hand:1");
}
