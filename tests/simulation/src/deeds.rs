//! What was done, in order: the history that the invariants are checked on.
//!
//! It is kept only where somebody asks for it, and says what is true at the
//! moment of each deed, not what Pushboat saw.

mod stack;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::Timestamp;
use pushboat::core::alarm::AlarmState;
use pushboat::core::name::{ImageDigest, TargetName};
use pushboat::core::observation::Digests;
use pushboat::core::policy::ServiceRef;
use pushboat::core::rollout::Rollout;
use pushboat::core::shared::Shared;
use pushboat::core::state::TargetState;
use pushboat::notice::Notice;
use serde_json::{Map, Value};

pub use stack::{StackDeed, StackDoing};

/// Something that somebody did.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Pushboat saved a target's state.
    Saved(Box<Saved>),
    /// Pushboat asked a service to run a revision, and ECS took it.
    Updated(Box<Updated>),
    /// Pushboat had ECS roll a service deployment back, and ECS took it.
    Stopped(Stopped),
    /// Somebody, Pushboat maybe, had a stack changed, or CloudFormation changed its service.
    Stack(Box<StackDeed>),
    /// Somebody, Pushboat maybe, registered a task definition revision.
    Registered(Box<Registered>),
    /// `rollout` is invoked with a message.
    Received {
        /// When.
        at: Timestamp,
        /// Whose it is.
        target: TargetName,
        /// When the message was sent.
        sent_at: Timestamp,
    },
    /// That invocation is over.
    Invoked(Invoked),
    /// `rollout` was told of an alarm's change.
    AlarmHeard {
        /// Which target was told.
        target: TargetName,
        /// The alarm's name.
        name: String,
        /// Whether the alarm fired, and was OK before.
        fired: bool,
        /// When it changed.
        changed_at: Timestamp,
    },
    /// Somebody set a tag.
    Tagged {
        /// When.
        at: Timestamp,
        /// The repository.
        repository: String,
        /// The tag.
        tag: String,
        /// What it points at from now on.
        digest: ImageDigest,
    },
    /// Somebody deleted an image, and its tags with it.
    ImageDeleted {
        /// The repository.
        repository: String,
        /// The image.
        digest: ImageDigest,
    },
    /// Somebody besides Pushboat deployed a service.
    SomebodyDeployed {
        /// When.
        at: Timestamp,
        /// The service.
        service: ServiceRef,
        /// The deployment that this made.
        deployment: String,
    },
    /// Somebody besides Pushboat had ECS roll a service deployment back that went on.
    SomebodyStopped {
        /// When.
        at: Timestamp,
        /// The service.
        service: ServiceRef,
        /// The task definition that the deployment brought.
        revision: String,
        /// The task definitions that it replaced: one of them is gone back to.
        sources: Vec<String>,
    },
    /// A service has fewer tasks than are wanted from now on, or all of them again.
    Counted {
        /// When.
        at: Timestamp,
        /// The service.
        service: ServiceRef,
        /// Whether tasks are missing.
        short: bool,
    },
    /// An alarm changed its state.
    AlarmTurned {
        /// When.
        at: Timestamp,
        /// Its name.
        name: String,
        /// What it is from now on.
        state: AlarmState,
    },
    /// A person gave an image free again, and `operator` took the command.
    Released {
        /// For which target.
        target: TargetName,
        /// The image.
        digest: ImageDigest,
    },
}

/// A task definition revision as it was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// When.
    pub at: Timestamp,
    /// Whether Pushboat did it.
    pub by_pushboat: bool,
    /// The revision's ARN.
    pub arn: String,
    /// The whole document, without its tags.
    pub document: Map<String, Value>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// An invocation of `rollout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoked {
    /// When.
    pub at: Timestamp,
    /// For which target.
    pub target: TargetName,
    /// How many calls it made.
    pub calls: usize,
    /// How many of them met a fault.
    pub faults: usize,
    /// Whether it came to its end, so that its message was deleted.
    pub done: bool,
}

/// A write of a target's state.
#[derive(Clone, Debug)]
pub struct Saved {
    /// When.
    pub at: Timestamp,
    /// The target.
    pub target: TargetName,
    /// The state that was stored.
    pub state: Shared<TargetState>,
    /// Rollouts that ended with it.
    pub finished: Vec<Rollout>,
    /// What people were told with it.
    pub notices: Vec<Notice>,
    /// How the service of the last rollout that ended stood; none where it does not exist.
    pub service: Option<ServiceTruth>,
}

/// An update of a service.
#[derive(Clone, Debug)]
pub struct Updated {
    /// When.
    pub at: Timestamp,
    /// The service.
    pub service: ServiceRef,
    /// What it is asked to run.
    pub revision: RevisionTruth,
    /// How it stood before.
    pub before: Option<ServiceTruth>,
    /// The deployment that this made.
    pub deployment: String,
}

/// A service deployment that is rolled back.
#[derive(Clone, Debug)]
pub struct Stopped {
    /// When.
    pub at: Timestamp,
    /// The service.
    pub service: ServiceRef,
    /// The task definitions that it replaces: one of them is gone back to.
    pub sources: Vec<String>,
    /// The primary deployment then.
    pub primary: Option<DeploymentTruth>,
}

/// How a service stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTruth {
    /// The primary deployment.
    pub primary: Option<DeploymentTruth>,
    /// How many deployments it has.
    pub deployments: usize,
    /// How many tasks are wanted.
    pub desired: u32,
    /// How many tasks were wanted before that was changed, and when it was.
    pub desired_before: Option<(Timestamp, u32)>,
    /// How many run.
    pub running: u32,
    /// When those began to stop that are missing now, if some are.
    pub stopped_at: Vec<Timestamp>,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentTruth {
    /// Its id.
    pub id: String,
    /// What it brings.
    pub revision: RevisionTruth,
    /// Whether it is done.
    pub completed: bool,
    /// The digests that ECS resolved its images to, by container.
    pub digests: Digests,
}

/// A task definition revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionTruth {
    /// Its ARN.
    pub arn: String,
    /// The rollout that registered it, by its tag.
    pub rollout: Option<String>,
    /// The containers and their images.
    pub images: Vec<(String, String)>,
}

/// The deeds since somebody last asked; clones are the same ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deeds(Rc<RefCell<Option<Vec<Deed>>>>);

impl Deeds {
    /// Keeps the deeds from now on.
    pub(crate) fn keep(&self) {
        self.0.borrow_mut().get_or_insert_default();
    }

    pub(crate) fn are_kept(&self) -> bool {
        self.0.borrow().is_some()
    }

    pub(crate) fn note(&self, deed: Deed) {
        if let Some(deeds) = &mut *self.0.borrow_mut() {
            deeds.push(deed);
        }
    }

    pub(crate) fn take(&self) -> Vec<Deed> {
        let mut deeds = self.0.borrow_mut();
        deeds.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
