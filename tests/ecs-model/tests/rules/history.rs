//! Service deployments and service revisions.

use ecs_model::PullError;
use serde_json::{Value, json};

use crate::world::{World, text};

#[test]
fn a_first_deployment_has_no_source() {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    world.create_service(&definition, 2);
    let record = latest(&mut world);
    assert_eq!(record["status"], "PENDING");
    assert!(record.get("startedAt").is_none());
    assert_eq!(record["sourceServiceRevisions"], json!([]));
    world.wait_seconds(10);
    let record = latest(&mut world);
    assert_eq!(record["status"], "IN_PROGRESS");
    assert_eq!(record["targetServiceRevision"]["requestedTaskCount"], 2);
    assert_eq!(record["targetServiceRevision"]["pendingTaskCount"], 1);
    world.until_completed();
    let record = latest(&mut world);
    assert_eq!(record["status"], "SUCCESSFUL");
    assert_eq!(record["targetServiceRevision"]["runningTaskCount"], 2);
    assert!(record["finishedAt"].is_f64() && record.get("stoppedAt").is_none());
    assert_eq!(record["alarms"], json!({"status": "DISABLED"}));
    assert_eq!(record["deploymentCircuitBreaker"]["status"], "DISABLED");
    assert_eq!(record["deploymentConfiguration"]["maximumPercent"], 200);
}

#[test]
fn the_source_of_a_deployment_is_the_target_of_the_one_before() {
    let mut world = World::new();
    world.running_service(1);
    let first = latest(&mut world);
    world.deploy("web:2", &[]);
    let second = latest(&mut world);
    let source = &second["sourceServiceRevisions"];
    assert_eq!(source.as_array().unwrap().len(), 1);
    assert_eq!(source[0]["arn"], first["targetServiceRevision"]["arn"]);
    assert_eq!(source[0]["runningTaskCount"], 1);
    world.until_completed();
    let second = latest(&mut world);
    assert_eq!(second["sourceServiceRevisions"][0]["runningTaskCount"], 0);
    world.update(json!({"desiredCount": 3}));
    world.until("three run", |world| world.service()["runningCount"] == 3);
    let after = latest(&mut world);
    assert_eq!(
        after["targetServiceRevision"]["runningTaskCount"], 1,
        "as it was when it finished"
    );
    let service = world.service();
    assert_eq!(
        service["currentServiceDeployment"],
        after["serviceDeploymentArn"]
    );
    assert_eq!(service["currentServiceRevisions"][0]["runningTaskCount"], 3);
}

