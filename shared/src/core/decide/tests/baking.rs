//! `Baking`: done, and watched before it counts as good.

use super::*;

pub(super) fn phase(until: i64, missing_since: Option<i64>) -> Phase {
    Phase::Baking {
        start: start(),
        running: running(-400),
        until: at(until),
        missing_tasks_since: missing_since.map(at),
    }
}

/// The bake time ends in this many seconds.
pub(super) fn ends(seconds: i64) -> Given {
    Given::new(phase(seconds, None))
}

/// As above, and tasks are missing since then.
fn missing(ends: i64, since: i64) -> Given {
    Given::new(phase(ends, Some(since)))
}

/// Ours is done and alone, both tasks run, and its definition was read.
pub(super) fn well() -> Seen {
    Seen(Observation {
        service: found(service(vec![deployment("web:8", "ecs-svc/8", -400)])),
        alarms: Look::Taken(alarm(AlarmState::Ok)),
        definition: Look::Taken(definition("team/web:v2")),
        last_known_good: Some("web:7".to_owned()),
        ..Observation::default()
    })
}

fn one_runs() -> Seen {
    well().service(|service| service.running = 1)
}

fn foreign(created: i64) -> Seen {
    well().service(|service| {
        service.deployments = vec![deployment("web:7", "ecs-svc/9", created)];
    })
}

#[test]
#[rustfmt::skip]
fn the_bake_time() {
    let zero = || well().service(|service| service.desired = 0);
    let another = || well().service(|service| {
        service.deployments.push(ServiceDeployment { primary: false, ..old_deployment() });
    });
    check(vec![
        ("has long to go",                        ends(300), well(), "baking ecs-svc/8 until 300s | wait 30s bake-time"),
        ("ends soon",                             ends(10), well(), "baking ecs-svc/8 until 10s | wait 10s bake-time"),
        ("ends in a second",                      ends(1), well(), "baking ecs-svc/8 until 1s | wait 1s bake-time"),
        ("is over",                               ends(0), well(), "succeeded web:8 | over"),
        ("is over, the look took long",           ends(0), well().change(|seen| seen.is_old = true), "baking ecs-svc/8 until 0s | wait 15s aws"),
        ("… for as long as the deadline",         ends(-1800), well().change(|seen| seen.is_old = true), "halted not-verified | over"),
        ("goes on, the look took long",           ends(60), well().change(|seen| seen.is_old = true), "baking ecs-svc/8 until 60s | wait 30s bake-time"),
        ("is long over",                          ends(-900), well(), "succeeded web:8 | over"),
        ("is over, no task is wanted",            ends(0), zero(), "scaled-to-zero web:8 | over"),
        ("goes on, no task is wanted",            ends(1), zero(), "baking ecs-svc/8 until 1s | wait 1s bake-time"),
        ("is over, another deployment is there",  ends(0), another(), "baking ecs-svc/8 until 0s | wait 30s deployment"),
        ("is over, more run than are wanted",     ends(0), well().service(|one| one.running = 3), "succeeded web:8 | over"),
    ]);
}

#[test]
#[rustfmt::skip]
fn missing_tasks() {
    check(vec![
        ("are noted",                          ends(60), one_runs(), "baking ecs-svc/8 until 60s missing since 0s | wait 30s bake-time"),
        ("are remembered",                     missing(60, -60), one_runs(), "baking ecs-svc/8 until 60s missing since -60s | wait 30s bake-time"),
        ("are forgotten when they are back",   missing(60, -60), well(), "baking ecs-svc/8 until 60s | wait 30s bake-time"),
        ("at five minutes are borne",          missing(60, -300), one_runs(), "baking ecs-svc/8 until 60s missing since -300s | wait 30s bake-time"),
        ("after five minutes are not",         missing(60, -301), one_runs(), "rolling-back missing-tasks to web:7 unasked | now"),
        ("… but nothing was proven good",      missing(60, -301), one_runs().nothing_good(), "halted nothing-to-go-back-to missing-tasks | over"),
        ("… unless they are back",             missing(60, -301), well(), "baking ecs-svc/8 until 60s | wait 30s bake-time"),
        ("hold up the end",                    missing(0, -60), one_runs(), "baking ecs-svc/8 until 0s missing since -60s | wait 30s missing-tasks"),
        ("… also when only noted then",        ends(0), one_runs(), "baking ecs-svc/8 until 0s missing since 0s | wait 30s missing-tasks"),
        ("… not once they are back",           missing(0, -60), well(), "succeeded web:8 | over"),
    ]);
}

#[test]
#[rustfmt::skip]
fn somebody_else() {
    let forced = |state| well().primary(|primary| {
        primary.id = "ecs-svc/88".to_owned();
        primary.created_at = at(-5);
        primary.state = state;
    });
    let rolling_back = || foreign(-5).primary(|primary| primary.state_reason = "rolling back to deploymentId ecs-svc/7".to_owned());
    let again = || well().primary(|primary| primary.state = DeploymentState::InProgress);
    check(vec![
        ("deployed another revision",              ends(60), foreign(-5).change(|seen| seen.last_known_good = Some("web:6".to_owned())), "superseded somebody-else | over"),
        ("… just before the end",                  ends(0), foreign(-5).nothing_good(), "superseded somebody-else | over"),
        ("put the last good one back",             ends(60), foreign(-5), "rolling-back put-back-by-hand to web:7 seen by Person | now"),
        ("… just before the end",                  ends(0), foreign(-5), "rolling-back put-back-by-hand to web:7 seen by Person | now"),
        ("ECS went back by itself",                ends(60), rolling_back(), "rolling-back deployment-failed to web:7 seen by Ecs | now"),
        ("an older primary: a read that lags",     ends(0), foreign(-401), "baking ecs-svc/8 until 0s | wait 15s aws"),
        ("forced our revision out again",          ends(0), forced(DeploymentState::InProgress), "progressing web:8 ecs-svc/88 | now"),
        ("… and it is done already",               ends(60), forced(DeploymentState::Completed), "progressing web:8 ecs-svc/88 | now"),
        ("ours is in progress again",              ends(0), again(), "progressing web:8 ecs-svc/8 | now"),
        ("being deleted",                          ends(60), well().service(|one| one.active = false), "superseded service-gone | over"),
        ("deleted",                                ends(60), well().service_look(Look::Taken(ServiceLook::Missing)), "superseded service-gone | over"),
    ]);
}

