//! Each invariant has to be reported where a forged history breaks it, and the
//! history that keeps it has to pass.

use jiff::SignedDuration;
use pushboat::core::alarm::AlarmState;
use pushboat::core::evidence::Evidence;
use pushboat::core::failure::Failure;
use pushboat::core::policy::Policy;
use pushboat::core::push::{Push, PushSource};
use pushboat::core::reason::{SupersededBy, Waiting};
use pushboat::core::rollout::{Back, RolledBackBy, Running, Start, Way};
use pushboat::core::state::{GoodSource, LastKnownGood, Quarantined, Standing, Wake};
use pushboat::notice::{News, Notice, RolloutNews};
use pushboat::target;

use super::*;
use crate::deeds::{DeploymentTruth, RevisionTruth, Saved, ServiceTruth, Stopped, Updated};

const GOOD: &str = "arn:aws:ecs:eu-west-1:1:task-definition/web:1";
const OURS: &str = "arn:aws:ecs:eu-west-1:1:task-definition/web:2";
const THEIRS: &str = "arn:aws:ecs:eu-west-1:1:task-definition/web:3";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + second).unwrap()
}

fn web() -> TargetName {
    TargetName::parse("web").unwrap()
}

fn digest(character: char) -> ImageDigest {
    ImageDigest::parse(&format!("sha256:{}", character.to_string().repeat(64))).unwrap()
}

fn image(character: char) -> String {
    format!("registry/app@{}", digest(character))
}

fn policy() -> Policy {
    let text = r#"{ "service": { "cluster": "prod", "name": "web" },
        "images": [ { "repository": "app", "tags": { "glob": ["main-*"] } } ], "alarms": ["5xx"] }"#;
    target::parse(&web(), text).unwrap()
}

fn checker(tags: Tags) -> Checker {
    let mut checker = Checker::default();
    let terms = Terms {
        service: policy().service,
        repository: "app".to_owned(),
        tags,
        own_alarms: BTreeSet::from(["5xx".to_owned()]),
    };
    checker.watch(web(), terms);
    checker
}

/// A rollout of the image `character`, tagged at `second`.
fn rollout(tag: &str, character: char, second: i64, phase: Phase) -> Rollout {
    Rollout {
        id: RolloutId::new(at(second), &["web", tag, digest(character).as_str()]),
        push: Push {
            repository: "app".to_owned(),
            tag: tag.to_owned(),
            digest: digest(character),
            tagged_at: at(second),
            event_id: format!("push-{second}"),
            source: PushSource::Event,
        },
        policy: policy(),
        requested_at: at(second),
        phase,
        evidence: Evidence::default(),
    }
}

fn start(character: char) -> Start {
    Start {
        at: at(100),
        digest: digest(character),
        base_task_definition: GOOD.to_owned(),
        base_deployment: "ecs-svc/1".to_owned(),
        base_deployment_created_at: at(0),
        containers: vec!["app".to_owned()],
        platform: None,
        alarms: Vec::new(),
        no_way_back: None,
    }
}

fn running() -> Running {
    Running {
        revision: OURS.to_owned(),
        deployment: "ecs-svc/2".to_owned(),
        deployment_created_at: at(110),
        asked_at: at(110),
        deadline_from: None,
    }
}

fn requested() -> Phase {
    Phase::Requested {
        waiting: Waiting::FirstLook,
        hindered_since: None,
    }
}

fn starting(character: char) -> Phase {
    Phase::Starting {
        start: start(character),
        revision: None,
        update_intended_at: Some(at(100)),
    }
}

fn baking(character: char) -> Phase {
    Phase::Baking {
        start: start(character),
        running: running(),
        until: at(500),
        missing_tasks_since: None,
    }
}

fn rolling_back(character: char) -> Phase {
    Phase::RollingBack {
        start: start(character),
        running: running(),
        failure: Failure::PutBackByHand,
        back: Back {
            to: GOOD.to_owned(),
            began_at: at(300),
            way: Way::Unasked,
            corrected: None,
            paused_at: None,
        },
    }
}

