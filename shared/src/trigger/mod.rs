//! What an event from EventBridge means to us, one file per source.
//!
//! Parsing is tolerant: every field may be missing, unknown fields and values
//! are let through, and what cannot be read is explained, never a failure.

pub mod ecr;
pub mod ecs;
mod envelope;
pub mod ledger_stream;
pub mod ssm;

pub use envelope::Envelope;
