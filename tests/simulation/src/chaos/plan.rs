//! What there is: drawn from the seed.

use std::rc::Rc;

use pushboat::core::name::TargetName;
use pushboat::core::policy::ServiceRef;
use serde_json::{Value, json};

use super::checker::{Tags, Terms};
use super::deployment;
use super::mix::{Mix, Trouble};

/// One target and its service.
#[derive(Clone, Debug)]
pub(super) struct TargetPlan {
    pub(super) name: String,
    pub(super) terms: Terms,
    pub(super) text: String,
    pub(super) desired: u32,
    pub(super) balanced: bool,
    pub(super) is_on_spot: bool,
    pub(super) deployment: Option<Value>,
    /// Its task definition; the image of the first container is left open.
    pub(super) definition: Value,
    pub(super) alarms: Vec<String>,
    /// The stack that it goes through, if it does.
    pub(super) stack: Option<String>,
}

/// Everything that a run begins with.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) targets: Vec<Rc<TargetPlan>>,
    pub(super) alarms: Vec<String>,
    pub(super) repositories: Vec<String>,
    /// How many things happen.
    pub(super) events: usize,
    /// The longest pause between two of them, in seconds.
    pub(super) pause_seconds: u64,
}

/// The image that each service runs at first.
pub(super) fn first_tag(tags: Tags) -> &'static str {
    match tags {
        Tags::Exact => "live",
        Tags::Pattern => "main-0",
        Tags::Versions => "1.0.0",
    }
}

impl Plan {
    pub(super) fn draw(mix: Mix, rng: &mut fastrand::Rng) -> Self {
        let count = rng.usize(1..=4);
        let shared_repository = rng.u8(0..3) == 0;
        let shared_alarm = rng.u8(0..4) == 0;
        let mut targets: Vec<Rc<TargetPlan>> = Vec::new();
        for number in 0..count {
            let repository = if shared_repository { 0 } else { number };
            let target = target(mix, rng, number, repository, shared_alarm);
            targets.push(Rc::new(target));
        }
        let mut alarms: Vec<String> = Vec::new();
        let mut repositories: Vec<String> = Vec::new();
        for target in &targets {
            alarms.extend(target.alarms.iter().cloned());
            repositories.push(target.terms.repository.clone());
        }
        alarms.sort();
        alarms.dedup();
        repositories.sort();
        repositories.dedup();
        Self {
            targets,
            alarms,
            repositories,
            events: rng.usize(8..=40),
            pause_seconds: [10, 60, 300, 900][rng.usize(0..4)],
        }
    }
}

pub(super) fn pick<'a, T>(rng: &mut fastrand::Rng, choices: &'a [T]) -> &'a T {
    &choices[rng.usize(0..choices.len())]
}

fn target(
    mix: Mix,
    rng: &mut fastrand::Rng,
    number: usize,
    repository: usize,
    shared_alarm: bool,
) -> TargetPlan {
    let name = format!("web-{number}");
    let repository = format!("team/app-{repository}");
    let tags = *pick(rng, &[Tags::Exact, Tags::Pattern, Tags::Versions]);
    let own = format!("5xx-{number}");
    let mut alarms = Vec::new();
    if rng.u8(0..5) > 0 {
        alarms.push(own.clone());
    }
    if shared_alarm {
        alarms.push("shared".to_owned());
    }
    let followed = match tags {
        Tags::Exact => json!({ "glob": ["live"] }),
        Tags::Pattern => json!({ "glob": ["main-*"] }),
        Tags::Versions => json!({ "semver": "^1" }),
    };
    let text = json!({
        "service": { "cluster": "prod", "name": name },
        "images": [{ "repository": repository, "tags": followed }],
        "alarms": alarms,
        "alarmsAtStart": pick(rng, &["ignore", "ignore", "wait", "reject"]),
        "bakeTimeSeconds": pick(rng, &[0, 60, 300, 600]),
        "deadlineSeconds": pick(rng, &[300, 600, 1200]),
        "maxFailedTasks": { "atLeast": rng.u32(1..=3) },
        "supersede": pick(rng, &["whenFinished", "immediately"]),
    });
    let deployment = deployment::draw(rng, &own, mix.has(Trouble::Hooks));
    TargetPlan {
        terms: Terms {
            service: ServiceRef {
                cluster: "prod".to_owned(),
                name: name.clone(),
            },
            repository,
            tags,
            own_alarms: alarms.iter().filter(|one| **one == own).cloned().collect(),
            shared_alarms: alarms.iter().filter(|one| **one != own).cloned().collect(),
            stack: None,
        },
        name,
        text: text.to_string(),
        desired: *pick(rng, &[1, 2, 2, 3, 4, 0]),
        balanced: rng.u8(0..4) == 0,
        is_on_spot: rng.u8(0..3) == 0,
        deployment,
        definition: definition(rng),
        alarms,
        stack: None,
    }
}

/// Draws a task definition: bare, or with much besides that has to stay as it is.
fn definition(rng: &mut fastrand::Rng) -> Value {
    let mut app = json!({ "name": "app", "essential": true });
    let mut definition = json!({
        "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
        "cpu": "256", "memory": "512",
    });
    let mut containers = Vec::new();
    if rng.u8(0..3) == 0 {
        app["environment"] = json!([{ "name": "STAGE", "value": "prod" }]);
        app["secrets"] = json!([{ "name": "KEY", "valueFrom": "arn:aws:ssm:::parameter/key" }]);
        app["newerThanAnySdk"] =
            json!({ "depth": 1, "ratio": 0.25, "large": u64::MAX, "none": null, "list": [[], {}] });
        definition["tags"] = json!([{ "key": "team", "value": "a" }, { "key": "b", "value": "" }]);
        definition["volumes"] = json!([{ "name": "scratch", "host": {} }]);
        definition["runtimePlatform"] =
            json!({ "cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX" });
    }
    if rng.u8(0..3) == 0 {
        containers.push(json!({
            "name": "router", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable",
            "essential": rng.bool(),
        }));
        app["dependsOn"] = json!([{ "containerName": "router", "condition": "START" }]);
    }
    containers.insert(0, app);
    definition["containerDefinitions"] = Value::Array(containers);
    definition
}

impl TargetPlan {
    /// Gives its task definition with an image.
    pub(super) fn document(&self, image: &str) -> Value {
        let mut document = self.definition.clone();
        document["family"] = json!(self.name);
        document["containerDefinitions"][0]["image"] = json!(image);
        document
    }

    pub(super) fn target(&self) -> TargetName {
        TargetName::parse(&self.name).expect("it is a target's name")
    }
}
