//! The whole message about a version that was taken back, as its reader gets it.

use std::collections::BTreeMap;

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::alarm::AlarmState;
use crate::core::diagnosis::Cause;
use crate::core::evidence::{
    AlarmChange, Evidence, ServiceEvent, StoppedContainer, StoppedTask, TargetHealth, keep_health,
};
use crate::core::failure::Failure;
use crate::core::name::{RolloutId, TargetName};
use crate::core::reason::Halted;
use crate::core::rollout::{Back, Phase, RolledBackBy, Rollout, Running, Start, Way};
use crate::core::shared::Shared;
use crate::findings::{Findings, ImageFinding, ImageLabels, LogFinding};
use crate::message::{Surroundings, publication};
use crate::notice::{News, Notice, RolloutNews, Runs};
use crate::ports::Publication;
use crate::target;

const FAMILY: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/backstage";

macro_rules! snapshot {
    ($name:literal, $text:expr) => {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($name, $text);
        });
    };
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-20T{time}Z").parse().unwrap()
}

fn revision(number: u32) -> String {
    format!("{FAMILY}:{number}")
}

fn running() -> Running {
    Running {
        revision: revision(43),
        deployment: "ecs-svc/2".to_owned(),
        deployment_created_at: at("08:15:15"),
        asked_at: at("08:15:15"),
        deadline_from: None,
        paused_at: None,
    }
}

fn start() -> Shared<Start> {
    let digest = format!("sha256:{}", "b".repeat(64));
    let start = json!({
        "at": at("08:15:14"), "digest": digest, "baseTaskDefinition": revision(42),
        "baseDeployment": "ecs-svc/1", "baseDeploymentCreatedAt": at("07:00:00"),
        "containers": ["backstage"], "alarms": [],
    });
    serde_json::from_value(start).unwrap()
}

fn notice(phase: Phase, evidence: Evidence) -> Notice {
    let target = TargetName::parse("team/backstage").unwrap();
    let text = r#"{ "service": { "cluster": "prod", "name": "backstage" },
        "images": [ { "repository": "team/backstage" } ], "alarms": ["backstage-5xx"] }"#;
    let push = json!({
        "repository": "team/backstage", "tag": "main-42", "digest": start().digest,
        "taggedAt": at("08:15:12"), "eventId": "13cde686-328b-6117-af20-0e5566167482",
    });
    let rollout = Rollout {
        id: RolloutId::new(at("08:15:12"), &["main-42"]),
        policy: target::parse(&target, text).unwrap().into(),
        requested_at: at("08:15:14"),
        push: serde_json::from_value(push).unwrap(),
        phase,
        resolved: None,
        evidence: evidence.into(),
    };
    Notice {
        id: format!("{}.{}.7.0", rollout.id, rollout.phase.as_str()),
        target,
        at: at("08:21:03"),
        news: News::Rollout(Box::new(RolloutNews {
            last_known_good_tag: Some("main-41".to_owned()),
            exact_images: BTreeMap::new(),
            good_inactive: false,
            rollout,
            start: Some(start()),
            running: Some(running()),
            last_known_good: Some(revision(41)),
            held: false,
            taken_back_for: None,
            halted_since: None,
        })),
    }
}

fn stopped(id: &str, code: &str, reason: &str, exit_code: i64) -> StoppedTask {
    StoppedTask {
        task_arn: format!("arn:aws:ecs:eu-west-1:123456789012:task/prod/{id}"),
        version: 5,
        task_definition: revision(43),
        started_by: "ecs-svc/2".to_owned(),
        stop_code: code.to_owned(),
        stopped_reason: reason.to_owned(),
        started: true,
        stopped_at: Some(at("08:16:40")),
        containers: vec![StoppedContainer {
            name: "backstage".to_owned(),
            exit_code: Some(exit_code),
            ..StoppedContainer::default()
        }],
        ..StoppedTask::default()
    }
}

