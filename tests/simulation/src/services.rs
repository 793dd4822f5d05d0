//! The port to ECS, on the model.

use std::collections::HashMap;
use std::sync::Arc;

use ecs_model::{
    Deployment, DeploymentController, FailureCause, HookExecution, HookStatus, HookTarget,
    RolloutState, SchedulingStrategy, ServiceDeploymentStatus, ServiceError, ServiceMessage,
    ServiceRevision, ServiceStatus, TaskDefinitionStatus, UpdateService,
};
use jiff::Timestamp;
use pushboat::core::evidence::ServiceEvent;
use pushboat::core::name::ImageDigest;
use pushboat::core::observation::{
    Controller, Definition, DeploymentRecord, DeploymentState, Digests, OwnRevision, PausedHook,
    RecordStatus, Service, ServiceDeployment, ServiceLook,
};
use pushboat::core::policy::ServiceRef;
use pushboat::ports::{CallError, Services};
use pushboat::task_definition::{ROLLOUT_TAG, is_own};
use serde_json::{Value, json};

use crate::deeds::{Deed, Stopped, Updated};
use crate::ecs::Ecs;

impl Services for Ecs {
    async fn service(&self, service: &ServiceRef) -> Result<ServiceLook, CallError> {
        self.count(&["DescribeServices"])?;
        let complaints = &mut *self.complaints.borrow_mut();
        let look =
            |model: &ecs_model::Ecs| match model.service(Some(&service.cluster), &service.name) {
                Err(_) => ServiceLook::ClusterMissing,
                Ok(None) => ServiceLook::Missing,
                Ok(Some(found)) => ServiceLook::Found(Box::new(seen(model, found, complaints))),
            };
        Ok(self.shown_services(look))
    }

    async fn task_definition(&self, arn: &str) -> Result<Arc<Definition>, CallError> {
        self.count(&["DescribeTaskDefinition"])?;
        let model = self.read();
        let Some(entry) = model.task_definition(arn) else {
            let error = not_found("Unable to describe task definition.");
            return Err(refused("DescribeTaskDefinition", &error));
        };
        let rendered = self.definitions.borrow().get(arn).cloned();
        if let Some(known) = rendered
            && known.raw["status"] == entry.status.as_str()
        {
            return Ok(known);
        }
        let mut raw = entry.definition.document.clone();
        let members = [
            ("taskDefinitionArn", json!(&*entry.definition.arn)),
            ("revision", json!(entry.definition.revision)),
            ("status", json!(entry.status.as_str())),
            ("compatibilities", json!(["EC2", "FARGATE"])),
            (
                "registeredAt",
                json!(entry.definition.registered_at.as_second()),
            ),
        ];
        raw.extend(members.map(|(name, value)| (name.to_owned(), value)));
        let tags = entry.tags.iter();
        let tags: Vec<Value> = tags
            .map(|(key, value)| json!({ "key": key, "value": value }))
            .collect();
        let definition = Arc::new(Definition {
            raw: Value::Object(raw),
            tags: Value::Array(tags),
        });
        let mut definitions = self.definitions.borrow_mut();
        definitions.insert(arn.to_owned(), Arc::clone(&definition));
        Ok(definition)
    }

    async fn own_revision(&self, own: &OwnRevision) -> Result<Option<String>, CallError> {
        self.count(&["ListTaskDefinitions"])?;
        let find = |model: &ecs_model::Ecs| {
            let base = model.task_definition(&own.base)?;
            let family = base.definition.family.as_str();
            let revisions = model.task_definitions(Some(family), TaskDefinitionStatus::Active);
            let tagged = revisions.filter(|entry| entry.tags.get(ROLLOUT_TAG) == Some(&own.tag));
            let ours = tagged.filter(|entry| {
                let definition = Definition {
                    raw: Value::Object(entry.definition.document.clone()),
                    tags: json!([{ "key": ROLLOUT_TAG, "value": own.tag }]),
                };
                is_own(&definition, own)
            });
            ours.last().map(|entry| entry.definition.arn.to_string())
        };
        Ok(self.shown_definitions(find))
    }

    async fn register(&self, request: &Value) -> Result<String, CallError> {
        self.count(&["RegisterTaskDefinition"])?;
        self.begin_write();
        let registered = self.take_definition(request.clone(), true);
        registered.map_err(|error| refused("RegisterTaskDefinition", &error))
    }

