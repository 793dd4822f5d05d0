//! RunTask, StopTask, and finding tasks.

use serde_json::{Value, json};

use crate::world::{World, definition, network, text};

#[test]
fn a_task_goes_through_its_whole_life() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    let arn = run(&mut world, json!({"startedBy": "me"}));
    world.wait_seconds(120);
    stop(&mut world, &arn, json!({"reason": "enough"}));
    world.wait_seconds(120);
    let statuses: Vec<String> = world
        .events_of("ECS Task State Change")
        .iter()
        .map(|event| text(&event["detail"]["lastStatus"]))
        .collect();
    assert_eq!(
        statuses,
        [
            "PROVISIONING",
            "PENDING",
            "ACTIVATING",
            "RUNNING",
            "DEACTIVATING",
            "STOPPING",
            "DEPROVISIONING",
            "STOPPED",
        ]
    );
    let versions: Vec<i64> = world
        .events
        .iter()
        .map(|event| event["detail"]["version"].as_i64().unwrap())
        .collect();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6, 7, 8]);
    let task = &world.tasks()[0];
    assert_eq!(task["stopCode"], "UserInitiated");
    assert_eq!(task["stoppedReason"], "enough");
    assert_eq!(task["containers"][0]["exitCode"], 143);
    assert_eq!(task["group"], "family:web");
    assert_eq!(task["startedBy"], "me");
    let times = [
        "createdAt",
        "connectivityAt",
        "pullStartedAt",
        "pullStoppedAt",
        "startedAt",
        "stoppingAt",
        "executionStoppedAt",
        "stoppedAt",
    ];
    let times: Vec<f64> = times
        .iter()
        .map(|key| task[key].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[test]
fn a_task_ends_with_its_essential_container() {
    let mut world = World::new();
    let labels = [
        ("behaviour", "exit"),
        ("exit-code", "3"),
        ("exit-after-seconds", "40"),
    ];
    world.images.push("job:1", "sha256:job", &labels);
    world.images.push(
        "side:1",
        "sha256:side",
        &[("behaviour", "exit"), ("exit-code", "0")],
    );
    let containers = vec![
        json!({"name": "job", "image": "job:1"}),
        json!({"name": "side", "image": "side:1", "essential": false}),
        json!({"name": "proxy", "image": "web:1", "essential": false}),
    ];
    world.call("RegisterTaskDefinition", definition(containers));
    run(&mut world, json!({}));
    world.until("the side container has ended", |world| {
        world.tasks()[0]["containers"][1]["lastStatus"] == "STOPPED"
    });
    let task = &world.tasks()[0];
    assert_eq!(
        task["lastStatus"], "RUNNING",
        "a container that is not essential may end"
    );
    assert_eq!(task["containers"][1]["exitCode"], 0);
    world.until("it has stopped", |world| {
        world.tasks()[0]["lastStatus"] == "STOPPED"
    });
    let task = &world.tasks()[0];
    assert_eq!(task["stopCode"], "EssentialContainerExited");
    assert_eq!(task["stoppedReason"], "Essential container in task exited");
    assert_eq!(task["containers"][0]["exitCode"], 3);
    assert_eq!(
        task["containers"][2]["exitCode"], 143,
        "the others are told to end"
    );
    let ran = task["stoppingAt"].as_f64().unwrap() - task["startedAt"].as_f64().unwrap();
    assert!((ran - 40.0).abs() < 0.001, "{ran}");
}

#[test]
fn containers_write_their_lines_when_they_start() {
    let mut world = World::new();
    world.images.push(
        "web:1",
        "sha256:one",
        &[("log", "starting\nlistening on 8080")],
    );
    let log = json!({"logConfiguration": {"logDriver": "awslogs", "options": {
        "awslogs-group": "/ecs/web", "awslogs-stream-prefix": "app"}}});
    world.register("web:1", log);
    let arn = run(&mut world, json!({}));
    world.wait_seconds(120);
    let stream = format!("app/web/{}", arn.rsplit('/').next().unwrap());
    let lines: Vec<(&str, &str, &str)> = world
        .lines
        .iter()
        .map(|line| (&*line.log_group, &*line.log_stream, &*line.message))
        .collect();
    let expected = [
        ("/ecs/web", &*stream, "starting"),
        ("/ecs/web", &*stream, "listening on 8080"),
    ];
    assert_eq!(lines, expected);
    let started_at = world.tasks()[0]["startedAt"].as_f64().unwrap();
    assert_eq!(
        world.lines[0].at.as_millisecond() as f64 / 1000.0,
        started_at
    );
}

#[test]
fn a_container_with_another_driver_writes_nowhere() {
    let mut world = World::new();
    world.images.push("web:1", "sha256:one", &[("log", "lost")]);
    world.register(
        "web:1",
        json!({"logConfiguration": {"logDriver": "splunk"}}),
    );
    run(&mut world, json!({}));
    world.wait_seconds(120);
    assert!(world.lines.is_empty());
}

#[test]
fn a_token_makes_a_second_call_the_same() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    let first = run(&mut world, json!({"clientToken": "t"}));
    assert_eq!(run(&mut world, json!({"clientToken": "t"})), first);
    let mut other = request(json!({"clientToken": "t"}));
    other["count"] = json!(2);
    let error = world.refused("RunTask", other);
    assert_eq!(error.code, "ConflictException");
    assert_ne!(run(&mut world, json!({"clientToken": "u"})), first);
    assert_eq!(world.tasks().len(), 2);
}

