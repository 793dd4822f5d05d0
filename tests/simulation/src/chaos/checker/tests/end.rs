//! What is left once faults stopped: invariants 5, 7, 9 and 11, and what is published.

use pushboat::core::deployed::Deployed;
use pushboat::core::reason::Waiting;
use pushboat::core::state::{Standing, Wake};

use super::*;

#[test]
fn what_is_left_once_faults_stopped_is_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let left = |change: fn(&mut TargetState), end: End| {
        let mut checker = checker(Tags::Pattern);
        let mut left = state(Some(ours.clone()));
        change(&mut left);
        save(&mut checker, saved(left, Vec::new(), None));
        checker.check_end(&end);
        checker
    };
    let nothing = End::default;
    assert_reported(&left(|_| {}, nothing()), "5 ");
    let person = |state: &mut TargetState| {
        state.wake = Some(Wake {
            at: at(700),
            waiting: Waiting::Person,
        });
    };
    assert_quiet(&left(person, nothing()));
    let held = End {
        held: true,
        ..nothing()
    };
    assert_quiet(&left(|_| {}, held));
    let queued = End {
        queued: 1,
        ..nothing()
    };
    assert_reported(&left(person, queued), "5 ");
    let unsent = End {
        at: at(600),
        unsent: vec![Unsent {
            id: "a".to_owned(),
            stored_at: at(299),
        }],
        ..nothing()
    };
    assert_reported(&left(person, unsent), "7 ");
    let on_its_way = End {
        at: at(600),
        unsent: vec![Unsent {
            id: "a".to_owned(),
            stored_at: at(600),
        }],
        ..nothing()
    };
    assert_quiet(&left(person, on_its_way));
    let unhandled = End {
        unhandled: vec!["a".to_owned()],
        ..nothing()
    };
    assert_reported(&left(person, unhandled), "9 ");
    let newest = End {
        newest_heard: vec![(web(), "main-9".to_owned(), at(9).as_second())],
        ..nothing()
    };
    assert_reported(&left(person, newest), "11 ");
    let pending = |state: &mut TargetState| {
        state.current = None;
        state.standing = Standing::default();
    };
    let mut checker = checker(Tags::Pattern);
    let mut unadopted = state(None);
    pending(&mut unadopted);
    save(&mut checker, saved(unadopted, Vec::new(), None));
    checker.check_end(&nothing());
    assert_reported(&checker, "5 ");
}

#[test]
fn what_is_published_and_is_not_the_last_good_version_is_reported() {
    let left = |text: Option<String>| {
        let mut checker = checker(Tags::Pattern);
        save(&mut checker, saved(state(None), Vec::new(), None));
        checker.check_end(&End {
            published: vec![(web(), text)],
            ..End::default()
        });
        checker
    };
    let good = state(None).last_known_good.unwrap();
    assert_quiet(&left(Some(Deployed::of(&good).text())));
    assert_reported(&left(None), "published");
    assert_reported(&left(Some(r#"{"tag":"main-0"}"#.to_owned())), "published");
}
