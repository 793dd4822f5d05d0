//! Which push was overlooked: ECR holds it, and no event told of it.
//!
//! ECR sends its events on a best-effort basis (Amazon ECR user guide, "Amazon ECR events and
//! EventBridge"), so that the sweep compares what ECR holds with what was accepted.

use jiff::{SignedDuration, Timestamp};

use super::name::ImageDigest;
use super::ordering::{self, NewestPush, Order, PushTimes};
use super::policy::{FollowedImage, TagPolicy};
use super::push::{Push, PushSource};
use super::state::{Standing, TargetState};

/// How long an event may be on its way before an image counts as overlooked.
const ON_ITS_WAY: SignedDuration = SignedDuration::from_mins(5);
/// By how much the clocks of EventBridge and ECR may differ, generously.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(1);

/// An image as ECR lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedImage {
    /// Its digest: that of the index where it is one.
    pub digest: ImageDigest,
    /// The tags that point at it now.
    pub tags: Vec<String>,
    /// When it was pushed, by ECR's clock; a tag that is set later does not change that.
    pub pushed_at: Timestamp,
}

/// Says whether a target may be given a push that nobody told of.
///
/// Nothing is begun unasked where people decide: on a target that is held, on which a rollout
/// halted, or whose service somebody else changed during the last one.
#[must_use]
pub fn may_begin(state: &TargetState) -> bool {
    matches!(state.standing, Standing::Adopted { .. })
        && state.held.is_none()
        && state.halted.is_none()
        && !state.stood_down
}

/// Finds the newest push of a repository that nobody told of, if there is one.
///
/// Counted is what was pushed since `followed_since`, when the target's configuration was
/// written, and is newer than what was accepted. What was tagged anew shows only when it was
/// pushed first; so an older image that was tagged while events were lost is not found.
#[must_use]
pub fn push(
    image: &FollowedImage,
    followed_since: Timestamp,
    state: &TargetState,
    listed: &[ListedImage],
    now: Timestamp,
) -> Option<Push> {
    if !may_begin(state) {
        return None;
    }
    let counts = |listed: &&ListedImage| {
        listed.pushed_at.as_second() > followed_since.as_second()
            && listed.pushed_at + ON_ITS_WAY <= now
            && !was_requested(state, &listed.digest)
    };
    let found = listed.iter().filter(counts);
    let pushes = found.flat_map(|listed| {
        let followed = listed.tags.iter();
        let followed = followed.filter(|tag| ordering::follows(&image.tags, tag));
        followed.map(|tag| of_listed(image, tag, listed))
    });
    let newest =
        pushes.reduce(
            |one, other| match order(image, &other, &NewestPush::from(&one)) {
                Order::Newer => other,
                Order::Older | Order::Same | Order::AskPushTimes => one,
            },
        )?;
    let accepted = state.newest.get(&image.repository);
    let is_newer = accepted.is_none_or(|accepted| is_newer(image, &newest, accepted, listed));
    is_newer.then_some(newest)
}

fn of_listed(image: &FollowedImage, tag: &str, listed: &ListedImage) -> Push {
    Push {
        repository: image.repository.clone(),
        tag: tag.to_owned(),
        digest: listed.digest.clone(),
        tagged_at: listed.pushed_at,
        event_id: format!("found.{}.{tag}", listed.digest.short()),
        source: PushSource::Found,
    }
}

/// Compares two pushes of which only ECR's push times are known.
fn order(image: &FollowedImage, push: &Push, newest: &NewestPush) -> Order {
    let times = PushTimes {
        push: Some(push.tagged_at),
        newest: Some(newest.tagged_at),
    };
    ordering::compare(&image.tags, push, newest, Some(times))
}

