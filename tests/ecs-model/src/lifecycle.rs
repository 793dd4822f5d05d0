//! The lifecycle of a deployment that goes stage by stage: which stages there
//! are, and how far one is.
//!
//! Source: "Deployment lifecycle stages" at
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-how-it-works.html>.

use jiff::Timestamp;

use crate::lifecycle_hook::HookExecution;

/// A stage of a service deployment, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LifecycleStage {
    /// Leftovers of earlier deployments are removed.
    ReconcileService,
    /// Nothing of the new revision has started.
    PreScaleUp,
    /// The new revision is started.
    ScaleUp,
    /// It has started.
    PostScaleUp,
    /// It gets the test traffic.
    TestTrafficShift,
    /// It has got it.
    PostTestTrafficShift,
    /// Before each step in which production traffic is shifted.
    PreProductionTrafficShift,
    /// It gets production traffic.
    ProductionTrafficShift,
    /// It has got all of it.
    PostProductionTrafficShift,
    /// Both revisions run.
    BakeTime,
    /// The old revision is stopped.
    CleanUp,
}

/// Every stage with the API's word for it.
const STAGES: [(LifecycleStage, &str); 11] = [
    (LifecycleStage::ReconcileService, "RECONCILE_SERVICE"),
    (LifecycleStage::PreScaleUp, "PRE_SCALE_UP"),
    (LifecycleStage::ScaleUp, "SCALE_UP"),
    (LifecycleStage::PostScaleUp, "POST_SCALE_UP"),
    (LifecycleStage::TestTrafficShift, "TEST_TRAFFIC_SHIFT"),
    (
        LifecycleStage::PostTestTrafficShift,
        "POST_TEST_TRAFFIC_SHIFT",
    ),
    (
        LifecycleStage::PreProductionTrafficShift,
        "PRE_PRODUCTION_TRAFFIC_SHIFT",
    ),
    (
        LifecycleStage::ProductionTrafficShift,
        "PRODUCTION_TRAFFIC_SHIFT",
    ),
    (
        LifecycleStage::PostProductionTrafficShift,
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ),
    (LifecycleStage::BakeTime, "BAKE_TIME"),
    (LifecycleStage::CleanUp, "CLEAN_UP"),
];

impl LifecycleStage {
    /// The API's word for it.
    pub fn as_str(self) -> &'static str {
        STAGES[self as usize].1
    }

    /// Finds a stage by the API's word for it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut stages = STAGES.iter();
        stages
            .find(|(_, word)| *word == name)
            .map(|(stage, _)| *stage)
    }

    /// Whether production traffic or test traffic is shifted in it: such stages
    /// come again when a deployment is rolled back, and pause nothing.
    ///
    /// Source: "Recurring invocation stages" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-lifecycle-hooks.html>
    /// and "Constraints" at
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/pause-lifecycle-hooks.html>.
    pub(crate) fn shifts_traffic(self) -> bool {
        matches!(
            self,
            LifecycleStage::TestTrafficShift | LifecycleStage::ProductionTrafficShift
        )
    }

    /// Whether hooks can be configured at it.
    pub(crate) fn takes_hooks(self) -> bool {
        !matches!(
            self,
            LifecycleStage::ScaleUp | LifecycleStage::BakeTime | LifecycleStage::CleanUp
        )
    }
}

/// How far a service deployment is that goes stage by stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    /// The stage that it is in.
    pub stage: LifecycleStage,
    /// Since when.
    pub since: Timestamp,
    /// Until when it waits in it, where the configuration says how long.
    pub until: Option<Timestamp>,
    /// The hooks of the stage.
    pub hooks: Vec<HookExecution>,
    /// The revision that had the production traffic when it began, as an index
    /// of the service's revisions.
    pub blue: Option<usize>,
    /// How much of the production traffic the new revision has, in tenths of a percent.
    pub production_tenths: u32,
    /// How much of the test traffic it has, likewise.
    pub test_tenths: u32,
    /// Whether ECS shifts traffic at all: by a load balancer or Service Connect.
    pub manages_traffic: bool,
}

/// All of the traffic.
pub(crate) const ALL_TENTHS: u32 = 1_000;

impl Lifecycle {
    /// Begins with a stage.
    pub(crate) fn new(stage: LifecycleStage, blue: Option<usize>, now: Timestamp) -> Self {
        Lifecycle {
            stage,
            since: now,
            until: None,
            hooks: Vec::new(),
            blue,
            production_tenths: 0,
            test_tenths: 0,
            manages_traffic: false,
        }
    }

    /// Says how much traffic a revision has, in tenths of a percent: production
    /// and test.
    pub(crate) fn traffic(&self, revision: usize, target: usize) -> Option<(u32, u32)> {
        let rest = if self.blue == Some(revision) {
            (ALL_TENTHS - self.production_tenths, 0)
        } else {
            (0, 0)
        };
        self.manages_traffic.then_some(match revision == target {
            true => (self.production_tenths, self.test_tenths),
            false => rest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_is_found_by_its_word() {
        for (index, (stage, word)) in STAGES.iter().enumerate() {
            assert_eq!(*stage as usize, index);
            assert_eq!(stage.as_str(), *word);
            assert_eq!(LifecycleStage::named(word), Some(*stage));
        }
        assert_eq!(LifecycleStage::named("LUNCH"), None);
    }
}
