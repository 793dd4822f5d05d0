//! The adapter against an endpoint in memory.

use std::collections::BTreeSet;
use std::sync::Mutex;

use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionInput;
use aws_sdk_ecs::types::TaskDefinition;
use serde_json::{Value, json};

use super::super::endpoint::{Answer, Call, Endpoint};
use super::*;
use crate::core::name::ImageDigest;
use crate::core::observation::{DeploymentState, RecordStatus};
use crate::task_definition::{DESCRIBE_ONLY, ROLLOUT_TAG, with_image};

const REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

fn web() -> ServiceRef {
    ServiceRef {
        cluster: "prod".to_owned(),
        name: "web".to_owned(),
    }
}

fn arn(revision: u32) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:{revision}")
}

fn deployment(id: &str, status: &str, revision: u32) -> Value {
    json!({ "id": id, "status": status, "taskDefinition": arn(revision),
            "createdAt": 1_700_000_000.25, "rolloutState": "IN_PROGRESS" })
}

/// An account with one family of task definitions, kept as the JSON they came as.
fn registry_of_definitions(first: Value, first_tags: Value) -> Endpoint {
    let revisions = Mutex::new(vec![(first, first_tags)]);
    Endpoint::new(move |call| {
        let mut revisions = revisions.lock().unwrap();
        let revision_of = |arn: &str| seen::family_and_revision(arn).unwrap().1;
        match call.operation.as_str() {
            "DescribeTaskDefinition" => {
                let asked = call.json()["taskDefinition"].as_str().unwrap().to_owned();
                let place = usize::try_from(revision_of(&asked)).unwrap() - 1;
                let (definition, tags) = revisions[place].clone();
                Answer::json(&json!({ "taskDefinition": definition, "tags": tags }))
            }
            "RegisterTaskDefinition" => {
                let mut definition = call.json();
                let tags = definition.as_object_mut().unwrap().remove("tags").unwrap();
                let revision = u32::try_from(revisions.len()).unwrap() + 1;
                definition["taskDefinitionArn"] = json!(arn(revision));
                definition["revision"] = json!(revision);
                revisions.push((definition.clone(), tags.clone()));
                Answer::json(&json!({ "taskDefinition": definition, "tags": tags }))
            }
            "ListTaskDefinitions" => {
                let arns: Vec<String> = (1..=revisions.len())
                    .rev()
                    .map(|revision| arn(u32::try_from(revision).unwrap()))
                    .collect();
                Answer::json(&json!({ "taskDefinitionArns": arns }))
            }
            other => panic!("unexpected {other}"),
        }
    })
}

/// A definition with a field that no SDK knows at each level.
fn from_the_future() -> Value {
    json!({
        "taskDefinitionArn": arn(1), "family": "web", "revision": 1, "status": "ACTIVE",
        "registeredAt": 1_700_000_000.5, "registeredBy": "arn:aws:iam::123456789012:role/x",
        "compatibilities": ["EC2", "FARGATE"], "requiresAttributes": [{ "name": "x" }],
        "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "futureTopLevel": { "kept": [1, 1.5, null, "", {}] },
        "runtimePlatform": { "cpuArchitecture": "RISCV64", "futurePlatform": true },
        "volumes": [{ "name": "v", "futureVolume": { "deeper": { "still": "kept" } } }],
        "containerDefinitions": [
            { "name": "app", "image": format!("{REGISTRY}/team/app:v1"), "essential": true,
              "futureContainer": { "kept": true },
              "environment": [{ "name": "A", "value": "b", "futureVariable": 1 }],
              "resourceRequirements": [{ "type": "GPU", "value": "1", "sharingStrategy": { "futureUnion": {} } }],
              "logConfiguration": { "logDriver": "futuredriver", "options": { "a": "b" }, "futureLog": [] } },
            { "name": "side", "image": "public.ecr.aws/x/envoy:v1", "cpu": 10 }
        ]
    })
}

