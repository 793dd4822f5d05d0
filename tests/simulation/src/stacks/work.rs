//! What CloudFormation does to ECS, and what comes of it.

use std::sync::Arc;

use ecs_model::{FailureCause, RolloutState, ServiceStatus, UpdateService};
use jiff::Timestamp;
use pushboat::core::stack::{SERVICE, TASK_DEFINITION};
use serde_json::{Map, Value};
use stack_model::{Effect, EffectAction, EffectId, Failure, Outcome, ecs_request};

use super::Account;
use super::port::service_ref;
use crate::deeds::{Deed, DeploymentTruth, StackDoing};
use crate::ecs::Ecs;

/// An update of a service that CloudFormation waits for.
#[derive(Debug)]
pub(super) struct Update {
    effect: EffectId,
    cluster: Option<String>,
    service: String,
    /// The deployment that it made, or that was the primary one already.
    deployment: Option<Arc<str>>,
}

impl Account {
    /// Lets everything happen up to `now`.
    pub(super) fn catch_up(&mut self, now: Timestamp, ecs: &Ecs) {
        loop {
            self.model.advance(now);
            self.watch(ecs);
            let effects = self.model.take_effects();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.perform(effect, ecs);
            }
        }
    }

    /// Tells CloudFormation of the services that are steady, or will not be.
    fn watch(&mut self, ecs: &Ecs) {
        if self.updates.is_empty() {
            return;
        }
        let mut answers = Vec::new();
        let services = ecs.read();
        self.updates.retain(|update| {
            let outcome = update.outcome(&services);
            let stays = self.model.is_awaited(update.effect) && outcome.is_none();
            answers.extend(outcome.map(|outcome| (update.effect, outcome)));
            stays
        });
        drop(services);
        for (effect, outcome) in answers {
            self.model.answer(effect, outcome);
        }
    }

    fn perform(&mut self, effect: Effect, ecs: &Ecs) {
        let outcome = match (effect.resource_type.as_str(), effect.action) {
            (TASK_DEFINITION, EffectAction::Create { properties }) => register(ecs, properties),
            (TASK_DEFINITION, EffectAction::Delete { physical_id }) => {
                // One that is gone is as good as deregistered.
                let _ = ecs.model().deregister_task_definition(&physical_id);
                Outcome::Done
            }
            (
                SERVICE,
                EffectAction::Update {
                    physical_id,
                    properties,
                },
            ) => {
                let before = primary(ecs, &physical_id);
                match update(ecs, effect.id, physical_id, properties) {
                    Ok(update) => {
                        self.note_update(ecs, &effect.stack_arn, &update, before.as_ref());
                        return self.updates.push(update);
                    }
                    Err(failure) => Outcome::Failed(failure),
                }
            }
            (kind, _) => {
                let message = format!("The world's stacks only update {kind}.");
                Outcome::Failed(Failure::new(message, "InvalidRequest"))
            }
        };
        self.model.answer(effect.id, outcome);
    }

    /// Notes by whose will a service has another deployment now.
    fn note_update(
        &self,
        ecs: &Ecs,
        stack: &str,
        update: &Update,
        before: Option<&DeploymentTruth>,
    ) {
        let Some(after) = primary(ecs, &update.service) else {
            return;
        };
        if before.is_some_and(|before| before.id == after.id) {
            return;
        }
        if self.ours.contains(stack) {
            let revision = after.revision;
            return self.note(ecs, stack, StackDoing::Updated { revision });
        }
        if let Some(service) = service_ref(&update.service) {
            ecs.deeds.note(Deed::SomebodyDeployed {
                at: ecs.now(),
                service,
                deployment: after.id,
            });
        }
    }
}

fn primary(ecs: &Ecs, service: &str) -> Option<DeploymentTruth> {
    if !ecs.deeds.are_kept() {
        return None;
    }
    ecs.truth(&service_ref(service)?)?.primary
}

fn register(ecs: &Ecs, properties: Map<String, Value>) -> Outcome {
    let request = ecs_request::definition(Value::Object(properties));
    ecs.begin_write();
    match ecs.take_definition(request, false) {
        Ok(physical_id) => Outcome::Created { physical_id },
        Err(error) => Outcome::Failed(invalid(&error)),
    }
}

fn update(
    ecs: &Ecs,
    effect: EffectId,
    service: String,
    properties: Map<String, Value>,
) -> Result<Update, Failure> {
    let request = ecs_request::service_update(&service, Value::Object(properties));
    let input: UpdateService = serde_json::from_value(request)
        .map_err(|error| Failure::new(error.to_string(), "InvalidRequest"))?;
    let cluster = input.cluster.clone();
    ecs.begin_write();
    let mut model = ecs.model();
    let updated = model.update_service(input);
    let updated = updated.map_err(|error| invalid(&error))?;
    let primary = updated.primary();
    Ok(Update {
        effect,
        cluster,
        service,
        deployment: primary.map(|primary| Arc::clone(&primary.id)),
    })
}

impl Update {
    /// Says what came of it; nothing as long as that is open.
    ///
    /// A deployment that somebody else's took the place of is forgotten: the service has to be
    /// steady, with whatever it runs. Assumed: CloudFormation asks DescribeServices until then.
    fn outcome(&self, ecs: &ecs_model::Ecs) -> Option<Outcome> {
        let found = ecs.service(self.cluster.as_deref(), &self.service);
        let found = found.ok().flatten();
        let active = found.filter(|found| found.status == ServiceStatus::Active);
        let Some(found) = active else {
            let message = format!("Service {} was not ACTIVE.", self.service);
            return Some(Outcome::Failed(Failure::new(message, "NotFound")));
        };
        let mut records = found.service_deployments.iter().rev();
        let record = records.find(|record| Some(&record.deployment_id) == self.deployment.as_ref());
        if let Some(record) = record
            && let Some(cause) = record.failure
        {
            let reason = record.status_reason.clone();
            return Some(Outcome::Failed(failure(cause, reason)));
        }
        let primary = found.primary()?;
        let is_alone = found.deployments.len() == 1;
        let is_done = is_alone && primary.rollout_state == RolloutState::Completed;
        let is_steady = is_done && ecs.task_counts(found, None).running >= found.desired_count;
        is_steady.then_some(Outcome::Done)
    }
}

fn failure(cause: FailureCause, reason: Option<String>) -> Failure {
    match cause {
        FailureCause::CircuitBreaker => Failure::circuit_breaker(),
        _ => Failure::new(reason.unwrap_or_default(), "GeneralServiceException"),
    }
}

fn invalid(error: &ecs_model::ServiceError) -> Failure {
    Failure::new(
        format!("{} (Service: Ecs, Status Code: 400)", error.message),
        "InvalidRequest",
    )
}
