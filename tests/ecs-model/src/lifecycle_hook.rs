//! Lifecycle hooks: what holds a deployment up at a stage.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use crate::error::ServiceError;
use crate::lifecycle::LifecycleStage;

/// How many hooks of each kind a service may have.
///
/// Source: "Constraints" at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html>.
const MOST_HOOKS: usize = 10;

/// How long a hook is waited for, in minutes: at most, and where nothing is said.
///
/// Source: "Configuration fields" at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html>.
const LONGEST_TIMEOUT_MINUTES: i64 = 20_160;
const DEFAULT_TIMEOUT_MINUTES: i64 = 1_440;

/// A hook of a deployment configuration.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHook.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleHook {
    /// What it does.
    pub target: HookTarget,
    /// At which stages.
    pub stages: Vec<LifecycleStage>,
    /// How long it is waited for.
    pub timeout_minutes: u32,
    /// What comes then.
    pub timeout_action: HookAction,
}

/// What a hook does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookTarget {
    /// Calls this Lambda function.
    Lambda(Arc<str>),
    /// Waits until somebody calls ContinueServiceDeployment.
    Pause,
}

/// How a held-up deployment goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookAction {
    /// To the next stage.
    Continue,
    /// Back.
    Rollback,
}

/// A hook at work.
///
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHookDetail.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookExecution {
    /// Tells it from every other.
    pub id: Arc<str>,
    /// What it does.
    pub target: HookTarget,
    /// At which stage.
    pub stage: LifecycleStage,
    /// How it stands.
    pub status: HookStatus,
    /// How long it is waited for.
    pub expires_at: Timestamp,
    /// What comes then.
    pub timeout_action: HookAction,
    /// When its function is called next.
    pub(crate) call_at: Timestamp,
}

/// How a hook stands.
///
/// Source: `status` at
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentLifecycleHookDetail.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookStatus {
    /// Somebody must say how to go on.
    AwaitingAction,
    /// Its function is at work.
    InProgress,
    /// It lets the deployment go on.
    Succeeded,
    /// It does not.
    Failed,
    /// It was waited for in vain.
    TimedOut,
}

/// What a Lambda function answers.
///
/// Source: "hookStatus values" at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookAnswer {
    /// The deployment goes on.
    Succeeded,
    /// It is rolled back.
    Failed,
    /// The function is called again after 30 seconds.
    InProgress,
}

impl HookTarget {
    /// The API's word for its kind.
    pub fn as_str(&self) -> &'static str {
        match self {
            HookTarget::Lambda(_) => "AWS_LAMBDA",
            HookTarget::Pause => "PAUSE",
        }
    }
}

impl HookAction {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            HookAction::Continue => "CONTINUE",
            HookAction::Rollback => "ROLLBACK",
        }
    }

    /// Finds an action by the API's word for it.
    ///
    /// # Errors
    ///
    /// `InvalidParameterException` if there is none.
    pub(crate) fn named(name: Option<&str>, default: HookAction) -> Result<Self, ServiceError> {
        match name {
            None => Ok(default),
            Some("CONTINUE") => Ok(HookAction::Continue),
            Some("ROLLBACK") => Ok(HookAction::Rollback),
            Some(other) => Err(invalid(&format!("there is no action {other}"))),
        }
    }
}

impl HookStatus {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            HookStatus::AwaitingAction => "AWAITING_ACTION",
            HookStatus::InProgress => "IN_PROGRESS",
            HookStatus::Succeeded => "SUCCEEDED",
            HookStatus::Failed => "FAILED",
            HookStatus::TimedOut => "TIMED_OUT",
        }
    }

    /// Whether it holds the deployment up.
    pub(crate) fn is_pending(self) -> bool {
        match self {
            HookStatus::AwaitingAction | HookStatus::InProgress => true,
            HookStatus::Succeeded | HookStatus::Failed | HookStatus::TimedOut => false,
        }
    }
}

/// The members of the API.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct HookMembers {
    target_type: Option<String>,
    hook_target_arn: Option<String>,
    lifecycle_stages: Vec<String>,
    timeout_configuration: Option<TimeoutMembers>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TimeoutMembers {
    timeout_in_minutes: Option<i64>,
    action: Option<String>,
}

/// Reads the hooks of a deployment configuration.
///
/// # Errors
///
/// `InvalidParameterException` for what the pages named here do not allow.
pub(crate) fn read_hooks(members: Vec<HookMembers>) -> Result<Vec<LifecycleHook>, ServiceError> {
    let hooks: Vec<LifecycleHook> = members
        .into_iter()
        .map(HookMembers::read)
        .collect::<Result<_, _>>()?;
    let pauses = hooks.iter().filter(|hook| hook.target == HookTarget::Pause);
    let pauses = pauses.count();
    if pauses > MOST_HOOKS || hooks.len() - pauses > MOST_HOOKS {
        return Err(invalid("there are more than 10 of a kind"));
    }
    Ok(hooks)
}

