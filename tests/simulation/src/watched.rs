//! Every port, with its calls counted and broken on demand.

use std::future::{Future, pending};
use std::sync::Arc;

use jiff::Timestamp;
use pushboat::core::alarm::AlarmSeen;
use pushboat::core::evidence::TargetHealth;
use pushboat::core::hold::Hold;
use pushboat::core::name::{ImageDigest, TargetName};
use pushboat::core::observation::{
    Availability, Definition, DeploymentRecord, Digests, ImageLook, OwnRevision, ServiceDeployment,
    ServiceLook,
};
use pushboat::core::overlooked::ListedImage;
use pushboat::core::policy::ServiceRef;
use pushboat::core::rollout::Rollout;
use pushboat::core::stack::{ChangeSetLook, ChangeSetRequest, StackLook};
use pushboat::ledger::{
    Chore, Follower, IgnoredPush, LedgerError, NoticeKey, Registration, RegistrationChange,
    ReverseKey, SaveError, StateWrite, StoredNotice, TargetEntry, Version,
};
use pushboat::ports::{
    Alarms, CallError, DeployedParameters, EventBus, IgnoredPushes, ImageLists, ImageName, Images,
    LoadBalancers, Outbox, Parameter, Parameters, Publication, Queue, Records, Registrations,
    ReverseItems, Services, StackResources, Stacks, Targets, Topic,
};
use pushboat::queue::QueueMessage;
use serde_json::Value;

use crate::calls::{Calls, Fault, Operation};

/// A port whose calls are counted and broken on demand.
#[derive(Clone, Debug)]
pub struct Watched<P> {
    port: P,
    calls: Calls,
}

impl<P> Watched<P> {
    /// Watches a port.
    pub(crate) fn new(port: P, calls: &Calls) -> Self {
        Self {
            port,
            calls: calls.clone(),
        }
    }

    /// Makes a call, unless something goes wrong with it.
    ///
    /// A function that dies never gets an answer: whoever runs it drops it.
    async fn call<T, E: Trouble>(
        &self,
        operation: Operation,
        effect: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match self.calls.begin(operation) {
            None => effect.await,
            Some(Fault::CrashBefore) => pending().await,
            Some(Fault::CrashAfter) => {
                let _ = effect.await;
                pending().await
            }
            Some(Fault::PauseBefore) => {
                self.calls.pause_before(operation).await;
                effect.await
            }
            Some(Fault::PauseAfter) => {
                let answer = effect.await;
                self.calls.pause_after().await;
                answer
            }
            Some(Fault::LateWrite) => {
                self.calls.delay_write().await;
                let _ = effect.await;
                pending().await
            }
            Some(Fault::LostAnswer) => {
                let _ = effect.await;
                Err(E::unclear(operation))
            }
            Some(Fault::LostRequest) => Err(E::unclear(operation)),
            Some(Fault::Throttled) => Err(E::throttled(operation)),
            Some(Fault::Refused) => Err(E::refused(operation)),
            Some(Fault::Conflict) => Err(E::conflict(operation)),
        }
    }
}

/// The ways in which a call can go wrong, as its error says it.
///
/// Where an error knows no such way, the call has no clear answer.
trait Trouble: Sized {
    fn unclear(operation: Operation) -> Self;

    fn throttled(operation: Operation) -> Self {
        Self::unclear(operation)
    }

    fn refused(operation: Operation) -> Self {
        Self::unclear(operation)
    }

    fn conflict(operation: Operation) -> Self {
        Self::unclear(operation)
    }
}

impl Trouble for CallError {
    fn unclear(operation: Operation) -> Self {
        Self::Unclear {
            call: format!("{operation:?}"),
            problem: "no answer".to_owned(),
        }
    }

    fn throttled(operation: Operation) -> Self {
        Self::Throttled {
            call: format!("{operation:?}"),
        }
    }

