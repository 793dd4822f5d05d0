//! Pushes that nobody told of: invariants 6 and 11.

use pushboat::core::hold::Hold;
use pushboat::core::push::PushSource;
use pushboat::core::reason::SupersededBy;
use pushboat::core::state::Standing;

use super::*;
use crate::deeds::Saved;

/// The sweep found image `b`, after this was saved.
fn found_after(before: Saved) -> Checker {
    let mut checker = checker(Tags::Pattern);
    save(&mut checker, saved(state(None), Vec::new(), None));
    save(&mut checker, before);
    let mut found = rollout("main-2", 'b', 100, requested());
    found.push.source = PushSource::Found;
    let mut write = saved(state(Some(found)), Vec::new(), None);
    write.at = at(500);
    save(&mut checker, write);
    checker
}

fn superseded_by_somebody(character: char) -> Rollout {
    rollout(
        "main-1",
        character,
        10,
        Phase::Superseded {
            by: SupersededBy::SomebodyElse {
                task_definition: THEIRS.to_owned(),
            },
        },
    )
}

#[test]
fn what_is_begun_unasked_where_people_decide_is_reported() {
    let idle = || saved(state(None), Vec::new(), None);
    assert_quiet(&found_after(idle()));
    let mut held = idle();
    held.state.held = Some(Hold {
        reason: String::new(),
        since: at(0),
    });
    assert_reported(&found_after(held), "6 ");
    let stood_down = saved(state(None), vec![superseded_by_somebody('a')], None);
    assert_reported(&found_after(stood_down), "6 ");
    let asked = saved(state(None), vec![superseded_by_somebody('b')], None);
    assert_reported(&found_after(asked), "6 ");
}

/// The tag stood for another image when its rollout started than when it was set.
#[test]
fn what_a_rollout_started_was_asked_for_whatever_it_was_pushed_as() {
    let started = |character| {
        let current = rollout("main-1", 'a', 10, starting(character));
        saved(state(Some(current)), Vec::new(), None)
    };
    let unasked = |character| {
        let checker = found_after(started(character));
        let mut unasked = checker.violations().iter();
        unasked.any(|one| one.invariant.starts_with("6 "))
    };
    assert!(unasked('b'));
    assert!(!unasked('c'));
}

/// What is left two hours after faults stopped, and an image that was pushed before.
fn left(before: Saved, unheard: Unheard) -> Checker {
    let mut checker = checker(Tags::Pattern);
    save(&mut checker, before);
    save(&mut checker, saved(state(None), Vec::new(), None));
    checker.healed_at = Some(at(1000));
    checker.check_end(&End {
        at: at(9000),
        unheard: vec![unheard],
        ..End::default()
    });
    checker
}

#[test]
fn an_image_that_nobody_asked_for_in_the_end_is_reported() {
    let pushed = |second| Unheard {
        target: web(),
        digest: digest('b'),
        pushed_at: at(second),
    };
    let idle = || saved(state(None), Vec::new(), None);
    assert_reported(&left(idle(), pushed(900)), "11 ");
    assert_quiet(&left(idle(), pushed(8000)));
    // Somebody else has the last word, though the service was no target's for a while.
    let mut lost = saved(state(None), vec![superseded_by_somebody('a')], None);
    lost.state.standing = Standing::Invalid {
        mistakes: Vec::new(),
    };
    assert_quiet(&left(lost, pushed(900)));
}
