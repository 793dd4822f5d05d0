//! Faults on the way of events.

use end_to_end::{Failure, customer};
use local_aws::{CallRecord, EventEffect, EventFault, EventRecord, FaultRule, When};

use super::{Kind, Seen};
use crate::world::World;

/// The versions that go live: enough of them that some of the few events that are passed
/// on are struck.
const GOOD: &[&str] = &["v1", "v2", "v3"];
/// How often events are struck.
const RATE: f64 = 0.3;
/// How late the late ones are.
const LATE_MILLISECONDS: u64 = 3_000;

pub(super) fn doubled() -> Kind {
    kind("doubled-events", None, &EventEffect::Duplicate, |told| {
        told.times() > 1
    })
}

pub(super) fn reordered() -> Kind {
    kind("reordered-events", None, &EventEffect::Reorder, |told| {
        told.is_overtaken && told.times() > 0
    })
}

pub(super) fn dropped() -> Kind {
    // Nothing but its event tells of a push; of what ECS does, a look tells as well.
    kind(
        "dropped-events",
        Some("aws.ecs"),
        &EventEffect::Drop,
        |told| told.times() == 0 && told.others_arrive,
    )
}

pub(super) fn delayed() -> Kind {
    let late = EventEffect::DelayMilliseconds(LATE_MILLISECONDS);
    kind("delayed-events", None, &late, |told| {
        let first = told.passed_on.first();
        first.is_some_and(|call| {
            let after = call.at.duration_since(told.event.at).as_millis();
            after >= i128::from(LATE_MILLISECONDS)
        })
    })
}

/// What became of one event that was struck.
struct Told<'a> {
    event: &'a EventRecord,
    /// The calls by which functions passed it on.
    passed_on: Vec<&'a CallRecord>,
    /// Whether a later event was handed to a function before it.
    is_overtaken: bool,
    /// Whether another event of its kind was passed on.
    others_arrive: bool,
}

impl Told<'_> {
    fn times(&self) -> usize {
        self.passed_on.len()
    }
}

fn kind(
    name: &'static str,
    source: Option<&str>,
    effect: &EventEffect,
    shows: fn(&Told<'_>) -> bool,
) -> Kind {
    let rule = FaultRule::Event(EventFault {
        source: source.map(str::to_owned),
        detail_type: None,
        mentions: Some(name.to_owned()),
        when: When::Rate(RATE),
        effect: effect.clone(),
    });
    Kind {
        name,
        good: GOOD,
        rules: vec![rule],
        check: Box::new(move |world, seen| expect(world, seen, shows)),
    }
}

/// At least one of the events that were struck shows it in what functions passed on.
fn expect(world: &World, seen: &Seen, shows: fn(&Told<'_>) -> bool) -> Result<(), Failure> {
    let is_sent = |call: &CallRecord| call.operation.starts_with("SendMessage");
    let sent = world.local.calls_where(seen.since, is_sent);
    let mut events = world.local.events(0);
    events.retain(|record| record.event.to_string().contains(seen.name));
    let passed_on = |record: &EventRecord| -> Vec<&CallRecord> {
        let id = customer::text(&record.event["id"]);
        sent.iter().filter(|call| call.mentions(&id)).collect()
    };
    let kind_of = |record: &EventRecord| {
        let detail = &record.event["detail"];
        let members = ["lastStatus", "eventName"];
        let members = members.map(|member| customer::text(&detail[member]));
        (customer::text(&record.event["detail-type"]), members)
    };
    let order = world.local.handed_on();
    let struck = events.iter().filter(|record| !record.faults.is_empty());
    let mut struck = struck.map(|event| {
        let own = passed_on(event);
        let mut before = order
            .iter()
            .take_while(|sequence| **sequence != event.sequence);
        let is_like_it = |other: &&EventRecord| {
            other.faults.is_empty()
                && kind_of(other) == kind_of(event)
                && !passed_on(other).is_empty()
        };
        Told {
            event,
            is_overtaken: before.any(|sequence| *sequence > event.sequence),
            others_arrive: events.iter().any(|other| is_like_it(&other)),
            passed_on: own,
        }
    });
    if struck.any(|told| shows(&told)) {
        return Ok(());
    }
    Err("no trace of the fault in what functions passed on".into())
}
