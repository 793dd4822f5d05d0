//! What was looked up just before the message was sent.

use crate::findings::{ImageFinding, LogFinding};

/// Shows a container's log, or says where it is.
pub(super) fn log(finding: &LogFinding) -> Option<String> {
    let text = match finding {
        LogFinding::NotSought => return None,
        LogFinding::Tail {
            container,
            group,
            stream,
            lines,
        } if lines.is_empty() => format!(
            "Container {container} has no line in its log (group {group}, stream {stream})."
        ),
        LogFinding::Tail {
            container,
            group,
            stream,
            lines,
        } => {
            // Set off, so that no line of a log reads like one of ours.
            let lines: Vec<String> = lines.iter().map(|line| format!("  | {line}")).collect();
            format!(
                "The last lines of container {container} (log group {group}, stream {stream}):\n{}",
                lines.join("\n")
            )
        }
        LogFinding::Elsewhere {
            container, driver, ..
        } if driver.is_empty() => {
            format!("Container {container} has no log configuration: its log is kept nowhere.")
        }
        LogFinding::Elsewhere {
            container,
            driver,
            options,
        } => {
            let options = match options.as_slice() {
                [] => String::new(),
                options => format!(" (options: {})", options.join(", ")),
            };
            format!(
                "The log of container {container} goes to the log driver {driver}{options}: look there."
            )
        }
        LogFinding::Unreadable { container, problem } => {
            format!("The log of container {container} could not be read: {problem}.")
        }
    };
    Some(text)
}

/// Lists what an image says of itself.
pub(super) fn image(finding: &ImageFinding) -> Vec<String> {
    let labels = match finding {
        ImageFinding::NotSought => return Vec::new(),
        ImageFinding::Unreadable { problem } => {
            return vec![format!("The image's labels could not be read: {problem}.")];
        }
        ImageFinding::Labels(labels) => labels,
    };
    [
        ("Commit: ", &labels.revision),
        ("Source: ", &labels.source),
        ("Authors:", &labels.authors),
        ("Version:", &labels.version),
        ("Built:  ", &labels.created),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some(format!("{label}  {}", value.as_ref()?)))
    .collect()
}
