//! `Progressing`: ECS replaces the tasks.

use super::*;

pub(super) fn phase(asked: i64) -> Phase {
    Phase::Progressing {
        start: start(),
        running: running(asked),
    }
}

/// UpdateService was sent this many seconds ago.
pub(super) fn asked(seconds: i64) -> Given {
    Given::new(phase(seconds))
}

/// A minute ago.
pub(super) fn given() -> Given {
    asked(-60)
}

fn old() -> ServiceDeployment {
    ServiceDeployment {
        primary: false,
        ..old_deployment()
    }
}

/// Ours is under way beside the old one.
pub(super) fn under_way() -> Seen {
    let ours = ServiceDeployment {
        state: DeploymentState::InProgress,
        ..deployment("web:8", "ecs-svc/8", -60)
    };
    Seen(Observation {
        service: found(service(vec![ours, old()])),
        alarms: Look::Taken(alarm(AlarmState::Ok)),
        last_known_good: Some("web:7".to_owned()),
        ..Observation::default()
    })
}

/// Ours is done and alone.
pub(super) fn done() -> Seen {
    under_way().service(|service| {
        service.deployments = vec![deployment("web:8", "ecs-svc/8", -60)];
    })
}

/// Somebody's deployment is the primary one, and ours is being replaced.
pub(super) fn foreign(task_definition: &str, created: i64) -> Seen {
    let theirs = deployment(task_definition, "ecs-svc/9", created);
    under_way().service(|service| {
        service.deployments[0].primary = false;
        service.deployments.insert(0, theirs);
    })
}

/// What ran before is shown as if nothing had happened, or has come back.
fn before() -> Seen {
    under_way().service(|service| service.deployments = vec![old_deployment()])
}

fn failing() -> Seen {
    under_way().primary(|primary| primary.failed_tasks = 1)
}

fn given_up() -> Seen {
    under_way().primary(|primary| {
        primary.state = DeploymentState::Failed;
        primary.state_reason = "tasks failed to start.".to_owned();
    })
}

pub(super) const WAITS: &str = "progressing web:8 ecs-svc/8 | wait 30s deployment";

#[test]
#[rustfmt::skip]
fn ecs_works_on_it() {
    let zero = || done().service(|service| service.desired = 0);
    let no_bake = || given().policy(|policy| policy.bake_time_seconds = 0);
    let short_bake = || given().policy(|policy| policy.bake_time_seconds = 10);
    let draining = || under_way().primary(|primary| primary.state = DeploymentState::Completed);
    let forced = || done().primary(|primary| primary.id = "ecs-svc/88".to_owned());
    check(vec![
        ("under way",                             given(), under_way(), WAITS),
        ("done, but old tasks are left",          given(), draining(), WAITS),
        ("failing, and nothing newer",            given(), failing(), WAITS),
        ("done and alone",                        given(), done(), "baking ecs-svc/8 until 300s | wait 30s bake-time"),
        ("… with a short bake",                   short_bake(), done(), "baking ecs-svc/8 until 10s | wait 10s bake-time"),
        ("… with no bake",                        no_bake(), done(), "baking ecs-svc/8 until 0s | now"),
        ("… with no task wanted",                 given(), zero(), "scaled-to-zero web:8 | over"),
        ("… under a new id: somebody forced it",  given(), forced(), "baking ecs-svc/88 until 300s | wait 30s bake-time"),
        ("ECS gave it up, nothing was proven good", given(), given_up().nothing_good(), "halted nothing-to-go-back-to deployment-failed | over"),
        ("ECS gave it up",                        given(), given_up(), "rolling-back deployment-failed to web:7 unasked | now"),
    ]);
}

#[test]
#[rustfmt::skip]
fn somebody_else() {
    let rolling_back = || foreign("web:7", -5).primary(|primary| {
        primary.state_reason = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/7.".to_owned();
    });
    let given_up_beside = || foreign("web:7", -5).service(|service| service.deployments[1].state = DeploymentState::Failed);
    let replaced = || foreign("web:9", -5).service(|service| service.deployments.truncate(1));
    let at_once = || foreign("web:9", -60).service(|service| service.deployments.truncate(1));
    check(vec![
        ("deployed another revision",              given(), foreign("web:9", -5), "superseded somebody-else | over"),
        ("… at the very time of ours",             given(), foreign("web:9", -60), "superseded somebody-else | over"),
        ("… and ours is gone already",             given(), replaced(), "superseded somebody-else | over"),
        ("… in the same second",                   given(), at_once(), "superseded somebody-else | over"),
        ("went back to what ran before",           given(), foreign("web:7", -5), "rolling-back put-back-by-hand to web:7 seen by Person | now"),
        ("… ECS did, and says so",                 given(), rolling_back(), "rolling-back deployment-failed to web:7 seen by Ecs | now"),
        ("… ECS did, and ours is marked FAILED",   given(), given_up_beside(), "rolling-back deployment-failed to web:7 seen by Ecs | now"),
        ("… which was never proven good",          given(), foreign("web:7", -5).nothing_good(), "superseded somebody-else | over"),
        ("ECS went back, to something else",       given(), rolling_back().change(|seen| seen.last_known_good = Some("web:6".to_owned())), "rolling-back deployment-failed to web:6 seen by Ecs | now"),
        ("ECS went back, nothing was proven good", given(), rolling_back().nothing_good(), "halted nothing-to-go-back-to deployment-failed | over"),
        ("being deleted",                          given(), under_way().service(|one| one.active = false), "superseded service-gone | over"),
        ("deleted",                                given(), under_way().service_look(Look::Taken(ServiceLook::Missing)), "superseded service-gone | over"),
        ("deleted with its cluster",               given(), under_way().service_look(Look::Taken(ServiceLook::ClusterMissing)), "superseded service-gone | over"),
    ]);
}

