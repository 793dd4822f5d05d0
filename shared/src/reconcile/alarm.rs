//! Tells of an alarm that fires while nothing is under way.

use super::step::Step;
use crate::core::alarm::AlarmState;
use crate::core::evidence::AlarmChange;
use crate::core::observation::ServiceLook;
use crate::core::policy::Policy;
use crate::core::shared::Shared;
use crate::core::state::{Standing, TargetState};
use crate::notice::{News, Runs};
use crate::ports::{Clock, Services};

/// Tells once that a watched alarm fired, and what ran then; nothing is done about it.
pub(super) async fn tell<S: Services, C: Clock>(
    services: &S,
    step: &mut Step,
    policy: Option<&Shared<Policy>>,
    change: &AlarmChange,
    clock: &C,
) {
    let Some(policy) = policy.filter(|policy| is_news(&step.state, policy, change)) else {
        return;
    };
    let runs = match services.service(&policy.service).await {
        Ok(ServiceLook::Found(service)) => service.primary().map(|primary| Runs {
            task_definition: primary.task_definition.clone(),
            since: primary.created_at,
        }),
        // Without it the alarm is told all the same.
        Ok(ServiceLook::Missing | ServiceLook::ClusterMissing) | Err(_) => None,
    };
    let told = &mut step.state.alarms_told;
    told.retain(|name, _| policy.alarms.contains(name));
    told.insert(change.name.clone(), change.at);
    let change = change.clone();
    step.tell_target(News::AlarmFired { change, runs }, clock.now());
}

fn is_news(state: &TargetState, policy: &Policy, change: &AlarmChange) -> bool {
    let fires = change.state == AlarmState::Alarm && change.previous != Some(AlarmState::Alarm);
    let idle = state.current.is_none() && state.waiting.is_empty();
    let adopted = matches!(state.standing, Standing::Adopted { .. });
    let newer = state
        .alarms_told
        .get(&change.name)
        .is_none_or(|told| *told < change.at);
    fires && idle && adopted && newer && policy.alarms.contains(&change.name)
}
