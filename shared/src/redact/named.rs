//! Secrets that are known by the name they stand behind.

use std::ops::Range;

use super::{HIDDEN, byte, end_of, is_quote, part, run};

/// Headers whose whole value is hidden.
const HEADERS: [&str; 4] = ["authorization", "proxyauthorization", "cookie", "setcookie"];

/// How the names of secrets end, in lower case and without separators.
const ENDINGS: [&str; 16] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "accountkey",
    "authkey",
    "encryptionkey",
    "masterkey",
    "privatekey",
    "secretkey",
    "signingkey",
    "signature",
];

/// Values that are no secret, and often the very cause of the trouble.
const HARMLESS: [&str; 9] = [
    "null",
    "none",
    "nil",
    "undefined",
    "true",
    "false",
    "<nil>",
    "<none>",
    "nan",
];

/// Finds the value of a header that says who calls, up to a quote or the line's end.
pub(super) fn header(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let name = run(text, at, is_name)?;
        at = name.end;
        // Few words have a value, so that this is asked first.
        let Some(value) = value_at(text, name.end) else {
            continue;
        };
        if !HEADERS.contains(&plain(part(text, name)).as_str()) {
            continue;
        }
        let start = value.start;
        let end = end_of(text, start, |byte| {
            !is_quote(byte) && !matches!(byte, b'\n' | b'\r' | b'\\')
        });
        if end > start {
            return Some(start..end);
        }
    }
}

/// Finds the value of a pair whose name says that it is secret, as in `api_key=…`.
pub(super) fn pair(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let name = run(text, at, is_name)?;
        at = name.end;
        let flag = part(text, name.clone()).starts_with("--");
        let Some(value) = value_at(text, name.end).or_else(|| argument_at(text, name.end, flag))
        else {
            continue;
        };
        if !is_secret(part(text, name.clone())) || in_an_arn(text, &name) {
            continue;
        }
        // The shell's `PWD` is a folder and no password.
        let folder = byte(text, value.start) == Some(b'/');
        if folder && plain(part(text, name)).ends_with("pwd") {
            continue;
        }
        let value = value.start..value.end(text);
        let word = part(text, value.clone());
        let harmless = HARMLESS.iter().any(|one| word.eq_ignore_ascii_case(one));
        if word.is_empty() || harmless || HIDDEN.starts_with(word) {
            continue;
        }
        return Some(value);
    }
}

/// A value: where it starts, and what it ends with.
struct Value {
    start: usize,
    quote: Option<u8>,
    /// The opening quote is escaped, as in JSON within JSON.
    escaped: bool,
}

impl Value {
    fn end(&self, text: &str) -> usize {
        let Some(quote) = self.quote else {
            return end_of(text, self.start, |byte| {
                !byte.is_ascii_whitespace()
                    && !is_quote(byte)
                    && !matches!(byte, b';' | b'&' | b',' | b'}' | b')' | b']')
            });
        };
        let mut at = self.start;
        while let Some(one) = byte(text, at) {
            match one {
                b'\n' => return at,
                b'\\' if self.escaped && byte(text, at + 1) == Some(quote) => return at,
                b'\\' => at += 1,
                _ if one == quote => return at,
                _ => {}
            }
            at += 1;
        }
        text.len()
    }
}

/// Reads what follows a name: perhaps the quote that closes it, `=` or `:`, and a value.
fn value_at(text: &str, from: usize) -> Option<Value> {
    let at = end_of(text, from, |byte| byte == b'\\');
    let closed = byte(text, at).is_some_and(is_quote);
    let at = if closed { at + 1 } else { from };
    let at = end_of(text, at, is_space);
    if !matches!(byte(text, at)?, b'=' | b':') {
        return None;
    }
    // `=>` and `:=` are met as well.
    let at = end_of(text, at, |byte| matches!(byte, b'=' | b':' | b'>'));
    Some(opened(text, end_of(text, at, is_space)))
}

/// Reads the argument of a flag, as in `--password …`.
fn argument_at(text: &str, from: usize, flag: bool) -> Option<Value> {
    let at = end_of(text, from, is_space);
    let follows = flag && at > from && byte(text, at).is_some_and(|byte| byte != b'-');
    follows.then(|| opened(text, at))
}

fn opened(text: &str, at: usize) -> Value {
    let behind = end_of(text, at, |byte| byte == b'\\');
    match byte(text, behind).filter(|byte| is_quote(*byte)) {
        Some(quote) => Value {
            start: behind + 1,
            quote: Some(quote),
            escaped: behind > at,
        },
        None => Value {
            start: at,
            quote: None,
            escaped: false,
        },
    }
}

/// Says whether a name is a part of an ARN, as in `…:secret:prod/db`: which secret is missing matters.
fn in_an_arn(text: &str, name: &Range<usize>) -> bool {
    let before = name.start.checked_sub(1).and_then(|at| byte(text, at));
    let behind = (byte(text, name.end), byte(text, name.end + 1));
    before == Some(b':')
        && behind.0 == Some(b':')
        && behind.1.is_some_and(|byte| !byte.is_ascii_whitespace())
}

fn is_secret(name: &str) -> bool {
    let plain_name = plain(name);
    let pass = plain_name == "pass" || plain_name == "dbpass";
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or_default();
    pass || last.eq_ignore_ascii_case("pass") && last.len() < name.len()
        || ENDINGS.iter().any(|ending| plain_name.ends_with(ending))
}

/// Writes a name in lower case and without separators.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
