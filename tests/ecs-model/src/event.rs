//! What happened, as the account's event bus hears of it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::ecs::Ecs;
use crate::failure::FailureCause;
use crate::identifier::{number_of, uuid};
use crate::lifecycle_hook::HookExecution;
use crate::protocol::{Dates, task_document};
use crate::service::ServiceKey;
use crate::task::{TaskKey, TaskSpecification, TaskState};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Counted from 1.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: ChangeKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeKind {
    /// `ECS Task State Change`.
    Task {
        /// What the task was started as.
        specification: Arc<TaskSpecification>,
        /// How it stood then.
        state: TaskState,
    },
    /// `ECS Deployment State Change`.
    Deployment {
        /// The service's ARN.
        service_arn: Arc<str>,
        /// `ecs-svc/…`.
        deployment_id: Arc<str>,
        /// What became of it.
        change: DeploymentChange,
        /// The deployment that is gone back to, if that is what began.
        rolls_back_to: Option<Arc<str>>,
    },
    /// `ECS Service Action`.
    Service {
        /// The service's ARN.
        service_arn: Arc<str>,
        /// Its cluster's ARN.
        cluster_arn: Arc<str>,
        /// What its scheduler did or found.
        action: ServiceAction,
    },
    /// `ECS Hook State Change`.
    Hook {
        /// The service's ARN.
        service_arn: Arc<str>,
        /// Its cluster's ARN.
        cluster_arn: Arc<str>,
        /// The ARN of the service deployment that the hook holds up.
        service_deployment_arn: Arc<str>,
        /// How the hook stands.
        hook: HookExecution,
    },
}

/// What became of a deployment.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_deployment_events.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentChange {
    /// It started.
    InProgress,
    /// Its service is steady.
    Completed,
    /// It failed.
    Failed(FailureCause),
    /// Another one failed, and the service goes back to it.
    RollingBack(FailureCause),
}

impl DeploymentChange {
    /// The event's `eventName`.
    pub fn event_name(self) -> &'static str {
        match self {
            DeploymentChange::InProgress | DeploymentChange::RollingBack(_) => {
                "SERVICE_DEPLOYMENT_IN_PROGRESS"
            }
            DeploymentChange::Completed => "SERVICE_DEPLOYMENT_COMPLETED",
            DeploymentChange::Failed(_) => "SERVICE_DEPLOYMENT_FAILED",
        }
    }

    /// The event's `eventType`.
    pub fn event_type(self) -> &'static str {
        match self {
            DeploymentChange::InProgress
            | DeploymentChange::RollingBack(_)
            | DeploymentChange::Completed => "INFO",
            DeploymentChange::Failed(_) => "ERROR",
        }
    }

    /// The event's `reason`, of the deployment that it is about; where the
    /// service goes back to one, of that which is gone back to.
    pub fn reason(self, deployment_id: &str) -> String {
        match self {
            DeploymentChange::InProgress => format!("ECS deployment {deployment_id} in progress."),
            DeploymentChange::Completed => format!("ECS deployment {deployment_id} completed."),
            DeploymentChange::Failed(cause) => cause.event_reason(deployment_id),
            DeploymentChange::RollingBack(cause) => cause.rollback_reason(deployment_id),
        }
    }
}

/// What a service's scheduler did or found.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceAction {
    /// The service is healthy and has its desired number of tasks.
    SteadyState,
    /// The service cannot start tasks consistently.
    TaskStartImpaired,
    /// Fargate has no capacity for the service's tasks.
    TaskPlacementFailure,
}

impl ServiceAction {
    /// The event's `eventName` and `eventType`.
    pub fn event(self) -> (&'static str, &'static str) {
        match self {
            ServiceAction::SteadyState => ("SERVICE_STEADY_STATE", "INFO"),
            ServiceAction::TaskStartImpaired => ("SERVICE_TASK_START_IMPAIRED", "WARN"),
            ServiceAction::TaskPlacementFailure => ("SERVICE_TASK_PLACEMENT_FAILURE", "ERROR"),
        }
    }

    /// The event's `reason`, if it has one.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            ServiceAction::SteadyState | ServiceAction::TaskStartImpaired => None,
            ServiceAction::TaskPlacementFailure => Some("RESOURCE:FARGATE"),
        }
    }
}

impl Ecs {
    /// Reports how a task stands, under its next version.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html>.
    pub(crate) fn report_task(&mut self, key: TaskKey) {
        let now = self.now;
        let Some(task) = self.tasks.get_mut(&key) else {
            return;
        };
        task.state.version += 1;
        task.state.updated_at = now;
        let kind = ChangeKind::Task {
            specification: Arc::clone(&task.specification),
            state: task.state.clone(),
        };
        self.report(kind);
    }

    /// Reports what became of a deployment.
    pub(crate) fn report_deployment(
        &mut self,
        service: ServiceKey,
        deployment_id: Arc<str>,
        change: DeploymentChange,
    ) {
        self.report_rollback(service, deployment_id, change, None);
    }

