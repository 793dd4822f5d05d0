//! Faults on the wire: of calls that functions make.

use local_aws::{CallEffect, CallFault, CallRecord, FaultRule, When};

use super::{Check, Kind};

/// The versions that go live.
const GOOD: &[&str] = &["v1", "v2"];
/// How often calls are struck.
const RATE: f64 = 0.3;
/// How often those to the ledger are: an invocation makes many, and without the ledger
/// it can only be tried again.
const LEDGER_RATE: f64 = 0.1;
/// How late slow answers are.
const SLOW_MILLISECONDS: u64 = 400;
/// How late one is: longer than one attempt is waited for.
const TOO_SLOW_MILLISECONDS: u64 = 5_500;

/// The services that are called, but for the ledger.
const SERVICES: [&str; 4] = ["ecs", "ecr", "monitoring", "sns"];

pub(super) fn throttled() -> Kind {
    let throttle = CallEffect::Throttle("ThrottlingException".to_owned());
    Kind {
        name: "throttled-calls",
        good: GOOD,
        rules: rules("throttled-calls", &throttle),
        check: check("throttle", |call| call.status == Some(400)),
    }
}

pub(super) fn failing() -> Kind {
    Kind {
        name: "failing-calls",
        good: GOOD,
        rules: rules("failing-calls", &CallEffect::Error),
        check: check("error", |call| call.status == Some(500)),
    }
}

pub(super) fn unanswered() -> Kind {
    Kind {
        name: "unanswered-calls",
        good: GOOD,
        rules: rules("unanswered-calls", &CallEffect::AnswerLost),
        check: check("answerLost", |call| call.status.is_none()),
    }
}

pub(super) fn slow() -> Kind {
    let mut rules = rules(
        "slow-calls",
        &CallEffect::DelayMilliseconds(SLOW_MILLISECONDS),
    );
    let too_slow = CallEffect::DelayMilliseconds(TOO_SLOW_MILLISECONDS);
    rules.push(rule("slow-calls", "ecs", When::Nth(5), &too_slow));
    Kind {
        name: "slow-calls",
        good: GOOD,
        rules,
        check: check("delay", |call| {
            let took = call.duration_milliseconds;
            took.is_some_and(|took| took >= SLOW_MILLISECONDS)
        }),
    }
}

/// Strikes the calls of every function that are about this target.
fn rules(target: &str, effect: &CallEffect) -> Vec<FaultRule> {
    let mut rules = vec![rule(target, "dynamodb", When::Rate(LEDGER_RATE), effect)];
    rules.extend(SERVICES.map(|service| rule(target, service, When::Rate(RATE), effect)));
    rules
}

fn rule(target: &str, service: &str, when: When, effect: &CallEffect) -> FaultRule {
    FaultRule::Call(CallFault {
        service: Some(service.to_owned()),
        operation: None,
        function: Some("Function".to_owned()),
        mentions: Some(target.to_owned()),
        when,
        effect: effect.clone(),
    })
}

/// Each call that was struck, and has ended, shows it in the log.
fn check(fault: &'static str, shows: fn(&CallRecord) -> bool) -> Check {
    Box::new(move |world, seen| {
        let struck = world.local.calls_where(seen.since, |call| {
            let has_ended = call.duration_milliseconds.is_some();
            let is_struck = call.faults.iter().any(|name| name == fault);
            has_ended && is_struck && call.mentions(seen.name)
        });
        match struck.iter().find(|call| !shows(call)) {
            _ if struck.is_empty() => Err("no call was struck".into()),
            Some(call) => Err(format!("no trace of the fault: {call:?}").into()),
            None => Ok(()),
        }
    })
}
