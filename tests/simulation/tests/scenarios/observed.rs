//! What Pushboat did since the last look, as lines of a transcript.

use std::collections::{BTreeMap, VecDeque};

use pushboat::core::rollout::{Phase, Rollout};
use pushboat::message::ignored;
use pushboat::reconcile::Report;
use pushboat::wake::Woken;
use simulation::{
    Call, Deed, DeploymentTruth, Fault, Invocation, Operation, Outcome, RevisionTruth, Saved,
};

use crate::play::Play;
use crate::words::fault_name;

/// How far everything has been written down.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    calls: usize,
    outcomes: usize,
    published: usize,
    /// What was last said of each rollout.
    phases: BTreeMap<String, String>,
    /// What went wrong with the last call of each kind.
    faults: BTreeMap<Operation, Option<Fault>>,
    /// What was last seen of each service.
    primaries: Vec<Option<DeploymentTruth>>,
}

impl Play {
    /// Takes everything as written down.
    pub(crate) fn skip(&mut self) {
        drop(self.world.take_deeds());
        self.observed.calls = self.world.calls.made();
        self.observed.outcomes = self.world.outcomes.len();
        self.observed.published = self.world.topic.published().len();
        self.observed.primaries = self.primaries();
    }

    /// Writes down what was done since the last look.
    pub(crate) fn look(&mut self) {
        if self.world.calls.made() > self.observed.calls {
            self.look_at_calls();
        }
        for outcome in self.world.outcomes.split_off(self.observed.outcomes) {
            if let Some(text) = unheeded(&outcome) {
                self.say(&text);
            }
            self.world.outcomes.push(outcome);
        }
        self.observed.outcomes = self.world.outcomes.len();
        self.look_at_services();
        let published = self.world.topic.published();
        let before = std::mem::replace(&mut self.observed.published, published.len());
        for publication in published.get(before..).unwrap_or_default() {
            let text = self.told(publication);
            self.say(&text);
        }
    }

    fn look_at_calls(&mut self) {
        let calls = self.world.calls.log().split_off(self.observed.calls);
        self.observed.calls += calls.len();
        let mut deeds: VecDeque<Deed> = self.world.take_deeds().into();
        deeds.retain(|deed| matches!(deed, Deed::Saved(_) | Deed::Updated(_) | Deed::Stopped(_)));
        for call in calls {
            let has_effect = matches!(
                call.fault,
                None | Some(Fault::LostAnswer | Fault::CrashAfter)
            );
            let deed = match deeds.front() {
                Some(deed) if has_effect && is_of(deed, call.operation) => deeds.pop_front(),
                Some(_) | None => None,
            };
            self.say_call(&call, deed);
        }
    }

    /// Says what a call changed; of those that fail in the same way the first alone.
    fn say_call(&mut self, call: &Call, deed: Option<Deed>) {
        let before = self.observed.faults.insert(call.operation, call.fault);
        if deed.is_none() && call.fault.is_some() && before == Some(call.fault) {
            return;
        }
        let name = format!("{:?}", call.operation);
        let text = match deed {
            Some(Deed::Updated(updated)) => {
                self.note_services();
                Some(format!(
                    "{name} {} to {}",
                    updated.service,
                    revision(&updated.revision)
                ))
            }
            Some(Deed::Stopped(stopped)) => {
                self.note_services();
                let sources = stopped.sources.join(", ");
                Some(format!("{name} {}, back to {sources}", stopped.service))
            }
            Some(Deed::Saved(saved)) => {
                self.say_saved(&saved);
                None
            }
            Some(_) | None => match call.operation {
                Operation::RegisterTaskDefinition => Some(name.clone()),
                Operation::UpdateService | Operation::StopServiceDeployment
                    if call.fault.is_none() =>
                {
                    Some(format!("{name}: refused by ECS"))
                }
                _ => None,
            },
        };
        match (text, call.fault) {
            (Some(text), Some(fault)) => self.say(&format!("{text}: {}", fault_name(fault))),
            (Some(text), None) => self.say(&text),
            (None, Some(fault)) => self.say(&format!("{name}: {}", fault_name(fault))),
            (None, None) => {}
        }
    }

