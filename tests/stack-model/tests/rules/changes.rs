//! What change sets say that they change.

use serde_json::{Value, json};
use stack_model::EffectAction;

use crate::world::{OLD, SERVICE, World, change_set, image_and_previous, template};

#[test]
fn a_new_image_replaces_the_task_definition_and_modifies_the_service() {
    let mut world = World::new();
    world.change_set("push-1", image_and_previous("web:2"));
    let changes = changes(&mut world, "push-1");
    assert_eq!(changes.len(), 2);
    assert_eq!(
        changes[0],
        json!({
            "Action": "Modify", "LogicalResourceId": "Service",
            "PhysicalResourceId": SERVICE, "ResourceType": "AWS::ECS::Service",
            "Replacement": "False", "Scope": ["Properties"],
            "Details": [{
                "Target": {
                    "Attribute": "Properties", "Name": "TaskDefinition",
                    "RequiresRecreation": "Never",
                },
                "Evaluation": "Dynamic", "ChangeSource": "ResourceReference",
                "CausingEntity": "TaskDefinition",
            }],
        })
    );
    let target = json!({
        "Attribute": "Properties", "Name": "ContainerDefinitions",
        "RequiresRecreation": "Always",
    });
    assert_eq!(
        changes[1],
        json!({
            "Action": "Modify", "LogicalResourceId": "TaskDefinition",
            "PhysicalResourceId": OLD, "ResourceType": "AWS::ECS::TaskDefinition",
            "Replacement": "True", "Scope": ["Properties"],
            "Details": [
                {
                    "Target": target, "Evaluation": "Static",
                    "ChangeSource": "ParameterReference", "CausingEntity": "Image",
                },
                {
                    "Target": target, "Evaluation": "Dynamic",
                    "ChangeSource": "DirectModification",
                },
            ],
        })
    );
}

#[test]
fn a_value_of_parameter_store_that_changed_meanwhile_is_among_the_changes() {
    let mut world = World::new();
    world.stacks.set_ssm_parameter("/retention", "30");
    world.change_set("push-1", image_and_previous("web:2"));
    let changes = changes(&mut world, "push-1");
    assert_eq!(changes.len(), 3);
    assert_eq!(changes[0]["LogicalResourceId"], "Logs");
    assert_eq!(changes[0]["Replacement"], "False");
    assert_eq!(changes[0]["Details"][0]["CausingEntity"], "Retention");
}

#[test]
fn a_property_that_is_replaced_only_perhaps_is_conditional() {
    let mut template = template();
    template["Resources"]["Service"]["Properties"]["ServiceName"] =
        json!({"Fn::GetAtt": ["TaskDefinition", "TaskDefinitionArn"]});
    let mut world = World::with(template);
    world.change_set("push-1", image_and_previous("web:2"));
    let service = &changes(&mut world, "push-1")[0];
    assert_eq!(service["Replacement"], "Conditional");
    assert_eq!(service["Details"][0]["ChangeSource"], "ResourceAttribute");
    assert_eq!(service["Details"][0]["Evaluation"], "Dynamic");
}

#[test]
fn a_changed_template_adds_modifies_and_removes() {
    let mut world = World::new();
    let mut changed = template();
    changed["Resources"]["Topic"] = json!({"Type": "AWS::SNS::Topic"});
    changed["Resources"]["TaskDefinition"]["Properties"]["ContainerDefinitions"][0]["LogConfiguration"] =
        json!({});
    changed["Resources"].as_object_mut().unwrap().remove("Logs");
    with_template(&mut world, "push-1", &changed);
    let changes = changes(&mut world, "push-1");
    let summary: Vec<(&str, &str)> = changes
        .iter()
        .map(|change| {
            let text = |name: &str| change[name].as_str().unwrap();
            (text("LogicalResourceId"), text("Action"))
        })
        .collect();
    assert_eq!(
        summary,
        [
            ("Logs", "Remove"),
            ("Service", "Modify"),
            ("TaskDefinition", "Modify"),
            ("Topic", "Add"),
        ]
    );
    assert!(changes[3].get("PhysicalResourceId").is_none());
    assert!(changes[0].get("Replacement").is_none());
    let detail = &changes[2]["Details"][0];
    assert_eq!(detail["ChangeSource"], "DirectModification");
    assert_eq!(detail["Evaluation"], "Static");
}

