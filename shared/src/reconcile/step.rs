//! What a wake-up has changed and not yet saved.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::core::alarm::AlarmWatch;
use crate::core::decide::READ_LAG;
use crate::core::failure::Failure;
use crate::core::hold::Hold;
use crate::core::name::{ImageDigest, TargetName};
use crate::core::observation::{Definition, Look, Observation, Service, ServiceLook};
use crate::core::policy::Policy;
use crate::core::reason::{SupersededBy, Waiting};
use crate::core::rollout::{Phase, Rollout, Running, Start};
use crate::core::shared::Shared;
use crate::core::shared_alarm::Turn;
use crate::core::state::{
    GoodSource, HaltedTarget, LastKnownGood, Quarantined, Standing, TargetState, Wake,
};
use crate::ledger::{SaveError, StateWrite, TargetEntry, Version};
use crate::notice::{News, Notice, RolloutNews};
use crate::ports::Targets;
use crate::task_definition;

/// How often people are told that a rollout halted and waits for them.
const HALTED_REPEATED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// A target's state in the making.
pub(super) struct Step {
    target: TargetName,
    pub(super) state: Shared<TargetState>,
    saved: Shared<TargetState>,
    version: Version,
    hold: Option<Hold>,
    finished: Vec<Rollout>,
    notices: Vec<Notice>,
    good_definition: Option<Arc<Definition>>,
    /// The task definition of the last-known-good that turned out to be INACTIVE.
    inactive: Option<String>,
}

impl Step {
    pub(super) fn new(target: TargetName, entry: TargetEntry) -> Self {
        Self {
            target,
            saved: entry.state.clone(),
            state: entry.state,
            version: entry.version,
            hold: entry.hold,
            finished: Vec::new(),
            notices: Vec::new(),
            good_definition: None,
            inactive: None,
        }
    }

    /// Keeps whether the revision to go back to can be deployed; what was not sent yet tells it.
    pub(super) fn note_good_revision(&mut self, current: &Rollout, observation: &Observation) {
        let Look::Taken(definition) = &observation.definition else {
            return;
        };
        let goes_to = current.phase.back().map(|back| back.to.as_str());
        let arn = task_definition::arn(definition);
        if goes_to != Some(arn) || task_definition::is_active(definition) {
            return;
        }
        self.inactive = Some(arn.to_owned());
        let (exact_images, good_inactive) = (self.exact_images(current), self.good_inactive());
        for notice in &mut self.notices {
            if let News::Rollout(news) = &mut notice.news
                && news.rollout.id == current.id
            {
                news.exact_images.clone_from(&exact_images);
                news.good_inactive = good_inactive;
            }
        }
    }

    /// Says whether the last-known-good's revision was seen to be INACTIVE.
    pub(super) fn good_inactive(&self) -> bool {
        let good = self.state.last_known_good.as_ref();
        let good = good.map(|good| &good.task_definition);
        self.inactive.is_some() && self.inactive.as_ref() == good
    }

    /// Gives the images of the last-known-good where its revision cannot be deployed as it is,
    /// or is made by CloudFormation.
    pub(super) fn exact_images(&self, rollout: &Rollout) -> BTreeMap<String, String> {
        let good = self.state.last_known_good.as_ref();
        let through_stack = rollout.policy.stack.is_some();
        good.filter(|good| good.by_tag || through_stack || self.good_inactive())
            .map(|good| good.images.clone())
            .unwrap_or_default()
    }

    pub(super) fn target(&self) -> &TargetName {
        &self.target
    }

    /// Saves all that changed since the last time, if anything did.
    pub(super) async fn save<L: Targets>(&mut self, ledger: &L) -> Result<(), SaveError> {
        if self.state == self.saved && self.notices.is_empty() && self.finished.is_empty() {
            return Ok(());
        }
        let write = StateWrite {
            target: self.target.clone(),
            state: self.state.clone(),
            expected: self.version,
            finished: std::mem::take(&mut self.finished),
            notices: std::mem::take(&mut self.notices),
            good_definition: self.good_definition.take(),
        };
        self.version = ledger.save(&write).await?;
        self.saved = write.state;
        Ok(())
    }

