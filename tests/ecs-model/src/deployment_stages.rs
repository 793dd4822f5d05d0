//! Deployments that go stage by stage: blue/green, linear and canary ones, and
//! rolling ones with hooks.
//!
//! Source: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>,
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-linear.html> and
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/canary-deployment.html>.
//!
//! The stages, their order, what they wait for and which traffic they shift is
//! documented. Assumed is: that a stage with nothing to wait for takes as long as
//! the scheduler takes to look again; that the first deployment of a service goes
//! through all of them; that RECONCILE_SERVICE stops every revision but the one
//! with most of the production traffic; that a rolling deployment with hooks has
//! the stages up to POST_SCALE_UP and from BAKE_TIME on, of which SCALE_UP is the
//! rolling update itself, before which what is there stays as it is. Not modelled are load balancers as such (whether target
//! groups and listener rules fit) and the ten minutes that a Network Load
//! Balancer adds.

use jiff::SignedDuration;

use crate::deployment::RolloutState;
use crate::deployment_strategy::DeploymentStrategy;
use crate::ecs::{Ecs, later};
use crate::failure::FailureCause;
use crate::lifecycle::{ALL_TENTHS, Lifecycle, LifecycleStage};
use crate::rollback::Consequence;
use crate::service::{ServiceKey, ServiceStatus};
use crate::service_deployment::{ServiceDeployment, ServiceDeploymentStatus};
use crate::side_by_side::blue_revision;

/// How long a stage may last that no pause hook holds up.
///
/// Source: "Deployment lifecycle stages" at
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>.
const STAGE_LIMIT: SignedDuration = SignedDuration::from_hours(24);

impl Ecs {
    /// Enters the first stage of a deployment that goes stage by stage.
    ///
    /// RECONCILE_SERVICE comes only where more than one revision is ACTIVE.
    pub(crate) fn begin_stages(&mut self, key: ServiceKey) {
        let now = self.now;
        let service = &self.services[key.0];
        let Some(record) = service.ongoing() else {
            return;
        };
        if !record.goes_by_stages() {
            return;
        }
        let stage = match service.deployments.len() > 2 {
            true => LifecycleStage::ReconcileService,
            false => LifecycleStage::PreScaleUp,
        };
        let is_side_by_side = record.is_side_by_side();
        let mut lifecycle = Lifecycle::new(stage, blue_revision(service), now);
        lifecycle.manages_traffic = is_side_by_side && service.workload.is_balanced();
        if !is_side_by_side {
            self.hold_still(key);
        }
        if let Some(record) = self.services[key.0].ongoing_mut() {
            record.lifecycle = Some(lifecycle);
        }
        self.enter_stage(key, stage);
    }

    /// Goes on to the next stage, if the present one is over; one at a time.
    pub(crate) fn progress(&mut self, key: ServiceKey) {
        let service = &self.services[key.0];
        let is_underway = service.status == ServiceStatus::Active
            && service
                .primary()
                .is_some_and(|primary| primary.rollout_state == RolloutState::InProgress);
        let Some(record) = service.ongoing().filter(|_| is_underway) else {
            return;
        };
        let Some(lifecycle) = record.lifecycle.as_ref() else {
            return;
        };
        if lifecycle.since >= self.now {
            return;
        }
        let stage = lifecycle.stage;
        let next = match record.status {
            ServiceDeploymentStatus::InProgress => {
                if !self.hooks_are_done(key) || !self.is_stage_done(key, stage) {
                    self.limit_stage(key, stage);
                    return;
                }
                self.stage_after(key, stage)
            }
            ServiceDeploymentStatus::RollbackInProgress => {
                if !self.is_stage_done(key, stage) {
                    return;
                }
                self.stage_back_after(key, stage)
            }
            ServiceDeploymentStatus::Pending
            | ServiceDeploymentStatus::StopRequested
            | ServiceDeploymentStatus::RollbackRequested
            | ServiceDeploymentStatus::Stopped
            | ServiceDeploymentStatus::Successful
            | ServiceDeploymentStatus::RollbackSuccessful
            | ServiceDeploymentStatus::RollbackFailed => return,
        };
        if let Some(next) = next {
            self.enter_stage(key, next);
        }
    }

