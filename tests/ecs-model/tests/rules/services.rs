//! Services: making, changing and deleting them.

use serde_json::{Value, json};

use crate::world::{World, network, service_request, text};

#[test]
fn a_new_service_shows_what_it_was_asked_to_be() {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    let mut request = service_request("web", 2);
    request["tags"] = json!([{"key": "pushboat:target", "value": "web"}]);
    request["propagateTags"] = json!("SERVICE");
    request["enableECSManagedTags"] = json!(true);
    request["healthCheckGracePeriodSeconds"] = json!(30);
    let made = world.call("CreateService", request)["service"].clone();
    let service = world.service();
    assert_eq!(made, service);
    let expected = json!({
        "serviceArn": "arn:aws:ecs:eu-west-1:123456789012:service/prod/web",
        "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/prod",
        "serviceName": "web", "status": "ACTIVE", "desiredCount": 2, "runningCount": 0,
        "pendingCount": 0, "launchType": "FARGATE", "platformVersion": "LATEST",
        "taskDefinition": definition, "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"}, "propagateTags": "SERVICE",
        "enableECSManagedTags": true, "enableExecuteCommand": false,
        "healthCheckGracePeriodSeconds": 30, "networkConfiguration": network(),
        "tags": [{"key": "pushboat:target", "value": "web"}], "createdAt": 1_778_065_200.0,
        "loadBalancers": [], "serviceRegistries": [], "placementConstraints": [],
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&service[key], value, "{key}");
    }
    assert_eq!(service["deploymentConfiguration"]["maximumPercent"], 200);
    assert_eq!(
        service["deploymentConfiguration"]["minimumHealthyPercent"],
        100
    );
    let deployment = &service["deployments"][0];
    let id = text(&deployment["id"]);
    assert!(id.starts_with("ecs-svc/") && id.len() == 27, "{id}");
    assert_eq!(deployment["status"], "PRIMARY");
    assert_eq!(deployment["rolloutState"], "IN_PROGRESS");
    let reason = format!("ECS deployment {id} in progress.");
    assert_eq!(deployment["rolloutStateReason"], reason);
}

#[test]
fn a_service_comes_to_a_steady_state() {
    let mut world = World::new();
    world.running_service(2);
    let service = world.service();
    assert_eq!(service["runningCount"], 2);
    let deployment = &service["deployments"][0];
    assert_eq!(deployment["runningCount"], 2);
    assert_eq!(deployment["desiredCount"], 2);
    let id = text(&deployment["id"]);
    let reason = format!("ECS deployment {id} completed.");
    assert_eq!(deployment["rolloutStateReason"], reason);
    let messages = world.messages();
    assert_eq!(messages[0], "(service web) has reached a steady state.");
    let completed = format!("(service web) (deployment {id}) deployment completed.");
    assert_eq!(messages[1], completed);
    assert!(
        messages
            .last()
            .unwrap()
            .starts_with("(service web) has started 1 tasks: (task ")
    );
}

#[test]
fn the_tasks_carry_the_deployment_and_the_tags() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    let mut request = service_request("web", 1);
    request["tags"] = json!([{"key": "team", "value": "web"}]);
    request["propagateTags"] = json!("SERVICE");
    request["enableECSManagedTags"] = json!(true);
    world.call("CreateService", request);
    world.until_completed();
    let id = world.service()["deployments"][0]["id"].clone();
    let tasks = world.tasks();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["startedBy"], id);
    assert_eq!(tasks[0]["group"], "service:web");
    assert_eq!(tasks[0]["lastStatus"], "RUNNING");
    assert_eq!(tasks[0]["containers"][0]["imageDigest"], "sha256:one");
    let tags: Vec<String> = tasks[0]["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| text(&tag["key"]))
        .collect();
    assert_eq!(tags, ["aws:ecs:clusterName", "aws:ecs:serviceName", "team"]);
}

#[test]
fn tags_of_the_task_definition_can_be_propagated_instead() {
    let mut world = World::new();
    let definition = world.register("web:1", json!({}));
    let tag = json!({"resourceArn": definition, "tags": [{"key": "from", "value": "definition"}]});
    world.call("TagResource", tag);
    let mut request = service_request(&definition, 1);
    request["tags"] = json!([{"key": "from", "value": "service"}]);
    request["propagateTags"] = json!("TASK_DEFINITION");
    world.call("CreateService", request);
    world.until_completed();
    assert_eq!(world.tasks()[0]["tags"][0]["value"], "definition");
}

