//! Updates: how each resource becomes what the template says.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::change_set::{ChangeSetKey, UpdateRequest, no_changes};
use crate::effect::EffectAction;
use crate::error::ServiceError;
use crate::operation::{Leftover, Phase, Step, StepState, Work};
use crate::recreation::RequiresRecreation;
use crate::request::check_token;
use crate::stack::{Before, Desired, Resource, StackKey};
use crate::stacks::Stacks;
use crate::status::{ChangeSetStatus, ExecutionStatus, ResourceStatus, StackStatus};
use crate::template::Template;

impl Stacks {
    /// Updates a stack without a change set, as somebody else may: its change
    /// sets are obsolete then.
    ///
    /// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html>,
    /// and "in an OBSOLETE state because the stack was already updated" at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html>.
    ///
    /// # Errors
    ///
    /// `ValidationError` for a stack that cannot be updated, and for what changes
    /// nothing; what the template and the parameters are refused for; and
    /// `TokenAlreadyExistsException`.
    pub fn update_stack(
        &mut self,
        update: &UpdateRequest,
        token: Option<&str>,
    ) -> Result<StackKey, ServiceError> {
        check_token(token)?;
        let key = self.stack_of(&update.stack)?;
        let call = format!("UpdateStack {update:?}");
        if self.is_repeated(key, token, &call)? {
            return Ok(key);
        }
        self.check_updatable(key)?;
        self.check_terminal(key)?;
        let desired = self.desire(key, update, true)?;
        let stack = &self.stacks[key.0];
        let changes = self.changes(stack, &desired);
        if no_changes(&stack.desired, &desired, &changes).is_some() {
            return Err(ServiceError::validation("No updates are to be performed."));
        }
        self.use_token(key, token, call);
        for change_set in &mut self.change_sets {
            let can_be_executed = match change_set.execution_status {
                ExecutionStatus::Available => true,
                ExecutionStatus::Unavailable => change_set.status != ChangeSetStatus::Failed,
                ExecutionStatus::ExecuteInProgress
                | ExecutionStatus::ExecuteComplete
                | ExecutionStatus::ExecuteFailed
                | ExecutionStatus::Obsolete => false,
            };
            if change_set.stack == key && can_be_executed {
                change_set.execution_status = ExecutionStatus::Obsolete;
            }
        }
        self.begin_update(key, desired, update.role_arn.clone(), token, None);
        Ok(key)
    }

    /// Begins to make a stack what is desired.
    pub(crate) fn begin_update(
        &mut self,
        key: StackKey,
        desired: Desired,
        role_arn: Option<String>,
        token: Option<&str>,
        change_set: Option<ChangeSetKey>,
    ) {
        self.begin(key, token, change_set, Phase::Updating);
        let now = self.now;
        let change_set_arn = change_set.map(|key| self.change_sets[key.0].arn.clone());
        let stack = &mut self.stacks[key.0];
        stack.desired = desired;
        stack.updated_at = Some(now);
        stack.role_arn = role_arn.or(stack.role_arn.take());
        stack.change_set_arn = change_set_arn.or(stack.change_set_arn.take());
        let stack = &self.stacks[key.0];
        let template = &stack.desired.template;
        let scope = self.scope(stack, &stack.desired);
        let there = |logical_id: &String| {
            let declaration = template.resources.get(logical_id);
            declaration.is_some_and(|one| scope.holds(one.condition.as_deref()))
        };
        let wanted = template.order().0.into_iter().filter(there).collect();
        let steps = ordered(wanted, template, &Work::Apply);
        if let Some(operation) = &mut self.stacks[key.0].operation {
            operation.steps = steps;
        }
        self.turn(key, StackStatus::UpdateInProgress, Some("User Initiated"));
        self.go_on_later(key);
    }

    /// Begins to make one resource what the template says; one that is so
    /// already is left alone.
    ///
    /// The texts are those that CloudFormation is seen to send.
    /// Source of what is made anew: "Replacement" at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html>.
    pub(crate) fn start_apply(&mut self, key: StackKey, index: usize, logical_id: &str) {
        let stack = &self.stacks[key.0];
        let Some(declaration) = stack.desired.template.resources.get(logical_id) else {
            return self.end_step(key, index, StepState::Done);
        };
        let properties = self
            .scope(stack, &stack.desired)
            .properties(&declaration.properties);
        let type_name = declaration.type_name.clone();
        let Some(resource) = stack.resources.get(logical_id) else {
            return self.start_addition(key, index, logical_id, &type_name, properties);
        };
        if resource.properties == properties {
            return self.end_step(key, index, StepState::Done);
        }
        let (old, physical_id) = (resource.properties.clone(), resource.physical_id.clone());
        let anew = is_made_anew(&type_name, &old, &properties);
        let (before, reason, action) = match (anew, physical_id) {
            (false, Some(physical_id)) => (
                Before::Changed { properties: old },
                None,
                EffectAction::Update {
                    physical_id,
                    properties: properties.clone(),
                },
            ),
            (_, physical_id) => (
                Before::Replaced {
                    physical_id,
                    properties: old,
                },
                Some(
                    "Requested update requires the creation of a new physical resource; \
                     hence creating one.",
                ),
                EffectAction::Create {
                    properties: properties.clone(),
                },
            ),
        };
        if let Some(resource) = self.stacks[key.0].resources.get_mut(logical_id) {
            resource.before = Some(before);
        }
        self.turn_resource(key, logical_id, ResourceStatus::UpdateInProgress, reason);
        self.run(key, index, &type_name, action, properties);
    }

