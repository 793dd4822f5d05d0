//! Health checks of containers and load balancers.

use serde_json::{Value, json};

use crate::world::{World, definition, service_request, text};

#[test]
fn a_task_that_passes_its_check_is_healthy() {
    let mut world = World::new();
    let definition = world.register("web:1", check());
    world.create_service(&definition, 1);
    world.until("it runs", |world| world.service()["runningCount"] == 1);
    assert_eq!(world.tasks()[0]["healthStatus"], "UNKNOWN");
    assert_eq!(
        world.service()["deployments"][0]["rolloutState"],
        "IN_PROGRESS"
    );
    world.until_completed();
    let task = &world.tasks()[0];
    assert_eq!(task["healthStatus"], "HEALTHY");
    assert_eq!(task["containers"][0]["healthStatus"], "HEALTHY");
}

#[test]
fn a_task_without_a_check_has_no_health_status() {
    let mut world = World::new();
    world.running_service(1);
    world.wait_seconds(120);
    assert_eq!(world.tasks()[0]["healthStatus"], "UNKNOWN");
}

#[test]
fn a_new_revision_that_fails_its_check_never_takes_over() {
    let mut world = World::new();
    let first = world.register("web:1", check());
    world.create_service(&first, 2);
    world.until_completed();
    world
        .images
        .push("web:2", "sha256:two", &[("behaviour", "unhealthy")]);
    let second = world.register("web:2", check());
    let service = world.update(json!({"taskDefinition": second}));
    let id = text(&service["deployments"][0]["id"]);
    world.wait_seconds(900);
    let service = world.service();
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    assert_eq!(service["deployments"][1]["runningCount"], 2);
    let stopped: Vec<Value> = world
        .tasks_of(&id)
        .into_iter()
        .filter(|task| task["desiredStatus"] == "STOPPED")
        .collect();
    assert!(stopped.len() > 2);
    for task in &stopped {
        assert_eq!(task["stopCode"], "ServiceSchedulerInitiated");
        assert_eq!(task["stoppedReason"], "Task failed container health checks");
        assert_eq!(task["healthStatus"], "UNHEALTHY");
    }
    let failed = service["deployments"][0]["failedTasks"].as_u64().unwrap();
    assert_eq!(failed, stopped.len() as u64);
}

#[test]
fn ecs_looks_at_no_check_but_the_definitions() {
    let mut world = World::new();
    world.running_service(1);
    world.deploy("web:2", &[("behaviour", "unhealthy")]);
    world.until_completed();
    world.wait_seconds(600);
    assert_eq!(world.service()["runningCount"], 1);
    assert_eq!(
        world.tasks().len(),
        1 + 1,
        "the old one and the new one, none replaced"
    );
}

#[test]
fn a_container_that_is_not_essential_does_not_decide() {
    let mut world = World::new();
    world
        .images
        .push("side:1", "sha256:side", &[("behaviour", "unhealthy")]);
    let mut side = json!({"name": "side", "image": "side:1", "essential": false});
    side["healthCheck"] = check()["healthCheck"].clone();
    let containers = vec![json!({"name": "web", "image": "web:1"}), side];
    world.call("RegisterTaskDefinition", definition(containers));
    world.create_service("web", 1);
    world.until_completed();
    world.wait_seconds(600);
    assert_eq!(world.tasks().len(), 1);
}

#[test]
fn a_task_that_fails_its_target_groups_check_is_replaced() {
    let mut world = World::new();
    world
        .images
        .push("web:1", "sha256:ill", &[("behaviour", "elb-unhealthy")]);
    let definition = world.register("web:1", json!({}));
    world.call("CreateService", balanced(&definition, json!({})));
    world.until("a task was stopped", |world| {
        world
            .tasks()
            .iter()
            .any(|task| task["desiredStatus"] == "STOPPED")
    });
    let task = world.tasks()[0].clone();
    assert_eq!(task["stopCode"], "ServiceSchedulerInitiated");
    let reason = format!("Task failed ELB health checks in (target-group {GROUP})");
    assert_eq!(task["stoppedReason"], reason);
    let said =
        format!("(service web) (port 8080) is unhealthy in (target-group {GROUP}) due to (reason ");
    assert!(
        world
            .messages()
            .iter()
            .any(|message| message.starts_with(&said))
    );
}

