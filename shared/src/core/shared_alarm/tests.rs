//! Who goes first, and how a target's state is read by the others.

use super::super::alarm::AlarmWatch;
use super::super::evidence::Evidence;
use super::super::failure::Failure;
use super::super::hold::Hold;
use super::super::name::{ImageDigest, RolloutId};
use super::super::push::{Push, PushSource};
use super::super::rollout::{Back, Rollout, Running, Start, Way};
use super::*;
use crate::core::shared::Shared;
use crate::target;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn under_way(name: &str, deployed: i64) -> Sharer {
    Sharer {
        alarm: "5xx".to_owned(),
        target: TargetName::parse(name).unwrap(),
        standing: SharerStanding::UnderWay {
            deployed_at: at(deployed),
            fired: true,
        },
    }
}

#[test]
fn of_any_that_see_each_other_exactly_one_goes_first() {
    let names = ["a", "b", "c", "d"];
    for times in 0..3_i64.pow(4) {
        let deployed = |index: u32| times / 3_i64.pow(index) % 3;
        let all: Vec<Sharer> = (0..4)
            .zip(names)
            .map(|(index, name)| under_way(name, deployed(index)))
            .collect();
        let turns = all.iter().map(|own| {
            let others: Vec<&Sharer> = all.iter().filter(|one| *one != own).collect();
            let SharerStanding::UnderWay { deployed_at, .. } = own.standing else {
                panic!("{own:?}")
            };
            let asking = Own {
                target: &own.target,
                deployed_at,
            };
            judge(asking, None, &others, None, at(10)).0
        });
        let first = turns.filter(|verdict| *verdict == Verdict::Counts);
        assert_eq!(first.count(), 1, "{all:?}");
    }
}

#[test]
fn nobody_yields_to_itself() {
    let own = under_way("a", 0);
    let asking = Own {
        target: &own.target,
        deployed_at: at(0),
    };
    assert_eq!(
        judge(asking, None, &[&own], None, at(10)).0,
        Verdict::Counts
    );
}

fn start(alarms: Vec<AlarmWatch>) -> Shared<Start> {
    Start {
        at: at(-60),
        digest: ImageDigest::parse(&format!("sha256:{}", "b".repeat(64))).unwrap(),
        base_task_definition: "web:7".to_owned(),
        base_deployment: "ecs-svc/7".to_owned(),
        base_deployment_created_at: at(-3600),
        platform: None,
        containers: Vec::new(),
        alarms,
        no_way_back: None,
        stack: None,
        throttled_at: None,
    }
    .into()
}

fn running() -> Running {
    Running {
        revision: "web:8".to_owned(),
        deployment: "ecs-svc/8".to_owned(),
        deployment_created_at: at(-50),
        asked_at: at(-51),
        deadline_from: None,
        paused_at: None,
    }
}

/// `cpu` and `5xx` are watched; `5xx` stands like this.
fn watches(fired: bool, ignored_until_ok: bool) -> Vec<AlarmWatch> {
    let seen = ["cpu", "5xx"].map(|name| AlarmSeen {
        name: name.to_owned(),
        state: Some(AlarmState::Ok),
        ..AlarmSeen::default()
    });
    let mut watches = AlarmWatch::begin(&seen);
    watches[1].fired = fired;
    watches[1].ignored_until_ok = ignored_until_ok;
    watches
}

fn progressing(alarms: Vec<AlarmWatch>) -> Phase {
    Phase::Progressing {
        start: start(alarms),
        running: running(),
    }
}

fn target(phase: Phase) -> TargetState {
    let text = r#"{ "service": { "cluster": "prod", "name": "web" },
        "images": [ { "repository": "team/web" } ], "alarms": ["5xx"] }"#;
    let current = Rollout {
        id: RolloutId::new(at(-60), &["v2"]),
        policy: target::parse(&TargetName::parse("web").unwrap(), text)
            .unwrap()
            .into(),
        push: Push {
            repository: "team/web".to_owned(),
            tag: "v2".to_owned(),
            digest: start(Vec::new()).digest.clone(),
            tagged_at: at(-60),
            event_id: "event".to_owned(),
            source: PushSource::Event,
        }
        .into(),
        requested_at: at(-60),
        phase,
        resolved: None,
        evidence: Evidence::default().into(),
    };
    TargetState {
        current: Some(current),
        ..TargetState::default()
    }
}

#[test]
fn a_target_stands_as_its_rollout_does_about_this_alarm() {
    let standing = |alarm: &str, state: &TargetState| {
        Sharer::read(alarm, TargetName::parse("web").unwrap(), state).standing
    };
    let deployed_at = at(-50);
    let under_way = |fired| SharerStanding::UnderWay { deployed_at, fired };
    let fired = target(progressing(watches(true, false)));
    assert_eq!(standing("5xx", &fired), under_way(true));
    assert_eq!(standing("cpu", &fired), under_way(false));
    assert_eq!(standing("another", &fired), SharerStanding::Idle);

    let ignored = target(progressing(watches(false, true)));
    assert_eq!(standing("5xx", &ignored), SharerStanding::Idle);
    assert_eq!(standing("cpu", &ignored), under_way(false));

    let back = target(Phase::RollingBack {
        start: start(watches(true, false)),
        running: running(),
        failure: Failure::PutBackByHand,
        back: Back {
            to: "web:7".to_owned(),
            began_at: at(-5),
            way: Way::Unasked,
            corrected: None,
            stack: None,
            paused_at: None,
        },
    });
    assert_eq!(
        standing("5xx", &back),
        SharerStanding::GoingBack { deployed_at }
    );
}

#[test]
fn a_target_that_can_do_nothing_about_an_alarm_is_waited_for_by_nobody() {
    let standing = |state: &TargetState| {
        Sharer::read("5xx", TargetName::parse("web").unwrap(), state).standing
    };
    assert_eq!(standing(&TargetState::default()), SharerStanding::Idle);
    let starting = target(Phase::Starting {
        start: start(watches(true, false)),
        revision: None,
        update_intended_at: None,
    });
    assert_eq!(standing(&starting), SharerStanding::Idle);
    let held = TargetState {
        held: Some(Hold {
            reason: "freeze".to_owned(),
            since: at(-5),
        }),
        ..target(progressing(watches(true, false)))
    };
    assert_eq!(standing(&held), SharerStanding::Idle);
}
