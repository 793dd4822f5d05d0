//! What the functions of a template come to.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::parameter::ParameterValues;
use crate::reference::{Piece, attribute, function, pieces};
use crate::stack::KnownAttribute;
use crate::template::Template;

/// How deep conditions may name each other before they count as false.
const DEEPEST_CONDITION: usize = 32;

/// What names stand for.
pub(crate) struct Scope<'a> {
    pub(crate) template: &'a Template,
    pub(crate) parameters: &'a ParameterValues,
    /// The physical id of each resource that there is, by logical id.
    pub(crate) physical_ids: BTreeMap<&'a str, &'a str>,
    /// What is known of resources' attributes, by `LogicalId.Attribute`.
    pub(crate) attributes: &'a BTreeMap<String, KnownAttribute>,
    /// What other stacks export, by name.
    pub(crate) exports: &'a BTreeMap<String, String>,
    /// `AWS::Region` and the like.
    pub(crate) pseudo: BTreeMap<&'static str, String>,
}

impl Scope<'_> {
    /// Gives the properties of a resource with their functions worked out.
    ///
    /// A function that this model does not know stays as it is, with what is in
    /// it worked out, so that a change in it is still seen. One that comes to
    /// nothing, such as an entry that is not there, leaves its property out.
    pub(crate) fn properties(&self, properties: &Map<String, Value>) -> Map<String, Value> {
        properties
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), self.value(value)?)))
            .collect()
    }

    /// Says whether a resource under this condition is there.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html>.
    pub(crate) fn holds(&self, condition: Option<&str>) -> bool {
        condition.is_none_or(|name| self.condition(name, 0))
    }

    fn condition(&self, name: &str, depth: usize) -> bool {
        depth < DEEPEST_CONDITION
            && self
                .template
                .conditions
                .get(name)
                .is_some_and(|expression| self.is_true(expression, depth + 1))
    }

    fn is_true(&self, expression: &Value, depth: usize) -> bool {
        match function(expression) {
            Some(("Condition", Value::String(name))) => self.condition(name, depth),
            Some(("Fn::Equals", Value::Array(sides))) => {
                let mut sides = sides.iter().map(|side| self.value(side));
                sides.next() == sides.next()
            }
            Some(("Fn::Not", Value::Array(parts))) => {
                !parts.iter().any(|part| self.is_true(part, depth))
            }
            Some(("Fn::And", Value::Array(parts))) => {
                parts.iter().all(|part| self.is_true(part, depth))
            }
            Some(("Fn::Or", Value::Array(parts))) => {
                parts.iter().any(|part| self.is_true(part, depth))
            }
            _ => false,
        }
    }

    /// A value as it is written, but of each `Fn::If` the branch that counts.
    pub(crate) fn chosen(&self, value: &Value) -> Value {
        if let Some(("Fn::If", Value::Array(parts))) = function(value)
            && let [condition, met, unmet] = &parts[..]
        {
            let holds = self.holds(condition.as_str());
            return self.chosen(if holds { met } else { unmet });
        }
        match value {
            Value::Array(entries) => entries.iter().map(|entry| self.chosen(entry)).collect(),
            Value::Object(members) => {
                let members = members.iter();
                let chosen = members.map(|(name, value)| (name.clone(), self.chosen(value)));
                Value::Object(chosen.collect())
            }
            other => other.clone(),
        }
    }

    /// Works a value out; `AWS::NoValue` is none.
    fn value(&self, value: &Value) -> Option<Value> {
        match function(value) {
            Some(("Ref", Value::String(name))) => return self.reference(name),
            Some(("Fn::GetAtt", argument)) => {
                let (name, attribute) = attribute(argument)?;
                return Some(json!(self.attribute(name, attribute)));
            }
            Some(("Fn::Sub", Value::String(text))) => {
                return Some(json!(self.text(text, &Map::new())));
            }
            Some(("Fn::Sub", Value::Array(parts))) => {
                let text = parts.first().and_then(Value::as_str).unwrap_or_default();
                let own = parts.get(1).and_then(Value::as_object).cloned();
                return Some(json!(self.text(text, &own.unwrap_or_default())));
            }
            Some(("Fn::Join", Value::Array(parts))) => {
                let separator = parts.first().and_then(Value::as_str).unwrap_or_default();
                let joined = self.value(parts.get(1)?)?;
                let entries = joined.as_array()?.iter().map(plain);
                return Some(json!(entries.collect::<Vec<_>>().join(separator)));
            }
            Some(("Fn::Select", Value::Array(parts))) => {
                let index = plain(&self.value(parts.first()?)?);
                let entries = self.value(parts.get(1)?)?;
                return entries.get(index.parse::<usize>().ok()?).cloned();
            }
            Some(("Fn::Split", Value::Array(parts))) => {
                let separator = parts.first()?.as_str().filter(|one| !one.is_empty())?;
                let text = plain(&self.value(parts.get(1)?)?);
                return Some(text.split(separator).collect());
            }
            Some(("Fn::FindInMap", Value::Array(keys))) => {
                let mappings = self.template.document.get("Mappings")?;
                return keys.iter().try_fold(mappings.clone(), |found, key| {
                    found.get(plain(&self.value(key)?)).cloned()
                });
            }
            Some(("Fn::ImportValue", name)) => {
                let found = self.exports.get(&plain(&self.value(name)?));
                if let Some(value) = found {
                    return Some(json!(value));
                }
            }
            Some(("Fn::If", Value::Array(parts))) if parts.len() == 3 => {
                let holds = self.holds(parts[0].as_str());
                return self.value(&parts[if holds { 1 } else { 2 }]);
            }
            _ => {}
        }
        Some(match value {
            Value::Array(entries) => Value::Array(
                entries
                    .iter()
                    .filter_map(|entry| self.value(entry))
                    .collect(),
            ),
            Value::Object(members) => Value::Object(self.properties(members)),
            other => other.clone(),
        })
    }

    /// What `Ref` of a name is.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-ref.html>;
    /// of a task definition and of a service it is the ARN, which is their
    /// physical id.
    fn reference(&self, name: &str) -> Option<Value> {
        if name == "AWS::NoValue" {
            return None;
        }
        if let Some(value) = self.parameters.get(name) {
            let is_list = self
                .template
                .parameters
                .get(name)
                .is_some_and(crate::template::ParameterDeclaration::is_list);
            return Some(match is_list {
                true => value.effective().split(',').map(str::trim).collect(),
                false => json!(value.effective()),
            });
        }
        Some(json!(self.name(name)))
    }

    fn name(&self, name: &str) -> String {
        if let Some(value) = self.parameters.get(name) {
            return value.effective().to_owned();
        }
        if let Some(value) = self.pseudo.get(name) {
            return value.clone();
        }
        match self.physical_ids.get(name) {
            Some(physical_id) => (*physical_id).to_owned(),
            None => format!("{{{name}}}"),
        }
    }

    /// An attribute of a resource: what the owner of the model said; or else of
    /// what is known by its ARN, that and its name, and of anything else a text
    /// that changes with the physical id.
    ///
    /// Source: "Fn::GetAtt" at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-service.html>
    /// and <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-taskdefinition.html>.
    fn attribute(&self, name: &str, attribute: &str) -> String {
        let physical_id = self.name(name);
        let known = self.attributes.get(&format!("{name}.{attribute}"));
        if let Some(known) = known.filter(|known| known.physical_id == physical_id) {
            return known.value.clone();
        }
        match attribute {
            "Arn" | "ServiceArn" | "TaskDefinitionArn" => physical_id,
            "Name" => physical_id
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned(),
            other => format!("{physical_id}.{other}"),
        }
    }

    fn text(&self, text: &str, own: &Map<String, Value>) -> String {
        let mut done = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => done.push_str(text),
                Piece::Literal(literal) => done.push_str(&format!("${{{literal}}}")),
                Piece::Variable(name) => match (own.get(name), name.split_once('.')) {
                    (Some(value), _) => {
                        done.push_str(&self.value(value).as_ref().map(plain).unwrap_or_default());
                    }
                    (None, Some((name, attribute))) => {
                        done.push_str(&self.attribute(name, attribute));
                    }
                    (None, None) => done.push_str(&self.name(name)),
                },
            }
        }
        done
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
