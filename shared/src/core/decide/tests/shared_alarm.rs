//! An alarm fires that other targets watch too.

use super::*;

const BACK: &str = "rolling-back alarm-fired to web:7 unasked | now";
const WAITS: &str = "baking ecs-svc/8 until 60s | wait 30s shared-alarm";

/// Ours was deployed 400 seconds ago.
fn earlier() -> SharerStanding {
    SharerStanding::UnderWay {
        deployed_at: at(-500),
        fired: true,
    }
}

fn later() -> SharerStanding {
    SharerStanding::UnderWay {
        deployed_at: at(-300),
        fired: true,
    }
}

/// It did not see the alarm, or not yet.
fn unaware() -> SharerStanding {
    SharerStanding::UnderWay {
        deployed_at: at(-300),
        fired: false,
    }
}

fn back(deployed: i64) -> SharerStanding {
    SharerStanding::GoingBack {
        deployed_at: at(deployed),
    }
}

const IDLE: SharerStanding = SharerStanding::Idle;

impl Seen {
    /// These targets watch the alarm too.
    fn shared(self, sharers: &[(&str, SharerStanding)]) -> Self {
        let sharers = sharers.iter().map(|(name, standing)| Sharer {
            alarm: "5xx".to_owned(),
            target: TargetName::parse(name).unwrap(),
            standing: *standing,
        });
        let sharers = sharers.collect();
        self.change(|seen| seen.alarm_sharers = Look::Taken(sharers))
    }

    fn window(self, seconds: u32) -> Self {
        self.change(|seen| match &mut seen.alarms {
            Look::Taken(alarms) => alarms[0].window_seconds = Some(seconds),
            _ => panic!("no alarm is seen"),
        })
    }
}

/// The alarm fires, and `api` watches it too.
fn fires(standing: SharerStanding) -> Seen {
    baking::well()
        .alarm(AlarmState::Alarm)
        .shared(&[("api", standing)])
}

/// The alarm is OK again, and `api` watches it too.
fn fine(standing: SharerStanding) -> Seen {
    baking::well().shared(&[("api", standing)])
}

impl Given {
    fn watch(mut self, sharing: Option<Sharing>) -> Self {
        let start = self.0.phase.start_mut().unwrap();
        start.alarms[0].fired = true;
        start.alarms[0].sharing = sharing;
        self
    }

    /// It has yielded to `api` since then.
    fn yields(self, since: i64, gone_back: bool, settles_from: Option<i64>) -> Self {
        let api = TargetName::parse("api").unwrap();
        let turn = Turn::Yields {
            to: api.clone(),
            since: at(since),
            gone_back: gone_back.then(|| api.clone()),
            gone_back_at: gone_back.then_some(at(since)),
            settles_from: settles_from.map(at),
        };
        let with = vec![api];
        self.watch(Some(Sharing { with, turn }))
    }
}

fn given() -> Given {
    baking::ends(60)
}

#[test]
#[rustfmt::skip]
fn whose_turn_it_is() {
    let named = |name: &str| fires(IDLE).shared(&[(name, SharerStanding::UnderWay { deployed_at: at(-400), fired: true })]);
    let flapped = || given().watch(None);
    let another = || fires(IDLE).change(|seen| match &mut seen.alarm_sharers {
        Look::Taken(sharers) => sharers[0] = Sharer { alarm: "cpu".to_owned(), standing: later(), ..sharers[0].clone() },
        _ => panic!("nobody is seen"),
    });
    check(vec![
        ("nobody else watches it",              given(), fires(IDLE).shared(&[]), BACK),
        ("nothing of theirs is under way",      given(), fires(IDLE), BACK),
        ("ours was deployed later",             given(), fires(earlier()), BACK),
        ("theirs was",                          given(), fires(later()), WAITS),
        ("… and has not noticed yet",           given(), fires(unaware()), WAITS),
        ("… and is on its way back",            given(), fires(back(-300)), WAITS),
        ("theirs was before, and goes back",    given(), fires(back(-500)), WAITS),
        ("both at once: the name decides",      given(), named("api"), BACK),
        ("… for one of them",                   given(), named("zoo"), WAITS),
        ("one of several was deployed later",   given(), fires(IDLE).shared(&[("a", earlier()), ("b", later()), ("c", IDLE)]), WAITS),
        ("another alarm is shared",             given(), another(), BACK),
        ("who watches it could not be read",    given(), fires(IDLE).change(|seen| seen.alarm_sharers = unavailable()), BACK),
        ("it is OK again: the latest goes",     flapped(), fine(earlier()), BACK),
        ("… ours is not",                       flapped(), fine(later()), WAITS),
        ("nothing was proven good",             given(), fires(later()).nothing_good(), WAITS),
        ("a newer push may be the fix",         given(), fires(later()).newer(), BACK),
        ("its tasks fail too",                  given().stopped(stopped_tasks::crashed("1")).stopped(stopped_tasks::crashed("2")), fires(later()), "rolling-back tasks-fail to web:7 unasked | now"),
        ("the bake time is over",               baking::ends(-90), fires(later()), "baking ecs-svc/8 until -90s | wait 30s shared-alarm"),
        ("somebody else deployed",              given(), fires(later()).primary(|one| { one.task_definition = "web:9".to_owned(); one.created_at = at(-5); }), "superseded somebody-else | over"),
        ("no answer about the service",         given(), fires(later()).service_look(unavailable()), "baking ecs-svc/8 until 60s | wait 15s aws"),
    ]);
}

