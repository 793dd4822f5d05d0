//! What `adoption::decide` answers: one row each.
//!
//! It is always the same instant, and unless a row says otherwise the target
//! has been pending for a minute.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::super::name::TargetName;
use super::super::observation::{Controller, DeploymentState, ServiceDeployment};
use super::super::policy::StackRef;
use super::super::stack::{Stack, StackStatus};
use super::*;
use crate::target;

const REGISTRY: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";

/// What is looked at.
#[derive(Clone)]
struct Seen {
    policy: Policy,
    observation: Observation,
    missing_repositories: Look<MissingRepositories>,
    pending_seconds: i64,
}

type Row = (&'static str, Seen, &'static str);

fn check(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for (name, seen, expected) in rows {
        let got = summary(&seen.decide());
        if got != expected {
            wrong.push(format!("{name}\n  expected: {expected}\n  got:      {got}"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn summary(adoption: &Adoption) -> String {
    match adoption {
        Adoption::Good => "good".to_owned(),
        Adoption::NothingGood => "nothing good".to_owned(),
        Adoption::Wait {
            until,
            waiting,
            tell,
        } => {
            let told = tell
                .as_ref()
                .map(|mistake| format!(", tell {}", mistake.place))
                .unwrap_or_default();
            let seconds = until.duration_since(at(0)).as_secs();
            format!("wait {seconds}s {}{told}", waiting.as_str())
        }
        Adoption::Invalid(mistakes) => {
            let places: Vec<&str> = mistakes.iter().map(|one| one.place.as_str()).collect();
            format!("invalid {}", places.join(", "))
        }
    }
}

impl Seen {
    fn decide(&self) -> Adoption {
        let since = at(-self.pending_seconds);
        decide(
            &self.policy,
            &self.observation,
            &self.missing_repositories,
            since,
            at(0),
        )
    }

    /// Gives the one mistake that is found.
    fn mistake(&self) -> Mistake {
        match self.decide() {
            Adoption::Invalid(mistakes) if mistakes.len() == 1 => mistakes[0].clone(),
            Adoption::Wait {
                tell: Some(mistake),
                ..
            } => mistake,
            other => panic!("{other:?}"),
        }
    }

    fn pending(mut self, seconds: i64) -> Self {
        self.pending_seconds = seconds;
        self
    }

    fn service_look(mut self, look: Look<ServiceLook>) -> Self {
        self.observation.service = look;
        self
    }

    fn service(mut self, change: impl FnOnce(&mut Service)) -> Self {
        match &mut self.observation.service {
            Look::Taken(ServiceLook::Found(service)) => change(service),
            _ => panic!("no service is seen"),
        }
        self
    }

    fn primary(self, change: impl FnOnce(&mut ServiceDeployment)) -> Self {
        self.service(|service| change(&mut service.deployments[0]))
    }

    fn definition(mut self, look: Look<Arc<Definition>>) -> Self {
        self.observation.definition = look;
        self
    }

    fn alarm(mut self, state: Option<AlarmState>) -> Self {
        self.observation.alarms = Look::Taken(vec![AlarmSeen {
            name: "5xx".to_owned(),
            state,
            ..AlarmSeen::default()
        }]);
        self
    }

    fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    fn repositories(mut self, look: Look<MissingRepositories>) -> Self {
        self.missing_repositories = look;
        self
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// A steady service that runs the followed repository, and a quiet alarm.
fn steady() -> Seen {
    let text = r#"{ "service": { "cluster": "prod", "name": "web" },
        "images": [ { "repository": "team/web" } ], "alarms": ["5xx"] }"#;
    let primary = ServiceDeployment {
        id: "ecs-svc/1".to_owned(),
        primary: true,
        task_definition: "web:7".to_owned(),
        state: DeploymentState::Completed,
        state_reason: String::new(),
        created_at: at(-3600),
        failed_tasks: 0,
    };
    let service = Service {
        arn: "arn:aws:ecs:eu-west-1:123456789012:service/prod/web".to_owned(),
        active: true,
        created_at: at(-86_400),
        controller: Controller::Ecs,
        daemon: false,
        desired: 2,
        running: 2,
        deployments: vec![primary],
        has_pause_hooks: false,
        tags: BTreeMap::from([(TARGET_TAG.to_owned(), "web".to_owned())]),
        target_groups: Vec::new(),
        complaints: Vec::new(),
    };
    Seen {
        policy: target::parse(&TargetName::parse("web").unwrap(), text).unwrap(),
        observation: Observation {
            service: Look::Taken(ServiceLook::Found(Box::new(service))),
            definition: runs("team/web:v1"),
            ..Observation::default()
        },
        missing_repositories: Look::Taken(Vec::new()),
        pending_seconds: 60,
    }
    .alarm(Some(AlarmState::Ok))
}

fn runs(image: &str) -> Look<Arc<Definition>> {
    let container = json!({ "name": "app", "image": format!("{REGISTRY}/{image}") });
    Look::Taken(Arc::new(Definition {
        raw: json!({ "containerDefinitions": [container] }),
        tags: json!([]),
    }))
}

fn missing(look: ServiceLook) -> Seen {
    steady().service_look(Look::Taken(look))
}

fn unavailable<T>() -> Look<T> {
    Look::Unavailable("it was throttled".into())
}

/// Its first deployment has never settled.
fn unsettled(failed_tasks: u32, running: u32) -> Seen {
    steady()
        .primary(|primary| {
            primary.state = DeploymentState::InProgress;
            primary.failed_tasks = failed_tasks;
        })
        .service(|service| service.running = running)
}

const PATIENCE_SECONDS: i64 = 900;

#[test]
#[rustfmt::skip]
fn a_missing_service_is_waited_for_and_told_after_fifteen_minutes() {
    let draining = || steady().service(|service| service.active = false);
    check(vec![
        ("no service yet",                 missing(ServiceLook::Missing), "wait 30s service"),
        ("… a second before the patience", missing(ServiceLook::Missing).pending(PATIENCE_SECONDS - 1), "wait 30s service"),
        ("… at its end",                   missing(ServiceLook::Missing).pending(PATIENCE_SECONDS), "wait 30s service, tell service.name"),
        ("no cluster yet",                 missing(ServiceLook::ClusterMissing), "wait 30s service"),
        ("… at the end of the patience",   missing(ServiceLook::ClusterMissing).pending(PATIENCE_SECONDS), "wait 30s service, tell service.cluster"),
        ("being deleted",                  draining(), "wait 30s service"),
        ("… at the end of the patience",   draining().pending(PATIENCE_SECONDS), "wait 30s service, tell service.name"),
    ]);
}

#[test]
#[rustfmt::skip]
fn without_an_answer_it_is_asked_again_and_told_when_that_lasts() {
    let no_alarms = |look| { let mut seen = steady(); seen.observation.alarms = look; seen };
    check(vec![
        ("about the service",       steady().service_look(unavailable()).pending(9999), "wait 30s aws, tell AWS"),
        ("… for less than that",    steady().service_look(unavailable()).pending(899), "wait 30s aws"),
        ("no look at it",           steady().service_look(Look::NotTaken), "wait 30s aws"),
        ("about the definition",    steady().definition(unavailable()).pending(9999), "wait 30s aws, tell AWS"),
        ("no look at it",           steady().definition(Look::NotTaken), "wait 30s aws"),
        ("about the repositories",  steady().repositories(unavailable()), "wait 30s aws"),
        ("no look at them",         steady().repositories(Look::NotTaken), "wait 30s aws"),
        ("about the alarms",        no_alarms(unavailable()), "wait 30s aws"),
        ("no look at them",         no_alarms(Look::NotTaken), "wait 30s aws"),
    ]);
}

#[test]
#[rustfmt::skip]
fn what_cannot_be_deployed_to_is_invalid() {
    let controller = |name: &str| steady().service(|one| one.controller = Controller::Other(name.to_owned()));
    // Task sets stand in the place of deployments, so there is no definition to look at.
    let task_sets = |name: &str| controller(name).service(|one| one.deployments.clear()).definition(Look::NotTaken);
    let consent = |value: Option<&str>| steady().service(|one| {
        one.tags = value.map(|value| (TARGET_TAG.to_owned(), value.to_owned())).into_iter().collect();
    });
    let gone = || Look::Taken(vec!["team/web".to_owned()]);
    let named = |name: &str| steady().policy(|policy| policy.images[0].containers = vec![name.to_owned()]);
    let everything = || consent(None).repositories(gone()).definition(runs("other/app:v1")).alarm(None);
    check(vec![
        ("a daemon",                        steady().service(|one| one.daemon = true), "invalid service"),
        ("under CodeDeploy",                controller("CODE_DEPLOY"), "invalid service"),
        ("… without deployments",           task_sets("CODE_DEPLOY"), "invalid service"),
        ("under somebody external",         task_sets("EXTERNAL"), "invalid service"),
        ("… following what does not exist", task_sets("EXTERNAL").repositories(gone()), "invalid service, images[0].repository"),
        ("no consent",                      consent(None), "invalid service"),
        ("consent to another target",       consent(Some("web2")), "invalid service"),
        ("the template's own service",      consent(None).policy(|policy| policy.needs_no_consent = true), "good"),
        ("no such repository",              steady().repositories(gone()), "invalid images[0].repository"),
        ("another repository is missing",   steady().repositories(Look::Taken(vec!["other".to_owned()])), "good"),
        ("no container runs it",            steady().definition(runs("other/app:v1")), "invalid images[0]"),
        ("… but one is named for it",       named("app").definition(runs("other/app:v1")), "good"),
        ("no container of that name",       named("ap"), "invalid images[0].containers"),
        ("no such alarm",                   steady().alarm(None), "invalid alarms[0]"),
        ("everything at once",              everything(), "invalid service, images[0].repository, images[0], alarms[0]"),
        ("… also for a service at zero",    everything().service(|one| one.desired = 0), "invalid service, images[0].repository, images[0], alarms[0]"),
    ]);
}

/// The target goes through a stack that looks like this, but for the change.
fn through(look: impl FnOnce(Stack) -> Look<StackLook>) -> Seen {
    let mut seen = steady().policy(|policy| {
        policy.stack = Some(StackRef {
            name: "web".to_owned(),
            parameter: "Image".to_owned(),
            role_arn: None,
            allow: Vec::new(),
        });
    });
    seen.observation.stack = look(Stack {
        arn: "arn:aws:cloudformation:eu-west-1:123456789012:stack/web/1".to_owned(),
        status: StackStatus::Updated,
        status_word: "UPDATE_COMPLETE".to_owned(),
        status_reason: String::new(),
        role_arn: Some("arn:aws:iam::123456789012:role/stack".to_owned()),
        parameters: vec!["Image".to_owned()],
        capabilities: Vec::new(),
        change_set: None,
        failed: None,
    });
    seen
}

#[test]
#[rustfmt::skip]
fn the_stack_that_it_goes_through_has_to_be_there_with_its_parameter_and_a_role() {
    let found = |change: fn(&mut Stack)| through(|mut stack| {
        change(&mut stack);
        Look::Taken(StackLook::Found(Box::new(stack)))
    });
    let missing = || through(|_| Look::Taken(StackLook::Missing));
    let role = |policy: &mut Policy| {
        policy.stack.as_mut().unwrap().role_arn = Some("arn:aws:iam::123456789012:role/x".to_owned());
    };
    check(vec![
        ("all is well",                found(|_| ()), "good"),
        ("no such stack",              missing(), "invalid stack.name"),
        ("no such parameter",          found(|stack| stack.parameters = vec!["Tag".to_owned()]), "invalid stack.parameter"),
        ("no service role",            found(|stack| stack.role_arn = None), "invalid stack.roleArn"),
        ("… the target names one",     found(|stack| stack.role_arn = None).policy(role), "good"),
        ("it is wedged",               found(|stack| stack.status = StackStatus::RollbackFailed), "good"),
        ("it is being updated",        found(|stack| stack.status = StackStatus::Updating), "good"),
        ("there is no answer",         through(|_| unavailable()), "wait 30s aws"),
        ("no look at it",              through(|_| Look::NotTaken), "wait 30s aws"),
        ("… which matters to no other", steady(), "good"),
        ("beside another mistake",     missing().alarm(None), "invalid alarms[0], stack.name"),
    ]);
}

#[test]
#[rustfmt::skip]
fn only_what_is_steady_and_quiet_is_good() {
    let fires = || steady().alarm(Some(AlarmState::Alarm));
    let two = || steady().service(|one| {
        let old = ServiceDeployment { primary: false, ..one.deployments[0].clone() };
        one.deployments.push(old);
    });
    let failing_beside = || two().primary(|primary| primary.failed_tasks = 1).service(|one| one.running = 0);
    let zero = |seen: Seen| seen.service(|one| one.desired = 0);
    check(vec![
        ("steady",                                  steady(), "good"),
        ("… after long",                            steady().pending(PATIENCE_SECONDS), "good"),
        ("… an alarm lacks data",                   steady().alarm(Some(AlarmState::InsufficientData)), "good"),
        ("… more run than are wanted",              steady().service(|one| one.running = 3), "good"),
        ("an alarm fires",                          fires(), "wait 30s alarm-quiet"),
        ("… a second before the patience",          fires().pending(PATIENCE_SECONDS - 1), "wait 30s alarm-quiet"),
        ("… at its end",                            fires().pending(PATIENCE_SECONDS), "nothing good"),
        ("a task is missing",                       steady().service(|one| one.running = 1), "wait 30s service-busy"),
        ("somebody deploys",                        two(), "wait 30s service-busy"),
        ("… a second before the patience",          two().pending(PATIENCE_SECONDS - 1), "wait 30s service-busy"),
        ("… at its end",                            two().pending(PATIENCE_SECONDS), "nothing good"),
        ("the first deployment is under way",       unsettled(0, 1), "wait 30s service-busy"),
        ("… and nothing runs, nor failed",          unsettled(0, 0), "wait 30s service-busy"),
        ("… and fails, but something runs",         unsettled(2, 1), "wait 30s service-busy"),
        ("… and fails, and nothing runs",           unsettled(2, 0), "nothing good"),
        ("… and an alarm fires, too",               unsettled(2, 0).alarm(Some(AlarmState::Alarm)), "nothing good"),
        ("it fails beside an older one",            failing_beside(), "wait 30s service-busy"),
        ("no task is wanted",                       zero(steady()), "nothing good"),
        ("… while somebody deploys",                zero(two()), "nothing good"),
        ("… and an alarm fires",                    zero(fires()), "nothing good"),
    ]);
}

#[test]
fn a_mistake_names_what_was_found_and_what_to_do() {
    let consent = |value: &str| {
        let tag = (TARGET_TAG.to_owned(), value.to_owned());
        steady().service(|service| service.tags = BTreeMap::from([tag]))
    };
    let elsewhere = consent("other").mistake();
    assert!(elsewhere.problem.contains("`pushboat:target` = `other`"));
    assert!(elsewhere.fix.contains("`pushboat:target` = `web`"));

    let controller = steady()
        .service(|one| one.controller = Controller::Other("CODE_DEPLOY".to_owned()))
        .mistake();
    assert!(controller.problem.contains("CODE_DEPLOY") && controller.problem.contains("prod/web"));

    let container = steady()
        .policy(|policy| policy.images[0].containers = vec!["ap".to_owned()])
        .mistake();
    assert!(container.problem.contains("`ap`") && container.fix.contains("app"));

    let cluster = missing(ServiceLook::ClusterMissing)
        .pending(PATIENCE_SECONDS)
        .mistake();
    assert!(cluster.problem.contains("`prod`"));
}

#[test]
fn an_alarm_that_cannot_fire_before_the_bake_time_is_over_is_warned_of() {
    let warned = |window_seconds, bake_seconds| {
        let seen = AlarmSeen {
            name: "5xx".to_owned(),
            state: Some(AlarmState::Ok),
            window_seconds,
            ..AlarmSeen::default()
        };
        let given = steady().policy(|policy| policy.bake_time_seconds = bake_seconds);
        let lines = warnings(&given.policy, &[seen]);
        lines.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(warned(Some(300), 300), [""; 0]);
    assert_eq!(warned(None, 300), [""; 0], "a composite tells of no window");
    let lines = warned(Some(900), 300);
    assert_eq!(lines.len(), 1);
    for part in [
        "alarms[0]",
        "900 seconds of bad data",
        "is 300 seconds",
        "to 900 or more",
    ] {
        assert!(lines[0].contains(part), "{part}: {}", lines[0]);
    }
    let weekly = warned(Some(604_800), 86_400);
    assert!(
        weekly[0].contains("Shorten the alarm's period"),
        "{weekly:?}"
    );
    assert!(!weekly[0].contains("bakeTimeSeconds"), "{weekly:?}");
    let other = AlarmSeen {
        name: "another".to_owned(),
        window_seconds: Some(900),
        ..AlarmSeen::default()
    };
    assert_eq!(warnings(&steady().policy, &[other]), []);
}
