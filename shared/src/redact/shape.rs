//! Secrets that are known by what they look like.

use std::ops::Range;

use super::{byte, end_of, is_quote, part, run};

/// Tokens that begin with a word of their issuer, and how long they are at least.
///
/// Source: GitHub docs, "About authentication to GitHub"; Slack docs, "Token
/// types"; GitLab docs, "Token overview".
const PREFIXES: [(&str, usize); 15] = [
    ("ghp_", 36),
    ("gho_", 36),
    ("ghu_", 36),
    ("ghs_", 36),
    ("ghr_", 36),
    ("github_pat_", 40),
    ("glpat-", 20),
    ("xapp-", 20),
    ("xoxa-", 20),
    ("xoxb-", 20),
    ("xoxc-", 20),
    ("xoxe-", 20),
    ("xoxp-", 20),
    ("xoxr-", 20),
    ("xoxs-", 20),
];

/// What the session tokens of AWS STS begin with.
const SESSION_TOKENS: [&str; 4] = ["IQoJ", "FwoG", "FQoG", "AQoD"];

/// What a label of PEM stands between.
const DASHES: &str = "-----";

/// Finds private keys in PEM, also where the beginning or the end is missing.
pub(super) fn private_key(text: &str, from: usize) -> Option<Range<usize>> {
    const BEGIN: &str = "-----BEGIN ";
    const END: &str = "-----END ";
    let mut at = from;
    loop {
        // Whichever comes first: a search for each would read all the rest for the one that
        // never comes, again and again.
        let mark = at + text.get(at..)?.find(DASHES)?;
        let rest = text.get(mark..)?;
        at = mark + 1;
        if rest.starts_with(BEGIN) {
            let Some(body) = after_label(text, mark + BEGIN.len()) else {
                continue;
            };
            let close = text.get(body..)?.find(END).map(|place| body + place);
            let last = close.and_then(|end| after_label(text, end + END.len()));
            return Some(mark..last.unwrap_or(text.len()));
        }
        if rest.starts_with(END)
            && let Some(last) = after_label(text, mark + END.len())
        {
            return Some(base64_lines_before(text, from, mark)..last);
        }
    }
}

/// Gives the end of a label's dashes, if it is the label of a private key.
fn after_label(text: &str, from: usize) -> Option<usize> {
    let label = text.get(from..)?;
    let end = label.find(DASHES)?;
    part(label, 0..end)
        .ends_with("PRIVATE KEY")
        .then_some(from + end + DASHES.len())
}

fn base64_lines_before(text: &str, from: usize, end: usize) -> usize {
    let mut start = end;
    for line in part(text, from..end).split_inclusive('\n').rev() {
        let body = line.trim_end();
        if body.is_empty() || !body.bytes().all(is_base64) {
            break;
        }
        start -= line.len();
    }
    start
}

/// Finds the password in an address, `scheme://user:password@host`.
///
/// A password with a slash in it is not allowed there and met nevertheless.
pub(super) fn url_password(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    // Up to here there is no `@`: an address within an address is not searched for one again.
    let mut without_host = from;
    loop {
        let start = at + text.get(at..)?.find("://")? + 3;
        let authority = end_of(text, start, |byte| {
            !byte.is_ascii_whitespace()
                && !is_quote(byte)
                && !matches!(byte, b'<' | b'>' | b'/' | b'?' | b'#')
        });
        if let Some(found) = user_information(part(text, start..authority)) {
            return Some(start + found.start..start + found.end);
        }
        if start >= without_host
            && let Some(colon) = password_at(part(text, start..authority))
        {
            let whole = end_of(text, start, |byte| {
                !byte.is_ascii_whitespace() && !is_quote(byte) && !matches!(byte, b'<' | b'>')
            });
            match part(text, start..whole).rfind('@') {
                Some(at) if at > colon + 1 => return Some(start + colon + 1..start + at),
                Some(_) => {}
                None => without_host = whole,
            }
        }
        at = start;
    }
}

fn user_information(authority: &str) -> Option<Range<usize>> {
    let at = authority.rfind('@')?;
    let secret = match part(authority, 0..at).find(':') {
        Some(colon) => colon + 1..at,
        // A user alone is a name, unless it is as long as a token.
        None if at >= 20 => 0..at,
        None => return None,
    };
    (!secret.is_empty()).then_some(secret)
}