#[test]
#[rustfmt::skip]
fn what_ran_before_is_shown() {
    use RecordStatus::{Ongoing, RolledBack, RollingBack, Successful};
    let lags = "progressing web:8 ecs-svc/8 | wait 30s aws";
    let by_ecs = |status| move |record: &mut DeploymentRecord| {
        record.status = status;
        record.failed_by_ecs = true;
        record.status_reason = "breaker".to_owned();
    };
    let beside = || foreign("web:7", -3600);
    check(vec![
        ("no history: a read that lags",               given(), before().change(|seen| seen.history = unavailable()), lags),
        ("nothing recorded yet: a read that lags",     asked(-29), before().change(|seen| seen.history = Look::Taken(vec![])), lags),
        ("… still nothing after the read lag",         asked(-30), before().change(|seen| seen.history = Look::Taken(vec![])), "rolling-back put-back-by-hand to web:7 seen by Person | now"),
        ("ours is still going on: a read that lags",   given(), before().recorded(Ongoing), lags),
        ("ours is done: a read that lags",             given(), before().recorded(Successful), lags),
        ("a person stopped ours",                      given(), before().recorded(RollingBack), "rolling-back put-back-by-hand to web:7 seen by Person | now"),
        ("ECS took ours back",                         given(), before().history(by_ecs(RollingBack)), "rolling-back deployment-failed to web:7 seen by Ecs | now"),
        ("… and has finished",                         given(), before().history(by_ecs(RolledBack)), "rolling-back deployment-failed to web:7 seen by Ecs | now"),
        ("… to what was never proven good",            given(), before().history(by_ecs(RolledBack)).change(|seen| seen.last_known_good = Some("web:6".to_owned())), "rolling-back deployment-failed to web:6 seen by Ecs | now"),
        ("ours is shown beside it",                    given(), beside(), "rolling-back put-back-by-hand to web:7 seen by Person | now"),
        ("an update took over from ours, which failed", given(), given_up().history(|record| record.status = RecordStatus::Stopped).service(|service| {
            service.deployments[0].primary = false;
            service.deployments.insert(0, deployment("web:9", "ecs-svc/9", -5));
        }), "superseded somebody-else | over"),
    ]);
}

#[test]
#[rustfmt::skip]
fn the_history_tells_an_update_from_a_rollback() {
    let taken_back = |task_definition| foreign(task_definition, -5).history(|record| {
        record.status = RecordStatus::RolledBack;
        record.failed_by_ecs = true;
    });
    let unrecorded = || foreign("web:7", -5).history(|record| record.target = "web:7".to_owned()).primary(|primary| {
        primary.state_reason = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/7.".to_owned();
    });
    let by_ecs = "rolling-back deployment-failed to web:7 seen by Ecs | now";
    check(vec![
        ("ECS took ours back",                          given(), taken_back("web:7"), by_ecs),
        ("… then a person brought the last good one",   given(), taken_back("web:7").also_recorded(0, "web:7"), "rolling-back put-back-by-hand to web:7 seen by Person | now"),
        ("… then a person brought another one",         given(), taken_back("web:9").also_recorded(0, "web:9"), "superseded somebody-else | over"),
        ("… which had been brought before ours",        given(), taken_back("web:7").also_recorded(1, "web:7"), by_ecs),
        ("… then a person brought what is gone again",  given(), taken_back("web:7").also_recorded(0, "web:9"), by_ecs),
        ("ECS says so, ours is not recorded yet",       given(), unrecorded(), by_ecs),
    ]);
}

