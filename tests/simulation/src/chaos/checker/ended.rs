//! What is left once faults stop: invariants 5, 7, 9, 11.

use jiff::Timestamp;
use pushboat::core::name::TargetName;
use pushboat::core::reason::Waiting;
use pushboat::core::state::Standing;

use super::Checker;

const OVER: &str = "5 (once faults stop, everything ends or waits for people)";
const NOTICE: &str = "7 (each phase change is told, under a stable id)";
const EVENTS: &str = "9 (no event vanishes)";
const NEWEST: &str = "11 (a push reaches every target that follows it)";

/// What there is two hours after faults stopped.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// When that is.
    pub at: Timestamp,
    /// Whether everything is held.
    pub held: bool,
    /// How many messages are left in the queue.
    pub queued: usize,
    /// The notices that were not sent, by id.
    pub unsent: Vec<String>,
    /// Wake-ups that were queued for a target and neither handled nor dead letters.
    pub unhandled: Vec<String>,
    /// For each target the newest push that `image-push` heard and that it follows, as tag and second.
    pub newest_heard: Vec<(TargetName, String, i64)>,
}

impl Checker {
    /// Checks what is left at the end.
    pub fn check_end(&mut self, end: &End) {
        self.at = end.at;
        if end.queued > 0 {
            self.report(OVER, "-", format!("{} messages are queued", end.queued));
        }
        for id in &end.unsent {
            self.report(NOTICE, "-", format!("notice {id} was never sent"));
        }
        for wake in &end.unhandled {
            self.report(EVENTS, "-", format!("{wake} was never handled"));
        }
        self.check_over(end);
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
                    Waiting::PausedHook { .. } | Waiting::Person | Waiting::Held { .. } => true,
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
