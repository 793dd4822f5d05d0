//! What is asked of ECS: invariants 2 and 6, and bounded work.

use jiff::SignedDuration;

use super::*;
use crate::deeds::Stopped;

#[test]
fn a_revision_that_is_neither_ours_nor_good_is_reported() {
    let ours = rollout("main-1", 'a', 10, starting('a'));
    let another = rollout("main-9", 'a', 9, starting('a'));
    for to in [
        revision(OURS, Some(&another), 'a'),
        revision(OURS, None, 'a'),
        revision(OURS, Some(&ours), 'b'),
    ] {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        update(&mut checker, to, service(revision(GOOD, None, '0')));
        assert_reported(&checker, "2 ");
    }
}

#[test]
fn a_way_back_to_something_else_than_good_is_reported() {
    let ours = rollout("main-1", 'a', 10, rolling_back('a'));
    for (to, reported) in [('0', false), ('7', true)] {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        let before = service(revision(OURS, Some(&ours), 'a'));
        update(&mut checker, revision(GOOD, None, to), before);
        match reported {
            true => assert_reported(&checker, "2 "),
            false => assert_quiet(&checker),
        }
    }
    for (source, reported) in [(GOOD, false), (THEIRS, true)] {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        checker.take(&Deed::Stopped(Stopped {
            at: at(600),
            service: policy().service.clone(),
            sources: vec![source.to_owned()],
            primary: None,
        }));
        match reported {
            true => assert_reported(&checker, "2 "),
            false => assert_quiet(&checker),
        }
    }
}

#[test]
fn a_change_while_nothing_is_under_way_is_reported() {
    let mut checker = checker(Tags::Pattern);
    let ours = rollout("main-1", 'a', 10, starting('a'));
    let to = revision(OURS, Some(&ours), 'a');
    update(&mut checker, to, service(revision(GOOD, None, '0')));
    assert_reported(&checker, "2 ");
}

#[test]
fn somebody_elses_deployment_that_is_overwritten_is_reported() {
    for phase in [starting('a'), rolling_back('a')] {
        let ours = rollout("main-1", 'a', 10, phase);
        let to = match &ours.phase {
            Phase::RollingBack { .. } => revision(GOOD, None, '0'),
            _ => revision(OURS, Some(&ours), 'a'),
        };
        for (second, before, reported) in [
            (200, revision(THEIRS, None, 'c'), true),
            // They were there when the rollout started.
            (50, revision(THEIRS, None, 'c'), false),
            // Nobody could see it yet: reads lag by 20 seconds, and a decision holds for some.
            (570, revision(THEIRS, None, 'c'), false),
            // They forced out what is ours, or good.
            (200, revision(OURS, Some(&ours), 'a'), false),
            (200, revision(GOOD, None, '0'), false),
        ] {
            let mut checker = checker(Tags::Pattern);
            checker.read_lag = SignedDuration::from_secs(20);
            save(
                &mut checker,
                saved(state(Some(ours.clone())), Vec::new(), None),
            );
            checker.take(&Deed::SomebodyDeployed {
                at: at(second),
                service: policy().service.clone(),
                deployment: "ecs-svc/2".to_owned(),
            });
            update(&mut checker, to.clone(), service(before));
            match reported {
                true => assert_reported(&checker, "6 "),
                false => assert_quiet(&checker),
            }
        }
    }
}

/// A person has the way back of a rollout that halted tried once more, under a new id.
#[test]
fn a_way_back_from_an_earlier_rollouts_revision_that_was_forced_out_again_is_in_order() {
    let halted = rollout("main-1", 'a', 9, rolling_back('a'));
    let again = rollout("main-1", 'a', 10, rolling_back('a'));
    for (before, reported) in [(OURS, false), (THEIRS, true)] {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(again.clone())), Vec::new(), None),
        );
        checker.take(&Deed::SomebodyDeployed {
            at: at(200),
            service: policy().service.clone(),
            deployment: "ecs-svc/2".to_owned(),
        });
        let before = service(revision(before, Some(&halted), 'a'));
        update(&mut checker, revision(GOOD, None, '0'), before);
        match reported {
            true => assert_reported(&checker, "6 "),
            false => assert_quiet(&checker),
        }
    }
}

#[test]
fn work_without_end_is_reported() {
    let mut checker = checker(Tags::Pattern);
    checker.take(&invoked(MOST_CALLS + 1, 0));
    assert_reported(&checker, "bounded");
    let mut checker = self::checker(Tags::Pattern);
    let ours = rollout("main-1", 'a', 10, starting('a'));
    for _ in 0..=MOST_CHANGES {
        deploy(&mut checker, &ours);
    }
    assert_reported(&checker, "bounded");
}
