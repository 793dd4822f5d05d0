//! The schedule's minute, or a parameter's change → one sweep.

use lambda_runtime::Error;
use pushboat::aws::function::chain;
use pushboat::ports::{
    Clock, EventBus, ImageLists, Outbox, Parameters, Queue, Records, Registrations, StackResources,
    Topic,
};
use pushboat::sweep::{Occasion, Ports, Settings, sweep};
use pushboat::trigger::ssm;
use serde_json::Value;

/// Handles one event; what failed is tried again by the next sweep.
pub(crate) async fn handle<L, P, K, Q, T, E, I, C>(
    ports: &Ports<L, P, K, Q, T, E, I, C>,
    settings: &Settings,
    event: Value,
) -> Result<(), Error>
where
    L: Registrations + Records + Outbox,
    P: Parameters,
    K: StackResources,
    Q: Queue,
    T: Topic,
    E: EventBus,
    I: ImageLists,
    C: Clock,
{
    let occasion = if ssm::changes_a_target(&event, &settings.prefix) {
        Occasion::ParameterChanged
    } else {
        Occasion::Tick
    };
    match sweep(ports, settings, occasion).await {
        Ok(swept) => {
            let registered = swept.registered.unwrap_or_default();
            tracing::info!(
                ?occasion,
                woken = swept.woken,
                notices_sent = swept.notices_sent,
                registered = registered.to_wake.len(),
                overlooked = swept.overlooked,
                "swept"
            );
            for name in registered.misnamed {
                tracing::warn!(
                    parameter = name,
                    "ignored a parameter whose name is no target's name"
                );
            }
            Ok(())
        }
        Err(error) => {
            tracing::error!(
                ?occasion,
                error = chain(&error),
                "a part of the sweep failed"
            );
            Err(error.into())
        }
    }
}