#[test]
fn ecs_is_quoted_on_why_it_went_back() {
    let seen = before().history(|record| {
        record.status = RecordStatus::RolledBack;
        record.failed_by_ecs = true;
        record.status_reason = "tasks failed to start".to_owned();
    });
    let Given(rollout) = given();
    let Phase::RollingBack { failure, .. } =
        decide(&rollout.policy, &rollout, &seen.0, now()).phase
    else {
        panic!("not taken back");
    };
    let reason = "tasks failed to start".to_owned();
    assert_eq!(
        failure,
        Failure::DeploymentFailed {
            reason,
            platform: None
        }
    );
}

#[test]
#[rustfmt::skip]
fn newer_pushes() {
    let fired = || under_way().alarm(AlarmState::Alarm);
    check(vec![
        ("wait while all is well",              given(), under_way().newer(), WAITS),
        ("… take over if so configured",        given().immediately(), under_way().newer(), "superseded newer-push | over"),
        ("… do not hinder the bake",            given(), done().newer(), "baking ecs-svc/8 until 300s | wait 30s bake-time"),
        ("take over once a task failed",        given(), failing().newer(), "superseded newer-push | over"),
        ("… also where ECS alone counted it",   given(), failing().newer().nothing_good(), "superseded newer-push | over"),
        ("wait for the way back, an alarm fired", given(), fired().newer(), "rolling-back alarm-fired to web:7 unasked | now"),
        ("… ECS gave it up",                    given().immediately(), given_up().newer(), "rolling-back deployment-failed to web:7 unasked | now"),
        ("take over where there is none",       given(), fired().newer().nothing_good(), "superseded newer-push | over"),
        ("never take over from somebody else",  given().immediately(), foreign("web:9", -5).newer(), "superseded somebody-else | over"),
    ]);
}

#[test]
#[rustfmt::skip]
fn alarms() {
    let ignored = || {
        let mut given = given();
        if let Phase::Progressing { start, .. } = &mut given.0.phase {
            start.alarms = AlarmWatch::begin(&alarm(AlarmState::Alarm));
        }
        given
    };
    let flapped = || {
        let mut given = given();
        if let Phase::Progressing { start, .. } = &mut given.0.phase {
            start.alarms[0].note(AlarmState::Alarm);
            start.alarms[0].note(AlarmState::Ok);
        }
        given
    };
    check(vec![
        ("fired",                                   given(), under_way().alarm(AlarmState::Alarm), "rolling-back alarm-fired to web:7 unasked | now"),
        ("fired, and ECS says done",                given(), done().alarm(AlarmState::Alarm), "rolling-back alarm-fired to web:7 unasked | now"),
        ("fired since before the start: ignored",   ignored(), under_way().alarm(AlarmState::Alarm), WAITS),
        ("lacks data",                              given(), under_way().alarm(AlarmState::InsufficientData), WAITS),
        ("fired, and nothing was proven good",      given(), under_way().alarm(AlarmState::Alarm).nothing_good(), "halted nothing-to-go-back-to alarm-fired | over"),
        ("fired by an event, and is OK again",      flapped(), under_way(), "rolling-back alarm-fired to web:7 unasked | now"),
        ("… whatever a look at it comes to",        flapped(), under_way().alarms_unavailable(), "rolling-back alarm-fired to web:7 unasked | now"),
        ("no answer",                               given(), under_way().alarms_unavailable(), WAITS),
        ("not looked at",                           given(), under_way().change(|seen| seen.alarms = Look::NotTaken), WAITS),
    ]);
}

#[test]
fn an_alarm_that_has_been_ok_again_is_no_longer_ignored() {
    let Given(mut rollout) = given();
    if let Phase::Progressing { start, .. } = &mut rollout.phase {
        start.alarms = AlarmWatch::begin(&alarm(AlarmState::Alarm));
    }
    let fine = decide(&rollout.policy, &rollout, &under_way().0, now());
    rollout.phase = fine.phase;
    let fires = under_way().alarm(AlarmState::Alarm);
    let decision = decide(&rollout.policy, &rollout, &fires.0, now());
    assert_eq!(
        summary(&decision),
        "rolling-back alarm-fired to web:7 unasked | now"
    );
}

