//! How rollouts end: invariants 3 and 4.

use pushboat::core::alarm::AlarmState;

use super::*;
use crate::deeds::{DeploymentTruth, ServiceTruth};

#[test]
fn a_success_that_is_none_is_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let runs = service(revision(OURS, Some(&ours), 'a'));
    let primary = |completed: bool| DeploymentTruth {
        completed,
        ..runs.primary.clone().unwrap()
    };
    let cases = [
        (Some(runs.clone()), false),
        (None, true),
        (Some(service(revision(THEIRS, None, 'c'))), true),
        (
            Some(ServiceTruth {
                primary: Some(primary(false)),
                ..runs.clone()
            }),
            true,
        ),
        (
            Some(ServiceTruth {
                deployments: 2,
                ..runs.clone()
            }),
            true,
        ),
        (
            Some(ServiceTruth {
                running: 1,
                ..runs.clone()
            }),
            true,
        ),
        (
            Some(ServiceTruth {
                running: 1,
                stopped_lately: 1,
                ..runs.clone()
            }),
            false,
        ),
        (
            Some(ServiceTruth {
                desired: 0,
                ..runs.clone()
            }),
            true,
        ),
    ];
    for (service, reported) in cases {
        let mut checker = checker(Tags::Pattern);
        let before = saved(state(Some(ours.clone())), Vec::new(), None);
        save(&mut checker, before);
        let ended = succeeded(&ours);
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
