//! Commands, one at a time, and what a hold lets pass.

mod halted;

use std::collections::BTreeMap;

use serde_json::json;

use super::super::decide::{Action, Decision, Next};
use super::super::evidence::Evidence;
use super::super::failure::Failure;
use super::super::hold::{Gate, gate};
use super::super::name::TargetName;
use super::super::push::PushSource;
use super::super::reason::{Ignored, SupersededBy, Waiting};
use super::super::rollout::{Approval, Running, StackStart, Start};
use super::super::state::{GoodSource, LastKnownGood, Quarantined};
use super::*;
use crate::core::intake::{Intake, receive};
use crate::core::shared::Shared;
use crate::target;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn digest(character: char) -> ImageDigest {
    ImageDigest::parse(&format!("sha256:{}", character.to_string().repeat(64))).unwrap()
}

fn policy(tags: &str) -> Shared<Policy> {
    let text = format!(
        r#"{{ "service": {{ "cluster": "c", "name": "s" }},
             "images": [ {{ "repository": "app", "tags": {tags} }} ] }}"#
    );
    target::parse(&TargetName::parse("web").unwrap(), &text)
        .unwrap()
        .into()
}

fn any() -> Shared<Policy> {
    policy(r#"{ "glob": ["*"] }"#)
}

fn push(tag: &str, character: char, second: i64) -> Push {
    Push {
        repository: "app".to_owned(),
        tag: tag.to_owned(),
        digest: digest(character),
        tagged_at: at(second),
        event_id: format!("{tag}-{second}"),
        source: PushSource::Event,
    }
}

fn give(state: &mut TargetState, policy: &Shared<Policy>, id: &str, order: Order) -> Performed {
    let command = OperatorCommand {
        request_id: id.to_owned(),
        at: at(50),
        order,
    };
    perform(state, Some(policy), &command, Some(Ok(digest('d'))), at(60))
}

fn deploy(image: WantedImage) -> Order {
    Order::Deploy {
        repository: None,
        image,
    }
}

fn start() -> Shared<Start> {
    Start {
        at: at(10),
        digest: digest('a'),
        base_task_definition: "web:1".to_owned(),
        base_deployment: "ecs-svc/1".to_owned(),
        base_deployment_created_at: at(0),
        platform: None,
        containers: vec!["app".to_owned()],
        alarms: Vec::new(),
        no_way_back: None,
        stack: None,
        throttled_at: None,
    }
    .into()
}

fn running() -> Running {
    Running {
        revision: "web:2".to_owned(),
        deployment: "ecs-svc/2".to_owned(),
        deployment_created_at: at(10),
        asked_at: at(10),
        deadline_from: None,
        paused_at: None,
    }
}

fn starting() -> Phase {
    Phase::Starting {
        start: start(),
        revision: None,
        update_intended_at: Some(at(10)),
    }
}

fn progressing() -> Phase {
    Phase::Progressing {
        start: start(),
        running: running(),
    }
}

fn rolling_back() -> Phase {
    turn_back(&asked(progressing()), &rollout(progressing()), at(70)).unwrap()
}

fn rollout(phase: Phase) -> Rollout {
    Rollout {
        id: RolloutId::new(at(1), &["v1"]),
        push: push("v1", 'a', 1).into(),
        policy: any(),
        requested_at: at(2),
        phase,
        resolved: None,
        evidence: Evidence::default().into(),
    }
}

/// A target with a version to go back to, and a rollout in `phase` under way.
fn under_way(phase: Phase) -> TargetState {
    TargetState {
        last_known_good: Some(LastKnownGood {
            service_arn: "service".to_owned(),
            service_created_at: at(-9),
            task_definition: "web:1".to_owned(),
            images: BTreeMap::new(),
            by_tag: false,
            source: GoodSource::Adopted,
            at: at(0),
        }),
        current: Some(rollout(phase)),
        ..TargetState::default()
    }
}

/// One whose rollout a person wants taken back.
fn asked(phase: Phase) -> TargetState {
    let mut state = under_way(phase);
    let done = give(&mut state, &any(), "r", Order::Rollback);
    assert_eq!(done, Performed::Done(Vec::new()));
    state
}

fn quarantined() -> Quarantined {
    Quarantined {
        rollout: RolloutId::new(at(1), &["v1"]),
        at: at(20),
        failure: "tasks-fail".to_owned(),
    }
}

#[test]
fn a_command_that_comes_hours_late_does_not_overrule_what_was_asked_for_since() {
    let deploy = || Order::Deploy {
        repository: Some("app".to_owned()),
        image: WantedImage::Digest(digest('c')),
    };
    // Given at 50; what two clocks cannot tell apart is not called later.
    for (order, repository, pushed_at, refused) in [
        (deploy(), "app", 61, true),
        (deploy(), "app", 60, false),
        (deploy(), "side", 61, false),
        (Order::Rollback, "app", 61, true),
        (Order::Rollback, "app", 60, false),
    ] {
        let mut state = under_way(Phase::Requested {
            waiting: Waiting::FirstLook,
            hindered_since: None,
        });
        state.current.as_mut().unwrap().push.tagged_at = at(pushed_at);
        let newest = NewestPush::from(&push("v1", 'a', pushed_at));
        state.newest.insert(repository.to_owned(), newest);
        let before = state.current.clone();
        let done = give(&mut state, &any(), "late", order);
        let overtaken = Performed::Refused(Refusal::Overtaken {
            tag: "v1".to_owned(),
            at: at(pushed_at),
        });
        assert_eq!(done == overtaken, refused, "{repository} {pushed_at}");
        assert_eq!(refused, state.current == before && state.waiting.is_empty());
    }
}

#[test]
fn an_older_image_is_deployed_and_pushes_from_before_the_command_are_not() {
    let mut state = TargetState::default();
    let _ = receive(
        &mut state,
        &any(),
        at(0),
        &push("v2", 'b', 40),
        None,
        at(41),
    );
    let order = deploy(WantedImage::Digest(digest('c')));
    let Performed::Done(superseded) = give(&mut state, &any(), "r", order) else {
        panic!()
    };
    assert_eq!(superseded.len(), 1);
    let asked_for = &state.waiting[0].push;
    assert_eq!(
        (&asked_for.digest, asked_for.tagged_at),
        (&digest('c'), at(50))
    );
    assert_eq!(asked_for.source, PushSource::Operator);
    let late = receive(
        &mut state,
        &any(),
        at(0),
        &push("v1", 'a', 45),
        None,
        at(61),
    );
    assert!(
        matches!(late, Intake::Ignored(Ignored::Older { .. })),
        "{late:?}"
    );
    let newer = receive(
        &mut state,
        &any(),
        at(0),
        &push("v3", 'e', 51),
        None,
        at(61),
    );
    assert!(matches!(newer, Intake::Accepted(_)), "{newer:?}");
}

#[test]
fn a_tag_means_what_it_points_at_and_a_target_with_one_tag_gets_that_image() {
    let one_tag = policy(r#"{ "glob": ["prod"] }"#);
    let mut state = TargetState::default();
    let order = deploy(WantedImage::Tag("v7".to_owned()));
    assert_eq!(
        give(&mut state, &one_tag, "r", order.clone()),
        Performed::Done(Vec::new())
    );
    assert_eq!(state.waiting[0].push.digest, digest('d'));
    let again = give(&mut state, &one_tag, "s", order);
    let rollout = state.waiting[0].id.clone();
    assert_eq!(
        again,
        Performed::Refused(Refusal::SameImageUnderWay { rollout })
    );
}

#[test]
fn a_version_that_was_pushed_stays_the_highest_one() {
    let versions = policy(r#"{ "semver": "*" }"#);
    let mut state = TargetState::default();
    let bad = push("1.2.0", 'b', 40);
    let _ = receive(&mut state, &versions, at(0), &bad, None, at(41));
    state.waiting.clear();
    let order = deploy(WantedImage::Tag("1.0.0".to_owned()));
    let _ = give(&mut state, &versions, "r", order);
    let told_again = receive(&mut state, &versions, at(0), &bad, None, at(61));
    assert_eq!(told_again, Intake::Ignored(Ignored::Repeat));
}

#[test]
fn an_image_that_is_kept_out_needs_its_release_first() {
    let mut state = under_way(progressing());
    state.current = None;
    state.quarantine.insert(digest('d'), quarantined());
    let order = || deploy(WantedImage::Tag("v1".to_owned()));
    let refused = give(&mut state, &any(), "a", order());
    assert!(
        matches!(&refused, Performed::Refused(refusal) if refusal.as_str() == "quarantined"),
        "{refused:?}"
    );
    assert!(state.waiting.is_empty());
    let release = Order::Release {
        digest: digest('d'),
    };
    let done = Performed::Done(Vec::new());
    assert_eq!(give(&mut state, &any(), "b", release.clone()), done);
    assert_eq!(give(&mut state, &any(), "c", order()), done);
    let nothing_left = Refusal::NotQuarantined {
        digest: digest('d'),
        quarantined: Vec::new(),
    };
    assert_eq!(
        give(&mut state, &any(), "d", release),
        Performed::Refused(nothing_left)
    );
}

#[test]
fn a_command_that_comes_twice_is_carried_out_once() {
    let mut state = TargetState::default();
    let hold = |reason: &str| Order::Hold {
        reason: reason.to_owned(),
    };
    let done = Performed::Done(Vec::new());
    assert_eq!(give(&mut state, &any(), "a", hold("one")), done);
    assert_eq!(give(&mut state, &any(), "b", Order::Resume), done);
    assert_eq!(
        give(&mut state, &any(), "a", hold("one")),
        Performed::Repeat
    );
    assert_eq!(state.held, None);
    assert_eq!(
        give(&mut state, &any(), "c", Order::Resume),
        Performed::Refused(Refusal::NotHeld)
    );
    let handled: Vec<_> = state
        .commands
        .iter()
        .map(|one| (one.request_id.as_str(), one.refused.is_some()))
        .collect();
    assert_eq!(handled, [("a", false), ("b", false), ("c", true)]);
    for number in 0..30 {
        let _ = give(&mut state, &any(), &format!("n{number}"), Order::Resume);
    }
    assert_eq!(state.commands.len(), COMMANDS_KEPT);
}

#[test]
fn a_rollback_turns_what_runs_and_withdraws_what_does_not() {
    let waiting = Phase::Requested {
        waiting: Waiting::FirstLook,
        hindered_since: None,
    };
    let mut state = under_way(waiting.clone());
    let Performed::Done(ended) = give(&mut state, &any(), "r", Order::Rollback) else {
        panic!()
    };
    assert_eq!(ended[0].phase.as_str(), "superseded");
    assert_eq!((state.current, state.roll_back), (None, None));

    for phase in [starting(), progressing()] {
        let mut state = under_way(phase);
        state.waiting.push(rollout(waiting.clone()));
        let Performed::Done(ended) = give(&mut state, &any(), "r", Order::Rollback) else {
            panic!()
        };
        assert_eq!((ended.len(), state.waiting.len()), (1, 0));
        let current = state.current.clone().unwrap();
        let turned = turn_back(&state, &current, at(70));
        match (&current.phase, turned) {
            (Phase::Starting { .. }, None) => {}
            (Phase::Progressing { .. }, Some(turned)) => {
                assert_eq!(turned.back().unwrap().to, "web:1");
                assert_eq!(turned.failure(), Some(&Failure::AskedByOperator));
            }
            (phase, turned) => panic!("{phase:?} {turned:?}"),
        }
    }
    assert_eq!(
        turn_back(&under_way(progressing()), &rollout(progressing()), at(70)),
        None,
        "nobody asked"
    );
}

/// A change set was made or executed at 60.
fn through_stack() -> Phase {
    let mut phase = starting();
    phase.start_mut().unwrap().stack = Some(StackStart {
        change_set: "ours".to_owned(),
        follows: None,
        kept: Vec::new(),
        capabilities: Vec::new(),
        approval: Some(Approval::ask(None, "ours", Vec::new(), at(20))),
        cancelled_at: None,
        done: false,
    });
    if let Phase::Starting {
        update_intended_at, ..
    } = &mut phase
    {
        *update_intended_at = Some(at(60));
    }
    phase
}

/// What becomes of a decision about a rollout that a person takes back.
fn withdrawn(actions: Vec<Action>, next: Next, seconds: i64) -> Decision {
    let gated = Gate {
        hold: None,
        withdrawn_by: Some("r"),
    };
    let decision = Decision {
        phase: through_stack(),
        actions,
        next,
    };
    gate(gated, &rollout(through_stack()), decision, at(seconds))
}

/// Nothing was changed yet, and waiting for a person is over.
#[test]
fn a_change_set_that_waits_for_approval_is_withdrawn() {
    let approval = || Waiting::Approval {
        change_set: "ours".to_owned(),
    };
    let ended = withdrawn(Vec::new(), Next::Wait(at(90), approval()), 61);
    let by = SupersededBy::Operator {
        request_id: "r".to_owned(),
    };
    assert_eq!(ended.phase, Phase::Superseded { by });
    assert_eq!(ended.next, Next::Over);
}

/// Whoever was asked may have executed it: the update is taken back once the service shows it.
#[test]
fn an_update_that_began_is_not_withdrawn_but_taken_back() {
    let state = asked(through_stack());
    assert_eq!(turn_back(&state, &rollout(through_stack()), at(70)), None);
    let goes_on = withdrawn(Vec::new(), Next::Wait(at(90), Waiting::StackUpdate), 61);
    assert_eq!(goes_on.phase, through_stack());
    let cancels = withdrawn(vec![Action::CancelUpdateStack], Next::Now, 61);
    assert_eq!(cancels.actions, [Action::CancelUpdateStack]);

    let execute = || vec![Action::ExecuteChangeSet("ours".to_owned())];
    let may_be_executed = withdrawn(execute(), Next::Now, 89);
    assert_eq!(may_be_executed.phase, through_stack());
    assert_eq!(may_be_executed.actions, []);
    assert_eq!(
        may_be_executed.next,
        Next::Wait(at(90), Waiting::ReadLag),
        "it would show by then"
    );
    let surely_not = withdrawn(execute(), Next::Now, 90);
    assert_eq!(surely_not.phase.as_str(), "superseded");
}

#[test]
fn a_rollback_that_cannot_be_is_refused() {
    let refused = |state: &mut TargetState| match give(state, &any(), "r", Order::Rollback) {
        Performed::Refused(refusal) => refusal.as_str(),
        done => panic!("{done:?}"),
    };
    let mut idle = TargetState {
        current: None,
        ..under_way(progressing())
    };
    assert_eq!(refused(&mut idle), "nothing-under-way");
    let mut unproven = TargetState {
        last_known_good: None,
        ..under_way(progressing())
    };
    assert_eq!(refused(&mut unproven), "nothing-to-go-back-to");
    assert_eq!(refused(&mut under_way(rolling_back())), "rolling-back");
}

#[test]
fn what_is_being_taken_back_is_not_released_yet() {
    let mut state = under_way(rolling_back());
    state.quarantine.insert(digest('a'), quarantined());
    let release = Order::Release {
        digest: digest('a'),
    };
    let refused = give(&mut state, &any(), "r", release);
    assert!(
        matches!(&refused, Performed::Refused(Refusal::RollingBack { .. })),
        "{refused:?}"
    );
}

#[test]
fn several_repositories_have_to_be_told_apart() {
    let mut two = any();
    let side = FollowedImage {
        repository: "side".to_owned(),
        ..two.images[0].clone()
    };
    two.images.push(side);
    let order = |repository: Option<&str>| Order::Deploy {
        repository: repository.map(str::to_owned),
        image: WantedImage::Digest(digest('c')),
    };
    let state = TargetState::default();
    let refused = |policy, order| {
        check(&state, policy, &order).map_err(|refusal| refusal.as_str().to_owned())
    };
    assert_eq!(
        refused(Some(&two), order(None)).unwrap_err(),
        "repository-needed"
    );
    assert_eq!(
        refused(Some(&two), order(Some("x"))).unwrap_err(),
        "not-followed"
    );
    assert_eq!(refused(None, order(None)).unwrap_err(), "not-configured");
    assert_eq!(refused(Some(&two), order(Some("side"))), Ok(()));
}

fn acting(phase: Phase) -> Decision {
    Decision {
        phase,
        actions: vec![Action::Register(json!({})), Action::UpdateService(None)],
        next: Next::Now,
    }
}

#[test]
fn under_a_hold_nothing_is_done_and_no_deadline_runs() {
    let hold = Hold {
        reason: "freeze".to_owned(),
        since: at(0),
    };
    let held = Gate {
        hold: Some(&hold),
        withdrawn_by: None,
    };
    let requested = Phase::Requested {
        waiting: Waiting::FirstLook,
        hindered_since: Some(at(1)),
    };
    for before in [requested, starting(), rolling_back()] {
        let decision = acting(starting());
        let free = gate(
            Gate::default(),
            &rollout(before.clone()),
            decision.clone(),
            at(90),
        );
        assert_eq!(free, decision);
        let kept = gate(held, &rollout(before.clone()), decision, at(90));
        assert!(kept.actions.is_empty());
        assert_eq!(kept.phase.as_str(), before.as_str());
        let Next::Wait(until, Waiting::Held { reason }) = kept.next else {
            panic!()
        };
        assert_eq!((until, reason.as_str()), (at(120), "freeze"));
        match kept.phase {
            Phase::Requested { hindered_since, .. } => assert_eq!(hindered_since, None),
            Phase::Starting { start, .. } => assert_eq!(start.at, at(90)),
            Phase::RollingBack { back, .. } => assert_eq!(back.began_at, at(90)),
            phase => panic!("{phase:?}"),
        }
    }
    let seen = Decision {
        actions: Vec::new(),
        ..acting(progressing())
    };
    assert_eq!(gate(held, &rollout(starting()), seen.clone(), at(90)), seen);
}

#[test]
fn a_withdrawn_rollout_is_not_asked_for_again() {
    let gated = |phase: Phase| {
        let withdrawn = Gate {
            hold: None,
            withdrawn_by: Some("r"),
        };
        gate(withdrawn, &rollout(phase), acting(starting()), at(90))
    };
    assert_eq!(gated(starting()).phase.as_str(), "superseded");
    assert!(!gated(rolling_back()).actions.is_empty(), "the way back is");
}
