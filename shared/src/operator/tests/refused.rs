//! Each error that is documented can be met, and nothing is queued then.

use std::collections::BTreeSet;

use super::*;
use crate::core::hold::Hold;
use crate::core::name::RolloutId;
use crate::core::operate::{Performed, Refusal, perform, turn_back};
use crate::core::reason::Rejected;
use crate::core::state::Quarantined;
use crate::ledger::RegistrationStatus;
use crate::target::Mistake;

const DOCUMENTATION: &str = include_str!("../../../../docs/operator.md");

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(super) fn idle() -> TargetState {
    TargetState::default()
}

/// A state that was stored with its rollout in a phase; there is one to go back to.
pub(super) fn in_phase(phase: &str) -> TargetState {
    let states: Vec<TargetState> = stored_states();
    let mut states = states.into_iter();
    let is_wanted = |state: &TargetState| {
        state
            .current
            .as_ref()
            .is_some_and(|one| one.phase.as_str() == phase)
    };
    states.find(is_wanted).unwrap()
}

fn without_good(state: TargetState) -> TargetState {
    TargetState {
        last_known_good: None,
        ..state
    }
}

/// One whose image is on its way back.
pub(super) fn rolling_back() -> TargetState {
    let mut state = in_phase("progressing");
    let command = OperatorCommand {
        request_id: "before".to_owned(),
        at: at(0),
        order: Order::Rollback,
    };
    let performed = perform(&mut state, None, &command, None, at(0));
    assert_eq!(performed, Performed::Done(Vec::new()));
    let mut current = state.current.clone().unwrap();
    current.phase = turn_back(&state, &current, at(0)).unwrap();
    state.current = Some(current);
    state
}

pub(super) fn quarantining(digest: ImageDigest) -> TargetState {
    let mut state = idle();
    let quarantined = Quarantined {
        rollout: RolloutId::new(at(0), &["bad"]),
        at: at(0),
        failure: "tasks-fail".to_owned(),
    };
    state.quarantine.insert(digest, quarantined);
    state
}

fn current_digest() -> ImageDigest {
    let current = in_phase("progressing").current.unwrap();
    current.digest().clone()
}

/// A target with a broken parameter.
fn misconfigured() -> Installation {
    let mut installation = Installation::new(idle());
    let entry = installation.entries.get_mut(&target()).unwrap();
    let mistakes = vec![Mistake::new("line 1", "it is no JSON", "Mend it.")];
    entry.registration.as_mut().unwrap().status = RegistrationStatus::Invalid { mistakes };
    installation
}

pub(super) fn cases() -> Vec<(Installation, Value, &'static str)> {
    let with = Installation::new;
    let deploy = |more: Value| {
        let mut command = json!({ "command": "deploy", "target": "web", "repository": "team/web" });
        let more = more.as_object().cloned().unwrap();
        command.as_object_mut().unwrap().extend(more);
        command
    };
    let plain = |name: &str| json!({ "command": name, "target": "web" });
    let release =
        |digest: ImageDigest| json!({ "command": "release", "target": "web", "digest": digest });
    let stranger = |name: &str| json!({ "command": name, "target": "other" });
    let mut unnamed = deploy(json!({ "tag": "v1" }));
    unnamed.as_object_mut().unwrap().remove("repository");
    vec![
        (
            with(idle()),
            json!({ "command": "hold", "target": "web", "why": "?" }),
            "invalid-command",
        ),
        (with(idle()), stranger("status"), "unknown-target"),
        (with(idle()), stranger("history"), "unknown-target"),
        (with(idle()), stranger("show"), "unknown-target"),
        (with(idle()), stranger("explain"), "unknown-target"),
        (with(idle()), stranger("rollback"), "unknown-target"),
        (with(idle()), stranger("resume"), "unknown-target"),
        (
            with(idle()),
            json!({ "command": "show", "target": "web", "rollout": "20200101T000000Z-00000000" }),
            "unknown-rollout",
        ),
        (
            misconfigured(),
            deploy(json!({ "tag": "v1" })),
            "not-configured",
        ),
        (
            with(idle()),
            deploy(json!({ "tag": "v1", "repository": "team/x" })),
            "not-followed",
        ),
        (with(idle()), unnamed, "repository-needed"),
        (
            with(in_phase("progressing")),
            deploy(json!({ "digest": current_digest() })),
            "same-image-under-way",
        ),
        (
            with(quarantining(digest())),
            deploy(json!({ "digest": digest() })),
            "quarantined",
        ),
        (with(idle()), plain("rollback"), "nothing-under-way"),
        (
            with(without_good(in_phase("baking"))),
            plain("rollback"),
            "nothing-to-go-back-to",
        ),
        (with(rolling_back()), plain("rollback"), "rolling-back"),
        (
            with(rolling_back()),
            release(current_digest()),
            "rolling-back",
        ),
        (
            with(quarantining(digest())),
            release(current_digest()),
            "not-quarantined",
        ),
        (with(idle()), plain("resume"), "not-held"),
    ]
}

#[test]
fn each_is_told_with_its_code_and_what_to_do_and_nothing_is_queued() {
    for (installation, command, code) in cases() {
        let answered = installation.answer(command.clone());
        assert_eq!(answered["error"]["code"], code, "{command}: {answered}");
        let message = answered["error"]["message"].as_str().unwrap();
        assert!(message.len() > 30, "it says too little: {message}");
        assert_eq!(installation.sent.borrow().len(), 0, "{command}");
    }
}

