//! Messages from the FIFO queue → one target's control loop each.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::Error;
use pushboat::aws::function::chain;
use pushboat::ledger::LedgerError;
use pushboat::message;
use pushboat::ports::{
    Alarms, Clock, DeployedParameters, Images, LoadBalancers, Records, Services, Stacks, Targets,
};
use pushboat::queue::QueueMessage;
use pushboat::reconcile::{Ports, Report, Settings, reconcile};

/// Handles a batch in order; from the first failure on, everything goes back to the queue.
pub(crate) async fn handle<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    settings: &Settings,
    event: SqsEvent,
) -> Result<SqsBatchResponse, Error>
where
    L: Targets + Records,
    S: Services,
    K: Stacks,
    I: Images,
    A: Alarms,
    B: LoadBalancers,
    P: DeployedParameters,
    C: Clock,
{
    let mut response = SqsBatchResponse::default();
    for record in event.records {
        let failed = !response.batch_item_failures.is_empty()
            || handle_one(ports, settings, &record).await.is_err();
        if failed {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = record.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    Ok(response)
}

async fn handle_one<L, S, K, I, A, B, P, C>(
    ports: &Ports<L, S, K, I, A, B, P, C>,
    settings: &Settings,
    record: &SqsMessage,
) -> Result<(), LedgerError>
where
    L: Targets + Records,
    S: Services,
    K: Stacks,
    I: Images,
    A: Alarms,
    B: LoadBalancers,
    P: DeployedParameters,
    C: Clock,
{
    let body = record.body.as_deref().unwrap_or_default();
    let message: QueueMessage = match serde_json::from_str(body) {
        Ok(message) => message,
        Err(error) => {
            // Nothing may vanish: after its tries it lies in the dead-letter queue, with an alarm.
            let problem = chain(&error);
            tracing::error!(error = problem, "a message cannot be read");
            return Err(LedgerError::Unreadable {
                what: "a message".to_owned(),
                problem,
            });
        }
    };
    let (target, event_id) = (message.target.as_str(), message.event_id.as_str());
    match reconcile(ports, settings, &message).await {
        Ok(Report::Reconciled(wake)) => {
            let waiting = wake.as_ref().map(|wake| wake.waiting.as_str());
            let wake_at = wake.as_ref().map(|wake| wake.at.to_string());
            let trigger = message.trigger.as_str();
            tracing::info!(
                target_name = target,
                event_id,
                trigger,
                waiting,
                wake_at,
                "reconciled"
            );
        }
        Ok(Report::Ignored(reason)) => tracing::info!(
            target_name = target,
            event_id,
            reason = reason.as_str(),
            explanation = message::ignored(&reason),
            "ignored"
        ),
        Err(error) => {
            tracing::error!(
                target_name = target,
                event_id,
                error = chain(&error),
                "to be tried again"
            );
            return Err(error);
        }
    }
    Ok(())
}
