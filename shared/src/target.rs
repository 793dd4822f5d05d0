//! A target's configuration, parsed strictly.
//!
//! One target is the JSON text of one SSM parameter. Every mistake is reported
//! with its place and its fix, not only the first, and a field that is not
//! known is a mistake: a gate that is spelled wrong would let everything pass.

use semver::VersionReq;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::core::diagnosis::failed_tasks::MaxFailedTasks;
use crate::core::name::TargetName;
use crate::core::ordering::pattern_problem;
use crate::core::policy::{AlarmsAtStart, FollowedImage, Policy, ServiceRef, Supersede, TagPolicy};

/// One thing that is wrong with a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mistake {
    /// Where: a path into the JSON such as `images[0].tags`, or the thing in AWS.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
    /// What to do about it.
    pub fix: String,
}

impl Mistake {
    /// Notes a mistake.
    #[must_use]
    pub fn new(
        place: impl Into<String>,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
            fix: fix.into(),
        }
    }
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}. {}", self.place, self.problem, self.fix)
    }
}

/// The longest bake time.
pub const MOST_BAKE_TIME_SECONDS: u32 = 86_400;
/// The bake time where the configuration names none.
pub const DEFAULT_BAKE_TIME_SECONDS: u32 = 300;
/// The deadline where the configuration names none.
pub const DEFAULT_DEADLINE_SECONDS: u32 = 1800;
/// The shortest deadline.
pub(crate) const LEAST_DEADLINE_SECONDS: u32 = 60;
/// The longest deadline.
pub(crate) const MOST_DEADLINE_SECONDS: u32 = 43_200;
/// The most that `maxFailedTasks.atLeast` may be.
pub(crate) const MOST_FAILED_TASKS: u32 = 1000;
/// An advanced parameter holds no more; anything longer was not read from one.
const LIMIT_BYTES: usize = 8 * 1024;
/// A registration writes a reverse item for each, and DynamoDB takes 100 items in a transaction.
pub(crate) const ALARMS_LIMIT: usize = 20;
pub(crate) const IMAGES_LIMIT: usize = 10;
pub(crate) const CONTAINERS_LIMIT: usize = 10;
pub(crate) const PATTERNS_LIMIT: usize = 10;
/// How long a name or a pattern may be.
pub(crate) const NAME_LIMIT: usize = 255;

/// How many mistakes are told at the most: what is told of them is stored, queued and sent, each
/// with limits of its own.
const MISTAKES_LIMIT: usize = 20;

/// Reads the text of a target's parameter; `Err` holds the mistakes, at least one.
pub fn parse(target: &TargetName, text: &str) -> Result<Policy, Vec<Mistake>> {
    if text.len() > LIMIT_BYTES {
        return Err(vec![Mistake::new(
            "the parameter",
            "its value is longer than 8 KiB",
            "Shorten it: a target names one service.",
        )]);
    }
    let (value, repeated) = json::read(text).map_err(|mistake| vec![mistake])?;
    let mut reader = Reader { mistakes: repeated };
    let policy = reader.target(target, &value);
    match policy {
        Some(policy) if reader.mistakes.is_empty() => Ok(policy),
        _ => Err(first_mistakes(reader.mistakes, "the parameter")),
    }
}

/// Keeps the first mistakes and says how many more there are in the whole.
pub(crate) fn first_mistakes(mut mistakes: Vec<Mistake>, whole: &str) -> Vec<Mistake> {
    let more = mistakes.len().saturating_sub(MISTAKES_LIMIT);
    if more > 0 {
        mistakes.truncate(MISTAKES_LIMIT);
        let problem = format!("there are {more} more mistakes");
        mistakes.push(Mistake::new(whole, problem, "Mend these first."));
    }
    mistakes
}

struct Reader {
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn wrong(&mut self, place: &str, problem: impl Into<String>, fix: impl Into<String>) {
        self.mistakes.push(Mistake::new(place, problem, fix));
    }

