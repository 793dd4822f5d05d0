//! Through a stack: invariants 1, 2, 3, 6 and 10, and what is for people.

use pushboat::core::reason::{Rejected, StackProblem, SupersededBy};
use pushboat::core::rollout::{RolledBackBy, StackBack, StackStart};
use pushboat::core::stack::{ResourceChange, SERVICE, TASK_DEFINITION};

use super::*;
use crate::deeds::{RevisionTruth, StackDeed, StackDoing};

/// The change set that brings the image.
const FORTH: &str = "pushboat-forth";
/// The change set that brings the last-known-good.
const BACK: &str = "pushboat-back";

/// A checker of a target that goes through a stack.
fn through() -> Checker {
    let mut checker = checker(Tags::Pattern);
    for known in checker.targets.values_mut() {
        known.terms.stack = Some(BTreeSet::from(["Dashboard".to_owned()]));
    }
    checker
}

fn of_stack(phase: Phase) -> Phase {
    let mut phase = phase;
    if let Phase::Starting { start, .. } | Phase::RollingBack { start, .. } = &mut phase {
        start.stack = Some(StackStart {
            change_set: FORTH.to_owned(),
            follows: None,
            kept: Vec::new(),
            capabilities: Vec::new(),
            approval: None,
            cancelled_at: None,
            done: false,
        });
    }
    if let Phase::RollingBack { back, .. } = &mut phase {
        back.stack = Some(Box::new(StackBack {
            change_set: BACK.to_owned(),
            approval: None,
        }));
    }
    phase
}

fn starts(character: char) -> Rollout {
    rollout("main-1", character, 10, of_stack(starting(character)))
}

fn goes_back(character: char) -> Rollout {
    rollout("main-1", character, 10, of_stack(rolling_back(character)))
}

fn change(logical_id: &str, resource_type: &str, replacement: &str) -> ResourceChange {
    ResourceChange {
        action: "Modify".to_owned(),
        logical_id: logical_id.to_owned(),
        resource_type: resource_type.to_owned(),
        replacement: Some(replacement.to_owned()),
    }
}

/// What an image changes.
fn changes() -> Vec<ResourceChange> {
    vec![
        change("TaskDefinition", TASK_DEFINITION, "True"),
        change("Service", SERVICE, "False"),
    ]
}

fn executed(change_set: &str, character: char) -> StackDoing {
    StackDoing::Executed {
        change_set: change_set.to_owned(),
        image: image(character),
        others: Vec::new(),
        changes: changes(),
    }
}

fn deed(second: i64, before: RevisionTruth, what: StackDoing) -> Deed {
    Deed::Stack(Box::new(StackDeed {
        at: at(second),
        service: policy().service.clone(),
        before: Some(service(before)),
        what,
    }))
}

/// While a rollout is under way something is done to the stack, whose service runs what is good.
fn done(current: &Rollout, what: StackDoing) -> Checker {
    let mut checker = through();
    let state = state(Some(current.clone()));
    save(&mut checker, saved(state, Vec::new(), None));
    checker.take(&deed(600, revision(GOOD, None, '0'), what));
    checker
}

#[test]
fn what_is_executed_is_the_rollouts_own_change_set() {
    assert_quiet(&done(&starts('a'), executed(FORTH, 'a')));
    assert_reported(&done(&starts('a'), executed(FORTH, 'b')), "2 ");
    assert_reported(&done(&starts('a'), executed("pushboat-other", 'a')), "2 ");
    assert_reported(&done(&starts('a'), executed(BACK, '0')), "2 ");
    let bakes = rollout("main-1", 'a', 10, baking('a'));
    assert_reported(&done(&bakes, executed(FORTH, 'a')), "2 ");
}

#[test]
fn what_is_brought_back_is_the_last_known_good() {
    assert_quiet(&done(&goes_back('a'), executed(BACK, '0')));
    assert_reported(&done(&goes_back('a'), executed(BACK, 'c')), "2 ");
    assert_reported(&done(&goes_back('a'), executed(FORTH, '0')), "2 ");
}

#[test]
fn no_other_parameter_gets_another_value() {
    let StackDoing::Executed {
        change_set,
        image,
        changes,
        ..
    } = executed(FORTH, 'a')
    else {
        unreachable!()
    };
    let others = vec!["Title".to_owned()];
    let what = StackDoing::Executed {
        change_set,
        image,
        others,
        changes,
    };
    assert_reported(&done(&starts('a'), what), "2 ");
}

#[test]
fn what_an_image_does_not_ask_for_is_executed_by_people_only() {
    let with = |more: ResourceChange| match executed(FORTH, 'a') {
        StackDoing::Executed {
            change_set,
            image,
            others,
            mut changes,
        } => {
            changes.push(more);
            StackDoing::Executed {
                change_set,
                image,
                others,
                changes,
            }
        }
        other => other,
    };
    let dashboard = "AWS::CloudWatch::Dashboard";
    let allowed = with(change("Dashboard", dashboard, "False"));
    assert_quiet(&done(&starts('a'), allowed));
    for unexpected in [
        change("Another", dashboard, "False"),
        change("Service", SERVICE, "True"),
    ] {
        assert_reported(&done(&starts('a'), with(unexpected)), "stacks ");
    }
    let by_a_person = StackDoing::BySomebody {
        change_set: Some(FORTH.to_owned()),
    };
    assert_quiet(&done(&starts('a'), by_a_person));
}

