//! The ports on the AWS SDK, one file per service.
//!
//! Here AWS's types become ours: nothing beyond this folder knows the SDK, and
//! nothing in it decides anything. Compiled only with the feature `aws`.

pub mod client;
pub mod cloudwatch;
pub mod dynamodb;
pub mod ecr;
pub mod ecs;
mod failure;
pub mod function;
pub mod sns;
pub mod sqs;
pub mod ssm;

#[cfg(test)]
mod endpoint;

use aws_smithy_types::DateTime;
use jiff::Timestamp;

/// Reads one of AWS's points in time.
fn timestamp(at: &DateTime) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(at.subsec_nanos()).ok()?;
    Timestamp::new(at.secs(), nanoseconds).ok()
}
