//! A command as a person writes it, parsed strictly.

use serde_json::{Map, Value};

use crate::core::name::{ImageDigest, TargetName};
use crate::core::operate::{Order, WantedImage};
use crate::target::{Mistake, first_mistakes, shown};

/// How many finished rollouts `history` answers where no limit is named, and at the most.
const HISTORY: (usize, usize) = (10, 100);
/// How many targets `status` answers where no limit is named, and at the most.
const STATUS: (usize, usize) = (50, 200);
/// How large a command may be, in bytes of its texts; Lambda takes a payload of 6 MB.
///
/// Source: Lambda developer guide, "Lambda quotas".
const PAYLOAD_LIMIT_BYTES: usize = 16 * 1024;
/// How long the reason of a hold may be, in characters.
const REASON_LIMIT: usize = 500;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Says how targets stand.
    Status {
        /// One target; all of them where none is named.
        target: Option<TargetName>,
        /// Only targets behind this one, by name.
        after: Option<String>,
        /// How many targets at the most.
        limit: usize,
    },
    /// Lists finished rollouts, the latest first.
    History {
        /// The target.
        target: TargetName,
        /// How many at the most.
        limit: usize,
    },
    /// Shows one rollout whole.
    Show {
        /// The target.
        target: TargetName,
        /// The rollout; the one under way, or the last one, where none is named.
        rollout: Option<String>,
    },
    /// Says why nothing is happening.
    Explain {
        /// The target.
        target: TargetName,
    },
    /// Changes something.
    Change {
        /// The target.
        target: TargetName,
        /// What is to be done.
        order: Order,
    },
}

/// What is known of each command: its name and its fields besides `command`.
const COMMANDS: [(&str, &[&str]); 9] = [
    ("status", &["target", "after", "limit"]),
    ("history", &["target", "limit"]),
    ("show", &["target", "rollout"]),
    ("explain", &["target"]),
    ("deploy", &["target", "repository", "tag", "digest"]),
    ("rollback", &["target"]),
    ("release", &["target", "digest"]),
    ("hold", &["target", "reason"]),
    ("resume", &["target"]),
];

/// Reads a command.
///
/// # Errors
///
/// Every mistake, at least one.
pub fn parse(value: &Value) -> Result<Command, Vec<Mistake>> {
    let mut left = PAYLOAD_LIMIT_BYTES;
    if !fits(value, &mut left) {
        let problem = format!("it holds more than {} KiB", PAYLOAD_LIMIT_BYTES / 1024);
        let fix = "Send the command and its own fields alone.";
        return Err(vec![Mistake::new("the payload", problem, fix)]);
    }
    let Some(fields) = value.as_object() else {
        return Err(vec![Mistake::new(
            "the payload",
            "it is no JSON object",
            r#"Send {"command":"status"}, for one."#,
        )]);
    };
    let names = || COMMANDS.map(|(name, _)| name).join(", ");
    let Some(name) = fields.get("command").and_then(Value::as_str) else {
        return Err(vec![Mistake::new(
            "command",
            "it is missing or no text",
            format!("Name one of {}.", names()),
        )]);
    };
    let Some((name, known)) = COMMANDS.iter().find(|(known, _)| *known == name) else {
        return Err(vec![Mistake::new(
            "command",
            format!("`{}` is not known", shown(name)),
            format!("Name one of {}.", names()),
        )]);
    };
    let mut reader = Reader {
        fields,
        mistakes: Vec::new(),
    };
    reader.strangers(known);
    let command = reader.command(name);
    match (command, reader.mistakes) {
        (Some(command), mistakes) if mistakes.is_empty() => Ok(command),
        (_, mistakes) => Err(first_mistakes(mistakes, "the payload")),
    }
}

/// Says whether what a value holds fits into what is left.
fn fits(value: &Value, left: &mut usize) -> bool {
    let own = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => 1,
        Value::String(text) => text.len() + 1,
        Value::Object(fields) => fields.keys().map(|name| name.len() + 1).sum::<usize>() + 1,
    };
    let Some(rest) = left.checked_sub(own) else {
        return false;
    };
    *left = rest;
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
        Value::Array(values) => values.iter().all(|value| fits(value, left)),
        Value::Object(fields) => fields.values().all(|value| fits(value, left)),
    }
}

