//! The account's stacks in one Region, and their clock.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::agenda::{Agenda, Due};
use crate::capability;
use crate::change_set::ChangeSet;
use crate::effect::{Effect, EffectId, Failure, Ongoing, Outcome};
use crate::error::ServiceError;
use crate::event::StackChange;
use crate::identifier::{Arns, Identifiers};
use crate::parameter::{Parameter, ParameterValues, work_out};
use crate::resolve::Scope;
use crate::settings::Settings;
use crate::stack::{Desired, KnownAttribute, Resource, Stack, StackKey};
use crate::status::{ExecutionStatus, ResourceStatus, StackStatus};
use crate::template::Template;

/// The account's stacks in one Region.
#[derive(Clone, Debug)]
pub struct Stacks {
    pub(crate) settings: Settings,
    pub(crate) arns: Arns,
    pub(crate) identifiers: Identifiers,
    /// The time of everything that happens now.
    pub(crate) now: Timestamp,
    pub(crate) agenda: Agenda,
    pub(crate) stacks: Vec<Stack>,
    pub(crate) change_sets: Vec<ChangeSet>,
    /// What Parameter Store has.
    pub(crate) store: BTreeMap<String, String>,
    /// What other stacks export, by name.
    pub(crate) exports: BTreeMap<String, String>,
    pub(crate) ongoing: BTreeMap<EffectId, Ongoing>,
    pub(crate) last_effect: u64,
    pub(crate) last_operation: u64,
    pub(crate) effects: Vec<Effect>,
    pub(crate) changes: Vec<StackChange>,
}

/// A stack to be there.
#[derive(Clone, Debug, Default)]
pub struct CreateStack {
    /// Its name.
    pub name: String,
    /// Its ARN, where somebody else made it; another is made up where there is none.
    pub arn: Option<String>,
    /// Its template, in JSON.
    pub template: serde_json::Value,
    /// The values of its parameters; one that is not named takes its default.
    pub parameters: Vec<Parameter>,
    /// The physical ids of resources that are there already, by logical id; the
    /// others are made up.
    pub physical_ids: BTreeMap<String, String>,
    /// What `Fn::GetAtt` of resources that are there already comes to, by
    /// `LogicalId.Attribute`; the others are made up after the physical id.
    pub attributes: BTreeMap<String, String>,
    /// What was acknowledged.
    pub capabilities: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its service role.
    pub role_arn: Option<String>,
    /// Whether it is protected from deletion.
    pub termination_protection: bool,
}

impl Stacks {
    /// Makes an account without any stack.
    pub fn new(settings: Settings) -> Self {
        Stacks {
            arns: Arns::new(&settings),
            identifiers: Identifiers::new(&settings),
            settings,
            now: Timestamp::UNIX_EPOCH,
            agenda: Agenda::default(),
            stacks: Vec::new(),
            change_sets: Vec::new(),
            store: BTreeMap::new(),
            exports: BTreeMap::new(),
            ongoing: BTreeMap::new(),
            last_effect: 0,
            last_operation: 0,
            effects: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Performs every transition that is due up to `now`, in order.
    ///
    /// Time never goes back: an earlier `now` counts as the latest one.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some((at, due)) = self.agenda.take_due(now) {
            self.now = self.now.max(at);
            match due {
                Due::ChangeSet(key) => self.step_change_set(key),
                Due::Operation(key, number) => self.go_on(key, number),
                Due::Done(id) => self.finish_unasked(id),
                Due::TooLong(id) => {
                    self.answer(id, Outcome::Failed(Failure::not_stabilized()));
                }
            }
        }
        self.now = self.now.max(now);
    }

    /// Says when the next transition is due.
    pub fn next_change_at(&self) -> Option<Timestamp> {
        self.agenda.next_at()
    }

    /// The time of the last [`advance`](Stacks::advance).
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Writes a value into Parameter Store.
    pub fn set_ssm_parameter(&mut self, name: &str, value: &str) {
        self.store.insert(name.to_owned(), value.to_owned());
    }

    /// Takes a value out of Parameter Store.
    pub fn remove_ssm_parameter(&mut self, name: &str) {
        self.store.remove(name);
    }

    /// Makes a value one that `Fn::ImportValue` finds.
    pub fn set_export(&mut self, name: &str, value: &str) {
        self.exports.insert(name.to_owned(), value.to_owned());
    }

    /// Makes a stack that is in `CREATE_COMPLETE` at once: how its resources came
    /// about is not modelled.
    ///
    /// # Errors
    ///
    /// What CreateStack answers, and `AlreadyExistsException` for a name that
    /// another stack has.
    pub fn create_stack(&mut self, request: CreateStack) -> Result<StackKey, ServiceError> {
        if self.find_stack(&request.name).is_some() {
            let message = format!("Stack [{}] already exists", request.name);
            return Err(ServiceError::new("AlreadyExistsException", message));
        }
        let template = Template::parse(request.template)?;
        let none = ParameterValues::new();
        let parameters = work_out(&template, &none, &request.parameters, &self.store)?;
        capability::check(&template, &request.capabilities, true)?;
        let key = StackKey(self.stacks.len());
        let arn = match request.arn {
            Some(arn) => arn,
            None => self.arns.stack(&request.name, &self.identifiers.uuid()),
        };
        self.stacks.push(Stack {
            arn,
            name: request.name,
            status: StackStatus::CreateComplete,
            status_reason: None,
            desired: Desired {
                template: Arc::new(template),
                parameters,
                capabilities: request.capabilities,
                tags: request.tags,
            },
            role_arn: request.role_arn,
            termination_protection: request.termination_protection,
            created_at: self.now,
            updated_at: None,
            deleted_at: None,
            change_set_arn: None,
            resources: BTreeMap::new(),
            events: Vec::new(),
            operation: None,
            attributes: known_attributes(&request.attributes, &request.physical_ids),
            tokens: BTreeMap::new(),
            failures: BTreeMap::new(),
        });
        self.fill(key, &request.physical_ids);
        self.turn(key, StackStatus::CreateComplete, None);
        Ok(key)
    }

