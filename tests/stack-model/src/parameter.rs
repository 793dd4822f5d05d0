//! The values of a stack's parameters: sent, kept, by default, or out of
//! Parameter Store.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::ServiceError;
use crate::template::{ParameterDeclaration, Template, list};

/// What is shown in place of a value that is not to be echoed.
pub(crate) const MASK: &str = "****";

/// The values of a stack's parameters, by name.
pub(crate) type ParameterValues = BTreeMap<String, ParameterValue>;

/// One parameter of a request.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub key: String,
    /// Its value, or that it stays what it is.
    pub value: ParameterInput,
}

impl Parameter {
    /// A parameter that takes a value.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Parameter {
            key: key.into(),
            value: ParameterInput::Value(value.into()),
        }
    }

    /// A parameter that stays what it is.
    pub fn previous(key: impl Into<String>) -> Self {
        Parameter {
            key: key.into(),
            value: ParameterInput::UsePreviousValue,
        }
    }
}

/// What a request says of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterInput {
    /// `ParameterValue`.
    Value(String),
    /// `UsePreviousValue`.
    UsePreviousValue,
}

/// The value of one parameter of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterValue {
    /// As it was sent; for a value out of Parameter Store, the name there.
    pub value: String,
    /// What Parameter Store had under that name.
    pub resolved: Option<String>,
}

impl ParameterValue {
    /// What a reference to the parameter is.
    pub fn effective(&self) -> &str {
        self.resolved.as_deref().unwrap_or(&self.value)
    }
}

/// Works out the parameters of an update.
///
/// A parameter that is not sent takes its default. `UsePreviousValue` of a value
/// out of Parameter Store keeps the name, not what was read under it: that is
/// always read anew.
///
/// Source: `ParameterKey` and `UsePreviousValue` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html>, and
/// "CloudFormation always fetches the latest values from Parameter Store when it updates stacks" at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/systems-manager-parameter-types.html>.
/// The texts of the refusals are those that CloudFormation is seen to send.
///
/// # Errors
///
/// `ValidationError` for a parameter that the template does not have, that has
/// no value, or whose value is not allowed.
pub(crate) fn work_out(
    template: &Template,
    previous: &ParameterValues,
    sent: &[Parameter],
    store: &BTreeMap<String, String>,
) -> Result<ParameterValues, ServiceError> {
    let unknown: BTreeSet<String> = sent
        .iter()
        .filter(|parameter| !template.parameters.contains_key(&parameter.key))
        .map(|parameter| parameter.key.clone())
        .collect();
    if !unknown.is_empty() {
        return Err(ServiceError::validation(format!(
            "Parameters: [{}] do not exist in the template",
            list(&unknown)
        )));
    }
    let mut missing = BTreeSet::new();
    let mut values = ParameterValues::new();
    for (key, declaration) in &template.parameters {
        let input = sent.iter().rev().find(|parameter| parameter.key == *key);
        let value = match input.map(|parameter| &parameter.value) {
            Some(ParameterInput::Value(value)) => value.clone(),
            Some(ParameterInput::UsePreviousValue) => match previous.get(key) {
                Some(previous) => previous.value.clone(),
                None => return Err(no_previous_value(key)),
            },
            None => match &declaration.default {
                Some(default) => default.clone(),
                None => {
                    missing.insert(key.clone());
                    continue;
                }
            },
        };
        let value = read(key, declaration, value, store)?;
        values.insert(key.clone(), value);
    }
    match missing.is_empty() {
        true => Ok(values),
        false => Err(ServiceError::validation(format!(
            "Parameters: [{}] must have values",
            list(&missing)
        ))),
    }
}

/// Checks a value, and reads it out of Parameter Store where it is a name there.
fn read(
    key: &str,
    declaration: &ParameterDeclaration,
    value: String,
    store: &BTreeMap<String, String>,
) -> Result<ParameterValue, ServiceError> {
    let allowed = &declaration.allowed_values;
    if !allowed.is_empty() && !allowed.contains(&value) {
        return Err(ServiceError::validation(format!(
            "Parameter '{key}' must be one of AllowedValues"
        )));
    }
    let resolved = match declaration.is_ssm_value() {
        false => None,
        true => Some(store.get(&value).cloned().ok_or_else(|| {
            ServiceError::validation(format!(
                "Unable to fetch parameters [{value}] from parameter store for this account."
            ))
        })?),
    };
    Ok(ParameterValue { value, resolved })
}

fn no_previous_value(key: &str) -> ServiceError {
    ServiceError::validation(format!(
        "Invalid input for parameter key {key}. Cannot specify usePreviousValue as true \
         for a parameter key not in the previous template"
    ))
}