    fn start_addition(
        &mut self,
        key: StackKey,
        index: usize,
        logical_id: &str,
        type_name: &str,
        properties: Map<String, Value>,
    ) {
        let resource = Resource {
            logical_id: logical_id.to_owned(),
            type_name: type_name.to_owned(),
            physical_id: None,
            properties: Map::new(),
            status: ResourceStatus::CreateInProgress,
            status_reason: None,
            updated_at: self.now,
            before: Some(Before::Absent),
        };
        let resources = &mut self.stacks[key.0].resources;
        resources.insert(logical_id.to_owned(), resource);
        self.turn_resource(key, logical_id, ResourceStatus::CreateInProgress, None);
        let action = EffectAction::Create {
            properties: properties.clone(),
        };
        self.run(key, index, type_name, action, properties);
    }

    /// A resource is what the template says.
    pub(crate) fn finish_apply(
        &mut self,
        key: StackKey,
        logical_id: &str,
        created: Option<String>,
        properties: Map<String, Value>,
    ) {
        let stack_name = self.stacks[key.0].name.clone();
        let Some(resource) = self.stacks[key.0].resources.get_mut(logical_id) else {
            return;
        };
        resource.properties = properties;
        let (progress, complete) = match resource.before {
            Some(Before::Absent) => (
                ResourceStatus::CreateInProgress,
                ResourceStatus::CreateComplete,
            ),
            Some(Before::Replaced { .. } | Before::Changed { .. }) | None => (
                ResourceStatus::UpdateInProgress,
                ResourceStatus::UpdateComplete,
            ),
        };
        if !matches!(resource.before, Some(Before::Changed { .. })) {
            let physical_id = match created {
                Some(physical_id) => physical_id,
                None => self.identifiers.physical_id(&stack_name, logical_id),
            };
            resource.physical_id = Some(physical_id);
            let reason = Some("Resource creation Initiated");
            self.turn_resource(key, logical_id, progress, reason);
        }
        self.turn_resource(key, logical_id, complete, None);
    }

    /// What was replaced by an update, or is not in the template any more.
    pub(crate) fn leftovers_of_update(&self, key: StackKey) -> Vec<Leftover> {
        let stack = &self.stacks[key.0];
        let Some(operation) = &stack.operation else {
            return Vec::new();
        };
        let kept = |logical_id: &str| {
            operation
                .steps
                .iter()
                .any(|one| one.logical_id == logical_id)
        };
        let mut leftovers = Vec::new();
        for logical_id in operation.before.template.order().0.iter().rev() {
            let Some(resource) = stack.resources.get(logical_id) else {
                continue;
            };
            let is_whole = !kept(logical_id);
            let physical_id = match (&resource.before, is_whole) {
                (_, true) => &resource.physical_id,
                (Some(Before::Replaced { physical_id, .. }), false) => physical_id,
                (Some(Before::Changed { .. } | Before::Absent) | None, false) => continue,
            };
            leftovers.push(Leftover {
                logical_id: logical_id.clone(),
                type_name: resource.type_name.clone(),
                physical_id: physical_id.clone().unwrap_or_default(),
                is_whole,
            });
        }
        leftovers
    }
}

/// Steps for resources, each after those of them it depends on.
pub(crate) fn ordered(logical_ids: Vec<String>, template: &Template, work: &Work) -> Vec<Step> {
    let positions: BTreeMap<String, usize> = logical_ids
        .iter()
        .enumerate()
        .map(|(index, logical_id)| (logical_id.clone(), index))
        .collect();
    let after = |logical_id: &String| -> Vec<usize> {
        let declaration = template.resources.get(logical_id);
        declaration
            .into_iter()
            .flat_map(|declaration| &declaration.depends_on)
            .filter_map(|name| positions.get(name).copied())
            .collect()
    };
    logical_ids
        .into_iter()
        .map(|logical_id| {
            let after = after(&logical_id);
            Step::new(logical_id, work.clone(), after)
        })
        .collect()
}

/// Whether a resource with these properties must be another one than with those.
fn is_made_anew(type_name: &str, old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    old.keys().chain(new.keys()).any(|name| {
        old.get(name) != new.get(name)
            && RequiresRecreation::of(type_name, name) == RequiresRecreation::Always
    })
}
