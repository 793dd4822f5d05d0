//! Wakes what is due, registers targets, sends forgotten notices.

mod handler;

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pushboat::aws::cloudformation::CloudFormation;
use pushboat::aws::dynamodb::Dynamo;
use pushboat::aws::ecr::Ecr;
use pushboat::aws::eventbridge::Bus;
use pushboat::aws::function::Function;
use pushboat::aws::sns::Sns;
use pushboat::aws::sqs::Sqs;
use pushboat::aws::ssm::Ssm;
use pushboat::sweep::{Ports, Settings};

struct SystemClock;

impl pushboat::ports::Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "main.rs reads the clock")]
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "main.rs reads the environment")]
async fn main() -> Result<(), Error> {
    let function = Function::start(|name: &str| std::env::var(name).ok())?;
    let settings = &Settings {
        prefix: function.variable("TARGET_PREFIX")?,
        surroundings: function.surroundings()?,
    };
    let ports = &Ports {
        ledger: Dynamo::new(&function.clients, function.variable("LEDGER_TABLE")?),
        parameters: Ssm::new(&function.clients),
        stacks: CloudFormation::new(&function.clients),
        queue: Sqs::new(&function.clients, function.variable("QUEUE_URL")?),
        topic: Sns::new(
            &function.clients,
            function.variable("NOTIFICATION_TOPIC_ARN")?,
        ),
        bus: Bus::new(&function.clients, function.variable("EVENT_BUS")?),
        images: Ecr::new(&function.clients),
        clock: SystemClock,
    };
    run(service_fn(|event: LambdaEvent<serde_json::Value>| {
        handler::handle(ports, settings, event.payload)
    }))
    .await
}
