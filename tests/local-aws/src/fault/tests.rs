//! Which calls and events are struck, and how that is counted.

use serde_json::json;

use super::*;
use crate::call::Protocol;

#[test]
fn the_nth_call_is_struck_and_counted() {
    let faults = Faults::new(1);
    faults.add(rule(json!({"call": {
        "service": "ecs", "operation": "UpdateService",
        "when": {"nth": 2}, "effect": {"throttle": "ThrottlingException"},
    }})));
    let struck: Vec<bool> = (0..3)
        .map(|_| {
            !faults
                .on_call(
                    &call("ecs", "UpdateService"),
                    &request(""),
                    &Caller::default(),
                )
                .is_empty()
        })
        .collect();
    assert_eq!(struck, [false, true, false]);
    assert!(
        faults
            .on_call(
                &call("ecs", "DescribeServices"),
                &request(""),
                &Caller::default()
            )
            .is_empty()
    );
    let counts = faults.counts();
    assert_eq!((counts[0].matched, counts[0].injected), (3, 1));
}

#[test]
fn a_rate_is_decided_by_the_seed() {
    let struck = |seed| {
        let faults = Faults::new(seed);
        faults.add(rule(
            json!({"call": {"when": {"rate": 0.3}, "effect": "answerLost"}}),
        ));
        (0..200)
            .map(|_| {
                faults
                    .on_call(
                        &call("ecr", "BatchGetImage"),
                        &request(""),
                        &Caller::default(),
                    )
                    .len()
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(struck(7), struck(7));
    assert_ne!(struck(7), struck(8));
    let injected: usize = struck(7).iter().sum();
    assert!(
        (40..80).contains(&injected),
        "{injected} of 200 at a rate of 0.3"
    );
}

#[test]
fn a_fault_can_be_kept_to_one_function() {
    let faults = Faults::new(1);
    faults.add(rule(
        json!({"call": {"function": "Rollout", "effect": "error"}}),
    ));
    let caller = |name: &str| Caller {
        function: Some(name.to_owned()),
        ..Caller::default()
    };
    let call = call("ecs", "UpdateService");
    assert_eq!(
        faults
            .on_call(&call, &request(""), &caller("stack-RolloutFunction-1"))
            .len(),
        1
    );
    assert!(
        faults
            .on_call(&call, &request(""), &caller("stack-Sweep-1"))
            .is_empty()
    );
    assert!(
        faults
            .on_call(&call, &request(""), &Caller::default())
            .is_empty()
    );
}

#[test]
fn events_are_struck_by_source_and_detail_type() {
    let faults = Faults::new(1);
    faults.add(rule(json!({"event": {
        "source": "aws.ecr", "detailType": "ECR Image Action", "effect": "drop",
    }})));
    let event = json!({"source": "aws.ecr", "detail-type": "ECR Image Action"});
    assert_eq!(faults.on_event(&event), [EventEffect::Drop]);
    assert!(faults.on_event(&json!({"source": "aws.ecs"})).is_empty());
    assert_eq!(faults.clear()[0].injected, 1);
    assert!(faults.on_event(&event).is_empty());
}

#[test]
fn a_fault_can_be_kept_to_what_mentions_something_and_ended_alone() {
    let faults = Faults::new(1);
    let about_web = rule(json!({"call": {"mentions": "web-1", "effect": "error"}}));
    let about_job = rule(json!({"event": {"mentions": "job-1", "effect": "drop"}}));
    faults.add(about_web.clone());
    faults.add(about_job.clone());
    let call = call("ecs", "DescribeServices");
    let struck = |body| {
        let effects = faults.on_call(&call, &request(body), &Caller::default());
        effects.len()
    };
    assert_eq!(struck(r#"{"services":["web-1"]}"#), 1);
    assert_eq!(struck(r#"{"services":["web-2"]}"#), 0);
    assert_eq!(struck(""), 0);
    assert_eq!(
        faults
            .on_event(&json!({"detail": {"group": "job-1"}}))
            .len(),
        1
    );
    assert_eq!(
        faults
            .on_event(&json!({"detail": {"group": "web-1"}}))
            .len(),
        0
    );

    assert_eq!(faults.remove(&about_web).unwrap().injected, 1);
    assert_eq!(faults.remove(&about_web), None);
    assert_eq!(struck(r#"{"services":["web-1"]}"#), 0);
    assert_eq!(faults.counts()[0].rule, about_job);
}

#[test]
fn an_unknown_member_is_refused() {
    let unknown = json!({"call": {"operations": "UpdateService", "effect": "error"}});
    assert!(serde_json::from_value::<FaultRule>(unknown).is_err());
}

fn rule(value: Value) -> FaultRule {
    serde_json::from_value(value).unwrap()
}

fn request(body: &'static str) -> Request {
    Request {
        method: hyper::Method::POST,
        target: "/".to_owned(),
        headers: hyper::HeaderMap::new(),
        body: body.into(),
    }
}

fn call(service: &str, operation: &str) -> Call {
    Call {
        service: service.to_owned(),
        operation: operation.to_owned(),
        resource: String::new(),
        protocol: Protocol::Json,
    }
}
