//! What a template's functions stand for: `Ref`, `Fn::Sub`, `Fn::If` and those others that
//! our templates and examples use, given the stack's parameters and what it made.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What a function stands for is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not known what {what} stands for")]
pub struct Unresolved {
    what: String,
}

fn unresolved<T>(what: impl Into<String>) -> Result<T, Unresolved> {
    Err(Unresolved { what: what.into() })
}

/// What the functions of a template are resolved with.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// The template, as JSON.
    pub template: &'a Value,
    /// The parameters that are given; the others have their defaults.
    pub parameters: &'a BTreeMap<String, String>,
    /// What `Ref` leads to by a resource's logical id or a pseudo parameter's name, and
    /// `Fn::GetAtt` by `LogicalId.Attribute`.
    pub known: BTreeMap<String, String>,
    /// What other stacks export, by its name.
    pub exports: &'a BTreeMap<String, String>,
}

impl Scope<'_> {
    /// Whether the stack has a resource: it has no condition, or one that holds.
    ///
    /// # Errors
    ///
    /// Says what in the condition is not known.
    pub fn wants(&self, resource: &Value) -> Result<bool, Unresolved> {
        match resource["Condition"].as_str() {
            Some(name) => self.is_met(name),
            None => Ok(true),
        }
    }

    /// What a value of the template stands for; nothing where that is `AWS::NoValue`.
    ///
    /// # Errors
    ///
    /// Says what is not known.
    pub fn resolve(&self, value: &Value) -> Result<Option<Value>, Unresolved> {
        if let Some((name, argument)) = function(value) {
            return self.call(name, argument);
        }
        Ok(Some(match value {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.resolve(item).transpose());
                Value::Array(items.flatten().collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let mut resolved = Map::new();
                for (name, member) in members {
                    if let Some(member) = self.resolve(member)? {
                        resolved.insert(name.clone(), member);
                    }
                }
                Value::Object(resolved)
            }
            other => other.clone(),
        }))
    }

    /// The text that a value stands for.
    ///
    /// # Errors
    ///
    /// It is no text, or not known.
    pub fn text(&self, value: &Value) -> Result<String, Unresolved> {
        match self.resolve(value)? {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(Value::Bool(is)) => Ok(is.to_string()),
            _ => unresolved(format!("{value} as a text")),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Option<Value>, Unresolved> {
        let text = match name {
            "Ref" if argument == "AWS::NoValue" => return Ok(None),
            "Ref" => {
                return self
                    .referred(argument.as_str().unwrap_or_default())
                    .map(Some);
            }
            "Fn::If" => {
                let is_met = self.is_met(argument[0].as_str().unwrap_or_default())?;
                return self.resolve(&argument[if is_met { 1 } else { 2 }]);
            }
            "Fn::FindInMap" => return self.find_in_map(argument).map(Some),
            "Fn::Split" => {
                let (separator, text) = (self.text(&argument[0])?, self.text(&argument[1])?);
                return Ok(Some(text.split(&separator).collect()));
            }
            "Fn::GetAtt" => self.found(&attribute(argument))?,
            "Fn::Join" => self.texts(&argument[1])?.join(&self.text(&argument[0])?),
            "Fn::Sub" => self.substituted(argument)?,
            "Fn::ImportValue" => {
                let name = self.text(argument)?;
                match self.exports.get(&name) {
                    Some(value) => value.clone(),
                    None => return unresolved(format!("the export {name}")),
                }
            }
            other => return unresolved(format!("{other} of {argument}")),
        };
        Ok(Some(text.into()))
    }

    fn texts(&self, list: &Value) -> Result<Vec<String>, Unresolved> {
        match self.resolve(list)? {
            Some(Value::Array(items)) => items.iter().map(|item| self.text(item)).collect(),
            _ => unresolved(format!("{list} as a list")),
        }
    }

    fn found(&self, name: &str) -> Result<String, Unresolved> {
        let found = self.known.get(name).cloned();
        found.map_or_else(|| unresolved(format!("`{name}`")), Ok)
    }

    /// A parameter's value, or what is known by this name.
    fn referred(&self, name: &str) -> Result<Value, Unresolved> {
        let Some(parameter) = self.template["Parameters"].get(name) else {
            return self.found(name).map(Value::String);
        };
        let given = self.parameters.get(name).cloned();
        let text = given.or_else(|| match &parameter["Default"] {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        });
        let Some(text) = text else {
            return unresolved(format!("the parameter {name}, which was not given"));
        };
        let kind = parameter["Type"].as_str().unwrap_or_default();
        let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
        Ok(match is_list {
            true => text.split(',').map(str::trim).collect(),
            false => text.into(),
        })
    }

    fn find_in_map(&self, argument: &Value) -> Result<Value, Unresolved> {
        let mut found = &self.template["Mappings"];
        for key in argument.as_array().into_iter().flatten() {
            let key = self.text(key)?;
            found = match found.get(&key) {
                Some(found) => found,
                None => return unresolved(format!("`{key}` in the mapping {argument}")),
            };
        }
        Ok(found.clone())
    }

    fn substituted(&self, argument: &Value) -> Result<String, Unresolved> {
        let (pattern, own) = match argument {
            Value::Array(parts) => (&parts[0], &argument[1]),
            pattern => (pattern, &Value::Null),
        };
        let pattern = pattern.as_str().unwrap_or_default();
        let value = |name: &str| match own.get(name) {
            Some(value) => self.text(value).map(Some),
            None if name.contains('.') => self.found(name).map(Some),
            None => self.text(&self.referred(name)?).map(Some),
        };
        substitute(pattern, value)
    }

    fn is_met(&self, condition: &str) -> Result<bool, Unresolved> {
        match self.template["Conditions"].get(condition) {
            Some(expression) => self.holds(expression),
            None => unresolved(format!("the condition {condition}")),
        }
    }

    fn holds(&self, expression: &Value) -> Result<bool, Unresolved> {
        let members = expression
            .as_object()
            .and_then(|members| members.iter().next());
        let Some((name, argument)) = members else {
            return unresolved(format!("{expression} as a condition"));
        };
        let mut each = argument.as_array().into_iter().flatten();
        match name.as_str() {
            "Condition" => self.is_met(argument.as_str().unwrap_or_default()),
            "Fn::Equals" => Ok(self.text(&argument[0])? == self.text(&argument[1])?),
            "Fn::Not" => Ok(!self.holds(&argument[0])?),
            "Fn::And" => each.try_fold(true, |all, one| Ok(all & self.holds(one)?)),
            "Fn::Or" => each.try_fold(false, |any, one| Ok(any | self.holds(one)?)),
            other => unresolved(format!("the condition's {other}")),
        }
    }
}

/// The function that a value is, with its argument.
pub(crate) fn function(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let (name, argument) = members.iter().next()?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name, argument))
}

/// `LogicalId.Attribute`, whichever of its two forms `Fn::GetAtt` has.
pub(crate) fn attribute(argument: &Value) -> String {
    let parts = argument.as_array().into_iter().flatten();
    let parts: Vec<&str> = parts.filter_map(Value::as_str).collect();
    argument
        .as_str()
        .map_or_else(|| parts.join("."), str::to_owned)
}

/// Puts a value in the place of each `${Name}` for which there is one.
pub(crate) fn substitute(
    pattern: &str,
    value: impl Fn(&str) -> Result<Option<String>, Unresolved>,
) -> Result<String, Unresolved> {
    let mut pieces = pattern.split("${");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let Some((name, rest)) = piece.split_once('}') else {
            return unresolved(format!("${{{piece}"));
        };
        match value(name)? {
            Some(value) => text.push_str(&value),
            None => text.push_str(&format!("${{{name}}}")),
        }
        text.push_str(rest);
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
