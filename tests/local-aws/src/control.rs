//! The control API under `/_local/`: what a test or a person may ask the local AWS
//! beyond what they may ask AWS.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cloudformation::Mirrored;
use crate::endpoint::Endpoint;
use crate::fault::FaultRule;
use crate::http::{Answer, Request};

/// Answers `GET /_local/calls` and the like; `path` is what comes after the prefix.
pub(crate) async fn answer(endpoint: &Arc<Endpoint>, path: &str, request: &Request) -> Answer {
    let since = request
        .query_value("since")
        .and_then(|since| since.parse().ok())
        .unwrap_or(0);
    match (&request.method, path) {
        (&Method::GET, "health") => health(endpoint),
        (&Method::GET, "calls") => found(&endpoint.calls.since(since)),
        (&Method::GET, "events") => found(&endpoint.bus.log().since(since)),
        (&Method::POST, "events") => emit(endpoint, request),
        (&Method::GET, "registry") => found(&endpoint.registry.snapshot()),
        (&Method::GET, "faults") => found(&endpoint.faults.counts()),
        (&Method::POST, "faults") => add_faults(endpoint, request),
        (&Method::DELETE, "faults") => found(&endpoint.faults.clear()),
        (&Method::POST, "stacks") => mirror(endpoint, request).await,
        (&Method::POST, "schedules") => {
            let rule = request.query_value("rule").unwrap_or_default();
            found(&endpoint.scheduler.fire_by_hand(&rule).await)
        }
        _ => refused(
            StatusCode::NOT_FOUND,
            "there are GET health, calls, events, registry, faults; POST events, faults, \
             schedules, stacks; DELETE faults",
        ),
    }
}

fn health(endpoint: &Endpoint) -> Answer {
    found(&json!({
        "wallTime": endpoint.clock.wall(),
        "modelTime": endpoint.clock.now(),
        "ministack": crate::MINISTACK_VERSION,
    }))
}

fn emit(endpoint: &Endpoint, request: &Request) -> Answer {
    let given = match request.json() {
        Some(Value::Array(events)) => events,
        Some(event @ Value::Object(_)) => vec![event],
        _ => {
            return refused(
                StatusCode::BAD_REQUEST,
                "send one event, or a list of events, as JSON",
            );
        }
    };
    let at = endpoint.clock.wall();
    let events: Vec<Value> = given
        .iter()
        .map(|given| endpoint.source.envelope(given, at))
        .collect();
    for event in &events {
        endpoint.bus.emit(event);
    }
    found(&events)
}

fn add_faults(endpoint: &Endpoint, request: &Request) -> Answer {
    let given: Result<Vec<FaultRule>, _> = match request.json() {
        Some(rules @ Value::Array(_)) => serde_json::from_value(rules),
        Some(rule) => serde_json::from_value(rule).map(|rule| vec![rule]),
        None => return refused(StatusCode::BAD_REQUEST, "send one fault rule, or a list"),
    };
    match given {
        Ok(rules) => {
            rules.into_iter().for_each(|rule| endpoint.faults.add(rule));
            found(&endpoint.faults.counts())
        }
        Err(error) => refused(StatusCode::BAD_REQUEST, &format!("no such fault: {error}")),
    }
}

async fn mirror(endpoint: &Endpoint, request: &Request) -> Answer {
    let given: Result<Mirrored, _> = serde_json::from_slice(&request.body);
    let mirrored = match given {
        Ok(mirrored) => endpoint.cloudformation.mirror(mirrored).await,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &format!("no such stack: {error}")),
    };
    match mirrored {
        Ok(arn) => found(&json!({ "stackId": arn })),
        Err(error) => refused(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn found(body: &impl Serialize) -> Answer {
    match serde_json::to_value(body) {
        Ok(body) => Answer::json(StatusCode::OK, &body),
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

fn refused(status: StatusCode, message: &str) -> Answer {
    Answer::json(status, &json!({"message": message}))
}
