//! Containers: what a task definition says of one, and what one does when it runs.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::registry::{Platform, PullError};

/// What the model needs to know of an entry of `containerDefinitions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerDefinition {
    /// Its name within the task.
    pub name: String,
    /// The image, as the definition spells it.
    pub image: String,
    /// Whether the task ends with it; true where the definition is silent.
    pub essential: bool,
    /// Whether it defines a health check command of its own.
    pub has_health_check: bool,
    /// Whether its tag is resolved to one digest for all tasks of a service revision.
    pub version_consistency: bool,
    /// Where the `awslogs` driver writes, if that is its driver.
    pub logs: Option<LogDestination>,
    /// CPU units, 0 where the definition is silent.
    pub cpu: i64,
    /// The hard limit in MiB.
    pub memory: Option<i64>,
}

/// Where the `awslogs` driver writes.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDestination {
    /// `awslogs-group`.
    pub group: String,
    /// `awslogs-stream-prefix`; on Fargate the stream is `prefix/container/task-id`.
    pub stream_prefix: String,
}

impl ContainerDefinition {
    /// Reads one entry; missing or strange members count as absent.
    pub(crate) fn read(document: &Value) -> Self {
        let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
        ContainerDefinition {
            name: text("name"),
            image: text("image"),
            essential: document["essential"].as_bool().unwrap_or(true),
            has_health_check: document["healthCheck"]["command"].is_array(),
            version_consistency: document["versionConsistency"] != "disabled",
            logs: log_destination(&document["logConfiguration"]),
            cpu: document["cpu"].as_i64().unwrap_or(0),
            memory: document["memory"].as_i64(),
        }
    }

    /// Whether the image is already named by its digest.
    pub(crate) fn is_pinned(&self) -> bool {
        self.image.contains('@')
    }
}

fn log_destination(configuration: &Value) -> Option<LogDestination> {
    if configuration["logDriver"] != "awslogs" {
        return None;
    }
    let option = |key: &str| configuration["options"][key].as_str();
    Some(LogDestination {
        group: option("awslogs-group")?.to_owned(),
        stream_prefix: option("awslogs-stream-prefix").unwrap_or("ecs").to_owned(),
    })
}

/// What a container does once it runs, as the labels of its image say.
///
/// | label | values |
/// | --- | --- |
/// | `pushboat.test/behaviour` | `healthy` (the default), `exit`, `unhealthy`, `elb-unhealthy` |
/// | `pushboat.test/exit-code` | for `exit`; 1 if absent |
/// | `pushboat.test/exit-after-seconds` | for `exit`; 0 if absent |
/// | `pushboat.test/log` | lines it writes when it starts |
///
/// `unhealthy` shows only where the container definition has a health check,
/// because ECS looks at no other
/// (<https://docs.aws.amazon.com/AmazonECS/latest/developerguide/healthcheck.html>),
/// and `elb-unhealthy` only in a service with a target group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Runs until it is stopped and passes every check.
    Healthy,
    /// Ends by itself.
    Exit {
        /// The code it ends with.
        code: i32,
        /// How long it runs.
        after_seconds: u32,
    },
    /// Fails the health check of its container definition.
    Unhealthy,
    /// Fails the health check of its target group.
    ElbUnhealthy,
}

impl Behaviour {
    /// Reads the labels; a value it does not know counts as absent.
    pub fn from_labels(labels: &BTreeMap<String, String>) -> Self {
        let label = |name: &str| labels.get(&format!("pushboat.test/{name}"));
        match label("behaviour").map(String::as_str) {
            Some("exit") => Behaviour::Exit {
                code: label("exit-code")
                    .and_then(|code| code.trim().parse().ok())
                    .unwrap_or(1),
                after_seconds: label("exit-after-seconds")
                    .and_then(|seconds| seconds.trim().parse().ok())
                    .unwrap_or(0),
            },
            Some("unhealthy") => Behaviour::Unhealthy,
            Some("elb-unhealthy") => Behaviour::ElbUnhealthy,
            _ => Behaviour::Healthy,
        }
    }
}

