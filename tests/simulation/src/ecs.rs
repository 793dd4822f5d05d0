//! The account's ECS, and what its owners do with it besides Pushboat.

mod seen;
mod truth;

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use ecs_model::{
    CreateCluster, CreateService, ServiceError, Settings, Tag, Tags, TaskDefinitionEntry, Timings,
    UpdateService,
};
use jiff::{SignedDuration, Timestamp};
use pushboat::core::observation::Definition;
use pushboat::core::policy::ServiceRef;
use pushboat::ports::{CallError, Clock as _};
use serde_json::{Value, json};

use crate::clock::VirtualClock;
use crate::deeds::{Deed, Deeds, Registered};
use crate::images::{ACCOUNT, Images, REGION};
use crate::services::Complaints;

/// The account's ECS; clones are the same one.
#[derive(Clone, Debug)]
pub struct Ecs {
    /// The time, by which deeds are noted.
    time: VirtualClock,
    /// Its own clock.
    clock: VirtualClock,
    images: Images,
    model: Rc<RefCell<ecs_model::Ecs>>,
    /// Nothing of a revision changes but its status, so each is rendered once for each.
    pub(crate) definitions: Rc<RefCell<BTreeMap<String, Arc<Definition>>>>,
    /// A message never changes, so each is read once.
    pub(crate) complaints: Rc<RefCell<Complaints>>,
    lag: Rc<Cell<ReadLag>>,
    limits_rates: Rc<Cell<bool>>,
    /// How many tasks of a service were wanted before that was changed, and when it was.
    wanted_before: Rc<RefCell<BTreeMap<ServiceRef, (Timestamp, u32)>>>,
    outdated: Rc<RefCell<Vec<Outdated>>>,
    pub(crate) deeds: Deeds,
}

/// For how long reads do not show what Pushboat wrote.
///
/// The ECS API follows an eventual consistency model, and AWS names no bound.
/// Source: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadLag {
    /// Reads of services.
    pub services: SignedDuration,
    /// Searches for a family's revisions.
    pub definitions: SignedDuration,
}

/// How things stood before a write.
#[derive(Debug)]
struct Outdated {
    written_at: Timestamp,
    model: ecs_model::Ecs,
}

/// A service as its owner makes it: one container, `app`, on Fargate.
#[derive(Clone, Debug)]
pub struct ServiceSpecification {
    /// The cluster and the service's name; the family is named like the service.
    pub service: ServiceRef,
    /// The container's image, as the definition spells it.
    pub image: String,
    /// How many tasks are wanted.
    pub desired: u32,
    /// The tag by which the owner consents.
    pub target: Option<String>,
    /// `ECS`, `CODE_DEPLOY` or `EXTERNAL`.
    pub controller: String,
    /// `REPLICA` or `DAEMON`.
    pub scheduling_strategy: String,
    /// Its target group and for how many seconds failed health checks do not count.
    pub balanced: Option<(String, u32)>,
    /// Whether its tasks run on Fargate Spot.
    pub is_on_spot: bool,
}

impl ServiceSpecification {
    /// Names a service with two tasks and its owner's consent to `target`.
    #[must_use]
    pub fn new(cluster: &str, name: &str, image: &str, target: &str) -> Self {
        Self {
            service: ServiceRef {
                cluster: cluster.to_owned(),
                name: name.to_owned(),
            },
            image: image.to_owned(),
            desired: 2,
            target: Some(target.to_owned()),
            controller: "ECS".to_owned(),
            scheduling_strategy: "REPLICA".to_owned(),
            balanced: None,
            is_on_spot: false,
        }
    }
}

impl Ecs {
    pub(crate) fn new(time: VirtualClock, images: Images) -> Self {
        let model = ecs_model::Ecs::new(Settings {
            account_id: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            partition: "aws".to_owned(),
            timings: Timings::default(),
        });
        Self {
            clock: time.beside(),
            time,
            images,
            limits_rates: Rc::default(),
            model: Rc::new(RefCell::new(model)),
            definitions: Rc::default(),
            complaints: Rc::default(),
            lag: Rc::default(),
            wanted_before: Rc::default(),
            outdated: Rc::default(),
            deeds: Deeds::default(),
        }
    }

    /// Gives its own clock.
    #[must_use]
    pub fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    /// Refuses from now on what is asked more often than AWS documents.
    pub fn limit_rates(&self) {
        self.limits_rates.set(true);
        self.model().limit_rates(true);
    }

    /// Has others in the account call an operation as often as they may at this moment.
    pub fn use_up(&self, operation: &str) {
        if self.limits_rates.get() {
            let mut model = self.model();
            while model.count_call(operation).is_ok() {}
        }
    }

    /// Counts Pushboat's calls of some operations, one each.
    pub(crate) fn count(&self, operations: &[&str]) -> Result<(), CallError> {
        if !self.limits_rates.get() {
            return Ok(());
        }
        let mut model = self.model();
        for operation in operations {
            if model.count_call(operation).is_err() {
                let call = (*operation).to_owned();
                return Err(CallError::Throttled { call });
            }
        }
        Ok(())
    }