#[test]
fn what_cannot_be_run_is_refused() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    world.register("web:1", json!({}));
    world.call(
        "DeregisterTaskDefinition",
        json!({"taskDefinition": "web:2"}),
    );
    let rows: &[(Value, &str, &str)] = &[
        (
            json!({"taskDefinition": "nothing"}),
            "ClientException",
            "TaskDefinition not found.",
        ),
        (
            json!({"taskDefinition": "web:2"}),
            "InvalidParameterException",
            "TaskDefinition is inactive",
        ),
        (
            json!({"count": 0}),
            "InvalidParameterException",
            "between 1 and 10",
        ),
        (
            json!({"count": 11}),
            "InvalidParameterException",
            "between 1 and 10",
        ),
        (
            json!({"launchType": "EC2"}),
            "InvalidParameterException",
            "No Container Instances",
        ),
        (
            json!({"launchType": null}),
            "InvalidParameterException",
            "No Container Instances",
        ),
        (
            json!({"networkConfiguration": null}),
            "InvalidParameterException",
            "Network Configuration",
        ),
        (
            json!({"propagateTags": "SERVICE"}),
            "InvalidParameterException",
            "only when a task is run",
        ),
    ];
    for (members, code, message) in rows {
        let error = world.refused("RunTask", request(members.clone()));
        assert_eq!(error.code, *code, "{members}");
        assert!(error.message.contains(message), "{members}: {error}");
    }
    assert!(world.tasks().is_empty());
}

#[test]
fn the_clusters_default_strategy_stands_in_for_a_launch_type() {
    let mut world = World::new();
    let cluster = json!({
        "clusterName": "spot",
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
    });
    world.call("CreateCluster", cluster);
    world.register("web:1", json!({}));
    let mut request = request(json!({"launchType": null}));
    request["cluster"] = json!("spot");
    let answer = world.call("RunTask", request);
    assert_eq!(answer["tasks"][0]["capacityProviderName"], "FARGATE");
    assert_eq!(answer["failures"], json!([]));
}

