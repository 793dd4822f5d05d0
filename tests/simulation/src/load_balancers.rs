//! The account's load balancers, which look at the model's tasks.

use jiff::Timestamp;
use pushboat::core::evidence::TargetHealth;
use pushboat::ports::CallError;

use crate::ecs::Ecs;

/// The account's load balancers; clones are the same ones.
#[derive(Clone, Debug)]
pub struct LoadBalancers {
    ecs: Ecs,
}

impl LoadBalancers {
    pub(crate) fn new(ecs: Ecs) -> Self {
        Self { ecs }
    }
}

impl pushboat::ports::LoadBalancers for LoadBalancers {
    async fn target_health(
        &self,
        target_group_arn: &str,
        at: Timestamp,
    ) -> Result<Vec<TargetHealth>, CallError> {
        let targets = self.ecs.read().targets(target_group_arn);
        let seen = targets.into_iter().map(|target| TargetHealth {
            target_group_arn: target_group_arn.to_owned(),
            target: target.id,
            port: u16::try_from(target.port).ok(),
            state: target.state.to_owned(),
            reason: target.reason.to_owned(),
            description: target.description.to_owned(),
            at,
        });
        Ok(seen.collect())
    }
}
