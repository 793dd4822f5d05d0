//! How rollouts end: invariants 3 and 4.

use jiff::SignedDuration;
use pushboat::core::alarm::AlarmState;

use super::*;
use crate::deeds::ServiceTruth;

/// When the writes arrive, in seconds.
const SAVED: i64 = 600;

#[test]
fn a_success_that_is_none_is_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let runs = service(revision(OURS, Some(&ours), 'a'));
    let with = |change| changed(&runs, change);
    let cases = [
        (Some(runs.clone()), false),
        (None, true),
        (Some(service(revision(THEIRS, None, 'c'))), true),
        (
            with(|one| one.primary.as_mut().unwrap().completed = false),
            true,
        ),
        (with(|one| one.deployments = 2), true),
        (with(|one| one.running = 1), true),
        (
            with(|one| {
                one.running = 1;
                one.stopped_at = vec![at(SAVED - 15)];
            }),
            false,
        ),
        (
            with(|one| {
                one.running = 1;
                one.stopped_at = vec![at(SAVED - 16)];
            }),
            true,
        ),
    ];
    are_reported(&ours, cases);
}

#[test]
fn a_success_with_other_counts_than_were_wanted_is_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let runs = service(revision(OURS, Some(&ours), 'a'));
    let with = |change| changed(&runs, change);
    let cases = [
        (with(|one| one.desired = 0), true),
        (
            with(|one| {
                one.desired = 4;
                one.desired_before = Some((at(SAVED - 15), 2));
            }),
            false,
        ),
        (
            with(|one| {
                one.desired = 4;
                one.desired_before = Some((at(SAVED - 16), 2));
            }),
            true,
        ),
        (
            with(|one| {
                one.running = 0;
                one.desired_before = Some((at(SAVED), 0));
            }),
            true,
        ),
        (with(|one| one.desired_before = Some((at(SAVED), 0))), false),
        (
            with(|one| {
                (one.desired, one.running) = (0, 0);
                one.desired_before = Some((at(SAVED - 15), 2));
            }),
            false,
        ),
        (
            with(|one| {
                (one.desired, one.running) = (0, 0);
                one.desired_before = Some((at(SAVED - 16), 2));
            }),
            true,
        ),
    ];
    are_reported(&ours, cases);
}

fn changed(service: &ServiceTruth, change: fn(&mut ServiceTruth)) -> Option<ServiceTruth> {
    let mut service = service.clone();
    change(&mut service);
    Some(service)
}

/// Each success on such a service is reported, or is not.
fn are_reported<const N: usize>(ours: &Rollout, cases: [(Option<ServiceTruth>, bool); N]) {
    for (service, reported) in cases {
        let mut checker = checker(Tags::Pattern);
        let before = saved(state(Some(ours.clone())), Vec::new(), None);
        save(&mut checker, before);
        let ended = succeeded(ours);
        save(&mut checker, saved(state(None), vec![ended], service));
        match reported {
            true => assert_reported(&checker, "3 "),
            false => assert_quiet(&checker),
        }
    }
}

#[test]
fn a_success_though_an_alarm_fired_is_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let turned = |second, state| Deed::AlarmTurned {
        at: at(second),
        name: "5xx".to_owned(),
        state,
    };
    let heard = |second| Deed::AlarmHeard {
        target: web(),
        name: "5xx".to_owned(),
        fired: true,
        changed_at: at(second),
    };
    let (ok, alarm) = (AlarmState::Ok, AlarmState::Alarm);
    for (deeds, reported) in [
        (vec![turned(50, ok), turned(200, alarm)], true),
        (vec![turned(50, alarm)], false),
        (vec![turned(50, ok), turned(60, alarm)], false),
        (
            vec![turned(50, ok), turned(200, alarm), turned(210, ok)],
            false,
        ),
        (vec![heard(200)], true),
        (vec![heard(60)], false),
    ] {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        for deed in &deeds {
            checker.take(deed);
        }
        let runs = service(revision(OURS, Some(&ours), 'a'));
        let ended = vec![succeeded(&ours)];
        save(&mut checker, saved(state(None), ended, Some(runs)));
        match reported {
            true => assert_reported(&checker, "3 "),
            false => assert_quiet(&checker),
        }
    }
}

