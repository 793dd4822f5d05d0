//! What a person's command does to a target's state.
//!
//! Pure, as what a push does is: [`check`] says what would be refused now, and
//! is asked before a command is queued; [`perform`] takes it in when its turn
//! has come. Nothing here looks at AWS.

mod rollback;
#[cfg(test)]
mod tests;

pub use rollback::{RollBack, turn_back, withdrawn_by};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::hold::Hold;
use super::intake;
use super::name::{ImageDigest, RolloutId};
use super::ordering::{self, NewestPush, Order as PushOrder};
use super::policy::{FollowedImage, Policy};
use super::push::{Push, PushSource};
use super::reason::Rejected;
use super::rollout::{Phase, Rollout};
use super::shared::Shared;
use super::state::{HandledCommand, TargetState};

/// How many commands are remembered, so that one that comes twice is known.
const COMMANDS_KEPT: usize = 10;
/// How far two clocks may be apart, of which one dates pushes and the other commands.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(10);

/// One command to one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorCommand {
    /// The id that the person was given.
    pub request_id: String,
    /// When it was given, by our clock.
    pub at: Timestamp,
    /// What is to be done.
    pub order: Order,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "command")]
pub enum Order {
    /// Deploy an image, whichever push was the newest.
    Deploy {
        /// Its repository; none where the target follows only one.
        repository: Option<String>,
        /// The image.
        image: WantedImage,
    },
    /// Take the rollout under way back, or the one that halted; withdraw what has not started.
    Rollback,
    /// Let an image that was taken back in again.
    Release {
        /// The image.
        digest: ImageDigest,
    },
    /// Change nothing of the target's service.
    Hold {
        /// Why, in the person's words.
        reason: String,
    },
    /// Go on after a hold; after a halt, tell of it no more.
    Resume,
}

/// Which image is to be deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WantedImage {
    /// What the tag points at when the command is taken in; it need not match the target's patterns.
    Tag(String),
    /// Exactly this one.
    Digest(ImageDigest),
}

impl Order {
    /// Gives the command's name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Deploy { .. } => "deploy",
            Self::Rollback => "rollback",
            Self::Release { .. } => "release",
            Self::Hold { .. } => "hold",
            Self::Resume => "resume",
        }
    }
}

/// Why a command was refused; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "refused")]
pub enum Refusal {
    /// The target's parameter is gone or has mistakes.
    NotConfigured,
    /// The target does not follow the repository.
    NotFollowed {
        /// The repository.
        repository: String,
        /// Those it follows.
        followed: Vec<String>,
    },
    /// The target follows several repositories, and none was named.
    RepositoryNeeded {
        /// Those it follows.
        followed: Vec<String>,
    },
    /// The image cannot be deployed.
    NotDeployable {
        /// Why.
        reason: Rejected,
    },
    /// A rollout under way or waiting brings this very image.
    SameImageUnderWay {
        /// That rollout.
        rollout: RolloutId,
    },
    /// No rollout is under way.
    NothingUnderWay {
        /// The task definition of the last-known-good.
        good: Option<String>,
    },
    /// Nothing was ever proven good.
    NothingToGoBackTo {
        /// The rollout under way.
        rollout: RolloutId,
    },
    /// The rollout is on its way back already.
    RollingBack {
        /// That rollout.
        rollout: RolloutId,
    },
    /// The image is not kept out.
    NotQuarantined {
        /// The image.
        digest: ImageDigest,
        /// Those that are.
        quarantined: Vec<ImageDigest>,
    },
    /// What was asked for later is known already: the command lay in a dead-letter queue.
    Overtaken {
        /// The tag that was asked for later.
        tag: String,
        /// When.
        at: Timestamp,
    },
    /// The target is not held by a command, and no rollout of it halted.
    NotHeld,
}

impl Refusal {
    /// Gives the reason's stable name.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NotConfigured => "not-configured",
            Self::NotFollowed { .. } => "not-followed",
            Self::RepositoryNeeded { .. } => "repository-needed",
            Self::NotDeployable { reason } => reason.as_str(),
            Self::SameImageUnderWay { .. } => "same-image-under-way",
            Self::NothingUnderWay { .. } => "nothing-under-way",
            Self::NothingToGoBackTo { .. } => "nothing-to-go-back-to",
            Self::RollingBack { .. } => "rolling-back",
            Self::NotQuarantined { .. } => "not-quarantined",
            Self::Overtaken { .. } => "overtaken",
            Self::NotHeld => "not-held",
        }
    }
}

