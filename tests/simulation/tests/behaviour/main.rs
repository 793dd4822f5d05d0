//! What Pushboat does in the world in memory, one file for each concern.
//!
//! Unless a test says otherwise there is one target, `web`, which follows
//! `team/web` onto the service `prod/web`, and v1 runs there.

mod adoption;
mod crash;
mod fleet;
mod hindered;
mod hold;
mod lifecycle_hooks;
mod lifecycles;
mod notices;
mod operator;
mod outages;
mod overlooked;
mod pauses;
mod platform;
mod published;
mod pushes;
mod registration;
mod rollback;
mod shared_alarm;
mod somebody_else;
mod stack;
mod told_again;
mod way_back;
mod work;

use jiff::SignedDuration;
use pushboat::core::name::TargetName;
use pushboat::core::policy::ServiceRef;
use pushboat::core::reason::Ignored;
use pushboat::core::rollout::{Phase, Rollout};
use pushboat::notice::{News, Notice};
use pushboat::reconcile::Report;
use pushboat::wake::Woken;
use serde_json::{Value, json};
use simulation::{Image, Invocation, Operation, Outcome, REGISTRY, ServiceSpecification, World};

const REPOSITORY: &str = "team/web";
const TARGET: &str = "web";

const TARGET_TEXT: &str = r#"{ "service": { "cluster": "prod", "name": "web" },
    "images": [ { "repository": "team/web" } ], "alarms": ["5xx"] }"#;

