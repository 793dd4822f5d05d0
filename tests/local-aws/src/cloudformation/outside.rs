//! What a stack takes from outside: values in Parameter Store and other stacks'
//! exports, which ministack holds.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use stack_model::{Stacks, Template};

use crate::upstream::{Upstream, element};

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Outside {
    /// By name; nothing where there is no such parameter.
    stored: BTreeMap<String, Option<String>>,
    exports: Vec<(String, String)>,
}

impl Outside {
    /// Tells the model.
    pub(super) fn put_into(self, stacks: &mut Stacks) {
        for (name, value) in self.stored {
            match value {
                Some(value) => stacks.set_ssm_parameter(&name, &value),
                None => stacks.remove_ssm_parameter(&name),
            }
        }
        for (name, value) in self.exports {
            stacks.set_export(&name, &value);
        }
    }
}

/// Reads what a template names, with the parameters of a request and those before.
/// A template that is none names nothing: the model refuses it.
pub(super) async fn read(
    upstream: &Upstream,
    template: &Value,
    sent: &Value,
    previous: &Map<String, Value>,
) -> Outside {
    let mut outside = Outside::default();
    let Ok(template) = Template::parse(template.clone()) else {
        return outside;
    };
    for name in stored_names(&template, sent, previous) {
        let request = json!({"Name": name, "WithDecryption": true});
        let found = upstream.json("ssm", "AmazonSSM.GetParameter", &request);
        let value = found.await.ok().and_then(|found| {
            let value = found["Parameter"]["Value"].as_str();
            value.map(str::to_owned)
        });
        outside.stored.insert(name, value);
    }
    if template.document.to_string().contains("Fn::ImportValue") {
        let version = [("Version", "2010-05-15")];
        let listed = upstream.form("cloudformation", "ListExports", &version);
        outside.exports = exports(&listed.await.unwrap_or_default());
    }
    outside
}

/// The names in Parameter Store that the parameters of a template have as values.
fn stored_names(template: &Template, sent: &Value, previous: &Map<String, Value>) -> Vec<String> {
    let declared = template.parameters.iter();
    let stored = declared.filter(|(_, declaration)| declaration.is_ssm_value());
    let names = stored.filter_map(|(key, declaration)| {
        let sent = sent["Parameters"].as_array().into_iter().flatten();
        let mut sent = sent.filter(|one| one["ParameterKey"] == key.as_str());
        let sent = sent.find_map(|one| one["ParameterValue"].as_str());
        let previous = || previous.get(key).and_then(Value::as_str);
        let name = sent.or_else(previous).or(declaration.default.as_deref());
        name.map(str::to_owned)
    });
    names.collect()
}

fn exports(xml: &str) -> Vec<(String, String)> {
    let members = xml.split("<member>").skip(1);
    let exports = members.filter_map(|member| {
        let name = element(member, "Name")?.to_owned();
        Some((name, element(member, "Value")?.to_owned()))
    });
    exports.collect()
}

/// The ARN that ministack gave a stack.
pub(super) async fn stack_id(upstream: &Upstream, name: &str) -> Option<String> {
    let request = [("Version", "2010-05-15"), ("StackName", name)];
    let described = upstream.form("cloudformation", "DescribeStacks", &request);
    element(&described.await.ok()?, "StackId").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_in_parameter_store_is_what_was_sent_or_was_before_or_the_default() {
        let kind = "AWS::SSM::Parameter::Value<String>";
        let template = Template::parse(json!({
            "Parameters": {
                "Sent": {"Type": kind}, "Before": {"Type": kind, "Default": "/no"},
                "Default": {"Type": kind, "Default": "/c"}, "Plain": {"Type": "String"},
            },
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        }))
        .unwrap();
        let sent = json!({"Parameters": [
            {"ParameterKey": "Sent", "ParameterValue": "/a"},
            {"ParameterKey": "Before", "UsePreviousValue": "true"},
            {"ParameterKey": "Plain", "ParameterValue": "/z"},
        ]});
        let previous = Map::from_iter([("Before".to_owned(), json!("/b"))]);
        assert_eq!(
            stored_names(&template, &sent, &previous),
            ["/b", "/c", "/a"]
        );
    }

    #[test]
    fn exports_are_read_by_name() {
        let xml = "<Exports><member><ExportingStackId>s</ExportingStackId><Name>a</Name>\
                   <Value>1</Value></member><member><Name>b</Name><Value>2</Value></member></Exports>";
        let read = [("a", "1"), ("b", "2")];
        let read = read.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(exports(xml), read);
    }
}