fn crashes() -> Evidence {
    let mut evidence = Evidence::default();
    for number in 0..5 {
        let id = format!("0f1e{number}");
        let reason = "Essential container in task exited";
        let task = stopped(&id, "EssentialContainerExited", reason, 1);
        evidence.stopped_tasks.keep(task);
    }
    let old = StoppedTask {
        task_definition: revision(42),
        started_by: "ecs-svc/1".to_owned(),
        ..stopped("old", "EssentialContainerExited", "of the old revision", 1)
    };
    evidence.stopped_tasks.keep(old);
    evidence
}

fn tail() -> Findings {
    let lines = [
        "Backstage 1.42 starts",
        "connecting to postgres://app:[redacted]@db:5432/app",
        "Error: relation \"users\" does not exist",
    ];
    Findings {
        log: LogFinding::Tail {
            container: "backstage".to_owned(),
            group: "/ecs/backstage".to_owned(),
            stream: "web/backstage/0f1e0".to_owned(),
            lines: lines.map(str::to_owned).to_vec(),
        },
        image: ImageFinding::Labels(ImageLabels {
            revision: Some("4f1c0de1a2b3".to_owned()),
            source: Some("https://github.com/example/backstage".to_owned()),
            authors: Some("Ada <ada@example.com>".to_owned()),
            version: Some("1.42".to_owned()),
            created: None,
        }),
    }
}

fn surroundings() -> Surroundings {
    Surroundings {
        operator_function: "pushboat-operator".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

fn body<'a>(publication: &'a Publication, protocol: &str) -> &'a str {
    let mut bodies = publication.bodies.iter();
    &bodies.find(|(name, _)| *name == protocol).unwrap().1
}

fn shown(notice: &Notice, findings: &Findings) -> String {
    let publication = publication(notice, &surroundings(), findings);
    let document: Value = serde_json::from_str(body(&publication, "default")).unwrap();
    let mut text = String::new();
    writeln!(text, "Subject: {}\n", publication.subject).unwrap();
    writeln!(text, "{}\n", body(&publication, "email")).unwrap();
    writeln!(text, "--- document\n{:#}", document["dossier"]).unwrap();
    text
}

fn rolled_back(failure: Failure) -> Phase {
    Phase::RolledBack {
        failure,
        by: RolledBackBy::Pushboat,
        revision: revision(42),
    }
}

fn tasks_fail(cause: Cause) -> Failure {
    Failure::TasksFail {
        cause,
        failed: 5,
        limit: 2,
    }
}

#[test]
fn a_crash_with_the_tail_of_its_log() {
    let phase = rolled_back(tasks_fail(Cause::ApplicationError));
    snapshot!("crash", shown(&notice(phase, crashes()), &tail()));
}

#[test]
fn an_alarm_in_the_bake() {
    let mut evidence = Evidence::default();
    for (time, state, previous) in [
        ("08:19:10", AlarmState::Alarm, AlarmState::Ok),
        ("08:20:10", AlarmState::Ok, AlarmState::Alarm),
    ] {
        evidence.alarm_changes.keep(AlarmChange {
            alarm_arn: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:backstage-5xx".to_owned(),
            name: "backstage-5xx".to_owned(),
            state,
            previous: Some(previous),
            reason: "Threshold Crossed: 1 datapoint [7.0] was greater than the threshold (5.0)."
                .to_owned(),
            at: at(time),
        });
    }
    let phase = Phase::RollingBack {
        start: start(),
        running: running(),
        failure: Failure::AlarmFired {
            alarms: vec!["backstage-5xx".to_owned()],
        },
        back: Back {
            to: revision(42),
            began_at: at("08:20:31"),
            way: Way::Update {
                intended_at: Some(at("08:20:31")),
            },
            paused_at: None,
            corrected: Default::default(),
            stack: None,
        },
    };
    let findings = Findings {
        image: ImageFinding::Labels(ImageLabels::default()),
        ..Findings::default()
    };
    snapshot!("alarm", shown(&notice(phase, evidence), &findings));
}

