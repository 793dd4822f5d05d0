//! What a deployment under way shows: shared by `Progressing` and `Baking`.

use jiff::Timestamp;

use super::super::diagnosis::failed_tasks::{DeployedBy, Failing, Tally, judge};
use super::super::diagnosis::{Cause, Circumstances};
use super::super::failure::Failure;
use super::super::observation::{
    DeploymentRecord, ImageLook, Look, Observation, RecordStatus, Service, ServiceDeployment,
};
use super::super::policy::Policy;
use super::super::reason::{Halted, SupersededBy};
use super::super::rollout::{Back, Phase, RolledBackBy, Rollout, Running, Start, Way};
use super::super::shared::Shared;
use super::super::shared_alarm::Own;
use super::stack::{UnderWay, under_way};
use super::watched_alarms::{Alarms, Yields};
use super::{Decision, Next, Standing, halt, history, newer_takes_over, standing, supersede};

/// A rollout whose revision the service was asked to run.
pub(super) struct Going<'a> {
    pub(super) policy: &'a Policy,
    pub(super) rollout: &'a Rollout,
    /// What was found at the start, with the alarms as they are now.
    pub(super) start: Shared<Start>,
    pub(super) running: &'a Running,
    pub(super) observation: &'a Observation,
    pub(super) now: Timestamp,
    alarms: Alarms,
}

/// What a look came to.
pub(super) enum Course<'a> {
    /// The service is driven towards our revision, and nothing that counts now speaks against it.
    Well(&'a Service, &'a ServiceDeployment),
    /// AWS gave no usable answer, or a stale one.
    Unclear(&'a str),
    /// This is to be done.
    Decided(Box<Decision>),
}

impl<'a> Going<'a> {
    pub(super) fn new(
        policy: &'a Policy,
        rollout: &'a Rollout,
        start: &Shared<Start>,
        running: &'a Running,
        observation: &'a Observation,
        now: Timestamp,
    ) -> Self {
        let own = Own {
            target: &policy.target,
            deployed_at: running.deployment_created_at,
        };
        let alarms = Alarms::look(own, start, observation, now);
        let mut start = start.clone();
        if start.alarms != alarms.watches {
            start.alarms.clone_from(&alarms.watches);
        }
        Self {
            policy,
            rollout,
            start,
            running,
            observation,
            now,
            alarms,
        }
    }

    /// Gives the alarm for which it yields, if it does.
    pub(super) fn yields(&self) -> Option<&Yields> {
        self.alarms.yields.as_ref()
    }

    /// Says whether an alarm that had fired turned out not to count: the bake time begins anew.
    pub(super) fn acquitted(&self) -> bool {
        self.alarms.acquitted
    }