fn changes(world: &mut World, name: &str) -> Vec<Value> {
    let described = world.describe_change_set(name);
    let changes = described["Changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| {
            assert_eq!(change["Type"], "Resource");
            change["ResourceChange"].clone()
        })
        .collect()
}

#[test]
fn an_attribute_of_what_is_changed_as_it_is_may_change() {
    let mut template = template();
    template["Conditions"] = json!({"Never": {"Fn::Equals": ["a", "b"]}});
    template["Resources"]["Topic"] = json!({
        "Type": "AWS::SNS::Topic",
        "Properties": {
            "DisplayName": {"Fn::GetAtt": ["Service", "Name"]},
            "TopicName": {"Fn::If": ["Never", {"Fn::GetAtt": ["Service", "Name"]}, "web"]},
            "KmsMasterKeyId": {"Ref": "Service"},
        },
    });
    let mut world = World::with(template);
    world.change_set("push-1", image_and_previous("web:2"));
    let changes = changes(&mut world, "push-1");
    assert_eq!(changes.len(), 3);
    assert_eq!(changes[2]["LogicalResourceId"], "Topic");
    let details = changes[2]["Details"].as_array().unwrap();
    assert_eq!(
        details.len(),
        1,
        "the service itself is no other: {details:?}"
    );
    assert_eq!(details[0]["Target"]["Name"], "DisplayName");
    assert_eq!(details[0]["ChangeSource"], "ResourceAttribute");
    assert_eq!(details[0]["CausingEntity"], "Service");
    assert_eq!(details[0]["Evaluation"], "Dynamic");
}

#[test]
fn tags_of_a_task_definition_are_changed_as_it_is() {
    let mut world = World::new();
    let mut changed = template();
    changed["Resources"]["TaskDefinition"]["Properties"]["Tags"] =
        json!([{"Key": "team", "Value": "web"}]);
    with_template(&mut world, "tag", &changed);
    let changes = changes(&mut world, "tag");
    assert_eq!(changes.len(), 1, "its ARN stays, and with it the service");
    assert_eq!(changes[0]["Replacement"], "False");
    world.execute("tag", "tag");
    world.wait_seconds(3);
    let is_update = matches!(world.effect().action, EffectAction::Update { .. });
    assert!(is_update, "{:?}", world.effect());
}

#[test]
fn a_launch_type_replaces_a_service_only_perhaps() {
    let mut world = World::new();
    let mut changed = template();
    changed["Resources"]["Service"]["Properties"]["LaunchType"] = json!("FARGATE");
    with_template(&mut world, "launch", &changed);
    let changes = changes(&mut world, "launch");
    assert_eq!(changes[0]["Replacement"], "Conditional");
    let target = &changes[0]["Details"][0]["Target"];
    assert_eq!(target["RequiresRecreation"], "Conditionally");
}

#[test]
fn what_a_text_names_is_what_changes_it() {
    let mut template = template();
    let properties = &mut template["Resources"]["Service"]["Properties"];
    properties["Role"] = json!({"Fn::Sub": ["${It}", {"It": {"Ref": "TaskDefinition"}}]});
    properties["PlatformVersion"] = json!({"Fn::Sub": "v-${Image}"});
    let mut world = World::with(template);
    world.change_set("push-1", image_and_previous("web:2"));
    let service = changes(&mut world, "push-1")[0].clone();
    let cause_of = |name: &str| {
        let details = service["Details"].as_array().unwrap();
        let detail = details.iter().find(|one| one["Target"]["Name"] == name);
        detail.unwrap()["CausingEntity"].clone()
    };
    assert_eq!(cause_of("Role"), "TaskDefinition");
    assert_eq!(cause_of("PlatformVersion"), "Image");
}

/// Makes a change set of another template with the parameters as they are.
fn with_template(world: &mut World, name: &str, template: &Value) {
    let mut request = change_set(name, image_and_previous("web:1"));
    request["UsePreviousTemplate"] = json!(false);
    request["TemplateBody"] = json!(template.to_string());
    world.call("CreateChangeSet", request);
    world.wait_seconds(10);
}