#[test]
fn an_update_that_goes_on_is_not_said_to_have_changed_nothing() {
    let withdrawn = Phase::Superseded {
        by: SupersededBy::Operator {
            request_id: "r".to_owned(),
        },
    };
    let went_back = Phase::Rejected {
        reason: Rejected::Stack {
            stack: "web".to_owned(),
            problem: StackProblem::WentBack { failed: None },
        },
    };
    for phase in [withdrawn, went_back] {
        let after = |doings: Vec<StackDoing>| {
            let mut checker = through();
            let state_before = state(Some(starts('a')));
            save(&mut checker, saved(state_before, Vec::new(), None));
            for (second, what) in (500..).zip(doings) {
                checker.take(&deed(second, revision(GOOD, None, '0'), what));
            }
            let ended = Rollout {
                phase: phase.clone(),
                ..starts('a')
            };
            save(&mut checker, saved(state(None), vec![ended], None));
            checker
        };
        let forth = || executed(FORTH, 'a');
        let by_a_person = StackDoing::BySomebody {
            change_set: Some(FORTH.to_owned()),
        };
        assert_reported(&after(vec![forth()]), "3 ");
        assert_reported(&after(vec![by_a_person]), "3 ");
        assert_quiet(&after(vec![forth(), StackDoing::GoesBack]));
        assert_quiet(&after(Vec::new()));
    }
}

#[test]
fn a_service_that_a_stack_makes_is_changed_by_cloud_formation_only() {
    let ours = starts('a');
    let mut checker = through();
    let begun = state(Some(ours.clone()));
    save(&mut checker, saved(begun, Vec::new(), None));
    let to = revision(OURS, Some(&ours), 'a');
    update(&mut checker, to, service(revision(GOOD, None, '0')));
    assert_reported(&checker, "2 ");
}

#[test]
fn an_older_push_is_not_executed_after_a_newer_one() {
    let newer = rollout("main-2", 'b', 20, of_stack(starting('b')));
    let mut checker = done(&newer, executed(FORTH, 'b'));
    let older = starts('a');
    let over = rollout(
        "main-2",
        'b',
        20,
        Phase::Succeeded {
            revision: OURS.to_owned(),
        },
    );
    let mut truth = service(revision(OURS, None, 'b'));
    truth.deployments = 1;
    save(
        &mut checker,
        saved(state(Some(older)), vec![over], Some(truth)),
    );
    checker.take(&deed(700, revision(GOOD, None, '0'), executed(FORTH, 'a')));
    assert_reported(&checker, "1 ");
}

/// Somebody deployed to the service at a second; then something is done to the stack.
fn after_somebody(second: i64, runs: &str, what: StackDoing) -> Checker {
    let mut checker = through();
    let begun = state(Some(goes_back('a')));
    save(&mut checker, saved(begun, Vec::new(), None));
    checker.take(&deed(
        120,
        revision(GOOD, None, '0'),
        StackDoing::Updated {
            revision: revision(OURS, None, 'a'),
        },
    ));
    checker.take(&Deed::SomebodyDeployed {
        at: at(second),
        service: policy().service.clone(),
        deployment: "ecs-svc/2".to_owned(),
    });
    checker.take(&deed(600, revision(runs, None, 'c'), what));
    checker
}

#[test]
fn what_somebody_deployed_beside_the_stack_is_not_overwritten() {
    let cancelled = || StackDoing::Cancelled { ours: true };
    for what in [executed(BACK, '0'), cancelled()] {
        assert_reported(&after_somebody(400, THEIRS, what), "6 ");
    }
    // Nobody could see it yet, or it was there before, or it is what CloudFormation made for us.
    assert_quiet(&after_somebody(590, THEIRS, cancelled()));
    assert_quiet(&after_somebody(50, THEIRS, cancelled()));
    assert_quiet(&after_somebody(400, OURS, cancelled()));
}

#[test]
fn only_our_own_update_is_cancelled() {
    for (ours, reported) in [(true, false), (false, true)] {
        let checker = done(&goes_back('a'), StackDoing::Cancelled { ours });
        match reported {
            true => assert_reported(&checker, "6 "),
            false => assert_quiet(&checker),
        }
    }
    let bakes = rollout("main-1", 'a', 10, baking('a'));
    let cancelled = StackDoing::Cancelled { ours: true };
    assert_reported(&done(&bakes, cancelled), "2 ");
}

/// Things are done to the stack, and then the rollout is said to have been taken back by someone.
fn said(doings: Vec<StackDoing>, by: RolledBackBy) -> Checker {
    let ours = goes_back('a');
    let mut checker = through();
    let begun = state(Some(ours.clone()));
    save(&mut checker, saved(begun, Vec::new(), None));
    for what in doings {
        checker.take(&deed(400, revision(OURS, None, 'a'), what));
    }
    let over = rolled_back_by(&ours, by);
    let truth = service(revision(GOOD, None, '0'));
    let after = after_rollback(&ours, true);
    save(&mut checker, saved(after, vec![over], Some(truth)));
    checker
}

#[test]
fn who_took_a_version_back_is_true() {
    use RolledBackBy::{CloudFormation, Person, Pushboat};
    let cancelled = || StackDoing::Cancelled { ours: true };
    let goes_back = || StackDoing::GoesBack;
    let by_somebody = || StackDoing::CancelledBySomebody;
    assert_quiet(&said(vec![cancelled(), goes_back()], Pushboat));
    assert_quiet(&said(vec![goes_back()], CloudFormation));
    assert_quiet(&said(vec![by_somebody(), goes_back()], Person));
    for (doings, by) in [
        (vec![goes_back()], Pushboat),
        (vec![goes_back()], Person),
        (vec![], CloudFormation),
        (vec![cancelled(), goes_back()], CloudFormation),
        (vec![by_somebody(), goes_back()], CloudFormation),
    ] {
        assert_reported(&said(doings, by), "3 ");
    }
}
