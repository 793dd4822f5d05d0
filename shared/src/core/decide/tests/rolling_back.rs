//! `RollingBack`: to the last-known-good, and nowhere else.

use super::*;

pub(super) fn phase(way: Way) -> Phase {
    Phase::RollingBack {
        start: start(),
        running: running(-400),
        failure: Failure::AlarmFired {
            alarms: vec!["5xx".to_owned()],
        },
        back: Back {
            to: "web:7".to_owned(),
            began_at: at(-100),
            way,
            corrected: None,
            stack: None,
            paused_at: None,
        },
    }
}

fn given(way: Way) -> Given {
    Given::new(phase(way))
}

pub(super) fn unasked() -> Given {
    given(Way::Unasked)
}

/// UpdateService was meant to be sent this many seconds ago.
pub(super) fn asked(seconds: i64) -> Given {
    given(Way::Update {
        intended_at: Some(at(seconds)),
    })
}

/// UpdateService was turned away.
pub(super) fn turned_away() -> Given {
    given(Way::Update { intended_at: None })
}

fn seen_by(by: RolledBackBy) -> Given {
    given(Way::Observed { by })
}

impl Given {
    fn back(mut self, change: impl FnOnce(&mut Back)) -> Self {
        match &mut self.0.phase {
            Phase::RollingBack { back, .. } => change(back),
            other => panic!("{other:?}"),
        }
        self
    }

    /// The way back began this many seconds ago.
    fn began(self, seconds: i64) -> Self {
        self.back(|back| back.began_at = at(seconds))
    }

    /// It is taken back for this.
    fn because(mut self, why: Failure) -> Self {
        match &mut self.0.phase {
            Phase::RollingBack { failure, .. } => *failure = why,
            other => panic!("{other:?}"),
        }
        self
    }

    /// ECS went elsewhere by this deployment, and that was put right.
    fn corrected(self, deployment: &str) -> Self {
        self.back(|back| back.corrected = Some(deployment.to_owned()))
    }
}

fn kept(status: &str) -> Arc<Definition> {
    let mut kept = Definition::clone(&definition("team/web:v1"));
    kept.raw["status"] = json!(status);
    kept.raw["taskDefinitionArn"] = json!("web:7");
    kept.raw["revision"] = json!(7);
    kept.tags = json!([
        { "key": "team", "value": "web" },
        { "key": "pushboat:rollout", "value": "the one that made it" },
    ]);
    Arc::new(kept)
}

/// Ours runs alone.
pub(super) fn ours() -> Seen {
    Seen(Observation {
        service: found(service(vec![deployment("web:8", "ecs-svc/8", -400)])),
        definition: Look::Taken(kept("ACTIVE")),
        own_revision: Look::Taken(None),
        good_definition: Look::Taken(Some(kept("ACTIVE"))),
        last_known_good: Some("web:7".to_owned()),
        ..Observation::default()
    })
}

/// The primary deployment is of this task definition, made this many seconds ago.
pub(super) fn to(task_definition: &str, created: i64, state: DeploymentState) -> Seen {
    let primary = ServiceDeployment {
        state,
        ..deployment(task_definition, "ecs-svc/9", created)
    };
    let beside = ServiceDeployment {
        primary: false,
        ..deployment("web:8", "ecs-svc/8", -400)
    };
    ours().service(|service| {
        service.deployments = match state {
            DeploymentState::Completed => vec![primary],
            DeploymentState::InProgress | DeploymentState::Failed => vec![primary, beside],
        }
    })
}

/// The way back is under way, or done.
pub(super) fn back(state: DeploymentState) -> Seen {
    to("web:7", -50, state)
}

/// ECS went to something else by itself, and says so.
fn elsewhere(state: DeploymentState) -> Seen {
    to("web:6", -50, state).primary(|primary| {
        primary.state_reason =
            "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/6.".to_owned();
    })
}

/// The last-known-good's revision cannot be deployed any more.
fn inactive() -> Seen {
    ours().change(|seen| seen.definition = Look::Taken(kept("INACTIVE")))
}

const ASKS: &str = "rolling-back alarm-fired to web:7 asked 0s | update web:7 | now";
const REGISTERS: &str = "rolling-back alarm-fired to web:7 asked 0s | register, update | now";
const TOO_LONG: &str = "halted way-back-too-long alarm-fired | over";
const DONE: DeploymentState = DeploymentState::Completed;
const UNDER_WAY: DeploymentState = DeploymentState::InProgress;
const GIVEN_UP: DeploymentState = DeploymentState::Failed;

