//! The document of a task definition: what RegisterTaskDefinition checks in it,
//! and what it says about where its tasks run.

use serde_json::{Map, Value};

use crate::container::ContainerDefinition;
use crate::error::ServiceError;
use crate::registry::Platform;

/// How many containers a task definition may have.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html>.
const MOST_CONTAINERS: usize = 10;

/// Checks the document of a request, without its tags, and reads its containers.
///
/// It checks what ECS's documentation requires of every task definition and of
/// one for Fargate, and lets all else pass as it is.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
/// and <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>.
///
/// # Errors
///
/// `ClientException`, as ECS answers for the contents of a task definition.
pub(crate) fn read_containers(
    document: &Map<String, Value>,
) -> Result<Vec<ContainerDefinition>, ServiceError> {
    check_family(document)?;
    let entries = document
        .get("containerDefinitions")
        .and_then(Value::as_array)
        .filter(|entries| !entries.is_empty())
        .ok_or_else(|| ServiceError::client("Container list cannot be empty."))?;
    if entries.len() > MOST_CONTAINERS {
        return Err(ServiceError::client(
            "The maximum number of containers in a task definition is 10.",
        ));
    }
    let containers: Vec<ContainerDefinition> =
        entries.iter().map(ContainerDefinition::read).collect();
    for (position, container) in containers.iter().enumerate() {
        check_container(container)?;
        if containers[..position]
            .iter()
            .any(|earlier| earlier.name == container.name)
        {
            return Err(ServiceError::client(format!(
                "Container names must be unique: {} is used more than once.",
                container.name
            )));
        }
    }
    if !containers.iter().any(|container| container.essential) {
        return Err(ServiceError::client(
            "At least one container must be marked as essential.",
        ));
    }
    if requires_fargate(document) {
        check_fargate(document)?;
    }
    Ok(containers)
}

/// Whether a name is made of what ECS allows in names of families, services,
/// clusters and containers: up to 255 letters, digits, underscores and hyphens.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn check_family(document: &Map<String, Value>) -> Result<(), ServiceError> {
    let family = document.get("family").and_then(Value::as_str).unwrap_or("");
    if family.is_empty() {
        return Err(ServiceError::client("Family can not be blank."));
    }
    if !is_name(family) {
        return Err(ServiceError::client("Family contains invalid characters."));
    }
    Ok(())
}

fn check_container(container: &ContainerDefinition) -> Result<(), ServiceError> {
    if container.name.is_empty() {
        return Err(ServiceError::client(
            "Container.name should not be null or empty.",
        ));
    }
    if !is_name(&container.name) {
        return Err(ServiceError::client(
            "Container.name contains invalid characters.",
        ));
    }
    if container.image.is_empty() {
        return Err(ServiceError::client(
            "Container.image should not be null or empty.",
        ));
    }
    Ok(())
}

fn check_fargate(document: &Map<String, Value>) -> Result<(), ServiceError> {
    for size in ["cpu", "memory"] {
        if !document.get(size).is_some_and(Value::is_string) {
            return Err(ServiceError::client(format!(
                "Fargate requires that '{size}' be defined at the task level."
            )));
        }
    }
    if !is_awsvpc(document) {
        return Err(ServiceError::client(
            "Fargate only supports network mode \u{2018}awsvpc\u{2019}.",
        ));
    }
    Ok(())
}

fn requires_fargate(document: &Map<String, Value>) -> bool {
    document
        .get("requiresCompatibilities")
        .and_then(Value::as_array)
        .is_some_and(|required| required.iter().any(|one| one == "FARGATE"))
}

/// Whether the tasks get a network interface of their own.
pub(crate) fn is_awsvpc(document: &Map<String, Value>) -> bool {
    document
        .get("networkMode")
        .is_some_and(|mode| mode == "awsvpc")
}

/// Says where tasks of this definition could run, in ECS's words.
///
/// Source: `compatibilities` at
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html>.
pub(crate) fn compatibilities(document: &Map<String, Value>) -> Vec<&'static str> {
    let mut compatible = vec!["EC2"];
    if check_fargate(document).is_ok() {
        compatible.push("FARGATE");
    }
    compatible
}

