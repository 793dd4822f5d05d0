//! What a target's owner wants; a rollout takes a copy when it starts.
//!
//! What stands here of a field is what its owner reads: in tests the types give
//! `docs/target.schema.json` and the table of `docs/configuration.md`.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
#[cfg(test)]
use serde_json::json;

use super::diagnosis::failed_tasks::MaxFailedTasks;
use super::name::TargetName;
#[cfg(test)]
use crate::target::{
    ALARMS_LIMIT, ALLOW_LIMIT, ARN_LIMIT, CONTAINERS_LIMIT, DEFAULT_BAKE_TIME_SECONDS,
    DEFAULT_DEADLINE_SECONDS, IMAGES_LIMIT, LEAST_DEADLINE_SECONDS, LEAST_ROLE_ARN,
    MOST_BAKE_TIME_SECONDS, MOST_DEADLINE_SECONDS, NAME_LIMIT, PATTERNS_LIMIT, STACK_NAME_LIMIT,
};

/// How one target is to be deployed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(
        title = "A target of Pushboat",
        deny_unknown_fields,
        extend("required" = ["images"], "anyOf" = [
            {"required": ["service"], "not": {"required": ["stack"]}},
            {"required": ["stack"], "not": {"required": ["service"]}},
        ])
    )
)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The target this is for.
    #[cfg_attr(test, schemars(skip))]
    pub target: TargetName,
    /// The ECS service. It belongs to one target only: a second one that names it is refused,
    /// naming both. Write it, or `stack`.
    #[cfg_attr(test, schemars(example = json!({"cluster": "prod", "name": "backstage"})))]
    pub service: ServiceRef,
    /// The CloudFormation stack that is updated in place of the service, where the image is one
    /// of its parameters. Write it instead of `service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(
        with = "StackRef",
        default,
        example = json!({"name": "backstage-service", "parameter": "Image"}),
    ))]
    pub stack: Option<StackRef>,
    /// The repositories that are followed, each once.
    #[cfg_attr(test, schemars(
        length(min = 1, max = IMAGES_LIMIT),
        extend("uniqueItems" = true),
        example = json!([{"repository": "team/backstage"}]),
    ))]
    pub images: Vec<FollowedImage>,
    /// Names of CloudWatch alarms, composite ones too, that must not fire while a version is
    /// deployed and watched. Several targets may watch the same one. One that needs longer than
    /// the bake time before it can fire (its period times the periods that have to be bad) is
    /// warned of.
    #[serde(default)]
    #[cfg_attr(test, schemars(
        length(max = ALARMS_LIMIT),
        extend("uniqueItems" = true),
        inner(length(min = 1, max = NAME_LIMIT)),
        example = ["backstage-5xx"],
    ))]
    pub alarms: Vec<String>,
    /// How long a finished deployment is watched before it counts as good, in seconds.
    #[cfg_attr(test, schemars(
        range(min = 0, max = MOST_BAKE_TIME_SECONDS),
        default,
        extend("default" = DEFAULT_BAKE_TIME_SECONDS),
        example = 600,
    ))]
    pub bake_time_seconds: u32,
    /// How long a deployment may take before it is given up, in seconds. Each of these has
    /// the same limit, counted anew: waiting for a busy service or quiet alarms before the start,
    /// the way back, and a version that cannot be verified after its bake time. While AWS
    /// throttles calls the time does not count, until ECS has taken the change.
    #[cfg_attr(test, schemars(
        range(min = LEAST_DEADLINE_SECONDS, max = MOST_DEADLINE_SECONDS),
        default,
        extend("default" = DEFAULT_DEADLINE_SECONDS),
        example = 900,
    ))]
    pub deadline_seconds: u32,
    /// What happens where a watched alarm fires when a rollout is to start. Where the update has
    /// to be sent again, after a hold say, what fires by then is ignored until it has been OK
    /// again.
    #[serde(default)]
    #[cfg_attr(test, schemars(example = AlarmsAtStart::Wait))]
    pub alarms_at_start: AlarmsAtStart,
    /// At how many failed tasks a new version is taken back: at `atLeast`, or at
    /// `percentOfDesired` of the wanted tasks if that is more. A task counts that fails in a way
    /// that is likely the version's fault (it exits with an error, a health check fails). One that
    /// shows that none can ever work is enough alone; what the platform is to blame for never
    /// counts.
    #[serde(default)]
    #[cfg_attr(test, schemars(example = json!({"atLeast": 3, "percentOfDesired": 25})))]
    pub max_failed_tasks: MaxFailedTasks,
    /// What a newer push does to the rollout under way.
    #[cfg_attr(test, schemars(default, example = Supersede::Immediately))]
    pub supersede: Supersede,
    /// The service is the one named in Pushboat's own template: its owner needs no tag to consent.
    #[serde(default)]
    #[cfg_attr(test, schemars(skip))]
    pub needs_no_consent: bool,
}