    fn target(&mut self, target: &TargetName, value: &Value) -> Option<Policy> {
        const FIELDS: [&str; 8] = [
            "service",
            "images",
            "alarms",
            "alarmsAtStart",
            "bakeTimeSeconds",
            "deadlineSeconds",
            "maxFailedTasks",
            "supersede",
        ];
        let fields = self.object("", value, &FIELDS)?;
        let service = self.service(fields.get("service"));
        let images = self.images(fields.get("images"));
        let alarms = self.strings("alarms", fields.get("alarms"), ALARMS_LIMIT);
        let bake_time_seconds = self.number(
            "bakeTimeSeconds",
            fields,
            DEFAULT_BAKE_TIME_SECONDS,
            (0, MOST_BAKE_TIME_SECONDS),
        );
        let deadline_seconds = self.number(
            "deadlineSeconds",
            fields,
            DEFAULT_DEADLINE_SECONDS,
            (LEAST_DEADLINE_SECONDS, MOST_DEADLINE_SECONDS),
        );
        let alarms_at_start = self.choice(
            "alarmsAtStart",
            fields.get("alarmsAtStart"),
            &[
                ("ignore", AlarmsAtStart::Ignore),
                ("wait", AlarmsAtStart::Wait),
                ("reject", AlarmsAtStart::Reject),
            ],
        );
        let supersede = self.choice(
            "supersede",
            fields.get("supersede"),
            &[
                ("whenFinished", Supersede::WhenFinished),
                ("immediately", Supersede::Immediately),
            ],
        );
        let max_failed_tasks = self.max_failed_tasks(fields.get("maxFailedTasks"));
        Some(Policy {
            target: target.clone(),
            service: service?,
            images: images?,
            alarms: alarms?,
            bake_time_seconds: bake_time_seconds?,
            deadline_seconds: deadline_seconds?,
            alarms_at_start: alarms_at_start?,
            max_failed_tasks: max_failed_tasks?,
            supersede: supersede?,
            needs_no_consent: false,
        })
    }

    fn service(&mut self, value: Option<&Value>) -> Option<ServiceRef> {
        let value = self.required("service", value)?;
        let fields = self.object("service", value, &["cluster", "name"])?;
        let cluster = self.ecs_name("service.cluster", fields.get("cluster"));
        let name = self.ecs_name("service.name", fields.get("name"));
        Some(ServiceRef {
            cluster: cluster?,
            name: name?,
        })
    }

