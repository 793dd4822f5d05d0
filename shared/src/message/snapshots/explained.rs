//! Why nothing is happening, as `explain` answers it.

use super::every::{halted, waiting};
use super::*;
use crate::core::hold::Hold;
use crate::core::state::{GoodSource, HaltedTarget, LastKnownGood, Standing, TargetState, Wake};
use crate::ledger::{Registration, RegistrationStatus, TargetEntry};

fn registration(status: RegistrationStatus) -> Registration {
    Registration {
        target: target(),
        parameter_version: 3,
        parameter_changed_at: at("07:00:00"),
        registered_at: at("07:00:00"),
        status,
        claim: None,
        follows: Vec::new(),
        woken: true,
    }
}

fn mistake() -> Mistake {
    Mistake::new(
        "alarms[0]",
        "CloudWatch has no alarm `5xx`",
        "Correct the name, or create it.",
    )
}

fn adopted() -> TargetState {
    TargetState {
        standing: Standing::Adopted {
            service_created_at: at("07:00:00"),
            service_arn: "arn:aws:ecs:eu-west-1:123456789012:service/prod/backstage".to_owned(),
            given_up_deployment: None,
        },
        ..TargetState::default()
    }
}

fn with_current(phase: Phase, on: Waiting) -> TargetState {
    TargetState {
        current: Some(rollout(phase)),
        wake: Some(Wake {
            at: at("08:22:00"),
            waiting: on,
        }),
        ..adopted()
    }
}

fn halted_with(reason: Halted, since: Option<Timestamp>) -> TargetState {
    let good = LastKnownGood {
        service_arn: "arn:aws:ecs:eu-west-1:123456789012:service/prod/backstage".to_owned(),
        service_created_at: at("07:00:00"),
        task_definition: revision(42),
        images: BTreeMap::new(),
        by_tag: false,
        source: GoodSource::Adopted,
        at: at("07:10:00"),
    };
    let none_good = matches!(reason, Halted::NothingToGoBackTo { .. });
    let News::Rollout(news) = started(Phase::Halted { reason }).news else {
        panic!()
    };
    TargetState {
        halted: Some(HaltedTarget {
            news,
            repeat_at: at("09:21:03"),
            since,
        }),
        last_known_good: (!none_good).then_some(good),
        wake: Some(Wake {
            at: at("09:21:03"),
            waiting: Waiting::Person,
        }),
        ..adopted()
    }
}

fn hold(reason: &str) -> Option<Hold> {
    Some(Hold {
        reason: reason.to_owned(),
        since: at("08:00:00"),
    })
}

/// One target to be explained; a valid one that nothing holds unless it says otherwise.
struct Case {
    title: &'static str,
    status: RegistrationStatus,
    entry: TargetEntry,
    last: Option<Rollout>,
}

impl Case {
    fn new(title: &'static str, state: TargetState) -> Self {
        let policy = rollout(live()).policy;
        Self {
            title,
            status: RegistrationStatus::Valid { policy },
            entry: TargetEntry {
                state: state.into(),
                ..TargetEntry::default()
            },
            last: None,
        }
    }

    fn registered(self, status: RegistrationStatus) -> Self {
        Self { status, ..self }
    }

    fn after(self, last: Phase) -> Self {
        Self {
            last: Some(rollout(last)),
            ..self
        }
    }

    fn held(mut self) -> Self {
        self.entry.hold = hold("incident 4711");
        self
    }
}

fn live() -> Phase {
    Phase::Succeeded {
        revision: revision(43),
    }
}

/// Shows what is said of each case under its title.
fn said(cases: Vec<Case>) -> String {
    let cases = cases.into_iter().map(|case| {
        let registration = registration(case.status);
        let (entry, last) = (&case.entry, case.last.as_ref());
        let because = crate::message::explanation(&registration, entry, last, &surroundings());
        assert!(!because.is_empty(), "{}", case.title);
        format!("=== {}\n- {}", case.title, because.join("\n- "))
    });
    cases.collect::<Vec<String>>().join("\n")
}

