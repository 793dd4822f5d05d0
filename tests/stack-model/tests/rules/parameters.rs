//! The values of parameters.

use serde_json::{Value, json};
use stack_model::EffectAction;

use crate::world::{World, change_set, image_and_previous, template};

#[test]
fn a_parameter_that_is_not_sent_takes_its_default() {
    let mut world = World::new();
    let mut parameters = image_and_previous("web:1");
    parameters[1] = json!({"ParameterKey": "Count", "ParameterValue": "5"});
    world.change_set("scale", parameters);
    assert_eq!(value_in(&mut world, "scale", "Count"), "5");
    let only_image = json!([{"ParameterKey": "Image", "ParameterValue": "web:2"}]);
    world.change_set("push-1", only_image);
    assert_eq!(value_in(&mut world, "push-1", "Count"), "2");
}

#[test]
fn a_parameter_with_neither_value_nor_default_is_refused() {
    let mut world = World::new();
    let request = change_set("push-1", json!([]));
    let error = world.refused("CreateChangeSet", request);
    assert_eq!(error.code, "ValidationError");
    assert_eq!(error.message, "Parameters: [Image] must have values");
}

#[test]
fn a_parameter_that_the_template_does_not_have_is_refused() {
    let mut world = World::new();
    let mut parameters = image_and_previous("web:2");
    let unknown = json!({"ParameterKey": "Imgae", "ParameterValue": "x"});
    parameters.as_array_mut().unwrap().push(unknown);
    let error = world.refused("CreateChangeSet", change_set("push-1", parameters));
    assert_eq!(
        error.message,
        "Parameters: [Imgae] do not exist in the template"
    );
}

#[test]
fn a_value_that_is_not_to_be_echoed_is_shown_to_nobody() {
    let mut world = World::new();
    world.change_set("push-1", image_and_previous("web:2"));
    assert_eq!(value_in(&mut world, "push-1", "Password"), "****");
    let shown = world.stack().to_string() + &world.describe_change_set("push-1").to_string();
    assert!(!shown.contains("initial"), "{shown}");
}

#[test]
fn the_previous_value_of_a_secret_is_kept_and_its_mask_would_become_its_value() {
    let mut world = World::new();
    world.deploy("web:2", "push-1");
    world.wait_seconds(3);
    assert_eq!(password(&world), "initial");
    world.register();
    world.call("CancelUpdateStack", json!({"StackName": "web"}));
    world.wait_seconds(3);
    world.answer(stack_model::Outcome::Done);
    world.wait_seconds(3);
    world.answer(stack_model::Outcome::Done);
    let mut parameters = image_and_previous("web:2");
    parameters[2] = json!({"ParameterKey": "Password", "ParameterValue": "****"});
    world.change_set("echo", parameters);
    world.execute("echo", "echo");
    world.wait_seconds(3);
    assert_eq!(password(&world), "****");
}

#[test]
fn the_previous_value_out_of_parameter_store_is_a_name_and_read_anew() {
    let mut world = World::new();
    let retention = world.stack()["Parameters"][3].clone();
    assert_eq!(retention["ParameterValue"], "/retention");
    assert_eq!(retention["ResolvedValue"], "7");
    world.stacks.set_ssm_parameter("/retention", "30");
    let retention = world.stack()["Parameters"][3].clone();
    assert_eq!(retention["ResolvedValue"], "7", "until the next update");
    world.change_set("push-1", image_and_previous("web:2"));
    let described = world.describe_change_set("push-1");
    assert_eq!(described["Parameters"][3]["ParameterValue"], "/retention");
    assert_eq!(described["Parameters"][3]["ResolvedValue"], "30");
}

#[test]
fn a_change_set_keeps_the_values_of_when_it_was_made() {
    let mut world = World::new();
    world.stacks.set_ssm_parameter("/retention", "30");
    world.change_set("push-1", image_and_previous("web:2"));
    world.stacks.set_ssm_parameter("/retention", "90");
    world.execute("push-1", "push-1");
    world.wait_seconds(13);
    let stack = world.stacks.stack(world.web).unwrap();
    assert_eq!(stack.resources["Logs"].properties["RetentionInDays"], "30");
}

#[test]
fn a_name_that_parameter_store_does_not_have_is_refused() {
    let mut world = World::new();
    world.stacks.remove_ssm_parameter("/retention");
    let request = change_set("push-1", image_and_previous("web:2"));
    let error = world.refused("CreateChangeSet", request);
    assert_eq!(error.code, "ValidationError");
    assert!(error.message.contains("/retention"), "{error}");
}

#[test]
fn a_value_that_is_not_allowed_is_refused() {
    let mut template = template();
    template["Parameters"]["Image"]["AllowedValues"] = json!(["web:1", "web:2"]);
    let mut world = World::with(template);
    let request = change_set("push-1", image_and_previous("web:3"));
    let error = world.refused("CreateChangeSet", request);
    assert_eq!(
        error.message,
        "Parameter 'Image' must be one of AllowedValues"
    );
}

#[test]
fn a_parameter_has_a_value_or_its_previous_one_and_not_both() {
    let mut world = World::new();
    for parameter in [
        json!({"ParameterKey": "Image", "ParameterValue": "a", "UsePreviousValue": true}),
        json!({"ParameterKey": "Image"}),
        json!({"ParameterValue": "a"}),
    ] {
        let request = change_set("push-1", json!([parameter]));
        let error = world.refused("CreateChangeSet", request);
        assert_eq!(error.code, "ValidationError");
    }
}

#[test]
fn a_parameter_that_the_stack_did_not_have_has_no_previous_value() {
    let mut world = World::new();
    let mut changed = template();
    changed["Parameters"]["New"] = json!({"Type": "String"});
    let mut parameters = image_and_previous("web:2");
    let new = json!({"ParameterKey": "New", "UsePreviousValue": true});
    parameters.as_array_mut().unwrap().push(new);
    let mut request = change_set("push-1", parameters);
    request["UsePreviousTemplate"] = json!(false);
    request["TemplateBody"] = json!(changed.to_string());
    let error = world.refused("CreateChangeSet", request);
    assert!(
        error.message.contains("not in the previous template"),
        "{error}"
    );
}

fn value_in(world: &mut World, change_set: &str, key: &str) -> Value {
    let described = world.describe_change_set(change_set);
    let parameters = described["Parameters"].as_array().unwrap();
    let found = parameters.iter().find(|one| one["ParameterKey"] == key);
    found.unwrap()["ParameterValue"].clone()
}

fn password(world: &World) -> Value {
    let EffectAction::Create { properties } = &world.effect().action else {
        panic!("{:?}", world.effect())
    };
    properties["ContainerDefinitions"][0]["Environment"][0]["Value"].clone()
}
