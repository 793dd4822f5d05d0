//! Which push is newest.
//!
//! For an exact tag nothing is ordered: it means what the tag points at now.
//! For patterns the time at which the tag was set decides, for versions the
//! version. A re-tag keeps ECR's `imagePushedAt`, so that time only breaks ties.

use std::cmp::Ordering;

use fast_glob::{glob_match, validate};
use jiff::Timestamp;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::name::ImageDigest;
use super::policy::TagPolicy;
use super::push::{Push, PushSource};

/// The newest push that a target has accepted for one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewestPush {
    /// The tag it came under.
    pub tag: String,
    /// What it was.
    pub digest: ImageDigest,
    /// When the tag was set, by EventBridge's clock.
    pub tagged_at: Timestamp,
    /// No event told of it yet: it was found in ECR, and set when it was pushed, or later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
    /// What else was heard of the same second; ECR takes some ten pushes in one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same_second: Vec<TaggedImage>,
}

/// A tag and what it was set to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaggedImage {
    /// The tag.
    pub tag: String,
    /// The image.
    pub digest: ImageDigest,
}

impl From<&Push> for NewestPush {
    fn from(push: &Push) -> Self {
        Self {
            tag: push.tag.clone(),
            digest: push.digest.clone(),
            tagged_at: push.tagged_at,
            found: push.source == PushSource::Found,
            same_second: Vec::new(),
        }
    }
}

impl NewestPush {
    /// Notes a push that takes the place of the newest one so far.
    #[must_use]
    pub fn after(before: Option<Self>, push: &Push) -> Self {
        let mut newest = Self::from(push);
        if let Some(before) = before.filter(|one| one.tagged_at == push.tagged_at) {
            newest.same_second = before.same_second;
            newest.same_second.push(TaggedImage {
                tag: before.tag,
                digest: before.digest,
            });
        }
        newest
    }

    /// Says whether a push of the same second was heard before this one.
    ///
    /// What was told of it then stands: ECR's push times are gone with an image.
    #[must_use]
    pub fn came_after(&self, push: &Push) -> bool {
        let same = |one: &TaggedImage| one.tag == push.tag && one.digest == push.digest;
        self.tagged_at == push.tagged_at && self.same_second.iter().any(same)
    }

    /// Says whether a push is the one that was found in ECR, told after all.
    #[must_use]
    pub fn is_told_by(&self, push: &Push) -> bool {
        self.found
            && push.source == PushSource::Event
            && (&push.tag, &push.digest) == (&self.tag, &self.digest)
            && push.tagged_at.as_second() >= self.tagged_at.as_second()
    }

    /// Notes when the tag was set, where the push is told that was found in ECR.
    pub fn note_told(&mut self, push: &Push) {
        if self.is_told_by(push) {
            self.found = false;
            self.tagged_at = push.tagged_at;
        }
    }

    /// Notes a push of the same second that is older.
    pub fn note_older(&mut self, push: &Push) {
        if self.tagged_at == push.tagged_at {
            self.same_second.push(TaggedImage {
                tag: push.tag.clone(),
                digest: push.digest.clone(),
            });
        }
    }
}

/// How a push stands to the newest one accepted so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It is the same tag setting, told again.
    Same,
    /// It comes after.
    Newer,
    /// It comes before.
    Older,
    /// Both tags were set in the same second: only ECR's push times can tell.
    AskPushTimes,
}

/// ECR's `imagePushedAt` of the two images of a tie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushTimes {
    /// Of the push at hand.
    pub push: Option<Timestamp>,
    /// Of the newest one accepted.
    pub newest: Option<Timestamp>,
}

/// Compares a push with the newest one accepted; `times` is given once asked for.
#[must_use]
pub fn compare(
    tags: &TagPolicy,
    push: &Push,
    newest: &NewestPush,
    times: Option<PushTimes>,
) -> Order {
    if push.tag == newest.tag && push.digest == newest.digest && push.tagged_at == newest.tagged_at
    {
        return Order::Same;
    }
    let by_version = match tags {
        TagPolicy::Semver(_) => by_version(&push.tag, &newest.tag),
        TagPolicy::Glob(_) => Ordering::Equal,
    };
    let by_time = by_version.then(push.tagged_at.cmp(&newest.tagged_at));
    match (by_time, times) {
        (Ordering::Greater, _) => Order::Newer,
        (Ordering::Less, _) => Order::Older,
        (Ordering::Equal, None) => Order::AskPushTimes,
        (Ordering::Equal, Some(times)) => by_push_time(push, newest, times),
    }
}

fn by_push_time(push: &Push, newest: &NewestPush, times: PushTimes) -> Order {
    // The last two comparisons mean nothing but give every order of arrival the same winner.
    let order = times
        .push
        .cmp(&times.newest)
        .then_with(|| push.tag.cmp(&newest.tag))
        .then_with(|| push.digest.cmp(&newest.digest));
    match order {
        Ordering::Greater => Order::Newer,
        Ordering::Less => Order::Older,
        Ordering::Equal => Order::Same,
    }
}