#[test]
fn why_nothing_is_happening_to_a_target() {
    let first = Phase::Requested {
        waiting: Waiting::Adoption,
        hindered_since: None,
    };
    let pending = TargetState {
        waiting: vec![rollout(first)],
        wake: Some(Wake {
            at: at("08:22:00"),
            waiting: Waiting::ServiceBusy,
        }),
        ..TargetState::default()
    };
    let unfit = Standing::Invalid {
        mistakes: vec![mistake()],
    };
    let unfit = TargetState {
        standing: unfit,
        ..adopted()
    };
    let invalid = RegistrationStatus::Invalid {
        mistakes: vec![mistake()],
    };
    let held = hold("database maintenance until noon");
    let held = TargetState { held, ..adopted() };
    let removed = Case::new("the parameter is gone", TargetState::default());
    let cases = vec![
        removed
            .registered(RegistrationStatus::Removed)
            .after(live()),
        Case::new("the parameter has a mistake", adopted()).registered(invalid),
        Case::new("the target cannot be deployed to", unfit),
        Case::new("not adopted yet", pending),
        Case::new("nothing came yet", adopted()),
        Case::new("held twice", held).held().after(live()),
    ];
    snapshot!("explained_target", said(cases));
}

#[test]
fn how_the_last_rollout_ended() {
    let back = Phase::RolledBack {
        failure: alarms(),
        by: RolledBackBy::Pushboat,
        revision: revision(42),
    };
    let theirs = SupersededBy::SomebodyElse {
        task_definition: revision(44),
    };
    let cases = vec![
        Case::new("all is well", adopted()).after(live()),
        Case::new("it was refused", adopted()).after(Phase::Rejected {
            reason: Rejected::ImageMissing,
        }),
        Case::new("it was taken back", adopted()).after(back),
        Case::new("somebody else took over", adopted()).after(Phase::Superseded { by: theirs }),
    ];
    snapshot!("explained_last", said(cases));
}

#[test]
fn what_a_rollout_that_has_not_started_waits_for() {
    let cases = waiting().into_iter().map(|on| {
        let phase = Phase::Requested {
            waiting: on.clone(),
            hindered_since: None,
        };
        let case = Case::new(on.as_str(), with_current(phase, on.clone()));
        match on {
            Waiting::Held { .. } => case.held(),
            _ => case,
        }
    });
    snapshot!("explained_waiting", said(cases.collect()));
}

#[test]
fn how_far_a_rollout_is() {
    let News::Rollout(back) = rolling_back(tasks_fail(), Way::Unasked).news else {
        panic!()
    };
    let starting = Phase::Starting {
        start: start(),
        revision: None,
        update_intended_at: Some(at("08:15:14")),
    };
    let progressing = Phase::Progressing {
        start: start(),
        running: running(),
    };
    let baking = Phase::Baking {
        start: start(),
        running: running(),
        until: at("08:26:03"),
        missing_tasks_since: None,
    };
    let mut behind = with_current(progressing, Waiting::Deployment);
    let behind_it = Waiting::Turn {
        behind: rollout(live()).id,
    };
    behind.waiting.push(rollout(Phase::Requested {
        waiting: behind_it,
        hindered_since: None,
    }));
    let cases = vec![
        Case::new("starting", with_current(starting, Waiting::ReadLag)),
        Case::new("progressing, with a newer one behind", behind),
        Case::new("baking", with_current(baking, Waiting::BakeTime)),
        Case::new(
            "on its way back",
            with_current(back.rollout.phase, Waiting::WayBack),
        ),
    ];
    snapshot!("explained_rollout", said(cases));
}

#[test]
fn why_a_person_is_waited_for() {
    let mut cases: Vec<Case> = halted()
        .into_iter()
        .map(|reason| {
            Case::new(
                reason.as_str(),
                halted_with(reason.clone(), Some(at("08:21:03"))),
            )
        })
        .collect();
    let older = halted_with(Halted::WayBackTooLong { failure: alarms() }, None);
    cases.push(Case::new("halted under an older release", older));
    snapshot!("explained_halted", said(cases));
}