/// What became of a command.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Performed {
    /// It was taken in before.
    Repeat,
    /// It changes nothing.
    Refused(Refusal),
    /// It was taken in; these rollouts ended with it.
    Done(Vec<Rollout>),
}

/// Says what a command would be refused for now.
///
/// # Errors
///
/// The refusal. What a tag points at only shows when the command is taken in.
pub fn check(
    state: &TargetState,
    policy: Option<&Shared<Policy>>,
    order: &Order,
) -> Result<(), Refusal> {
    match order {
        Order::Deploy { repository, image } => {
            let image_followed = followed(policy, repository.as_deref())?.1;
            match image {
                WantedImage::Tag(_) => Ok(()),
                WantedImage::Digest(digest) => deployable(state, image_followed, digest),
            }
        }
        Order::Rollback => rollback::check(state),
        Order::Release { digest } => can_release(state, digest),
        Order::Hold { .. } => Ok(()),
        Order::Resume => match (&state.held, &state.halted) {
            (None, None) => Err(Refusal::NotHeld),
            (Some(_), _) | (_, Some(_)) => Ok(()),
        },
    }
}

/// Says whether a command was taken in before.
#[must_use]
pub fn is_known(state: &TargetState, request_id: &str) -> bool {
    let mut handled = state.commands.iter();
    handled.any(|handled| handled.request_id == request_id)
}

/// Takes a command in.
///
/// `tagged` is what ECR says of the tag, where the command names one.
pub fn perform(
    state: &mut TargetState,
    policy: Option<&Shared<Policy>>,
    command: &OperatorCommand,
    tagged: Option<Result<ImageDigest, Rejected>>,
    now: Timestamp,
) -> Performed {
    if is_known(state, &command.request_id) {
        return Performed::Repeat;
    }
    let meant = check(state, policy, &command.order).and_then(|()| overtaken(state, command));
    let done = meant.and_then(|()| carry_out(state, policy, command, tagged, now));
    state.commands.push(HandledCommand {
        request_id: command.request_id.clone(),
        command: command.order.as_str().to_owned(),
        at: now,
        refused: done.as_ref().err().cloned(),
    });
    let surplus = state.commands.len().saturating_sub(COMMANDS_KEPT);
    state.commands.drain(..surplus);
    match done {
        Ok(ended) => Performed::Done(ended),
        Err(refusal) => Performed::Refused(refusal),
    }
}

fn carry_out(
    state: &mut TargetState,
    policy: Option<&Shared<Policy>>,
    command: &OperatorCommand,
    tagged: Option<Result<ImageDigest, Rejected>>,
    now: Timestamp,
) -> Result<Vec<Rollout>, Refusal> {
    match &command.order {
        Order::Deploy { repository, image } => {
            let (policy, followed) = followed(policy, repository.as_deref())?;
            let (tag, digest) = match image {
                WantedImage::Digest(digest) => (digest.short().to_owned(), digest.clone()),
                WantedImage::Tag(tag) => {
                    let missing = Err(Rejected::ImageMissing);
                    let digest = tagged.unwrap_or(missing);
                    let digest = digest.map_err(|reason| Refusal::NotDeployable { reason })?;
                    (tag.clone(), digest)
                }
            };
            deployable(state, followed, &digest)?;
            let push = Push {
                repository: followed.repository.clone(),
                tag,
                digest,
                tagged_at: whole_second(command.at),
                event_id: command.request_id.clone(),
                source: PushSource::Operator,
            };
            note_newest(state, followed, &push);
            state.halted = None;
            Ok(intake::enter(state, policy, &push, now))
        }
        Order::Rollback => Ok(rollback::begin(state, &command.request_id, now)),
        Order::Release { digest } => {
            state.quarantine.remove(digest);
            state.halted.take_if(|halted| halted.digest() == digest);
            Ok(Vec::new())
        }
        Order::Hold { reason } => {
            state.held = Some(Hold {
                reason: reason.clone(),
                since: now,
            });
            Ok(Vec::new())
        }
        Order::Resume => {
            state.held = None;
            state.halted = None;
            Ok(Vec::new())
        }
    }
}

