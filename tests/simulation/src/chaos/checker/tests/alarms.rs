//! Alarms that take versions back, and those that targets share.

use jiff::SignedDuration;
use pushboat::core::failure::Failure;

use super::*;
use crate::deeds::Saved;

const OK: AlarmState = AlarmState::Ok;
const ALARM: AlarmState = AlarmState::Alarm;

fn turn(checker: &mut Checker, name: &str, second: i64, state: AlarmState) {
    checker.take(&Deed::AlarmTurned {
        at: at(second),
        name: name.to_owned(),
        state,
    });
}

/// Both targets share an alarm, `api` was deployed later, and it has a rollout that bakes.
fn shared() -> Checker {
    let mut checker = checker(Tags::Pattern);
    let mut terms = checker.targets[&web()].terms.clone();
    terms.service = api_rollout(baking('b')).policy.service.clone();
    checker.watch(api(), terms);
    save(&mut checker, of_web(Some(baking('a')), 120));
    save(&mut checker, of_api(baking('b'), 130));
    turn(&mut checker, "shared", 50, OK);
    checker
}

fn api() -> TargetName {
    TargetName::parse("api").unwrap()
}

fn ours() -> Rollout {
    rollout("main-1", 'a', 10, baking('a'))
}

fn api_rollout(phase: Phase) -> Rollout {
    let mut rollout = rollout("main-2", 'b', 20, phase);
    rollout.policy.target = api();
    rollout.policy.service.name = "api".to_owned();
    let later = SignedDuration::from_secs(10);
    if let Phase::Baking { running, .. } | Phase::RollingBack { running, .. } = &mut rollout.phase {
        running.deployment_created_at += later;
    }
    rollout
}

fn of_web(phase: Option<Phase>, second: i64) -> Saved {
    let current = phase.map(|phase| Rollout { phase, ..ours() });
    let mut write = saved(state(current), Vec::new(), None);
    write.at = at(second);
    write
}

fn of_api(phase: Phase, second: i64) -> Saved {
    let mut write = saved(state(Some(api_rollout(phase))), Vec::new(), None);
    write.target = api();
    write.at = at(second);
    write
}

fn back_for(alarm: &str, character: char) -> Phase {
    let Phase::RollingBack {
        start,
        running,
        back,
        ..
    } = rolling_back(character)
    else {
        panic!("it goes back")
    };
    Phase::RollingBack {
        start,
        running,
        failure: Failure::AlarmFired {
            alarms: vec![alarm.to_owned()],
        },
        back,
    }
}

/// Tells a target that the alarm fired at `fired`, in an invocation without a fault.
fn tell(checker: &mut Checker, target: TargetName, fired: i64, second: i64) {
    checker.take(&Deed::Received {
        at: at(second),
        target: target.clone(),
        sent_at: at(second),
    });
    checker.take(&Deed::AlarmHeard {
        target: target.clone(),
        name: "shared".to_owned(),
        fired: true,
        changed_at: at(fired),
    });
    end(checker, target, second, 0);
}

fn end(checker: &mut Checker, target: TargetName, second: i64, faults: usize) {
    checker.take(&Deed::Invoked(Invoked {
        target,
        ..invocation(second, 3, faults)
    }));
}

#[test]
fn a_version_that_goes_back_for_an_alarm_that_did_not_fire_is_reported() {
    // It starts at 100.
    for (turns, reported) in [
        (&[(50, OK)][..], true),
        (&[(50, ALARM)], true),
        (&[(50, OK), (60, ALARM), (90, OK)], true),
        (&[(50, OK), (200, ALARM)], false),
        (&[(50, ALARM), (200, OK), (210, ALARM)], false),
        (
            &[
                (50, ALARM),
                (200, AlarmState::InsufficientData),
                (210, ALARM),
            ],
            true,
        ),
        (
            &[
                (50, ALARM),
                (60, AlarmState::InsufficientData),
                (210, ALARM),
            ],
            false,
        ),
    ] {
        let mut checker = checker(Tags::Pattern);
        for (second, state) in turns {
            turn(&mut checker, "5xx", *second, *state);
        }
        save(&mut checker, of_web(Some(baking('a')), 120));
        save(&mut checker, of_web(Some(back_for("5xx", 'a')), 300));
        match reported {
            true => assert_reported(&checker, "alarms"),
            false => assert_quiet(&checker),
        }
    }
}