#[test]
#[rustfmt::skip]
fn it_is_asked_for_once() {
    check(vec![
        ("at first",                                unasked(), ours(), ASKS),
        ("turned away: sent again",                 turned_away(), ours(), ASKS),
        ("nothing shows within the read lag",       asked(-10), ours(), "rolling-back alarm-fired to web:7 asked -10s | wait 20s read-lag"),
        ("… a second before its end",               asked(-29), ours(), "rolling-back alarm-fired to web:7 asked -29s | wait 1s read-lag"),
        ("… at its end it is sent again",           asked(-30), ours(), ASKS),
        ("it is shown",                             asked(-10), back(UNDER_WAY), "rolling-back alarm-fired to web:7 asked -10s | wait 30s way-back"),
        ("… though it seemed to be turned away",    turned_away(), back(UNDER_WAY), "rolling-back alarm-fired to web:7 asked unsent | wait 30s way-back"),
        ("… long ago",                              asked(-900).began(-900), back(UNDER_WAY), "rolling-back alarm-fired to web:7 asked -900s | wait 30s way-back"),
    ]);
}

/// StopServiceDeployment was sent this many seconds ago.
pub(super) fn stopped(seconds: i64) -> Given {
    given(Way::Stop {
        intended_at: at(seconds),
    })
}

/// Ours is under way, and the history has it.
pub(super) fn stoppable() -> Seen {
    ours()
        .service(|service| {
            service.deployments[0].state = UNDER_WAY;
            service.deployments.push(ServiceDeployment {
                primary: false,
                ..old_deployment()
            });
        })
        .recorded(RecordStatus::Ongoing)
}

#[test]
#[rustfmt::skip]
fn our_deployment_is_stopped_where_that_leads_back() {
    const STOPS: &str = "rolling-back alarm-fired to web:7 stopped 0s | stop sd/8 | now";
    use RecordStatus::{Ongoing, RollbackFailed, RollingBack, Successful};
    let from = |sources: &[&str]| {
        let sources = sources.iter().map(|one| (*one).to_owned()).collect();
        stoppable().history(|record| record.sources = sources)
    };
    let no_history = || stoppable().change(|seen| seen.history = unavailable());
    let by_ecs = || stoppable().history(|record| {
        record.status = RollingBack;
        record.failed_by_ecs = true;
    });
    let old_again = |status, state| to("web:7", -3600, state).recorded(status);
    check(vec![
        ("it replaces the last good one",                unasked(), stoppable(), STOPS),
        ("… and others of its tasks",                    unasked(), from(&["web:7", "web:7"]), STOPS),
        ("it replaces something else too",               unasked(), from(&["web:7", "web:6"]), ASKS),
        ("it replaces something else",                   unasked(), from(&["web:6"]), ASKS),
        ("it replaces nothing",                          unasked(), from(&[]), ASKS),
        ("it is done",                                   unasked(), stoppable().recorded(Successful), ASKS),
        ("the last good revision is INACTIVE",           unasked(), stoppable().change(|seen| seen.definition = Look::Taken(kept("INACTIVE"))), REGISTERS),
        ("no history",                                   unasked(), no_history(), ASKS),
        ("ECS rolls it back already",                    unasked(), by_ecs(), "rolling-back alarm-fired to web:7 seen by Ecs | wait 30s way-back"),
        ("a person has it rolled back already",          unasked(), stoppable().recorded(RollingBack), "rolling-back alarm-fired to web:7 seen by Person | wait 30s way-back"),
        ("nothing shows within the read lag",            stopped(-10), stoppable(), "rolling-back alarm-fired to web:7 stopped -10s | wait 20s read-lag"),
        ("it was never taken: the service is updated",   stopped(-30), stoppable(), ASKS),
        ("… and not while that is unknown",              stopped(-30), no_history(), "rolling-back alarm-fired to web:7 stopped -30s | wait 15s aws"),
        ("… for two minutes",                            stopped(-120), no_history(), ASKS),
        ("it is on its way",                             stopped(-10), stoppable().recorded(RollingBack), "rolling-back alarm-fired to web:7 stopped -10s | wait 30s way-back"),
        ("… the old deployment is the primary one",      stopped(-10), old_again(RollingBack, UNDER_WAY), "rolling-back alarm-fired to web:7 stopped -10s | wait 30s way-back"),
        ("… and it lands",                               stopped(-60), old_again(RecordStatus::RolledBack, DONE), "rolled-back alarm-fired to web:7 by Pushboat | over"),
        ("a look that lags is no landing",               stopped(-60), old_again(Ongoing, DONE), "rolling-back alarm-fired to web:7 stopped -60s | wait 15s aws"),
        ("ECS fails to: the service is updated",         stopped(-60), stoppable().recorded(RollbackFailed), ASKS),
        ("it leads elsewhere: put right",                stopped(-60), to("web:6", -7200, DONE).recorded(RecordStatus::RolledBack), "rolling-back alarm-fired to web:7 asked 0s corrected ecs-svc/9 | update web:7 | now"),
        ("a person stopped it, and it leads elsewhere",  unasked(), to("web:6", -7200, DONE).recorded(RecordStatus::RolledBack), "superseded somebody-else | over"),
        ("somebody deployed something else",             stopped(-60), to("web:9", -5, UNDER_WAY).recorded(RecordStatus::Stopped), "superseded somebody-else | over"),
    ]);
}

