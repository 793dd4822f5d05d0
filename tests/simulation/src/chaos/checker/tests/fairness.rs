//! A target that is stuck never holds up another.

use pushboat::core::reason::Waiting;
use pushboat::core::state::Wake;

use super::*;

fn received(checker: &mut Checker, sent: i64, second: i64) {
    checker.take(&Deed::Received {
        at: at(second),
        target: web(),
        sent_at: at(sent),
    });
}

#[test]
fn a_message_that_waits_for_another_target_is_reported() {
    let mut checker = checker(Tags::Pattern);
    received(&mut checker, 0, 60);
    checker.take(&invoked_at(60, 3, 0));
    assert_quiet(&checker);
    received(&mut checker, 0, 61);
    assert_reported(&checker, "fairness");
    // Its own message was not handled, and comes back first.
    let mut checker = self::checker(Tags::Pattern);
    checker.take(&Deed::Invoked(Invoked {
        done: false,
        ..invocation(0, 3, 0)
    }));
    received(&mut checker, 1, 360);
    checker.take(&invoked_at(360, 3, 0));
    assert_quiet(&checker);
    received(&mut checker, 361, 422);
    assert_reported(&checker, "fairness");
    // One of its own invocations stands still.
    let mut checker = self::checker(Tags::Pattern);
    received(&mut checker, 0, 0);
    received(&mut checker, 1, 360);
    assert_quiet(&checker);
}

#[test]
fn a_wake_up_that_is_slept_through_is_reported() {
    let asleep = |healed: Option<i64>, second: i64, at_the_end: bool| {
        let mut checker = checker(Tags::Pattern);
        let mut waits = state(None);
        waits.wake = Some(Wake {
            at: at(1000),
            waiting: Waiting::Person,
        });
        save(&mut checker, saved(waits, Vec::new(), None));
        checker.healed_at = healed.map(at);
        match at_the_end {
            true => checker.check_end(&End {
                at: at(second),
                ..End::default()
            }),
            false => received(&mut checker, second, second),
        }
        checker
    };
    for at_the_end in [false, true] {
        assert_quiet(&asleep(Some(0), 1180, at_the_end));
        assert_reported(&asleep(Some(0), 1181, at_the_end), "fairness");
        assert_quiet(&asleep(Some(900), 1600, at_the_end));
        assert_quiet(&asleep(None, 1181, at_the_end));
        assert_reported(&asleep(None, 4601, at_the_end), "fairness");
    }
    // It was woken, and nothing came of it.
    let mut checker = asleep(Some(0), 1100, false);
    received(&mut checker, 1100, 2000);
    checker.check_end(&End {
        at: at(2000),
        ..End::default()
    });
    assert_quiet(&checker);
}
