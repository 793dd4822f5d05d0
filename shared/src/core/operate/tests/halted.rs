//! A rollout halted, and nothing else is under way: what a command makes of that.

use super::super::super::reason::Halted;
use super::super::super::state::HaltedTarget;
use super::*;
use crate::notice::RolloutNews;

fn requested() -> Phase {
    Phase::Requested {
        waiting: Waiting::FirstLook,
        hindered_since: None,
    }
}

/// The service was asked to run it, if `asked`, and v1 is kept out.
fn halted(asked: bool) -> TargetState {
    let failure = Failure::PutBackByHand;
    let news = RolloutNews {
        exact_images: std::collections::BTreeMap::new(),
        good_inactive: false,
        rollout: rollout(Phase::Halted {
            reason: Halted::WayBackTooLong { failure },
        }),
        start: Some(start()),
        last_known_good: Some("web:1".to_owned()),
        last_known_good_tag: None,
        running: asked.then(running),
        held: false,
        taken_back_for: None,
        halted_since: None,
    };
    TargetState {
        current: None,
        halted: Some(HaltedTarget {
            news: Box::new(news),
            repeat_at: at(3600),
            since: Some(at(55)),
        }),
        quarantine: BTreeMap::from([(digest('a'), quarantined()), (digest('b'), quarantined())]),
        ..under_way(progressing())
    }
}

#[test]
fn it_is_taken_back_once_more_by_a_rollout_of_its_own() {
    let mut state = halted(true);
    let first = rollout(progressing());
    let done = give(&mut state, &any(), "r", Order::Rollback);
    assert_eq!(done, Performed::Done(Vec::new()));
    assert!(state.halted.is_none(), "it is told of no more");
    let current = state.current.clone().unwrap();
    assert_ne!(current.id, first.id, "the one that halted stays what it is");
    assert_eq!((current.requested_at, &current.push), (at(60), &first.push));
    let back = turn_back(&state, &current, at(70)).unwrap();
    assert_eq!(back.back().unwrap().to, "web:1");
    assert_eq!(back.running(), Some(&running()));
}

#[test]
fn what_the_service_was_never_asked_for_cannot_be_taken_back() {
    let refused = give(&mut halted(false), &any(), "r", Order::Rollback);
    let good = Some("web:1".to_owned());
    assert_eq!(
        refused,
        Performed::Refused(Refusal::NothingUnderWay { good })
    );
}

#[test]
fn nothing_good_is_needed_to_withdraw_what_has_not_started() {
    let unproven = |phase| TargetState {
        last_known_good: None,
        ..under_way(phase)
    };
    let withdrawn = give(&mut unproven(requested()), &any(), "r", Order::Rollback);
    assert!(matches!(withdrawn, Performed::Done(ended) if ended.len() == 1));
    let unproven_halt = TargetState {
        last_known_good: None,
        ..halted(true)
    };
    let refused = check(&unproven_halt, Some(&any()), &Order::Rollback);
    assert_eq!(refused.unwrap_err().as_str(), "nothing-to-go-back-to");
}

#[test]
fn the_release_of_its_image_decides_it_and_that_of_another_does_not() {
    let mut state = halted(true);
    let mut release = |character| {
        let order = Order::Release {
            digest: digest(character),
        };
        let done = give(&mut state, &any(), &character.to_string(), order);
        assert_eq!(done, Performed::Done(Vec::new()));
        (state.halted.is_some(), state.quarantine.len())
    };
    assert_eq!(release('b'), (true, 1));
    assert_eq!(release('a'), (false, 0));
}