fn state(current: Option<Rollout>) -> TargetState {
    TargetState {
        standing: Standing::Adopted {
            service_created_at: at(0),
            service_arn: "service".to_owned(),
            given_up_deployment: None,
        },
        last_known_good: Some(LastKnownGood {
            service_arn: "service".to_owned(),
            service_created_at: at(0),
            task_definition: GOOD.to_owned(),
            images: [("app".to_owned(), image('0'))].into(),
            source: GoodSource::Adopted,
            at: at(0),
        }),
        current,
        ..TargetState::default()
    }
}

fn notice(rollout: &Rollout) -> Notice {
    let mut notice = Notice {
        id: String::new(),
        target: web(),
        at: at(600),
        news: News::Rollout(Box::new(RolloutNews {
            rollout: rollout.clone(),
            start: None,
            last_known_good: None,
            last_known_good_tag: None,
            running: None,
            taken_back_for: None,
            halted_since: None,
        })),
    };
    notice.id = format!("{}.{}", rollout.id, notice.event());
    notice
}

/// A write that tells what it has to tell.
fn saved(state: TargetState, finished: Vec<Rollout>, service: Option<ServiceTruth>) -> Saved {
    let quiet = |rollout: &&Rollout| rollout.phase.as_str() != "requested";
    let told = state.current.iter().chain(&finished).filter(quiet);
    Saved {
        at: at(600),
        target: web(),
        notices: told.map(notice).collect(),
        state,
        finished,
        service,
    }
}

fn save(checker: &mut Checker, saved: Saved) {
    checker.take(&Deed::Saved(Box::new(saved)));
}

fn revision(arn: &str, rollout: Option<&Rollout>, character: char) -> RevisionTruth {
    RevisionTruth {
        arn: arn.to_owned(),
        rollout: rollout.map(|rollout| rollout.id.to_string()),
        images: vec![("app".to_owned(), image(character))],
    }
}

fn service(primary: RevisionTruth) -> ServiceTruth {
    ServiceTruth {
        primary: Some(DeploymentTruth {
            id: "ecs-svc/2".to_owned(),
            revision: primary,
            completed: true,
        }),
        deployments: 1,
        desired: 2,
        running: 2,
    }
}

fn update(checker: &mut Checker, to: RevisionTruth, before: ServiceTruth) {
    checker.take(&Deed::Updated(Box::new(Updated {
        at: at(600),
        service: policy().service,
        revision: to,
        before: Some(before),
        deployment: "ecs-svc/9".to_owned(),
    })));
}

/// Has a rollout start and ask for its revision, which is to be in order.
fn deploy(checker: &mut Checker, rollout: &Rollout) {
    save(
        checker,
        saved(state(Some(rollout.clone())), Vec::new(), None),
    );
    let to = revision(OURS, Some(rollout), digit(rollout));
    update(checker, to, service(revision(GOOD, None, '0')));
}

fn digit(rollout: &Rollout) -> char {
    rollout.push.digest.as_str().chars().last().unwrap()
}

#[track_caller]
fn assert_reported(checker: &Checker, invariant: &str) {
    let found = checker.violations();
    assert!(!found.is_empty(), "nothing was reported");
    for violation in found {
        assert!(violation.invariant.starts_with(invariant), "{violation}");
    }
}

#[track_caller]
fn assert_quiet(checker: &Checker) {
    assert_eq!(checker.violations(), []);
}

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

