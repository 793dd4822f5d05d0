//! What a person did to a deployment: invariants 3 and 6.

use pushboat::core::failure::Failure;
use pushboat::core::rollout::RolledBackBy;

use super::*;
use crate::deeds::Stopped;

fn stopped_by_hand(checker: &mut Checker, second: i64, revision: &str, source: &str) {
    checker.take(&Deed::SomebodyStopped {
        at: at(second),
        service: policy().service.clone(),
        revision: revision.to_owned(),
        sources: vec![source.to_owned()],
    });
}

#[test]
fn an_update_on_top_of_a_persons_rollback_is_reported() {
    let after = |second, revision_stopped, source, faults, deployed: bool| {
        let ours = rollout("main-1", 'a', 10, rolling_back('a'));
        let mut checker = checker(Tags::Pattern);
        checker.read_lag = jiff::SignedDuration::from_secs(20);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        stopped_by_hand(&mut checker, second, revision_stopped, source);
        if deployed {
            checker.take(&Deed::SomebodyDeployed {
                at: at(500),
                service: policy().service.clone(),
                deployment: "ecs-svc/7".to_owned(),
            });
        }
        let before = service(revision(OURS, Some(&ours), 'a'));
        update(&mut checker, revision(GOOD, None, '0'), before);
        checker.take(&invoked(3, faults));
        checker
    };
    assert_reported(&after(400, OURS, GOOD, 0, false), "6 ");
    // Nobody could know, it went elsewhere, or it was over before ours began.
    assert_quiet(&after(570, OURS, GOOD, 0, false));
    assert_quiet(&after(400, OURS, GOOD, 1, false));
    assert_quiet(&after(400, OURS, THEIRS, 0, false));
    assert_quiet(&after(50, OURS, GOOD, 0, false));
    assert_quiet(&after(400, OURS, GOOD, 0, true));
}

#[test]
fn what_a_person_stopped_and_is_asked_for_again_is_reported() {
    for (stopped, reported) in [(OURS, true), (THEIRS, false)] {
        let ours = rollout("main-1", 'a', 10, starting('a'));
        let mut checker = checker(Tags::Pattern);
        deploy(&mut checker, &ours);
        stopped_by_hand(&mut checker, 400, stopped, GOOD);
        let before = service(revision(GOOD, None, '0'));
        update(&mut checker, revision(OURS, Some(&ours), 'a'), before);
        checker.take(&invoked(3, 0));
        match reported {
            true => assert_reported(&checker, "6 "),
            false => assert_quiet(&checker),
        }
    }
}

#[test]
fn a_rollback_that_is_put_down_to_somebody_else_is_reported() {
    use RolledBackBy::{Ecs, Person, Pushboat};
    // It was recorded that Pushboat meant to, and nobody can tell what came of it.
    let meant = |ours: &mut Rollout| {
        if let Phase::RollingBack { back, .. } = &mut ours.phase {
            back.way = pushboat::core::rollout::Way::Update {
                intended_at: Some(at(300)),
            };
        }
    };
    let mut ours = rollout("main-1", 'a', 10, rolling_back('a'));
    meant(&mut ours);
    let mut checker = checker(Tags::Pattern);
    save(
        &mut checker,
        saved(state(Some(ours.clone())), Vec::new(), None),
    );
    let truth = service(revision(GOOD, None, '0'));
    let ended = rolled_back_by(&ours, Pushboat);
    let write = saved(after_rollback(&ours, true), vec![ended], Some(truth));
    save(&mut checker, write);
    assert_quiet(&checker);
    for (stopped, asked, by, faults, reported) in [
        (true, false, Person, 0, false),
        (true, false, Ecs, 0, true),
        // The history may be what could not be read.
        (true, false, Ecs, 1, false),
        (true, false, Pushboat, 0, true),
        (false, true, Pushboat, 0, false),
        (false, true, Person, 0, true),
        (false, false, Ecs, 0, false),
    ] {
        let ours = rollout("main-1", 'a', 10, rolling_back('a'));
        let mut checker = self::checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        if stopped {
            stopped_by_hand(&mut checker, 400, OURS, GOOD);
        }
        if asked {
            checker.take(&Deed::Stopped(Stopped {
                at: at(500),
                service: policy().service.clone(),
                sources: vec![GOOD.to_owned()],
                primary: None,
            }));
        }
        let truth = service(revision(GOOD, None, '0'));
        let ended = rolled_back_by(&ours, by);
        let write = saved(after_rollback(&ours, true), vec![ended], Some(truth));
        save(&mut checker, write);
        checker.take(&invoked(3, faults));
        match reported {
            true => assert_reported(&checker, "3 "),
            false => assert_quiet(&checker),
        }
    }
}

/// When a rollout started is read off our clock, and when it was stopped off another.
#[test]
fn what_was_done_about_when_it_started_is_put_down_to_nobody_where_clocks_are_apart() {
    for (stopped_at, apart, by, reported) in [
        (95, 0, RolledBackBy::Person, true),
        (95, 10, RolledBackBy::Person, false),
        (85, 10, RolledBackBy::Person, true),
        (105, 0, RolledBackBy::Ecs, true),
        (105, 10, RolledBackBy::Ecs, false),
        (115, 10, RolledBackBy::Ecs, true),
    ] {
        let ours = rollout("main-1", 'a', 10, rolling_back('a'));
        let mut checker = checker(Tags::Pattern);
        let known = checker.targets.get_mut(&web()).unwrap();
        known.skew = jiff::SignedDuration::from_secs(apart);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        stopped_by_hand(&mut checker, stopped_at, OURS, GOOD);
        let truth = service(revision(GOOD, None, '0'));
        let ended = rolled_back_by(&ours, by);
        let write = saved(after_rollback(&ours, true), vec![ended], Some(truth));
        save(&mut checker, write);
        checker.take(&invoked(3, 0));
        match reported {
            true => assert_reported(&checker, "3 "),
            false => assert_quiet(&checker),
        }
    }
}

/// The way back of what halted was over before a person had it tried once more.
#[test]
fn what_a_person_had_tried_once_more_may_be_put_down_to_them() {
    use RolledBackBy::Person;
    for (asked, reported) in [(false, false), (true, true)] {
        let mut ours = rollout("main-1", 'a', 10, rolling_back('a'));
        let mut checker = checker(Tags::Pattern);
        if let Phase::RollingBack { failure, .. } = &mut ours.phase {
            *failure = Failure::AskedByOperator;
        }
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        if asked {
            checker.take(&Deed::Stopped(Stopped {
                at: at(500),
                service: policy().service.clone(),
                sources: vec![GOOD.to_owned()],
                primary: None,
            }));
        }
        let mut ended = rolled_back_by(&ours, Person);
        if let Phase::RolledBack { failure, .. } = &mut ended.phase {
            *failure = Failure::AskedByOperator;
        }
        let truth = service(revision(GOOD, None, '0'));
        let write = saved(after_rollback(&ours, true), vec![ended], Some(truth));
        save(&mut checker, write);
        match reported {
            true => assert_reported(&checker, "3 "),
            false => assert_quiet(&checker),
        }
    }
}
