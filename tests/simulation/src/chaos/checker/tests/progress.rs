//! A busy repository.

use jiff::SignedDuration;

use super::*;

#[test]
fn a_repository_that_is_never_done_is_reported() {
    let busy = |succeeds: bool, second: i64| {
        let mut checker = checker(Tags::Pattern);
        checker.expect_successes(&web(), SignedDuration::from_secs(1000));
        let write = |current: &Rollout, ended: Vec<Rollout>, second: i64| {
            let truth = service(revision(OURS, Some(current), 'a'));
            let mut write = saved(state(Some(current.clone())), ended, Some(truth));
            write.at = at(second);
            write
        };
        let first = rollout("main-1", 'a', 10, baking('a'));
        let next = rollout("main-2", 'a', 500, baking('a'));
        save(&mut checker, write(&first, Vec::new(), 100));
        let ended = match succeeds {
            true => succeeded(&first),
            false => halted(&first),
        };
        save(&mut checker, write(&next, vec![ended], 600));
        save(&mut checker, write(&next, Vec::new(), second));
        checker
    };
    assert_quiet(&busy(false, 1100));
    assert_reported(&busy(false, 1101), "progress");
    assert_quiet(&busy(true, 1600));
    assert_reported(&busy(true, 1601), "progress");
}