#[test]
fn a_rollout_that_is_superseded_by_an_older_one_is_reported() {
    let mut checker = checker(Tags::Pattern);
    let older = rollout("main-1", 'a', 10, requested());
    let newer = rollout("main-2", 'b', 20, requested());
    let superseded = |one: &Rollout, by: &Rollout| Rollout {
        phase: Phase::Superseded {
            by: SupersededBy::Push {
                rollout: by.id.clone(),
            },
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
    for (tagged, reported) in [('a', false), ('b', true)] {
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
fn a_revision_that_is_neither_ours_nor_good_is_reported() {
    let ours = rollout("main-1", 'a', 10, starting('a'));
    let another = rollout("main-9", 'a', 9, starting('a'));
    for to in [
        revision(OURS, Some(&another), 'a'),
        revision(OURS, None, 'a'),
        revision(OURS, Some(&ours), 'b'),
    ] {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        update(&mut checker, to, service(revision(GOOD, None, '0')));
        assert_reported(&checker, "2 ");
    }
}

#[test]
fn a_way_back_to_something_else_than_good_is_reported() {
    let ours = rollout("main-1", 'a', 10, rolling_back('a'));
    for (to, reported) in [('0', false), ('7', true)] {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        let before = service(revision(OURS, Some(&ours), 'a'));
        update(&mut checker, revision(GOOD, None, to), before);
        match reported {
            true => assert_reported(&checker, "2 "),
            false => assert_quiet(&checker),
        }
    }
    for (source, reported) in [(GOOD, false), (THEIRS, true)] {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        checker.take(&Deed::Stopped(Stopped {
            at: at(600),
            service: policy().service,
            sources: vec![source.to_owned()],
            primary: None,
        }));
        match reported {
            true => assert_reported(&checker, "2 "),
            false => assert_quiet(&checker),
        }
    }
}

#[test]
fn a_change_while_nothing_is_under_way_is_reported() {
    let mut checker = checker(Tags::Pattern);
    let ours = rollout("main-1", 'a', 10, starting('a'));
    let to = revision(OURS, Some(&ours), 'a');
    update(&mut checker, to, service(revision(GOOD, None, '0')));
    assert_reported(&checker, "2 ");
}

#[test]
fn a_success_that_is_none_is_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let runs = service(revision(OURS, Some(&ours), 'a'));
    let primary = |completed: bool| DeploymentTruth {
        completed,
        ..runs.primary.clone().unwrap()
    };
    let cases = [
        (Some(runs.clone()), false),
        (None, true),
        (Some(service(revision(THEIRS, None, 'c'))), true),
        (
            Some(ServiceTruth {
                primary: Some(primary(false)),
                ..runs.clone()
            }),
            true,
        ),
        (
            Some(ServiceTruth {
                deployments: 2,
                ..runs.clone()
            }),
            true,
        ),
        (
            Some(ServiceTruth {
                running: 1,
                ..runs.clone()
            }),
            true,
        ),
        (
            Some(ServiceTruth {
                desired: 0,
                ..runs.clone()
            }),
            true,
        ),
    ];
    for (service, reported) in cases {
        let mut checker = checker(Tags::Pattern);
        let before = saved(state(Some(ours.clone())), Vec::new(), None);
        save(&mut checker, before);
        let ended = succeeded(&ours);
        save(&mut checker, saved(state(None), vec![ended], service));
        match reported {
            true => assert_reported(&checker, "3 "),
            false => assert_quiet(&checker),
        }
    }
}

fn succeeded(rollout: &Rollout) -> Rollout {
    Rollout {
        phase: Phase::Succeeded {
            revision: OURS.to_owned(),
        },
        ..rollout.clone()
    }
}

#[test]
fn a_success_though_an_alarm_fired_is_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let turned = |second, state| Deed::AlarmTurned {
        at: at(second),
        name: "5xx".to_owned(),
        state,
    };
    let heard = |second| Deed::AlarmHeard {
        target: web(),
        name: "5xx".to_owned(),
        fired: true,
        changed_at: at(second),
    };
    let (ok, alarm) = (AlarmState::Ok, AlarmState::Alarm);
    for (deeds, reported) in [
        (vec![turned(50, ok), turned(200, alarm)], true),
        (vec![turned(50, alarm)], false),
        (vec![turned(50, ok), turned(60, alarm)], false),
        (
            vec![turned(50, ok), turned(200, alarm), turned(210, ok)],
            false,
        ),
        (vec![heard(200)], true),
        (vec![heard(60)], false),
    ] {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        for deed in &deeds {
            checker.take(deed);
        }
        let runs = service(revision(OURS, Some(&ours), 'a'));
        let ended = vec![succeeded(&ours)];
        save(&mut checker, saved(state(None), ended, Some(runs)));
        match reported {
            true => assert_reported(&checker, "3 "),
            false => assert_quiet(&checker),
        }
    }
}

fn rolled_back(rollout: &Rollout) -> Rollout {
    Rollout {
        phase: Phase::RolledBack {
            failure: Failure::PutBackByHand,
            by: RolledBackBy::Pushboat,
            revision: GOOD.to_owned(),
        },
        ..rollout.clone()
    }
}

/// The state after a rollback, with the image kept out or not.
fn after_rollback(rollout: &Rollout, kept_out: bool) -> TargetState {
    let mut after = state(None);
    if kept_out {
        let quarantined = Quarantined {
            rollout: rollout.id.clone(),
            at: at(600),
            failure: "put-back-by-hand".to_owned(),
        };
        after.quarantine = [(rollout.digest().clone(), quarantined)].into();
    }
    after
}

#[test]
fn a_rollback_that_landed_elsewhere_is_reported() {
    for (arn, runs, reported) in [(GOOD, '0', false), (GOOD, '7', true), (OURS, 'a', true)] {
        let mut checker = checker(Tags::Pattern);
        let ours = rollout("main-1", 'a', 10, rolling_back('a'));
        save(
            &mut checker,
            saved(state(Some(ours.clone())), Vec::new(), None),
        );
        let after = after_rollback(&ours, true);
        let truth = service(revision(arn, None, runs));
        let write = saved(after, vec![rolled_back(&ours)], Some(truth));
        save(&mut checker, write);
        match reported {
            true => assert_reported(&checker, "3 "),
            false => assert_quiet(&checker),
        }
    }
}

#[test]
fn a_final_phase_that_changes_is_reported() {
    let ours = rollout("main-1", 'a', 10, baking('a'));
    let runs = || Some(service(revision(OURS, Some(&ours), 'a')));
    let ended = || {
        let mut checker = checker(Tags::Pattern);
        save(
            &mut checker,
            saved(state(None), vec![succeeded(&ours)], runs()),
        );
        assert_quiet(&checker);
        checker
    };
    let mut checker = ended();
    save(
        &mut checker,
        saved(state(Some(ours.clone())), Vec::new(), None),
    );
    assert_reported(&checker, "4 ");
    let mut checker = ended();
    save(
        &mut checker,
        saved(state(None), vec![succeeded(&ours)], runs()),
    );
    assert_reported(&checker, "4 ");
}

#[test]
fn a_rollout_that_vanishes_is_reported() {
    let mut checker = checker(Tags::Pattern);
    let ours = rollout("main-1", 'a', 10, baking('a'));
    save(&mut checker, saved(state(Some(ours)), Vec::new(), None));
    save(&mut checker, saved(state(None), Vec::new(), None));
    assert_reported(&checker, "4 ");
}

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
        unsent: vec!["a".to_owned()],
        ..nothing()
    };
    assert_reported(&left(person, unsent), "7 ");
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
fn somebody_elses_deployment_that_is_overwritten_is_reported() {
    for phase in [starting('a'), rolling_back('a')] {
        let ours = rollout("main-1", 'a', 10, phase);
        let to = match &ours.phase {
            Phase::RollingBack { .. } => revision(GOOD, None, '0'),
            _ => revision(OURS, Some(&ours), 'a'),
        };
        for (second, before, reported) in [
            (200, revision(THEIRS, None, 'c'), true),
            // They were there when the rollout started.
            (50, revision(THEIRS, None, 'c'), false),
            // They forced out what is ours, or good.
            (200, revision(OURS, Some(&ours), 'a'), false),
            (200, revision(GOOD, None, '0'), false),
        ] {
            let mut checker = checker(Tags::Pattern);
            save(
                &mut checker,
                saved(state(Some(ours.clone())), Vec::new(), None),
            );
            checker.take(&Deed::SomebodyDeployed {
                at: at(second),
                service: policy().service,
                deployment: "ecs-svc/2".to_owned(),
            });
            update(&mut checker, to.clone(), service(before));
            match reported {
                true => assert_reported(&checker, "6 "),
                false => assert_quiet(&checker),
            }
        }
    }
}

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

#[test]
fn work_without_end_is_reported() {
    let mut checker = checker(Tags::Pattern);
    checker.take(&Deed::Invoked {
        calls: MOST_CALLS + 1,
    });
    assert_reported(&checker, "bounded");
    let mut checker = self::checker(Tags::Pattern);
    let ours = rollout("main-1", 'a', 10, starting('a'));
    for _ in 0..=MOST_CHANGES {
        deploy(&mut checker, &ours);
    }
    assert_reported(&checker, "bounded");
}
