//! Every sentence, as the person who gets it reads it.
//!
//! One file for each kind of notice, with all its reasons: subject, attributes,
//! SMS, email, and the JSON document. Where a kind has several reasons, the
//! document is shown whole for the first one, and what differs for the others.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use super::{Surroundings, publication};
use crate::core::alarm::AlarmWatch;
use crate::core::diagnosis::Cause;
use crate::core::evidence::{Evidence, StoppedContainer, StoppedTask};
use crate::core::failure::Failure;
use crate::core::name::{ImageDigest, RolloutId, TargetName};
use crate::core::observation::{GoneImage, PausedHook};
use crate::core::push::Push;
use crate::core::reason::{Halted, NewerPush, Rejected, SupersededBy, Unsuitable, Waiting};
use crate::core::rollout::{Back, Phase, RolledBackBy, Rollout, Running, Start, Way};
use crate::core::shared::Shared;
use crate::core::shared_alarm::{Sharing, Turn};
use crate::findings::Findings;
use crate::notice::{News, Notice, RolloutNews};
use crate::target::{self, Mistake};
use taken_back::*;
use whose_turn::*;

const FAMILY: &str = "arn:aws:ecs:eu-west-1:123456789012:task-definition/backstage";

macro_rules! snapshot {
    ($name:literal, $text:expr) => {
        insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!($name, $text);
        });
    };
}

/// Lists examples of each variant of an enum, each with its pattern.
///
/// A variant without one does not compile, an example under another's pattern fails.
macro_rules! every {
    ($type:ty: $($pattern:pat => [$($example:expr),+ $(,)?],)+) => {{
        let _ = |value: &$type| match value { $($pattern => {})+ };
        let mut examples: Vec<$type> = Vec::new();
        $($(
            let example = $example;
            assert!(matches!(&example, $pattern), "{example:?}");
            examples.push(example);
        )+)+
        examples
    }};
}

pub(crate) mod commands;
pub(crate) mod every;
mod explained;
mod refused;
mod stack;
mod taken_back;
mod whose_turn;

fn at(time: &str) -> Timestamp {
    format!("2026-11-20T{time}Z").parse().unwrap()
}

fn target() -> TargetName {
    TargetName::parse("team/backstage").unwrap()
}

fn surroundings() -> Surroundings {
    Surroundings {
        operator_function: "pushboat-OperatorFunction-1A2B3C".to_owned(),
        region: "eu-west-1".to_owned(),
    }
}

fn digest(character: char) -> ImageDigest {
    ImageDigest::parse(&format!("sha256:{}", character.to_string().repeat(64))).unwrap()
}

fn revision(number: u32) -> String {
    format!("{FAMILY}:{number}")
}

fn rollout(phase: Phase) -> Rollout {
    let text = r#"{ "service": { "cluster": "prod", "name": "backstage" },
        "images": [ { "repository": "team/backstage" } ], "alarms": ["backstage-5xx"] }"#;
    let push = Push {
        repository: "team/backstage".to_owned(),
        tag: "main-42".to_owned(),
        digest: digest('b'),
        tagged_at: at("08:15:12"),
        event_id: "13cde686-328b-6117-af20-0e5566167482".to_owned(),
        source: crate::core::push::PushSource::Event,
    };
    Rollout {
        id: RolloutId::new(push.tagged_at, &["main-42"]),
        policy: target::parse(&target(), text).unwrap().into(),
        requested_at: at("08:15:14"),
        push: push.into(),
        phase,
        resolved: None,
        evidence: Evidence::default().into(),
    }
}

fn start() -> Shared<Start> {
    Start {
        at: at("08:15:14"),
        digest: digest('b'),
        base_task_definition: revision(42),
        base_deployment: "ecs-svc/1".to_owned(),
        base_deployment_created_at: at("07:00:00"),
        platform: None,
        containers: vec!["backstage".to_owned()],
        alarms: vec![AlarmWatch {
            name: "backstage-5xx".to_owned(),
            ignored_until_ok: false,
            found_since: None,
            ignored_before: None,
            fired: false,
            sharing: None,
        }],
        no_way_back: None,
        stack: None,
        throttled_at: None,
    }
    .into()
}