/// Gives the place of the colon behind which a password may begin, and no port.
fn password_at(authority: &str) -> Option<usize> {
    let colon = authority.find(':')?;
    let behind = part(authority, colon + 1..authority.len());
    let port = behind.bytes().all(|byte| byte.is_ascii_digit()) || behind.starts_with('[');
    (!port).then_some(colon)
}

/// Finds the secret part of an address that anybody may post to Slack with.
pub(super) fn slack_hook(text: &str, from: usize) -> Option<Range<usize>> {
    const HOOK: &str = "hooks.slack.com/services/";
    let mut at = from;
    loop {
        let start = at + text.get(at..)?.find(HOOK)? + HOOK.len();
        let end = end_of(text, start, |byte| {
            byte.is_ascii_alphanumeric() || byte == b'/'
        });
        if end > start {
            return Some(start..end);
        }
        at = start;
    }
}

/// Finds the token behind the word `Bearer`.
pub(super) fn bearer(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let word = run(text, at, |byte| byte.is_ascii_alphabetic())?;
        at = word.end;
        if !part(text, word).eq_ignore_ascii_case("bearer") || byte(text, at) != Some(b' ') {
            continue;
        }
        let token = at + 1..end_of(text, at + 1, |byte| {
            byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
        });
        let digits = part(text, token.clone())
            .bytes()
            .any(|b| b.is_ascii_digit());
        if token.len() >= 20 || (digits && token.len() >= 6) {
            return Some(token);
        }
    }
}

/// Finds JSON Web Tokens: a header, a body and a signature, the first two JSON.
pub(super) fn jwt(text: &str, from: usize) -> Option<Range<usize>> {
    words(text, from, is_jwt, |word| {
        let mut parts = word.split('.');
        let (head, body) = (parts.next(), parts.next());
        let json = |part: Option<&str>| {
            part.is_some_and(|part| part.starts_with("eyJ") && part.len() >= 10)
        };
        // An encrypted one has five parts, of which only the first is JSON.
        json(head) && (json(body) || word.split('.').count() == 5)
    })
}

/// Finds tokens that begin with a word of their issuer.
pub(super) fn prefixed(text: &str, from: usize) -> Option<Range<usize>> {
    words(
        text,
        from,
        |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
        |word| {
            PREFIXES
                .iter()
                .any(|(prefix, length)| word.len() >= *length && word.starts_with(prefix))
        },
    )
}

/// Finds AWS access key ids.
///
/// Source: IAM user guide, "IAM identifiers", "Unique identifiers".
pub(super) fn access_key_id(text: &str, from: usize) -> Option<Range<usize>> {
    words(
        text,
        from,
        |byte| byte.is_ascii_alphanumeric(),
        |word| {
            (word.starts_with("AKIA") || word.starts_with("ASIA"))
                && word.len() == 20
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        },
    )
}

/// Finds AWS secret access keys and session tokens.
///
/// A secret key is 40 characters of base64 and has no mark of its own. A commit's
/// hash is as long but has no capitals, a path has more slashes.
pub(super) fn aws_secret(text: &str, from: usize) -> Option<Range<usize>> {
    words(text, from, is_base64, |word| {
        let count = |is: fn(&u8) -> bool| word.as_bytes().iter().filter(|byte| is(byte)).count();
        let session = || SESSION_TOKENS.iter().any(|start| word.starts_with(start));
        let key = || {
            word.len() == 40
                && count(u8::is_ascii_uppercase) >= 5
                && count(u8::is_ascii_lowercase) >= 5
                && count(u8::is_ascii_digit) >= 1
                && count(|byte| *byte == b'/') <= 3
        };
        (word.len() >= 100 && session()) || key()
    })
}

/// Finds the next word of one kind of characters that a test is true of.
fn words(
    text: &str,
    from: usize,
    is: impl Fn(u8) -> bool,
    secret: impl Fn(&str) -> bool,
) -> Option<Range<usize>> {
    let mut at = from;
    loop {
        let word = run(text, at, &is)?;
        if secret(part(text, word.clone())) {
            return Some(word);
        }
        at = word.end;
    }
}

fn is_jwt(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}
