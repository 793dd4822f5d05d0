//! What an update would change: the difference between what is and what shall be.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::parameter::ParameterValues;
use crate::recreation::RequiresRecreation;
use crate::reference::{Reference, visit};
use crate::resolve::Scope;
use crate::stack::{Desired, Resource, Stack};
use crate::stacks::Stacks;
use crate::template::ResourceDeclaration;

/// What becomes of one resource.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceChange {
    /// What is done.
    pub action: ChangeAction,
    /// The resource's name in the template.
    pub logical_id: String,
    /// Its name in the account; a new one has none.
    pub physical_id: Option<String>,
    /// Its kind.
    pub resource_type: String,
    /// Whether it is made anew; of `Modify` alone.
    pub replacement: Option<Replacement>,
    /// Why; of `Modify` alone.
    pub details: Vec<ChangeDetail>,
}

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeAction {
    /// It is created.
    Add,
    /// It is changed.
    Modify,
    /// It is deleted.
    Remove,
}

impl ChangeAction {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeAction::Add => "Add",
            ChangeAction::Modify => "Modify",
            ChangeAction::Remove => "Remove",
        }
    }
}

/// Whether a changed resource is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Replacement {
    /// No.
    False,
    /// It depends.
    Conditional,
    /// Yes.
    True,
}

impl Replacement {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Replacement::False => "False",
            Replacement::Conditional => "Conditional",
            Replacement::True => "True",
        }
    }
}

/// Why a resource is changed.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeDetail {
    /// The property that changes.
    pub property: String,
    /// Whether that makes the resource anew.
    pub requires_recreation: RequiresRecreation,
    /// Whether the new value is known before the update (`Static`), or not
    /// (`Dynamic`).
    pub is_static: bool,
    /// What makes it change.
    pub source: ChangeSource,
}

/// What makes a property change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeSource {
    /// A parameter, by name.
    ParameterReference(String),
    /// A resource that gets another physical id, by logical id.
    ResourceReference(String),
    /// An attribute of such a resource, by its logical id.
    ResourceAttribute(String),
    /// The template itself.
    DirectModification,
}

impl ChangeSource {
    /// The name in the API.
    pub fn as_str(&self) -> &'static str {
        match self {
            ChangeSource::ParameterReference(_) => "ParameterReference",
            ChangeSource::ResourceReference(_) => "ResourceReference",
            ChangeSource::ResourceAttribute(_) => "ResourceAttribute",
            ChangeSource::DirectModification => "DirectModification",
        }
    }

    /// `CausingEntity`.
    pub fn entity(&self) -> Option<&str> {
        match self {
            ChangeSource::ParameterReference(name)
            | ChangeSource::ResourceReference(name)
            | ChangeSource::ResourceAttribute(name) => Some(name),
            ChangeSource::DirectModification => None,
        }
    }
}

/// What is compared with what.
struct Comparison<'a> {
    scope: Scope<'a>,
    before: &'a ParameterValues,
    /// The resources that change, by logical id.
    changed: BTreeMap<String, Replacement>,
}

impl Stacks {
    /// Works out what an update of a stack would change, by logical id.
    ///
    /// A property that names a resource which gets another physical id changes
    /// too, to what is not known yet; and so does one that takes an attribute of
    /// a resource that changes at all. That each attribute counts, also one that
    /// an update leaves as it is, is assumed.
    /// Source: `Evaluation` at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html>;
    /// an attribute that an update in place changes is `LatestVersionNumber` at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-launchtemplate.html>.
    pub(crate) fn changes(&self, stack: &Stack, desired: &Desired) -> Vec<ResourceChange> {
        let mut comparison = Comparison {
            scope: self.scope(stack, desired),
            before: stack.parameters(),
            changed: BTreeMap::new(),
        };
        let mut changes = BTreeMap::new();
        let mut wanted = BTreeSet::new();
        for logical_id in desired.template.order().0 {
            let Some(declaration) = desired.template.resources.get(&logical_id) else {
                continue;
            };
            if !comparison.scope.holds(declaration.condition.as_deref()) {
                continue;
            }
            wanted.insert(logical_id.clone());
            let change = match stack.resources.get(&logical_id) {
                None => Some(added(&logical_id, declaration)),
                Some(resource) => comparison.modified(resource, declaration),
            };
            if let Some(change) = change {
                changes.insert(logical_id, change);
            }
        }
        for (logical_id, resource) in &stack.resources {
            if !wanted.contains(logical_id) {
                changes.insert(logical_id.clone(), removed(resource));
            }
        }
        changes.into_values().collect()
    }
}

