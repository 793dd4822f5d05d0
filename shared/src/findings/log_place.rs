//! Where a container's log lies.

use serde_json::{Map, Value};

use super::FailedContainer;
use crate::core::observation::Definition;

/// Options that say where a log goes and hold no secret in any driver.
///
/// Of all others only the names are told: `splunk-token` is one of them.
/// Source: ECS developer guide, "Send Amazon ECS logs to an AWS service or AWS
/// Partner"; Docker docs, "Configure logging drivers".
const TELLING: [&str; 4] = [
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "tag",
];

/// Where a container's log lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPlace {
    /// In a stream of CloudWatch Logs.
    Stream {
        /// The log group.
        group: String,
        /// The stream.
        stream: String,
    },
    /// Somewhere that is not read from.
    Elsewhere {
        /// The log driver; empty where none is set up.
        driver: String,
        /// The driver's options: their names, and the values of those that say where.
        options: Vec<String>,
    },
}

/// Says where the log of a failed container lies, by the task definition it ran.
///
/// With a prefix the stream is named `prefix/container/task-id`. Source: ECS
/// developer guide, "Send Amazon ECS logs to CloudWatch", `awslogs-stream-prefix`.
#[must_use]
pub fn log_place(definition: &Definition, failed: &FailedContainer<'_>, region: &str) -> LogPlace {
    let containers = definition.raw.get("containerDefinitions");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    let configuration = containers
        .filter(|container| text(container, "name") == failed.name)
        .find_map(|container| container.get("logConfiguration"));
    let Some(configuration) = configuration else {
        return LogPlace::Elsewhere {
            driver: String::new(),
            options: Vec::new(),
        };
    };
    let none = Map::new();
    let options = configuration.get("options").and_then(Value::as_object);
    let options = options.unwrap_or(&none);
    let option = |name: &str| {
        let value = options.get(name).and_then(Value::as_str);
        value.filter(|value| !value.is_empty())
    };
    let driver = text(configuration, "logDriver");
    let here = option("awslogs-region").is_none_or(|one| one == region);
    match (option("awslogs-group"), option("awslogs-stream-prefix")) {
        (Some(group), Some(prefix)) if driver == "awslogs" && here => LogPlace::Stream {
            group: group.to_owned(),
            stream: format!("{prefix}/{}/{}", failed.name, failed.task_id()),
        },
        _ => LogPlace::Elsewhere {
            driver: super::one_line(driver, super::LABEL_LIMIT_BYTES),
            options: told(options),
        },
    }
}

fn told(options: &Map<String, Value>) -> Vec<String> {
    let option = |(name, value): (&String, &Value)| match value.as_str() {
        Some(value) if TELLING.contains(&name.as_str()) => format!("{name}={value}"),
        _ => name.clone(),
    };
    let told = options.iter().map(option);
    told.map(|one| super::one_line(&one, super::LABEL_LIMIT_BYTES))
        .take(super::LINES_SHOWN)
        .collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::core::evidence::StoppedTask;

    fn place(configuration: &Value) -> LogPlace {
        let raw = json!({ "containerDefinitions": [
            { "name": "envoy", "logConfiguration": { "logDriver": "none" } },
            { "name": "web", "logConfiguration": configuration },
        ]});
        let tags = Value::Null;
        let task = StoppedTask {
            task_arn: "arn:aws:ecs:eu-west-1:123456789012:task/prod/0f1e".to_owned(),
            ..StoppedTask::default()
        };
        let failed = FailedContainer {
            task: &task,
            name: "web",
        };
        log_place(&Definition { raw, tags }, &failed, "eu-west-1")
    }

    fn elsewhere(driver: &str, options: &[&str]) -> LogPlace {
        LogPlace::Elsewhere {
            driver: driver.to_owned(),
            options: options.iter().map(|one| (*one).to_owned()).collect(),
        }
    }

    #[test]
    fn a_stream_is_named_by_prefix_container_and_task() {
        let found = place(&json!({ "logDriver": "awslogs", "options": {
            "awslogs-group": "/ecs/web", "awslogs-region": "eu-west-1",
            "awslogs-stream-prefix": "v1" } }));
        let expected = LogPlace::Stream {
            group: "/ecs/web".to_owned(),
            stream: "v1/web/0f1e".to_owned(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn other_drivers_are_named_with_their_options_but_no_value_that_may_be_secret() {
        let found = place(&json!({ "logDriver": "splunk",
            "options": { "splunk-token": "s3cr3t", "splunk-url": "https://u:p@x", "tag": "web" },
            "secretOptions": [{ "name": "splunk-other", "valueFrom": "arn" }] }));
        let options = ["splunk-token", "splunk-url", "tag=web"];
        assert_eq!(found, elsewhere("splunk", &options));
    }

    #[test]
    fn a_log_in_another_region_or_without_a_prefix_is_elsewhere() {
        let found = place(&json!({ "logDriver": "awslogs", "options": {
            "awslogs-group": "/ecs/web", "awslogs-region": "us-east-1",
            "awslogs-stream-prefix": "v1" } }));
        let options = [
            "awslogs-group=/ecs/web",
            "awslogs-region=us-east-1",
            "awslogs-stream-prefix=v1",
        ];
        assert_eq!(found, elsewhere("awslogs", &options));
        let found = place(&json!({ "logDriver": "awslogs", "options": { "awslogs-group": "g" } }));
        assert_eq!(found, elsewhere("awslogs", &["awslogs-group=g"]));
        assert_eq!(place(&Value::Null), elsewhere("", &[]));
    }
}