/// Source: Amazon ECR API reference, CreateRepository, `repositoryName`.
fn is_repository(text: &str) -> bool {
    let allowed = |c: char| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | '/')
    };
    (2..=256).contains(&text.len()) && text.chars().all(allowed)
}

/// Source: OCI distribution specification, "Pulling manifests".
fn is_tag(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    text.len() <= 128 && !text.starts_with(['.', '-']) && text.chars().all(allowed)
}

/// Says whether a text can be a rollout's id.
fn is_rollout(text: &str) -> bool {
    text.len() <= 64 && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

struct Reader<'a> {
    fields: &'a Map<String, Value>,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    /// Notes the fields that the command does not have.
    fn strangers(&mut self, known: &[&str]) {
        let strange = |name: &&String| *name != "command" && !known.contains(&name.as_str());
        for name in self.fields.keys().filter(strange) {
            let fix = format!("Leave it out; this command has {}.", known.join(", "));
            let problem = "this command has no such field";
            self.mistakes.push(Mistake::new(shown(name), problem, fix));
        }
    }

    fn command(&mut self, name: &str) -> Option<Command> {
        if name == "status" {
            let target = match self.fields.contains_key("target") {
                true => Some(self.target()?),
                false => None,
            };
            let after = self.text("after");
            let limit = self.limit(STATUS)?;
            return Some(Command::Status {
                target,
                after,
                limit,
            });
        }
        let target = self.target();
        let order = match name {
            "history" => {
                let limit = self.limit(HISTORY)?;
                return target.map(|target| Command::History { target, limit });
            }
            "show" => {
                let rollout = self.text("rollout");
                let is_one = rollout.as_deref().is_none_or(is_rollout);
                self.unless(
                    is_one,
                    "rollout",
                    "it is no rollout's id",
                    "`history` lists them.",
                );
                return target.map(|target| Command::Show { target, rollout });
            }
            "explain" => return target.map(|target| Command::Explain { target }),
            "deploy" => self.deploy(),
            "rollback" => Some(Order::Rollback),
            "release" => self
                .required_digest()
                .map(|digest| Order::Release { digest }),
            "hold" => Some(self.hold()),
            _ => Some(Order::Resume),
        };
        Some(Command::Change {
            target: target?,
            order: order?,
        })
    }

    fn deploy(&mut self) -> Option<Order> {
        let repository = self.text("repository");
        let is_one = repository.as_deref().is_none_or(is_repository);
        let fix = "Write it as in `team/web`, without host and tag.";
        self.unless(is_one, "repository", "it is no name that ECR gives", fix);
        let tag = self.text("tag");
        let is_one = tag.as_deref().is_none_or(is_tag);
        let fix = "Write it as in `v41`, without the repository.";
        self.unless(is_one, "tag", "it is no tag of an image", fix);
        let digest = match self.fields.contains_key("digest") {
            true => Some(self.required_digest()?),
            false => None,
        };
        let image = match (tag, digest) {
            (Some(tag), None) => WantedImage::Tag(tag),
            (None, Some(digest)) => WantedImage::Digest(digest),
            (Some(_), Some(_)) => {
                self.mistake(
                    "digest",
                    "an image is named by tag and by digest",
                    "Leave one of them out.",
                );
                return None;
            }
            (None, None) => {
                if !self.fields.contains_key("tag") {
                    self.mistake(
                        "tag",
                        "no image is named",
                        "Name the image by `tag` or by `digest`.",
                    );
                }
                return None;
            }
        };
        Some(Order::Deploy { repository, image })
    }

    fn hold(&mut self) -> Order {
        let reason = self
            .text("reason")
            .unwrap_or_else(|| "no reason given".to_owned());
        Order::Hold {
            reason: reason.chars().take(REASON_LIMIT).collect(),
        }
    }

    fn target(&mut self) -> Option<TargetName> {
        let Some(text) = self.fields.get("target") else {
            self.mistake(
                "target",
                "it is missing",
                r#"Name the target; {"command":"status"} lists them."#,
            );
            return None;
        };
        match text.as_str().map(TargetName::parse) {
            Some(Ok(target)) => Some(target),
            Some(Err(error)) => {
                self.mistake(
                    "target",
                    "it is no target's name",
                    &format!("Correct it: {error}."),
                );
                None
            }
            None => {
                self.mistake(
                    "target",
                    "it is no text",
                    "Put the target's name in quotes.",
                );
                None
            }
        }
    }

    fn required_digest(&mut self) -> Option<ImageDigest> {
        let digest = self.fields.get("digest").and_then(Value::as_str);
        let digest = digest.and_then(ImageDigest::parse);
        if digest.is_none() {
            self.mistake(
                "digest",
                "it is missing or no digest",
                "Write it whole: `sha256:` and 64 hexadecimal digits, in lower case.",
            );
        }
        digest
    }

    /// Reads a text that may be left out, but not be empty.
    fn text(&mut self, name: &str) -> Option<String> {
        let value = self.fields.get(name)?;
        let text = value.as_str().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            self.mistake(
                name,
                "it is empty or no text",
                "Write a text, or leave the field out.",
            );
        }
        text.map(str::to_owned)
    }

    fn limit(&mut self, (usual, most): (usize, usize)) -> Option<usize> {
        let Some(value) = self.fields.get("limit") else {
            return Some(usual);
        };
        let number = value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok());
        let limit = number.filter(|number| (1..=most).contains(number));
        if limit.is_none() {
            let fix = format!("Write a whole number from 1 to {most}.");
            self.mistake("limit", "it is no such number", &fix);
        }
        limit
    }

    fn unless(&mut self, right: bool, place: &str, problem: &str, fix: &str) {
        if !right {
            self.mistake(place, problem, fix);
        }
    }

    fn mistake(&mut self, place: &str, problem: &str, fix: &str) {
        self.mistakes.push(Mistake::new(place, problem, fix));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(value: &Value) -> Vec<String> {
        let mistakes = parse(value).unwrap_err();
        mistakes.into_iter().map(|mistake| mistake.place).collect()
    }

    #[test]
    fn every_mistake_is_told_at_once() {
        let value =
            json!({ "command": "deploy", "target": "a//b", "image": 1, "digest": "sha256:0" });
        assert_eq!(places(&value), ["image", "target", "digest"]);
        assert_eq!(
            places(&json!({ "command": "release" })),
            ["target", "digest"]
        );
        assert_eq!(
            places(&json!({ "command": "restart", "target": 1 })),
            ["command"]
        );
        assert_eq!(places(&json!("status")), ["the payload"]);
        assert_eq!(places(&json!({})), ["command"]);
        for limit in [json!(0), json!(101), json!("5"), json!(1.5)] {
            let value = json!({ "command": "history", "target": "web", "limit": limit });
            assert_eq!(places(&value), ["limit"], "{value}");
        }
    }

    #[test]
    fn an_image_is_named_once() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let both = json!({ "command": "deploy", "target": "web", "tag": "v1", "digest": digest });
        assert_eq!(places(&both), ["digest"]);
        let none = json!({ "command": "deploy", "target": "web" });
        assert_eq!(places(&none), ["tag"]);
        let empty = json!({ "command": "deploy", "target": "web", "tag": "" });
        assert_eq!(places(&empty), ["tag"]);
    }

    #[test]
    fn commands_read_as_they_are_documented() {
        let target = TargetName::parse("team/web").unwrap();
        let read = |value: Value| parse(&value).unwrap();
        assert_eq!(
            read(json!({ "command": "status" })),
            Command::Status {
                target: None,
                after: None,
                limit: 50
            }
        );
        assert_eq!(
            read(json!({ "command": "deploy", "target": "team/web", "tag": "v1" })),
            Command::Change {
                target: target.clone(),
                order: Order::Deploy {
                    repository: None,
                    image: WantedImage::Tag("v1".to_owned())
                }
            }
        );
        for (name, order) in [("rollback", Order::Rollback), ("resume", Order::Resume)] {
            let change = Command::Change {
                target: target.clone(),
                order,
            };
            assert_eq!(
                read(json!({ "command": name, "target": "team/web" })),
                change
            );
        }
    }
}
