//! An account to try the rules on: the model, a registry of made-up images, and a clock.

use std::collections::BTreeMap;

use ecs_model::{
    Ecs, LogLine, Platform, PullError, Registry, ResolvedImage, ServiceError, Settings, Timings,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// The model and what surrounds it.
pub(crate) struct World {
    pub(crate) ecs: Ecs,
    pub(crate) images: Images,
    pub(crate) now: Timestamp,
    /// Every event so far.
    pub(crate) events: Vec<Value>,
    /// Every log line so far.
    pub(crate) lines: Vec<LogLine>,
}

/// A registry: what can be pulled, by reference.
#[derive(Default)]
pub(crate) struct Images {
    images: BTreeMap<String, Image>,
    pub(crate) failure: Option<PullError>,
}

#[derive(Clone)]
struct Image {
    resolved: ResolvedImage,
    architectures: Vec<&'static str>,
}

impl Images {
    /// Pushes an image for both architectures, with labels of `pushboat.test/`.
    pub(crate) fn push(&mut self, reference: &str, digest: &str, labels: &[(&str, &str)]) {
        self.push_for(reference, digest, labels, &["amd64", "arm64"]);
    }

    pub(crate) fn push_for(
        &mut self,
        reference: &str,
        digest: &str,
        labels: &[(&str, &str)],
        architectures: &[&'static str],
    ) {
        let labels = labels
            .iter()
            .map(|(name, value)| (format!("pushboat.test/{name}"), (*value).to_owned()))
            .collect();
        let image = Image {
            resolved: ResolvedImage {
                digest: digest.to_owned(),
                labels,
            },
            architectures: architectures.to_vec(),
        };
        let repository = reference.split(':').next().unwrap();
        self.images
            .insert(format!("{repository}@{digest}"), image.clone());
        self.images.insert(reference.to_owned(), image);
    }

    pub(crate) fn delete(&mut self, reference: &str) {
        self.images.remove(reference);
    }
}

impl Registry for Images {
    fn resolve(
        &self,
        image: &str,
        platform: Option<&Platform>,
    ) -> Result<ResolvedImage, PullError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let image = self.images.get(image).ok_or(PullError::ManifestUnknown)?;
        let fits = platform.is_none_or(|platform| {
            platform.os == "linux" && image.architectures.contains(&&*platform.architecture)
        });
        match fits {
            true => Ok(image.resolved.clone()),
            false => Err(PullError::PlatformNotFound),
        }
    }
}

impl World {
    /// An account with the cluster `prod`, realistic timings, and the image `web:1`.
    pub(crate) fn new() -> Self {
        World::with(Timings::default())
    }

    pub(crate) fn with(timings: Timings) -> Self {
        let settings = Settings {
            account_id: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            partition: "aws".to_owned(),
            timings,
        };
        let mut world = World {
            ecs: Ecs::new(settings),
            images: Images::default(),
            now: "2026-05-06T11:00:00Z".parse().unwrap(),
            events: Vec::new(),
            lines: Vec::new(),
        };
        world.images.push("web:1", "sha256:one", &[]);
        world.call("CreateCluster", json!({"clusterName": "prod"}));
        world
    }

    /// Calls an operation that must succeed.
    pub(crate) fn call(&mut self, operation: &str, request: Value) -> Value {
        self.try_call(operation, request)
            .unwrap_or_else(|error| panic!("{operation}: {error}"))
    }

    /// Calls an operation that must be refused.
    pub(crate) fn refused(&mut self, operation: &str, request: Value) -> ServiceError {
        match self.try_call(operation, request) {
            Ok(answer) => panic!("{operation} answered {answer}"),
            Err(error) => error,
        }
    }

    pub(crate) fn try_call(
        &mut self,
        operation: &str,
        request: Value,
    ) -> Result<Value, ServiceError> {
        let answer = self.ecs.call(operation, &request, self.now, &self.images);
        self.collect();
        answer
    }

    /// Puts an alarm into ALARM, or takes it out of it.
    pub(crate) fn alarm(&mut self, name: &str, in_alarm: bool) {
        self.ecs.set_alarm(name, in_alarm, self.now);
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, duration: SignedDuration) {
        self.now = self.now.checked_add(duration).unwrap();
        self.ecs.advance(self.now, &self.images);
        self.collect();
    }

    pub(crate) fn wait_seconds(&mut self, seconds: i64) {
        self.wait(SignedDuration::from_secs(seconds));
    }

    /// Lets one transition after the other happen until `done`; at most half a
    /// day of the account's time.
    pub(crate) fn until(&mut self, what: &str, mut done: impl FnMut(&mut World) -> bool) {
        let end = self
            .now
            .checked_add(SignedDuration::from_hours(12))
            .unwrap();
        while !done(self) {
            match self.ecs.next_change_at().filter(|next| *next <= end) {
                Some(next) => {
                    self.now = self.now.max(next);
                    self.ecs.advance(self.now, &self.images);
                    self.collect();
                }
                None => panic!("it never came about that {what}: {:#}", self.service()),
            }
        }
    }

    /// Waits until the service `web` has one deployment, and that is COMPLETED.
    pub(crate) fn until_completed(&mut self) {
        self.until("the deployment is completed", |world| {
            let service = world.service();
            service["deployments"].as_array().unwrap().len() == 1
                && service["deployments"][0]["rolloutState"] == "COMPLETED"
        });
    }

    fn collect(&mut self) {
        self.events.extend(self.ecs.take_events());
        self.lines.extend(self.ecs.take_log_lines());
    }

    /// Registers a revision of the family `web` with one container; `more` is
    /// merged into the container definition.
    pub(crate) fn register(&mut self, image: &str, more: Value) -> String {
        let mut container = json!({"name": "web", "image": image, "essential": true});
        for (key, value) in more.as_object().unwrap() {
            container[key] = value.clone();
        }
        let answer = self.call("RegisterTaskDefinition", definition(vec![container]));
        text(&answer["taskDefinition"]["taskDefinitionArn"])
    }

    /// Makes the service `web` with a number of tasks of a definition.
    pub(crate) fn create_service(&mut self, definition: &str, desired_count: i64) -> Value {
        self.call("CreateService", service_request(definition, desired_count))["service"].clone()
    }

    /// Makes the service `web` of `web:1` and waits until it is steady.
    pub(crate) fn running_service(&mut self, desired_count: i64) {
        let definition = self.register("web:1", json!({}));
        self.create_service(&definition, desired_count);
        self.until_completed();
    }

    /// Updates the service `web`.
    pub(crate) fn update(&mut self, mut members: Value) -> Value {
        members["cluster"] = json!("prod");
        members["service"] = json!("web");
        self.call("UpdateService", members)["service"].clone()
    }

    /// Pushes an image and updates the service `web` to it; answers with the new
    /// deployment's id.
    pub(crate) fn deploy(&mut self, image: &str, labels: &[(&str, &str)]) -> String {
        self.images.push(image, &format!("sha256:{image}"), labels);
        let definition = self.register(image, json!({}));
        let service = self.update(json!({"taskDefinition": definition}));
        text(&service["deployments"][0]["id"])
    }

    /// Describes the service `web`.
    pub(crate) fn service(&mut self) -> Value {
        let request = json!({"cluster": "prod", "services": ["web"], "include": ["TAGS"]});
        self.call("DescribeServices", request)["services"][0].clone()
    }

    /// Describes the newest service deployment of the service `web`.
    pub(crate) fn record(&mut self) -> Value {
        let request = json!({"cluster": "prod", "service": "web", "maxResults": 1});
        let found = self.call("ListServiceDeployments", request);
        let arn = &found["serviceDeployments"][0]["serviceDeploymentArn"];
        let request = json!({"serviceDeploymentArns": [arn]});
        self.call("DescribeServiceDeployments", request)["serviceDeployments"][0].clone()
    }

    /// The `rolloutState` of the deployments of the service `web`, PRIMARY first.
    pub(crate) fn states(&mut self) -> Vec<String> {
        let service = self.service();
        let deployments = service["deployments"].as_array().unwrap();
        deployments
            .iter()
            .map(|one| text(&one["rolloutState"]))
            .collect()
    }

    /// The ids of the deployments of the service `web`, PRIMARY first.
    pub(crate) fn ids(&mut self) -> Vec<String> {
        let service = self.service();
        let deployments = service["deployments"].as_array().unwrap();
        deployments.iter().map(|one| text(&one["id"])).collect()
    }

    /// Sets members of the deployment configuration of the service `web`.
    pub(crate) fn configure(&mut self, configuration: Value) {
        self.update(json!({ "deploymentConfiguration": configuration }));
    }

    /// What the scheduler of the service `web` said, newest first.
    pub(crate) fn messages(&mut self) -> Vec<String> {
        let service = self.service();
        let events = service["events"].as_array().unwrap();
        events.iter().map(|event| text(&event["message"])).collect()
    }

    /// Describes all tasks of the cluster, stopped ones too, oldest first.
    pub(crate) fn tasks(&mut self) -> Vec<Value> {
        let mut arns = Vec::new();
        for status in ["RUNNING", "STOPPED"] {
            let request = json!({"cluster": "prod", "desiredStatus": status});
            let answer = self.call("ListTasks", request);
            arns.extend(answer["taskArns"].as_array().unwrap().clone());
        }
        if arns.is_empty() {
            return Vec::new();
        }
        let request = json!({"cluster": "prod", "tasks": arns, "include": ["TAGS"]});
        let answer = self.call("DescribeTasks", request);
        let mut tasks = answer["tasks"].as_array().unwrap().clone();
        tasks.sort_by_key(|task| (task["createdAt"].to_string(), text(&task["taskArn"])));
        tasks
    }

    /// The tasks that a deployment started.
    pub(crate) fn tasks_of(&mut self, deployment_id: &str) -> Vec<Value> {
        let mut tasks = self.tasks();
        tasks.retain(|task| task["startedBy"] == deployment_id);
        tasks
    }

    /// The events of one detail type.
    pub(crate) fn events_of(&self, detail_type: &str) -> Vec<&Value> {
        self.events
            .iter()
            .filter(|event| event["detail-type"] == detail_type)
            .collect()
    }
}

/// A task definition for Fargate, of the family `web`.
pub(crate) fn definition(containers: Vec<Value>) -> Value {
    json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512", "containerDefinitions": containers,
    })
}

/// A request to make the service `web` on Fargate.
pub(crate) fn service_request(definition: &str, desired_count: i64) -> Value {
    json!({
        "cluster": "prod", "serviceName": "web", "taskDefinition": definition,
        "desiredCount": desired_count, "launchType": "FARGATE", "networkConfiguration": network(),
    })
}

pub(crate) fn network() -> Value {
    json!({"awsvpcConfiguration": {"subnets": ["subnet-1", "subnet-2"], "securityGroups": ["sg-1"]}})
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}
