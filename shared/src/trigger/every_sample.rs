//! Every sample event through every parser, and events that nobody ever sent.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{alarm, cloudformation, ecr, ecs, ecs_service_action, ecs_task};
use crate::core::diagnosis::{Circumstances, Diagnosis, diagnose};
use crate::core::reason::Ignored;
use crate::message;

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/events");

/// Reads one sample event.
pub(super) fn sample(name: &str) -> Value {
    let path = format!("{EVENTS}/{name}.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(EVENTS)
        .unwrap()
        .filter_map(|file| {
            file.unwrap()
                .file_name()
                .into_string()
                .unwrap()
                .strip_suffix(".json")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    assert!(names.len() >= 45, "the samples are found");
    names
}

/// Says what each parser makes of an event; of those that have no business with it only the
/// one that says most is heard, and only where no other reads it.
fn read(event: &Value) -> Vec<String> {
    let task = ecs_task::stopped_task(event).map(|read| {
        assert_eq!(read.task, read.task.clone().bounded());
        let Diagnosis { cause, verdict } = diagnose(&read.task, &Circumstances::default());
        let (service, code) = (read.service, read.task.stop_code);
        format!("task of {service}: {code}, {}, {verdict:?}", cause.as_str())
    });
    let action = ecs_service_action::service_action(event)
        .map(|read| format!("{}: {:?} {}", read.service, read.severity, read.name));
    let alarm = alarm::alarm_change(event).map(|read| {
        assert_eq!(read.change, read.change.clone().bounded());
        format!("alarm {}: {:?}", read.change.name, read.change.state)
    });
    let deployment = ecs::service_change(event)
        .map(|read| format!("deployment of {}: {}", read.service, read.what));
    let stack = cloudformation::stack_change(event)
        .map(|read| format!("stack {}: {}", read.stack, read.status));
    let push = ecr::push(event).map(|read| format!("push of {}:{}", read.repository, read.tag));
    let mut read = Vec::new();
    let mut passed_over = String::new();
    for result in [task, action, alarm, deployment, stack, push] {
        match result {
            Ok(read_as) => read.push(read_as),
            Err(reason @ (Ignored::NoBusiness { .. } | Ignored::Untagged)) => {
                let said = format!("ignored, {}", message::ignored(&reason));
                if said.len() > passed_over.len() {
                    passed_over = said;
                }
            }
            Err(reason) => read.push(format!("ignored, {}", message::ignored(&reason))),
        }
    }
    if read.is_empty() {
        read.push(passed_over);
    }
    read
}

#[test]
fn each_sample_is_read_by_the_parser_it_is_for_or_explained() {
    let lines: Vec<String> = names()
        .iter()
        .map(|name| {
            let read = read(&sample(name));
            assert_eq!(read.len(), 1, "{name} is for one parser at most: {read:?}");
            format!("{name}\n    {}", read.join("\n    "))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

/// Gives the place of each value in a document.
fn places(value: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(value, &format!("{here}/{name}"), found);
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                places(value, &format!("{here}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let texts = prop_oneof![
        ".{0,40}",
        "(arn:aws:(ecs|cloudformation):[a-z]?:1?:(service|task|cluster|stack)/[a-z/]{0,6}|service:.?|STOPPED|ALARM|null|-?[0-9]{1,20})",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        texts.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(
                "[a-z-]{0,9}|Records|Sns|alarmData|detail|detail-type|resources",
                inner,
                0..4
            )
            .prop_map(|fields| json!(fields)),
        ]
    })
}

/// A sample event in which up to four values were replaced by anything at all.
fn broken_sample() -> impl Strategy<Value = Value> {
    let breaks = prop::collection::vec((any::<prop::sample::Index>(), any_json()), 0..4);
    (prop::sample::select(names()), breaks).prop_map(|(name, breaks)| {
        let mut event = sample(&name);
        for (place, value) in breaks {
            let mut found = Vec::new();
            places(&event, "", &mut found);
            let place: &String = place.get(&found);
            *event.pointer_mut(place).unwrap() = value;
        }
        event
    })
}

proptest! {
    #[test]
    fn no_json_makes_a_parser_panic(event in prop_oneof![1 => any_json(), 4 => broken_sample()]) {
        let read = read(&event);
        prop_assert!(read.iter().all(|said| !said.is_empty()));
    }
}
