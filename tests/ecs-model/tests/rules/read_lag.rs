//! Reads that show how things were a moment ago.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{World, definition, service_request, text};

const CLUSTER: &str = "arn:aws:ecs:eu-west-1:123456789012:cluster/prod";

#[test]
fn reads_show_the_present_unless_they_are_asked_to_lag() {
    let mut world = World::new();
    world.running_service(1);
    world.update(json!({"desiredCount": 3}));
    assert_eq!(world.service()["desiredCount"], 3);
}

/// Whatever is written is hidden from every read for as long as reads lag, and
/// from none before it was.
#[test]
fn every_write_is_hidden_for_a_while() {
    for write in 0..writes(&mut busy()).len() {
        let mut world = busy();
        let (operation, request) = writes(&mut world).swap_remove(write);
        world.wait_seconds(100);
        let before = reads(&mut world);
        world.call(operation, request);
        let after = reads(&mut world);
        assert_ne!(before, after, "{operation} shows");
        world.ecs.set_read_lag(SignedDuration::from_millis(400));
        assert_eq!(reads(&mut world), before, "{operation} is hidden");
        world.wait(SignedDuration::from_millis(399));
        assert_eq!(reads(&mut world), before, "{operation} is still hidden");
        world.wait(SignedDuration::from_millis(1));
        assert_eq!(reads(&mut world), after, "{operation} shows at last");
    }
}

/// A whole deployment, seen twice: as it is, and a while later just the same.
#[test]
fn what_happens_by_itself_shows_later_too() {
    let lag = SignedDuration::from_millis(2_500);
    let mut world = World::new();
    world.running_service(2);
    world.ecs.keep_past(lag);
    world.wait_seconds(10);
    let mut present = vec![reads(&mut world); 6];
    world.deploy("web:2", &[]);
    let mut differed = 0;
    for _ in 0..600 {
        let now = reads(&mut world);
        world.ecs.set_read_lag(lag);
        let shown = reads(&mut world);
        world.ecs.set_read_lag(SignedDuration::ZERO);
        present.push(now);
        let due = &present[present.len() - 1 - 5];
        assert_eq!(&shown, due, "{}", world.now);
        differed += u32::from(shown != present[present.len() - 1]);
        world.wait(SignedDuration::from_millis(500));
    }
    assert_eq!(world.states(), ["COMPLETED"]);
    assert!(differed > 30, "{differed}");
}

#[test]
fn each_read_can_be_given_a_lag_of_its_own() {
    let mut world = World::new();
    world.running_service(1);
    world.ecs.keep_past(SignedDuration::from_secs(10));
    let mut seen = Vec::new();
    for desired in [2, 3, 4] {
        world.update(json!({ "desiredCount": desired }));
        world.wait_seconds(1);
    }
    for lag in [0, 2, 1, 3, 99] {
        world.ecs.set_read_lag(SignedDuration::from_secs(lag));
        seen.push(world.service()["desiredCount"].clone());
    }
    assert_eq!(seen, [4, 3, 4, 2, 1]);
    let past = world.ecs.past(SignedDuration::from_secs(2));
    let service = past.service(Some("prod"), "web").unwrap().unwrap();
    assert_eq!(service.desired_count, 3);
    assert_eq!(past.task_counts(service, None).pending, 0);
    let present = world.ecs.service(Some("prod"), "web").unwrap().unwrap();
    assert_eq!(present.desired_count, 4);
}

#[test]
fn what_was_before_reads_lagged_is_not_known() {
    let mut world = World::new();
    world.running_service(1);
    world.update(json!({"desiredCount": 2}));
    world.ecs.set_read_lag(SignedDuration::from_secs(5));
    assert_eq!(world.service()["desiredCount"], 2);
    world.update(json!({"desiredCount": 3}));
    assert_eq!(world.service()["desiredCount"], 2, "from now on it is");
}

/// Events and log lines do not lag.
#[test]
fn keeping_the_past_changes_nothing_else() {
    let play = |longest: SignedDuration| {
        let mut world = World::new();
        let labels = [("log", "hello")];
        world.images.push("web:1", "sha256:one", &labels);
        world.ecs.keep_past(longest);
        let logs = json!({"logDriver": "awslogs", "options": {
            "awslogs-group": "/prod", "awslogs-stream-prefix": "web"}});
        let definition = world.register("web:1", json!({ "logConfiguration": logs }));
        world.create_service(&definition, 2);
        // What happened is handed over late.
        let end = world.now + SignedDuration::from_mins(10);
        world.ecs.advance(end, &world.images);
        let events = world.ecs.take_events();
        (
            events,
            world.ecs.take_log_lines(),
            world.ecs.next_change_at(),
        )
    };
    let played = play(SignedDuration::ZERO);
    assert!(played.0.len() > 5 && !played.1.is_empty());
    assert_eq!(play(SignedDuration::from_mins(1)), played);
}