#[test]
#[rustfmt::skip]
fn somebody_brings_ours_again() {
    let again = || ours().service(|service| {
        service.deployments = vec![deployment("web:8", "ecs-svc/10", -5)];
    });
    // The history by target and status, the newest first.
    let recorded = |records: &[(&str, RecordStatus)]| again().change(|seen| {
        let record = |(target, status): &(&str, RecordStatus)| DeploymentRecord {
            arn: "sd".to_owned(),
            created_at: at(-50),
            status: *status,
            status_reason: String::new(),
            target: (*target).to_owned(),
            target_digests: BTreeMap::new(),
            sources: vec![],
            source_digests: vec![],
            failed_by_ecs: false,
            paused_at: None,
        };
        seen.history = Look::Taken(records.iter().map(record).collect());
    });
    use RecordStatus::{Ongoing, RolledBack, Stopped, Successful};
    let theirs = "superseded somebody-else | over";
    let person = || seen_by(RolledBackBy::Person);
    check(vec![
        ("after we had updated it",            asked(-60), recorded(&[("web:8", Ongoing), ("web:7", Stopped), ("web:8", Stopped)]), theirs),
        ("… which had landed",                 asked(-60), recorded(&[("web:8", Successful), ("web:7", Successful), ("web:8", Successful)]), theirs),
        ("after we had stopped it",            stopped(-60), recorded(&[("web:8", Ongoing), ("web:8", RolledBack)]), theirs),
        ("after a person had put it back",     person().began(-60), recorded(&[("web:8", Ongoing), ("web:7", Stopped), ("web:8", Stopped)]), theirs),
        ("before anything was asked",          unasked(), recorded(&[("web:8", Ongoing), ("web:8", Stopped), ("web:7", Successful)]), ASKS),
        ("before our update, which is lost",   asked(-60), recorded(&[("web:8", Ongoing), ("web:8", Stopped), ("web:7", Successful)]), ASKS),
        ("… and nothing of it is recorded",    asked(-60), recorded(&[]), ASKS),
        ("… and the history gives no answer",  asked(-60), again().change(|seen| seen.history = unavailable()), ASKS),
    ]);
}

#[test]
#[rustfmt::skip]
fn a_hook_waits_for_a_person_on_the_way_back() {
    let at_hook = |seen: Seen| seen.history(|record| {
        record.status = RecordStatus::RollingBack;
        record.paused_at = Some(hook());
    });
    check(vec![
        ("before the old one is primary",  stopped(-60), at_hook(stoppable()), "rolling-back alarm-fired to web:7 stopped -60s paused hook-1 | wait 30s paused-hook"),
        ("after it is",                    stopped(-60), at_hook(to("web:7", -3600, UNDER_WAY)), "rolling-back alarm-fired to web:7 stopped -60s paused hook-1 | wait 30s paused-hook"),
        ("an update waits likewise",       asked(-60), back(UNDER_WAY).history(|record| {
            record.target = "web:7".to_owned();
            record.paused_at = Some(hook());
        }), "rolling-back alarm-fired to web:7 asked -60s paused hook-1 | wait 30s paused-hook"),
        ("too long",                       stopped(-60).began(-1800), at_hook(stoppable()), TOO_LONG),
    ]);
}

