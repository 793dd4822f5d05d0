//! What is looked up for which notice.

use super::*;

fn events(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn the_last_lines_are_shown_plain_and_without_secrets() {
    let key = "-----BEGIN PRIVATE KEY-----";
    let shown = lines(&events(&[
        "\u{1b}[31mERROR\u{1b}[0m\tpass\u{1b}[1mword=hunter2 at line\n  two\n",
        key,
        "MIIE",
        "-----END PRIVATE KEY-----",
        "",
        "\u{202e}bye",
    ]));
    assert_eq!(
        shown,
        [
            "ERROR password=[redacted] at line",
            "  two",
            "[redacted]",
            "bye"
        ]
    );
}

#[test]
fn only_the_last_twenty_lines_are_kept_and_each_is_short() {
    let many: Vec<String> = (0..30)
        .map(|n| format!("{n} {}", "ä".repeat(900)))
        .collect();
    let shown = lines(&many);
    assert_eq!(shown.len(), LINES_SHOWN);
    assert!(shown[0].starts_with("10 ") && shown[19].starts_with("29 "));
    assert!(
        shown
            .iter()
            .all(|line| line.len() <= LINE_LIMIT_BYTES && line.ends_with('…'))
    );
}

fn news(containers: &[(&str, i64)], started: bool) -> RolloutNews {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let digest = format!("sha256:{}", "0a".repeat(32));
    let policy = serde_json::json!({ "service": { "cluster": "prod", "name": "web" },
        "images": [{ "repository": "team/web" }] });
    let target = crate::core::name::TargetName::parse("web").unwrap();
    let push = serde_json::json!({ "repository": "team/web", "tag": "v1", "digest": digest,
        "taggedAt": at, "eventId": "e" });
    let start = serde_json::json!({ "at": at, "digest": digest, "baseTaskDefinition": "web:1",
        "baseDeployment": "ecs-svc/1", "baseDeploymentCreatedAt": at,
        "containers": ["web"], "alarms": [] });
    let mut rollout = crate::core::rollout::Rollout {
        id: crate::core::name::RolloutId::new(at, &["v1"]),
        push: serde_json::from_value(push).unwrap(),
        policy: crate::target::parse(&target, &policy.to_string())
            .unwrap()
            .into(),
        requested_at: at,
        phase: crate::core::rollout::Phase::Requested {
            waiting: crate::core::reason::Waiting::FirstLook,
            hindered_since: None,
        },
        resolved: None,
        evidence: crate::core::evidence::Evidence::default().into(),
    };
    let container = |(name, code): &(&str, i64)| crate::core::evidence::StoppedContainer {
        name: (*name).to_owned(),
        exit_code: Some(*code),
        ..crate::core::evidence::StoppedContainer::default()
    };
    rollout.evidence.stopped_tasks.keep(StoppedTask {
        task_arn: "arn:aws:ecs:eu-west-1:123456789012:task/prod/0f1e".to_owned(),
        started,
        containers: containers.iter().map(container).collect(),
        ..StoppedTask::default()
    });
    RolloutNews {
        exact_images: std::collections::BTreeMap::new(),
        good_inactive: false,
        last_known_good_tag: None,
        rollout,
        start: Some(serde_json::from_value(start).unwrap()),
        running: None,
        last_known_good: None,
        held: false,
        taken_back_for: None,
        halted_since: None,
    }
}

#[test]
fn the_container_that_failed_is_asked_for_its_log() {
    let name = |containers: &[(&str, i64)], started| {
        let news = news(containers, started);
        FailedContainer::of(&news).map(|failed| failed.name.to_owned())
    };
    let sidecar_failed = [("web", 143), ("envoy", 1)];
    assert_eq!(name(&sidecar_failed, true).as_deref(), Some("envoy"));
    let stopped_by_ecs = [("envoy", 143), ("web", 143)];
    assert_eq!(name(&stopped_by_ecs, true).as_deref(), Some("web"));
    assert_eq!(name(&sidecar_failed, false), None, "it wrote no log");
    assert_eq!(name(&[], true), None);
}

#[test]
fn half_a_secret_at_the_end_of_a_huge_event_is_not_shown() {
    let mut event = "x ".repeat(EVENT_LIMIT_BYTES / 2 - 4);
    event.push_str("AKIAIOSFODNN7EXAMPLE");
    assert!(!lines(&[event])[0].contains("AKIA"));
}

#[test]
fn labels_are_strangers_text() {
    let label =
        |name: &str, value: &str| (format!("org.opencontainers.image.{name}"), value.to_owned());
    let labels = ImageLabels::of(&BTreeMap::from([
        label("revision", "4f1c0de"),
        label("source", "https://bob:s3cr3t@github.com/x/y"),
        label(
            "authors",
            &format!("Bob\r\nSubject: you won {}", "!".repeat(900)),
        ),
        label("version", " \n"),
        ("maintainer".to_owned(), "nobody".to_owned()),
    ]));
    assert_eq!(labels.revision.as_deref(), Some("4f1c0de"));
    let source = labels.source.unwrap();
    assert_eq!(source, "https://bob:[redacted]@github.com/x/y");
    let authors = labels.authors.unwrap();
    assert!(authors.starts_with("Bob Subject: you won !"));
    assert!(authors.len() <= LABEL_LIMIT_BYTES);
    assert_eq!((labels.version, labels.created), (None, None));
}