/// Names an ECS service.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[serde(rename_all = "camelCase")]
pub struct ServiceRef {
    /// The cluster's short name.
    #[cfg_attr(test, schemars(
        length(min = 1, max = NAME_LIMIT),
        pattern("^[A-Za-z0-9_-]+$"),
        example = &"prod",
    ))]
    pub cluster: String,
    /// The service's short name.
    #[cfg_attr(test, schemars(
        length(min = 1, max = NAME_LIMIT),
        pattern("^[A-Za-z0-9_-]+$"),
        example = &"backstage",
    ))]
    pub name: String,
}

/// Names the CloudFormation stack that has the service, and how it is updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[serde(rename_all = "camelCase")]
pub struct StackRef {
    /// The stack's name. It has one ECS service, which is the target's.
    #[cfg_attr(test, schemars(
        length(min = 1, max = STACK_NAME_LIMIT),
        pattern("^[A-Za-z0-9-]+$"),
        example = &"backstage-service",
    ))]
    pub name: String,
    /// The stack's parameter that holds the image, which is set to `repository@digest`. Every
    /// other parameter keeps its value.
    #[cfg_attr(test, schemars(
        length(min = 1, max = NAME_LIMIT),
        pattern("^[A-Za-z0-9]+$"),
        example = &"Image",
    ))]
    pub parameter: String,
    /// The service role that CloudFormation changes the stack with, and keeps for it; without it,
    /// the one that the stack has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(
        with = "String",
        default,
        length(min = LEAST_ROLE_ARN, max = ARN_LIMIT),
        pattern("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[ -~]+$"),
        example = &"arn:aws:iam::123456789012:role/stack-backstage",
    ))]
    pub role_arn: Option<String>,
    /// Logical ids of resources that an update may change too. A change set that changes anything
    /// else than the task definition, the service and these waits until a person executes it.
    #[serde(default)]
    #[cfg_attr(test, schemars(
        length(max = ALLOW_LIMIT),
        extend("uniqueItems" = true),
        inner(length(min = 1, max = NAME_LIMIT)),
        example = ["Dashboard"],
    ))]
    pub allow: Vec<String>,
}

impl std::fmt::Display for ServiceRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.cluster, self.name)
    }
}

/// A repository whose pushes are deployed, and to which containers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[serde(rename_all = "camelCase")]
pub struct FollowedImage {
    /// The ECR repository's name, without host and tag.
    #[cfg_attr(test, schemars(
        length(min = 2, max = 256),
        pattern("^[a-z0-9_./-]+$"),
        example = &"team/backstage",
    ))]
    pub repository: String,
    /// Which of its tags count, and so which push is the newest.
    #[cfg_attr(test, schemars(default, example = json!({"glob": ["main-*"]})))]
    pub tags: TagPolicy,
    /// The containers that get the image. Where none is named: each one whose image is of that
    /// repository.
    #[serde(default)]
    #[cfg_attr(test, schemars(
        length(max = CONTAINERS_LIMIT),
        extend("uniqueItems" = true),
        inner(length(min = 1, max = NAME_LIMIT)),
        example = ["backstage"],
    ))]
    pub containers: Vec<String>,
}

/// Which tags of a repository are followed, and so how pushes are ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum TagPolicy {
    /// Tags that match one of these patterns; the latest one set wins.
    ///
    /// One pattern without a wildcard is an exact tag: it means whatever the
    /// tag points at now.
    Glob(
        #[cfg_attr(test, schemars(
            length(min = 1, max = PATTERNS_LIMIT),
            extend("uniqueItems" = true),
            inner(length(min = 1, max = NAME_LIMIT)),
            example = ["main-*", "hotfix-*"],
        ))]
        Vec<String>,
    ),
    /// Tags that are semantic versions in this range; the highest version wins.
    Semver(#[cfg_attr(test, schemars(length(min = 1), example = &"^1.2"))] String),
}

impl Default for TagPolicy {
    /// Follows every tag.
    fn default() -> Self {
        Self::Glob(vec!["*".to_owned()])
    }
}

/// What a newer push does to the rollout under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Supersede {
    /// It waits until the rollout under way is over, unless that one is failing.
    #[default]
    WhenFinished,
    /// It takes over at once.
    Immediately,
}

/// What happens where a watched alarm fires when a rollout is to start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum AlarmsAtStart {
    /// The rollout starts, for it may be the fix, and the alarm counts once it has been OK again.
    #[default]
    Ignore,
    /// The rollout waits until no alarm fires, at most until its deadline.
    Wait,
    /// The rollout is refused.
    Reject,
}

impl Policy {
    /// Gives the followed image of a repository, if the target follows it.
    #[must_use]
    pub fn image(&self, repository: &str) -> Option<&FollowedImage> {
        self.images
            .iter()
            .find(|image| image.repository == repository)
    }

    /// Gives the bake time as a duration.
    #[must_use]
    pub fn bake_time(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.bake_time_seconds))
    }

    /// Gives the deadline of a deployment as a duration.
    #[must_use]
    pub fn deadline(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.deadline_seconds))
    }
}