#[test]
fn a_superseded_deployment_is_stopped() {
    let mut world = World::new();
    world.running_service(1);
    let good = latest(&mut world)["targetServiceRevision"]["arn"].clone();
    world.deploy(
        "web:2",
        &[("behaviour", "exit"), ("exit-after-seconds", "20")],
    );
    world.wait_seconds(40);
    let bad = latest(&mut world);
    assert_eq!(bad["status"], "IN_PROGRESS");
    world.deploy("web:3", &[]);
    let arn = text(&bad["serviceDeploymentArn"]);
    assert_eq!(describe(&mut world, &arn)["status"], "STOP_REQUESTED");
    assert_eq!(latest(&mut world)["status"], "PENDING");
    let sources: Vec<Value> = latest(&mut world)["sourceServiceRevisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["arn"].clone())
        .collect();
    assert_eq!(sources, [bad["targetServiceRevision"]["arn"].clone(), good]);
    world.wait_seconds(5);
    let stopped = describe(&mut world, &arn);
    assert_eq!(stopped["status"], "STOPPED");
    assert!(stopped["stoppedAt"].is_f64() && stopped["finishedAt"].is_f64());
    world.until_completed();
    assert_eq!(describe(&mut world, &arn)["status"], "STOPPED", "for good");
    assert_eq!(latest(&mut world)["status"], "SUCCESSFUL");
}

#[test]
fn what_was_done_is_a_source_without_tasks_and_what_was_not_is_none() {
    let mut world = World::new();
    world.running_service(1);
    let good = latest(&mut world)["targetServiceRevision"]["arn"].clone();
    world.update(json!({"desiredCount": 0}));
    world.wait_seconds(120);
    world.deploy("web:2", &[]);
    let sources = latest(&mut world)["sourceServiceRevisions"].clone();
    assert_eq!(
        sources[0]["arn"], good,
        "scaled to zero, it is still what is deployed"
    );
    world.deploy("web:3", &[]);
    let sources = latest(&mut world)["sourceServiceRevisions"].clone();
    assert_eq!(
        sources.as_array().unwrap().len(),
        1,
        "web:2 never had a task"
    );
    assert_eq!(sources[0]["arn"], good);
}

#[test]
fn the_history_is_listed_newest_first_and_filtered() {
    let mut world = World::new();
    world.running_service(1);
    let between = world.now.as_second() as f64 + 0.5;
    world.wait_seconds(1);
    world.deploy("web:2", &[]);
    world.until_completed();
    world.deploy("web:3", &[]);
    let statuses = |world: &mut World, mut request: Value| -> Vec<String> {
        request["cluster"] = json!("prod");
        request["service"] = json!("web");
        let found = world.call("ListServiceDeployments", request);
        let found = found["serviceDeployments"].as_array().unwrap().clone();
        found.iter().map(|record| text(&record["status"])).collect()
    };
    assert_eq!(
        statuses(&mut world, json!({})),
        ["PENDING", "SUCCESSFUL", "SUCCESSFUL"]
    );
    let ongoing = json!({"status": ["PENDING", "IN_PROGRESS"]});
    assert_eq!(statuses(&mut world, ongoing), ["PENDING"]);
    let before = json!({"createdAt": {"before": between}});
    assert_eq!(statuses(&mut world, before), ["SUCCESSFUL"]);
    let after = json!({"createdAt": {"after": between}});
    assert_eq!(statuses(&mut world, after), ["PENDING", "SUCCESSFUL"]);
    assert_eq!(statuses(&mut world, json!({"maxResults": 1})), ["PENDING"]);
    world.wait_seconds(91 * 24 * 3600);
    assert!(
        statuses(&mut world, json!({})).is_empty(),
        "90 days are shown"
    );
    let unknown = json!({"cluster": "prod", "service": "nothing"});
    let error = world.refused("ListServiceDeployments", unknown);
    assert_eq!(error.code, "ServiceNotFoundException");
}

#[test]
fn a_revision_records_what_was_deployed() {
    let mut world = World::new();
    world.running_service(1);
    let arn = latest(&mut world)["targetServiceRevision"]["arn"].clone();
    let found = world.call(
        "DescribeServiceRevisions",
        json!({"serviceRevisionArns": [arn]}),
    );
    let revision = &found["serviceRevisions"][0];
    assert!(text(&revision["taskDefinition"]).ends_with("task-definition/web:1"));
    assert_eq!(revision["launchType"], "FARGATE");
    assert_eq!(revision["platformVersion"], "1.4.0");
    let image = json!([{"containerName": "web", "image": "web:1", "imageDigest": "sha256:one"}]);
    assert_eq!(revision["containerImages"], image);
    world.update(json!({"forceNewDeployment": true}));
    let next = latest(&mut world)["targetServiceRevision"]["arn"].clone();
    assert_ne!(next, arn, "a forced deployment has a revision of its own");
    let found = world.call(
        "DescribeServiceRevisions",
        json!({"serviceRevisionArns": [next]}),
    );
    let images = &found["serviceRevisions"][0]["containerImages"];
    assert!(
        images[0].get("imageDigest").is_none(),
        "not established yet"
    );
}

#[test]
fn what_is_not_there_is_a_failure() {
    let mut world = World::new();
    world.running_service(1);
    let deployment = latest(&mut world);
    let absent = "arn:aws:ecs:eu-west-1:123456789012:service-deployment/prod/web/none";
    for (operation, key) in [
        ("DescribeServiceDeployments", "serviceDeploymentArns"),
        ("DescribeServiceRevisions", "serviceRevisionArns"),
    ] {
        for arn in [
            absent,
            "nonsense",
            "arn:aws:ecs:eu-west-1:123456789012:service-revision/x",
        ] {
            let found = world.call(operation, json!({key: [arn]}));
            assert_eq!(
                found["failures"],
                json!([{"arn": arn, "reason": "MISSING"}])
            );
        }
        for arns in [json!([]), json!(vec![absent; 21])] {
            let error = world.refused(operation, json!({key: arns}));
            assert_eq!(error.code, "InvalidParameterException");
        }
    }
    let delete = json!({"cluster": "prod", "service": "web", "force": true});
    world.call("DeleteService", delete);
    world.until("it is inactive", |world| {
        world.service()["status"] == "INACTIVE"
    });
    let arns = json!({"serviceDeploymentArns": [deployment["serviceDeploymentArn"]]});
    let found = world.call("DescribeServiceDeployments", arns);
    assert_eq!(
        found["failures"][0]["reason"], "MISSING",
        "deleted with its service"
    );
    let service = world.ecs.service(Some("prod"), "web").unwrap().unwrap();
    assert!(service.service_deployments.is_empty());
}

#[test]
fn the_configuration_of_breaker_and_alarms_is_shown() {
    let mut world = World::new();
    world.running_service(1);
    world.update(json!({"deploymentConfiguration": {
        "deploymentCircuitBreaker": {"enable": true, "rollback": true},
        "alarms": {"alarmNames": ["5xx"], "enable": true, "rollback": true},
    }}));
    world.images.failure = Some(PullError::ManifestUnknown);
    world.deploy("web:2", &[]);
    world.wait_seconds(60);
    let record = latest(&mut world);
    let breaker = json!({"status": "MONITORING", "failureCount": 1, "threshold": 3});
    assert_eq!(record["deploymentCircuitBreaker"], breaker);
    let alarms = json!({"status": "MONITORING", "alarmNames": ["5xx"]});
    assert_eq!(record["alarms"], alarms);
}

fn latest(world: &mut World) -> Value {
    world.record()
}

fn describe(world: &mut World, arn: &str) -> Value {
    let request = json!({"serviceDeploymentArns": [arn]});
    world.call("DescribeServiceDeployments", request)["serviceDeployments"][0].clone()
}
