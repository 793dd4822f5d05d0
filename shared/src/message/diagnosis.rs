//! What a stopped task means and what to do about it, for whoever is woken by it.

use crate::core::diagnosis::service_trouble::ServiceTrouble;
use crate::core::diagnosis::target_health::TargetVerdict;
use crate::core::diagnosis::{Cause, Verdict};
use crate::core::evidence::TargetHealth;

/// A cause in a person's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub meaning: &'static str,
    /// What to do about it.
    pub hint: &'static str,
}

const fn says(meaning: &'static str, hint: &'static str) -> Explanation {
    Explanation { meaning, hint }
}

/// Explains why a task stopped.
#[must_use]
#[expect(clippy::too_many_lines, reason = "one entry for each cause")]
pub fn cause(cause: Cause) -> Explanation {
    match cause {
        Cause::StoppedByUser => says(
            "Somebody, or some tool, stopped the task.",
            "If nobody knows of it, look for StopTask in CloudTrail.",
        ),
        Cause::SpotInterruption => says(
            "Fargate Spot took the task's capacity back.",
            "ECS replaces the task. If that happens too often, give the capacity provider strategy a base of FARGATE.",
        ),
        Cause::Maintenance => says(
            "AWS retired the infrastructure that the task ran on.",
            "Nothing is to be done: ECS replaces the task.",
        ),
        Cause::ScaledIn => says(
            "ECS stopped the task because it was no longer wanted: the service scaled in, or a deployment replaced it.",
            "Nothing is to be done.",
        ),
        Cause::NoCapacity => says(
            "Fargate has no capacity left in the Availability Zone.",
            "ECS goes on trying. Add subnets in other Availability Zones to the service.",
        ),
        Cause::AccountLimit => says(
            "The account has reached a limit of Fargate.",
            "Stop tasks that nobody needs, or ask for a higher quota in Service Quotas (Fargate vCPU count). If only many tasks starting at once reach it, deploy fewer services at a time.",
        ),
        Cause::ProvisioningFailed => says(
            "AWS could not give the task its network interface or its storage.",
            "Check that the service's subnets have free IP addresses. If they do, it is AWS's trouble: ECS goes on trying.",
        ),
        Cause::RegistryUnreachable => says(
            "The task could not reach the registry that holds its image.",
            "Check the way from the service's subnets to ECR: a NAT gateway or a public IP, or VPC endpoints for ecr.api, ecr.dkr and S3 (gateway), and security groups that let port 443 through.",
        ),
        Cause::RegistryRateLimit => says(
            "The registry refused the pull because there were too many of them.",
            "Pull public images through ECR's pull-through cache, or with credentials.",
        ),
        Cause::PullDenied => says(
            "The registry did not let the task pull the image. It says the same of an image that does not exist.",
            "Check that the execution role may call ecr:GetAuthorizationToken, ecr:BatchGetImage and ecr:GetDownloadUrlForLayer, and, across accounts, that the repository's policy lets it.",
        ),
        Cause::ImageManifestMissing => says(
            "The registry does not have the image, or has it in its archive.",
            "See with aws ecr describe-images whether it was deleted, or is archived and can be restored. Make sure that the lifecycle policy spares what is deployed.",
        ),
        Cause::WrongPlatform => says(
            "The image was not built for the CPU architecture or operating system that the task runs on.",
            "Build it for the platform in the task definition's runtimePlatform (docker buildx build --platform), or as a multi-architecture image.",
        ),
        Cause::ImageTooLarge => says(
            "The image does not fit into the task's storage.",
            "Make the image smaller, or give the task definition more ephemeralStorage (21 to 200 GiB).",
        ),
        Cause::LayerStoreUnreachable => says(
            "The task reached the registry, but not S3, where the image's layers are.",
            "Check the S3 gateway endpoint in the subnets' route tables, and that the security group lets port 443 out to it.",
        ),
        Cause::LayerDownloadFailed => says(
            "The download of one of the image's layers broke off.",
            "ECS tries again. If it keeps failing, check the way from the service's subnets to ECR and S3.",
        ),
        Cause::SecretDenied => says(
            "The task's execution role may not read something that the task needs to start: a secret, a parameter, their key, or ECR's login.",
            "Give the execution role secretsmanager:GetSecretValue, ssm:GetParameters, kms:Decrypt or ecr:GetAuthorizationToken; the stopped reason says which.",
        ),
        Cause::SecretMissing => says(
            "A secret or parameter that the task definition names does not exist, or lacks the JSON key it is asked for.",
            "Create it in the service's Region and account, or correct the name in the task definition's secrets.",
        ),
        Cause::SecretStoreUnreachable => says(
            "The task could not reach Secrets Manager, Parameter Store or ECR to fetch what it needs to start, or was throttled there.",
            "Check the way from the service's subnets: a NAT gateway or a public IP, or VPC endpoints for secretsmanager, ssm, kms and ecr.api, and security groups that let port 443 through.",
        ),
        Cause::LoggingFailed => says(
            "The task's log driver could not be set up.",
            "Check that the log group exists (awslogs-create-group needs logs:CreateLogGroup), that the execution role may write to it, and that CloudWatch Logs can be reached from the service's subnets.",
        ),
        Cause::EnvironmentFileFailed => says(
            "An environment file could not be read from S3.",
            "Check that the file exists, that the execution role may call s3:GetObject and s3:GetBucketLocation, and that S3 can be reached from the service's subnets.",
        ),
        Cause::VolumeFailed => says(
            "A volume could not be mounted.",
            "For EFS, check that its security group lets the task in on port 2049, that each Availability Zone has a mount target, the access point, and the task role's permissions.",
        ),
        Cause::CannotExecute => says(
            "The container's command cannot be executed: it is not in the image, not executable, or built for another CPU architecture.",
            "Run the image with the same entry point and command on your own machine, and see whether the task definition overrides either.",
        ),
        Cause::MemoryTooSmallToStart => says(
            "The container could not be started, most likely because it has too little memory.",
            "Give the container or the task more memory.",
        ),
        Cause::AgentFault => says(
            "AWS's container agent or runtime failed.",
            "ECS tries again. If it keeps failing, ask AWS Support.",
        ),
        Cause::OutOfMemory => says(
            "A container used more memory than it may, and was killed.",
            "Compare its memory with the version before: give it more, or find the leak.",
        ),
        Cause::ElbHealthCheck => says(
            "The load balancer's health checks failed, so ECS stopped the task.",
            "Look at the target's health reason and the container's log: does it listen on the port, answer on the health check's path, and do so soon enough (healthCheckGracePeriodSeconds)? If older tasks fail as well, look at the security groups.",
        ),
        Cause::ContainerHealthCheck => says(
            "The container's own health check failed, so ECS stopped the task.",
            "Run the health check's command in the image: does the image have what it calls (curl, a shell)? If the start is slow, raise its startPeriod.",
        ),
        Cause::InfrastructureHealth => says(
            "AWS found the infrastructure that the task ran on unhealthy.",
            "Nothing is to be done: ECS replaces the task.",
        ),
        Cause::ExitedNormally => says(
            "The container's process ended without an error. A service's process must not end.",
            "Look at the container's log, and at the command: does it start a server and stay in the foreground?",
        ),
        Cause::ApplicationError => says(
            "The container's process ended with an error.",
            "Read the container's log.",
        ),
        Cause::CommandNotFound => says(
            "The container's command was not found or could not be executed (exit code 126 or 127).",
            "Check the entry point and the command in the image and in the task definition: the path, the permissions, the shell they need.",
        ),
        Cause::Crashed => says(
            "The container's process crashed (exit code 128 and a signal: 132 illegal instruction, 134 abort, 135 bus error, 136 arithmetic, 139 segmentation fault).",
            "Read the container's log. After 132, build for an older CPU: it was built for instructions that Fargate's does not have.",
        ),
        Cause::Killed => says(
            "The container's process was killed (exit code 137), most likely because the whole task ran out of memory.",
            "Look at the task's memory in Container Insights and give it more. A process that does not end in time when it is asked to is killed as well: let it handle SIGTERM.",
        ),
        Cause::Terminated => says(
            "The container's process ended because it was asked to (exit code 143).",
            "Nothing is to be done if ECS stopped the task. If nobody did, read the container's log.",
        ),
        Cause::NeverRan => says(
            "The task was given up before any of its containers ran, and the words that AWS gives for it are not known to Pushboat.",
            "Read the stopped reason and the service's events.",
        ),
        Cause::Unknown => says(
            "The task ran and stopped, and the words that AWS gives for it are not known to Pushboat.",
            "Read the stopped reason and the container's log.",
        ),
    }
}