/// Says whether a push comes after what was accepted, as far as times tell.
///
/// When a tag was set is told by EventBridge's clock, in whole seconds, and when an image was
/// pushed by ECR's. Where the accepted image is still there, its own push is compared too, unless
/// it was deleted meanwhile and pushed again under a tag that nobody follows.
fn is_newer(
    image: &FollowedImage,
    push: &Push,
    accepted: &NewestPush,
    listed: &[ListedImage],
) -> bool {
    let by_version = match image.tags {
        TagPolicy::Semver(_) => ordering::version(&accepted.tag).is_some(),
        TagPolicy::Glob(_) => false,
    };
    let is_newer = ordering::compare(&image.tags, push, accepted, None) == Order::Newer;
    if by_version {
        return is_newer;
    }
    let same_second = push.tagged_at.as_second() == accepted.tagged_at.as_second();
    let was_accepted = |one: &&ListedImage| {
        let follows = |tag: &String| ordering::follows(&image.tags, tag);
        one.digest == accepted.digest
            && (one.pushed_at <= accepted.tagged_at + CLOCKS_DIFFER || one.tags.iter().any(follows))
    };
    let its_own = listed.iter().find(was_accepted);
    is_newer && !same_second && its_own.is_none_or(|own| own.pushed_at < push.tagged_at)
}

/// Says whether a rollout of the image was asked for, or it runs, as far as the state tells.
pub(super) fn was_requested(state: &TargetState, digest: &ImageDigest) -> bool {
    let good = state.last_known_good.iter();
    let mut good = good.flat_map(|good| good.images.values());
    if good.any(|image| image.ends_with(digest.as_str())) {
        return true;
    }
    let mut unfinished = state.current.iter().chain(&state.waiting);
    let mut newest = state.newest.values();
    unfinished.any(|rollout| rollout.names(digest))
        || newest.any(|newest| newest.digest == *digest)
        || state.quarantine.contains_key(digest)
}

#[cfg(test)]
mod tests {
    use super::super::intake;
    use super::*;
    use crate::core::state::Quarantined;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn digest(character: char) -> ImageDigest {
        ImageDigest::parse(&format!("sha256:{}", character.to_string().repeat(64))).unwrap()
    }

    fn listed(character: char, tags: &[&str], second: i64) -> ListedImage {
        ListedImage {
            digest: digest(character),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            pushed_at: at(second),
        }
    }

    fn followed(tags: TagPolicy) -> FollowedImage {
        FollowedImage {
            repository: "team/web".to_owned(),
            tags,
            containers: Vec::new(),
        }
    }

    fn glob(pattern: &str) -> FollowedImage {
        followed(TagPolicy::Glob(vec![pattern.to_owned()]))
    }

    fn adopted() -> TargetState {
        TargetState {
            standing: Standing::Adopted {
                service_created_at: at(-1000),
                service_arn: String::new(),
                given_up_deployment: None,
            },
            ..TargetState::default()
        }
    }

    /// As above, and this was accepted.
    fn accepted(tag: &str, character: char, second: i64) -> TargetState {
        let mut state = adopted();
        let newest = NewestPush {
            tag: tag.to_owned(),
            digest: digest(character),
            tagged_at: at(second),
            found: false,
            same_second: Vec::new(),
        };
        state.newest.insert("team/web".to_owned(), newest);
        state
    }

    /// Looks an hour after the configuration was written; answers the tag that is found.
    fn find(image: &FollowedImage, state: &TargetState, images: &[ListedImage]) -> Option<String> {
        push(image, at(0), state, images, at(3600)).map(|push| push.tag)
    }

    #[test]
    fn the_newest_that_was_pushed_since_and_that_nobody_told_of_is_found() {
        let images = [
            listed('a', &["main-1"], 0),
            listed('b', &["main-2"], 100),
            listed('c', &["main-3"], 200),
            listed('d', &["dev-1"], 300),
            listed('e', &["main-4"], 3600 - 299),
        ];
        let found = push(&glob("main-*"), at(0), &adopted(), &images, at(3600)).unwrap();
        assert_eq!((found.tag.as_str(), found.tagged_at), ("main-3", at(200)));
        assert_eq!(
            (found.digest, found.source),
            (digest('c'), PushSource::Found)
        );
        // Its event may be on its way.
        assert_eq!(find(&glob("main-4"), &adopted(), &images), None);
        assert_eq!(find(&glob("main-1"), &adopted(), &images), None, "before");
        assert_eq!(
            find(&glob("dev-1"), &adopted(), &images).as_deref(),
            Some("dev-1")
        );
    }

