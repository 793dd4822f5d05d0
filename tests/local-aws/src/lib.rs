//! An AWS on loopback that real Lambda binaries and a real template run on.
//!
//! ECS is answered by the model in `ecs-model`, CloudFormation for stacks that were
//! mirrored by the one in `stack-model`; every other call is passed on to
//! [ministack](https://github.com/ministackorg/ministack), which runs as a child
//! process. In between, the endpoint does what AWS does and ministack does not:
//! it sends the events of what happens, delivers them with EventBridge's retries
//! and dead letters, fires schedules, and records every call. It can throttle,
//! fail, delay and lose them, too.
//!
//! It plays AWS, so it knows nothing of `pushboat`.
//!
//! # Beyond AWS: the control API
//!
//! | request | what it does |
//! | --- | --- |
//! | `GET /_local/health` | wall time, the model's time, ministack's version |
//! | `GET /_local/calls?since=N` | the [calls](CallRecord) after number N |
//! | `GET /_local/events?since=N` | the [events](EventRecord) after number N, and what became of each |
//! | `POST /_local/events` | sends one event or a list; missing members of the envelope are added |
//! | `GET /_local/registry` | what the registry holds, by repository |
//! | `POST /_local/stacks` | mirrors a [stack](#stacks-with-a-service), and tells its ARN |
//! | `POST /_local/schedules?rule=NAME` | fires the schedules whose rule's name contains NAME |
//! | `POST /_local/faults` | puts one [fault rule](FaultRule) into force, or a list |
//! | `GET /_local/faults` | how often each struck |
//! | `DELETE /_local/faults` | ends them all, and tells how often each struck |
//!
//! A fault looks like this: the second UpdateService of a function whose name
//! contains `Rollout` is carried out, but its answer is lost.
//!
//! ```
//! # let fault: local_aws::FaultRule = serde_json::from_str(r#"
//! {"call": {"service": "ecs", "operation": "UpdateService", "function": "Rollout",
//!           "when": {"nth": 2}, "effect": "answerLost"}}
//! # "#).unwrap();
//! ```
//!
//! # Stacks with a service
//!
//! ministack makes the ECS resources of a stack inside of itself, where the model of
//! ECS does not see them. So a stack is made without them, they are made by calls, and
//! then the stack is mirrored:
//!
//! ```json
//! {"name": "web", "template": {"Resources": {}}, "parameters": {"Image": "…"},
//!  "capabilities": ["CAPABILITY_IAM"], "roleArn": null, "tags": {"team": "shop"},
//!  "physicalIds": {"Service": "arn:…:service/prod/web", "TaskDefinition": "arn:…"},
//!  "attributes": {"TaskRole.Arn": "arn:…"}}
//! ```
//!
//! The template is the whole one, ECS's resources included. `physicalIds` and
//! `attributes` are what `Ref` and `Fn::GetAtt` lead to; what is not named is made up.
//! ministack is asked for the stack's ARN, unless `stackId` says it. From then on
//! CloudFormation's calls about that stack are answered by the model of stacks, as far
//! as it knows the operation: an update asks the model of ECS for its changes, waits
//! for the service, fails with it, and tells the bus of each status. Parameter Store's
//! values and other stacks' exports are read from ministack. DeleteStack is passed on,
//! and ends the mirroring.
//!
//! # What is not played
//!
//! - IAM: every caller may do everything. Only the policies that let EventBridge
//!   into a function or a queue are heeded.
//! - ECS resources in the creation and the deletion of a CloudFormation stack: make and
//!   delete clusters and services by calls.
//! - Of a mirrored stack: changes of anything but task definitions and services, which
//!   are told and not made; outputs; tags that are taken off a service. DescribeStacks
//!   without a name, ListStacks and every operation that the model of stacks does not
//!   know are ministack's, which knows nothing of updates.
//! - Event buses other than the default, `InputTransformer`, and targets other than
//!   functions, queues and topics. `cron(…)` rules and EventBridge Scheduler are left
//!   to ministack, which fires them in its own time.
//! - A `rate(…)` rule that a stack update disables goes on firing.
//!
//! ```no_run
//! # async fn example() -> Result<(), local_aws::StartError> {
//! use local_aws::{LocalAws, Options};
//!
//! let local = LocalAws::start(Options::new(".venv/ministack/bin/ministack")).await?;
//! println!("AWS_ENDPOINT_URL={}", local.endpoint_url());
//! local.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod alarm;
mod assembly;
mod bus;
mod call;
mod call_log;
mod caller;
mod clock;
mod cloudformation;
mod control;
mod delivery;
mod ecs;
mod endpoint;
mod event;
mod event_log;
#[cfg(test)]
mod fake_ministack;
mod fault;
mod http;
mod ministack;
pub mod oci;
mod options;
mod parameter;
mod put_events;
mod refusal;
mod registry;
mod resource_policy;
mod rule;
mod running;
mod schedule;
mod stack;
mod upstream;

pub use call_log::CallRecord;
pub use caller::Caller;
pub use ecs_model::Timings;
pub use event_log::{Delivery, EventRecord, Outcome};
pub use fault::{CallEffect, CallFault, EventEffect, EventFault, FaultCount, FaultRule, When};
pub use ministack::{MINISTACK_VERSION, MinistackError};
pub use options::{Options, Schedules};
pub use registry::{Repository, StoredManifest};
pub use running::{LocalAws, StartError};
pub use stack_model::Timings as StackTimings;
