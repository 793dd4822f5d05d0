//! What `decide` answers: phase by observation, one row each.
//!
//! A row reads: what is shown, the rollout, what is seen, what is answered. It
//! is always the same instant; every time is told by its distance from it.

mod baking;
mod hindered;
mod progressing;
mod requested;
mod rolling_back;
mod shared_alarm;
mod stack;
mod starting;
mod stopped_tasks;
mod take_over;

use crate::core::shared::Shared;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::alarm::{AlarmSeen, AlarmState, AlarmWatch};
use super::super::evidence::{AlarmChange, Evidence, ServiceEvent, StoppedContainer, StoppedTask};
use super::super::failure::Failure;
use super::super::name::{ImageDigest, RolloutId, TargetName};
use super::super::observation::{
    Controller, Definition, DeploymentRecord, DeploymentState, Digests, GoneImage, ImageContent,
    ImageLook, Look, Observation, OwnRevision, PausedHook, Platform, RecordStatus, Service,
    ServiceDeployment, ServiceLook, Trouble,
};
use super::super::policy::{AlarmsAtStart, Policy, Supersede, TagPolicy};
use super::super::push::{Push, PushSource};
use super::super::reason::{Halted, NewerPush, Rejected, SupersededBy, Waiting};
use super::super::rollout::{Back, Phase, RolledBackBy, Rollout, Running, Start, Way};
use super::super::shared_alarm::{Sharer, SharerStanding, Sharing, Turn};
use super::super::state::Quarantined;
use super::{Action, Decision, Next, WantedDefinition, decide, wanted};
use crate::target;

const REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// One row of a table.
type Row = (&'static str, Given, Seen, &'static str);

