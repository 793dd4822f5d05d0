//! What CloudFormation does to task definitions and services, done to the model of ECS.

use ecs_model::ServiceError;
use serde_json::{Map, Value};
use stack_model::{Effect, EffectAction, EffectId, Failure, Outcome, ecs_request};
use uuid::Uuid;

use super::waiting::{Until, Waiting};
use crate::ecs::EcsService;

const TASK_DEFINITION: &str = "AWS::ECS::TaskDefinition";
/// How many letters and digits a name ends with that CloudFormation makes up.
const SUFFIX: usize = 12;

/// What came of the begin of an effect.
#[derive(Debug)]
pub(super) enum Begun {
    /// It is over already.
    Ended(Outcome),
    /// It will be over some time.
    Awaited(Waiting),
}

/// Asks ECS for what an effect says.
pub(super) fn begin(ecs: &EcsService, effect: &Effect) -> Begun {
    let begun = match effect.resource_type.as_str() {
        TASK_DEFINITION => definition(ecs, effect).map(Begun::Ended),
        _ => service(ecs, effect),
    };
    begun.unwrap_or_else(|error| Begun::Ended(Outcome::Failed(failure(error))))
}

/// Its tags are all of a task definition that can be changed.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ecs-taskdefinition.html>
fn definition(ecs: &EcsService, effect: &Effect) -> Result<Outcome, ServiceError> {
    match &effect.action {
        EffectAction::Create { properties } => {
            let request = ecs_request::definition(named(properties, "Family", effect));
            let registered = ecs.ask("RegisterTaskDefinition", &request)?;
            let arn = registered["taskDefinition"]["taskDefinitionArn"].as_str();
            Ok(Outcome::Created {
                physical_id: arn.unwrap_or_default().to_owned(),
            })
        }
        EffectAction::Update {
            physical_id,
            properties,
        } => tag(ecs, physical_id, properties).map(|()| Outcome::Done),
        EffectAction::Delete { physical_id } => {
            let request = serde_json::json!({ "taskDefinition": physical_id });
            ecs.ask("DeregisterTaskDefinition", &request)?;
            Ok(Outcome::Done)
        }
    }
}

fn service(ecs: &EcsService, effect: &Effect) -> Result<Begun, ServiceError> {
    match &effect.action {
        EffectAction::Create { properties } => {
            let properties = named(properties, "ServiceName", effect);
            let name = properties["ServiceName"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let request = ecs_request::service(&name, properties);
            let made = ecs.ask("CreateService", &request)?;
            let arn = made["service"]["serviceArn"].as_str().unwrap_or_default();
            let created = Outcome::Created {
                physical_id: arn.to_owned(),
            };
            let deployment = last_deployment(ecs, arn);
            Ok(until_steady(effect.id, arn, deployment, created))
        }
        EffectAction::Update {
            physical_id,
            properties,
        } => {
            let before = last_deployment(ecs, physical_id);
            let properties_json = Value::Object(properties.clone());
            let request = ecs_request::service_update(physical_id, properties_json);
            ecs.ask("UpdateService", &request)?;
            tag(ecs, physical_id, properties)?;
            let after = last_deployment(ecs, physical_id);
            let begun = after.filter(|after| Some(after) != before.as_ref());
            Ok(until_steady(effect.id, physical_id, begun, Outcome::Done))
        }
        EffectAction::Delete { physical_id } => {
            let request = ecs_request::service_deletion(physical_id);
            ecs.ask("DeleteService", &request)?;
            Ok(Begun::Awaited(Waiting {
                effect: effect.id,
                cluster: ecs_request::cluster_of(physical_id).map(str::to_owned),
                service: physical_id.clone(),
                until: Until::Gone,
            }))
        }
    }
}

fn until_steady(
    effect: EffectId,
    arn: &str,
    deployment: Option<String>,
    outcome: Outcome,
) -> Begun {
    Begun::Awaited(Waiting {
        effect,
        cluster: ecs_request::cluster_of(arn).map(str::to_owned),
        service: arn.to_owned(),
        until: Until::Steady {
            deployment,
            outcome,
        },
    })
}

/// The ARN of the service deployment that was begun last.
fn last_deployment(ecs: &EcsService, service: &str) -> Option<String> {
    ecs.see(|model| {
        let service = model.service(ecs_request::cluster_of(service), service);
        let last = service.ok()??.service_deployments.last()?;
        Some(last.arn.to_string())
    })
}

fn tag(ecs: &EcsService, arn: &str, properties: &Map<String, Value>) -> Result<(), ServiceError> {
    if let Some(request) = ecs_request::tags(arn, &Value::Object(properties.clone())) {
        ecs.ask("TagResource", &request)?;
    }
    Ok(())
}

/// Properties with a name: the template's, or one that CloudFormation makes up.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html>
fn named(properties: &Map<String, Value>, member: &str, effect: &Effect) -> Value {
    let mut properties = properties.clone();
    if !properties.contains_key(member) {
        // arn:aws:cloudformation:region:account:stack/name/id
        let stack = effect.stack_arn.split('/').nth(1).unwrap_or_default();
        let mut suffix = Uuid::new_v4().simple().to_string().to_uppercase();
        suffix.truncate(SUFFIX);
        let name = format!("{stack}-{}-{suffix}", effect.logical_id);
        properties.insert(member.to_owned(), name.into());
    }
    Value::Object(properties)
}

/// Which of the codes stands for which of ECS's errors is assumed.
/// <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html>
fn failure(error: ServiceError) -> Failure {
    let code = match error.code.as_str() {
        "ServiceNotFoundException" | "ClusterNotFoundException" => "NotFound",
        "ThrottlingException" => "Throttling",
        _ if error.http_status >= 500 => "ServiceInternalError",
        _ => "InvalidRequest",
    };
    Failure::new(error.message, code)
}