    /// Takes a deployment that was failed back stage by stage.
    ///
    /// Traffic is shifted back in the stages that shifted it, whose hooks are
    /// called again. Source: "Lifecycle hooks during rollback" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>.
    /// That nothing is shifted before the old tasks are back, where they had been
    /// stopped, is assumed.
    pub(crate) fn begin_stages_back(&mut self, key: ServiceKey) {
        let record = self.services[key.0].ongoing();
        let stage = match record.is_some_and(ServiceDeployment::is_side_by_side) {
            true => LifecycleStage::ScaleUp,
            false => LifecycleStage::CleanUp,
        };
        self.enter_stage(key, stage);
    }

    /// Whether the deployment that is going on may be done once its tasks are.
    pub(crate) fn is_at_last_stage(&self, key: ServiceKey) -> bool {
        let lifecycle = self.services[key.0]
            .ongoing()
            .and_then(|record| record.lifecycle.as_ref());
        lifecycle.is_none_or(|lifecycle| lifecycle.stage == LifecycleStage::CleanUp)
    }

    fn enter_stage(&mut self, key: ServiceKey, stage: LifecycleStage) {
        let now = self.now;
        let alarm_bake = self.alarm_bake_time(key).unwrap_or_default();
        let Some(record) = self.services[key.0].ongoing_mut() else {
            return;
        };
        let is_back = record.status == ServiceDeploymentStatus::RollbackInProgress;
        let is_side_by_side = record.is_side_by_side();
        let configuration = &record.configuration;
        let bake = match is_side_by_side {
            true => SignedDuration::from_mins(configuration.bake_time_minutes.into()),
            false => alarm_bake,
        };
        let strategy = configuration.strategy;
        let Some(lifecycle) = record.lifecycle.as_mut() else {
            return;
        };
        lifecycle.stage = stage;
        lifecycle.since = now;
        lifecycle.until = None;
        match stage {
            LifecycleStage::TestTrafficShift => {
                lifecycle.test_tenths = if is_back { 0 } else { ALL_TENTHS };
            }
            LifecycleStage::ProductionTrafficShift if is_back => lifecycle.production_tenths = 0,
            LifecycleStage::ProductionTrafficShift => {
                let step = strategy.next_step(lifecycle.production_tenths);
                lifecycle.production_tenths = step.tenths;
                let bake = SignedDuration::from_mins(step.bake_minutes.into());
                lifecycle.until = Some(later(now, bake));
            }
            LifecycleStage::BakeTime => lifecycle.until = Some(later(now, bake)),
            LifecycleStage::ReconcileService
            | LifecycleStage::PreScaleUp
            | LifecycleStage::ScaleUp
            | LifecycleStage::PostScaleUp
            | LifecycleStage::PostTestTrafficShift
            | LifecycleStage::PreProductionTrafficShift
            | LifecycleStage::PostProductionTrafficShift
            | LifecycleStage::CleanUp => {}
        }
        record.updated_at = now;
        self.begin_hooks(key, stage);
        self.wake_service(key);
    }

    fn is_stage_done(&self, key: ServiceKey, stage: LifecycleStage) -> bool {
        let service = &self.services[key.0];
        let Some(record) = service.ongoing() else {
            return false;
        };
        let Some(lifecycle) = &record.lifecycle else {
            return false;
        };
        match stage {
            LifecycleStage::ReconcileService => {
                let kept = self.kept_deployments(key);
                let mut others = service.deployments.iter().zip(kept).skip(1);
                !record.is_side_by_side()
                    || others.all(|(one, is_kept)| !is_kept || lifecycle.blue == Some(one.revision))
            }
            LifecycleStage::ScaleUp if record.is_side_by_side() => self.is_primary_up(key),
            LifecycleStage::ScaleUp => self.has_what_it_shall(key),
            LifecycleStage::ProductionTrafficShift | LifecycleStage::BakeTime => {
                lifecycle.until.is_none_or(|until| until <= self.now)
            }
            LifecycleStage::CleanUp => false,
            LifecycleStage::PreScaleUp
            | LifecycleStage::PostScaleUp
            | LifecycleStage::TestTrafficShift
            | LifecycleStage::PostTestTrafficShift
            | LifecycleStage::PreProductionTrafficShift
            | LifecycleStage::PostProductionTrafficShift => true,
        }
    }

