//! What goes on with a stack: its resources are worked on step by step, each
//! after those it depends on.

use crate::agenda::Due;
use crate::change_set::ChangeSetKey;
use crate::effect::{EffectAction, EffectId, Ongoing};
use crate::stack::{Desired, StackKey};
use crate::stacks::Stacks;

/// What goes on with a stack.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Unlike any other's, and anew with each phase.
    pub(crate) number: u64,
    pub(crate) token: Option<String>,
    pub(crate) change_set: Option<ChangeSetKey>,
    pub(crate) phase: Phase,
    /// What the stack was made to be before.
    pub(crate) before: Desired,
    pub(crate) steps: Vec<Step>,
    /// What is to be deleted in the end.
    pub(crate) leftovers: Vec<Leftover>,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Updating,
    CleaningUp,
    RollingBack,
    RollbackFailed,
    CleaningUpRollback,
    Deleting,
}

/// Work on one resource.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) logical_id: String,
    pub(crate) work: Work,
    /// The steps that come before.
    pub(crate) after: Vec<usize>,
    pub(crate) state: StepState,
}

/// What kind of work.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// It becomes what the template says.
    Apply,
    /// It becomes what it was.
    Restore,
    /// It is deleted.
    Remove(Leftover),
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum StepState {
    Waiting,
    Running {
        effect: EffectId,
        properties: serde_json::Map<String, serde_json::Value>,
    },
    Done,
    Failed,
    /// Another one failed.
    Cancelled,
}

/// A physical resource that nothing needs any more.
#[derive(Clone, Debug)]
pub(crate) struct Leftover {
    pub(crate) logical_id: String,
    pub(crate) type_name: String,
    pub(crate) physical_id: String,
    /// Whether the logical resource goes with it.
    pub(crate) is_whole: bool,
}

impl Stacks {
    /// Begins an operation.
    pub(crate) fn begin(
        &mut self,
        key: StackKey,
        token: Option<&str>,
        change_set: Option<ChangeSetKey>,
        phase: Phase,
    ) {
        let stack = &mut self.stacks[key.0];
        stack.operation = Some(Operation {
            number: 0,
            token: token.map(str::to_owned),
            change_set,
            phase,
            before: stack.desired.clone(),
            steps: Vec::new(),
            leftovers: Vec::new(),
        });
    }

    /// Lets the operation of a stack go on after a while, and not before.
    pub(crate) fn go_on_later(&mut self, key: StackKey) {
        let at = self.after(self.settings.timings.step);
        self.last_operation += 1;
        if let Some(operation) = &mut self.stacks[key.0].operation {
            operation.number = self.last_operation;
            self.agenda
                .put(at, Due::Operation(key, self.last_operation));
        }
    }

    /// Starts each step whose turn it is; after the last one comes the next phase.
    pub(crate) fn go_on(&mut self, key: StackKey, number: u64) {
        loop {
            let Some(operation) = &self.stacks[key.0].operation else {
                return;
            };
            if operation.number != number || operation.phase == Phase::RollbackFailed {
                return;
            }
            let steps = &operation.steps;
            let is_done = |index: &usize| steps.get(*index).is_none_or(Step::is_done);
            let next = steps
                .iter()
                .position(|step| step.is_waiting() && step.after.iter().all(is_done));
            match next {
                Some(index) => self.start(key, index),
                None if steps.iter().all(Step::is_done) => return self.end_phase(key),
                None => return,
            }
        }
    }

    /// Starts one step.
    fn start(&mut self, key: StackKey, index: usize) {
        let Some((logical_id, work)) = self
            .step_mut(key, index)
            .map(|step| (step.logical_id.clone(), step.work.clone()))
        else {
            return;
        };
        match work {
            Work::Apply => self.start_apply(key, index, &logical_id),
            Work::Restore => self.start_restore(key, index, &logical_id),
            Work::Remove(leftover) => self.start_remove(key, index, &leftover),
        }
    }

    /// Lets work of a step begin.
    pub(crate) fn run(
        &mut self,
        key: StackKey,
        index: usize,
        type_name: &str,
        action: EffectAction,
        properties: serde_json::Map<String, serde_json::Value>,
    ) {
        let ongoing = Ongoing {
            stack: key,
            step: index,
        };
        let Some(step) = self.step_mut(key, index) else {
            return;
        };
        let logical_id = step.logical_id.clone();
        let effect = self.emit(ongoing, &logical_id, type_name, action);
        if let Some(step) = self.step_mut(key, index) {
            step.state = StepState::Running { effect, properties };
        }
    }

    pub(crate) fn step_mut(&mut self, key: StackKey, index: usize) -> Option<&mut Step> {
        let operation = self.stacks.get_mut(key.0)?.operation.as_mut()?;
        operation.steps.get_mut(index)
    }

    pub(crate) fn end_step(&mut self, key: StackKey, index: usize, state: StepState) {
        if let Some(step) = self.step_mut(key, index) {
            step.state = state;
        }
    }

    /// Work of a step is done, if of a new resource under this physical id.
    pub(crate) fn finish_step(&mut self, key: StackKey, index: usize, created: Option<String>) {
        let Some(step) = self.step_mut(key, index) else {
            return;
        };
        let state = std::mem::replace(&mut step.state, StepState::Done);
        let StepState::Running { properties, .. } = state else {
            return;
        };
        let (logical_id, work) = (step.logical_id.clone(), step.work.clone());
        match work {
            Work::Apply => self.finish_apply(key, &logical_id, created, properties),
            Work::Restore => self.finish_restore(key, &logical_id, properties),
            Work::Remove(leftover) => self.finish_remove(key, &leftover),
        }
        self.go_on_now(key);
    }

    /// Forgets what goes on with a stack.
    pub(crate) fn drop_ongoing(&mut self, key: StackKey) {
        self.ongoing.retain(|_, ongoing| ongoing.stack != key);
    }

    pub(crate) fn go_on_now(&mut self, key: StackKey) {
        let operation = self.stacks[key.0].operation.as_ref();
        if let Some(number) = operation.map(|operation| operation.number) {
            self.go_on(key, number);
        }
    }
}

impl Step {
    pub(crate) fn new(logical_id: String, work: Work, after: Vec<usize>) -> Self {
        Step {
            logical_id,
            work,
            after,
            state: StepState::Waiting,
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.state == StepState::Done
    }

    fn is_waiting(&self) -> bool {
        self.state == StepState::Waiting
    }
}
