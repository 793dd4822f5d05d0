//! The forms of the Query protocol as the JSON that the model of stacks takes.
//! <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// How many names deep a member may be; CloudFormation's have four at most.
const DEEPEST: usize = 8;
/// Members that are lists. An empty list is sent as a member without a value, which
/// looks like an empty text.
const LISTS: [&str; 5] = [
    "Capabilities",
    "NotificationARNs",
    "Parameters",
    "ResourcesToSkip",
    "Tags",
];

/// The members of a form: `Tags.member.1.Key=team` is `{"Tags": [{"Key": "team"}]}`.
pub(super) fn members(form: &[u8]) -> Value {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(form) {
        let path: Vec<&str> = name.split('.').collect();
        let is_envelope = matches!(path[..], ["Action" | "Version"]);
        if !is_envelope && path.len() <= DEEPEST {
            put(&mut members, &path, &value);
        }
    }
    for list in LISTS {
        if let Some(value) = members.get_mut(list).filter(|value| *value == "") {
            *value = json!([]);
        }
    }
    let members = members.into_iter();
    members.map(|(name, value)| (name, listed(value))).collect()
}

fn put(members: &mut Map<String, Value>, path: &[&str], value: &str) {
    match path {
        [] => {}
        [name] => {
            members.insert((*name).to_owned(), value.into());
        }
        [name, rest @ ..] => {
            let within = members.entry(*name).or_insert_with(|| json!({}));
            if !within.is_object() {
                *within = json!({});
            }
            if let Value::Object(within) = within {
                put(within, rest, value);
            }
        }
    }
}

/// Makes lists of members that are numbered, in the order of their numbers.
fn listed(value: Value) -> Value {
    let Value::Object(mut members) = value else {
        return value;
    };
    if members.len() == 1
        && let Some(Value::Object(entries)) = members.get_mut("member")
    {
        let numbered = std::mem::take(entries).into_iter();
        let numbered: BTreeMap<u32, Value> = numbered
            .filter_map(|(number, entry)| Some((number.parse().ok()?, listed(entry))))
            .collect();
        return numbered.into_values().collect();
    }
    let members = members.into_iter();
    members.map(|(name, value)| (name, listed(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_becomes_members_and_lists() {
        let form = "Action=CreateChangeSet&Version=2010-05-15&StackName=web&UsePreviousTemplate=true\
            &Parameters.member.2.ParameterKey=Count&Parameters.member.2.UsePreviousValue=true\
            &Parameters.member.1.ParameterKey=Image&Parameters.member.1.ParameterValue=a%2Fb%401\
            &Parameters.member.10.ParameterKey=Last&Parameters.member.10.ParameterValue=\
            &Capabilities.member.1=CAPABILITY_IAM&Tags=";
        let members = members(form.as_bytes());
        assert_eq!(
            members,
            json!({
                "StackName": "web",
                "UsePreviousTemplate": "true",
                "Parameters": [
                    {"ParameterKey": "Image", "ParameterValue": "a/b@1"},
                    {"ParameterKey": "Count", "UsePreviousValue": "true"},
                    {"ParameterKey": "Last", "ParameterValue": ""},
                ],
                "Capabilities": ["CAPABILITY_IAM"],
                "Tags": [],
            })
        );
    }

    #[test]
    fn what_is_no_sensible_form_is_read_all_the_same() {
        let deep = ["A"; 50].join(".");
        let form = format!("{deep}=1&B=1&B.C=2&D.member.x=1&D.member.2=two&=&%FF=%FF&E.member=1");
        let members = members(form.as_bytes());
        assert_eq!(members["B"], json!({"C": "2"}));
        assert_eq!(members["D"], json!(["two"]));
        assert_eq!(members["E"], json!({"member": "1"}));
        assert_eq!(members.get("A"), None);
    }
}