    /// Judges what was seen.
    pub(super) fn course(&self) -> Course<'a> {
        let stack = under_way(self.policy.stack.as_ref(), &self.start, self.observation);
        let (service, primary) = match standing(self.running, self.observation, self.now) {
            Standing::Ours(..) | Standing::MayLag | Standing::GivenUp(_) | Standing::Foreign(_)
                if !stack.lets_the_service_tell() =>
            {
                return self.told_by_stack(&stack);
            }
            // It is CloudFormation that changes the service: where to, its next look tells. What
            // is so at the deadline still is somebody else's.
            Standing::Foreign(_)
                if matches!(stack, UnderWay::Updating) && self.now < self.deadline_at() =>
            {
                return Course::Unclear("CloudFormation has changed the service once more");
            }
            Standing::Ours(service, primary) => (service, primary),
            Standing::MayLag => return Course::Unclear("a read lags behind"),
            Standing::Unknown(trouble) => return Course::Unclear(trouble),
            Standing::GivenUp(primary) => return decided(self.given_up(primary)),
            Standing::Foreign(primary) => return decided(self.foreign(primary)),
            Standing::Gone => return decided(supersede(SupersededBy::ServiceGone)),
        };
        let failing = self.tasks(service);
        let failure = self.failure(primary, failing);
        if let (Some(failure), Some(_)) = (&failure, &self.observation.last_known_good) {
            // Even where a newer push waits: it may be refused, and then this one must not stay.
            return decided(self.take_back(failure.clone()));
        }
        // ECS's own count tells even where the event of a stopped task was lost.
        let suspect = failure.is_some()
            || primary.failed_tasks > 0
            || !matches!(failing, Failing::NotYet { failed: 0, .. });
        // While the stack is being updated nothing else can be: a newer one would wait behind an
        // update that nobody watches. It takes over once that is done, or on its way back.
        let in_the_way = matches!(stack, UnderWay::Updating);
        let leads_back = self.observation.last_known_good.is_some();
        if !(in_the_way && leads_back)
            && let Some(decision) = newer_takes_over(self.policy, self.observation, suspect)
        {
            return decided(decision);
        }
        match failure {
            Some(failure) => decided(self.take_back(failure)),
            None => Course::Well(service, primary),
        }
    }

    /// CloudFormation goes back by itself, or is stuck.
    fn told_by_stack(&self, stack: &UnderWay<'a>) -> Course<'a> {
        let by = RolledBackBy::CloudFormation;
        match stack {
            UnderWay::Unclear(trouble) => Course::Unclear(trouble),
            UnderWay::Gone => decided(supersede(SupersededBy::ServiceGone)),
            UnderWay::GoesBack(Failure::PutBackByHand) => {
                let asked = self.start.stack.as_ref();
                decided(match asked.and_then(|asked| asked.cancelled_at) {
                    // It was cancelled at the deadline, and had just reached the service.
                    Some(intended_at) => {
                        let cause = self.commonest_cause();
                        let failure = Failure::DeadlineReached { cause };
                        self.back(failure, Way::Cancel { intended_at })
                    }
                    None => {
                        let by = RolledBackBy::Person;
                        self.back(Failure::PutBackByHand, Way::Observed { by })
                    }
                })
            }
            UnderWay::GoesBack(failure) => {
                decided(self.back(self.explained(failure), Way::Observed { by }))
            }
            UnderWay::Wedged(failure, stack) => decided(halt(Halted::StackWedged {
                failure: self.explained(failure),
                stack: self.stack_name(),
                status: stack.status_word.clone(),
                failed: stack.failed.clone(),
            })),
            UnderWay::NoMatter | UnderWay::Updating | UnderWay::Done => {
                Course::Unclear("the stack is being updated")
            }
        }
    }

    /// Says whether CloudFormation is not done with the update.
    pub(super) fn stack_is_at_it(&self) -> bool {
        let stack = under_way(self.policy.stack.as_ref(), &self.start, self.observation);
        matches!(stack, UnderWay::Updating)
    }

    fn stack_name(&self) -> String {
        let stack = self.policy.stack.as_ref();
        stack.map_or_else(String::new, |stack| stack.name.clone())
    }

    /// CloudFormation knows which resource failed; what its tasks died of is added.
    fn explained(&self, failure: &Failure) -> Failure {
        match failure {
            Failure::StackFailed { reason, failed, .. } => Failure::StackFailed {
                reason: reason.clone(),
                failed: failed.clone(),
                cause: self.commonest_cause(),
            },
            other => other.clone(),
        }
    }

    fn failure(&self, primary: &ServiceDeployment, failing: Failing) -> Option<Failure> {
        use super::super::observation::DeploymentState;
        if let Some(failure) = Failure::of_tasks(failing) {
            return Some(failure);
        }
        if !self.alarms.fired.is_empty() {
            return Some(Failure::AlarmFired {
                alarms: self.alarms.fired.clone(),
            });
        }
        (primary.state == DeploymentState::Failed).then(|| self.gave_up(&primary.state_reason))
    }

    fn ours(&self) -> DeployedBy<'_> {
        DeployedBy {
            deployment: &self.running.deployment,
            task_definition: &self.running.revision,
        }
    }

    fn circumstances(&self) -> Circumstances {
        let missing = match &self.observation.image {
            Look::Taken(
                ImageLook::Missing | ImageLook::Archived | ImageLook::RepositoryMissing,
            ) => Some(true),
            Look::Taken(ImageLook::Found { .. }) => Some(false),
            Look::NotTaken | Look::Unavailable(_) => None,
        };
        Circumstances {
            image_missing_in_registry: missing,
            // A revision differs from what ran before in nothing but the image.
            secret_introduced: Some(false),
            configuration_changed: Some(false),
            old_revision_fails_likewise: None,
        }
    }

    fn tasks(&self, service: &Service) -> Failing {
        let old = DeployedBy {
            deployment: &self.start.base_deployment,
            task_definition: &self.start.base_task_definition,
        };
        let limit = self.policy.max_failed_tasks.limit(service.desired);
        let stopped = &self.rollout.evidence.stopped_tasks;
        judge(stopped, &self.ours(), &old, &self.circumstances(), limit)
    }

    /// Gives the cause by which most tasks failed, if any failed by the version's fault.
    pub(super) fn commonest_cause(&self) -> Option<Cause> {
        let stopped = &self.rollout.evidence.stopped_tasks;
        Tally::of(stopped, &self.ours(), &self.circumstances()).commonest()
    }

    /// The deadline is reached; answers nothing before it is.
    pub(super) fn past_deadline(&self) -> Option<Decision> {
        let over = self.now >= self.deadline_at();
        over.then(|| {
            self.take_back(Failure::DeadlineReached {
                cause: self.commonest_cause(),
            })
        })
    }

    pub(super) fn deadline_at(&self) -> Timestamp {
        self.running.deadline_from() + self.policy.deadline()
    }

    /// Turns back to the last-known-good.
    pub(super) fn take_back(&self, failure: Failure) -> Decision {
        self.back(failure, Way::Unasked)
    }

    fn back(&self, failure: Failure, way: Way) -> Decision {
        let Some(good) = &self.observation.last_known_good else {
            return halt(Halted::NothingToGoBackTo { failure });
        };
        Decision {
            phase: Phase::RollingBack {
                start: self.start.clone(),
                running: self.running.clone(),
                failure,
                back: Back {
                    to: good.clone(),
                    began_at: self.now,
                    way,
                    corrected: None,
                    stack: None,
                    paused_at: None,
                },
            },
            actions: Vec::new(),
            next: Next::Now,
        }
    }

    /// ECS gave the deployment up.
    ///
    /// Its circuit breaker counts tasks, whatever stopped them. Alarms and hooks
    /// are set on the version.
    fn gave_up(&self, reason: &str) -> Failure {
        let stopped = &self.rollout.evidence.stopped_tasks;
        let tally = Tally::of(stopped, &self.ours(), &self.circumstances());
        let counted_tasks = reason.to_lowercase().contains("circuit breaker");
        Failure::DeploymentFailed {
            reason: reason.to_owned(),
            platform: tally.platform_alone().filter(|_| counted_tasks),
        }
    }

    /// ECS went back by itself: that is observed, and judged by where it lands.
    fn given_up(&self, primary: &ServiceDeployment) -> Decision {
        let record = history::of(&self.observation.history, &self.running.revision);
        let words = record.map(|record| &record.status_reason);
        let words = words.filter(|words| !words.is_empty());
        let failure = self.gave_up(words.unwrap_or(&primary.state_reason));
        let by = RolledBackBy::Ecs;
        self.back(failure, Way::Observed { by })
    }

    /// ECS is rolling our deployment back, which it still shows: a hook may keep it there.
    ///
    /// Where a person has it lead elsewhere than to the last-known-good, that is seen once it does.
    pub(super) fn goes_back(
        &self,
        record: &DeploymentRecord,
        primary: &ServiceDeployment,
    ) -> Option<Decision> {
        if record.status != RecordStatus::RollingBack {
            return None;
        }
        if record.failed_by_ecs {
            return Some(self.given_up(primary));
        }
        let good = self.observation.last_known_good.as_ref()?;
        let mut sources = record.sources.iter();
        let leads_back = !record.sources.is_empty() && sources.all(|source| source == good);
        let by = RolledBackBy::Person;
        leads_back.then(|| self.back(Failure::PutBackByHand, Way::Observed { by }))
    }

    /// Somebody else changed the service: to the last-known-good, or to something else.
    fn foreign(&self, primary: &ServiceDeployment) -> Decision {
        if self.observation.last_known_good.as_ref() == Some(&primary.task_definition) {
            let by = RolledBackBy::Person;
            return self.back(Failure::PutBackByHand, Way::Observed { by });
        }
        supersede(SupersededBy::SomebodyElse {
            task_definition: primary.task_definition.clone(),
        })
    }
}

fn decided<'a>(decision: Decision) -> Course<'a> {
    Course::Decided(Box::new(decision))
}
