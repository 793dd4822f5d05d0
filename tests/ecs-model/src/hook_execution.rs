//! Lifecycle hooks at work: they are called or wait for somebody, and let a
//! deployment go on or not.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html> and
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html>.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::ecs::Ecs;
use crate::error::ServiceError;
use crate::failure::FailureCause;
use crate::lifecycle::{Lifecycle, LifecycleStage};
use crate::lifecycle_hook::{
    HookAction, HookAnswer, HookExecution, HookStatus, HookTarget, LifecycleHook,
};
use crate::rollback::Consequence;
use crate::service::ServiceKey;
use crate::service_deployment::ServiceDeploymentStatus;

/// When a function is called again that is still at work.
///
/// Source: "hookStatus values" at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>.
const CALLED_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(30);

impl Ecs {
    /// Says what a Lambda function answers from now on when a hook calls it;
    /// until then every function answers that it succeeded.
    pub fn set_hook_answer(&mut self, function_arn: &str, answer: HookAnswer) {
        self.hook_answers.insert(function_arn.to_owned(), answer);
    }

    /// Goes on with a service deployment that a pause hook holds up, or takes it
    /// back to the revision that the service ran before.
    ///
    /// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContinueServiceDeployment.html>.
    ///
    /// # Errors
    ///
    /// `ServiceDeploymentNotFoundException`; `InvalidParameterException` for a
    /// hook that awaits no action, as the reference names no error for that.
    pub fn continue_service_deployment(
        &mut self,
        arn: &str,
        hook_id: &str,
        action: HookAction,
    ) -> Result<Arc<str>, ServiceError> {
        self.remember();
        let (key, index) = self
            .find_service_deployment(arn)
            .ok_or_else(ServiceError::service_deployment_not_found)?;
        let record = &mut self.services[key.0].service_deployments[index];
        let arn = Arc::clone(&record.arn);
        let is_underway = record.status == ServiceDeploymentStatus::InProgress;
        let hooks = record.lifecycle.as_mut().filter(|_| is_underway);
        let hooks = hooks.map_or(&mut [][..], |lifecycle| &mut lifecycle.hooks[..]);
        let position = hooks
            .iter()
            .position(|hook| *hook.id == *hook_id && hook.status == HookStatus::AwaitingAction);
        let Some(position) = position else {
            return Err(ServiceError::invalid_parameter(
                "The hook was not found, or it does not await an action.",
            ));
        };
        let status = match action {
            HookAction::Continue => HookStatus::Succeeded,
            HookAction::Rollback => HookStatus::Failed,
        };
        self.turn_hook(key, position, status);
        self.wake_service(key);
        Ok(arn)
    }

    /// Begins the hooks of a stage; they run in parallel.
    ///
    /// On the way back there are only stages that shift traffic, for which there
    /// are functions and no pauses; that what they answer changes nothing then is
    /// assumed.
    pub(crate) fn begin_hooks(&mut self, key: ServiceKey, stage: LifecycleStage) {
        let Some(record) = self.services[key.0].ongoing() else {
            return;
        };
        let is_back = record.status == ServiceDeploymentStatus::RollbackInProgress;
        let configuration = Arc::clone(&record.configuration);
        let hooks = configuration.lifecycle_hooks.iter();
        let hooks = hooks.filter(|hook| hook.stages.contains(&stage));
        let hooks: Vec<HookExecution> = hooks.map(|hook| self.new_execution(hook, stage)).collect();
        let count = hooks.len();
        if let Some(lifecycle) = self.lifecycle_mut(key) {
            lifecycle.hooks = hooks;
        }
        for position in 0..count {
            self.report_hook(key, position);
            if is_back {
                self.call_hook(key, position);
            }
        }
    }

