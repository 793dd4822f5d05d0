//! Task definitions: families and their revisions, each kept as the JSON it came as.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::container::ContainerDefinition;
use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::registry::Platform;
use crate::tag::Tags;
use crate::task_definition_document as document;

/// One revision of a family; it never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskDefinition {
    /// `arn:…:task-definition/family:revision`.
    pub arn: Arc<str>,
    /// The family's name.
    pub family: String,
    /// Counted from 1 in each family; a number is never used again.
    pub revision: u32,
    /// What was registered, without its tags: every member as it came, also
    /// those that this model knows nothing of.
    pub document: Map<String, Value>,
    /// The containers, read from the document.
    pub containers: Vec<ContainerDefinition>,
    /// What its tasks run on.
    pub platform: Platform,
    /// When it was registered.
    pub registered_at: Timestamp,
}

impl TaskDefinition {
    /// Whether its tasks can run on Fargate.
    pub fn supports_fargate(&self) -> bool {
        document::compatibilities(&self.document).contains(&"FARGATE")
    }

    /// Whether its tasks get a network interface of their own.
    pub fn is_awsvpc(&self) -> bool {
        document::is_awsvpc(&self.document)
    }
}

/// Whether a revision can be deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskDefinitionStatus {
    /// It can.
    Active,
    /// It was deregistered: what runs goes on, nothing new is deployed.
    Inactive,
}

impl TaskDefinitionStatus {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskDefinitionStatus::Active => "ACTIVE",
            TaskDefinitionStatus::Inactive => "INACTIVE",
        }
    }
}

/// A revision with what can change about it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskDefinitionEntry {
    /// The revision.
    pub definition: Arc<TaskDefinition>,
    /// Whether it can be deployed.
    pub status: TaskDefinitionStatus,
    /// When it was deregistered.
    pub deregistered_at: Option<Timestamp>,
    /// Its tags.
    pub tags: Tags,
}

/// All families of the account.
pub(crate) type Families = BTreeMap<String, Vec<TaskDefinitionEntry>>;

impl Ecs {
    /// Registers a new revision of the document's family.
    ///
    /// The revision is always one more than the last, whatever was deregistered.
    /// Source: `revision` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html>.
    /// There is no client token: the same document registered twice makes two revisions.
    ///
    /// # Errors
    ///
    /// `ClientException` if the document lacks what ECS requires.
    pub fn register_task_definition(
        &mut self,
        document: Map<String, Value>,
        tags: Tags,
    ) -> Result<&TaskDefinitionEntry, ServiceError> {
        self.remember();
        let containers = document::read_containers(&document)?;
        let family = document
            .get("family")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let entries = self.families.entry(family.clone()).or_default();
        let revision = entries.len() as u32 + 1;
        let definition = TaskDefinition {
            arn: self.arns.task_definition(&family, revision).into(),
            platform: document::platform(&document),
            family,
            revision,
            document,
            containers,
            registered_at: self.now,
        };
        entries.push(TaskDefinitionEntry {
            definition: Arc::new(definition),
            status: TaskDefinitionStatus::Active,
            deregistered_at: None,
            tags,
        });
        Ok(&entries[entries.len() - 1])
    }

    /// Finds a revision by `family` (its latest ACTIVE one), `family:revision` or ARN.
    ///
    /// Source: `taskDefinition` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html>.
    pub fn task_definition(&self, reference: &str) -> Option<&TaskDefinitionEntry> {
        let (family, revision) = self.task_definition_name(reference)?;
        let entries = self.families.get(family)?;
        match revision {
            Some(revision) => entries.get(revision.checked_sub(1)? as usize),
            None => entries
                .iter()
                .rev()
                .find(|entry| entry.status == TaskDefinitionStatus::Active),
        }
    }

    /// Deregisters a revision; doing it twice changes nothing.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html>.
    /// The ten minutes for which it may still be deployed are not modelled.
    ///
    /// # Errors
    ///
    /// `ClientException` if there is no such revision or none is named.
    pub fn deregister_task_definition(
        &mut self,
        reference: &str,
    ) -> Result<&TaskDefinitionEntry, ServiceError> {
        self.remember();
        let now = self.now;
        match self.task_definition_name(reference) {
            Some((_, Some(_))) => {}
            Some((_, None)) | None => {
                return Err(ServiceError::client(
                    "Unable to describe task definition: name its family and revision.",
                ));
            }
        }
        let entry = self
            .task_definition_mut(reference)
            .ok_or_else(|| ServiceError::client("The specified task definition does not exist."))?;
        if entry.status == TaskDefinitionStatus::Active {
            entry.status = TaskDefinitionStatus::Inactive;
            entry.deregistered_at = Some(now);
        }
        Ok(entry)
    }

    /// Lists the revisions of a status, of one family or of all, oldest first.
    pub fn task_definitions(
        &self,
        family: Option<&str>,
        status: TaskDefinitionStatus,
    ) -> impl Iterator<Item = &TaskDefinitionEntry> {
        self.families
            .iter()
            .filter(move |(name, _)| family.is_none_or(|family| family == name.as_str()))
            .flat_map(|(_, entries)| entries)
            .filter(move |entry| entry.status == status)
    }

    pub(crate) fn task_definition_mut(
        &mut self,
        reference: &str,
    ) -> Option<&mut TaskDefinitionEntry> {
        let definition = &self.task_definition(reference)?.definition;
        let (family, index) = (definition.family.clone(), definition.revision as usize - 1);
        self.families.get_mut(&family)?.get_mut(index)
    }

    /// Finds a revision that may be deployed.
    ///
    /// An INACTIVE revision can run no new task, make no service and be put into
    /// none. Source:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html>.
    ///
    /// # Errors
    ///
    /// `ClientException` if it does not exist or is INACTIVE.
    pub(crate) fn deployable(&self, reference: &str) -> Result<Arc<TaskDefinition>, ServiceError> {
        let entry = self
            .task_definition(reference)
            .ok_or_else(|| ServiceError::client("TaskDefinition not found."))?;
        match entry.status {
            TaskDefinitionStatus::Active => Ok(Arc::clone(&entry.definition)),
            TaskDefinitionStatus::Inactive => {
                Err(ServiceError::client("TaskDefinition is inactive"))
            }
        }
    }

    fn task_definition_name<'a>(&self, reference: &'a str) -> Option<(&'a str, Option<u32>)> {
        let name = self.arns.resource(reference, "task-definition")?;
        match name.split_once(':') {
            None => Some((name, None)),
            Some((family, revision)) => Some((family, Some(revision.parse().ok()?))),
        }
    }
}
