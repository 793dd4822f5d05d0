//! How change sets are made and deleted.

use serde_json::json;

use crate::world::{World, change_set, image_and_previous};

#[test]
fn a_change_set_is_made_step_by_step() {
    let mut world = World::new();
    let answer = world.call(
        "CreateChangeSet",
        change_set("push-1", image_and_previous("web:2")),
    );
    let arn = answer["Id"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:cloudformation:eu-west-1:123456789012:changeSet/push-1/"));
    for (seconds, status, execution) in [
        (0, "CREATE_PENDING", "UNAVAILABLE"),
        (2, "CREATE_IN_PROGRESS", "UNAVAILABLE"),
        (6, "CREATE_COMPLETE", "AVAILABLE"),
    ] {
        world.wait_seconds(seconds);
        let described = world.describe_change_set("push-1");
        assert_eq!(described["Status"], status);
        assert_eq!(described["ExecutionStatus"], execution);
        assert_eq!(described["ChangeSetId"], arn);
    }
    assert_eq!(
        world.status(),
        "CREATE_COMPLETE",
        "nothing is changed by it"
    );
    let by_arn = world.call("DescribeChangeSet", json!({"ChangeSetName": arn}));
    assert_eq!(by_arn["ChangeSetName"], "push-1");
}

#[test]
fn what_submits_nothing_new_fails_and_says_so() {
    let mut world = World::new();
    world.change_set("same", image_and_previous("web:1"));
    let described = world.describe_change_set("same");
    assert_eq!(described["Status"], "FAILED");
    assert_eq!(described["ExecutionStatus"], "UNAVAILABLE");
    assert_eq!(
        described["StatusReason"],
        "The submitted information didn't contain changes. Submit different information to \
         create a change set."
    );
    assert_eq!(described["Changes"], json!([]));
}

#[test]
fn what_changes_no_resource_fails_and_says_so() {
    let mut template = crate::world::template();
    template["Parameters"]["Unused"] = json!({"Type": "String", "Default": "a"});
    let mut world = World::with(template);
    let mut parameters = image_and_previous("web:1");
    let unused = json!({"ParameterKey": "Unused", "ParameterValue": "b"});
    parameters.as_array_mut().unwrap().push(unused);
    world.change_set("idle", parameters);
    let described = world.describe_change_set("idle");
    assert_eq!(described["Status"], "FAILED");
    let reason = described["StatusReason"].as_str().unwrap();
    assert!(reason.starts_with("The submitted information didn't contain changes."));
}

#[test]
fn of_a_template_with_macros_it_is_said_in_other_words() {
    let mut template = crate::world::template();
    template["Transform"] = json!("AWS::Serverless-2016-10-31");
    let mut world = World::with(template);
    world.change_set("same", image_and_previous("web:1"));
    let described = world.describe_change_set("same");
    assert_eq!(described["Status"], "FAILED");
    assert_eq!(described["StatusReason"], "No updates are to be performed.");
}

#[test]
fn the_same_request_with_the_same_token_is_the_same_change_set() {
    let mut world = World::new();
    let mut request = change_set("push-1", image_and_previous("web:2"));
    request["ClientToken"] = json!("token-1");
    let first = world.call("CreateChangeSet", request.clone());
    let again = world.call("CreateChangeSet", request.clone());
    assert_eq!(first, again);
    request["ClientToken"] = json!("token-2");
    let error = world.refused("CreateChangeSet", request);
    assert_eq!(error.code, "AlreadyExistsException");
    assert_eq!(
        error.message,
        "ChangeSet push-1 cannot be created due to a mismatch with existing attribute ClientToken"
    );
}

#[test]
fn a_name_is_taken_until_its_change_set_is_deleted() {
    let mut world = World::new();
    world.change_set("push-1", image_and_previous("web:2"));
    let request = change_set("push-1", image_and_previous("web:3"));
    let error = world.refused("CreateChangeSet", request.clone());
    assert_eq!(error.code, "AlreadyExistsException");
    assert!(error.message.ends_with("attribute Parameters"), "{error}");
    let reference = json!({"StackName": "web", "ChangeSetName": "push-1"});
    world.call("DeleteChangeSet", reference.clone());
    let error = world.refused("DescribeChangeSet", reference.clone());
    assert_eq!(
        (error.code.as_str(), error.http_status),
        ("ChangeSetNotFound", 404)
    );
    assert_eq!(error.message, "ChangeSet [push-1] does not exist");
    world.call("DeleteChangeSet", reference);
    world.call("CreateChangeSet", request);
}

#[test]
fn a_change_set_that_is_executed_cannot_be_deleted() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    let reference = json!({"StackName": "web", "ChangeSetName": "push-1"});
    let error = world.refused("DeleteChangeSet", reference);
    assert_eq!(error.code, "InvalidChangeSetStatus");
}

