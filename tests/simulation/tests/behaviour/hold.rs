//! People hold one target or everything: Pushboat looks and tells, and changes nothing.

use pushboat::core::alarm::AlarmState;
use simulation::Fault;

use super::*;

/// Holds everything and lets the sweep copy it.
fn hold_everything(world: &mut World, reason: &str) {
    world.hold_everything(Some(reason));
    world.run_for(seconds(61));
}

fn hold(world: &mut World, reason: &str) {
    order(world, "hold", json!({ "reason": reason }));
    world.run_for(seconds(1));
}

fn resume(world: &mut World) {
    order(world, "resume", json!({}));
    world.run_for(seconds(1));
}

/// What the notices say that a hold keeps a rollout: its tag and the reason.
fn told_held(world: &World) -> Vec<String> {
    let filed = world.ledger.notices();
    let held = filed.iter().filter_map(|filed| match &filed.notice.news {
        News::RolloutHeld { rollout, hold, .. } => {
            Some(format!("{} {}", rollout.push.tag, hold.reason))
        }
        News::Rollout(_)
        | News::DeploymentPaused { .. }
        | News::WayBackPaused { .. }
        | News::ApprovalAsked { .. }
        | News::TargetInvalid { .. }
        | News::ServiceMissing { .. }
        | News::Adopted { .. }
        | News::TargetWarned { .. }
        | News::RolloutYields { .. }
        | News::AlarmFired { .. }
        | News::Command { .. } => None,
    });
    held.collect()
}

fn status(world: &mut World) -> Value {
    ask(world, "status", json!({}))
}

#[test]
fn while_everything_is_held_a_push_waits_and_is_told_so_and_goes_on_afterwards() {
    let mut world = adopted();
    hold_everything(&mut world, "incident 4711");
    push(&mut world, "v2");
    world.run_for(minutes(120));
    assert_eq!(writes(&world), (0, 0));
    assert_eq!(under_way(&world).unwrap(), "v2 requested held");
    assert_eq!(told(&world), ["adopted", "rollout-held"], "told once");
    let document = world.topic.documents().pop().unwrap();
    assert_eq!(document["outcome"], "waiting");
    assert_eq!(document["reason"]["explanation"], "incident 4711");
    let explained = ask(&mut world, "explain", json!({}));
    let first = explained["because"][0].as_str().unwrap();
    assert!(first.contains("incident 4711"), "{first}");

    world.hold_everything(None);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"], "no deadline ran");
    assert_eq!(writes(&world), (1, 1));
    assert_eq!(status(&mut world)["hold"], Value::Null);
}

#[test]
fn off_and_blanks_hold_nothing() {
    for value in ["off", " "] {
        let mut world = adopted();
        hold_everything(&mut world, value);
        push(&mut world, "v2");
        world.run_for(minutes(15));
        assert_eq!(history(&world), ["v2 succeeded"], "{value:?}");
    }
}

#[test]
fn of_two_pushes_under_a_hold_each_is_told_and_the_newer_one_goes_on() {
    let mut world = adopted();
    hold_everything(&mut world, "freeze");
    push(&mut world, "v2");
    world.run_for(minutes(5));
    push(&mut world, "v3");
    world.run_for(minutes(5));
    assert_eq!(told_held(&world), ["v2 freeze", "v3 freeze"]);
    assert_eq!(history(&world), ["v2 superseded newer-push"]);
    world.hold_everything(None);
    world.run_for(minutes(15));
    assert_eq!(history(&world).last().unwrap(), "v3 succeeded");
    assert_eq!(writes(&world), (1, 1));
}

