//! A stack and its resources.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::event::StackEvent;
use crate::operation::Operation;
use crate::parameter::ParameterValues;
use crate::status::{ResourceStatus, StackStatus};
use crate::template::Template;

/// Finds a stack; stacks that are deleted keep theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StackKey(pub(crate) usize);

/// What a stack is made to be: what an update changes, and a rollback puts back.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    /// Its template.
    pub template: Arc<Template>,
    /// The values of its parameters, by name.
    pub parameters: BTreeMap<String, crate::parameter::ParameterValue>,
    /// What was acknowledged.
    pub capabilities: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A stack.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Stack.html>.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Its id.
    pub arn: String,
    /// Its name, which is another's once it is deleted.
    pub name: String,
    /// How it stands.
    pub status: StackStatus,
    /// Why.
    pub status_reason: Option<String>,
    /// What it is made to be. While an update goes on this is what it is updated
    /// to, and from the start of a rollback on what it was before: assumed.
    pub desired: Desired,
    /// The role that CloudFormation uses for it. One that comes with an update
    /// stays, even where the update is taken back.
    /// Source: "for all future operations on the stack", `RoleARN` at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>.
    pub role_arn: Option<String>,
    /// Whether it is protected from deletion.
    pub termination_protection: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When an update of it last began.
    pub updated_at: Option<Timestamp>,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// The change set that was executed last.
    pub change_set_arn: Option<String>,
    /// By logical id.
    pub resources: BTreeMap<String, Resource>,
    /// What happened to it, oldest first.
    pub events: Vec<StackEvent>,
    pub(crate) operation: Option<Operation>,
    /// What is known of resources' attributes, by `LogicalId.Attribute`.
    pub(crate) attributes: BTreeMap<String, KnownAttribute>,
    /// Each token that was used, and for what.
    pub(crate) tokens: BTreeMap<String, String>,
    /// Why the next work on a resource fails, as the owner of the model wishes.
    pub(crate) failures: BTreeMap<String, String>,
}

impl Stack {
    /// The names of its parameters and their values.
    pub(crate) fn parameters(&self) -> &ParameterValues {
        &self.desired.parameters
    }
}

/// A resource of a stack.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_StackResource.html>.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// Its name in the template.
    pub logical_id: String,
    /// Such as `AWS::ECS::Service`.
    pub type_name: String,
    /// Its name in the account: of a task definition and of a service the ARN.
    pub physical_id: Option<String>,
    /// Its properties as they were last applied.
    pub properties: Map<String, Value>,
    /// How it stands.
    pub status: ResourceStatus,
    /// Why.
    pub status_reason: Option<String>,
    /// Since when it stands so.
    pub updated_at: Timestamp,
    /// What it was before the update that goes on touched it.
    pub(crate) before: Option<Before>,
}

/// What an attribute of a resource is, as long as that is the resource with this
/// physical id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownAttribute {
    pub(crate) physical_id: String,
    pub(crate) value: String,
}

/// What a resource was before an update touched it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Before {
    /// It was not there.
    Absent,
    /// It was changed as it is.
    Changed { properties: Map<String, Value> },
    /// Another one took its place, or was about to.
    Replaced {
        physical_id: Option<String>,
        properties: Map<String, Value>,
    },
}
