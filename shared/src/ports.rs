//! The few narrow traits that the core's shell needs of the outside world.
//!
//! They speak our types only. The ones on AWS stand in `aws`, the ones in
//! memory in the simulation.

#![expect(
    async_fn_in_trait,
    reason = "every caller is generic over its ports, and none of them needs Send bounds"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::core::alarm::AlarmSeen;
use crate::core::evidence::TargetHealth;
use crate::core::hold::Hold;
use crate::core::name::{ImageDigest, TargetName};
use crate::core::observation::{
    Availability, Definition, DeploymentRecord, Digests, ImageLook, OwnRevision, Platform,
    ServiceDeployment, ServiceLook,
};
use crate::core::overlooked::ListedImage;
use crate::core::policy::ServiceRef;
use crate::core::rollout::Rollout;
use crate::core::stack::{ChangeSetLook, ChangeSetRequest, StackLook};
use crate::ledger::{
    Chore, Follower, IgnoredPush, LedgerError, NoticeKey, Registration, RegistrationChange,
    ReverseKey, SaveError, StateWrite, StoredNotice, TargetEntry, Version,
};
use crate::queue::QueueMessage;

/// How many finished rollouts are read to say whether an image was asked for.
const REQUESTS_READ: usize = 100;

/// What a call that changes or reads AWS came to, when it did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// AWS turned the call away before it had any effect; it may be sent again later.
    #[error("{call} was throttled")]
    Throttled {
        /// The operation and what it was about.
        call: String,
    },
    /// No answer, or one that leaves open whether the call had its effect.
    #[error("{call} got no clear answer: {problem}")]
    Unclear {
        /// The operation and what it was about.
        call: String,
        /// What went wrong.
        problem: String,
    },
    /// AWS said no; sending it again will not help.
    #[error("{call} was refused: {code}: {message}")]
    Refused {
        /// The operation and what it was about.
        call: String,
        /// AWS's error code.
        code: String,
        /// AWS's own words.
        message: String,
    },
}

/// The clock; only `main.rs` has a real one.
pub trait Clock {
    /// Tells the time.
    fn now(&self) -> Timestamp;
}

/// ECS, as far as one service is concerned.
pub trait Services {
    /// Looks at a service, its deployments and tags.
    async fn service(&self, service: &ServiceRef) -> Result<ServiceLook, CallError>;
    /// Reads a task definition whole, by ARN.
    async fn task_definition(&self, arn: &str) -> Result<Arc<Definition>, CallError>;
    /// Finds the latest revision that was registered for a rollout.
    async fn own_revision(&self, own: &OwnRevision) -> Result<Option<String>, CallError>;
    /// Registers a task definition and answers its ARN.
    async fn register(&self, request: &Value) -> Result<String, CallError>;
    /// Points a service at a revision and answers its primary deployment.
    async fn update(
        &self,
        service: &ServiceRef,
        revision: &str,
    ) -> Result<ServiceDeployment, CallError>;
    /// Reads to which digests ECS resolved the images of what a service runs, by container.
    ///
    /// Nothing is told of a container whose image ECS has not resolved, or of
    /// which it runs more than one.
    async fn resolved_images(
        &self,
        service: &ServiceRef,
        task_definition: &str,
    ) -> Result<Digests, CallError>;
    /// Reads a service's latest service deployments made after `since`, the newest first.
    async fn history(
        &self,
        service: &ServiceRef,
        since: Timestamp,
    ) -> Result<Vec<DeploymentRecord>, CallError>;
    /// Has ECS roll a service deployment back to what ran before it.
    async fn stop(&self, service_deployment: &str) -> Result<(), CallError>;
}

/// CloudFormation, as far as one stack's image parameter is concerned.
pub trait Stacks {
    /// Looks at a stack, and at what failed in it where its last operation goes or went back.
    async fn stack(&self, name: &str) -> Result<StackLook, CallError>;
    /// Looks at a change set of a stack.
    async fn change_set(&self, stack: &str, name: &str) -> Result<ChangeSetLook, CallError>;
    /// Makes a change set; one of that name that is there already is taken for it.
    ///
    /// Where the stack takes no update now none is made, which the next look tells: that is no
    /// refusal. The answer may wait a while for CloudFormation to work out the changes.
    async fn create_change_set(&self, request: &ChangeSetRequest) -> Result<(), CallError>;
    /// Executes a change set; one that is executed already is no error. `token` is on its events.
    async fn execute_change_set(
        &self,
        stack: &str,
        name: &str,
        token: &str,
    ) -> Result<(), CallError>;
    /// Cancels the update of a stack, which then goes back to what it was before.
    async fn cancel_update(&self, stack: &str, token: &str) -> Result<(), CallError>;
}