/// The target, following some tags only.
fn following(pattern: &str) -> String {
    let image = format!(r#"{{ "repository": "team/web", "tags": {{ "glob": ["{pattern}"] }} }}"#);
    TARGET_TEXT.replace(r#"{ "repository": "team/web" }"#, &image)
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn seconds(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count)
}

fn service() -> ServiceRef {
    specification().service
}

fn specification() -> ServiceSpecification {
    ServiceSpecification::new("prod", "web", &pinned("v1"), TARGET)
}

/// As above, but the definition names its image by the tag `v1`.
fn specification_by_tag() -> ServiceSpecification {
    ServiceSpecification {
        image: format!("{REGISTRY}/{REPOSITORY}:v1"),
        ..specification()
    }
}

/// A world with a repository that holds v1, and a quiet alarm.
fn world() -> World {
    let world = World::new();
    let quiet = pushboat::core::alarm::AlarmState::Ok;
    world.alarms.set("5xx", quiet);
    world.images.put(REPOSITORY, "v1", &Image::healthy("v1"));
    world
}

/// As above, with the service steady on v1.
fn steady() -> World {
    let mut world = world();
    world.ecs.create_service(&specification());
    world.run_for(minutes(3));
    world
}

/// As above, with the target adopted.
fn adopted() -> World {
    adopted_with(TARGET_TEXT)
}

/// As above, with a configuration of its own.
fn adopted_with(text: &str) -> World {
    let mut world = steady();
    world.put_target(TARGET, text);
    world.run_for(minutes(1));
    assert_eq!(told(&world), ["adopted"]);
    world
}

/// Runs until the rollout under way is in a phase.
fn run_to(world: &mut World, phase: &str) {
    let reached = world.run_while(minutes(40), |world| {
        let current = world.state(TARGET).current;
        current.is_none_or(|current| current.phase.as_str() != phase)
    });
    assert!(reached, "it never was {phase}: {:?}", history(world));
}

/// What is under way, as `tag phase reason`.
fn under_way(world: &World) -> Option<String> {
    let current = world.state(TARGET).current;
    current.map(|current| summary(&current))
}

/// Gives a command for the target `web`; answers what `operator` answers.
fn ask(world: &mut World, command: &str, fields: Value) -> Value {
    let mut whole = json!({ "command": command, "target": TARGET });
    let Value::Object(more) = fields else {
        panic!("{fields} is no object");
    };
    whole.as_object_mut().unwrap().extend(more);
    match world.command(whole) {
        Invocation::Done(answer) => answer,
        other => panic!("{command}: {other:?}"),
    }
}

/// Gives an order that is accepted; answers its request id.
fn order(world: &mut World, command: &str, fields: Value) -> String {
    let answer = ask(world, command, fields);
    assert_eq!(answer["accepted"], true, "{command}: {answer}");
    answer["requestId"].as_str().unwrap().to_owned()
}

/// Pushes a healthy image whose name is its tag.
fn push(world: &mut World, tag: &str) -> pushboat::core::push::Push {
    world.push_image(REPOSITORY, tag, &Image::healthy(tag))
}

/// The image that a container runs after `tag` went live.
fn pinned(tag: &str) -> String {
    format!("{REGISTRY}/{REPOSITORY}@{}", Image::healthy(tag).digest())
}

fn target(name: &str) -> TargetName {
    TargetName::parse(name).unwrap()
}

/// Every finished rollout of the target as `tag outcome reason`, by the time of its push.
fn history(world: &World) -> Vec<String> {
    let history = world.ledger.history(&target(TARGET));
    history.iter().map(summary).collect()
}

fn summary(rollout: &Rollout) -> String {
    let reason = match &rollout.phase {
        Phase::Superseded { by } => by.as_str(),
        Phase::Rejected { reason } => reason.as_str(),
        Phase::Halted { reason } => reason.as_str(),
        Phase::Requested { waiting, .. } => waiting.as_str(),
        Phase::RollingBack { failure, .. } | Phase::RolledBack { failure, .. } => failure.as_str(),
        Phase::Starting { .. }
        | Phase::Progressing { .. }
        | Phase::Baking { .. }
        | Phase::Succeeded { .. }
        | Phase::ScaledToZero { .. } => "",
    };
    let phase = rollout.phase.as_str();
    format!("{} {phase} {reason}", rollout.push.tag)
        .trim_end()
        .to_owned()
}

/// Every notice of every target as `event` or `tag event`, in order.
fn told(world: &World) -> Vec<String> {
    let filed = world.ledger.notices();
    filed.iter().map(|filed| title(&filed.notice)).collect()
}

fn title(notice: &Notice) -> String {
    match &notice.news {
        News::Rollout(news) => format!("{} {}", news.rollout.push.tag, notice.event()),
        News::DeploymentPaused { rollout, .. }
        | News::WayBackPaused { rollout, .. }
        | News::ApprovalAsked { rollout } => {
            format!("{} {}", rollout.push.tag, notice.event())
        }
        News::TargetInvalid { .. }
        | News::ServiceMissing { .. }
        | News::Adopted { .. }
        | News::TargetWarned { .. }
        | News::RolloutYields { .. }
        | News::AlarmFired { .. }
        | News::Command { .. }
        | News::RolloutHeld { .. } => notice.event().to_owned(),
    }
}

/// How often the service and its task definition were changed.
fn writes(world: &World) -> (usize, usize) {
    (
        world.calls.count(Operation::RegisterTaskDefinition),
        world.calls.count(Operation::UpdateService)
            + world.calls.count(Operation::StopServiceDeployment),
    )
}

/// Why messages and pushes changed nothing, in order.
fn ignored(world: &World) -> Vec<&'static str> {
    let reasons = world.outcomes.iter().filter_map(ignored_reason);
    reasons.map(Ignored::as_str).collect()
}

fn ignored_reason(outcome: &Outcome) -> Option<&Ignored> {
    match outcome {
        Outcome::Pushed(_, Invocation::Done(Woken::Ignored(reason)))
        | Outcome::Rollout(_, Invocation::Done(Report::Ignored(reason))) => Some(reason),
        Outcome::Pushed(..)
        | Outcome::ServiceChanged(..)
        | Outcome::TaskChanged(..)
        | Outcome::AlarmChanged(..)
        | Outcome::StackChanged(..)
        | Outcome::Rollout(..)
        | Outcome::Sweep(..)
        | Outcome::Notify(..)
        | Outcome::Operator(..) => None,
    }
}

/// The mistakes that were told last.
fn mistakes(world: &World) -> Vec<String> {
    let filed = world.ledger.notices();
    let mistakes = filed
        .iter()
        .rev()
        .find_map(|filed| match &filed.notice.news {
            News::TargetInvalid { mistakes } => Some(mistakes.clone()),
            News::ServiceMissing { mistake } => Some(vec![mistake.clone()]),
            News::Rollout(_)
            | News::DeploymentPaused { .. }
            | News::WayBackPaused { .. }
            | News::ApprovalAsked { .. }
            | News::Adopted { .. }
            | News::TargetWarned { .. }
            | News::RolloutYields { .. }
            | News::AlarmFired { .. }
            | News::Command { .. }
            | News::RolloutHeld { .. } => None,
        });
    mistakes
        .unwrap_or_default()
        .iter()
        .map(|mistake| format!("{}: {}", mistake.place, mistake.problem))
        .collect()
}