    async fn update(
        &self,
        service: &ServiceRef,
        revision: &str,
    ) -> Result<ServiceDeployment, CallError> {
        self.count(&["UpdateService"])?;
        let input = UpdateService {
            cluster: Some(service.cluster.clone()),
            service: service.name.clone(),
            task_definition: Some(revision.to_owned()),
            ..UpdateService::default()
        };
        self.begin_write();
        let before = self.deeds.are_kept().then(|| self.truth(service));
        let mut model = self.model();
        let updated = model.update_service(input);
        let updated = updated.map_err(|error| refused("UpdateService", &error))?;
        let deployments = updated.deployments.iter().enumerate();
        let primary = deployments
            .map(|(position, one)| deployment(updated, position, one))
            .next();
        drop(model);
        if let (Some(before), Some(primary)) = (before, &primary) {
            self.deeds.note(Deed::Updated(Box::new(Updated {
                at: self.now(),
                service: service.clone(),
                revision: self.revision_truth(revision),
                before,
                deployment: primary.id.clone(),
            })));
        }
        primary.ok_or_else(|| {
            let error = not_found("The service has no deployment.");
            refused("UpdateService", &error)
        })
    }

    async fn resolved_images(
        &self,
        service: &ServiceRef,
        task_definition: &str,
    ) -> Result<Digests, CallError> {
        let look = |model: &ecs_model::Ecs| {
            let found = model.service(Some(&service.cluster), &service.name);
            let Ok(Some(found)) = found else {
                return Digests::new();
            };
            let mut current = found.deployments.iter();
            match (current.next(), current.next()) {
                (Some(only), None) => {
                    let revision = &found.revisions[only.revision];
                    match *revision.task_definition.arn == *task_definition {
                        true => digests(revision),
                        false => Digests::new(),
                    }
                }
                _ => Digests::new(),
            }
        };
        Ok(self.shown_services(look))
    }

    async fn history(
        &self,
        service: &ServiceRef,
        since: Timestamp,
    ) -> Result<Vec<DeploymentRecord>, CallError> {
        self.count(&[
            "ListServiceDeployments",
            "DescribeServiceDeployments",
            "DescribeServiceRevisions",
        ])?;
        let look =
            |model: &ecs_model::Ecs| match model.service(Some(&service.cluster), &service.name) {
                Ok(Some(found)) => {
                    let records = found.service_deployments.iter().rev();
                    let recent = records.filter(|record| record.created_at > since);
                    recent.take(5).map(|one| recorded(found, one)).collect()
                }
                Ok(None) | Err(_) => Vec::new(),
            };
        Ok(self.shown_services(look))
    }

    async fn stop(&self, service_deployment: &str) -> Result<(), CallError> {
        self.begin_write();
        let deed = self.stopping(service_deployment);
        let mut model = self.model();
        let stopped = model.stop_service_deployment(service_deployment, Some("ROLLBACK"));
        stopped.map_err(|error| refused("StopServiceDeployment", &error))?;
        drop(model);
        if let Some(deed) = deed {
            self.deeds.note(Deed::Stopped(deed));
        }
        Ok(())
    }
}

impl Ecs {
    /// Describes the service deployment that is about to be rolled back.
    fn stopping(&self, arn: &str) -> Option<Stopped> {
        if !self.deeds.are_kept() {
            return None;
        }
        let mut parts = arn.rsplit('/').skip(1);
        let (name, cluster) = (parts.next()?, parts.next()?);
        let service = ServiceRef {
            cluster: cluster.to_owned(),
            name: name.to_owned(),
        };
        let model = self.read();
        let found = model.service(Some(cluster), name).ok().flatten()?;
        let mut records = found.service_deployments.iter();
        let record = records.find(|record| &*record.arn == arn)?;
        let sources = record.sources.iter();
        let sources = sources.map(|one| found.revisions[*one].task_definition.arn.to_string());
        let sources = sources.collect();
        drop(model);
        Some(Stopped {
            at: self.now(),
            sources,
            primary: self.truth(&service).and_then(|truth| truth.primary),
            service,
        })
    }
}

/// Reads what ECS resolved a service revision's images to.
pub(crate) fn digests(revision: &ServiceRevision) -> Digests {
    let digests = revision.digests.iter();
    digests
        .filter_map(|(container, digest)| Some((container.clone(), ImageDigest::parse(digest)?)))
        .collect()
}

