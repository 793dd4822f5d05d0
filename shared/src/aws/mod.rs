//! The ports on the AWS SDK, one file per service.
//!
//! Here AWS's types become ours: nothing beyond this folder knows the SDK, and
//! nothing in it decides anything. Compiled only with the feature `aws`.

mod bare;
pub mod client;
pub mod cloudformation;
pub mod cloudwatch;
pub mod dynamodb;
pub mod ecr;
pub mod ecs;
pub mod eventbridge;
mod failure;
pub mod function;
mod json;
pub mod load_balancing;
pub mod logs;
pub mod put_parameter;
mod query;
pub mod sns;
pub mod sqs;
pub mod ssm;

#[cfg(test)]
mod endpoint;

use aws_smithy_types::DateTime;
use jiff::{Timestamp, Unit};

/// Reads one of AWS's points in time.
///
/// The JSON protocols write seconds as a decimal fraction, which a binary one
/// holds to a quarter of a microsecond: what lies beyond is noise.
fn timestamp(at: &DateTime) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(at.subsec_nanos()).ok()?;
    let exact = Timestamp::new(at.secs(), nanoseconds).ok()?;
    exact.round(Unit::Microsecond).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_wrote_is_read_without_noise() {
        let read = |second: f64| timestamp(&DateTime::from_secs_f64(second)).unwrap();
        let wrote = "2026-11-20T09:09:27.744452Z";
        assert_eq!(read(1_795_165_767.744_452).to_string(), wrote);
        assert_eq!(read(1_700_000_000.0).as_second(), 1_700_000_000);
    }
}
