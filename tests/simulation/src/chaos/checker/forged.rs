//! Forged histories: what the tests of the checker are made of.

use jiff::Timestamp;
use pushboat::core::evidence::Evidence;
use pushboat::core::failure::Failure;
use pushboat::core::observation::Digests;
use pushboat::core::policy::Policy;
use pushboat::core::push::{Push, PushSource};
use pushboat::core::reason::{Halted, Waiting};
use pushboat::core::rollout::{Back, RolledBackBy, Rollout, Running, Start, Way};
use pushboat::core::shared::Shared;
use pushboat::core::state::{GoodSource, LastKnownGood, Quarantined, Standing};
use pushboat::notice::{News, Notice, RolloutNews};
use pushboat::target;

use super::*;
use crate::deeds::{DeploymentTruth, Invoked, RevisionTruth, Saved, ServiceTruth, Updated};

pub(super) const GOOD: &str = "arn:aws:ecs:eu-west-1:1:task-definition/web:1";
pub(super) const OURS: &str = "arn:aws:ecs:eu-west-1:1:task-definition/web:2";
pub(super) const THEIRS: &str = "arn:aws:ecs:eu-west-1:1:task-definition/web:3";

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + second).unwrap()
}

pub(super) fn web() -> TargetName {
    TargetName::parse("web").unwrap()
}

pub(super) fn digest(character: char) -> ImageDigest {
    ImageDigest::parse(&format!("sha256:{}", character.to_string().repeat(64))).unwrap()
}

pub(super) fn image(character: char) -> String {
    format!("registry/app@{}", digest(character))
}

pub(super) fn policy() -> Shared<Policy> {
    let text = r#"{ "service": { "cluster": "prod", "name": "web" },
        "images": [ { "repository": "app", "tags": { "glob": ["main-*"] } } ], "alarms": ["5xx"] }"#;
    target::parse(&web(), text).unwrap().into()
}

pub(super) fn checker(tags: Tags) -> Checker {
    let mut checker = Checker::default();
    let terms = Terms {
        service: policy().service.clone(),
        repository: "app".to_owned(),
        tags,
        own_alarms: BTreeSet::from(["5xx".to_owned()]),
        shared_alarms: BTreeSet::from(["shared".to_owned()]),
        stack: None,
    };
    checker.watch(web(), terms);
    checker
}

/// A rollout of the image `character`, tagged at `second`.
pub(super) fn rollout(tag: &str, character: char, second: i64, phase: Phase) -> Rollout {
    Rollout {
        id: RolloutId::new(at(second), &["web", tag, digest(character).as_str()]),
        push: Push {
            repository: "app".to_owned(),
            tag: tag.to_owned(),
            digest: digest(character),
            tagged_at: at(second),
            event_id: format!("push-{second}"),
            source: PushSource::Event,
        }
        .into(),
        policy: policy(),
        requested_at: at(second),
        phase,
        resolved: None,
        evidence: Evidence::default().into(),
    }
}

pub(super) fn start(character: char) -> Shared<Start> {
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
        stack: None,
        throttled_at: None,
    }
    .into()
}

pub(super) fn running() -> Running {
    Running {
        revision: OURS.to_owned(),
        deployment: "ecs-svc/2".to_owned(),
        deployment_created_at: at(110),
        asked_at: at(110),
        deadline_from: None,
        paused_at: None,
    }
}

pub(super) fn requested() -> Phase {
    Phase::Requested {
        waiting: Waiting::FirstLook,
        hindered_since: None,
    }
}

pub(super) fn starting(character: char) -> Phase {
    Phase::Starting {
        start: start(character),
        revision: None,
        update_intended_at: Some(at(100)),
    }
}

pub(super) fn baking(character: char) -> Phase {
    Phase::Baking {
        start: start(character),
        running: running(),
        until: at(500),
        missing_tasks_since: None,
    }
}

pub(super) fn rolling_back(character: char) -> Phase {
    Phase::RollingBack {
        start: start(character),
        running: running(),
        failure: Failure::PutBackByHand,
        back: Back {
            to: GOOD.to_owned(),
            began_at: at(300),
            way: Way::Unasked,
            corrected: None,
            stack: None,
            paused_at: None,
        },
    }
}

pub(super) fn state(current: Option<Rollout>) -> TargetState {
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
            by_tag: false,
            source: GoodSource::Adopted,
            at: at(0),
        }),
        current,
        ..TargetState::default()
    }
}

