//! What ECS answers, in our own words.

use aws_sdk_ecs::types::{
    Deployment, DeploymentConfiguration, DeploymentController, DeploymentControllerType,
    DeploymentLifecycleHookTargetType, DeploymentRolloutState, SchedulingStrategy,
    Service as Answered,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::super::timestamp;
use crate::core::observation::{Controller, DeploymentState, Service, ServiceDeployment};

/// The status of the deployment that ECS drives towards.
///
/// Source: ECS API reference, Deployment, `status`.
pub(super) const PRIMARY: &str = "PRIMARY";

/// Reads a service; fails where what every service has is missing.
pub(super) fn service(service: &Answered) -> Result<Service, String> {
    let deployments = service
        .deployments()
        .iter()
        .map(deployment)
        .collect::<Result<Vec<_>, _>>()?;
    let tags = service
        .tags()
        .iter()
        .filter_map(|tag| {
            Some((
                tag.key()?.to_owned(),
                tag.value().unwrap_or_default().to_owned(),
            ))
        })
        .collect();
    Ok(Service {
        arn: text("serviceArn", service.service_arn())?,
        active: service.status() == Some("ACTIVE"),
        created_at: point_in_time("createdAt", service.created_at())?,
        controller: controller(service),
        daemon: service.scheduling_strategy() == Some(&SchedulingStrategy::Daemon),
        desired: count(service.desired_count()),
        running: count(service.running_count()),
        deployments,
        tags,
        has_pause_hooks: has_pause_hooks(service),
    })
}

fn has_pause_hooks(service: &Answered) -> bool {
    let hooks = service
        .deployment_configuration()
        .map(DeploymentConfiguration::lifecycle_hooks);
    hooks
        .unwrap_or_default()
        .iter()
        .any(|hook| hook.target_type() == Some(&DeploymentLifecycleHookTargetType::Pause))
}

/// Reads one of a service's deployments.
pub(super) fn deployment(deployment: &Deployment) -> Result<ServiceDeployment, String> {
    Ok(ServiceDeployment {
        id: text("id", deployment.id())?,
        primary: deployment.status() == Some(PRIMARY),
        task_definition: text("taskDefinition", deployment.task_definition())?,
        state: state(deployment),
        state_reason: deployment
            .rollout_state_reason()
            .unwrap_or_default()
            .to_owned(),
        created_at: point_in_time("createdAt", deployment.created_at())?,
        failed_tasks: count(deployment.failed_tasks()),
    })
}

/// Takes `…:task-definition/family:revision` apart.
pub(super) fn family_and_revision(arn: &str) -> Option<(&str, u64)> {
    let (_, name) = arn.rsplit_once('/')?;
    let (family, revision) = name.rsplit_once(':')?;
    Some((family, revision.parse().ok()?))
}

/// ECS leaves the controller out where it is its own. Source: ECS API
/// reference, DeploymentController, `type`.
fn controller(service: &Answered) -> Controller {
    match service
        .deployment_controller()
        .map(DeploymentController::r#type)
    {
        None | Some(DeploymentControllerType::Ecs) => Controller::Ecs,
        Some(other) => Controller::Other(other.as_str().to_owned()),
    }
}

/// A state that ECS leaves out, or one that came later, is never taken for done.
///
/// ECS leaves it out behind a Classic Load Balancer and under other controllers
/// than its own, and Fargate has neither. Source: ECS API reference,
/// Deployment, `rolloutState`.
fn state(deployment: &Deployment) -> DeploymentState {
    match deployment.rollout_state() {
        Some(DeploymentRolloutState::Completed) => DeploymentState::Completed,
        Some(DeploymentRolloutState::Failed) => DeploymentState::Failed,
        Some(_) | None => DeploymentState::InProgress,
    }
}

fn text(member: &str, value: Option<&str>) -> Result<String, String> {
    value.map(str::to_owned).ok_or_else(|| left_out(member))
}

fn point_in_time(member: &str, value: Option<&DateTime>) -> Result<Timestamp, String> {
    value.and_then(timestamp).ok_or_else(|| left_out(member))
}

fn left_out(member: &str) -> String {
    format!("the answer has no `{member}` that can be read")
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::Tag;

    use super::*;

    fn rolling() -> aws_sdk_ecs::types::builders::DeploymentBuilder {
        Deployment::builder()
            .id("ecs-svc/1")
            .status("PRIMARY")
            .task_definition("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7")
            .created_at(DateTime::from_secs_and_nanos(1_700_000_000, 250_000_000))
            .failed_tasks(2)
    }

    fn web() -> aws_sdk_ecs::types::builders::ServiceBuilder {
        Answered::builder()
            .service_arn("arn:aws:ecs:eu-west-1:123456789012:service/prod/web")
            .status("ACTIVE")
            .created_at(DateTime::from_secs(1_600_000_000))
            .desired_count(3)
            .running_count(2)
            .deployments(rolling().build())
            .tags(Tag::builder().key("pushboat:target").value("web").build())
            .tags(Tag::builder().key("bare").build())
    }

    #[test]
    fn a_service_is_read_with_its_deployments_and_tags() {
        let read = service(&web().build()).unwrap();
        assert_eq!(read.controller, Controller::Ecs);
        assert!(read.active && !read.daemon);
        assert_eq!((read.desired, read.running), (3, 2));
        assert_eq!(read.tags["pushboat:target"], "web");
        assert_eq!(read.tags["bare"], "");
        let primary = read.primary().unwrap();
        assert_eq!(
            (primary.id.as_str(), primary.failed_tasks),
            ("ecs-svc/1", 2)
        );
        assert_eq!(primary.created_at.as_millisecond(), 1_700_000_000_250);
    }

    #[test]
    fn statuses_and_controllers_that_came_later_are_tolerated() {
        let other = DeploymentController::builder().r#type("SOMETHING_NEW".into());
        let read = service(
            &web()
                .status("SOMETHING_NEW")
                .deployment_controller(other.build().unwrap())
                .scheduling_strategy("SOMETHING_NEW".into())
                .build(),
        )
        .unwrap();
        assert!(!read.active && !read.daemon);
        assert_eq!(
            read.controller,
            Controller::Other("SOMETHING_NEW".to_owned())
        );
        assert!(
            service(
                &web()
                    .scheduling_strategy(SchedulingStrategy::Daemon)
                    .build()
            )
            .unwrap()
            .daemon
        );
    }

    #[test]
    fn only_completed_is_completed() {
        let read = |state: Option<&str>| {
            let built = rolling().set_rollout_state(state.map(Into::into)).build();
            deployment(&built).unwrap().state
        };
        assert_eq!(read(Some("COMPLETED")), DeploymentState::Completed);
        assert_eq!(read(Some("FAILED")), DeploymentState::Failed);
        for unfinished in [Some("IN_PROGRESS"), Some("SOMETHING_NEW"), None] {
            assert_eq!(read(unfinished), DeploymentState::InProgress);
        }
    }

    #[test]
    fn an_answer_without_what_every_service_has_is_named() {
        let error = service(&Answered::builder().service_arn("a").build()).unwrap_err();
        assert!(error.contains("createdAt"), "{error}");
    }

    #[test]
    fn a_revision_is_taken_apart() {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/my-web:12";
        assert_eq!(family_and_revision(arn), Some(("my-web", 12)));
        assert_eq!(family_and_revision("my-web"), None);
        assert_eq!(family_and_revision("a/my-web:latest"), None);
    }
}