#[test]
fn a_target_group_shows_how_its_tasks_are() {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    let grace = json!({"healthCheckGracePeriodSeconds": 600, "desiredCount": 1});
    world.call("CreateService", balanced(&definition, grace));
    let states = |world: &World| -> Vec<(&str, &str, i64)> {
        let targets = world.ecs.targets(GROUP).into_iter();
        targets
            .map(|one| (one.state, one.reason, one.port))
            .collect()
    };
    assert_eq!(states(&world), []);
    world.until("it runs", |world| world.service()["runningCount"] == 1);
    assert_eq!(
        states(&world),
        [("initial", "Elb.InitialHealthChecking", 8080)]
    );
    world.until_completed();
    assert_eq!(states(&world), [("healthy", "", 8080)]);
    world.deploy("web:2", &[("behaviour", "elb-unhealthy")]);
    world.until("the new one fails its check", |world| {
        let targets = world.ecs.targets(GROUP);
        targets
            .iter()
            .any(|one| one.reason == "Target.ResponseCodeMismatch")
    });
    assert_eq!(world.ecs.targets("another").len(), 0);
}

#[test]
fn without_a_target_group_nobody_asks() {
    let mut world = World::new();
    world.running_service(1);
    world.deploy("web:2", &[("behaviour", "elb-unhealthy")]);
    world.until_completed();
}

#[test]
fn the_grace_period_puts_off_what_a_failed_check_does() {
    let mut world = World::new();
    world
        .images
        .push("web:1", "sha256:ill", &[("behaviour", "elb-unhealthy")]);
    let definition = world.register("web:1", json!({}));
    let grace = json!({"healthCheckGracePeriodSeconds": 600});
    world.call("CreateService", balanced(&definition, grace));
    world.until("it runs", |world| world.service()["runningCount"] == 1);
    world.wait_seconds(595);
    assert_eq!(world.tasks().len(), 1);
    assert_eq!(
        world.service()["deployments"][0]["rolloutState"],
        "IN_PROGRESS"
    );
    world.wait_seconds(30);
    assert!(world.tasks().len() > 1);
}

/// With room for it, the replacement of an unhealthy task starts before that one stops.
#[test]
fn a_replacement_comes_before_the_unhealthy_task_goes() {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    let mut request = balanced(&definition, json!({}));
    request["desiredCount"] = json!(2);
    world.call("CreateService", request);
    world.until_completed();
    world
        .images
        .push("web:1", "sha256:one", &[("behaviour", "elb-unhealthy")]);
    let lost = text(&world.tasks()[0]["taskArn"]);
    world.call("StopTask", json!({"cluster": "prod", "task": lost}));
    world.until("an ill task runs", |world| {
        let tasks = world.tasks();
        tasks.len() == 3 && tasks[2]["lastStatus"] == "RUNNING"
    });
    world.images.push("web:1", "sha256:one", &[]);
    let mut most = 0;
    world.until("it is replaced", |world| {
        let service = world.service();
        let there =
            service["runningCount"].as_u64().unwrap() + service["pendingCount"].as_u64().unwrap();
        most = most.max(there);
        assert!(service["runningCount"].as_u64().unwrap() >= 1);
        world
            .tasks()
            .iter()
            .filter(|task| task["stopCode"] == "ServiceSchedulerInitiated")
            .count()
            == 1
    });
    assert_eq!(most, 3);
    world.wait_seconds(120);
    assert_eq!(world.service()["runningCount"], 2);
}

const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef";

fn check() -> Value {
    json!({"healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost/"]}})
}

fn balanced(definition: &str, members: Value) -> Value {
    let mut request = service_request(definition, 1);
    request["loadBalancers"] =
        json!([{"targetGroupArn": GROUP, "containerName": "web", "containerPort": 8080}]);
    for (key, value) in members.as_object().unwrap() {
        request[key] = value.clone();
    }
    request
}