/// What a code is documented for, or is not: only `rollout` meets it.
fn met_by_rollout_alone(rejected: &Rejected) -> bool {
    match rejected {
        Rejected::ImageMissing
        | Rejected::ImageArchived
        | Rejected::RepositoryMissing { .. }
        | Rejected::AwsUnavailable { .. } => true,
        Rejected::Quarantined { .. } => false,
        other => panic!("no command is refused so: {other:?}"),
    }
}

/// Each refusal there is.
fn refusals() -> Vec<Refusal> {
    let rollout = RolloutId::new(at(0), &["one"]);
    let text = || "text".to_owned();
    let deployable = [
        Rejected::ImageMissing,
        Rejected::ImageArchived,
        Rejected::RepositoryMissing { repository: text() },
        Rejected::AwsUnavailable { trouble: text() },
        Rejected::Quarantined {
            digest: digest(),
            rollout: rollout.clone(),
            at: at(0),
            failure: "alarm-fired".to_owned(),
        },
    ];
    let mut all: Vec<Refusal> = deployable
        .into_iter()
        .map(|reason| Refusal::NotDeployable { reason })
        .collect();
    // A new refusal does not compile until it stands here.
    let next = |refusal: &Refusal| match refusal {
        Refusal::NotDeployable { .. } => Some(Refusal::NotConfigured),
        Refusal::NotConfigured => Some(Refusal::NotFollowed {
            repository: text(),
            followed: vec![text()],
        }),
        Refusal::NotFollowed { .. } => Some(Refusal::RepositoryNeeded {
            followed: vec![text()],
        }),
        Refusal::RepositoryNeeded { .. } => Some(Refusal::SameImageUnderWay {
            rollout: rollout.clone(),
        }),
        Refusal::SameImageUnderWay { .. } => Some(Refusal::NothingUnderWay { good: None }),
        Refusal::NothingUnderWay { .. } => Some(Refusal::NothingToGoBackTo {
            rollout: rollout.clone(),
        }),
        Refusal::NothingToGoBackTo { .. } => Some(Refusal::RollingBack {
            rollout: rollout.clone(),
        }),
        Refusal::RollingBack { .. } => Some(Refusal::NotQuarantined {
            digest: digest(),
            quarantined: Vec::new(),
        }),
        Refusal::NotQuarantined { .. } => Some(Refusal::Overtaken {
            tag: text(),
            at: at(0),
        }),
        Refusal::Overtaken { .. } => Some(Refusal::NotHeld),
        Refusal::NotHeld => None,
    };
    while let Some(refusal) = all.last().and_then(next) {
        all.push(refusal);
    }
    all
}

#[test]
fn each_refusal_is_documented_and_met_here_or_where_a_turn_comes() {
    let met: BTreeSet<&str> = cases().into_iter().map(|(_, _, code)| code).collect();
    for refusal in refusals() {
        let code = refusal.as_str();
        assert!(
            DOCUMENTATION.contains(&format!("`{code}`")),
            "{code} is not documented"
        );
        let elsewhere = match &refusal {
            Refusal::NotDeployable { reason } => met_by_rollout_alone(reason),
            // Only a message that was hours on its way.
            Refusal::Overtaken { .. } => true,
            _ => false,
        };
        assert!(elsewhere || met.contains(code), "{code} is not met");
    }
    for code in met {
        assert!(
            DOCUMENTATION.contains(&format!("`{code}`")),
            "{code} is not documented"
        );
    }
}

#[test]
fn a_target_that_was_removed_still_shows_its_past_and_takes_no_deployment() {
    let mut installation = Installation::new(idle());
    let entry = installation.entries.get_mut(&target()).unwrap();
    entry.registration.as_mut().unwrap().status = RegistrationStatus::Removed;
    let history = installation.answer(json!({ "command": "history", "target": "web" }));
    assert_ne!(history["rollouts"], json!([]));
    let status = installation.answer(json!({ "command": "status", "target": "web" }));
    assert_eq!(status["standing"]["is"], "removed");
    let deploy = json!({ "command": "deploy", "target": "web", "tag": "v1" });
    assert_eq!(
        installation.answer(deploy)["error"]["code"],
        "not-configured"
    );
}

#[test]
fn both_holds_are_told_and_the_one_for_everything_first() {
    let hold = |reason: &str| {
        Some(Hold {
            reason: reason.to_owned(),
            since: at(0),
        })
    };
    let mut installation = Installation::new(TargetState {
        held: hold("maintenance"),
        ..idle()
    });
    let one = installation.answer(json!({ "command": "status", "target": "web" }));
    assert_eq!(
        (&one["hold"]["by"], &one["hold"]["reason"]),
        (&json!("command"), &json!("maintenance"))
    );
    installation.entries.get_mut(&target()).unwrap().hold = hold("incident");
    let both = installation.answer(json!({ "command": "status", "target": "web" }));
    assert_eq!(
        (&both["hold"]["by"], &both["hold"]["reason"]),
        (&json!("parameter"), &json!("incident"))
    );
    let explained = installation.answer(json!({ "command": "explain", "target": "web" }));
    let because = &explained["because"];
    assert!(
        because[0].as_str().unwrap().contains("incident"),
        "{because}"
    );
    assert!(
        because[1].as_str().unwrap().contains("maintenance"),
        "{because}"
    );
}
