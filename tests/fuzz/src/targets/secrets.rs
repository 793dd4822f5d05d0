//! What strangers wrote, on its way to people.

use pushboat::findings::{LINES_SHOWN, lines, problem};
use pushboat::redact::redact;

/// How many events of a log are looked at, about.
const EVENTS: usize = 100;
/// Longer texts are only read: each secret that is planted is one more reading.
const PLANTED_LIMIT_BYTES: usize = 16 * 1024;
const SECRET: &str = "hunter2hunter2";

pub(crate) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    _ = redact(&text);
    let events = text.split('\u{0}').take(EVENTS);
    let events: Vec<String> = events.map(str::to_owned).collect();
    let shown = lines(&events);
    assert!(shown.len() <= LINES_SHOWN);
    for line in shown.into_iter().chain([problem(&text)]) {
        assert!(line.len() <= 500);
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    if text.len() <= PLANTED_LIMIT_BYTES && !text.contains(SECRET) {
        planted(&text);
    }
}

/// Checks that a secret is hidden whatever stands before and after it.
fn planted(text: &str) {
    let middle = text.floor_char_boundary(text.len() / 2);
    let (before, after) = text.split_at(middle);
    for secret in [
        format!("DB_PASSWORD={SECRET}"),
        format!("postgres://user:{SECRET}@db.example.com/web"),
        format!("{{\"api_key\": \"{SECRET}\"}}"),
    ] {
        let shown = redact(&format!("{before}\n{secret}\n{after}"));
        assert!(!shown.contains(SECRET), "{shown}");
    }
}
