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
mod stack;

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

fn rejected(reason: Rejected) -> Notice {
    never_started(Phase::Rejected { reason })
}

#[test]
fn why_an_image_was_refused() {
    let repository = "team/backstage".to_owned();
    let media_type = "application/vnd.cncf.helm.config.v1+json".to_owned();
    let problem = "it has neither `manifests` nor `config`".to_owned();
    let wrong_platform = |offered: &[&str]| Rejected::WrongPlatform {
        wanted: "linux/arm64".to_owned(),
        offered: offered.iter().map(|one| (*one).to_owned()).collect(),
    };
    let two = wrong_platform(&["linux/amd64", "windows/amd64"]);
    let quarantined = Rejected::Quarantined {
        digest: digest('b'),
        rollout: RolloutId::new(at("07:40:00"), &["main-41"]),
        at: at("07:51:00"),
        failure: "alarm-fired".to_owned(),
    };
    let no_way_back = |archived| Rejected::NoWayBack {
        gone: gone(archived),
        repository: "team/backstage".to_owned(),
        digest: digest('b'),
    };
    snapshot!(
        "rejected_image",
        shown(&[
            ("it runs already", rejected(Rejected::AlreadyRunning)),
            (
                "no repository",
                rejected(Rejected::RepositoryMissing { repository })
            ),
            ("no image", rejected(Rejected::ImageMissing)),
            ("archived", rejected(Rejected::ImageArchived)),
            (
                "not an image",
                rejected(Rejected::NotAnImage { media_type })
            ),
            (
                "unreadable",
                rejected(Rejected::ManifestUnreadable { problem })
            ),
            ("wrong platform", rejected(two)),
            ("no platform", rejected(wrong_platform(&[]))),
            ("taken back before", rejected(quarantined)),
            ("no way back", rejected(no_way_back(false))),
            ("no way back: archived", rejected(no_way_back(true))),
        ])
    );
}

#[test]
fn why_a_service_was_left_alone() {
    let unsuitable = |what| rejected(Rejected::ServiceUnsuitable { what });
    let mistakes = vec![Mistake::new(
        "service",
        "service `prod/backstage` has no tag `pushboat:target`",
        "Let the service's owner tag it `pushboat:target` = `team/backstage`.",
    )];
    let controller = "CODE_DEPLOY".to_owned();
    let other = Some("web".to_owned());
    let no_container = |missing: &[&str]| {
        rejected(Rejected::NoContainer {
            repository: "team/backstage".to_owned(),
            missing: missing.iter().map(|one| (*one).to_owned()).collect(),
        })
    };
    snapshot!(
        "rejected_service",
        shown(&[
            (
                "the target is invalid",
                rejected(Rejected::TargetInvalid { mistakes })
            ),
            ("no container runs it", no_container(&[])),
            ("no container of that name", no_container(&["app"])),
            ("no service", rejected(Rejected::ServiceGone)),
            ("a daemon", unsuitable(Unsuitable::Daemon)),
            (
                "another controller",
                unsuitable(Unsuitable::Controller { controller })
            ),
            (
                "no consent",
                unsuitable(Unsuitable::NoConsent { found: None })
            ),
            (
                "consent to another",
                unsuitable(Unsuitable::NoConsent { found: other })
            ),
            ("busy", rejected(Rejected::ServiceBusy)),
            (
                "an alarm fires",
                rejected(Rejected::AlarmFiring {
                    alarms: vec!["backstage-5xx".to_owned()]
                })
            ),
        ])
    );
}

#[test]
fn why_aws_did_not_do_it() {
    let refused = Rejected::Refused {
        call: "RegisterTaskDefinition backstage".to_owned(),
        code: "ClientException".to_owned(),
        message: "Role is not valid.".to_owned(),
    };
    let trouble = "DescribeServices of prod/backstage was throttled".to_owned();
    let silent = Rejected::AwsUnavailable { trouble };
    snapshot!(
        "rejected_by_aws",
        shown(&[
            ("refused", started(Phase::Rejected { reason: refused })),
            ("no answer", rejected(silent)),
        ])
    );
}