    /// Has reads lag behind Pushboat's writes from now on.
    pub fn set_read_lag(&self, lag: ReadLag) {
        self.lag.set(lag);
    }

    /// Remembers how things stand, because a write is about to change them.
    pub(crate) fn begin_write(&self) {
        let lag = self.lag.get();
        if lag == ReadLag::default() {
            return;
        }
        let now = self.time.now();
        let longest = lag.services.max(lag.definitions);
        let mut outdated = self.outdated.borrow_mut();
        outdated.retain(|one| now.duration_since(one.written_at) < longest);
        outdated.push(Outdated {
            written_at: now,
            model: self.model().clone(),
        });
    }

    /// Reads services as they are shown now.
    pub(crate) fn shown_services<T>(&self, read: impl FnOnce(&ecs_model::Ecs) -> T) -> T {
        self.shown(self.lag.get().services, read)
    }

    /// Reads families as they are shown now.
    pub(crate) fn shown_definitions<T>(&self, read: impl FnOnce(&ecs_model::Ecs) -> T) -> T {
        self.shown(self.lag.get().definitions, read)
    }

    fn shown<T>(&self, lag: SignedDuration, read: impl FnOnce(&ecs_model::Ecs) -> T) -> T {
        let now = self.time.now();
        let outdated = self.outdated.borrow();
        let hides = |one: &&Outdated| now.duration_since(one.written_at) < lag;
        match outdated.iter().find(hides) {
            Some(before) => read(&before.model),
            None => read(&self.read()),
        }
    }

