//! Invariant 7.

use jiff::SignedDuration;

use super::*;

#[test]
fn a_phase_that_nobody_is_told_of_is_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let mut checker = checker(Tags::Pattern);
    let mut silent = saved(state(Some(ours)), Vec::new(), None);
    silent.notices.clear();
    save(&mut checker, silent);
    assert_reported(&checker, "7 ");
}

#[test]
fn an_id_that_stands_for_two_notices_is_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let mut checker = checker(Tags::Pattern);
    let mut write = saved(state(Some(ours)), Vec::new(), None);
    let mut again = write.notices[0].clone();
    again.at = at(600).checked_add(SignedDuration::from_secs(1)).unwrap();
    write.notices.push(again);
    save(&mut checker, write);
    assert_reported(&checker, "7 ");
}
