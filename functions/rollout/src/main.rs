//! Takes a target as far as it goes now.

mod handler;

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use pushboat::aws::cloudformation::CloudFormation;
use pushboat::aws::cloudwatch::CloudWatch;
use pushboat::aws::dynamodb::Dynamo;
use pushboat::aws::ecr::Ecr;
use pushboat::aws::ecs::Ecs;
use pushboat::aws::function::Function;
use pushboat::aws::load_balancing::LoadBalancing;
use pushboat::aws::put_parameter::PutParameter;
use pushboat::core::policy::ServiceRef;
use pushboat::reconcile::{Ports, Settings};

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
    let ports = &Ports {
        ledger: Dynamo::new(&function.clients, function.variable("LEDGER_TABLE")?),
        services: Ecs::new(&function.clients),
        stacks: CloudFormation::new(&function.clients),
        images: Ecr::new(&function.clients),
        alarms: CloudWatch::new(&function.clients),
        load_balancers: LoadBalancing::new(&function.clients),
        parameters: PutParameter::new(&function.clients),
        clock: SystemClock,
    };
    let own_service = function.optional("OWN_SERVICE").and_then(|service| {
        let (cluster, name) = service.split_once('/')?;
        Some(ServiceRef {
            cluster: cluster.to_owned(),
            name: name.to_owned(),
        })
    });
    let prefix = function.variable("TARGET_PREFIX")?.to_owned();
    let settings = &Settings {
        own_service,
        prefix,
    };
    // Boxed: the loop's future, with the SDK's inside, is nested too deep to be laid out inline.
    run(service_fn(|event: LambdaEvent<SqsEvent>| {
        Box::pin(handler::handle(ports, settings, event.payload))
    }))
    .await
}
