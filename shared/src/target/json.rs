//! JSON in which no field stands twice: which of the two counts is anybody's guess.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{Mistake, shown};

/// How much of a path is told, in characters.
const PLACE_LIMIT: usize = 200;

/// Reads JSON; answers besides where a field stands more than once.
///
/// # Errors
///
/// Answers the one mistake that it is no JSON, with its line and column.
pub(super) fn read(text: &str) -> Result<(Value, Vec<Mistake>), Mistake> {
    let mut repeated = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(text);
    let seed = At {
        place: String::new(),
        repeated: &mut repeated,
    };
    let value = seed.deserialize(&mut reader);
    let value = value.and_then(|value| reader.end().map(|()| value));
    let value = value.map_err(|error| {
        Mistake::new(
            format!("line {}, column {}", error.line(), error.column()),
            "the value is not JSON",
            "Check it with any JSON validator; mind commas, quotes and braces.",
        )
    })?;
    let mistakes = repeated.into_iter().map(|place| {
        Mistake::new(
            end_of(&place),
            "it stands there more than once",
            "Keep the one that is meant, and remove the others.",
        )
    });
    Ok((value, mistakes.collect()))
}

/// Shortens a path to its end: what is told of mistakes is stored and sent, with limits of its own.
fn end_of(place: &str) -> String {
    let surplus = place.chars().count().saturating_sub(PLACE_LIMIT);
    match surplus {
        0 => place.to_owned(),
        _ => format!("…{}", place.chars().skip(surplus).collect::<String>()),
    }
}

/// A value at its place.
struct At<'a> {
    place: String,
    repeated: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(At {
            place: format!("{}[{}]", self.place, values.len()),
            repeated: self.repeated,
        })? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            let place = match self.place.as_str() {
                "" => shown(&name),
                above => format!("{above}.{}", shown(&name)),
            };
            if fields.contains_key(&name) {
                self.repeated.push(place.clone());
            }
            let value = object.next_value_seed(At {
                place,
                repeated: self.repeated,
            })?;
            fields.insert(name, value);
        }
        Ok(fields.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_any_reader_reads_it() {
        let text = r#" { "a": [ 1, -2, 2.5, 18446744073709551615, true, null, "ü" ], "b": {} } "#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read(text).unwrap(), (expected, Vec::new()));
    }

    #[test]
    fn what_stands_twice_is_told_with_its_place() {
        let text = r#"{ "a": 1, "b": [ { "c": 1 }, { "c": 1, "c": 2, "c": 3 } ], "a": 2 }"#;
        let (_, mistakes) = read(text).unwrap();
        let places: Vec<_> = mistakes.iter().map(|mistake| &*mistake.place).collect();
        assert_eq!(places, ["b[1].c", "b[1].c", "a"]);
    }

    #[test]
    fn of_a_long_path_the_end_is_told() {
        let name = "n".repeat(80);
        let mut text = r#"{ "twice": 1, "twice": 2 }"#.to_owned();
        for _ in 0..90 {
            text = format!(r#"{{ "{name}": {text} }}"#);
        }
        let (_, mistakes) = read(&text).unwrap();
        let place = &mistakes[0].place;
        assert_eq!(place.chars().count(), 201);
        assert!(
            place.starts_with("…n") && place.ends_with(".twice"),
            "{place}"
        );
    }

    #[test]
    fn what_is_no_json_is_told_with_line_and_column() {
        for (text, place) in [
            ("{\n  \"a\": }", "line 2, column 8"),
            ("{} {}", "line 1, column 4"),
            ("", "line 1, column 0"),
        ] {
            assert_eq!(read(text).unwrap_err().place, place, "{text:?}");
        }
        let deep = "[".repeat(10_000);
        assert!(read(&deep).is_err());
    }
}