#[test]
#[rustfmt::skip]
fn where_it_lands() {
    let beside = || back(DONE).service(|service| {
        service.deployments.push(ServiceDeployment { primary: false, ..deployment("web:8", "ecs-svc/8", -400) });
    });
    check(vec![
        ("on the last good one, asked for",            asked(-60), back(DONE), "rolled-back alarm-fired to web:7 by Pushboat | over"),
        ("… while the bad one drains",                 asked(-60), beside(), "rolling-back alarm-fired to web:7 asked -60s | wait 30s way-back"),
        ("… by ECS",                                   seen_by(RolledBackBy::Ecs), back(DONE), "rolled-back alarm-fired to web:7 by Ecs | over"),
        ("… by a person",                              seen_by(RolledBackBy::Person), back(DONE), "rolled-back alarm-fired to web:7 by Person | over"),
        ("… before we asked: a person was faster",     unasked(), back(DONE), "rolled-back alarm-fired to web:7 by Person | over"),
        ("… ECS was faster",                           unasked(), back(UNDER_WAY).primary(|one| one.state_reason = "rolling back to deploymentId ecs-svc/7".to_owned()), "rolling-back alarm-fired to web:7 seen by Ecs | wait 30s way-back"),
        ("… ECS gives it up too",                      asked(-60), back(GIVEN_UP), "halted way-back-failed alarm-fired | over"),
        ("a stale read shows what ran before ours",    asked(-60), to("web:7", -3600, DONE), "rolling-back alarm-fired to web:7 asked -60s | wait 15s aws"),
        ("… before anything was asked for",            unasked(), to("web:7", -3600, DONE), "rolling-back alarm-fired to web:7 unasked | wait 15s aws"),
    ]);
}

/// That ECS rolls back was seen without its history, which says who wanted it.
#[test]
#[rustfmt::skip]
fn the_history_tells_later_who_had_ecs_go_back() {
    let failed = || seen_by(RolledBackBy::Ecs).because(Failure::DeploymentFailed {
        reason: "rolling back to deploymentId ecs-svc/7".to_owned(),
        platform: None,
    });
    let ecs = || seen_by(RolledBackBy::Ecs);
    let stopped = |state, by_ecs| back(state).history(|record| {
        record.status = match state { DONE => RecordStatus::RolledBack, _ => RecordStatus::RollingBack };
        record.failed_by_ecs = by_ecs;
    });
    check(vec![
        ("a person did, and nothing failed",     failed(), stopped(UNDER_WAY, false), "rolling-back put-back-by-hand to web:7 seen by Person | wait 30s way-back"),
        ("… and it is done",                     failed(), stopped(DONE, false), "rolled-back put-back-by-hand to web:7 by Person | over"),
        ("… after an alarm fired",               ecs(), stopped(DONE, false), "rolled-back alarm-fired to web:7 by Person | over"),
        ("ECS did",                              failed(), stopped(DONE, true), "rolled-back deployment-failed to web:7 by Ecs | over"),
    ]);
}

