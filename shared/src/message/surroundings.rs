//! What a message has to name of the installation, and the commands made of it.

use crate::core::name::{ImageDigest, TargetName};
use crate::core::observation::PausedHook;
use crate::core::policy::{ServiceRef, StackRef};
use crate::core::rollout::StackStart;

/// What the commands in a message have to name of the installation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The name of the function `operator`.
    pub operator_function: String,
    /// The AWS Region.
    pub region: String,
}

impl Surroundings {
    /// Writes the line that releases an image, to be pasted into a shell.
    ///
    /// Neither a target's name nor a digest can hold a quote.
    #[must_use]
    pub fn release(&self, target: &TargetName, digest: &ImageDigest) -> String {
        self.operator(&format!(
            r#"{{"command":"release","target":"{target}","digest":"{digest}"}}"#
        ))
    }

    /// Writes the line that deploys an image, to be pasted into a shell.
    ///
    /// Neither can a repository's name hold a quote.
    #[must_use]
    pub fn deploy(&self, target: &TargetName, repository: &str, digest: &ImageDigest) -> String {
        self.operator(&format!(
            r#"{{"command":"deploy","target":"{target}","repository":"{repository}","digest":"{digest}"}}"#
        ))
    }

    /// Writes the line that resumes a held target, to be pasted into a shell.
    #[must_use]
    pub fn resume(&self, target: &TargetName) -> String {
        self.operator(&format!(r#"{{"command":"resume","target":"{target}"}}"#))
    }

    /// Writes the line that has a service run a revision, to be pasted into a shell.
    ///
    /// Source: AWS CLI reference, `ecs update-service`.
    #[must_use]
    pub fn update_service(&self, service: &ServiceRef, revision: &str) -> String {
        format!(
            "aws ecs update-service --region {} --cluster {} --service {} --task-definition {revision}",
            self.region, service.cluster, service.name
        )
    }

    /// Writes the line that does something with a change set, to be pasted into a shell.
    ///
    /// Source: AWS CLI reference, `cloudformation execute-change-set` and `delete-change-set`.
    #[must_use]
    pub fn change_set(&self, what: &str, stack: &StackRef, change_set: &str) -> String {
        format!(
            "aws cloudformation {what} --region {} --stack-name {} --change-set-name {change_set}",
            self.region, stack.name
        )
    }

    /// Writes the line that goes on with a stack's rollback that failed, to be pasted into a shell.
    ///
    /// Source: AWS CLI reference, `cloudformation continue-update-rollback`.
    #[must_use]
    pub fn continue_rollback(&self, stack: &str) -> String {
        format!(
            "aws cloudformation continue-update-rollback --region {} --stack-name {stack}",
            self.region
        )
    }

    /// Writes the line that takes a stack's failed update back, to be pasted into a shell.
    ///
    /// Source: AWS CLI reference, `cloudformation rollback-stack`.
    #[must_use]
    pub fn roll_back(&self, stack: &str) -> String {
        format!(
            "aws cloudformation rollback-stack --region {} --stack-name {stack}",
            self.region
        )
    }

    /// Writes the line that has a stack run an image, every other parameter as it is.
    ///
    /// Source: AWS CLI reference, `cloudformation update-stack`.
    #[must_use]
    pub fn update_stack(&self, stack: &StackRef, start: &StackStart, image: &str) -> String {
        let kept = start.kept.iter();
        let kept: String = kept
            .map(|name| format!(" ParameterKey={name},UsePreviousValue=true"))
            .collect();
        let capabilities = match start.capabilities.as_slice() {
            [] => String::new(),
            some => format!(" --capabilities {}", some.join(" ")),
        };
        format!(
            "aws cloudformation update-stack --region {} --stack-name {} --use-previous-template{capabilities} --parameters ParameterKey={},ParameterValue={image}{kept}",
            self.region, stack.name, stack.parameter
        )
    }

    /// Writes the line that answers the hook at which a deployment waits, to be pasted into a shell.
    ///
    /// Source: AWS CLI reference, `ecs continue-service-deployment`.
    #[must_use]
    pub fn answer_hook(&self, hook: &PausedHook, action: &str) -> String {
        format!(
            "aws ecs continue-service-deployment --region {} --service-deployment-arn {} --hook-id {} --action {action}",
            self.region, hook.service_deployment, hook.hook_id
        )
    }

    /// Writes the line that gives `operator` a command.
    ///
    /// Without `raw-in-base64-out` the AWS CLI takes the payload for Base64.
    /// Source: AWS CLI user guide, "Global options", `--cli-binary-format`.
    fn operator(&self, command: &str) -> String {
        format!(
            "aws lambda invoke --function-name {} --region {} --cli-binary-format raw-in-base64-out --payload '{command}' /dev/stdout",
            self.operator_function, self.region
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_of_a_line_is_a_command() {
        let surroundings = Surroundings {
            operator_function: "pushboat-operator".to_owned(),
            region: "eu-west-1".to_owned(),
        };
        let target = TargetName::parse("team/web").unwrap();
        let digest = ImageDigest::parse(&format!("sha256:{}", "0a".repeat(32))).unwrap();
        for line in [
            surroundings.release(&target, &digest),
            surroundings.deploy(&target, "team/web", &digest),
            surroundings.resume(&target),
        ] {
            let start = "aws lambda invoke --function-name pushboat-operator --region eu-west-1 ";
            assert!(line.starts_with(start), "{line}");
            let mut parts = line.split('\'');
            let payload: serde_json::Value = serde_json::from_str(parts.nth(1).unwrap()).unwrap();
            assert_eq!(payload["target"], "team/web");
            assert_eq!(parts.next(), Some(" /dev/stdout"));
            assert_eq!(parts.next(), None);
        }
    }
}
