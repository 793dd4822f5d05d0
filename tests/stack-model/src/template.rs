//! Templates, as JSON: their parameters, and their resources with what each
//! depends on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::error::ServiceError;
use crate::reference::{Reference, visit};

/// A template in JSON: `Parameters`, `Mappings`, `Conditions` and `Resources` of
/// it are understood, the rest is kept and means nothing.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html>.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// As it came.
    pub document: Value,
    /// By name.
    pub parameters: BTreeMap<String, ParameterDeclaration>,
    /// By logical id.
    pub resources: BTreeMap<String, ResourceDeclaration>,
    pub(crate) conditions: Map<String, Value>,
    pub(crate) has_transform: bool,
}

/// What a template says of one of its parameters.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterDeclaration {
    /// Such as `String` or `AWS::SSM::Parameter::Value<String>`.
    pub type_name: String,
    /// What it is where nobody says.
    pub default: Option<String>,
    /// Its value is shown to nobody.
    pub no_echo: bool,
    /// What it may be; empty if that is not limited.
    pub allowed_values: Vec<String>,
}

impl ParameterDeclaration {
    /// Whether the value is the name of a parameter in Parameter Store.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/systems-manager-parameter-types.html>.
    pub fn is_ssm_value(&self) -> bool {
        self.type_name.starts_with("AWS::SSM::Parameter::Value<")
    }

    /// Whether a reference to it is a list, written with commas.
    pub fn is_list(&self) -> bool {
        self.type_name == "CommaDelimitedList"
            || self.type_name.starts_with("List<")
            || self.type_name.contains("<List<")
            || self.type_name.contains("<CommaDelimitedList>")
    }

    fn read(document: &Value) -> Self {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let is_true = |value: &Value| value == &Value::Bool(true) || value == "true";
        ParameterDeclaration {
            type_name: document["Type"].as_str().unwrap_or("String").to_owned(),
            default: document.get("Default").map(text),
            no_echo: document.get("NoEcho").is_some_and(is_true),
            allowed_values: document["AllowedValues"]
                .as_array()
                .map(|values| values.iter().map(text).collect())
                .unwrap_or_default(),
        }
    }
}

/// What a template says of one of its resources.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html>.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceDeclaration {
    /// Such as `AWS::ECS::Service`.
    pub type_name: String,
    /// Its properties, with functions in them.
    pub properties: Map<String, Value>,
    /// The condition that must hold for it to be there.
    pub condition: Option<String>,
    /// The other resources of the template that it names, with `DependsOn` or
    /// in its properties.
    pub depends_on: BTreeSet<String>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// `ValidationError` for what is no template, names a resource that it does
    /// not have, or goes round in a circle.
    pub fn parse(document: Value) -> Result<Self, ServiceError> {
        let declared = document["Resources"]
            .as_object()
            .filter(|resources| !resources.is_empty())
            .ok_or_else(|| format_error("At least one Resources member must be defined."))?;
        let parameters: BTreeMap<String, ParameterDeclaration> = document["Parameters"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, declaration)| (name.clone(), ParameterDeclaration::read(declaration)))
            .collect();
        let mut resources = BTreeMap::new();
        let mut unresolved = BTreeSet::new();
        for (logical_id, resource) in declared {
            let type_name = resource["Type"].as_str().ok_or_else(|| {
                format_error(&format!(
                    "[/Resources/{logical_id}] Every Resources object must contain a Type member."
                ))
            })?;
            let properties = resource["Properties"].as_object().cloned();
            let properties = properties.unwrap_or_default();
            let mut depends_on = BTreeSet::new();
            for name in names(resource, &properties) {
                if declared.contains_key(&name) {
                    depends_on.insert(name);
                } else if !parameters.contains_key(&name) && !name.starts_with("AWS::") {
                    unresolved.insert(name);
                }
            }
            let declaration = ResourceDeclaration {
                type_name: type_name.to_owned(),
                properties,
                condition: resource["Condition"].as_str().map(str::to_owned),
                depends_on,
            };
            resources.insert(logical_id.clone(), declaration);
        }
        if !unresolved.is_empty() {
            return Err(format_error(&format!(
                "Unresolved resource dependencies [{}] in the Resources block of the template",
                list(&unresolved)
            )));
        }
        let conditions = document["Conditions"].as_object().cloned();
        let template = Template {
            has_transform: document.get("Transform").is_some(),
            conditions: conditions.unwrap_or_default(),
            parameters,
            resources,
            document,
        };
        match template.order() {
            (_, circle) if circle.is_empty() => Ok(template),
            (_, circle) => Err(ServiceError::validation(format!(
                "Circular dependency between resources: [{}]",
                list(&circle)
            ))),
        }
    }

    /// Gives the resources so that each comes after those it depends on, and
    /// those that go round in a circle.
    pub(crate) fn order(&self) -> (Vec<String>, BTreeSet<String>) {
        let mut waiting: BTreeSet<String> = self.resources.keys().cloned().collect();
        let mut order = Vec::new();
        loop {
            let ready: Vec<String> = waiting
                .iter()
                .filter(|name| {
                    self.resources
                        .get(*name)
                        .is_none_or(|resource| resource.depends_on.is_disjoint(&waiting))
                })
                .cloned()
                .collect();
            if ready.is_empty() {
                return (order, waiting);
            }
            for name in ready {
                waiting.remove(&name);
                order.push(name);
            }
        }
    }
}

/// Everything that a resource names: in `DependsOn` and in its properties.
fn names(resource: &Value, properties: &Map<String, Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    match &resource["DependsOn"] {
        Value::String(name) => {
            names.insert(name.clone());
        }
        Value::Array(entries) => {
            names.extend(entries.iter().filter_map(Value::as_str).map(str::to_owned));
        }
        _ => {}
    }
    for value in properties.values() {
        visit(value, &mut |reference| {
            let (Reference::Name(name) | Reference::Attribute(name)) = reference;
            names.insert(name.to_owned());
        });
    }
    names
}

pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    names.join(", ")
}

/// The text with which CloudFormation is seen to refuse a template.
fn format_error(message: &str) -> ServiceError {
    ServiceError::validation(format!("Template format error: {message}"))
}