    fn images(&mut self, value: Option<&Value>) -> Option<Vec<FollowedImage>> {
        let value = self.required("images", value)?;
        let list = self.list("images", value)?;
        if list.is_empty() || list.len() > IMAGES_LIMIT {
            self.wrong(
                "images",
                format!("it has {} entries", list.len()),
                format!("Follow between 1 and {IMAGES_LIMIT} repositories."),
            );
        }
        let mut images: Vec<FollowedImage> = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let place = format!("images[{index}]");
            let Some(image) = self.image(&place, value) else {
                continue;
            };
            if images
                .iter()
                .any(|other| other.repository == image.repository)
            {
                self.wrong(
                    &format!("{place}.repository"),
                    format!("`{}` is followed twice", image.repository),
                    "Put all its containers and tags into one entry.",
                );
            }
            images.push(image);
        }
        (images.len() == list.len()).then_some(images)
    }

    fn image(&mut self, place: &str, value: &Value) -> Option<FollowedImage> {
        let fields = self.object(place, value, &["repository", "tags", "containers"])?;
        let at = |field: &str| format!("{place}.{field}");
        let repository = self.repository(&at("repository"), fields.get("repository"));
        let tags = self.tags(&at("tags"), fields.get("tags"));
        let containers = self.strings(
            &at("containers"),
            fields.get("containers"),
            CONTAINERS_LIMIT,
        );
        Some(FollowedImage {
            repository: repository?,
            tags: tags?,
            containers: containers?,
        })
    }

    fn tags(&mut self, place: &str, value: Option<&Value>) -> Option<TagPolicy> {
        let Some(value) = value else {
            return Some(TagPolicy::default());
        };
        let fields = self.object(place, value, &["glob", "semver"])?;
        match (fields.get("glob"), fields.get("semver")) {
            (Some(patterns), None) => self.globs(&format!("{place}.glob"), patterns),
            (None, Some(range)) => self.semver(&format!("{place}.semver"), range),
            _ => {
                self.wrong(
                    place,
                    "it names no kind of tags, or more than one",
                    "Write either {\"glob\": [\"main-*\"]} or {\"semver\": \"^1.2\"}.",
                );
                None
            }
        }
    }

    fn globs(&mut self, place: &str, value: &Value) -> Option<TagPolicy> {
        let patterns = self.strings(place, Some(value), PATTERNS_LIMIT)?;
        if patterns.is_empty() {
            self.wrong(
                place,
                "it is empty",
                "Name a pattern; \"*\" follows every tag.",
            );
        }
        for (index, pattern) in patterns.iter().enumerate() {
            if let Some(problem) = pattern_problem(pattern) {
                self.wrong(
                    &format!("{place}[{index}]"),
                    format!("`{}` is no pattern: {problem}", shown(pattern)),
                    "Use `*`, `?`, `[abc]` and `{a,b}` as a shell does.",
                );
            }
        }
        Some(TagPolicy::Glob(patterns))
    }

    fn semver(&mut self, place: &str, value: &Value) -> Option<TagPolicy> {
        let range = self.string(place, value)?;
        if let Err(error) = VersionReq::parse(&range) {
            self.wrong(
                place,
                format!(
                    "`{}` is no version range: {}",
                    shown(&range),
                    shown(&error.to_string())
                ),
                "Write a range such as \"^1.2\", \">=2, <3\" or \"*\".",
            );
        }
        Some(TagPolicy::Semver(range))
    }

    /// Reads one of a few words.
    fn choice<T: Copy + Default>(
        &mut self,
        place: &str,
        value: Option<&Value>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let Some(value) = value else {
            return Some(T::default());
        };
        let chosen = choices
            .iter()
            .find(|(name, _)| value.as_str() == Some(name));
        if chosen.is_none() {
            let names: Vec<String> = choices
                .iter()
                .map(|(name, _)| format!("\"{name}\""))
                .collect();
            self.wrong(
                place,
                "it is none of the choices",
                format!("Write {}.", names.join(" or ")),
            );
        }
        chosen.map(|(_, choice)| *choice)
    }

    fn max_failed_tasks(&mut self, value: Option<&Value>) -> Option<MaxFailedTasks> {
        const PLACE: &str = "maxFailedTasks";
        let default = MaxFailedTasks::default();
        let Some(value) = value else {
            return Some(default);
        };
        let fields = self.object(PLACE, value, &["atLeast", "percentOfDesired"])?;
        let at_least = self.within(
            &format!("{PLACE}.atLeast"),
            fields.get("atLeast"),
            default.at_least,
            (1, MOST_FAILED_TASKS),
            "",
        );
        let percent_of_desired = self.within(
            &format!("{PLACE}.percentOfDesired"),
            fields.get("percentOfDesired"),
            default.percent_of_desired,
            (0, 100),
            "",
        );
        Some(MaxFailedTasks {
            at_least: at_least?,
            percent_of_desired: percent_of_desired?,
        })
    }

    /// Source: ECS API reference, CreateCluster `clusterName` and CreateService `serviceName`.
    fn ecs_name(&mut self, place: &str, value: Option<&Value>) -> Option<String> {
        let value = self.required(place, value)?;
        let text = self.string(place, value)?;
        let fits = (1..=NAME_LIMIT).contains(&text.len())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !fits {
            self.wrong(
                place,
                format!("`{}` is no name that ECS gives", shown(&text)),
                "Write the short name (letters, digits, `-`, `_`), not an ARN.",
            );
        }
        fits.then_some(text)
    }

    /// Source: ECR API reference, CreateRepository `repositoryName`.
    fn repository(&mut self, place: &str, value: Option<&Value>) -> Option<String> {
        let value = self.required(place, value)?;
        let text = self.string(place, value)?;
        let fits = (2..=256).contains(&text.len())
            && text.chars().all(|c| {
                c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | '/')
            });
        if !fits {
            self.wrong(
                place,
                format!("`{}` is no name that ECR gives", shown(&text)),
                "Write the repository's name such as `team/backstage`, without host and tag.",
            );
        }
        fits.then_some(text)
    }

    fn required<'a>(&mut self, place: &str, value: Option<&'a Value>) -> Option<&'a Value> {
        if value.is_none() {
            self.wrong(place, "it is missing", "Add it.");
        }
        value
    }

    fn object<'a>(
        &mut self,
        place: &str,
        value: &'a Value,
        known: &[&str],
    ) -> Option<&'a Map<String, Value>> {
        let shown_place = if place.is_empty() { "the value" } else { place };
        let Some(fields) = value.as_object() else {
            self.wrong(
                shown_place,
                "it is not an object",
                "Write it in braces: { … }.",
            );
            return None;
        };
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let path = match place {
                "" => shown(name),
                _ => format!("{place}.{}", shown(name)),
            };
            let known = known.join(", ");
            self.wrong(
                &path,
                "there is no such field",
                format!("Remove it, or use one of: {known}."),
            );
        }
        Some(fields)
    }

    fn list<'a>(&mut self, place: &str, value: &'a Value) -> Option<&'a [Value]> {
        let Some(list) = value.as_array() else {
            self.wrong(place, "it is not a list", "Write it in brackets: [ … ].");
            return None;
        };
        Some(list)
    }

    fn string(&mut self, place: &str, value: &Value) -> Option<String> {
        let Some(text) = value.as_str() else {
            self.wrong(place, "it is not a string", "Write it in double quotes.");
            return None;
        };
        Some(text.to_owned())
    }

    fn strings(&mut self, place: &str, value: Option<&Value>, limit: usize) -> Option<Vec<String>> {
        let Some(value) = value else {
            return Some(Vec::new());
        };
        let list = self.list(place, value)?;
        if list.len() > limit {
            self.wrong(
                place,
                format!("it has {} entries", list.len()),
                format!("Use at most {limit}."),
            );
        }
        let mut strings = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let place = format!("{place}[{index}]");
            let text = self.string(&place, value)?;
            if text.is_empty() || text.chars().count() > NAME_LIMIT {
                self.wrong(
                    &place,
                    format!("it is empty or longer than {NAME_LIMIT} characters"),
                    "Write a name.",
                );
            }
            if strings.contains(&text) {
                self.wrong(
                    &place,
                    format!("`{}` stands there twice", shown(&text)),
                    "Remove one.",
                );
            }
            strings.push(text);
        }
        Some(strings)
    }

    fn number(
        &mut self,
        name: &str,
        fields: &Map<String, Value>,
        default: u32,
        bounds: (u32, u32),
    ) -> Option<u32> {
        self.within(name, fields.get(name), default, bounds, " of seconds")
    }

    fn within(
        &mut self,
        place: &str,
        value: Option<&Value>,
        default: u32,
        (least, most): (u32, u32),
        unit: &str,
    ) -> Option<u32> {
        let Some(value) = value else {
            return Some(default);
        };
        let number = value
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong(
                place,
                "it is not a whole number in its range",
                format!("Write a number{unit} from {least} to {most}, without quotes."),
            );
        }
        number
    }
}

/// Shortens what a stranger wrote, so that a message stays readable, and is never empty.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let clean: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(MOST)
        .collect();
    if clean.trim().is_empty() {
        return "(blank)".to_owned();
    }
    if text.chars().count() > MOST {
        format!("{clean}…")
    } else {
        clean
    }
}

mod json;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
