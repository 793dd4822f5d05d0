use serde_json::json;

use super::*;

fn resolve(value: &Value, given: &[(&str, &str)]) -> Result<Option<Value>, String> {
    let template = json!({
        "Parameters": {
            "Port": {"Type": "Number", "Default": 8080},
            "Groups": {"Type": "CommaDelimitedList", "Default": ""},
            "Image": {"Type": "String"},
        },
        "Mappings": {"Sizes": {"small": {"Cpu": 512}}},
        "Conditions": {
            "HasGroups": {"Fn::Not": [
                {"Fn::Equals": [{"Fn::Join": ["", {"Ref": "Groups"}]}, ""]},
            ]},
            "HasBoth": {"Fn::And": [
                {"Condition": "HasGroups"}, {"Fn::Equals": [{"Ref": "Port"}, "8080"]},
            ]},
        },
    });
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        pairs.collect()
    };
    let scope = Scope {
        template: &template,
        parameters: &pairs(given),
        known: pairs(&[
            ("Role.Arn", "arn:role"),
            ("Group", "sg-1"),
            ("AWS::Region", "here"),
        ]),
        exports: &pairs(&[("portal-Subnets", "subnet-1,subnet-2")]),
    };
    scope.resolve(value).map_err(|error| error.to_string())
}

#[test]
fn each_function_stands_for_what_cloudformation_makes_of_it() {
    let is = |value: Value, expected: Value| {
        assert_eq!(resolve(&value, &[]), Ok(Some(expected)), "{value}");
    };
    is(json!({"Ref": "Port"}), json!("8080"));
    is(json!({"Fn::GetAtt": ["Role", "Arn"]}), json!("arn:role"));
    is(json!({"Fn::GetAtt": "Role.Arn"}), json!("arn:role"));
    is(
        json!({"Fn::Sub": "${AWS::Region}/${Role.Arn}:${Port}"}),
        json!("here/arn:role:8080"),
    );
    let own = json!(["${Own},${Group}", {"Own": {"Ref": "Group"}}]);
    is(
        json!({"Fn::Split": [",", {"Fn::Sub": own}]}),
        json!(["sg-1", "sg-1"]),
    );
    is(
        json!({"Fn::FindInMap": ["Sizes", "small", "Cpu"]}),
        json!(512),
    );
    let import = json!({"Fn::ImportValue": {"Fn::Sub": "portal-Subnets"}});
    is(
        json!({"Fn::Split": [",", import]}),
        json!(["subnet-1", "subnet-2"]),
    );
}

#[test]
fn what_stands_for_nothing_is_left_out_wherever_it_is() {
    let optional = json!({"Fn::If": ["HasGroups", {"A": 1}, {"Ref": "AWS::NoValue"}]});
    let value = json!({"List": [optional, "b"], "Member": optional});
    let without = json!({"List": ["b"]});
    assert_eq!(resolve(&value, &[]), Ok(Some(without)));
    let with = json!({"List": [{"A": 1}, "b"], "Member": {"A": 1}});
    assert_eq!(resolve(&value, &[("Groups", "sg-2, sg-3")]), Ok(Some(with)));
    let both = json!({"Fn::If": ["HasBoth", "yes", "no"]});
    assert_eq!(resolve(&both, &[]), Ok(Some(json!("no"))));
    assert_eq!(
        resolve(&both, &[("Groups", "sg-2")]),
        Ok(Some(json!("yes")))
    );
}

#[test]
fn what_is_not_known_is_named() {
    let names = |value: Value, what: &str| {
        let error = resolve(&value, &[]).unwrap_err();
        assert_eq!(error, format!("it is not known what {what} stands for"));
    };
    names(
        json!({"Ref": "Image"}),
        "the parameter Image, which was not given",
    );
    names(json!({"A": [{"Fn::Sub": "x${Role.Id}"}]}), "`Role.Id`");
    names(json!({"Fn::ImportValue": "other"}), "the export other");
    names(
        json!({"Fn::If": ["HasNone", 1, 2]}),
        "the condition HasNone",
    );
    names(json!({"Fn::Base64": "x"}), "Fn::Base64 of \"x\"");
    names(
        json!({"Fn::FindInMap": ["Sizes", "big", "Cpu"]}),
        "`big` in the mapping [\"Sizes\",\"big\",\"Cpu\"]",
    );
}