/// Says what the tasks run on, in OCI's words; `LINUX` and `X86_64` unless
/// `runtimePlatform` says otherwise.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html>.
pub(crate) fn platform(document: &Map<String, Value>) -> Platform {
    let runtime = document.get("runtimePlatform").unwrap_or(&Value::Null);
    let system = runtime["operatingSystemFamily"].as_str().unwrap_or("LINUX");
    let architecture = match runtime["cpuArchitecture"].as_str().unwrap_or("X86_64") {
        "X86_64" => "amd64".to_owned(),
        other => other.to_ascii_lowercase(),
    };
    Platform {
        os: if system.starts_with("WINDOWS") {
            "windows".to_owned()
        } else {
            system.to_ascii_lowercase()
        },
        architecture,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_ecs_requires_is_required() {
        let web = json!({"name": "web", "image": "web:1"});
        let cases = [
            (
                json!({"containerDefinitions": [web]}),
                "Family can not be blank.",
            ),
            (
                json!({"family": "a b", "containerDefinitions": [web]}),
                "invalid characters",
            ),
            (json!({"family": "a"}), "Container list cannot be empty."),
            (
                json!({"family": "a", "containerDefinitions": []}),
                "Container list cannot be empty.",
            ),
            (
                json!({"family": "a", "containerDefinitions": [{"image": "web:1"}]}),
                "Container.name should",
            ),
            (
                json!({"family": "a", "containerDefinitions": [{"name": "w"}]}),
                "Container.image should",
            ),
            (
                json!({"family": "a", "containerDefinitions": [{"name": "w w", "image": "i"}]}),
                "Container.name contains",
            ),
            (
                json!({"family": "a", "containerDefinitions": [web, web]}),
                "must be unique",
            ),
            (
                json!({"family": "a", "containerDefinitions": [{"name": "w", "image": "i", "essential": false}]}),
                "essential",
            ),
            (
                json!({"family": "a", "containerDefinitions": vec![web.clone(); 11]}),
                "maximum number of containers",
            ),
        ];
        for (document, expected) in cases {
            let error = read_containers(document.as_object().unwrap()).unwrap_err();
            assert_eq!(error.code, "ClientException");
            assert!(error.message.contains(expected), "{expected} in {error}");
        }
        let good = json!({"family": "a", "containerDefinitions": [web]});
        assert_eq!(read_containers(good.as_object().unwrap()).unwrap().len(), 1);
    }

    #[test]
    fn fargate_wants_a_size_and_awsvpc() {
        let mut document = json!({
            "family": "a", "requiresCompatibilities": ["FARGATE"],
            "containerDefinitions": [{"name": "web", "image": "web:1"}],
        });
        let refusal = |document: &Value| {
            read_containers(document.as_object().unwrap())
                .unwrap_err()
                .message
        };
        assert!(refusal(&document).contains("'cpu' be defined"));
        document["cpu"] = json!("256");
        assert!(refusal(&document).contains("'memory' be defined"));
        document["memory"] = json!("512");
        assert!(refusal(&document).contains("awsvpc"));
        assert_eq!(compatibilities(document.as_object().unwrap()), ["EC2"]);
        document["networkMode"] = json!("awsvpc");
        assert!(read_containers(document.as_object().unwrap()).is_ok());
        assert_eq!(
            compatibilities(document.as_object().unwrap()),
            ["EC2", "FARGATE"]
        );
    }

    #[test]
    fn the_platform_is_named_as_oci_names_it() {
        let says = |runtime: Value| {
            let document = json!({ "runtimePlatform": runtime });
            let platform = platform(document.as_object().unwrap());
            format!("{}/{}", platform.os, platform.architecture)
        };
        assert_eq!(says(Value::Null), "linux/amd64");
        assert_eq!(says(json!({"cpuArchitecture": "ARM64"})), "linux/arm64");
        assert_eq!(
            says(json!({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"})),
            "windows/amd64"
        );
    }
}