#[test]
fn what_a_service_cannot_be_is_refused() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    let plain = json!({"family": "plain", "containerDefinitions": [{"name": "a", "image": "b"}]});
    world.call("RegisterTaskDefinition", plain);
    world.register("web:1", json!({}));
    world.call(
        "DeregisterTaskDefinition",
        json!({"taskDefinition": "web:2"}),
    );
    for (members, code, message) in refusals() {
        let mut request = service_request("web", 1);
        for (key, value) in members.as_object().unwrap() {
            request[key] = value.clone();
        }
        let error = world.refused("CreateService", request);
        assert_eq!(error.code, code, "{members}");
        assert!(error.message.contains(message), "{members}: {error}");
    }
    assert_eq!(
        world.call("ListServices", json!({"cluster": "prod"}))["serviceArns"],
        json!([])
    );
}

#[test]
fn a_name_is_used_once_unless_the_token_says_it_is_the_same_call() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    let mut request = service_request("web", 1);
    request["clientToken"] = json!("token-1");
    let first = world.call("CreateService", request.clone());
    let second = world.call("CreateService", request.clone());
    assert_eq!(
        first["service"]["deployments"][0]["id"],
        second["service"]["deployments"][0]["id"]
    );
    request["clientToken"] = json!("token-2");
    let error = world.refused("CreateService", request);
    assert_eq!(error.message, "Creation of service was not idempotent.");
    let error = world.refused("CreateService", service_request("web", 1));
    assert_eq!(error.code, "InvalidParameterException");
}

#[test]
fn a_missing_service_is_a_failure_with_http_200_when_described() {
    let mut world = World::new();
    let elsewhere = "arn:aws:ecs:eu-west-1:123456789012:service/other/web";
    let request = json!({"cluster": "prod", "services": ["nothing", elsewhere]});
    let found = world.call("DescribeServices", request);
    assert_eq!(found["services"], json!([]));
    let expected = json!([
        {"arn": "arn:aws:ecs:eu-west-1:123456789012:service/prod/nothing", "reason": "MISSING"},
        {"arn": elsewhere, "reason": "MISSING"},
    ]);
    assert_eq!(found["failures"], expected);
    let error = world.refused(
        "UpdateService",
        json!({"cluster": "prod", "service": "nothing"}),
    );
    assert_eq!(error.code, "ServiceNotFoundException");
    let error = world.refused(
        "DeleteService",
        json!({"cluster": "prod", "service": "nothing"}),
    );
    assert_eq!(error.code, "ServiceNotFoundException");
    for services in [json!([]), json!(vec!["web"; 11])] {
        let request = json!({"cluster": "prod", "services": services});
        let error = world.refused("DescribeServices", request);
        assert_eq!(error.code, "InvalidParameterException");
    }
}

#[test]
fn an_inactive_task_definition_cannot_be_deployed_but_scaled() {
    let mut world = World::new();
    world.running_service(1);
    world.register("web:1", json!({}));
    for revision in ["web:1", "web:2"] {
        world.call(
            "DeregisterTaskDefinition",
            json!({"taskDefinition": revision}),
        );
    }
    for members in [
        json!({"taskDefinition": "web:2"}),
        json!({"forceNewDeployment": true}),
    ] {
        let mut request = json!({"cluster": "prod", "service": "web"});
        request
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        let error = world.refused("UpdateService", request);
        assert_eq!(error.code, "ClientException");
        assert_eq!(error.message, "TaskDefinition is inactive");
    }
    world.update(json!({"desiredCount": 2}));
    world.until("two tasks run", |world| {
        world.service()["runningCount"] == 2
    });
}

#[test]
fn only_a_change_of_the_revision_or_force_starts_a_deployment() {
    let mut world = World::new();
    world.running_service(1);
    let before = world.service()["deployments"].clone();
    for members in [
        json!({}),
        json!({"taskDefinition": "web"}),
        json!({"taskDefinition": "web:1"}),
        json!({"desiredCount": 1}),
        json!({"healthCheckGracePeriodSeconds": 5}),
        json!({"enableExecuteCommand": true, "propagateTags": "SERVICE"}),
        json!({"deploymentConfiguration": {"maximumPercent": 250}}),
        json!({"networkConfiguration": network()}),
    ] {
        let after = world.update(members.clone());
        assert_eq!(after["deployments"], before, "{members}");
    }
    let service = world.service();
    assert_eq!(service["deploymentConfiguration"]["maximumPercent"], 250);
    assert_eq!(
        service["deploymentConfiguration"]["minimumHealthyPercent"],
        100
    );
    assert_eq!(service["enableExecuteCommand"], true);
    assert_eq!(service["propagateTags"], "SERVICE");
    for members in [
        json!({"forceNewDeployment": true}),
        json!({"platformVersion": "1.4.0"}),
    ] {
        let count = world.service()["deployments"].as_array().unwrap().len();
        let after = world.update(members.clone());
        let deployments = after["deployments"].as_array().unwrap();
        assert_eq!(deployments.len(), count + 1, "{members}");
        assert_eq!(deployments[0]["status"], "PRIMARY");
        assert_eq!(deployments[1]["status"], "ACTIVE");
        world.until_completed();
    }
}