    /// Saves at once that a version succeeded where another one waits.
    ///
    /// It is true now: a look at the other one can take long, and an alarm fire meanwhile.
    pub(super) async fn save_success<L: Targets>(
        &mut self,
        ledger: &L,
        now: Timestamp,
    ) -> Result<(), SaveError> {
        let last = self.finished.last();
        let succeeded = last.is_some_and(|last| matches!(last.phase, Phase::Succeeded { .. }));
        if !succeeded || self.state.waiting.is_empty() {
            return Ok(());
        }
        // Should the function die before it looks at the other one, the sweep wakes it.
        self.state.wake = Some(Wake {
            at: now + READ_LAG,
            waiting: Waiting::FirstLook,
        });
        self.save(ledger).await
    }

    /// Gives the hold that stands: the one for everything before the target's own.
    pub(super) fn hold(&self) -> Option<&Hold> {
        self.hold.as_ref().or(self.state.held.as_ref())
    }

    pub(super) fn wake(&self) -> Option<&Wake> {
        self.state.wake.as_ref()
    }

    /// Asks to be woken at a time.
    ///
    /// A wake-up for the same reason that is saved and comes earlier stays: an event
    /// that changes nothing is no reason to write.
    pub(super) fn wait(&mut self, at: Timestamp, waiting: Waiting, now: Timestamp) {
        let comes_first =
            |saved: &&Wake| now < saved.at && saved.at <= at && saved.waiting == waiting;
        let saved = self.saved.wake.as_ref().filter(comes_first);
        self.state.wake = Some(saved.cloned().unwrap_or(Wake { at, waiting }));
    }

    /// Nothing is under way: no wake-up is needed but one that adoption asked for.
    ///
    /// A halted rollout is told of again each hour, until another one takes its place.
    pub(super) fn rest(&mut self, now: Timestamp) {
        match self.state.standing {
            Standing::Adopted { .. } => self.state.wake = self.repeat_halted(now),
            Standing::Pending { .. } | Standing::Invalid { .. } => {}
        }
    }

    fn repeat_halted(&mut self, now: Timestamp) -> Option<Wake> {
        let halted = self.state.halted.as_mut()?;
        let told_at = halted.repeat_at - HALTED_REPEATED_EVERY;
        let since = *halted.since.get_or_insert(told_at);
        let due = now >= halted.repeat_at;
        if due {
            halted.repeat_at = now + HALTED_REPEATED_EVERY;
        }
        let wake = Wake {
            at: halted.repeat_at,
            waiting: Waiting::Person,
        };
        if due {
            let news = Box::new(RolloutNews {
                halted_since: Some(since),
                ..(*halted.news).clone()
            });
            self.tell(&news.rollout.id.to_string(), News::Rollout(news), now);
        }
        Some(wake)
    }

    /// Gives a rollout that has not started the target's present configuration.
    pub(super) fn refresh_policy(&mut self, policy: &Shared<Policy>) {
        if let Some(current) = &mut self.state.current
            && current.phase.start().is_none()
            && current.policy != *policy
        {
            current.policy = policy.clone();
        }
    }

    /// Brings the current rollout into its next phase.
    pub(super) fn apply(
        &mut self,
        current: &Rollout,
        phase: Phase,
        observation: &Observation,
        now: Timestamp,
    ) {
        if let Some(running) = phase.running() {
            self.state.remember_asked(&running.deployment);
        }
        if let Phase::RollingBack { failure, back, .. } = &phase {
            if let Some(good) = &mut self.state.last_known_good
                && good.task_definition != back.to
            {
                // Registered again, the same definition has another ARN, and names its images.
                good.task_definition.clone_from(&back.to);
                good.by_tag = false;
            }
            self.quarantine(current, failure, now);
        }
        if let (
            Phase::Succeeded { .. },
            Look::Taken(ServiceLook::Found(service)),
            Look::Taken(definition),
        ) = (&phase, &observation.service, &observation.definition)
        {
            let source = GoodSource::Rollout {
                id: current.id.clone(),
                tag: Some(current.push.tag.clone()),
            };
            self.set_good(service, definition, definition, source, now);
        }
        if let Phase::Starting { .. } = &phase {
            self.state.stood_down = false;
        }
        let start = phase.start().or(current.phase.start()).cloned();
        let running = current.phase.running().or(phase.running()).cloned();
        let is_told = is_news(&current.phase, &phase);
        let rollout = Rollout {
            resolved: resolved(current, &phase),
            phase,
            ..current.clone()
        };
        let ends = rollout.phase.outcome().is_some();
        let news = (ends || is_told).then(|| RolloutNews {
            taken_back_for: taken_back_for(&current.phase, &rollout.phase),
            ..self.rollout_news(rollout.clone(), start, running)
        });
        if let Some(news) = news {
            if ends {
                return self.end(rollout, news, now);
            }
            self.tell_rollout(news, now);
        }
        for (alarm, to) in begins_to_yield(&current.phase, &rollout.phase) {
            let rollout = Box::new(rollout.clone());
            self.tell_target(News::RolloutYields { rollout, alarm, to }, now);
        }
        if let Some(news) = newly_paused(&current.phase, &rollout) {
            self.tell(&rollout.id.to_string(), news, now);
        }
        if rollout.phase.approval().is_some()
            && rollout.phase.approval() != current.phase.approval()
        {
            let (subject, rollout) = (rollout.id.to_string(), Box::new(rollout.clone()));
            self.tell(&subject, News::ApprovalAsked { rollout }, now);
        }
        self.state.current = Some(rollout);
    }

