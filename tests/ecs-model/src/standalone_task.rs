//! RunTask and StopTask, and finding tasks.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::service_check::check_placement;
use crate::tag::{Tag, Tags};
use crate::task::{StopCode, Task, TaskKey, TaskSpecification};
use crate::workload::Workload;

/// What RunTask is called with.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the members are the API's, by their names")]
pub struct RunTask {
    pub cluster: Option<String>,
    pub task_definition: String,
    pub count: Option<i64>,
    pub client_token: Option<String>,
    pub group: Option<String>,
    pub started_by: Option<String>,
    pub overrides: Option<Value>,
    pub tags: Vec<Tag>,
    pub propagate_tags: Option<String>,
    #[serde(rename = "enableECSManagedTags")]
    pub enable_ecs_managed_tags: bool,
    pub enable_execute_command: bool,
    #[serde(flatten)]
    pub workload: Workload,
}

/// A call of RunTask that carried a token, and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct RunTaskCall {
    input: RunTask,
    tasks: Vec<TaskKey>,
}

impl Ecs {
    /// Starts tasks outside of any service.
    ///
    /// A second call with the same token and parameters answers with the tasks
    /// of the first. Source:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html>.
    ///
    /// # Errors
    ///
    /// `ClusterNotFoundException`; `ConflictException` for a token that was used
    /// with other parameters; `ClientException` or `InvalidParameterException`
    /// for a task definition that cannot be run so.
    pub fn run_task(&mut self, input: RunTask) -> Result<Vec<TaskKey>, ServiceError> {
        self.remember();
        let cluster = self.active_cluster(input.cluster.as_deref())?;
        if let Some(token) = &input.client_token
            && let Some(call) = self.run_task_calls.get(token)
        {
            if call.input == input {
                return Ok(call.tasks.clone());
            }
            return Err(ServiceError::new(
                "ConflictException",
                "The clientToken is already in use with a different RunTask request.",
            ));
        }
        let count = match input.count {
            None => 1,
            Some(count @ 1..=10) => count,
            Some(_) => {
                return Err(ServiceError::invalid_parameter(
                    "Count must be between 1 and 10.",
                ));
            }
        };
        let (template, tags) = self.standalone(&cluster, &input)?;
        let mut tasks = Vec::new();
        for _ in 0..count {
            let mut specification = template.clone();
            specification.id = self.identifiers.task();
            specification.arn = self.arns.task(&cluster, &specification.id).into();
            tasks.push(self.launch(specification, tags.clone()));
        }
        if let Some(token) = input.client_token.clone() {
            let call = RunTaskCall {
                input,
                tasks: tasks.clone(),
            };
            self.run_task_calls.insert(token, call);
        }
        Ok(tasks)
    }

    /// Stops a task and deletes its tags. Stopping a stopped one changes nothing.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html>.
    ///
    /// # Errors
    ///
    /// `ClusterNotFoundException`, and `InvalidParameterException` if there is
    /// no such task.
    pub fn stop_task(
        &mut self,
        cluster: Option<&str>,
        reference: &str,
        reason: Option<&str>,
    ) -> Result<TaskKey, ServiceError> {
        self.remember();
        let cluster = self.active_cluster(cluster)?;
        let key = self
            .task_key(&cluster, reference)
            .ok_or_else(|| ServiceError::invalid_parameter("The referenced task was not found."))?;
        self.stop(
            key,
            StopCode::UserInitiated,
            reason.unwrap_or("Task stopped by user"),
        );
        if let Some(task) = self.tasks.get_mut(&key) {
            task.tags = Tags::default();
        }
        Ok(key)
    }

    /// Lists the tasks of a cluster that can still be described, oldest first.
    pub fn tasks<'a>(&'a self, cluster: &'a str) -> impl Iterator<Item = (TaskKey, &'a Task)> {
        self.tasks
            .iter()
            .filter(move |(_, task)| *task.specification.cluster == *cluster)
            .map(|(key, task)| (*key, &**task))
    }

    /// Finds a task of a cluster by its id or ARN.
    pub(crate) fn task_key(&self, cluster: &str, reference: &str) -> Option<TaskKey> {
        let name = self.arns.resource(reference, "task")?;
        let id = name.rsplit('/').next()?;
        let key = self.task_ids.get(id)?;
        let task = self.tasks.get(key)?;
        (*task.specification.cluster == *cluster).then_some(*key)
    }

    fn standalone(
        &self,
        cluster: &Arc<str>,
        input: &RunTask,
    ) -> Result<(TaskSpecification, Tags), ServiceError> {
        let entry = self
            .task_definition(&input.task_definition)
            .ok_or_else(|| ServiceError::client("TaskDefinition not found."))?;
        let definition = self
            .deployable(&entry.definition.arn)
            // RunTask calls the same refusal by another name than UpdateService.
            .map_err(|error| ServiceError::invalid_parameter(error.message))?;
        let workload = self.placed(cluster, input.workload.clone());
        check_placement(Some(&definition), &workload)?;
        if !workload.is_fargate() {
            return Err(ServiceError::invalid_parameter(
                "No Container Instances were found in your cluster.",
            ));
        }
        let mut tags = match input.propagate_tags.as_deref() {
            None | Some("NONE") => Tags::default(),
            Some("TASK_DEFINITION") => entry.tags.clone(),
            Some(_) => {
                return Err(ServiceError::invalid_parameter(
                    "Tags can be propagated from the task definition only when a task is run.",
                ));
            }
        };
        tags.add(&Tags::from_request(&input.tags)?)?;
        if input.enable_ecs_managed_tags {
            tags.put("aws:ecs:clusterName", cluster);
        }
        let group = match &input.group {
            Some(group) => group.clone(),
            None => format!("family:{}", definition.family),
        };
        let specification = TaskSpecification {
            id: String::new(),
            arn: "".into(),
            cluster: Arc::clone(cluster),
            cluster_arn: self.arns.cluster(cluster).into(),
            service: None,
            revision: None,
            task_definition: definition,
            workload: Arc::new(workload),
            group: group.into(),
            started_by: input.started_by.as_deref().map(Into::into),
            overrides: input.overrides.clone(),
            enable_execute_command: input.enable_execute_command,
            created_at: self.now,
        };
        Ok((specification, tags))
    }
}

impl TaskSpecification {
    /// What it overrides, as ECS shows it: an entry for each container.
    ///
    /// Source: `overrides` at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>.
    pub(crate) fn shown_overrides(&self) -> Value {
        self.overrides.clone().unwrap_or_else(|| {
            let containers: Vec<Value> = self
                .task_definition
                .containers
                .iter()
                .map(|container| json!({"name": container.name}))
                .collect();
            json!({ "containerOverrides": containers })
        })
    }
}
