//! The table of guards, and the switch that takes one out.

use std::ops::Range;

/// A piece of Pushboat that an invariant rests on.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) name: String,
    pub(crate) is: String,
    pub(crate) invariant: u8,
    pub(crate) faults: String,
    pub(crate) seeds: u32,
    pub(crate) places: Vec<Place>,
}

/// Where a guard stands, and what stands there when it is taken out.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) guard: String,
    pub(crate) file: String,
    function: String,
    with: String,
    without: String,
}

impl Guard {
    /// Reads the table: one block of `key value` lines for each guard.
    pub(crate) fn read(table: &str) -> Vec<Self> {
        let lines = table.lines().filter(|line| !line.starts_with('#'));
        let lines: Vec<&str> = lines.collect();
        let blocks = lines.split(|line| line.trim().is_empty());
        blocks
            .filter(|block| !block.is_empty())
            .map(of_block)
            .collect()
    }
}

impl Place {
    /// Finds the guard's expression in the text of its file.
    pub(crate) fn find(&self, text: &str) -> Result<Range<usize>, String> {
        let moved = |what: String| {
            let Self { guard, file, .. } = self;
            format!(
                "guard {guard}: {what} in {file}. It is gone or has changed: point tests/simulation/tests/guards/table.txt at its new place"
            )
        };
        let function = function(text, &self.function)
            .ok_or_else(|| moved(format!("`fn {}` is not there once", self.function)))?;
        let body = text.get(function.clone()).unwrap_or_default();
        let found = occurrences(body, &self.with);
        let [only] = found.as_slice() else {
            let (times, place) = (found.len(), &self.function);
            return Err(moved(format!(
                "`{}` is there {times} times in `fn {place}`",
                self.with
            )));
        };
        Ok(function.start + only.start..function.start + only.end)
    }

    /// Gives the expression that does with or without the guard, as is asked for when it runs.
    pub(crate) fn switch(&self, with: &str) -> String {
        let krate = if self.file.starts_with("shared/") {
            "crate"
        } else {
            "pushboat"
        };
        let Self { guard, without, .. } = self;
        format!("(if {krate}::guard::is_out(\"{guard}\") {{ {without} }} else {{ {with} }})")
    }
}

fn of_block(block: &[&str]) -> Guard {
    let mut values: Vec<(&str, String)> = Vec::new();
    for line in block {
        match (line.strip_prefix("  "), values.last_mut()) {
            (Some(more), Some((_, value))) => *value = format!("{value}\n{more}"),
            _ => {
                let (key, value) = line.split_once(' ').expect("a line is a key and a value");
                values.push((key, value.to_owned()));
            }
        }
    }
    let mut guard = Guard {
        name: String::new(),
        is: String::new(),
        invariant: 0,
        faults: "all".to_owned(),
        seeds: 3_000,
        places: Vec::new(),
    };
    for (key, value) in values {
        match (key, guard.places.last_mut()) {
            ("guard", _) => guard.name = value,
            ("is", _) => guard.is = value,
            ("invariant", _) => guard.invariant = value.parse().expect("it is a number"),
            ("faults", _) => guard.faults = value,
            ("seeds", _) => guard.seeds = value.parse().expect("it is a number"),
            ("file", _) => guard.places.push(Place {
                guard: guard.name.clone(),
                file: value,
                function: String::new(),
                with: String::new(),
                without: String::new(),
            }),
            ("fn", Some(place)) => place.function = value,
            ("with", Some(place)) => place.with = value,
            ("without", Some(place)) => place.without = value,
            (other, _) => panic!("{block:?}: `{other}` is not known, or comes before `file`"),
        }
    }
    assert!(!guard.places.is_empty(), "{block:?} names no `file`");
    guard
}

/// Finds the only function of this name: up to the brace that closes it, by rustfmt's indentation.
fn function(text: &str, name: &str) -> Option<Range<usize>> {
    let starts = |line: &str| {
        let after = line.split_once("fn ").map(|(_, after)| after);
        let after = after.and_then(|after| after.strip_prefix(name));
        after.is_some_and(|after| after.starts_with(['(', '<']))
    };
    let mut offset = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        lines.push((offset, line));
        offset += line.len();
    }
    let mut heads = lines
        .iter()
        .enumerate()
        .filter(|(_, (_, line))| starts(line));
    let (Some((index, (start, head))), None) = (heads.next(), heads.next()) else {
        return None;
    };
    let indent = head.len() - head.trim_start().len();
    let close = format!("{}}}", " ".repeat(indent));
    let mut rest = lines.iter().skip(index);
    let (end, line) = rest.find(|(_, line)| line.trim_end() == close)?;
    Some(*start..end + line.len())
}

/// Finds a text wherever it stands, in whole words; blanks do not matter.
fn occurrences(text: &str, wanted: &str) -> Vec<Range<usize>> {
    let solid = |text: &str| -> Vec<(usize, char)> {
        let characters = text.char_indices();
        characters.filter(|(_, one)| !one.is_whitespace()).collect()
    };
    let (characters, wanted) = (solid(text), solid(wanted));
    let same = |window: &&[(usize, char)]| {
        let mut pairs = window.iter().zip(&wanted);
        pairs.all(|((_, one), (_, other))| one == other)
    };
    let is_word = |one: char| one.is_alphanumeric() || one == '_';
    let is_whole = |range: &Range<usize>| {
        let (before, rest) = text.split_at(range.start);
        let (within, after) = rest.split_at(range.len());
        let joined =
            |left: &str, right: &str| left.ends_with(is_word) && right.starts_with(is_word);
        !joined(before, within) && !joined(within, after)
    };
    let found = characters.windows(wanted.len()).filter(same);
    found
        .filter_map(|window| Some((window.first()?, window.last()?)))
        .map(|((start, _), (last, character))| *start..last + character.len_utf8())
        .filter(is_whole)
        .collect()
}
