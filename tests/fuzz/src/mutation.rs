//! Changes of JSON that leave it JSON.

use fastrand::Rng;
use serde_json::{Map, Number, Value};

/// Changes a JSON text in one to three places; `None` where it is no JSON.
///
/// The same seed makes the same change.
#[must_use]
pub fn mutated(text: &[u8], seed: u64) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(text).ok()?;
    let mut rng = Rng::with_seed(seed);
    for _ in 0..rng.u8(1..=3) {
        let mut places = 0;
        count(&value, &mut places);
        let other = nth(&value, &mut rng.usize(0..places)).cloned();
        let mut place = rng.usize(0..places);
        if let Some(chosen) = nth_mut(&mut value, &mut place) {
            change(chosen, other.unwrap_or_default(), &mut rng);
        }
    }
    serde_json::to_vec(&value).ok()
}

fn count(value: &Value, places: &mut usize) {
    *places += 1;
    match value {
        Value::Array(list) => list.iter().for_each(|inner| count(inner, places)),
        Value::Object(fields) => fields.values().for_each(|inner| count(inner, places)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn nth<'a>(value: &'a Value, left: &mut usize) -> Option<&'a Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(list) => list.iter().find_map(|inner| nth(inner, left)),
        Value::Object(fields) => fields.values().find_map(|inner| nth(inner, left)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn nth_mut<'a>(value: &'a mut Value, left: &mut usize) -> Option<&'a mut Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(list) => list.iter_mut().find_map(|inner| nth_mut(inner, left)),
        Value::Object(fields) => fields.values_mut().find_map(|inner| nth_mut(inner, left)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Changes one place; `other` is what stands at another.
fn change(chosen: &mut Value, other: Value, rng: &mut Rng) {
    if rng.u8(0..3) == 0 {
        *chosen = if rng.bool() { other } else { odd(rng) };
        return;
    }
    match chosen {
        Value::Null | Value::Bool(_) => *chosen = odd(rng),
        Value::Number(number) => *number = odd_number(rng),
        Value::String(text) => *text = changed_text(text, rng),
        Value::Array(list) => change_list(list, other, rng),
        Value::Object(fields) => change_fields(fields, other, rng),
    }
}

fn change_list(list: &mut Vec<Value>, other: Value, rng: &mut Rng) {
    match (rng.u8(0..4), list.is_empty()) {
        (0, false) => {
            list.remove(rng.usize(..list.len()));
        }
        (1, false) => rng.shuffle(list),
        (2, false) => {
            let again = list[rng.usize(..list.len())].clone();
            let times = 1 << rng.u32(0..8);
            list.extend(std::iter::repeat_n(again, times));
        }
        _ => list.push(other),
    }
}

fn change_fields(fields: &mut Map<String, Value>, other: Value, rng: &mut Rng) {
    let names: Vec<String> = fields.keys().cloned().collect();
    let Some(name) = rng.choice(names) else {
        fields.insert("name".to_owned(), other);
        return;
    };
    match rng.u8(0..3) {
        0 => {
            fields.remove(&name);
        }
        1 => {
            let value = fields.remove(&name).unwrap_or_default();
            fields.insert(changed_text(&name, rng), value);
        }
        _ => {
            fields.insert(changed_text(&name, rng), other);
        }
    }
}

fn changed_text(text: &str, rng: &mut Rng) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    let at = rng.usize(..=characters.len());
    match rng.u8(0..6) {
        0 => characters.truncate(at),
        1 => drop(characters.drain(..at)),
        2 => characters.insert(at, odd_character(rng)),
        3 if at < characters.len() => characters[at] = odd_character(rng),
        4 => {
            let again = characters.clone();
            (0..rng.u8(1..6)).for_each(|_| characters.extend_from_slice(&again));
        }
        _ => return odd_text(rng),
    }
    characters.into_iter().collect()
}

/// Makes a value that a parser may not have thought of.
#[must_use]
pub fn odd(rng: &mut Rng) -> Value {
    match rng.u8(0..8) {
        0 => Value::Null,
        1 => Value::Bool(rng.bool()),
        2 => Value::Number(odd_number(rng)),
        3 => Value::Array(Vec::new()),
        4 => Value::Object(Map::new()),
        // As deep as JSON is read at all, nearly.
        5 => (0..100).fold(Value::Null, |inner, _| Value::Array(vec![inner])),
        _ => Value::String(odd_text(rng)),
    }
}

fn odd_number(rng: &mut Rng) -> Number {
    let float = |value| Number::from_f64(value).unwrap_or_else(|| 0.into());
    match rng.u8(0..8) {
        0 => 0.into(),
        1 => (-1).into(),
        2 => i64::MIN.into(),
        3 => u64::MAX.into(),
        4 => float(1e300),
        5 => float(0.5),
        6 => rng.u32(..).into(),
        _ => rng.i8(..).into(),
    }
}

fn odd_text(rng: &mut Rng) -> String {
    const TEXTS: [&str; 16] = [
        "",
        " ",
        "*",
        "\u{0}",
        "\u{1b}[31m",
        "\u{202e}",
        "null",
        "-1",
        "PASSWORD=hunter2",
        "9999-12-31T23:59:59.999999999Z",
        "-009999-01-02T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "arn:aws:ecs:eu-west-1:123456789012:service/prod/web",
        "service:web",
        "team/web",
    ];
    match rng.u8(0..5) {
        0 => odd_character(rng).to_string().repeat(1 << rng.u32(0..13)),
        1 => (0..rng.u8(0..20)).map(|_| odd_character(rng)).collect(),
        _ => rng.choice(TEXTS).unwrap_or_default().to_owned(),
    }
}

fn odd_character(rng: &mut Rng) -> char {
    match rng.u8(0..4) {
        0 => rng
            .choice(b"\0\n\r\t\x1b\x7f\"'\\/:@=#{}[]*?!,.-_")
            .map(|byte| char::from(*byte))
            .unwrap_or('/'),
        1 => rng.char('\u{80}'..='\u{1f6a7}'),
        _ => rng.char(' '..='~'),
    }
}