fn gone(archived: bool) -> GoneImage {
    let registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    GoneImage {
        image: format!("{registry}/team/backstage@{}", digest('a')),
        archived,
    }
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

fn notice(news: News) -> Notice {
    let mut notice = Notice {
        id: String::new(),
        target: target(),
        at: at("08:21:03"),
        news,
    };
    let subject = match &notice.news {
        News::Rollout(news) => news.rollout.id.to_string(),
        News::DeploymentPaused { rollout, .. }
        | News::WayBackPaused { rollout, .. }
        | News::ApprovalAsked { rollout } => rollout.id.to_string(),
        News::TargetInvalid { .. }
        | News::ServiceMissing { .. }
        | News::Adopted { .. }
        | News::TargetWarned { .. }
        | News::RolloutYields { .. }
        | News::AlarmFired { .. }
        | News::Command { .. }
        | News::RolloutHeld { .. } => notice.target.to_string(),
    };
    notice.id = format!("{subject}.{}.7.0", notice.event());
    notice
}

/// What is told of a rollout that came into `phase` after it had started.
fn started(phase: Phase) -> Notice {
    let start = Some(start());
    let rollout = rollout(phase);
    notice(News::Rollout(Box::new(RolloutNews {
        last_known_good_tag: Some("main-41".to_owned()),
        exact_images: BTreeMap::new(),
        good_inactive: false,
        rollout,
        start,
        last_known_good: Some(revision(41)),
        held: false,
        taken_back_for: None,
        halted_since: None,
        running: None,
    })))
}

/// What is told of one that never started.
fn never_started(phase: Phase) -> Notice {
    let rollout = rollout(phase);
    let start = None;
    notice(News::Rollout(Box::new(RolloutNews {
        last_known_good_tag: Some("main-41".to_owned()),
        exact_images: BTreeMap::new(),
        good_inactive: false,
        rollout,
        start,
        last_known_good: Some(revision(41)),
        held: false,
        taken_back_for: None,
        halted_since: None,
        running: None,
    })))
}

/// Shows notices of one kind, each under its title.
fn shown(notices: &[(&str, Notice)]) -> String {
    let mut text = String::new();
    let mut first: Option<Value> = None;
    for (title, notice) in notices {
        let publication = publication(notice, &surroundings(), &Findings::default());
        let body = |protocol| {
            let mut bodies = publication.bodies.iter();
            &bodies.find(|(name, _)| *name == protocol).unwrap().1
        };
        let attributes: Vec<String> = publication
            .attributes
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let document: Value = serde_json::from_str(body("default")).unwrap();
        writeln!(text, "=== {title}").unwrap();
        writeln!(text, "Subject: {}", publication.subject).unwrap();
        writeln!(text, "SMS: {}", body("sms")).unwrap();
        writeln!(text, "Attributes: {}", attributes.join(" ")).unwrap();
        writeln!(text, "--- email\n{}", body("email")).unwrap();
        writeln!(text, "--- document").unwrap();
        let shown = match &first {
            None => document.clone(),
            Some(first) => differences(first, &document),
        };
        writeln!(text, "{shown:#}\n").unwrap();
        first.get_or_insert(document);
    }
    text
}

/// Gives the members of `other` that are not the same in `first`.
fn differences(first: &Value, other: &Value) -> Value {
    let differs = |name: &str, value: &Value| first.get(name) != Some(value);
    let members = other.as_object().unwrap().iter();
    members
        .filter(|(name, value)| differs(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[test]
fn what_is_told_of_a_target() {
    let mistakes = vec![
        Mistake::new(
            "images[0].repository",
            "ECR has no repository `team/backstag` in this account and Region",
            "Correct the name, or create the repository and save the parameter again.",
        ),
        Mistake::new(
            "alarms[0]",
            "CloudWatch has no alarm `5xx` in this account and Region",
            "Correct the name, or create the alarm and save the parameter again.",
        ),
    ];
    let one = vec![Mistake::new(
        "line 3, column 7",
        "the value is not JSON",
        "Check it with any JSON validator; mind commas, quotes and braces.",
    )];
    let missing = Mistake::new(
        "service.name",
        "there is no active service `backstage` in cluster `prod`",
        "Correct the name, or create the service; Pushboat keeps looking.",
    );
    let slow = |index: usize, name: &str| {
        Mistake::new(
            format!("alarms[{index}]"),
            format!(
                "alarm `{name}` fires after 900 seconds of bad data, but the bake time is 300 seconds: a version may count as good before the alarm can tell"
            ),
            "Set `bakeTimeSeconds` to 900 or more, or shorten the alarm's period.",
        )
    };
    let warned = |warnings| notice(News::TargetWarned { warnings });
    let images = BTreeMap::from([
        (
            "backstage".to_owned(),
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/backstage:main-41".to_owned(),
        ),
        ("envoy".to_owned(), "public.ecr.aws/envoy:v1".to_owned()),
    ]);
    let nothing = BTreeMap::new();
    snapshot!(
        "target",
        shown(&[
            ("it was adopted", notice(News::Adopted { images })),
            (
                "… with nothing good",
                notice(News::Adopted { images: nothing })
            ),
            ("one mistake", notice(News::TargetInvalid { mistakes: one })),
            ("several mistakes", notice(News::TargetInvalid { mistakes })),
            (
                "no service",
                notice(News::ServiceMissing { mistake: missing })
            ),
            ("a weak point", warned(vec![slow(0, "backstage-5xx")])),
            (
                "several weak points",
                warned(vec![slow(0, "backstage-5xx"), slow(1, "backstage-latency")])
            ),
        ])
    );
}

#[test]
fn what_is_told_of_a_rollout_under_way() {
    let starting = Phase::Starting {
        start: start(),
        revision: None,
        update_intended_at: Some(at("08:15:14")),
    };
    let mut without_a_way_back = started(starting.clone());
    if let News::Rollout(news) = &mut without_a_way_back.news {
        let mut start = start();
        start.no_way_back = Some(gone(false));
        news.start = Some(start);
    }
    let baking = Phase::Baking {
        start: start(),
        running: running(),
        until: at("08:26:03"),
        missing_tasks_since: None,
    };
    let succeeded = Phase::Succeeded {
        revision: revision(43),
    };
    let scaled_to_zero = Phase::ScaledToZero {
        revision: revision(43),
    };
    let mut burning = start();
    burning.alarms[0].ignored_until_ok = true;
    snapshot!(
        "rollout",
        shown(&[
            ("it started", started(starting.clone())),
            ("… without a way back", without_a_way_back),
            (
                "… while an alarm fires",
                with_start(started(starting), burning.clone())
            ),
            ("it runs", started(baking)),
            ("it succeeded", started(succeeded.clone())),
            (
                "… though an alarm fired all the time",
                with_start(started(succeeded), burning)
            ),
            ("no task is wanted", started(scaled_to_zero)),
        ])
    );
}

#[test]
fn phases_that_no_notice_tells_of_can_be_worded_too() {
    let requested = Phase::Requested {
        waiting: Waiting::FirstLook,
        hindered_since: None,
    };
    let progressing = Phase::Progressing {
        start: start(),
        running: running(),
    };
    snapshot!(
        "untold",
        shown(&[
            ("requested", never_started(requested)),
            ("progressing", started(progressing)),
        ])
    );
}

#[test]
fn who_took_over() {
    let by = |by| started(Phase::Superseded { by });
    let newer = |tag, by_command| {
        SupersededBy::Push(NewerPush {
            rollout: RolloutId::new(at("08:20:00"), &["main-43"]),
            tag,
            by_command,
        })
    };
    let pushed = || newer(Some("main-43".to_owned()), false);
    let waiting = Phase::Superseded { by: pushed() };
    let theirs = revision(44);
    let mut from_a_bad_one = by(pushed());
    if let News::Rollout(news) = &mut from_a_bad_one.news {
        news.taken_back_for = Some(alarms());
    }
    snapshot!(
        "superseded",
        shown(&[
            ("a newer push, from one on its way back", from_a_bad_one),
            ("a newer push", by(pushed())),
            ("… as older records have it", by(newer(None, false))),
            (
                "a person's command",
                by(newer(Some("main-41".to_owned()), true))
            ),
            (
                "somebody else",
                by(SupersededBy::SomebodyElse {
                    task_definition: theirs
                })
            ),
            ("the service is gone", by(SupersededBy::ServiceGone)),
            ("the target is gone", by(SupersededBy::TargetRemoved)),
            (
                "a newer push came before it started",
                never_started(waiting)
            ),
        ])
    );
}

#[test]
fn whatever_the_names_what_is_sent_fits_what_sns_takes() {
    let mut notice = started(Phase::Halted {
        reason: Halted::NothingToGoBackTo {
            failure: Failure::AlarmFired {
                alarms: vec!["Überlauf\nder Warteschlange ".repeat(20)],
            },
        },
    });
    notice.target = TargetName::parse(&"x".repeat(200)).unwrap();
    let publication = publication(&notice, &surroundings(), &Findings::default());
    let sms = &publication.bodies[2];
    assert_eq!(sms.0, "sms");
    for (text, limit) in [(&publication.subject, 99), (&sms.1, 140)] {
        assert!(text.len() <= limit, "{text}");
        assert!(
            text.chars().all(|c| c == ' ' || c.is_ascii_graphic()),
            "{text}"
        );
    }
}