    /// Reports what became of a deployment, and which one is gone back to.
    pub(crate) fn report_rollback(
        &mut self,
        service: ServiceKey,
        deployment_id: Arc<str>,
        change: DeploymentChange,
        rolls_back_to: Option<Arc<str>>,
    ) {
        let service_arn = Arc::clone(&self.services[service.0].arn);
        self.report(ChangeKind::Deployment {
            service_arn,
            deployment_id,
            change,
            rolls_back_to,
        });
    }

    /// Reports what a service's scheduler did or found.
    pub(crate) fn report_service_action(&mut self, service: ServiceKey, action: ServiceAction) {
        let service = &self.services[service.0];
        self.report(ChangeKind::Service {
            service_arn: Arc::clone(&service.arn),
            cluster_arn: self.arns.cluster(&service.cluster).into(),
            action,
        });
    }

    /// Reports how a hook of the deployment that is going on stands.
    pub(crate) fn report_hook(&mut self, service: ServiceKey, position: usize) {
        let service = &self.services[service.0];
        let Some(record) = service.ongoing() else {
            return;
        };
        let hooks = record.lifecycle.as_ref().map(|lifecycle| &lifecycle.hooks);
        if let Some(hook) = hooks.and_then(|hooks| hooks.get(position)) {
            let kind = ChangeKind::Hook {
                service_arn: Arc::clone(&service.arn),
                cluster_arn: self.arns.cluster(&service.cluster).into(),
                service_deployment_arn: Arc::clone(&record.arn),
                hook: hook.clone(),
            };
            self.report(kind);
        }
    }

    fn report(&mut self, kind: ChangeKind) {
        self.last_change += 1;
        self.changes.push(Change {
            sequence: self.last_change,
            at: self.now,
            kind,
        });
    }

    /// Renders a change as EventBridge delivers it.
    ///
    /// Source: <https://docs.aws.amazon.com/eventbridge/latest/ref/events-structure.html>.
    pub fn envelope(&self, change: &Change) -> Value {
        let (detail_type, resource, detail) = match &change.kind {
            ChangeKind::Task {
                specification,
                state,
            } => {
                let detail = task_document(self, specification, state, Dates::Iso);
                (
                    "ECS Task State Change",
                    &specification.arn,
                    Value::Object(detail),
                )
            }
            ChangeKind::Deployment {
                service_arn,
                deployment_id,
                change: what,
                rolls_back_to,
            } => (
                "ECS Deployment State Change",
                service_arn,
                json!({
                    "eventType": what.event_type(),
                    "eventName": what.event_name(),
                    "deploymentId": &**deployment_id,
                    "updatedAt": iso(change.at),
                    "reason": what.reason(rolls_back_to.as_ref().unwrap_or(deployment_id)),
                }),
            ),
            ChangeKind::Service {
                service_arn,
                cluster_arn,
                action,
            } => {
                let (event_name, event_type) = action.event();
                let mut detail = json!({
                    "eventType": event_type,
                    "eventName": event_name,
                    "clusterArn": &**cluster_arn,
                    "createdAt": iso(change.at),
                });
                if let Some(reason) = action.reason() {
                    detail["reason"] = json!(reason);
                }
                ("ECS Service Action", service_arn, detail)
            }
            ChangeKind::Hook {
                service_arn,
                cluster_arn,
                service_deployment_arn,
                hook,
            } => {
                let mut detail = hook_detail(hook, change.at);
                detail["clusterArn"] = json!(&**cluster_arn);
                detail["serviceArn"] = json!(&**service_arn);
                detail["serviceDeploymentArn"] = json!(&**service_deployment_arn);
                ("ECS Hook State Change", service_deployment_arn, detail)
            }
        };
        let id = uuid(number_of(&self.account_id) ^ number_of(&self.region) ^ change.sequence);
        let mut envelope = Map::new();
        envelope.insert("version".to_owned(), json!("0"));
        envelope.insert("id".to_owned(), json!(id));
        envelope.insert("detail-type".to_owned(), json!(detail_type));
        envelope.insert("source".to_owned(), json!("aws.ecs"));
        envelope.insert("account".to_owned(), json!(self.account_id));
        envelope.insert("time".to_owned(), json!(to_second(change.at)));
        envelope.insert("region".to_owned(), json!(self.region));
        envelope.insert("resources".to_owned(), json!([&**resource]));
        envelope.insert("detail".to_owned(), detail);
        Value::Object(envelope)
    }
}

/// What an event says of a hook itself.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_hook_state_change_events.html>.
/// Its one sample is of the type INFO; that the others are too is assumed.
fn hook_detail(hook: &HookExecution, at: Timestamp) -> Value {
    json!({
        "eventType": "INFO",
        "eventName": format!("HOOK_{}", hook.status.as_str()),
        "hookId": &*hook.id,
        "hookType": hook.target.as_str(),
        "expiresAt": iso(hook.expires_at),
        "lifecycleStage": hook.stage.as_str(),
        "updatedAt": iso(at),
    })
}

/// Renders a time as events do in `detail`: to the millisecond, without trailing zeros.
pub(crate) fn iso(at: Timestamp) -> String {
    Timestamp::from_millisecond(at.as_millisecond())
        .unwrap_or(at)
        .to_string()
}

fn to_second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second())
        .unwrap_or(at)
        .to_string()
}