    #[test]
    fn what_is_not_newer_than_what_was_accepted_is_left_alone() {
        let images = [listed('b', &["main-2"], 100)];
        let find = |state: &TargetState| find(&glob("main-*"), state, &images);
        assert!(find(&accepted("main-1", 'a', 99)).is_some());
        for known in [accepted("main-1", 'a', 100), accepted("main-3", 'c', 101)] {
            assert_eq!(find(&known), None);
        }
        assert_eq!(find(&accepted("main-2", 'b', 50)), None, "it was asked for");
        let mut kept_out = adopted();
        let quarantined = Quarantined {
            rollout: crate::core::name::RolloutId::new(at(0), &[]),
            at: at(0),
            failure: String::new(),
        };
        kept_out.quarantine.insert(digest('b'), quarantined);
        assert_eq!(find(&kept_out), None);
    }

    #[test]
    fn versions_are_found_by_version() {
        let images = [
            listed('a', &["1.9.0"], 300),
            listed('b', &["v1.10.0"], 100),
            listed('c', &["2.0.0"], 200),
        ];
        let range = followed(TagPolicy::Semver("^1".to_owned()));
        let find = |state: &TargetState| find(&range, state, &images);
        assert_eq!(find(&adopted()).as_deref(), Some("v1.10.0"));
        // It was pushed before the lower one that was told.
        let told = accepted("1.9.0", 'a', 300);
        assert_eq!(find(&told).as_deref(), Some("v1.10.0"));
        assert_eq!(find(&accepted("1.11.0", 'd', 50)), None);
    }

    /// EventBridge's clock is behind ECR's.
    #[test]
    fn what_was_pushed_before_the_accepted_one_is_left_alone_whatever_its_event_says() {
        let images = [listed('b', &["main-2"], 100), listed('c', &["main-3"], 101)];
        let told = accepted("main-3", 'c', 98);
        assert_eq!(find(&glob("main-*"), &told, &images), None);
        assert_eq!(
            find(&glob("main-*"), &told, &images[..1]).as_deref(),
            Some("main-2")
        );
        for (own_second, found) in [(99, Some("main-2")), (100, None)] {
            let images = [
                listed('b', &["main-2"], 100),
                listed('c', &["main-3"], own_second),
            ];
            let seen = find(&glob("main-*"), &told, &images);
            assert_eq!(seen.as_deref(), found, "{own_second}");
        }
    }

    /// It expired, and somebody pushed it again under a tag that is not followed.
    #[test]
    fn that_the_accepted_image_was_pushed_again_hides_no_push_before() {
        let told = accepted("main-3", 'c', 98);
        for (again_at, found) in [(159, Some("main-4")), (158, None)] {
            let images = [
                listed('b', &["main-4"], 120),
                listed('c', &["other"], again_at),
            ];
            let seen = find(&glob("main-*"), &told, &images);
            assert_eq!(seen.as_deref(), found, "{again_at}");
        }
        // Then it is the newest itself.
        let followed = [listed('b', &["main-4"], 120), listed('c', &["main-5"], 500)];
        assert_eq!(find(&glob("main-*"), &told, &followed), None);
    }

    #[test]
    fn what_a_rollout_was_asked_for_with_is_left_alone() {
        let images = [listed('b', &["main-2"], 100)];
        let text = r#"{ "service": { "cluster": "c", "name": "s" },
            "images": [ { "repository": "team/web" } ] }"#;
        let name = crate::core::name::TargetName::parse("web").unwrap();
        let policy = crate::target::parse(&name, text).unwrap().into();
        let asked = Push {
            source: PushSource::Event,
            ..of_listed(&glob("main-*"), "main-2", &images[0])
        };
        let mut state = adopted();
        let _ = intake::enter(&mut state, &policy, &asked, at(100));
        assert!(state.newest.is_empty() && state.quarantine.is_empty());
        assert_eq!(find(&glob("main-*"), &state, &images), None);
        let other = [listed('c', &["main-2"], 100)];
        assert!(find(&glob("main-*"), &state, &other).is_some());
    }

    #[test]
    fn nothing_is_begun_where_people_decide() {
        let images = [listed('b', &["main-2"], 100)];
        type Change = fn(&mut TargetState);
        let changes: [Change; 3] = [
            |state| state.standing = Standing::default(),
            |state| state.stood_down = true,
            |state| {
                state.held = Some(crate::core::hold::Hold {
                    reason: String::new(),
                    since: at(0),
                });
            },
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let mut state = adopted();
            assert!(find(&glob("main-*"), &state, &images).is_some());
            change(&mut state);
            assert_eq!(find(&glob("main-*"), &state, &images), None, "{index}");
        }
    }
}