#[test]
#[rustfmt::skip]
fn the_deadline() {
    let silent = || under_way().service_look(unavailable());
    let stale = || before().recorded(RecordStatus::Ongoing);
    let paused = || under_way().history(|record| record.paused_at = Some(hook()));
    let stopped_at_hook = || under_way().history(|record| {
        record.paused_at = Some(hook());
        record.status = RecordStatus::Stopped;
    });
    let another_paused = || paused().history(|_| ()).also_recorded(0, "web:9").change(|seen| {
        if let Look::Taken(records) = &mut seen.history {
            records[0].paused_at = Some(hook());
        }
    });
    let resumed = || {
        let mut given = asked(-9000);
        if let Phase::Progressing { running, .. } = &mut given.0.phase {
            running.deadline_from = Some(at(-1799));
        }
        given
    };
    let no_primary = || under_way().service(|service| service.deployments.clear());
    check(vec![
        ("half a minute before it",          asked(-1770), under_way(), WAITS),
        ("ten seconds before it",            asked(-1790), under_way(), "progressing web:8 ecs-svc/8 | wait 15s deployment"),
        ("a second before it",               asked(-1799), under_way(), "progressing web:8 ecs-svc/8 | wait 15s deployment"),
        ("at it",                            asked(-1800), under_way(), "rolling-back deadline-reached to web:7 unasked | now"),
        ("at it, but done",                  asked(-1800), done(), "baking ecs-svc/8 until 300s | wait 30s bake-time"),
        ("at it, and somebody else came",    asked(-1800), foreign("web:9", -5), "superseded somebody-else | over"),
        ("no answer before it",              asked(-1799), silent(), "progressing web:8 ecs-svc/8 | wait 15s aws"),
        ("no answer at it",                  asked(-1800), silent(), "rolling-back deadline-reached to web:7 unasked | now"),
        ("no primary deployment before it",  asked(-1799), no_primary(), "progressing web:8 ecs-svc/8 | wait 15s aws"),
        ("a read that lags before it",       asked(-1799), stale(), "progressing web:8 ecs-svc/8 | wait 15s aws"),
        ("a read that lags at it",           asked(-1800), stale(), "rolling-back deadline-reached to web:7 unasked | now"),
        ("before it, a hook waits for a person", given(), paused(), "progressing web:8 ecs-svc/8 paused hook-1 | wait 30s paused-hook"),
        ("… though ECS complained before",   given().complained("SERVICE_TASK_PLACEMENT_FAILURE", "RESOURCE:FARGATE", -50), paused(), "progressing web:8 ecs-svc/8 paused hook-1 | wait 30s paused-hook"),
        ("at it, a hook waits for a person", asked(-1800), paused(), "progressing web:8 ecs-svc/8 paused hook-1 | wait 30s paused-hook"),
        ("at it, it was over at the hook",   asked(-1800), stopped_at_hook(), "rolling-back deadline-reached to web:7 unasked | now"),
        ("at it, another deployment waits",  asked(-1800), another_paused(), "rolling-back deadline-reached to web:7 unasked | now"),
        ("… who let it go on a while ago",   resumed(), under_way(), "progressing web:8 ecs-svc/8 | wait 15s deployment"),
    ]);
}

/// A hook may keep ours shown while ECS is on its way back.
#[test]
#[rustfmt::skip]
fn ecs_goes_back_and_shows_ours_still() {
    let back = |by_ecs, source: &str| under_way().history(|record| {
        record.status = RecordStatus::RollingBack;
        record.failed_by_ecs = by_ecs;
        record.sources = vec![source.to_owned()];
        record.paused_at = Some(hook());
    });
    let nowhere = || back(false, "web:7").history(|record| {
        record.status = RecordStatus::RollingBack;
        record.sources.clear();
    });
    check(vec![
        ("by itself",                        given(), back(true, "web:7"), "rolling-back deployment-failed to web:7 seen by Ecs | now"),
        ("… to something else",              given(), back(true, "web:6"), "rolling-back deployment-failed to web:7 seen by Ecs | now"),
        ("… and nothing was proven good",    given(), back(true, "web:7").nothing_good(), "halted nothing-to-go-back-to deployment-failed | over"),
        ("a person had it do so",            given(), back(false, "web:7"), "rolling-back put-back-by-hand to web:7 seen by Person | now"),
        ("… to something else: not yet",     given(), back(false, "web:6"), "progressing web:8 ecs-svc/8 paused hook-1 | wait 30s paused-hook"),
        ("… and nothing was proven good",    given(), back(false, "web:7").nothing_good(), "progressing web:8 ecs-svc/8 paused hook-1 | wait 30s paused-hook"),
        ("… to nobody knows what",           given(), nowhere(), WAITS),
    ]);
}

#[test]
fn a_deployment_that_waits_for_a_person_has_the_whole_deadline_again() {
    let paused = under_way().history(|record| record.paused_at = Some(hook()));
    let Given(rollout) = asked(-1800);
    let decision = decide(&rollout.policy, &rollout, &paused.0, now());
    let running = decision.phase.running().unwrap();
    assert_eq!(running.deadline_from, Some(now()));
}

#[test]
fn what_bakes_is_the_deployment_that_is_done_since_it_was_made() {
    let forced = done().primary(|primary| {
        primary.id = "ecs-svc/88".to_owned();
        primary.created_at = at(-20);
    });
    let Given(rollout) = given();
    let decision = decide(&rollout.policy, &rollout, &forced.0, now());
    let running = decision.phase.running().unwrap();
    assert_eq!(running.deployment, "ecs-svc/88");
    assert_eq!(
        running.deployment_created_at,
        at(-20),
        "an alarm's change from before it was made says nothing of it"
    );
}
