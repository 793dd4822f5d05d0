//! What is looked up for the notice of a failure just before it is sent.
//!
//! The notice itself is stored with what happened; the log of the container
//! that failed and the labels of the image are fetched by whoever sends it, so
//! that nothing of the rollout ever waits for them. What strangers wrote comes
//! out of here without secrets, without control characters, and short.

mod log_place;

use std::collections::BTreeMap;

use crate::core::evidence::StoppedTask;
use crate::notice::{Notice, RolloutNews};
use crate::redact::redact;

pub use log_place::{LogPlace, log_place};

/// How many lines of a container's log are shown.
pub const LINES_SHOWN: usize = 20;
/// The longest line that is shown, in bytes.
const LINE_LIMIT_BYTES: usize = 500;
/// The longest event that is read at all; half a token at its end is not shown.
const EVENT_LIMIT_BYTES: usize = 8 * 1024;
/// The longest label that is shown, in bytes.
const LABEL_LIMIT_BYTES: usize = 200;
/// The longest problem that is shown, in bytes.
const PROBLEM_LIMIT_BYTES: usize = 300;

/// What was looked up; nothing was, by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The log of the container that failed.
    pub log: LogFinding,
    /// What the image says of itself.
    pub image: ImageFinding,
}

/// What the log of a container came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LogFinding {
    /// It was not asked for, or no container failed.
    #[default]
    NotSought,
    /// Its last lines.
    Tail {
        /// The container's name.
        container: String,
        /// The log group.
        group: String,
        /// The stream.
        stream: String,
        /// The last lines, the last one last; none where it wrote nothing.
        lines: Vec<String>,
    },
    /// The log lies where it is not read from.
    Elsewhere {
        /// The container's name.
        container: String,
        /// The log driver, or nothing where none is set up.
        driver: String,
        /// The driver's options: their names, and the values of those that say where.
        options: Vec<String>,
    },
    /// It could not be read.
    Unreadable {
        /// The container's name.
        container: String,
        /// Why.
        problem: String,
    },
}

/// What an image's labels came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ImageFinding {
    /// They were not asked for.
    #[default]
    NotSought,
    /// These are there; none may be.
    Labels(ImageLabels),
    /// They could not be read.
    Unreadable {
        /// Why.
        problem: String,
    },
}

/// Who made an image, and of what.
///
/// Source: OCI image specification, `annotations.md`, "Pre-Defined Annotation
/// Keys"; builders write the same keys as labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageLabels {
    /// The commit: `org.opencontainers.image.revision`.
    pub revision: Option<String>,
    /// Where its source lies: `org.opencontainers.image.source`.
    pub source: Option<String>,
    /// Who answers for it: `org.opencontainers.image.authors`.
    pub authors: Option<String>,
    /// Its version: `org.opencontainers.image.version`.
    pub version: Option<String>,
    /// When it was built: `org.opencontainers.image.created`.
    pub created: Option<String>,
}

impl ImageLabels {
    /// Takes those labels out of all that an image has.
    #[must_use]
    pub fn of(labels: &BTreeMap<String, String>) -> Self {
        let label = |name: &str| {
            let value = labels.get(&format!("org.opencontainers.image.{name}"))?;
            Some(one_line(value, LABEL_LIMIT_BYTES)).filter(|value| !value.is_empty())
        };
        Self {
            revision: label("revision"),
            source: label("source"),
            authors: label("authors"),
            version: label("version"),
            created: label("created"),
        }
    }
}

/// Looks things up for a notice.
#[expect(
    async_fn_in_trait,
    reason = "every caller is generic over it, and none of them needs Send bounds"
)]
pub trait Investigator {
    /// Finds what can be found in little time; it never fails.
    async fn findings(&self, notice: &Notice) -> Findings;
}

/// Looks nothing up.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoInvestigator;

impl Investigator for NoInvestigator {
    async fn findings(&self, _notice: &Notice) -> Findings {
        Findings::default()
    }
}

/// The container whose log tells most about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedContainer<'a> {
    /// Its task.
    pub task: &'a StoppedTask,
    /// Its name.
    pub name: &'a str,
}

impl<'a> FailedContainer<'a> {
    /// Finds it: one that failed itself, else one whose image was pushed.
    ///
    /// A task that never ran wrote no log.
    #[must_use]
    pub fn of(news: &'a RolloutNews) -> Option<Self> {
        let tasks = news.failed_tasks();
        let task = tasks.into_iter().find(|task| task.started)?;
        // 143 is what the others exit with when ECS stops them because one of them failed.
        let failed = task.containers.iter().find(|container| {
            let code = container.exit_code;
            code.is_some_and(|code| code != 0 && code != 143)
        });
        let pushed = || {
            let changed = &news.start.as_ref()?.containers;
            let mut ran = task.containers.iter();
            ran.find(|container| changed.contains(&container.name))
        };
        let chosen = failed.or_else(pushed).or_else(|| task.containers.first())?;
        let name = chosen.name.as_str();
        Some(Self { task, name })
    }

    /// Gives the task's id, the last part of its ARN.
    #[must_use]
    pub fn task_id(&self) -> &str {
        self.task.task_arn.rsplit('/').next().unwrap_or_default()
    }
}

/// Makes of a stream's events the lines that are shown.
#[must_use]
pub fn lines(events: &[String]) -> Vec<String> {
    let whole: Vec<String> = events
        .iter()
        .map(|event| printable(head(event, EVENT_LIMIT_BYTES)))
        .collect();
    // Together: a key in PEM is several events.
    let text = redact(&whole.join("\n"));
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let first = lines.len().saturating_sub(LINES_SHOWN);
    lines
        .iter()
        .skip(first)
        .map(|line| shortened(line.trim_end(), LINE_LIMIT_BYTES))
        .collect()
}

/// Writes a problem as one short line.
#[must_use]
pub fn problem(text: &str) -> String {
    one_line(text, PROBLEM_LIMIT_BYTES)
}

/// Writes what a stranger wrote as one short line.
fn one_line(text: &str, limit_bytes: usize) -> String {
    let text = redact(&printable(head(text, EVENT_LIMIT_BYTES)));
    let words: Vec<&str> = text.split_whitespace().collect();
    shortened(&words.join(" "), limit_bytes)
}

/// Takes out escape sequences and control characters, but for line breaks.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                // Colours and the like: `ESC [ … letter`.
                _ = characters.find(char::is_ascii_alphabetic);
            }
            '\n' => shown.push('\n'),
            // What turns the direction of writing could make a line read as another.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            control if control.is_control() => shown.push(' '),
            other => shown.push(other),
        }
    }
    shown
}

fn shortened(text: &str, limit_bytes: usize) -> String {
    const GAP: &str = "…";
    if text.len() <= limit_bytes {
        return text.to_owned();
    }
    head(text, limit_bytes.saturating_sub(GAP.len())).to_owned() + GAP
}

fn head(text: &str, limit_bytes: usize) -> &str {
    let end = text.floor_char_boundary(limit_bytes);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
