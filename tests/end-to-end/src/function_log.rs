//! What the functions write: a JSON object a line, which Lambda passes on to
//! CloudWatch Logs.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::aws::{Aws, AwsError};
use crate::installation::Installation;

/// The log of one function.
#[derive(Clone, Debug)]
pub struct FunctionLog {
    /// The function's package, such as `image-push`.
    pub function: &'static str,
    log_group: String,
}

/// One line of a function's own; Lambda's `START`, `END` and `REPORT` are left out.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// The function's package.
    pub function: &'static str,
    /// When the function wrote it, by its own clock.
    pub at: Timestamp,
    /// What it wrote: `message`, `level` and more.
    pub fields: Value,
}

impl LogEntry {
    /// A field that is text; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.fields[name].as_str().unwrap_or_default()
    }

    /// Whether it says why an event changed nothing.
    pub fn is_ignored(&self) -> bool {
        self.text("message") == "ignored"
    }
}

impl FunctionLog {
    /// Finds the log group that the template gives a function: `ImagePushLog`.
    pub fn of(installation: &Installation, function: &'static str) -> Self {
        let logical_id = format!("{}Log", logical_name(function));
        FunctionLog {
            function,
            log_group: installation.physical_id(&logical_id).to_owned(),
        }
    }

    /// Reads what was written at or after an instant, the oldest first.
    ///
    /// # Errors
    ///
    /// CloudWatch Logs refused.
    pub async fn since(&self, aws: &Aws, since: Timestamp) -> Result<Vec<LogEntry>, AwsError> {
        let mut asked = json!({
            "logGroupName": self.log_group,
            "startTime": since.as_millisecond(),
        });
        let mut entries = Vec::new();
        loop {
            let page = aws.json("logs", "FilterLogEvents", &asked).await?;
            let events = page["events"].as_array();
            entries.extend(events.into_iter().flatten().filter_map(|event| {
                let fields: Value = serde_json::from_str(event["message"].as_str()?).ok()?;
                let at = fields["timestamp"].as_str()?.parse().ok()?;
                Some(LogEntry {
                    function: self.function,
                    at,
                    fields,
                })
            }));
            match &page["nextToken"] {
                Value::String(token) => asked["nextToken"] = token.as_str().into(),
                _ => break,
            }
        }
        entries.sort_by_key(|entry| entry.at);
        Ok(entries)
    }
}

/// `image-push` as the template's logical ids spell it: `ImagePush`.
pub fn logical_name(function: &str) -> String {
    let words = function.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", first.to_uppercase())
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_as_in_the_template() {
        let template = include_str!("../../../template.yaml");
        for function in crate::staging::FUNCTIONS {
            let name = logical_name(function);
            assert!(
                template.contains(&format!("\n  {name}Function:\n")),
                "{name}"
            );
            assert!(template.contains(&format!("\n  {name}Log:\n")), "{name}");
        }
    }
}