    fn say_saved(&mut self, saved: &Saved) {
        let state = &saved.state;
        let target = &saved.target;
        for rollout in &saved.finished {
            self.say_phase(target.as_str(), rollout, "");
        }
        let wake = state.wake.as_ref().map(|wake| wake.waiting.as_str());
        for rollout in state.current.iter().chain(&state.waiting) {
            let waits = match &rollout.phase {
                Phase::Requested { waiting, .. } => waiting.as_str(),
                _ => wake.unwrap_or_default(),
            };
            let waits = match waits {
                // It is looked at in the same moment.
                "first-look" => continue,
                "deployment" | "bake-time" | "read-lag" | "way-back" => "",
                waits => waits,
            };
            self.say_phase(target.as_str(), rollout, waits);
        }
    }

    fn say_phase(&mut self, target: &str, rollout: &Rollout, waits: &str) {
        let (phase, tag) = (rollout.phase.as_str(), &rollout.push.tag);
        self.plain.name_rollout(rollout.id.as_str(), tag);
        let mut text = format!("{target}: {tag} {phase}{}", reason(&rollout.phase));
        if !waits.is_empty() {
            text.push_str(&format!(", waits: {waits}"));
        }
        let key = format!("{target} {}", rollout.id);
        let before = self.observed.phases.get(&key);
        // What AWS does not do at once is asked for again and again.
        if before == Some(&text) || before == Some(&format!("{text}, waits: aws")) {
            return;
        }
        self.observed.phases.insert(key, text.clone());
        self.say(&text);
    }

    /// Takes how the services stand as known.
    pub(crate) fn note_services(&mut self) {
        self.observed.primaries = self.primaries();
    }

    fn primaries(&self) -> Vec<Option<DeploymentTruth>> {
        let services = self.services.iter();
        services
            .map(|service| {
                self.world
                    .ecs
                    .truth(service)
                    .and_then(|truth| truth.primary)
            })
            .collect()
    }

    /// Says what ECS did by itself.
    fn look_at_services(&mut self) {
        let primaries = self.primaries();
        let before = std::mem::replace(&mut self.observed.primaries, primaries.clone());
        for (index, primary) in primaries.into_iter().enumerate() {
            let before = before.get(index).cloned().flatten();
            let (Some(primary), service) = (primary, self.services[index].clone()) else {
                continue;
            };
            let now = revision(&primary.revision);
            match before {
                Some(before)
                    if before.id != primary.id && before.revision.arn != primary.revision.arn =>
                {
                    self.say(&format!(
                        "ECS: {service} goes from {} to {now}",
                        revision(&before.revision)
                    ));
                }
                Some(before) if !before.completed && primary.completed => {
                    self.say(&format!("ECS: {service} has deployed {now}"));
                }
                Some(_) | None => {}
            }
        }
    }
}

fn is_of(deed: &Deed, operation: Operation) -> bool {
    matches!(
        (deed, operation),
        (Deed::Saved(_), Operation::SaveTarget)
            | (Deed::Updated(_), Operation::UpdateService)
            | (Deed::Stopped(_), Operation::StopServiceDeployment)
    )
}

/// A revision and the images that its containers run.
pub(crate) fn revision(truth: &RevisionTruth) -> String {
    let images = truth
        .images
        .iter()
        .map(|(name, image)| format!("{name} {image}"));
    format!("{} ({})", truth.arn, images.collect::<Vec<_>>().join(", "))
}

/// Why a phase was reached, by the reason's stable name.
pub(crate) fn reason(phase: &Phase) -> String {
    let reason = match phase {
        Phase::Superseded { by } => by.as_str(),
        Phase::Rejected { reason } => reason.as_str(),
        Phase::Halted { reason } => reason.as_str(),
        Phase::RollingBack { failure, .. } | Phase::RolledBack { failure, .. } => failure.as_str(),
        Phase::Requested { .. }
        | Phase::Starting { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. } => return String::new(),
    };
    format!(" ({reason})")
}

/// Why a push or an order changed nothing.
fn unheeded(outcome: &Outcome) -> Option<String> {
    let (what, reason) = match outcome {
        Outcome::Pushed(push, Invocation::Done(Woken::Ignored(reason))) => (push, reason),
        Outcome::Rollout(message, Invocation::Done(Report::Ignored(reason))) => {
            let push = message.trigger.push()?;
            (push, reason)
        }
        _ => return None,
    };
    Some(format!(
        "ignored: push of {}:{}: {}",
        what.repository,
        what.tag,
        ignored(reason)
    ))
}
