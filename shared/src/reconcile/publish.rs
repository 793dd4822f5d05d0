//! Publishes what is deployed and proven good, for the owner's tools.
//!
//! That comes last in a wake-up, and whatever comes of it changes nothing about a rollout. The
//! try is noted with what is saved before it: a function that dies in the midst of it, and an
//! answer that is lost, only mean that the same is published once more.

use super::{Ports, Settings};
use crate::core::deployed::{self, Deployed};
use crate::message;
use crate::ports::{CallError, Clock, DeployedParameters, Targets};

use super::step::Step;

/// Gives what is to be published now, and notes the try, which is to be saved first.
pub(super) fn begin<C: Clock>(step: &mut Step, clock: &C) -> Option<Deployed> {
    if step.state.to_publish().is_none() {
        if step.state.unpublished.is_some() {
            step.state.unpublished = None;
        }
        return None;
    }
    let (deployed, unpublished) = step.state.try_to_publish(clock.now())?;
    step.state.unpublished = Some(unpublished);
    Some(deployed)
}

/// Publishes it, and notes what came of it.
pub(super) async fn publish<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    settings: &Settings,
    step: &mut Step,
    deployed: Deployed,
) where
    L: Targets,
    P: DeployedParameters,
    C: Clock,
{
    let name = deployed::parameter(&settings.prefix, step.target());
    match ports.parameters.put(&name, &deployed.text()).await {
        Ok(()) => step.state.note_published(deployed),
        Err(error) => {
            if let CallError::Refused { .. } = error {
                step.state.note_refused(ports.clock.now());
            }
            let unpublished = step.state.unpublished.as_ref();
            let again_at = unpublished.map(|one| one.again_at.to_string());
            tracing::warn!(
                target_name = %step.target(), %error, again_at,
                explanation = message::unpublished(&error),
                "what is deployed could not be published"
            );
        }
    }
    // What was saved before has it published once more, which is as well.
    if let Err(error) = step.save(&ports.ledger).await {
        tracing::warn!(
            target_name = %step.target(), %error,
            "that what is deployed was published could not be noted"
        );
    }
}
