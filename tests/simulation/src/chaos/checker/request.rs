//! Requests and their order, as far as it is promised.

use jiff::SignedDuration;
use pushboat::core::name::{ImageDigest, RolloutId};
use pushboat::core::push::PushSource;
use pushboat::core::rollout::Rollout;

use super::Tags;

/// A request, as far as its order goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    rollout: RolloutId,
    pub(super) tag: String,
    /// To the second, as events tell it.
    pub(super) second: i64,
    pub(super) by_person: bool,
    pub(super) digest: ImageDigest,
}

/// The newest requests that a service was asked to run: of the pushes, and of people.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    push: Option<Request>,
    person: Option<Request>,
}

impl Asked {
    /// Gives one that a request comes after, though it is surely older.
    pub(super) fn newer_than(
        &self,
        request: &Request,
        followed: Followed,
        skew: SignedDuration,
    ) -> Option<&Request> {
        let mut asked = self.push.iter().chain(&self.person);
        asked.find(|asked| request.is_older_than(asked, followed, skew))
    }

    /// Notes that a service was asked for it.
    pub(super) fn note(&mut self, request: Request) {
        match request.by_person {
            true => self.person = Some(request),
            false => self.push = Some(request),
        }
    }
}

/// Which tags a target follows, and from which second on: it may have followed others before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Followed {
    pub(super) tags: Tags,
    pub(super) since: i64,
}

impl Request {
    pub(super) fn of(rollout: &Rollout) -> Self {
        Self {
            rollout: rollout.id.clone(),
            tag: rollout.push.tag.clone(),
            second: rollout.push.tagged_at.as_second(),
            by_person: rollout.push.source == PushSource::Operator,
            digest: rollout.push.digest.clone(),
        }
    }

    /// Says whether this request is surely older than another one.
    ///
    /// Versions are ordered by version, everything else by when the tag was
    /// set. A person's request counts by its time, and never by its version:
    /// it is older than whatever was pushed or asked for after it. A version
    /// that was pushed before a person asked for something, and is heard of
    /// after that, may still be the highest one: of these two nothing is said.
    /// What one second does not tell apart is not called older, nor is what two
    /// clocks do not that are so far apart. Versions from before the target followed
    /// other tags for a while may be forgotten.
    pub(super) fn is_older_than(
        &self,
        other: &Self,
        followed: Followed,
        skew: SignedDuration,
    ) -> bool {
        let by_two_clocks = self.by_person != other.by_person;
        let apart = if by_two_clocks { skew.as_secs() } else { 0 };
        let by_time = self.second + apart < other.second;
        if followed.tags != Tags::Versions || self.by_person {
            return by_time;
        }
        if other.by_person {
            return false;
        }
        let is_forgotten = other.second < followed.since;
        match (version(&self.tag), version(&other.tag)) {
            (Some(one), Some(another)) => {
                let by_version = (one, self.second) < (another, other.second);
                by_version && (by_time || !is_forgotten)
            }
            _ => by_time,
        }
    }
}

/// Reads `1.2.3`, the only kind of version that is pushed here.
pub(super) fn version(tag: &str) -> Option<Vec<u32>> {
    let parts = tag.split('.').map(|part| part.parse().ok());
    let parts: Option<Vec<u32>> = parts.collect();
    parts.filter(|parts| parts.len() == 3)
}