#[test]
#[rustfmt::skip]
fn ecs_goes_back_by_itself() {
    let ecs = || seen_by(RolledBackBy::Ecs);
    let again = || elsewhere(DONE).primary(|primary| primary.id = "ecs-svc/10".to_owned());
    let put_right = || asked(-60).corrected("ecs-svc/9");
    let draining = || elsewhere(DONE).service(|service| {
        service.deployments.push(ServiceDeployment { primary: false, ..deployment("web:8", "ecs-svc/8", -400) });
    });
    let same = || {
        elsewhere(DONE).history(|record| {
            record.arn = "sd/10".to_owned();
            record.target = "web:7".to_owned();
            record.status = RecordStatus::RolledBack;
            record.failed_by_ecs = true;
        })
    };
    check(vec![
        ("to the last good one",                           ecs(), back(UNDER_WAY), "rolling-back alarm-fired to web:7 seen by Ecs | wait 30s way-back"),
        ("… which is not shown yet",                       ecs().began(-10), ours(), "rolling-back alarm-fired to web:7 seen by Ecs | wait 20s read-lag"),
        ("elsewhere: it is not competed with",             ecs(), elsewhere(UNDER_WAY), "rolling-back alarm-fired to web:7 seen by Ecs | wait 30s way-back"),
        ("… also after we asked",                          asked(-60), elsewhere(UNDER_WAY), "rolling-back alarm-fired to web:7 asked -60s | wait 30s way-back"),
        ("… while the bad one drains",                     ecs(), draining(), "rolling-back alarm-fired to web:7 seen by Ecs | wait 30s way-back"),
        ("elsewhere, and done: put right",                 ecs(), elsewhere(DONE), "rolling-back alarm-fired to web:7 asked 0s corrected ecs-svc/9 | update web:7 | now"),
        ("… which is not shown yet",                       asked(-10).corrected("ecs-svc/9"), elsewhere(DONE), "rolling-back alarm-fired to web:7 asked -10s corrected ecs-svc/9 | wait 20s read-lag"),
        ("… which was turned away",                        turned_away().corrected("ecs-svc/9"), elsewhere(DONE), "rolling-back alarm-fired to web:7 asked 0s corrected ecs-svc/9 | update web:7 | now"),
        ("… which never arrived",                          put_right(), elsewhere(DONE), "rolling-back alarm-fired to web:7 asked 0s corrected ecs-svc/9 | update web:7 | now"),
        ("… and it lands",                                 put_right(), back(DONE), "rolled-back alarm-fired to web:7 by Pushboat | over"),
        ("elsewhere again, under way",                     put_right(), again().primary(|one| one.state = UNDER_WAY), "rolling-back alarm-fired to web:7 asked -60s corrected ecs-svc/9 | wait 30s way-back"),
        ("elsewhere again: a person must decide",          put_right(), again(), "halted went-elsewhere alarm-fired | over"),
        ("… also under the same id",                       put_right(), same(), "halted went-elsewhere alarm-fired | over"),
        ("elsewhere, at the deadline",                     ecs().began(-1800), elsewhere(DONE), TOO_LONG),
    ]);
}

/// Ours runs again, because the way back was itself taken back.
fn taken_back(status: RecordStatus, by_ecs: bool) -> Seen {
    ours().history(|record| {
        record.arn = "sd/9".to_owned();
        record.target = "web:7".to_owned();
        record.status = status;
        record.failed_by_ecs = by_ecs;
    })
}

#[test]
#[rustfmt::skip]
fn the_way_back_is_taken_back() {
    let put_right = |arn| asked(-60).corrected(arn);
    let by_ecs = || taken_back(RecordStatus::RolledBack, true);
    let again = || ours().change(|seen| seen.own_revision = Look::Taken(Some("web:9".to_owned())));
    let registered = || again().history(|record| {
        record.target = "web:9".to_owned();
        record.status = RecordStatus::RolledBack;
        record.failed_by_ecs = true;
    });
    check(vec![
        ("under way: it is not competed with",      asked(-60), taken_back(RecordStatus::RollingBack, true), "rolling-back alarm-fired to web:7 asked -60s | wait 30s way-back"),
        ("by ECS: put right",                       asked(-60), by_ecs(), "rolling-back alarm-fired to web:7 asked 0s corrected sd/9 | update web:7 | now"),
        ("… registered again",                      asked(-60), registered(), "rolling-back alarm-fired to web:7 asked 0s corrected sd/8 | update web:7 | now"),
        ("… which is not shown yet",                asked(-10).corrected("sd/9"), by_ecs(), "rolling-back alarm-fired to web:7 asked -10s corrected sd/9 | wait 20s read-lag"),
        ("… which never arrived",                   put_right("sd/9"), by_ecs(), "rolling-back alarm-fired to web:7 asked 0s corrected sd/9 | update web:7 | now"),
        ("… and again: a person must decide",       put_right("sd/6"), by_ecs(), "halted went-elsewhere alarm-fired | over"),
        ("… after ECS had gone elsewhere",          put_right("ecs-svc/9"), by_ecs(), "halted went-elsewhere alarm-fired | over"),
        ("by a person: they want ours",             asked(-60), taken_back(RecordStatus::RolledBack, false), "superseded somebody-else | over"),
        ("ended otherwise: asked for again",        asked(-60), taken_back(RecordStatus::Stopped, false), ASKS),
        ("at the deadline",                         asked(-60).began(-1800), by_ecs(), TOO_LONG),
    ]);
}