/// Says why a task could not pull, in Fargate's words.
///
/// `reference` is what was pulled. The categories are those of
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html>;
/// the platform's sentence is in no AWS page and is as users report it
/// (<https://github.com/aviswerdlow/relay/issues/71>), like that of a missing
/// manifest (<https://github.com/aws/containers-roadmap/issues/2687>), of a
/// refused one (<https://github.com/aws/aws-cdk/issues/14457>) and of a
/// time-out (<https://github.com/deepfence/terraform-aws-cloud-scanner/issues/13>).
pub(crate) fn cannot_pull(error: PullError, reference: &str, platform: &Platform) -> String {
    let manifest = || {
        let (host, path) = reference.split_once('/').unwrap_or(("", reference));
        let (repository, name) = match path.rsplit_once('@') {
            Some(parts) => parts,
            None => path.rsplit_once(':').unwrap_or((path, "latest")),
        };
        format!("https://{host}/v2/{repository}/manifests/{name}")
    };
    let reason = match error {
        PullError::ManifestUnknown => format!(
            "pull image manifest has been retried 1 time(s): \
             failed to resolve ref {reference}: {reference}: not found"
        ),
        PullError::PlatformNotFound => format!(
            "pull image manifest has been retried 7 time(s): \
             image Manifest does not contain descriptor matching platform '{}/{}'",
            platform.os, platform.architecture
        ),
        PullError::RepositoryNotFound => "The task can\u{2019}t pull the image. Check that the \
             role has the permissions to pull images from the registry. Error response from \
             daemon: pull access denied, repository does not exist or may require authorization"
            .to_owned(),
        PullError::AccessDenied => format!(
            "pull image manifest has been retried 1 time(s): failed to resolve ref {reference}: \
             unexpected status from HEAD request to {}: 403 Forbidden",
            manifest()
        ),
        PullError::NetworkTimeout => format!(
            "pull image manifest has been retried 5 time(s): failed to resolve ref {reference}: \
             failed to do request: Head \"{}\": dial tcp 10.0.0.10:443: i/o timeout",
            manifest()
        ),
    };
    format!("CannotPullContainerError: {reason}")
}

/// Names an image by its digest: `repository@digest`, without the tag.
pub(crate) fn pin(image: &str, digest: &str) -> String {
    format!("{}@{digest}", without_tag(image))
}

fn without_tag(image: &str) -> &str {
    let name_start = image.rfind('/').map_or(0, |slash| slash + 1);
    match image[name_start..].find(':') {
        Some(colon) => &image[..name_start + colon],
        None => image,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_say_what_a_container_does() {
        assert_eq!(behaviour(&[]), Behaviour::Healthy);
        assert_eq!(behaviour(&[("behaviour", "purring")]), Behaviour::Healthy);
        assert_eq!(
            behaviour(&[("behaviour", "unhealthy")]),
            Behaviour::Unhealthy
        );
        assert_eq!(
            behaviour(&[("behaviour", "elb-unhealthy")]),
            Behaviour::ElbUnhealthy
        );
        let exit = |code, after_seconds| Behaviour::Exit {
            code,
            after_seconds,
        };
        assert_eq!(behaviour(&[("behaviour", "exit")]), exit(1, 0));
        let labels = [
            ("behaviour", "exit"),
            ("exit-code", "137"),
            ("exit-after-seconds", "20"),
        ];
        assert_eq!(behaviour(&labels), exit(137, 20));
        let nonsense = [("behaviour", "exit"), ("exit-code", "many")];
        assert_eq!(behaviour(&nonsense), exit(1, 0));
    }

    #[test]
    fn a_definition_is_read_with_the_documented_defaults() {
        let read = ContainerDefinition::read(&json!({"name": "web", "image": "repo/web:1"}));
        assert!(read.essential && read.version_consistency && !read.has_health_check);
        assert_eq!(read.logs, None);
        let full = ContainerDefinition::read(&json!({
            "name": "web", "image": "repo/web@sha256:1", "essential": false,
            "versionConsistency": "disabled", "healthCheck": {"command": ["CMD", "true"]},
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "/ecs/web", "awslogs-stream-prefix": "app"}},
        }));
        assert!(!full.essential && !full.version_consistency && full.has_health_check);
        assert!(full.is_pinned());
        assert_eq!(full.logs.unwrap().stream_prefix, "app");
    }

    #[test]
    fn pinning_drops_the_tag_and_keeps_a_port() {
        assert_eq!(pin("web:1", "sha256:a"), "web@sha256:a");
        assert_eq!(
            pin("localhost:5000/team/web", "sha256:a"),
            "localhost:5000/team/web@sha256:a"
        );
        assert_eq!(
            pin("localhost:5000/team/web:1", "sha256:a"),
            "localhost:5000/team/web@sha256:a"
        );
    }

    #[test]
    fn each_pull_failure_has_its_own_sentence() {
        let platform = Platform {
            os: "linux".to_owned(),
            architecture: "arm64".to_owned(),
        };
        let says = |error| cannot_pull(error, "host/team/web:1", &platform);
        let missing = says(PullError::ManifestUnknown);
        assert!(missing.contains("failed to resolve ref") && missing.ends_with("not found"));
        assert!(
            says(PullError::PlatformNotFound)
                .contains("does not contain descriptor matching platform 'linux/arm64'")
        );
        assert!(says(PullError::RepositoryNotFound).contains("role has the permissions to pull"));
        assert!(says(PullError::AccessDenied).contains("team/web/manifests/1: 403 Forbidden"));
        assert!(says(PullError::NetworkTimeout).ends_with("i/o timeout"));
    }

    fn behaviour(labels: &[(&str, &str)]) -> Behaviour {
        let labels = labels
            .iter()
            .map(|(name, value)| (format!("pushboat.test/{name}"), (*value).to_owned()))
            .collect();
        Behaviour::from_labels(&labels)
    }
}
