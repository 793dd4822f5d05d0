//! What has to be true of a stack before anything is changed, and who else changes it.

use super::*;

/// Registers the target and answers what is wrong with it.
fn registered(world: &mut World, text: &str) -> Vec<String> {
    world.put_target(TARGET, text);
    world.run_for(minutes(2));
    mistakes(world)
}

#[test]
fn a_busy_stack_is_waited_for() {
    let mut world = through();
    world.stacks.set_status(STACK, "UPDATE_IN_PROGRESS");
    push(&mut world, "v2");
    world.run_for(minutes(5));
    assert_eq!(waits_for(&world), "stack-busy");
    assert_eq!(asked(&world), (0, 0, 0));
    world.stacks.set_status(STACK, "UPDATE_COMPLETE");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_rests_on(&world, "v2", "UPDATE_COMPLETE");
}

#[test]
fn somebodys_update_under_way_is_waited_for_and_kept() {
    let mut world = through();
    world
        .stacks
        .write_parameter(StackSpecification::TITLE, "as it shall be");
    world.stacks.update(STACK, &[]);
    push(&mut world, "v2");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_rests_on(&world, "v2", "UPDATE_COMPLETE");
    assert_eq!(world.stacks.parameter(STACK, "Title"), "as it shall be");
}

#[test]
fn a_stack_that_does_not_come_free_is_given_up_at_the_deadline() {
    let mut world = through();
    world.stacks.set_status(STACK, "UPDATE_IN_PROGRESS");
    push(&mut world, "v2");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rejected stack-busy"]);
    assert_eq!(asked(&world), (0, 0, 0));
}

#[test]
fn a_wedged_stack_is_rejected_with_how_to_mend_it() {
    let mut world = through();
    world.stacks.set_status(STACK, "UPDATE_ROLLBACK_FAILED");
    push(&mut world, "v2");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 rejected stack-wedged"]);
    assert_eq!(asked(&world), (0, 0, 0));
    let email = last_email(&mut world);
    assert!(email.contains("continue-update-rollback"), "{email}");
    assert_eq!(world.ecs.images(&service()), [pinned("v1")]);
}

#[test]
fn without_any_role_the_target_is_invalid_until_it_names_one() {
    let specification = StackSpecification {
        role_arn: None,
        ..stack()
    };
    let mut world = stacked_as(&specification);
    let wrong = registered(&mut world, STACK_TEXT);
    assert_eq!(told(&world), ["target-invalid"]);
    assert!(wrong[0].starts_with("stack.roleArn: "), "{wrong:?}");

    let role = r#""roleArn": "arn:aws:iam::123456789012:role/stack-web""#;
    world.put_target(TARGET, &text_with(role));
    world.run_for(minutes(2));
    assert_eq!(told(&world), ["target-invalid", "adopted"]);
    push(&mut world, "v2");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 succeeded"]);
    assert_rests_on(&world, "v2", "UPDATE_COMPLETE");
}

#[test]
fn a_parameter_that_the_stack_does_not_have_is_told() {
    let mut world = stacked();
    let text = STACK_TEXT.replace(r#""parameter": "Image""#, r#""parameter": "Picture""#);
    let wrong = registered(&mut world, &text);
    assert_eq!(
        wrong,
        ["stack.parameter: stack `web-stack` has no parameter `Picture`"]
    );
    world.put_target(TARGET, STACK_TEXT);
    world.run_for(minutes(2));
    assert_eq!(told(&world), ["target-invalid", "adopted"]);
}

#[test]
fn a_stack_that_does_not_exist_is_told_and_found_once_it_is_made() {
    let mut world = world();
    let wrong = registered(&mut world, STACK_TEXT);
    assert!(wrong[0].starts_with("stack.name: "), "{wrong:?}");
    world.stacks.create(&stack());
    world.run_for(minutes(70));
    assert_eq!(told(&world), ["target-invalid", "adopted"]);
    push(&mut world, "v2");
    run_to_the_end(&mut world);
    assert_eq!(history(&world), ["v2 succeeded"]);
}

#[test]
fn a_target_of_the_stacks_service_is_refused() {
    let mut world = through();
    world.put_target("copy", TARGET_TEXT);
    world.run_for(minutes(5));
    assert_eq!(told(&world), ["adopted", "target-invalid"]);
    assert_eq!(world.ledger.notices()[1].notice.target, target("copy"));
    let wrong = mistakes(&world);
    assert!(wrong[0].starts_with("service (claim): "), "{wrong:?}");
    assert!(wrong[0].contains("`web`"), "{wrong:?}");
    assert_eq!(world.ledger.holder(&service()), Some(target(TARGET)));
}

#[test]
fn a_stack_target_whose_service_another_target_has_is_refused() {
    let mut world = stacked();
    world.put_target(TARGET, TARGET_TEXT);
    world.run_for(minutes(1));
    world.put_target("copy", STACK_TEXT);
    world.run_for(minutes(5));
    assert_eq!(told(&world), ["adopted", "target-invalid"]);
    assert_eq!(world.ledger.holder(&service()), Some(target(TARGET)));
}