    /// Puts the current rollout into history with its outcome, and tells of it.
    fn end(&mut self, rollout: Rollout, news: RolloutNews, now: Timestamp) {
        self.state.current = None;
        if let Phase::Halted { .. } = rollout.phase {
            self.state.halted = Some(HaltedTarget {
                news: Box::new(news.clone()),
                repeat_at: now + HALTED_REPEATED_EVERY,
                since: Some(now),
            });
        }
        let phase = rollout.phase.clone();
        self.finished.push(rollout);
        self.tell_rollout(news, now);
        if let Phase::Superseded {
            by: SupersededBy::SomebodyElse { .. },
        } = &phase
        {
            self.state.stood_down = true;
            // What waited was pushed before somebody else decided: only a later push counts.
            self.end_all(&phase, false, now);
        }
    }

    /// Keeps the rollout's image out of the target, if the failure is its fault.
    fn quarantine(&mut self, rollout: &Rollout, failure: &Failure, now: Timestamp) {
        if failure.quarantines() {
            let digest = rollout.digest().clone();
            self.state
                .quarantine
                .entry(digest)
                .or_insert_with(|| Quarantined {
                    rollout: rollout.id.clone(),
                    at: now,
                    failure: failure.as_str().to_owned(),
                });
        }
    }

    /// Puts a rollout that had not started into history with its outcome, and tells of it.
    pub(super) fn finish(&mut self, rollout: Rollout, now: Timestamp) {
        self.finished.push(rollout.clone());
        let news = self.rollout_news(rollout, None, None);
        self.tell_rollout(news, now);
    }

    /// Ends every rollout that has not started, and the one under way too if `started`.
    pub(super) fn end_all(&mut self, phase: &Phase, started: bool, now: Timestamp) {
        let under_way = self
            .state
            .current
            .take_if(|current| started || current.phase.start().is_none());
        let waiting = std::mem::take(&mut self.state.waiting);
        for rollout in under_way.into_iter().chain(waiting) {
            let start = rollout.phase.start().cloned();
            let running = rollout.phase.running().cloned();
            let taken_back_for = taken_back_for(&rollout.phase, phase);
            let ended = Rollout {
                phase: phase.clone(),
                ..rollout
            };
            self.finished.push(ended.clone());
            let news = RolloutNews {
                taken_back_for,
                ..self.rollout_news(ended, start, running)
            };
            self.tell_rollout(news, now);
        }
    }

    /// Records what to go back to: `definition`, which is what ECS makes of what is `registered`.
    pub(super) fn set_good(
        &mut self,
        service: &Service,
        definition: &Arc<Definition>,
        registered: &Definition,
        source: GoodSource,
        now: Timestamp,
    ) {
        self.state.last_known_good = Some(LastKnownGood {
            service_arn: service.arn.clone(),
            service_created_at: service.created_at,
            task_definition: task_definition::arn(definition).to_owned(),
            images: task_definition::images(definition),
            by_tag: task_definition::images(definition) != task_definition::images(registered),
            source,
            at: now,
        });
        self.good_definition = Some(Arc::clone(definition));
    }