    fn stage_after(&self, key: ServiceKey, stage: LifecycleStage) -> Option<LifecycleStage> {
        let record = self.services[key.0].ongoing()?;
        let production_tenths = record.lifecycle.as_ref()?.production_tenths;
        Some(match stage {
            LifecycleStage::ReconcileService => LifecycleStage::PreScaleUp,
            LifecycleStage::PreScaleUp => LifecycleStage::ScaleUp,
            LifecycleStage::ScaleUp => LifecycleStage::PostScaleUp,
            LifecycleStage::PostScaleUp if record.is_side_by_side() => {
                LifecycleStage::TestTrafficShift
            }
            LifecycleStage::PostScaleUp => LifecycleStage::BakeTime,
            LifecycleStage::TestTrafficShift => LifecycleStage::PostTestTrafficShift,
            LifecycleStage::PostTestTrafficShift => LifecycleStage::PreProductionTrafficShift,
            LifecycleStage::PreProductionTrafficShift => LifecycleStage::ProductionTrafficShift,
            LifecycleStage::ProductionTrafficShift if production_tenths < ALL_TENTHS => {
                LifecycleStage::PreProductionTrafficShift
            }
            LifecycleStage::ProductionTrafficShift => LifecycleStage::PostProductionTrafficShift,
            LifecycleStage::PostProductionTrafficShift => LifecycleStage::BakeTime,
            LifecycleStage::BakeTime => LifecycleStage::CleanUp,
            LifecycleStage::CleanUp => return None,
        })
    }

    /// What comes next on the way back: the traffic that had been shifted is
    /// shifted back, and what had been started is stopped.
    fn stage_back_after(&self, key: ServiceKey, stage: LifecycleStage) -> Option<LifecycleStage> {
        let lifecycle = self.services[key.0].ongoing()?.lifecycle.as_ref()?;
        if stage == LifecycleStage::CleanUp {
            None
        } else if lifecycle.production_tenths > 0 {
            Some(LifecycleStage::ProductionTrafficShift)
        } else if lifecycle.test_tenths > 0 {
            Some(LifecycleStage::TestTrafficShift)
        } else {
            Some(LifecycleStage::CleanUp)
        }
    }

    /// Fails a deployment that has been in a stage for too long.
    fn limit_stage(&mut self, key: ServiceKey, stage: LifecycleStage) {
        let service = &self.services[key.0];
        let Some(lifecycle) = service.ongoing().and_then(|one| one.lifecycle.as_ref()) else {
            return;
        };
        let ends_at = later(lifecycle.since, STAGE_LIMIT);
        if ends_at <= self.now && !lifecycle.awaits_action() {
            let consequence = Consequence::GoBack(service.completed);
            self.fail_deployment(key, FailureCause::Stage(stage), consequence);
        }
    }

    /// When the stage that a deployment is in must be looked at again.
    pub(crate) fn stage_due_at(&self, key: ServiceKey) -> Option<jiff::Timestamp> {
        let lifecycle = self.services[key.0].ongoing()?.lifecycle.as_ref()?;
        let hooks = lifecycle.hooks.iter();
        let hooks = hooks.filter(|hook| hook.status.is_pending());
        let hooks = hooks.flat_map(|hook| [hook.expires_at, hook.call_at]);
        let limit = later(lifecycle.since, STAGE_LIMIT);
        let times = hooks.chain(lifecycle.until).chain([limit]);
        times.filter(|at| *at > self.now).min()
    }
}

impl ServiceDeployment {
    /// Whether it goes stage by stage.
    pub(crate) fn goes_by_stages(&self) -> bool {
        self.is_side_by_side() || !self.configuration.lifecycle_hooks.is_empty()
    }

    /// Whether old and new revision run side by side, each with all its tasks.
    pub(crate) fn is_side_by_side(&self) -> bool {
        self.configuration.strategy != DeploymentStrategy::Rolling
    }
}