#[test]
fn a_forced_redeployment_has_the_whole_deadline_again() {
    let forced = well().primary(|primary| {
        primary.id = "ecs-svc/88".to_owned();
        primary.created_at = at(-5);
    });
    let Given(rollout) = ends(60);
    let decision = decide(&rollout.policy, &rollout, &forced.0, now());
    let Phase::Progressing { running, .. } = decision.phase else {
        panic!("{decision:?}")
    };
    assert_eq!(
        (running.asked_at, running.deployment_created_at),
        (now(), at(-5))
    );
}

#[test]
#[rustfmt::skip]
fn alarms_and_newer_pushes() {
    let fired = || well().alarm(AlarmState::Alarm);
    check(vec![
        ("an alarm fires",                          ends(60), fired(), "rolling-back alarm-fired to web:7 unasked | now"),
        ("an alarm fires at the end",               ends(0), fired(), "rolling-back alarm-fired to web:7 unasked | now"),
        ("an alarm lacks data at the end",          ends(0), well().alarm(AlarmState::InsufficientData), "succeeded web:8 | over"),
        ("a newer push waits",                      ends(60), well().newer(), "baking ecs-svc/8 until 60s | wait 30s bake-time"),
        ("… takes over if so configured",           ends(60).immediately(), well().newer(), "superseded newer-push | over"),
        ("… also for the way back",                 ends(60), fired().newer(), "rolling-back alarm-fired to web:7 unasked | now"),
        ("… does not keep this one from success",   ends(0), well().newer(), "succeeded web:8 | over"),
    ]);
}

#[test]
#[rustfmt::skip]
fn no_answer() {
    let no_definition = |look| well().change(|seen| seen.definition = look);
    let no_alarms = || well().change(|seen| seen.alarms = Look::NotTaken);
    check(vec![
        ("about the service",                  ends(60), well().service_look(unavailable()), "baking ecs-svc/8 until 60s | wait 15s aws"),
        ("no primary deployment",              ends(0), well().service(|one| one.deployments.clear()), "baking ecs-svc/8 until 0s | wait 15s aws"),
        ("about the alarms, while it goes on", ends(60), well().alarms_unavailable(), "baking ecs-svc/8 until 60s | wait 30s bake-time"),
        ("about the alarms, at the end",       ends(0), well().alarms_unavailable(), "baking ecs-svc/8 until 0s | wait 15s aws"),
        ("no look at the alarms, at the end",  ends(0), no_alarms(), "baking ecs-svc/8 until 0s | now"),
        ("about the definition, at the end",   ends(0), no_definition(unavailable()), "baking ecs-svc/8 until 0s | wait 15s aws"),
        ("no look at it yet, at the end",      ends(0), no_definition(Look::NotTaken), "baking ecs-svc/8 until 0s | now"),
    ]);
}

#[test]
#[rustfmt::skip]
fn what_cannot_be_verified_is_left_to_a_person() {
    const GIVES_UP: &str = "halted not-verified | over";
    let silent = || well().service_look(unavailable());
    let no_definition = || well().change(|seen| seen.definition = unavailable());
    let no_primary = || well().service(|one| one.deployments.clear());
    let stale = || foreign(-401);
    let beside = || well().service(|service| {
        service.deployments.push(ServiceDeployment { primary: false, ..old_deployment() });
    });
    check(vec![
        ("silence, a second before",              ends(-1799), silent(), "baking ecs-svc/8 until -1799s | wait 15s aws"),
        ("silence",                               ends(-1800), silent(), GIVES_UP),
        ("… nothing was proven good",             ends(-1800), silent().nothing_good(), GIVES_UP),
        ("… a newer push waits",                  ends(-1800), silent().newer(), GIVES_UP),
        ("no primary deployment",                 ends(-1800), no_primary(), GIVES_UP),
        ("reads that lag for ever",               ends(-1800), stale(), GIVES_UP),
        ("alarms that cannot be seen",            ends(-1800), well().alarms_unavailable(), GIVES_UP),
        ("a definition that cannot be seen",      ends(-1800), no_definition(), GIVES_UP),
        ("another deployment, a second before",   ends(-1799), beside(), "baking ecs-svc/8 until -1799s | wait 30s deployment"),
        ("another deployment that stays",         ends(-1800), beside(), GIVES_UP),
        ("tasks missing, a second before",        missing(-1799, -60), one_runs(), "baking ecs-svc/8 until -1799s missing since -60s | wait 30s missing-tasks"),
        ("tasks missing now and again",           missing(-1800, -60), one_runs(), GIVES_UP),
        ("but what is seen counts: all is well",  ends(-9000), well(), "succeeded web:8 | over"),
        ("… an alarm fires",                      ends(-9000), well().alarm(AlarmState::Alarm), "rolling-back alarm-fired to web:7 unasked | now"),
        ("… too few tasks for too long",          missing(-1800, -301), one_runs(), "rolling-back missing-tasks to web:7 unasked | now"),
        ("… somebody else deployed",              ends(-1800), foreign(-5).nothing_good(), "superseded somebody-else | over"),
    ]);
}