#[test]
fn a_service_scaled_to_zero_is_steady_without_tasks() {
    let mut world = World::new();
    world.running_service(2);
    world.update(json!({"desiredCount": 0}));
    world.until("no task is left", |world| {
        world.service()["runningCount"] == 0
    });
    world.wait_seconds(120);
    let id = world.deploy("web:2", &[]);
    world.until_completed();
    let service = world.service();
    assert_eq!(service["deployments"][0]["id"], id);
    assert_eq!(service["deployments"][0]["desiredCount"], 0);
    assert!(world.tasks_of(&id).is_empty());
}

#[test]
fn a_daemon_has_a_task_for_each_instance_and_there_is_none() {
    let mut world = World::new();
    let plain =
        json!({"family": "plain", "containerDefinitions": [{"name": "a", "image": "web:1"}]});
    world.call("RegisterTaskDefinition", plain);
    let request = json!({
        "cluster": "prod", "serviceName": "web", "taskDefinition": "plain",
        "schedulingStrategy": "DAEMON",
    });
    let service = world.call("CreateService", request)["service"].clone();
    assert_eq!(service["schedulingStrategy"], "DAEMON");
    assert_eq!(service["deploymentConfiguration"]["maximumPercent"], 100);
    world.until_completed();
    assert_eq!(world.service()["desiredCount"], 0);
    assert!(world.tasks().is_empty());
}

#[test]
fn a_service_off_fargate_finds_no_instance() {
    let mut world = World::new();
    let plain =
        json!({"family": "plain", "containerDefinitions": [{"name": "a", "image": "web:1"}]});
    world.call("RegisterTaskDefinition", plain);
    let request = json!({
        "cluster": "prod", "serviceName": "web", "taskDefinition": "plain", "desiredCount": 1,
    });
    world.call("CreateService", request);
    world.wait_seconds(3600);
    let service = world.service();
    assert_eq!(service["launchType"], "EC2");
    assert_eq!(service["deployments"][0]["rolloutState"], "IN_PROGRESS");
    let messages = world.messages();
    assert_eq!(messages.len(), 1, "said once: {messages:?}");
    assert!(messages[0].contains("No Container Instances were found in your cluster."));
}

#[test]
fn other_controllers_refuse_what_the_documentation_says() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    world.register("web:1", json!({}));
    for (controller, article) in [
        ("CODE_DEPLOY", "Use AWS CodeDeploy"),
        ("EXTERNAL", "Use CreateTaskSet"),
    ] {
        let name = controller.to_lowercase();
        let mut request = service_request("web:1", 1);
        request["serviceName"] = json!(name);
        request["deploymentController"] = json!({"type": controller});
        if controller == "EXTERNAL" {
            request.as_object_mut().unwrap().remove("taskDefinition");
        }
        world.call("CreateService", request);
        let rows = [
            (
                json!({"taskDefinition": "web:2"}),
                "Unable to update task definition",
            ),
            (
                json!({"forceNewDeployment": true}),
                "Cannot force a new deployment",
            ),
            (
                json!({"platformVersion": "1.3.0"}),
                "Unable to update network parameters",
            ),
            (
                json!({"networkConfiguration": network()}),
                "Unable to update network parameters",
            ),
            (
                json!({"loadBalancers": []}),
                "Unable to update load balancers",
            ),
        ];
        for (members, message) in rows {
            let mut update = members;
            update["cluster"] = json!("prod");
            update["service"] = json!(name);
            let error = world.refused("UpdateService", update);
            assert_eq!(error.code, "InvalidParameterException");
            assert!(error.message.starts_with(message), "{error}");
            assert!(error.message.contains(controller) && error.message.contains(article));
        }
        let scale = json!({"cluster": "prod", "service": name, "desiredCount": 2});
        world.call("UpdateService", scale);
        let tune = json!({
            "cluster": "prod", "service": name, "deploymentConfiguration": {"maximumPercent": 150},
        });
        match controller {
            "EXTERNAL" => drop(world.refused("UpdateService", tune)),
            _ => drop(world.call("UpdateService", tune)),
        }
        let error = world.refused(
            "ListServiceDeployments",
            json!({"cluster": "prod", "service": name}),
        );
        assert_eq!(error.code, "UnsupportedFeatureException");
    }
}