#[test]
#[rustfmt::skip]
fn the_last_good_revision_is_gone() {
    let registered = || inactive().change(|seen| seen.own_revision = Look::Taken(Some("web:9".to_owned())));
    let deleted = || ours().change(|seen| seen.definition = unavailable());
    let no_text = |look| inactive().change(|seen| seen.good_definition = look);
    let runs_again = |state| to("web:9", -50, state).change(|seen| seen.own_revision = Look::Taken(Some("web:9".to_owned())));
    let unknown = || to("web:9", -5, UNDER_WAY).change(|seen| seen.definition = Look::Taken(kept("INACTIVE")));
    check(vec![
        ("INACTIVE: registered again",              unasked(), inactive(), REGISTERS),
        ("deleted: registered again",               unasked(), deleted(), REGISTERS),
        ("… and found by its tag",                  asked(-30), registered(), "rolling-back alarm-fired to web:7 asked 0s | update web:9 | now"),
        ("… within the read lag nothing is sent",   asked(-29), registered(), "rolling-back alarm-fired to web:7 asked -29s | wait 1s read-lag"),
        ("… and asked for: it is the way back",     asked(-10), runs_again(UNDER_WAY), "rolling-back alarm-fired to web:9 asked -10s | now"),
        ("… and landed",                            asked(-60), runs_again(DONE), "rolling-back alarm-fired to web:9 asked -60s | now"),
        ("… its tag not readable yet",              asked(-10), unknown(), "rolling-back alarm-fired to web:7 asked -10s | wait 20s read-lag"),
        ("… still not after the lag: not ours",     asked(-30), unknown(), "superseded somebody-else | over"),
        ("no text in the ledger",                   unasked(), no_text(Look::Taken(None)), "rolling-back alarm-fired to web:7 unasked | wait 15s aws"),
        ("the ledger gives no answer",              unasked(), no_text(unavailable()), "rolling-back alarm-fired to web:7 unasked | wait 15s aws"),
        ("not looked at",                           unasked(), ours().change(|seen| seen.definition = Look::NotTaken), "rolling-back alarm-fired to web:7 unasked | wait 15s aws"),
    ]);
}

#[test]
#[rustfmt::skip]
fn a_way_back_that_failed_before_is_tried_once_more_when_a_person_asks() {
    let by_person = |given: Given| given.because(Failure::AskedByOperator);
    let asked_now = || by_person(unasked());
    let again = || by_person(asked(-30)).corrected("ecs-svc/9");
    let found = || back(GIVEN_UP).change(|seen| seen.own_revision = Look::Taken(Some("web:9".to_owned())));
    let stopped = || to("web:7", -3600, GIVEN_UP).recorded(RecordStatus::RollbackFailed);
    let by_ecs = || stopped().history(|record| {
        record.status = RecordStatus::RollbackFailed;
        record.failed_by_ecs = true;
    });
    let registers = "rolling-back asked-by-operator to web:7 asked 0s corrected ecs-svc/9 | register, update | now";
    let halts = "halted way-back-failed alarm-fired | over";
    check(vec![
        ("under a revision of its own",   asked_now(), back(GIVEN_UP), registers),
        ("… which is not shown yet",      by_person(asked(-29)).corrected("ecs-svc/9"), back(GIVEN_UP), "rolling-back asked-by-operator to web:7 asked -29s corrected ecs-svc/9 | wait 1s read-lag"),
        ("… which never arrived",         again(), back(GIVEN_UP), registers),
        ("… registered before",           again(), found(), "rolling-back asked-by-operator to web:7 asked 0s corrected ecs-svc/9 | update web:9 | now"),
        ("… and another one failed",      by_person(asked(-30)).corrected("ecs-svc/6"), back(GIVEN_UP), "halted way-back-failed asked-by-operator | over"),
        ("at the deadline",               again().began(-1800), back(GIVEN_UP), "halted way-back-too-long asked-by-operator | over"),
        ("without the ledger's text",     asked_now(), back(GIVEN_UP).change(|seen| seen.good_definition = unavailable()), "rolling-back asked-by-operator to web:7 unasked corrected ecs-svc/9 | wait 15s aws"),
        ("… also what somebody stopped",  asked_now(), stopped(), registers),
        ("unasked: a person put it back", unasked(), back(GIVEN_UP), halts),
        ("… stopped ours",                unasked(), stopped(), halts),
        ("… ECS took ours back",          unasked(), by_ecs(), halts),
    ]);
}