/// Three tasks crashed, a fourth could not pull its image, one was scaled in.
fn with_stopped_tasks(mut notice: Notice) -> Notice {
    let task = |id: &str, stop_code: &str, stopped_reason: &str, exit_code: Option<i64>| {
        let container = |name: &str, exit_code, reason: &str| StoppedContainer {
            name: name.to_owned(),
            exit_code,
            reason: reason.to_owned(),
            ..StoppedContainer::default()
        };
        StoppedTask {
            task_arn: format!("arn:aws:ecs:eu-west-1:123456789012:task/prod/{id}"),
            task_definition: revision(43),
            started_by: "ecs-svc/2".to_owned(),
            stop_code: stop_code.to_owned(),
            stopped_reason: stopped_reason.to_owned(),
            started: exit_code.is_some(),
            stopped_at: Some(at("08:17:00")),
            containers: vec![
                container("backstage", exit_code, ""),
                container("envoy", exit_code.map(|_| 143), ""),
            ],
            ..StoppedTask::default()
        }
    };
    let exited = "Essential container in task exited";
    let crashed = |id: &str| task(id, "EssentialContainerExited", exited, Some(1));
    let pull = "CannotPullContainerError: pull image manifest has been retried 5 time(s): dial tcp 10.0.0.10:443: i/o timeout";
    let scaled_in = "Scaling activity initiated by (deployment ecs-svc/3)";
    let News::Rollout(news) = &mut notice.news else {
        panic!("{notice:?}")
    };
    let stopped = &mut news.rollout.evidence.stopped_tasks;
    for task in [
        task("0a", "ServiceSchedulerInitiated", scaled_in, Some(143)),
        crashed("0b"),
        crashed("0c"),
        task("0d", "TaskFailedToStart", pull, None),
        crashed("0e"),
    ] {
        assert!(stopped.keep(task));
    }
    notice
}

fn alarms() -> Failure {
    Failure::AlarmFired {
        alarms: vec!["backstage-5xx".to_owned(), "backstage-latency".to_owned()],
    }
}

fn tasks_fail() -> Failure {
    Failure::TasksFail {
        cause: Cause::ApplicationError,
        failed: 2,
        limit: 2,
    }
}

fn rolling_back(failure: Failure, way: Way) -> Notice {
    started(Phase::RollingBack {
        start: start(),
        running: running(),
        failure,
        back: Back {
            to: revision(42),
            began_at: at("08:21:03"),
            way,
            corrected: None,
            stack: None,
            paused_at: None,
        },
    })
}

/// The images of the last good version.
fn good_images() -> BTreeMap<String, String> {
    let image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/backstage";
    let image = format!("{image}@sha256:{}", "a".repeat(64));
    [("backstage".to_owned(), image)].into()
}

fn paused_hook(timeout_action: &str) -> PausedHook {
    PausedHook {
        service_deployment:
            "arn:aws:ecs:eu-west-1:123456789012:service-deployment/prod/backstage/x1".to_owned(),
        hook_id: "ecs-pause-1".to_owned(),
        expires_at: Some(at("20:21:03")),
        timeout_action: timeout_action.to_owned(),
    }
}

fn deployment_paused(timeout_action: &str) -> Notice {
    notice(News::DeploymentPaused {
        rollout: Box::new(rollout(Phase::Progressing {
            start: start(),
            running: running(),
        })),
        hook: paused_hook(timeout_action),
    })
}

fn way_back_paused() -> Notice {
    let News::Rollout(news) = rolling_back(alarms(), Way::Unasked).news else {
        panic!("it is a rollout's")
    };
    notice(News::WayBackPaused {
        rollout: Box::new(news.rollout),
        hook: paused_hook("ROLLBACK"),
    })
}

#[test]
fn a_deployment_that_waits_at_a_hook() {
    let no_end = PausedHook {
        expires_at: None,
        ..paused_hook("ROLLBACK")
    };
    let mut without_end = deployment_paused("ROLLBACK");
    if let News::DeploymentPaused { hook, .. } = &mut without_end.news {
        *hook = no_end;
    }
    snapshot!(
        "deployment_paused",
        shown(&[
            ("it is taken back in the end", deployment_paused("ROLLBACK")),
            ("it goes on in the end", deployment_paused("CONTINUE")),
            ("ECS tells no end", without_end),
        ])
    );
}

fn rolled_back(failure: Failure, by: RolledBackBy) -> Notice {
    started(Phase::RolledBack {
        failure,
        by,
        revision: revision(42),
    })
}

#[test]
fn how_a_version_is_taken_back() {
    let by_ecs = Way::Observed {
        by: RolledBackBy::Ecs,
    };
    let by_hand = Way::Observed {
        by: RolledBackBy::Person,
    };
    let words = "ECS deployment circuit breaker: tasks failed to start.".to_owned();
    let failed = || Failure::DeploymentFailed {
        reason: words.clone(),
        platform: None,
    };
    let mut held = rolling_back(alarms(), Way::Unasked);
    if let News::Rollout(news) = &mut held.news {
        news.held = true;
    }
    let mut inactive = rolling_back(alarms(), Way::Unasked);
    if let News::Rollout(news) = &mut inactive.news {
        news.exact_images = good_images();
        news.good_inactive = true;
    }
    snapshot!(
        "rolling_back",
        shown(&[
            (
                "its tasks fail",
                with_stopped_tasks(rolling_back(tasks_fail(), Way::Unasked))
            ),
            ("an alarm fired", rolling_back(alarms(), Way::Unasked)),
            ("… and a hold keeps it", held),
            ("… and the revision to go back to is INACTIVE", inactive),
            ("ECS is at it", rolling_back(failed(), by_ecs)),
            ("a hook stops it", way_back_paused()),
            (
                "a person is at it",
                rolling_back(Failure::PutBackByHand, by_hand)
            ),
            (
                "it is done: its tasks failed",
                with_stopped_tasks(rolled_back(tasks_fail(), RolledBackBy::Pushboat))
            ),
            (
                "the platform hindered it",
                rolled_back(
                    Failure::DeadlineReached { cause: None },
                    RolledBackBy::Pushboat
                )
            ),
            ("ECS did it", rolled_back(failed(), RolledBackBy::Ecs)),
            (
                "a person did it",
                rolled_back(Failure::PutBackByHand, RolledBackBy::Person)
            ),
        ])
    );
}

