//! The errors CloudFormation answers a call with.

use std::fmt;

use crate::status::StackStatus;

/// Says why CloudFormation refused a call, in the terms of the Query protocol.
///
/// Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html>
/// and the errors of each operation beside it. The sentences are those that
/// CloudFormation is seen to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceError {
    /// The code as it goes over the wire, such as `ValidationError`.
    pub code: String,
    /// The sentence that comes with it.
    pub message: String,
    /// 400, or 404 for a change set that is not there.
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

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        ServiceError::new("ValidationError", message)
    }

    /// What this model leaves out is refused, so that nobody takes it for done.
    pub(crate) fn not_modelled(what: &str) -> Self {
        ServiceError::validation(format!(
            "The local model of CloudFormation does not know {what}."
        ))
    }

    /// Source: `ChangeSetNotFound` at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeChangeSet.html>.
    pub(crate) fn change_set_not_found(reference: &str) -> Self {
        ServiceError {
            http_status: 404,
            ..ServiceError::new(
                "ChangeSetNotFound",
                format!("ChangeSet [{reference}] does not exist"),
            )
        }
    }

    /// Source: `TokenAlreadyExistsException` at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html>;
    /// its sentence is assumed.
    pub(crate) fn token_already_exists(token: &str) -> Self {
        ServiceError::new(
            "TokenAlreadyExistsException",
            format!("Token [{token}] already exists"),
        )
    }

    /// A stack that is busy, or that must be mended or deleted first.
    ///
    /// The text is the same for both, as CloudFormation is seen to send it.
    /// Source: the statuses in which a stack cannot be updated at
    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>.
    pub(crate) fn cannot_be_updated(stack_arn: &str, status: StackStatus) -> Self {
        ServiceError::validation(format!(
            "Stack:{stack_arn} is in {} state and can not be updated.",
            status.as_str()
        ))
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for ServiceError {}
