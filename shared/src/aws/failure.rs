//! What a failed SDK call means: turned away, unclear, or refused.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::function::chain;
use crate::ports::CallError;

/// The codes with which AWS's services say that a call came too soon after others.
///
/// Source: the list that the AWS SDK for Rust retries on (`aws-runtime`,
/// `THROTTLING_ERRORS`) without `LimitExceededException`, which ECS and ECR
/// mean for quotas that waiting does not lift, with KMS's own code, as SNS hands
/// it on, with what ECR says of the registry behind a pull-through cache, and
/// with what Parameter Store says of two writes of one parameter at once.
const THROTTLED: [&str; 15] = [
    "BandwidthLimitExceeded",
    "KMSThrottlingException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
    "TooManyUpdates",
    "UpstreamTooManyRequests",
];

/// The codes of an answer below 500 that says nothing about the call itself.
///
/// Expired credentials are gone with the execution environment that holds them.
const PASSING: [&str; 6] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "RequestTimeout",
    "RequestTimeoutException",
    "UpstreamUnavailable",
];

/// How ECS turns away a registration that runs into another one of the same family.
const CONCURRENT_REGISTRATION: &str = "Too many concurrent attempts to create a new revision";

/// Says what the failure of `call` means; `call` names the operation and its subject.
pub(super) fn call_error<E>(call: &str, error: &SdkError<E, HttpResponse>) -> CallError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => from_answer(
            call,
            answer.raw().status().as_u16(),
            answer.err().code(),
            answer.err().message(),
        ),
        SdkError::ConstructionFailure(_) => CallError::Refused {
            call: call.to_owned(),
            code: "ConstructionFailure".to_owned(),
            message: chain(error),
        },
        // A timeout, a broken connection or an answer that cannot be read: whatever it
        // is, and whatever the SDK adds, the call may have had its effect.
        _ => unclear(call, &chain(error)),
    }
}

/// Says that AWS's answer to `call` cannot be used.
pub(super) fn unclear(call: &str, problem: &str) -> CallError {
    CallError::Unclear {
        call: call.to_owned(),
        problem: problem.to_owned(),
    }
}

/// Says that AWS answered `call` with `code`, wherever in the answer that stood.
pub(super) fn from_answer(
    call: &str,
    status: u16,
    code: Option<&str>,
    message: Option<&str>,
) -> CallError {
    let call = call.to_owned();
    let code = code.unwrap_or_default();
    let message = message.unwrap_or_default();
    let throttled = THROTTLED.contains(&code)
        || status == 429
        || (code == "ClientException" && message.contains(CONCURRENT_REGISTRATION));
    if throttled {
        return CallError::Throttled { call };
    }
    if status >= 500 || code.is_empty() || PASSING.contains(&code) {
        return CallError::Unclear {
            call,
            problem: format!("status {status}: {code}: {message}"),
        };
    }
    CallError::Refused {
        call,
        code: code.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::operation::update_service::UpdateServiceError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    const CALL: &str = "ecs:UpdateService prod/web";

    fn answered(status: u16, code: &str, message: &str) -> CallError {
        let metadata = ErrorMetadata::builder().code(code).message(message).build();
        let raw = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
        call_error(
            CALL,
            &SdkError::service_error(UpdateServiceError::generic(metadata), raw),
        )
    }

    #[test]
    fn what_was_turned_away_may_be_sent_again() {
        for (status, code, message) in [
            (400, "ThrottlingException", "Rate exceeded"),
            (400, "Throttling", ""),
            (429, "TooManyRequestsException", ""),
            (429, "SomethingNew", ""),
            (503, "RequestLimitExceeded", ""),
            (
                400,
                "ClientException",
                "Too many concurrent attempts to create a new revision of the specified family.",
            ),
        ] {
            assert_eq!(
                answered(status, code, message),
                CallError::Throttled {
                    call: CALL.to_owned()
                },
                "{status} {code} {message}"
            );
        }
    }

    #[test]
    fn what_aws_says_no_to_keeps_its_words() {
        for code in [
            "ServiceNotFoundException",
            "AccessDeniedException",
            "LimitExceededException",
            "ClientException",
        ] {
            assert_eq!(
                answered(400, code, "because"),
                CallError::Refused {
                    call: CALL.to_owned(),
                    code: code.to_owned(),
                    message: "because".to_owned()
                }
            );
        }
    }

    #[test]
    fn what_says_nothing_about_the_call_is_unclear() {
        for (status, code) in [
            (500, "ServerException"),
            (503, "ServiceUnavailable"),
            (502, ""),
            (404, ""),
            (403, "ExpiredTokenException"),
        ] {
            let error = answered(status, code, "");
            assert!(matches!(error, CallError::Unclear { .. }), "{error:?}");
        }
    }

    #[test]
    fn whatever_got_no_answer_is_unclear_and_tells_the_whole_chain() {
        type Failed = SdkError<UpdateServiceError, HttpResponse>;
        let reset = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "reset by peer");
        let raw = || HttpResponse::new(StatusCode::try_from(200).unwrap(), SdkBody::empty());
        for error in [
            Failed::timeout_error("took too long"),
            Failed::dispatch_failure(ConnectorError::io(reset.into())),
            Failed::response_error("cut short", raw()),
        ] {
            let told = chain(&error);
            let expected = CallError::Unclear {
                call: CALL.to_owned(),
                problem: told.clone(),
            };
            assert_eq!(call_error(CALL, &error), expected);
            assert!(
                ["took too long", "reset by peer", "cut short"]
                    .iter()
                    .any(|cause| told.contains(cause)),
                "{told}"
            );
        }
    }

    #[test]
    fn what_could_not_even_be_sent_will_not_be_better_next_time() {
        let error: SdkError<UpdateServiceError, HttpResponse> =
            SdkError::construction_failure("no such member");
        assert!(matches!(
            call_error(CALL, &error),
            CallError::Refused { code, .. } if code == "ConstructionFailure"
        ));
    }
}