impl HookMembers {
    fn read(self) -> Result<LifecycleHook, ServiceError> {
        let target = match self.target_type.as_deref() {
            None | Some("AWS_LAMBDA") => {
                let arn = self.hook_target_arn;
                let arn = arn.ok_or_else(|| invalid("a Lambda hook needs its hookTargetArn"))?;
                HookTarget::Lambda(arn.into())
            }
            Some("PAUSE") => HookTarget::Pause,
            Some(other) => return Err(invalid(&format!("there is no target type {other}"))),
        };
        if self.lifecycle_stages.is_empty() {
            return Err(invalid("it names no lifecycle stage"));
        }
        let stages = self.lifecycle_stages.iter().map(|name| {
            LifecycleStage::named(name)
                .filter(|stage| stage.takes_hooks())
                .filter(|stage| target != HookTarget::Pause || !stage.shifts_traffic())
                .ok_or_else(|| invalid(&format!("it cannot be configured at the stage {name}")))
        });
        let stages = stages.collect::<Result<_, _>>()?;
        let timeout = self.timeout_configuration.unwrap_or_default();
        let minutes = timeout
            .timeout_in_minutes
            .unwrap_or(DEFAULT_TIMEOUT_MINUTES);
        let minutes = u32::try_from(minutes).ok();
        let limits = 1..=LONGEST_TIMEOUT_MINUTES;
        Ok(LifecycleHook {
            target,
            stages,
            timeout_minutes: minutes
                .filter(|minutes| limits.contains(&i64::from(*minutes)))
                .ok_or_else(|| invalid("timeoutInMinutes must be between 1 and 20160"))?,
            timeout_action: HookAction::named(timeout.action.as_deref(), HookAction::Rollback)?,
        })
    }
}

fn invalid(why: &str) -> ServiceError {
    ServiceError::invalid_parameter(format!("The lifecycle hook is not valid: {why}."))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_hook_is_read_with_the_documented_defaults() {
        let pause = json!([{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}]);
        let expected = LifecycleHook {
            target: HookTarget::Pause,
            stages: vec![LifecycleStage::PreScaleUp],
            timeout_minutes: 1_440,
            timeout_action: HookAction::Rollback,
        };
        assert_eq!(read(&pause).unwrap(), [expected]);
        let lambda = json!([{
            "hookTargetArn": "arn:function", "lifecycleStages": ["TEST_TRAFFIC_SHIFT"],
            "timeoutConfiguration": {"timeoutInMinutes": 5, "action": "CONTINUE"},
        }]);
        let lambda = read(&lambda).unwrap().remove(0);
        assert_eq!(lambda.target, HookTarget::Lambda("arn:function".into()));
        assert_eq!(lambda.timeout_action, HookAction::Continue);
    }

    #[test]
    fn what_the_pages_do_not_allow_is_refused() {
        let pause = |stage: &str| json!({"targetType": "PAUSE", "lifecycleStages": [stage]});
        let timeout = |members: Value| {
            let mut hook = pause("PRE_SCALE_UP");
            hook["timeoutConfiguration"] = members;
            json!([hook])
        };
        for refused in [
            json!([pause("TEST_TRAFFIC_SHIFT")]),
            json!([pause("PRODUCTION_TRAFFIC_SHIFT")]),
            json!([pause("SCALE_UP")]),
            json!([pause("BAKE_TIME")]),
            json!([pause("LUNCH")]),
            json!([{"targetType": "PAUSE"}]),
            json!([{"targetType": "WAIT", "lifecycleStages": ["PRE_SCALE_UP"]}]),
            json!([{"lifecycleStages": ["PRE_SCALE_UP"]}]),
            timeout(json!({"timeoutInMinutes": 0})),
            timeout(json!({"timeoutInMinutes": 20_161})),
            timeout(json!({"action": "PANIC"})),
            json!(vec![pause("PRE_SCALE_UP"); 11]),
        ] {
            let error = read(&refused).unwrap_err();
            assert_eq!(error.code, "InvalidParameterException", "{refused}");
        }
        assert!(read(&json!(vec![pause("PRE_SCALE_UP"); 10])).is_ok());
        assert!(read(&timeout(json!({"timeoutInMinutes": 20_160}))).is_ok());
    }

    fn read(hooks: &Value) -> Result<Vec<LifecycleHook>, ServiceError> {
        read_hooks(serde_json::from_value(hooks.clone()).unwrap())
    }
}
