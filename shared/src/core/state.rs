//! What the ledger holds of one target besides its registration.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::deployed::{Deployed, Unpublished};
use super::hold::{Hold, HoldTold};
use super::name::{ImageDigest, RolloutId};
use super::operate::{Refusal, RollBack};
use super::ordering::NewestPush;
use super::reason::Waiting;
use super::rollout::Rollout;
use crate::notice::RolloutNews;
use crate::target::Mistake;

/// One target's state; written by `rollout` alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetState {
    /// How the target stands.
    pub standing: Standing,
    /// The version of the parameter that `standing` was found for.
    pub parameter_version: i64,
    /// What runs where nothing better is proven.
    #[serde(default)]
    pub last_known_good: Option<LastKnownGood>,
    /// The rollout under way.
    #[serde(default)]
    pub current: Option<Rollout>,
    /// Rollouts that wait for their turn: at most the newest of each repository.
    #[serde(default)]
    pub waiting: Vec<Rollout>,
    /// The newest push accepted, by repository.
    #[serde(default)]
    pub newest: BTreeMap<String, NewestPush>,
    /// The ids of the service deployments that rollouts asked for, last one last.
    #[serde(default)]
    pub asked_before: Vec<String>,
    /// Images that were taken back and are kept out until a person releases them.
    #[serde(default)]
    pub quarantine: BTreeMap<ImageDigest, Quarantined>,
    /// Nothing may be changed: a person's command.
    #[serde(default)]
    pub held: Option<Hold>,
    /// The hold that was told of last, while it keeps a rollout from what it would do.
    #[serde(default)]
    pub hold_told: Option<HoldTold>,
    /// The rollout that a person wants taken back.
    #[serde(default)]
    pub roll_back: Option<RollBack>,
    /// The last commands, last one last.
    #[serde(default)]
    pub commands: Vec<HandledCommand>,
    /// The rollout that halted, while only a person can say how to go on.
    #[serde(default)]
    pub halted: Option<HaltedTarget>,
    /// Somebody else changed the service during the last rollout that had started.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stood_down: bool,
    /// When each watched alarm fired that was last told of, by CloudWatch's clock.
    #[serde(default)]
    pub alarms_told: BTreeMap<String, Timestamp>,
    /// What is doubtful about its configuration, though it is deployed to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Mistake>,
    /// What was last published of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Deployed>,
    /// The tries to publish the last-known-good, while none is known to have succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unpublished: Option<Unpublished>,
    /// When to look again, and why.
    #[serde(default)]
    pub wake: Option<Wake>,
}

/// A halted rollout that is told of again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HaltedTarget {
    /// What was told.
    pub news: Box<RolloutNews>,
    /// When it is told again, by our clock.
    pub repeat_at: Timestamp,
    /// When it halted, by our clock; older releases did not note it.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

impl HaltedTarget {
    /// Gives the digest that was deployed.
    #[must_use]
    pub fn digest(&self) -> &ImageDigest {
        let start = self.news.start.as_ref();
        start.map_or(self.news.rollout.digest(), |start| &start.digest)
    }
}

/// A command that was taken in, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandledCommand {
    /// The id that the person was given.
    pub request_id: String,
    /// The command's name.
    pub command: String,
    /// When it was taken in, by our clock.
    pub at: Timestamp,
    /// Why it was refused, if it was.
    #[serde(default)]
    pub refused: Option<Refusal>,
}

/// How a target stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "standing")]
pub enum Standing {
    /// It has not been adopted.
    Pending {
        /// Since when, by our clock; `None` before the first look.
        since: Option<Timestamp>,
        /// Whether people were told that its service does not exist.
        told: bool,
    },
    /// Its service was looked at and is deployed to.
    Adopted {
        /// When the service was created, by ECS's clock.
        service_created_at: Timestamp,
        /// The service's ARN.
        service_arn: String,
        /// The id of the deployment that did not settle while adoption waited for it.
        #[serde(default)]
        given_up_deployment: Option<String>,
    },
    /// It cannot be deployed to before somebody changes something.
    Invalid {
        /// Every mistake, with its place and its fix.
        mistakes: Vec<Mistake>,
    },
}

impl Default for Standing {
    fn default() -> Self {
        Self::Pending {
            since: None,
            told: false,
        }
    }
}