    fn refused(operation: Operation) -> Self {
        Self::Refused {
            call: format!("{operation:?}"),
            code: "ClientException".to_owned(),
            message: "It may not be.".to_owned(),
        }
    }
}

impl Trouble for LedgerError {
    fn unclear(operation: Operation) -> Self {
        Self::Unreachable {
            doing: format!("{operation:?}"),
            problem: "no answer".to_owned(),
        }
    }
}

impl Trouble for SaveError {
    fn unclear(operation: Operation) -> Self {
        LedgerError::unclear(operation).into()
    }

    fn conflict(_: Operation) -> Self {
        Self::Conflict
    }
}

impl<P: Services> Services for Watched<P> {
    async fn service(&self, service: &ServiceRef) -> Result<ServiceLook, CallError> {
        self.call(Operation::DescribeServices, self.port.service(service))
            .await
    }

    async fn task_definition(&self, arn: &str) -> Result<Arc<Definition>, CallError> {
        let effect = self.port.task_definition(arn);
        self.call(Operation::DescribeTaskDefinition, effect).await
    }

    async fn own_revision(&self, own: &OwnRevision) -> Result<Option<String>, CallError> {
        let effect = self.port.own_revision(own);
        self.call(Operation::FindRevision, effect).await
    }

    async fn register(&self, request: &Value) -> Result<String, CallError> {
        let effect = self.port.register(request);
        self.call(Operation::RegisterTaskDefinition, effect).await
    }

    async fn update(
        &self,
        service: &ServiceRef,
        revision: &str,
    ) -> Result<ServiceDeployment, CallError> {
        let effect = self.port.update(service, revision);
        self.call(Operation::UpdateService, effect).await
    }

    async fn resolved_images(
        &self,
        service: &ServiceRef,
        task_definition: &str,
    ) -> Result<Digests, CallError> {
        let effect = self.port.resolved_images(service, task_definition);
        self.call(Operation::DescribeServiceDeployments, effect)
            .await
    }

    async fn history(
        &self,
        service: &ServiceRef,
        since: Timestamp,
    ) -> Result<Vec<DeploymentRecord>, CallError> {
        let effect = self.port.history(service, since);
        self.call(Operation::DescribeServiceDeployments, effect)
            .await
    }

    async fn stop(&self, service_deployment: &str) -> Result<(), CallError> {
        let effect = self.port.stop(service_deployment);
        self.call(Operation::StopServiceDeployment, effect).await
    }
}

impl<P: Stacks> Stacks for Watched<P> {
    async fn stack(&self, name: &str) -> Result<StackLook, CallError> {
        self.call(Operation::DescribeStacks, self.port.stack(name))
            .await
    }

    async fn change_set(&self, stack: &str, name: &str) -> Result<ChangeSetLook, CallError> {
        let effect = self.port.change_set(stack, name);
        self.call(Operation::DescribeChangeSet, effect).await
    }

    async fn create_change_set(&self, request: &ChangeSetRequest) -> Result<(), CallError> {
        let effect = self.port.create_change_set(request);
        self.call(Operation::CreateChangeSet, effect).await
    }

    async fn execute_change_set(
        &self,
        stack: &str,
        name: &str,
        token: &str,
    ) -> Result<(), CallError> {
        let effect = self.port.execute_change_set(stack, name, token);
        self.call(Operation::ExecuteChangeSet, effect).await
    }

    async fn cancel_update(&self, stack: &str, token: &str) -> Result<(), CallError> {
        let effect = self.port.cancel_update(stack, token);
        self.call(Operation::CancelUpdateStack, effect).await
    }
}

impl<P: StackResources> StackResources for Watched<P> {
    async fn services(&self, stack: &str) -> Result<Option<Vec<String>>, CallError> {
        let effect = self.port.services(stack);
        self.call(Operation::ListStackResources, effect).await
    }
}

impl<P: Images> Images for Watched<P> {
    async fn image(&self, repository: &str, name: ImageName<'_>) -> Result<ImageLook, CallError> {
        let effect = self.port.image(repository, name);
        self.call(Operation::DescribeImage, effect).await
    }

