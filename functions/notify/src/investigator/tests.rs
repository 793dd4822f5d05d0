//! Looking things up where AWS answers, refuses, or never answers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use pushboat::core::evidence::{StoppedContainer, StoppedTask};
use pushboat::core::failure::Failure;
use pushboat::core::name::{ImageDigest, RolloutId, TargetName};
use pushboat::core::reason::{Halted, Waiting};
use pushboat::core::rollout::Phase;
use pushboat::ports::CallError;
use serde_json::json;

use super::*;

const REVISION: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:43";
const COMMIT: &str = "org.opencontainers.image.revision";

/// How AWS is.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Answers,
    Refuses,
    IsSilent,
}

/// An AWS with one task definition, one stream and one image for arm64.
struct Aws {
    definitions: Mood,
    logs: Mood,
    labels: Mood,
    asked: RefCell<Vec<String>>,
}

impl Aws {
    async fn answer<T>(&self, mood: Mood, asked: String, answer: T) -> Result<T, CallError> {
        self.asked.borrow_mut().push(asked);
        match mood {
            Mood::Answers => Ok(answer),
            Mood::Refuses => Err(CallError::Refused {
                call: "a call".to_owned(),
                code: "AccessDeniedException".to_owned(),
                message: "no".to_owned(),
            }),
            Mood::IsSilent => std::future::pending().await,
        }
    }
}

impl TaskDefinitions for &Aws {
    async fn definition(&self, arn: &str) -> Result<Arc<Definition>, CallError> {
        let raw = json!({
            "runtimePlatform": { "cpuArchitecture": "ARM64" },
            "containerDefinitions": [{ "name": "web", "logConfiguration": {
                "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/web",
                "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "v1" } } }],
        });
        let tags = serde_json::Value::Null;
        let definition = Arc::new(Definition { raw, tags });
        self.answer(self.definitions, arn.to_owned(), definition)
            .await
    }
}

impl Logs for &Aws {
    async fn tail(&self, group: &str, stream: &str, _: usize) -> Result<Vec<String>, CallError> {
        let events = vec!["panic: token=s3cr3t".to_owned()];
        self.answer(self.logs, format!("{group} {stream}"), events)
            .await
    }
}

impl Labels for &Aws {
    async fn labels(
        &self,
        repository: &str,
        _: &ImageDigest,
        platform: &Platform,
    ) -> Result<BTreeMap<String, String>, CallError> {
        let labels = BTreeMap::from([(COMMIT.to_owned(), "4f1c".to_owned())]);
        self.answer(self.labels, format!("{repository} {platform}"), labels)
            .await
    }
}

fn aws(definitions: Mood, logs: Mood, labels: Mood) -> Aws {
    let asked = RefCell::default();
    Aws {
        definitions,
        logs,
        labels,
        asked,
    }
}

async fn findings(aws: &Aws, notice: &Notice) -> Findings {
    let investigator = TimedInvestigator {
        definitions: aws,
        logs: aws,
        labels: aws,
        region: "eu-west-1".to_owned(),
    };
    investigator.findings(notice).await
}

/// A rollout that halted because its one task crashed.
fn crashed() -> Notice {
    let failure = Failure::DeploymentFailed {
        reason: String::new(),
        platform: None,
    };
    let mut notice = notice(Phase::Halted {
        reason: Halted::NothingToGoBackTo { failure },
    });
    if let News::Rollout(news) = &mut notice.news {
        news.rollout.evidence.stopped_tasks.keep(StoppedTask {
            task_arn: "arn:aws:ecs:eu-west-1:123456789012:task/prod/0f1e".to_owned(),
            task_definition: REVISION.to_owned(),
            started: true,
            containers: vec![StoppedContainer {
                name: "web".to_owned(),
                exit_code: Some(1),
                ..StoppedContainer::default()
            }],
            ..StoppedTask::default()
        });
    }
    notice
}

fn notice(phase: Phase) -> Notice {
    let target = TargetName::parse("web").unwrap();
    let text = r#"{ "service": { "cluster": "prod", "name": "web" }, "images": [ { "repository": "team/web" } ] }"#;
    let at = Timestamp::UNIX_EPOCH;
    let push = serde_json::from_value(json!({
        "repository": "team/web", "tag": "v1", "digest": format!("sha256:{}", "ab".repeat(32)),
        "taggedAt": at, "eventId": "e",
    }));
    let rollout = pushboat::core::rollout::Rollout {
        id: RolloutId::new(at, &["v1"]),
        push: push.unwrap(),
        policy: pushboat::target::parse(&target, text).unwrap().into(),
        requested_at: at,
        phase,
        resolved: None,
        evidence: pushboat::core::evidence::Evidence::default().into(),
    };
    let news = RolloutNews {
        last_known_good_tag: None,
        exact_images: BTreeMap::new(),
        good_inactive: false,
        rollout,
        start: None,
        running: None,
        last_known_good: None,
        held: false,
        taken_back_for: None,
        halted_since: None,
    };
    Notice {
        id: "n".to_owned(),
        target,
        at,
        news: News::Rollout(Box::new(news)),
    }
}

fn labels() -> ImageFinding {
    ImageFinding::Labels(ImageLabels {
        revision: Some("4f1c".to_owned()),
        ..ImageLabels::default()
    })
}

#[tokio::test]
async fn log_and_labels_are_those_of_what_failed() {
    let aws = aws(Mood::Answers, Mood::Answers, Mood::Answers);
    let found = findings(&aws, &crashed()).await;
    let log = LogFinding::Tail {
        container: "web".to_owned(),
        group: "/ecs/web".to_owned(),
        stream: "v1/web/0f1e".to_owned(),
        lines: vec!["panic: token=[redacted]".to_owned()],
    };
    let image = labels();
    assert_eq!(found, Findings { log, image });
    let asked = aws.asked.borrow();
    assert_eq!(
        *asked,
        [REVISION, "/ecs/web v1/web/0f1e", "team/web linux/arm64"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_one_line_and_holds_nothing_else_up() {
    for (mood, told) in [
        (
            Mood::Refuses,
            "a call was refused: AccessDeniedException: no",
        ),
        (Mood::IsSilent, "it took more than 3 seconds"),
    ] {
        let began = tokio::time::Instant::now();
        let found = findings(&aws(Mood::Answers, mood, Mood::Answers), &crashed()).await;
        let (container, problem) = ("web".to_owned(), told.to_owned());
        let log = LogFinding::Unreadable { container, problem };
        let image = labels();
        assert_eq!(found, Findings { log, image });
        assert!(began.elapsed() <= Duration::from_secs(5));
    }
}

#[tokio::test(start_paused = true)]
async fn an_aws_that_never_answers_takes_five_seconds() {
    let began = tokio::time::Instant::now();
    let silent = aws(Mood::IsSilent, Mood::IsSilent, Mood::IsSilent);
    let found = findings(&silent, &crashed()).await;
    assert_eq!(began.elapsed().as_secs(), 5);
    assert!(matches!(found.log, LogFinding::Unreadable { .. }));
    assert!(matches!(found.image, ImageFinding::Unreadable { .. }));
}

#[tokio::test]
async fn nothing_is_asked_for_what_did_not_fail() {
    let aws = aws(Mood::Answers, Mood::Answers, Mood::Answers);
    let waiting = Waiting::FirstLook;
    let requested = Phase::Requested {
        waiting,
        hindered_since: None,
    };
    assert_eq!(
        findings(&aws, &notice(requested)).await,
        Findings::default()
    );
    assert!(aws.asked.borrow().is_empty());
}