#[test]
#[rustfmt::skip]
fn nobody_waits_for_ever() {
    let soon = "baking ecs-svc/8 until 60s | wait 1s shared-alarm";
    let blind = || fires(IDLE).change(|seen| seen.alarm_sharers = unavailable());
    check(vec![
        ("they are still on their way back",    given().yields(-900, true, None), fires(back(-300)), WAITS),
        ("… half an hour later, but a second",  given().yields(-1799, true, None), fires(back(-300)), soon),
        ("… half an hour later",                given().yields(-1800, true, None), fires(back(-300)), BACK),
        ("… though the alarm is OK",            given().yields(-1800, true, None), fine(back(-300)), BACK),
        ("they wait themselves",                given().yields(-900, false, None), fires(later()), WAITS),
        ("they do not notice",                  given().yields(-119, false, None), fires(unaware()), WAITS),
        ("… for two minutes",                   given().yields(-120, false, None), fires(unaware()), BACK),
        ("… the alarm is OK, nobody goes back", given().yields(-120, false, None), fine(unaware()), BACK),
        ("they cannot be looked at",            given().yields(-1799, false, None), blind(), soon),
        ("… half an hour later",                given().yields(-1800, false, None), blind(), BACK),
        ("… and a newer push waits",            given().yields(-900, false, None), blind().newer(), BACK),
        ("they are over without going back",    given().yields(-20, false, None), fires(IDLE), BACK),
        ("… and the alarm is OK",               given().yields(-20, false, None), fine(IDLE), BACK),
    ]);
}

#[test]
#[rustfmt::skip]
fn once_the_others_have_gone_back() {
    let gone = |settles_from| given().yields(-600, true, settles_from);
    let soon = "baking ecs-svc/8 until 60s | wait 1s shared-alarm";
    let anew = "baking ecs-svc/8 until 300s | wait 30s bake-time";
    let long = || baking::ends(900).yields(-600, true, None);
    let silent = || fires(IDLE).alarms_unavailable();
    check(vec![
        ("it is OK",                            gone(None), fine(IDLE), anew),
        ("… after some time",                   gone(Some(-299)), fine(IDLE), anew),
        ("… at the last moment",                gone(Some(-300)), fine(IDLE), anew),
        ("… and the bake time was over",        baking::ends(-400).yields(-600, true, None), fine(IDLE), anew),
        ("… and has longer to go",              long(), fine(IDLE), "baking ecs-svc/8 until 900s | wait 30s bake-time"),
        ("… the next latest was acquitted too", gone(None), fine(unaware()), anew),
        ("it fires on",                         gone(None), fires(IDLE), WAITS),
        ("… four minutes and 59 seconds",       gone(Some(-299)), fires(IDLE), soon),
        ("… five minutes",                      gone(Some(-300)), fires(IDLE), BACK),
        ("… an alarm of a minute's window",     gone(Some(-359)), fires(IDLE).window(60), soon),
        ("… for six minutes",                   gone(Some(-360)), fires(IDLE).window(60), BACK),
        ("… an alarm of a day's window",        given().yields(-1799, true, Some(-900)), fires(IDLE).window(86_400), soon),
        ("it lacks data",                       gone(Some(-299)), fires(IDLE).alarm(AlarmState::InsufficientData), soon),
        ("… five minutes",                      gone(Some(-300)), fires(IDLE).alarm(AlarmState::InsufficientData), BACK),
        ("it cannot be seen",                   gone(Some(-299)), silent(), soon),
        ("… five minutes",                      gone(Some(-300)), silent(), BACK),
        ("the next latest has to settle too",   gone(Some(-300)), fires(later()), WAITS),
        ("… and goes back",                     gone(Some(-300)), fires(back(-300)), WAITS),
    ]);
}

#[test]
#[rustfmt::skip]
fn while_ecs_is_still_replacing_tasks() {
    let waits = "progressing web:8 ecs-svc/8 | wait 30s shared-alarm";
    let standing = SharerStanding::UnderWay { deployed_at: at(-5), fired: true };
    let fires = || progressing::under_way().alarm(AlarmState::Alarm).shared(&[("api", standing)]);
    let done = || fires().service(|service| { service.deployments.truncate(1); service.deployments[0].state = DeploymentState::Completed; });
    let late = || progressing::asked(-1800);
    check(vec![
        ("another goes first",                  progressing::given(), fires(), waits),
        ("… and ours is done meanwhile",        progressing::given(), done(), "baking ecs-svc/8 until 300s | wait 30s bake-time"),
        ("… and is too late",                   late(), fires(), "rolling-back deadline-reached to web:7 unasked | now"),
        ("it is OK after that",                 progressing::given().yields(-40, true, None), progressing::under_way().shared(&[("api", IDLE)]), progressing::WAITS),
    ]);
}