pub(super) fn notice(rollout: &Rollout) -> Notice {
    let mut notice = Notice {
        id: String::new(),
        target: web(),
        at: at(600),
        news: News::Rollout(Box::new(RolloutNews {
            rollout: rollout.clone(),
            start: None,
            last_known_good: None,
            last_known_good_tag: None,
            exact_images: BTreeMap::new(),
            good_inactive: false,
            running: None,
            held: false,
            taken_back_for: None,
            halted_since: None,
        })),
    };
    notice.id = format!("{}.{}", rollout.id, notice.event());
    notice
}

/// A write that tells what it has to tell.
pub(super) fn saved(
    state: TargetState,
    finished: Vec<Rollout>,
    service: Option<ServiceTruth>,
) -> Saved {
    let quiet = |rollout: &&Rollout| rollout.phase.as_str() != "requested";
    let told = state.current.iter().chain(&finished).filter(quiet);
    Saved {
        at: at(600),
        target: web(),
        notices: told.map(notice).collect(),
        state: state.into(),
        finished,
        service,
    }
}

pub(super) fn save(checker: &mut Checker, saved: Saved) {
    checker.take(&Deed::Saved(Box::new(saved)));
}

pub(super) fn revision(arn: &str, rollout: Option<&Rollout>, character: char) -> RevisionTruth {
    RevisionTruth {
        arn: arn.to_owned(),
        rollout: rollout.map(|rollout| rollout.id.to_string()),
        images: vec![("app".to_owned(), image(character))],
    }
}

pub(super) fn service(primary: RevisionTruth) -> ServiceTruth {
    ServiceTruth {
        primary: Some(DeploymentTruth {
            id: "ecs-svc/2".to_owned(),
            revision: primary,
            completed: true,
            digests: Digests::new(),
        }),
        deployments: 1,
        desired: 2,
        running: 2,
        desired_before: None,
        stopped_at: Vec::new(),
    }
}

pub(super) fn update(checker: &mut Checker, to: RevisionTruth, before: ServiceTruth) {
    checker.take(&Deed::Updated(Box::new(Updated {
        at: at(600),
        service: policy().service.clone(),
        revision: to,
        before: Some(before),
        deployment: "ecs-svc/9".to_owned(),
    })));
}

/// Has a rollout start and ask for its revision, which is to be in order.
pub(super) fn deploy(checker: &mut Checker, rollout: &Rollout) {
    save(
        checker,
        saved(state(Some(rollout.clone())), Vec::new(), None),
    );
    let to = revision(OURS, Some(rollout), digit(rollout));
    update(checker, to, service(revision(GOOD, None, '0')));
}

pub(super) fn digit(rollout: &Rollout) -> char {
    rollout.push.digest.as_str().chars().last().unwrap()
}

#[track_caller]
pub(super) fn assert_reported(checker: &Checker, invariant: &str) {
    let found = checker.violations();
    assert!(!found.is_empty(), "nothing was reported");
    for violation in found {
        assert!(violation.invariant.starts_with(invariant), "{violation}");
    }
}

#[track_caller]
pub(super) fn assert_quiet(checker: &Checker) {
    assert_eq!(checker.violations(), []);
}

pub(super) fn succeeded(rollout: &Rollout) -> Rollout {
    Rollout {
        phase: Phase::Succeeded {
            revision: OURS.to_owned(),
        },
        ..rollout.clone()
    }
}

pub(super) fn rolled_back(rollout: &Rollout) -> Rollout {
    rolled_back_by(rollout, RolledBackBy::Ecs)
}

pub(super) fn rolled_back_by(rollout: &Rollout, by: RolledBackBy) -> Rollout {
    Rollout {
        phase: Phase::RolledBack {
            failure: Failure::PutBackByHand,
            by,
            revision: GOOD.to_owned(),
        },
        ..rollout.clone()
    }
}

pub(super) fn halted(rollout: &Rollout) -> Rollout {
    Rollout {
        phase: Phase::Halted {
            reason: Halted::WayBackTooLong {
                failure: Failure::PutBackByHand,
            },
        },
        ..rollout.clone()
    }
}

/// The state after a rollback, with the image kept out or not.
pub(super) fn after_rollback(rollout: &Rollout, kept_out: bool) -> TargetState {
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

/// An invocation for `web`.
pub(super) fn invocation(second: i64, calls: usize, faults: usize) -> Invoked {
    Invoked {
        at: at(second),
        target: web(),
        calls,
        faults,
        done: true,
    }
}

/// The end of one that came at a certain second.
pub(super) fn invoked_at(second: i64, calls: usize, faults: usize) -> Deed {
    Deed::Invoked(invocation(second, calls, faults))
}

/// The end of one.
pub(super) fn invoked(calls: usize, faults: usize) -> Deed {
    invoked_at(600, calls, faults)
}
