//! Asks the load balancers about the service's tasks before a version is taken back.

use crate::core::decide::Decision;
use crate::core::diagnosis::service_trouble::ServiceTrouble;
use crate::core::diagnosis::target_health::{tells_of, weight};
use crate::core::diagnosis::{Cause, cause};
use crate::core::evidence::{Evidence, keep_health};
use crate::core::observation::{Look, Observation, ServiceLook};
use crate::core::rollout::{Phase, Rollout, Running};
use crate::ports::{Clock, LoadBalancers};

/// Keeps how healthy the targets are with the rollout, where a load balancer can tell more.
///
/// That is when a version is about to be taken back, and once before, at the
/// first sign of a failed health check: ECS soon deregisters the task, and then
/// its target says nothing but that. It is evidence and decides nothing. The
/// first answer that does not come ends the asking: a version that is at fault
/// must not stay any longer for it.
pub(super) async fn keep<B: LoadBalancers, C: Clock>(
    load_balancers: &B,
    current: &mut Rollout,
    observation: &Observation,
    decision: &Decision,
    clock: &C,
) {
    let Some(running) = going(&current.phase) else {
        return;
    };
    let first_sign =
        current.evidence.target_health.is_empty() && has_failed_checks(&current.evidence, running);
    if !first_sign && !decision.phase.failure().is_some_and(tells_of) {
        return;
    }
    let Look::Taken(ServiceLook::Found(service)) = &observation.service else {
        return;
    };
    for group in &service.target_groups {
        match load_balancers.target_health(group, clock.now()).await {
            Ok(mut seen) => {
                // What is kept is bounded, and what comes last stays.
                seen.sort_by_key(weight);
                for target in seen {
                    keep_health(&mut current.evidence.target_health, target);
                }
            }
            Err(error) => {
                tracing::warn!(rollout = %current.id, %error, "no look at the targets' health");
                return;
            }
        }
    }
}

/// Gives what the service was asked to run, while nothing is being undone.
fn going(phase: &Phase) -> Option<&Running> {
    match phase {
        Phase::Progressing { running, .. } | Phase::Baking { running, .. } => Some(running),
        Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::RollingBack { .. }
        | Phase::RolledBack { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. }
        | Phase::Superseded { .. }
        | Phase::Rejected { .. }
        | Phase::Halted { .. } => None,
    }
}

/// Says whether a load balancer found a task of this deployment unhealthy.
fn has_failed_checks(evidence: &Evidence, running: &Running) -> bool {
    let stopped = evidence.stopped_tasks.kept().iter();
    let troubles = evidence.service_troubles.kept().iter();
    stopped
        .filter(|task| task.started_by == running.deployment)
        .any(|task| cause(task) == Cause::ElbHealthCheck)
        || troubles
            .filter_map(|told| told.last.trouble())
            .any(|trouble| matches!(trouble, ServiceTrouble::TargetUnhealthy { .. }))
}
