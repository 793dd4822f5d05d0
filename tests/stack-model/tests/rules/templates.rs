//! Templates: what is understood of them, and what must be acknowledged.

use serde_json::{Value, json};
use stack_model::{CreateStack, Parameter, ServiceError, Settings, Stacks, Timings};

#[test]
fn functions_are_worked_out() {
    let properties = properties_of(json!({
        "Plain": "a", "Number": 3,
        "Ref": {"Ref": "Name"}, "List": {"Ref": "Zones"},
        "Sub": {"Fn::Sub": "${Name}.${AWS::Region}.${!Name}.${Other}"},
        "SubOwn": {"Fn::Sub": ["${Own}-${Name}", {"Own": {"Ref": "Other"}}]},
        "Join": {"Fn::Join": ["/", ["x", {"Ref": "Name"}]]},
        "Att": {"Fn::GetAtt": ["Other", "Arn"]}, "AttText": {"Fn::GetAtt": "Other.Endpoint"},
        "SubAtt": {"Fn::Sub": "${Other.Arn}"},
        "If": {"Fn::If": ["IsProduction", "big", {"Ref": "AWS::NoValue"}]},
        "IfNot": {"Fn::If": ["IsNotProduction", "small", {"Ref": "AWS::NoValue"}]},
        "Select": {"Fn::Select": ["1", {"Ref": "Zones"}]},
        "SelectNone": {"Fn::Select": [7, {"Ref": "Zones"}]},
        "Split": {"Fn::Split": [".", {"Fn::Sub": "x.${Name}"}]},
        "Map": {"Fn::FindInMap": ["Sizes", {"Ref": "Name"}, "Cpu"]},
        "Unknown": {"Fn::Base64": {"Ref": "Name"}},
    }));
    assert_eq!(
        properties,
        json!({
            "Plain": "a", "Number": 3,
            "Ref": "n", "List": ["a", "b"],
            "Sub": "n.eu-west-1.${Name}.other-id",
            "SubOwn": "other-id-n",
            "Join": "x/n",
            "Att": "other-id", "AttText": "other-id.Endpoint",
            "SubAtt": "other-id",
            "If": "big", "Select": "b", "Split": ["x", "n"], "Map": 256,
            "Unknown": {"Fn::Base64": "n"},
        })
    );
}

#[test]
fn what_was_said_of_attributes_and_exports_is_what_they_come_to() {
    let mut stacks = stacks();
    stacks.set_export("network-group", "sg-1");
    let properties = json!({
        "Role": {"Fn::GetAtt": ["Other", "Arn"]}, "Sub": {"Fn::Sub": "${Other.Arn}"},
        "Else": {"Fn::GetAtt": ["Other", "Endpoint"]},
        "Import": {"Fn::ImportValue": {"Fn::Sub": "network-${Part}"}},
        "NotThere": {"Fn::ImportValue": "nothing"},
    });
    let mut template = template(properties);
    template["Parameters"]["Part"] = json!({"Type": "String", "Default": "group"});
    let key = stacks
        .create_stack(CreateStack {
            arn: Some("arn:of-somebody-else".to_owned()),
            attributes: [("Other.Arn".to_owned(), "arn:role".to_owned())].into(),
            ..creation(template)
        })
        .unwrap();
    let stack = stacks.stack(key).unwrap();
    assert_eq!(stack.arn, "arn:of-somebody-else");
    assert_eq!(stacks.find_stack("arn:of-somebody-else"), Some(key));
    assert_eq!(
        Value::Object(stack.resources["Thing"].properties.clone()),
        json!({
            "Role": "arn:role", "Sub": "arn:role", "Else": "other-id.Endpoint",
            "Import": "sg-1", "NotThere": {"Fn::ImportValue": "nothing"},
        })
    );
}

#[test]
fn a_resource_whose_condition_does_not_hold_is_not_there() {
    let mut template = template(json!({}));
    template["Resources"]["Other"]["Condition"] = json!("IsNotProduction");
    let stacks = create(template, &[]).unwrap();
    let stack = stacks.stacks().next().unwrap();
    assert_eq!(stack.resources.keys().collect::<Vec<_>>(), ["Thing"]);
}

#[test]
fn a_template_that_names_what_it_does_not_have_is_refused() {
    for value in [
        json!({"Ref": "Nothing"}),
        json!({"Fn::GetAtt": ["Nothing", "Arn"]}),
        json!({"Fn::Sub": "${Nothing}"}),
        json!({"Fn::Sub": "${Nothing.Arn}"}),
        json!({"Fn::Sub": ["${Own}", {"Own": {"Ref": "Nothing"}}]}),
        json!([{"Fn::Base64": {"Fn::Sub": ["${Nothing}", {"Own": "a"}]}}]),
    ] {
        let error = create(template(json!({ "A": value })), &[]).unwrap_err();
        assert_eq!(error.code, "ValidationError");
        assert_eq!(
            error.message,
            "Template format error: Unresolved resource dependencies [Nothing] in the \
             Resources block of the template"
        );
    }
}

