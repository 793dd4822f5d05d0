//! What CloudFormation does to a resource, and what came of it.

use serde_json::{Map, Value};

use crate::agenda::Due;
use crate::stack::StackKey;
use crate::stacks::Stacks;

/// The kinds of resources of which the owner of the model is asked what comes of
/// working on them.
pub(crate) const ASKED: [&str; 2] = ["AWS::ECS::Service", "AWS::ECS::TaskDefinition"];

/// Finds an effect; never the same twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EffectId(pub(crate) u64);

/// Something that CloudFormation does to a task definition or service, for the
/// owner of the model to do, and to [`answer`](Stacks::answer) what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// To be answered with.
    pub id: EffectId,
    /// The stack's ARN.
    pub stack_arn: String,
    /// The resource's name in the template.
    pub logical_id: String,
    /// `AWS::ECS::TaskDefinition` or `AWS::ECS::Service`.
    pub resource_type: String,
    /// What is to be done.
    pub action: EffectAction,
}

/// What is to be done to a resource, its properties as the template spells them.
#[derive(Clone, Debug, PartialEq)]
pub enum EffectAction {
    /// Such as RegisterTaskDefinition: its answer has the physical id.
    Create {
        /// Its properties.
        properties: Map<String, Value>,
    },
    /// Such as UpdateService: its answer is due when the service is steady, or
    /// will not be.
    Update {
        /// Which one.
        physical_id: String,
        /// All of its properties.
        properties: Map<String, Value>,
    },
    /// Such as DeregisterTaskDefinition.
    Delete {
        /// Which one.
        physical_id: String,
    },
}

/// What came of an [`Effect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is created, under this physical id.
    Created {
        /// Of a task definition or service, its ARN.
        physical_id: String,
    },
    /// It is updated and steady, or deleted.
    Done,
    /// It failed.
    Failed(Failure),
}

/// Why work on a resource failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the handler of the resource's kind said.
    pub message: String,
    /// `HandlerErrorCode`.
    /// Source: <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html>.
    pub code: String,
}

impl Failure {
    /// A failure with what ECS says of it.
    pub fn new(message: impl Into<String>, code: impl Into<String>) -> Self {
        Failure {
            message: message.into(),
            code: code.into(),
        }
    }

    /// The service's deployment failed, and its circuit breaker said so.
    ///
    /// Source: <https://repost.aws/articles/ARQJJetqfbSGq8hUxlBV9O8Q/ecs-deployment-circuit-breaker-was-triggered>.
    pub fn circuit_breaker() -> Self {
        Failure::new(
            "Error occurred during operation 'ECS Deployment Circuit Breaker was triggered'.",
            "GeneralServiceException",
        )
    }

    /// The service did not become steady in time.
    ///
    /// The code is that of
    /// <https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-test-contract-errors.html>;
    /// the text is the one that users see.
    pub fn not_stabilized() -> Self {
        Failure::new("Exceeded attempts to wait", "NotStabilized")
    }

    /// Renders it as a resource's status reason.
    fn reason(&self, request_token: &str) -> String {
        format!(
            "Resource handler returned message: \"{}\" (RequestToken: {request_token}, \
             HandlerErrorCode: {})",
            self.message, self.code
        )
    }
}

/// Work that goes on: whose it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ongoing {
    pub(crate) stack: StackKey,
    pub(crate) step: usize,
}

impl Stacks {
    /// Hands over what is to be done since the last time, but for what was
    /// cancelled meanwhile.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        let mut effects = std::mem::take(&mut self.effects);
        effects.retain(|effect| self.is_awaited(effect.id));
        effects
    }

    /// Says whether CloudFormation still waits for the answer to an effect: not
    /// when it waited too long, or the update was cancelled.
    pub fn is_awaited(&self, id: EffectId) -> bool {
        self.ongoing.contains_key(&id)
    }

    /// Takes what came of an effect; an answer that is not awaited (any more)
    /// changes nothing, and is answered with `false`.
    pub fn answer(&mut self, id: EffectId, outcome: Outcome) -> bool {
        let Some(ongoing) = self.ongoing.remove(&id) else {
            return false;
        };
        match outcome {
            Outcome::Created { physical_id } => {
                self.finish_step(ongoing.stack, ongoing.step, Some(physical_id));
            }
            Outcome::Done => self.finish_step(ongoing.stack, ongoing.step, None),
            Outcome::Failed(failure) => {
                let reason = failure.reason(&self.identifiers.uuid());
                self.fail_step(ongoing.stack, ongoing.step, &reason);
            }
        }
        true
    }

    /// Makes the next work on a resource fail of which the owner of the model is
    /// not asked.
    pub fn fail_resource(&mut self, key: StackKey, logical_id: &str, reason: &str) {
        if let Some(stack) = self.stacks.get_mut(key.0) {
            let (logical_id, reason) = (logical_id.to_owned(), reason.to_owned());
            stack.failures.insert(logical_id, reason);
        }
    }

    /// Lets work on a resource begin: the owner of the model is asked, or it is
    /// done by itself after a while.
    pub(crate) fn emit(
        &mut self,
        ongoing: Ongoing,
        logical_id: &str,
        resource_type: &str,
        action: EffectAction,
    ) -> EffectId {
        self.last_effect += 1;
        let id = EffectId(self.last_effect);
        self.ongoing.insert(id, ongoing);
        if ASKED.contains(&resource_type) {
            let at = self.after(self.settings.timings.stabilization);
            self.agenda.put(at, Due::TooLong(id));
            self.effects.push(Effect {
                id,
                stack_arn: self.stacks[ongoing.stack.0].arn.clone(),
                logical_id: logical_id.to_owned(),
                resource_type: resource_type.to_owned(),
                action,
            });
        } else {
            let at = self.after(self.settings.timings.resource);
            self.agenda.put(at, Due::Done(id));
        }
        id
    }

    /// Work that nobody is asked about is done, or fails as was wished.
    pub(crate) fn finish_unasked(&mut self, id: EffectId) {
        let Some(ongoing) = self.ongoing.remove(&id) else {
            return;
        };
        let stack = &mut self.stacks[ongoing.stack.0];
        let logical_id = stack
            .operation
            .as_ref()
            .and_then(|operation| operation.steps.get(ongoing.step))
            .map(|step| step.logical_id.clone());
        match logical_id.and_then(|logical_id| stack.failures.remove(&logical_id)) {
            Some(reason) => self.fail_step(ongoing.stack, ongoing.step, &reason),
            None => self.finish_step(ongoing.stack, ongoing.step, None),
        }
    }
}
