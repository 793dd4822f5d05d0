//! ECS: the services, their deployments and task definitions.

mod history;
mod raw;
mod seen;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::{Builder, SharedInterceptor};
use aws_sdk_ecs::operation::describe_services::DescribeServicesError;
use aws_sdk_ecs::types::{
    SortOrder, StopServiceDeploymentStopType, TaskDefinitionField, TaskDefinitionStatus,
};
use jiff::Timestamp;
use serde_json::Value;

use super::client::Clients;
use super::failure::{call_error, from_answer, unclear};
use crate::core::observation::{
    Definition, DeploymentRecord, Digests, OwnRevision, ServiceDeployment, ServiceLook,
};
use crate::core::policy::ServiceRef;
use crate::ports::{CallError, Services, TaskDefinitions};
use crate::task_definition::is_own;

/// How many of a family's newest revisions are searched for one of our own.
///
/// Between the crash and the search somebody else would have to register as
/// many; then a second revision is registered, which does no harm.
const REVISIONS_SEARCHED: i32 = 10;

/// ECS on the AWS SDK.
#[derive(Clone, Debug)]
pub struct Ecs {
    client: Client,
}

impl Ecs {
    /// Makes it on the shared clients.
    #[must_use]
    pub fn new(clients: &Clients) -> Self {
        Self {
            client: Client::new(&clients.config),
        }
    }
}

impl TaskDefinitions for Ecs {
    async fn definition(&self, arn: &str) -> Result<Arc<Definition>, CallError> {
        Services::task_definition(self, arn).await
    }
}

impl Services for Ecs {
    async fn service(&self, service: &ServiceRef) -> Result<ServiceLook, CallError> {
        let call = format!("ecs:DescribeServices {service}");
        let answer = self
            .client
            .describe_services()
            .cluster(&service.cluster)
            .services(&service.name)
            .include(aws_sdk_ecs::types::ServiceField::Tags)
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                return match error.as_service_error() {
                    Some(DescribeServicesError::ClusterNotFoundException(_)) => {
                        Ok(ServiceLook::ClusterMissing)
                    }
                    _ => Err(call_error(&call, &error)),
                };
            }
        };
        if let Some(found) = answer.services().first() {
            let found = seen::service(found).map_err(|problem| unclear(&call, &problem))?;
            return Ok(ServiceLook::Found(Box::new(found)));
        }
        // A service that is not there is no error to ECS. Source: ECS developer
        // guide, "API failure reasons".
        match answer.failures().first() {
            Some(failure) if failure.reason() == Some("MISSING") => Ok(ServiceLook::Missing),
            Some(failure) => Err(from_answer(&call, 200, failure.reason(), failure.detail())),
            None => Err(unclear(&call, "neither a service nor a failure")),
        }
    }

    async fn task_definition(&self, arn: &str) -> Result<Arc<Definition>, CallError> {
        let call = format!("ecs:DescribeTaskDefinition {arn}");
        let body = raw::Body::default();
        self.client
            .describe_task_definition()
            .task_definition(arn)
            .include(TaskDefinitionField::Tags)
            .customize()
            .interceptor(SharedInterceptor::new(body.clone()))
            .send()
            .await
            .map_err(|error| call_error(&call, &error))?;
        let definition = body
            .definition()
            .map_err(|problem| unclear(&call, &problem))?;
        Ok(Arc::new(definition))
    }

    async fn own_revision(&self, own: &OwnRevision) -> Result<Option<String>, CallError> {
        let Some((family, base_revision)) = seen::family_and_revision(&own.base) else {
            return Ok(None);
        };
        let call = format!("ecs:ListTaskDefinitions {family}");
        let answer = self
            .client
            .list_task_definitions()
            .family_prefix(family)
            .status(TaskDefinitionStatus::Active)
            .sort(SortOrder::Desc)
            .max_results(REVISIONS_SEARCHED)
            .send()
            .await
            .map_err(|error| call_error(&call, &error))?;
        for arn in answer.task_definition_arns() {
            match seen::family_and_revision(arn) {
                // What was registered for a rollout is younger than what ran when it started.
                Some((found, revision)) if found == family && revision > base_revision => {}
                Some((found, _)) if found == family => break,
                Some(_) | None => continue,
            }
            let definition = Services::task_definition(self, arn).await?;
            if is_own(&definition, own) {
                return Ok(Some(arn.clone()));
            }
        }
        Ok(None)
    }

    async fn register(&self, request: &Value) -> Result<String, CallError> {
        let family = request
            .get("family")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let call = format!("ecs:RegisterTaskDefinition {family}");
        let body = request.to_string();
        let answer = self
            .client
            .register_task_definition()
            .family(family)
            .customize()
            .mutate_request(move |request| raw::replace_body(request, &body))
            .config_override(once())
            .send()
            .await
            .map_err(|error| call_error(&call, &error))?;
        answer
            .task_definition()
            .and_then(|definition| definition.task_definition_arn())
            .map(str::to_owned)
            .ok_or_else(|| unclear(&call, "the answer has no `taskDefinitionArn`"))
    }

    async fn update(
        &self,
        service: &ServiceRef,
        revision: &str,
    ) -> Result<ServiceDeployment, CallError> {
        let call = format!("ecs:UpdateService {service}");
        // Whatever else is left out stays as the service's owner set it.
        let answer = self
            .client
            .update_service()
            .cluster(&service.cluster)
            .service(&service.name)
            .task_definition(revision)
            .customize()
            .config_override(once())
            .send()
            .await
            .map_err(|error| call_error(&call, &error))?;
        let primary = answer
            .service()
            .and_then(|service| {
                let mut deployments = service.deployments().iter();
                deployments.find(|deployment| deployment.status() == Some(seen::PRIMARY))
            })
            .ok_or_else(|| unclear(&call, "the answer has no primary deployment"))?;
        seen::deployment(primary).map_err(|problem| unclear(&call, &problem))
    }

    async fn resolved_images(
        &self,
        service: &ServiceRef,
        task_definition: &str,
    ) -> Result<Digests, CallError> {
        history::resolved_images(&self.client, service, task_definition).await
    }

    async fn history(
        &self,
        service: &ServiceRef,
        since: Timestamp,
    ) -> Result<Vec<DeploymentRecord>, CallError> {
        history::read(&self.client, service, since).await
    }

    async fn stop(&self, service_deployment: &str) -> Result<(), CallError> {
        let call = format!("ecs:StopServiceDeployment {service_deployment}");
        self.client
            .stop_service_deployment()
            .service_deployment_arn(service_deployment)
            .stop_type(StopServiceDeploymentStopType::Rollback)
            .customize()
            .config_override(once())
            .send()
            .await
            .map_err(|error| call_error(&call, &error))?;
        Ok(())
    }
}

/// Sends a call once: neither call here carries a token by which ECS would know a repeat.
fn once() -> Builder {
    aws_sdk_ecs::config::Config::builder().retry_config(RetryConfig::disabled())
}