/// Revision 7 names its image by the tag `v1`, which stood for `a` when it was good.
fn by_tag(seen: Seen) -> Seen {
    let mut good = Definition::clone(&kept("ACTIVE"));
    let image = format!("{REGISTRY}/team/web@{}", digest('a'));
    good.raw["containerDefinitions"][0]["image"] = json!(image);
    seen.change(|seen| {
        seen.good_by_tag = true;
        seen.good_definition = Look::Taken(Some(Arc::new(good)));
    })
}

fn resolved(character: char) -> Digests {
    [("app".to_owned(), digest(character))].into()
}

#[test]
#[rustfmt::skip]
fn the_last_good_revision_names_its_image_by_a_tag() {
    let stops = "rolling-back alarm-fired to web:7 stopped 0s | stop sd/8 | now";
    let source = |characters: &[char]| {
        let digests: Vec<Digests> = characters.iter().map(|one| resolved(*one)).collect();
        by_tag(stoppable()).history(|record| record.source_digests = digests)
    };
    let landed = |status: RecordStatus, character: char| by_tag(to("web:7", -3600, DONE)).history(|record| {
        record.status = status;
        record.source_digests = vec![resolved(character)];
        record.failed_by_ecs = true;
    });
    let requested = |character| landed(RecordStatus::RolledBack, character).history(|record| {
        record.status = RecordStatus::RolledBack;
        record.source_digests = vec![resolved(character)];
    });
    let by_hand = |character: char| by_tag(back(DONE)).recorded(RecordStatus::Stopped).also_recorded(0, "web:7").change(|seen| {
        if let Look::Taken(records) = &mut seen.history {
            records[0].target_digests = resolved(character);
        }
    });
    let undone = |character: char| by_hand('a').change(|seen| {
        if let Look::Taken(records) = &mut seen.history {
            records[0].status = RecordStatus::RolledBack;
            records[0].source_digests = vec![resolved(character)];
        }
    });
    let person = || seen_by(RolledBackBy::Person);
    let again = || by_tag(ours()).change(|seen| seen.own_revision = Look::Taken(Some("web:9".to_owned())));
    let unclear = "rolling-back alarm-fired to web:7 seen by Person | wait 15s aws";
    check(vec![
        ("registered by its digest",                  unasked(), by_tag(ours()), REGISTERS),
        ("… and found by its tag",                    asked(-30), again(), "rolling-back alarm-fired to web:7 asked 0s | update web:9 | now"),
        ("stopping keeps what ECS had resolved",      unasked(), source(&['a']), stops),
        ("… to something else",                       unasked(), source(&['b']), REGISTERS),
        ("… to that and something else",              unasked(), source(&['a', 'b']), REGISTERS),
        ("… to nobody knows what",                    unasked(), source(&[]), REGISTERS),
        ("ECS went back to the image that was good",  seen_by(RolledBackBy::Ecs), landed(RecordStatus::RolledBack, 'a'), "rolled-back alarm-fired to web:7 by Ecs | over"),
        ("… to another one: put right",               seen_by(RolledBackBy::Ecs), landed(RecordStatus::RolledBack, 'b'), "rolling-back alarm-fired to web:7 asked 0s corrected ecs-svc/9 | register, update | now"),
        ("a person had ECS go back to another one",   person(), requested('b'), "superseded somebody-else | over"),
        ("… and we had it stopped: put right",        stopped(-60), requested('b'), "rolling-back alarm-fired to web:7 asked 0s corrected ecs-svc/9 | register, update | now"),
        ("a person brought the image that was good",  person(), by_hand('a'), "rolled-back alarm-fired to web:7 by Person | over"),
        ("… another one",                             person(), by_hand('b'), "superseded somebody-else | over"),
        ("… and ECS took that back, to the same",     person(), undone('a'), "rolled-back alarm-fired to web:7 by Person | over"),
        ("… to what another image ran under",         person(), undone('b'), "superseded somebody-else | over"),
        ("… and the history gives no answer",         person(), by_hand('a').change(|seen| seen.history = unavailable()), unclear),
        ("… and the definition is not shown",         person(), by_hand('a').change(|seen| seen.definition = unavailable()), unclear),
        ("… nor the ledger's text",                   person(), by_hand('a').change(|seen| seen.good_definition = unavailable()), unclear),
        ("… before ours was to be sent",              asked(-60), by_hand('b').change(|seen| seen.history = Look::NotTaken), "superseded somebody-else | over"),
    ]);
}