/// It looks at 95, starts at 100, is deployed at 110, and the alarm is OK at about that time.
#[test]
fn an_alarm_that_nobody_saw_ok_since_the_start_is_not_held_against_a_success() {
    let (ours, ok, alarm) = (
        rollout("main-1", 'a', 10, baking('a')),
        AlarmState::Ok,
        AlarmState::Alarm,
    );
    for (ok_at, look, apart, reported) in [
        (95, None, 0, true),
        (85, None, 10, true),
        (86, None, 10, false),
        (97, None, 0, false),
        (105, None, 10, false),
        (115, Some(125), 10, true),
        (115, Some(124), 10, false),
        (115, Some(191), 10, false),
        (115, Some(191), 0, true),
    ] {
        let mut checker = checker(Tags::Pattern);
        checker.skew = SignedDuration::from_secs(apart);
        for (second, state) in [(50, ok), (60, alarm), (ok_at, ok), (200, alarm)] {
            checker.take(&Deed::AlarmTurned {
                at: at(second),
                name: "5xx".to_owned(),
                state,
            });
        }
        receive(&mut checker, 95);
        let mut write = saved(state(Some(ours.clone())), Vec::new(), None);
        write.at = at(100);
        save(&mut checker, write);
        if let Some(second) = look {
            checker.take(&invoked_at(second, 3, 0));
        }
        // Another one starts at once.
        receive(&mut checker, 600);
        let next = rollout("main-2", 'b', 20, starting('b'));
        let runs = service(revision(OURS, Some(&ours), 'a'));
        let ended = vec![succeeded(&ours)];
        save(
            &mut checker,
            saved(state(Some(starts_now(next))), ended, Some(runs)),
        );
        let found = checker.violations();
        assert_eq!(!found.is_empty(), reported, "{ok_at} {look:?}: {found:?}");
    }
}

fn receive(checker: &mut Checker, second: i64) {
    checker.take(&Deed::Received {
        at: at(second),
        target: web(),
        sent_at: at(second),
    });
}

fn starts_now(mut rollout: Rollout) -> Rollout {
    let mut start = (*start('b')).clone();
    start.at = at(600);
    rollout.phase = Phase::Starting {
        start: start.into(),
        revision: None,
        update_intended_at: None,
    };
    rollout
}

#[test]
fn a_rollback_that_landed_elsewhere_is_reported() {
    for (arn, runs, reported) in [(GOOD, '0', false), (GOOD, '7', true), (OURS, 'a', true)] {
        let mut checker = checker(Tags::Pattern);
        let ours = rollout("main-1", 'a', 10, rolling_back('a'));
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        let after = after_rollback(&ours, true);
        let truth = service(revision(arn, None, runs));
        let write = saved(after, vec![rolled_back(&ours)], Some(truth));
        save(&mut checker, write);
        match reported {
            true => assert_reported(&checker, "3 "),
            false => assert_quiet(&checker),
        }
    }
}

#[test]
fn a_final_phase_that_changes_is_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let runs = || Some(service(revision(OURS, Some(&ours), 'a')));
    let ended = || {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(None), vec![succeeded(&ours)], runs()),
        );
        assert_quiet(&checker);
        checker
    };
    let mut checker = ended();
    save(
        &mut checker,
        saved(state(Some(ours.clone())), Vec::new(), None),
    );
    assert_reported(&checker, "4 ");
    let mut checker = ended();
    save(
        &mut checker,
        saved(state(None), vec![succeeded(&ours)], runs()),
    );
    assert_reported(&checker, "4 ");
}

#[test]
fn a_rollout_that_vanishes_is_reported() {
    let mut checker = checker(Tags::Pattern);
    let ours = rollout("main-1", 'a', 10, baking('a'));
    save(&mut checker, saved(state(Some(ours)), Vec::new(), None));
    save(&mut checker, saved(state(None), Vec::new(), None));
    assert_reported(&checker, "4 ");
}

/// An invocation that stood still for a minute writes what it saw at its beginning.
#[test]
fn what_somebody_did_while_the_invocation_stood_still_makes_no_success_untrue() {
    for (somebody_at, reported) in [(500, true), (550, false), (590, false)] {
        let ours = rollout("main-1", 'a', 10, baking('a'));
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        checker.take(&Deed::Received {
            at: at(550),
            target: web(),
            sent_at: at(550),
        });
        checker.take(&Deed::SomebodyDeployed {
            at: at(somebody_at),
            service: policy().service.clone(),
            deployment: "ecs-svc/7".to_owned(),
        });
        let truth = service(revision(THEIRS, None, 'c'));
        let write = saved(state(None), vec![succeeded(&ours)], Some(truth));
        save(&mut checker, write);
        match reported {
            true => assert_reported(&checker, "3 "),
            false => assert_quiet(&checker),
        }
    }
}
