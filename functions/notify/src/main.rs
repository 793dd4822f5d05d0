//! Sends the notices that were just stored.

mod handler;
mod investigator;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pushboat::aws::dynamodb::Dynamo;
use pushboat::aws::ecr::Ecr;
use pushboat::aws::ecs::Ecs;
use pushboat::aws::eventbridge::Bus;
use pushboat::aws::function::Function;
use pushboat::aws::logs::CloudWatchLogs;
use pushboat::aws::sns::Sns;
use pushboat::outbox::Channels;

use investigator::TimedInvestigator;

#[tokio::main(flavor = "current_thread")]
#[expect(
    clippy::disallowed_methods,
    reason = "main.rs reads the environment and the clock"
)]
async fn main() -> Result<(), Error> {
    let function = Function::start(|name: &str| std::env::var(name).ok())?;
    let ledger = &Dynamo::new(&function.clients, function.variable("LEDGER_TABLE")?);
    let topic = &Sns::new(
        &function.clients,
        function.variable("NOTIFICATION_TOPIC_ARN")?,
    );
    let bus = &Bus::new(&function.clients, function.variable("EVENT_BUS")?);
    let channels = &Channels { topic, bus };
    let surroundings = &function.surroundings()?;
    let investigator = &TimedInvestigator {
        definitions: Ecs::new(&function.clients),
        logs: CloudWatchLogs::new(&function.clients),
        labels: Ecr::new(&function.clients),
        region: surroundings.region.clone(),
    };
    run(service_fn(|event: LambdaEvent<serde_json::Value>| {
        handler::handle(
            ledger,
            channels,
            investigator,
            surroundings,
            event.payload,
            jiff::Timestamp::now(),
        )
    }))
    .await
}
