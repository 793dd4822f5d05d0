//! Values at the schema's bounds, and beyond them.

use serde_json::{Value, json};

use super::field::{list, prefix, required, sample};

/// Gives values that only just fit.
pub(super) fn just_within(schema: &Value) -> Vec<Value> {
    let bounds = |names: [&'static str; 2]| {
        names
            .into_iter()
            .filter_map(move |name| schema[name].as_u64())
    };
    let choices = schema["oneOf"].as_array().into_iter().flatten();
    let numbers = bounds(["minimum", "maximum"]).map(Value::from);
    let texts = bounds(["minLength", "maxLength"]).map(|length| digits(schema, length));
    let lists = bounds(["minItems", "maxItems"]).map(|count| list(schema, count));
    std::iter::once(sample(schema, 0))
        .chain(choices.map(|choice| sample(choice, 0)))
        .chain(numbers.chain(texts).chain(lists))
        .collect()
}

/// Gives values that a keyword of the schema is there to keep out.
pub(super) fn just_outside(schema: &Value, keyword: &str) -> Vec<Value> {
    let bound = &schema[keyword];
    let number = bound.as_u64();
    match keyword {
        "minimum" => vec![json!(bound.as_i64().unwrap() - 1)],
        "maximum" => vec![json!(number.unwrap() + 1), json!(u64::MAX)],
        "minLength" => vec![digits(schema, number.unwrap() - 1)],
        "maxLength" => vec![digits(schema, number.unwrap() + 1)],
        "minItems" => vec![list(schema, number.unwrap() - 1)],
        "maxItems" => vec![list(schema, number.unwrap() + 1)],
        "uniqueItems" => {
            let item = sample(&schema["items"], 0);
            vec![json!([item, item])]
        }
        "pattern" => vec![json!("1 1"), json!("11\n"), json!("arn:aws:ecs")],
        "type" => values_of_other_types(bound.as_str().unwrap()),
        "oneOf" => [
            values_of_other_types(""),
            vec![json!("stranger"), all_at_once(schema)],
        ]
        .concat(),
        "anyOf" => {
            let first = required(&bound[0]);
            let mut both = sample(schema, 0);
            both["stack"] = sample(&schema["properties"]["stack"], 0);
            let neither = first.map(|name| without(sample(schema, 0), name));
            neither.chain([both]).collect()
        }
        "required" => required(schema)
            .map(|name| without(sample(schema, 0), name))
            .collect(),
        "additionalProperties" => {
            let mut object = sample(schema, 0);
            object["stranger"] = json!(1);
            vec![object]
        }
        "$schema" | "title" | "description" | "default" | "examples" | "properties" | "items" => {
            Vec::new()
        }
        _ => panic!("what is just outside of `{keyword}`?"),
    }
}

/// Gives values that few bounds let pass.
pub(super) fn far_from_any_bound(schema: &Value) -> Vec<Value> {
    match schema["type"].as_str() {
        Some("integer") => vec![json!(0), json!(u32::MAX), json!(u64::MAX), json!(i64::MIN)],
        Some("string") => vec![json!(""), digits(schema, 5000)],
        Some("array") => {
            let item = sample(&schema["items"], 0);
            vec![list(schema, 0), list(schema, 100), json!([item, item])]
        }
        _ => Vec::new(),
    }
}

/// Gives a text of so many characters, digits as far as it can be.
fn digits(schema: &Value, length: u64) -> Value {
    let prefix = prefix(schema);
    let length = usize::try_from(length).unwrap();
    json!(format!("{prefix}{}", "1".repeat(length - prefix.len())))
}

fn values_of_other_types(expected: &str) -> Vec<Value> {
    let values = [
        ("null", json!(null)),
        ("boolean", json!(true)),
        ("number", json!(100.5)),
        ("integer", json!(100)),
        ("string", json!("100")),
        ("array", json!([])),
        ("object", json!({})),
    ];
    let others = values.into_iter().filter(|(name, _)| *name != expected);
    others.map(|(_, value)| value).collect()
}

/// Puts what excludes each other into one object.
fn all_at_once(schema: &Value) -> Value {
    let choices = schema["oneOf"].as_array().unwrap().iter();
    let objects = choices.filter_map(|choice| sample(choice, 0).as_object().cloned());
    Value::Object(objects.flatten().collect())
}

fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}