#[test]
fn a_name_without_its_stack_is_refused() {
    let mut world = World::new();
    let error = world.refused("DescribeChangeSet", json!({"ChangeSetName": "push-1"}));
    assert_eq!(error.code, "ValidationError");
}

#[test]
fn names_and_tokens_have_their_shapes() {
    let mut world = World::new();
    for name in ["1st", "a_b", "", "a/b", &"a".repeat(129)] {
        let error = world.refused(
            "CreateChangeSet",
            change_set(name, image_and_previous("web:2")),
        );
        assert_eq!(error.code, "ValidationError", "{name}");
    }
    let longest = "a".repeat(128);
    world.change_set(&longest, image_and_previous("web:2"));
    world.change_set("push-1", image_and_previous("web:2"));
    for token in ["-a", "a:b", &"a".repeat(129)] {
        let request = json!({
            "StackName": "web", "ChangeSetName": "push-1", "ClientRequestToken": token,
        });
        let error = world.refused("ExecuteChangeSet", request);
        assert_eq!(error.code, "ValidationError", "{token}");
    }
}

#[test]
fn a_stack_that_is_not_there_has_no_change_sets() {
    let mut world = World::new();
    let mut request = change_set("push-1", image_and_previous("web:2"));
    request["StackName"] = json!("nowhere");
    let error = world.refused("CreateChangeSet", request);
    assert_eq!(error.message, "Stack [nowhere] does not exist");
}

#[test]
fn the_change_sets_of_a_stack_are_listed() {
    let mut world = World::new();
    world.change_set("push-1", image_and_previous("web:2"));
    world.change_set("push-2", image_and_previous("web:3"));
    let listed = world.call("ListChangeSets", json!({"StackName": "web"}));
    let names: Vec<&str> = listed["Summaries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["ChangeSetName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["push-1", "push-2"]);
}

#[test]
fn a_change_set_of_a_stack_that_is_not_there_is_not_taken_for_deleted() {
    let mut world = World::new();
    let request = json!({"StackName": "nowhere", "ChangeSetName": "push-1"});
    let error = world.refused("DeleteChangeSet", request);
    assert_eq!(error.code, "ValidationError");
}

#[test]
fn each_stack_has_its_own_change_sets() {
    let mut world = World::new();
    let other = world.other_stack();
    world.change_set("push-1", image_and_previous("web:2"));
    assert_eq!(world.stacks.change_sets(other).count(), 0);
    let mut request = change_set("push-1", image_and_previous("web:2"));
    request["StackName"] = json!("other");
    world.call("CreateChangeSet", request);
    assert_eq!(world.stacks.change_sets(other).count(), 1);
    world.execute("push-1", "push-1");
    assert_eq!(world.stacks.change_sets(other).count(), 1);
    let key = world.stacks.find_change_set("push-1", Some("other"));
    let key = key.unwrap();
    assert_eq!(world.stacks.change_set(key).unwrap().stack, other);
    world
        .stacks
        .delete_change_set("push-1", Some("other"))
        .unwrap();
    assert!(world.stacks.change_set(key).is_none());
    assert_eq!(world.stacks.change_sets(other).count(), 0);
}