#[test]
fn code_deploy_services_have_task_sets() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    let mut request = service_request("web:1", 1);
    request["deploymentController"] = json!({"type": "CODE_DEPLOY"});
    world.call("CreateService", request);
    world.wait_seconds(120);
    let service = world.service();
    assert_eq!(service["deployments"], json!([]));
    let set = &service["taskSets"][0];
    assert_eq!(set["status"], "PRIMARY");
    assert_eq!(set["stabilityStatus"], "STEADY_STATE");
    assert_eq!(set["runningCount"], 1);
}

#[test]
fn a_deleted_service_drains_and_can_be_made_again() {
    let mut world = World::new();
    world.running_service(1);
    let created_at = world.service()["createdAt"].clone();
    let mut delete = json!({"cluster": "prod", "service": "web"});
    let error = world.refused("DeleteService", delete.clone());
    assert_eq!(
        error.message,
        "The service cannot be stopped while it is scaled above 0."
    );
    delete["force"] = json!(true);
    let deleted = world.call("DeleteService", delete.clone());
    assert_eq!(deleted["service"]["status"], "DRAINING");
    assert_eq!(
        world.call("ListServices", json!({"cluster": "prod"}))["serviceArns"],
        json!([])
    );
    let error = world.refused("CreateService", service_request("web", 1));
    assert_eq!(
        error.message,
        "Unable to Start a service that is still Draining."
    );
    let update = json!({"cluster": "prod", "service": "web", "desiredCount": 1});
    let error = world.refused("UpdateService", update.clone());
    assert_eq!(error.code, "ServiceNotActiveException");
    world.wait_seconds(10);
    assert_eq!(
        world.service()["status"],
        "DRAINING",
        "while its task drains"
    );
    world.until("it is inactive", |world| {
        world.service()["status"] == "INACTIVE"
    });
    assert_eq!(
        world.refused("UpdateService", update).code,
        "ServiceNotActiveException"
    );
    assert_eq!(
        world.refused("DeleteService", delete).code,
        "ServiceNotFoundException"
    );
    world.create_service("web", 1);
    world.until_completed();
    assert_ne!(world.service()["createdAt"], created_at);
}

#[test]
fn a_service_without_tasks_is_deleted_without_force() {
    let mut world = World::new();
    world.running_service(1);
    world.update(json!({"desiredCount": 0}));
    world.call(
        "DeleteService",
        json!({"cluster": "prod", "service": "web"}),
    );
    world.until("it is inactive", |world| {
        world.service()["status"] == "INACTIVE"
    });
    let last = world.tasks().pop().unwrap();
    assert_eq!(last["desiredStatus"], "STOPPED");
}

#[test]
fn services_are_listed_ten_a_page() {
    let mut world = World::new();
    world.register("web:1", json!({}));
    for number in 0..12 {
        let mut request = service_request("web", 0);
        request["serviceName"] = json!(format!("web-{number:02}"));
        world.call("CreateService", request);
    }
    let first = world.call("ListServices", json!({"cluster": "prod"}));
    assert_eq!(first["serviceArns"].as_array().unwrap().len(), 10);
    let rest = json!({"cluster": "prod", "nextToken": first["nextToken"]});
    let rest = world.call("ListServices", rest);
    assert_eq!(rest["serviceArns"].as_array().unwrap().len(), 2);
    let error = world.refused(
        "ListServices",
        json!({"cluster": "prod", "maxResults": 101}),
    );
    assert_eq!(error.code, "InvalidParameterException");
    let exact = json!({"cluster": "prod", "maxResults": 12});
    let exact = world.call("ListServices", exact);
    assert!(exact.get("nextToken").is_none(), "nothing comes after it");
    let ec2 = world.call(
        "ListServices",
        json!({"cluster": "prod", "launchType": "EC2"}),
    );
    assert_eq!(ec2["serviceArns"], json!([]));
}