#[test]
fn a_load_balancers_health_check() {
    let reason = "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1)";
    let mut evidence = Evidence::default();
    let task = stopped("0f1e0", "ServiceSchedulerInitiated", reason, 143);
    evidence.stopped_tasks.keep(task);
    let health = TargetHealth {
        target_group_arn: "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1"
            .to_owned(),
        target: "10.0.3.17".to_owned(),
        port: Some(8080),
        state: "unhealthy".to_owned(),
        reason: "Target.ResponseCodeMismatch".to_owned(),
        description: "Health checks failed with these codes: [404]".to_owned(),
        at: at("08:16:30"),
    };
    keep_health(&mut evidence.target_health, health);
    let phase = Phase::Halted {
        reason: Halted::NothingToGoBackTo {
            failure: tasks_fail(Cause::ElbHealthCheck),
        },
    };
    let findings = Findings {
        log: LogFinding::Elsewhere {
            container: "backstage".to_owned(),
            driver: "awsfirelens".to_owned(),
            options: vec!["Name".to_owned(), "delivery_stream".to_owned()],
        },
        image: ImageFinding::Unreadable {
            problem: "it took more than 3 seconds".to_owned(),
        },
    };
    snapshot!("elb", shown(&notice(phase, evidence), &findings));
}

#[test]
fn a_deadline_for_want_of_capacity() {
    let mut evidence = Evidence::default();
    for time in ["08:16:05", "08:30:10", "08:44:00"] {
        evidence.service_troubles.keep(ServiceEvent {
            name: "SERVICE_TASK_PLACEMENT_FAILURE".to_owned(),
            reason: "RESOURCE:FARGATE".to_owned(),
            deployment: None,
            at: at(time),
        });
    }
    evidence.service_troubles.keep(ServiceEvent {
        name: String::new(),
        reason: "(service web) (port 8080) is unhealthy in (target-group arn:x) due to (reason Health checks failed with these codes: [502]).".to_owned(),
        deployment: None,
        at: at("08:17:00"),
    });
    let phase = rolled_back(Failure::DeadlineReached { cause: None });
    snapshot!(
        "capacity",
        shown(&notice(phase, evidence), &Findings::default())
    );
}

fn way_back_too_long(failure: Failure) -> Phase {
    let reason = Halted::WayBackTooLong { failure };
    Phase::Halted { reason }
}

fn of_the_last_good_version(task: StoppedTask, name: &str) -> StoppedTask {
    StoppedTask {
        task_arn: format!("{}-{name}", task.task_arn),
        task_definition: revision(41),
        started_by: "ecs-svc/3".to_owned(),
        ..task
    }
}

#[test]
fn tasks_of_the_last_good_version_that_fail_on_the_way_back_are_told() {
    let mut evidence = crashes();
    for (number, reason) in ["scaled in", "CannotPullContainerError: i/o timeout"]
        .into_iter()
        .enumerate()
    {
        let task = stopped(&number.to_string(), "TaskFailedToStart", reason, 1);
        evidence
            .stopped_tasks
            .keep(of_the_last_good_version(task, "good"));
    }
    let told = |phase| {
        let publication = publication(
            &notice(phase, evidence.clone()),
            &surroundings(),
            &Findings::default(),
        );
        let document: Value = serde_json::from_str(body(&publication, "default")).unwrap();
        let tasks = document["dossier"]["goodStoppedTasks"].as_array();
        let tasks = tasks.map(Vec::len).unwrap_or_default();
        (body(&publication, "email").to_owned(), tasks)
    };
    let (email, tasks) = told(way_back_too_long(tasks_fail(Cause::ApplicationError)));
    assert!(
        email.contains("Of the last good version:\nTask 1-good: "),
        "{email}"
    );
    assert_eq!(tasks, 1);
    let (email, tasks) = told(rolled_back(tasks_fail(Cause::ApplicationError)));
    assert!(!email.contains("Of the last good version"), "{email}");
    assert_eq!(tasks, 0);
}