/// Compares by version; what is no version is older than any.
///
/// The newest push accepted may be no version: it came under an older configuration, or a person
/// asked for a digest. Then only the time tells which of the two comes later.
fn by_version(push: &str, newest: &str) -> Ordering {
    match version(newest) {
        Some(newest) => version(push).cmp(&Some(newest)),
        None => Ordering::Equal,
    }
}

/// Reads a tag as a semantic version; a leading `v` is common and allowed.
#[must_use]
pub fn version(tag: &str) -> Option<Version> {
    Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()
}

/// Says whether a tag is followed.
///
/// A pattern or range that cannot be read matches nothing; configuration is
/// checked before it gets here.
#[must_use]
pub fn follows(tags: &TagPolicy, tag: &str) -> bool {
    match tags {
        TagPolicy::Glob(patterns) => patterns
            .iter()
            .any(|pattern| pattern_problem(pattern).is_none() && glob_match(pattern, tag)),
        TagPolicy::Semver(range) => match (VersionReq::parse(range), version(tag)) {
            (Ok(range), Some(version)) => range.matches(&version),
            _ => false,
        },
    }
}

/// The matcher tries one after the other, and each push is matched with all targets' patterns.
const MEANT_LIMIT: u32 = 256;

/// Says what is wrong with a pattern; the matcher itself takes any text.
#[must_use]
pub fn pattern_problem(pattern: &str) -> Option<&'static str> {
    if pattern.starts_with('!') {
        return Some("a pattern says which tags are followed, it cannot start with `!`");
    }
    let (mut in_class, mut escaped) = (false, false);
    // How many alternatives each open `{` has so far, and how many patterns they make together.
    let (mut braces, mut meant) = (Vec::new(), 1_u32);
    for character in pattern.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' => in_class = false,
            _ if in_class => {}
            '[' => in_class = true,
            '{' => braces.push(1_u32),
            ',' => {
                if let Some(count) = braces.last_mut() {
                    *count += 1;
                }
            }
            '}' => match braces.pop() {
                Some(count) => meant = meant.saturating_mul(count),
                None => return Some("a `}` has no `{` before it"),
            },
            _ => {}
        }
    }
    match (in_class, braces.is_empty(), escaped) {
        (true, _, _) => Some("a `[` is not closed"),
        (_, false, _) => Some("a `{` is not closed"),
        (_, _, true) => Some("nothing follows the last `\\`"),
        (false, true, false) if meant > MEANT_LIMIT => {
            Some("its `{…}` stand for too many patterns")
        }
        // The matcher takes so many, and lets a pattern with more follow nothing.
        (false, true, false) => validate(pattern)
            .is_err()
            .then_some("it has more than ten `{…}`"),
    }
}