/// Says whose fault a stopped task is, and so what comes of it.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Certain => "This version can never work.",
        Verdict::Likely => "Most likely this version is at fault.",
        Verdict::Platform => "Nothing shows that this version is at fault.",
        Verdict::NotAFailure => "Nothing failed.",
    }
}

/// Says what ECS complains of.
#[must_use]
pub fn service_trouble(trouble: &ServiceTrouble) -> String {
    match trouble {
        ServiceTrouble::RollingBack { to } if to.is_empty() => {
            "ECS is rolling the service back by itself.".to_owned()
        }
        ServiceTrouble::RollingBack { to } => {
            format!("ECS is rolling the service back to deployment {to} by itself.")
        }
        ServiceTrouble::CircuitBreaker => {
            "ECS's deployment circuit breaker gave the deployment up: too many tasks failed. Look at the stopped tasks.".to_owned()
        }
        ServiceTrouble::DeploymentAlarm => {
            "An alarm in the service's own deployment configuration fired, and ECS gave the deployment up.".to_owned()
        }
        ServiceTrouble::DeploymentFailed => {
            "ECS gave the deployment up. Look at the service's events.".to_owned()
        }
        ServiceTrouble::TasksKeepFailing => {
            "Tasks keep failing to start, and ECS tries less and less often. Look at the stopped tasks.".to_owned()
        }
        ServiceTrouble::NoRoomToDeploy => {
            "The service's minimumHealthyPercent and maximumPercent let ECS neither stop nor start a task. Raise maximumPercent or lower minimumHealthyPercent.".to_owned()
        }
        ServiceTrouble::TargetUnhealthy { reason } if reason.is_empty() => {
            "The load balancer finds a task unhealthy.".to_owned()
        }
        ServiceTrouble::TargetUnhealthy { reason } => {
            format!("The load balancer finds a task unhealthy: {reason}.")
        }
        ServiceTrouble::TaskUnhealthy => {
            "Cloud Map or VPC Lattice finds a task unhealthy. Look at the health check that is set up there, and at the container's log.".to_owned()
        }
        ServiceTrouble::Throttled => {
            "AWS throttles what ECS asks of it for this service. It goes on trying. Deploy fewer services at once, or have the account's limits raised.".to_owned()
        }
        ServiceTrouble::Misconfigured => {
            "ECS cannot start tasks as they are configured. Look at the service's events, at the task definition's roles and at the service's network configuration.".to_owned()
        }
        ServiceTrouble::CouldNotLaunch => {
            "ECS could not launch all tasks, for want of capacity or because of a limit of the account. It goes on trying.".to_owned()
        }
        ServiceTrouble::RoleNotAssumed => {
            "ECS may not assume the task's role or its execution role. Let ecs-tasks.amazonaws.com assume it in the role's trust policy, and check that the role exists.".to_owned()
        }
        ServiceTrouble::CannotPlace { lacking } if lacking.is_empty() => {
            "ECS cannot place tasks. It goes on trying.".to_owned()
        }
        ServiceTrouble::CannotPlace { lacking } => format!(
            "ECS is unable to place a task, capacity is unavailable ({lacking}). It goes on trying. More subnets in other Availability Zones, or FARGATE beside FARGATE_SPOT in the capacity provider strategy, give it more to choose from."
        ),
    }
}

