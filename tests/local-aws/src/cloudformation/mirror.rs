//! What `POST /_local/stacks` takes: a stack that was made elsewhere.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use stack_model::{CreateStack, Parameter};

/// A stack that was made through ministack, its ECS resources in the model of ECS.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Mirrored {
    /// Its name.
    pub(crate) name: String,
    /// Its ARN; ministack is asked where there is none.
    pub(crate) stack_id: Option<String>,
    /// The whole template, ECS's resources included.
    pub(crate) template: Value,
    /// The parameters that were given.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
    /// What was acknowledged.
    #[serde(default)]
    pub(crate) capabilities: Vec<String>,
    /// Its service role.
    pub(crate) role_arn: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    /// What `Ref` leads to, by logical id.
    #[serde(default)]
    pub(crate) physical_ids: BTreeMap<String, String>,
    /// What `Fn::GetAtt` leads to, by `LogicalId.Attribute`.
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Mirrored {
    /// The parameters as a request has them.
    pub(super) fn sent(&self) -> Value {
        let pairs = self.parameters.iter();
        let pairs = pairs.map(|(key, value)| json!({"ParameterKey": key, "ParameterValue": value}));
        json!({ "Parameters": pairs.collect::<Vec<_>>() })
    }

    /// The stack as the model takes it.
    pub(super) fn request(self) -> CreateStack {
        let parameters = self.parameters.into_iter();
        CreateStack {
            name: self.name,
            arn: self.stack_id,
            template: self.template,
            parameters: parameters
                .map(|(key, value)| Parameter::new(key, value))
                .collect(),
            physical_ids: self.physical_ids,
            attributes: self.attributes,
            capabilities: self.capabilities,
            tags: self.tags,
            role_arn: self.role_arn,
            termination_protection: false,
        }
    }
}