/// It starts at 100 by our clock, which may be ten seconds off CloudWatch's.
#[test]
fn what_an_alarm_was_about_when_it_started_is_taken_for_what_was_seen() {
    let none = AlarmState::InsufficientData;
    for (turns, apart, reported) in [
        (&[(50, ALARM), (98, none), (99, ALARM)][..], 0, true),
        (&[(50, ALARM), (98, none), (99, ALARM)], 10, false),
        (&[(50, ALARM), (104, none), (108, ALARM)], 10, false),
        (&[(50, ALARM), (112, none), (118, ALARM)], 10, true),
        (&[(50, ALARM)], 10, true),
    ] {
        let mut checker = checker(Tags::Pattern);
        checker.skew = SignedDuration::from_secs(apart);
        for (second, state) in turns {
            turn(&mut checker, "5xx", *second, *state);
        }
        save(&mut checker, of_web(Some(baking('a')), 120));
        save(&mut checker, of_web(Some(back_for("5xx", 'a')), 300));
        match reported {
            true => assert_reported(&checker, "alarms"),
            false => assert_quiet(&checker),
        }
    }
}

/// It looks at the alarms at 100, is held at 300, and is said to have started then. The update had
/// arrived, or is sent again.
#[test]
fn what_fired_under_a_hold_takes_back_what_was_deployed_before_it() {
    for (fired, apart, again, reported) in [
        (150, 0, false, false),
        (150, 10, false, false),
        (60, 0, false, true),
        (150, 0, true, true),
        (330, 0, true, false),
    ] {
        let mut checker = checker(Tags::Pattern);
        checker.skew = SignedDuration::from_secs(apart);
        turn(&mut checker, "5xx", 50, OK);
        turn(&mut checker, "5xx", fired, ALARM);
        // Its own clock may be behind.
        let behind = if apart > 0 { 4 } else { 0 };
        for (phase, second) in [
            (starting('a'), 100),
            (starting('a'), 300),
            (
                if again {
                    sent_again('a')
                } else {
                    starting('a')
                },
                310,
            ),
            (back_for("5xx", 'a'), 400),
        ] {
            let received = Deed::Received {
                at: at(second),
                target: web(),
                sent_at: at(second),
            };
            checker.take(&received);
            let started_at = second.min(300) - behind;
            save(
                &mut checker,
                of_web(Some(started(phase, started_at)), second),
            );
        }
        match reported {
            true => assert_reported(&checker, "alarms"),
            false => assert_quiet(&checker),
        }
    }
}

fn sent_again(character: char) -> Phase {
    Phase::Starting {
        start: start(character),
        revision: None,
        update_intended_at: Some(at(310)),
    }
}

fn started(mut phase: Phase, second: i64) -> Phase {
    let (Phase::Starting { start, .. } | Phase::RollingBack { start, .. }) = &mut phase else {
        panic!("{phase:?}")
    };
    let mut moved = (**start).clone();
    moved.at = at(second);
    *start = moved.into();
    phase
}

/// It is deployed from 200 on; what its update was sent on was seen then.
#[test]
fn nobody_waits_for_what_is_deployed_on_a_firing_alarm() {
    for (fired, reported) in [(199, false), (201, true)] {
        let mut checker = shared();
        let mut later = baking('b');
        if let Phase::Baking { running, .. } = &mut later {
            running.asked_at = at(200);
        }
        save(&mut checker, of_api(later, 200));
        turn(&mut checker, "shared", fired, ALARM);
        tell(&mut checker, api(), fired, 202);
        save(&mut checker, of_web(Some(back_for("shared", 'a')), 210));
        end(&mut checker, web(), 210, 0);
        match reported {
            true => assert_reported(&checker, "shared"),
            false => assert_quiet(&checker),
        }
    }
}

