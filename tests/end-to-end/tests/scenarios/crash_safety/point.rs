//! A moment at which `rollout` is killed: before or after one of the calls that were recorded.

use std::collections::BTreeMap;
use std::fmt;

use local_aws::{CallEffect, CallFault, CallRecord, FaultRule, When};

/// What each read of the hold for everything has in its body. It is the only thing that
/// `rollout` asks for without naming a target.
const HOLD: &str = r#"{"S":"hold"}"#;

/// Which way a version goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It is deployed.
    There,
    /// It fails and is taken back.
    Back,
}

/// A moment at which `rollout` is killed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) way: Way,
    service: String,
    operation: String,
    /// Counted from 1 within its operation, from the push on.
    ordinal: u64,
    reads_hold: bool,
    pub(super) effect: CallEffect,
    /// How often it was tried, this time included.
    pub(super) tries: u32,
}

impl Point {
    /// The fault that kills at this point of a target's next rollout.
    ///
    /// A read of the hold may be another target's: whoever is struck has to bear it.
    pub(super) fn fault(&self, target: &str) -> FaultRule {
        let mentions = if self.reads_hold { HOLD } else { target };
        FaultRule::Call(CallFault {
            service: Some(self.service.clone()),
            operation: Some(self.operation.clone()),
            function: Some("Rollout".to_owned()),
            mentions: Some(mentions.to_owned()),
            when: When::Nth(self.ordinal),
            effect: self.effect.clone(),
        })
    }

    /// Whether its call changes what ECS runs.
    pub(super) fn changes_something(&self) -> bool {
        let changes = [
            "RegisterTaskDefinition",
            "UpdateService",
            "StopServiceDeployment",
        ];
        changes.contains(&self.operation.as_str())
    }

    /// The same for another try.
    pub(super) fn once_more(self) -> Self {
        Point {
            tries: self.tries + 1,
            ..self
        }
    }

    /// Whether this is the call that it kills at.
    ///
    /// Of a read of the hold the log does not tell for which target it was.
    pub(super) fn is_at(&self, call: &CallRecord, target: &str) -> bool {
        let name = match self.effect {
            CallEffect::KillBefore => "killBefore",
            _ => "killAfter",
        };
        call.service == self.service
            && call.operation == self.operation
            && reads_hold(call) == self.reads_hold
            && call.faults.iter().any(|fault| fault == name)
            && (self.reads_hold || concerns(call, target))
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.effect {
            CallEffect::KillBefore => "before",
            _ => "after",
        };
        let what = match self.way {
            Way::There => "rollout",
            Way::Back => "rollback",
        };
        let hold = if self.reads_hold { " of the hold" } else { "" };
        write!(
            f,
            "{what}, {when} {} {} {}{hold}",
            self.service, self.operation, self.ordinal
        )
    }
}

/// The points of what was recorded of one target: of a way back only those after the
/// way there, which is the same for both.
///
/// What comes after the last write changes nothing any more. What is published after the outcome
/// is left out: it is over by then, and the message that comes again would meet the next point.
pub(super) fn points(way: Way, calls: &[CallRecord]) -> Vec<Point> {
    let is = |operation: &'static str| move |call: &CallRecord| call.operation == operation;
    let published = calls.iter().position(is("PutParameter"));
    let mut until_then = calls.iter().take(published.unwrap_or(calls.len()));
    let end = until_then.rposition(is("TransactWriteItems"));
    let begin = match way {
        Way::There => Some(0),
        Way::Back => calls.iter().position(is("UpdateService")).map(|at| at + 1),
    };
    let (Some(begin), Some(end)) = (begin, end) else {
        return Vec::new();
    };
    let mut ordinals: BTreeMap<(&str, bool), u64> = BTreeMap::new();
    let mut points = Vec::new();
    for (place, call) in calls.iter().enumerate().take(end + 1) {
        // The state is read by a Query, and beside it the hold.
        let reads: &[bool] = match call.operation.as_str() {
            "Query" => &[false, true],
            _ => &[false],
        };
        for &reads_hold in reads {
            let operation = if reads_hold {
                "GetItem"
            } else {
                &call.operation
            };
            let ordinal = ordinals.entry((operation, reads_hold)).or_default();
            *ordinal += 1;
            if place < begin {
                continue;
            }
            for effect in [CallEffect::KillBefore, CallEffect::KillAfter] {
                points.push(Point {
                    way,
                    service: call.service.clone(),
                    operation: operation.to_owned(),
                    ordinal: *ordinal,
                    reads_hold,
                    effect,
                    tries: 1,
                });
            }
        }
    }
    points
}

/// Whether `rollout` made a call.
pub(super) fn is_of_rollout(call: &CallRecord) -> bool {
    let function = call.caller.function.as_deref();
    function.is_some_and(|function| function.contains("Rollout"))
}

/// Whether a call of `rollout` is about this target, as far as the log tells.
pub(super) fn concerns(call: &CallRecord, target: &str) -> bool {
    is_of_rollout(call) && call.mentions(target)
}

/// Whether a call reads the hold for everything.
pub(super) fn reads_hold(call: &CallRecord) -> bool {
    let request = call.request.as_ref();
    call.operation == "GetItem"
        && request.is_some_and(|request| request["Key"]["pk"]["S"] == "hold")
}
