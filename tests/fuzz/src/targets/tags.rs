//! Tags, the patterns and ranges that follow them, and which of two is newer.
//!
//! The first line is a pattern, the second a range, each other one a tag.

use std::cmp::Ordering;

use fast_glob::validate;
use jiff::Timestamp;
use pushboat::core::name::ImageDigest;
use pushboat::core::ordering::{
    NewestPush, Order, PushTimes, compare, exact_tag, follows, pattern_problem, version,
};
use pushboat::core::policy::TagPolicy;
use pushboat::core::push::{Push, PushSource};

/// How long a pattern is at the most; `target::parse` refuses longer ones.
const PATTERN_LIMIT_BYTES: usize = 255;
/// How long a tag is at the most; the event's reader refuses longer ones.
const TAG_LIMIT_BYTES: usize = 300;

pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let mut lines = text.lines();
    let pattern = lines.next().unwrap_or_default();
    let range = lines.next().unwrap_or_default();
    let tags: Vec<&str> = lines
        .filter(|tag| tag.len() <= TAG_LIMIT_BYTES)
        .take(4)
        .collect();
    let by_pattern = TagPolicy::Glob(vec![pattern.to_owned()]);
    let by_range = TagPolicy::Semver(range.to_owned());
    if pattern.len() <= PATTERN_LIMIT_BYTES {
        patterns(pattern, &by_pattern, &tags);
    }
    for tag in &tags {
        if follows(&by_range, tag) {
            assert!(version(tag).is_some());
        }
    }
    let pushes: Vec<Push> = tags.iter().enumerate().map(push).collect();
    ordered(&by_pattern, &pushes);
    // A range follows versions alone, so that no other push is ever held against them.
    let (versions, others): (Vec<Push>, Vec<Push>) = pushes
        .into_iter()
        .partition(|push| version(&push.tag).is_some());
    ordered(&by_range, &versions);
    for newest in &others {
        after_no_version(&by_range, newest, &versions);
    }
}

fn patterns(pattern: &str, policy: &TagPolicy, tags: &[&str]) {
    let accepted = pattern_problem(pattern).is_none();
    if accepted {
        // Else it would be accepted and follow nothing.
        assert_eq!(validate(pattern), Ok(()), "{pattern:?}");
    }
    for tag in tags {
        let followed = follows(policy, tag);
        assert!(accepted || !followed, "{pattern:?} follows {tag:?}");
        if accepted && let Some(exact) = exact_tag(policy) {
            assert_eq!(followed, exact == *tag, "{exact:?}, {tag:?}");
        }
    }
}

/// Makes a push of a tag; what else it is comes from the tag, so that ties are met.
fn push((index, tag): (usize, &&str)) -> Push {
    let byte = tag.bytes().fold(0_u8, u8::wrapping_add) % 4;
    let second = i64::from(byte % 2);
    let digest = format!("sha256:{}", byte.to_string().repeat(64));
    Push {
        repository: "team/web".to_owned(),
        tag: (*tag).to_owned(),
        digest: ImageDigest::parse(&digest).expect("it is one"),
        tagged_at: Timestamp::from_second(1_800_000_000 + second).expect("it is one"),
        event_id: index.to_string(),
        source: PushSource::Event,
    }
}

/// Says how one push stands to another, asking for push times where that is asked for.
fn order(policy: &TagPolicy, one: &Push, other: &Push) -> Order {
    let newest = NewestPush::from(other);
    match compare(policy, one, &newest, None) {
        Order::AskPushTimes => {
            let time = |push: &Push| match push.digest.as_str().as_bytes().last() {
                Some(b'0') => None,
                last => Timestamp::from_second(i64::from(*last.unwrap_or(&0) / 2)).ok(),
            };
            let times = PushTimes {
                push: time(one),
                newest: time(other),
            };
            compare(policy, one, &newest, Some(times))
        }
        known => known,
    }
}

/// Checks that only the time says which comes later where the newest so far is no version.
///
/// It was accepted under another configuration, or a person asked for a digest.
fn after_no_version(policy: &TagPolicy, newest: &Push, versions: &[Push]) {
    for push in versions {
        let expected = match push.tagged_at.cmp(&newest.tagged_at) {
            Ordering::Greater => Order::Newer,
            Ordering::Less => Order::Older,
            Ordering::Equal => Order::AskPushTimes,
        };
        let newest = NewestPush::from(newest);
        assert_eq!(compare(policy, push, &newest, None), expected);
    }
}

/// Checks that whatever order pushes come in, the same one is the newest.
fn ordered(policy: &TagPolicy, pushes: &[Push]) {
    for one in pushes {
        assert_eq!(order(policy, one, one), Order::Same);
        for other in pushes {
            let (there, back) = (order(policy, one, other), order(policy, other, one));
            let agrees = match there {
                Order::Newer => back == Order::Older,
                Order::Older => back == Order::Newer,
                Order::Same => back == Order::Same,
                Order::AskPushTimes => false,
            };
            assert!(agrees, "{there:?} there, {back:?} back: {one:?}, {other:?}");
            for third in pushes {
                if there == Order::Newer && order(policy, other, third) == Order::Newer {
                    assert_eq!(order(policy, one, third), Order::Newer);
                }
            }
        }
    }
}
