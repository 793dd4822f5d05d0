//! What was reached, and how often.

use std::collections::BTreeMap;
use std::fmt;

use pushboat::core::rollout::{Phase, RolledBackBy, Rollout};

/// Counts over many runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs.
    pub runs: u64,
    /// Rollouts that ended.
    pub rollouts: u64,
    /// How they ended and why.
    pub outcomes: BTreeMap<(&'static str, &'static str), u64>,
    /// Phases that were saved, and what was waited for.
    pub phases: BTreeMap<(&'static str, &'static str), u64>,
    /// From which phase rollouts went to which.
    pub transitions: BTreeMap<(&'static str, &'static str), u64>,
    /// Who took versions back, and how their services are changed.
    pub backs: BTreeMap<(&'static str, &'static str), u64>,
    /// Faults, by kind.
    pub faults: BTreeMap<String, u64>,
    /// What people did.
    pub people: BTreeMap<&'static str, u64>,
    /// Invocations, by function.
    pub invocations: BTreeMap<&'static str, u64>,
    /// The most calls of one invocation of `rollout`.
    pub most_calls: usize,
    /// The most updates and stops for one rollout.
    pub most_changes: usize,
}

impl Tally {
    /// Adds what another run reached.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.rollouts += other.rollouts;
        for (function, count) in &other.invocations {
            *self.invocations.entry(function).or_default() += count;
        }
        self.most_calls = self.most_calls.max(other.most_calls);
        self.most_changes = self.most_changes.max(other.most_changes);
        for (key, count) in &other.outcomes {
            *self.outcomes.entry(*key).or_default() += count;
        }
        for (key, count) in &other.phases {
            *self.phases.entry(*key).or_default() += count;
        }
        for (key, count) in &other.transitions {
            *self.transitions.entry(*key).or_default() += count;
        }
        for (key, count) in &other.backs {
            *self.backs.entry(*key).or_default() += count;
        }
        for (key, count) in &other.faults {
            *self.faults.entry(key.clone()).or_default() += count;
        }
        for (key, count) in &other.people {
            *self.people.entry(*key).or_default() += count;
        }
    }

    pub(super) fn ended(&mut self, rollout: &Rollout) {
        self.rollouts += 1;
        let key = (rollout.phase.as_str(), reason(&rollout.phase));
        *self.outcomes.entry(key).or_default() += 1;
        if let Phase::RolledBack { by, .. } = &rollout.phase {
            let how = match rollout.policy.stack {
                Some(_) => "through a stack",
                None => "directly",
            };
            *self.backs.entry((how, author(*by))).or_default() += 1;
        }
    }

    pub(super) fn reached(&mut self, phase: &Phase, waiting: &'static str) {
        *self.phases.entry((phase.as_str(), waiting)).or_default() += 1;
    }

    pub(super) fn went(&mut self, from: &'static str, to: &'static str) {
        *self.transitions.entry((from, to)).or_default() += 1;
    }

    pub(super) fn met(&mut self, fault: impl Into<String>, times: u64) {
        if times > 0 {
            *self.faults.entry(fault.into()).or_default() += times;
        }
    }

    pub(super) fn invoked(&mut self, function: &'static str) {
        *self.invocations.entry(function).or_default() += 1;
    }

    pub(super) fn did(&mut self, what: &'static str) {
        *self.people.entry(what).or_default() += 1;
    }
}

fn author(by: RolledBackBy) -> &'static str {
    match by {
        RolledBackBy::Pushboat => "Pushboat",
        RolledBackBy::Ecs => "ECS",
        RolledBackBy::CloudFormation => "CloudFormation",
        RolledBackBy::Person => "a person",
    }
}

/// Gives the stable name of why a rollout is where it is.
pub(super) fn reason(phase: &Phase) -> &'static str {
    match phase {
        Phase::Superseded { by } => by.as_str(),
        Phase::Rejected { reason } => reason.as_str(),
        Phase::Halted { reason } => reason.as_str(),
        Phase::Requested { waiting, .. } => waiting.as_str(),
        Phase::RollingBack { failure, .. } | Phase::RolledBack { failure, .. } => failure.as_str(),
        Phase::Starting { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. } => "",
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections = [
            ("rollouts that ended", &self.outcomes),
            ("phases saved, and what for", &self.phases),
            ("transitions", &self.transitions),
            ("versions taken back, and by whom", &self.backs),
        ];
        for (title, counts) in sections {
            writeln!(f, "{title}:")?;
            for ((phase, reason), count) in counts {
                writeln!(f, "  {count:>10}  {phase} {reason}")?;
            }
        }
        writeln!(f, "faults met:")?;
        for (fault, count) in &self.faults {
            writeln!(f, "  {count:>10}  {fault}")?;
        }
        writeln!(f, "functions invoked:")?;
        for (function, count) in &self.invocations {
            writeln!(f, "  {count:>10}  {function}")?;
        }
        writeln!(f, "what happened besides:")?;
        for (what, count) in &self.people {
            writeln!(f, "  {count:>10}  {what}")?;
        }
        writeln!(
            f,
            "{} runs; at the most {} calls in one invocation of rollout, and {} changes of a service for one rollout",
            self.runs, self.most_calls, self.most_changes
        )
    }
}
