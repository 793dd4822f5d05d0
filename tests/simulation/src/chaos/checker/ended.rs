//! What is left once faults stop: invariants 5, 7, 9, 11.

use jiff::{SignedDuration, Timestamp};
use pushboat::core::deployed::Deployed;
use pushboat::core::name::{ImageDigest, TargetName};
use pushboat::core::reason::Waiting;
use pushboat::core::state::Standing;

use super::Checker;
use crate::deeds::ServiceTruth;

const OVER: &str = "5 (once faults stop, everything ends or waits for people)";
const NOTICE: &str = "7 (each phase change is told, under a stable id)";
const EVENTS: &str = "9 (no event vanishes)";
/// How long a notice may take to be sent, the sweep's second try included.
const SENT_WITHIN: SignedDuration = SignedDuration::from_mins(5);
const NEWEST: &str = "11 (a push reaches every target that follows it)";

const PUBLISHED: &str = "published (once faults stop, what is published is the last-known-good)";

/// What there is two hours after faults stopped.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// When that is.
    pub at: Timestamp,
    /// Whether everything is held.
    pub held: bool,
    /// How many messages are left in the queue.
    pub queued: usize,
    /// The notices that were not sent.
    pub unsent: Vec<Unsent>,
    /// Wake-ups that were queued for a target and neither handled nor dead letters.
    pub unhandled: Vec<String>,
    /// For each target the newest push that `image-push` heard and that it follows, as tag and second.
    pub newest_heard: Vec<(TargetName, String, i64)>,
    /// For each target that follows a tag or a pattern the newest image that ECR holds for it.
    pub unheard: Vec<Unheard>,
    /// What is published of what is deployed to each target.
    pub published: Vec<(TargetName, Option<String>)>,
    /// The services that had fewer tasks than are wanted for more than five minutes.
    pub short: Vec<Short>,
}

/// An image that a target follows, whether anybody told of it or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unheard {
    /// The target.
    pub target: TargetName,
    /// The image.
    pub digest: ImageDigest,
    /// When it was pushed, after the target's configuration was written.
    pub pushed_at: Timestamp,
}

/// A notice that was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// Its id.
    pub id: String,
    /// When it was stored.
    pub stored_at: Timestamp,
}

/// A service that has fewer tasks than are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// The target whose service it is.
    pub target: TargetName,
    /// How it stands.
    pub service: ServiceTruth,
    /// Whether every image of what it runs can be pulled.
    pub can_be_pulled: bool,
}

impl Checker {
    /// Checks what is left at the end.
    pub fn check_end(&mut self, end: &End) {
        self.at = end.at;
        if end.queued > 0 {
            self.report(OVER, "-", format!("{} messages are queued", end.queued));
        }
        for notice in &end.unsent {
            // One that was stored a moment ago is on its way.
            if end.at.duration_since(notice.stored_at) > SENT_WITHIN {
                let Unsent { id, stored_at } = notice;
                let saw = format!("notice {id} of {stored_at} was never sent");
                self.report(NOTICE, "-", saw);
            }
        }
        for wake in &end.unhandled {
            self.report(EVENTS, "-", format!("{wake} was never handled"));
        }
        self.check_over(end);
        for (target, text) in &end.published {
            self.check_published(target, text.as_deref());
        }
        self.check_short(end);
        self.check_found(end);
        self.check_overdue(end);
        for (target, tag, second) in &end.newest_heard {
            self.check_newest(target, tag, *second);
        }
    }

    fn check_over(&mut self, end: &End) {
        let mut found = Vec::new();
        for (name, known) in &self.targets {
            let state = &known.state;
            let waits_for_people = end.held
                || state.held.is_some()
                || state.wake.as_ref().is_some_and(|wake| match &wake.waiting {
                    Waiting::PausedHook { .. }
                    | Waiting::Approval { .. }
                    | Waiting::Person
                    | Waiting::Held { .. } => true,
                    Waiting::FirstLook
                    | Waiting::Adoption
                    | Waiting::Turn { .. }
                    | Waiting::Service
                    | Waiting::ServiceBusy
                    | Waiting::AlarmQuiet
                    | Waiting::Aws { .. }
                    | Waiting::ReadLag
                    | Waiting::Deployment
                    | Waiting::ServiceTrouble { .. }
                    | Waiting::WayBack
                    | Waiting::BakeTime
                    | Waiting::StackBusy { .. }
                    | Waiting::ChangeSet
                    | Waiting::StackUpdate
                    | Waiting::SharedAlarm { .. }
                    | Waiting::MissingTasks => false,
                });
            if waits_for_people {
                continue;
            }
            for rollout in state.current.iter().chain(&state.waiting) {
                let wake = state.wake.as_ref();
                let phase = rollout.phase.as_str();
                found.push((name.clone(), format!("{} is {phase}, {wake:?}", rollout.id)));
            }
            if let Standing::Pending { .. } = &state.standing {
                found.push((name.clone(), "it is not adopted".to_owned()));
            }
        }
        for (name, saw) in found {
            self.report(OVER, name.as_str(), saw);
        }
    }

    /// What is published is the last-known-good.
    fn check_published(&mut self, target: &TargetName, text: Option<&str>) {
        let known = self.targets.get(target);
        let Some(good) = known.and_then(|known| known.state.last_known_good.as_ref()) else {
            return;
        };
        let wanted = Deployed::of(good).text();
        if text != Some(&wanted) {
            let saw = format!("{text:?} is published, and good is {wanted}");
            self.report(PUBLISHED, target.as_str(), saw);
        }
    }

    /// The newest push that was heard was asked for, or something newer was.
    fn check_newest(&mut self, target: &TargetName, tag: &str, second: i64) {
        let Some(known) = self.targets.get(target) else {
            return;
        };
        let newest = known.state.newest.get(&known.terms.repository);
        let reached = newest
            .is_some_and(|newest| newest.tagged_at.as_second() >= second || newest.tag == tag);
        let versions = known.terms.tags == super::Tags::Versions;
        let higher = newest
            .is_some_and(|newest| versions && super::version(&newest.tag) > super::version(tag));
        if !reached && !higher {
            let saw = format!("{tag} was pushed last, and newest is {newest:?}");
            self.report(NEWEST, target.as_str(), saw);
        }
    }
}