#[test]
fn why_a_person_has_to_decide() {
    let told = |reason| started(Phase::Halted { reason });
    let failure = alarms;
    let with = |mut notice: Notice, change: fn(&mut RolloutNews)| {
        let News::Rollout(news) = &mut notice.news else {
            panic!("{notice:?}")
        };
        change(news);
        notice
    };
    let too_long = || told(Halted::WayBackTooLong { failure: failure() });
    snapshot!(
        "halted",
        shown(&[
            (
                "nothing to go back to",
                with(
                    with_stopped_tasks(told(Halted::NothingToGoBackTo {
                        failure: tasks_fail()
                    })),
                    |news| news.last_known_good = None
                )
            ),
            ("the way back takes too long", too_long()),
            (
                "… told again after an hour",
                with(too_long(), |news| news.halted_since = Some(at("07:21:03")))
            ),
            (
                "the last good one fails too",
                told(Halted::WayBackFailed {
                    failure: failure(),
                    reason: "ECS deployment circuit breaker: tasks failed to start.".to_owned(),
                })
            ),
            (
                "ECS goes elsewhere",
                told(Halted::WentElsewhere {
                    failure: failure(),
                    task_definition: revision(41),
                })
            ),
            (
                "AWS refuses the way back",
                told(Halted::WayBackRefused {
                    failure: failure(),
                    call: "UpdateService prod/backstage".to_owned(),
                    code: "InvalidParameterException".to_owned(),
                    message: "The subnet does not exist.".to_owned(),
                })
            ),
            (
                "nobody could see whether it is good",
                told(Halted::NotVerified {
                    trouble: "ecs:DescribeServices prod/backstage was throttled".to_owned(),
                })
            ),
        ])
    );
}

/// The alarm that fired is watched by others too.
fn shared_with(names: &[&str], turn: Turn) -> Shared<Start> {
    let name = |name: &&str| TargetName::parse(name).unwrap();
    let mut start = start();
    start.alarms[0].sharing = Some(Sharing {
        with: names.iter().map(name).collect(),
        turn,
    });
    start
}

fn with_start(mut notice: Notice, start: Shared<Start>) -> Notice {
    if let News::Rollout(news) = &mut notice.news {
        news.start = Some(start);
    }
    notice
}

#[test]
fn whose_turn_it_is_where_an_alarm_is_shared() {
    let api = || TargetName::parse("team/api").unwrap();
    let yields = |gone_back| Turn::Yields {
        to: api(),
        since: at("08:17:00"),
        gone_back,
        gone_back_at: None,
        settles_from: None,
    };
    let baking = |start| Phase::Baking {
        start,
        running: running(),
        until: at("08:26:03"),
        missing_tasks_since: None,
    };
    let waits = News::RolloutYields {
        rollout: Box::new(rollout(baking(shared_with(&["team/api"], yields(None))))),
        alarm: "backstage-5xx".to_owned(),
        to: api(),
    };
    let back = |names: &[&str], turn| {
        let failure = Failure::AlarmFired {
            alarms: vec!["backstage-5xx".to_owned()],
        };
        let notice = rolled_back(failure, RolledBackBy::Pushboat);
        with_start(notice, shared_with(names, turn))
    };
    let good = Phase::Succeeded {
        revision: revision(43),
    };
    let acquitted = Turn::Acquitted {
        after: api(),
        until: Some(at("08:19:00")),
    };
    let many = ["a", "b", "c", "d", "e", "f"];
    snapshot!(
        "shared_alarm",
        shown(&[
            ("it waits", notice(waits)),
            ("it goes first", back(&["team/api"], Turn::Own)),
            ("many share it", back(&many, Turn::Own)),
            (
                "another went first",
                back(&["team/api", "team/jobs"], yields(Some(api())))
            ),
            ("another was to go first", back(&["team/api"], yields(None))),
            ("it fired again", back(&["team/api"], acquitted.clone())),
            (
                "it stays",
                with_start(started(good), shared_with(&["team/api"], acquitted))
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
