//! Whether a resource's policy lets EventBridge in, as far as such policies go:
//! a service principal, an action, and the ARN of the rule.

use serde_json::Value;

/// Whether a policy allows `events.amazonaws.com` an action for one rule.
///
/// Only conditions on `aws:SourceArn` and `aws:SourceAccount` are understood; a
/// statement with any other does not count.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html>
pub(crate) fn lets_events_in(policy: &str, action: &str, rule_arn: &str) -> bool {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let applying: Vec<&str> = many(&policy["Statement"])
        .filter(|statement| applies(statement, action, rule_arn))
        .filter_map(|statement| statement["Effect"].as_str())
        .collect();
    applying.contains(&"Allow") && !applying.contains(&"Deny")
}

fn applies(statement: &Value, action: &str, rule_arn: &str) -> bool {
    let principal = &statement["Principal"];
    let is_events = principal == "*"
        || many(&principal["Service"]).any(|service| service == "events.amazonaws.com")
        || many(&principal["AWS"]).any(|aws| aws == "*");
    let has_action = many(&statement["Action"])
        .filter_map(Value::as_str)
        .any(|pattern| matches(&pattern.to_lowercase(), &action.to_lowercase()));
    is_events && has_action && conditions_hold(&statement["Condition"], rule_arn)
}

fn conditions_hold(conditions: &Value, rule_arn: &str) -> bool {
    let account = rule_arn.split(':').nth(4).unwrap_or_default();
    let operators = conditions.as_object().into_iter().flatten();
    operators
        .flat_map(|(operator, keys)| {
            keys.as_object()
                .into_iter()
                .flatten()
                .map(move |(key, value)| (operator.as_str(), key.to_lowercase(), value))
        })
        .all(|(operator, key, value)| {
            let found = match key.as_str() {
                "aws:sourcearn" => rule_arn,
                "aws:sourceaccount" => account,
                _ => return false,
            };
            let mut patterns = many(value).filter_map(Value::as_str);
            match operator {
                "ArnLike" | "ArnEquals" | "StringLike" => {
                    patterns.any(|pattern| matches(pattern, found))
                }
                "StringEquals" => patterns.any(|pattern| pattern == found),
                _ => false,
            }
        })
}

/// One value or a list of them, as IAM's grammar leaves open.
fn many(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(values) => values.iter(),
        Value::Null => [].iter(),
        single => std::slice::from_ref(single).iter(),
    }
}

/// Whether a pattern with `*` and `?` covers a text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else {
        return text.is_empty();
    };
    let rest = &pattern[first.len_utf8()..];
    match first {
        '*' => {
            matches(rest, text)
                || text
                    .chars()
                    .next()
                    .is_some_and(|skipped| matches(pattern, &text[skipped.len_utf8()..]))
        }
        _ => text.chars().next().is_some_and(|found| {
            (first == '?' || first == found) && matches(rest, &text[found.len_utf8()..])
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const RULE: &str = "arn:aws:events:eu-central-1:123456789012:rule/push";

    #[test]
    fn the_permission_that_sam_makes_lets_its_own_rule_in() {
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": "arn:aws:lambda:eu-central-1:123456789012:function:f",
            "Condition": {"ArnLike": {"AWS:SourceArn": RULE}},
        }]})
        .to_string();
        assert!(lets_events_in(&policy, "lambda:InvokeFunction", RULE));
        assert!(!lets_events_in(
            &policy,
            "lambda:InvokeFunction",
            &format!("{RULE}2")
        ));
        assert!(!lets_events_in(&policy, "sqs:SendMessage", RULE));
    }

    #[test]
    fn wildcards_accounts_and_lists_are_understood() {
        let policy = |condition: Value| {
            json!({"Statement": {
                "Effect": "Allow",
                "Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]},
                "Action": ["sqs:Get*", "sqs:Send*"],
                "Condition": condition,
            }})
            .to_string()
        };
        let holding = [
            json!({}),
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:events:*:123456789012:rule/*"}}),
            json!({"StringEquals": {"aws:SourceAccount": ["1", "123456789012"]}}),
        ];
        for condition in holding {
            let policy = policy(condition);
            assert!(lets_events_in(&policy, "sqs:SendMessage", RULE), "{policy}");
        }
        let failing = [
            json!({"StringEquals": {"aws:SourceAccount": "1"}}),
            json!({"StringEquals": {"aws:SourceArn": "arn:aws:events:*"}}),
            json!({"Bool": {"aws:SecureTransport": "true"}}),
        ];
        for condition in failing {
            let policy = policy(condition);
            assert!(
                !lets_events_in(&policy, "sqs:SendMessage", RULE),
                "{policy}"
            );
        }
    }

    #[test]
    fn a_denial_wins_and_no_policy_lets_nobody_in() {
        let policy = json!({"Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "*"},
            {"Effect": "Deny", "Principal": "*", "Action": "sqs:*"},
        ]})
        .to_string();
        assert!(!lets_events_in(&policy, "sqs:SendMessage", RULE));
        assert!(lets_events_in(&policy, "lambda:InvokeFunction", RULE));
        assert!(!lets_events_in("", "sqs:SendMessage", RULE));
    }
}
