//! `Requested`: every check before the first write.

use super::*;

pub(super) fn given() -> Given {
    Given::new(phase(None))
}

pub(super) fn phase(hindered: Option<i64>) -> Phase {
    Phase::Requested {
        waiting: Waiting::FirstLook,
        hindered_since: hindered.map(at),
    }
}

/// Something has hindered it since then.
fn hindered(seconds: i64) -> Given {
    Given::new(phase(Some(seconds)))
}

/// Its turn comes long after it was asked for.
fn late() -> Given {
    let mut given = given();
    given.0.requested_at = at(-9999);
    given
}

/// All is as it should be, and v1 runs.
pub(super) fn seen() -> Seen {
    let platform = |architecture: &str| Platform {
        os: "linux".to_owned(),
        architecture: architecture.to_owned(),
    };
    Seen(Observation {
        service: found(service(vec![old_deployment()])),
        image: Look::Taken(ImageLook::Found {
            digest: digest('b'),
            content: ImageContent::Image(vec![platform("amd64"), platform("arm64")]),
        }),
        definition: Look::Taken(definition("team/web:v1")),
        alarms: Look::Taken(alarm(AlarmState::Ok)),
        ..Observation::default()
    })
}

fn image(look: ImageLook) -> Seen {
    seen().change(|seen| seen.image = Look::Taken(look))
}

fn content(content: ImageContent) -> Seen {
    image(ImageLook::Found {
        digest: digest('b'),
        content,
    })
}

fn runs(image: &str) -> Seen {
    let image = image.to_owned();
    seen().change(|seen| seen.definition = Look::Taken(definition(&image)))
}

fn consent(value: Option<&str>) -> Seen {
    seen().service(|service| match value {
        Some(value) => drop(
            service
                .tags
                .insert("pushboat:target".into(), value.to_owned()),
        ),
        None => service.tags.clear(),
    })
}

/// Somebody's deployment is under way beside the old one.
fn busy() -> Seen {
    seen().service(|service| {
        let old = ServiceDeployment {
            primary: false,
            ..old_deployment()
        };
        let theirs = ServiceDeployment {
            state: DeploymentState::InProgress,
            ..deployment("web:9", "ecs-svc/9", -20)
        };
        service.deployments = vec![theirs, old];
    })
}

/// The only deployment is still in progress.
fn unsettled(failed_tasks: u32) -> Seen {
    seen().primary(|primary| {
        primary.state = DeploymentState::InProgress;
        primary.failed_tasks = failed_tasks;
    })
}

const STARTS: &str = "starting unregistered 0s | register, update | now";
const ASKS_AGAIN: &str = "requested | wait 15s aws";
const WAITS_FOR_QUIET: &str = "requested | wait 30s alarm-quiet";
const BUSY: &str = "requested | wait 30s service-busy";

#[test]
#[rustfmt::skip]
fn the_service() {
    let controller = |name: &str| seen().service(|one| one.controller = Controller::Other(name.to_owned()));
    let own = || given().policy(|policy| policy.needs_no_consent = true);
    check(vec![
        ("all is well",              given(), seen(), STARTS),
        ("not looked at",            given(), seen().service_look(Look::NotTaken), ASKS_AGAIN),
        ("no answer",                given(), seen().service_look(unavailable()), ASKS_AGAIN),
        ("no such cluster",          given(), seen().service_look(Look::Taken(ServiceLook::ClusterMissing)), "rejected service-gone | over"),
        ("no such service",          given(), seen().service_look(Look::Taken(ServiceLook::Missing)), "rejected service-gone | over"),
        ("being deleted",            given(), seen().service(|one| one.active = false), "rejected service-gone | over"),
        ("a daemon",                 given(), seen().service(|one| one.daemon = true), "rejected service-unsuitable | over"),
        ("under CodeDeploy",         given(), controller("CODE_DEPLOY"), "rejected service-unsuitable | over"),
        ("under somebody external",  given(), controller("EXTERNAL"), "rejected service-unsuitable | over"),
        ("no consent",               given(), consent(None), "rejected service-unsuitable | over"),
        ("consent to another",       given(), consent(Some("other")), "rejected service-unsuitable | over"),
        ("the template's own",       own(),   consent(None), STARTS),
        ("no primary deployment",    given(), seen().service(|one| one.deployments.clear()), ASKS_AGAIN),
    ]);
}