#[test]
fn a_held_rollout_that_crashes_keeps_its_evidence_and_is_taken_back_once_resumed() {
    for everything in [false, true] {
        let mut world = adopted();
        let bad = world.push_image(REPOSITORY, "v2", &Image::crashing("v2"));
        run_to(&mut world, "progressing");
        if everything {
            // It takes two minutes until a second task has failed.
            hold_everything(&mut world, "look at it first");
        } else {
            hold(&mut world, "look at it first");
        }
        world.run_for(minutes(90));
        assert_eq!(writes(&world), (1, 1), "nothing, not even to roll back");
        assert_eq!(world.ecs.images(&service()), [pinned("v2")]);
        assert_eq!(under_way(&world).unwrap(), "v2 rolling-back tasks-fail");
        assert_eq!(told_held(&world), ["v2 look at it first"]);
        let current = world.state(TARGET).current.unwrap();
        assert!(current.evidence.stopped_tasks.kept().len() >= 2);
        assert!(world.state(TARGET).quarantine.contains_key(&bad.digest));

        if everything {
            world.hold_everything(None);
            world.run_for(seconds(61));
        } else {
            resume(&mut world);
        }
        assert_eq!(writes(&world), (1, 2));
        world.run_for(minutes(10));
        assert_eq!(history(&world), ["v2 rolled-back tasks-fail"]);
        assert_eq!(world.ecs.revision(&service()), "web:1");
    }
}

#[test]
fn a_healthy_rollout_that_is_held_on_its_way_comes_to_its_end() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    hold(&mut world, "no more of this");
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"], "ECS had it already");
    assert_eq!(writes(&world), (1, 1));
    assert_eq!(told_held(&world), [""; 0]);
    push(&mut world, "v3");
    world.run_for(minutes(5));
    assert_eq!(under_way(&world).unwrap(), "v3 requested held");
}

#[test]
fn an_update_that_never_arrived_is_not_sent_again_under_a_hold() {
    let mut world = adopted();
    world
        .calls
        .fail_next(Operation::UpdateService, Fault::LostRequest, 1);
    push(&mut world, "v2");
    world.run_for(seconds(5));
    hold(&mut world, "wait");
    world.run_for(minutes(60));
    assert_eq!(writes(&world), (1, 1));
    assert_eq!(under_way(&world).unwrap(), "v2 starting");
    assert_eq!(told_held(&world), ["v2 wait"]);
    resume(&mut world);
    world.run_for(minutes(15));
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_eq!(writes(&world), (1, 2));
}

/// It is the start that the hold put off: what fires by then is none of the version's doing.
#[test]
fn an_alarm_that_fires_while_a_start_is_held_fires_at_the_start() {
    let mut world = adopted();
    let update = Operation::UpdateService;
    world.calls.fail_next(update, Fault::LostRequest, 1);
    push(&mut world, "v2");
    world.run_for(seconds(5));
    hold(&mut world, "incident 4711");
    world.run_for(minutes(10));
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(10));
    assert_eq!(under_way(&world).unwrap(), "v2 starting");
    resume(&mut world);
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Ok);
    world.run_for(seconds(10));
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(10));
    assert_eq!(history(&world), ["v2 rolled-back alarm-fired"]);
}

#[test]
fn both_holds_have_to_be_lifted_and_what_is_left_is_told() {
    for everything_first in [false, true] {
        let mut world = adopted();
        hold(&mut world, "database maintenance");
        hold_everything(&mut world, "incident 4711");
        push(&mut world, "v2");
        world.run_for(minutes(5));
        assert_eq!(told_held(&world), ["v2 incident 4711"]);
        if everything_first {
            world.hold_everything(None);
            world.run_for(minutes(3));
            assert_eq!(
                told_held(&world),
                ["v2 incident 4711", "v2 database maintenance"]
            );
        } else {
            resume(&mut world);
            world.run_for(minutes(3));
            let refused = ask(&mut world, "resume", json!({}));
            assert_eq!(refused["error"]["code"], "not-held");
        }
        assert_eq!(writes(&world), (0, 0));
        if everything_first {
            resume(&mut world);
        } else {
            world.hold_everything(None);
        }
        world.run_for(minutes(15));
        assert_eq!(history(&world), ["v2 succeeded"]);
    }
}