/// The image set and task definition that last finished baking, or was adopted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastKnownGood {
    /// The ARN of the service it was good on.
    pub service_arn: String,
    /// When that service was created, by ECS's clock: a recreated one is another.
    pub service_created_at: Timestamp,
    /// The task definition's ARN; its whole text is kept beside the state.
    pub task_definition: String,
    /// The image of each container: of those that are followed the very one that ran, by digest.
    pub images: BTreeMap<String, String>,
    /// Whether the task definition names one of them by a tag, which may stand for another by now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_tag: bool,
    /// How it came to be good.
    pub source: GoodSource,
    /// Since when, by our clock.
    pub at: Timestamp,
}

/// How a version came to be last-known-good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "from")]
pub enum GoodSource {
    /// It ran and was healthy when the target was first seen.
    Adopted,
    /// A rollout of it finished baking.
    Rollout {
        /// That rollout.
        id: RolloutId,
        /// The tag of its image; older records do not have it.
        #[serde(default)]
        tag: Option<String>,
    },
}

impl GoodSource {
    /// Gives the tag under which it was pushed, where that is known.
    #[must_use]
    pub fn tag(&self) -> Option<&String> {
        match self {
            Self::Rollout { tag, .. } => tag.as_ref(),
            Self::Adopted => None,
        }
    }
}

/// Why an image is kept out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantined {
    /// The rollout that was taken back.
    pub rollout: RolloutId,
    /// When, by our clock.
    pub at: Timestamp,
    /// Why, by the failure's stable name.
    pub failure: String,
}

/// A stored wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wake {
    /// When to look again, by our clock.
    pub at: Timestamp,
    /// What for.
    pub waiting: Waiting,
}

/// How many service deployments are remembered as asked for.
const ASKED_BEFORE_KEPT: usize = 5;

impl TargetState {
    /// Forgets what was found of the service: it is another one, or not the target's any more.
    pub fn forget_service(&mut self) {
        self.standing = Standing::default();
        self.last_known_good = None;
        self.halted = None;
        self.stood_down = false;
    }

    /// Remembers that a service deployment is one that we asked for.
    pub fn remember_asked(&mut self, deployment: &str) {
        if self
            .asked_before
            .last()
            .is_some_and(|last| last == deployment)
        {
            return;
        }
        self.asked_before.push(deployment.to_owned());
        let surplus = self.asked_before.len().saturating_sub(ASKED_BEFORE_KEPT);
        self.asked_before.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_deployments_asked_for_are_remembered_each_once() {
        let mut state = TargetState::default();
        for id in ["1", "1", "2", "1"] {
            state.remember_asked(id);
        }
        assert_eq!(state.asked_before, ["1", "2", "1"]);
        for id in ["3", "4", "5", "5", "6"] {
            state.remember_asked(id);
        }
        assert_eq!(state.asked_before, ["1", "3", "4", "5", "6"]);
    }

    #[test]
    fn of_a_service_that_is_another_one_nothing_is_kept_but_what_is_kept_out() {
        let at = Timestamp::UNIX_EPOCH;
        let digest = format!("sha256:{}", "a".repeat(64));
        let digest = ImageDigest::parse(&digest).unwrap();
        let kept_out = Quarantined {
            rollout: RolloutId::new(at, &[]),
            at,
            failure: String::new(),
        };
        let quarantine = BTreeMap::from([(digest, kept_out)]);
        let mut state = TargetState {
            standing: Standing::Adopted {
                service_created_at: at,
                service_arn: "service".to_owned(),
                given_up_deployment: None,
            },
            last_known_good: Some(LastKnownGood {
                service_arn: "service".to_owned(),
                service_created_at: at,
                task_definition: "web:1".to_owned(),
                images: BTreeMap::new(),
                by_tag: false,
                source: GoodSource::Adopted,
                at,
            }),
            stood_down: true,
            quarantine: quarantine.clone(),
            ..TargetState::default()
        };
        state.forget_service();
        let expected = TargetState {
            quarantine,
            ..TargetState::default()
        };
        assert_eq!(state, expected);
    }

    #[test]
    fn the_last_good_version_has_the_tag_it_was_pushed_under() {
        let id = RolloutId::new(Timestamp::UNIX_EPOCH, &["v1"]);
        let tag = Some("v1".to_owned());
        let rolled_out = GoodSource::Rollout {
            id,
            tag: tag.clone(),
        };
        assert_eq!(rolled_out.tag(), tag.as_ref());
        assert_eq!(GoodSource::Adopted.tag(), None);
    }
}