#[test]
fn somebodys_copy_of_what_was_registered_again_is_not_followed() {
    let to_nine = asked(-60).back(|back| back.to = "web:9".to_owned());
    let mut registered = Definition::clone(&kept("ACTIVE"));
    let tag = format!("{}.back", to_nine.0.id);
    registered.tags = json!([{ "key": "pushboat:rollout", "value": tag }]);
    let copied = to("web:10", -50, DONE).change(|seen| {
        seen.definition = Look::Taken(Arc::new(registered));
        seen.own_revision = Look::Taken(Some("web:10".to_owned()));
    });
    check(vec![(
        "it has the tag too",
        to_nine,
        copied,
        "superseded somebody-else | over",
    )]);
}

#[test]
fn what_is_registered_again_is_the_text_in_the_ledger_under_our_tags() {
    let Given(rollout) = unasked();
    let decision = decide(&rollout.policy, &rollout, &inactive().0, now());
    let Some(Action::Register(request)) = decision.actions.first() else {
        panic!("{decision:?}")
    };
    assert_eq!(
        *request,
        json!({
            "family": "web",
            "containerDefinitions": [{ "name": "app", "image": format!("{REGISTRY}/team/web:v1") }],
            "tags": [
                { "key": "team", "value": "web" },
                { "key": "pushboat:target", "value": "web" },
                { "key": "pushboat:rollout", "value": format!("{}.back", rollout.id) },
            ],
        })
    );
}

#[test]
#[rustfmt::skip]
fn somebody_else() {
    let newer = "superseded newer-push | over";
    check(vec![
        ("deployed something else",               asked(-60), to("web:9", -5, UNDER_WAY), "superseded somebody-else | over"),
        ("… before we asked",                     unasked(), to("web:9", -5, UNDER_WAY), "superseded somebody-else | over"),
        ("… after ECS went back by itself",       seen_by(RolledBackBy::Ecs), to("web:9", -5, DONE), "superseded somebody-else | over"),
        ("… a stale read shows an older one",     asked(-60), to("web:6", -3600, DONE), "rolling-back alarm-fired to web:7 asked -60s | wait 15s aws"),
        ("being deleted",                         asked(-60), ours().service(|one| one.active = false), "superseded service-gone | over"),
        ("deleted",                               asked(-60), ours().service_look(Look::Taken(ServiceLook::Missing)), "superseded service-gone | over"),
        ("deleted with its cluster",              asked(-60), ours().service_look(Look::Taken(ServiceLook::ClusterMissing)), "superseded service-gone | over"),
        ("pushed something newer",                asked(-60), back(UNDER_WAY).newer(), newer),
        ("… which may be refused: asked first",   unasked(), ours().newer(), ASKS),
        ("… which waits for a look that lags",    unasked(), ours().service_look(unavailable()).newer(), "rolling-back alarm-fired to web:7 unasked | wait 15s aws"),
    ]);
}

#[test]
#[rustfmt::skip]
fn no_answer_and_the_deadline() {
    let silent = || ours().service_look(unavailable());
    let late = |given: Given| given.began(-1800);
    check(vec![
        ("about the service",                    asked(-60), silent(), "rolling-back alarm-fired to web:7 asked -60s | wait 15s aws"),
        ("no primary deployment",                asked(-60), ours().service(|one| one.deployments.clear()), "rolling-back alarm-fired to web:7 asked -60s | wait 15s aws"),
        ("a second before the deadline",         asked(-60).began(-1799), back(UNDER_WAY), "rolling-back alarm-fired to web:7 asked -60s | wait 30s way-back"),
        ("at the deadline",                      late(asked(-60)), back(UNDER_WAY), TOO_LONG),
        ("… no answer",                          late(asked(-60)), silent(), TOO_LONG),
        ("… nothing more is sent",               late(turned_away()), ours(), TOO_LONG),
        ("… ECS is at it",                       late(seen_by(RolledBackBy::Ecs)), elsewhere(UNDER_WAY), TOO_LONG),
        ("… but landed counts",                  late(asked(-60)), back(DONE), "rolled-back alarm-fired to web:7 by Pushboat | over"),
    ]);
}
