//! Invariant 10.

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
    // A person released it.
    let mut checker = quarantined(true);
    checker.take(&Deed::Released {
        target: web(),
        digest: digest('a'),
    });
    deploy(&mut checker, &again);
    assert_quiet(&checker);
}