#[tokio::test]
async fn a_field_that_the_sdk_does_not_know_survives_at_every_level() {
    let tags = json!([{ "key": "team", "value": "web", "futureTag": 1 }]);
    let endpoint = registry_of_definitions(from_the_future(), tags);
    let ecs = Ecs::new(&endpoint.clients());

    let before = ecs.task_definition(&arn(1)).await.unwrap();
    assert_eq!(before.raw, from_the_future());
    let digest = ImageDigest::parse(&format!("sha256:{}", "ab".repeat(32))).unwrap();
    let request = with_image(
        &before,
        &["app".to_owned()],
        REGISTRY,
        "team/app",
        &digest,
        &[(ROLLOUT_TAG, "r1")],
    );
    assert_eq!(ecs.register(&request).await.unwrap(), arn(2));

    let mut expected = from_the_future();
    for name in DESCRIBE_ONLY {
        expected.as_object_mut().unwrap().remove(name);
    }
    expected["containerDefinitions"][0]["image"] = json!(format!("{REGISTRY}/team/app@{digest}"));
    expected["tags"] = json!([
        { "key": "team", "value": "web", "futureTag": 1 },
        { "key": ROLLOUT_TAG, "value": "r1" }
    ]);
    let sent = endpoint.calls().pop().unwrap();
    assert_eq!(sent.json(), expected);
    assert_eq!(
        sent.headers["content-length"],
        sent.body.len().to_string(),
        "the length is that of the body that was put in"
    );
}

#[tokio::test]
async fn a_revision_of_an_earlier_try_is_found_by_its_tag() {
    let endpoint = registry_of_definitions(from_the_future(), json!([]));
    let ecs = Ecs::new(&endpoint.clients());
    let own = |base: &str| OwnRevision {
        base: base.to_owned(),
        tag: "r1".to_owned(),
        images: [("app".to_owned(), "sha256:ours".to_owned())].into(),
    };
    assert_eq!(ecs.own_revision(&own(&arn(1))).await.unwrap(), None);
    assert_eq!(
        endpoint.operations(),
        ["ListTaskDefinitions"],
        "nothing older than the base is described"
    );
    // The last one is somebody's copy of the first, with another image.
    for (rollout, digest) in [("r1", "ours"), ("r2", "other"), ("r1", "other")] {
        let image = format!("{REGISTRY}/team/app@sha256:{digest}");
        let request = json!({ "family": "web",
                              "containerDefinitions": [{ "name": "app", "image": image }],
                              "tags": [{ "key": ROLLOUT_TAG, "value": rollout }] });
        ecs.register(&request).await.unwrap();
    }
    assert_eq!(ecs.own_revision(&own(&arn(1))).await.unwrap(), Some(arn(2)));
    assert_eq!(ecs.own_revision(&own(&arn(2))).await.unwrap(), None);
    assert_eq!(ecs.own_revision(&own("nonsense")).await.unwrap(), None);
    let listed = endpoint
        .calls()
        .into_iter()
        .find(|call| call.operation == "ListTaskDefinitions")
        .unwrap();
    assert_eq!(
        listed.json(),
        json!({ "familyPrefix": "web", "status": "ACTIVE", "sort": "DESC", "maxResults": 10 })
    );
}

#[tokio::test]
async fn an_update_names_cluster_service_and_task_definition_only() {
    let endpoint = Endpoint::new(|_| {
        Answer::json(&json!({ "service": { "deployments": [
            deployment("ecs-svc/old", "ACTIVE", 1), deployment("ecs-svc/new", "PRIMARY", 2)
        ] } }))
    });
    let answered = Ecs::new(&endpoint.clients())
        .update(&web(), &arn(2))
        .await
        .unwrap();
    assert_eq!(answered.id, "ecs-svc/new");
    assert_eq!(answered.state, DeploymentState::InProgress);
    assert_eq!(
        endpoint.calls()[0].json(),
        json!({ "cluster": "prod", "service": "web", "taskDefinition": arn(2) })
    );
}

