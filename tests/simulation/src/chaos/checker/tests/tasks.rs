//! Tasks that are missing: invariant 3.

use jiff::SignedDuration;

use super::*;
use crate::deeds::ServiceTruth;

/// Counts the tasks at some seconds, each time followed by an invocation.
fn bake(counted: &[(i64, bool)], faults: usize, lag: i64) -> Checker {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let mut checker = checker(Tags::Pattern);
    checker.read_lag = SignedDuration::from_secs(lag);
    save(
        &mut checker,
        saved(state(Some(ours.clone())), Vec::new(), None),
    );
    for (second, short) in counted {
        checker.take(&Deed::Counted {
            at: at(*second),
            service: policy().service.clone(),
            short: *short,
        });
        checker.take(&invoked_at(*second, 3, faults));
    }
    let mut ended = saved(
        state(None),
        vec![succeeded(&ours)],
        Some(service(revision(OURS, Some(&ours), 'a'))),
    );
    ended.at = at(2000);
    save(&mut checker, ended);
    checker
}

#[test]
fn a_success_after_a_long_stay_below_the_wanted_tasks_is_reported() {
    let long = [(700, true), (900, true), (1001, true), (1100, false)];
    assert_reported(&bake(&long, 0, 0), "3 ");
    // They are there again in between, or after five minutes at last.
    let twice = [(700, true), (900, false), (950, true), (1201, true)];
    assert_quiet(&bake(&twice, 0, 0));
    assert_quiet(&bake(&[(700, true), (1000, true), (1001, false)], 0, 0));
    // Nobody could see it.
    assert_quiet(&bake(&long, 1, 0));
    assert_quiet(&bake(&long, 0, 10));
}

/// What was called good is short of tasks at the end.
fn left_short(ended: Rollout, hears_all: bool, can_be_pulled: bool, by_hand: bool) -> Checker {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let truth = service(revision(OURS, Some(&ours), 'a'));
    let mut checker = checker(Tags::Pattern);
    save(
        &mut checker,
        saved(state(Some(ours.clone())), Vec::new(), None),
    );
    checker.hears_all = hears_all;
    let mut write = saved(state(None), vec![ended], Some(truth.clone()));
    write.at = at(1200);
    save(&mut checker, write);
    if by_hand {
        checker.take(&Deed::SomebodyDeployed {
            at: at(1300),
            service: policy().service.clone(),
            deployment: "ecs-svc/7".to_owned(),
        });
    }
    checker.check_end(&End {
        at: at(9000),
        short: vec![Short {
            target: web(),
            service: ServiceTruth {
                running: 1,
                ..truth.clone()
            },
            can_be_pulled,
        }],
        ..End::default()
    });
    checker
}

#[test]
fn tasks_that_stay_away_from_what_was_called_good_are_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let left = |ended: Rollout, can_be_pulled, by_hand| {
        let mut watched = ended;
        watched.policy.bake_time_seconds = 301;
        left_short(watched, true, can_be_pulled, by_hand)
    };
    assert_reported(&left(succeeded(&ours), true, false), "3 ");
    assert_quiet(&left(succeeded(&ours), false, false));
    assert_quiet(&left(succeeded(&ours), true, true));
    assert_quiet(&left(halted(&ours), true, false));
    // Each task that stops is replaced within minutes, and nobody was told of any, or in time.
    let mut watched = succeeded(&ours);
    assert_quiet(&left_short(watched.clone(), true, true, false));
    watched.policy.bake_time_seconds = 301;
    assert_quiet(&left_short(watched, false, true, false));
}