/// The service `web` waits in a deployment for somebody to go on, and
/// besides there is one of all that can be deleted. The past is kept.
fn busy() -> World {
    let mut world = World::new();
    world.running_service(1);
    world.call("CreateCluster", json!({"clusterName": "spare"}));
    world.register("web:1", json!({}));
    let mut spare = service_request("web:1", 0);
    spare["serviceName"] = json!("spare");
    world.call("CreateService", spare);
    let run = json!({"cluster": "prod", "taskDefinition": "web:1", "launchType": "FARGATE",
        "networkConfiguration": crate::world::network()});
    world.call("RunTask", run);
    world.call("TagResource", tags(CLUSTER));
    world.configure(json!({
        "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}],
    }));
    world.deploy("web:2", &[]);
    world.wait_seconds(400);
    world.ecs.keep_past(SignedDuration::from_millis(400));
    world
}

/// One of every operation that changes something, as it can be called then.
fn writes(world: &mut World) -> Vec<(&'static str, Value)> {
    let record = world.record();
    let arn = record["serviceDeploymentArn"].clone();
    let hook = record["lifecycleHookDetails"][0]["hookId"].clone();
    let tasks = world.tasks();
    let task = tasks
        .iter()
        .find(|task| task["group"] == "family:web")
        .unwrap();
    let task = text(&task["taskArn"]);
    let service = text(&world.service()["serviceArn"]);
    let revision = text(&world.service()["taskDefinition"]);
    let container = json!({"name": "web", "image": "web:1", "essential": true});
    let mut made = service_request("web:1", 1);
    made["serviceName"] = json!("made");
    let run = json!({"cluster": "prod", "taskDefinition": "web:1", "launchType": "FARGATE",
        "networkConfiguration": crate::world::network()});
    vec![
        ("CreateCluster", json!({"clusterName": "made"})),
        ("DeleteCluster", json!({"cluster": "spare"})),
        ("RegisterTaskDefinition", definition(vec![container])),
        (
            "DeregisterTaskDefinition",
            json!({"taskDefinition": "web:1"}),
        ),
        ("CreateService", made),
        (
            "UpdateService",
            json!({"cluster": "prod", "service": "web", "desiredCount": 2}),
        ),
        (
            "DeleteService",
            json!({"cluster": "prod", "service": "spare"}),
        ),
        ("RunTask", run),
        ("StopTask", json!({"cluster": "prod", "task": task})),
        (
            "StopServiceDeployment",
            json!({ "serviceDeploymentArn": arn }),
        ),
        (
            "ContinueServiceDeployment",
            json!({"serviceDeploymentArn": arn, "hookId": hook}),
        ),
        ("TagResource", tags(&service)),
        ("TagResource", tags(&task)),
        ("TagResource", tags(&revision)),
        (
            "UntagResource",
            json!({"resourceArn": CLUSTER, "tagKeys": ["team"]}),
        ),
    ]
}

fn tags(arn: &str) -> Value {
    json!({"resourceArn": arn, "tags": [{"key": "team", "value": "web"}]})
}

/// What every operation answers that only reads.
fn reads(world: &mut World) -> Vec<Value> {
    let mut answers = Vec::new();
    let mut ask = |operation: &str, request: Value| {
        let answer = world.try_call(operation, request);
        answers.push(answer.unwrap_or_else(|error| json!(error.to_string())));
        answers[answers.len() - 1].clone()
    };
    let prod = json!({"cluster": "prod"});
    let clusters = json!({"clusters": ["prod", "spare", "made"], "include": ["TAGS"]});
    ask("DescribeClusters", clusters);
    ask("ListClusters", json!({}));
    ask(
        "DescribeTaskDefinition",
        json!({"taskDefinition": "web", "include": ["TAGS"]}),
    );
    ask("ListTaskDefinitions", json!({}));
    ask("ListTaskDefinitionFamilies", json!({}));
    ask("ListServices", prod.clone());
    let services =
        json!({"cluster": "prod", "services": ["web", "spare", "made"], "include": ["TAGS"]});
    ask("DescribeServices", services);
    ask("ListTagsForResource", json!({"resourceArn": CLUSTER}));
    let service = json!({"cluster": "prod", "service": "web"});
    let listed = ask("ListServiceDeployments", service);
    let records = listed["serviceDeployments"].as_array().unwrap();
    let arns = |key: &str| {
        records
            .iter()
            .map(|one| one[key].clone())
            .collect::<Value>()
    };
    let records = json!({"serviceDeploymentArns": arns("serviceDeploymentArn")});
    ask("DescribeServiceDeployments", records);
    let revisions = json!({"serviceRevisionArns": arns("targetServiceRevisionArn")});
    ask("DescribeServiceRevisions", revisions);
    for status in ["RUNNING", "STOPPED"] {
        let listed = ask(
            "ListTasks",
            json!({"cluster": "prod", "desiredStatus": status}),
        );
        if listed["taskArns"]
            .as_array()
            .is_some_and(|arns| !arns.is_empty())
        {
            let tasks =
                json!({"cluster": "prod", "tasks": listed["taskArns"], "include": ["TAGS"]});
            ask("DescribeTasks", tasks);
        }
    }
    answers
}
