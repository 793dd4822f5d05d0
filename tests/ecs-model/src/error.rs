//! The errors ECS answers a call with.

use std::fmt;

/// Says why ECS refused a call, in the terms of the awsJson1.1 protocol.
///
/// An endpoint renders it as `{"__type": code, "message": message}` with
/// [`http_status`](ServiceError::http_status).
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html>
/// and the errors of each operation beside it; the sentences are those that
/// ECS is seen to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// The exception's name, such as `ClusterNotFoundException`.
    pub code: String,
    /// The sentence that comes with it.
    pub message: String,
    /// 400 for the caller's mistakes, 500 for the service's.
    pub http_status: u16,
}

impl ServiceError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        ServiceError {
            code: code.to_owned(),
            message: message.into(),
            http_status: 400,
        }
    }

    pub(crate) fn client(message: impl Into<String>) -> Self {
        ServiceError::new("ClientException", message)
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        ServiceError::new("InvalidParameterException", message)
    }

    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        ServiceError::new("UnsupportedFeatureException", message)
    }

    pub(crate) fn cluster_not_found() -> Self {
        ServiceError::new("ClusterNotFoundException", "Cluster not found.")
    }

    pub(crate) fn service_deployment_not_found() -> Self {
        ServiceError::new(
            "ServiceDeploymentNotFoundException",
            "Service deployment not found.",
        )
    }

    pub(crate) fn service_not_found() -> Self {
        ServiceError::new("ServiceNotFoundException", "Service not found.")
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ServiceError {}
