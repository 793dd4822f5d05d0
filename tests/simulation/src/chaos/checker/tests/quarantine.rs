//! Invariant 10.

use pushboat::core::operate::{OperatorCommand, Order};
use pushboat::core::rollout::RolledBackBy;
use pushboat::core::state::HaltedTarget;
use pushboat::notice::{News, Notice};

use super::*;

#[test]
fn an_image_that_is_let_in_again_is_reported() {
    let ours = rollout("main-1", 'a', 10, rolling_back('a'));
    let again = rollout("main-2", 'a', 20, starting('a'));
    let quarantined = |kept_out: bool| {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        let truth = service(revision(GOOD, None, '0'));
        let after = after_rollback(&ours, kept_out);
        save(
            &mut checker,
            saved(after, vec![rolled_back(&ours)], Some(truth)),
        );
        checker
    };
    // It is not kept out at all.
    assert_reported(&quarantined(false), "10 ");
    // It is, and is asked for all the same.
    let mut checker = quarantined(true);
    assert_quiet(&checker);
    let mut starts = after_rollback(&ours, true);
    starts.current = Some(again.clone());
    save(&mut checker, saved(starts, Vec::new(), None));
    let to = revision(OURS, Some(&again), 'a');
    update(&mut checker, to, service(revision(GOOD, None, '0')));
    assert_reported(&checker, "10 ");
    // A person released it, and it is let in when the command's turn comes, not before.
    for (asked, let_in, quiet) in [
        (true, true, true),
        (false, true, false),
        (true, false, false),
    ] {
        let mut checker = quarantined(true);
        if asked {
            checker.take(&Deed::Released {
                target: web(),
                digest: digest('a'),
            });
        }
        let mut write = saved(state(None), Vec::new(), None);
        write.notices.extend(let_in.then(released));
        save(&mut checker, write);
        match quiet {
            true => assert_quiet(&checker),
            false => assert_reported(&checker, "10 "),
        }
    }
}

/// Says that image `a` is let in again.
fn released() -> Notice {
    let ours = rollout("main-1", 'a', 10, requested());
    let command = OperatorCommand {
        request_id: "request".to_owned(),
        at: at(200),
        order: Order::Release {
            digest: digest('a'),
        },
    };
    Notice {
        id: "released".to_owned(),
        news: News::Command {
            command,
            refused: None,
        },
        ..notice(&ours)
    }
}

/// A person had the way back of what halted tried once more, and it was there at once.
#[test]
fn what_halted_and_is_rolled_back_after_all_is_kept_out_by_what_was_deployed() {
    for (kept_out, reported) in [('a', false), ('b', true)] {
        // The tag stood for another image when it was pushed than when it was deployed.
        let halted_one = rollout("live", 'b', 10, rolling_back('a'));
        let mut before = state(None);
        let News::Rollout(mut news) = notice(&halted_one).news else {
            panic!("it is a rollout's");
        };
        news.start = Some(start('a'));
        before.halted = Some(HaltedTarget {
            news,
            repeat_at: at(4000),
            since: None,
        });
        let mut checker = checker(Tags::Exact);
        let started = saved(state(Some(halted_one.clone())), Vec::new(), None);
        save(&mut checker, started);
        save(&mut checker, saved(before, vec![halted(&halted_one)], None));
        let again = rollout("live", 'b', 20, rolling_back('a'));
        let mut ended = rolled_back_by(&again, RolledBackBy::Pushboat);
        ended.id = again.id.clone();
        let mut after = after_rollback(&again, true);
        let quarantined = after.quarantine.pop_first().unwrap().1;
        after.quarantine = [(digest(kept_out), quarantined)].into();
        let truth = service(revision(GOOD, None, '0'));
        save(&mut checker, saved(after, vec![ended], Some(truth)));
        match reported {
            true => assert_reported(&checker, "10 "),
            false => assert_quiet(&checker),
        }
    }
}