    /// Brings the model up to the present and gives it to be changed.
    pub fn model(&self) -> RefMut<'_, ecs_model::Ecs> {
        let mut model = self.model.borrow_mut();
        model.advance(self.clock.now(), &self.images);
        model
    }

    /// Brings the model up to the present and gives it to be read.
    #[must_use]
    pub fn read(&self) -> Ref<'_, ecs_model::Ecs> {
        drop(self.model());
        self.model.borrow()
    }

    /// Gives the time.
    pub(crate) fn now(&self) -> Timestamp {
        self.time.now()
    }

    pub(crate) fn registry(&self) -> &Images {
        &self.images
    }

    /// Says when something happens next by itself.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        let next = self.model.borrow().next_change_at();
        next.map(|at| self.clock.unskewed(at))
    }

    /// Registers a revision with one container, `app`; answers its ARN.
    ///
    /// # Panics
    ///
    /// If ECS refuses it.
    pub fn register(&self, family: &str, image: &str) -> String {
        self.register_document(json!({
            "family": family,
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "containerDefinitions": [{ "name": "app", "image": image, "essential": true }],
        }))
    }

    /// Registers a whole definition, with the tags that it may hold; answers its ARN.
    ///
    /// # Panics
    ///
    /// If ECS refuses it.
    pub fn register_document(&self, document: Value) -> String {
        let registered = self.take_definition(document, false);
        registered.expect("the definition is a valid one")
    }

    /// Registers a whole definition, likewise, unless ECS refuses it.
    pub(crate) fn take_definition(
        &self,
        mut document: Value,
        by_pushboat: bool,
    ) -> Result<String, ServiceError> {
        let members = document.as_object_mut().map(std::mem::take);
        let mut members = members.unwrap_or_default();
        let tags = read_tags(&members.remove("tags").unwrap_or_default());
        let tags = Tags::from_request(&tags)?;
        let mut model = self.model();
        let entry = model.register_task_definition(members, tags)?;
        self.note_registered(entry, by_pushboat);
        Ok(entry.definition.arn.to_string())
    }

    /// Registers a family's latest definition once more, with another image of `app`; answers its ARN.
    ///
    /// Where every one of them is deregistered it makes a plain one.
    ///
    /// # Panics
    ///
    /// If ECS refuses it.
    pub fn register_next(&self, family: &str, image: &str) -> String {
        let model = self.read();
        let Some(latest) = model.task_definition(family) else {
            drop(model);
            return self.register(family, image);
        };
        let mut document = latest.definition.document.clone();
        let tags = latest.tags.iter();
        let tags: Vec<Value> = tags
            .map(|(key, value)| json!({ "key": key, "value": value }))
            .collect();
        drop(model);
        let containers = document
            .get_mut("containerDefinitions")
            .and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            if container["name"] == "app" {
                container["image"] = json!(image);
            }
        }
        document.insert("tags".to_owned(), Value::Array(tags));
        self.register_document(Value::Object(document))
    }

    /// Notes what was registered, where deeds are kept.
    pub(crate) fn note_registered(&self, entry: &TaskDefinitionEntry, by_pushboat: bool) {
        if !self.deeds.are_kept() {
            return;
        }
        let tags = entry.tags.iter();
        self.deeds.note(Deed::Registered(Box::new(Registered {
            at: self.now(),
            by_pushboat,
            arn: entry.definition.arn.to_string(),
            document: entry.definition.document.clone(),
            tags: tags
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        })));
    }

    /// Deregisters a revision: it becomes INACTIVE, and what runs of it goes on.
    ///
    /// # Panics
    ///
    /// If there is no such revision.
    pub fn deregister(&self, revision: &str) {
        let mut model = self.model();
        model
            .deregister_task_definition(revision)
            .expect("the revision exists");
    }

    /// Makes a service, and its cluster where there is none.
    ///
    /// # Panics
    ///
    /// If ECS refuses it.
    pub fn create_service(&self, specification: &ServiceSpecification) {
        let service = &specification.service;
        let revision = self.register(&service.name, &specification.image);
        self.create_service_of(specification, &revision);
    }

    /// Makes a service of a revision that is registered already.
    ///
    /// # Panics
    ///
    /// If ECS refuses it.
    pub fn create_service_of(&self, specification: &ServiceSpecification, revision: &str) {
        let service = &specification.service;
        self.create_cluster(&service.cluster);
        let is_daemon = specification.scheduling_strategy == "DAEMON";
        let tags = specification.target.iter();
        let mut input = CreateService {
            cluster: Some(service.cluster.clone()),
            service_name: service.name.clone(),
            task_definition: Some(revision.to_owned()),
            desired_count: (!is_daemon).then(|| specification.desired.into()),
            scheduling_strategy: Some(specification.scheduling_strategy.clone()),
            deployment_controller: Some(json!({ "type": specification.controller })),
            tags: tags.map(|name| Tag::new("pushboat:target", name)).collect(),
            ..CreateService::default()
        };
        let launch_type = if is_daemon { "EC2" } else { "FARGATE" };
        if specification.is_on_spot {
            let strategy = [("capacityProvider".to_owned(), json!("FARGATE_SPOT"))];
            input.workload.capacity_provider_strategy = Some(vec![strategy.into_iter().collect()]);
        } else {
            input.workload.launch_type = Some(launch_type.to_owned());
        }
        let network = json!({ "subnets": ["subnet-1"] });
        let network = [("awsvpcConfiguration".to_owned(), network)];
        input.workload.network_configuration = Some(network.into_iter().collect());
        if let Some((group, grace_seconds)) = &specification.balanced {
            let balancer = [
                ("targetGroupArn".to_owned(), json!(group)),
                ("containerName".to_owned(), json!("app")),
                ("containerPort".to_owned(), json!(8080)),
            ];
            input.workload.load_balancers = Some(vec![balancer.into_iter().collect()]);
            input.health_check_grace_period_seconds = Some(*grace_seconds);
        }
        if specification.controller == "EXTERNAL" {
            input.task_definition = None;
            input.workload.network_configuration = None;
        }
        let mut model = self.model();
        model
            .create_service(input)
            .expect("the service is a valid one");
    }

    /// Makes a cluster.
    ///
    /// # Panics
    ///
    /// If ECS refuses it.
    pub fn create_cluster(&self, name: &str) {
        let input = CreateCluster {
            cluster_name: Some(name.to_owned()),
            ..CreateCluster::default()
        };
        let mut model = self.model();
        model
            .create_cluster(input)
            .expect("the cluster is a valid one");
    }

    /// Notes how many tasks are wanted, because that is about to change.
    pub(crate) fn note_wanted(&self, service: &ServiceRef) {
        let wanted = self.truth(service).map_or(0, |truth| truth.desired);
        let mut before = self.wanted_before.borrow_mut();
        before.insert(service.clone(), (self.now(), wanted));
    }

    /// Does what somebody with the plain AWS CLI does.
    ///
    /// # Panics
    ///
    /// If ECS refuses it.
    pub fn update(&self, service: &ServiceRef, change: impl FnOnce(&mut UpdateService)) {
        let mut input = UpdateService {
            cluster: Some(service.cluster.clone()),
            service: service.name.clone(),
            ..UpdateService::default()
        };
        change(&mut input);
        if input.desired_count.is_some() {
            self.note_wanted(service);
        }
        let mut model = self.model();
        model
            .update_service(input)
            .expect("the update is a valid one");
    }

    /// Deletes a service, its tasks with it.
    ///
    /// # Panics
    ///
    /// If ECS refuses it.
    pub fn delete_service(&self, service: &ServiceRef) {
        let mut model = self.model();
        model
            .delete_service(Some(&service.cluster), &service.name, true)
            .expect("the service exists");
    }

    /// Tags what an ARN names.
    ///
    /// # Panics
    ///
    /// If there is no such thing.
    pub fn tag(&self, arn: &str, key: &str, value: &str) {
        let request = json!({ "resourceArn": arn, "tags": [{ "key": key, "value": value }] });
        let now = self.clock.now();
        let mut model = self.model();
        model
            .call("TagResource", &request, now, &self.images)
            .expect("what is tagged exists");
    }
}

/// Reads the tags of a request.
fn read_tags(tags: &Value) -> Vec<Tag> {
    let text = |tag: &Value, name: &str| tag[name].as_str().unwrap_or_default().to_owned();
    let tags = tags.as_array().into_iter().flatten();
    tags.map(|tag| Tag::new(text(tag, "key"), text(tag, "value")))
        .collect()
}