fn added(logical_id: &str, declaration: &ResourceDeclaration) -> ResourceChange {
    ResourceChange {
        action: ChangeAction::Add,
        logical_id: logical_id.to_owned(),
        physical_id: None,
        resource_type: declaration.type_name.clone(),
        replacement: None,
        details: Vec::new(),
    }
}

fn removed(resource: &Resource) -> ResourceChange {
    ResourceChange {
        action: ChangeAction::Remove,
        logical_id: resource.logical_id.clone(),
        physical_id: resource.physical_id.clone(),
        resource_type: resource.type_name.clone(),
        replacement: None,
        details: Vec::new(),
    }
}

impl Comparison<'_> {
    fn modified(
        &mut self,
        resource: &Resource,
        declaration: &ResourceDeclaration,
    ) -> Option<ResourceChange> {
        let new = self.scope.properties(&declaration.properties);
        let names: BTreeSet<&String> = new
            .keys()
            .chain(resource.properties.keys())
            .chain(declaration.properties.keys())
            .collect();
        let mut details = Vec::new();
        for name in names {
            let is_changed = new.get(name) != resource.properties.get(name);
            let recreation = RequiresRecreation::of(&resource.type_name, name);
            let written = declaration.properties.get(name);
            for (source, is_static) in self.causes(written, is_changed) {
                details.push(ChangeDetail {
                    property: name.clone(),
                    requires_recreation: recreation,
                    is_static,
                    source,
                });
            }
        }
        let replacement = details.iter().map(replacement_of).max()?;
        self.changed
            .insert(resource.logical_id.clone(), replacement);
        Some(ResourceChange {
            action: ChangeAction::Modify,
            logical_id: resource.logical_id.clone(),
            physical_id: resource.physical_id.clone(),
            resource_type: resource.type_name.clone(),
            replacement: Some(replacement),
            details,
        })
    }

    /// What makes a property change, and whether its value is known.
    ///
    /// A parameter is named beside a direct modification whose value is not
    /// known, as in "Modifying an input parameter value" at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets-samples.html>.
    fn causes(&self, written: Option<&Value>, is_changed: bool) -> Vec<(ChangeSource, bool)> {
        let mut causes = Vec::new();
        if let Some(written) = written {
            let written = self.scope.chosen(written);
            visit(&written, &mut |reference| match reference {
                Reference::Name(name) if self.is_replaced(name) => {
                    causes.push((ChangeSource::ResourceReference(name.to_owned()), false));
                }
                Reference::Attribute(name) if self.changed.contains_key(name) => {
                    causes.push((ChangeSource::ResourceAttribute(name.to_owned()), false));
                }
                Reference::Name(name) if is_changed && self.has_changed(name) => {
                    causes.push((ChangeSource::ParameterReference(name.to_owned()), true));
                }
                Reference::Name(_) | Reference::Attribute(_) => {}
            });
        }
        causes.dedup();
        let by_parameter = causes.iter().any(|(_, is_static)| *is_static);
        if by_parameter || (is_changed && causes.is_empty()) {
            causes.push((ChangeSource::DirectModification, !by_parameter));
        }
        causes
    }

    /// Whether a resource gets another physical id, or may.
    fn is_replaced(&self, logical_id: &str) -> bool {
        let replacement = self.changed.get(logical_id);
        replacement.is_some_and(|replacement| *replacement != Replacement::False)
    }

    fn has_changed(&self, parameter: &str) -> bool {
        let after = self.scope.parameters.get(parameter);
        after.is_some_and(|after| {
            self.before
                .get(parameter)
                .is_none_or(|before| before.effective() != after.effective())
        })
    }
}

/// Source: `Replacement` at
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html>.
fn replacement_of(detail: &ChangeDetail) -> Replacement {
    match (detail.requires_recreation, detail.is_static) {
        (RequiresRecreation::Never, _) => Replacement::False,
        (RequiresRecreation::Always, true) => Replacement::True,
        (RequiresRecreation::Always, false) | (RequiresRecreation::Conditionally, _) => {
            Replacement::Conditional
        }
    }
}
