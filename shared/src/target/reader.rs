//! What a field can be: an object, a list, a text, a number or one of a few words.

use serde_json::{Map, Value};

use super::{Mistake, NAME_LIMIT, shown};

/// Reads what is right and notes what is wrong.
pub(super) struct Reader {
    pub(super) mistakes: Vec<Mistake>,
}

impl Reader {
    pub(super) fn wrong(
        &mut self,
        place: &str,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.mistakes.push(Mistake::new(place, problem, fix));
    }

    /// Reads one of a few words.
    pub(super) fn choice<T: Copy + Default>(
        &mut self,
        place: &str,
        value: Option<&Value>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let Some(value) = value else {
            return Some(T::default());
        };
        let chosen = choices
            .iter()
            .find(|(name, _)| value.as_str() == Some(name));
        if chosen.is_none() {
            let names: Vec<String> = choices
                .iter()
                .map(|(name, _)| format!("\"{name}\""))
                .collect();
            self.wrong(
                place,
                "it is none of the choices",
                format!("Write {}.", names.join(" or ")),
            );
        }
        chosen.map(|(_, choice)| *choice)
    }

    pub(super) fn required<'a>(
        &mut self,
        place: &str,
        value: Option<&'a Value>,
    ) -> Option<&'a Value> {
        if value.is_none() {
            self.wrong(place, "it is missing", "Add it.");
        }
        value
    }

    pub(super) fn object<'a>(
        &mut self,
        place: &str,
        value: &'a Value,
        known: &[&str],
    ) -> Option<&'a Map<String, Value>> {
        let shown_place = if place.is_empty() { "the value" } else { place };
        let Some(fields) = value.as_object() else {
            self.wrong(
                shown_place,
                "it is not an object",
                "Write it in braces: { … }.",
            );
            return None;
        };
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let path = match place {
                "" => shown(name),
                _ => format!("{place}.{}", shown(name)),
            };
            let known = known.join(", ");
            self.wrong(
                &path,
                "there is no such field",
                format!("Remove it, or use one of: {known}."),
            );
        }
        Some(fields)
    }

    pub(super) fn list<'a>(&mut self, place: &str, value: &'a Value) -> Option<&'a [Value]> {
        let Some(list) = value.as_array() else {
            self.wrong(place, "it is not a list", "Write it in brackets: [ … ].");
            return None;
        };
        Some(list)
    }

    pub(super) fn string(&mut self, place: &str, value: &Value) -> Option<String> {
        let Some(text) = value.as_str() else {
            self.wrong(place, "it is not a string", "Write it in double quotes.");
            return None;
        };
        Some(text.to_owned())
    }

    pub(super) fn strings(
        &mut self,
        place: &str,
        value: Option<&Value>,
        limit: usize,
    ) -> Option<Vec<String>> {
        let Some(value) = value else {
            return Some(Vec::new());
        };
        let list = self.list(place, value)?;
        if list.len() > limit {
            self.wrong(
                place,
                format!("it has {} entries", list.len()),
                format!("Use at most {limit}."),
            );
        }
        let mut strings = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let place = format!("{place}[{index}]");
            let text = self.string(&place, value)?;
            if text.is_empty() || text.chars().count() > NAME_LIMIT {
                self.wrong(
                    &place,
                    format!("it is empty or longer than {NAME_LIMIT} characters"),
                    "Write a name.",
                );
            }
            if strings.contains(&text) {
                self.wrong(
                    &place,
                    format!("`{}` stands there twice", shown(&text)),
                    "Remove one.",
                );
            }
            strings.push(text);
        }
        Some(strings)
    }

    pub(super) fn number(
        &mut self,
        name: &str,
        fields: &Map<String, Value>,
        default: u32,
        bounds: (u32, u32),
    ) -> Option<u32> {
        self.within(name, fields.get(name), default, bounds, " of seconds")
    }

    pub(super) fn within(
        &mut self,
        place: &str,
        value: Option<&Value>,
        default: u32,
        (least, most): (u32, u32),
        unit: &str,
    ) -> Option<u32> {
        let Some(value) = value else {
            return Some(default);
        };
        let number = value
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.wrong(
                place,
                "it is not a whole number in its range",
                format!("Write a number{unit} from {least} to {most}, without quotes."),
            );
        }
        number
    }
}
