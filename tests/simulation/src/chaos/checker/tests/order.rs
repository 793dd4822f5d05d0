//! Invariant 1.

use pushboat::core::push::PushSource;
use pushboat::core::reason::SupersededBy;

use super::*;

#[test]
fn an_older_push_after_a_newer_one_is_reported() {
    for (tags, first, second) in [
        (Tags::Pattern, ("main-2", 20), ("main-1", 10)),
        (Tags::Versions, ("1.2.0", 10), ("1.1.9", 20)),
    ] {
        let rollouts = [(first, 'a'), (second, 'b')]
            .map(|((tag, at), character)| rollout(tag, character, at, starting(character)));
        let mut checker = checker(tags);
        deploy(&mut checker, &rollouts[0]);
        assert_quiet(&checker);
        let ended = Rollout {
            phase: Phase::Superseded {
                by: SupersededBy::TargetRemoved,
            },
            ..rollouts[0].clone()
        };
        save(&mut checker, saved(state(None), vec![ended], None));
        deploy(&mut checker, &rollouts[1]);
        assert_reported(&checker, "1 ");
    }
}

/// With people's requests between the pushes: `None` is a person's, which has no version.
#[test]
fn the_order_holds_across_what_people_ask_for() {
    let versions = [
        // A lower version stays lower, whatever a person asked for meanwhile.
        (
            vec![("1.9.0", 10, false), ("a", 20, true), ("1.8.0", 30, false)],
            true,
        ),
        (
            vec![("1.9.0", 10, false), ("a", 20, true), ("1.9.1", 15, false)],
            false,
        ),
        (vec![("1.9.0", 10, false), ("a", 20, true)], false),
        // A person's request is older than what was pushed after it.
        (vec![("1.9.0", 30, false), ("a", 20, true)], true),
        (vec![("a", 30, true), ("b", 20, true)], true),
    ];
    let patterns = [
        (
            vec![
                ("main-1", 10, false),
                ("a", 20, true),
                ("main-2", 15, false),
            ],
            true,
        ),
        (
            vec![
                ("main-1", 10, false),
                ("a", 20, true),
                ("main-2", 25, false),
            ],
            false,
        ),
        (vec![("main-1", 30, false), ("a", 20, true)], true),
    ];
    let cases = versions.map(|case| (Tags::Versions, case));
    let cases = cases
        .into_iter()
        .chain(patterns.map(|case| (Tags::Pattern, case)));
    for (tags, (requests, reported)) in cases {
        let mut checker = checker(tags);
        for ((tag, second, by_person), character) in requests.into_iter().zip(['a', 'b', 'c']) {
            let mut one = rollout(tag, character, second, starting(character));
            if by_person {
                one.push.source = PushSource::Operator;
            }
            deploy(&mut checker, &one);
            let ended = Rollout {
                phase: Phase::Superseded {
                    by: SupersededBy::TargetRemoved,
                },
                ..one
            };
            save(&mut checker, saved(state(None), vec![ended], None));
        }
        match reported {
            true => assert_reported(&checker, "1 "),
            false => assert_quiet(&checker),
        }
    }
}

#[test]
fn a_rollout_that_is_superseded_by_an_older_one_is_reported() {
    let mut checker = checker(Tags::Pattern);
    let older = rollout("main-1", 'a', 10, requested());
    let newer = rollout("main-2", 'b', 20, requested());
    let superseded = |one: &Rollout, by: &Rollout| Rollout {
        phase: Phase::Superseded {
            by: SupersededBy::Push(by.into()),
        },
        ..one.clone()
    };
    save(
        &mut checker,
        saved(state(Some(newer.clone())), Vec::new(), None),
    );
    let ended = vec![superseded(&newer, &older)];
    save(&mut checker, saved(state(Some(older)), ended, None));
    assert_reported(&checker, "1 ");
}

#[test]
fn an_exact_tag_that_is_resolved_to_what_it_was_is_reported() {
    for (tagged, received, reported) in [('a', 100, false), ('b', 100, true), ('b', 80, false)] {
        let mut checker = checker(Tags::Exact);
        checker.take(&Deed::Tagged {
            at: at(5),
            repository: "app".to_owned(),
            tag: "live".to_owned(),
            digest: digest(tagged),
        });
        let asked = rollout("live", 'a', 10, requested());
        save(
            &mut checker,
            saved(state(Some(asked.clone())), Vec::new(), None),
        );
        // Where it stood still since, it may have looked before the tag was moved.
        checker.take(&Deed::Received {
            at: at(received),
            target: web(),
            sent_at: at(received),
        });
        let starts = Rollout {
            phase: starting('a'),
            ..asked
        };
        let mut write = saved(state(Some(starts)), Vec::new(), None);
        write.at = at(100);
        save(&mut checker, write);
        match reported {
            true => assert_reported(&checker, "1 "),
            false => assert_quiet(&checker),
        }
    }
}

#[test]
fn versions_from_before_other_tags_were_followed_may_be_forgotten() {
    for (again, tag, pushed_at, reported) in [
        (15, "1.1.9", 20, false),
        (5, "1.1.9", 20, true),
        (15, "1.1.9", 9, true),
        // Nor need they be.
        (15, "1.2.1", 9, false),
    ] {
        let first = rollout("1.2.0", 'a', 10, starting('a'));
        let second = rollout(tag, 'b', pushed_at, starting('b'));
        let mut checker = checker(Tags::Versions);
        deploy(&mut checker, &first);
        checker.follows_again(&web(), at(again));
        let ended = Rollout {
            phase: Phase::Superseded {
                by: SupersededBy::TargetRemoved,
            },
            ..first
        };
        save(&mut checker, saved(state(None), vec![ended], None));
        deploy(&mut checker, &second);
        match reported {
            true => assert_reported(&checker, "1 "),
            false => assert_quiet(&checker),
        }
    }
}