fn check(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for (name, Given(rollout), Seen(observation), expected) in rows {
        let decision = decide(&rollout.policy, &rollout, &observation, now());
        let got = summary(&decision);
        if got != expected {
            wrong.push(format!("{name}\n  expected: {expected}\n  got:      {got}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn now() -> Timestamp {
    at(0)
}

/// The time that lies `seconds` from now.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// Writes a decision as `phase | actions | when to look again`.
fn summary(decision: &Decision) -> String {
    let mut parts = vec![phase_summary(&decision.phase)];
    if !decision.actions.is_empty() {
        let actions: Vec<String> = decision.actions.iter().map(action_summary).collect();
        parts.push(actions.join(", "));
    }
    parts.push(match &decision.next {
        Next::Now => "now".to_owned(),
        Next::Wait(until, waiting) => format!("wait {} {}", from_now(*until), waiting.as_str()),
        Next::Over => "over".to_owned(),
    });
    parts.join(" | ")
}

fn phase_summary(phase: &Phase) -> String {
    let name = phase.as_str();
    match phase {
        Phase::Requested { .. } => name.to_owned(),
        Phase::Starting {
            revision,
            update_intended_at,
            ..
        } => {
            let revision = revision.as_deref().unwrap_or("unregistered");
            let intended = update_intended_at.map_or("unsent".to_owned(), from_now);
            format!("{name} {revision} {intended}")
        }
        Phase::Progressing { running, .. } => {
            let paused = running.paused_at.as_ref();
            let paused = paused.map(|hook| format!(" paused {}", hook.hook_id));
            format!(
                "{name} {} {}{}",
                running.revision,
                running.deployment,
                paused.unwrap_or_default()
            )
        }
        Phase::Baking {
            running,
            until,
            missing_tasks_since,
            ..
        } => {
            let missing = missing_tasks_since
                .map(|since| format!(" missing since {}", from_now(since)))
                .unwrap_or_default();
            format!(
                "{name} {} until {}{missing}",
                running.deployment,
                from_now(*until)
            )
        }
        Phase::RollingBack { failure, back, .. } => {
            let corrected = back.corrected.as_ref();
            let corrected = corrected.map(|id| format!(" corrected {id}"));
            let paused = back.paused_at.as_ref();
            let paused = paused.map(|hook| format!(" paused {}", hook.hook_id));
            format!(
                "{name} {} to {} {}{}{}",
                failure.as_str(),
                back.to,
                way_summary(&back.way),
                corrected.unwrap_or_default(),
                paused.unwrap_or_default()
            )
        }
        Phase::RolledBack {
            failure,
            by,
            revision,
        } => format!("{name} {} to {revision} by {by:?}", failure.as_str()),
        Phase::Succeeded { revision } | Phase::ScaledToZero { revision } => {
            format!("{name} {revision}")
        }
        Phase::Superseded { by } => format!("{name} {}", by.as_str()),
        Phase::Rejected { reason } => format!("{name} {}", reason.as_str()),
        Phase::Halted { reason } => {
            let failure = reason.failure().map_or("", Failure::as_str);
            format!("{name} {} {failure}", reason.as_str())
                .trim_end()
                .to_owned()
        }
    }
}

fn way_summary(way: &Way) -> String {
    match way {
        Way::Unasked => "unasked".to_owned(),
        Way::Observed { by } => format!("seen by {by:?}"),
        Way::Cancel { intended_at } => format!("cancelled {}", from_now(*intended_at)),
        Way::Stop { intended_at } => format!("stopped {}", from_now(*intended_at)),
        Way::Update { intended_at } => {
            let intended = intended_at.map_or("unsent".to_owned(), from_now);
            format!("asked {intended}")
        }
    }
}

fn action_summary(action: &Action) -> String {
    match action {
        Action::Register(_) => "register".to_owned(),
        Action::UpdateService(None) => "update".to_owned(),
        Action::UpdateService(Some(revision)) => format!("update {revision}"),
        Action::StopServiceDeployment(arn) => format!("stop {arn}"),
        Action::CreateChangeSet(request) => {
            let value = request.value.rsplit_once('@');
            format!(
                "make change set with {}",
                value.map_or("no digest", |(_, digest)| &digest[..8])
            )
        }
        Action::ExecuteChangeSet(_) => "execute change set".to_owned(),
        Action::CancelUpdateStack => "cancel update".to_owned(),
    }
}

fn from_now(at: Timestamp) -> String {
    format!("{}s", at.duration_since(now()).as_secs())
}

/// The rollout that is asked about.
#[derive(Clone)]
struct Given(Rollout);

impl Given {
    fn new(phase: Phase) -> Self {
        let target = TargetName::parse("web").unwrap();
        let text = r#"{ "service": { "cluster": "prod", "name": "web" },
            "images": [ { "repository": "team/web" } ], "alarms": ["5xx"] }"#;
        let push = Push {
            repository: "team/web".to_owned(),
            tag: "v2".to_owned(),
            digest: digest('b'),
            tagged_at: at(-60),
            event_id: "event".to_owned(),
            source: PushSource::Event,
        };
        Self(Rollout {
            id: RolloutId::new(push.tagged_at, &["v2"]),
            policy: target::parse(&target, text).unwrap().into(),
            requested_at: at(-60),
            push: push.into(),
            phase,
            resolved: None,
            evidence: Evidence::default().into(),
        })
    }

    fn stopped(mut self, task: StoppedTask) -> Self {
        assert!(self.0.evidence.stopped_tasks.keep(task));
        self
    }

    /// ECS complained of this, so many seconds from now.
    fn complained(mut self, name: &str, reason: &str, seconds: i64) -> Self {
        let event = ServiceEvent {
            name: name.to_owned(),
            reason: reason.to_owned(),
            deployment: None,
            at: at(seconds),
        };
        assert!(self.0.evidence.service_troubles.keep(event));
        self
    }

    fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.0.policy);
        self
    }

    fn immediately(self) -> Self {
        self.policy(|policy| policy.supersede = Supersede::Immediately)
    }
}

/// What is seen.
#[derive(Clone)]
struct Seen(Observation);

impl Seen {
    fn change(mut self, change: impl FnOnce(&mut Observation)) -> Self {
        change(&mut self.0);
        self
    }

    fn service(self, change: impl FnOnce(&mut Service)) -> Self {
        self.change(|seen| match &mut seen.service {
            Look::Taken(ServiceLook::Found(service)) => change(service),
            _ => panic!("no service is seen"),
        })
    }

    fn service_look(self, look: Look<ServiceLook>) -> Self {
        self.change(|seen| seen.service = look)
    }

    fn primary(self, change: impl FnOnce(&mut ServiceDeployment)) -> Self {
        self.service(|service| {
            let primary = service.deployments.iter_mut().find(|one| one.primary);
            change(primary.unwrap());
        })
    }

    fn alarm(self, state: AlarmState) -> Self {
        self.change(|seen| seen.alarms = Look::Taken(alarm(state)))
    }

    /// The history's latest service deployment brought revision 8.
    fn recorded(self, status: RecordStatus) -> Self {
        self.history(|record| record.status = status)
    }

    fn history(self, change: impl FnOnce(&mut DeploymentRecord)) -> Self {
        self.change(|seen| {
            let mut record = DeploymentRecord {
                arn: "sd/8".to_owned(),
                created_at: at(-50),
                status: RecordStatus::Ongoing,
                status_reason: String::new(),
                target: "web:8".to_owned(),
                target_digests: BTreeMap::new(),
                sources: vec!["web:7".to_owned()],
                source_digests: vec![],
                failed_by_ecs: false,
                paused_at: None,
            };
            change(&mut record);
            seen.history = Look::Taken(vec![record]);
        })
    }

    /// The history has another service deployment too: in place 0 it is the newest.
    fn also_recorded(self, place: usize, task_definition: &str) -> Self {
        self.change(|seen| {
            let Look::Taken(records) = &mut seen.history else {
                panic!("no history is seen")
            };
            let another = DeploymentRecord {
                arn: "sd/other".to_owned(),
                status: RecordStatus::Ongoing,
                target: task_definition.to_owned(),
                failed_by_ecs: false,
                ..records[0].clone()
            };
            records.insert(place, another);
        })
    }

    fn alarms_unavailable(self) -> Self {
        self.change(|seen| seen.alarms = unavailable())
    }

    fn newer(self) -> Self {
        self.change(|seen| {
            seen.newer = Some(NewerPush {
                rollout: RolloutId::new(at(-5), &["v3"]),
                tag: Some("v3".to_owned()),
                by_command: false,
            });
        })
    }

    fn nothing_good(self) -> Self {
        self.change(|seen| seen.last_known_good = None)
    }

    fn asked_before(self, deployment: &str) -> Self {
        self.change(|seen| seen.asked_before.push(deployment.to_owned()))
    }
}

fn unavailable<T>() -> Look<T> {
    Look::Unavailable("DescribeServices got no clear answer".into())
}

/// As above, because ECS's rates were used up.
fn throttled<T>() -> Look<T> {
    Look::Unavailable(Trouble {
        words: "DescribeServices was throttled".to_owned(),
        throttled: true,
    })
}

fn alarm(state: AlarmState) -> Vec<AlarmSeen> {
    vec![AlarmSeen {
        name: "5xx".to_owned(),
        state: Some(state),
        ..AlarmSeen::default()
    }]
}

fn digest(character: char) -> ImageDigest {
    ImageDigest::parse(&format!("sha256:{}", character.to_string().repeat(64))).unwrap()
}

/// A service with consent, two tasks wanted and running.
fn service(deployments: Vec<ServiceDeployment>) -> Service {
    Service {
        arn: "arn:aws:ecs:eu-west-1:123456789012:service/prod/web".to_owned(),
        active: true,
        created_at: at(-86_400),
        controller: Controller::Ecs,
        daemon: false,
        desired: 2,
        running: 2,
        deployments,
        has_pause_hooks: false,
        tags: BTreeMap::from([("pushboat:target".to_owned(), "web".to_owned())]),
        target_groups: Vec::new(),
        complaints: Vec::new(),
    }
}

fn deployment(task_definition: &str, id: &str, created: i64) -> ServiceDeployment {
    ServiceDeployment {
        id: id.to_owned(),
        primary: true,
        task_definition: task_definition.to_owned(),
        state: DeploymentState::Completed,
        state_reason: String::new(),
        created_at: at(created),
        failed_tasks: 0,
    }
}

/// What ran before: revision 7, for an hour.
fn old_deployment() -> ServiceDeployment {
    deployment("web:7", "ecs-svc/7", -3600)
}

/// A hook that waits for a person.
fn hook() -> PausedHook {
    PausedHook {
        service_deployment: "sd/8".to_owned(),
        hook_id: "hook-1".to_owned(),
        expires_at: None,
        timeout_action: "ROLLBACK".to_owned(),
    }
}

fn found(service: Service) -> Look<ServiceLook> {
    Look::Taken(ServiceLook::Found(Box::new(service)))
}

fn definition(image: &str) -> Arc<Definition> {
    Arc::new(Definition {
        raw: json!({
            "family": "web",
            "containerDefinitions": [{ "name": "app", "image": format!("{REGISTRY}/{image}") }],
        }),
        tags: json!([]),
    })
}

fn start() -> Shared<Start> {
    Start {
        at: at(-60),
        digest: digest('b'),
        base_task_definition: "web:7".to_owned(),
        base_deployment: "ecs-svc/7".to_owned(),
        base_deployment_created_at: at(-3600),
        platform: None,
        containers: vec!["app".to_owned()],
        alarms: AlarmWatch::begin(&alarm(AlarmState::Ok)),
        no_way_back: None,
        stack: None,
        throttled_at: None,
    }
    .into()
}

/// Revision 8 was asked for `seconds` ago.
fn running(seconds: i64) -> Running {
    Running {
        revision: "web:8".to_owned(),
        deployment: "ecs-svc/8".to_owned(),
        deployment_created_at: at(seconds),
        asked_at: at(seconds),
        deadline_from: None,
        paused_at: None,
    }
}

#[test]
fn a_final_phase_stays_final_whatever_is_seen() {
    let revision = || "web:8".to_owned();
    let phases = [
        Phase::Succeeded {
            revision: revision(),
        },
        Phase::ScaledToZero {
            revision: revision(),
        },
        Phase::Superseded {
            by: SupersededBy::TargetRemoved,
        },
        Phase::Rejected {
            reason: Rejected::ImageMissing,
        },
        Phase::Halted {
            reason: Halted::NothingToGoBackTo {
                failure: Failure::PutBackByHand,
            },
        },
        Phase::RolledBack {
            failure: Failure::PutBackByHand,
            by: RolledBackBy::Person,
            revision: revision(),
        },
    ];
    let foreign = Seen(Observation::default())
        .service_look(found(service(vec![deployment("web:9", "ecs-svc/9", -1)])))
        .alarm(AlarmState::Alarm)
        .newer();
    for phase in phases {
        let Given(rollout) = Given::new(phase.clone()).immediately();
        let decision = decide(&rollout.policy, &rollout, &foreign.0, now());
        assert_eq!(decision.phase, phase);
        assert!(decision.actions.is_empty() && decision.next == Next::Over);
        assert_eq!(
            wanted(&rollout, &good_images(), now()),
            super::Wanted::default()
        );
    }
}

#[test]
fn nothing_seen_at_all_is_never_a_reason_to_act() {
    let phases = [
        requested::phase(None),
        starting::phase(None, Some(-600)),
        starting::phase(Some("web:8"), Some(-600)),
        progressing::phase(-600),
        baking::phase(-1, None),
        rolling_back::phase(Way::Unasked),
    ];
    for phase in phases {
        let Given(rollout) = Given::new(phase);
        let blind = Observation::default();
        let decision = decide(&rollout.policy, &rollout, &blind, now());
        assert_eq!(decision.actions, []);
        assert!(matches!(decision.next, Next::Wait(_, Waiting::Aws { .. })));
        assert_eq!(decision.phase.as_str(), rollout.phase.as_str());
    }
}

/// The images of the last-known-good.
fn good_images() -> BTreeMap<String, String> {
    [("app".to_owned(), format!("{REGISTRY}/team/web:v1"))].into()
}

#[test]
fn a_phase_asks_to_see_what_it_decides_on() {
    let wants = |phase| wanted(&Given::new(phase).0, &good_images(), now());
    let requested = wants(requested::phase(None));
    assert!(requested.service && requested.image && requested.alarms && requested.good_images);
    assert_eq!(requested.definition, Some(WantedDefinition::OfPrimary));

    let id = Given::new(requested::phase(None)).0.id;
    let base = WantedDefinition::Named("web:7".to_owned());
    let unregistered = wants(starting::phase(None, Some(-10)));
    let ours = OwnRevision {
        base: "web:7".to_owned(),
        tag: id.to_string(),
        images: [("app".to_owned(), digest('b').to_string())].into(),
    };
    assert_eq!(unregistered.own_revision, Some(ours));
    assert_eq!(unregistered.definition, Some(base.clone()));
    let registered = wants(starting::phase(Some("web:8"), Some(-10)));
    assert_eq!(
        (registered.own_revision, registered.definition),
        (None, None)
    );
    assert!(unregistered.service && registered.service && !registered.image);
    assert!(unregistered.alarms && registered.alarms);
    assert!(!unregistered.good_images && !registered.good_images);

    let under_way = wants(progressing::phase(-60));
    assert!(under_way.service && under_way.alarms && under_way.definition.is_none());

    // What is to become last-known-good is read once the bake time is over.
    let ours = WantedDefinition::Named("web:8".to_owned());
    let baking = wants(baking::phase(1, None));
    assert!(baking.service && baking.alarms && baking.definition.is_none());
    assert_eq!(wants(baking::phase(0, None)).definition, Some(ours));

    let back = wants(rolling_back::phase(Way::Unasked));
    assert!(back.service && back.good_definition && !back.alarms && !back.image);
    assert_eq!(back.definition, Some(base));
    let again = OwnRevision {
        base: "web:7".to_owned(),
        tag: format!("{id}.back"),
        images: good_images(),
    };
    assert_eq!(back.own_revision, Some(again));
}

#[test]
fn the_history_is_read_only_where_the_service_does_not_explain_itself() {
    let reads = |given: Given, seen: Seen| match seen.0.service {
        Look::Taken(ServiceLook::Found(service)) => {
            super::history_wanted(&given.0, &service, now()).is_some()
        }
        other => panic!("{other:?}"),
    };
    let hooks = |seen: Seen| seen.service(|service| service.has_pause_hooks = true);
    let other = || progressing::foreign("web:9", -5);
    assert!(!reads(progressing::given(), progressing::under_way()));
    assert!(reads(progressing::given(), other()));
    assert!(reads(Given::new(baking::phase(60, None)), other()));
    assert!(!reads(Given::new(requested::phase(None)), other()));
    assert!(!reads(Given::new(starting::phase(None, None)), other()));
    assert!(!reads(
        Given::new(starting::phase(None, Some(-29))),
        other()
    ));
    assert!(reads(Given::new(starting::phase(None, Some(-30))), other()));

    assert!(!reads(progressing::asked(-1800), progressing::under_way()));
    assert!(reads(progressing::given(), hooks(progressing::under_way())));
    assert!(!reads(progressing::given(), hooks(progressing::done())));

    let asked = || rolling_back::asked(-60);
    let back = || rolling_back::back(DeploymentState::InProgress);
    assert!(reads(rolling_back::unasked(), rolling_back::stoppable()));
    assert!(!reads(rolling_back::unasked(), rolling_back::ours()));
    assert!(!reads(asked(), back()) && !reads(rolling_back::asked(-29), rolling_back::ours()));
    assert!(reads(rolling_back::asked(-30), rolling_back::ours()));
    assert!(!reads(rolling_back::turned_away(), rolling_back::ours()));
    assert!(reads(asked(), hooks(back())));
    assert!(reads(rolling_back::stopped(-60), back()));
    let again = |seen: Seen| seen.primary(|primary| primary.id = "ecs-svc/10".to_owned());
    assert!(reads(asked(), again(rolling_back::ours())));
    let older = rolling_back::to("web:7", -3600, DeploymentState::Completed);
    assert!(reads(asked(), older));
}

#[test]
fn the_history_is_read_from_just_before_our_deployment_was_made() {
    let from = |Given(rollout): Given, Seen(seen): Seen| match seen.service {
        Look::Taken(ServiceLook::Found(service)) => {
            super::history_wanted(&rollout, &service, now())
        }
        other => panic!("{other:?}"),
    };
    let foreign = || progressing::foreign("web:9", -5);
    assert_eq!(from(progressing::given(), foreign()), Some(at(-60 - 60)));
    let starting = Given::new(starting::phase(None, Some(-30)));
    assert_eq!(
        from(starting, foreign()),
        Some(at(-3600 - 60)),
        "ours is not known yet: from what ran before, and two may be made at one instant"
    );
}

#[test]
fn only_where_a_task_stopped_for_want_of_its_image_is_ecr_asked_again() {
    let doubted = |given: Given| wanted(&given.0, &good_images(), now()).image;
    let missing = || stopped_tasks::ours("1", stopped_tasks::NOT_FOUND);
    for phase in [progressing::phase(-60), baking::phase(60, None)] {
        let given = || Given::new(phase.clone());
        assert!(!doubted(given()));
        assert!(!doubted(given().stopped(stopped_tasks::crashed("1"))));
        assert!(doubted(given().stopped(missing())));
        let of_the_old = StoppedTask {
            started_by: "ecs-svc/7".to_owned(),
            ..missing()
        };
        assert!(!doubted(given().stopped(of_the_old)));
    }
}

#[test]
fn what_is_about_to_be_done_is_dated_when_it_is() {
    let dated = |Given(rollout): Given, Seen(observation): Seen| {
        let decision = decide(&rollout.policy, &rollout, &observation, now());
        let decision = super::dated(decision, now(), at(40));
        summary(&decision)
    };
    let sent_again = starting::registered(-30);
    assert_eq!(
        dated(sent_again, starting::before(true)),
        "starting web:8 40s | update web:8 | now"
    );
    assert_eq!(
        dated(rolling_back::unasked(), rolling_back::ours()),
        "rolling-back alarm-fired to web:7 asked 40s | update web:7 | now"
    );
    assert_eq!(
        dated(rolling_back::unasked(), rolling_back::stoppable()),
        "rolling-back alarm-fired to web:7 stopped 40s | stop sd/8 | now"
    );
    let waits = "starting web:8 -10s | wait 20s read-lag";
    let sent = starting::registered(-10);
    assert_eq!(dated(sent, starting::before(true)), waits);
}

#[test]
fn the_read_lag_is_half_a_minute() {
    assert_eq!(super::READ_LAG, SignedDuration::from_secs(30));
}