#[test]
fn who_goes_back_before_the_latest_is_reported() {
    let goes = |api_knows: bool, second: i64, faults: usize, waits: bool| {
        let mut checker = shared();
        turn(&mut checker, "shared", 200, ALARM);
        if api_knows {
            tell(&mut checker, api(), 200, 201);
        }
        let mut write = of_web(Some(back_for("shared", 'a')), second);
        if waits {
            let newer = rollout("main-9", 'c', 199, requested());
            write.state.waiting.push(newer);
        }
        save(&mut checker, write);
        end(&mut checker, web(), second, faults);
        checker
    };
    assert_reported(&goes(true, 210, 0, false), "shared");
    // It does not know, or what it should wait for was not to be seen, or long enough.
    assert_quiet(&goes(false, 210, 0, false));
    assert_quiet(&goes(true, 210, 1, false));
    assert_quiet(&goes(true, 2000, 0, false));
    assert_quiet(&goes(true, 210, 0, true));
    // The latest itself goes at once, and the other one after it.
    let mut checker = shared();
    turn(&mut checker, "shared", 200, ALARM);
    tell(&mut checker, api(), 200, 201);
    save(&mut checker, of_api(back_for("shared", 'b'), 201));
    end(&mut checker, api(), 201, 0);
    save(&mut checker, of_web(Some(back_for("shared", 'a')), 900));
    end(&mut checker, web(), 900, 0);
    assert_quiet(&checker);
}

#[test]
fn who_goes_back_for_what_another_one_settled_is_reported() {
    let goes = |told: i64, ok: Option<i64>, second: i64| {
        let mut checker = shared();
        turn(&mut checker, "shared", 200, ALARM);
        save(&mut checker, of_api(back_for("shared", 'b'), 205));
        tell(&mut checker, web(), 200, told);
        if let Some(ok) = ok {
            turn(&mut checker, "shared", ok, OK);
        }
        save(&mut checker, of_web(Some(back_for("shared", 'a')), second));
        end(&mut checker, web(), second, 0);
        checker
    };
    assert_reported(&goes(210, Some(400), 420), "shared");
    assert_quiet(&goes(210, None, 1000));
    assert_quiet(&goes(210, Some(400), 2100));
    // It heard of it first, and both looked at once.
    assert_quiet(&goes(204, Some(400), 420));
}

#[test]
fn a_success_on_a_shared_alarm_that_nobody_went_back_for_is_reported() {
    let stays = |backs: bool, ok: Option<i64>, second: i64| {
        let mut checker = shared();
        turn(&mut checker, "shared", 200, ALARM);
        tell(&mut checker, web(), 200, 201);
        if backs {
            save(&mut checker, of_api(back_for("shared", 'b'), 205));
        }
        if let Some(ok) = ok {
            turn(&mut checker, "shared", ok, OK);
        }
        checker.take(&Deed::Received {
            at: at(second),
            target: web(),
            sent_at: at(second),
        });
        let truth = service(revision(OURS, Some(&ours()), 'a'));
        let mut write = saved(state(None), vec![succeeded(&ours())], Some(truth));
        write.at = at(second);
        save(&mut checker, write);
        checker
    };
    let baked = 400 + i64::from(policy().bake_time_seconds);
    assert_quiet(&stays(true, Some(400), baked));
    assert_reported(&stays(true, Some(400), baked - 1), "3 ");
    assert_reported(&stays(false, Some(400), baked), "3 ");
    assert_reported(&stays(true, None, baked), "3 ");
}
