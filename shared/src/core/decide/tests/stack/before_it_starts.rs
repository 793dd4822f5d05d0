//! What is looked at before a change set is made.

use super::*;

fn given() -> Given {
    Given::new(requested::phase(None)).through_stack()
}

fn ready() -> Seen {
    requested::seen().stack("UPDATE_COMPLETE", None)
}

#[test]
fn a_stack_is_looked_at_before_anything_is_asked_of_it() {
    check(vec![
        (
            "all is well",
            given(),
            ready(),
            "starting unregistered 0s | make change set with sha256:b | now",
        ),
        (
            "there is none",
            given(),
            requested::seen().change(|seen| seen.stack = Look::Taken(StackLook::Missing)),
            "rejected stack-missing | over",
        ),
        (
            "it has no such parameter",
            given(),
            ready().of_stack(|stack| stack.parameters.clear()),
            "rejected stack-parameter-missing | over",
        ),
        (
            "it has no service role",
            given(),
            ready().of_stack(|stack| stack.role_arn = None),
            "rejected stack-role-missing | over",
        ),
        (
            "the target names one",
            given().policy(|policy| {
                let stack = policy.stack.as_mut().unwrap();
                stack.role_arn = Some("arn:aws:iam::123456789012:role/x".to_owned());
            }),
            ready().of_stack(|stack| stack.role_arn = None),
            "starting unregistered 0s | make change set with sha256:b | now",
        ),
    ]);
}

#[test]
fn a_stack_that_takes_no_update_is_waited_for_unless_it_never_will() {
    let wedged = |word: &str| requested::seen().stack(word, None);
    check(vec![
        (
            "somebody else updates it",
            given(),
            ready().stack("UPDATE_IN_PROGRESS", None),
            "requested | wait 30s stack-busy",
        ),
        (
            "it cleans up",
            given(),
            ready().stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None),
            "requested | wait 30s stack-busy",
        ),
        (
            "a status that came later",
            given(),
            ready().stack("UPDATE_MUSING", None),
            "requested | wait 30s stack-busy",
        ),
        (
            "it was busy up to the deadline",
            Given::new(requested::phase(Some(-1800))).through_stack(),
            ready().stack("UPDATE_IN_PROGRESS", None),
            "rejected stack-busy | over",
        ),
        (
            "its rollback failed",
            given(),
            wedged("UPDATE_ROLLBACK_FAILED"),
            "rejected stack-wedged | over",
        ),
        (
            "an update failed with rollback switched off",
            given(),
            wedged("UPDATE_FAILED"),
            "rejected stack-wedged | over",
        ),
        (
            "it can only be deleted",
            given(),
            wedged("ROLLBACK_COMPLETE"),
            "rejected stack-wedged | over",
        ),
        (
            "it was rolled back, and can be updated",
            given(),
            ready().stack("UPDATE_ROLLBACK_COMPLETE", None),
            "starting unregistered 0s | make change set with sha256:b | now",
        ),
        (
            "no answer",
            given(),
            ready().change(|seen| seen.stack = unavailable()),
            "requested | wait 15s aws",
        ),
    ]);
}

#[test]
fn a_change_set_keeps_every_parameter_but_the_image() {
    let Given(rollout) = given();
    let Seen(observation) = ready();
    let decision = decide(&rollout.policy, &rollout, &observation, now());
    let [Action::CreateChangeSet(request)] = decision.actions.as_slice() else {
        panic!("{decision:?}")
    };
    assert_eq!(request.stack, "web");
    assert_eq!(request.parameter, "Image");
    assert_eq!(
        request.value,
        format!("{REGISTRY}/team/web@{}", digest('b'))
    );
    assert_eq!(request.kept, ["Secret"]);
    assert_eq!(request.capabilities, ["CAPABILITY_IAM"]);
    assert_eq!(
        request.role_arn, None,
        "the stack has one of its own, and the target names none"
    );
    let name = format!("pushboat-{}-{}", rollout.id, now().as_second());
    assert_eq!(request.name, name);
}

#[test]
fn what_is_asked_of_the_stack_is_recorded_with_the_start() {
    let Given(rollout) = given();
    let Seen(observation) = ready().stack("UPDATE_COMPLETE", Some("theirs"));
    let decision = decide(&rollout.policy, &rollout, &observation, now());
    let [Action::CreateChangeSet(request)] = decision.actions.as_slice() else {
        panic!("{decision:?}")
    };
    let recorded = decision.phase.start().unwrap().stack.clone();
    assert_eq!(
        recorded,
        Some(StackStart {
            change_set: request.name.clone(),
            follows: Some("theirs".to_owned()),
            kept: vec!["Secret".to_owned()],
            capabilities: vec!["CAPABILITY_IAM".to_owned()],
            approval: None,
            cancelled_at: None,
            done: false,
        })
    );
}
