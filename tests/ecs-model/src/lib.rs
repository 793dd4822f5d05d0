//! A model of Amazon ECS on Fargate: a pure, deterministic state machine in
//! virtual time.
//!
//! It plays AWS, so it knows nothing of `pushboat`. It does no I/O, reads no
//! clock and draws no random numbers: time is an argument, and what a container
//! does is written in the labels of its image.

mod ecs;
mod error;
mod registry;
mod settings;

pub use ecs::{Ecs, LogLine};
pub use error::ServiceError;
pub use registry::{Platform, PullError, Registry, ResolvedImage};
pub use settings::{Settings, Timings};