    async fn availability(
        &self,
        repository: &str,
        name: ImageName<'_>,
    ) -> Result<Availability, CallError> {
        let effect = self.port.availability(repository, name);
        self.call(Operation::DescribeGoodImage, effect).await
    }

    async fn pushed_at(
        &self,
        repository: &str,
        digest: &ImageDigest,
    ) -> Result<Option<Timestamp>, CallError> {
        let effect = self.port.pushed_at(repository, digest);
        self.call(Operation::DescribePushTime, effect).await
    }

    async fn missing_repositories(&self, repositories: &[&str]) -> Result<Vec<String>, CallError> {
        let effect = self.port.missing_repositories(repositories);
        self.call(Operation::DescribeRepositories, effect).await
    }
}

impl<P: ImageLists> ImageLists for Watched<P> {
    async fn listed(&self, repository: &str) -> Result<Vec<ListedImage>, CallError> {
        self.call(Operation::ListImages, self.port.listed(repository))
            .await
    }

    async fn tagged(&self, repository: &str, tag: &str) -> Result<Option<ListedImage>, CallError> {
        self.call(Operation::DescribeTag, self.port.tagged(repository, tag))
            .await
    }
}

impl<P: Alarms> Alarms for Watched<P> {
    async fn alarms(&self, names: &[String]) -> Result<Vec<AlarmSeen>, CallError> {
        self.call(Operation::DescribeAlarms, self.port.alarms(names))
            .await
    }
}

impl<P: LoadBalancers> LoadBalancers for Watched<P> {
    async fn target_health(
        &self,
        target_group_arn: &str,
        at: Timestamp,
    ) -> Result<Vec<TargetHealth>, CallError> {
        let effect = self.port.target_health(target_group_arn, at);
        self.call(Operation::DescribeTargetHealth, effect).await
    }
}

impl<P: Targets> Targets for Watched<P> {
    async fn load(&self, target: &TargetName) -> Result<TargetEntry, LedgerError> {
        self.call(Operation::LoadTarget, self.port.load(target))
            .await
    }

    async fn good_definition(
        &self,
        target: &TargetName,
    ) -> Result<Option<Arc<Definition>>, LedgerError> {
        let effect = self.port.good_definition(target);
        self.call(Operation::ReadGoodDefinition, effect).await
    }

    async fn save(&self, write: &StateWrite) -> Result<Version, SaveError> {
        self.call(Operation::SaveTarget, self.port.save(write))
            .await
    }
}

impl<P: ReverseItems> ReverseItems for Watched<P> {
    async fn followers(&self, key: &ReverseKey) -> Result<Vec<Follower>, LedgerError> {
        self.call(Operation::FindFollowers, self.port.followers(key))
            .await
    }
}

impl<P: IgnoredPushes> IgnoredPushes for Watched<P> {
    async fn keep_ignored(
        &self,
        target: &TargetName,
        ignored: &IgnoredPush,
    ) -> Result<(), LedgerError> {
        let effect = self.port.keep_ignored(target, ignored);
        self.call(Operation::KeepIgnored, effect).await
    }
}

impl<P: Records> Records for Watched<P> {
    async fn all_registrations(&self) -> Result<Vec<Registration>, LedgerError> {
        self.call(Operation::ListRegistrations, self.port.all_registrations())
            .await
    }

    async fn entry(&self, target: &TargetName) -> Result<TargetEntry, LedgerError> {
        self.call(Operation::ReadEntry, self.port.entry(target))
            .await
    }

    async fn history(
        &self,
        target: &TargetName,
        limit: usize,
    ) -> Result<Vec<Rollout>, LedgerError> {
        self.call(Operation::ReadHistory, self.port.history(target, limit))
            .await
    }

    async fn ignored(
        &self,
        target: &TargetName,
        limit: usize,
    ) -> Result<Vec<IgnoredPush>, LedgerError> {
        self.call(Operation::ReadIgnored, self.port.ignored(target, limit))
            .await
    }

