//! ECS rolls back by itself: that is observed, and judged by where it lands.

use ecs_model::RollbackIdentity;

use super::*;

/// Tasks may fail as often as they like, as far as the target is concerned.
fn patient() -> String {
    let patient = r#""alarms": ["5xx"], "maxFailedTasks": { "atLeast": 1000 }"#;
    TARGET_TEXT.replace(r#""alarms": ["5xx"]"#, patient)
}

/// A service whose circuit breaker is on, with the target adopted.
fn with_circuit_breaker(identity: RollbackIdentity) -> World {
    let mut world = steady();
    world.ecs.model().set_rollback_identity(identity);
    world.ecs.configure(
        &service(),
        &json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } }),
    );
    world.put_target(TARGET, &patient());
    world.run_for(minutes(1));
    assert_eq!(told(&world), ["adopted"]);
    world
}

/// Deploys a version that cannot be pulled until ECS has turned back.
fn fail(world: &mut World, tag: &str) {
    push(world, tag);
    run_to(world, "progressing");
    world.images.set_unreachable(true);
    let failed = world.run_while(minutes(25), |world| !world.ecs.has_failed(&service()));
    assert!(failed, "ECS never gave it up");
    world.images.set_unreachable(false);
}

fn identities() -> [RollbackIdentity; 2] {
    [RollbackIdentity::Same, RollbackIdentity::New]
}

#[test]
fn the_circuit_breaker_goes_back_to_the_last_good_one() {
    for identity in identities() {
        let mut world = with_circuit_breaker(identity);
        fail(&mut world, "v2");
        run_to_the_end(&mut world);
        assert_eq!(history(&world), ["v2 rolled-back deployment-failed"]);
        assert_eq!(taken_back_by(&world), RolledBackBy::Ecs, "{identity:?}");
        assert_eq!(writes(&world), (1, 1), "nobody competes with it");
        assert_eq!(stops(&world), 0);
        assert_eq!(world.ecs.revision(&service()), "web:1");
        assert_eq!(
            quarantined(&world),
            [""; 0],
            "no registry is no fault of it"
        );
        assert_eq!(
            told(&world),
            ["adopted", "v2 started", "v2 rolling-back", "v2 rolled-back"]
        );
    }
}

#[test]
fn also_where_nobody_looked_before_it_was_done() {
    for identity in identities() {
        let mut world = with_circuit_breaker(identity);
        push(&mut world, "v2");
        run_to(&mut world, "progressing");
        world.images.set_unreachable(true);
        world
            .calls
            .fail_next(Operation::DescribeServices, Fault::Throttled, 200);
        let failed = world.run_while(minutes(25), |world| !world.ecs.has_failed(&service()));
        assert!(failed, "ECS never gave it up");
        world.images.set_unreachable(false);
        let back = world.run_while(minutes(25), |world| {
            let current = world.state(TARGET).current.unwrap();
            assert_eq!(current.phase.as_str(), "progressing");
            !(world.ecs.revision(&service()) == "web:1" && world.ecs.is_settled(&service()))
        });
        assert!(back, "ECS never went back");
        world.calls.heal();
        run_to_the_end(&mut world);
        assert_eq!(history(&world), ["v2 rolled-back deployment-failed"]);
        assert_eq!(taken_back_by(&world), RolledBackBy::Ecs, "{identity:?}");
    }
}

#[test]
fn a_circuit_breaker_that_only_stops_leaves_the_way_back_to_us() {
    let mut world = with_circuit_breaker(RollbackIdentity::Same);
    world.ecs.configure(
        &service(),
        &json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": false } }),
    );
    fail(&mut world, "v2");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back deployment-failed"]);
    assert_eq!(taken_back_by(&world), RolledBackBy::Pushboat);
    assert_eq!(world.ecs.revision(&service()), "web:1");
    assert_eq!((writes(&world), stops(&world)), ((1, 2), 0));
}

#[test]
fn it_goes_back_to_what_is_not_the_last_good_one_and_is_put_right_once() {
    for identity in identities() {
        let mut world = with_circuit_breaker(identity);
        // Somebody deploys by hand what was never proven good; v2 is built upon it.
        let by_hand = world
            .ecs
            .register("web", &format!("{REGISTRY}/{REPOSITORY}:v1"));
        world.ecs.update(&service(), |update| {
            update.task_definition = Some(by_hand);
        });
        world.run_for(minutes(15));
        assert_eq!(world.ecs.revision(&service()), "web:2");
        fail(&mut world, "v2");
        run_to_the_end(&mut world);
        assert_eq!(history(&world), ["v2 rolled-back deployment-failed"]);
        assert_eq!(taken_back_by(&world), RolledBackBy::Pushboat);
        assert_eq!(world.ecs.revision(&service()), "web:1", "{identity:?}");
        assert_eq!(writes(&world), (1, 2));
    }
}