/// Reads a service deployment as the three calls for the history show it.
fn recorded(
    service: &ecs_model::Service,
    record: &ecs_model::ServiceDeployment,
) -> DeploymentRecord {
    let definition = |revision: usize| {
        let revision = &service.revisions[revision];
        revision.task_definition.arn.to_string()
    };
    let hooks = record.lifecycle.iter().flat_map(|one| &one.hooks);
    let waits = |hook: &&HookExecution| {
        hook.target == HookTarget::Pause && hook.status == HookStatus::AwaitingAction
    };
    DeploymentRecord {
        arn: record.arn.to_string(),
        created_at: record.created_at,
        status: match record.status {
            ServiceDeploymentStatus::Pending | ServiceDeploymentStatus::InProgress => {
                RecordStatus::Ongoing
            }
            ServiceDeploymentStatus::RollbackRequested
            | ServiceDeploymentStatus::RollbackInProgress => RecordStatus::RollingBack,
            ServiceDeploymentStatus::RollbackSuccessful => RecordStatus::RolledBack,
            ServiceDeploymentStatus::RollbackFailed => RecordStatus::RollbackFailed,
            ServiceDeploymentStatus::Successful => RecordStatus::Successful,
            ServiceDeploymentStatus::StopRequested | ServiceDeploymentStatus::Stopped => {
                RecordStatus::Stopped
            }
        },
        status_reason: record.status_reason.clone().unwrap_or_default(),
        target: definition(record.target),
        target_digests: digests(&service.revisions[record.target]),
        sources: record.sources.iter().map(|one| definition(*one)).collect(),
        source_digests: record
            .sources
            .iter()
            .map(|one| digests(&service.revisions[*one]))
            .collect(),
        failed_by_ecs: record
            .failure
            .is_some_and(|cause| cause != FailureCause::Request),
        paused_at: hooks.clone().find(waits).map(|hook| PausedHook {
            service_deployment: record.arn.to_string(),
            hook_id: hook.id.to_string(),
            expires_at: Some(hook.expires_at),
            timeout_action: hook.timeout_action.as_str().to_owned(),
        }),
    }
}

/// Reads a service as DescribeServices shows it.
///
/// Under other controllers than its own ECS shows task sets in the place of
/// deployments. Source: ECS API reference, Service, `deployments` and `taskSets`.
fn seen(
    model: &ecs_model::Ecs,
    service: &ecs_model::Service,
    complaints: &mut Complaints,
) -> Service {
    let deployments = match service.deployment_controller {
        DeploymentController::Ecs => {
            let deployments = service.deployments.iter().enumerate();
            deployments
                .map(|(position, one)| deployment(service, position, one))
                .collect()
        }
        DeploymentController::CodeDeploy | DeploymentController::External => Vec::new(),
    };
    let tags = service.tags.iter();
    Service {
        arn: service.arn.to_string(),
        active: service.status == ServiceStatus::Active,
        created_at: service.created_at,
        controller: match service.deployment_controller {
            DeploymentController::Ecs => Controller::Ecs,
            other @ (DeploymentController::CodeDeploy | DeploymentController::External) => {
                Controller::Other(other.as_str().to_owned())
            }
        },
        daemon: service.scheduling_strategy == SchedulingStrategy::Daemon,
        desired: service.desired_count,
        running: model.task_counts(service, None).running,
        deployments,
        tags: tags
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        target_groups: target_groups(service),
        complaints: service
            .messages
            .iter()
            .filter_map(|message| {
                let read = complaints.entry(message.id);
                read.or_insert_with(|| complaint(message)).clone()
            })
            .collect(),
        has_pause_hooks: service
            .deployment_configuration
            .lifecycle_hooks
            .iter()
            .any(|hook| hook.target == HookTarget::Pause),
    }
}

fn target_groups(service: &ecs_model::Service) -> Vec<String> {
    let group = service.workload.target_group();
    group.map(str::to_owned).into_iter().collect()
}

/// What is known of each message that was read, by its id.
pub(crate) type Complaints = HashMap<u64, Option<ServiceEvent>>;

fn complaint(message: &ServiceMessage) -> Option<ServiceEvent> {
    let event = ServiceEvent {
        name: String::new(),
        reason: message.message.clone(),
        deployment: None,
        at: message.created_at,
    };
    event.trouble().is_some().then_some(event)
}

fn deployment(
    service: &ecs_model::Service,
    position: usize,
    one: &Deployment,
) -> ServiceDeployment {
    let definition = &service.revisions[one.revision].task_definition;
    ServiceDeployment {
        id: one.id.to_string(),
        primary: position == 0,
        task_definition: definition.arn.to_string(),
        state: match one.rollout_state {
            RolloutState::InProgress => DeploymentState::InProgress,
            RolloutState::Completed => DeploymentState::Completed,
            RolloutState::Failed => DeploymentState::Failed,
        },
        state_reason: one.rollout_state_reason(),
        created_at: one.created_at,
        failed_tasks: one.failed_tasks,
    }
}

fn not_found(message: &str) -> ServiceError {
    ServiceError {
        code: "ClientException".to_owned(),
        message: message.to_owned(),
        http_status: 400,
    }
}

fn refused(call: &str, error: &ServiceError) -> CallError {
    CallError::Refused {
        call: call.to_owned(),
        code: error.code.clone(),
        message: error.message.clone(),
    }
}