#[test]
fn a_hold_with_another_reason_is_told_anew_and_shown_at_once() {
    let mut world = adopted();
    hold(&mut world, "until noon");
    push(&mut world, "v2");
    world.run_for(minutes(5));
    hold(&mut world, "until Monday");
    let shown = status(&mut world);
    assert_eq!(shown["hold"]["reason"], "until Monday");
    let waiting = shown["wake"]["waiting"]["explanation"].as_str().unwrap();
    assert!(waiting.contains("until Monday"), "{waiting}");
    world.run_for(minutes(60));
    assert_eq!(told_held(&world), ["v2 until noon", "v2 until Monday"]);
    hold(&mut world, "until Monday");
    world.run_for(minutes(60));
    assert_eq!(told_held(&world).len(), 2, "the same hold, given again");
}

#[test]
fn a_hold_is_told_once_however_often_aws_fails_meanwhile() {
    let mut world = adopted();
    hold(&mut world, "freeze");
    push(&mut world, "v2");
    for _ in 0..5 {
        world.run_for(minutes(3));
        world
            .calls
            .fail_next(Operation::DescribeServices, Fault::Throttled, 1);
    }
    world.run_for(minutes(3));
    assert_eq!(world.calls.injected(), 5);
    assert_eq!(told_held(&world), ["v2 freeze"]);
}

#[test]
fn a_hold_that_cannot_be_read_stays_as_it_was() {
    for held in [true, false] {
        let mut world = adopted();
        if held {
            hold_everything(&mut world, "freeze");
        }
        world
            .calls
            .fail_next(Operation::GetParameter, Fault::Throttled, usize::MAX);
        let failed = world.calls.injected();
        push(&mut world, "v2");
        world.run_for(minutes(15));
        assert!(world.calls.injected() - failed >= 15);
        let expected: &[&str] = if held { &[] } else { &["v2 succeeded"] };
        assert_eq!(
            history(&world),
            expected,
            "what is due is woken all the same"
        );
        assert_eq!(writes(&world).1, usize::from(!held));
        assert_eq!(told_held(&world).len(), usize::from(held));
        world.hold_everything(None);
        world.calls.heal();
        world.run_for(minutes(15));
        assert_eq!(history(&world), ["v2 succeeded"]);
    }
}

/// Has ECS roll the service's latest deployment back, as a person does.
fn stop(world: &World) {
    let service = service();
    let mut model = world.ecs.model();
    let found = model.service(Some(&service.cluster), &service.name);
    let latest = found.unwrap().unwrap().service_deployments.last();
    let arn = latest.unwrap().arn.to_string();
    model.stop_service_deployment(&arn, None).unwrap();
}

/// Puts what was adopted back by the plain AWS CLI.
fn put_back(world: &World) {
    world.ecs.update(&service(), |update| {
        update.task_definition = Some("web:1".to_owned());
    });
}

#[test]
fn what_a_person_brought_back_meanwhile_is_not_asked_for_on_top_where_it_fails() {
    type ByHand = fn(&World);
    let ways: [(&str, ByHand); 2] = [("stopped", stop), ("put back", put_back)];
    for (name, by_hand) in ways {
        for seen in [true, false] {
            let mut world = steady();
            world.ecs.configure(
                &service(),
                &json!({
                    "deploymentCircuitBreaker": {
                        "enable": true, "rollback": name == "stopped",
                        "thresholdConfiguration": { "type": "COUNT", "value": 2 },
                    },
                    "minimumHealthyPercent": 0, "maximumPercent": 100,
                }),
            );
            world.put_target(TARGET, TARGET_TEXT);
            world.run_for(minutes(1));
            push(&mut world, "v2");
            run_to(&mut world, "progressing");
            world.run_for(seconds(20));
            hold(&mut world, "look at it first");
            world.alarms.set("5xx", AlarmState::Alarm);
            run_to(&mut world, "rolling-back");
            let good = Image::healthy("v1").digest();
            world.images.delete(REPOSITORY, &good);
            by_hand(&world);
            if !seen {
                let operation = Operation::DescribeServices;
                world.calls.fail_next(operation, Fault::Throttled, 1000);
            }
            world.run_for(minutes(20));
            world.calls.heal();
            resume(&mut world);
            world.run_for(minutes(30));
            assert_eq!(
                history(&world),
                ["v2 halted way-back-failed"],
                "{name}, {seen}"
            );
            assert_eq!(writes(&world), (1, 1), "{name}, {seen}");
        }
    }
}