#[test]
fn tasks_are_listed_by_filter() {
    let mut world = World::new();
    world.running_service(1);
    let job = json!({
        "family": "job", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512", "containerDefinitions": [{"name": "a", "image": "web:1"}],
    });
    world.call("RegisterTaskDefinition", job);
    let job = run(
        &mut world,
        json!({"taskDefinition": "job", "startedBy": "me"}),
    );
    let count = |world: &mut World, mut request: Value| {
        request["cluster"] = json!("prod");
        world.call("ListTasks", request)["taskArns"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count(&mut world, json!({})), 2);
    assert_eq!(count(&mut world, json!({"serviceName": "web"})), 1);
    assert_eq!(count(&mut world, json!({"family": "job"})), 1);
    assert_eq!(count(&mut world, json!({"startedBy": "me"})), 1);
    assert_eq!(count(&mut world, json!({"startedBy": "you"})), 0);
    assert_eq!(count(&mut world, json!({"launchType": "EC2"})), 0);
    assert_eq!(count(&mut world, json!({"desiredStatus": "PENDING"})), 0);
    stop(&mut world, &job, json!({}));
    assert_eq!(
        count(&mut world, json!({})),
        1,
        "what shall stop is not listed as RUNNING"
    );
    let stopped = json!({"startedBy": "me", "desiredStatus": "STOPPED"});
    assert_eq!(count(&mut world, stopped), 1);
    world.call("CreateCluster", json!({"clusterName": "other"}));
    let elsewhere = json!({"cluster": "other", "tasks": [job.rsplit('/').next()]});
    let found = world.call("DescribeTasks", elsewhere);
    assert_eq!(
        found["failures"][0]["reason"], "MISSING",
        "a cluster shows its own tasks"
    );
    let both = json!({"cluster": "prod", "startedBy": "me", "family": "job"});
    assert_eq!(
        world.refused("ListTasks", both).code,
        "InvalidParameterException"
    );
    let unknown = json!({"cluster": "prod", "serviceName": "nothing"});
    assert_eq!(
        world.refused("ListTasks", unknown).code,
        "ServiceNotFoundException"
    );
}

#[test]
fn a_stopped_task_is_remembered_for_an_hour() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    let arn = run(&mut world, json!({}));
    stop(&mut world, &arn, json!({}));
    world.until("it has stopped", |world| {
        world.tasks()[0]["lastStatus"] == "STOPPED"
    });
    assert_eq!(world.tasks()[0]["stoppedReason"], "Task stopped by user");
    world.wait_seconds(3599);
    assert_eq!(world.tasks().len(), 1);
    world.wait_seconds(2);
    assert!(world.tasks().is_empty());
    let found = world.call(
        "DescribeTasks",
        json!({"cluster": "prod", "tasks": [arn, "other"]}),
    );
    let expected = json!([
        {"arn": arn, "reason": "MISSING"},
        {"arn": "arn:aws:ecs:eu-west-1:123456789012:task/prod/other", "reason": "MISSING"},
    ]);
    assert_eq!(found["failures"], expected);
    let error = world.refused("StopTask", json!({"cluster": "prod", "task": arn}));
    assert_eq!(error.message, "The referenced task was not found.");
}

#[test]
fn a_task_stopped_before_it_runs_never_started() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    let arn = run(&mut world, json!({}));
    world.wait_seconds(5);
    stop(&mut world, &arn, json!({}));
    world.wait_seconds(60);
    let task = &world.tasks()[0];
    assert_eq!(task["lastStatus"], "STOPPED");
    assert!(task.get("startedAt").is_none() && task.get("executionStoppedAt").is_none());
    assert!(task["containers"][0].get("exitCode").is_none());
    let again = stop(&mut world, &arn, json!({"reason": "again"}));
    assert_eq!(again["task"]["stoppedReason"], "Task stopped by user");
}

#[test]
fn a_task_takes_the_tags_of_its_request_and_definition() {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    let tag = json!({"resourceArn": definition, "tags": [{"key": "a", "value": "definition"}]});
    world.call("TagResource", tag);
    let members = json!({
        "propagateTags": "TASK_DEFINITION", "tags": [{"key": "b", "value": "request"}],
        "overrides": {"containerOverrides": [{"name": "web", "command": ["migrate"]}]},
    });
    let arn = run(&mut world, members);
    let task = world.tasks()[0].clone();
    assert_eq!(task["tags"].as_array().unwrap().len(), 2);
    assert_eq!(
        task["overrides"]["containerOverrides"][0]["command"],
        json!(["migrate"])
    );
    stop(&mut world, &arn, json!({}));
    assert_eq!(world.tasks()[0]["tags"], json!([]), "StopTask deletes them");
}

fn request(members: Value) -> Value {
    let mut request = json!({
        "cluster": "prod", "taskDefinition": "web", "launchType": "FARGATE",
        "networkConfiguration": network(),
    });
    for (key, value) in members.as_object().unwrap() {
        request[key] = value.clone();
    }
    request
}

fn run(world: &mut World, members: Value) -> String {
    text(&world.call("RunTask", request(members))["tasks"][0]["taskArn"])
}

fn stop(world: &mut World, arn: &str, members: Value) -> Value {
    let mut request = members;
    request["cluster"] = json!("prod");
    request["task"] = json!(arn);
    world.call("StopTask", request)
}