    /// Lets the hooks of the present stage do what is due, and says whether the
    /// deployment may go on. If one of them takes it back, it is taken back.
    ///
    /// A function that fails takes it back to what completed last, a pause to
    /// the revision before: so say the two pages.
    pub(crate) fn hooks_are_done(&mut self, key: ServiceKey) -> bool {
        let now = self.now;
        let count = self.lifecycle_mut(key).map_or(0, |one| one.hooks.len());
        for position in 0..count {
            let Some(hook) = self.hook(key, position) else {
                continue;
            };
            if !hook.status.is_pending() {
                continue;
            }
            if hook.expires_at <= now {
                self.turn_hook(key, position, HookStatus::TimedOut);
            } else if hook.status == HookStatus::InProgress && hook.call_at <= now {
                self.call_hook(key, position);
            }
        }
        let service = &self.services[key.0];
        let Some(record) = service.ongoing() else {
            return false;
        };
        let hooks = record.lifecycle.iter().flat_map(|one| &one.hooks);
        let refusing = hooks.clone().find(|hook| match hook.status {
            HookStatus::Failed => true,
            HookStatus::TimedOut => hook.timeout_action == HookAction::Rollback,
            HookStatus::AwaitingAction | HookStatus::InProgress | HookStatus::Succeeded => false,
        });
        if let Some(hook) = refusing {
            let cause = FailureCause::Hook(hook.stage);
            let revision = match hook.target {
                HookTarget::Lambda(_) => service.completed,
                HookTarget::Pause => record.sources.first().copied(),
            };
            self.fail_deployment(key, cause, Consequence::GoBack(revision));
            return false;
        }
        !hooks.clone().any(|hook| hook.status.is_pending())
    }

    fn new_execution(&mut self, hook: &LifecycleHook, stage: LifecycleStage) -> HookExecution {
        let kind = match hook.target {
            HookTarget::Lambda(_) => "lambda",
            HookTarget::Pause => "pause",
        };
        let timeout = SignedDuration::from_mins(hook.timeout_minutes.into());
        HookExecution {
            id: self.identifiers.hook(kind).into(),
            target: hook.target.clone(),
            stage,
            status: match hook.target {
                HookTarget::Lambda(_) => HookStatus::InProgress,
                HookTarget::Pause => HookStatus::AwaitingAction,
            },
            expires_at: self.after(timeout),
            timeout_action: hook.timeout_action,
            call_at: self.now,
        }
    }

    fn call_hook(&mut self, key: ServiceKey, position: usize) {
        let call_at = self.after(CALLED_AGAIN_AFTER);
        let Some(HookTarget::Lambda(function)) = self.hook(key, position).map(|one| &one.target)
        else {
            return;
        };
        let answer = self.hook_answers.get(&**function).copied();
        match answer.unwrap_or(HookAnswer::Succeeded) {
            HookAnswer::Succeeded => self.turn_hook(key, position, HookStatus::Succeeded),
            HookAnswer::Failed => self.turn_hook(key, position, HookStatus::Failed),
            HookAnswer::InProgress => {
                if let Some(lifecycle) = self.lifecycle_mut(key) {
                    lifecycle.hooks[position].call_at = call_at;
                }
            }
        }
    }

    fn turn_hook(&mut self, key: ServiceKey, position: usize, status: HookStatus) {
        if let Some(lifecycle) = self.lifecycle_mut(key) {
            lifecycle.hooks[position].status = status;
        }
        self.report_hook(key, position);
    }

    fn hook(&self, key: ServiceKey, position: usize) -> Option<&HookExecution> {
        let lifecycle = self.services[key.0].ongoing()?.lifecycle.as_ref()?;
        lifecycle.hooks.get(position)
    }

    fn lifecycle_mut(&mut self, key: ServiceKey) -> Option<&mut Lifecycle> {
        self.services[key.0].ongoing_mut()?.lifecycle.as_mut()
    }
}

impl Lifecycle {
    /// Whether somebody must say how to go on.
    pub(crate) fn awaits_action(&self) -> bool {
        let mut hooks = self.hooks.iter();
        hooks.any(|hook| hook.status == HookStatus::AwaitingAction)
    }
}
