//! Tasks of a service that stopped.

use jiff::Timestamp;
use serde_json::Value;

use super::envelope::{Envelope, unreadable};
use crate::core::diagnosis::{Cause, cause};
use crate::core::evidence::{StoppedContainer, StoppedTask};
use crate::core::policy::ServiceRef;
use crate::core::reason::Ignored;
use crate::redact::redact;

/// A service's task that stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskStopped {
    /// The service that the task belonged to.
    pub service: ServiceRef,
    /// What is kept of the task.
    pub task: StoppedTask,
    /// The event's id.
    pub event_id: String,
}

/// Reads which task of which service stopped.
///
/// ECS sends an event for each step of a task's life; only the last one has the
/// exit codes. A Spot interruption is told two minutes ahead, of a task that
/// still runs, and not all that announce it have a stop code
/// (aws/containers-roadmap#1565). Source: ECS developer guide, "Amazon ECS task
/// state change events" and "Fargate Spot termination notices".
///
/// # Errors
///
/// Every other event is explained as ignored.
pub fn stopped_task(event: &Value) -> Result<TaskStopped, Ignored> {
    let envelope = Envelope::read(event)?;
    if envelope.source != "aws.ecs" || envelope.detail_type != "ECS Task State Change" {
        return Err(no_business(&envelope, ""));
    }
    let task = task(&envelope);
    let status = envelope.text("lastStatus");
    let interrupted =
        envelope.text("desiredStatus") == "STOPPED" && cause(&task) == Cause::SpotInterruption;
    if !matches!(status, "STOPPED" | "DELETED") && !interrupted {
        return Err(no_business(&envelope, &format!(" ({status})")));
    }
    let Some(name) = task.group.strip_prefix("service:") else {
        return Err(no_business(&envelope, " of a task outside any service"));
    };
    let cluster = cluster_of(&task).ok_or_else(|| unreadable("it names no cluster"))?;
    if name.is_empty() || task.task_arn.is_empty() {
        return Err(unreadable("it names no task of a service"));
    }
    Ok(TaskStopped {
        service: ServiceRef {
            cluster: cluster.to_owned(),
            name: name.to_owned(),
        },
        task: task.bounded(),
        event_id: envelope.id,
    })
}

fn no_business(envelope: &Envelope<'_>, which: &str) -> Ignored {
    let which: String = which.chars().take(40).collect();
    Ignored::NoBusiness {
        kind: envelope.kind() + &which,
    }
}

fn task(envelope: &Envelope<'_>) -> StoppedTask {
    let text = |field| envelope.text(field).to_owned();
    let times = ["stoppedAt", "stoppingAt", "updatedAt"];
    let stopped_at = times.iter().find_map(|field| time(envelope.text(field)));
    let containers = envelope.detail.get("containers").and_then(Value::as_array);
    StoppedTask {
        task_arn: text("taskArn"),
        version: envelope
            .detail
            .get("version")
            .and_then(number)
            .unwrap_or_default(),
        task_definition: text("taskDefinitionArn"),
        started_by: text("startedBy"),
        group: text("group"),
        cluster_arn: text("clusterArn"),
        stop_code: text("stopCode"),
        // Before anything is cut off, logged or stored: half a secret is not known for one.
        stopped_reason: redact(envelope.text("stoppedReason")),
        started: !envelope.text("startedAt").is_empty(),
        stopped_at: stopped_at.or_else(|| time(&envelope.time)),
        containers: containers.into_iter().flatten().map(container).collect(),
    }
}

