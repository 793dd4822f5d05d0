//! An AWS on loopback that real Lambda binaries and a real template run on.
//!
//! ECS is answered by the model in `ecs-model`; every other call is passed on to
//! [ministack](https://github.com/ministackorg/ministack), which runs as a child
//! process. In between, the endpoint does what AWS does and ministack does not:
//! it sends the events of what happens, delivers them with EventBridge's retries
//! and dead letters, fires schedules, and records every call. It can throttle,
//! fail, delay and lose them, too.
//!
//! It plays AWS, so it knows nothing of `pushboat`.
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