/// Says what a load balancer's word on a target means.
#[must_use]
pub fn target_verdict(verdict: TargetVerdict) -> &'static str {
    match verdict {
        TargetVerdict::Healthy => "healthy",
        TargetVerdict::Settling => "being registered, or leaving",
        TargetVerdict::Application => {
            "the application answers wrongly, late or not at all, or its port or security group is wrong"
        }
        TargetVerdict::Platform => "the load balancer has trouble of its own",
        TargetVerdict::Infrastructure => {
            "the target group is not attached, the Availability Zone is not enabled, or the address cannot be used"
        }
        TargetVerdict::Unknown => "the load balancer does not say",
    }
}

/// Says what to look at, by the code that a load balancer gives for a target.
///
/// Source: Application Load Balancers user guide, "Health check reason codes".
#[must_use]
pub fn target_hint(health: &TargetHealth) -> &'static str {
    match health.reason.as_str() {
        "Target.ResponseCodeMismatch" => {
            "The application answers the health check with a code that the target group does not take as healthy: check the health check's path and its matcher, and what the application answers there (its log tells)."
        }
        "Target.Timeout" => {
            "No answer came in time: check that the application listens on the container port and on all addresses (0.0.0.0), that the task's security group lets the load balancer in, and whether it needs longer to start (healthCheckGracePeriodSeconds)."
        }
        "Target.FailedHealthChecks" => {
            "The connection could not be made or broke: check that the application listens on the container port and speaks the target group's protocol, and that the task's security group lets the load balancer in."
        }
        "Elb.InternalError" => "The load balancer itself failed: look at the AWS Health Dashboard.",
        "Target.NotInUse" => {
            "Attach the target group to a listener, and enable the task's Availability Zone for the load balancer."
        }
        "Target.NotRegistered" | "Target.InvalidState" | "Target.IpUnusable" => {
            "The load balancer cannot use the target: look at the target group's type, its targets and the task's address."
        }
        "Target.HealthCheckDisabled" => {
            "Turn the target group's health checks on: without them the load balancer cannot tell."
        }
        _ => "Look at the target group's targets in the console.",
    }
}

#[cfg(test)]
mod tests;