/// Gives the tag if the policy follows exactly one.
#[must_use]
pub fn exact_tag(tags: &TagPolicy) -> Option<&str> {
    match tags {
        TagPolicy::Glob(patterns) => match patterns.as_slice() {
            [only] if !only.contains(['*', '?', '[', '{', '\\']) => Some(only),
            _ => None,
        },
        TagPolicy::Semver(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn digest(character: char) -> ImageDigest {
        ImageDigest::parse(&format!("sha256:{}", character.to_string().repeat(64))).unwrap()
    }

    fn push(tag: &str, character: char, second: i64) -> Push {
        Push {
            repository: "team/app".to_owned(),
            tag: tag.to_owned(),
            digest: digest(character),
            tagged_at: at(second),
            event_id: format!("{tag}-{second}"),
            source: crate::core::push::PushSource::Event,
        }
    }

    fn order(tags: &TagPolicy, a: &Push, b: &Push, times: Option<PushTimes>) -> Order {
        compare(tags, a, &NewestPush::from(b), times)
    }

    fn glob(pattern: &str) -> TagPolicy {
        TagPolicy::Glob(vec![pattern.to_owned()])
    }

    #[test]
    fn for_patterns_the_time_the_tag_was_set_decides() {
        let tags = glob("*");
        let (first, second) = (push("b", 'a', 0), push("a", 'b', 1));
        assert_eq!(order(&tags, &second, &first, None), Order::Newer);
        assert_eq!(order(&tags, &first, &second, None), Order::Older);
        assert_eq!(order(&tags, &first, &first, None), Order::Same);
    }

    #[test]
    fn a_tie_is_broken_by_the_push_times_whatever_comes_first() {
        let tags = glob("*");
        let (one, two) = (push("a", 'a', 0), push("b", 'b', 0));
        assert_eq!(order(&tags, &one, &two, None), Order::AskPushTimes);
        let times = |a, b| {
            Some(PushTimes {
                push: Some(at(a)),
                newest: Some(at(b)),
            })
        };
        assert_eq!(order(&tags, &one, &two, times(5, 4)), Order::Newer);
        assert_eq!(order(&tags, &two, &one, times(4, 5)), Order::Older);
        assert_eq!(order(&tags, &two, &one, times(5, 5)), Order::Newer);
        assert_eq!(order(&tags, &one, &two, times(5, 5)), Order::Older);
    }

    #[test]
    fn what_was_found_in_ecr_is_known_again_when_its_event_comes() {
        let found = Push {
            source: PushSource::Found,
            ..push("a", 'a', 5)
        };
        let mut newest = NewestPush::from(&found);
        for other in [
            push("a", 'b', 6),
            push("b", 'a', 6),
            push("a", 'a', 4),
            found,
        ] {
            assert!(!newest.is_told_by(&other), "{other:?}");
        }
        let told = push("a", 'a', 6);
        assert!(newest.is_told_by(&told));
        newest.note_told(&told);
        assert_eq!(newest, NewestPush::from(&told));
        assert!(!newest.is_told_by(&push("a", 'a', 7)), "once");
    }

    #[test]
    fn versions_are_ordered_by_version_then_by_time() {
        let tags = TagPolicy::Semver(">=1".to_owned());
        let (old, new) = (push("v1.9.0", 'a', 9), push("1.10.0", 'b', 0));
        assert_eq!(order(&tags, &new, &old, None), Order::Newer);
        assert_eq!(order(&tags, &old, &new, None), Order::Older);
        let again = push("1.10.0", 'c', 1);
        assert_eq!(order(&tags, &again, &new, None), Order::Newer);
        let no_version = push("main-1", 'd', 5);
        assert_eq!(order(&tags, &no_version, &new, None), Order::Older);
        // Only the time can tell: it was accepted under another configuration.
        assert_eq!(order(&tags, &old, &no_version, None), Order::Newer);
        assert_eq!(order(&tags, &new, &no_version, None), Order::Older);
    }

    #[test]
    fn tags_are_followed_as_the_policy_says() {
        assert!(follows(&glob("main-*"), "main-42"));
        assert!(!follows(&glob("main-*"), "dev-42"));
        assert!(follows(
            &TagPolicy::Glob(vec!["a".into(), "b*".into()]),
            "bb"
        ));
        assert!(follows(&TagPolicy::Semver("^1.2".into()), "v1.3.0"));
        assert!(!follows(&TagPolicy::Semver("^1.2".into()), "2.0.0"));
        assert!(!follows(&TagPolicy::Semver("^1.2".into()), "latest"));
        assert!(!follows(&glob("[oops"), "x"));
        assert!(follows(&glob("v?.[0-9]*"), "v1.2.3"));
        assert!(!follows(&glob("v?.[0-9]*"), "v1.x"));
        assert!(follows(&glob("{main,release}-*"), "release-7"));
        assert!(!follows(&glob("{main,release}-*"), "dev-7"));
        assert!(
            !follows(&glob("main"), "main-1"),
            "the whole tag has to match"
        );
        assert!(!follows(&glob("!main"), "dev"));
    }

    #[test]
    fn a_pattern_that_cannot_be_meant_is_told() {
        for fine in [
            "*",
            "main-*",
            "v[0-9]",
            "{a,b{c,d}}",
            "\\[x",
            "[{]",
            "a\\\\",
        ] {
            assert_eq!(pattern_problem(fine), None, "{fine}");
        }
        let eleven = "{a}".repeat(11);
        assert_eq!(pattern_problem(&eleven[3..]), None);
        let too_many = "{a,b,{c,d}}".repeat(4);
        assert_eq!(pattern_problem(&too_many[11..]), None);
        let just_as_many = "{a,b,c,d}".repeat(4);
        assert_eq!(pattern_problem(&just_as_many), None);
        for wrong in ["[a", "{a", "a}", "!a", "a\\", "{a,{b}", &eleven, &too_many] {
            assert!(pattern_problem(wrong).is_some(), "{wrong}");
        }
    }

    #[test]
    fn no_pattern_takes_longer_to_match_than_the_others_can_wait() {
        let alternatives = format!("{{{}}}", ["a"; 11].join(","));
        let pattern = alternatives.repeat(10) + "b";
        assert!(!follows(&glob(&pattern), &"a".repeat(128)));
    }

    #[test]
    fn one_pattern_without_a_wildcard_is_an_exact_tag() {
        assert_eq!(exact_tag(&glob("latest")), Some("latest"));
        assert_eq!(exact_tag(&glob("main-*")), None);
        assert_eq!(
            exact_tag(&TagPolicy::Glob(vec!["a".into(), "b".into()])),
            None
        );
        assert_eq!(exact_tag(&TagPolicy::Semver("*".into())), None);
    }
}
