//! Says how long the model takes for a service's life, without any JSON in
//! between: `cargo run --release -p ecs-model --example pace`.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use ecs_model::{
    CreateCluster, CreateService, Ecs, Platform, PullError, Registry, ResolvedImage, Settings,
    Tags, Timings, UpdateService,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// How many worlds each kind is played in.
const WORLDS: u32 = 20_000;

/// A registry in which every image but `web:bad` can be pulled.
struct Images;

impl Registry for Images {
    fn resolve(&self, image: &str, _: Option<&Platform>) -> Result<ResolvedImage, PullError> {
        if image == "web:bad" {
            return Err(PullError::ManifestUnknown);
        }
        Ok(ResolvedImage {
            digest: format!("sha256:{image}"),
            labels: BTreeMap::new(),
        })
    }
}

/// An account with one service, and a clock.
struct World {
    ecs: Ecs,
    lag: SignedDuration,
    now: Timestamp,
    changes: usize,
}

impl World {
    /// Makes the service and waits until it is steady.
    fn new(configuration: Option<Value>) -> Self {
        Self::lagging(configuration, SignedDuration::ZERO)
    }

    /// The same, with the past kept for so long and read at every step.
    fn lagging(configuration: Option<Value>, lag: SignedDuration) -> Self {
        let mut ecs = Ecs::new(Settings {
            account_id: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
            partition: "aws".to_owned(),
            timings: Timings::default(),
        });
        ecs.keep_past(lag);
        let mut world = World {
            ecs,
            lag,
            now: Timestamp::UNIX_EPOCH,
            changes: 0,
        };
        let cluster = CreateCluster {
            cluster_name: Some("prod".to_owned()),
            ..CreateCluster::default()
        };
        world.ecs.create_cluster(cluster).expect("a valid cluster");
        let definition = world.register("web:1");
        let mut service = CreateService {
            cluster: Some("prod".to_owned()),
            service_name: "web".to_owned(),
            task_definition: Some(definition),
            desired_count: Some(2),
            deployment_configuration: configuration.map(object),
            ..CreateService::default()
        };
        service.workload.launch_type = Some("FARGATE".to_owned());
        service.workload.network_configuration = Some(object(
            json!({"awsvpcConfiguration": {"subnets": ["subnet-1"]}}),
        ));
        world.ecs.create_service(service).expect("a valid service");
        world.settle();
        world
    }

    fn register(&mut self, image: &str) -> String {
        let document = object(json!({
            "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
            "cpu": "256", "memory": "512",
            "containerDefinitions": [{"name": "web", "image": image, "essential": true}],
        }));
        let entry = self.ecs.register_task_definition(document, Tags::default());
        entry
            .expect("a valid definition")
            .definition
            .arn
            .to_string()
    }

    fn deploy(&mut self, image: &str) {
        let definition = self.register(image);
        let update = UpdateService {
            cluster: Some("prod".to_owned()),
            service: "web".to_owned(),
            task_definition: Some(definition),
            ..UpdateService::default()
        };
        self.ecs.update_service(update).expect("a valid update");
        self.settle();
    }

    /// Lets three quarters of an hour pass, looking at the service at each step.
    fn settle(&mut self) {
        let end = self.now + SignedDuration::from_mins(45);
        while let Some(next) = self.ecs.next_change_at().filter(|next| *next <= end) {
            self.now = next;
            self.ecs.advance(next, &Images);
            self.changes += self.ecs.take_changes().len();
            black_box(self.ecs.past(self.lag).service(Some("prod"), "web")).ok();
        }
        self.now = end;
        self.ecs.advance(end, &Images);
    }
}

fn main() {
    report("one service made", || World::new(None));
    report("… and one good deployment", || {
        deployed(World::new(None), "web:2")
    });
    let lag = SignedDuration::from_secs(10);
    report("… with reads that lag by 10 seconds", || {
        deployed(World::lagging(None, lag), "web:2")
    });
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    report("… and one rolled back by the circuit breaker", || {
        deployed(World::new(Some(breaker.clone())), "web:bad")
    });
    let alarms = json!({"alarms": {"alarmNames": ["5xx"], "enable": true, "rollback": true}});
    report("… and one that bakes with alarms", || {
        deployed(World::new(Some(alarms.clone())), "web:2")
    });
    let canary = json!({"strategy": "CANARY", "bakeTimeInMinutes": 5});
    report("… and one canary deployment", || {
        deployed(World::new(Some(canary.clone())), "web:2")
    });
}

fn deployed(mut world: World, image: &str) -> World {
    world.deploy(image);
    world
}

fn report(name: &str, play: impl Fn() -> World) {
    let (took, changes) = measure(&play);
    let micros = took.as_secs_f64() * 1e6 / f64::from(WORLDS);
    println!("{micros:7.1} µs per world  {changes:4} changes  {name}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark's clock is the machine's"
)]
fn measure(play: &impl Fn() -> World) -> (Duration, usize) {
    let start = Instant::now();
    let mut changes = 0;
    for _ in 0..WORLDS {
        changes = play().changes;
    }
    (start.elapsed(), changes)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}