/// Refuses what was meant for how the target stood before a later push or command.
///
/// Messages of one target keep their order, so that only a dead letter that is moved back hours
/// later comes after what was asked for since. To release, to hold and to resume names no version.
fn overtaken(state: &TargetState, command: &OperatorCommand) -> Result<(), Refusal> {
    let is_later = |at: Timestamp| at.duration_since(command.at) > CLOCKS_APART;
    let later = match &command.order {
        Order::Deploy { repository, .. } => {
            let meant = |name: &String| repository.as_ref().is_none_or(|one| one == name);
            let newest = state.newest.iter().filter(|(name, _)| meant(name));
            let newest = newest.map(|(_, one)| (&one.tag, one.tagged_at));
            newest.max_by_key(|one| one.1)
        }
        Order::Rollback => {
            let halted = state.halted.as_ref().map(|halted| &halted.news.rollout);
            let unfinished = state.current.iter().chain(&state.waiting);
            let meant = unfinished.chain(halted).next();
            meant.map(|rollout| (&rollout.push.tag, rollout.push.tagged_at))
        }
        Order::Release { .. } | Order::Hold { .. } | Order::Resume => None,
    };
    match later.filter(|(_, at)| is_later(*at)) {
        Some((tag, at)) => Err(Refusal::Overtaken {
            tag: tag.clone(),
            at,
        }),
        None => Ok(()),
    }
}

/// Finds the followed image that a command is about.
///
/// # Errors
///
/// None, or more than one, can be meant.
pub fn followed<'a>(
    policy: Option<&'a Shared<Policy>>,
    repository: Option<&str>,
) -> Result<(&'a Shared<Policy>, &'a FollowedImage), Refusal> {
    let policy = policy.ok_or(Refusal::NotConfigured)?;
    let names = || policy.images.iter().map(|image| image.repository.clone());
    let image = match (repository, policy.images.as_slice()) {
        (Some(name), _) => policy.image(name).ok_or_else(|| Refusal::NotFollowed {
            repository: name.to_owned(),
            followed: names().collect(),
        })?,
        (None, [only]) => only,
        (None, _) => {
            return Err(Refusal::RepositoryNeeded {
                followed: names().collect(),
            });
        }
    };
    Ok((policy, image))
}

fn deployable(
    state: &TargetState,
    image: &FollowedImage,
    digest: &ImageDigest,
) -> Result<(), Refusal> {
    if let Some(quarantined) = state.quarantine.get(digest) {
        let reason = Rejected::Quarantined {
            digest: digest.clone(),
            rollout: quarantined.rollout.clone(),
            at: quarantined.at,
            failure: quarantined.failure.clone(),
        };
        return Err(Refusal::NotDeployable { reason });
    }
    match intake::under_way(state, image, digest) {
        Some(rollout) => Err(Refusal::SameImageUnderWay { rollout }),
        None => Ok(()),
    }
}

/// Leaves off what events do not tell: a push of the same second is compared with ECR's times.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// Notes the command as the newest push, so that an event from before it changes nothing.
///
/// A higher version that was pushed stays the newest: its event may come again.
fn note_newest(state: &mut TargetState, image: &FollowedImage, push: &Push) {
    let newer = match state.newest.get(&push.repository) {
        None => true,
        Some(newest) => ordering::compare(&image.tags, push, newest, None) == PushOrder::Newer,
    };
    if newer {
        let newest = NewestPush::from(push);
        state.newest.insert(push.repository.clone(), newest);
    }
}

fn can_release(state: &TargetState, digest: &ImageDigest) -> Result<(), Refusal> {
    if let Some(current) = &state.current
        && matches!(current.phase, Phase::RollingBack { .. })
        && current.digest() == digest
    {
        return Err(Refusal::RollingBack {
            rollout: current.id.clone(),
        });
    }
    if state.quarantine.contains_key(digest) {
        return Ok(());
    }
    Err(Refusal::NotQuarantined {
        digest: digest.clone(),
        quarantined: state.quarantine.keys().cloned().collect(),
    })
}