    /// Gives a new stack its resources.
    fn fill(&mut self, key: StackKey, physical_ids: &BTreeMap<String, String>) {
        let template = Arc::clone(&self.stacks[key.0].desired.template);
        for logical_id in template.order().0 {
            let Some(declaration) = template.resources.get(&logical_id) else {
                continue;
            };
            let stack = &self.stacks[key.0];
            let scope = self.scope(stack, &stack.desired);
            if !scope.holds(declaration.condition.as_deref()) {
                continue;
            }
            let properties = scope.properties(&declaration.properties);
            let physical_id = match physical_ids.get(&logical_id) {
                Some(physical_id) => physical_id.clone(),
                None => self.identifiers.physical_id(&stack.name, &logical_id),
            };
            let resource = Resource {
                type_name: declaration.type_name.clone(),
                physical_id: Some(physical_id),
                properties,
                status: ResourceStatus::CreateComplete,
                status_reason: None,
                updated_at: self.now,
                before: None,
                logical_id: logical_id.clone(),
            };
            let stack = &mut self.stacks[key.0];
            stack.resources.insert(logical_id.clone(), resource);
            self.turn_resource(key, &logical_id, ResourceStatus::CreateComplete, None);
        }
    }

    /// Puts a stack in any status, as if something had happened that this model
    /// does not know; what goes on is dropped.
    pub fn set_status(&mut self, key: StackKey, status: StackStatus, reason: Option<&str>) {
        if key.0 < self.stacks.len() {
            self.drop_ongoing(key);
            let dropped = self.stacks[key.0].operation.take();
            if let Some(change_set) = dropped.and_then(|operation| operation.change_set) {
                let execution = ExecutionStatus::ExecuteFailed;
                self.change_sets[change_set.0].execution_status = execution;
            }
            self.turn(key, status, reason);
        }
    }

    /// Finds a stack by its key.
    pub fn stack(&self, key: StackKey) -> Option<&Stack> {
        self.stacks.get(key.0)
    }

    /// Finds a stack by its ARN, or by its name while it is not deleted.
    ///
    /// Source: "Deleted stacks: You must specify the unique stack ID", `StackName` at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>.
    pub fn find_stack(&self, reference: &str) -> Option<StackKey> {
        let is_it = |stack: &Stack| {
            stack.arn == reference
                || (stack.name == reference && stack.status != StackStatus::DeleteComplete)
        };
        self.stacks.iter().position(is_it).map(StackKey)
    }

    /// Every stack there is, deleted ones too, oldest first.
    pub fn stacks(&self) -> impl Iterator<Item = &Stack> {
        self.stacks.iter()
    }

    /// The time that comes `duration` from now, or the end of time.
    pub(crate) fn after(&self, duration: SignedDuration) -> Timestamp {
        self.now.checked_add(duration).unwrap_or(Timestamp::MAX)
    }

    /// What names stand for in a stack that is made to be `desired`.
    pub(crate) fn scope<'a>(&'a self, stack: &'a Stack, desired: &'a Desired) -> Scope<'a> {
        let Settings {
            account_id,
            region,
            partition,
            ..
        } = &self.settings;
        let suffix = match partition.as_str() {
            "aws-cn" => "amazonaws.com.cn",
            _ => "amazonaws.com",
        };
        Scope {
            template: &desired.template,
            parameters: &desired.parameters,
            physical_ids: stack
                .resources
                .iter()
                .filter_map(|(name, one)| Some((name.as_str(), one.physical_id.as_deref()?)))
                .collect(),
            attributes: &stack.attributes,
            exports: &self.exports,
            pseudo: BTreeMap::from([
                ("AWS::AccountId", account_id.clone()),
                ("AWS::Region", region.clone()),
                ("AWS::Partition", partition.clone()),
                ("AWS::URLSuffix", suffix.to_owned()),
                ("AWS::StackName", stack.name.clone()),
                ("AWS::StackId", stack.arn.clone()),
            ]),
        }
    }
}

/// Each attribute with the physical id of the resource whose it is; what has none
/// could not be told from one that takes its place.
fn known_attributes(
    attributes: &BTreeMap<String, String>,
    physical_ids: &BTreeMap<String, String>,
) -> BTreeMap<String, KnownAttribute> {
    let known = attributes.iter().filter_map(|(name, value)| {
        let (logical_id, _) = name.split_once('.')?;
        let known = KnownAttribute {
            physical_id: physical_ids.get(logical_id)?.clone(),
            value: value.clone(),
        };
        Some((name.clone(), known))
    });
    known.collect()
}
