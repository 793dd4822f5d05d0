//! A deployment that a person had ECS roll back: what may follow, and who is said
//! to have taken a version back.
//!
//! Said of it: if it goes back by itself it is observed, and no competing update
//! is issued (invariant 6); outcomes are told apart, by us, by ECS, by a person.

use jiff::Timestamp;
use pushboat::core::failure::Failure;
use pushboat::core::rollout::{Phase, RolledBackBy, Rollout, Way};

use super::Known;
use super::changes::SOMEBODY;
use super::saved::OUTCOME;
use crate::deeds::Updated;

/// What people did with a service's deployments, and what we did about ours.
#[derive(Clone, Debug, Default)]
pub(super) struct ByHand {
    stopped: Option<StoppedByHand>,
    /// When somebody last deployed.
    deployed_at: Option<Timestamp>,
    /// When somebody last had CloudFormation change the stack.
    changed_stack_at: Option<Timestamp>,
    /// The last rollout for whose way back Pushboat changed the service.
    way_back_of: Option<String>,
}

#[derive(Clone, Debug)]
struct StoppedByHand {
    at: Timestamp,
    revision: String,
    sources: Vec<String>,
}

impl ByHand {
    pub(super) fn stopped(&mut self, at: Timestamp, revision: &str, sources: &[String]) {
        self.stopped = Some(StoppedByHand {
            at,
            revision: revision.to_owned(),
            sources: sources.to_vec(),
        });
    }

    /// Somebody deploys: whatever was stopped before is no longer what goes on.
    pub(super) fn deployed(&mut self, at: Timestamp) {
        self.deployed_at = Some(at);
        self.stopped = None;
    }

    /// Somebody has CloudFormation change the stack.
    pub(super) fn changed_stack(&mut self, at: Timestamp) {
        self.changed_stack_at = Some(at);
    }

    /// Notes that Pushboat had the update of a rollout's stack cancelled.
    pub(super) fn note_cancelled(&mut self, current: &Rollout) {
        self.way_back_of = Some(current.id.to_string());
    }

    /// Notes that Pushboat changed the service, if that was to take a version back.
    pub(super) fn note_way_back(&mut self, current: &Rollout) {
        if let Phase::RollingBack { .. } = current.phase {
            self.way_back_of = Some(current.id.to_string());
        }
    }

    /// Says whether a person changed the service at or after an instant.
    pub(super) fn acted_since(&self, since: Timestamp) -> bool {
        let stopped_at = self.stopped.as_ref().map(|stopped| stopped.at);
        stopped_at
            .into_iter()
            .chain(self.deployed_at)
            .chain(self.changed_stack_at)
            .any(|at| at >= since)
    }
}

impl Known {
    /// Nothing is asked of a service for the rollout whose deployment a person had
    /// ECS take back to the last-known-good.
    ///
    /// That is said only of an invocation that met no fault, because who took it
    /// back is read from ECS's history.
    pub(super) fn check_after_stop(
        &mut self,
        current: &Rollout,
        updated: &Updated,
        seen_until: Timestamp,
    ) {
        let Some(stopped) = &self.by_hand.stopped else {
            return;
        };
        let started = current.phase.start().is_some_and(|start| {
            start.at + self.skew < stopped.at && start.base_task_definition != stopped.revision
        });
        if stopped.at > seen_until || !started || asked_since(current, stopped.at) {
            return;
        }
        let StoppedByHand { at, revision, .. } = stopped;
        // Whoever stops our way back has our own revision run: nothing is promised of that.
        let forward = matches!(current.phase, Phase::Starting { .. });
        if forward && updated.revision.arn == *revision {
            let saw = format!(
                "a person stopped the deployment of {revision} at {at}, and it is asked for again"
            );
            self.doubtful.push((SOMEBODY, saw));
            return;
        }
        let ours = current.phase.running();
        let ours = ours.is_some_and(|running| running.revision == *revision);
        let good = self.state.last_known_good.as_ref();
        let leads_back = good.is_some_and(|good| {
            let mut sources = stopped.sources.iter();
            !stopped.sources.is_empty() && sources.all(|source| *source == good.task_definition)
        });
        if ours && leads_back {
            let saw = format!(
                "a person had ECS take {revision} back to the last-known-good at {at}, and it is updated on top"
            );
            self.doubtful.push((SOMEBODY, saw));
        }
    }

    /// Says what is wrong with who is said to have taken a version back.
    pub(super) fn who_took_it_back(&self, rollout: &Rollout) -> Option<String> {
        let Phase::RolledBack { by, failure, .. } = &rollout.phase else {
            return None;
        };
        let before = self.state.current.as_ref()?;
        let start = before.phase.start()?;
        let by_us = self.by_hand.way_back_of.as_deref() == Some(rollout.id.as_str());
        match by {
            RolledBackBy::Pushboat
                if !by_us && !meant_to(before) && !self.stack_has_what_is_good(before) =>
            {
                Some("Pushboat is said to have done it, and asked for nothing".to_owned())
            }
            // What halted was back before a person had Pushboat try once more.
            RolledBackBy::Person if !by_us && *failure == Failure::AskedByOperator => None,
            RolledBackBy::Person if !self.by_hand.acted_since(start.at - self.skew) => {
                Some("a person is said to have done it, and nobody did anything".to_owned())
            }
            RolledBackBy::CloudFormation => {
                self.through_stack.is_its_own(start.at - self.skew, by_us)
            }
            RolledBackBy::Pushboat | RolledBackBy::Person | RolledBackBy::Ecs => None,
        }
    }

    /// Notes where ECS is said to have taken a version back that a person had it take back.
    ///
    /// That too is read from ECS's history.
    pub(super) fn doubt_that_ecs_did(&mut self, rollout: &Rollout) {
        let before = self.state.current.as_ref().map(|before| &before.phase);
        let Some((start, running)) = before.and_then(|phase| phase.start().zip(phase.running()))
        else {
            return;
        };
        let by_us = self.by_hand.way_back_of.as_deref() == Some(rollout.id.as_str());
        let by_hand = self.by_hand.stopped.as_ref().is_some_and(|stopped| {
            stopped.revision == running.revision && stopped.at >= start.at + self.skew
        });
        let ecs = RolledBackBy::Ecs;
        let by_ecs = matches!(rollout.phase, Phase::RolledBack { by, .. } if by == ecs);
        if by_ecs && by_hand && !by_us {
            let saw = format!(
                "{}: ECS is said to have done it, and a person stopped the deployment",
                rollout.id
            );
            self.doubtful.push((OUTCOME, saw));
        }
    }
}

/// Says whether a person gave the command to go back after an instant: ECS may have failed to.
fn asked_since(current: &Rollout, since: Timestamp) -> bool {
    match &current.phase {
        Phase::RollingBack { failure, back, .. } => {
            *failure == Failure::AskedByOperator && back.began_at > since
        }
        _ => false,
    }
}

/// Says whether it was recorded that the service is to be changed: of what follows nobody
/// can tell whether it did that.
fn meant_to(rollout: &Rollout) -> bool {
    rollout.phase.back().is_some_and(|back| match back.way {
        Way::Stop { .. } | Way::Cancel { .. } | Way::Update { .. } => true,
        Way::Unasked | Way::Observed { .. } => false,
    })
}
