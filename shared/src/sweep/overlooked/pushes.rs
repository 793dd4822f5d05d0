//! Pushes that ECR holds and no event told of.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use jiff::Timestamp;

use super::{AT_ONCE, Known};
use crate::core::ordering::exact_tag;
use crate::core::overlooked::{self, ListedImage};
use crate::core::policy::FollowedImage;
use crate::ledger::{Registration, TargetEntry};
use crate::ports::{CallError, ImageLists};
use crate::queue::{QueueMessage, Trigger};

/// A target that follows a repository.
struct Follower<'a> {
    registration: &'a Registration,
    entry: &'a TargetEntry,
    image: &'a FollowedImage,
}

/// Finds them; answers besides what went wrong, if another look may help.
///
/// A repository is read once for all that follow it, and one that cannot be read hides no other.
pub(super) async fn find<I: ImageLists>(
    images: &I,
    known: &[Known],
    now: Timestamp,
) -> (Vec<QueueMessage>, Option<CallError>) {
    let repositories: Vec<_> = followers(known).into_iter().collect();
    let (mut messages, mut failed) = (Vec::new(), None);
    for some in repositories.chunks(AT_ONCE) {
        let reads = some
            .iter()
            .map(|(repository, followers)| read(images, repository, followers));
        for ((repository, followers), read) in some.iter().zip(join_all(reads).await) {
            match read {
                Ok(listed) => messages.extend(
                    followers
                        .iter()
                        .filter_map(|follower| overlooked_by(follower, &listed, now)),
                ),
                Err(error @ CallError::Refused { .. }) => {
                    tracing::warn!(repository, %error, "could not be compared");
                }
                Err(error @ (CallError::Throttled { .. } | CallError::Unclear { .. })) => {
                    failed = Some(error);
                }
            }
        }
    }
    (messages, failed)
}

/// Sorts the targets that may be given a push unasked by the repositories that they follow.
fn followers(known: &[Known]) -> BTreeMap<&str, Vec<Follower<'_>>> {
    let mut followers: BTreeMap<&str, Vec<Follower<'_>>> = BTreeMap::new();
    for (registration, entry) in known {
        let may_begin = entry.hold.is_none() && overlooked::may_begin(&entry.state);
        let policy = registration.policy().filter(|_| may_begin);
        for image in policy.into_iter().flat_map(|policy| &policy.images) {
            let followers = followers.entry(&image.repository).or_default();
            followers.push(Follower {
                registration,
                entry,
                image,
            });
        }
    }
    followers
}

/// Reads what a repository's followers care for: a few tags, or all there is.
async fn read<I: ImageLists>(
    images: &I,
    repository: &str,
    followers: &[Follower<'_>],
) -> Result<Vec<ListedImage>, CallError> {
    let tags = followers.iter().map(|one| exact_tag(&one.image.tags));
    let Some(tags) = tags.collect::<Option<BTreeSet<&str>>>() else {
        return images.listed(repository).await;
    };
    let mut listed = Vec::new();
    for tag in tags {
        listed.extend(images.tagged(repository, tag).await?);
    }
    Ok(listed)
}

fn overlooked_by(
    follower: &Follower<'_>,
    listed: &[ListedImage],
    now: Timestamp,
) -> Option<QueueMessage> {
    let Follower {
        registration,
        entry,
        image,
    } = follower;
    // What came before the parameter was written was not followed then, or may have been ignored.
    let since = registration.parameter_changed_at;
    let push = overlooked::push(image, since, &entry.state, listed, now)?;
    tracing::info!(
        target_name = %registration.target,
        repository = push.repository,
        tag = push.tag,
        digest = push.digest.as_str(),
        "found in ECR, and no event told of it"
    );
    Some(QueueMessage {
        target: registration.target.clone(),
        event_id: format!("{}.{}", push.event_id, now.as_millisecond()),
        trigger: Trigger::Found {
            after: entry.state.newest.get(&push.repository).cloned(),
            push,
        },
    })
}