#[test]
fn a_person_stops_the_deployment() {
    for identity in identities() {
        let mut world = with_circuit_breaker(identity);
        push(&mut world, "v2");
        run_to(&mut world, "progressing");
        world.run_for(seconds(10));
        world.ecs.stop(&service());
        run_to_the_end(&mut world);
        assert_eq!(history(&world), ["v2 rolled-back put-back-by-hand"]);
        assert_eq!(taken_back_by(&world), RolledBackBy::Person, "{identity:?}");
        assert_eq!(writes(&world), (1, 1), "nobody competes with them");
        assert_eq!(quarantined(&world).len(), 1);
    }
}

#[test]
fn a_deployment_alarm_takes_a_blue_green_deployment_back() {
    let mut world = steady();
    world.ecs.configure(
        &service(),
        &json!({
            "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5,
            "alarms": { "alarmNames": ["green"], "enable": true, "rollback": true },
        }),
    );
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(1));
    push(&mut world, "v2");
    run_to(&mut world, "progressing");
    world.run_for(minutes(4));
    let now = world.ecs.read().now();
    world.ecs.model().set_alarm("green", true, now);
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rolled-back deployment-failed"]);
    assert_eq!(taken_back_by(&world), RolledBackBy::Ecs);
    assert_eq!(writes(&world), (1, 1));
    assert_eq!(world.ecs.revision(&service()), "web:1");
}

#[test]
fn what_ecs_took_back_before_anybody_could_look_is_not_deployed_again() {
    for identity in identities() {
        let mut world = with_circuit_breaker(identity);
        world
            .calls
            .fail_next(Operation::UpdateService, Fault::CrashAfter, 1);
        push(&mut world, "v2");
        world.run_for(seconds(5));
        assert_eq!(writes(&world), (1, 1));
        world
            .calls
            .fail_next(Operation::DescribeServices, Fault::Throttled, 200);
        world.images.set_unreachable(true);
        let failed = world.run_while(minutes(20), |world| !world.ecs.has_failed(&service()));
        assert!(failed, "ECS never gave it up");
        world.images.set_unreachable(false);
        let settled = world.run_while(minutes(20), |world| !world.ecs.is_settled(&service()));
        assert!(settled, "ECS never went back");
        world.calls.heal();
        run_to_the_end(&mut world);
        assert_eq!(history(&world), ["v2 rolled-back deployment-failed"]);
        assert_eq!(taken_back_by(&world), RolledBackBy::Ecs, "{identity:?}");
        assert_eq!(writes(&world), (1, 1), "it is not sent again");
    }
}

/// The pause before anything is started times out on the way back, and ECS turns to the bad
/// version again.
#[test]
fn a_way_back_that_is_taken_back_is_put_right_once() {
    for identity in identities() {
        let mut world = adopted();
        world.ecs.model().set_rollback_identity(identity);
        world.ecs.configure(
            &service(),
            &json!({ "lifecycleHooks": [{
                "targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"],
                "timeoutConfiguration": { "timeoutInMinutes": 2, "action": "ROLLBACK" },
            }] }),
        );
        push(&mut world, "v2");
        run_to(&mut world, "progressing");
        world.run_for(minutes(1));
        world.ecs.go_on(&service());
        run_to(&mut world, "baking");
        world.alarms.set("5xx", AlarmState::Alarm);
        run_to(&mut world, "rolling-back");
        world.run_for(minutes(20));
        assert_eq!(
            history(&world),
            ["v2 halted went-elsewhere"],
            "{identity:?}"
        );
        assert_eq!(writes(&world), (1, 3), "the version, and back twice");
        assert_eq!(world.ecs.revision(&service()), "web:2", "a person is asked");
    }
}

/// Somebody who has a way back stopped wants the version that Pushboat takes back.
#[test]
fn a_way_back_that_a_person_takes_back_is_left_alone() {
    let mut world = adopted();
    push(&mut world, "v2");
    run_to(&mut world, "baking");
    world.alarms.set("5xx", AlarmState::Alarm);
    run_to(&mut world, "rolling-back");
    world.run_for(seconds(10));
    world.ecs.stop(&service());
    world.run_for(minutes(20));
    assert_eq!(history(&world), ["v2 superseded somebody-else"]);
    assert_eq!(world.ecs.revision(&service()), "web:2");
    assert_eq!(writes(&world), (1, 2));
}
