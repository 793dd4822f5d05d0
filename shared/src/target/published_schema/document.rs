//! Targets at random, as the schema has them and a little beside it.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::field::required;

/// Gives values that mostly fit a schema.
pub(super) fn any(schema: &Value) -> BoxedStrategy<Value> {
    let odd = vec![
        json!(null),
        json!(true),
        json!(1),
        json!(1.5),
        json!(""),
        json!([]),
        json!({}),
    ];
    prop_oneof![100 => fitting(schema), 1 => select(odd)].boxed()
}

fn fitting(schema: &Value) -> BoxedStrategy<Value> {
    if let Some(constant) = schema.get("const") {
        return Just(constant.clone()).boxed();
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return proptest::strategy::Union::new(choices.iter().map(any)).boxed();
    }
    match schema["type"].as_str() {
        Some("integer") => integers(schema),
        Some("string") => texts(schema),
        Some("array") => lists(schema),
        _ => objects(schema),
    }
}

fn integers(schema: &Value) -> BoxedStrategy<Value> {
    let bound = |name: &str| schema[name].as_i64().unwrap();
    let (least, most) = (bound("minimum"), bound("maximum"));
    let odd = select(vec![least - 1, least, most, most + 1]);
    prop_oneof![10 => least..=most, 1 => odd]
        .prop_map(Value::from)
        .boxed()
}

fn texts(schema: &Value) -> BoxedStrategy<Value> {
    let name = "[a-z0-9][a-z0-9_-]{1,8}".prop_map(Value::from);
    let usual = match schema["examples"].as_array() {
        Some(examples) => prop_oneof![select(examples.clone()), name].boxed(),
        None => name.boxed(),
    };
    prop_oneof![20 => usual, 1 => "[ -~]{0,8}".prop_map(Value::from)].boxed()
}

fn lists(schema: &Value) -> BoxedStrategy<Value> {
    let least = schema["minItems"].as_u64().unwrap_or(0);
    let least = usize::try_from(least).unwrap();
    let items = any(&schema["items"]);
    prop_oneof![
        30 => vec(items.clone(), least..least + 3),
        1 => items.prop_map(|item| vec![item.clone(), item]),
        1 => Just(Vec::new()),
    ]
    .prop_map(Value::from)
    .boxed()
}

fn objects(schema: &Value) -> BoxedStrategy<Value> {
    let wanted: Vec<&str> = required(schema).collect();
    let properties = schema["properties"].as_object().unwrap().iter();
    let mut members: Vec<_> = properties
        .map(|(name, schema)| {
            let is_required = wanted.contains(&name.as_str());
            member(name, if is_required { 0.98 } else { 0.4 }, any(schema))
        })
        .collect();
    members.push(member("stranger", 0.01, Just(json!(1)).boxed()));
    members
        .prop_map(|members| Value::Object(members.into_iter().flatten().collect::<Map<_, _>>()))
        .boxed()
}

fn member(
    name: &str,
    probability: f64,
    value: BoxedStrategy<Value>,
) -> BoxedStrategy<Option<(String, Value)>> {
    let name = name.to_owned();
    weighted(
        probability,
        value.prop_map(move |value| (name.clone(), value)),
    )
    .boxed()
}