    async fn finished(
        &self,
        target: &TargetName,
        id: &str,
    ) -> Result<Option<Rollout>, LedgerError> {
        self.call(Operation::ReadFinished, self.port.finished(target, id))
            .await
    }
}

impl<P: Registrations> Registrations for Watched<P> {
    async fn registrations(&self) -> Result<Vec<Registration>, LedgerError> {
        self.call(Operation::ListRegistrations, self.port.registrations())
            .await
    }

    async fn apply(&self, change: &RegistrationChange) -> Result<(), SaveError> {
        self.call(Operation::ApplyRegistration, self.port.apply(change))
            .await
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<(TargetName, Timestamp)>, LedgerError> {
        self.call(Operation::FindDue, self.port.due(now)).await
    }

    async fn note_woken(&self, registration: &Registration) -> Result<(), LedgerError> {
        self.call(Operation::NoteWoken, self.port.note_woken(registration))
            .await
    }

    async fn done_at(&self, chore: Chore) -> Result<Option<Timestamp>, LedgerError> {
        self.call(Operation::ReadChore, self.port.done_at(chore))
            .await
    }

    async fn note_done(&self, chore: Chore, at: Option<Timestamp>) -> Result<(), LedgerError> {
        self.call(Operation::NoteChore, self.port.note_done(chore, at))
            .await
    }

    async fn hold(&self) -> Result<Option<Hold>, LedgerError> {
        self.call(Operation::ReadHold, self.port.hold()).await
    }

    async fn note_hold(&self, hold: Option<&Hold>) -> Result<(), LedgerError> {
        self.call(Operation::NoteHold, self.port.note_hold(hold))
            .await
    }
}

impl<P: Outbox> Outbox for Watched<P> {
    async fn unsent(&self, key: &NoticeKey) -> Result<Option<StoredNotice>, LedgerError> {
        self.call(Operation::ReadNotice, self.port.unsent(key))
            .await
    }

    async fn unsent_before(&self, before: Timestamp) -> Result<Vec<NoticeKey>, LedgerError> {
        self.call(Operation::FindUnsent, self.port.unsent_before(before))
            .await
    }

    async fn note_published(&self, key: &NoticeKey, at: Timestamp) -> Result<(), LedgerError> {
        self.call(Operation::NotePublished, self.port.note_published(key, at))
            .await
    }

    async fn mark_sent(&self, key: &NoticeKey, at: Timestamp) -> Result<(), LedgerError> {
        self.call(Operation::MarkSent, self.port.mark_sent(key, at))
            .await
    }
}

impl<P: Queue> Queue for Watched<P> {
    async fn send(&self, messages: &[QueueMessage]) -> Result<(), CallError> {
        self.call(Operation::SendMessages, self.port.send(messages))
            .await
    }
}

impl<P: Parameters> Parameters for Watched<P> {
    async fn below(&self, path: &str) -> Result<Vec<Parameter>, CallError> {
        self.call(Operation::GetParameters, self.port.below(path))
            .await
    }

    async fn value(&self, name: &str) -> Result<Option<String>, CallError> {
        self.call(Operation::GetParameter, self.port.value(name))
            .await
    }
}

impl<P: DeployedParameters> DeployedParameters for Watched<P> {
    async fn put(&self, name: &str, value: &str) -> Result<(), CallError> {
        self.call(Operation::PutParameter, self.port.put(name, value))
            .await
    }
}

impl<P: EventBus> EventBus for Watched<P> {
    async fn put(&self, document: &str) -> Result<(), CallError> {
        self.call(Operation::PutEvents, self.port.put(document))
            .await
    }
}

impl<P: Topic> Topic for Watched<P> {
    async fn publish(&self, publication: &Publication) -> Result<(), CallError> {
        self.call(Operation::Publish, self.port.publish(publication))
            .await
    }
}
