//! The fields of a target, each read with its bounds.

use semver::VersionReq;
use serde_json::Value;

use super::reader::Reader;
use super::{
    ALARMS_LIMIT, ALLOW_LIMIT, ARN_LIMIT, CONTAINERS_LIMIT, DEFAULT_BAKE_TIME_SECONDS,
    DEFAULT_DEADLINE_SECONDS, IMAGES_LIMIT, LEAST_DEADLINE_SECONDS, LEAST_ROLE_ARN,
    MOST_BAKE_TIME_SECONDS, MOST_DEADLINE_SECONDS, MOST_FAILED_TASKS, NAME_LIMIT, PATTERNS_LIMIT,
    STACK_NAME_LIMIT, shown,
};
use crate::core::diagnosis::failed_tasks::MaxFailedTasks;
use crate::core::name::TargetName;
use crate::core::ordering::pattern_problem;
use crate::core::policy::{
    AlarmsAtStart, FollowedImage, Policy, ServiceRef, StackRef, Supersede, TagPolicy,
};

impl Reader {
    pub(super) fn target(&mut self, target: &TargetName, value: &Value) -> Option<Policy> {
        const FIELDS: [&str; 9] = [
            "service",
            "stack",
            "images",
            "alarms",
            "alarmsAtStart",
            "bakeTimeSeconds",
            "deadlineSeconds",
            "maxFailedTasks",
            "supersede",
        ];
        let fields = self.object("", value, &FIELDS)?;
        let place = self.place(fields.get("service"), fields.get("stack"));
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
        let (service, stack) = place?;
        let followed = images.as_ref().map_or(0, Vec::len);
        if stack.is_some() && followed > 1 {
            self.wrong(
                "images",
                format!("{followed} repositories go through one parameter of the stack"),
                "Follow one: each push would set the parameter to an image of its own.",
            );
        }
        Some(Policy {
            target: target.clone(),
            service,
            stack,
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

    /// Reads what is deployed to; the service of a stack is found later, and empty until then.
    fn place(
        &mut self,
        service: Option<&Value>,
        stack: Option<&Value>,
    ) -> Option<(ServiceRef, Option<StackRef>)> {
        match (service, stack) {
            (service, None) => Some((self.service(service)?, None)),
            (None, Some(stack)) => Some((ServiceRef::default(), Some(self.stack(stack)?))),
            (Some(_), Some(_)) => {
                self.wrong(
                    "stack",
                    "the target names a service beside its stack",
                    "Remove `service`, to deploy through the stack, or `stack`.",
                );
                None
            }
        }
    }

    fn stack(&mut self, value: &Value) -> Option<StackRef> {
        let known = ["name", "parameter", "roleArn", "allow"];
        let fields = self.object("stack", value, &known)?;
        let name = self.stack_name("stack.name", fields.get("name"));
        let parameter = self.parameter_name("stack.parameter", fields.get("parameter"));
        let role_arn = match fields.get("roleArn") {
            Some(value) => self.role_arn("stack.roleArn", value).map(Some),
            None => Some(None),
        };
        let allow = self.strings("stack.allow", fields.get("allow"), ALLOW_LIMIT);
        Some(StackRef {
            name: name?,
            parameter: parameter?,
            role_arn: role_arn?,
            allow: allow?,
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

    /// Source: CloudFormation API reference, CreateStack `StackName`.
    fn stack_name(&mut self, place: &str, value: Option<&Value>) -> Option<String> {
        let value = self.required(place, value)?;
        let text = self.string(place, value)?;
        let fits = (1..=STACK_NAME_LIMIT).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !fits {
            self.wrong(
                place,
                format!("`{}` is no name that a stack has", shown(&text)),
                "Write the stack's name (letters, digits, `-`), not its ARN.",
            );
        }
        fits.then_some(text)
    }

    /// Source: CloudFormation user guide, "Parameters": logical names are alphanumeric.
    fn parameter_name(&mut self, place: &str, value: Option<&Value>) -> Option<String> {
        let value = self.required(place, value)?;
        let text = self.string(place, value)?;
        let fits = (1..=NAME_LIMIT).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric());
        if !fits {
            self.wrong(
                place,
                format!("`{}` is no name that a parameter has", shown(&text)),
                "Write the name that stands below `Parameters` in the template.",
            );
        }
        fits.then_some(text)
    }

    /// Source: IAM user guide, "IAM identifiers".
    fn role_arn(&mut self, place: &str, value: &Value) -> Option<String> {
        let text = self.string(place, value)?;
        let fits = (LEAST_ROLE_ARN..=ARN_LIMIT).contains(&text.len()) && is_role_arn(&text);
        if !fits {
            self.wrong(
                place,
                format!("`{}` is no role's ARN", shown(&text)),
                "Write it whole, such as `arn:aws:iam::123456789012:role/stack-backstage`.",
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
}

/// Says whether a text is a role's ARN: `arn:PARTITION:iam::ACCOUNT:role/NAME`.
fn is_role_arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [scheme, partition, service, region, account, rest] = parts.as_slice() else {
        return false;
    };
    let is_account = account.len() == 12 && account.chars().all(|c| c.is_ascii_digit());
    let name = rest.strip_prefix("role/");
    let is_printable = |c: char| c == ' ' || c.is_ascii_graphic();
    let names = name.is_some_and(|name| !name.is_empty() && name.chars().all(is_printable));
    let is_partition = partition
        .strip_prefix("aws")
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
    *scheme == "arn"
        && is_partition
        && *service == "iam"
        && region.is_empty()
        && is_account
        && names
}