/// What is remembered of the alarm after a look.
fn remembered(Given(rollout): &Given, Seen(seen): &Seen) -> AlarmWatch {
    let decision = decide(&rollout.policy, rollout, seen, now());
    let start = decision.phase.start().cloned();
    start.unwrap().alarms[0].clone()
}

#[test]
fn what_is_remembered_of_it() {
    let api = TargetName::parse("api").unwrap();
    let watch = remembered(&given(), &fires(later()));
    let yields = |gone_back: Option<&TargetName>, settles_from| Turn::Yields {
        to: api.clone(),
        since: now(),
        gone_back: gone_back.cloned(),
        gone_back_at: gone_back.map(|_| now()),
        settles_from,
    };
    assert!(watch.fired);
    let sharing = watch.sharing.unwrap();
    assert_eq!(sharing.with, std::slice::from_ref(&api));
    assert_eq!(sharing.turn, yields(None, None));

    let watch = remembered(&given(), &fires(back(-300)));
    assert_eq!(watch.sharing.unwrap().turn, yields(Some(&api), None));

    let settling = given().yields(0, true, None);
    let watch = remembered(&settling, &fires(IDLE));
    let from = Some(now());
    assert_eq!(watch.sharing.unwrap().turn, yields(Some(&api), from));

    let watch = remembered(&given(), &fires(earlier()));
    assert_eq!(watch.sharing.unwrap().turn, Turn::Own);

    let ok = fine(IDLE).change(|seen| match &mut seen.alarms {
        Look::Taken(alarms) => alarms[0].since = Some(at(-7)),
        _ => panic!("no alarm is seen"),
    });
    let mut watch = remembered(&settling, &ok);
    assert!(!watch.fired);
    let until = Some(at(-7));
    let acquitted = Turn::Acquitted { after: api, until };
    assert_eq!(watch.sharing.as_ref().unwrap().turn, acquitted);

    // What is told late is old news; what is told after that counts.
    watch.note_change(AlarmState::Alarm, at(-7));
    assert!(!watch.fired);
    watch.note_change(AlarmState::Alarm, at(-6));
    assert!(watch.fired);

    // Nobody could look meanwhile: what fired long after that one went back is no deed of its.
    let long_ago = given().yields(-400, true, None);
    for (second, fired) in [(-100, false), (-99, true)] {
        let mut watch = remembered(&long_ago, &ok);
        watch.note_change(AlarmState::Alarm, at(second));
        assert_eq!(watch.fired, fired, "{second}");
    }
}

#[test]
fn of_two_alarms_the_one_that_is_not_shared_counts_at_once() {
    let Given(mut rollout) = given();
    let cpu = AlarmSeen {
        name: "cpu".to_owned(),
        state: Some(AlarmState::Ok),
        ..AlarmSeen::default()
    };
    let watches = AlarmWatch::begin(std::slice::from_ref(&cpu));
    let start = rollout.phase.start_mut().unwrap();
    start.alarms.extend(watches);
    let Seen(seen) = fires(later()).change(|seen| match &mut seen.alarms {
        Look::Taken(alarms) => alarms.push(AlarmSeen {
            state: Some(AlarmState::Alarm),
            ..cpu
        }),
        _ => panic!("no alarm is seen"),
    });
    let decision = decide(&rollout.policy, &rollout, &seen, now());
    let Phase::RollingBack { failure, .. } = decision.phase else {
        panic!("{decision:?}")
    };
    let alarms = vec!["cpu".to_owned()];
    assert_eq!(failure, Failure::AlarmFired { alarms });
}

#[test]
fn whoever_else_watches_an_alarm_is_asked_for_once_it_fired_during_the_watch() {
    let fired = |phase, alarms| super::super::fired_alarms(&Given::new(phase).0, &alarms);
    let fires = || Look::Taken(alarm(AlarmState::Alarm));
    let fine = || Look::Taken(alarm(AlarmState::Ok));
    for phase in [progressing::phase(-60), baking::phase(60, None)] {
        assert_eq!(fired(phase.clone(), fires()), ["5xx"]);
        assert!(fired(phase.clone(), fine()).is_empty());
        assert!(fired(phase.clone(), unavailable()).is_empty());
        let Given(remembers) = Given::new(phase).watch(None);
        assert_eq!(fired(remembers.phase.clone(), fine()), ["5xx"]);
        assert_eq!(fired(remembers.phase, Look::NotTaken), ["5xx"]);
    }
    let unwatched = [
        requested::phase(None),
        starting::phase(None, None),
        rolling_back::phase(Way::Unasked),
    ];
    for phase in unwatched {
        assert!(fired(phase, fires()).is_empty());
    }
}
