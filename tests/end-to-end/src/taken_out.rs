//! A template without the resources that the emulator is not to make.

use serde_json::{Map, Value, json};

use crate::intrinsic::{Scope, Unresolved, attribute, function, substitute};

/// The template without the resources of these types, each of which stands with its reason.
/// Where others refer to them stand the values that they are going to have, and so it is
/// with what else is invented.
///
/// # Errors
///
/// Says of which part something is not known.
pub(crate) fn without(
    kinds: &[(&str, &str)],
    invented: &[(&str, &str)],
    scope: &Scope<'_>,
) -> Result<Value, (String, Unresolved)> {
    let mut template = scope.template.clone();
    let mut out = Vec::new();
    if let Some(Value::Object(resources)) = template.get_mut("Resources") {
        resources.retain(|logical_id, resource| {
            let is_out = kinds.iter().any(|(kind, _)| resource["Type"] == *kind);
            out.extend(is_out.then(|| logical_id.clone()));
            !is_out
        });
    }
    let fill = Fill {
        scope,
        out: &out,
        invented,
    };
    for section in ["Resources", "Outputs"] {
        let parts = template.get_mut(section).and_then(Value::as_object_mut);
        for (logical_id, part) in parts.into_iter().flatten() {
            fill.drop_dependencies(part);
            let filled = fill.filled(part);
            *part = filled.map_err(|error| (logical_id.clone(), error))?;
        }
    }
    Ok(template)
}

/// Puts values in the place of what refers to resources that are taken out.
struct Fill<'a> {
    scope: &'a Scope<'a>,
    out: &'a [String],
    invented: &'a [(&'a str, &'a str)],
}

impl Fill<'_> {
    fn is_out(&self, name: &str) -> bool {
        let logical_id = name.split('.').next().unwrap_or_default();
        let mut invented = self.invented.iter();
        self.out.iter().any(|out| out == logical_id) || invented.any(|(known, _)| *known == name)
    }

    fn drop_dependencies(&self, resource: &mut Value) {
        let is_out = |one: &Value| one.as_str().is_some_and(|one| self.is_out(one));
        match resource.get_mut("DependsOn") {
            Some(Value::Array(all)) => all.retain(|one| !is_out(one)),
            Some(one) if is_out(one) => *one = json!([]),
            Some(_) | None => {}
        }
    }

    fn filled(&self, value: &Value) -> Result<Value, Unresolved> {
        let is_replaced = match function(value) {
            Some(("Ref", name)) => name.as_str().is_some_and(|name| self.is_out(name)),
            Some(("Fn::GetAtt", argument)) => self.is_out(&attribute(argument)),
            Some(("Fn::Sub", Value::String(pattern))) => {
                return Ok(json!({"Fn::Sub": self.pattern(pattern)?}));
            }
            Some(("Fn::Sub", Value::Array(parts))) => {
                let pattern = self.pattern(parts[0].as_str().unwrap_or_default())?;
                return Ok(json!({"Fn::Sub": [pattern, self.filled(&parts[1])?]}));
            }
            Some(_) | None => false,
        };
        if is_replaced {
            return Ok(self.scope.resolve(value)?.unwrap_or_default());
        }
        Ok(match value {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.filled(item));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let members = members.iter();
                let filled = members.map(|(name, member)| Ok((name.clone(), self.filled(member)?)));
                Value::Object(filled.collect::<Result<Map<_, _>, _>>()?)
            }
            other => other.clone(),
        })
    }

    fn pattern(&self, pattern: &str) -> Result<String, Unresolved> {
        substitute(pattern, |name| match self.is_out(name) {
            true => self
                .scope
                .text(&json!({"Fn::Sub": format!("${{{name}}}")}))
                .map(Some),
            false => Ok(None),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What is left of two resources and an output, the service being taken out.
    fn left(known: &[(&str, &str)]) -> Result<Value, (String, Unresolved)> {
        let template = json!({
            "Resources": {
                "Service": {"Type": "AWS::ECS::Service"},
                "Target": {
                    "Type": "AWS::SSM::Parameter",
                    "DependsOn": ["Service", "Alarm"],
                    "Properties": {
                        "Value": {"Fn::Sub": "${Service.Name} ${Alarm} ${AWS::Region}"},
                        "Of": [{"Fn::GetAtt": "Pool.Url"}, {"Ref": "Pool"}],
                        "Alarm": {"Ref": "Alarm"},
                    },
                },
            },
            "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["Service", "Name"]}}},
        });
        let invented = [("Pool.Url", "https://pool")];
        let known = known.iter().chain(&invented);
        let scope = Scope {
            template: &template,
            parameters: &BTreeMap::new(),
            known: known
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            exports: &BTreeMap::new(),
        };
        without(
            &[("AWS::ECS::Service", "it has a model")],
            &invented,
            &scope,
        )
    }

    #[test]
    fn the_values_of_what_is_taken_out_stand_where_it_was_referred_to() {
        let left = left(&[("Service.Name", "web"), ("AWS::Region", "here")]).unwrap();
        let target = json!({
            "Type": "AWS::SSM::Parameter",
            "DependsOn": ["Alarm"],
            "Properties": {
                "Value": {"Fn::Sub": "web ${Alarm} ${AWS::Region}"},
                "Of": ["https://pool", {"Ref": "Pool"}],
                "Alarm": {"Ref": "Alarm"},
            },
        });
        assert_eq!(left["Resources"], json!({"Target": target}));
        assert_eq!(left["Outputs"]["Name"]["Value"], "web");
        assert!(left.get("Parameters").is_none(), "no section is added");
    }

    #[test]
    fn the_part_that_needs_what_is_not_known_is_named() {
        let (part, error) = left(&[("AWS::Region", "here")]).unwrap_err();
        assert_eq!(part, "Target");
        assert_eq!(
            error.to_string(),
            "it is not known what `Service.Name` stands for"
        );
    }
}
