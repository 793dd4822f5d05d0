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
    let asleep = |healed: Option<i64>, second: i64| {
        let mut checker = checker(Tags::Pattern);
        let mut waits = state(None);
        waits.wake = Some(Wake {
            at: at(1000),
            waiting: Waiting::Person,
        });
        save(&mut checker, saved(waits, Vec::new(), None));
        checker.healed_at = healed.map(at);
        received(&mut checker, second, second);
        let at_the_receipt = checker.violations().len();
        checker.check_end(&End {
            at: at(second),
            ..End::default()
        });
        assert_eq!(checker.violations().len(), 2 * at_the_receipt);
        checker
    };
    assert_quiet(&asleep(Some(0), 1180));
    assert_reported(&asleep(Some(0), 1181), "fairness");
    assert_quiet(&asleep(Some(900), 1600));
    assert_quiet(&asleep(None, 1181));
    assert_reported(&asleep(None, 4601), "fairness");
}