#[test]
#[rustfmt::skip]
fn the_image() {
    let sbom = || ImageContent::NotAnImage { media_type: "application/spdx+json".to_owned() };
    let garbled = || ImageContent::Unreadable { problem: "it is no JSON".to_owned() };
    let windows = || ImageContent::Image(vec![Platform { os: "windows".to_owned(), architecture: "amd64".to_owned() }]);
    let arm = || ImageContent::Image(vec![Platform { os: "linux".to_owned(), architecture: "arm64".to_owned() }]);
    check(vec![
        ("not looked at",            given(), seen().change(|seen| seen.image = Look::NotTaken), ASKS_AGAIN),
        ("no answer",                given(), seen().change(|seen| seen.image = unavailable()), ASKS_AGAIN),
        ("no such repository",       given(), image(ImageLook::RepositoryMissing), "rejected repository-missing | over"),
        ("no such image",            given(), image(ImageLook::Missing), "rejected image-missing | over"),
        ("in the archive",           given(), image(ImageLook::Archived), "rejected image-archived | over"),
        ("an SBOM",                  given(), content(sbom()), "rejected not-an-image | over"),
        ("a garbled manifest",       given(), content(garbled()), "rejected manifest-unreadable | over"),
        ("for another architecture", given(), content(arm()), "rejected wrong-platform | over"),
        ("for another system",       given(), content(windows()), "rejected wrong-platform | over"),
        ("for no platform",          given(), content(ImageContent::Image(vec![])), "rejected wrong-platform | over"),
    ]);
}

#[test]
#[rustfmt::skip]
fn the_containers() {
    let named = |name: &str| given().policy(|policy| policy.images[0].containers = vec![name.to_owned()]);
    let pinned = format!("team/web@{}", digest('b'));
    let other = format!("team/web@{}", digest('a'));
    check(vec![
        ("definition not looked at",          given(), seen().change(|seen| seen.definition = Look::NotTaken), ASKS_AGAIN),
        ("definition without answer",         given(), seen().change(|seen| seen.definition = unavailable()), ASKS_AGAIN),
        ("none runs the repository",          given(), runs("team/other:v1"), "rejected no-container | over"),
        ("one is named that runs another",    named("app"), runs("team/other:v1"), STARTS),
        ("the named one is missing",          named("ap"), seen(), "rejected no-container | over"),
        ("runs this digest",                  given(), runs(&pinned), "rejected already-running | over"),
        ("runs another digest",               given(), runs(&other), STARTS),
        ("runs the same tag, not pinned",     given(), runs("team/web:v2"), STARTS),
    ]);
}

#[test]
#[rustfmt::skip]
fn somebody_elses_deployment() {
    let zero = || busy().service(|service| service.desired = 0);
    let failing_beside = || busy().primary(|primary| primary.failed_tasks = 3);
    let done_but_draining = || busy().primary(|primary| primary.state = DeploymentState::Completed);
    let given_up = |seen: Seen, id: &str| seen.change(|seen| seen.given_up_deployment = Some(id.to_owned()));
    let ecs_gave_up = || seen().primary(|primary| primary.state = DeploymentState::Failed);
    check(vec![
        ("is waited for",                             given(), busy(), BUSY),
        ("… until the old tasks are gone",            given(), done_but_draining(), BUSY),
        ("… also where nothing else runs",            given(), unsettled(0), BUSY),
        ("… but not where it can only fail",          given(), unsettled(1), STARTS),
        ("… nor where adoption waited for it in vain", given(), given_up(unsettled(0), "ecs-svc/7"), STARTS),
        ("… which it did for an earlier one",         given(), given_up(unsettled(0), "ecs-svc/6"), BUSY),
        ("… which runs beside one that works",        given(), given_up(busy(), "ecs-svc/9"), BUSY),
        ("… though it fails beside one that works",   given(), failing_beside(), BUSY),
        ("… not where no task is wanted",             given(), zero(), STARTS),
        ("… not where it is our own earlier one",     given(), busy().asked_before("ecs-svc/9"), STARTS),
        ("… not where ECS gave it up",                given(), ecs_gave_up(), STARTS),
        ("a second before the deadline",              hindered(-1799), busy(), BUSY),
        ("at the deadline",                           hindered(-1800), busy(), "rejected service-busy | over"),
    ]);
}

/// The target says what is done where an alarm fires when it starts.
fn at_start(choice: AlarmsAtStart) -> Given {
    given().policy(|policy| policy.alarms_at_start = choice)
}

/// An image that was taken back from the target.
fn quarantined(character: char) -> Seen {
    let taken_back = Quarantined {
        rollout: RolloutId::new(at(-900), &["v2"]),
        at: at(-600),
        failure: "alarm-fired".to_owned(),
    };
    seen().change(|seen| {
        seen.quarantine.insert(digest(character), taken_back);
    })
}

