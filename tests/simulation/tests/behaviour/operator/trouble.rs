//! A command that cannot be carried out says why, and changes nothing.

use super::*;

#[test]
fn where_the_answer_is_lost_the_order_may_be_given_again() {
    let (mut world, ..) = on_v3();
    world
        .calls
        .fail_next(Operation::SendMessages, Fault::LostAnswer, 1);
    let deploy = json!({ "command": "deploy", "target": TARGET, "tag": "v2" });
    let answered = world.command(deploy.clone());
    assert!(matches!(answered, Invocation::Failed(_)), "{answered:?}");
    assert!(world.command(deploy).is_done());
    world.run_for(minutes(20));
    assert_eq!(
        commands(&mut world),
        ["deploy", "deploy same-image-under-way"]
    );
    assert_eq!(history(&world)[2..], ["v2 succeeded"]);
    assert_eq!(writes(&world), (3, 3));
}

#[test]
fn a_ledger_that_cannot_be_read_fails_the_command_and_changes_nothing() {
    for (operation, command) in [
        (Operation::ReadEntry, "status"),
        (Operation::ReadEntry, "rollback"),
        (Operation::ReadHistory, "history"),
    ] {
        let mut world = adopted();
        world.calls.fail_next(operation, Fault::Throttled, 1);
        let answered = world.command(json!({ "command": command, "target": TARGET }));
        assert!(matches!(answered, Invocation::Failed(_)), "{answered:?}");
        assert!(world.queue.is_empty());
    }
}

#[test]
fn before_the_service_exists_an_order_waits_for_it() {
    let mut world = world();
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(2));
    world.images.put(REPOSITORY, "v2", &Image::healthy("v2"));
    order(&mut world, "deploy", json!({ "tag": "v2" }));
    world.run_for(minutes(10));
    assert_eq!(writes(&world), (0, 0));
    let status = ask(&mut world, "status", json!({}));
    assert_eq!(status["waiting"][0]["waiting"]["code"], "adoption");
    assert_eq!(status["wake"]["waiting"]["code"], "service");
    world.ecs.create_service(&specification());
    world.run_for(minutes(25));
    assert_eq!(history(&world), ["v2 succeeded"]);
}

#[test]
fn what_cannot_be_deployed_to_rejects_an_order_and_says_why() {
    let mut world = adopted();
    world.alarms.delete("5xx");
    let text = TARGET_TEXT.replace("5xx", "6xx");
    world.put_target(TARGET, &text);
    world.run_for(minutes(2));
    world.images.put(REPOSITORY, "v2", &Image::healthy("v2"));
    order(&mut world, "deploy", json!({ "tag": "v2" }));
    world.run_for(minutes(5));
    assert_eq!(history(&world), ["v2 rejected target-invalid"]);
    assert_eq!(writes(&world), (0, 0));
    let refused = ask(&mut world, "rollback", json!({}));
    assert_eq!(refused["error"]["code"], "nothing-under-way");
}

#[test]
fn an_image_that_ecr_does_not_have_is_refused_in_its_turn() {
    type Change = fn(&World, &Push);
    let cases: [(Change, &str); 4] = [
        (
            |world, pushed| world.images.delete(REPOSITORY, &pushed.digest),
            "image-missing",
        ),
        (
            |world, pushed| world.images.archive(REPOSITORY, &pushed.digest),
            "image-archived",
        ),
        (
            |world, _| world.images.delete_repository(REPOSITORY),
            "repository-missing",
        ),
        (
            |world, _| {
                world
                    .calls
                    .fail_next(Operation::DescribeImage, Fault::Throttled, 1);
            },
            "aws-unavailable",
        ),
    ];
    for (change, reason) in cases {
        let (mut world, older, _) = on_v3();
        let before = (writes(&world), history(&world));
        change(&world, &older);
        order(&mut world, "deploy", json!({ "tag": "v2" }));
        world.run_for(minutes(15));
        assert_eq!(told(&world).last().unwrap(), "command-refused");
        assert_eq!(last_reason(&world), reason);
        assert_eq!((writes(&world), history(&world)), before, "{reason}");
    }
}
