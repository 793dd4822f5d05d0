//! Wakes the targets that go through a stack which changed.

mod handler;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pushboat::aws::dynamodb::Dynamo;
use pushboat::aws::function::Function;
use pushboat::aws::sqs::Sqs;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "main.rs reads the environment")]
async fn main() -> Result<(), Error> {
    let function = Function::start(|name: &str| std::env::var(name).ok())?;
    let ledger = &Dynamo::new(&function.clients, function.variable("LEDGER_TABLE")?);
    let queue = &Sqs::new(&function.clients, function.variable("QUEUE_URL")?);
    run(service_fn(|event: LambdaEvent<serde_json::Value>| {
        handler::handle(ledger, queue, event)
    }))
    .await
}
