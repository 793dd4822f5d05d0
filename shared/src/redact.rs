//! Takes secrets out of texts that strangers wrote, and leaves the rest readable.
//!
//! A container's log and AWS's own words on why a task stopped go to mailboxes
//! and chats. What is hidden is found by what it looks like (a key, a token, a
//! password in an address) or by the name it stands behind (`password=`). It is
//! a net, not a proof: whoever logs a secret under a harmless name is not helped.

mod named;
mod shape;
#[cfg(test)]
mod tests;

use std::ops::Range;

/// What stands where something was hidden.
const HIDDEN: &str = "[redacted]";

/// Finds the next stretch to hide, at or after a place; it is never empty.
type Find = fn(&str, usize) -> Option<Range<usize>>;

/// Hides what looks like a secret.
///
/// A text has to be whole: half a token is not known for one, so nothing may be
/// cut off before.
#[must_use]
pub fn redact(text: &str) -> String {
    // Each with the marks of which a text has one at least, if there is anything to find: few have.
    const FINDS: [(Find, &[&str]); 10] = [
        (shape::private_key, &["-----"]),
        (shape::url_password, &["://"]),
        (shape::slack_hook, &["hooks.slack.com/"]),
        (named::header, &[":", "="]),
        (named::pair, &[":", "=", "--"]),
        (shape::bearer, &[" "]),
        (shape::jwt, &["eyJ"]),
        (
            shape::prefixed,
            &["gh", "github_pat_", "glpat-", "xapp-", "xox"],
        ),
        (shape::access_key_id, &["AKIA", "ASIA"]),
        (shape::aws_secret, &[""]),
    ];
    let mut text = text.to_owned();
    if text.is_empty() {
        return text;
    }
    for (find, marks) in FINDS {
        if marks.iter().any(|mark| text.contains(mark)) {
            text = hide(text, find);
        }
    }
    text
}

fn hide(text: String, find: Find) -> String {
    let (mut shown, mut from) = (String::new(), 0);
    while let Some(found) = find(&text, from) {
        if found.end <= from {
            break;
        }
        shown.push_str(part(&text, from..found.start));
        shown.push_str(HIDDEN);
        from = found.end;
    }
    if from == 0 {
        return text;
    }
    shown.push_str(part(&text, from..text.len()));
    shown
}

/// Gives a part of a text; nothing where the places are not between characters.
fn part(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap_or_default()
}

/// Gives the next run of bytes of one kind, all of them ASCII.
fn run(text: &str, from: usize, is: impl Fn(u8) -> bool) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let start = from + bytes.get(from..)?.iter().position(|byte| is(*byte))?;
    Some(start..end_of(text, start, is))
}

/// Gives the end of a run that begins at `start`.
fn end_of(text: &str, start: usize, is: impl Fn(u8) -> bool) -> usize {
    let rest = text.as_bytes().get(start..).unwrap_or_default();
    start + rest.iter().take_while(|byte| is(**byte)).count()
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}