    fn rollout_news(
        &self,
        rollout: Rollout,
        start: Option<Shared<Start>>,
        running: Option<Running>,
    ) -> RolloutNews {
        let last_known_good = self.state.last_known_good.as_ref();
        RolloutNews {
            exact_images: self.exact_images(&rollout),
            rollout,
            start,
            running,
            last_known_good: last_known_good.map(|good| good.task_definition.clone()),
            last_known_good_tag: last_known_good.and_then(|good| good.source.tag().cloned()),
            good_inactive: self.good_inactive(),
            held: self.hold().is_some(),
            taken_back_for: None,
            halted_since: None,
        }
    }

    fn tell_rollout(&mut self, news: RolloutNews, now: Timestamp) {
        let subject = news.rollout.id.to_string();
        self.tell(&subject, News::Rollout(Box::new(news)), now);
    }

    pub(super) fn tell_target(&mut self, news: News, now: Timestamp) {
        let subject = self.target.to_string();
        self.tell(&subject, news, now);
    }

    /// Adds a notice; the version that is to be written makes its id stable and unique.
    fn tell(&mut self, subject: &str, news: News, now: Timestamp) {
        let mut notice = Notice {
            id: String::new(),
            target: self.target.clone(),
            at: now,
            news,
        };
        let (version, number) = (self.version.next().0, self.notices.len());
        notice.id = format!("{subject}.{}.{version}.{number}", notice.event());
        self.notices.push(notice);
    }
}

/// Gives the alarms for which a rollout yields from now on, and to which target.
fn begins_to_yield(before: &Phase, after: &Phase) -> Vec<(String, TargetName)> {
    if let Phase::RollingBack { .. } = after {
        return Vec::new();
    }
    let yields_to = |watch: &AlarmWatch| match &watch.sharing.as_ref()?.turn {
        Turn::Yields { to, .. } => Some((watch.name.clone(), to.clone())),
        Turn::Own | Turn::Acquitted { .. } => None,
    };
    let yielding = |phase: &Phase| -> BTreeMap<String, TargetName> {
        let watches = phase.start().into_iter().flat_map(|start| &start.alarms);
        watches.filter_map(yields_to).collect()
    };
    let before = yielding(before);
    let after = yielding(after).into_iter();
    after
        .filter(|(alarm, _)| !before.contains_key(alarm))
        .collect()
}

/// Tells that the deployment, or the way back, waits at a hook for a person, if it did not before.
fn newly_paused(before: &Phase, rollout: &Rollout) -> Option<News> {
    let paused_at = rollout.phase.paused_at();
    let hook = paused_at.filter(|hook| Some(*hook) != before.paused_at())?;
    let (rollout, hook) = (Box::new(rollout.clone()), hook.clone());
    Some(match rollout.phase.back() {
        Some(_) => News::WayBackPaused { rollout, hook },
        None => News::DeploymentPaused { rollout, hook },
    })
}

/// What an exact tag stands for, or stood for, when the rollout starts, if not what was pushed.
fn resolved(before: &Rollout, after: &Phase) -> Option<ImageDigest> {
    let start = after.start().map(|start| &start.digest);
    let moved = start.filter(|digest| **digest != before.push.digest);
    moved.or(before.resolved.as_ref()).cloned()
}

/// Why a version was being taken back when something else took over.
fn taken_back_for(before: &Phase, after: &Phase) -> Option<Failure> {
    match (before, after) {
        (Phase::RollingBack { failure, .. }, Phase::Superseded { .. }) => Some(failure.clone()),
        _ => None,
    }
}

/// Says whether people are told of a change between two phases that are not final.
fn is_news(before: &Phase, after: &Phase) -> bool {
    match (before, after) {
        (Phase::Requested { .. }, Phase::Starting { .. })
        | (Phase::Starting { .. } | Phase::Progressing { .. }, Phase::Baking { .. })
        | (
            Phase::Starting { .. } | Phase::Progressing { .. } | Phase::Baking { .. },
            Phase::RollingBack { .. },
        ) => true,
        (
            Phase::Requested { .. }
            | Phase::Starting { .. }
            | Phase::Progressing { .. }
            | Phase::Baking { .. }
            | Phase::RollingBack { .. }
            | Phase::RolledBack { .. }
            | Phase::Succeeded { .. }
            | Phase::ScaledToZero { .. }
            | Phase::Superseded { .. }
            | Phase::Rejected { .. }
            | Phase::Halted { .. },
            _,
        ) => false,
    }
}
