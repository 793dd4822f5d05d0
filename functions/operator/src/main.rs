//! Answers people's commands.

mod handler;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pushboat::aws::dynamodb::Dynamo;
use pushboat::aws::function::Function;
use pushboat::aws::sqs::Sqs;
use pushboat::message::Surroundings;
use pushboat::operator::Request;

#[tokio::main(flavor = "current_thread")]
#[expect(
    clippy::disallowed_methods,
    reason = "main.rs reads the environment and the clock"
)]
async fn main() -> Result<(), Error> {
    let function = Function::start(|name: &str| std::env::var(name).ok())?;
    let ledger = &Dynamo::new(&function.clients, function.variable("LEDGER_TABLE")?);
    let queue = &Sqs::new(&function.clients, function.variable("QUEUE_URL")?);
    // Its own name, which the template cannot give it without a cycle.
    let surroundings = &Surroundings {
        operator_function: function.variable("AWS_LAMBDA_FUNCTION_NAME")?,
        region: function.variable("AWS_REGION")?,
    };
    run(service_fn(|event: LambdaEvent<serde_json::Value>| {
        let request = Request {
            id: event.context.request_id,
            at: jiff::Timestamp::now(),
            command: event.payload,
        };
        handler::handle(ledger, queue, surroundings, request)
    }))
    .await
}