fn container(value: &Value) -> StoppedContainer {
    let text = |field| {
        let text = value.get(field).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    StoppedContainer {
        name: text("name"),
        image: text("image"),
        image_digest: text("imageDigest"),
        exit_code: value.get("exitCode").and_then(number),
        reason: redact(&text("reason")),
        last_status: text("lastStatus"),
    }
}

/// Reads a number; ECS writes some as text, and `"null"` for none.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Finds the cluster's name in its ARN, else in the task's.
fn cluster_of(task: &StoppedTask) -> Option<&str> {
    let of_task = || {
        task.task_arn
            .split_once(":task/")?
            .1
            .split_once('/')
            .map(|(cluster, _)| cluster)
    };
    let of_cluster = task
        .cluster_arn
        .split_once(":cluster/")
        .map(|(_, name)| name);
    of_cluster.or_else(of_task).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::every_sample::sample;
    use super::*;

    fn stopped() -> Value {
        sample("ecs_task_state_change__stopped_essential_exit1_composed")
    }

    #[test]
    fn a_stopped_task_is_read_with_its_service() {
        let read = stopped_task(&stopped()).unwrap();
        assert_eq!(read.service.to_string(), "example-cluster/web");
        assert_eq!(read.event_id, "00000000-0000-0000-0000-000000000038");
        let task = read.task;
        assert_eq!(task.version, 6);
        assert!(
            task.task_arn
                .ends_with(":task/example-cluster/a1173316d40a45dea9")
        );
        assert!(
            task.task_definition
                .ends_with(":task-definition/webserver:5")
        );
        assert_eq!(task.started_by, "ecs-svc/1234567890123456789");
        assert_eq!(task.stop_code, "EssentialContainerExited");
        assert!(task.started);
        assert_eq!(
            task.stopped_at.unwrap().to_string(),
            "2025-05-06T11:05:20.5Z"
        );
        let [container] = task.containers.as_slice() else {
            panic!("one container")
        };
        assert_eq!(
            (container.name.as_str(), container.exit_code),
            ("web", Some(1))
        );
        assert!(container.image_digest.starts_with("sha256:c15d"));
    }

    #[test]
    fn what_aws_quotes_is_kept_without_its_secrets() {
        let mut event = stopped();
        let words = "cannot pull from https://u:s3cr3t@registry.example.com/app";
        event["detail"]["stoppedReason"] = json!(words);
        event["detail"]["containers"][0]["reason"] = json!("exec: PASSWORD=s3cr3t not found");
        let task = stopped_task(&event).unwrap().task;
        let shown = words.replace("s3cr3t", "[redacted]");
        assert_eq!(task.stopped_reason, shown);
        let told = &task.containers[0].reason;
        assert_eq!(told, "exec: PASSWORD=[redacted] not found");
    }

    #[test]
    fn a_task_that_never_ran_has_neither_start_nor_exit_code() {
        let event = sample("ecs_task_state_change__stopped_resource_init_secrets_composed");
        let task = stopped_task(&event).unwrap().task;
        assert!(!task.started);
        assert_eq!(task.containers[0].exit_code, None);
    }

    #[test]
    fn a_spot_interruption_is_heard_while_the_task_still_runs() {
        let mut event = stopped();
        event["detail"]["lastStatus"] = json!("RUNNING");
        assert!(matches!(
            stopped_task(&event),
            Err(Ignored::NoBusiness { .. })
        ));
        event["detail"]["stopCode"] = json!("TerminationNotice");
        assert_eq!(
            cause(&stopped_task(&event).unwrap().task),
            Cause::SpotInterruption
        );
        event["detail"].as_object_mut().unwrap().remove("stopCode");
        event["detail"]["stoppedReason"] = json!("Your Spot Task was interrupted.");
        assert_eq!(
            cause(&stopped_task(&event).unwrap().task),
            Cause::SpotInterruption
        );
        event["detail"]["desiredStatus"] = json!("RUNNING");
        assert!(stopped_task(&event).is_err());
    }

    #[test]
    fn tasks_on_their_way_and_tasks_of_no_service_ask_for_nothing() {
        for (field, value, kind) in [
            (
                "lastStatus",
                "DEPROVISIONING",
                "ECS Task State Change (DEPROVISIONING)",
            ),
            (
                "group",
                "family:web",
                "ECS Task State Change of a task outside any service",
            ),
        ] {
            let mut event = stopped();
            event["detail"][field] = json!(value);
            let kind = kind.to_owned();
            assert_eq!(stopped_task(&event), Err(Ignored::NoBusiness { kind }));
        }
    }

    #[test]
    fn oddities_do_not_lose_a_task() {
        let mut event = stopped();
        let detail = &mut event["detail"];
        detail["containers"] = json!([
            { "name": "agent", "cpu": "null", "exitCode": "137" },
            { "name": "web", "exitCode": "null", "image": null, "reason": 7 },
            "nonsense",
        ]);
        detail["version"] = json!("6");
        detail["stoppedAt"] = json!("yesterday");
        detail["clusterArn"] = json!(null);
        event["time"] = json!("2023-02-29T00:00:00Z");
        let read = stopped_task(&event).unwrap();
        assert_eq!(read.service.to_string(), "example-cluster/web");
        assert_eq!(read.task.version, 6);
        assert_eq!(
            read.task.stopped_at.unwrap().to_string(),
            "2025-05-06T11:05:00.1Z"
        );
        let codes: Vec<_> = read
            .task
            .containers
            .iter()
            .map(|container| container.exit_code)
            .collect();
        assert_eq!(codes, [Some(137), None, None]);
        for field in ["stoppingAt", "updatedAt"] {
            event["detail"][field] = json!(7);
        }
        assert_eq!(stopped_task(&event).unwrap().task.stopped_at, None);
        event["time"] = json!("2025-05-06T11:05:20Z");
        let told = stopped_task(&event).unwrap().task.stopped_at.unwrap();
        assert_eq!(told.to_string(), "2025-05-06T11:05:20Z");
    }

    #[test]
    fn what_names_no_task_or_service_is_explained() {
        for (field, value) in [
            ("taskArn", json!("")),
            ("group", json!("service:")),
            ("clusterArn", json!("x")),
        ] {
            let mut event = stopped();
            event["detail"][field] = value;
            if field == "clusterArn" {
                event["detail"]["taskArn"] = json!("arn:aws:ecs:eu-west-1:1:task/old-style-id");
            }
            assert!(
                matches!(stopped_task(&event), Err(Ignored::Unreadable { .. })),
                "{field}"
            );
        }
    }
}
