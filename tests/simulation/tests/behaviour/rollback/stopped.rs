//! StopServiceDeployment: the quick way back, where it leads to the last-known-good.

use super::*;

/// A world whose rollout of v2 is under way when its alarm fires.
fn fired_while_progressing(world: &mut World) {
    push(world, "v2");
    run_to(world, "progressing");
    world.run_for(seconds(20));
    world.alarms.set("5xx", AlarmState::Alarm);
}

fn stopped(world: &World) {
    assert_eq!(history(world), ["v2 rolled-back alarm-fired"]);
    assert_eq!(taken_back_by(world), RolledBackBy::Pushboat);
    assert_eq!(world.ecs.revision(&service()), "web:1");
    assert_eq!(quarantined(world).len(), 1);
}

#[test]
fn a_deployment_under_way_is_stopped_and_the_old_tasks_stay() {
    let mut world = adopted();
    let before = world.ecs.running_tasks(&service());
    fired_while_progressing(&mut world);
    run_to_the_end(&mut world);
    stopped(&world);
    assert_eq!((writes(&world), stops(&world)), ((1, 2), 1));
    assert_eq!(world.ecs.running_tasks(&service()), before);
    world.run_for(seconds(5));
    let published = world.topic.published();
    let email = &published.last().unwrap().bodies[1].1;
    assert!(email.contains("v2 was rolled back"), "{email}");
    assert!(
        !email.contains("by itself"),
        "it was not ECS's idea: {email}"
    );
}

#[test]
fn in_a_blue_green_deployment_the_traffic_goes_straight_back() {
    let mut world = blue_green();
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(1));
    let before = world.ecs.running_tasks(&service());
    fired_while_progressing(&mut world);
    run_to_the_end(&mut world);
    stopped(&world);
    assert_eq!((writes(&world), stops(&world)), ((1, 2), 1));
    assert_eq!(world.ecs.running_tasks(&service()), before);
}

#[test]
fn where_it_would_lead_elsewhere_the_service_is_updated() {
    let mut world = adopted();
    let by_hand = world
        .ecs
        .register("web", &format!("{REGISTRY}/{REPOSITORY}:v1"));
    world.ecs.update(&service(), |update| {
        update.task_definition = Some(by_hand);
    });
    world.run_for(minutes(15));
    fired_while_progressing(&mut world);
    run_to_the_end(&mut world);
    stopped(&world);
    assert_eq!((writes(&world), stops(&world)), ((1, 2), 0));
}

#[test]
fn where_aws_refuses_or_turns_it_away_the_service_is_updated_at_once() {
    for fault in [Fault::Refused, Fault::Throttled] {
        let mut world = adopted();
        world
            .calls
            .fail_next(Operation::StopServiceDeployment, fault, 1);
        fired_while_progressing(&mut world);
        world.run_for(seconds(5));
        assert_eq!(writes(&world), (1, 3), "{fault:?}");
        run_to_the_end(&mut world);
        stopped(&world);
    }
}

#[test]
fn where_its_answer_is_lost_it_is_looked_for_before_the_service_is_updated() {
    for (fault, updates) in [(Fault::LostAnswer, 2), (Fault::LostRequest, 3)] {
        let mut world = adopted();
        world
            .calls
            .fail_next(Operation::StopServiceDeployment, fault, 1);
        fired_while_progressing(&mut world);
        world.run_for(seconds(25));
        assert_eq!(writes(&world), (1, 2), "{fault:?}");
        world.run_for(minutes(30));
        stopped(&world);
        assert_eq!(writes(&world), (1, updates), "{fault:?}");
        assert_eq!(stops(&world), 1);
    }
}

#[test]
fn without_the_history_the_service_is_updated() {
    let mut world = adopted();
    world
        .calls
        .fail_next(Operation::DescribeServiceDeployments, Fault::Throttled, 50);
    fired_while_progressing(&mut world);
    run_to_the_end(&mut world);
    stopped(&world);
    assert_eq!((writes(&world), stops(&world)), ((1, 2), 0));
}

#[test]
fn wherever_the_function_dies_the_end_is_the_same() {
    let play = |go_wrong: &dyn Fn(&World)| {
        let mut world = adopted();
        push(&mut world, "v2");
        run_to(&mut world, "progressing");
        world.run_for(seconds(20));
        go_wrong(&world);
        world.alarms.set("5xx", AlarmState::Alarm);
        world.run_for(minutes(60));
        world
    };
    let began = std::cell::Cell::new(0);
    let world = play(&|world| began.set(world.calls.made()));
    stopped(&world);
    let calls = world.calls.log().into_iter();
    let calls: Vec<_> = calls
        .filter(|call| call.ordinal > began.get() && call.function == simulation::Function::Rollout)
        .collect();
    let tried = |operation| calls.iter().any(|call| call.operation == operation);
    assert!(tried(Operation::StopServiceDeployment));
    assert!(tried(Operation::DescribeServiceDeployments));
    for call in &calls {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            for timeout in [seconds(2), minutes(6)] {
                let what = format!("{fault:?} {:?}, call {}", call.operation, call.ordinal);
                let world = play(&|world| {
                    world.queue.set_visibility_timeout(timeout);
                    world.calls.fail_call(call.ordinal, fault);
                });
                assert_eq!(world.calls.injected(), 1, "{what}");
                stopped(&world);
                let died = call.operation == Operation::StopServiceDeployment
                    && fault == Fault::CrashBefore;
                // Where it was done meanwhile, or the stop never sent, the service was updated.
                let asked = writes(&world).1;
                assert_eq!(asked, 2 + usize::from(died), "{what}");
            }
        }
    }
}

#[test]
fn a_pause_hook_met_on_the_way_back_is_told_once_and_at_the_highest_severity() {
    let mut world = steady();
    world.ecs.configure(
        &service(),
        &json!({
            "strategy": "BLUE_GREEN",
            "lifecycleHooks": [{ "targetType": "PAUSE", "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"] }],
        }),
    );
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(1));
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    let waits = world.run_while(minutes(20), |world| {
        world.ecs.paused_hook(&service()).is_none()
    });
    assert!(waits, "the hook was never met");
    world.ecs.go_on(&service());
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    world.run_for(minutes(10));
    let current = world.state(TARGET).current.unwrap();
    assert_eq!(summary(&current), "v2 rolling-back alarm-fired");
    let paused = told(&world);
    let paused = paused.iter().filter(|one| *one == "v2 way-back-paused");
    assert_eq!(paused.count(), 1, "{:?}", told(&world));
    let document = world.topic.documents().pop().unwrap();
    assert_eq!(document["severity"], "error");
    let explanation = document["reason"]["explanation"].as_str().unwrap();
    assert!(
        explanation.contains("continue-service-deployment"),
        "{explanation}"
    );
    world.ecs.go_on(&service());
    run_to_the_end(&mut world);
    stopped(&world);
}