/// CloudFormation, as whoever registers targets uses it.
pub trait StackResources {
    /// Lists the ARNs of a stack's ECS services; `None` where there is no such stack.
    async fn services(&self, stack: &str) -> Result<Option<Vec<String>>, CallError>;
}

/// Names an image in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageName<'a> {
    /// Whatever the tag points at now.
    Tag(&'a str),
    /// Exactly this content.
    Digest(&'a ImageDigest),
}

/// ECR.
pub trait Images {
    /// Looks at an image: what it is, and for which platforms.
    async fn image(&self, repository: &str, name: ImageName<'_>) -> Result<ImageLook, CallError>;
    /// Says whether an image can be pulled; nothing of it is read.
    async fn availability(
        &self,
        repository: &str,
        name: ImageName<'_>,
    ) -> Result<Availability, CallError>;
    /// Reads when ECR says an image was pushed; `None` where there is none.
    async fn pushed_at(
        &self,
        repository: &str,
        digest: &ImageDigest,
    ) -> Result<Option<Timestamp>, CallError>;
    /// Says which of the repositories do not exist.
    async fn missing_repositories(&self, repositories: &[&str]) -> Result<Vec<String>, CallError>;
}

/// ECR, as the sweep compares it with what was accepted.
pub trait ImageLists {
    /// Lists the tagged images of a repository; none where there is no such repository.
    async fn listed(&self, repository: &str) -> Result<Vec<ListedImage>, CallError>;
    /// Reads which image a tag points at now.
    async fn tagged(&self, repository: &str, tag: &str) -> Result<Option<ListedImage>, CallError>;
}

/// ECS, as whoever only reads task definitions uses it.
pub trait TaskDefinitions {
    /// Reads a task definition whole, by ARN.
    async fn definition(&self, arn: &str) -> Result<Arc<Definition>, CallError>;
}

/// ECR, as whoever only reads what an image says of itself uses it.
pub trait Labels {
    /// Reads an image's labels: in an index, those of the image for the platform.
    async fn labels(
        &self,
        repository: &str,
        digest: &ImageDigest,
        platform: &Platform,
    ) -> Result<BTreeMap<String, String>, CallError>;
}

/// CloudWatch Logs.
pub trait Logs {
    /// Reads the last events of a stream, the last one last; none where there is no such stream.
    async fn tail(
        &self,
        group: &str,
        stream: &str,
        events: usize,
    ) -> Result<Vec<String>, CallError>;
}

/// CloudWatch.
pub trait Alarms {
    /// Looks at alarms by name, composite ones included; the answer has one entry for each name.
    async fn alarms(&self, names: &[String]) -> Result<Vec<AlarmSeen>, CallError>;
}

/// Elastic Load Balancing.
pub trait LoadBalancers {
    /// Looks at the targets of a target group; `at` is when, by our clock.
    ///
    /// It is evidence and nothing more: an answer that does not come soon is
    /// given up, and nothing is tried twice.
    async fn target_health(
        &self,
        target_group_arn: &str,
        at: Timestamp,
    ) -> Result<Vec<TargetHealth>, CallError>;
}

/// The ledger, as the functions that only find targets use it.
pub trait ReverseItems {
    /// Finds the targets that care for a repository, service, alarm or stack.
    async fn followers(&self, key: &ReverseKey) -> Result<Vec<Follower>, LedgerError>;
}

/// The ledger, as whoever hears of pushes keeps what came of the others.
pub trait IgnoredPushes {
    /// Keeps for two weeks that a push changed nothing, and why; a repeat is kept once.
    async fn keep_ignored(
        &self,
        target: &TargetName,
        ignored: &IgnoredPush,
    ) -> Result<(), LedgerError>;
}

/// The ledger, as `rollout` uses it.
pub trait Targets: ReverseItems + IgnoredPushes {
    /// Loads a target's registration and state with a consistent read.
    async fn load(&self, target: &TargetName) -> Result<TargetEntry, LedgerError>;
    /// Loads the whole definition of a target's last-known-good.
    async fn good_definition(
        &self,
        target: &TargetName,
    ) -> Result<Option<Arc<Definition>>, LedgerError>;
    /// Saves a target's state with all that belongs to the step, or nothing of it.
    ///
    /// The write is taken only where the stored version is the expected one.
    async fn save(&self, write: &StateWrite) -> Result<Version, SaveError>;
}

/// The ledger, as whoever answers people reads it.
pub trait Records {
    /// Reads every registration.
    async fn all_registrations(&self) -> Result<Vec<Registration>, LedgerError>;
    /// Reads a target's registration and state.
    async fn entry(&self, target: &TargetName) -> Result<TargetEntry, LedgerError>;
    /// Reads a target's finished rollouts, the latest first, at most `limit` of them.
    async fn history(&self, target: &TargetName, limit: usize)
    -> Result<Vec<Rollout>, LedgerError>;
    /// Says whether one of a target's last finished rollouts was of an image.
    async fn was_requested(
        &self,
        target: &TargetName,
        digest: &ImageDigest,
    ) -> Result<bool, LedgerError> {
        let finished = self.history(target, REQUESTS_READ).await?;
        Ok(finished.iter().any(|one| one.names(digest)))
    }
    /// Reads the pushes that a target ignored lately, the latest first, at most `limit` of them.
    async fn ignored(
        &self,
        target: &TargetName,
        limit: usize,
    ) -> Result<Vec<IgnoredPush>, LedgerError>;
    /// Reads one finished rollout by its id.
    async fn finished(&self, target: &TargetName, id: &str)
    -> Result<Option<Rollout>, LedgerError>;
}

/// The ledger, as the sweep uses it.
pub trait Registrations {
    /// Reads every registration.
    async fn registrations(&self) -> Result<Vec<Registration>, LedgerError>;
    /// Writes what a changed parameter means, all of it or nothing.
    ///
    /// A claim that another target holds makes it `SaveError::Claimed`.
    async fn apply(&self, change: &RegistrationChange) -> Result<(), SaveError>;
    /// Finds the targets whose wake-up is due, the longest due first.
    async fn due(&self, now: Timestamp) -> Result<Vec<(TargetName, Timestamp)>, LedgerError>;
    /// Notes that `rollout` was woken for a registration, if it still is the stored one.
    async fn note_woken(&self, registration: &Registration) -> Result<(), LedgerError>;
    /// Reads when a chore was last done.
    async fn done_at(&self, chore: Chore) -> Result<Option<Timestamp>, LedgerError>;
    /// Notes when a chore was last done; `None` has the next sweep do it.
    async fn note_done(&self, chore: Chore, at: Option<Timestamp>) -> Result<(), LedgerError>;
    /// Reads the hold for everything.
    async fn hold(&self) -> Result<Option<Hold>, LedgerError>;
    /// Notes the hold for everything, or that there is none.
    async fn note_hold(&self, hold: Option<&Hold>) -> Result<(), LedgerError>;
}

/// The ledger, as whoever sends notices uses it.
pub trait Outbox {
    /// Reads a notice; `None` where it was sent before or never stood there.
    async fn unsent(&self, key: &NoticeKey) -> Result<Option<StoredNotice>, LedgerError>;
    /// Finds notices that were stored before `before` and not sent, the oldest first.
    async fn unsent_before(&self, before: Timestamp) -> Result<Vec<NoticeKey>, LedgerError>;
    /// Notes that a notice was published, and has no copy on the event bus yet.
    async fn note_published(&self, key: &NoticeKey, at: Timestamp) -> Result<(), LedgerError>;
    /// Notes that a notice was sent.
    async fn mark_sent(&self, key: &NoticeKey, at: Timestamp) -> Result<(), LedgerError>;
}

/// The FIFO queue in front of `rollout`.
pub trait Queue {
    /// Sends messages; each goes to its target's group, and repeats of an id are dropped.
    async fn send(&self, messages: &[QueueMessage]) -> Result<(), CallError>;
}

/// One parameter of Parameter Store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its whole name.
    pub name: String,
    /// Its text.
    pub value: String,
    /// Its version, from 1.
    pub version: i64,
    /// When it was last changed, by SSM's clock.
    pub changed_at: Timestamp,
}

/// Parameter Store.
pub trait Parameters {
    /// Reads all parameters below a path, to the last page.
    async fn below(&self, path: &str) -> Result<Vec<Parameter>, CallError>;
    /// Reads one parameter's text; `None` where there is no such parameter.
    async fn value(&self, name: &str) -> Result<Option<String>, CallError>;
}

/// Parameter Store, as whoever publishes what is deployed uses it.
pub trait DeployedParameters {
    /// Writes a parameter's text, whatever it said before; nothing is tried twice.
    async fn put(&self, name: &str, value: &str) -> Result<(), CallError>;
}

/// One message as SNS takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The subject line of an email, at most 99 characters.
    pub subject: String,
    /// What each protocol gets, `default` among them.
    pub bodies: Vec<(&'static str, String)>,
    /// The attributes that subscriptions filter on.
    pub attributes: Vec<(&'static str, String)>,
}

impl Publication {
    /// Gives the JSON document; empty where there is none.
    #[must_use]
    pub fn document(&self) -> &str {
        let mut bodies = self.bodies.iter();
        let document = bodies.find(|(protocol, _)| *protocol == "default");
        document.map_or("", |(_, body)| body)
    }
}

/// The event bus, where each notice has a copy for machines.
pub trait EventBus {
    /// Puts a notice's JSON document on the bus.
    async fn put(&self, document: &str) -> Result<(), CallError>;
}

/// The notification topic.
pub trait Topic {
    /// Publishes a message.
    async fn publish(&self, publication: &Publication) -> Result<(), CallError>;
}