#[test]
fn services_and_their_tags_go_by_long_arn() {
    let mut world = World::new();
    world.running_service(1);
    let arn = world.service()["serviceArn"].clone();
    let request = json!({"cluster": "prod", "services": [arn]});
    assert_eq!(
        world.call("DescribeServices", request)["failures"],
        json!([])
    );
    let elsewhere = text(&arn).replace("/prod/", "/other/");
    let request = json!({"cluster": "prod", "services": [elsewhere]});
    assert_eq!(
        world.call("DescribeServices", request)["services"],
        json!([])
    );
    let tags = json!({"resourceArn": arn, "tags": [{"key": "pushboat:target", "value": "web"}]});
    world.call("TagResource", tags);
    assert_eq!(world.service()["tags"][0]["key"], "pushboat:target");
    let silent = json!({"cluster": "prod", "services": ["web"]});
    let silent = world.call("DescribeServices", silent);
    assert!(silent["services"][0].get("tags").is_none());
    let short = "arn:aws:ecs:eu-west-1:123456789012:service/web";
    let error = world.refused("TagResource", json!({"resourceArn": short, "tags": []}));
    assert!(error.message.contains("Long arn format"));
    for (absent, code) in [
        (
            "arn:aws:ecs:eu-west-1:123456789012:service/prod/other",
            "ResourceNotFoundException",
        ),
        (
            "arn:aws:ecs:eu-west-1:123456789012:task/prod/other",
            "ResourceNotFoundException",
        ),
        (
            "arn:aws:ecs:eu-west-1:123456789012:cluster/other",
            "ResourceNotFoundException",
        ),
        (
            "arn:aws:sns:eu-west-1:123456789012:topic",
            "InvalidParameterException",
        ),
        ("web", "InvalidParameterException"),
    ] {
        let error = world.refused("ListTagsForResource", json!({"resourceArn": absent}));
        assert_eq!(error.code, code, "{absent}");
    }
}

#[test]
fn a_service_keeps_its_last_hundred_messages() {
    let mut world = World::new();
    world
        .images
        .push("web:1", "sha256:crash", &[("behaviour", "exit")]);
    let definition = world.register("web:1", json!({}));
    world.create_service(&definition, 1);
    world.wait_seconds(4 * 3600);
    assert_eq!(world.messages().len(), 100);
}

/// Members of CreateService, and how they are refused.
#[rustfmt::skip]
fn refusals() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (json!({"taskDefinition": "nothing"}), "ClientException", "TaskDefinition not found."),
        (json!({"taskDefinition": "web:2"}), "ClientException", "TaskDefinition is inactive"),
        (json!({"taskDefinition": null}), "ClientException", "TaskDefinition can not be blank."),
        (json!({"taskDefinition": "plain"}), "InvalidParameterException", "does not support launch_type FARGATE"),
        (json!({"networkConfiguration": null}), "InvalidParameterException", "Network Configuration must be provided"),
        (json!({"desiredCount": null}), "InvalidParameterException", "DesiredCount must be specified"),
        (json!({"desiredCount": -1}), "InvalidParameterException", "between 0 and 5000"),
        (json!({"desiredCount": 5001}), "InvalidParameterException", "between 0 and 5000"),
        (json!({"serviceName": "a b"}), "InvalidParameterException", "Invalid service name."),
        (json!({"serviceName": ""}), "InvalidParameterException", "Invalid service name."),
        (json!({"schedulingStrategy": "DAEMON"}), "InvalidParameterException", "don't support the DAEMON"),
        (json!({"schedulingStrategy": "OTHER"}), "InvalidParameterException", "Invalid schedulingStrategy"),
        (json!({"deploymentController": {"type": "OTHER"}}), "InvalidParameterException", "Invalid deploymentController"),
        (json!({"propagateTags": "OTHER"}), "InvalidParameterException", "Invalid propagateTags"),
        (json!({"deploymentConfiguration": {"maximumPercent": 100}}), "InvalidParameterException", "will block deployments"),
        (json!({"deploymentConfiguration": {"strategy": "PURPLE"}}), "InvalidParameterException", "Invalid strategy: PURPLE"),
        (json!({"deploymentConfiguration": {"strategy": "BLUE_GREEN"}, "deploymentController": {"type": "CODE_DEPLOY"}}), "InvalidParameterException", "not valid with the CODE_DEPLOY"),
        (json!({"deploymentConfiguration": {"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}]}, "deploymentController": {"type": "EXTERNAL"}}), "InvalidParameterException", "not valid with the EXTERNAL"),
        (json!({"tags": [{"key": "aws:x"}]}), "InvalidParameterException", "aws: prefixed"),
    ]
}