#[test]
fn targets_that_tell_most_come_first_and_each_hint_once() {
    let mut evidence = Evidence::default();
    for (number, state, reason) in [
        (1, "healthy", ""),
        (2, "draining", "Target.DeregistrationInProgress"),
        (3, "unavailable", "Target.HealthCheckDisabled"),
        (4, "unhealthy", "Target.Timeout"),
        (5, "unhealthy", "Target.Timeout"),
        (6, "unhealthy", "Target.FailedHealthChecks"),
        (7, "unused", "Target.NotInUse"),
    ] {
        let health = TargetHealth {
            target_group_arn: "arn:web".to_owned(),
            target: format!("10.0.3.{number}"),
            port: Some(8080),
            state: state.to_owned(),
            reason: reason.to_owned(),
            description: String::new(),
            at: at("08:16:30"),
        };
        keep_health(&mut evidence.target_health, health);
    }
    let phase = rolled_back(Failure::DeadlineReached { cause: None });
    let notice = notice(phase, evidence);
    let News::Rollout(news) = &notice.news else {
        panic!("{notice:?}");
    };
    snapshot!("targets", super::health_text(news).unwrap());
    let document = publication(&notice, &surroundings(), &Findings::default());
    let document: Value = serde_json::from_str(body(&document, "default")).unwrap();
    assert_eq!(
        document["dossier"]["targetHealth"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(document["dossier"]["moreTargets"], 2);
}

#[test]
fn an_alarm_while_nothing_is_under_way() {
    let change = AlarmChange {
        alarm_arn: "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:backstage-5xx".to_owned(),
        name: "backstage-5xx".to_owned(),
        state: AlarmState::Alarm,
        previous: Some(AlarmState::Ok),
        reason: "Threshold Crossed".to_owned(),
        at: at("11:00:00"),
    };
    let told = |runs| {
        let news = News::AlarmFired {
            change: change.clone(),
            runs,
        };
        let mut notice = notice(rolled_back(Failure::PutBackByHand), Evidence::default());
        (notice.id, notice.news) = ("n".to_owned(), news);
        notice
    };
    let runs = Runs {
        task_definition: revision(43),
        since: at("08:15:15"),
    };
    let known = publication(&told(Some(runs)), &surroundings(), &Findings::default());
    let names: Vec<&str> = known
        .attributes
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(
        names,
        ["alarm", "team/backstage", "warning"],
        "and no outcome"
    );
    snapshot!(
        "idle_alarm",
        format!("{}\n\n{}", body(&known, "email"), body(&known, "default"))
    );
    let unknown = publication(&told(None), &surroundings(), &Findings::default());
    assert!(body(&unknown, "email").contains("could not be read"));
}

#[test]
fn what_was_not_found_is_one_line() {
    let container = || "web".to_owned();
    for (log, expected) in [
        (LogFinding::NotSought, None),
        (
            LogFinding::Unreadable {
                container: container(),
                problem: "denied".to_owned(),
            },
            Some("The log of container web could not be read: denied."),
        ),
        (
            LogFinding::Elsewhere {
                container: container(),
                driver: String::new(),
                options: vec![],
            },
            Some("Container web has no log configuration: its log is kept nowhere."),
        ),
        (
            LogFinding::Elsewhere {
                container: container(),
                driver: "splunk".to_owned(),
                options: vec![],
            },
            Some("The log of container web goes to the log driver splunk: look there."),
        ),
        (
            LogFinding::Tail {
                container: container(),
                group: "g".to_owned(),
                stream: "s".to_owned(),
                lines: vec![],
            },
            Some("Container web has no line in its log (group g, stream s)."),
        ),
    ] {
        assert_eq!(super::found::log(&log).as_deref(), expected);
    }
}

#[test]
fn what_findings_add_changes_nothing_else() {
    let notice = notice(rolled_back(tasks_fail(Cause::ApplicationError)), crashes());
    let bare = publication(&notice, &surroundings(), &Findings::default());
    let full = publication(&notice, &surroundings(), &tail());
    assert_eq!(
        (&bare.subject, &bare.attributes),
        (&full.subject, &full.attributes)
    );
    assert_eq!(body(&bare, "sms"), body(&full, "sms"));
    let full = body(&full, "email");
    assert!(body(&bare, "email").lines().all(|line| full.contains(line)));
}

#[test]
fn secrets_that_were_stored_before_do_not_come_out() {
    let mut evidence = crashes();
    let mut task = stopped(
        "leak",
        "TaskFailedToStart",
        "pull https://u:s3cr3t@r failed",
        1,
    );
    task.containers[0].reason = "exec PASSWORD=s3cr3t".to_owned();
    task.stopped_at = Some(at("08:15:20"));
    evidence.stopped_tasks.keep(task);
    let phase = Phase::Halted {
        reason: Halted::WayBackFailed {
            failure: Failure::DeploymentFailed {
                reason: "token=s3cr3t".to_owned(),
                platform: None,
            },
            reason: "api_key: s3cr3t".to_owned(),
        },
    };
    let publication = publication(&notice(phase, evidence), &surroundings(), &tail());
    for (protocol, body) in &publication.bodies {
        assert!(!body.contains("s3cr3t"), "{protocol}: {body}");
    }
    assert!(body(&publication, "email").contains("leak"));
}

#[test]
fn the_largest_dossier_fits_what_sns_takes() {
    // Source: SNS API reference, Publish: 262,144 bytes with all protocols and attributes.
    const LIMIT_BYTES: usize = 262_144;
    let quotes = || "\"".repeat(2000);
    let mut evidence = Evidence::default();
    for number in 0..40 {
        let mut task = stopped(&format!("{number}"), "TaskFailedToStart", &quotes(), 1);
        task.containers = vec![
            StoppedContainer {
                name: quotes(),
                reason: quotes(),
                ..StoppedContainer::default()
            };
            5
        ];
        evidence
            .stopped_tasks
            .keep(of_the_last_good_version(task.clone(), "good"));
        evidence.stopped_tasks.keep(task);
        evidence.alarm_changes.keep(AlarmChange {
            alarm_arn: quotes(),
            name: "a".to_owned(),
            state: AlarmState::Alarm,
            previous: None,
            reason: quotes(),
            at: at("08:19:10") + jiff::SignedDuration::from_secs(number),
        });
        evidence.service_troubles.keep(ServiceEvent {
            name: "SERVICE_TASK_PLACEMENT_FAILURE".to_owned(),
            reason: format!("RESOURCE:{number}{}", quotes()),
            deployment: Some(quotes()),
            at: at("08:19:10"),
        });
        keep_health(
            &mut evidence.target_health,
            TargetHealth {
                target_group_arn: quotes(),
                target: format!("{number}"),
                port: None,
                state: "unhealthy".to_owned(),
                reason: quotes(),
                description: quotes(),
                at: at("08:16:30"),
            },
        );
    }
    let failure = Failure::AlarmFired {
        alarms: vec!["a".to_owned()],
    };
    let lines: Vec<String> = (0..50).map(|_| quotes()).collect();
    let label = |name: &str| (format!("org.opencontainers.image.{name}"), quotes());
    let labels = ["revision", "source", "authors", "version", "created"].map(label);
    let findings = Findings {
        log: LogFinding::Tail {
            container: "backstage".to_owned(),
            group: quotes()[..512].to_owned(),
            stream: quotes()[..512].to_owned(),
            lines: crate::findings::lines(&lines),
        },
        image: ImageFinding::Labels(ImageLabels::of(&labels.into_iter().collect())),
    };
    let publication = publication(
        &notice(way_back_too_long(failure), evidence),
        &surroundings(),
        &findings,
    );
    let bodies = publication.bodies.iter();
    let message: Value = bodies
        .map(|(name, body)| ((*name).to_owned(), json!(body)))
        .collect();
    let size = message.to_string().len();
    assert!((LIMIT_BYTES / 4..LIMIT_BYTES).contains(&size), "{size}");
}
