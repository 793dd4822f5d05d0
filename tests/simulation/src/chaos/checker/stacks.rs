//! What is asked of CloudFormation: invariants 1, 2, 6 and 10 where a target goes through a
//! stack, and that what an image does not ask for is for people.
//!
//! Said of it (docs/stacks.md): a change set that changes more than the image asks for waits for
//! a person; an update is cancelled, or the last-known-good's image is brought by another change
//! set; who took a version back is told apart.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use pushboat::core::reason::{Rejected, StackProblem, SupersededBy};
use pushboat::core::rollout::{Phase, Rollout};
use pushboat::core::stack::{ResourceChange, SERVICE, TASK_DEFINITION};

use super::changes::{OWN, SOMEBODY, UNSEEN};
use super::saved::OUTCOME;
use super::{Checker, Known, Request};
use crate::deeds::{StackDeed, StackDoing};

const FOR_PEOPLE: &str = "stacks (only people have more changed than an image asks for)";

type Found = (&'static str, String);

/// What CloudFormation did with a target's service.
#[derive(Clone, Debug, Default)]
pub(super) struct ThroughStack {
    /// The revisions that it made for Pushboat, and those to which it went back from them.
    made: BTreeSet<String>,
    /// When which change set of Pushboat's was executed, by whomever.
    executed: BTreeMap<String, Timestamp>,
    /// When it last began to go back.
    goes_back_at: Option<Timestamp>,
    /// When somebody last had it cancel an update.
    cancelled_by_somebody_at: Option<Timestamp>,
}

impl ThroughStack {
    /// Says whether CloudFormation made a deployment of this revision for Pushboat.
    pub(super) fn made(&self, revision: &str) -> bool {
        self.made.contains(revision)
    }

    /// Says what is wrong with saying that CloudFormation took a version back by itself.
    pub(super) fn is_its_own(&self, since: Timestamp, by_us: bool) -> Option<String> {
        let said = "CloudFormation is said to have done it, and";
        let after = |at: &Timestamp| *at >= since;
        if by_us {
            return Some(format!("{said} Pushboat asked for it"));
        }
        if self.cancelled_by_somebody_at.as_ref().is_some_and(after) {
            return Some(format!("{said} somebody cancelled the update"));
        }
        let did = self.goes_back_at.as_ref().is_some_and(after);
        (!did).then(|| format!("{said} it did not go back"))
    }
}

impl Checker {
    pub(super) fn check_stack(&mut self, deed: &StackDeed) {
        self.at = deed.at;
        let lag = self.read_lag;
        let Some((name, known)) = self.holder(&deed.service) else {
            return;
        };
        let mut found = Vec::new();
        let current = known.state.current.clone();
        if let StackDoing::Executed { change_set, .. }
        | StackDoing::BySomebody {
            change_set: Some(change_set),
        } = &deed.what
        {
            let executed = &mut known.through_stack.executed;
            executed.insert(change_set.clone(), deed.at);
        }
        match &deed.what {
            StackDoing::Executed { .. } | StackDoing::Cancelled { .. } => match &current {
                Some(current) => known.check_asked(current, deed, &mut found),
                None => found.push((OWN, "no rollout is under way".to_owned())),
            },
            StackDoing::BySomebody { change_set } => {
                known.by_hand.changed_stack(deed.at);
                if let (Some(current), Some(name)) = (&current, change_set) {
                    known.note_approved(current, name);
                }
            }
            StackDoing::CancelledBySomebody => {
                known.by_hand.changed_stack(deed.at);
                known.through_stack.cancelled_by_somebody_at = Some(deed.at);
            }
            StackDoing::GoesBack => known.through_stack.goes_back_at = Some(deed.at),
            StackDoing::Updated { revision } => {
                known.through_stack.made.insert(revision.arn.clone());
            }
        }
        if let (StackDoing::Executed { .. } | StackDoing::Cancelled { .. }, Some(current)) =
            (&deed.what, &current)
        {
            let seen_until = deed.at - lag - UNSEEN;
            known.check_somebody(current, deed.before.as_ref(), seen_until, &mut found);
        }
        for (invariant, saw) in found {
            self.report(invariant, name.as_str(), format!("of the stack: {saw}"));
        }
    }
}

impl Known {
    /// Says what is wrong with changing the service itself, if it is changed through a stack.
    pub(super) fn goes_through_a_stack(&self) -> Option<Found> {
        let stack = self.terms.stack.as_ref();
        stack.map(|_| (OWN, "only CloudFormation is to change it".to_owned()))
    }

    /// Says whether a stack is asked for the very image that is good: there is nothing to bring
    /// back then.
    pub(super) fn stack_has_what_is_good(&self, rollout: &Rollout) -> bool {
        let good = self.state.last_known_good.iter();
        let mut images = good.flat_map(|good| good.images.values());
        let digest = rollout.digest().as_str();
        self.terms.stack.is_some() && images.any(|image| image.ends_with(digest))
    }

    /// Says what is wrong with ending a rollout as if its update had changed nothing: it goes on,
    /// and nobody watches it.
    pub(super) fn check_left_behind(
        &self,
        ended: &Rollout,
        seen_until: Timestamp,
        found: &mut Vec<Found>,
    ) {
        let says_so = match &ended.phase {
            Phase::Superseded { by } => matches!(by, SupersededBy::Operator { .. }),
            Phase::Rejected {
                reason: Rejected::Stack { problem, .. },
            } => matches!(problem, StackProblem::WentBack { .. }),
            _ => false,
        };
        let before = self.state.current.as_ref();
        let before = before.filter(|before| before.id == ended.id);
        let starting = before.filter(|before| matches!(before.phase, Phase::Starting { .. }));
        let Some(change_set) = starting.and_then(change_set_of) else {
            return;
        };
        let executed = self.through_stack.executed.get(change_set);
        let Some(executed_at) = executed.filter(|at| says_so && **at < seen_until) else {
            return;
        };
        if self.through_stack.goes_back_at < Some(*executed_at) {
            let saw = format!("{} changed nothing, and {change_set} is executed", ended.id);
            found.push((OUTCOME, saw));
        }
    }

    fn check_asked(&mut self, current: &Rollout, deed: &StackDeed, found: &mut Vec<Found>) {
        self.count_change(current, found);
        let StackDoing::Executed {
            change_set,
            image,
            others,
            changes,
        } = &deed.what
        else {
            self.by_hand.note_cancelled(current);
            if let StackDoing::Cancelled { ours: false } = deed.what {
                found.push((SOMEBODY, "somebody's own update is cancelled".to_owned()));
            }
            if !matches!(
                current.phase,
                Phase::Starting { .. } | Phase::RollingBack { .. }
            ) {
                let saw = format!("the update is cancelled in {}", current.phase.as_str());
                found.push((OWN, saw));
            }
            return;
        };
        match &current.phase {
            _ if change_set_of(current) != Some(change_set) => {
                let saw = format!("{change_set} is executed, which is not of {}", current.id);
                found.push((OWN, saw));
            }
            Phase::Starting { .. } => {
                let digest = current.digest();
                if !image.ends_with(digest.as_str()) {
                    found.push((OWN, format!("{image} is deployed, and not {digest}")));
                }
                self.check_request(current, found);
            }
            Phase::RollingBack { .. } => {
                let good = self.state.last_known_good.as_ref();
                let mut images = good.iter().flat_map(|good| good.images.values());
                if !images.any(|good| good == image) {
                    found.push((
                        OWN,
                        format!("{image} is brought back, and good is {good:?}"),
                    ));
                }
            }
            other => {
                let saw = format!("rollout {} is {}", current.id, other.as_str());
                found.push((OWN, saw));
            }
        }
        if !others.is_empty() {
            found.push((OWN, format!("the parameters {others:?} get another value")));
        }
        let allowed = self.terms.stack.clone().unwrap_or_default();
        let unexpected = changes.iter().find(|change| !asked_for(change, &allowed));
        if let Some(unexpected) = unexpected {
            found.push((FOR_PEOPLE, format!("{unexpected:?} is done unasked")));
        }
        self.by_hand.note_way_back(current);
    }

    /// A person executed the change set that Pushboat made for the rollout under way.
    fn note_approved(&mut self, current: &Rollout, change_set: &String) {
        if change_set_of(current) != Some(change_set) {
            return;
        }
        if let Phase::Starting { .. } = current.phase {
            self.asked.note(Request::of(current));
        }
        self.by_hand.note_way_back(current);
    }
}

/// Names the change set that a rollout goes by now.
fn change_set_of(rollout: &Rollout) -> Option<&String> {
    match &rollout.phase {
        Phase::Starting { start, .. } => start.stack.as_ref().map(|stack| &stack.change_set),
        Phase::RollingBack { back, .. } => back.stack.as_ref().map(|stack| &stack.change_set),
        _ => None,
    }
}

/// Says whether a change is one that a new image asks for, or one that the owner allows.
fn asked_for(change: &ResourceChange, allowed: &BTreeSet<String>) -> bool {
    let stays = change.action == "Modify" && change.replacement.as_deref() != Some("True");
    allowed.contains(&change.logical_id)
        || match change.resource_type.as_str() {
            TASK_DEFINITION => change.action == "Modify",
            SERVICE => stays,
            _ => false,
        }
}
