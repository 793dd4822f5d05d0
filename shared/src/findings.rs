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
mod tests {
    use super::*;

    fn events(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_last_lines_are_shown_plain_and_without_secrets() {
        let key = "-----BEGIN PRIVATE KEY-----";
        let shown = lines(&events(&[
            "\u{1b}[31mERROR\u{1b}[0m\tpass\u{1b}[1mword=hunter2 at line\n  two\n",
            key,
            "MIIE",
            "-----END PRIVATE KEY-----",
            "",
            "\u{202e}bye",
        ]));
        assert_eq!(
            shown,
            [
                "ERROR password=[redacted] at line",
                "  two",
                "[redacted]",
                "bye"
            ]
        );
    }

    #[test]
    fn only_the_last_twenty_lines_are_kept_and_each_is_short() {
        let many: Vec<String> = (0..30)
            .map(|n| format!("{n} {}", "ä".repeat(900)))
            .collect();
        let shown = lines(&many);
        assert_eq!(shown.len(), LINES_SHOWN);
        assert!(shown[0].starts_with("10 ") && shown[19].starts_with("29 "));
        assert!(
            shown
                .iter()
                .all(|line| line.len() <= LINE_LIMIT_BYTES && line.ends_with('…'))
        );
    }

    fn news(containers: &[(&str, i64)], started: bool) -> RolloutNews {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let digest = format!("sha256:{}", "0a".repeat(32));
        let policy = serde_json::json!({ "service": { "cluster": "prod", "name": "web" },
            "images": [{ "repository": "team/web" }] });
        let target = crate::core::name::TargetName::parse("web").unwrap();
        let push = serde_json::json!({ "repository": "team/web", "tag": "v1", "digest": digest,
            "taggedAt": at, "eventId": "e" });
        let start = serde_json::json!({ "at": at, "digest": digest, "baseTaskDefinition": "web:1",
            "baseDeployment": "ecs-svc/1", "baseDeploymentCreatedAt": at,
            "containers": ["web"], "alarms": [] });
        let mut rollout = crate::core::rollout::Rollout {
            id: crate::core::name::RolloutId::new(at, &["v1"]),
            push: serde_json::from_value(push).unwrap(),
            policy: crate::target::parse(&target, &policy.to_string()).unwrap(),
            requested_at: at,
            phase: crate::core::rollout::Phase::Requested {
                waiting: crate::core::reason::Waiting::FirstLook,
                hindered_since: None,
            },
            evidence: crate::core::evidence::Evidence::default(),
        };
        let container = |(name, code): &(&str, i64)| crate::core::evidence::StoppedContainer {
            name: (*name).to_owned(),
            exit_code: Some(*code),
            ..crate::core::evidence::StoppedContainer::default()
        };
        rollout.evidence.stopped_tasks.keep(StoppedTask {
            task_arn: "arn:aws:ecs:eu-west-1:123456789012:task/prod/0f1e".to_owned(),
            started,
            containers: containers.iter().map(container).collect(),
            ..StoppedTask::default()
        });
        RolloutNews {
            last_known_good_tag: None,
            rollout,
            start: Some(serde_json::from_value(start).unwrap()),
            running: None,
            last_known_good: None,
            halted_since: None,
        }
    }

    #[test]
    fn the_container_that_failed_is_asked_for_its_log() {
        let name = |containers: &[(&str, i64)], started| {
            let news = news(containers, started);
            FailedContainer::of(&news).map(|failed| failed.name.to_owned())
        };
        let sidecar_failed = [("web", 143), ("envoy", 1)];
        assert_eq!(name(&sidecar_failed, true).as_deref(), Some("envoy"));
        let stopped_by_ecs = [("envoy", 143), ("web", 143)];
        assert_eq!(name(&stopped_by_ecs, true).as_deref(), Some("web"));
        assert_eq!(name(&sidecar_failed, false), None, "it wrote no log");
        assert_eq!(name(&[], true), None);
    }

    #[test]
    fn half_a_secret_at_the_end_of_a_huge_event_is_not_shown() {
        let mut event = "x ".repeat(EVENT_LIMIT_BYTES / 2 - 4);
        event.push_str("AKIAIOSFODNN7EXAMPLE");
        assert!(!lines(&[event])[0].contains("AKIA"));
    }

    #[test]
    fn labels_are_strangers_text() {
        let label = |name: &str, value: &str| {
            (format!("org.opencontainers.image.{name}"), value.to_owned())
        };
        let labels = ImageLabels::of(&BTreeMap::from([
            label("revision", "4f1c0de"),
            label("source", "https://bob:s3cr3t@github.com/x/y"),
            label(
                "authors",
                &format!("Bob\r\nSubject: you won {}", "!".repeat(900)),
            ),
            label("version", " \n"),
            ("maintainer".to_owned(), "nobody".to_owned()),
        ]));
        assert_eq!(labels.revision.as_deref(), Some("4f1c0de"));
        let source = labels.source.unwrap();
        assert_eq!(source, "https://bob:[redacted]@github.com/x/y");
        let authors = labels.authors.unwrap();
        assert!(authors.starts_with("Bob Subject: you won !"));
        assert!(authors.len() <= LABEL_LIMIT_BYTES);
        assert_eq!((labels.version, labels.created), (None, None));
    }
}
