//! The errors ECS answers a call with.

use std::fmt;

/// Says why ECS refused a call, in the terms of the awsJson1.1 protocol.
///
/// An endpoint renders it as `{"__type": code, "message": message}` with
/// [`http_status`](ServiceError::http_status).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// The exception's name, such as `ClusterNotFoundException`.
    pub code: String,
    /// The sentence that comes with it.
    pub message: String,
    /// 400 for the caller's mistakes, 500 for the service's.
    pub http_status: u16,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ServiceError {}
