//! Which account and Region an event comes from.

use serde_json::Value;

use crate::core::reason::Ignored;

/// How much of a stranger's account or Region is quoted, in characters.
const QUOTED_CHARACTERS: usize = 40;

/// Lets pass what happened where the function runs, and what does not say where it happened.
///
/// Events of others can reach an event bus: a bus may be shared between accounts, and a rule may
/// pass events on to another Region. Repositories, services and alarms go by their names here, so
/// that a stranger's would be taken for our own. Source: EventBridge user guide, "Sending and
/// receiving events between AWS accounts" and "... between AWS Regions".
///
/// `function_arn` is the ARN by which the function was invoked.
///
/// # Errors
///
/// What happened elsewhere is explained as ignored.
pub fn happened_here(function_arn: &str, event: &Value) -> Result<(), Ignored> {
    let mut parts = function_arn.split(':').skip(3);
    let (Some(region), Some(account)) = (parts.next(), parts.next()) else {
        return Ok(());
    };
    let named = |field: &str| event.get(field).and_then(Value::as_str);
    let (in_account, in_region) = (
        named("account").unwrap_or(account),
        named("region").unwrap_or(region),
    );
    if (in_account, in_region) == (account, region) {
        return Ok(());
    }
    let quoted = |text: &str| text.chars().take(QUOTED_CHARACTERS).collect();
    Err(Ignored::Elsewhere {
        account: quoted(in_account),
        region: quoted(in_region),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:pushboat-image-push";

    fn at(account: &str, region: &str) -> Result<(), Ignored> {
        let event = json!({ "account": account, "region": region });
        happened_here(ARN, &event)
    }

    #[test]
    fn what_happened_here_or_does_not_say_where_passes() {
        assert_eq!(at("123456789012", "eu-west-1"), Ok(()));
        for event in [
            json!({}),
            json!(null),
            json!({ "account": 7, "region": [] }),
        ] {
            assert_eq!(happened_here(ARN, &event), Ok(()), "{event}");
        }
        // Lambda always gives an ARN; without one nothing is turned away.
        let event = json!({ "account": "999999999999" });
        assert_eq!(happened_here("", &event), Ok(()));
    }

    #[test]
    fn what_happened_elsewhere_is_explained() {
        for (account, region) in [("999999999999", "eu-west-1"), ("123456789012", "us-east-1")] {
            let elsewhere = Ignored::Elsewhere {
                account: account.to_owned(),
                region: region.to_owned(),
            };
            assert_eq!(at(account, region), Err(elsewhere));
        }
        let long = at(&"x".repeat(5000), "eu-west-1");
        let Err(Ignored::Elsewhere { account, .. }) = long else {
            panic!("it passes");
        };
        assert_eq!(account.len(), QUOTED_CHARACTERS);
    }
}