#[tokio::test(start_paused = true)]
async fn changes_are_sent_once_and_reads_are_repeated() {
    let endpoint = Endpoint::new(|_| Answer::Broken);
    let ecs = Ecs::new(&endpoint.clients());
    let unclear = |result: Result<(), CallError>| {
        assert!(
            matches!(result, Err(CallError::Unclear { .. })),
            "{result:?}"
        );
    };
    unclear(ecs.update(&web(), &arn(2)).await.map(|_| ()));
    unclear(ecs.register(&json!({ "family": "web" })).await.map(|_| ()));
    unclear(ecs.service(&web()).await.map(|_| ()));
    assert_eq!(
        endpoint.operations(),
        [
            "UpdateService",
            "RegisterTaskDefinition",
            "DescribeServices",
            "DescribeServices",
            "DescribeServices"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_unclear() {
    let endpoint = Endpoint::new(|_| Answer::Silence);
    let error = Ecs::new(&endpoint.clients())
        .update(&web(), &arn(2))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, CallError::Unclear { call, .. } if call == "ecs:UpdateService prod/web"),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    fn answer(call: &Call) -> Answer {
        match call.json()["cluster"].as_str().unwrap() {
            "gone" => Answer::error("ClusterNotFoundException", "Cluster not found."),
            "prod" => Answer::json(&json!({ "services": [],
                "failures": [{ "arn": "arn:…:service/prod/web", "reason": "MISSING" }] })),
            _ => Answer::error("AccessDeniedException", "no"),
        }
    }
    let endpoint = Endpoint::new(answer);
    let ecs = Ecs::new(&endpoint.clients());
    let of = |cluster: &str| ServiceRef {
        cluster: cluster.to_owned(),
        name: "web".to_owned(),
    };
    assert_eq!(
        ecs.service(&of("gone")).await.unwrap(),
        ServiceLook::ClusterMissing
    );
    assert_eq!(
        ecs.service(&of("prod")).await.unwrap(),
        ServiceLook::Missing
    );
    assert_eq!(
        ecs.service(&of("else")).await.unwrap_err(),
        CallError::Refused {
            call: "ecs:DescribeServices else/web".to_owned(),
            code: "AccessDeniedException".to_owned(),
            message: "no".to_owned()
        }
    );
    assert_eq!(
        endpoint.calls()[0].json(),
        json!({ "cluster": "gone", "services": ["web"], "include": ["TAGS"] })
    );
}

/// Fails when an update of the SDK brings a field that the lossless edit has to know of.
#[test]
fn what_describing_adds_is_what_the_sdk_says() {
    let described: BTreeSet<&str> = TaskDefinition::SCHEMA
        .members()
        .iter()
        .filter_map(|member| member.member_name())
        .collect();
    let registered: BTreeSet<&str> = RegisterTaskDefinitionInput::SCHEMA
        .members()
        .iter()
        .filter_map(|member| member.member_name())
        .collect();
    let only_described: Vec<&str> = described.difference(&registered).copied().collect();
    let only_registered: Vec<&str> = registered.difference(&described).copied().collect();
    assert_eq!(only_described, DESCRIBE_ONLY);
    assert_eq!(only_registered, ["tags"]);
}

/// A service whose rollout of revision 2 ECS took back, after one of revision 1.
fn history() -> Endpoint {
    let named =
        |kind: &str, id: &str| format!("arn:aws:ecs:eu-west-1:123456789012:{kind}/prod/web/{id}");
    Endpoint::new(move |call| match call.operation.as_str() {
        "ListServiceDeployments" => {
            let asked = call.json();
            assert_eq!(
                (&asked["cluster"], &asked["service"]),
                (&json!("prod"), &json!("web"))
            );
            assert_eq!(asked["createdAt"]["after"], json!(1_700_000_000));
            let brief = |id: &str, at: u64| {
                json!({
                    "serviceDeploymentArn": named("service-deployment", id), "createdAt": at,
                })
            };
            // In no order that is documented, and in pages.
            Answer::json(&match asked.get("nextToken") {
                None => {
                    json!({ "serviceDeployments": [brief("old", 1_700_000_100)], "nextToken": "more" })
                }
                Some(token) if token == "more" => {
                    json!({ "serviceDeployments": [], "nextToken": "last" })
                }
                Some(token) => {
                    assert_eq!(token, "last");
                    json!({ "serviceDeployments": [brief("new", 1_700_000_200)] })
                }
            })
        }
        "DescribeServiceDeployments" => {
            let summary =
                |id: &str| json!({ "arn": named("service-revision", id), "runningTaskCount": 1 });
            let hook = |kind: &str, status: &str| {
                json!({
                    "hookId": kind, "targetType": kind, "status": status,
                    "expiresAt": 1_700_000_900, "timeoutAction": "CONTINUE",
                })
            };
            Answer::json(&json!({ "serviceDeployments": [
                { "serviceDeploymentArn": named("service-deployment", "old"), "status": "SUCCESSFUL",
                  "targetServiceRevision": summary("1"), "sourceServiceRevisions": [],
                  "lifecycleHookDetails": [hook("PAUSE", "TIMED_OUT")] },
                { "serviceDeploymentArn": named("service-deployment", "new"), "status": "ROLLBACK_IN_PROGRESS",
                  "statusReason": "breaker", "targetServiceRevision": summary("2"),
                  "sourceServiceRevisions": [summary("1"), summary("1")],
                  "deploymentCircuitBreaker": { "status": "TRIGGERED", "failureCount": 3, "threshold": 3 },
                  "lifecycleHookDetails": [hook("AWS_LAMBDA", "SUCCEEDED"), hook("PAUSE", "AWAITING_ACTION")] },
            ] }))
        }
        "DescribeServiceRevisions" => {
            let both = ["1", "2"].map(|id| named("service-revision", id));
            assert_eq!(call.json()["serviceRevisionArns"], json!(both));
            let revision = |id: u32| {
                json!({
                    "serviceRevisionArn": named("service-revision", &id.to_string()), "taskDefinition": arn(id),
                    "containerImages": [
                        { "containerName": "app", "image": "team/app:v1", "imageDigest": resolved(id) },
                        { "containerName": "side", "image": "envoy:v1" },
                    ],
                })
            };
            Answer::json(&json!({ "serviceRevisions": [revision(1), revision(2)] }))
        }
        "StopServiceDeployment" => {
            Answer::json(&json!({ "serviceDeploymentArn": call.json()["serviceDeploymentArn"] }))
        }
        other => panic!("unexpected {other}"),
    })
}

#[tokio::test]
async fn the_history_is_read_with_where_each_deployment_leads() {
    let endpoint = history();
    let ecs = Ecs::new(&endpoint.clients());
    let since = jiff::Timestamp::from_second(1_700_000_000).unwrap();
    let records = ecs.history(&web(), since).await.unwrap();
    let [new, old] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!(
        (new.status, old.status),
        (RecordStatus::RollingBack, RecordStatus::Successful)
    );
    assert_eq!(
        (&new.target, &new.sources),
        (&arn(2), &vec![arn(1), arn(1)])
    );
    let digests =
        |id| Digests::from([("app".to_owned(), ImageDigest::parse(&resolved(id)).unwrap())]);
    assert_eq!(
        (&new.target_digests, &new.source_digests),
        (&digests(2), &vec![digests(1), digests(1)])
    );
    assert_eq!(new.status_reason, "breaker");
    assert!(new.failed_by_ecs && !old.failed_by_ecs);
    let hook = new.paused_at.as_ref().unwrap();
    assert_eq!(
        (hook.hook_id.as_str(), hook.timeout_action.as_str()),
        ("PAUSE", "CONTINUE")
    );
    assert_eq!(hook.expires_at.unwrap().as_second(), 1_700_000_900);
    assert_eq!((old.paused_at.as_ref(), old.sources.len()), (None, 0));

    ecs.stop(&new.arn).await.unwrap();
    let sent = endpoint.calls().pop().unwrap().json();
    assert_eq!(
        sent,
        json!({ "serviceDeploymentArn": new.arn, "stopType": "ROLLBACK" })
    );
}

fn resolved(revision: u32) -> String {
    format!("sha256:{}", revision.to_string().repeat(64))
}

/// A service that runs these revisions, each of them of this task definition.
fn running(revisions: &'static [u32]) -> Endpoint {
    Endpoint::new(move |call| match call.operation.as_str() {
        "DescribeServices" => {
            let current = revisions
                .iter()
                .map(|id| json!({ "arn": format!("revision/{id}") }));
            Answer::json(&json!({ "services": [{
                "serviceName": "web", "currentServiceRevisions": current.collect::<Vec<_>>(),
            }] }))
        }
        "DescribeServiceRevisions" => {
            let described = revisions.iter().map(|id| {
                json!({
                    "serviceRevisionArn": format!("revision/{id}"), "taskDefinition": arn(*id),
                    "containerImages": [{ "containerName": "app", "imageDigest": resolved(*id) }],
                })
            });
            Answer::json(&json!({ "serviceRevisions": described.collect::<Vec<_>>() }))
        }
        other => panic!("unexpected {other}"),
    })
}

#[tokio::test]
async fn what_ecs_resolved_a_tag_to_is_known_of_the_one_revision_that_runs() {
    for (revisions, task_definition, known) in [
        (&[1][..], 1, true),
        (&[1], 2, false),
        (&[1, 2], 1, false),
        // One made before October 25, 2024 is not told.
        (&[], 1, false),
    ] {
        let endpoint = running(revisions);
        let ecs = Ecs::new(&endpoint.clients());
        let read = ecs.resolved_images(&web(), &arn(task_definition)).await;
        let digest = read.unwrap().remove("app").map(|digest| digest.to_string());
        assert_eq!(digest, known.then(|| resolved(1)), "{revisions:?}");
    }
}