#[test]
#[rustfmt::skip]
fn images_that_were_taken_back() {
    let moved = || quarantined('c').change(|seen| {
        let content = ImageContent::Image(vec![Platform { os: "linux".to_owned(), architecture: "amd64".to_owned() }]);
        seen.image = Look::Taken(ImageLook::Found { digest: digest('c'), content });
    });
    check(vec![
        ("this one",                          given(), quarantined('b'), "rejected quarantined | over"),
        ("… though the service is busy",      given(), busy().change(|seen| seen.quarantine = quarantined('b').0.quarantine), "rejected quarantined | over"),
        ("another one",                       given(), quarantined('c'), STARTS),
        ("the one the tag points at now",     given(), moved(), "rejected quarantined | over"),
    ]);
}

#[test]
#[rustfmt::skip]
fn alarms_newer_pushes_and_the_deadline() {
    let silent = || seen().service_look(unavailable());
    check(vec![
        ("no look at the alarms",           given(), seen().change(|seen| seen.alarms = Look::NotTaken), ASKS_AGAIN),
        ("no answer about the alarms",      given(), seen().alarms_unavailable(), ASKS_AGAIN),
        ("an alarm fires already",          given(), seen().alarm(AlarmState::Alarm), STARTS),
        ("… and is to be waited for",       at_start(AlarmsAtStart::Wait), seen().alarm(AlarmState::Alarm), WAITS_FOR_QUIET),
        ("… and is to refuse it",           at_start(AlarmsAtStart::Reject), seen().alarm(AlarmState::Alarm), "rejected alarm-firing | over"),
        ("no alarm fires, none may",        at_start(AlarmsAtStart::Reject), seen(), STARTS),
        ("no alarm fires, quiet is needed", at_start(AlarmsAtStart::Wait), seen(), STARTS),
        ("no data is no alarm",             at_start(AlarmsAtStart::Reject), seen().alarm(AlarmState::InsufficientData), STARTS),
        ("an alarm lacks data",             given(), seen().alarm(AlarmState::InsufficientData), STARTS),
        ("a newer push",                    given(), seen().newer(), "superseded newer-push | over"),
        ("a newer push, nothing else seen", given(), Seen(Observation::default()).newer(), "superseded newer-push | over"),
        ("a second before the deadline",    hindered(-1799), silent(), ASKS_AGAIN),
        ("at the deadline",                 hindered(-1800), silent(), "rejected aws-unavailable | over"),
        ("… and the alarm fires still",     hindered(-1800).policy(|policy| policy.alarms_at_start = AlarmsAtStart::Wait), seen().alarm(AlarmState::Alarm), "rejected alarm-firing | over"),
        ("hindered for long, but no more",  hindered(-9999), seen(), STARTS),
        ("its turn came late",              late(), silent(), ASKS_AGAIN),
        ("… and the service is busy then",  late(), busy(), BUSY),
    ]);
}

#[test]
fn what_is_registered_pins_the_digest_that_was_seen_and_carries_our_tags() {
    let Given(rollout) = given();
    let moved = image(ImageLook::Found {
        digest: digest('c'),
        content: ImageContent::Image(vec![Platform {
            os: "linux".to_owned(),
            architecture: "amd64".to_owned(),
        }]),
    })
    .alarm(AlarmState::Alarm);
    let decision = decide(&rollout.policy, &rollout, &moved.0, now());
    let start = decision.phase.start().unwrap();
    assert_eq!(
        start.digest,
        digest('c'),
        "what the tag points at now, not what the event said"
    );
    assert_eq!(start.base_task_definition, "web:7");
    assert_eq!(start.base_deployment_created_at, at(-3600));
    assert!(
        start.alarms[0].ignored_until_ok,
        "it fired before anything was changed"
    );
    let Action::Register(request) = &decision.actions[0] else {
        panic!("{:?}", decision.actions)
    };
    assert_eq!(
        request["containerDefinitions"][0]["image"],
        json!(format!("{REGISTRY}/team/web@{}", digest('c')))
    );
    assert_eq!(
        request["tags"],
        json!([
            { "key": "pushboat:target", "value": "web" },
            { "key": "pushboat:rollout", "value": rollout.id.as_str() },
        ])
    );
}

