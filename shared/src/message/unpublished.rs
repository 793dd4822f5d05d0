//! What is to be done where what is deployed could not be published.

use crate::ports::CallError;

/// Says in the log what is to be done, if anything is.
#[must_use]
pub fn unpublished(error: &CallError) -> String {
    let to_do = match error {
        CallError::Throttled { .. } | CallError::Unclear { .. } => {
            "There is nothing to do: it is tried again."
        }
        CallError::Refused { code, .. } if code.starts_with("AccessDenied") => {
            "Upgrade Pushboat's stack, whose template gives the role of rollout the right to \
             ssm:PutParameter, and see whether a permissions boundary or a policy of the \
             organization takes it away. Then it is tried again by itself."
        }
        CallError::Refused { .. } => {
            "AWS says why in error. Once that is put right it is tried again by itself."
        }
    };
    format!("No rollout is touched by it. {to_do}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> CallError {
        CallError::Refused {
            call: "ssm:PutParameter /pushboat/deployed/web".to_owned(),
            code: code.to_owned(),
            message: String::new(),
        }
    }

    #[test]
    fn only_a_refusal_is_something_to_do_about() {
        let throttled = CallError::Throttled {
            call: String::new(),
        };
        assert!(unpublished(&throttled).contains("nothing to do"));
        let denied = unpublished(&refused("AccessDeniedException"));
        assert!(denied.contains("Upgrade Pushboat's stack"), "{denied}");
        let invalid = unpublished(&refused("ValidationException"));
        assert!(!invalid.contains("Upgrade"), "{invalid}");
    }
}