#[test]
fn a_template_that_goes_round_in_a_circle_is_refused() {
    let mut template = template(json!({"A": {"Ref": "Other"}}));
    template["Resources"]["Other"]["DependsOn"] = json!(["Thing"]);
    let error = create(template, &[]).unwrap_err();
    assert_eq!(
        error.message,
        "Circular dependency between resources: [Other, Thing]"
    );
}

#[test]
fn what_is_no_template_is_refused() {
    for document in [
        json!(null),
        json!([]),
        json!({}),
        json!({"Resources": {}}),
        json!({"Resources": {"A": 1}}),
        json!({"Resources": {"A": {}}}),
    ] {
        let error = create(document.clone(), &[]).unwrap_err();
        assert_eq!(error.code, "ValidationError", "{document}");
    }
}

#[test]
fn what_affects_permissions_must_be_acknowledged() {
    let role = |properties: Value| json!({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}});
    let refused = |template: Value, capabilities: &[&str]| {
        let error = create(template, capabilities).unwrap_err();
        assert_eq!(error.code, "InsufficientCapabilitiesException");
        error.message
    };
    let (plain, named) = (role(json!({})), role(json!({"RoleName": "a"})));
    assert_eq!(
        refused(plain.clone(), &[]),
        "Requires capabilities : [CAPABILITY_IAM]"
    );
    assert_eq!(
        refused(named.clone(), &["CAPABILITY_IAM"]),
        "Requires capabilities : [CAPABILITY_NAMED_IAM]"
    );
    create(plain.clone(), &["CAPABILITY_IAM"]).unwrap();
    create(plain, &["CAPABILITY_NAMED_IAM"]).unwrap();
    create(named, &["CAPABILITY_NAMED_IAM"]).unwrap();
}

#[test]
fn macros_are_acknowledged_by_what_does_not_make_a_change_set_of_them() {
    let template = json!({
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"Thing": {"Type": "AWS::SNS::Topic"}},
    });
    let error = create(template.clone(), &[]).unwrap_err();
    assert_eq!(
        error.message,
        "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"
    );
    let mut stacks = create(template.clone(), &["CAPABILITY_AUTO_EXPAND"]).unwrap();
    let now = stacks.now();
    let mut request = json!({
        "StackName": "s", "ChangeSetName": "c", "TemplateBody": template.to_string(),
    });
    stacks.call("CreateChangeSet", &request, now).unwrap();
    request["ChangeSetName"] = Value::Null;
    let error = stacks.call("UpdateStack", &request, now).unwrap_err();
    assert_eq!(error.code, "InsufficientCapabilitiesException");
}

fn template(properties: Value) -> Value {
    json!({
        "Parameters": {
            "Name": {"Type": "String", "Default": "n"},
            "Zones": {"Type": "CommaDelimitedList", "Default": "a, b"},
        },
        "Mappings": {"Sizes": {"n": {"Cpu": 256}}},
        "Conditions": {
            "IsProduction": {"Fn::Equals": [{"Ref": "Name"}, "n"]},
            "IsNotProduction": {"Fn::Not": [{"Condition": "IsProduction"}]},
        },
        "Resources": {
            "Thing": {"Type": "Custom::Thing", "Properties": properties},
            "Other": {"Type": "Custom::Other"},
        },
    })
}

fn properties_of(properties: Value) -> Value {
    let stacks = create(template(properties), &[]).unwrap();
    let stack = stacks.stacks().next().unwrap();
    Value::Object(stack.resources["Thing"].properties.clone())
}

fn create(template: Value, capabilities: &[&str]) -> Result<Stacks, ServiceError> {
    let mut stacks = stacks();
    stacks.create_stack(CreateStack {
        capabilities: capabilities.iter().map(|&one| one.to_owned()).collect(),
        ..creation(template)
    })?;
    Ok(stacks)
}

fn stacks() -> Stacks {
    Stacks::new(Settings {
        account_id: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
        partition: "aws".to_owned(),
        timings: Timings::fast(),
    })
}

fn creation(template: Value) -> CreateStack {
    CreateStack {
        name: "s".to_owned(),
        template,
        parameters: Vec::<Parameter>::new(),
        physical_ids: [("Other".to_owned(), "other-id".to_owned())].into(),
        ..CreateStack::default()
    }
}