#[test]
fn the_deadline_counts_from_the_first_look_that_was_hindered() {
    let since = |Given(rollout): Given| {
        let decision = decide(&rollout.policy, &rollout, &busy().0, now());
        match decision.phase {
            Phase::Requested { hindered_since, .. } => hindered_since,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(since(given()), Some(now()));
    assert_eq!(since(late()), Some(now()));
    assert_eq!(since(hindered(-60)), Some(at(-60)));
}

#[test]
fn while_ecs_is_only_busy_the_deadline_does_not_count() {
    let Given(rollout) = hindered(-9999);
    for (look, phase) in [(throttled(), "requested"), (unavailable(), "rejected")] {
        let seen = seen().service_look(look);
        let decision = decide(&rollout.policy, &rollout, &seen.0, now());
        assert_eq!(decision.phase.as_str(), phase);
        if let Phase::Requested { hindered_since, .. } = decision.phase {
            assert_eq!(
                hindered_since, None,
                "it begins anew with what hinders it next"
            );
            let trouble = "DescribeServices was throttled".to_owned();
            assert_eq!(
                decision.next,
                Next::Wait(at(15), Waiting::Aws { trouble }),
                "it looks again in a while"
            );
        }
    }
}

#[test]
#[rustfmt::skip]
fn the_way_back() {
    let good = |look: Look<Option<GoneImage>>| seen().change(|seen| {
        seen.last_known_good = Some("web:7".to_owned());
        seen.gone_image = look;
    });
    let gone = || good(Look::Taken(Some(GoneImage { image: format!("{REGISTRY}/team/web:v1"), archived: false })));
    let another = || gone().change(|seen| seen.last_known_good = Some("web:6".to_owned()));
    let running = |running| gone().service(|service| service.running = running);
    let asked = || {
        let mut given = given();
        given.0.push.source = PushSource::Operator;
        given
    };
    let same = || gone().change(|seen| seen.definition = runs(&format!("team/web@{}", digest('b'))).0.definition);
    let refused = "rejected no-way-back | over";
    check(vec![
        ("is there",                                     given(), good(Look::Taken(None)), STARTS),
        ("is gone",                                      given(), gone(), refused),
        ("… a person wants it all the same",             asked(), gone(), STARTS),
        ("… the last good version does not run",         given(), another(), STARTS),
        ("… its tasks are missing",                      given(), running(1), STARTS),
        ("… none of them runs",                          given(), running(0), STARTS),
        ("… none is wanted",                             given(), running(0).service(|service| service.desired = 0), STARTS),
        ("… more run than are wanted",                   given(), running(3), refused),
        ("… it is only just being deployed",             given(), gone().primary(|primary| primary.state = DeploymentState::InProgress), BUSY),
        ("… the same image runs already",                given(), same(), "rejected already-running | over"),
        ("there never was one",                          given(), gone().nothing_good(), STARTS),
        ("… nor was it looked for",                      given(), seen(), STARTS),
        ("no answer",                                    given(), good(unavailable()), ASKS_AGAIN),
        ("… until the deadline",                         hindered(-1800), good(unavailable()), "rejected aws-unavailable | over"),
        ("not looked for",                               given(), good(Look::NotTaken), ASKS_AGAIN),
        ("no answer, and a newer push",                  given(), good(unavailable()).newer(), "superseded newer-push | over"),
    ]);
}

#[test]
fn that_there_may_be_no_way_back_is_kept_with_the_rollout() {
    let image = GoneImage {
        image: format!("{REGISTRY}/team/web:v1"),
        archived: true,
    };
    let Given(mut rollout) = given();
    rollout.push.source = PushSource::Operator;
    let Seen(mut observation) = seen();
    observation.last_known_good = Some("web:7".to_owned());
    observation.gone_image = Look::Taken(Some(image.clone()));
    let decision = decide(&rollout.policy, &rollout, &observation, now());
    let start = decision.phase.start().unwrap();
    assert_eq!(start.no_way_back, Some(image));
}

#[test]
#[rustfmt::skip]
fn what_is_followed_was_narrowed_meanwhile() {
    let narrowed = || given().policy(|policy| policy.images[0].tags = TagPolicy::Glob(vec!["main-*".to_owned()]));
    let elsewhere = || given().policy(|policy| policy.images[0].repository = "team/other".to_owned());
    let asked = |mut given: Given| {
        given.0.push.source = PushSource::Operator;
        given
    };
    check(vec![
        ("not the tag any more",            narrowed(), seen(), "rejected no-longer-followed | over"),
        ("… but a person named it",         asked(narrowed()), seen(), STARTS),
        ("not the repository any more",     elsewhere(), seen(), "rejected no-longer-followed | over"),
        ("… whoever asked",                 asked(elsewhere()), seen(), "rejected no-longer-followed | over"),
        ("… and nothing else was seen",     elsewhere(), Seen(Observation::default()), "rejected no-longer-followed | over"),
    ]);
}
